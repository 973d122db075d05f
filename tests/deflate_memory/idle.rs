//! Without takeover: nothing for a connection that is silent, and little for one in the middle of a message.

use crate::counting;
use crate::frames::{self, BINARY, CONTINUATION, FIN, binary, frame};
use crate::{MANY, OFFER, RSV1, SHARED, Sim, compressed, held_since, json};
use sockeye::proto::deflate::{Policy, WindowBits};

/// What is held for so many idle peers after each has sent a message, ten times over.
fn held_for_idle(count: usize, offer: &str, messages: &[Vec<u8>]) -> isize {
    let mut sim = Sim::new(Policy::default());
    let conns = sim.open(count, offer, 1024);
    // The lists of reports and of timers grow to what is in them.
    sim.each_sends(&conns, |_| binary(b"x"), true);
    let before = counting::held();
    for _ in 0..10 {
        sim.each_sends(&conns, |index| messages[index % 64].clone(), true);
    }
    held_since(before)
}

#[test]
fn ten_thousand_that_sent_a_compressed_message_hold_no_more_than_uncompressed_ones() {
    let plain: Vec<_> = (0..64).map(|seed| binary(&json(seed))).collect();
    let smaller: Vec<_> = (0..64)
        .map(|seed| frame(FIN | RSV1 | BINARY, &compressed(&json(seed))))
        .collect();
    let none = held_for_idle(MANY, "x-none", &plain);
    let all = held_for_idle(MANY, OFFER, &smaller);
    let one = held_for_idle(1, OFFER, &smaller);
    // What the loop has one of, and not a byte for each.
    assert_eq!(none, 0);
    assert!(
        (140 << 10..=SHARED as isize).contains(&one),
        "{one} B shared"
    );
    assert_eq!(all - one, 0, "{all} B for many, and {one} B for one");
}

#[test]
fn again_and_again_holds_no_more() {
    // With takeover a history of 512 B, which the first messages fill.
    let takeover = Policy {
        client_context_takeover: true,
        client_max_window_bits: WindowBits::MIN,
        ..Policy::default()
    };
    let messages: Vec<_> = (0..64)
        .map(|seed| frame(FIN | RSV1 | BINARY, &compressed(&json(seed))))
        .collect();
    for policy in [Policy::default(), takeover] {
        let mut sim = Sim::new(policy);
        let conns = sim.open(2000, OFFER, 1 << 10);
        let mut rounds = |count: usize| {
            for round in 0..count {
                sim.each_sends(&conns, |index| messages[(index + round) % 64].clone(), true);
            }
            counting::held()
        };
        let filled = rounds(2);
        assert_eq!(rounds(10) - filled, 0, "after ten rounds of messages");
    }
}

#[test]
fn many_connections_one_after_the_other_hold_no_more() {
    let mut sim = Sim::new(Policy {
        server_context_takeover: true,
        client_context_takeover: true,
        ..Policy::default()
    });
    let message = frame(FIN | RSV1 | BINARY, &compressed(&json(1)));
    let mut held = Vec::new();
    // The world remembers its connections; the same number come each time, and it counts as it grows.
    for _ in 0..12 {
        let before = counting::held();
        let conns = sim.open(16, OFFER, 1024);
        let opened = held_since(before);
        sim.each_sends(&conns, |_| message.clone(), true);
        let with = held_since(before);
        assert!(with - opened > 16 * (300 << 10), "compressors are counted");
        for conn in &conns {
            conn.push(&frames::close(1000));
            conn.end();
        }
        sim.turns(3);
        assert_eq!(sim.server.connections(), 0);
        drop(conns);
        held.push(held_since(before));
    }
    let grown: isize = held[2..].iter().sum();
    // What the world keeps of each, and nothing of a compressor.
    assert!(grown < 10 * 16 * (8 << 10), "{held:?}");
}

#[test]
fn ten_thousand_open_compressed_fragments_pin_at_most_twice_what_was_sent() {
    for (fragments, size) in [(1, 1), (1, 20), (1, 700), (3, 90), (30, 40)] {
        let payload = compressed(&(0..16).flat_map(json).collect::<Vec<_>>());
        let pieces: Vec<_> = payload.chunks(size).take(fragments).collect();
        assert_eq!(pieces.len(), fragments, "there is more behind them");
        let mut bytes = frame(RSV1 | BINARY, pieces[0]);
        for piece in &pieces[1..] {
            bytes.extend(frame(CONTINUATION, piece));
        }
        for count in [10, MANY] {
            let mut sim = Sim::new(Policy::default());
            let conns = sim.open(count, OFFER, bytes.len());
            let before = counting::held();
            sim.each_sends(&conns, |_| bytes.clone(), false);
            let each = held_since(before) / count as isize;
            let most = 2 * bytes.len() + 128;
            assert!(each >= (fragments * size) as isize, "they are held");
            assert!(each <= most as isize, "{each} B for {} B", bytes.len());
        }
    }
}

#[test]
fn a_compressed_echo_allocates_nothing_in_steady_state() {
    for (window, pipelined) in [(15, 1), (15, 16), (9, 1), (12, 7)] {
        let mut sim = Sim::new(Policy::default());
        let offer = format!("{OFFER}; server_max_window_bits={window}");
        let message = frame(FIN | RSV1 | BINARY, &compressed(&json(1))).repeat(pipelined);
        let conns = sim.open(2, &offer, 4 * message.len() + 4096);
        let rounds = |sim: &mut Sim, count: usize| {
            for _ in 0..count {
                for conn in &conns {
                    conn.push(&message);
                    sim.turns(1);
                    let compressed = conn.read_sent(|sent| {
                        assert!(sent.len() < 400 * pipelined, "compressed");
                        sent[0]
                    });
                    assert_eq!(compressed, FIN | RSV1 | BINARY);
                }
            }
        };
        rounds(&mut sim, 20);
        let before = counting::calls();
        rounds(&mut sim, 1000);
        let calls = counting::calls() - before;
        assert_eq!(calls, 0, "window of {window}, {pipelined} at once");
    }
}
