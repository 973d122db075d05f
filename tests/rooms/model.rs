//! The model: which connections there are, which rooms they are in, and for each connection the list of what it must be
//! told. Nothing here is shared, sealed, told late or thought of twice.
//!
//! Not here: the engine, with which `actor` compares it.

use super::judge::{Item, Serial, Slow, Told};
use sockeye::server::{ConnectionId, JoinError};
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

/// Everybody's.
pub const ALL: usize = 0;

/// A room's name may be so long.
pub const MAX_NAME: usize = 12;
pub const MAX_PER_CONNECTION: usize = 5;
pub const MAX_ROOMS: usize = 7;

pub struct Model {
    pub here: BTreeMap<ConnectionId, Present>,
    pub gone: Vec<ConnectionId>,
    pub rooms: BTreeMap<String, Room>,
    /// All rooms that there ever were, that of everybody first.
    pub ledgers: Vec<Ledger>,
    /// By the number of the peer.
    pub told: Vec<Told>,
    pub said: Vec<Said>,
    pub turn: u64,
}

/// A connection that is open, or closing.
pub struct Present {
    pub number: usize,
    /// In the order in which it joined them.
    pub rooms: Vec<String>,
    pub closing: bool,
}

#[derive(Debug)]
pub struct Room {
    /// Its ledger.
    pub key: usize,
    pub members: Vec<ConnectionId>,
    /// When it became empty, if it is: not before the first, and not after the second.
    pub emptied: Option<(Duration, Duration)>,
}

/// What a room drops.
#[derive(Debug)]
pub struct Ledger {
    pub policy: Slow,
    /// Messages that members who are there have not been told.
    pub missing: u64,
    /// Those that members who were lost have not been told: some of them were dropped before.
    pub maybe: u64,
}

/// A message.
#[derive(Clone, Copy, Debug)]
pub struct Said {
    pub len: usize,
    pub key: u8,
    pub is_text: bool,
}

/// Whom a message is for.
#[derive(Clone, Debug)]
pub enum Whom {
    All,
    Rooms(Vec<String>),
    One(ConnectionId),
    Those(BTreeSet<ConnectionId>),
}

/// What a receipt must say.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Expected {
    /// Queued or dropped.
    pub open: usize,
    /// At most so many of them dropped.
    pub droppable: usize,
    pub closed: usize,
}

impl Model {
    pub fn new() -> Self {
        Self {
            here: BTreeMap::new(),
            gone: Vec::new(),
            rooms: BTreeMap::new(),
            ledgers: vec![Ledger::new(Slow::Close)],
            told: Vec::new(),
            said: Vec::new(),
            turn: 0,
        }
    }

    pub fn enter(&mut self, id: ConnectionId, number: usize) {
        let present = Present {
            number,
            rooms: Vec::new(),
            closing: false,
        };
        self.here.insert(id, present);
    }

    /// It is gone, since some time between these two.
    pub fn depart(&mut self, id: ConnectionId, span: (Duration, Duration)) {
        let Some(present) = self.here.remove(&id) else {
            return;
        };
        for name in present.rooms {
            self.take_out(id, &name, span);
        }
        self.gone.push(id);
    }

    fn take_out(&mut self, id: ConnectionId, name: &str, span: (Duration, Duration)) {
        let room = self.rooms.get_mut(name).expect("it is in it");
        room.members.retain(|member| *member != id);
        if room.members.is_empty() {
            room.emptied = Some(span);
        }
    }

    pub fn join(&mut self, id: ConnectionId, name: &str) -> Result<bool, JoinError> {
        let present = self.here.get_mut(&id).filter(|present| !present.closing);
        let present = present.ok_or(JoinError::Gone)?;
        if present.rooms.iter().any(|room| room == name) {
            return Ok(false);
        }
        if present.rooms.len() >= MAX_PER_CONNECTION {
            return Err(JoinError::TooMany);
        }
        if !self.rooms.contains_key(name) {
            let control = name.chars().any(|c| c < ' ');
            if name.is_empty() || name.len() > MAX_NAME || control {
                return Err(JoinError::Name);
            }
            if self.rooms.len() >= MAX_ROOMS {
                return Err(JoinError::TooManyRooms);
            }
            let room = Room {
                key: self.ledgers.len(),
                members: Vec::new(),
                emptied: None,
            };
            self.rooms.insert(name.to_owned(), room);
            self.ledgers.push(Ledger::new(policy_of(name)));
        }
        let room = self.rooms.get_mut(name).expect("it is there now");
        room.members.push(id);
        room.emptied = None;
        present.rooms.push(name.to_owned());
        Ok(true)
    }

    pub fn leave(&mut self, id: ConnectionId, name: &str, now: Duration) -> bool {
        let Some(present) = self.here.get_mut(&id) else {
            return false;
        };
        let Some(at) = present.rooms.iter().position(|room| room == name) else {
            return false;
        };
        present.rooms.remove(at);
        self.take_out(id, name, (now, now));
        true
    }

    /// It is told nothing more. Says whether that is new.
    pub fn close(&mut self, id: ConnectionId) -> bool {
        match self.here.get_mut(&id) {
            Some(present) if !present.closing => {
                present.closing = true;
                self.told[present.number].may_end = true;
                true
            }
            _ => false,
        }
    }

    /// A message that was not said yet.
    pub fn say(&mut self, said: Said) -> Serial {
        self.said.push(said);
        (self.said.len() - 1) as Serial
    }

    /// Said to these; what the receipt must be.
    pub fn publish(
        &mut self,
        serial: Serial,
        whom: &Whom,
        except: Option<ConnectionId>,
    ) -> Expected {
        let mut expected = Expected::default();
        for (id, rooms) in self.targets(whom) {
            if Some(id) == except {
                continue;
            }
            let Some(present) = self.here.get(&id).filter(|present| !present.closing) else {
                expected.closed += 1;
                continue;
            };
            let number = present.number;
            let policy = rooms.first().map(|room| self.ledgers[*room].policy);
            let droppable = policy == Some(Slow::DropNewest) && self.told[number].slow;
            expected.open += 1;
            expected.droppable += usize::from(droppable);
            self.expect(number, serial, rooms);
        }
        expected
    }

    /// A connection is to be told something next.
    pub fn expect(&mut self, number: usize, serial: Serial, rooms: Vec<usize>) {
        let item = Item {
            serial,
            key: self.said[serial as usize].key,
            rooms,
            turn: self.turn,
        };
        self.told[number].expect(item);
    }

    /// Each of those it is for, once, with the rooms it is in among those that are meant.
    fn targets(&self, whom: &Whom) -> BTreeMap<ConnectionId, Vec<usize>> {
        match whom {
            Whom::All => self.here.keys().map(|id| (*id, vec![ALL])).collect(),
            Whom::One(id) => [(*id, Vec::new())].into(),
            Whom::Those(those) => {
                let here = self.here.keys().filter(|id| those.contains(id));
                here.map(|id| (*id, Vec::new())).collect()
            }
            Whom::Rooms(names) => {
                let mut targets = BTreeMap::<_, Vec<_>>::new();
                for room in names.iter().filter_map(|name| self.rooms.get(name)) {
                    for member in &room.members {
                        let rooms = targets.entry(*member).or_default();
                        if !rooms.contains(&room.key) {
                            rooms.push(room.key);
                        }
                    }
                }
                targets
            }
        }
    }

    /// The message of this number.
    pub fn payload(&self, serial: Serial) -> String {
        payload(serial, self.said[serial as usize])
    }
}

impl Ledger {
    const fn new(policy: Slow) -> Self {
        Self {
            policy,
            missing: 0,
            maybe: 0,
        }
    }
}

/// What a room does about slow members, by its name.
pub fn policy_of(name: &str) -> Slow {
    match name.as_bytes().first() {
        Some(b'n') => Slow::DropNewest,
        Some(b'o') => Slow::DropOldest,
        Some(b'k') => Slow::Conflate,
        _ => Slow::Close,
    }
}

/// The number, the key, and letters up to the length. An empty message has nothing of that.
fn payload(serial: Serial, said: Said) -> String {
    if said.len == 0 {
        return String::new();
    }
    let mut text = format!("{serial}:{}:", said.key);
    let letter = |at: usize| char::from(b'a' + ((serial as usize * 31 + at * at / 7) % 26) as u8);
    text.extend((text.len()..said.len).map(letter));
    text
}

/// What conflation goes by.
pub fn key_of(payload: &[u8]) -> &[u8] {
    let mut fields = payload.split(|byte| *byte == b':');
    fields.nth(1).unwrap_or_default()
}

/// The number in a message.
pub fn serial_of(payload: &[u8]) -> Option<Serial> {
    let number = payload.split(|byte| *byte == b':').next()?;
    str::from_utf8(number).ok()?.parse().ok()
}
