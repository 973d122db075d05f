//! Which room has a name: [`Names`].
//!
//! A table of its own, as each user is a room: names are the rooms', and here are eight bytes for each place, of which a
//! quarter stays empty. With a hash map of the standard library it was 50 for each room.
//!
//! Not here: the rooms; that is `room`.

use super::Room;
use alloc::vec;
use alloc::vec::Vec;
use core::hash::BuildHasher as _;
use slab::Slab;
use std::hash::RandomState;

/// The rooms of a loop by their names.
#[derive(Debug, Default)]
pub(super) struct Names {
    /// Keyed: peers choose names.
    hasher: RandomState,
    /// As many as a power of two, or none. Each entry is where its hash says, or behind it with no empty place between.
    places: Vec<Option<Entry>>,
    len: usize,
}

#[derive(Clone, Copy, Debug)]
struct Entry {
    /// Half of the name's.
    hash: u32,
    /// One more than the room's number, so that no entry takes no room of its own.
    room: core::num::NonZeroU32,
}

impl Entry {
    const fn room(self) -> u32 {
        self.room.get() - 1
    }
}

/// Places of the first table.
const FIRST: usize = 8;

impl Names {
    /// The number of the room with this name.
    pub(super) fn get(&self, name: &str, rooms: &Slab<Room>) -> Option<u32> {
        let at = self.find(self.hash(name), |room| is_called(rooms, room, name))?;
        self.places[at].map(Entry::room)
    }

    /// Adds a room whose name no other has.
    pub(super) fn insert(&mut self, name: &str, room: u32) {
        if (self.len + 1) * 4 > self.places.len() * 3 {
            self.grow();
        }
        let room = room.checked_add(1).and_then(core::num::NonZeroU32::new);
        let room = room.expect("rooms are fewer than 2^32 by far");
        let hash = self.hash(name);
        self.put(Entry { hash, room });
        self.len += 1;
    }

    /// Takes a room out that has this name.
    pub(super) fn remove(&mut self, name: &str, room: u32) {
        let Some(mut hole) = self.find(self.hash(name), |other| other == room) else {
            return;
        };
        self.places[hole] = None;
        self.len -= 1;
        // What follows and could not be where it belongs comes nearer.
        let mut at = self.next(hole);
        while let Some(entry) = self.places[at] {
            let home = self.home(entry.hash);
            if self.distance(home, at) >= self.distance(hole, at) {
                self.places[hole] = self.places[at].take();
                hole = at;
            }
            at = self.next(at);
        }
    }

    /// The rooms, in no order.
    pub(super) fn rooms(&self) -> impl Iterator<Item = u32> {
        self.places.iter().flatten().map(|entry| entry.room())
    }

    fn hash(&self, name: &str) -> u32 {
        self.hasher.hash_one(name) as u32
    }

    /// Where the entry with this hash is that is it.
    fn find(&self, hash: u32, mut is_it: impl FnMut(u32) -> bool) -> Option<usize> {
        let mut at = self.home(hash);
        while let Some(entry) = self.places.get(at).copied().flatten() {
            if entry.hash == hash && is_it(entry.room()) {
                return Some(at);
            }
            at = self.next(at);
        }
        None
    }

    /// Into the first empty place from where it belongs.
    fn put(&mut self, entry: Entry) {
        let mut at = self.home(entry.hash);
        while self.places[at].is_some() {
            at = self.next(at);
        }
        self.places[at] = Some(entry);
    }

    fn grow(&mut self) {
        let places = (self.places.len() * 2).max(FIRST);
        let before = core::mem::replace(&mut self.places, vec![None; places]);
        before
            .into_iter()
            .flatten()
            .for_each(|entry| self.put(entry));
    }

    fn home(&self, hash: u32) -> usize {
        hash as usize & self.places.len().wrapping_sub(1)
    }

    fn next(&self, at: usize) -> usize {
        (at + 1) & (self.places.len() - 1)
    }

    fn distance(&self, from: usize, to: usize) -> usize {
        to.wrapping_sub(from) & (self.places.len() - 1)
    }
}

fn is_called(rooms: &Slab<Room>, room: u32, name: &str) -> bool {
    let room = rooms.get(room as usize);
    room.is_some_and(|room| room.name.as_deref() == Some(name))
}

#[cfg(test)]
mod tests {
    use super::{Names, Room};
    use crate::reactor::SlowPolicy;
    use alloc::format;
    use alloc::string::String;
    use slab::Slab;
    use std::collections::HashMap;

    /// Beside a map of the standard library.
    #[test]
    fn each_name_finds_its_room_whoever_comes_and_goes() {
        let (mut names, mut rooms) = (Names::default(), Slab::new());
        let mut model: HashMap<String, u32> = HashMap::new();
        let mut dice = 1_u64;
        for step in 0..20_000 {
            dice = dice.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            let name = format!("room {}", (dice >> 33) % 500);
            let known = names.get(&name, &rooms);
            assert_eq!(known, model.get(&name).copied(), "{name} in step {step}");
            if let Some(room) = known {
                names.remove(&name, room);
                rooms.remove(room as usize);
                model.remove(&name);
            } else {
                let room = Room::new(Some(&name), SlowPolicy::Close);
                let room = rooms.insert(room) as u32;
                names.insert(&name, room);
                model.insert(name, room);
            }
            assert_eq!(names.rooms().count(), model.len());
        }
    }

    #[test]
    fn a_room_is_small_as_each_user_has_one() {
        assert_eq!(size_of::<Room>(), 32);
        // With a place for it in a slab, where there may be none.
        assert_eq!(size_of::<Option<Room>>(), 32);
        assert_eq!(size_of::<Option<super::Entry>>(), 8);
    }
}
