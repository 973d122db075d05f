//! Many buffers, visited in turn, so that each has left the cache when its turn comes again.
//!
//! One buffer that is used over and over stays in the first-level cache, and what memory costs is not seen.

/// More than a second-level cache holds. Where a third-level one holds more, that is what is measured.
const RING_BYTES: usize = 16 << 20;

pub struct Ring {
    buffers: Vec<Vec<u8>>,
    next: usize,
}

impl Ring {
    /// One buffer: what is measured is computation.
    pub fn hot(buffer: &[u8]) -> Self {
        Self::of(buffer, 1)
    }

    /// As many copies as leave the cache: what is measured is memory as well.
    pub fn cold(buffer: &[u8]) -> Self {
        Self::of(buffer, RING_BYTES.div_ceil(buffer.len()))
    }

    fn of(buffer: &[u8], count: usize) -> Self {
        Self {
            buffers: vec![buffer.to_vec(); count],
            next: 0,
        }
    }

    /// The next one.
    pub fn turn(&mut self) -> &mut [u8] {
        self.next += 1;
        if self.next >= self.buffers.len() {
            self.next = 0;
        }
        &mut self.buffers[self.next]
    }
}
