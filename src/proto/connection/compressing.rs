//! Sending compressed messages: whether it is done, and with which compressor.
//!
//! Not here: DEFLATE, and whether it pays; that is `deflate`. Messages as they are, and everything that is asked for by
//! name, is `send`.

use super::send::{Sender, put};
use super::sink::{Outbound, Sink};
#[cfg(any(feature = "deflate", feature = "reactor"))]
use crate::proto::deflate::Direction;
use crate::proto::frame::{Header, MessageKind, Opcode, Role};
use crate::proto::{Misuse, SendError};

impl Sender {
    /// What was agreed on for what we send compressed.
    #[cfg(feature = "deflate")]
    pub(crate) fn set_deflate(&mut self, direction: Direction) {
        self.deflate = Some(direction);
        self.own = None;
    }

    /// What was agreed on for what we send compressed.
    #[cfg(any(feature = "reactor", all(test, feature = "deflate")))]
    pub(crate) const fn deflate(&self) -> Option<Direction> {
        self.deflate
    }

    /// Heap bytes held to compress messages that refer to earlier ones, as far as the library's needs are known.
    #[must_use]
    pub fn heap_bytes(&self) -> usize {
        self.own.as_ref().map_or(0, |own| own.heap_bytes())
    }

    /// Gives back what is held to refer to earlier messages, and fragments; what comes next will not. For a connection
    /// that is idle.
    ///
    /// RFC 7692 section 7.2.1 leaves it to the sender what to refer to. What we received has to be kept as long as
    /// the peer may refer to it.
    pub fn forget_context(&mut self) {
        self.own = None;
    }

    /// The peer was sent what our compressor has not seen.
    #[cfg(any(feature = "reactor", all(test, feature = "deflate")))]
    pub(crate) fn note_foreign(&mut self) {
        if let Some(own) = &mut self.own {
            own.forget();
        }
    }

    /// Sends a message compressed, if that pays.
    #[inline(never)]
    pub(super) fn compressed<S: Sink>(
        &mut self,
        kind: MessageKind,
        data: &[u8],
        out: &mut Outbound<'_, S>,
    ) -> Result<bool, SendError> {
        may_mask(self.role, out)?;
        let (Some(direction), Some(compressor)) = (self.deflate, out.compressor.take()) else {
            return Ok(false);
        };
        let payload = compressor.message(direction, &mut self.own, data);
        let pays = payload.is_some();
        let done = payload.map_or(Ok(()), |payload| {
            let header = Header::compressed(kind.opcode(), payload.len() as u64);
            put(self.role, header, payload, out)
        });
        out.compressor = Some(compressor);
        self.forget_unsent(done);
        done.map(|()| pays)
    }

    /// Whether a message that begins so is worth compressing.
    pub(super) fn compresses<S: Sink>(&self, data: &[u8], out: &Outbound<'_, S>) -> bool {
        match (self.deflate, &out.compressor) {
            (Some(direction), Some(compressor)) => compressor.is_worth(direction, data.len()),
            _ => false,
        }
    }

    pub(super) fn compressed_fragment<S: Sink>(
        &mut self,
        opcode: Opcode,
        last: bool,
        data: &[u8],
        out: &mut Outbound<'_, S>,
    ) -> Result<(), SendError> {
        may_mask(self.role, out)?;
        let (Some(direction), Some(compressor)) = (self.deflate, out.compressor.take()) else {
            return Err(Misuse::NoCompressor.into());
        };
        let payload = compressor.fragment(direction, &mut self.own, data, last);
        let done = match payload {
            Some(payload) => {
                let header = Header {
                    fin: last,
                    rsv1: opcode != Opcode::Continuation,
                    ..Header::new(opcode, payload.len() as u64)
                };
                put(self.role, header, payload, out)
            }
            None => Err(Misuse::NoCompressor.into()),
        };
        out.compressor = Some(compressor);
        self.forget_unsent(done);
        done
    }

    /// What the peer was not sent, our compressor must not refer to.
    fn forget_unsent(&mut self, done: Result<(), SendError>) {
        if let (Err(_), Some(own)) = (done, &mut self.own) {
            own.forget();
        }
    }
}

/// Asked before anything is compressed: what the compressor has seen must be sent.
const fn may_mask<S: Sink>(role: Role, out: &Outbound<'_, S>) -> Result<(), SendError> {
    match (role, &out.keys) {
        (Role::Client, None) => Err(SendError::Misuse(Misuse::NoKeys)),
        (Role::Client, Some(_)) | (Role::Server, _) => Ok(()),
    }
}
