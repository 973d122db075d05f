//! What names a connection: [`ConnectionId`].
//!
//! Not here: which connections there are.

use crate::kernel::Token;
use core::fmt;
use core::num::NonZeroU64;
use core::ops::Range;
use core::sync::atomic::{AtomicU64, Ordering};

/// Names a connection. No other one of this process has had it or ever will, whichever loop it is on: an id that was kept
/// too long names nobody.
// In 12 bytes, and not in 16: lists of connections keep it beside other things. Where there may be none it takes no more.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[repr(Rust, packed(4))]
pub struct ConnectionId {
    number: NonZeroU64,
    slot: u32,
}

#[cfg(not(target_pointer_width = "64"))]
compile_error!(
    "the server keeps a slot and half a number in one `usize`, which takes 64 bits; the core does not"
);

impl ConnectionId {
    pub(super) const fn new(number: NonZeroU64, slot: usize) -> Self {
        #[expect(
            clippy::cast_possible_truncation,
            reason = "descriptors, and so slots, are counted in 31 bits"
        )]
        let slot = slot as u32;
        Self { number, slot }
    }

    /// Its place in its loop.
    pub(super) const fn slot(self) -> usize {
        self.slot as usize
    }

    /// Which of the loops that share broadcasts it is on.
    pub(super) const fn worker(self) -> u32 {
        (self.get() >> SERIAL) as u32
    }

    /// What the kernel reports it under.
    pub(super) const fn token(self) -> Token {
        token_of(self.get(), self.slot as usize)
    }

    /// A number that no other connection of this process has had or will have.
    #[must_use]
    pub const fn get(self) -> u64 {
        self.number.get()
    }

    /// As the loop keeps it.
    pub(super) const fn number(self) -> NonZeroU64 {
        self.number
    }
}

/// What the kernel reports a connection under. Half of the number is enough: a report is at most one turn old.
pub(super) const fn token_of(number: u64, slot: usize) -> Token {
    #[expect(
        clippy::cast_possible_truncation,
        reason = "where a server runs, a `usize` has 64 bits"
    )]
    let number = number as usize;
    Token(number << 32 | slot)
}

/// The slot in a token.
pub(super) const fn slot_in(token: Token) -> usize {
    token.0 & 0xFFFF_FFFF
}

impl fmt::Debug for ConnectionId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "#{}", self.get() & ((1 << SERIAL) - 1))
    }
}

impl fmt::Display for ConnectionId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(self, f)
    }
}

/// A loop's supply of numbers.
#[derive(Debug)]
pub(super) struct Numbers(Range<u64>);

/// Numbers are taken by so many, so that loops do not meet at each connection.
const BATCH: u64 = 1 << 16;

/// Bits of a number that count connections; the others say which loop. At 100 000 connections a second they last for 89
/// years.
const SERIAL: u32 = 48;

/// Numbers of all loops.
static NEXT: AtomicU64 = AtomicU64::new(1);

impl Numbers {
    pub(super) const fn new() -> Self {
        Self(0..0)
    }

    /// One that was never given before.
    pub(super) fn take(&mut self, worker: u32) -> NonZeroU64 {
        if self.0.is_empty() {
            let first = NEXT.fetch_add(BATCH, Ordering::Relaxed);
            self.0 = first..first + BATCH;
        }
        let number = self.0.start;
        self.0.start += 1;
        let number = NonZeroU64::new(number).expect("they begin with 1, and do not come round");
        number | u64::from(worker) << SERIAL
    }
}

#[cfg(test)]
mod tests {
    use super::{BATCH, ConnectionId, Numbers, slot_in};
    use core::num::NonZeroU64;
    use std::collections::HashSet;

    #[test]
    fn an_id_is_small_also_where_there_may_be_none() {
        assert_eq!(size_of::<Option<ConnectionId>>(), 12);
    }

    #[test]
    fn no_number_is_given_twice() {
        let (mut one, mut other) = (Numbers::new(), Numbers::new());
        let mut seen = HashSet::new();
        for _ in 0..2 * BATCH + 1 {
            assert!(seen.insert(one.take(0)));
            assert!(seen.insert(other.take(0)));
        }
    }

    #[test]
    fn an_id_says_which_loop() {
        let mut numbers = Numbers::new();
        for worker in [0, 1, 65_535] {
            let id = ConnectionId::new(numbers.take(worker), 7);
            assert_eq!((id.worker(), id.slot()), (worker, 7));
        }
    }

    #[test]
    fn a_token_has_the_slot_and_tells_neighbours_apart() {
        let last = (1 << 31) - 1;
        let token = |number, slot| {
            let number = NonZeroU64::new(u64::from(u32::MAX) + number);
            ConnectionId::new(number.expect("it is not 0"), slot).token()
        };
        for slot in [0, 1, last] {
            let one = token(7, slot);
            assert_eq!(slot_in(one), slot);
            let next = token(8, slot);
            assert_ne!(one, next);
        }
    }
}
