//! What rooms do about a member that reads too slowly: which of their messages that wait for it are dropped.
//!
//! What direct sends put there stays, and so does a message of which a part has gone.
//!
//! Not here: which policy a room has, which is `rooms`; closing, which is `deliver`.

use super::outbox::{Entry, Exit, Outbox};
use super::rooms::Run;
use alloc::collections::VecDeque;
use alloc::vec::Vec;
use core::ops::Range;
use core::panic::AssertUnwindSafe;
use std::collections::HashSet;
use std::panic::catch_unwind;

/// What an entry costs beside its bytes.
pub(super) const OVERHEAD: usize = 192;

impl<S> Exit<S> {
    /// Whether more of rooms waits than may. What is first in line counts as far as it is within the limit: a large
    /// message may go if nothing is in its way.
    pub(super) fn has_excess(&self, max_queued: usize) -> bool {
        self.outbox()
            .is_some_and(|outbox| outbox.excess(max_queued) > 0)
    }

    /// Drops what a room said last. Says how many messages that were.
    pub(super) fn drop_newest(&mut self, room: u64, max_queued: usize) -> u64 {
        self.outbox_mut()
            .map_or(0, |outbox| outbox.drop_newest(room, max_queued))
    }

    /// Drops what a room said first.
    pub(super) fn drop_oldest(&mut self, room: u64, max_queued: usize) -> u64 {
        self.outbox_mut()
            .map_or(0, |outbox| outbox.drop_oldest(room, max_queued))
    }

    /// Drops what a room said before it said something else with the same key. Says also whether enough is left free
    /// that it will be a while until that is looked for again.
    pub(super) fn conflate(
        &mut self,
        room: u64,
        key: fn(&[u8]) -> &[u8],
        max_queued: usize,
    ) -> (u64, bool) {
        let Some(outbox) = self.outbox_mut() else {
            return (0, true);
        };
        if outbox.of_rooms < outbox.next_look.min(max_queued) {
            return (0, true);
        }
        let dropped = outbox.look_for_replaced(room, key);
        (dropped, self.fits_conflated(max_queued))
    }

    /// The same, however little has come since that was last looked for.
    pub(super) fn conflate_now(&mut self, room: u64, key: fn(&[u8]) -> &[u8]) -> u64 {
        self.outbox_mut()
            .map_or(0, |outbox| outbox.look_for_replaced(room, key))
    }

    /// Whether enough is left free.
    pub(super) fn fits_conflated(&self, max_queued: usize) -> bool {
        !self.has_excess(max_queued / 4 * 3)
    }
}

impl Entry {
    fn in_runs(&self) -> usize {
        match self {
            Self::Run(run) => run.bytes().len(),
            _ => 0,
        }
    }

    /// What it takes of what rooms may have waiting.
    fn of_rooms(&self) -> usize {
        match self {
            Self::Run(run) if run.is_of_room() => run.bytes().len() + OVERHEAD,
            Self::Copied(bytes, sent) => bytes.len() - sent,
            _ => 0,
        }
    }
}

impl Outbox {
    /// An entry is in the queue now.
    pub(super) fn count_in(&mut self, entry: &Entry) {
        self.bytes += entry.bytes().len();
        self.in_runs += entry.in_runs();
        self.of_rooms += entry.of_rooms();
    }

    /// An entry is not in the queue any more.
    pub(super) fn count_out(&mut self, entry: &Entry) {
        self.bytes -= entry.bytes().len();
        self.in_runs -= entry.in_runs();
        self.of_rooms -= entry.of_rooms();
    }

    fn excess(&self, max_queued: usize) -> usize {
        let first = match self.entries.front() {
            Some(Entry::Run(run)) if run.is_of_room() => run.first() + OVERHEAD,
            _ => 0,
        };
        self.of_rooms.saturating_sub(max_queued.max(first))
    }

    fn drop_newest(&mut self, room: u64, max_queued: usize) -> u64 {
        let mut dropped = 0;
        for at in (0..self.entries.len()).rev() {
            let excess = self.excess(max_queued);
            if excess == 0 {
                break;
            }
            let Some(run) = self.run_of(at, room) else {
                continue;
            };
            let (all, mut whole) = (run.range(), run.whole());
            if at == 0 && whole.start == all.start {
                whole.start += 1;
            }
            let mut less = 0;
            let mut until = whole.end;
            while until > whole.start && less < excess {
                until -= 1;
                less += run.len_of(until);
            }
            dropped += u64::from(whole.end.saturating_sub(until));
            let left = all.start..until.min(all.end);
            self.replace(at, [left, 0..0]);
        }
        dropped
    }

    fn drop_oldest(&mut self, room: u64, max_queued: usize) -> u64 {
        let mut dropped = 0;
        let mut at = 0;
        while at < self.entries.len() {
            let excess = self.excess(max_queued);
            if excess == 0 {
                break;
            }
            let Some(run) = self.run_of(at, room) else {
                at += 1;
                continue;
            };
            let (all, whole) = (run.range(), run.whole());
            let mut less = 0;
            let mut from = whole.start;
            while from < whole.end && less < excess {
                less += run.len_of(from);
                from += 1;
            }
            dropped += u64::from(from - whole.start);
            at += self.replace(at, [all.start..whole.start, from..all.end]);
            // What is cut off costs more than it did, and then more of it has to go: it is older than what follows.
            at -= usize::from(from < all.end);
        }
        dropped
    }

    /// Should finding a key panic, nothing is dropped: nothing changes before all keys are known.
    fn look_for_replaced(&mut self, room: u64, key: fn(&[u8]) -> &[u8]) -> u64 {
        let conflated = catch_unwind(AssertUnwindSafe(|| self.conflate(room, key)));
        self.next_look = 2 * self.of_rooms;
        conflated.unwrap_or(0)
    }

    /// How much is looked at is paid for by what has come since the last time.
    fn conflate(&mut self, room: u64, key: fn(&[u8]) -> &[u8]) -> u64 {
        let mut dropped = 0;
        let mut kept: Vec<(usize, Vec<Range<u32>>)> = Vec::new();
        {
            let mut seen = HashSet::new();
            for at in (0..self.entries.len()).rev() {
                let Some(run) = self.run_of(at, room) else {
                    continue;
                };
                let mut ranges: Vec<Range<u32>> = Vec::new();
                let whole = run.whole();
                for index in run.range().rev() {
                    if whole.contains(&index) && !seen.insert(key(run.payload(index))) {
                        dropped += 1;
                        continue;
                    }
                    match ranges.last_mut() {
                        Some(range) if range.start == index + 1 => range.start = index,
                        _ => ranges.push(index..index + 1),
                    }
                }
                ranges.reverse();
                kept.push((at, ranges));
            }
        }
        if dropped > 0 {
            self.rebuild(kept);
        }
        dropped
    }

    /// Puts these ranges in place of runs; `kept` is in the order from the last.
    fn rebuild(&mut self, kept: Vec<(usize, Vec<Range<u32>>)>) {
        let mut kept = kept.into_iter().rev().peekable();
        let before = core::mem::take(&mut self.entries);
        let mut after = VecDeque::with_capacity(before.len());
        for (at, entry) in before.into_iter().enumerate() {
            let ranges = kept.next_if(|(index, _)| *index == at);
            let (Entry::Run(run), Some((_, ranges))) = (&entry, ranges) else {
                after.push_back(entry);
                continue;
            };
            self.count_out(&entry);
            for range in ranges {
                let part = Entry::Run(run.part(range));
                self.count_in(&part);
                after.push_back(part);
            }
        }
        self.entries = after;
    }

    fn run_of(&self, at: usize, room: u64) -> Option<&Run> {
        match self.entries.get(at) {
            Some(Entry::Run(run)) if run.room() == room => Some(run),
            _ => None,
        }
    }

    /// Puts parts of a run in its place, but for those that are empty. Says how many they are.
    fn replace<const N: usize>(&mut self, at: usize, parts: [Range<u32>; N]) -> usize {
        let Some(entry) = self.entries.remove(at) else {
            return 0;
        };
        self.count_out(&entry);
        let Entry::Run(run) = &entry else {
            return 0;
        };
        let mut put = 0;
        for range in parts {
            if !range.is_empty() {
                let part = Entry::Run(run.part(range));
                self.count_in(&part);
                self.entries.insert(at + put, part);
                put += 1;
            }
        }
        put
    }
}
