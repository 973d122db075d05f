//! What one connection is to be told: of its rooms, in the order in which it was said, in as few pieces as there can be.
//!
//! Not here: the stream; that is `deliver`.

use super::policy::SlowPolicy;
use super::publish::PERSONAL;
use super::room::{Room, Talk};
use super::segment::Run;
use super::{ALL, Rooms};
use crate::proto::deflate::Compressor;
use crate::reactor::ConnectionId;
use alloc::vec::Vec;
use core::mem::take;
use core::ops::Range;

/// What [`Rooms::gather`] has found.
#[derive(Debug, Default)]
pub(in crate::reactor) struct Gathered {
    /// With when it was said.
    stamped: Vec<(u64, Run)>,
    /// To be sent, in this order.
    pub(in crate::reactor) runs: Vec<Run>,
    /// The rooms that they are of.
    pub(in crate::reactor) rooms: Vec<u32>,
}

impl Rooms {
    /// Whether nobody is to be told anything.
    #[inline]
    pub(in crate::reactor) const fn is_quiet(&self) -> bool {
        self.quiet
    }

    /// Whether the end of a turn has anything to do.
    pub(in crate::reactor) const fn has_work(&self) -> bool {
        !self.quiet || !self.closings.is_empty() || !self.emptied.is_empty()
    }

    /// Who was spoken to by themselves in this turn.
    pub(in crate::reactor) fn take_addressed(&mut self) -> Vec<u32> {
        take(&mut self.addressed)
    }

    /// The next connection that is to be told what is fresh; with none left, all is quiet.
    pub(in crate::reactor) fn next_to_tell(&mut self) -> Option<usize> {
        while let Some(&room) = self.due.front() {
            let here = &mut self.rooms[room as usize];
            if let Some(slot) = here.next_member() {
                return Some(slot as usize);
            }
            let spares = &mut self.spares;
            here.end_pass(|segment| Self::spare(spares, segment));
            self.due.pop_front();
        }
        // Whoever was lost on the way may have had something said, here or elsewhere.
        self.quiet = self.touched.is_empty()
            && self.addressed.is_empty()
            && self.outgoing.is_empty()
            && !self.has_changes();
        None
    }

    /// The next room has its turn.
    pub(in crate::reactor) fn rotate(&mut self) {
        if self.due.len() > 1 {
            self.due.rotate_left(1);
        }
    }

    /// Bytes that are still to be told to some.
    pub(in crate::reactor) fn fresh_bytes(&self) -> usize {
        let due = self.due.iter();
        due.map(|room| self.rooms[*room as usize].fresh_bytes())
            .sum()
    }

    /// Collects what a connection is to be told and notes that it has been. What its rooms drop for it is counted.
    pub(in crate::reactor) fn gather(
        &mut self,
        slot: usize,
        into: &mut Gathered,
        compressor: &mut Compressor,
    ) {
        into.runs.clear();
        into.rooms.clear();
        let Some(place) = self.places.get(slot).filter(|place| place.number.is_some()) else {
            return;
        };
        for (key, at) in place.everywhere(&self.memberships) {
            let room = &mut self.rooms[key as usize];
            let Some((members, talk)) = room.parts() else {
                continue;
            };
            let member = &mut members[at as usize];
            let (slot, told) = (member.slot(), talk.told(*member));
            if told >= talk.sealed() {
                continue;
            }
            if member.is_full() {
                talk.stats.dropped += talk.count_fresh(slot, told);
            } else {
                into.rooms.push(key);
                let of = talk.run_of();
                for link in talk.fresh_to(told) {
                    for range in link.ranges(slot, told) {
                        let run = Run::new(&link.segment, range, of, place.class, compressor);
                        into.stamped.push((link.stamp, run));
                    }
                }
            }
            member.set_told(talk.sealed());
        }
        if !self.personal.is_empty()
            && let Some(kept) = self.personal.remove(&(slot as u32))
        {
            into.stamped.extend(kept);
        }
        if into.stamped.len() > 1 {
            into.stamped.sort_by_key(|(stamp, _)| *stamp);
        }
        into.runs.extend(into.stamped.drain(..).map(|(_, run)| run));
    }

    /// All that a connection is to be told is told now, also what is not sealed yet: something that is for it alone
    /// follows.
    pub(in crate::reactor) fn tell_now(
        &mut self,
        id: ConnectionId,
        gathered: &mut Gathered,
        compressor: &mut Compressor,
        mut tell: impl FnMut(&[u8]),
    ) {
        let slot = id.slot();
        self.gather(slot, gathered, compressor);
        for run in gathered.runs.drain(..) {
            tell(run.bytes());
        }
        let place = &self.places[slot];
        for (key, at) in place.everywhere(&self.memberships) {
            let Some((members, talk)) = self.rooms[key as usize].parts() else {
                continue;
            };
            let member = &mut members[at as usize];
            let told = talk.told(*member);
            if member.is_full() || told >= talk.seq() {
                continue;
            }
            for range in talk.unsealed_to(id, told) {
                tell(talk.log.growing(place.class, range, compressor));
            }
            member.set_told(talk.seq());
        }
    }

    /// What a connection is still to be told of a room that it leaves, or in which it is told nothing more, is kept for it.
    pub(super) fn keep_for(&mut self, slot: u32, key: u32, at: u32, compressor: &mut Compressor) {
        self.seal(key);
        let class = self.places[slot as usize].class;
        let Some((members, talk)) = self.rooms[key as usize].parts() else {
            return;
        };
        let member = members[at as usize];
        let told = talk.told(member);
        if member.is_full() {
            talk.stats.dropped += talk.count_fresh(slot, told);
            return;
        }
        let mut kept = Vec::new();
        for link in talk.fresh_to(told) {
            for range in link.ranges(slot, told) {
                // The room does not look after it any more: it counts as what was said to it by itself.
                let run = Run::new(&link.segment, range, PERSONAL, class, compressor);
                kept.push((link.stamp, run));
            }
        }
        for (stamp, run) in kept {
            self.keep(slot, stamp, run);
        }
    }

    /// What may wait for one member of a room.
    pub(in crate::reactor) const fn max_queued(&self, key: u32) -> usize {
        match key {
            ALL => self.max_queued,
            _ => self.settings.max_queued,
        }
    }

    /// The room with this key.
    pub(in crate::reactor) fn room(&mut self, key: u32) -> &mut Room {
        &mut self.rooms[key as usize]
    }

    /// A member has no room for more: from now on everything is dropped for it.
    pub(in crate::reactor) fn set_full(&mut self, slot: usize, key: u32) {
        let place = &mut self.places[slot];
        place.full = true;
        let at = match key {
            ALL => Some(place.among_all),
            _ => self.memberships.find(place.memberships, key),
        };
        if let Some(at) = at {
            self.rooms[key as usize].set_full(at);
        }
    }

    /// Calls for each room of a connection in which newer messages replace older ones, and counts what that gives.
    pub(in crate::reactor) fn conflate(
        &mut self,
        slot: usize,
        mut conflate: impl FnMut(u64, fn(&[u8]) -> &[u8]) -> u64,
    ) {
        for (key, _) in self.places[slot].everywhere(&self.memberships) {
            let room = &mut self.rooms[key as usize];
            if let SlowPolicy::Conflate(of) = room.talk().policy {
                let talk = room.talk_mut();
                talk.stats.conflated += conflate(talk.id, of);
            }
        }
    }

    /// A connection has read what waited for it: it is told again what is said from here on.
    #[inline]
    pub(in crate::reactor) fn has_room(&mut self, slot: usize) {
        if self.places.get(slot).is_some_and(|place| place.full) {
            self.end_full(slot);
        }
    }

    #[cold]
    fn end_full(&mut self, slot: usize) {
        let place = &mut self.places[slot];
        place.full = false;
        let Some(number) = place.number else {
            return;
        };
        let id = ConnectionId::new(number, slot);
        for (key, at) in place.everywhere(&self.memberships) {
            let room = &mut self.rooms[key as usize];
            let Some((members, talk)) = room.parts() else {
                continue;
            };
            let member = &mut members[at as usize];
            if !member.is_full() {
                continue;
            }
            let told = talk.told(*member);
            let unsealed: u64 = talk
                .unsealed_to(id, told)
                .map(|range| range.len() as u64)
                .sum();
            talk.stats.dropped += talk.count_fresh(member.slot(), told) + unsealed;
            member.set_told(talk.seq());
            room.end_full(at);
        }
    }
}

impl Talk {
    /// What runs of its room are marked with: the room's id, and whether parts of them are never dropped.
    const fn run_of(&self) -> (u64, bool) {
        let loose = matches!(self.policy, SlowPolicy::Close | SlowPolicy::DropNewest);
        (self.id, loose)
    }

    /// Messages that are fresh to a member.
    fn count_fresh(&self, slot: u32, told: u64) -> u64 {
        let links = self.fresh_to(told);
        links
            .flat_map(|link| link.ranges(slot, told))
            .map(|range| range.len() as u64)
            .sum()
    }

    /// What is in the log for a connection that has been told what is before `told`.
    fn unsealed_to(&self, id: ConnectionId, told: u64) -> impl Iterator<Item = Range<u32>> + use<> {
        let mut at = told.saturating_sub(self.sealed()) as u32;
        let except = self.log.except();
        // Asked before each direct message, it must not begin at the first again.
        let except = &except[except.partition_point(|(index, _)| *index < at)..];
        let mut ends: Vec<u32> = except
            .iter()
            .filter(|(_, other)| *other == id)
            .map(|(index, _)| *index)
            .collect();
        ends.push(self.log.len());
        ends.into_iter().filter_map(move |end| {
            let range = at..end;
            at = end + 1;
            (!range.is_empty()).then_some(range)
        })
    }
}
