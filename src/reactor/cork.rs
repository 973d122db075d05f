//! Where the small frames of one session gather while its input is worked through: [`Cork`].
//!
//! Not here: when it leaves, and what does not go through it; that is `wire`.

use alloc::boxed::Box;
use alloc::vec;

/// The cork leaves at the latest when it is this full.
pub(super) const CORK: usize = 64 << 10;

/// A buffer that never grows, of a size that the compiler knows: putting something small into it is one comparison and the
/// copy.
#[derive(Debug)]
pub(super) struct Cork {
    bytes: Box<[u8; CORK]>,
    len: usize,
}

impl Cork {
    pub(super) fn new() -> Self {
        Self {
            bytes: vec![0; CORK]
                .into_boxed_slice()
                .try_into()
                .unwrap_or_else(|_| Box::new([0; CORK])),
            len: 0,
        }
    }

    /// The next `len` bytes, to be written; `None` where there is no room for so many.
    #[inline(always)]
    pub(super) fn place(&mut self, len: usize) -> Option<&mut [u8]> {
        let place = self.bytes.get_mut(self.len..)?.get_mut(..len)?;
        self.len += len;
        Some(place)
    }

    /// Puts bytes behind the others. Says whether there was room.
    pub(super) fn put(&mut self, bytes: &[u8]) -> bool {
        match self.place(bytes.len()) {
            Some(place) => place.copy_from_slice(bytes),
            None => return false,
        }
        true
    }

    /// The last of them.
    pub(super) fn last_mut(&mut self, len: usize) -> &mut [u8] {
        let from = self.len.saturating_sub(len);
        self.bytes.get_mut(from..self.len).unwrap_or_default()
    }

    #[inline(always)]
    pub(super) fn bytes(&self) -> &[u8] {
        self.bytes.get(..self.len).unwrap_or_default()
    }

    #[inline(always)]
    pub(super) const fn len(&self) -> usize {
        self.len
    }

    #[inline(always)]
    pub(super) const fn is_empty(&self) -> bool {
        self.len == 0
    }

    #[inline(always)]
    pub(super) const fn clear(&mut self) {
        self.len = 0;
    }
}
