//! The literal connection: one byte at a time, every rule where the RFC has it, nothing kept but what was received.
//!
//! Not here: delivery, pieces, bytes to send; only what is said.

use super::super::literal::{self, Head, Literal};
use super::Said;
use super::script::{Op, Script, Send};
use sockeye::proto::frame::Rules;
use sockeye::proto::{CloseCode, MessageKind, Misuse, SendError, State, Violation};

/// What should come of a script.
#[derive(Debug)]
pub(super) struct Expected {
    pub(super) heard: Vec<(usize, Said)>,
    /// What we say, whole messages only.
    pub(super) said: Vec<Said>,
    pub(super) sends: Vec<Result<(), SendError>>,
    pub(super) error: Option<(usize, Violation)>,
    pub(super) state: State,
}

pub(super) fn act_out(script: &Script) -> Expected {
    let mut endpoint = Endpoint {
        script,
        op: 0,
        frame: Vec::new(),
        head: None,
        payload: Vec::new(),
        message: None,
        character: Vec::new(),
        sending: None,
        expected: Expected {
            heard: Vec::new(),
            said: Vec::new(),
            sends: Vec::new(),
            error: None,
            state: State::Open,
        },
    };
    for (op, what) in script.ops.iter().enumerate() {
        endpoint.op = op;
        match what {
            Op::Arrive(bytes) => bytes.iter().for_each(|byte| endpoint.arrive(*byte)),
            Op::Send(send) => {
                let result = endpoint.send(send);
                endpoint.expected.sends.push(result);
            }
        }
    }
    endpoint.expected
}

/// A message of the peer's in progress.
struct Message {
    kind: MessageKind,
    /// Payload of the frames that have ended.
    bytes: Vec<u8>,
    frames: u64,
}

struct Endpoint<'s> {
    script: &'s Script,
    op: usize,
    /// The header so far.
    frame: Vec<u8>,
    /// The header, once it is whole, and the payload so far.
    head: Option<Head>,
    payload: Vec<u8>,
    message: Option<Message>,
    /// Of the text so far, the character that has not ended.
    character: Vec<u8>,
    /// Our own message in fragments.
    sending: Option<(MessageKind, Vec<u8>)>,
    expected: Expected,
}

impl Endpoint<'_> {
    fn arrive(&mut self, byte: u8) {
        if matches!(self.expected.state, State::Closed | State::Failed) {
            return;
        }
        let result = match self.head {
            None => self.header_byte(byte),
            Some(head) => self.payload_byte(&head, byte),
        };
        if let Err(violation) = result {
            self.expected.error = Some((self.op, violation));
            if self.expected.state == State::Open {
                let code = violation.close_code().get();
                self.say(Said::Close(Some(code), violation.text().into()));
            }
            self.expected.state = State::Failed;
        }
    }

    fn header_byte(&mut self, byte: u8) -> Result<(), Violation> {
        self.frame.push(byte);
        let rules = Rules {
            role: self.script.role,
            compression: false,
            in_message: self.message.is_some(),
        };
        let head = match literal::header(&self.frame, &rules) {
            Literal::Incomplete => return Ok(()),
            Literal::Refused(violation) => return Err(violation),
            Literal::Whole(head) => head,
        };
        self.frame.clear();
        if !head.is_control() && self.expected.state == State::Open {
            self.is_within_limits(&head)?;
        }
        self.head = Some(head);
        self.payload.clear();
        if head.len == 0 {
            self.frame_ends(&head)
        } else {
            Ok(())
        }
    }

    fn is_within_limits(&self, head: &Head) -> Result<(), Violation> {
        let limits = &self.script.limits;
        if head.len > limits.max_frame {
            return Err(Violation::FrameTooBig);
        }
        let (received, frames) = match &self.message {
            Some(message) => (message.bytes.len() as u64, message.frames),
            None => (0, 0),
        };
        if u128::from(received) + u128::from(head.len) > u128::from(limits.max_message) {
            return Err(Violation::MessageTooBig);
        }
        let allowed = u64::from(limits.max_fragments) + received / 32;
        if frames > 0 && frames >= allowed {
            return Err(Violation::TooManyFragments);
        }
        Ok(())
    }

    fn payload_byte(&mut self, head: &Head, byte: u8) -> Result<(), Violation> {
        let key = head.mask.unwrap_or_default();
        self.payload.push(byte ^ key[self.payload.len() % 4]);
        if head.opcode == 8 {
            self.close_is_right_so_far()?;
        } else if !head.is_control() && self.expected.state == State::Open {
            self.text_is_right_so_far(head)?;
        }
        if self.payload.len() as u64 == head.len {
            self.frame_ends(head)
        } else {
            Ok(())
        }
    }

    fn close_is_right_so_far(&self) -> Result<(), Violation> {
        let [high, low, reason @ ..] = self.payload.as_slice() else {
            return Ok(());
        };
        if !literal::may_be_sent(u16::from(*high) * 256 + u16::from(*low)) {
            return Err(Violation::CloseCodeForbidden);
        }
        if literal::begins_text(reason) {
            Ok(())
        } else {
            Err(Violation::InvalidReason)
        }
    }

    /// Character by character.
    fn text_is_right_so_far(&mut self, head: &Head) -> Result<(), Violation> {
        let is_text = match &self.message {
            Some(message) => message.kind == MessageKind::Text,
            None => head.opcode == 1,
        };
        if is_text {
            self.character.extend(self.payload.last());
            if !literal::begins_text(&self.character) {
                return Err(Violation::InvalidUtf8);
            }
            if std::str::from_utf8(&self.character).is_ok() {
                self.character.clear();
            }
        }
        Ok(())
    }

    fn frame_ends(&mut self, head: &Head) -> Result<(), Violation> {
        self.head = None;
        let payload = std::mem::take(&mut self.payload);
        let open = self.expected.state == State::Open;
        match head.opcode {
            8 => return self.close_ends(&payload),
            9 if open => {
                self.hear(Said::Ping(payload.clone()));
                if self.script.auto_pong {
                    self.say(Said::Pong(payload));
                }
                return Ok(());
            }
            10 if open => {
                self.hear(Said::Pong(payload));
                return Ok(());
            }
            9 | 10 => return Ok(()),
            _ => {}
        }
        let kind = if head.opcode == 1 {
            MessageKind::Text
        } else {
            MessageKind::Binary
        };
        let message = self.message.get_or_insert(Message {
            kind,
            bytes: Vec::new(),
            frames: 0,
        });
        message.bytes.extend(payload);
        message.frames += 1;
        if !head.fin {
            return Ok(());
        }
        let Some(message) = self.message.take().filter(|_| open) else {
            return Ok(());
        };
        if message.kind == MessageKind::Text && std::str::from_utf8(&message.bytes).is_err() {
            return Err(Violation::InvalidUtf8);
        }
        let said = Said::message(message.kind, message.bytes);
        self.hear(said.clone());
        if self.script.echo && self.sending.is_none() {
            self.say(said);
        }
        Ok(())
    }

    fn close_ends(&mut self, payload: &[u8]) -> Result<(), Violation> {
        let (code, reason) = match *payload {
            [high, low, ref reason @ ..] => (Some(u16::from(high) * 256 + u16::from(low)), reason),
            _ => (None, &[][..]),
        };
        if std::str::from_utf8(reason).is_err() {
            return Err(Violation::InvalidReason);
        }
        self.hear(Said::Close(code, reason.to_vec()));
        if self.expected.state == State::Open {
            self.say(Said::Close(code, Vec::new()));
        }
        self.expected.state = State::Closed;
        Ok(())
    }

    fn hear(&mut self, said: Said) {
        self.expected.heard.push((self.op, said));
    }

    fn say(&mut self, said: Said) {
        self.expected.said.push(said);
    }

    fn send(&mut self, send: &Send) -> Result<(), SendError> {
        match send {
            Send::Ping(data) | Send::Pong(data) if data.len() > 125 => {
                return Err(Misuse::ControlTooLong.into());
            }
            // Our stand-in for a code that cannot even be named.
            Send::Close(code, _) if CloseCode::new(*code).is_none() => {
                assert!(!literal::may_be_sent(*code));
                return Err(Misuse::NoKeys.into());
            }
            Send::Close(_, reason) if reason.len() > 123 => {
                return Err(Misuse::ReasonTooLong.into());
            }
            _ if self.expected.state != State::Open => return Err(SendError::Closed),
            Send::Text(_) | Send::Binary(_) | Send::Prepared(..) if self.sending.is_some() => {
                return Err(Misuse::MessageInProgress.into());
            }
            Send::Text(text) => self.say(Said::Text(text.clone().into())),
            Send::Binary(data) | Send::Prepared(MessageKind::Binary, data) => {
                self.say(Said::Binary(data.clone()));
            }
            Send::Prepared(MessageKind::Text, data) => self.say(Said::Text(data.clone())),
            Send::Ping(data) => self.say(Said::Ping(data.clone())),
            Send::Pong(data) => self.say(Said::Pong(data.clone())),
            Send::Fragment(kind, data, last) => return self.send_fragment(*kind, data, *last),
            Send::Close(code, reason) => {
                self.say(Said::Close(Some(*code), reason.clone().into()));
                self.expected.state = State::Closing;
            }
        }
        Ok(())
    }

    fn send_fragment(
        &mut self,
        kind: MessageKind,
        data: &[u8],
        last: bool,
    ) -> Result<(), SendError> {
        let so_far = match &self.sending {
            Some((other, _)) if *other != kind => return Err(Misuse::MessageInProgress.into()),
            Some((_, bytes)) => bytes.as_slice(),
            None => &[],
        };
        let bytes = [so_far, data].concat();
        let right = if last {
            std::str::from_utf8(&bytes).is_ok()
        } else {
            literal::begins_text(&bytes)
        };
        if kind == MessageKind::Text && !right {
            return Err(Misuse::InvalidUtf8.into());
        }
        if last {
            self.sending = None;
            self.say(Said::message(kind, bytes));
        } else {
            self.sending = Some((kind, bytes));
        }
        Ok(())
    }
}
