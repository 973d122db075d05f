//! What is heard of other nodes.
//!
//! Whoever reaches the broker can say anything: what is no stamp is counted and forgotten, and of what is, no more is kept
//! than this node's own rooms have room for.
//!
//! Not here: what this node says.

use super::super::wire::{Said, Stamp, What};
use super::super::{Arrived, KeptAt};
use super::keeping::said;
use super::others::Sign;
use super::room::Judged;
use super::{BackplaneEvent, Engine, Interest, NodeId, Told};
use crate::reactor::Bundle;
use alloc::string::String;
use alloc::sync::Arc;
use alloc::vec::Vec;

/// Something that was published, and has been looked at.
#[derive(Debug)]
pub(in crate::backplane) struct Read {
    stamp: Stamp,
    frames: Vec<u8>,
    kept: Option<KeptAt>,
}

impl Read {
    /// What loops have to have room for.
    pub(in crate::backplane) const fn bytes(&self) -> usize {
        // What a letter takes by itself, too.
        self.frames.len() + 128
    }
}

impl Engine {
    /// Looks at what was published to what is subscribed to, and puts it into the order in which each node has said it.
    pub(in crate::backplane) fn read(&self, batch: Vec<Arrived>) -> Vec<Read> {
        let before = batch.len();
        let mut all: Vec<_> = batch
            .into_iter()
            .filter_map(|arrived| {
                let (mut frames, kept) = (arrived.bytes, arrived.kept);
                let stamp = Stamp::take_from(&mut frames)?;
                let is_kept = matches!(stamp.what, What::Keep { .. });
                let read = Read {
                    stamp,
                    frames,
                    kept,
                };
                Some(read).filter(|_| is_kept == kept.is_some())
            })
            .collect();
        self.shared.lock().figures.refused += before.saturating_sub(all.len()) as u64;
        // What is kept is told in the order in which it comes, to whoever has said it too.
        all.retain(|read| read.stamp.node != self.terms.id.0 || read.kept.is_some());
        if all.iter().all(|read| read.kept.is_none()) {
            all.sort_by_key(|read| (read.stamp.node, read.stamp.order));
        }
        all
    }

    /// Hears it.
    pub(in crate::backplane) fn on_read(&mut self, read: Read) {
        let node = NodeId(read.stamp.node);
        if node != self.terms.id && !self.others.hear(node, self.now) {
            return;
        }
        if let (Some(place), What::Keep { room, .. }) = (read.kept, &read.stamp.what) {
            match said(&read.stamp, read.frames) {
                Some(said) => self.hear_kept(room, place, said),
                None => self.shared.lock().figures.refused += 1,
            }
            return;
        }
        let (bytes, what) = (read.frames, read.stamp.what);
        match what {
            What::Say { room, said } => self.hear_said(node, &room, said, bytes),
            What::SayOnce {
                rooms,
                at,
                serial,
                said,
            } => self.hear_said_once(node, rooms, (at, serial), said, bytes),
            What::Presence {
                room,
                members,
                next,
                ask,
            } => self.hear_presence(node, &room, (members, next), ask),
            What::Alive {
                name,
                online,
                session,
            } => self.hear_alive(node, &name, online, session),
            What::Lost => self.hear_of_loss(node),
            What::Bye => self.hear_bye(node),
            What::Keep { .. } => {}
        }
    }

    fn hear_said(&mut self, node: NodeId, name: &str, said: Said, frames: Vec<u8>) {
        if let Some(name) = self.judge(node, name, &said) {
            let room = Some(name).filter(|name| !name.is_empty());
            self.tell(Told::Say(room, bundle(said, frames)));
        }
    }

    fn hear_said_once(
        &mut self,
        node: NodeId,
        rooms: Vec<String>,
        (at, serial): (u32, u64),
        said: Said,
        frames: Vec<u8>,
    ) {
        let name = usize::try_from(at).ok().and_then(|at| rooms.get(at));
        let Some(name) = name else {
            self.shared.lock().figures.refused += 1;
            return;
        };
        let is_next = self.judge(node, name, &said).is_some();
        if is_next && self.others.is_first(node, serial) {
            let rooms = rooms.into_iter().map(Arc::from).collect();
            self.tell(Told::SayOnce(rooms, bundle(said, frames)));
        }
    }

    fn tell(&mut self, told: Told) {
        if let Told::Say(_, bundle) | Told::SayOnce(_, bundle) = &told {
            self.shared.lock().figures.heard += u64::from(bundle.messages);
        }
        self.told.push(told);
    }

    /// Looks at the numbers of what was said, and tells of what is missing before it. Gives the room, if it is to be told.
    fn judge(&mut self, node: NodeId, name: &str, said: &Said) -> Option<Arc<str>> {
        let (name, room) = self.rooms.get_key_value(name)?;
        if room.interest == Interest::None {
            return None;
        }
        let name = Arc::clone(name);
        let room = self.rooms.get_mut(&name)?;
        match room.hear(node, said.first, said.begin, said.messages.into()) {
            Judged::Next => {}
            Judged::Behind(missed) => self.tell_gap(&name, node, Some(missed)),
            Judged::Again => {
                self.shared.lock().figures.repeated += u64::from(said.messages);
                return None;
            }
        }
        Some(name)
    }

    pub(super) fn tell_gap(&mut self, name: &Arc<str>, node: NodeId, missed: Option<u64>) {
        self.tell_gap_in(name, node, missed, false);
    }

    /// What was kept in a room is not any more, and some may have missed it.
    pub(super) fn tell_kept_gap(&mut self, name: &Arc<str>) {
        self.tell_gap_in(name, self.terms.id, None, true);
    }

    fn tell_gap_in(&mut self, name: &Arc<str>, node: NodeId, missed: Option<u64>, kept: bool) {
        let mut view = self.shared.lock();
        view.figures.gaps += 1;
        let all = view.figures.missed;
        view.figures.missed = all.saturating_add(missed.unwrap_or_default());
        drop(view);
        let gap = BackplaneEvent::Gap {
            room: Some(Arc::clone(name)).filter(|name| !name.is_empty()),
            node,
            missed,
            kept,
        };
        let before = self.told.len();
        if let Some(room) = self.rooms.get(name).filter(|_| !name.is_empty()) {
            let told = room
                .workers()
                .map(|worker| Told::Event(Some(worker), gap.clone()));
            self.told.extend(told);
        }
        // Where nobody is known to be, somebody may be on the way.
        if self.told.len() == before {
            self.told.push(Told::Event(None, gap));
        }
    }

    fn hear_presence(
        &mut self,
        node: NodeId,
        name: &str,
        (members, next): (u32, Option<(u64, u64)>),
        ask: bool,
    ) {
        let Some((name, room)) = self.rooms.get_key_value(name) else {
            return;
        };
        if room.interest == Interest::None {
            return;
        }
        let name = Arc::clone(name);
        let Some(room) = self.rooms.get_mut(&name) else {
            return;
        };
        let members = usize::try_from(members).unwrap_or(usize::MAX);
        let missed = room.hear_presence(node, members, next);
        let elsewhere = room.elsewhere();
        self.note_elsewhere(&name, elsewhere);
        if missed > 0 {
            self.tell_gap(&name, node, Some(missed));
        }
        if ask {
            self.note_stale(&name, false);
        }
    }

    fn note_elsewhere(&self, name: &Arc<str>, members: usize) {
        let elsewhere = &mut self.shared.lock().elsewhere;
        if members == 0 {
            elsewhere.remove(name);
        } else {
            elsewhere.insert(Arc::clone(name), members);
        }
    }

    fn hear_alive(&mut self, node: NodeId, name: &str, online: u32, session: u32) {
        let online = usize::try_from(online).unwrap_or(usize::MAX);
        let Some(sign) = self.others.sign(node, name, online, session) else {
            return;
        };
        self.shared.lock().others = self.others.known();
        self.awaited.0.remove(&node);
        if sign == Sign::Same {
            return;
        }
        // It is to know of this one, too.
        self.alive_at = self.alive_at.min(self.now);
        if sign == Sign::New {
            let name = name.into();
            let joined = BackplaneEvent::Joined { node, name };
            self.told.push(Told::Event(None, joined));
        }
        // Of rooms that somebody is in here, it asks there.
        let rooms = self.rooms.iter();
        let spoken = rooms.filter(|(_, room)| room.saying.is_some() && room.here() == 0);
        let spoken: Vec<_> = spoken.map(|(name, _)| Arc::clone(name)).collect();
        for name in spoken {
            self.note_stale(&name, false);
        }
    }

    /// Somebody has lost what nobody knows.
    fn hear_of_loss(&mut self, node: NodeId) {
        let rooms = self.rooms.iter();
        let heard = rooms.filter(|(_, room)| room.interest != Interest::None);
        let heard: Vec<_> = heard.map(|(name, _)| Arc::clone(name)).collect();
        for name in heard {
            self.tell_gap(&name, node, None);
        }
    }

    fn hear_bye(&mut self, node: NodeId) {
        let name = self.others.remove(node);
        self.awaited.0.remove(&node);
        for room in self.rooms.values_mut() {
            room.forget(node);
        }
        self.note_departure(node, name, false);
    }

    /// Nodes that have not been heard for long are gone.
    pub(super) fn expire(&mut self) {
        if self.is_held_up {
            return;
        }
        let Some(then) = self.now.checked_sub(self.terms.gone_after) else {
            return;
        };
        for node in self.others.silent_since(then) {
            let name = self.others.remove(node);
            let rooms = self.rooms.iter_mut();
            let concerned: Vec<_> = rooms
                .filter_map(|(name, room)| room.lose(node).then(|| Arc::clone(name)))
                .collect();
            self.note_departure(node, name, true);
            // What it said last may have gone with it.
            for name in concerned {
                self.tell_gap(&name, node, None);
            }
        }
    }

    fn note_departure(&mut self, node: NodeId, name: Option<Arc<str>>, lost: bool) {
        let mut view = self.shared.lock();
        view.others = self.others.known();
        let rooms = self.rooms.iter();
        view.elsewhere = rooms
            .map(|(name, room)| (Arc::clone(name), room.elsewhere()))
            .filter(|(_, members)| *members > 0)
            .collect();
        drop(view);
        if let Some(name) = name {
            let left = BackplaneEvent::Left { node, name, lost };
            self.told.push(Told::Event(None, left));
        }
    }
}

fn bundle(said: Said, frames: Vec<u8>) -> Bundle {
    Bundle {
        frames,
        messages: said.messages,
        secret: said.secret,
    }
}
