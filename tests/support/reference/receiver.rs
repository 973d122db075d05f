//! A connection that is told one byte at a time: every rule where the RFC has it, nothing kept but what was received.
//!
//! Not here: compressed messages (`compressed`); what we send by ourselves, of which only a Close matters to what is
//! received.

use super::frame::{self, Head, Literal};
use super::inflate::Stream;
use super::text::{self, Text};
use super::{Outcome, Part, Said};
use sockeye::proto::frame::Rules;
use sockeye::proto::{Delivery, Limits, MessageKind, Role, State, Violation};

/// What a connection was told beforehand.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Setup {
    pub(crate) role: Role,
    pub(crate) limits: Limits,
    pub(crate) delivery: Delivery,
    pub(crate) auto_pong: bool,
    pub(crate) compression: Option<Compression>,
}

/// What was agreed on for what arrives compressed.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Compression {
    pub(crate) takeover: bool,
    pub(crate) window_bits: u8,
}

/// The receiving side of a connection.
pub(crate) struct Receiver {
    pub(super) setup: Setup,
    /// What the caller takes for the time: what is heard is noted with it.
    pub(crate) now: usize,
    pub(crate) state: State,
    pub(crate) outcome: Outcome,
    /// What we say by ourselves: pongs and closes.
    pub(crate) said: Vec<Said>,
    /// The header so far.
    header: Vec<u8>,
    /// The header, once it is whole.
    head: Option<Head>,
    /// Payload bytes of this frame so far.
    got: u64,
    /// These bytes, unmasked, where they are kept.
    pub(super) payload: Vec<u8>,
    pub(super) message: Option<Message>,
    /// What the next compressed message may refer to.
    pub(super) history: Vec<u8>,
    /// When the frame began that is being read.
    pub(crate) frame_began: usize,
}

/// A message in progress.
pub(super) struct Message {
    pub(super) kind: MessageKind,
    pub(super) compressed: bool,
    /// Payload of the frames that have ended, where the message is delivered whole.
    pub(super) bytes: Vec<u8>,
    /// Payload bytes of the frames that have ended.
    pub(super) received: u64,
    /// Frames that have ended.
    pub(super) frames: u64,
    pub(super) text: Text,
    /// Where it is inflated as it arrives.
    pub(super) stream: Option<Stream>,
    /// Whether part of the frame that is being read has been heard.
    pub(super) frame_is_heard: bool,
}

impl Receiver {
    pub(crate) fn new(setup: Setup) -> Self {
        Self {
            setup,
            now: 0,
            state: State::Open,
            outcome: Outcome::default(),
            said: Vec::new(),
            header: Vec::new(),
            head: None,
            got: 0,
            payload: Vec::new(),
            message: None,
            history: Vec::new(),
            frame_began: 0,
        }
    }

    /// The next byte.
    pub(crate) fn arrive(&mut self, byte: u8) {
        if matches!(self.state, State::Closed | State::Failed) {
            return;
        }
        let result = match self.head {
            None => self.header_byte(byte),
            Some(head) => self.payload_byte(&head, byte),
        };
        self.is_answered(result);
    }

    /// Takes the bytes at the front that lie inside a data frame, before its last one, and says how many they were:
    /// as byte by byte, only sooner.
    pub(crate) fn arrive_inside(&mut self, bytes: &[u8]) -> usize {
        let delivered_whole = self.setup.delivery != Delivery::Chunks;
        let (Some(head), Some(message), State::Open) = (self.head, &mut self.message, self.state)
        else {
            return 0;
        };
        if head.is_control() || message.compressed || !delivered_whole {
            return 0;
        }
        let inside = usize::try_from(head.len - self.got - 1).unwrap_or(usize::MAX);
        let bytes = &bytes[..inside.min(bytes.len())];
        let plain = frame::mask(head.mask.unwrap_or_default(), self.got, bytes);
        self.got += bytes.len() as u64;
        let is_text = message.kind == MessageKind::Text;
        let goes_on = !is_text || plain.iter().all(|byte| message.text.goes_on(*byte));
        self.payload.extend(plain);
        self.is_answered(if goes_on {
            Ok(())
        } else {
            Err(Violation::InvalidUtf8)
        });
        bytes.len()
    }

    fn is_answered(&mut self, result: Result<(), Violation>) {
        if let Err(violation) = result {
            self.outcome.error = Some((self.now, violation));
            if self.state == State::Open {
                let code = violation.close_code().get();
                self.said
                    .push(Said::Close(Some(code), violation.text().into()));
            }
            self.state = State::Failed;
        }
    }

    /// We close. What arrives from now on is for nobody, but for the peer's Close.
    pub(crate) fn close(&mut self, code: u16, reason: &str) {
        if self.state == State::Open {
            self.said.push(Said::Close(Some(code), reason.into()));
            self.state = State::Closing;
        }
    }

    fn header_byte(&mut self, byte: u8) -> Result<(), Violation> {
        if self.header.is_empty() {
            self.frame_began = self.now;
        }
        self.header.push(byte);
        let rules = Rules {
            role: self.setup.role,
            compression: self.setup.compression.is_some(),
            in_message: self.message.is_some(),
        };
        let head = match frame::header(&self.header, &rules) {
            Literal::Incomplete => return Ok(()),
            Literal::Refused(violation) => return Err(violation),
            Literal::Whole(head) => head,
        };
        self.header.clear();
        self.payload.clear();
        self.got = 0;
        if !head.is_control() {
            if self.state == State::Open {
                self.is_within_limits(&head)?;
            }
            self.begin_data_frame(&head);
        }
        self.head = Some(head);
        if head.len == 0 {
            self.frame_ends(&head)
        } else {
            Ok(())
        }
    }

    fn is_within_limits(&self, head: &Head) -> Result<(), Violation> {
        let limits = &self.setup.limits;
        let (received, frames, compressed) = match &self.message {
            Some(message) => (message.received, message.frames, message.compressed),
            None => (0, 0, head.rsv1),
        };
        // What does not get smaller by being compressed gets a little larger.
        let on_the_wire = |limit: u64| match compressed {
            true => u128::from(limit) + u128::from(limit / 128 + 64 + 16 * frames),
            false => u128::from(limit),
        };
        if u128::from(head.len) > on_the_wire(limits.max_frame) {
            return Err(Violation::FrameTooBig);
        }
        if u128::from(received) + u128::from(head.len) > on_the_wire(limits.max_message) {
            return Err(Violation::MessageTooBig);
        }
        let allowed = u64::from(limits.max_fragments) + received / 32;
        if frames > 0 && frames >= allowed {
            return Err(Violation::TooManyFragments);
        }
        Ok(())
    }

    fn begin_data_frame(&mut self, head: &Head) {
        let kind = if head.opcode == 1 {
            MessageKind::Text
        } else {
            MessageKind::Binary
        };
        let message = self.message.get_or_insert_with(|| Message {
            kind,
            compressed: head.rsv1,
            bytes: Vec::new(),
            received: 0,
            frames: 0,
            text: Text::default(),
            stream: None,
            frame_is_heard: false,
        });
        message.frame_is_heard = false;
    }

    fn payload_byte(&mut self, head: &Head, byte: u8) -> Result<(), Violation> {
        let key = head.mask.unwrap_or_default();
        let byte = byte ^ key[(self.got % 4) as usize];
        self.got += 1;
        if head.is_control() {
            self.payload.push(byte);
        } else if self.state == State::Open {
            self.data_byte(head, byte)?;
        }
        if head.opcode == 8 {
            self.close_is_right_so_far()?;
        }
        if self.got == head.len {
            self.frame_ends(head)
        } else {
            Ok(())
        }
    }

    fn close_is_right_so_far(&self) -> Result<(), Violation> {
        let [high, low, reason @ ..] = self.payload.as_slice() else {
            return Ok(());
        };
        if !frame::may_be_sent(u16::from(*high) * 256 + u16::from(*low)) {
            return Err(Violation::CloseCodeForbidden);
        }
        if text::begins_text(reason) {
            Ok(())
        } else {
            Err(Violation::InvalidReason)
        }
    }

    fn data_byte(&mut self, head: &Head, byte: u8) -> Result<(), Violation> {
        let Some(message) = &mut self.message else {
            return Ok(());
        };
        if message.compressed {
            return self.compressed_byte(head, byte);
        }
        if message.kind == MessageKind::Text {
            if !message.text.goes_on(byte) {
                return Err(Violation::InvalidUtf8);
            }
            // What is delivered as it arrives is judged before it is delivered.
            let last = head.fin && self.got == head.len;
            if self.setup.delivery == Delivery::Chunks && last && !message.text.may_end() {
                return Err(Violation::InvalidUtf8);
            }
        }
        match self.setup.delivery {
            Delivery::Messages | Delivery::Frames => self.payload.push(byte),
            Delivery::Chunks => self.hear_part(head, &[byte]),
        }
        Ok(())
    }

    fn frame_ends(&mut self, head: &Head) -> Result<(), Violation> {
        self.head = None;
        let open = self.state == State::Open;
        match head.opcode {
            8 => return self.close_ends(),
            9 if open => {
                let data = std::mem::take(&mut self.payload);
                self.hear(Said::Ping(data.clone()));
                if self.setup.auto_pong {
                    self.said.push(Said::Pong(data));
                }
            }
            10 if open => {
                let data = std::mem::take(&mut self.payload);
                self.hear(Said::Pong(data));
            }
            9 | 10 => {}
            _ => return self.data_frame_ends(head),
        }
        Ok(())
    }

    fn data_frame_ends(&mut self, head: &Head) -> Result<(), Violation> {
        if self.state == State::Open {
            let compressed = self.message.as_ref().is_some_and(|open| open.compressed);
            if compressed {
                self.compressed_frame_ends(head)?;
            } else {
                self.plain_frame_ends(head)?;
            }
        }
        if let Some(message) = &mut self.message {
            message.frames += 1;
            message.received += head.len;
        }
        if head.fin {
            self.message = None;
        }
        Ok(())
    }

    fn plain_frame_ends(&mut self, head: &Head) -> Result<(), Violation> {
        let Some(message) = &mut self.message else {
            return Ok(());
        };
        if head.fin && !message.text.may_end() {
            return Err(Violation::InvalidUtf8);
        }
        let payload = std::mem::take(&mut self.payload);
        match self.setup.delivery {
            Delivery::Messages => {
                message.bytes.extend(payload);
                if head.fin {
                    let whole = std::mem::take(&mut message.bytes);
                    let said = Said::message(message.kind, whole);
                    self.hear(said);
                }
            }
            Delivery::Frames | Delivery::Chunks => {
                self.hear_part(head, &payload);
                self.part_ends(head);
            }
        }
        Ok(())
    }

    fn close_ends(&mut self) -> Result<(), Violation> {
        let payload = std::mem::take(&mut self.payload);
        let (code, reason) = match payload.as_slice() {
            [high, low, reason @ ..] => (Some(u16::from(*high) * 256 + u16::from(*low)), reason),
            _ => (None, &[][..]),
        };
        if !text::is_text(reason) {
            return Err(Violation::InvalidReason);
        }
        self.hear(Said::Close(code, reason.to_vec()));
        if self.state == State::Open {
            self.said.push(Said::Close(code, Vec::new()));
        }
        self.state = State::Closed;
        Ok(())
    }

    pub(super) fn hear(&mut self, said: Said) {
        self.outcome.heard.push((self.now, said));
    }

    /// More of the frame that is being read; the first time, however little.
    pub(super) fn hear_part(&mut self, head: &Head, data: &[u8]) {
        let Some(message) = &mut self.message else {
            return;
        };
        if let (true, Some((now, Said::Part(part)))) =
            (message.frame_is_heard, self.outcome.heard.last_mut())
        {
            part.data.extend_from_slice(data);
            *now = self.now;
            return;
        }
        message.frame_is_heard = true;
        let part = Part {
            kind: message.kind,
            data: data.to_vec(),
            len: head.len,
            starts_message: message.frames == 0,
            ends_frame: false,
            ends_message: false,
        };
        self.hear(Said::Part(part));
    }

    pub(super) fn part_ends(&mut self, head: &Head) {
        if let Some((now, Said::Part(part))) = self.outcome.heard.last_mut() {
            *now = self.now;
            part.ends_frame = true;
            part.ends_message = head.fin;
        }
    }
}
