//! A handler that does what messages ask it to, of servers and of clients, and writes everything down.
//!
//! | message | what is done |
//! |---|---|
//! | `echo …`, and all that is binary | it comes back |
//! | `join r`, `leave r` | the sender does so |
//! | `pub r …` | all in the room are told `r\|…` |
//! | `all …` | everybody is told `*\|…` |
//! | `flood n b` | so many messages of so many bytes come back |
//! | `later …` | `@\|…` comes back after 30 ms |
//! | `pause` | nothing is read of the sender until somebody says so |
//! | `close` | the sender is closed |
//!
//! Anything else is heard and not answered.

use crate::book::{DIRECT, Shared};
use crate::sim::SimKernel;
use sockeye::proto::CloseCode;
use sockeye::proto::handshake::server::Request;
use sockeye::server::{
    Admission, Arrival, Closed, ConnectionId, Handler, Hub, Message, Peer, PeerAddr, Rejection, To,
    Verdict,
};
use std::collections::HashMap;
use std::time::Duration;

/// How long what is put off takes.
pub const LATER: Duration = Duration::from_millis(30);

#[derive(Clone)]
pub struct Witness {
    pub book: Shared,
    /// What everybody says on opening.
    pub greetings: Vec<String>,
    /// It only listens.
    pub is_deaf: bool,
    timers: HashMap<u64, Timer>,
    next: u64,
}

#[derive(Clone)]
enum Timer {
    Answer(ConnectionId),
    Say(ConnectionId, String),
}

impl Witness {
    pub fn new(book: &Shared) -> Self {
        Self {
            book: book.clone(),
            greetings: Vec::new(),
            is_deaf: false,
            timers: HashMap::new(),
            next: 0,
        }
    }

    fn put_off(&mut self, hub: &mut Hub<'_>, timer: Timer) {
        self.next += 1;
        self.timers.insert(self.next, timer);
        hub.after(LATER, self.next);
    }

    fn send(&self, peer: &mut Peer<'_, SimKernel>, message: Message<'_>) {
        if peer.send(message).is_ok() {
            let payload = match message {
                Message::Text(text) => text.as_bytes(),
                Message::Binary(data) => data,
            };
            self.book.open().tell(peer.id(), DIRECT, payload);
        }
    }

    fn greet(&self, peer: &mut Peer<'_, SimKernel>) {
        for greeting in &self.greetings {
            self.send(peer, Message::Text(greeting));
        }
    }

    fn obey(&mut self, peer: &mut Peer<'_, SimKernel>, text: &str) {
        let (verb, rest) = text.split_once(' ').unwrap_or((text, ""));
        let id = peer.id();
        match verb {
            "echo" => self.send(peer, Message::Text(text)),
            "join" if peer.join(rest) == Ok(true) => self.book.open().join(id, rest),
            "leave" if peer.leave(rest) => self.book.open().leave(id, rest),
            "pub" => {
                let (room, what) = rest.split_once(' ').expect("a room, and what to say there");
                let what = format!("{room}|{what}");
                peer.publish(room, what.as_str());
                self.book.open().publish(room, what.as_bytes());
            }
            "all" => {
                let what = format!("*|{rest}");
                peer.publish(To::all(), what.as_str());
                self.book.open().publish_to_all("*", what.as_bytes());
            }
            "flood" => {
                let (count, bytes) = rest.split_once(' ').expect("how many, of how many bytes");
                let bytes: usize = bytes.parse().expect("a number");
                for number in 0..count.parse().expect("a number") {
                    let number: u32 = number;
                    self.send(
                        peer,
                        Message::Text(&format!("flood {number:>0$}", bytes - 6)),
                    );
                }
            }
            "later" => {
                let timer = Timer::Say(id, format!("@|{rest}"));
                self.put_off(&mut peer.hub(), timer);
            }
            "pause" => peer.pause(),
            "close" => {
                let _ = peer.close(CloseCode::NORMAL, "enough");
            }
            _ => {}
        }
    }
}

/// The port is a connection's name.
pub fn serial_of(addr: PeerAddr) -> Option<u16> {
    match addr {
        PeerAddr::Ip(addr) => Some(addr.port()),
        _ => None,
    }
}

impl Handler<SimKernel> for Witness {
    type State = Option<u16>;

    fn on_request(
        &mut self,
        arrival: &mut Arrival<'_, '_, SimKernel>,
        request: &Request<'_>,
    ) -> Verdict {
        let id = arrival.id();
        if self.book.open().put_off.contains(&id) {
            self.book.open().breaks(format!("{id} asks twice"));
        }
        match request.path() {
            "/no" => Rejection::new(403, "not you").into(),
            "/later" => {
                self.book.open().put_off.insert(id);
                self.put_off(&mut arrival.hub(), Timer::Answer(id));
                Verdict::Later
            }
            _ => match serial_of(arrival.remote_addr()) {
                Some(serial) => Admission::new()
                    .header("X-Serial", serial.to_string())
                    .into(),
                None => Verdict::default(),
            },
        }
    }

    fn on_refused(&mut self, id: ConnectionId, _status: u16) {
        self.book.open().put_off.remove(&id);
    }

    fn on_abandoned(&mut self, id: ConnectionId) {
        if !self.book.open().put_off.remove(&id) {
            let what = format!("{id} abandoned what was not put off");
            self.book.open().breaks(what);
        }
    }

    fn on_open(&mut self, peer: &mut Peer<'_, SimKernel>, _: &Request<'_>) -> Option<u16> {
        let serial = serial_of(peer.remote_addr());
        self.book.open().on_open(peer.id(), serial, false);
        self.greet(peer);
        serial
    }

    #[cfg(feature = "client")]
    fn on_connect(
        &mut self,
        peer: &mut Peer<'_, SimKernel>,
        _tag: u64,
        answer: &sockeye::client::Answer<'_>,
    ) -> Option<u16> {
        let headers = answer.headers().iter();
        let serial = headers
            .filter(|(name, _)| name.eq_ignore_ascii_case("X-Serial"))
            .find_map(|(_, value)| str::from_utf8(value).ok()?.parse().ok());
        self.book.open().on_open(peer.id(), serial, true);
        self.greet(peer);
        serial
    }

    #[cfg(feature = "client")]
    fn on_failed(&mut self, tag: u64, _: sockeye::client::ConnectError) {
        self.book.open().failed.push(tag);
    }

    fn on_message(
        &mut self,
        peer: &mut Peer<'_, SimKernel>,
        serial: &mut Option<u16>,
        message: Message<'_>,
    ) {
        let payload = match message {
            Message::Text(text) => text.as_bytes(),
            Message::Binary(data) => data,
        };
        let id = peer.id();
        let mut book = self.book.open();
        book.hear(id, payload);
        if book.life(id, "a message").map(|life| life.serial) != Some(*serial) {
            book.breaks(format!("{id} has the state of {serial:?}"));
        }
        drop(book);
        match message {
            _ if self.is_deaf => {}
            Message::Text(text) => self.obey(peer, text),
            Message::Binary(_) => self.send(peer, message),
        }
    }

    fn on_ping(&mut self, peer: &mut Peer<'_, SimKernel>, _: &mut Option<u16>, _: &[u8]) {
        self.book.open().life(peer.id(), "a ping");
    }

    fn on_pong(&mut self, peer: &mut Peer<'_, SimKernel>, _: &mut Option<u16>, _: &[u8]) {
        self.book.open().life(peer.id(), "a pong");
    }

    fn on_drain(&mut self, peer: &mut Peer<'_, SimKernel>, _: &mut Option<u16>) {
        self.book.open().life(peer.id(), "a drain");
    }

    fn on_timer(&mut self, hub: &mut Hub<'_>, key: u64) {
        match self.timers.remove(&key) {
            Some(Timer::Answer(id)) => hub.answer(id, Verdict::default()),
            Some(Timer::Say(id, what)) => {
                if hub.is_open(id) && hub.send(id, what.as_str()).is_ok() {
                    self.book.open().tell(id, "@", what.as_bytes());
                }
            }
            None => self.book.open().breaks("a timer went off twice"),
        }
    }

    fn on_close(
        &mut self,
        hub: &mut Hub<'_>,
        id: ConnectionId,
        serial: Option<u16>,
        closed: &Closed<'_>,
    ) {
        let mut book = self.book.open();
        if book.life(id, "an end").map(|life| life.serial) != Some(serial) {
            book.breaks(format!("{id} ends with the state of {serial:?}"));
        }
        book.on_close(id, closed);
        if hub.is_open(id) || hub.rooms_of(id).next().is_some() {
            book.breaks(format!("{id} is somewhere behind its end"));
        }
    }
}
