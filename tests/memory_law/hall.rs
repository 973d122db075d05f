//! A server with rooms and compression, and its world; and what it holds, to the byte.
//!
//! Not here: its peers.

use crate::counting;
use crate::frames::REQUEST;
use crate::sim::{Conn, Net, SimKernel};
use sockeye::proto::deflate::Policy;
use sockeye::server::{EventLoop, Handler, Limits, Message, Peer, Settings, Timeouts};
use std::time::Duration;

/// No budget but the default one, which is more than any test here takes.
pub const UNBOUNDED: usize = 1 << 30;

/// Sends back what it is told; `+room` joins one, `=room news` is told to the room of that name.
struct Echo;

impl Handler<SimKernel> for Echo {
    type State = ();

    fn on_message(&mut self, peer: &mut Peer<'_, SimKernel>, (): &mut (), message: Message<'_>) {
        match message {
            Message::Text(room) if room.starts_with('+') => {
                peer.join(&room[1..]).expect("there is room");
            }
            Message::Text(news) if news.starts_with('=') => {
                let room = news[1..].split(' ').next().unwrap_or_default();
                peer.publish(room, message);
            }
            _ => {
                let _ = peer.send(message);
            }
        }
    }
}

/// What a peer offers about compression.
#[derive(Clone, Copy, Debug)]
pub enum Offer {
    Nothing,
    WithoutTakeover,
    Takeover,
}

pub struct Hall {
    net: Net,
    server: EventLoop<Echo, SimKernel>,
    came: usize,
}

impl Hall {
    /// The loop may hold so much for its peers.
    pub fn new(max_memory: usize) -> Self {
        let net = Net::new();
        let limits = Limits {
            max_memory,
            ..Limits::default()
        };
        let takeover = Policy {
            server_context_takeover: true,
            client_context_takeover: true,
            ..Policy::default()
        };
        let settings = Settings::new(limits, Timeouts::default()).deflate(takeover);
        let server = EventLoop::new(net.kernel(), Echo, settings);
        Self {
            net,
            server,
            came: 0,
        }
    }

    pub fn open(&mut self, count: usize, offer: Offer) -> Vec<Conn> {
        let head = REQUEST.strip_suffix(b"\r\n").expect("it ends so");
        let line: &[u8] = match offer {
            Offer::Nothing => b"\r\n",
            Offer::WithoutTakeover => {
                b"Sec-WebSocket-Extensions: permessage-deflate; server_no_context_takeover; client_no_context_takeover\r\n\r\n"
            }
            Offer::Takeover => b"Sec-WebSocket-Extensions: permessage-deflate\r\n\r\n",
        };
        let request = [head, line].concat();
        self.came += count;
        let conns: Vec<_> = (0..count).map(|_| self.net.connect()).collect();
        conns.iter().for_each(|conn| conn.push(&request));
        self.settle();
        for conn in &conns {
            assert!(conn.read_sent(|sent| sent.starts_with(b"HTTP/1.1 101 ")));
        }
        conns
    }

    /// Connections so far.
    pub const fn came(&self) -> usize {
        self.came
    }

    /// Turns until nothing is left to do at this time.
    pub fn settle(&mut self) {
        let mut quiet = 0;
        while quiet < 2 {
            let before = self.net.calls().work();
            let goes_on = self.server.turn(Some(Duration::ZERO));
            assert!(goes_on.expect("polling works"));
            let idle = self.net.calls().work() == before;
            quiet = if idle { quiet + 1 } else { 0 };
        }
    }

    /// Bytes that the server holds: those that are free once it is gone. What the world remembers is not among them.
    pub fn held(self) -> usize {
        let before = counting::held();
        drop(self.server);
        usize::try_from(before - counting::held()).expect("it held something")
    }
}
