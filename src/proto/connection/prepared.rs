//! A message encoded once and sent to many.
//!
//! Not here: who gets it.

use crate::proto::frame::{Header, MessageKind};
use alloc::sync::Arc;
use alloc::vec::Vec;

/// An encoded message. Cloning it shares its bytes.
///
/// ```
/// use sockeye::proto::Prepared;
///
/// assert_eq!(Prepared::text("hi").frame(), b"\x81\x02hi");
/// ```
#[derive(Clone, Debug)]
pub struct Prepared {
    /// Header and payload, unmasked.
    frame: Arc<Vec<u8>>,
    head_len: u8,
    kind: MessageKind,
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
        let head = Header::new(kind.opcode(), payload.len() as u64).encode();
        let head = head.as_slice();
        let mut frame = Vec::with_capacity(head.len() + payload.len());
        frame.extend_from_slice(head);
        frame.extend_from_slice(payload);
        Self {
            frame: Arc::new(frame),
            // A header has at most 14 bytes.
            head_len: u8::try_from(head.len()).unwrap_or_default(),
            kind,
        }
    }

    /// Text or binary.
    #[must_use]
    pub const fn kind(&self) -> MessageKind {
        self.kind
    }

    /// The frame as a server puts it on the wire.
    #[must_use]
    pub fn frame(&self) -> &[u8] {
        &self.frame
    }

    /// The same, to be shared.
    #[cfg(feature = "server")]
    pub(crate) const fn shared(&self) -> &Arc<Vec<u8>> {
        &self.frame
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
        self.frame
            .split_at_checked(usize::from(self.head_len))
            .unwrap_or_default()
    }
}
