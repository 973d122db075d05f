//! A script acted out by the literal receiver, with the rules of sending beside it.
//!
//! Not here: delivery, pieces, bytes to send; only what is said.

use super::super::reference::{Receiver, Said, Setup, frame, text};
use super::script::{Op, Script, Send};
use sockeye::proto::{CloseCode, Delivery, MessageKind, Misuse, SendError, State, Violation};

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
        receiver: Receiver::new(Setup {
            role: script.role,
            limits: script.limits,
            delivery: Delivery::Messages,
            auto_pong: script.auto_pong,
            compression: None,
        }),
        sending: None,
    };
    let mut sends = Vec::new();
    for (op, what) in script.ops.iter().enumerate() {
        endpoint.receiver.now = op;
        match what {
            Op::Arrive(bytes) => {
                let mut at = 0;
                while let Some(byte) = bytes.get(at) {
                    endpoint.arrive(*byte, script.echo);
                    at += 1;
                    at += endpoint.receiver.arrive_inside(&bytes[at..]);
                }
            }
            Op::Send(send) => sends.push(endpoint.send(send)),
        }
    }
    let receiver = endpoint.receiver;
    Expected {
        heard: receiver.outcome.heard,
        said: receiver.said,
        sends,
        error: receiver.outcome.error,
        state: receiver.state,
    }
}

struct Endpoint {
    receiver: Receiver,
    /// Our own message in fragments.
    sending: Option<(MessageKind, Vec<u8>)>,
}

impl Endpoint {
    fn arrive(&mut self, byte: u8, echo: bool) {
        let before = self.receiver.outcome.heard.len();
        self.receiver.arrive(byte);
        let new = self.receiver.outcome.heard.get(before);
        if let (true, None, Some((_, said @ (Said::Text(_) | Said::Binary(_))))) =
            (echo, &self.sending, new)
        {
            self.receiver.said.push(said.clone());
        }
    }

    fn say(&mut self, said: Said) {
        self.receiver.said.push(said);
    }

    fn send(&mut self, send: &Send) -> Result<(), SendError> {
        match send {
            Send::Ping(data) | Send::Pong(data) if data.len() > 125 => {
                return Err(Misuse::ControlTooLong.into());
            }
            // Our stand-in for a code that cannot even be named.
            Send::Close(code, _) if CloseCode::new(*code).is_none() => {
                assert!(!frame::may_be_sent(*code));
                return Err(Misuse::NoKeys.into());
            }
            Send::Close(_, reason) if reason.len() > 123 => {
                return Err(Misuse::ReasonTooLong.into());
            }
            _ if self.receiver.state != State::Open => return Err(SendError::Closed),
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
                self.receiver.close(*code, reason);
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
            text::is_text(&bytes)
        } else {
            text::begins_text(&bytes)
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
