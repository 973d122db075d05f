//! Peers that do not read, or hardly: what waits for them, and who waits with them (V91 to V95).

use crate::counting;
use crate::frames::{Frame, binary, close, ping, text};
use crate::harness::{Sim, ms, secs};
use crate::judge::assert_linear;
use sockeye::server::{Cause, Limits, Timeouts};

/// RUSTSEC-2020-0043 (CVE-2020-35896): what waited for a peer that did not read grew without a limit. Here it is the limit
/// and one message, and behind that it is told 1013.
#[test]
fn v91_what_waits_for_a_peer_grows_without_a_limit() {
    for message in [40, 10_000, 300_000] {
        let count = (2 << 20) / message;
        let mut sim = Sim::new();
        let talker = sim.open();
        let mut slow = sim.open();
        slow.conn.set_window(0);
        talker.conn.only_count();
        let before = counting::held();
        let mut most = 0;
        for _ in 0..count {
            talker.push(&text(&format!("!all-bytes {message}")));
            sim.settle();
            sim.probe().messages.clear();
            most = most.max(counting::held() - before);
        }
        let most = usize::try_from(most).unwrap();
        // A list of what waits, and the simulation's own.
        let limit = (5 << 19) + 2 * message;
        assert!(most <= limit, "{most} B of {limit}");
        slow.conn.set_window(usize::MAX);
        sim.settle();
        let frames = slow.frames();
        let (last, told) = frames.split_last().unwrap();
        assert_eq!(last, &Frame::close(1013, "reads too slowly"));
        assert!(told.iter().all(|frame| frame.payload.len() == message));
    }
}

/// A peer's library moved what was left of its output to the front with each write. Here a queue is taken a little at a
/// time, and four times as much takes four times as long.
#[test]
fn v92_what_is_left_is_moved_with_each_write() {
    assert_linear(1 << 20, |bytes| {
        let mut sim = Sim::new();
        let client = sim.open();
        client.conn.only_count();
        client.conn.set_window(0);
        let begin = client.conn.taken();
        client.push(&text(&format!("!bytes {bytes}")));
        sim.settle();
        while client.conn.taken() - begin < bytes {
            client.conn.set_window(256);
            sim.turn();
        }
    });
}

/// RUSTSEC-2024-0003: answers that a peer provoked and did not read were queued without a limit. Here pings wait where
/// they are, and there is one answer to a Close frame and to a fault.
#[test]
fn v93_answers_to_a_peer_that_does_not_read_are_queued() {
    for flood in [
        ping(&[7; 125]),
        ping(b""),
        close(1000),
        b"\x81\x05Hello".to_vec(),
    ] {
        let mut sim = Sim::new();
        let client = sim.open();
        client.conn.set_window(0);
        let flood = flood.repeat((2 << 20) / flood.len());
        client.conn.reserve(2 * flood.len());
        let before = counting::held();
        for _ in 0..5 {
            client.push(&flood[..flood.len() / 5]);
            sim.run_for(ms(100));
        }
        let held = usize::try_from(counting::held() - before).unwrap_or(0);
        assert!(held <= 256 << 10, "{held} B");
        sim.run_for(secs(11));
        assert!(client.conn.is_closed());
    }
}

/// GHSA-xj8g-532w-jv94 and a report of gorilla (its number 97): sending waited for a peer that did not read, and so did
/// all else. Here the others are answered in the same turn, and the one is gone after ten seconds.
#[test]
fn v94_sending_waits_for_a_peer_that_does_not_read() {
    let mut sim = Sim::new();
    let mut other = sim.open();
    let slow = sim.open();
    slow.conn.set_window(1000);
    slow.push(&[binary(&[7; 100_000]), ping(b"?")].concat());
    let begin = sim.net.now();
    sim.turn();
    while sim.net.now() < begin + ms(9900) {
        slow.push(&ping(b"?"));
        other.push(&text("quick"));
        sim.turn();
        assert_eq!(other.frame(), Frame::text("quick"));
        sim.run_for(ms(100));
        assert!(!slow.conn.is_closed());
    }
    sim.run_until(begin + ms(10_005));
    assert!(slow.conn.is_closed() && slow.conn.is_aborted());
    other.assert_echoes(&mut sim);
}

/// A peer's server dropped what a slow client should have heard, said nothing of it, and kept the client for as long as a
/// byte came now and then. Here it is told, or counted, and bytes that come are no reason to stay.
#[test]
fn v95_what_a_slow_peer_misses_is_dropped_in_silence() {
    let limits = Limits {
        max_queued: 10_000,
        ..Limits::default()
    };
    // It hears each message, or nothing more and why.
    let mut sim = Sim::with(limits, Timeouts::default());
    let mut slow = sim.open();
    let talker = sim.open();
    slow.conn.set_window(0);
    for number in 0..500 {
        talker.push(&text(&format!("!all {number:0>100}")));
        sim.settle();
    }
    slow.conn.set_window(usize::MAX);
    sim.settle();
    let frames = slow.frames();
    let (last, told) = frames.split_last().unwrap();
    assert_eq!(last.close_code(), Some(1013));
    assert!(!told.is_empty() && told.len() < 500);
    for (number, frame) in told.iter().enumerate() {
        assert_eq!(frame, &Frame::text(&format!("{number:0>100}")));
    }
    // It says something every second, and never reads.
    let mut sim = Sim::with(limits, Timeouts::default());
    let slow = sim.open();
    slow.conn.set_window(0);
    slow.push(&text("answer me"));
    sim.settle();
    let begin = sim.net.now();
    while !slow.conn.is_closed() {
        slow.push(b"\x81");
        slow.push(&text("x")[1..]);
        sim.run_for(secs(1));
        assert!(sim.net.now() <= begin + secs(11));
    }
    assert!(slow.conn.is_aborted());
    assert_eq!(sim.probe().causes.len(), 1);
    assert_ne!(sim.probe().causes[0], Cause::Peer);
}
