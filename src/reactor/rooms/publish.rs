//! Saying something to many, and where it is kept until the turn is over.
//!
//! Not here: to whom, which is `to`; telling it, which is `gather` and `deliver`.

use super::letter::Letter;
use super::segment::{Manner, Run, Segment};
use super::to::{Pick, Reach, Receipt, To, Whom};
use super::{ALL, Rooms};
use crate::proto::deflate::Compressor;
use crate::reactor::{ConnectionId, Message};
use alloc::sync::Arc;
use alloc::vec;
use alloc::vec::Vec;

/// When so much is waiting in logs it is told before the turn ends.
const FULL: usize = 1 << 20;
/// How many segments are kept to be filled again, and how large.
const SPARES: usize = 4;
const SPARE: usize = 64 << 10;
/// Said to one connection alone.
pub(super) const PERSONAL: (u64, bool) = (0, true);

impl Rooms {
    pub(in crate::reactor) fn publish(
        &mut self,
        to: &To<'_>,
        message: Message<'_>,
        compressible: bool,
        compressor: &mut Compressor,
    ) -> Receipt {
        let manner = to.manner(compressible);
        if let Some((name, history)) = to.keeper()
            && let Some(receipt) = self.say_kept(name, history, message, manner)
        {
            return receipt;
        }
        let one = || Arc::new(Segment::of(message, manner));
        let is_near = to.reach == Reach::Loop;
        if is_near && let Some(rooms) = self.rooms_for(&to.whom) {
            return self.unite(&rooms, &one());
        }
        match &to.whom {
            Whom::All => self.say(ALL, message, manner),
            Whom::Room(name) => match self.named(name) {
                Some(room) => self.say(room, message, manner),
                None if self.has_hearers() => {
                    self.write(Letter::Room((*name).into(), one()));
                    Receipt::default()
                }
                None => Receipt::default(),
            },
            Whom::Rooms(names) => {
                let segment = one();
                let rooms = self.rooms_for(&to.whom).unwrap_or_default();
                if self.has_hearers() {
                    let names = names.iter().map(|name| Arc::from(*name)).collect();
                    self.write(Letter::Rooms(names, Arc::clone(&segment)));
                }
                self.unite(&rooms, &segment)
            }
            Whom::One(id) if to.except == Some(*id) => Receipt::default(),
            Whom::One(id) if is_near && id.worker() != self.worker => Receipt::default(),
            Whom::One(id) => self.say_to(*id, one, compressor),
            Whom::Those(pick) => {
                let segment = one();
                if self.has_others() && !is_near {
                    let (pick, except) = (Arc::clone(pick), to.except);
                    let pick: Pick = match except {
                        None => pick,
                        Some(except) => Arc::new(move |id| id != except && pick(id)),
                    };
                    self.write(Letter::Those(pick, Arc::clone(&segment)));
                }
                self.pick(pick, to.except, &segment, compressor)
            }
        }
    }

    /// Those of this loop, where something is for rooms.
    fn rooms_for(&self, whom: &Whom<'_>) -> Option<Vec<u32>> {
        match whom {
            Whom::All => Some(vec![ALL]),
            Whom::Room(name) => Some(self.named(name).into_iter().collect()),
            Whom::Rooms(names) => {
                let rooms = names.iter().filter_map(|name| self.named(name));
                Some(rooms.collect())
            }
            Whom::One(_) | Whom::Those(_) => None,
        }
    }

    /// To all in a room.
    fn say(&mut self, room: u32, message: Message<'_>, manner: Manner) -> Receipt {
        // A stranger, or one of another loop, takes nobody's place.
        let spared = manner.except.and_then(|id| self.slot_of(id));
        let spared = spared.and_then(|slot| {
            let place = &self.places[slot as usize];
            let mut everywhere = place.everywhere(&self.memberships);
            let (_, at) = everywhere.find(|(key, _)| *key == room)?;
            Some((place, at))
        });
        let has_hearers = self.has_hearers();
        let here = &mut self.rooms[room as usize];
        let (full, closing) = (here.talk().full, here.closing());
        let mut receipt = Receipt {
            queued: here.members().len() - full - closing,
            dropped: full,
            closed: closing,
        };
        match spared {
            Some((place, _)) if place.closing => receipt.closed -= 1,
            Some((_, at)) if here.members()[at as usize].is_full() => receipt.dropped -= 1,
            Some(_) => receipt.queued -= 1,
            None => {}
        }
        if here.members().is_empty() && !has_hearers {
            return receipt;
        }
        let here = here.talk_mut();
        if here.log.len() == 0
            && let Some(spare) = self.spares.pop()
        {
            here.log = spare;
        }
        let before = here.log.bytes();
        here.log.push(message, manner);
        self.unsealed += here.log.bytes() - before;
        if !here.is_touched {
            here.is_touched = true;
            self.touched.push(room);
        }
        self.quiet = false;
        receipt
    }

    fn say_to(
        &mut self,
        id: ConnectionId,
        segment: impl FnOnce() -> Arc<Segment>,
        compressor: &mut Compressor,
    ) -> Receipt {
        if id.worker() != self.worker && self.has_others() {
            self.write(Letter::One(id, segment()));
            return Receipt {
                queued: 1,
                ..Receipt::default()
            };
        }
        match self.slot_of(id) {
            Some(slot) if !self.places[slot as usize].closing => {
                self.address(slot, &segment(), compressor);
                Receipt {
                    queued: 1,
                    ..Receipt::default()
                }
            }
            _ => Receipt {
                closed: 1,
                ..Receipt::default()
            },
        }
    }

    /// Once to whoever is in any of these rooms.
    pub(super) fn unite(&mut self, rooms: &[u32], segment: &Arc<Segment>) -> Receipt {
        let mut receipt = Receipt::default();
        // What was said before in any of them comes first, whichever of them tells a member of this.
        rooms.iter().for_each(|room| self.seal(*room));
        for (at, &room) in rooms.iter().enumerate() {
            if rooms[..at].contains(&room) {
                continue;
            }
            let earlier = &rooms[..at];
            let mut skips = Vec::new();
            for member in self.rooms[room as usize].members() {
                let place = &self.places[member.slot() as usize];
                let spared = segment.except().iter().any(|(_, id)| {
                    id.slot() == member.slot() as usize && Some(id.number()) == place.number
                });
                let told = || {
                    let mut memberships = self.memberships.of(place.memberships);
                    memberships.any(|membership| earlier.contains(&membership.room))
                };
                if spared || (at > 0 && told()) {
                    skips.push((member.slot(), 0));
                } else if place.closing {
                    receipt.closed += 1;
                } else if member.is_full() {
                    receipt.dropped += 1;
                } else {
                    receipt.queued += 1;
                }
            }
            skips.sort_unstable();
            self.put_fresh(room, Arc::clone(segment), skips);
        }
        receipt
    }

    /// To each of those by themselves.
    pub(super) fn pick(
        &mut self,
        pick: &Pick,
        except: Option<ConnectionId>,
        segment: &Arc<Segment>,
        compressor: &mut Compressor,
    ) -> Receipt {
        let mut receipt = Receipt::default();
        for at in 0..self.rooms[ALL as usize].members().len() {
            let slot = self.rooms[ALL as usize].members()[at].slot();
            let id = self.id_of(slot);
            if Some(id) == except || !pick(id) {
                continue;
            }
            if self.places[slot as usize].closing {
                receipt.closed += 1;
                continue;
            }
            self.address(slot, segment, compressor);
            receipt.queued += 1;
        }
        receipt
    }

    /// To one connection, behind what its rooms hold for it.
    pub(super) fn address(&mut self, slot: u32, segment: &Arc<Segment>, with: &mut Compressor) {
        if !self.touched.is_empty() {
            if self.rooms[ALL as usize].talk().is_touched {
                self.seal(ALL);
            }
            let mut memberships = self.places[slot as usize].memberships;
            while let Some((membership, rest)) = self.memberships.first(memberships) {
                self.seal(membership.room);
                memberships = rest;
            }
        }
        self.stamp += 1;
        let class = self.places[slot as usize].class;
        let run = Run::new(segment, 0..segment.len(), PERSONAL, class, with);
        self.keep(slot, self.stamp, run);
    }

    /// Keeps a run for a connection until it is told.
    pub(super) fn keep(&mut self, slot: u32, stamp: u64, run: Run) {
        let kept = self.personal.entry(slot).or_default();
        if kept.is_empty() {
            self.addressed.push(slot);
        }
        kept.push((stamp, run));
        self.quiet = false;
    }

    /// What another loop said in a room.
    pub(super) fn append(&mut self, room: u32, segment: Arc<Segment>) {
        self.append_but_to(room, segment, Vec::new());
    }

    /// The same, but not for these, whom its first message is not for.
    pub(super) fn append_but_to(&mut self, room: u32, segment: Arc<Segment>, slots: Vec<u32>) {
        self.seal(room);
        let except = segment.except().iter();
        let mut skips: Vec<_> = except
            .filter_map(|(index, id)| Some((self.slot_of(*id)?, *index)))
            .chain(slots.into_iter().map(|slot| (slot, 0)))
            .collect();
        skips.sort_unstable();
        skips.dedup();
        self.put_fresh(room, segment, skips);
    }

    fn put_fresh(&mut self, room: u32, segment: Arc<Segment>, skips: Vec<(u32, u32)>) {
        self.stamp += 1;
        let here = &mut self.rooms[room as usize];
        here.link(segment, skips, self.stamp);
        self.note_due(room);
    }

    fn note_due(&mut self, room: u32) {
        let here = self.rooms[room as usize].talk_mut();
        if !here.is_due {
            here.is_due = true;
            self.due.push_back(room);
        }
        self.quiet = false;
    }

    /// What was said in each room since it was last sealed is to be told, here and in the other loops.
    pub(in crate::reactor) fn seal_all(&mut self) {
        for at in 0..self.touched.len() {
            let room = self.touched[at];
            if let Some(here) = self.rooms.get_mut(room as usize)
                && here.talk().is_touched
            {
                here.talk_mut().is_touched = false;
            }
            self.seal(room);
        }
        self.touched.clear();
        self.unsealed = 0;
    }

    pub(super) fn seal(&mut self, room: u32) {
        if self.rooms[room as usize].talk().log.len() == 0 {
            return;
        }
        self.stamp += 1;
        let has_hearers = self.has_hearers();
        let (places, here) = (&self.places, &mut self.rooms[room as usize]);
        let slot_of = |id: ConnectionId| {
            let place = places.get(id.slot())?;
            (place.number == Some(id.number())).then_some(id.slot() as u32)
        };
        let sealed = here.seal(self.stamp, slot_of);
        if has_hearers && let Some(segment) = sealed {
            let segment = Arc::clone(segment);
            let letter = match here.address() {
                Some(name) => Letter::Room(name, segment),
                None => Letter::All(segment),
            };
            self.outgoing.push(letter);
        }
        self.note_due(room);
    }

    /// Keeps a segment to be filled again.
    pub(super) fn spare(spares: &mut Vec<Segment>, mut segment: Segment) {
        if spares.len() < SPARES && segment.capacity() <= SPARE {
            segment.clear();
            spares.push(segment);
        }
    }

    /// So much was said that it is better told now.
    #[inline]
    pub(in crate::reactor) const fn is_full(&self) -> bool {
        self.unsealed >= FULL
    }
}
