//! What one connection must be told, in order, and whether it is.
//!
//! Each message carries the number under which it was said. What was said to the connection by itself, and what was said
//! in one room, must come in the order of the calls; several rooms may be told room by room within a turn.
//!
//! Not here: who is told what; that is `model`.

use std::collections::HashMap;

/// A message's number.
pub type Serial = u32;

/// Something that a connection must be told.
#[derive(Clone, Debug)]
pub struct Item {
    pub serial: Serial,
    /// What conflation goes by.
    pub key: u8,
    /// The rooms in which it was said to it, the one that tells it first. None: it was said to it by itself.
    pub rooms: Vec<usize>,
    /// In which turn.
    pub turn: u64,
}

/// The list of what a connection must be told.
#[derive(Debug, Default)]
pub struct Told {
    items: Vec<Item>,
    places: HashMap<Serial, usize>,
    got: Vec<bool>,
    /// The furthest place so far: at all, of what was said to it by itself, and of each room.
    last: Option<usize>,
    last_alone: Option<usize>,
    last_of: HashMap<usize, usize>,
    last_turn: u64,
    /// Whether it may be too slow: its peer has stopped reading, or reads little.
    pub slow: bool,
    /// Whether its peer or its handler has done something that ends it.
    pub may_end: bool,
    /// Whether its handler was told of its end.
    pub ended: bool,
}

/// What happens to the members of a room that read too slowly.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Slow {
    Close,
    DropNewest,
    DropOldest,
    Conflate,
}

impl Told {
    /// It must be told this, behind everything before.
    pub fn expect(&mut self, item: Item) {
        self.places.insert(item.serial, self.items.len());
        self.items.push(item);
        self.got.push(false);
    }

    /// It was told this. Says what is wrong with that.
    pub fn receive(&mut self, serial: Serial) -> Result<(), String> {
        let Some(&at) = self.places.get(&serial) else {
            return Err(format!("was told #{serial}, which was not for it"));
        };
        if std::mem::replace(&mut self.got[at], true) {
            return Err(format!("was told #{serial} twice"));
        }
        let item = &self.items[at];
        let late = |other: Option<&usize>| other.is_some_and(|other| *other > at);
        let out_of_order = if item.rooms.is_empty() {
            late(self.last.as_ref())
        } else {
            late(self.last_alone.as_ref())
                || item.rooms.iter().any(|room| late(self.last_of.get(room)))
        };
        // What is said between two turns is told with the next one.
        if out_of_order || item.turn + 1 < self.last_turn {
            return Err(format!("was told {item:?} behind {:?}", self.last_item()));
        }
        self.last = self.last.max(Some(at));
        self.last_turn = self.last_turn.max(item.turn);
        if item.rooms.is_empty() {
            self.last_alone = Some(at);
        }
        for room in &item.rooms {
            self.last_of.insert(*room, at);
        }
        Ok(())
    }

    fn last_item(&self) -> Option<&Item> {
        self.last.map(|last| &self.items[last])
    }

    fn missing(&self) -> impl Iterator<Item = (usize, &Item)> {
        let items = self.items.iter().enumerate();
        items.filter(|(at, _)| !self.got[*at])
    }

    /// It was told all that it will be, and nothing was lost: what is missing was dropped by its rooms. Gives the room of
    /// each that is.
    pub fn dropped(&self, policy: impl Fn(usize) -> Slow) -> Result<Vec<usize>, String> {
        let mut dropped = Vec::new();
        for (at, item) in self.missing() {
            let Some(&room) = item.rooms.first() else {
                return Err(format!("was never told {item:?}"));
            };
            match policy(room) {
                Slow::Close => return Err(format!("was never told {item:?}")),
                Slow::DropNewest | Slow::DropOldest => {}
                Slow::Conflate => {
                    let newer = |at: usize| {
                        let other = &self.items[at];
                        self.got[at] && other.key == item.key && other.rooms.first() == Some(&room)
                    };
                    if !(at + 1..self.items.len()).any(newer) {
                        return Err(format!("was told nothing newer than {item:?}"));
                    }
                }
            }
            dropped.push(room);
        }
        Ok(dropped)
    }

    /// It ended, and what was under way was lost: nothing that must not be dropped is missing before something of the same
    /// order that came. Gives the room of each message that may have been dropped.
    pub fn lost(&self, policy: impl Fn(usize) -> Slow) -> Result<Vec<usize>, String> {
        let (mut any, mut alone, mut of) = (None, None, HashMap::new());
        let mut maybe = Vec::new();
        for (at, item) in self.items.iter().enumerate() {
            if self.got[at] {
                let lost = if item.rooms.is_empty() {
                    any
                } else {
                    let mut rooms = item.rooms.iter();
                    alone.or_else(|| rooms.find_map(|room| of.get(room).copied()))
                };
                if let Some(lost) = lost {
                    return Err(format!("was told {item:?}, and not {lost:?}"));
                }
                continue;
            }
            match item.rooms.first() {
                Some(room) if policy(*room) != Slow::Close => maybe.push(*room),
                Some(_) => {
                    any = Some(item);
                    of.extend(item.rooms.iter().map(|room| (*room, item)));
                }
                None => (any, alone) = (Some(item), Some(item)),
            }
        }
        Ok(maybe)
    }

    /// All of it is settled.
    pub fn clear(&mut self) {
        let (slow, may_end, ended) = (self.slow, self.may_end, self.ended);
        *self = Self {
            slow,
            may_end,
            ended,
            ..Self::default()
        };
    }
}
