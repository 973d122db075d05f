//! Telling elsewhere how many are in which room, where somebody asks.
//!
//! Not here: who asks; that is `bridge`.

use super::{Letter, Rooms};
use core::mem::take;

impl Rooms {
    /// Somebody came into a room, or went.
    #[inline]
    pub(super) fn note_members(&mut self, room: u32) {
        if self.counts.is_bridged() {
            if self.changed.last() != Some(&room) {
                self.changed.push(room);
            }
            self.quiet = false;
        }
    }

    /// Tells of the rooms where that happened. Where nobody asks, it is no call: every turn that tells anything comes here.
    #[inline]
    pub(in crate::reactor) fn tell_members(&mut self) {
        if self.has_changes() {
            self.tell_changes();
        }
    }

    #[inline(never)]
    fn tell_changes(&mut self) {
        let mut changed = take(&mut self.changed);
        changed.sort_unstable();
        changed.dedup();
        for room in changed.drain(..) {
            if let Some(here) = self.rooms.get_mut(room as usize) {
                let (name, members) = (here.address(), Some(here.members().len()));
                let letter = Letter::Members(self.worker, name, members);
                self.outgoing.push(letter);
            }
        }
        self.changed = changed;
    }

    /// Whether there is something to be told of.
    pub(super) const fn has_changes(&self) -> bool {
        !self.changed.is_empty()
    }

    /// Tells of every room.
    pub(super) fn answer_roll_call(&mut self) {
        // What was told before may be of rooms that are gone.
        self.outgoing.push(Letter::Members(self.worker, None, None));
        self.changed.clear();
        self.changed
            .extend(self.rooms.iter().map(|(room, _)| room as u32));
        self.ask_again();
        self.quiet = false;
    }
}
