//! Rooms: who is where.
//!
//! | file | holds |
//! |---|---|
//! | `mod`, `queries` | connections and rooms: coming and going; asking |
//! | `room`, `members` | one room: members, and what they have not been told |
//! | `memberships` | in which rooms connections are |
//! | `names` | what rooms are called |
//! | `segment` | messages, encoded and stored once for all |
//! | `to` | whom something is said to |
//! | `publish`, `letter` | saying it, here and to other loops |
//! | `gather` | what one connection is to be told |
//! | `crossing` | messages on their way to other nodes, and from there |
//! | `linger` | rooms that nobody is in |
//! | `kept` | rooms that keep what was said last |
//! | `presence` | telling elsewhere who is where |
//! | `policy` | settings and figures |
//!
//! The first room is everybody's: each accepted connection is in it while it is open.
//!
//! Not here: sessions and their streams; rooms know connections by their slots. Telling is `deliver`'s.
#![allow(
    clippy::cast_possible_truncation,
    reason = "slots, rooms and members are fewer than 2^32: descriptors end first, and rooms have a limit"
)]

#[cfg(feature = "backplane")]
mod crossing;
mod gather;
mod kept;
mod letter;
mod linger;
mod members;
mod memberships;
mod names;
mod policy;
#[cfg(feature = "backplane")]
mod presence;
mod publish;
mod queries;
mod room;
mod segment;
mod to;

#[cfg(feature = "backplane")]
pub(crate) use crossing::{Bundle, NotFrames};
pub(super) use gather::Gathered;
pub(super) use letter::Letter;
use memberships::{List, Memberships};
use names::Names;
pub use policy::{RoomSettings, RoomStats, SlowPolicy};
pub(super) use room::Room;
pub(super) use segment::{Class, Manner, Run, Segment};
pub(super) use to::Whom;
pub use to::{Receipt, To};

use super::ConnectionId;
use super::exchange::Counts;
use crate::proto::CloseCode;
use crate::proto::deflate::Compressor;
use alloc::collections::VecDeque;
use alloc::string::String;
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::fmt;
use core::mem::take;
use core::num::NonZeroU64;
use slab::Slab;
use std::collections::HashMap;

/// Everybody's.
const ALL: u32 = 0;

/// All rooms of a loop.
#[derive(Debug)]
pub(super) struct Rooms {
    /// By slot.
    places: Vec<Place>,
    memberships: Memberships,
    rooms: Slab<Room>,
    names: Names,
    /// Nothing is to be told to anybody; closings and empty rooms are another matter. Asked before every message that is
    /// sent.
    quiet: bool,
    /// Rooms whose log is not empty.
    touched: Vec<u32>,
    /// Rooms with something fresh.
    due: VecDeque<u32>,
    /// What was said to single connections, and when.
    personal: HashMap<u32, Vec<(u64, Run)>>,
    /// To whom, in order.
    addressed: Vec<u32>,
    pub(super) closings: Vec<Closing>,
    /// For the other loops; in order.
    pub(super) outgoing: Vec<Letter>,
    /// Who else is there.
    counts: Arc<Counts>,
    /// Rooms into which somebody came, or out of which, since that was last told elsewhere.
    #[cfg(feature = "backplane")]
    changed: Vec<u32>,
    /// Rooms that keep what was said.
    followed: kept::Followed,
    /// Which of them this is.
    worker: u32,
    /// Seals so far.
    stamp: u64,
    /// Bytes in logs.
    unsealed: usize,
    /// Segments to be filled again.
    spares: Vec<Segment>,
    /// Rooms that have become empty, and are to be looked at when they have lingered.
    pub(super) emptied: Vec<u32>,
    /// What has happened in rooms that have gone.
    past: RoomStats,
    settings: RoomSettings,
    /// What may wait for one member of what was said to everybody.
    max_queued: usize,
}

/// A connection, as rooms know it: 24 bytes.
#[derive(Debug, Default)]
struct Place {
    /// The number in its id, if a connection is here.
    number: Option<NonZeroU64>,
    class: Class,
    /// It will be closed when the turn is over.
    closing: bool,
    /// Some of its rooms drop everything for it.
    full: bool,
    /// Where it stands among all.
    among_all: u32,
    /// Bytes that wait for it to read, for those who ask.
    waiting: u32,
    memberships: List,
}

/// A connection that is to be closed when the turn is over.
#[derive(Debug)]
pub(super) struct Closing {
    pub(super) id: ConnectionId,
    pub(super) code: CloseCode,
    pub(super) reason: String,
}

/// There is no such connection any more, or it is closing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Gone;

/// Why a connection cannot be in a room.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum JoinError {
    /// The name is empty, too long, or has a control character.
    Name,
    /// The connection is in as many rooms as it may.
    TooMany,
    /// There are as many rooms as there may be.
    TooManyRooms,
    /// There is no such connection on this loop any more, or it is closing, or we are its client.
    Gone,
}

impl fmt::Display for Gone {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the connection is gone")
    }
}

impl fmt::Display for JoinError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Name => "not a name for a room",
            Self::TooMany => "in too many rooms",
            Self::TooManyRooms => "too many rooms",
            Self::Gone => "the connection is gone",
        })
    }
}

impl core::error::Error for Gone {}
impl core::error::Error for JoinError {}

impl Place {
    /// The rooms that it is in, that of everybody first, and where it stands there.
    fn everywhere(&self, all: &Memberships) -> impl Iterator<Item = (u32, u32)> {
        let memberships = all.of(self.memberships);
        let memberships = memberships.map(|membership| (membership.room, membership.at));
        [(ALL, self.among_all)].into_iter().chain(memberships)
    }
}

impl Rooms {
    pub(super) fn new(settings: RoomSettings, max_queued: usize) -> Self {
        let mut rooms = Slab::new();
        rooms.insert(Room::new(None, SlowPolicy::Close));
        Self {
            places: Vec::new(),
            memberships: Memberships::default(),
            rooms,
            names: Names::default(),
            quiet: true,
            touched: Vec::new(),
            due: VecDeque::new(),
            personal: HashMap::new(),
            addressed: Vec::new(),
            closings: Vec::new(),
            outgoing: Vec::new(),
            counts: Arc::default(),
            #[cfg(feature = "backplane")]
            changed: Vec::new(),
            followed: kept::Followed::default(),
            worker: 0,
            stamp: 0,
            unsealed: 0,
            spares: Vec::new(),
            emptied: Vec::new(),
            past: RoomStats::default(),
            settings,
            max_queued,
        }
    }

    /// Others may be listening from here on.
    pub(super) fn join_others(&mut self, membership: &super::exchange::Membership) {
        self.worker = membership.worker();
        self.counts = membership.counts();
        self.followed.join(membership.exchange());
    }

    /// Whether there is another loop.
    fn has_others(&self) -> bool {
        self.counts.has_others()
    }

    /// Whether there is anybody else to be told what is said in rooms here.
    fn has_hearers(&self) -> bool {
        self.counts.has_hearers()
    }

    /// A connection is open.
    pub(super) fn enter(&mut self, id: ConnectionId, class: Class) {
        let slot = id.slot();
        if self.places.len() <= slot {
            self.places.resize_with(slot + 1, Place::default);
        }
        self.places[slot] = Place {
            number: Some(id.number()),
            class,
            closing: false,
            full: false,
            among_all: self.rooms[ALL as usize].add(slot as u32),
            waiting: 0,
            memberships: List::default(),
        };
        self.note_members(ALL);
    }

    /// It closes, or is gone: it leaves every room. Once is enough.
    pub(super) fn depart(&mut self, id: ConnectionId) {
        let slot = id.slot();
        let Some(place) = self.places.get_mut(slot) else {
            return;
        };
        if place.number != Some(id.number()) {
            return;
        }
        let Place {
            mut memberships,
            among_all,
            ..
        } = take(place);
        while let Some(membership) = self.memberships.pop(&mut memberships) {
            self.take_out(membership.room, membership.at);
        }
        self.take_out(ALL, among_all);
        // It stays in the list of those who are to be told: looking for it there would cost as much as they are many.
        self.personal.remove(&(slot as u32));
    }

    /// Makes a connection a member. Says whether it was not.
    pub(super) fn join(&mut self, id: ConnectionId, name: &str) -> Result<bool, JoinError> {
        let slot = self.slot_of(id).ok_or(JoinError::Gone)?;
        if self.places[slot as usize].closing {
            return Err(JoinError::Gone);
        }
        if let Some(room) = self.named(name)
            && self.membership(slot, room).is_some()
        {
            return Ok(false);
        }
        let memberships = self.memberships.of(self.places[slot as usize].memberships);
        if memberships.count() >= self.settings.max_per_connection {
            return Err(JoinError::TooMany);
        }
        let room = self.room_of(name)?;
        let at = self.rooms[room as usize].add(slot);
        let memberships = &mut self.places[slot as usize].memberships;
        self.memberships.push(memberships, room, at);
        self.note_members(room);
        Ok(true)
    }

    /// Ends a membership. What was said in the room before is still told. Says whether there was one.
    pub(super) fn leave(
        &mut self,
        id: ConnectionId,
        name: &str,
        compressor: &mut Compressor,
    ) -> bool {
        let found = self.slot_of(id).zip(self.named(name));
        let Some((slot, room)) = found else {
            return false;
        };
        let Some(at) = self.membership(slot, room) else {
            return false;
        };
        self.keep_for(slot, room, at, compressor);
        let place = &mut self.places[slot as usize];
        // In order, as what a connection is told of several rooms is in the order in which it joined them.
        self.memberships.remove(&mut place.memberships, room);
        self.stop_waiting(id, room);
        self.take_out(room, at);
        true
    }

    fn take_out(&mut self, room: u32, at: u32) {
        let (places, here) = (&mut self.places, &mut self.rooms[room as usize]);
        let memberships = &mut self.memberships;
        here.end_full(at);
        here.remove(at as usize, |slot, at| {
            let place = &mut places[slot as usize];
            if room == ALL {
                place.among_all = at as u32;
                return;
            }
            memberships.moved(place.memberships, room, at as u32);
        });
        if here.members().is_empty() && room != ALL {
            self.emptied.push(room);
        }
        self.note_members(room);
    }

    /// Nobody elsewhere asks.
    #[cfg(not(feature = "backplane"))]
    #[inline]
    #[expect(
        clippy::unused_self,
        clippy::missing_const_for_fn,
        clippy::needless_pass_by_ref_mut,
        reason = "with the feature, it does something"
    )]
    fn note_members(&mut self, _room: u32) {}

    #[cfg(not(feature = "backplane"))]
    #[inline]
    #[expect(clippy::unused_self, reason = "with the feature, it looks")]
    const fn has_changes(&self) -> bool {
        false
    }

    /// Where a connection is a member.
    fn membership(&self, slot: u32, room: u32) -> Option<u32> {
        let memberships = self.places[slot as usize].memberships;
        self.memberships.find(memberships, room)
    }

    /// The room of this name, which comes into being if there is none.
    fn room_of(&mut self, name: &str) -> Result<u32, JoinError> {
        if let Some(room) = self.named(name) {
            return Ok(room);
        }
        if name.is_empty()
            || name.len() > self.settings.max_name
            || name.chars().any(char::is_control)
        {
            return Err(JoinError::Name);
        }
        if self.rooms.len() > self.settings.max_rooms {
            return Err(JoinError::TooManyRooms);
        }
        let policy = (self.settings.policy)(name);
        let room = Room::new(Some(name), policy);
        let key = self.rooms.insert(room) as u32;
        self.names.insert(name, key);
        Ok(key)
    }

    /// The room of this name, if there is one.
    fn named(&self, name: &str) -> Option<u32> {
        self.names.get(name, &self.rooms)
    }

    /// Where a connection is, if it is open and here.
    fn slot_of(&self, id: ConnectionId) -> Option<u32> {
        let place = self.places.get(id.slot())?;
        (place.number == Some(id.number())).then_some(id.slot() as u32)
    }

    fn id_of(&self, slot: u32) -> ConnectionId {
        let number = self.places[slot as usize].number;
        let number = number.expect("members are connections");
        ConnectionId::new(number, slot as usize)
    }

    /// It is closed when the turn is over, and told nothing that is said from here on.
    pub(super) fn close(&mut self, closing: Closing, with: &mut Compressor) -> Result<(), Gone> {
        let id = closing.id;
        if id.worker() != self.worker && self.has_others() {
            self.write(Letter::Close(id, closing.code, closing.reason));
            return Ok(());
        }
        if !self.is_open(id) {
            return Err(Gone);
        }
        self.tell_no_more(id, with);
        self.closings.push(closing);
        Ok(())
    }

    /// It is closing: what was said to it before is kept for it, and of what is said from here on it is told nothing. It
    /// stays a member until its turn, or that of everybody, is over.
    pub(super) fn tell_no_more(&mut self, id: ConnectionId, with: &mut Compressor) {
        let Some(slot) = self.slot_of(id).filter(|_| self.is_open(id)) else {
            return;
        };
        let place = &self.places[slot as usize];
        let everywhere: Vec<_> = place.everywhere(&self.memberships).collect();
        for (key, at) in everywhere {
            self.keep_for(slot, key, at, with);
            let room = &mut self.rooms[key as usize];
            room.end_full(at);
            room.leave_out(at);
        }
        self.places[slot as usize].closing = true;
    }
}
