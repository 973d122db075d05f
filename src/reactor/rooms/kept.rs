//! Rooms that keep what was said last: saying it, telling it in order, and what is missed.
//!
//! What is kept goes by the exchange's ledger, and comes back as a letter, to this loop as to all others: so there is one
//! order. A loop knows up to where it has *told* a room. Somebody who comes back gets what it has missed up to there, and
//! is a member from there on. Where that is not known yet it *waits*: a member that is told nothing.
//!
//! Not here: what is kept; that is `history`.

use super::letter::Letter;
use super::segment::Segment;
use super::to::Receipt;
use super::{JoinError, Rooms};
use crate::proto::deflate::Compressor;
use crate::reactor::exchange::Exchange;
use crate::reactor::history::{History, Missed, Origin, Resumed, Said, Search, Store, Token};
use crate::reactor::mailbox::PutError;
use crate::reactor::rooms::segment::Manner;
use crate::reactor::{ConnectionId, Message};
use alloc::sync::Arc;
use alloc::vec::Vec;
use std::collections::HashMap;

/// What a loop knows of rooms that keep something.
#[derive(Debug, Default)]
pub(super) struct Followed {
    exchange: Option<Exchange>,
    /// Up to which serial each was told.
    told: HashMap<u32, u64>,
    waiting: Vec<Waiting>,
}

/// Somebody who is to get what it has missed, as soon as that is known.
#[derive(Debug)]
struct Waiting {
    id: ConnectionId,
    room: u32,
    history: History,
    token: Option<Token>,
    /// When the room was told up to there; `None`: when the store has answered.
    until: Option<u64>,
    /// The store has answered already; it may have been what another has asked.
    is_second: bool,
}

impl Followed {
    pub(super) fn join(&mut self, exchange: Exchange) {
        self.exchange = Some(exchange);
    }
}

impl Exchange {
    /// Keeps a message, and has all loops told of it when it has its place. Says whether anybody keeps anything.
    ///
    /// # Errors
    ///
    /// When there is no room for it, or nobody is there.
    pub(in crate::reactor) fn keep(
        &self,
        name: &str,
        history: History,
        message: Message<'_>,
        manner: Manner,
    ) -> Result<bool, PutError<()>> {
        let store = self.store();
        if store == Store::Nowhere {
            return Ok(false);
        }
        self.check_room(message.bytes().len(), store == Store::Broker)?;
        if store == Store::Broker {
            let said = self.said(message, manner);
            self.tell_elsewhere(&Letter::Keep(name.into(), history, Arc::new(said)));
        } else {
            self.keep_here(name, history, message, manner);
        }
        Ok(true)
    }

    fn store(&self) -> Store {
        self.ledger.store()
    }

    fn said(&self, message: Message<'_>, manner: Manner) -> Said {
        Said {
            origin: Origin { node: 0, number: 0 },
            author: manner.except.map(|id| self.ledger.author(id.get())),
            except: manner.except,
            is_text: matches!(message, Message::Text(_)),
            is_secret: manner.secret,
            payload: message.bytes().to_vec(),
        }
    }

    fn keep_here(&self, name: &str, history: History, message: Message<'_>, manner: Manner) {
        let (name, said) = (Arc::from(name), self.said(message, manner));
        let given_up = self.ledger.keep(&name, history, said, |serial, segment| {
            self.tell_all(&Letter::Kept(Arc::clone(&name), serial, segment))
        });
        // Not before the ledger is free again.
        drop(given_up);
    }
}

impl Rooms {
    /// Says something in a room that is kept there. `None`: nobody keeps anything.
    pub(super) fn say_kept(
        &mut self,
        name: &str,
        history: History,
        message: Message<'_>,
        manner: Manner,
    ) -> Option<Receipt> {
        let exchange = self.followed.exchange.clone()?;
        match exchange.store() {
            Store::Nowhere => return None,
            Store::Here => exchange.keep_here(name, history, message, manner),
            Store::Broker => {
                // Who came before is a member when it hears of this.
                #[cfg(feature = "backplane")]
                self.tell_members();
                let said = exchange.said(message, manner);
                self.write(Letter::Keep(name.into(), history, Arc::new(said)));
            }
        }
        let room = self.named(name).map(|room| &self.rooms[room as usize]);
        let queued = room.map_or(0, |room| room.members().len() - room.closing());
        Some(Receipt {
            queued,
            ..Receipt::default()
        })
    }

    /// Makes a connection a member of a room that keeps something, and tells it what it has missed since it was there. Says
    /// whether it was not a member.
    pub(in crate::reactor) fn resume(
        &mut self,
        id: ConnectionId,
        name: &str,
        history: History,
        token: Option<Token>,
        compressor: &mut Compressor,
    ) -> Result<bool, JoinError> {
        let is_new = self.join(id, name)?;
        let (Some(room), Some(exchange)) = (self.named(name), self.followed.exchange.clone())
        else {
            return Ok(is_new);
        };
        let mut waiting = Waiting {
            id,
            room,
            history,
            token,
            until: None,
            is_second: false,
        };
        if exchange.ledger.store() == Store::Nowhere {
            let nothing = Missed {
                is_complete: waiting.token.is_none(),
                at: "0-0".into(),
                ..Missed::default()
            };
            self.tell_missed(&waiting, nothing, compressor);
            return Ok(is_new);
        }
        let known = (
            self.worker,
            self.followed.told.get(&room).copied(),
            id.get(),
        );
        let name: Arc<str> = name.into();
        let (told, search) = exchange
            .ledger
            .find(&name, history, waiting.token.as_ref(), known);
        self.followed.told.insert(room, told);
        match search {
            Search::Found(missed) => self.tell_missed(&waiting, missed, compressor),
            Search::After(serial) => {
                waiting.until = Some(serial);
                self.followed.waiting.push(waiting);
            }
            Search::Ask => {
                self.followed.waiting.push(waiting);
                self.write(Letter::Want(name, history));
            }
        }
        Ok(is_new)
    }

    fn tell_missed(&mut self, who: &Waiting, missed: Missed, with: &mut Compressor) {
        let Some(slot) = self.slot_of(who.id).filter(|_| self.is_open(who.id)) else {
            return;
        };
        if let (Some(words), Some(exchange)) = (who.history.words, &self.followed.exchange) {
            let greeting = (words.greet)(&Resumed {
                missed: missed.segments.len(),
                is_complete: missed.is_complete,
                author: exchange.ledger.author(who.id.get()),
                at: &missed.at,
            });
            let greeting = Segment::of(Message::Text(&greeting), Manner::default());
            self.address(slot, &Arc::new(greeting), with);
        }
        for segment in missed.segments {
            self.address(slot, &segment, with);
        }
    }

    /// The ledger has a message.
    pub(super) fn hear_kept(
        &mut self,
        name: &str,
        serial: u64,
        segment: Arc<Segment>,
        with: &mut Compressor,
    ) {
        let Some(room) = self.named(name) else {
            return;
        };
        if let Some(told) = self.followed.told.get_mut(&room) {
            if serial <= *told {
                return;
            }
            *told = serial;
        }
        let waiting = self.followed.waiting.iter();
        // Who has come anew hears everything from the beginning on, and is told later where that is.
        let waiting = waiting.filter(|waiting| waiting.room == room && waiting.token.is_some());
        let skipped: Vec<u32> = waiting
            .filter_map(|waiting| self.slot_of(waiting.id))
            .collect();
        self.append_but_to(room, segment, skipped);
        self.serve_waiting(room, with, |waiting| {
            waiting.until.is_some_and(|until| until <= serial)
        });
    }

    /// The ledger has all that the store has.
    #[cfg(feature = "backplane")]
    pub(super) fn hear_warm(&mut self, name: &str, serial: u64, with: &mut Compressor) {
        let Some(room) = self.named(name) else {
            return;
        };
        if let Some(told) = self.followed.told.get_mut(&room) {
            *told = serial.max(*told);
        }
        self.serve_waiting(room, with, |waiting| {
            waiting.until.is_none_or(|until| until <= serial)
        });
    }

    fn serve_waiting(
        &mut self,
        room: u32,
        with: &mut Compressor,
        is_served: impl Fn(&Waiting) -> bool,
    ) {
        if self.followed.waiting.is_empty() {
            return;
        }
        let is_it = |waiting: &mut Waiting| waiting.room == room && is_served(waiting);
        let served: Vec<_> = self.followed.waiting.extract_if(.., is_it).collect();
        let name = self.rooms[room as usize].name.clone();
        let told = self.followed.told.get(&room).copied().unwrap_or_default();
        let (Some(name), Some(exchange)) = (name, self.followed.exchange.clone()) else {
            return;
        };
        for mut waiting in served {
            let slot = self.slot_of(waiting.id);
            if slot.and_then(|slot| self.membership(slot, room)).is_none() {
                continue;
            }
            let is_last = waiting.is_second;
            let token = waiting.token.as_ref();
            if let Some(missed) =
                exchange
                    .ledger
                    .missed(&name, (told, waiting.id.get()), token, is_last)
            {
                self.tell_missed(&waiting, missed, with);
            } else {
                waiting.is_second = true;
                waiting.until = None;
                self.write(Letter::Want(name.as_ref().into(), waiting.history));
                self.followed.waiting.push(waiting);
            }
        }
    }

    /// Whoever fell behind does not know any more what was told.
    pub(in crate::reactor) fn forget_told(&mut self) {
        self.followed.told.clear();
        self.followed.waiting.clear();
        if let Some(exchange) = &self.followed.exchange {
            exchange.ledger.leave_all(self.worker);
        }
    }

    /// Whoever carries to elsewhere has lost what was asked for.
    #[cfg(feature = "backplane")]
    pub(super) fn ask_again(&mut self) {
        let waiting = self.followed.waiting.iter();
        for waiting in waiting.filter(|waiting| waiting.until.is_none()) {
            if let Some(name) = self
                .rooms
                .get(waiting.room as usize)
                .and_then(|room| room.name.as_deref())
            {
                self.outgoing
                    .push(Letter::Want(name.into(), waiting.history));
            }
        }
    }

    /// A member has left.
    pub(super) fn stop_waiting(&mut self, id: ConnectionId, room: u32) {
        let waiting = &mut self.followed.waiting;
        waiting.retain(|waiting| waiting.id != id || waiting.room != room);
    }

    /// A room is no more.
    pub(super) fn unfollow(&mut self, room: u32) {
        if self.followed.told.remove(&room).is_none() {
            return;
        }
        self.followed.waiting.retain(|waiting| waiting.room != room);
        if let (Some(name), Some(exchange)) =
            (&self.rooms[room as usize].name, &self.followed.exchange)
        {
            exchange.ledger.leave(name, self.worker);
            // It is of no use to this loop any more.
            #[cfg(feature = "backplane")]
            if self.counts.is_bridged() {
                let nobody = Letter::Members(self.worker, Some(name.as_ref().into()), Some(0));
                self.outgoing.push(nobody);
                self.quiet = false;
            }
        }
    }
}
