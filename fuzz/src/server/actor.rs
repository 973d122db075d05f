//! The application: does what messages ask of it, and remembers what it was told and what it told whom.
//!
//! Not here: judgement. It is called from within the loop, which survives its panics, so it complains on paper.

use super::sim::SimKernel;
use sockeye::kernel::Token;
use sockeye::proto::handshake::server::Request;
use sockeye::proto::{CloseCode, Prepared, Violation};
use sockeye::server::{Arrival, Closed, ConnectionId, Handler, Hub, Message, Peer, Verdict};
use std::collections::BTreeMap;

/// A message as it is remembered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Digest {
    text: bool,
    len: usize,
    hash: u64,
}

impl Digest {
    pub(super) fn of(text: bool, payload: &[u8]) -> Self {
        let (words, rest) = payload.as_chunks();
        let words = words.iter().map(|word| u64::from_le_bytes(*word));
        let all = words.chain(rest.iter().map(|byte| u64::from(*byte)));
        let hash = all.fold(0, |hash: u64, word| {
            (hash.rotate_left(5) ^ word).wrapping_mul(0x9E37_79B9_7F4A_7C15)
        });
        Self {
            text,
            len: payload.len(),
            hash,
        }
    }

    fn of_message(message: Message<'_>) -> Self {
        match message {
            Message::Text(text) => Self::of(true, text.as_bytes()),
            Message::Binary(data) => Self::of(false, data),
        }
    }
}

/// One connection as the application knows it.
#[derive(Debug, Default)]
pub(super) struct Person {
    pub(super) heard: Vec<Digest>,
    pub(super) told: Vec<Digest>,
    said_goodbye: bool,
    pub(super) ended: Option<Option<Violation>>,
}

#[derive(Debug, Default)]
pub(super) struct Actor {
    people: BTreeMap<u64, Person>,
    pub(super) complaints: Vec<String>,
    /// Requests that are put off.
    pub(super) waiting: Vec<ConnectionId>,
    greets: bool,
    defers: bool,
    count: u32,
}

/// A message that asks for something, in ASCII.
pub(super) fn command(command: u8, argument: u8, size: usize) -> Vec<u8> {
    let mut payload = vec![b'@' + command % 16, b'@' + argument % 16];
    let letters = b"abcdefghijklmnopqrstuvw";
    payload.extend(letters.repeat(size.div_ceil(letters.len())));
    payload.truncate(size.max(2));
    payload
}

impl Actor {
    pub(super) fn new(greets: bool, defers: bool) -> Self {
        Self {
            greets,
            defers,
            ..Self::default()
        }
    }

    /// Who is reported under this token, which has half of an id, if it was ever told. The ids of one input are near one
    /// another; those of all inputs in one process have more bits than that.
    pub(super) fn person(&self, token: Token) -> Option<&Person> {
        let mut people = self.people.iter();
        let (_, person) = people.find(|(id, _)| **id as u32 == (token.0 >> 32) as u32)?;
        Some(person)
    }

    pub(super) fn all_have_ended(&self) {
        for (id, person) in &self.people {
            assert!(
                person.ended.is_some(),
                "{id:x} was never told to have ended"
            );
        }
    }

    fn know(&mut self, id: ConnectionId) -> &mut Person {
        self.people.entry(id.get()).or_default()
    }

    /// A message that no other equals.
    fn fresh(&mut self, size: usize) -> Vec<u8> {
        self.count += 1;
        let mut payload = format!("{:08x}", self.count).into_bytes();
        payload.resize(size.max(8), b'.');
        payload
    }

    fn send(&mut self, peer: &mut Peer<'_, SimKernel>, message: Message<'_>) -> bool {
        let sent = peer.send(message).is_ok();
        if sent {
            self.know(peer.id()).told.push(Digest::of_message(message));
        }
        sent
    }

    fn send_fresh(&mut self, peer: &mut Peer<'_, SimKernel>, size: usize) -> bool {
        let payload = self.fresh(size);
        self.send(peer, Message::Binary(&payload))
    }

    fn broadcast(&mut self, peer: &mut Peer<'_, SimKernel>, message: Message<'_>) {
        peer.broadcast(message);
        let digest = Digest::of_message(message);
        let there = self.people.values_mut();
        for person in there.filter(|person| person.ended.is_none() && !person.said_goodbye) {
            person.told.push(digest);
        }
    }

    fn broadcast_fresh(&mut self, peer: &mut Peer<'_, SimKernel>, size: usize) {
        let payload = self.fresh(size);
        self.broadcast(peer, Message::Binary(&payload));
    }

    fn close(&mut self, peer: &mut Peer<'_, SimKernel>, reason: &str) {
        if peer.close(CloseCode::NORMAL, reason).is_ok() {
            self.know(peer.id()).said_goodbye = true;
        }
    }

    fn obey(&mut self, peer: &mut Peer<'_, SimKernel>, message: Message<'_>, payload: &[u8]) {
        let [command, argument, ..] = *payload else {
            return;
        };
        let size = [8, 100, 300, 1000, 5_000, 16_384, 20_000, 66_000][usize::from(argument % 8)];
        match command % 16 {
            0 => {}
            1 => self.broadcast(peer, message),
            2 | 3 => {
                for _ in 0..1 + argument % 4 {
                    self.send_fresh(peer, 20);
                    self.broadcast_fresh(peer, 300);
                }
            }
            4 => {
                self.send_fresh(peer, size);
            }
            5 => self.broadcast_fresh(peer, size),
            6 => {
                let payload = self.fresh(size);
                if peer.send_prepared(&Prepared::binary(&payload)).is_ok() {
                    self.know(peer.id()).told.push(Digest::of(false, &payload));
                }
            }
            7 => self.close(peer, "as you wish"),
            8 => {
                // As a handler does that closes whoever it cannot send to.
                let sent = (0..16).all(|_| self.send_fresh(peer, size));
                if !sent {
                    self.close(peer, "too slow");
                }
            }
            9 => {
                self.broadcast_fresh(peer, 10);
                self.send_fresh(peer, size);
                self.close(peer, "");
                self.broadcast_fresh(peer, 10);
                if self.send_fresh(peer, 10) {
                    self.complaints.push("sent behind a Close frame".to_owned());
                }
            }
            10 => {
                let _ = (0..40).all(|_| self.send_fresh(peer, 50));
            }
            _ => {
                self.send(peer, message);
            }
        }
    }
}

impl Handler<SimKernel> for Actor {
    type State = u64;

    fn on_request(
        &mut self,
        arrival: &mut Arrival<'_, '_, SimKernel>,
        _request: &Request<'_>,
    ) -> Verdict {
        if !self.defers {
            return Verdict::default();
        }
        self.waiting.push(arrival.id());
        Verdict::Later
    }

    fn on_abandoned(&mut self, id: ConnectionId) {
        self.waiting.retain(|waiting| *waiting != id);
    }

    fn on_open(&mut self, peer: &mut Peer<'_, SimKernel>, _request: &Request<'_>) -> u64 {
        let id = peer.id();
        if self.people.insert(id.get(), Person::default()).is_some() {
            self.complaints.push(format!("{id} opened twice"));
        }
        if self.greets {
            self.send_fresh(peer, 30);
        }
        id.get()
    }

    fn on_message(
        &mut self,
        peer: &mut Peer<'_, SimKernel>,
        state: &mut u64,
        message: Message<'_>,
    ) {
        let id = peer.id();
        if *state != id.get() {
            self.complaints
                .push(format!("{id} has the state of {state:x}"));
        }
        let person = self.know(id);
        person.heard.push(Digest::of_message(message));
        if person.ended.is_some() {
            self.complaints.push(format!("{id} speaks behind its end"));
        }
        match message {
            Message::Text(text) => self.obey(peer, message, text.as_bytes()),
            Message::Binary(data) => self.obey(peer, message, data),
        }
    }

    fn on_close(&mut self, _: &mut Hub<'_>, id: ConnectionId, state: u64, closed: &Closed<'_>) {
        let known = self.people.contains_key(&id.get());
        let twice = self.know(id).ended.replace(closed.violation).is_some();
        if twice || !known || state != id.get() {
            self.complaints.push(format!(
                "{id} ended: again {twice}, known {known}, {state:x}"
            ));
        }
    }
}
