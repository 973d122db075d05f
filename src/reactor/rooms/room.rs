//! One room: its members, and what was said in it that not all of them have been told.
//!
//! Messages are numbered. What is said in a turn gathers in the *log*; sealed, it is a *link* of what is *fresh*, which
//! members are told one after the other, in a *pass*. A pass may take several turns, and more may be said meanwhile: each
//! member has the number of the first message that it has not been told, so whoever is told late is told more at once.
//!
//! Many rooms are of one connection, as those of users are, and nothing is ever said there. A room takes 32 bytes and its
//! name for as long as that is so; the rest, its [`Talk`], comes with the first message, with a policy other than to close
//! who is slow, and when a room that has become empty stays for a while.
//!
//! Not here: telling; that is `deliver`. Which rooms there are: `rooms`.

use super::members::{Hall, Loud, Member};
use super::policy::{RoomStats, SlowPolicy};
use super::segment::Segment;
use crate::reactor::ConnectionId;
use crate::reactor::timer::Tick;
use alloc::boxed::Box;
use alloc::collections::VecDeque;
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::mem::take;
use core::ops::Range;
use core::sync::atomic::{AtomicU64, Ordering};

/// The number of the first message that a member has not been told, for one that is told nothing more.
const NEVER: u64 = u64::MAX;

#[derive(Debug)]
pub(in crate::reactor) struct Room {
    /// That of everybody has none.
    pub(super) name: Option<Box<str>>,
    hall: Hall,
}

/// What was said in a room, and what came of it.
#[derive(Debug)]
pub(in crate::reactor) struct Talk {
    /// Unlike the room's place, never another's. Nobody asks for it where nothing was said.
    pub(in crate::reactor) id: u64,
    /// The room's name, for the other loops, once they were told something.
    name: Option<Arc<str>>,
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
    pub(in crate::reactor) stats: RoomStats,
    /// Members for which everything is dropped, until they have read what waits.
    pub(super) full: usize,
    /// Members that are about to be closed.
    closing: usize,
    /// In the list of those whose log is not empty.
    pub(super) is_touched: bool,
    /// In the list of those that have something fresh.
    pub(super) is_due: bool,
    /// When it is looked at whether somebody is there, and whether nobody was for long enough.
    pub(super) stays_until: Option<Tick>,
}

/// That of all rooms where nothing was.
static SILENCE: Talk = Talk::new(0);

/// Ids of all loops. 0 is no room's.
static NEXT: AtomicU64 = AtomicU64::new(1);

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
    pub(super) fn new(name: Option<&str>, policy: SlowPolicy) -> Self {
        let mut room = Self {
            name: name.map(Box::from),
            hall: Hall::Empty,
        };
        if !matches!(policy, SlowPolicy::Close) {
            room.talk_mut().policy = policy;
        }
        room
    }

    /// What was said here; where nothing ever was, what is true of that.
    #[inline]
    pub(in crate::reactor) fn talk(&self) -> &Talk {
        match &self.hall {
            Hall::Loud(loud) => &loud.talk,
            _ => &SILENCE,
        }
    }

    /// The same, to be changed.
    #[inline]
    pub(in crate::reactor) fn talk_mut(&mut self) -> &mut Talk {
        &mut self.hall.loud().talk
    }

    /// Who is here.
    #[inline]
    pub(super) fn members(&self) -> &[Member] {
        self.hall.members()
    }

    /// Who is here, and what was said, if anything was: asked for each member that is told something.
    #[inline]
    pub(super) fn parts(&mut self) -> Option<(&mut [Member], &mut Talk)> {
        match &mut self.hall {
            Hall::Loud(loud) => Some((&mut *loud.members, &mut loud.talk)),
            _ => None,
        }
    }

    /// What has happened here since it came into being.
    pub(super) fn stats(&self) -> RoomStats {
        RoomStats {
            members: self.members().len(),
            published: self.seq(),
            ..self.talk().stats
        }
    }

    /// From now on everything is dropped for a member.
    pub(super) fn set_full(&mut self, at: u32) {
        let Loud { members, talk } = self.hall.loud();
        if let Some(member) = members.get_mut(at as usize)
            && !member.is_full()
        {
            member.set_full(true);
            talk.full += 1;
        }
    }

    /// A member is not one any more for which everything is dropped.
    pub(super) fn end_full(&mut self, at: u32) {
        if let Some((members, talk)) = self.parts()
            && let Some(member) = members.get_mut(at as usize)
            && member.is_full()
        {
            member.set_full(false);
            talk.full -= 1;
        }
    }

    /// Members that are about to be closed. They are counted only where something was said.
    pub(super) fn closing(&self) -> usize {
        match &self.hall {
            Hall::Loud(loud) => loud.talk.closing,
            _ => self.hall.left_out(),
        }
    }

    /// A member is about to be closed, and told nothing more.
    pub(super) fn leave_out(&mut self, at: u32) {
        if let Some(member) = self.hall.members_mut().get_mut(at as usize) {
            member.leave_out();
        }
        if let Some((_, talk)) = self.parts() {
            talk.closing += 1;
        }
    }

    /// The room's name, as the other loops are told it.
    pub(super) fn address(&mut self) -> Option<Arc<str>> {
        let name = self.name.as_deref()?;
        let known = match &mut self.hall {
            Hall::Loud(loud) => loud.talk.name.get_or_insert_with(|| name.into()).clone(),
            _ => name.into(),
        };
        Some(known)
    }

    /// The number of the next message.
    pub(super) fn seq(&self) -> u64 {
        self.talk().seq()
    }

    /// Whoever comes now has missed what was said.
    pub(super) fn add(&mut self, slot: u32) -> u32 {
        let told = self.seq() as u32;
        self.hall.push(Member::new(slot, told));
        (self.members().len() - 1) as u32
    }

    /// Removes a member, and calls for each one that is elsewhere now. Nobody whose turn was still to come in this pass
    /// is passed over.
    pub(super) fn remove(&mut self, at: usize, mut moved: impl FnMut(u32, usize)) {
        let mut hole = at;
        if let Some((members, talk)) = self.parts() {
            talk.closing -= usize::from(members[at].is_left_out());
            if hole < talk.next {
                // The last of those who had their turn fills the hole, and leaves one where the others begin.
                talk.next -= 1;
                if hole != talk.next {
                    members[hole] = members[talk.next];
                    moved(members[hole].slot(), hole);
                    hole = talk.next;
                }
            }
        }
        self.hall.swap_remove(hole);
        if let Some(member) = self.members().get(hole) {
            moved(member.slot(), hole);
        }
    }

    /// What was said becomes a link. Gives what was sealed, if there was anything.
    pub(super) fn seal(
        &mut self,
        stamp: u64,
        slot_of: impl Fn(ConnectionId) -> Option<u32>,
    ) -> Option<&Arc<Segment>> {
        let (_, talk) = self.parts().filter(|(_, talk)| talk.log.len() > 0)?;
        let mut segment = take(&mut talk.log);
        segment.seal();
        let except = segment.except().iter();
        let mut skips: Vec<_> = except
            .filter_map(|(index, id)| Some((slot_of(*id)?, *index)))
            .collect();
        skips.sort_unstable();
        self.link(Arc::new(segment), skips, stamp);
        self.talk().fresh.back().map(|link| &link.segment)
    }

    /// Adds what is sealed already, behind all there is; the log must be empty.
    pub(super) fn link(&mut self, segment: Arc<Segment>, skips: Vec<(u32, u32)>, stamp: u64) {
        let talk = self.talk_mut();
        let first = talk.sealed;
        talk.sealed += u64::from(segment.len());
        talk.fresh.push_back(Link {
            segment,
            first,
            stamp,
            skips,
        });
    }

    /// The next member that has something to be told, in this pass or in one that begins now.
    pub(super) fn next_member(&mut self) -> Option<u32> {
        let (members, talk) = self.parts()?;
        loop {
            if talk.next == 0 {
                talk.goal = talk.sealed;
            }
            while let Some(&member) = members.get(talk.next) {
                talk.next += 1;
                if talk.told(member) < talk.sealed {
                    return Some(member.slot());
                }
            }
            talk.next = 0;
            if talk.goal == talk.sealed || members.is_empty() {
                return None;
            }
            while talk
                .fresh
                .front()
                .is_some_and(|link| link.end() <= talk.goal)
            {
                talk.fresh.pop_front();
            }
        }
    }

    /// Everybody has been told everything. Gives back what nobody holds any more.
    pub(super) fn end_pass(&mut self, mut spare: impl FnMut(Segment)) {
        let Some((_, talk)) = self.parts() else {
            return;
        };
        talk.is_due = false;
        talk.next = 0;
        for link in talk.fresh.drain(..) {
            if let Ok(segment) = Arc::try_unwrap(link.segment) {
                spare(segment);
            }
        }
    }

    /// Bytes that are still to be told to some.
    pub(super) fn fresh_bytes(&self) -> usize {
        let fresh = self.talk().fresh.iter();
        fresh.map(|link| link.segment.bytes()).sum()
    }
}

impl Talk {
    /// One of a room's own, with so many members that are about to be closed.
    pub(super) fn begin(closing: usize) -> Self {
        Self {
            closing,
            ..Self::new(NEXT.fetch_add(1, Ordering::Relaxed))
        }
    }

    const fn new(id: u64) -> Self {
        Self {
            id,
            name: None,
            log: Segment::new(),
            fresh: VecDeque::new(),
            sealed: 0,
            next: 0,
            goal: 0,
            policy: SlowPolicy::Close,
            stats: RoomStats::new(),
            full: 0,
            closing: 0,
            is_touched: false,
            is_due: false,
            stays_until: None,
        }
    }

    /// The number of the next message.
    #[inline]
    pub(super) fn seq(&self) -> u64 {
        self.sealed + u64::from(self.log.len())
    }

    pub(super) const fn sealed(&self) -> u64 {
        self.sealed
    }

    /// What is fresh to a member.
    #[inline]
    pub(super) fn fresh_to(&self, told: u64) -> impl Iterator<Item = &Link> {
        match self.fresh.front() {
            // As a rule there is one link, and nobody has been told of it.
            Some(first) if told < first.end() => self.fresh.iter(),
            _ => {
                let from = self.fresh.partition_point(|link| link.end() <= told);
                self.fresh.range(from..)
            }
        }
    }

    /// The number of the first message that a member has not been told.
    #[inline]
    pub(super) fn told(&self, member: Member) -> u64 {
        if member.is_left_out() {
            return NEVER;
        }
        let seq = self.seq();
        seq - u64::from((seq as u32).wrapping_sub(member.told()))
    }
}
