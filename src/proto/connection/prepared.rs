//! A message encoded once and sent to many.
//!
//! Not here: who gets it.

#[cfg(feature = "deflate")]
use crate::proto::deflate::{CLASSES, WindowBits, class_of, window_of};
use crate::proto::deflate::{Compressor, Direction};
use crate::proto::frame::{Header, MessageKind};
use alloc::sync::Arc;
use alloc::vec::Vec;
#[cfg(feature = "deflate")]
use std::sync::OnceLock;

/// An encoded message. Cloning it shares its bytes.
///
/// Where connections have agreed to compression, it is compressed when the first of them is sent it, once for each size
/// of window, without a reference to earlier messages.
///
/// ```
/// use sockeye::proto::Prepared;
///
/// assert_eq!(Prepared::text("hi").frame(), b"\x81\x02hi");
/// ```
#[derive(Clone, Debug)]
pub struct Prepared {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    kind: MessageKind,
    plain: SharedFrame,
    /// For each window: the frame if that pays.
    #[cfg(feature = "deflate")]
    compressed: [OnceLock<Option<SharedFrame>>; CLASSES],
}

/// A frame as a server sends it, to be shared by those it is sent to.
#[derive(Clone, Debug)]
pub struct SharedFrame {
    /// Header and payload, unmasked.
    bytes: Arc<Vec<u8>>,
    head_len: u8,
}

impl Prepared {
    /// A text message in one frame.
    #[must_use]
    pub fn text(text: &str) -> Self {
        Self::encode(MessageKind::Text, text.as_bytes())
    }

    /// A binary message in one frame.
    #[must_use]
    pub fn binary(data: &[u8]) -> Self {
        Self::encode(MessageKind::Binary, data)
    }

    fn encode(kind: MessageKind, payload: &[u8]) -> Self {
        let header = Header::new(kind.opcode(), payload.len() as u64);
        Self {
            inner: Arc::new(Inner {
                kind,
                plain: SharedFrame::encode(header, payload),
                #[cfg(feature = "deflate")]
                compressed: [const { OnceLock::new() }; CLASSES],
            }),
        }
    }

    /// Text or binary.
    #[must_use]
    pub fn kind(&self) -> MessageKind {
        self.inner.kind
    }

    /// The frame as a server puts it on the wire, uncompressed.
    #[must_use]
    pub fn frame(&self) -> &[u8] {
        &self.inner.plain.bytes
    }

    /// The message.
    #[must_use]
    pub fn payload(&self) -> &[u8] {
        self.inner.plain.payload()
    }

    pub(super) fn plain(&self) -> &SharedFrame {
        &self.inner.plain
    }

    /// The frame for connections that have agreed to this, if it pays.
    #[cfg(feature = "deflate")]
    pub(super) fn compressed(
        &self,
        direction: Direction,
        compressor: &mut Compressor,
    ) -> Option<&SharedFrame> {
        let window = WindowBits::new(direction.window_bits())?;
        let class = class_of(window);
        let place = self.inner.compressed.get(class)?;
        let frame = place.get_or_init(|| {
            // For all of this class, and so without a context and with the smallest window among theirs.
            let direction = Direction::new(window_of(class)?.get(), false);
            let payload = compressor.message(direction, &mut None, self.payload())?;
            let header = Header::compressed(self.inner.kind.opcode(), payload.len() as u64);
            Some(SharedFrame::encode(header, payload))
        });
        frame.as_ref()
    }

    #[cfg(not(feature = "deflate"))]
    pub(super) const fn compressed(
        &self,
        _: Direction,
        compressor: &Compressor,
    ) -> Option<&SharedFrame> {
        match *compressor {}
    }
}

impl SharedFrame {
    fn encode(header: Header, payload: &[u8]) -> Self {
        let head = header.encode();
        let head = head.as_slice();
        let mut bytes = Vec::with_capacity(head.len() + payload.len());
        bytes.extend_from_slice(head);
        bytes.extend_from_slice(payload);
        Self {
            bytes: Arc::new(bytes),
            // A header has at most 14 bytes.
            head_len: u8::try_from(head.len()).unwrap_or_default(),
        }
    }

    /// The whole frame, to be shared.
    #[must_use]
    pub const fn bytes(&self) -> &Arc<Vec<u8>> {
        &self.bytes
    }

    /// Its header.
    #[must_use]
    pub fn head(&self) -> &[u8] {
        self.split().0
    }

    /// Its payload.
    #[must_use]
    pub fn payload(&self) -> &[u8] {
        self.split().1
    }

    fn split(&self) -> (&[u8], &[u8]) {
        self.bytes
            .split_at_checked(usize::from(self.head_len))
            .unwrap_or_default()
    }
}
