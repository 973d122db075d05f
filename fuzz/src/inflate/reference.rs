//! The literal receiver of compressed messages: another's inflater, and every verdict where the RFCs or the limits have
//! it.
//!
//! What is delivered before a fault, and which of two faults in one message is the one, depends on the delivery: so
//! there is an expectation for each.
//!
//! Not here: headers, masks, pieces.

use super::super::other_inflater::{self, Stream};
use super::super::utf8::first_fault;
use super::script::{Message, Script};
use super::{Frame, Heard, Outcome};
use sockeye::proto::{Delivery, MessageKind, Violation};

/// What should come of a script.
#[derive(Debug)]
pub(super) struct Expected {
    outcome: Outcome,
    corrupt: Option<Corrupt>,
}

/// A message that is no DEFLATE. Which of its frames shows it depends on how early a library looks at the codes of a
/// block, so where frames are delivered, it is enough that nothing else is.
#[derive(Debug)]
struct Corrupt {
    /// How much was heard before this message.
    before: usize,
    /// What comes out before the fault.
    out: Vec<u8>,
    /// What may be found sooner, if anything.
    other_fault: Option<Violation>,
}

impl Expected {
    pub(super) fn is_met_by(&self, outcome: &Outcome) -> bool {
        let Some(corrupt) = self.corrupt.as_ref().filter(|_| *outcome != self.outcome) else {
            return *outcome == self.outcome;
        };
        let (before, expected) = (corrupt.before, &self.outcome.heard);
        let faults = [Some(Violation::InvalidDeflate), corrupt.other_fault];
        if outcome.heard.len() < before || !faults.contains(&outcome.error) {
            return false;
        }
        let (heard, rest) = outcome.heard.split_at(before);
        let mut said = Vec::new();
        for heard in rest {
            match heard {
                Heard::Frame(frame) if !frame.ends_message => said.extend_from_slice(&frame.data),
                Heard::Ping => {}
                Heard::Frame(_) | Heard::Message(..) => return false,
            }
        }
        *heard == expected[..before] && corrupt.out.starts_with(&said)
    }
}

pub(super) fn act_out(script: &Script, delivery: Delivery) -> Expected {
    let direction = script.direction();
    let mut endpoint = Endpoint {
        delivery,
        max: usize::try_from(script.max_message).expect("the script's are small"),
        history: Vec::new(),
        expected: Expected {
            outcome: Outcome::default(),
            corrupt: None,
        },
    };
    for message in &script.messages {
        let result = if message.compressed {
            endpoint.compressed(message)
        } else {
            endpoint.plain(message)
        };
        match result {
            Ok(said) if direction.context_takeover() => {
                // Who was promised 8 bits keeps 9: many senders cannot do less.
                let bits = direction.window_bits().max(9);
                other_inflater::keep(&mut endpoint.history, &said, bits);
            }
            Ok(_) => {}
            Err(violation) => {
                endpoint.expected.outcome.error = Some(violation);
                break;
            }
        }
    }
    endpoint.expected
}

struct Endpoint {
    delivery: Delivery,
    max: usize,
    /// What the next message may refer to.
    history: Vec<u8>,
    expected: Expected,
}

impl Endpoint {
    /// A message that means what it says.
    fn plain(&mut self, message: &Message) -> Result<Vec<u8>, Violation> {
        let mut size = 0;
        for (index, payload) in message.frames.iter().enumerate() {
            size += payload.len();
            if size > self.max {
                return Err(Violation::MessageTooBig);
            }
            self.frame(message, index, payload);
        }
        // No later message refers to it (RFC 7692 section 7.2.1).
        Ok(Vec::new())
    }

    /// A compressed one. Gives what it says.
    fn compressed(&mut self, message: &Message) -> Result<Vec<u8>, Violation> {
        let inflated = Inflated::of(message, &self.history, self.max);
        let mut size = 0;
        if self.delivery != Delivery::Messages && inflated.fault == Some(Violation::InvalidDeflate)
        {
            self.corrupt(message, &inflated);
        }
        for (index, payload) in message.frames.iter().enumerate() {
            size += payload.len();
            if size > self.allowed(index) {
                return Err(Violation::MessageTooBig);
            }
            if self.delivery != Delivery::Messages {
                self.compressed_frame(message, index, &inflated)?;
            } else if index + 1 == message.frames.len() {
                inflated.judge()?;
                let said = inflated.out.clone();
                self.hear(Heard::Message(message.kind, said));
            }
            self.ping(message);
        }
        Ok(inflated.out)
    }

    /// What no limit on the message can do without: data that does not get smaller gets a little larger.
    fn allowed(&self, frames_before: usize) -> usize {
        self.max + self.max / 128 + 64 + 16 * frames_before
    }

    fn corrupt(&mut self, message: &Message, inflated: &Inflated) {
        let other_fault = if inflated.bad_text.is_some() {
            Some(Violation::InvalidUtf8)
        } else if message.frames.concat().len() > self.allowed(message.frames.len() - 1) {
            Some(Violation::MessageTooBig)
        } else {
            None
        };
        self.expected.corrupt = Some(Corrupt {
            before: self.expected.outcome.heard.len(),
            out: inflated.out.clone(),
            other_fault,
        });
    }

    /// A frame, or what is good of it.
    fn compressed_frame(
        &mut self,
        message: &Message,
        index: usize,
        inflated: &Inflated,
    ) -> Result<(), Violation> {
        let last = index + 1 == message.frames.len();
        let from = index
            .checked_sub(1)
            .map_or(0, |before| inflated.ends[before]);
        let whole = inflated.ends.get(index).copied();
        let to = whole.unwrap_or(inflated.out.len());
        let bad_text = inflated.bad_text.filter(|at| *at < to);
        let chunks = self.delivery == Delivery::Chunks;
        let fault = match bad_text {
            Some(_) => Some(Violation::InvalidUtf8),
            _ if whole.is_none() => inflated.fault,
            _ if last => inflated.fault_at_the_end(),
            _ => None,
        };
        let good = &inflated.out[from..bad_text.unwrap_or(to)];
        let Some(fault) = fault else {
            self.part(message, index, good, true);
            return Ok(());
        };
        if chunks && !good.is_empty() {
            self.part(message, index, good, false);
        }
        Err(fault)
    }

    /// A frame of an uncompressed message.
    fn frame(&mut self, message: &Message, index: usize, payload: &[u8]) {
        if self.delivery != Delivery::Messages {
            self.part(message, index, payload, true);
        } else if index + 1 == message.frames.len() {
            let whole = message.frames.concat();
            self.hear(Heard::Message(message.kind, whole));
        }
        self.ping(message);
    }

    fn part(&mut self, message: &Message, index: usize, data: &[u8], ends: bool) {
        self.hear(Heard::Frame(Frame {
            kind: message.kind,
            data: data.to_vec(),
            len: message.frames[index].len() as u64,
            starts_message: index == 0,
            ends_frame: ends,
            ends_message: ends && index + 1 == message.frames.len(),
        }));
    }

    fn hear(&mut self, heard: Heard) {
        self.expected.outcome.heard.push(heard);
    }

    fn ping(&mut self, message: &Message) {
        if message.ping {
            self.hear(Heard::Ping);
        }
    }
}

/// What a message's payload comes to.
struct Inflated {
    out: Vec<u8>,
    /// How much of it each frame had brought, up to a fault.
    ends: Vec<usize>,
    fault: Option<Violation>,
    /// The first byte that no text can have there.
    bad_text: Option<usize>,
    /// A text that ends in the middle of a character.
    is_cut_off: bool,
}

impl Inflated {
    fn of(message: &Message, history: &[u8], max: usize) -> Self {
        let mut stream = Stream::new(history, max);
        let (mut ends, mut fault) = (Vec::new(), None);
        for payload in &message.frames {
            match stream.feed(payload) {
                Ok(()) => ends.push(stream.out().len()),
                Err(violation) => {
                    fault = Some(violation);
                    break;
                }
            }
        }
        let out = stream.out()[..stream.out().len().min(max)].to_vec();
        let empty = message.frames.iter().all(Vec::is_empty);
        if fault.is_none() && !empty && !stream.may_end() {
            fault = Some(Violation::InvalidDeflate);
        }
        let is_text = message.kind == MessageKind::Text;
        let bad_text = first_fault(&out).filter(|_| is_text);
        Self {
            bad_text,
            is_cut_off: is_text && bad_text.is_none() && std::str::from_utf8(&out).is_err(),
            out,
            ends,
            fault,
        }
    }

    /// A message that is delivered whole: what is wrong with its text comes before what is wrong behind that.
    fn judge(&self) -> Result<(), Violation> {
        if self.bad_text.is_some() {
            return Err(Violation::InvalidUtf8);
        }
        self.fault_at_the_end().map_or(Ok(()), Err)
    }

    fn fault_at_the_end(&self) -> Option<Violation> {
        match self.fault {
            None if self.is_cut_off => Some(Violation::InvalidUtf8),
            fault => fault,
        }
    }
}
