//! What the server holds and allocates for its peers, counted on the simulated kernel: it is in proportion to what they
//! sent or are owed, and not to what was announced, repeated or read in the meantime.
#![allow(
    unsafe_code,
    reason = "an allocator that counts is one, and cannot be written otherwise"
)]
#![allow(
    unreachable_pub,
    reason = "what is shared between modules is all `pub`"
)]
#![allow(
    clippy::std_instead_of_alloc,
    clippy::std_instead_of_core,
    clippy::cast_possible_truncation,
    reason = "tests have std, and make bytes of numbers on purpose"
)]

#[path = "support/counting.rs"]
mod counting;
#[path = "support/frames.rs"]
mod frames;
#[path = "support/sim/mod.rs"]
mod sim;

use frames::{BINARY, CONTINUATION, FIN, REQUEST, binary, frame, text};
use sim::{Conn, Net, SimKernel};
use sockeye::proto;
use sockeye::server::{EventLoop, Handler, Limits, Message, Peer, Settings, Timeouts};
use std::time::Duration;

/// Sends text to everybody and the rest back; allocates nothing itself.
struct Relay;

impl Handler<SimKernel> for Relay {
    type State = ();

    fn on_message(
        &mut self,
        peer: &mut Peer<'_, SimKernel>,
        (): &mut Self::State,
        message: Message<'_>,
    ) {
        if let Message::Text(_) = message {
            peer.broadcast(message);
        } else {
            let _ = peer.send(message);
        }
    }
}

/// A server whose world does not allocate either, once there is room in it.
struct Sim {
    net: Net,
    server: EventLoop<Relay, SimKernel>,
}

const MAX_QUEUED: usize = 1 << 20;
/// What the world has room for in each direction, so that its own growth is not counted.
const ROOM: usize = 4 << 20;

impl Sim {
    fn new() -> Self {
        let net = Net::new();
        let limits = Limits {
            connection: proto::Limits::with_max_message(16 << 20),
            max_queued: MAX_QUEUED,
            ..Limits::default()
        };
        let settings = Settings::new(limits, Timeouts::default());
        let server = EventLoop::new(net.kernel(), Relay, settings);
        Self { net, server }
    }

    fn settle(&mut self) {
        let mut quiet = 0;
        while quiet < 2 {
            let before = self.net.calls().work();
            let goes_on = self.server.turn(Some(Duration::ZERO));
            assert!(goes_on.expect("polling works"));
            quiet = if self.net.calls().work() == before {
                quiet + 1
            } else {
                0
            };
        }
    }

    fn open(&mut self, room: usize) -> Conn {
        let conn = self.net.connect();
        conn.reserve(room);
        conn.push(REQUEST);
        self.settle();
        assert!(conn.read_sent(|sent| sent.starts_with(b"HTTP/1.1 101 ")));
        conn
    }

    fn receive(&mut self, conn: &Conn, bytes: &[u8]) {
        conn.push(bytes);
        self.settle();
    }
}

/// Bytes allocated since `before` and not freed.
fn held_since(before: isize) -> usize {
    usize::try_from(counting::held() - before).unwrap_or(0)
}

/// What a loop of its size keeps for itself: the wheel's slots, the pool's and the outbox's lists.
const FIXED: usize = 4 << 10;

// --- what a peer can make us hold ---

/// A message in fragments of a size, and then what it takes to end it.
fn fragments(count: usize, size: usize) -> Vec<Vec<u8>> {
    let payload = vec![7; size];
    let first = |i| if i == 0 { BINARY } else { CONTINUATION };
    let mut frames: Vec<_> = (0..count).map(|i| frame(first(i), &payload)).collect();
    frames.push(frame(FIN | CONTINUATION, b"end"));
    frames
}

#[test]
fn a_fragmented_message_whose_echo_waits_is_held_at_most_twice() {
    for (count, size) in [(1, 5000), (40, 100), (3, 30_000), (2, 900_000), (100, 9000)] {
        let mut sim = Sim::new();
        let frames = fragments(count, size);
        // The first peer fills the pool of buffers, which is the loop's own and bounded.
        for pool in [2 << 20, 0] {
            let conn = sim.open(ROOM);
            conn.set_window(0);
            let before = counting::held();
            let mut sent = 0;
            for frame in &frames {
                sim.receive(&conn, frame);
                assert_eq!(conn.unreceived(), 0);
                sent += frame.len();
                let held = held_since(before);
                let most = 2 * sent + 128 + FIXED + pool;
                assert!(held <= most, "{held} B held for {sent} B");
            }
            assert!(held_since(before) >= count * size, "the echo waits");
        }
    }
}

#[test]
fn what_is_only_announced_is_not_held() {
    // A message of 16 MiB, of which so much arrives, in reads of a size; a buffer is full where they meet.
    for (arrived, read) in [
        (0, 1),
        (300, 1),
        (5000, 100),
        (100_000, 1024),
        (900_000, 65_536),
    ] {
        let mut sim = Sim::new();
        let mut bytes = frames::head(FIN | BINARY, 16 << 20);
        bytes.extend(vec![7; arrived]);
        // The first peer fills the pool of buffers.
        for pool in [2 << 20, 0] {
            let conn = sim.open(ROOM);
            let before = counting::held();
            let mut sent = 0;
            for piece in bytes.chunks(read) {
                sim.receive(&conn, piece);
                assert_eq!(conn.unreceived(), 0);
                sent += piece.len();
                let held = held_since(before);
                let most = 2 * sent + 128 + FIXED + pool;
                assert!(held <= most, "{held} B held for {sent} B");
            }
        }
    }
}

#[test]
fn who_has_sent_a_large_message_receives_the_next_where_it_lay_and_keeps_no_room_for_little() {
    let large = binary(&vec![7; 1 << 20]);
    let (beginning, rest) = large.split_at(100);
    let mut sim = Sim::new();
    // More of them than there is kept for.
    let conns: Vec<_> = (0..24).map(|_| sim.open(ROOM)).collect();
    let before = counting::held();
    for conn in &conns {
        sim.receive(conn, &large);
        sim.receive(conn, beginning);
    }
    let held = held_since(before);
    // What is kept for use, of either size of buffer, and the beginnings.
    let most = (16 << 20) + (2 << 20) + conns.len() * 256 + FIXED;
    assert!(held <= most, "{held} B held");
    // The one buffer, into which it comes in one piece, and the look whether there is more.
    let last = conns.last().expect("24");
    sim.receive(last, rest);
    let receives = sim.net.calls().receives;
    sim.receive(last, &large);
    assert_eq!(sim.net.calls().receives - receives, 2);
}

#[test]
fn an_echo_that_waits_takes_its_message_along_instead_of_copying_it() {
    let mut sim = Sim::new();
    let size = 1 << 20;
    let message = binary(&vec![7; size]);
    // The first peer fills the pool of buffers.
    for _ in 0..2 {
        let conn = sim.open(ROOM);
        conn.set_window(10_000);
        counting::most_held();
        let before = counting::held();
        sim.receive(&conn, &message);
        let most = usize::try_from(counting::most_held() - before).unwrap_or(0);
        assert!(
            held_since(before) >= size - 10_000,
            "the rest of the echo waits"
        );
        assert!(
            most <= size + size / 4,
            "{most} B held at once for {size} B"
        );
    }
}

// --- what an echo costs ---

#[test]
fn an_echo_allocates_nothing_in_steady_state() {
    // In one read, in many at once, and in several reads.
    for message in [
        binary(&[7; 20]),
        binary(&[7; 20]).repeat(5000),
        binary(&[7; 200_000]),
    ] {
        let mut sim = Sim::new();
        let conn = sim.open(ROOM);
        let mut calls = 0;
        for _ in 0..5 {
            let before = counting::calls();
            sim.receive(&conn, &message);
            calls = counting::calls() - before;
            assert!(conn.read_sent(<[u8]>::len) > 0);
        }
        assert_eq!(calls, 0, "{} B", message.len());
    }
}

// --- what waits for a peer that does not read ---

/// How much may be held for each byte that waits: what is small is gathered, and what gathers grows by doubling; what
/// is shared has its bookkeeping.
const UNREAD: usize = 2;
/// The same for a peer that reads: up to as much again stands in front and was sent already.
const READ_IN_PART: usize = 4;

#[test]
fn what_waits_for_a_member_that_does_not_read_is_held_at_most_twice() {
    // At 256 B what waits changes from being copied to being shared.
    for len in [0, 20, 253, 254, 1000, 60_000] {
        let mut sim = Sim::new();
        let talker = sim.open(ROOM);
        let slow = sim.open(ROOM);
        slow.set_window(0);
        let message = text(&"x".repeat(len));
        let told = message.len() - 4;
        let before = counting::held();
        let mut most = 0;
        for _ in 0..2 * MAX_QUEUED / told {
            sim.receive(&talker, &message);
            talker.read_sent(|sent| assert_eq!(sent.len(), told));
            most = held_since(before).max(most);
        }
        // Up to the limit, one message beyond it, and the Close frame.
        let waiting = MAX_QUEUED + told + 20;
        // A piece is reckoned at more than it takes.
        assert!(
            most >= MAX_QUEUED / 2,
            "it waits: {most} B held in messages of {len} B"
        );
        assert!(
            most <= UNREAD * waiting + FIXED,
            "{most} B held in messages of {len} B"
        );
    }
}

#[test]
fn a_member_that_always_lags_a_little_is_not_held_everything_it_was_ever_told() {
    for len in [20, 200, 1000] {
        let mut sim = Sim::new();
        let talker = sim.open(ROOM);
        let behind = sim.open(ROOM);
        let message = text(&"x".repeat(len));
        let told = message.len() - 4;
        let lag = 10;
        behind.set_window(0);
        let before = counting::held();
        for round in 0..2000 {
            sim.receive(&talker, &message);
            talker.read_sent(|sent| assert_eq!(sent.len(), told));
            if round >= lag {
                behind.set_window(told);
                sim.settle();
                behind.read_sent(|sent| assert_eq!(sent.len(), told));
            }
            let held = held_since(before);
            let most = READ_IN_PART * (lag + 1) * told + FIXED;
            assert!(held <= most, "{held} B held in round {round} of {len} B");
        }
    }
}

#[test]
fn a_member_that_catches_up_gives_back_what_its_backlog_held() {
    for len in [20, 200] {
        let mut sim = Sim::new();
        let talker = sim.open(ROOM);
        let behind = sim.open(ROOM);
        let message = text(&"x".repeat(len));
        let told = message.len() - 4;
        let tell = |sim: &mut Sim| {
            sim.receive(&talker, &message);
            talker.read_sent(|sent| assert_eq!(sent.len(), told));
        };
        behind.set_window(0);
        let before = counting::held();
        let backlog = MAX_QUEUED / told;
        (0..backlog).for_each(|_| tell(&mut sim));
        assert!(held_since(before) >= backlog * told, "it waits");
        // It takes all but a little, and is a little behind when the next thing is said.
        let lag = 10;
        behind.set_window((backlog - lag) * told);
        sim.settle();
        tell(&mut sim);
        let held = held_since(before);
        let most = READ_IN_PART * (lag + 1) * told + FIXED;
        assert!(held <= most, "{held} B held for {lag} messages of {len} B");
    }
}

// --- what a broadcast costs ---

/// Allocations of one broadcast to so many members who all take it.
fn broadcast_allocations(members: usize, message: &[u8]) -> usize {
    let mut sim = Sim::new();
    let members: Vec<_> = (0..members).map(|_| sim.open(4 * message.len())).collect();
    let mut calls = 0;
    for _ in 0..3 {
        let before = counting::calls();
        sim.receive(&members[0], message);
        calls = counting::calls() - before;
        for member in &members {
            member.read_sent(|sent| assert_eq!(sent.len(), message.len() - 4));
        }
    }
    calls
}

#[test]
fn a_broadcast_allocates_as_often_for_many_members_as_for_one() {
    for len in [5, 300, 20_000] {
        let message = text(&"x".repeat(len));
        let one = broadcast_allocations(1, &message);
        assert_eq!(broadcast_allocations(500, &message), one, "{len} B");
        // The frame, what shares it, and the list that the kernel's reports come in.
        assert!(one <= 6, "{one} allocations");
    }
}
