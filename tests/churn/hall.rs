//! A server with rooms and compression, and its world.
//!
//! Not here: how its members end, which is `ways`.

use crate::frames::REQUEST;
use crate::sim::{Conn, Net, SimKernel};
use crate::talk::{Talk, Words};
use crate::ways::Ends;
use sockeye::proto::deflate::Policy;
use sockeye::proto::handshake::server::Request;
use sockeye::server::{
    Closed, ConnectionId, EventLoop, Handler, Hub, Limits, Message, Peer, Settings, Timeouts,
};
use std::time::Duration;

/// Rooms: each member is in one of these.
const ROOMS: [&str; 4] = ["north", "east", "south", "west"];

/// Longer than all deadlines that one has after the other: asked, dropped, and no entry of the wheel left.
pub const ALL_DEADLINES: Duration = Duration::from_secs(100);

/// Sends back what it is told, or tells it to the room.
#[derive(Debug, Default)]
struct Echo {
    opened: usize,
    ends: Ends,
}

/// On the heap, so that one that is forgotten shows there.
#[derive(Debug, Default)]
struct Place(Box<usize>);

impl Handler<SimKernel> for Echo {
    type State = Place;

    fn on_open(&mut self, peer: &mut Peer<'_, SimKernel>, _: &Request<'_>) -> Place {
        let room = self.opened % ROOMS.len();
        self.opened += 1;
        peer.join(ROOMS[room]).expect("there is room");
        Place(Box::new(room))
    }

    fn on_message(
        &mut self,
        peer: &mut Peer<'_, SimKernel>,
        place: &mut Place,
        message: Message<'_>,
    ) {
        match message {
            Message::Text(news) if news.starts_with('=') => {
                peer.publish(ROOMS[*place.0], message);
            }
            _ => {
                let _ = peer.send(message);
            }
        }
    }

    fn on_close(&mut self, _: &mut Hub<'_>, _: ConnectionId, _: Place, closed: &Closed<'_>) {
        self.ends.note(closed);
    }
}

/// Whether the member with this number offers compression.
const fn compresses(number: usize) -> bool {
    number % 4 != 3
}

/// The server, and what its members say.
pub struct Hall {
    pub net: Net,
    server: EventLoop<Echo, SimKernel>,
    words: Words,
    plain: Vec<u8>,
    offering: Vec<u8>,
}

impl Hall {
    pub fn new() -> Self {
        let net = Net::new();
        let takeover = Policy {
            server_context_takeover: true,
            client_context_takeover: true,
            ..Policy::default()
        };
        let settings = Settings::new(Limits::default(), Timeouts::default()).deflate(takeover);
        let server = EventLoop::new(net.kernel(), Echo::default(), settings);
        let head = REQUEST.strip_suffix(b"\r\n").expect("it ends so");
        let offer = b"Sec-WebSocket-Extensions: permessage-deflate; client_max_window_bits\r\n\r\n";
        Self {
            net,
            server,
            words: Words::new(),
            plain: REQUEST.to_vec(),
            offering: [head, offer].concat(),
        }
    }

    pub fn ends(&mut self) -> &Ends {
        &self.server.handler().ends
    }

    /// So many connections, of which three in four may compress.
    pub fn open(&mut self, count: usize) -> Vec<Conn> {
        let members: Vec<_> = (0..count).map(|_| self.net.connect()).collect();
        for (number, member) in members.iter().enumerate() {
            let compresses = compresses(number);
            member.push(if compresses {
                &self.offering
            } else {
                &self.plain
            });
        }
        self.settle();
        for member in &members {
            assert!(member.read_sent(|sent| sent.starts_with(b"HTTP/1.1 101 ")));
        }
        assert_eq!(self.server.connections(), count);
        members
    }

    /// Has a member say something; what would be compressed, where it may not, is said as it is.
    pub fn talk(&self, number: usize, member: &Conn, talk: Talk) {
        let talk = match talk {
            Talk::Compressed if !compresses(number) => Talk::Large,
            other => other,
        };
        member.push(self.words.of(talk));
    }

    /// Everybody heard something: an answer, or at least the news of their room.
    pub fn assert_answered(&self, member: &Conn) {
        assert_eq!(member.unreceived(), 0);
        assert!(member.read_sent(<[u8]>::len) > 0);
    }

    /// Turns until nothing is left to do at this time.
    pub fn settle(&mut self) {
        let mut quiet = 0;
        while quiet < 2 {
            let before = self.net.calls().work();
            self.turn(Duration::ZERO);
            let idle = self.net.calls().work() == before;
            quiet = if idle { quiet + 1 } else { 0 };
        }
    }

    fn turn(&mut self, wait: Duration) {
        let goes_on = self.server.turn(Some(wait));
        assert!(goes_on.expect("polling works"));
    }

    pub fn run_for(&mut self, span: Duration) {
        let end = self.net.now() + span;
        while self.net.now() < end {
            self.turn(end - self.net.now());
        }
        self.settle();
    }

    /// All of them have ended; time passes in which the loop forgets them, and so does the world.
    pub fn forget(&mut self, members: Vec<Conn>) {
        self.run_for(ALL_DEADLINES);
        assert_eq!(self.server.connections(), 0);
        assert_eq!(self.net.open_streams(), 0);
        for room in ROOMS {
            assert!(
                self.server
                    .hub()
                    .stats(room)
                    .is_none_or(|room| room.members == 0)
            );
        }
        drop(members);
        self.net.forget_ended();
    }
}
