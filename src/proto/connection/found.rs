//! Where an event lies in the input, and how it is lent from there.
//!
//! Not here: finding it, which is `receive`.

use super::event::{Event, Part};
use crate::proto::close::CloseReason;
use crate::proto::frame::{MessageKind, Opcode};
use crate::proto::{Violation, text};
use core::ops::Range;

/// Where an event lies. Ranges count from the front of the input.
#[derive(Clone, Debug)]
pub(super) enum Found {
    Control(Opcode, Range<usize>),
    Message(MessageKind, Range<usize>),
    /// Not in the input: its fragments were collected.
    Assembled(MessageKind),
    Part(Part<'static>, Range<usize>),
    /// In the buffer that was inflated into: all of it.
    Inflated(MessageKind),
    /// The same: so many bytes of it.
    InflatedPart(Part<'static>, usize),
}

impl Found {
    /// The same place, `by` bytes further on.
    pub(super) fn moved(self, by: usize) -> Self {
        let shift = |at: Range<usize>| at.start + by..at.end + by;
        match self {
            Self::Control(opcode, at) => Self::Control(opcode, shift(at)),
            Self::Message(kind, at) => Self::Message(kind, shift(at)),
            Self::Part(part, at) => Self::Part(part, shift(at)),
            Self::Assembled(_) | Self::Inflated(_) | Self::InflatedPart(..) => self,
        }
    }

    /// The event, lent from where it lies.
    #[inline(always)]
    pub(super) fn lend<'a>(
        self,
        input: &'a [u8],
        assembled: &'a [u8],
        inflated: &'a [u8],
    ) -> Result<Event<'a>, Violation> {
        let part = |part, data| Event::Part(Part { data, ..part });
        match self {
            Self::Message(kind, at) => message(kind, slice(input, at)),
            Self::Assembled(kind) => message(kind, assembled),
            Self::Part(rest, at) => Ok(part(rest, slice(input, at))),
            Self::Inflated(kind) => message(kind, inflated),
            Self::InflatedPart(rest, len) => Ok(part(rest, slice(inflated, 0..len))),
            Self::Control(opcode, at) => control(opcode, slice(input, at)),
        }
    }
}

/// A whole message.
#[inline(always)]
pub(super) fn message(kind: MessageKind, payload: &[u8]) -> Result<Event<'_>, Violation> {
    match kind {
        MessageKind::Binary => Ok(Event::Binary(payload)),
        MessageKind::Text => text::from_bytes(payload)
            .map(Event::Text)
            .ok_or(Violation::InvalidUtf8),
    }
}

/// A control frame, by its opcode.
fn control(opcode: Opcode, payload: &[u8]) -> Result<Event<'_>, Violation> {
    Ok(match opcode {
        Opcode::Ping => Event::Ping(payload),
        Opcode::Pong => Event::Pong(payload),
        Opcode::Close | Opcode::Continuation | Opcode::Text | Opcode::Binary => {
            Event::Close(CloseReason::parse(payload)?)
        }
    })
}

/// The bytes at a place.
pub(super) fn slice(input: &[u8], at: Range<usize>) -> &[u8] {
    input.get(at).unwrap_or_default()
}
