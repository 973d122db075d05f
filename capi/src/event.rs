//! What a connection tells: what `sockeye_next` finds, and how far it has come.
//!
//! Not here: how it is found.

use core::ptr;
use engine::proto::frame::MessageKind;
use engine::proto::{Event as CoreEvent, Part, Step as CoreStep};

/// What was found.
#[repr(C)]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Event {
    /// Nothing more in these bytes: drop what was consumed, keep the rest, and come again with more behind it. `need` is
    /// how many more would help, as far as is known; it is a hint, and the peer says it, so allocate as bytes arrive.
    NeedMore = 0,
    /// A server's peer asks for a connection, and its handshake is right. Look at it with sockeye_path and the like, then
    /// call sockeye_accept or sockeye_refuse, now or later, and feed what is left: the first frames may be there already.
    /// Until then nothing more is consumed: do not read meanwhile.
    Request = 1,
    /// A client's server has accepted. Sending may begin; sockeye_protocol and sockeye_header say more.
    Open = 2,
    /// A whole text message: valid UTF-8, not NUL-terminated.
    Text = 3,
    /// A whole binary message.
    Binary = 4,
    /// A part of a message, where the configuration asks for frames or chunks. See `message`, `part` and `frame_len`.
    /// Of a text message, all parts so far together are the beginning of valid UTF-8.
    Part = 5,
    /// A ping, answered unless SOCKEYE_NO_AUTO_PONG is set.
    Ping = 6,
    /// A pong.
    Pong = 7,
    /// The peer's Close frame, answered unless it is the answer to ours. `code` is its code, or 1005 where it has none;
    /// `data` its reason, which is UTF-8.
    Close = 8,
    /// The peer broke the rules. What has to be said is in the output; the connection is over. `data` says what is
    /// wrong, for a log. `code` is the close code, or in the handshake the HTTP status: of our refusal, of the server's,
    /// or 0 where a server's answer is no WebSocket handshake.
    Violation = 9,
}

/// `part`: a frame begins here.
pub const SOCKEYE_STARTS_FRAME: u32 = 1 << 0;
/// `part`: a message begins here.
pub const SOCKEYE_STARTS_MESSAGE: u32 = 1 << 1;
/// `part`: the frame ends here.
pub const SOCKEYE_ENDS_FRAME: u32 = 1 << 2;
/// `part`: the message ends here.
pub const SOCKEYE_ENDS_MESSAGE: u32 = 1 << 3;

/// What sockeye_next came to. What does not belong to the event is 0.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct Step {
    /// What was found.
    pub event: Event,
    /// Of a part: SOCKEYE_EVENT_TEXT or SOCKEYE_EVENT_BINARY.
    pub message: Event,
    /// Of a part: which ends it has, as SOCKEYE_STARTS_FRAME and the like.
    pub part: u32,
    /// Of a close or a violation: see there.
    pub code: u32,
    /// Of a part that starts a frame: the payload bytes of the whole frame, as they are sent.
    pub frame_len: u64,
    /// The payload, lent: see "What is lent" above. Not NUL-terminated. NULL where there is none.
    pub data: *const u8,
    /// Bytes at `data`.
    pub len: usize,
    /// Bytes at the front of the input that are done with, whatever was found. Begin the next call behind them.
    pub consumed: usize,
    /// Where more is needed: how many bytes, as far as is known.
    pub need: usize,
}

/// How far a connection has come.
#[repr(C)]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    /// The opening handshake is not over.
    Handshake = 0,
    /// Messages may be sent.
    Open = 1,
    /// We sent a Close frame and wait for the peer's: have a deadline running. What else it sends is discarded.
    Closing = 2,
    /// Both have closed: the clean end.
    Closed = 3,
    /// The peer broke the rules, was refused or has refused, or the handle is dead.
    Failed = 4,
}

impl Step {
    pub(crate) const fn new(event: Event, consumed: usize) -> Self {
        Self {
            event,
            message: Event::NeedMore,
            part: 0,
            code: 0,
            frame_len: 0,
            data: ptr::null(),
            len: 0,
            consumed,
            need: 0,
        }
    }

    pub(crate) const fn need(consumed: usize, need: usize) -> Self {
        Self {
            need,
            ..Self::new(Event::NeedMore, consumed)
        }
    }

    pub(crate) const fn violation(code: u16, text: &[u8], consumed: usize) -> Self {
        Self {
            code: code as u32,
            ..Self::new(Event::Violation, consumed).with(text)
        }
    }

    /// Lends these bytes: the caller is told for how long.
    const fn with(self, data: &[u8]) -> Self {
        Self {
            data: data.as_ptr(),
            len: data.len(),
            ..self
        }
    }

    fn with_part(self, part: &Part<'_>) -> Self {
        let ends = [
            (part.frame_len.is_some(), SOCKEYE_STARTS_FRAME),
            (part.starts_message, SOCKEYE_STARTS_MESSAGE),
            (part.ends_frame, SOCKEYE_ENDS_FRAME),
            (part.ends_message, SOCKEYE_ENDS_MESSAGE),
        ];
        let ends = ends.iter().filter(|(has, _)| *has);
        Self {
            message: match part.kind {
                MessageKind::Text => Event::Text,
                MessageKind::Binary => Event::Binary,
            },
            part: ends.fold(0, |all, (_, flag)| all | flag),
            frame_len: part.frame_len.unwrap_or_default(),
            ..self.with(part.data)
        }
    }
}

impl From<CoreStep<'_>> for Step {
    fn from(step: CoreStep<'_>) -> Self {
        let Some(event) = step.event else {
            return Self::need(step.consumed, step.need);
        };
        let of = |kind| Self::new(kind, step.consumed);
        match event {
            CoreEvent::Text(text) => of(Event::Text).with(text.as_bytes()),
            CoreEvent::Binary(data) => of(Event::Binary).with(data),
            CoreEvent::Part(part) => of(Event::Part).with_part(&part),
            CoreEvent::Ping(data) => of(Event::Ping).with(data),
            CoreEvent::Pong(data) => of(Event::Pong).with(data),
            CoreEvent::Close(close) => Self {
                code: u32::from(close.number()),
                ..of(Event::Close).with(close.reason.as_bytes())
            },
        }
    }
}
