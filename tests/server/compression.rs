//! permessage-deflate between the server and one peer: what is agreed on, and what then goes over the wire.
//!
//! Not here: faults, which are `compressed_faults`; peers that do not read, `compressed_backpressure`; broadcasts,
//! `compressed_broadcasts`.

use crate::deflating::{Member, OFFER, json, letters, noise, serving, takeover};
use crate::frames::{Frame, PONG, ping};
use crate::harness::Sim;
use sockeye::proto::Prepared;
use sockeye::proto::deflate::{Policy, WindowBits};

// --- what is agreed on ---

/// A policy with takeover or without, in either direction, and with these windows.
fn policy(server_takeover: bool, client_takeover: bool, server: u8, client: u8) -> Policy {
    let bits = |bits| WindowBits::new(bits).expect("9 to 15");
    Policy {
        server_context_takeover: server_takeover,
        client_context_takeover: client_takeover,
        server_max_window_bits: bits(server),
        client_max_window_bits: bits(client),
        ..Policy::default()
    }
}

#[test]
fn by_default_compression_is_agreed_on_without_takeover() {
    let mut sim = Sim::new();
    for offer in [
        "permessage-deflate",
        OFFER,
        "x-webkit-deflate-frame, permessage-deflate; client_max_window_bits",
        "permessage-deflate; server_max_window_bits=7, permessage-deflate",
    ] {
        let mut member = Member::open(&mut sim, offer);
        let both = "permessage-deflate; server_no_context_takeover; client_no_context_takeover";
        assert_eq!(member.answer.as_deref(), Some(both), "{offer}");
        member.assert_echoes(&mut sim);
    }
}

/// Shows 7692-5-08.
#[test]
fn the_answer_is_the_policys() {
    let rows = [
        (
            policy(true, true, 15, 15),
            "permessage-deflate",
            "permessage-deflate",
        ),
        (
            policy(true, false, 12, 15),
            OFFER,
            "permessage-deflate; client_no_context_takeover; server_max_window_bits=12",
        ),
        (
            policy(false, true, 15, 9),
            OFFER,
            "permessage-deflate; server_no_context_takeover; client_max_window_bits=9",
        ),
        (
            policy(true, true, 12, 15),
            "permessage-deflate; server_no_context_takeover; server_max_window_bits=10",
            "permessage-deflate; server_no_context_takeover; server_max_window_bits=10",
        ),
    ];
    for (policy, offer, answer) in rows {
        let mut sim = serving(policy);
        let mut member = Member::open(&mut sim, offer);
        assert_eq!(member.answer.as_deref(), Some(answer), "{offer}");
        member.assert_echoes(&mut sim);
    }
}

/// Shows 6455-4.2.2-18 7692-3-03 7692-5-16.
#[test]
fn what_cannot_be_agreed_on_is_left_out_of_the_answer() {
    for (policy, offer) in [
        (None, OFFER),
        (
            Some(Policy::default()),
            "permessage-deflate; client_max_window_bits=7",
        ),
        (
            Some(Policy::default()),
            "permessage-deflate; server_max_window_bits=8",
        ),
        (Some(Policy::default()), "permessage-deflate; shiny"),
        (Some(Policy::default()), "x-webkit-deflate-frame"),
    ] {
        let mut sim = serving(policy);
        let mut member = Member::open(&mut sim, offer);
        assert_eq!(member.answer, None, "{offer}");
        member.assert_echoes(&mut sim);
    }
}

// --- what then goes over the wire ---

/// Small and large, what compresses and what does not, and what repeats further back than a small window.
fn messages() -> Vec<Frame> {
    let far = [noise(200, 7), json(3000, 8).into_bytes(), noise(200, 7)].concat();
    vec![
        Frame::text(""),
        Frame::text("x"),
        Frame::text(&json(300, 1)),
        Frame::text(&json(300, 1)),
        Frame::binary(&noise(300, 2)),
        Frame::binary(&far),
        Frame::text(&"Füße, 眼睛, 👀 ".repeat(50)),
        Frame::text(&json(100_000, 3)),
        Frame::binary(&noise(100_000, 4)),
        Frame::binary(&[0; 500_000]),
        Frame::text(&json(300, 1)),
    ]
}

/// Shows 7692-5-19.
#[test]
fn any_message_comes_back_within_any_window() {
    for takeover in [false, true] {
        for (server, client) in [(15, 15), (12, 9), (9, 12), (9, 9)] {
            let mut sim = serving(policy(takeover, takeover, server, client));
            let mut member = Member::open(&mut sim, OFFER);
            for message in messages() {
                member.say(&mut sim, &message);
                let heard = member.heard();
                assert_eq!(heard.len(), 1);
                assert!(heard[0].1 == message, "windows of {server} and {client}");
            }
            // As the strict inflater lets no distance pass, the window was kept; and it was made use of. zlib itself
            // leaves out its last 262 bytes.
            let seen = member.seen();
            assert!(seen.max_distance > ((1 << server) - 262) / 2, "{seen:?}");
            assert_eq!((seen.empty_payloads, seen.dirty_padding), (0, 0));
        }
    }
}

#[test]
fn what_pays_is_compressed_and_nothing_else() {
    let mut sim = Sim::new();
    let mut member = Member::open(&mut sim, OFFER);
    for (message, compressed) in [
        (Frame::text(&json(255, 1)), false),
        (Frame::text(&json(256, 1)), true),
        (Frame::binary(&noise(10_000, 1)), false),
        (Frame::binary(&[7; 10_000]), true),
    ] {
        member.say(&mut sim, &message);
        assert!(member.heard() == [(compressed, message)]);
    }
}

#[test]
fn with_takeover_what_was_said_before_costs_next_to_nothing() {
    let message = Frame::text(&letters(1000, 1));
    for (policy, again) in [(takeover(), 0..50), (Policy::default(), 700..900)] {
        let mut sim = serving(policy);
        let mut member = Member::open(&mut sim, OFFER);
        member.say(&mut sim, &message);
        assert_eq!(member.frame(), message);
        member.say(&mut sim, &message);
        assert!(again.contains(&member.client.conn.untaken()));
        assert_eq!(member.frame(), message);
    }
}

#[test]
fn fragments_with_pings_between_them_come_back_as_one_message() {
    for policy in [Policy::default(), takeover()] {
        let mut sim = serving(policy);
        let mut member = Member::open(&mut sim, OFFER);
        for message in [Frame::text(&json(5000, 1)), Frame::binary(&[9; 5000])] {
            for size in [1000, 1700, 4999] {
                for fragment in member.fragments(&message, size) {
                    member.client.push(&fragment);
                    member.client.push(&ping(b"?"));
                }
                sim.settle();
                let mut heard = member.heard();
                heard.retain(|(_, frame)| frame.opcode != PONG);
                assert!(heard == [(true, message.clone())], "fragments of {size}");
            }
        }
    }
}

#[test]
fn a_compressed_message_may_come_in_any_pieces() {
    let message = Frame::text(&letters(100_000, 1));
    for piece in [1, 100, 4096, 65_535, 65_536] {
        for size in [usize::MAX, 40_000] {
            let mut sim = Sim::new();
            let mut member = Member::open(&mut sim, OFFER);
            let bytes = member.fragments(&message, size).concat();
            assert!(bytes.len() > 70_000, "more than one read");
            member.client.conn.push_in_pieces(&bytes, piece);
            sim.settle();
            assert!(
                member.heard() == [(true, message.clone())],
                "pieces of {piece}"
            );
        }
    }
}

#[test]
fn what_is_sent_uncompressed_is() {
    for policy in [Policy::default(), takeover()] {
        let mut sim = serving(policy);
        let mut member = Member::open(&mut sim, OFFER);
        let secret = json(1000, 1);
        for (word, compressed) in [("", true), ("!plain ", false), ("", true)] {
            let message = Frame::text(&format!("{word}{secret}"));
            member.say(&mut sim, &message);
            let expected = if compressed {
                message
            } else {
                Frame::text(&secret)
            };
            assert!(member.heard() == [(compressed, expected)]);
        }
    }
}

#[test]
fn what_was_prepared_is_compressed_for_each_window() {
    let prepared = json(5000, 1);
    let mut sim = serving(takeover());
    let offers = [12, 9, 12, 15].map(|bits| format!("{OFFER}; server_max_window_bits={bits}"));
    let mut members: Vec<_> = offers.iter().map(|o| Member::open(&mut sim, o)).collect();
    members.push(Member::plain(&mut sim));
    sim.probe().prepared = Some(Prepared::text(&prepared));
    for round in 0..3 {
        for member in &mut members {
            let agreed = member.answer.is_some();
            // What is said to this peer alone refers to earlier messages, be they prepared or not.
            member.say(&mut sim, &Frame::text(&json(400, round)));
            member.say(&mut sim, &Frame::text("!prepared"));
            let expected = [json(400, round), prepared.clone()];
            let heard = member.heard();
            assert!(heard == expected.map(|text| (agreed, Frame::text(&text))));
        }
    }
    assert_eq!(sim.probe().refused_sends, 0);
}
