//! Buffers for what a session cannot leave in the loop's: a small bounded pool, in powers of two.
//!
//! A buffer holds at most twice the bytes that are in it, or 64: a peer that announces much and sends little pins
//! little. Growing moves every byte once on average, and in steady state allocates nothing.
//!
//! Not here: who needs a buffer when; that is `session`. What is larger than 256 KiB, which is `spares`.

use super::session::Rest;
use super::spares::Spares;
use super::tools::READ;
use alloc::boxed::Box;
use alloc::vec::Vec;

/// The smallest buffer.
const MIN_BITS: u32 = 6;
/// The largest buffer that is kept; 256 KiB.
const MAX_BITS: u32 = 18;
/// How many of each size are kept: 2 MiB in all.
const KEPT: usize = 4;
/// How many places for a buffer are kept: 2.5 KiB in all.
const RESTS: usize = 64;

/// What a peer may pin beside twice what it has sent: the header of a frame fits in it.
const SLACK: usize = 64;

#[derive(Debug, Default)]
pub(super) struct Pool {
    /// Those that are larger.
    pub(super) spares: Spares,
    /// Whom buffers are taken for and given back by: the connection that is being served.
    pub(super) owner: u64,
    free: [Vec<Vec<u8>>; (MAX_BITS - MIN_BITS + 1) as usize],
    /// Where sessions have their buffers.
    #[expect(clippy::vec_box, reason = "a session has the box")]
    rests: Vec<Box<Rest>>,
}

impl Pool {
    /// An empty buffer with room for `len` bytes and at least one more.
    pub(super) fn take(&mut self, len: usize) -> Vec<u8> {
        let capacity = (len + 1).next_power_of_two().max(1 << MIN_BITS);
        self.class(capacity)
            .and_then(Vec::pop)
            .unwrap_or_else(|| Vec::with_capacity(capacity))
    }

    /// The same for the beginning of what has `need` more bytes.
    pub(super) fn take_for(&mut self, len: usize, need: usize) -> Vec<u8> {
        let own = self.take_own(len, need);
        own.unwrap_or_else(|| self.take(len))
    }

    /// What the same connection gave back, if all of it fits there.
    fn take_own(&mut self, len: usize, need: usize) -> Option<Vec<u8>> {
        let whole = len.saturating_add(need);
        if whole <= 1 << MAX_BITS {
            return None;
        }
        self.spares.take_back(self.owner, whole)
    }

    /// Gives a buffer back.
    pub(super) fn put(&mut self, mut buffer: Vec<u8>) {
        buffer.clear();
        if buffer.capacity() > 1 << MAX_BITS {
            return self.spares.put(self.owner, buffer);
        }
        if let Some(class) = self.class(buffer.capacity())
            && class.len() < KEPT
        {
            class.push(buffer);
        }
    }

    /// An empty place for a buffer.
    pub(super) fn take_rest(&mut self) -> Box<Rest> {
        self.rests.pop().unwrap_or_default()
    }

    /// Gives it back.
    pub(super) fn put_rest(&mut self, mut rest: Box<Rest>) {
        *rest = Rest::default();
        if self.rests.len() < RESTS {
            self.rests.push(rest);
        }
    }

    /// The largest of the buffers that the same connection gave back, if one was too large for the pool.
    pub(super) fn take_spare(&mut self) -> Option<Vec<u8>> {
        self.spares.take_largest(self.owner)
    }

    /// Whether it is too large for the pool.
    pub(super) const fn is_spare(buffer: &Vec<u8>) -> bool {
        buffer.capacity() > 1 << MAX_BITS
    }

    /// Whether a buffer that a connection was lent may stay with it: as much of a message is in it as others have sent before
    /// they are given as much room.
    pub(super) const fn is_earned(buffer: &Vec<u8>, need: usize) -> bool {
        let (len, capacity) = (buffer.len(), buffer.capacity());
        capacity <= 2 * len + SLACK || len >= READ && len.saturating_add(need) > 1 << MAX_BITS
    }

    /// Gives back what is not [earned](Self::is_earned).
    pub(super) fn trim(&mut self, buffer: &mut Vec<u8>, need: usize) {
        if Self::is_earned(buffer, need) {
            return;
        }
        let smaller = match buffer.len() {
            0 => Vec::new(),
            len => self.take(len),
        };
        self.move_to(smaller, buffer);
    }

    /// Makes room for at least one more byte, and for at most as many as there are, if it has not had a larger one before;
    /// `need` more are known to be wanted.
    pub(super) fn grow(&mut self, buffer: &mut Vec<u8>, need: usize) {
        if buffer.len() < buffer.capacity() {
            return;
        }
        if let Some(larger) = self.take_own(buffer.len(), need) {
            return self.move_to(larger, buffer);
        }
        if buffer.len() >= 1 << MAX_BITS {
            return self.grow_large(buffer, need);
        }
        let larger = self.take(buffer.len());
        self.move_to(larger, buffer);
    }

    fn grow_large(&mut self, buffer: &mut Vec<u8>, need: usize) {
        let most = buffer.len() + SLACK;
        let more = need.clamp(1, most);
        match self.spares.take(buffer.len() + more, buffer.len() + most) {
            Some(larger) => self.move_to(larger, buffer),
            // The allocator may be able to grow in place, and the exact end is worth stopping at.
            None => buffer.reserve_exact(more),
        }
    }

    fn move_to(&mut self, mut larger: Vec<u8>, buffer: &mut Vec<u8>) {
        larger.extend_from_slice(buffer);
        self.put(core::mem::replace(buffer, larger));
    }

    fn class(&mut self, capacity: usize) -> Option<&mut Vec<Vec<u8>>> {
        if !capacity.is_power_of_two() {
            return None;
        }
        let class = capacity.trailing_zeros().checked_sub(MIN_BITS)?;
        self.free.get_mut(class as usize)
    }
}

#[cfg(test)]
mod tests {
    use super::{Pool, READ};
    use alloc::vec::Vec;

    #[test]
    fn a_buffer_never_holds_more_than_twice_its_bytes_or_64() {
        let mut pool = Pool::default();
        for len in 1..5000 {
            let mut buffer = pool.take(len);
            assert!(buffer.capacity() > len && buffer.capacity() <= (2 * len).max(64));
            buffer.resize(buffer.capacity(), 0);
            let full = buffer.len();
            pool.grow(&mut buffer, usize::MAX);
            assert!(buffer.capacity() > full && buffer.capacity() <= 2 * full);
            assert_eq!(buffer.len(), full);
            pool.put(buffer);
        }
    }

    #[test]
    fn a_buffer_comes_back() {
        let mut pool = Pool::default();
        let buffer = pool.take(1000);
        let place = buffer.as_ptr();
        pool.put(buffer);
        let again = pool.take(700);
        assert_eq!(again.as_ptr(), place);
    }

    #[test]
    fn a_buffer_that_was_lent_stays_only_with_who_has_sent_much() {
        let large = 1 << 20;
        for (len, need, stays) in [
            (0, 0, false),
            (1, large, false),
            (READ - 1, large, false),
            (READ, (1 << 18) - READ, false),
            (READ, (1 << 18) - READ + 1, true),
            (large / 2, 0, true),
            (large, 0, true),
        ] {
            let mut pool = Pool::default();
            pool.put(Vec::with_capacity(large / 2));
            pool.put(Vec::with_capacity(large));
            let mut buffer = pool.take_spare().expect("the larger of two");
            assert_eq!(buffer.capacity(), large);
            buffer.resize(len, 7);
            pool.trim(&mut buffer, need);
            assert_eq!(buffer.len(), len);
            assert_eq!(buffer.capacity() == large, stays, "{len} {need}");
            let given_back = pool.take_spare().expect("one of them, or both");
            assert_eq!(given_back.capacity() == large, !stays);
            assert!(stays || buffer.capacity() <= (2 * len).max(64));
        }
    }

    #[test]
    fn the_pool_is_bounded() {
        let mut pool = Pool::default();
        let taken: Vec<_> = (0..100).map(|_| pool.take(1 << 17)).collect();
        taken.into_iter().for_each(|buffer| pool.put(buffer));
        let kept: usize = pool.free.iter().flatten().map(Vec::capacity).sum();
        assert_eq!(kept, 4 << 18);
    }
}
