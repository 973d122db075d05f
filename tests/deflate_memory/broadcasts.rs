//! What is said to all: held once for each window.

use crate::counting;
use crate::deflate_attacks::bomb;
use crate::frames::{FIN, TEXT, frame, text};
use crate::sim::Conn;
use crate::{OFFER, RSV1, SHARED, Sim, held_since, json};
use sockeye::proto::deflate::Policy;

#[test]
fn a_broadcast_that_waits_is_held_once_for_each_window() {
    let message: String = (0..400)
        .map(|seed| String::from_utf8(json(seed)).expect("ASCII"))
        .collect();
    let mut sim = Sim::new(Policy {
        server_context_takeover: true,
        ..Policy::default()
    });
    let mut members = Vec::new();
    for bits in [9, 12, 15] {
        let offer = format!("permessage-deflate; server_max_window_bits={bits}");
        members.extend(sim.open(100, &offer, 512));
    }
    let talker = sim.open(1, "x-none", 4 * message.len());
    // The first one makes the compressors.
    let held = |sim: &mut Sim, window: usize| {
        members.iter().for_each(|member| member.set_window(window));
        let before = counting::held();
        talker[0].push(&text(&message));
        sim.turns(2);
        let held = held_since(before);
        talker[0].read_sent(|_| ());
        held
    };
    let first = held(&mut sim, 0);
    members
        .iter()
        .for_each(|member| member.set_window(usize::MAX));
    sim.turns(2);
    let sent: usize = members.iter().step_by(100).map(Conn::untaken).sum();
    assert!(sent > 3 * message.len() / 10, "they were told");
    // All that waits is one encoding of each kind and its bookkeeping, not one for each of three hundred members; and no
    // member has got a compressor of its own, which would be 250 KiB at least.
    let compressors = (250 + 264 + 376 + 64 + 600) << 10;
    let entries = 300 * 512;
    let most = message.len() + 2 * sent + compressors + entries;
    assert!(first <= most as isize, "{first} B held, of {most} B");
    assert!(first < 300 * (100 << 10));
}

/// Broadcasts gather until a turn ends; what a peer may say in a turn is bounded in what it sends, and must be in what
/// that inflates to.
#[test]
fn broadcasts_of_bombs_are_not_gathered_without_bound() {
    // Zeros are text as well.
    let bomb = frame(FIN | RSV1 | TEXT, &bomb(1 << 20));
    let mut sim = Sim::new(Policy::default());
    let conns = sim.open(2, OFFER, 1 << 20);
    counting::most_held();
    let before = counting::held();
    conns[0].push(&bomb.repeat(64));
    sim.turns(4);
    let most = counting::most_held() - before;
    assert!(most < 16 << 20, "{} MiB held at once", most >> 20);
}

#[test]
fn a_large_broadcast_leaves_nothing_large_behind() {
    let large = text(&"again, ".repeat(140_000));
    for offer in [OFFER, "x-none"] {
        let mut sim = Sim::new(Policy::default());
        let talker = sim.open(1, offer, 4 << 20);
        let plain = sim.open(1, "x-none", 4 << 20);
        let say = |sim: &mut Sim| {
            talker[0].push(&large);
            sim.turns(4);
            talker[0].read_sent(|_| ());
            plain[0].read_sent(|_| ());
        };
        // The first one leaves the pool what it keeps of buffers.
        say(&mut sim);
        let listener = sim.open(1, OFFER, 4 << 20);
        let before = counting::held();
        say(&mut sim);
        assert!(listener[0].untaken() > 100);
        let held = held_since(before);
        assert!(held <= SHARED as isize, "{held} B held, {offer}");
    }
}
