//! What loops tell each other, and other threads tell them.
//!
//! Not here: the way there; that is `exchange`.

use super::segment::Segment;
use super::to::Pick;
use super::{ALL, Closing, Rooms};
use crate::proto::CloseCode;
use crate::proto::deflate::Compressor;
use crate::reactor::history::{History, Said};
use crate::reactor::{ConnectionId, Hub};
use alloc::string::String;
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::fmt;
use core::panic::AssertUnwindSafe;
use std::panic::catch_unwind;

/// Something for another loop.
#[derive(Clone)]
pub(in crate::reactor) enum Letter {
    /// Messages for everybody.
    All(Arc<Segment>),
    /// For a room.
    Room(Arc<str>, Arc<Segment>),
    /// One message, for whoever is in any of these rooms.
    Rooms(Arc<[Arc<str>]>, Arc<Segment>),
    /// One message for one connection.
    One(ConnectionId, Arc<Segment>),
    /// One message for those who are picked.
    Those(Pick, Arc<Segment>),
    /// One connection is to be closed.
    Close(ConnectionId, CloseCode, String),
    /// Everybody is to be told goodbye.
    Stop,
    /// To be called.
    Call(Arc<dyn Fn(&mut Hub<'_>) + Send + Sync>),
    /// A message that the ledger keeps, with its serial.
    Kept(Arc<str>, u64, Arc<Segment>),
    /// To elsewhere: a message to be kept there.
    Keep(Arc<str>, History, Arc<Said>),
    /// To elsewhere: what is kept there of a room is wanted here.
    Want(Arc<str>, History),
    /// From elsewhere: the ledger has all of a room that is kept there, up to this serial.
    #[cfg(feature = "backplane")]
    Warm(Arc<str>, u64),
    /// To elsewhere: how many are in a room of a loop, or open there. `None` of a loop that is gone.
    #[cfg(feature = "backplane")]
    Members(u32, Option<Arc<str>>, Option<usize>),
    /// From elsewhere: say of every room who is in it.
    #[cfg(feature = "backplane")]
    CallRoll,
    /// From elsewhere: something for the handler of a loop, or of each.
    #[cfg(feature = "backplane")]
    News(Option<u32>, Arc<crate::reactor::BackplaneEvent>),
}

impl Letter {
    /// Bytes that it holds, about.
    pub(in crate::reactor) fn bytes(&self) -> usize {
        const LETTER: usize = 64;
        LETTER
            + match self {
                Self::All(segment)
                | Self::Room(_, segment)
                | Self::Rooms(_, segment)
                | Self::One(_, segment)
                | Self::Those(_, segment)
                | Self::Kept(.., segment) => segment.bytes(),
                Self::Keep(.., said) => said.payload.len(),
                Self::Close(..) | Self::Stop | Self::Call(_) | Self::Want(..) => 0,
                #[cfg(feature = "backplane")]
                Self::Members(..) | Self::CallRoll | Self::News(..) | Self::Warm(..) => 0,
            }
    }

    /// Whether it is for whoever carries to elsewhere what is said in rooms. A connection is here, and what picks some
    /// cannot be carried.
    pub(in crate::reactor) const fn crosses(&self) -> bool {
        match self {
            Self::All(_) | Self::Room(..) | Self::Rooms(..) => true,
            _ => self.only_crosses(),
        }
    }

    /// Whether it is for nobody else.
    pub(in crate::reactor) const fn only_crosses(&self) -> bool {
        #[cfg(feature = "backplane")]
        return matches!(self, Self::Members(..) | Self::Keep(..) | Self::Want(..));
        #[cfg(not(feature = "backplane"))]
        false
    }

    /// Which loop it is for, if not for all.
    pub(in crate::reactor) const fn worker(&self) -> Option<u32> {
        match self {
            Self::One(id, _) | Self::Close(id, ..) => Some(id.worker()),
            #[cfg(feature = "backplane")]
            Self::News(worker, _) => *worker,
            _ => None,
        }
    }
}

impl Rooms {
    /// Puts a letter to other loops behind everything that was said here before.
    pub(super) fn write(&mut self, letter: Letter) {
        self.seal_all();
        self.outgoing.push(letter);
        self.quiet = false;
    }

    /// Hears what another loop, or another thread, has said. What was said here comes first.
    pub(in crate::reactor) fn hear(&mut self, letter: Letter, compressor: &mut Compressor) {
        match letter {
            Letter::All(segment) => self.append(ALL, segment),
            Letter::Room(name, segment) => {
                if let Some(room) = self.named(&name) {
                    self.append(room, segment);
                }
            }
            Letter::Rooms(names, segment) => {
                let rooms: Vec<_> = names.iter().filter_map(|name| self.named(name)).collect();
                self.unite(&rooms, &segment);
            }
            Letter::One(id, segment) => {
                if let Some(slot) = self.slot_of(id).filter(|_| self.is_open(id)) {
                    self.address(slot, &segment, compressor);
                }
            }
            Letter::Those(pick, segment) => {
                // What was decided elsewhere must not end this loop.
                let picked = AssertUnwindSafe(|| self.pick(&pick, None, &segment, compressor));
                let _ = catch_unwind(picked);
            }
            Letter::Close(id, code, reason) => {
                // Gone already is as good.
                let _ = self.close(Closing { id, code, reason }, compressor);
            }
            Letter::Kept(name, serial, segment) => {
                self.hear_kept(&name, serial, segment, compressor);
            }
            #[cfg(feature = "backplane")]
            Letter::Warm(name, serial) => self.hear_warm(&name, serial, compressor),
            #[cfg(feature = "backplane")]
            Letter::CallRoll => self.answer_roll_call(),
            #[cfg(feature = "backplane")]
            Letter::Members(..) | Letter::News(..) => {}
            // The loop's business, which has seen it.
            Letter::Stop | Letter::Call(_) => {}
            Letter::Keep(..) | Letter::Want(..) => {}
        }
    }
}

impl fmt::Debug for Letter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::All(_) => "All",
            Self::Room(..) => "Room",
            Self::Rooms(..) => "Rooms",
            Self::One(..) => "One",
            Self::Those(..) => "Those",
            Self::Close(..) => "Close",
            Self::Stop => "Stop",
            Self::Call(_) => "Call",
            Self::Kept(..) => "Kept",
            Self::Keep(..) => "Keep",
            Self::Want(..) => "Want",
            #[cfg(feature = "backplane")]
            Self::Warm(..) => "Warm",
            #[cfg(feature = "backplane")]
            Self::Members(..) => "Members",
            #[cfg(feature = "backplane")]
            Self::CallRoll => "CallRoll",
            #[cfg(feature = "backplane")]
            Self::News(..) => "News",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::{ConnectionId, Letter, Rooms, Segment};
    use crate::proto::deflate::Compressor;
    use crate::reactor::rooms::{Class, Manner, To};
    use crate::reactor::{Message, RoomSettings};
    use alloc::sync::Arc;

    fn rooms() -> (Rooms, Compressor) {
        let mut rooms = Rooms::new(RoomSettings::default(), 1000);
        rooms.enter(
            ConnectionId::new(core::num::NonZeroU64::MIN, 0),
            Class::default(),
        );
        (
            rooms,
            Compressor::new(&crate::proto::deflate::Policy::default()),
        )
    }

    #[test]
    fn what_panics_in_a_letter_panics_no_further() {
        let (mut rooms, mut compressor) = rooms();
        let segment = Arc::new(Segment::of(Message::Text("x"), Manner::default()));
        let pick = Arc::new(|_| panic!("asked to"));
        rooms.hear(Letter::Those(pick, segment), &mut compressor);
        assert!(rooms.next_to_tell().is_none() && !rooms.has_work());
    }

    #[test]
    fn a_letter_that_was_written_while_others_were_told_keeps_the_loop_awake() {
        let (mut rooms, mut compressor) = rooms();
        rooms.counts.pretend(2);
        let elsewhere = To::room("elsewhere");
        rooms.publish(&elsewhere, Message::Text("x"), true, &mut compressor);
        assert!(rooms.next_to_tell().is_none() && !rooms.is_quiet());
        let [Letter::Room(..)] = rooms.outgoing.as_slice() else {
            panic!("not one letter");
        };
        rooms.outgoing.clear();
        assert!(rooms.next_to_tell().is_none() && rooms.is_quiet());
    }
}
