//! Rooms that nobody is in: they stay for as long as they are to, and go.
//!
//! Not here: the wheel that tells when; that is `deliver`'s.

use super::Rooms;
use crate::reactor::timer::Tick;
use core::time::Duration;

impl Rooms {
    /// How long an empty room stays.
    pub(in crate::reactor) const fn linger(&self) -> Duration {
        self.settings.linger
    }

    /// A room that has become empty stays until then. Says whether it has to be looked at then; peers come and go as they
    /// like, and a room that is to be looked at already is not for each time.
    pub(in crate::reactor) fn stay(&mut self, room: u32, until: Tick) -> bool {
        let here = self.rooms.get_mut(room as usize);
        here.is_some_and(|here| here.talk_mut().stays_until.replace(until).is_none())
    }

    /// A room is looked at: it goes, unless somebody is there. If somebody was there meanwhile, says when to look again.
    pub(in crate::reactor) fn look_at(&mut self, room: u32, now: Tick) -> Option<Tick> {
        let here = self.rooms.get_mut(room as usize)?;
        let is_empty = here.members().is_empty();
        let stays_until = here.talk().stays_until;
        let later = stays_until.filter(|until| is_empty && *until > now);
        if later.is_none() {
            here.talk_mut().stays_until = None;
            self.vanish(room);
        }
        later
    }

    /// A room that has become empty goes, unless somebody came, or it has gone already.
    pub(in crate::reactor) fn vanish(&mut self, room: u32) {
        let Some(here) = self.rooms.get(room as usize) else {
            return;
        };
        if !here.members().is_empty() {
            return;
        }
        if here.talk().is_touched || here.talk().is_due {
            // The other loops are to hear of what was said, and then it is looked at again.
            return self.emptied.push(room);
        }
        #[cfg(feature = "backplane")]
        self.tell_members();
        self.unfollow(room);
        let here = self.rooms.remove(room as usize);
        self.past.add(&here.stats());
        if let Some(name) = here.name {
            self.names.remove(&name, room);
        }
    }
}
