//! Large buffers that were given back: [`Spares`]. A message of a megabyte that makes its buffer anew has the system clear
//! 256 pages for it, which takes as long as all else that is done for it.
//!
//! A buffer is anybody's who has received half of what it holds. Whoever gave it back gets it at once: they have sent all
//! of that before, and need not have it moved from buffer to buffer as it grows.
//!
//! Not here: buffers of up to 256 KiB, which are `pool`.

use alloc::vec::Vec;

/// Bytes that are kept at most.
const KEPT: usize = 16 << 20;

/// Buffers of any size. Those that nobody wanted for a while are [freed](Self::sweep).
#[derive(Debug, Default)]
pub(super) struct Spares {
    /// With who gave it back.
    buffers: Vec<(u64, Vec<u8>)>,
    bytes: usize,
    /// How many lay here all the time since the last sweep.
    unused: usize,
    /// Whether a sweep is to come.
    awaited: bool,
}

impl Spares {
    /// The smallest buffer with room for so many bytes, and for no more than `most`.
    pub(super) fn take(&mut self, least: usize, most: usize) -> Option<Vec<u8>> {
        self.take_where(|_, capacity| (least..=most).contains(&capacity))
    }

    /// One with room for so many bytes that has come from there.
    pub(super) fn take_back(&mut self, owner: u64, least: usize) -> Option<Vec<u8>> {
        self.take_where(|gave, capacity| gave == owner && capacity >= least)
    }

    /// The largest that has come from there.
    pub(super) fn take_largest(&mut self, owner: u64) -> Option<Vec<u8>> {
        let theirs = self.buffers.iter().filter(|(gave, _)| *gave == owner);
        let least = theirs.map(|(_, buffer)| buffer.capacity()).max()?;
        self.take_back(owner, least)
    }

    fn take_where(&mut self, fits: impl Fn(u64, usize) -> bool) -> Option<Vec<u8>> {
        let numbered = self.buffers.iter().enumerate();
        let (at, _) = numbered
            .filter(|(_, (owner, buffer))| fits(*owner, buffer.capacity()))
            .min_by_key(|(_, (_, buffer))| buffer.capacity())?;
        let (_, buffer) = self.buffers.swap_remove(at);
        self.bytes -= buffer.capacity();
        self.unused = self.unused.min(self.buffers.len());
        Some(buffer)
    }

    /// Keeps an empty buffer, if there is room for it.
    pub(super) fn put(&mut self, owner: u64, buffer: Vec<u8>) {
        if self.bytes + buffer.capacity() <= KEPT {
            self.bytes += buffer.capacity();
            self.buffers.push((owner, buffer));
        }
    }

    /// Whether a sweep is wanted that nobody was told of yet.
    pub(super) fn wants_sweep(&mut self) -> bool {
        let wants = !self.buffers.is_empty() && !self.awaited;
        self.awaited |= wants;
        wants
    }

    /// Frees as many as were not wanted since the last sweep.
    pub(super) fn sweep(&mut self) {
        let kept = self.buffers.split_off(self.unused.min(self.buffers.len()));
        self.buffers = kept;
        let capacities = self.buffers.iter().map(|(_, buffer)| buffer.capacity());
        self.bytes = capacities.sum();
        self.unused = self.buffers.len();
        self.awaited = false;
    }
}

#[cfg(test)]
mod tests {
    use super::{KEPT, Spares};
    use alloc::vec::Vec;

    fn with(capacities: &[usize]) -> Spares {
        let mut spares = Spares::default();
        for (owner, capacity) in (0..).zip(capacities) {
            spares.put(owner, Vec::with_capacity(*capacity));
        }
        spares
    }

    #[test]
    fn the_smallest_that_fits_is_taken_and_none_that_is_too_large() {
        let mut spares = with(&[500_000, 300_000, 400_000]);
        for (least, most, expected) in [
            (200_000, 250_000, None),
            (310_000, 600_000, Some(400_000)),
            (310_000, 600_000, Some(500_000)),
            (310_000, 600_000, None),
            (300_000, 300_000, Some(300_000)),
        ] {
            let taken = spares.take(least, most);
            assert_eq!(taken.map(|buffer| buffer.capacity()), expected);
        }
        assert_eq!(spares.bytes, 0);
    }

    #[test]
    fn who_gave_a_buffer_back_gets_it_again_if_it_is_large_enough() {
        let mut spares = with(&[500_000, 300_000, 400_000]);
        for (owner, least, expected) in [
            (1, 300_001, None),
            (3, 1, None),
            (1, 300_000, Some(300_000)),
            (1, 1, None),
            (2, 1, Some(400_000)),
            (0, 450_000, Some(500_000)),
        ] {
            let taken = spares.take_back(owner, least);
            assert_eq!(taken.map(|buffer| buffer.capacity()), expected);
        }
    }

    #[test]
    fn what_is_kept_is_bounded() {
        let mut spares = with(&[1 << 20; 100]);
        assert_eq!(spares.bytes, KEPT);
        assert_eq!(spares.buffers.len(), 16);
        drop(spares.take(1, KEPT));
        spares.put(0, Vec::with_capacity(2 << 20));
        assert_eq!(spares.bytes, KEPT - (1 << 20));
    }

    #[test]
    fn what_nobody_wants_is_freed_and_what_is_used_stays() {
        let mut spares = with(&[1 << 20; 3]);
        assert!(spares.wants_sweep() && !spares.wants_sweep());
        // They have not been here for long.
        spares.sweep();
        assert_eq!(spares.buffers.len(), 3);
        assert!(spares.wants_sweep());
        let one = spares.take(1 << 20, 1 << 20).expect("one of three");
        spares.put(0, one);
        spares.sweep();
        assert_eq!((spares.buffers.len(), spares.bytes), (1, 1 << 20));
        spares.sweep();
        assert_eq!((spares.buffers.len(), spares.bytes), (0, 0));
        assert!(!spares.wants_sweep());
    }
}
