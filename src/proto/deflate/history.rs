//! The end of what was inflated before, to which the next message may refer.
//!
//! It holds as many bytes as there were, up to the window: a connection that said little holds little.
//!
//! Not here: the window inside the library's inflater, which is lost when that begins anew.
#![deny(clippy::arithmetic_side_effects)]

use crate::proto::work;
use alloc::vec::Vec;

/// The last bytes of a stream.
#[derive(Debug, Default)]
pub(super) struct History {
    bytes: Vec<u8>,
}

impl History {
    pub(super) fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    pub(super) const fn heap_bytes(&self) -> usize {
        self.bytes.capacity()
    }

    /// Adds what follows, and keeps the last `window` bytes at least. It may hold as many as `room`: where much is added
    /// in small pieces, bytes then seldom move.
    pub(super) fn push(&mut self, data: &[u8], window: usize, room: usize) {
        let data = last(data, window);
        if self.bytes.len().saturating_add(data.len()) > room {
            self.keep(window.saturating_sub(data.len()));
        }
        let len = self.bytes.len().saturating_add(data.len());
        if len > self.bytes.capacity() {
            work::visit(self.bytes.len());
            let room = len.next_power_of_two().min(room);
            self.bytes
                .reserve_exact(room.saturating_sub(self.bytes.len()));
        }
        work::visit(data.len());
        self.bytes.extend_from_slice(data);
    }

    /// Keeps the last `count` bytes, or all if there are fewer, and room for no more than these.
    pub(super) fn shrink(&mut self, count: usize) {
        self.keep(count);
        self.bytes.shrink_to(count);
    }

    /// Keeps the last `count` bytes, or all if there are fewer.
    fn keep(&mut self, count: usize) {
        let from = self.bytes.len().saturating_sub(count);
        if from > 0 {
            work::visit(self.bytes.len().saturating_sub(from));
        }
        self.bytes.drain(..from);
    }
}

/// The last `count` bytes of `data`, or all if there are fewer.
pub(super) fn last(data: &[u8], count: usize) -> &[u8] {
    data.get(data.len().saturating_sub(count)..).unwrap_or(data)
}

#[cfg(test)]
#[allow(
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    reason = "a test that panics has failed"
)]
mod tests {
    use super::{History, last};
    use alloc::vec::Vec;

    #[test]
    fn it_is_the_end_of_the_whole_and_never_larger_than_the_window() {
        let (mut history, mut roomy) = (History::default(), History::default());
        let mut whole = Vec::new();
        for (step, len) in [0, 1, 3, 100, 0, 511, 512, 513, 7, 2000, 1]
            .into_iter()
            .enumerate()
        {
            let data: Vec<u8> = (0..len)
                .map(|byte| (byte * 7 + step).to_le_bytes()[0])
                .collect();
            whole.extend_from_slice(&data);
            history.push(&data, 512, 512);
            roomy.push(&data, 512, 1024);
            let from = whole.len().saturating_sub(512);
            assert_eq!(history.bytes(), &whole[from..], "after {step}");
            assert_eq!(last(roomy.bytes(), 512), &whole[from..], "after {step}");
            assert!(history.heap_bytes() <= 512 && roomy.heap_bytes() <= 1024);
        }
    }

    /// Bytes move when there is no room left, and not before.
    #[test]
    fn all_of_the_room_is_used() {
        let mut history = History::default();
        for (len, held) in [(512, 512), (500, 1012), (12, 1024), (1, 512), (512, 1024)] {
            history.push(&[1; 512][..len], 512, 1024);
            assert_eq!(history.bytes().len(), held, "after {len}");
        }
    }

    #[test]
    fn little_is_held_of_little() {
        let mut history = History::default();
        history.push(&[1; 100], 1 << 15, 1 << 15);
        assert!(history.heap_bytes() <= 128);
    }
}
