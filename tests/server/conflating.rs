//! Rooms in which newer messages replace older ones, for members that do not read.

use crate::frames::{Frame, text};
use crate::harness::{Client, Sim};
use crate::sim::SimKernel;
use sockeye::proto::handshake::server::Request;
use sockeye::server::{
    Closed, ConnectionId, Handler, Hub, Message, Peer, RoomSettings, Settings, SlowPolicy,
};

const ROOMS: [&str; 2] = ["a", "b"];
const MAX_QUEUED: usize = 8 << 10;

/// Everybody is in both rooms. What begins with a room's name is published there.
#[derive(Default)]
struct Board {
    ends: Vec<u16>,
}

impl Handler<SimKernel> for Board {
    type State = ();

    fn on_open(&mut self, peer: &mut Peer<'_, SimKernel>, _request: &Request<'_>) {
        for room in ROOMS {
            assert_eq!(peer.join(room), Ok(true));
        }
    }

    fn on_message(
        &mut self,
        peer: &mut Peer<'_, SimKernel>,
        (): &mut Self::State,
        message: Message<'_>,
    ) {
        let Message::Text(text) = message else {
            unreachable!("nobody says such a thing")
        };
        let receipt = peer.publish(&text[..1], message);
        assert_eq!((receipt.dropped, receipt.closed), (0, 0));
    }

    fn on_close(&mut self, _: &mut Hub<'_>, _: ConnectionId, (): (), closed: &Closed<'_>) {
        self.ends.push(closed.code);
    }
}

/// The room and the key.
fn key_of(message: &[u8]) -> &[u8] {
    &message[..2]
}

/// A board, who talks, and who does not read.
fn board() -> (Sim<Board>, Client, Client) {
    let mut rooms = RoomSettings::default().policy(|_| SlowPolicy::Conflate(key_of));
    rooms.max_queued = MAX_QUEUED;
    let settings = Settings::default().deflate(None).rooms(rooms);
    let mut sim = Sim::of(Board::default(), settings);
    let talker = sim.open();
    let slow = sim.open();
    slow.conn.set_window(0);
    (sim, talker, slow)
}

/// Half a kilobyte about a key.
fn said(key: &str, what: char) -> String {
    format!("{key}{}", String::from(what).repeat(500))
}

#[test]
fn what_another_room_has_replaced_makes_place_too() {
    let (mut sim, talker, mut slow) = board();
    let say = |sim: &mut Sim<Board>, key: &str, what: char| {
        talker.push(&text(&said(key, what)));
        sim.settle();
    };
    // Of this nothing can go, so it will be a while until that is looked for again.
    for key in ["a1", "a2", "a3", "a4", "a5", "a6"] {
        say(&mut sim, key, 'x');
    }
    // Meanwhile the other room says the same again and again, and then the first has its turn.
    for what in ['1', '2', '3', '4', '5', '6'] {
        say(&mut sim, "b1", what);
    }
    say(&mut sim, "a1", 'y');
    assert!(sim.server.handler().ends.is_empty());
    let hub = sim.server.hub();
    let stats = ROOMS.map(|room| hub.stats(room).expect("a room"));
    assert_eq!(stats.map(|stats| stats.conflated), [1, 5]);
    assert_eq!(stats.map(|stats| stats.closed), [0, 0]);
    slow.conn.set_window(usize::MAX);
    sim.settle();
    let rest = ["a2", "a3", "a4", "a5", "a6"].map(|key| said(key, 'x'));
    let last = [said("b1", '6'), said("a1", 'y')];
    let expected: Vec<_> = rest.iter().chain(&last).map(|it| Frame::text(it)).collect();
    assert_eq!(slow.frames(), expected);
}

#[test]
fn too_many_keys_close_with_1013() {
    let (mut sim, talker, slow) = board();
    for key in 0..20 {
        talker.push(&text(&said(&format!("a{}", char::from(b'a' + key)), 'x')));
        sim.settle();
    }
    slow.conn.set_window(usize::MAX);
    sim.settle();
    let told = slow.conn.take_sent();
    assert!(told.ends_with(&Frame::close(1013, "reads too slowly").payload));
    assert!(told.len() < MAX_QUEUED, "{} bytes", told.len());
    let hub = sim.server.hub();
    assert_eq!(hub.stats("a").map(|stats| stats.closed), Some(1));
}
