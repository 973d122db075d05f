//! What rooms keep, of all loops of an exchange: [`Ledger`].
//!
//! Every message that is kept gets a *serial* here, and loops tell it in the order of serials. So a loop knows what it has
//! told in a room, and whoever comes back gets the rest out of here, in the same turn.
//!
//! Where there is no store but this, it gives out offsets itself: those of one life of the process have the same `major`.
//!
//! Not here: what one room keeps, which is `kept`.

use super::kept::{Kept, Missed, Said};
use super::place::{Offset, Origin, Token};
use super::{Author, History};
use crate::reactor::rooms::Segment;
use alloc::collections::BTreeMap;
use alloc::string::ToString;
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::hash::BuildHasher as _;
use core::sync::atomic::{AtomicU8, Ordering};
use core::time::Duration;
use std::collections::HashMap;
use std::hash::RandomState;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Instant;

/// Bytes that all rooms keep together. Beyond that, the room in which nothing was said for longest keeps nothing.
const MAX_BYTES: usize = 256 << 20;
/// What a room takes that keeps nothing, about.
const ROOM: usize = 256;

#[derive(Debug)]
pub(in crate::reactor) struct Ledger {
    place: AtomicU8,
    rooms: Mutex<Rooms>,
    begun: Instant,
}

/// Where what is kept is kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub(crate) enum Store {
    /// Here alone.
    Here,
    /// In a broker; here is a copy of its end.
    Broker,
    /// Nowhere: rooms are shared over a broker that keeps nothing.
    Nowhere,
}

#[derive(Debug, Default)]
struct Rooms {
    rooms: HashMap<Arc<str>, (Kept, u64)>,
    /// In which of them nothing was said for longest.
    idle: BTreeMap<u64, Arc<str>>,
    bytes: usize,
    serial: u64,
    /// Of this life.
    major: u64,
    /// This node.
    node: u64,
}

/// What is to be done for who comes back.
#[derive(Debug)]
pub(in crate::reactor) enum Search {
    /// This is it.
    Found(Missed),
    /// It is known when the loop has told what it is about to tell, up to there.
    After(u64),
    /// The store is to be asked.
    Ask,
}

impl Default for Ledger {
    fn default() -> Self {
        // What hash tables are seeded with, too.
        let random = RandomState::new().hash_one(0);
        let rooms = Rooms {
            // Not so large that anybody would take it for something else.
            major: random >> 16,
            ..Rooms::default()
        };
        Self {
            place: AtomicU8::new(Store::Here as u8),
            rooms: Mutex::new(rooms),
            begun: Instant::now(),
        }
    }
}

impl Ledger {
    /// Nothing panics while it holds this lock.
    fn lock(&self) -> MutexGuard<'_, Rooms> {
        self.rooms.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(in crate::reactor) fn store(&self) -> Store {
        match self.place.load(Ordering::Acquire) {
            0 => Store::Here,
            1 => Store::Broker,
            _ => Store::Nowhere,
        }
    }

    /// From here on, what is kept is kept there; what was kept is not known any more.
    #[cfg(feature = "backplane")]
    pub(in crate::reactor) fn move_to(&self, store: Store, node: u64) {
        let mut rooms = self.lock();
        let (serial, major) = (rooms.serial, rooms.major);
        *rooms = Rooms {
            serial,
            node,
            // Offsets of before are of another life.
            major: major + 1,
            ..Rooms::default()
        };
        self.place.store(store as u8, Ordering::Release);
    }

    /// Which author a connection is.
    pub(in crate::reactor) fn author(&self, connection: u64) -> Author {
        let node = self.lock().node;
        Author { node, connection }
    }

    /// Keeps a message here, and has `tell` tell it to all loops, in the order of serials.
    pub(in crate::reactor) fn keep<R>(
        &self,
        room: &Arc<str>,
        history: History,
        mut said: Said,
        tell: impl FnOnce(u64, Arc<Segment>) -> R,
    ) -> R {
        let now = self.begun.elapsed();
        let mut rooms = self.lock();
        said.origin.node = rooms.node;
        let at = rooms.room(room, history, true, now).next();
        let (serial, segment) = rooms.push(room, history, Some(at), said, now);
        // Under the lock, or two loops' letters could change places.
        tell(serial, segment)
    }

    /// Looks for what somebody has missed in a room of which a loop has told what it has up to `told`; `None`: nothing yet,
    /// and it begins now. Says also from where on the loop tells.
    pub(in crate::reactor) fn find(
        &self,
        room: &Arc<str>,
        history: History,
        token: Option<&Token>,
        (worker, told, connection): (u32, Option<u64>, u64),
    ) -> (u64, Search) {
        let is_here = self.store() == Store::Here;
        let now = self.begun.elapsed();
        let mut rooms = self.lock();
        let newest = rooms.serial;
        rooms.room(room, history, is_here, now);
        let author = Author {
            node: rooms.node,
            connection,
        };
        rooms.trim(room, now);
        let kept = rooms.room(room, history, is_here, now);
        if !kept.users.contains(&worker) {
            kept.users.push(worker);
        }
        let told = told.unwrap_or(newest);
        let search = if !kept.is_warm {
            Search::Ask
        } else if told < kept.loaded {
            // This loop is about to be told that there is more.
            Search::After(kept.loaded)
        } else if token.is_none_or(|token| token.at <= kept.at(told)) {
            Search::Found(kept.since(token, author, told))
        } else if token.is_some_and(|token| token.at <= kept.last()) && told < kept.newest() {
            Search::After(kept.newest())
        } else if is_here || token.is_some_and(|token| token.at <= kept.last()) {
            Search::Found(kept.since(token, author, told))
        } else {
            Search::Ask
        };
        (told, search)
    }

    /// The same when the store has answered. `None`: somebody was farther than what is known.
    pub(in crate::reactor) fn missed(
        &self,
        room: &str,
        (told, connection): (u64, u64),
        token: Option<&Token>,
        is_last: bool,
    ) -> Option<Missed> {
        let rooms = self.lock();
        let Some((kept, _)) = rooms.rooms.get(room) else {
            return Some(Missed {
                is_complete: token.is_none(),
                at: Offset::default().to_string(),
                ..Missed::default()
            });
        };
        let author = Author {
            node: rooms.node,
            connection,
        };
        let is_ahead = token.is_some_and(|token| token.at > kept.at(told));
        (is_last || !is_ahead).then(|| kept.since(token, author, told))
    }

    /// A loop tells nothing of a room any more.
    pub(in crate::reactor) fn leave(&self, room: &str, worker: u32) {
        if let Some((kept, _)) = self.lock().rooms.get_mut(room) {
            kept.users.retain(|user| *user != worker);
        }
    }

    /// Nor of any.
    pub(in crate::reactor) fn leave_all(&self, worker: u32) {
        for (kept, _) in self.lock().rooms.values_mut() {
            kept.users.retain(|user| *user != worker);
        }
    }
}

/// What is in a store elsewhere.
#[cfg(feature = "backplane")]
impl Ledger {
    /// All that a store has; what was known is not, but what no store has.
    pub(in crate::reactor) fn load(
        &self,
        room: &Arc<str>,
        history: History,
        from: Offset,
        all: Vec<(Offset, Said)>,
    ) {
        let now = self.begun.elapsed();
        let mut rooms = self.lock();
        let kept = rooms.room(room, history, false, now);
        let before = kept.bytes();
        kept.begin_at(from);
        kept.is_warm = true;
        let after = kept.bytes();
        rooms.bytes = rooms.bytes.saturating_sub(before) + after;
        let newest = all.last().map_or(0, |(at, _)| at.major);
        for (at, said) in all {
            let age = Duration::from_millis(newest.saturating_sub(at.major));
            let since = now.saturating_sub(age);
            rooms.push(room, history, Some(at), said, since);
        }
        let serial = rooms.serial;
        rooms.room(room, history, true, now).loaded = serial;
    }

    /// It has all that the store has.
    pub(in crate::reactor) fn warm(&self, room: &str) -> u64 {
        let mut rooms = self.lock();
        if let Some((kept, _)) = rooms.rooms.get_mut(room) {
            kept.is_warm = true;
        }
        rooms.serial
    }

    /// A message, and where it is, if it is anywhere but here.
    pub(in crate::reactor) fn add(
        &self,
        room: &Arc<str>,
        history: History,
        at: Option<Offset>,
        said: Said,
    ) -> (u64, Arc<Segment>) {
        let now = self.begun.elapsed();
        self.lock().push(room, history, at, said, now)
    }

    /// What was told here is now there, too.
    pub(in crate::reactor) fn settle(&self, room: &str, origin: Origin, at: Offset) {
        if let Some((kept, _)) = self.lock().rooms.get_mut(room) {
            kept.settle(origin, at);
        }
    }

    /// What is said there is not heard any more. Says whether it is of no use to anybody, and forgotten.
    pub(in crate::reactor) fn cool(&self, room: &str) -> bool {
        let mut rooms = self.lock();
        let Some((kept, _)) = rooms.rooms.get_mut(room) else {
            return true;
        };
        kept.is_warm = false;
        let is_unused = kept.users.is_empty();
        if is_unused {
            rooms.forget(room);
        }
        is_unused
    }
}

impl Rooms {
    fn room(
        &mut self,
        name: &Arc<str>,
        history: History,
        is_warm: bool,
        now: Duration,
    ) -> &mut Kept {
        if !self.rooms.contains_key(name) {
            self.sweep(now);
            // Above all that it may have been before it was forgotten.
            self.serial += 1;
            let at = match is_warm {
                true => Offset {
                    major: self.major,
                    minor: self.serial,
                },
                // The store will say.
                false => Offset::default(),
            };
            let kept = Kept::new(history, at, is_warm, now);
            self.rooms.insert(Arc::clone(name), (kept, self.serial));
            self.idle.insert(self.serial, Arc::clone(name));
            self.bytes += ROOM;
            self.make_room();
        }
        let (kept, _) = self
            .rooms
            .entry(Arc::clone(name))
            .or_insert_with(|| (Kept::new(history, Offset::default(), is_warm, now), 0));
        kept
    }

    fn push(
        &mut self,
        name: &Arc<str>,
        history: History,
        at: Option<Offset>,
        said: Said,
        now: Duration,
    ) -> (u64, Arc<Segment>) {
        self.room(name, history, false, now);
        self.serial += 1;
        let serial = self.serial;
        let Some((kept, idle)) = self.rooms.get_mut(name) else {
            return (serial, Arc::default());
        };
        let before = kept.bytes();
        let segment = kept.push(serial, at, said, now);
        self.bytes = self.bytes.saturating_sub(before) + kept.bytes();
        self.idle.remove(idle);
        *idle = serial;
        self.idle.insert(serial, Arc::clone(name));
        self.sweep(now);
        self.make_room();
        (serial, segment)
    }

    /// Gives up what a room has kept for too long.
    fn trim(&mut self, name: &str, now: Duration) {
        if let Some((kept, _)) = self.rooms.get_mut(name) {
            let before = kept.bytes();
            kept.trim(now);
            self.bytes = self.bytes.saturating_sub(before) + kept.bytes();
        }
    }

    /// Gives up what rooms keep in which nothing was said for too long, and those that nobody is in. It looks at no more
    /// than two, so that there are fewer of them each time.
    fn sweep(&mut self, now: Duration) {
        for _ in 0..2 {
            let Some((&idle, name)) = self.idle.first_key_value() else {
                return;
            };
            let name = Arc::clone(name);
            let Some((kept, place)) = self.rooms.get_mut(&name) else {
                return;
            };
            if !kept.is_stale(now) {
                return;
            }
            if kept.users.is_empty() {
                self.forget(&name);
                continue;
            }
            self.serial += 1;
            *place = self.serial;
            self.idle.remove(&idle);
            self.idle.insert(self.serial, Arc::clone(&name));
            self.trim(&name, now);
        }
    }

    fn make_room(&mut self) {
        while self.bytes > MAX_BYTES
            && self.rooms.len() > 1
            && let Some((_, name)) = self.idle.first_key_value()
        {
            let name = Arc::clone(name);
            self.forget(&name);
        }
    }

    fn forget(&mut self, name: &str) {
        if let Some((kept, idle)) = self.rooms.remove(name) {
            self.bytes = self.bytes.saturating_sub(kept.bytes() + ROOM);
            self.idle.remove(&idle);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::kept::tests::said;
    use super::{Duration, History, Rooms};
    use alloc::format;
    use alloc::sync::Arc;

    const HISTORY: History = History::last(10).within(Duration::from_secs(10));

    fn say(rooms: &mut Rooms, name: &str, seconds: u64) {
        let (name, now) = (Arc::from(name), Duration::from_secs(seconds));
        let at = rooms.room(&name, HISTORY, true, now).next();
        rooms.push(&name, HISTORY, Some(at), said(seconds, None), now);
    }

    #[test]
    fn rooms_in_which_nothing_is_said_are_forgotten_as_others_come() {
        let mut rooms = Rooms::default();
        for number in 0..100 {
            say(&mut rooms, &format!("old {number}"), 0);
        }
        let held = rooms.bytes;
        let in_use = Arc::from("in use");
        rooms
            .room(&in_use, HISTORY, true, Duration::ZERO)
            .users
            .push(0);
        say(&mut rooms, "in use", 0);
        for number in 0..100 {
            say(&mut rooms, &format!("new {number}"), 11);
        }
        assert_eq!(rooms.rooms.len(), 101);
        assert_eq!(rooms.rooms[&in_use].0.bytes(), 0, "it keeps nothing");
        assert!(rooms.bytes <= held + 300, "{} after {held}", rooms.bytes);
        assert_eq!(rooms.idle.len(), rooms.rooms.len());
        // Whoever comes back to one that was forgotten is not taken for somebody who has missed nothing.
        let before = rooms.serial;
        let room = rooms.room(&"old 0".into(), HISTORY, true, Duration::from_secs(11));
        assert!(room.last().minor > before);
    }
}
