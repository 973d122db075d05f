//! One room: its members, and what was said in it that not all of them have been told.
//!
//! Messages are numbered. What is said in a turn gathers in the *log*; sealed, it is a *link* of what is *fresh*, which
//! members are told one after the other, in a *pass*. A pass may take several turns, and more may be said meanwhile: each
//! member has the number of the first message that it has not been told, so whoever is told late is told more at once.
//!
//! Not here: telling; that is `deliver`. Which rooms there are: `rooms`.

use super::policy::{RoomStats, SlowPolicy};
use super::segment::Segment;
use crate::reactor::ConnectionId;
use crate::reactor::timer::Tick;
use alloc::collections::VecDeque;
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::mem::take;
use core::ops::Range;

/// The number of the first message that a member has not been told, for one that is told nothing more.
const NEVER: u64 = u64::MAX;

#[derive(Debug)]
pub(in crate::reactor) struct Room {
    /// Unlike its place, never another room's.
    pub(in crate::reactor) id: u64,
    /// That of everybody has none.
    pub(super) name: Option<Arc<str>>,
    pub(super) members: Vec<Member>,
    /// What was said since it was last sealed.
    pub(super) log: Segment,
    /// Sealed, and still to be told to some.
    fresh: VecDeque<Link>,
    /// The number of the log's first message.
    sealed: u64,
    /// The member that is next in this pass.
    next: usize,
    /// All before this number is told to all when the pass is over.
    goal: u64,
    pub(in crate::reactor) policy: SlowPolicy,
    pub(in crate::reactor) max_queued: usize,
    pub(in crate::reactor) stats: RoomStats,
    /// Members for which everything is dropped, until they have read what waits.
    pub(super) full: usize,
    /// Members that are about to be closed.
    pub(super) closing: usize,
    /// In the list of those whose log is not empty.
    pub(super) is_touched: bool,
    /// In the list of those that have something fresh.
    pub(super) is_due: bool,
    /// How often it has become empty.
    pub(super) emptied: u32,
    /// When it is looked at whether somebody is there, and whether nobody was for long enough.
    pub(super) stays_until: Option<Tick>,
}

/// A member, in eight bytes: everybody is one of the room of all.
#[derive(Clone, Copy, Debug)]
pub(super) struct Member {
    /// Its slot, and the two bits below.
    slot: u32,
    /// The lower half of the number of the first message that it has not been told. Those that are kept for members are
    /// fewer than there could be in memory, so this says which.
    told: u32,
}

impl Member {
    /// Everything is dropped for it.
    const FULL: u32 = 1 << 31;
    /// It is told nothing more.
    const LEFT_OUT: u32 = 1 << 30;

    pub(super) const fn slot(self) -> u32 {
        self.slot & !(Self::FULL | Self::LEFT_OUT)
    }

    pub(super) const fn is_full(self) -> bool {
        self.slot & Self::FULL != 0
    }

    pub(super) const fn set_full(&mut self, full: bool) {
        self.slot &= !Self::FULL;
        if full {
            self.slot |= Self::FULL;
        }
    }

    /// It has been told what is before this number.
    pub(super) const fn set_told(&mut self, number: u64) {
        self.told = number as u32;
    }

    pub(super) const fn leave_out(&mut self) {
        self.slot |= Self::LEFT_OUT;
    }
}

/// A sealed log's place in its room.
#[derive(Debug)]
pub(super) struct Link {
    pub(super) segment: Arc<Segment>,
    /// The number of its first message.
    first: u64,
    /// When it was sealed, among all of the loop.
    pub(super) stamp: u64,
    /// By slot: who is not told which of its messages.
    skips: Vec<(u32, u32)>,
}

impl Link {
    fn end(&self) -> u64 {
        self.first + u64::from(self.segment.len())
    }

    /// What of it a member is told that has been told what is before `told`: as few ranges as there can be.
    pub(super) fn ranges(&self, slot: u32, told: u64) -> impl Iterator<Item = Range<u32>> {
        let begin = told.saturating_sub(self.first);
        #[expect(
            clippy::cast_possible_truncation,
            reason = "it is less than the segment has messages"
        )]
        let begin = begin as u32;
        let from = self
            .skips
            .partition_point(|(other, index)| (*other, *index) < (slot, begin));
        let skipped = self.skips[from..]
            .iter()
            .map_while(move |(other, index)| (*other == slot).then_some(*index));
        let mut at = begin;
        let ends = skipped.chain([self.segment.len()]);
        ends.filter_map(move |end| {
            let range = at..end;
            at = end + 1;
            (!range.is_empty()).then_some(range)
        })
    }
}

impl Room {
    pub(super) fn new(
        id: u64,
        name: Option<Arc<str>>,
        policy: SlowPolicy,
        max_queued: usize,
    ) -> Self {
        Self {
            id,
            name,
            members: Vec::new(),
            log: Segment::default(),
            fresh: VecDeque::new(),
            sealed: 0,
            next: 0,
            goal: 0,
            policy,
            max_queued,
            stats: RoomStats::default(),
            full: 0,
            closing: 0,
            is_touched: false,
            is_due: false,
            emptied: 0,
            stays_until: None,
        }
    }

    /// What has happened here since it came into being.
    pub(super) fn stats(&self) -> RoomStats {
        RoomStats {
            members: self.members.len(),
            published: self.seq(),
            ..self.stats
        }
    }

    /// The number of the next message.
    pub(super) fn seq(&self) -> u64 {
        self.sealed + u64::from(self.log.len())
    }

    /// The number of the first message that a member has not been told.
    pub(super) fn told(&self, member: Member) -> u64 {
        if member.slot & Member::LEFT_OUT != 0 {
            return NEVER;
        }
        let seq = self.seq();
        seq - u64::from((seq as u32).wrapping_sub(member.told))
    }

    /// Whoever comes now has missed what was said.
    pub(super) fn add(&mut self, slot: u32) -> u32 {
        let told = self.seq() as u32;
        self.members.push(Member { slot, told });
        (self.members.len() - 1) as u32
    }

    /// Removes a member, and calls for each one that is elsewhere now. Nobody whose turn was still to come in this pass
    /// is passed over.
    pub(super) fn remove(&mut self, at: usize, mut moved: impl FnMut(u32, usize)) {
        let mut hole = at;
        if hole < self.next {
            // The last of those who had their turn fills the hole, and leaves one where the others begin.
            self.next -= 1;
            if hole != self.next {
                self.members[hole] = self.members[self.next];
                moved(self.members[hole].slot(), hole);
                hole = self.next;
            }
        }
        self.members.swap_remove(hole);
        if let Some(member) = self.members.get(hole) {
            moved(member.slot(), hole);
        }
    }

    /// What was said becomes a link. Gives what was sealed, if there was anything.
    pub(super) fn seal(
        &mut self,
        stamp: u64,
        slot_of: impl Fn(ConnectionId) -> Option<u32>,
    ) -> Option<&Arc<Segment>> {
        if self.log.len() == 0 {
            return None;
        }
        let mut segment = take(&mut self.log);
        segment.seal();
        let except = segment.except().iter();
        let mut skips: Vec<_> = except
            .filter_map(|(index, id)| Some((slot_of(*id)?, *index)))
            .collect();
        skips.sort_unstable();
        self.link(Arc::new(segment), skips, stamp);
        self.fresh.back().map(|link| &link.segment)
    }

    /// Adds what is sealed already, behind all there is; the log must be empty.
    pub(super) fn link(&mut self, segment: Arc<Segment>, skips: Vec<(u32, u32)>, stamp: u64) {
        let first = self.sealed;
        self.sealed += u64::from(segment.len());
        self.fresh.push_back(Link {
            segment,
            first,
            stamp,
            skips,
        });
    }

    /// The next member that has something to be told, in this pass or in one that begins now.
    pub(super) fn next_member(&mut self) -> Option<u32> {
        loop {
            if self.next == 0 {
                self.goal = self.sealed;
            }
            while let Some(&member) = self.members.get(self.next) {
                self.next += 1;
                if self.told(member) < self.sealed {
                    return Some(member.slot());
                }
            }
            self.next = 0;
            if self.goal == self.sealed || self.members.is_empty() {
                return None;
            }
            while self
                .fresh
                .front()
                .is_some_and(|link| link.end() <= self.goal)
            {
                self.fresh.pop_front();
            }
        }
    }

    /// Everybody has been told everything. Gives back what nobody holds any more.
    pub(super) fn end_pass(&mut self, mut spare: impl FnMut(Segment)) {
        self.next = 0;
        for link in self.fresh.drain(..) {
            if let Ok(segment) = Arc::try_unwrap(link.segment) {
                spare(segment);
            }
        }
    }

    /// What is fresh to a member.
    pub(super) fn fresh_to(&self, told: u64) -> impl Iterator<Item = &Link> {
        let from = self.fresh.partition_point(|link| link.end() <= told);
        self.fresh.range(from..)
    }

    pub(super) const fn sealed(&self) -> u64 {
        self.sealed
    }

    /// Bytes that are still to be told to some.
    pub(super) fn fresh_bytes(&self) -> usize {
        self.fresh.iter().map(|link| link.segment.bytes()).sum()
    }
}
