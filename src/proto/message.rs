//! A message in progress: its fragments, its running size, its text's validity.
//!
//! Not here: reading frames; what a finished message becomes.
#![deny(clippy::arithmetic_side_effects)]

use crate::proto::frame::{Header, MessageKind, Opcode, mask};
use crate::proto::utf8::{InvalidUtf8, Validator};
use crate::proto::work;
use crate::proto::{Limits, Violation};
use alloc::boxed::Box;
use alloc::vec::Vec;
use core::slice;

/// Collects fragments. Between messages it holds no heap.
#[derive(Debug, Default)]
pub(crate) struct Assembly {
    /// The payload of the fragments so far, as it was sent; once the message is whole, it is lent from here. Behind a
    /// pointer, which is all that a connection has room for.
    collected: Option<Box<Collected>>,
    /// Payload bytes of the frames so far, also of those that are not kept here.
    len: u64,
    frames: Frames,
    utf8: Validator,
}

/// How many frames there were so far, and of what message: in one word, as each connection has one.
#[derive(Clone, Copy, Debug, Default)]
struct Frames(u32);

impl Frames {
    const TEXT: u32 = 1;
    const BINARY: u32 = 2;
    /// The payload has to be inflated.
    const COMPRESSED: u32 = 4;
    const COUNT: u32 = 3;
    /// More are too many, whatever the limits say.
    const MOST: u32 = u32::MAX >> Self::COUNT;

    /// A message of which there were so many frames.
    const fn new(kind: MessageKind, compressed: bool, count: u32) -> Self {
        let kind = match kind {
            MessageKind::Text => Self::TEXT,
            MessageKind::Binary => Self::BINARY,
        };
        let compressed = if compressed { Self::COMPRESSED } else { 0 };
        Self(count << Self::COUNT | kind | compressed)
    }

    /// Of what message, if there is one.
    const fn kind(self) -> Option<MessageKind> {
        match self.0 & (Self::TEXT | Self::BINARY) {
            Self::TEXT => Some(MessageKind::Text),
            Self::BINARY => Some(MessageKind::Binary),
            _ => None,
        }
    }

    const fn are_compressed(self) -> bool {
        self.0 & Self::COMPRESSED != 0
    }

    const fn count(self) -> u32 {
        self.0 >> Self::COUNT
    }
}

#[derive(Debug, Default)]
struct Collected {
    bytes: Vec<u8>,
}

impl Assembly {
    /// Whether a fragmented message is in progress.
    pub(crate) const fn in_progress(&self) -> bool {
        self.frames.kind().is_some()
    }

    /// Whether there is nothing in progress and nothing lent.
    pub(crate) const fn is_empty(&self) -> bool {
        !self.in_progress() && self.collected.is_none()
    }

    /// Heap bytes held.
    pub(crate) const fn capacity(&self) -> usize {
        match &self.collected {
            Some(collected) => collected
                .bytes
                .capacity()
                .saturating_add(size_of::<Collected>()),
            None => 0,
        }
    }

    /// Asks the limits about the header of a frame that is not compressed. Nothing is reserved for the length that it announces.
    #[inline]
    pub(crate) fn admit(&self, header: &Header, limits: &Limits) -> Result<(), Violation> {
        if header.len > limits.max_frame {
            return Err(Violation::FrameTooBig);
        }
        // Nothing is added, only compared: a sum of announced lengths could wrap.
        let left = match self.frames.kind() {
            None => limits.max_message,
            Some(_) => limits.max_message.saturating_sub(self.len),
        };
        if header.len > left {
            return Err(Violation::MessageTooBig);
        }
        let allowed = || limits.fragments_allowed(self.len).min(Frames::MOST.into());
        if self.in_progress() && u64::from(self.frames.count()) >= allowed() {
            return Err(Violation::TooManyFragments);
        }
        Ok(())
    }

    /// The same for any frame. Data that does not get smaller by being compressed gets a little larger, as no peer can
    /// know beforehand: the limits on what it says allow for that.
    pub(crate) fn admit_any(&self, header: &Header, limits: &Limits) -> Result<(), Violation> {
        if !self.is_compressed(header) {
            return self.admit(header, limits);
        }
        let blocks = u64::from(self.frames.count()).saturating_mul(16);
        let on_the_wire = |limit: u64| {
            let more = (limit / 128).saturating_add(64).saturating_add(blocks);
            limit.saturating_add(more)
        };
        let limits = Limits {
            max_frame: on_the_wire(limits.max_frame),
            max_message: on_the_wire(limits.max_message),
            ..*limits
        };
        self.admit(header, &limits)
    }

    /// Whether the message that a data frame belongs to is compressed (RFC 7692 section 6: its first frame says so).
    #[inline]
    pub(crate) const fn is_compressed(&self, header: &Header) -> bool {
        header.rsv1 || self.frames.are_compressed()
    }

    /// The same for the message in progress.
    pub(crate) const fn is_compressed_in_progress(&self) -> bool {
        self.frames.are_compressed()
    }

    /// The kind of the message that a data frame belongs to.
    #[inline]
    pub(crate) fn kind_of(&self, header: &Header) -> MessageKind {
        match header.opcode {
            Opcode::Text => MessageKind::Text,
            Opcode::Binary => MessageKind::Binary,
            // The rules let a continuation through only while a message is in progress.
            Opcode::Continuation | Opcode::Close | Opcode::Ping | Opcode::Pong => {
                self.kind_in_progress()
            }
        }
    }

    /// The kind of the message in progress.
    pub(crate) fn kind_in_progress(&self) -> MessageKind {
        self.frames.kind().unwrap_or(MessageKind::Binary)
    }

    /// Counts a data frame in.
    pub(crate) fn begin_frame(&mut self, header: &Header) {
        let count = self.frames.count().saturating_add(1).min(Frames::MOST);
        self.frames = Frames::new(self.kind_of(header), self.is_compressed(header), count);
        self.len = self.len.saturating_add(header.len);
    }

    /// Whether the frame last counted in was its message's first.
    pub(crate) const fn is_first_frame(&self) -> bool {
        self.frames.count() == 1
    }

    /// Judges the next payload bytes of the message, if it is text.
    #[inline]
    pub(crate) fn check_text(&mut self, kind: MessageKind, bytes: &[u8]) -> Result<(), Violation> {
        match kind {
            MessageKind::Text => self.utf8.check(bytes).map_err(|_| Violation::InvalidUtf8),
            MessageKind::Binary => Ok(()),
        }
    }

    /// Unmasks the next payload bytes of the message, which stand `offset` bytes into their frame's, and judges them if it
    /// is text.
    pub(crate) fn unmask(
        &mut self,
        kind: MessageKind,
        key: Option<[u8; 4]>,
        offset: u64,
        bytes: &mut [u8],
    ) -> Result<(), Violation> {
        let Some(key) = key else {
            return self.check_text(kind, bytes);
        };
        match kind {
            MessageKind::Text => {
                let judged = self.utf8.unmask(key, offset, bytes);
                judged.map_err(|_| Violation::InvalidUtf8)
            }
            MessageKind::Binary => {
                mask::apply(key, offset, bytes);
                Ok(())
            }
        }
    }

    /// Judges payload that is lent piece by piece: how many of its bytes stand before the one that spoils the text,
    /// so that what is lent before a fault does not depend on how the bytes arrived. `last` ends the message.
    pub(crate) fn check_piece(
        &mut self,
        kind: MessageKind,
        bytes: &[u8],
        last: bool,
    ) -> Result<usize, Violation> {
        if kind == MessageKind::Binary {
            return Ok(bytes.len());
        }
        let judge = |mut utf8: Validator, piece: &[u8], last: bool| {
            utf8.check(piece)?;
            if last {
                utf8.finish()?;
            }
            Ok::<_, InvalidUtf8>(utf8)
        };
        if let Ok(utf8) = judge(self.utf8, bytes, last) {
            self.utf8 = utf8;
            return Ok(bytes.len());
        }
        // Byte by byte up to the fault: once in the life of a connection.
        let mut good: usize = 0;
        for byte in bytes {
            let ends = good.saturating_add(1) == bytes.len();
            match judge(self.utf8, slice::from_ref(byte), last && ends) {
                Ok(utf8) => self.utf8 = utf8,
                Err(InvalidUtf8) => break,
            }
            good = good.saturating_add(1);
        }
        if good == 0 {
            Err(Violation::InvalidUtf8)
        } else {
            Ok(good)
        }
    }

    /// Whether the message may end here, if it is text.
    pub(crate) fn check_end(&mut self, kind: MessageKind) -> Result<(), Violation> {
        match kind {
            MessageKind::Text => self.utf8.finish().map_err(|_| Violation::InvalidUtf8),
            MessageKind::Binary => Ok(()),
        }
    }

    /// Keeps a fragment's payload.
    pub(crate) fn keep(&mut self, payload: &[u8]) {
        let collected = self.collected.get_or_insert_default();
        work::append(&collected.bytes, payload.len());
        collected.bytes.extend_from_slice(payload);
    }

    /// Ends the message. Its bytes stay until [`release`](Self::release).
    pub(crate) fn finish(&mut self) -> Result<(), Violation> {
        self.frames = Frames::default();
        self.len = 0;
        self.utf8.finish().map_err(|_| Violation::InvalidUtf8)
    }

    /// The bytes of the message that just ended.
    pub(crate) fn bytes(&self) -> &[u8] {
        match &self.collected {
            Some(collected) => &collected.bytes,
            None => &[],
        }
    }

    /// Frees what was lent, unless the next message is already being collected.
    #[inline]
    pub(crate) fn release(&mut self) {
        if !self.in_progress() && self.collected.is_some() {
            self.collected = None;
        }
    }

    /// Frees everything; the order of fragments goes on being known.
    pub(crate) fn discard(&mut self, header: &Header) {
        let kind = self.kind_of(header);
        *self = Self::default();
        if !header.fin {
            self.frames = Frames::new(kind, false, 0);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Assembly, Frames};
    use crate::proto::frame::{Header, Opcode};
    use crate::proto::{Limits, MessageKind, Violation};

    #[test]
    fn as_many_frames_as_can_be_are_counted_beside_what_they_are_of() {
        let most = Frames::new(MessageKind::Binary, true, Frames::MOST);
        assert_eq!(most.count(), (1 << 29) - 1);
        assert_eq!(most.kind(), Some(MessageKind::Binary));
        assert!(most.are_compressed());
    }

    /// A limit of 12 800 bytes allows for 100 more on the wire, 64 more for any message, and 16 for each fragment.
    #[test]
    fn what_is_compressed_may_be_a_little_larger() {
        for (max_frame, max_message, fault) in [
            (12_800, 1 << 20, Violation::FrameTooBig),
            (1 << 20, 12_800, Violation::MessageTooBig),
        ] {
            let limits = Limits {
                max_frame,
                max_message,
                ..Limits::default()
            };
            let mut message = Assembly::default();
            let judge = |message: &Assembly, len| {
                let header = Header::compressed(Opcode::Binary, len);
                message.admit_any(&header, &limits)
            };
            assert_eq!(judge(&message, 12_964), Ok(()));
            assert_eq!(judge(&message, 12_965), Err(fault));
            message.begin_frame(&Header {
                fin: false,
                ..Header::compressed(Opcode::Binary, 0)
            });
            assert_eq!(judge(&message, 12_980), Ok(()));
            assert_eq!(judge(&message, 12_981), Err(fault));
        }
    }
}
