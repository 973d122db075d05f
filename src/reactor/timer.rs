//! A hierarchical timer wheel: insert and fire in O(1), `now` is an argument.
//!
//! Four levels of 64 slots. A tick is 1 ms, so the levels span 64 ms, 4 s, 4 min and 4 h; what lies further off goes
//! round again. Nothing fires early, and nothing more than 2 ms late, or a turn of the loop where that is longer.
//!
//! Entries are not removed. Whoever inserts one remembers the tick and ignores an entry that fires with another: a
//! deadline that moves later costs nothing until the old one fires. An entry takes 8 bytes, in chunks that are never moved
//! to grow: every idle connection has one.
//!
//! Not here: what a deadline means; that is `session`.
#![allow(
    clippy::cast_possible_truncation,
    reason = "a stamp is the low half of a tick, keys are below 2^32 and slots below 64"
)]

use alloc::vec::Vec;
use core::mem::replace;
use core::time::Duration;

/// A point in time, in units of [`TICK`] since the loop began.
pub(super) type Tick = u64;

/// The resolution of every deadline.
pub(super) const TICK: Duration = Duration::from_millis(1);

/// No tick that ever comes.
pub(super) const NEVER: Tick = Tick::MAX;

/// The longest span that is told apart from another: 12 days. Longer ones, as `Duration::MAX`, mean this.
const MAX_SPAN: Tick = 1 << 30;

const LEVELS: usize = 4;
const SLOT_BITS: usize = 6;
const SLOTS: u64 = 1 << SLOT_BITS;

/// The tick that has begun at `now`.
pub(super) fn tick_at(now: Duration) -> Tick {
    // In milliseconds, as `TICK` is one; asked in every turn, so without 128 bits.
    // It is no wonder that it wraps after half a billion years.
    now.as_secs()
        .wrapping_mul(1000)
        .wrapping_add(now.subsec_millis().into())
}

/// How many ticks pass at least in `span`, wherever in its tick it begins.
pub(super) fn ticks_in(span: Duration) -> Tick {
    let ticks = span.as_nanos().div_ceil(TICK.as_nanos()) + 1;
    Tick::try_from(ticks).map_or(MAX_SPAN, |ticks| ticks.min(MAX_SPAN))
}

/// An interval in ticks, rounded up; none is shorter than one.
pub(super) fn whole_ticks(interval: Duration) -> Tick {
    (ticks_in(interval) - 1).max(1)
}

/// How long so many ticks take, or 49 days: whoever waits so long looks again.
pub(super) fn span_of(ticks: Tick) -> Duration {
    // In milliseconds, as `TICK` is one. In half the bits, it costs half as much to divide.
    let millis = u32::try_from(ticks).unwrap_or(u32::MAX);
    Duration::new(u64::from(millis / 1000), millis % 1000 * 1_000_000)
}

/// A tick remembered in four bytes: it is told apart from others within 24 days of it. No span is longer than 12, and
/// every session is looked at within its next deadline.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Stamp(u32);

impl Stamp {
    pub(super) const fn of(tick: Tick) -> Self {
        Self(tick as u32)
    }

    /// Ticks from `now` until then, where it lies ahead.
    pub(super) const fn until(self, now: Tick) -> Tick {
        self.0.wrapping_sub(now as u32) as Tick
    }

    /// Whether `now` is then, or later.
    pub(super) const fn is_past(self, now: Tick) -> bool {
        self.age(now) < 1 << 31
    }

    /// So many ticks later.
    pub(super) const fn later(self, ticks: Tick) -> Self {
        Self(self.0.wrapping_add(ticks as u32))
    }

    /// The tick that it is of, which lies within 24 days of `now`.
    const fn tick(self, now: Tick) -> Tick {
        if self.is_past(now) {
            now.saturating_sub(self.age(now))
        } else {
            now + self.until(now)
        }
    }

    /// Ticks from then to `now`.
    pub(super) const fn age(self, now: Tick) -> Tick {
        (now as u32).wrapping_sub(self.0) as Tick
    }
}

/// Something that wants to be told when its tick has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Entry {
    pub(super) at: Tick,
    /// Below 2^32: bits 28 to 31 say what it is of, where that is no session. There is no memory for 2^28 of anything.
    pub(super) key: usize,
}

/// An entry in the wheel.
#[derive(Clone, Copy, Debug)]
struct Packed {
    at: Stamp,
    key: u32,
}

/// Entries of one chunk: half a KiB.
const CHUNK: usize = 64;

#[derive(Debug)]
pub(super) struct Wheel {
    levels: [Level; LEVELS],
    now: Tick,
    /// What [`next`](Self::next) says, kept because it is asked twice in every turn.
    next: Tick,
}

#[derive(Debug)]
struct Level {
    slots: Vec<Slot>,
    /// One bit per slot that is not empty.
    occupied: u64,
}

/// Entries in chunks.
#[derive(Debug, Default)]
struct Slot {
    full: Vec<Vec<Packed>>,
    /// Of most slots the only one, which may grow.
    last: Vec<Packed>,
}

impl Slot {
    fn push(&mut self, entry: Entry) {
        if self.last.len() == CHUNK {
            let next = Vec::with_capacity(CHUNK);
            self.full.push(replace(&mut self.last, next));
        }
        self.last.push(Packed {
            at: Stamp::of(entry.at),
            key: entry.key as u32,
        });
    }

    /// The entries, in order, as of `now`.
    fn entries(self, now: Tick) -> impl Iterator<Item = Entry> {
        let entries = self.full.into_iter().flatten().chain(self.last);
        entries.map(move |entry| Entry {
            at: entry.at.tick(now),
            key: entry.key as usize,
        })
    }
}

impl Wheel {
    pub(super) fn new() -> Self {
        Self {
            levels: core::array::from_fn(|_| Level {
                slots: (0..SLOTS).map(|_| Slot::default()).collect(),
                occupied: 0,
            }),
            now: 0,
            next: NEVER,
        }
    }

    /// Asks to be told at a tick; one that has passed already means the next.
    pub(super) fn insert(&mut self, entry: Entry, now: Tick) {
        // Between turns in which something is due, nobody told it what time it is.
        if now < self.next {
            self.now = self.now.max(now);
        }
        self.place(entry, entry.at.max(self.now + 1));
        self.next = self.find_next();
    }

    /// The next tick at which there is something to do, which may be only to look closer; or [`NEVER`].
    pub(super) const fn next(&self) -> Tick {
        self.next
    }

    fn find_next(&self) -> Tick {
        let levels = (0..).step_by(SLOT_BITS).zip(&self.levels);
        levels
            .filter(|(_, level)| level.occupied != 0)
            .map(|(shift, level)| {
                let current = self.now >> shift;
                let first = (current + 1) % SLOTS;
                let distance = level.occupied.rotate_right(first as u32).trailing_zeros();
                (current + 1 + u64::from(distance)) << shift
            })
            .min()
            .unwrap_or(NEVER)
    }

    /// Moves to `now` and collects what has fired on the way.
    #[inline(never)]
    pub(super) fn advance(&mut self, now: Tick, fired: &mut Vec<Entry>) {
        while self.next <= now {
            let next = self.next;
            self.now = next;
            for level in (1..LEVELS).rev() {
                let shift = SLOT_BITS * level;
                if next.trailing_zeros() as usize >= shift {
                    for entry in self.take(level, next >> shift).entries(next) {
                        self.place(entry, entry.at.max(next));
                    }
                }
            }
            fired.extend(self.take(0, next).entries(next));
            self.next = self.find_next();
        }
        self.now = self.now.max(now);
    }

    fn place(&mut self, entry: Entry, at: Tick) {
        let distance = at - self.now;
        let level = (0..LEVELS - 1)
            .find(|level| distance >> (SLOT_BITS * (level + 1)) == 0)
            .unwrap_or(LEVELS - 1);
        let shift = SLOT_BITS * level;
        // What lies beyond the last level goes into its furthest slot, to be placed anew from there.
        let furthest = (self.now >> shift) + SLOTS;
        let slot = (at >> shift).min(furthest) % SLOTS;
        let level = &mut self.levels[level];
        level.slots[slot as usize].push(entry);
        level.occupied |= 1 << slot;
    }

    fn take(&mut self, level: usize, position: u64) -> Slot {
        let slot = position % SLOTS;
        let level = &mut self.levels[level];
        level.occupied &= !(1 << slot);
        core::mem::take(&mut level.slots[slot as usize])
    }
}

#[cfg(test)]
mod tests {
    use super::{Entry, NEVER, Tick, Wheel};
    use alloc::vec::Vec;

    fn fired(wheel: &mut Wheel, now: Tick) -> Vec<usize> {
        let mut fired = Vec::new();
        wheel.advance(now, &mut fired);
        fired.into_iter().map(|entry| entry.key).collect()
    }

    #[test]
    fn an_entry_fires_at_its_tick_and_not_before() {
        for start in [0, 1, 63, 64, 4095, 4096, 262_143, 1 << 30] {
            for delay in [
                1, 2, 62, 63, 64, 65, 127, 128, 4095, 4096, 4097, 262_143, 262_145,
            ] {
                let mut wheel = Wheel::new();
                wheel.advance(start, &mut Vec::new());
                let at = start + delay;
                wheel.insert(Entry { at, key: 7 }, start);
                assert!(fired(&mut wheel, at - 1).is_empty(), "{start} + {delay}");
                assert_eq!(fired(&mut wheel, at), [7], "{start} + {delay}");
                assert_eq!(wheel.next(), NEVER);
            }
        }
    }

    #[test]
    fn entries_fire_in_order_of_their_ticks_across_levels() {
        let mut wheel = Wheel::new();
        let ticks = [5000, 3, 64, 70, 4096, 1, 300_000, 65];
        for at in ticks {
            wheel.insert(
                Entry {
                    at,
                    key: at as usize,
                },
                0,
            );
        }
        let mut order = Vec::from(ticks.map(|at| at as usize));
        order.sort_unstable();
        assert_eq!(fired(&mut wheel, 300_000), order);
    }

    #[test]
    fn a_tick_that_has_passed_fires_at_the_next() {
        let mut wheel = Wheel::new();
        wheel.advance(100, &mut Vec::new());
        wheel.insert(Entry { at: 5, key: 1 }, 100);
        assert_eq!(wheel.next(), 101);
        assert_eq!(fired(&mut wheel, 101), [1]);
    }

    #[test]
    fn what_is_due_and_has_not_fired_is_not_passed_over() {
        for at in [10, 70, 5000] {
            let mut wheel = Wheel::new();
            wheel.insert(Entry { at, key: 1 }, 0);
            let now = at + 5;
            let later = Entry {
                at: now + 10,
                key: 2,
            };
            wheel.insert(later, now);
            assert_eq!(fired(&mut wheel, now), [1], "{at}");
            assert_eq!(fired(&mut wheel, now + 10), [2], "{at}");
        }
    }

    #[test]
    fn what_lies_beyond_the_wheel_goes_round_until_it_is_due() {
        let mut wheel = Wheel::new();
        let at = (1 << 26) + 5;
        wheel.insert(Entry { at, key: 1 }, 0);
        assert!(fired(&mut wheel, at - 1).is_empty());
        assert_eq!(fired(&mut wheel, at), [1]);
    }
}
