//! Compressed messages to peers that do not read: what waits is not where it was compressed.
//!
//! Not here: what waits without compression, which are `partial_writes` and `backpressure`.

use crate::deflating::{
    Member, OFFER, RSV1, Raw, json, letters, serving, serving_within, take_raw, takeover,
};
use crate::frames::{self, FIN, Frame, text};
use crate::harness::Sim;
use sockeye::proto::deflate::Policy;
use sockeye::server::{Limits, Timeouts};

/// Echoes one message to a peer that takes so many bytes at first, and others to another meanwhile: what was compressed
/// for the first does not lie where it was any more.
fn echo_cut(sim: &mut Sim, members: &mut [Member; 2], message: &Frame, cut: usize) {
    let [blocked, other] = members;
    blocked.client.conn.set_window(cut);
    blocked.say(sim, message);
    let overwriting = Frame::text(&letters(message.payload.len(), 99));
    other.say(sim, &overwriting);
    assert!(other.heard() == [(true, overwriting)]);
    assert_eq!(blocked.client.conn.untaken(), cut);
    blocked.client.conn.set_window(usize::MAX);
    sim.settle();
    let heard = blocked.heard();
    assert!(heard == [(true, message.clone())], "cut at {cut}");
}

#[test]
fn a_compressed_echo_that_is_cut_anywhere_arrives() {
    // From 16 KiB on, a payload is sent from where it lies.
    for len in [15_000, 23_000, 60_000] {
        let mut sim = Sim::new();
        let mut members = [Member::open(&mut sim, OFFER), Member::open(&mut sim, OFFER)];
        let message = Frame::text(&letters(len, 1));
        members[0].say(&mut sim, &message);
        let total = members[0].client.conn.untaken();
        assert_eq!(members[0].frame(), message);
        let ends = (0..20).chain(total - 20..total);
        let between = (20..total - 20).step_by(997);
        for cut in ends.chain(between) {
            echo_cut(&mut sim, &mut members, &message, cut);
        }
    }
}

#[test]
fn compressed_echoes_of_one_read_arrive_at_every_width_of_the_window() {
    let messages: Vec<_> = [23_000, 300, 10, 30_000, 25_000]
        .into_iter()
        .map(|len| Frame::text(&letters(len, 1)))
        .collect();
    for step in [1, 7, 100, 16_383, 16_384, 20_000] {
        let mut sim = serving(takeover());
        let mut member = Member::open(&mut sim, OFFER);
        let bytes: Vec<_> = messages.iter().flat_map(|m| member.message(m)).collect();
        member.client.conn.set_window(0);
        member.client.push(&bytes);
        loop {
            member.client.conn.set_window(step);
            sim.turn();
            sim.turn();
            let sent = member.client.conn.take_sent();
            if sent.is_empty() {
                break;
            }
            member.client.bytes.extend(sent);
        }
        assert!(member.frames() == messages, "steps of {step}");
    }
}

#[test]
fn a_message_sent_as_it_is_from_the_inflaters_buffer_arrives_whatever_is_cut() {
    let mut sim = Sim::new();
    let offer = Some(OFFER);
    let mut members = [offer, offer].map(|offer| Member::open(&mut sim, offer.expect("one")));
    // Inflated it is large, and compressed on the way back it would be: so it is asked for as it is.
    let said = json(40_000, 1);
    let message = Frame::text(&format!("!plain {said}"));
    for cut in (0..40_010).step_by(1999) {
        let [blocked, other] = &mut members;
        blocked.client.conn.set_window(cut);
        blocked.say(&mut sim, &message);
        other.say(&mut sim, &Frame::text(&json(50_000, 2)));
        assert!(other.frame().payload.len() == 50_000);
        blocked.client.conn.set_window(usize::MAX);
        sim.settle();
        assert!(
            blocked.heard() == [(false, Frame::text(&said))],
            "cut at {cut}"
        );
    }
}

/// The last thing that a slow peer was told is why; before that, what waited.
#[track_caller]
fn assert_told_why(slow: &Member, most: usize) {
    let mut sent = slow.client.conn.take_sent();
    assert!(sent.len() <= most, "{} B", sent.len());
    let raw = take_raw(&mut sent);
    let (last, before) = raw.split_last().expect("something");
    assert_eq!(last.first, FIN | frames::CLOSE);
    assert_eq!(last.payload[..2], 1013_u16.to_be_bytes());
    assert!(!before.is_empty() && before.iter().all(Raw::is_compressed));
}

fn slow_limits() -> Limits {
    Limits {
        max_queued: 20_000,
        ..Limits::default()
    }
}

#[test]
fn a_member_that_reads_too_slowly_is_closed_with_compression_too() {
    for policy in [Policy::default(), takeover()] {
        let mut sim = serving_within(policy, slow_limits(), Timeouts::default());
        let (talker, mut other) = (sim.open(), Member::open(&mut sim, OFFER));
        let slow = Member::open(&mut sim, OFFER);
        slow.client.conn.set_window(0);
        for seed in 0..20 {
            talker.push(&text(&format!("!all {}", letters(4000, seed))));
            sim.settle();
            assert_eq!(other.frame(), Frame::text(&letters(4000, seed)));
        }
        slow.client.conn.set_window(usize::MAX);
        sim.settle();
        assert_told_why(&slow, 20_000 + 4000 + 100);
        slow.client.close_in_order(&mut sim, 1013);
        other.assert_echoes(&mut sim);
    }
}

#[test]
fn a_peer_that_is_sent_too_much_at_once_is_closed_with_compression_too() {
    // More than the window holds, so that with takeover the second is not small.
    let len = 40_000;
    for policy in [Policy::default(), takeover()] {
        let mut sim = serving_within(policy, slow_limits(), Timeouts::default());
        let mut other = Member::open(&mut sim, OFFER);
        let mut slow = Member::open(&mut sim, OFFER);
        slow.client.conn.set_window(0);
        slow.say(
            &mut sim,
            &Frame::text(&format!("!five {}", letters(len, 1))),
        );
        slow.client.conn.set_window(usize::MAX);
        sim.settle();
        assert_told_why(&slow, 20_000 + len);
        slow.client.close_in_order(&mut sim, 1013);
        assert!((1..5).contains(&sim.probe().refused_sends));
        other.assert_echoes(&mut sim);
    }
}

#[test]
fn a_slow_members_broadcasts_and_own_messages_wait_in_order() {
    let limits = Limits {
        max_queued: 1 << 20,
        ..Limits::default()
    };
    for step in [1000, 4999] {
        let mut sim = serving_within(takeover(), limits, Timeouts::default());
        let talker = sim.open();
        let mut slow = Member::open(&mut sim, OFFER);
        slow.client.conn.set_window(10);
        slow.push(&Frame::text(&format!("!mixed {}", letters(30_000, 1))));
        sim.settle();
        for seed in 2..5 {
            talker.push(&text(&format!("!all {}", letters(30_000, seed))));
            sim.settle();
        }
        loop {
            let sent = slow.client.conn.take_sent();
            if sent.is_empty() {
                break;
            }
            slow.client.bytes.extend(sent);
            slow.client.conn.set_window(step);
            sim.settle();
        }
        let own = [1, 2, 3, 4].map(|at| format!("{at} {}", letters(30_000, 1)));
        let others = [2, 3, 4].map(|seed| letters(30_000, seed));
        let expected: Vec<_> = own.iter().chain(&others).map(|t| Frame::text(t)).collect();
        assert!(
            take_raw(&mut slow.client.bytes.clone())
                .iter()
                .all(|raw| raw.first & RSV1 != 0)
        );
        assert!(slow.frames() == expected, "steps of {step}");
    }
}
