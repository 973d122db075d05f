//! Who is where, and what has happened there.
//!
//! Not here: changing any of it, but for what waits, which is only noted.

use super::policy::RoomStats;
use super::{ALL, Rooms};
use crate::reactor::ConnectionId;

impl Rooms {
    pub(in crate::reactor) fn is_open(&self, id: ConnectionId) -> bool {
        let slot = self.slot_of(id);
        slot.is_some_and(|slot| !self.places[slot as usize].closing)
    }

    pub(in crate::reactor) fn is_member(&self, id: ConnectionId, name: &str) -> bool {
        let found = self.slot_of(id).zip(self.named(name));
        found.is_some_and(|(slot, room)| self.membership(slot, room).is_some())
    }

    pub(in crate::reactor) fn rooms_of(&self, id: ConnectionId) -> impl Iterator<Item = &str> {
        let slot = self.slot_of(id);
        let memberships = slot.map(|slot| self.places[slot as usize].memberships);
        self.memberships
            .of(memberships.unwrap_or_default())
            .filter_map(|membership| self.rooms[membership.room as usize].name.as_deref())
    }

    /// Bytes that wait for a connection to read.
    pub(in crate::reactor) fn waiting(&self, id: ConnectionId) -> usize {
        let slot = self.slot_of(id);
        slot.map_or(0, |slot| self.places[slot as usize].waiting as usize)
    }

    /// So many bytes wait for a connection now.
    pub(in crate::reactor) fn note_waiting(&mut self, id: ConnectionId, bytes: usize) {
        if let Some(slot) = self.slot_of(id) {
            self.places[slot as usize].waiting = u32::try_from(bytes).unwrap_or(u32::MAX);
        }
    }

    /// Those of a room, or all.
    pub(in crate::reactor) fn members(
        &self,
        name: Option<&str>,
    ) -> impl Iterator<Item = ConnectionId> {
        let room = name.map_or(Some(ALL), |name| self.named(name));
        let members = room.map(|room| self.rooms[room as usize].members());
        let members = members.unwrap_or_default().iter();
        members.map(|member| self.id_of(member.slot()))
    }

    /// What has happened in a room, or in everybody's.
    pub(in crate::reactor) fn stats(&self, name: Option<&str>) -> Option<RoomStats> {
        let room = name.map_or(Some(ALL), |name| self.named(name))?;
        Some(self.rooms[room as usize].stats())
    }

    /// What has happened in all rooms together, those that have gone and everybody's among them.
    pub(in crate::reactor) fn total_stats(&self) -> RoomStats {
        let mut sum = self.past;
        for (_, room) in &self.rooms {
            sum.add(&room.stats());
        }
        // Whoever is in several rooms is still one.
        sum.members = self.rooms[ALL as usize].members().len();
        sum
    }

    /// Bytes that wait for connections to read, all of them together.
    pub(in crate::reactor) fn total_waiting(&self) -> u64 {
        let waiting = self.places.iter().map(|place| u64::from(place.waiting));
        waiting.sum()
    }

    pub(in crate::reactor) fn names(&self) -> impl Iterator<Item = &str> {
        let rooms = self.names.rooms();
        rooms.filter_map(|room| self.rooms[room as usize].name.as_deref())
    }
}
