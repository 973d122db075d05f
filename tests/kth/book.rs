//! What all handlers of a run were told, what they said, and what of that cannot be.
//!
//! Not here: what peers saw; that is `peer`. Whether both agree; that is `judge`.

use sockeye::server::{Cause, Closed, ConnectionId};
use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::{Arc, Mutex, MutexGuard};

/// A message's payload.
pub type Said = Vec<u8>;

/// The stream of what a handler says to one connection by itself.
pub const DIRECT: &str = "";

/// One book for all loops of a run.
#[derive(Clone, Default)]
pub struct Shared(Arc<Mutex<Book>>);

impl Shared {
    pub fn open(&self) -> MutexGuard<'_, Book> {
        self.0.lock().expect("nobody panics with it")
    }
}

#[derive(Default)]
pub struct Book {
    pub lives: Vec<Life>,
    /// What broke a law.
    pub breaks: Vec<String>,
    /// Requests whose answers are put off.
    pub put_off: HashSet<ConnectionId>,
    /// Links and attempts that ended without a connection, by tag.
    pub failed: Vec<u64>,
    ids: HashMap<ConnectionId, usize>,
    rooms: BTreeMap<String, Vec<usize>>,
    /// All that was published, by room.
    said: BTreeMap<String, Vec<Said>>,
}

/// One connection, as its handler saw it.
pub struct Life {
    pub id: ConnectionId,
    /// By this both ends know that it is the same. `None` where nobody could say.
    pub serial: Option<u16>,
    /// We opened it.
    pub is_ours: bool,
    pub heard: Vec<Said>,
    /// What it was told, in the streams whose order holds: by itself, and each room's.
    pub told: BTreeMap<String, Vec<Said>>,
    pub end: Option<End>,
}

/// How it ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct End {
    pub cause: Cause,
    pub code: u16,
    pub clean: bool,
}

impl Book {
    pub fn breaks(&mut self, what: impl Into<String>) {
        self.breaks.push(what.into());
    }

    pub fn on_open(&mut self, id: ConnectionId, serial: Option<u16>, is_ours: bool) {
        if self.ids.insert(id, self.lives.len()).is_some() {
            self.breaks(format!("{id} was opened twice"));
        }
        self.put_off.remove(&id);
        self.lives.push(Life {
            id,
            serial,
            is_ours,
            heard: Vec::new(),
            told: BTreeMap::new(),
            end: None,
        });
    }

    /// The life of a connection about which something is told.
    pub fn life(&mut self, id: ConnectionId, what: &str) -> Option<&mut Life> {
        let Some(&at) = self.ids.get(&id) else {
            self.breaks(format!("{what} of {id}, which was never opened"));
            return None;
        };
        if self.lives[at].end.is_some() {
            self.breaks(format!("{what} of {id} behind its end"));
        }
        Some(&mut self.lives[at])
    }

    /// The life of a connection that may be over.
    pub fn find(&self, serial: u16, is_ours: bool) -> impl Iterator<Item = &Life> {
        let is_it = move |life: &&Life| life.serial == Some(serial) && life.is_ours == is_ours;
        self.lives.iter().filter(is_it)
    }

    pub fn on_close(&mut self, id: ConnectionId, closed: &Closed<'_>) {
        let end = End {
            cause: closed.cause,
            code: closed.code,
            clean: closed.clean,
        };
        if let Some(life) = self.life(id, "an end") {
            life.end.get_or_insert(end);
        }
        if let Some(at) = self.ids.get(&id) {
            let members = self.rooms.values_mut();
            members.for_each(|members| members.retain(|member| member != at));
        }
    }

    pub fn hear(&mut self, id: ConnectionId, payload: &[u8]) {
        if let Some(life) = self.life(id, "a message") {
            life.heard.push(payload.to_vec());
        }
    }

    /// It was told this by itself.
    pub fn tell(&mut self, id: ConnectionId, stream: &str, payload: &[u8]) {
        if let Some(life) = self.life(id, "a send") {
            let told = life.told.entry(stream.to_owned()).or_default();
            told.push(payload.to_vec());
        }
    }

    pub fn join(&mut self, id: ConnectionId, room: &str) {
        if let Some(&at) = self.ids.get(&id) {
            let members = self.rooms.entry(room.to_owned()).or_default();
            assert!(!members.contains(&at), "joined twice");
            members.push(at);
        }
    }

    pub fn leave(&mut self, id: ConnectionId, room: &str) {
        let (at, members) = (self.ids.get(&id), self.rooms.get_mut(room));
        if let (Some(at), Some(members)) = (at, members) {
            members.retain(|member| member != at);
        }
    }

    fn note(&mut self, stream: &str, payload: &[u8]) {
        let said = self.said.entry(stream.to_owned()).or_default();
        said.push(payload.to_vec());
    }

    /// All that was published there.
    pub fn said_in(&self, stream: &str) -> &[Said] {
        self.said.get(stream).map_or(&[], Vec::as_slice)
    }

    /// All members of a room are told this.
    pub fn publish(&mut self, room: &str, payload: &[u8]) {
        self.note(room, payload);
        for &at in self.rooms.get(room).into_iter().flatten() {
            let told = self.lives[at].told.entry(room.to_owned()).or_default();
            told.push(payload.to_vec());
        }
    }

    /// All accepted connections that are open are told this.
    pub fn publish_to_all(&mut self, stream: &str, payload: &[u8]) {
        self.note(stream, payload);
        let open = |life: &&mut Life| life.end.is_none() && !life.is_ours;
        for life in self.lives.iter_mut().filter(open) {
            let told = life.told.entry(stream.to_owned()).or_default();
            told.push(payload.to_vec());
        }
    }
}
