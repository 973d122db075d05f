//! What receiving gives: [`Step`], [`Event`], [`Part`].
//!
//! Not here: how they come about.

use crate::proto::CloseReason;
use crate::proto::frame::MessageKind;

/// What one call of [`Receiver::next`](super::Receiver::next) came to.
#[derive(Debug, PartialEq, Eq)]
#[must_use = "`consumed` counts even where there is no event"]
pub struct Step<'a> {
    /// Bytes at the front of the input that are done with.
    pub consumed: usize,
    /// Without an event: how many more bytes would help, as far as is known. It is a hint, never a promise to
    /// allocate.
    pub need: usize,
    /// What was found.
    pub event: Option<Event<'a>>,
}

impl<'a> Step<'a> {
    pub(super) const fn with(consumed: usize, event: Event<'a>) -> Self {
        Self {
            consumed,
            need: 0,
            event: Some(event),
        }
    }

    pub(super) const fn nothing(consumed: usize, need: usize) -> Self {
        Self {
            consumed,
            need,
            event: None,
        }
    }
}

/// What a peer said. The bytes are lent: from the caller's input where the message lies there in one piece, from the
/// [`Inbound`](super::Inbound) where it was compressed, else from the receiver, until its next call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Event<'a> {
    /// A whole text message.
    Text(&'a str),
    /// A whole binary message.
    Binary(&'a [u8]),
    /// A piece of a message, where [`Delivery`](super::Delivery) asks for frames or chunks.
    Part(Part<'a>),
    /// A ping. It has been answered, unless `auto_pong` is off.
    Ping(&'a [u8]),
    /// A pong.
    Pong(&'a [u8]),
    /// The peer's Close frame. It has been answered, unless it is itself the answer to ours.
    Close(CloseReason<'a>),
}

impl Event<'_> {
    /// Whether it is of a message: text, binary, or a part of that.
    #[must_use]
    pub const fn is_data(&self) -> bool {
        matches!(self, Self::Text(_) | Self::Binary(_) | Self::Part(_))
    }
}

/// A frame, or what has arrived of one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Part<'a> {
    /// The kind of the message it belongs to.
    pub kind: MessageKind,
    /// Payload, inflated where it was compressed; it may be empty. Of a text message, all parts so far together are the
    /// beginning of valid UTF-8; a character may stand across two of them.
    pub data: &'a [u8],
    /// The payload length of the whole frame, given with its first part. Where it was compressed this is its length
    /// as it was sent.
    pub frame_len: Option<u64>,
    /// Whether this is its message's first part.
    pub starts_message: bool,
    /// Whether this is its frame's last part.
    pub ends_frame: bool,
    /// Whether this is its message's last part.
    pub ends_message: bool,
}
