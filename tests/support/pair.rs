//! A client and a server, joined by two byte vectors.

use crate::replay::owned;
use crate::rows::Expected;
use crate::wire::{self, Counting, Frame};
use sockeye::proto::{
    Config, Connection, Event, Inbound, MessageKind, Outbound, Role, Sender, State, Violation,
};
use std::sync::Arc;

/// One end: a connection, what has arrived, what it has written, what it has told its application.
#[derive(Debug)]
pub(crate) struct Side {
    pub(crate) conn: Connection,
    role: Role,
    keys: Counting,
    inbound: Inbound,
    inbox: Vec<u8>,
    /// Everything ever written.
    pub(crate) wrote: Vec<u8>,
    /// How much of that is on its way.
    sent: usize,
    pub(crate) events: Vec<Expected>,
    pub(crate) error: Option<Violation>,
}

impl Side {
    pub(crate) fn new(role: Role, config: Config) -> Self {
        Self {
            conn: Connection::new(role, Arc::new(config)),
            role,
            // The two ends never use the same key.
            keys: Counting(if role == Role::Client { 0 } else { 1 << 31 }),
            inbound: Inbound::new(),
            inbox: Vec::new(),
            wrote: Vec::new(),
            sent: 0,
            events: Vec::new(),
            error: None,
        }
    }

    /// Sends something, whatever it is.
    pub(crate) fn send<R>(
        &mut self,
        send: impl FnOnce(&mut Sender, &mut Outbound<'_, &mut Vec<u8>>) -> R,
    ) -> R {
        let mut out = Outbound::client(&mut self.wrote, &mut self.keys);
        send(&mut self.conn.tx, &mut out)
    }

    /// Takes bytes from the other end and tells the application what they come to.
    pub(crate) fn take(&mut self, bytes: &[u8]) {
        self.inbox.extend_from_slice(bytes);
        let mut out = Outbound::client(&mut self.wrote, &mut self.keys);
        let mut at = 0;
        loop {
            let input = &mut self.inbox[at..];
            let (rx, tx) = (&mut self.conn.rx, &mut self.conn.tx);
            match rx.next(input, &mut self.inbound, tx, &mut out) {
                Ok(step) => {
                    at += step.consumed;
                    match step.event {
                        None => break,
                        Some(Event::Part(part)) => {
                            let data = part.data.to_vec();
                            self.events.push(match part.kind {
                                MessageKind::Text => Expected::Text(data),
                                MessageKind::Binary => Expected::Binary(data),
                            });
                        }
                        Some(event) => self.events.push(owned(event)),
                    }
                }
                Err(violation) => {
                    self.error = Some(violation);
                    break;
                }
            }
        }
        self.inbox.drain(..at);
    }

    /// Everything it wrote, read strictly.
    pub(crate) fn frames(&self) -> Vec<Frame> {
        wire::read(&self.wrote, self.role)
    }

    /// How many Close frames it wrote.
    pub(crate) fn closes(&self) -> usize {
        let frames = self.frames();
        frames.iter().filter(|f| f.opcode == wire::CLOSE).count()
    }
}

/// Both ends.
#[derive(Debug)]
pub(crate) struct Pair {
    pub(crate) client: Side,
    pub(crate) server: Side,
}

impl Pair {
    pub(crate) fn new() -> Self {
        Self::with(Config::default(), Config::default())
    }

    pub(crate) fn with(client: Config, server: Config) -> Self {
        Self {
            client: Side::new(Role::Client, client),
            server: Side::new(Role::Server, server),
        }
    }

    /// Carries everything across, until nothing moves.
    pub(crate) fn run(&mut self) {
        self.run_in(&mut || usize::MAX);
    }

    /// The same in pieces of the sizes that `piece` gives, at least a byte.
    pub(crate) fn run_in(&mut self, piece: &mut dyn FnMut() -> usize) {
        while carry(&mut self.client, &mut self.server, piece())
            | carry(&mut self.server, &mut self.client, piece())
        {}
    }

    pub(crate) fn states(&self) -> (State, State) {
        (self.client.conn.state(), self.server.conn.state())
    }
}

fn carry(from: &mut Side, to: &mut Side, most: usize) -> bool {
    let waiting = &from.wrote[from.sent..];
    let piece = &waiting[..waiting.len().min(most.max(1))];
    from.sent += piece.len();
    if piece.is_empty() {
        return false;
    }
    to.take(piece);
    true
}
