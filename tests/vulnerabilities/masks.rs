//! Masks: that each frame of a client has one of its own, from where nobody can guess it, and that applying it touches
//! nothing else (V71 to V75 and V88).
//!
//! Not here: what a million keys look like, which is `tests/masks.rs`; a process that forks, which is `tests/fork.rs`.

use crate::judge::{DELIVERIES, unheard};
use crate::rows::With;
use crate::wire::{self, CLOSE, CONTINUATION, PING, PONG, TEXT};
use sockeye::proto::{
    CloseCode, Connection, Event, Inbound, Keys, MessageKind, NoRandomness, Outbound, Role,
    SendError, Violation,
};
use std::collections::BTreeSet;
use std::sync::Arc;

/// CVE-2025-10148: one key masked all frames of a connection, so that a peer could choose the bytes on the wire. Here
/// each frame asks for its own: messages, fragments, pings, answers and the last one.
#[test]
fn v71_one_key_masks_all_frames_of_a_connection() {
    let mut conn = Connection::client(Arc::default());
    let mut keys = wire::Counting::default();
    let mut out = Outbound::client(Vec::new(), &mut keys);
    for _ in 0..100 {
        conn.tx.text("the same words", &mut out).unwrap();
        conn.tx.binary(b"the same words", &mut out).unwrap();
        conn.tx.binary(&[7; 70_000], &mut out).unwrap();
        conn.tx.ping(b"?", &mut out).unwrap();
        for last in [false, false, true] {
            let piece = conn
                .tx
                .fragment(MessageKind::Text, b"piece", last, &mut out);
            piece.unwrap();
        }
        let mut inbound = Inbound::new();
        let mut ping = wire::frame(Role::Client, 0x80 | PING, b"!");
        let step = conn
            .rx
            .next(&mut ping, &mut inbound, &mut conn.tx, &mut out);
        assert_eq!(step.unwrap().event, Some(Event::Ping(b"!")));
    }
    conn.tx.close(CloseCode::NORMAL, "", &mut out).unwrap();
    let frames = wire::read(&out.sink, Role::Client);
    let used: BTreeSet<_> = frames.iter().map(|frame| frame.key.unwrap()).collect();
    assert_eq!((frames.len(), used.len()), (801, 801));
}

/// GHSA-w67g-5rqw-f597 (GO-2026-6278): keys came from a generator that is no secret; that was mended, and came back with
/// a release. Here they come from the system alone: where it has none nothing is sent, and no other source is built in.
#[test]
fn v72_keys_come_from_a_generator_that_can_be_guessed() {
    struct Broken;
    impl Keys for Broken {
        fn key(&mut self) -> Result<[u8; 4], NoRandomness> {
            Err(NoRandomness)
        }
    }
    let mut broken = Broken;
    let mut conn = Connection::client(Arc::default());
    let mut out = Outbound::client(Vec::new(), &mut broken);
    assert_eq!(conn.tx.text("x", &mut out), Err(SendError::NoRandomness));
    assert_eq!(conn.tx.ping(b"", &mut out), Err(SendError::NoRandomness));
    assert!(out.sink.is_empty(), "{:02x?}", out.sink);
    let manifest = include_str!("../../Cargo.toml");
    let own = manifest.split("[dependencies]").nth(1).unwrap();
    let own = own.split("[dev-dependencies]").next().unwrap();
    for weak in [
        "rand =", "fastrand", "oorandom", "xorshift", "wyrand", "nanorand",
    ] {
        assert!(!own.contains(weak), "{weak}");
    }
    let source = include_str!("../../src/kernel.rs");
    let random = source.split("fn random(").nth(1).unwrap();
    let random = random.split("\n    }").next().unwrap();
    assert!(random.contains("getrandom"), "{random}");
}

/// Where the system has no randomness no request goes out with a nonce that is none, and what was open says nothing more.
/// Beast before 1.69 and others took both from a weak generator.
#[cfg(feature = "client")]
#[test]
fn v73_the_nonce_comes_from_a_weak_generator_where_there_is_no_other() {
    use crate::asking::{Sim, to};
    use crate::sim::random;
    let mut sim = Sim::new();
    random::set_failing(true);
    sim.dial(&to("ws://10.0.0.1/"));
    sim.settle();
    assert_eq!(sim.only_failure(), "Random");
    let sent = sim
        .net
        .dialed()
        .iter()
        .filter_map(|dialed| dialed.conn.as_ref().map(crate::sim::Conn::untaken))
        .sum::<usize>();
    assert_eq!(sent, 0, "a request without a nonce");
    sim.assert_idle();
}

/// Six peers, of which one took its nonce from the clock, one its keys from a generator that was never seeded, and four
/// from what is quick. Here two that begin at the same moment have nothing in common, and all of it is what the kernel
/// gave.
#[cfg(feature = "client")]
#[test]
fn v74_two_that_begin_at_the_same_moment_have_the_same_keys() {
    use crate::asking::{Sim, to};
    use crate::sim::random;
    let mut all = BTreeSet::new();
    for seed in [1, 2] {
        let mut sim = Sim::new();
        random::set_seed(seed);
        random::record();
        sim.dial(&to("ws://10.0.0.1/"));
        sim.settle();
        let mut server = sim.server();
        let request = server.request();
        let nonce = request
            .lines()
            .find(|line| line.starts_with("Sec-WebSocket-Key: "));
        all.insert(nonce.unwrap().as_bytes().to_vec());
        server.push(&crate::asking::answer(&request));
        sim.settle();
        for _ in 0..50 {
            server.push(&crate::asking::text("!echo x"));
            sim.settle();
        }
        let sent = server.conn.take_sent();
        let frames = wire::read(&sent, Role::Client);
        assert_eq!(frames.len(), 50);
        let given = random::given();
        for frame in frames {
            let key = frame.key.unwrap();
            assert!(
                given.windows(4).any(|four| four == key),
                "{key:02x?} is not the kernel's"
            );
            all.insert(key.to_vec());
        }
    }
    // Both, and none twice.
    assert_eq!(all.len(), 2 + 2 * 50);
}

/// GHSA-rhh8-5xw9-c3gm and others: what a client did not mask was accepted. Here it is refused with its second byte, of
/// every kind, and nothing of it is heard, answered or echoed.
#[test]
fn v75_frames_of_clients_that_are_not_masked_are_heard() {
    for opcode in [TEXT, wire::BINARY, PING, PONG, CLOSE] {
        for payload in [&b""[..], b"\x03\xE8", &[7; 125]] {
            let mut bytes = vec![0x80 | opcode, payload.len() as u8];
            bytes.extend_from_slice(payload);
            for delivery in DELIVERIES {
                let with = With {
                    delivery,
                    echo: delivery == sockeye::proto::Delivery::Messages,
                    ..With::default()
                };
                unheard(Role::Server, &with, &bytes, 2, Violation::MaskMissing);
            }
        }
    }
    // In the middle of a message as well.
    let begun = wire::frame(Role::Server, TEXT, b"a");
    let bytes = [begun.clone(), vec![0x80 | CONTINUATION, 1, b'b']].concat();
    let at = begun.len() + 2;
    unheard(
        Role::Server,
        &With::default(),
        &bytes,
        at,
        Violation::MaskMissing,
    );
    // And a server that masks is no server.
    let masked = wire::frame(Role::Server, 0x81, b"x");
    unheard(
        Role::Client,
        &With::default(),
        &masked,
        2,
        Violation::MaskUnexpected,
    );
}

/// OSV-2021-1727, RUSTSEC-2019-0008: several bytes at once are masked, and a few too many at the end, or read. Here all
/// lengths at all alignments, cut in two: what lies behind them is as it was, and what was said is what came.
#[test]
fn v88_masking_goes_beyond_the_end() {
    const CANARY: u8 = 0xA5;
    for len in 0..=320_usize {
        let payload: Vec<u8> = (0..len).map(|at| (at * 7 + 3) as u8).collect();
        for key in [[0; 4], [0xFF; 4], [0x37, 0xFA, 0x21, 0x3D]] {
            let mut head = vec![0x82];
            match len {
                0..=125 => head.push(len as u8),
                _ => head.extend([126, (len >> 8) as u8, len as u8]),
            }
            let mut frame = Vec::new();
            wire::seal(Role::Server, &head, &payload, key, &mut frame);
            for offset in 0..16 {
                let mut buffer = vec![CANARY; offset];
                buffer.extend_from_slice(&frame);
                buffer.extend([CANARY; 80]);
                let mut conn = Connection::server(Arc::default());
                let mut inbound = Inbound::new();
                let mut out = Outbound::server(Vec::new());
                let end = offset + frame.len();
                // A part of it first, so that the key's phase is carried across.
                let cut = offset + (frame.len() * (offset + 1) / 17).min(frame.len() - 1);
                let step = conn.rx.next(
                    &mut buffer[offset..cut],
                    &mut inbound,
                    &mut conn.tx,
                    &mut out,
                );
                let step = step.unwrap();
                assert!(step.event.is_none());
                let from = offset + step.consumed;
                let step = conn
                    .rx
                    .next(&mut buffer[from..], &mut inbound, &mut conn.tx, &mut out);
                let step = step.unwrap();
                assert_eq!(
                    step.event,
                    Some(Event::Binary(&payload)),
                    "{len} at {offset}"
                );
                assert_eq!(from + step.consumed, end);
                assert!(buffer[..offset].iter().all(|byte| *byte == CANARY));
                assert!(
                    buffer[end..].iter().all(|byte| *byte == CANARY),
                    "{len} at {offset}"
                );
            }
        }
    }
}
