//! A server with a lobby, and a handler that does what messages ask.

use crate::counting;
use crate::frames::{self, Frame, REQUEST, take_frames};
use crate::sim::{Conn, Net, SimKernel};
use sockeye::proto::handshake::server::Request;
use sockeye::proto::{self, CloseCode};
use sockeye::server::{
    Cause, Closed, ConnectionId, EventLoop, Handler, Hub, JoinError, Limits, Message, Peer,
    RoomSettings, Settings, SlowPolicy, Timeouts, To,
};
use std::time::Duration;

pub const LOBBY: &str = "lobby";

pub const fn secs(secs: u64) -> Duration {
    Duration::from_secs(secs)
}

pub const fn ms(millis: u64) -> Duration {
    Duration::from_millis(millis)
}

/// Everybody is in the lobby from the beginning. A text's first character says what is asked for; binary messages are told
/// to the lobby.
#[derive(Debug, Default)]
pub struct Desk {
    pub refused: Vec<JoinError>,
    pub ends: Vec<(ConnectionId, Cause)>,
    /// Messages that were heard.
    pub heard: usize,
}

impl Handler<SimKernel> for Desk {
    type State = ();

    fn on_open(&mut self, peer: &mut Peer<'_, SimKernel>, _: &Request<'_>) {
        peer.join(LOBBY).expect("the lobby is open");
    }

    fn on_message(&mut self, peer: &mut Peer<'_, SimKernel>, (): &mut (), message: Message<'_>) {
        self.heard += 1;
        let Message::Text(text) = message else {
            peer.publish(LOBBY, message);
            return;
        };
        let (deed, what) = text.split_at(1);
        match deed {
            "+" => self.refused.extend(peer.join(what).err()),
            "-" => {
                peer.leave(what);
            }
            "~" => {
                self.refused.extend(peer.join(what).err());
                peer.leave(what);
            }
            "=" => {
                peer.publish(LOBBY, what);
            }
            "?" => {
                let _ = peer.send(what);
            }
            // In each way that a message can go to the one who asked.
            "#" => mixed(peer, what),
            // All others are told goodbye.
            "x" => {
                let me = peer.id();
                let mut hub = peer.hub();
                let others: Vec<_> = hub.connections().filter(|id| *id != me).collect();
                for id in others {
                    let _ = hub.close(id, CloseCode::NORMAL, what);
                }
            }
            "!" => {
                peer.publish(LOBBY, what);
                panic!("asked to");
            }
            _ => panic!("nobody asks for {text}"),
        }
    }

    fn on_close(&mut self, _: &mut Hub<'_>, id: ConnectionId, (): (), closed: &Closed<'_>) {
        self.ends.push((id, closed.cause));
    }
}

/// One message of each kind, numbered in the order of the calls.
fn mixed(peer: &mut Peer<'_, SimKernel>, what: &str) {
    let me = peer.id();
    let _ = peer.send(format!("{what}0").as_str());
    peer.publish(LOBBY, format!("{what}1").as_str());
    peer.publish(LOBBY, format!("{what}2").as_str());
    let _ = peer.send(format!("{what}3").as_str());
    let _ = peer.hub().send(me, format!("{what}4").as_str());
    peer.publish(To::those(move |id| id == me), format!("{what}5").as_str());
    let _ = peer.send(format!("{what}6").as_str());
    peer.publish(LOBBY, format!("{what}7").as_str());
}

pub struct Sim {
    pub net: Net,
    pub server: EventLoop<Desk, SimKernel>,
}

/// Nobody is asked whether it is alive, so that what is under test is what ends a connection.
pub fn without_pings() -> Timeouts {
    Timeouts {
        ping: secs(100_000),
        ..Timeouts::default()
    }
}

impl Sim {
    pub fn new() -> Self {
        Self::of(RoomSettings::default())
    }

    /// The lobby has this policy, and so much may wait for a member.
    pub fn with_policy(policy: SlowPolicy, max_queued: usize) -> Self {
        let rooms = RoomSettings {
            max_queued,
            ..RoomSettings::default()
        };
        Self::of(rooms.policy(move |_| policy))
    }

    pub fn of(rooms: RoomSettings) -> Self {
        let net = Net::new();
        let limits = Limits {
            connection: proto::Limits::with_max_message(16 << 20),
            ..Limits::default()
        };
        let settings = Settings::new(limits, without_pings()).rooms(rooms);
        let server = EventLoop::new(net.kernel(), Desk::default(), settings);
        Self { net, server }
    }

    pub fn turn(&mut self) {
        let goes_on = self.server.turn(Some(Duration::ZERO));
        assert!(goes_on.expect("polling works"));
    }

    /// Turns until nothing is left to do at this time. Says how many did something.
    pub fn settle(&mut self) -> usize {
        let (mut turns, mut quiet) = (0, 0);
        while quiet < 2 {
            let before = self.net.calls().work();
            self.turn();
            if self.net.calls().work() == before {
                quiet += 1;
            } else {
                (turns, quiet) = (turns + 1, 0);
            }
        }
        turns
    }

    pub fn run_until(&mut self, time: Duration) {
        while self.net.now() < time {
            let wait = time - self.net.now();
            assert!(self.server.turn(Some(wait)).expect("polling works"));
        }
        self.settle();
    }

    pub fn run_for(&mut self, span: Duration) {
        self.run_until(self.net.now() + span);
    }

    pub fn open(&mut self) -> Conn {
        self.open_many(1).remove(0)
    }

    pub fn open_many(&mut self, count: usize) -> Vec<Conn> {
        let conns: Vec<_> = (0..count).map(|_| self.net.connect()).collect();
        conns.iter().for_each(|conn| conn.push(REQUEST));
        self.settle();
        for conn in &conns {
            assert!(conn.read_sent(|sent| sent.starts_with(b"HTTP/1.1 101 ")));
        }
        conns
    }

    pub fn receive(&mut self, conn: &Conn, bytes: &[u8]) {
        conn.push(bytes);
        self.settle();
    }

    /// Who opened first comes first.
    pub fn ids(&mut self) -> Vec<ConnectionId> {
        self.server.hub().connections().collect()
    }

    pub fn lobby(&mut self) -> sockeye::server::RoomStats {
        self.server.hub().stats(LOBBY).unwrap_or_default()
    }

    /// Everybody else works as before.
    #[track_caller]
    pub fn assert_echoes(&mut self, conn: &Conn) {
        conn.take_sent();
        self.receive(conn, &frames::text("?still here"));
        assert_eq!(take_all(conn), [Frame::text("still here")]);
    }
}

/// Whole frames, and nothing behind them.
#[track_caller]
pub fn take_all(conn: &Conn) -> Vec<Frame> {
    let mut bytes = conn.take_sent();
    let frames = take_frames(&mut bytes);
    assert!(bytes.is_empty(), "half a frame: {} bytes", bytes.len());
    frames
}

/// A numbered message to the lobby, of so many bytes.
pub fn numbered(number: u32, len: usize) -> Vec<u8> {
    let mut payload = vec![b'.'; len];
    payload[..4].copy_from_slice(&number.to_be_bytes());
    frames::binary(&payload)
}

/// The number in such a message.
pub fn number_in(frame: &Frame) -> u32 {
    assert_eq!(frame.opcode, frames::BINARY);
    u32::from_be_bytes(*frame.payload.first_chunk().expect("a number"))
}

/// Bytes allocated since `before` and not freed.
pub fn held_since(before: isize) -> usize {
    usize::try_from(counting::held() - before).unwrap_or(0)
}
