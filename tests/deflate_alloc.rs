//! What compression holds and allocates, counted: bombs in flat memory, nothing in steady state, and that connections
//! say of themselves what they hold.
#![cfg(feature = "deflate")]
#![allow(
    unsafe_code,
    clippy::unwrap_used,
    clippy::std_instead_of_core,
    clippy::std_instead_of_alloc
)]

#[path = "support/counting.rs"]
mod counting;
#[path = "support/deflate_attacks.rs"]
mod deflate_attacks;
#[path = "support/deflate_bits.rs"]
mod deflate_bits;
#[allow(dead_code)]
#[path = "support/wire.rs"]
mod wire;

use deflate_attacks as attacks;
use sockeye::proto::deflate::{ClientBits, Compressor, Params, Policy};
use sockeye::proto::{
    Config, Connection, Delivery, Event, Inbound, Limits, MessageKind, Outbound, Prepared, Role,
    Sink, Violation,
};
use std::sync::Arc;

const ROLES: [Role; 2] = [Role::Server, Role::Client];
const DELIVERIES: [Delivery; 3] = [Delivery::Messages, Delivery::Frames, Delivery::Chunks];
/// What else a test needs, and what the library rounds up to.
const SLACK: isize = 4 << 10;
/// An inflater, and the smallest buffer that is inflated into.
const INFLATER: isize = 48 << 10;
const BUFFER: isize = 64 << 10;
/// The largest buffer that is kept, and the smallest that is compressed into.
const KEPT: isize = 256 << 10;
const OUTPUT: usize = 16 << 10;

/// How many allocations `work` made, and how many bytes it left allocated.
fn counted(work: impl FnOnce()) -> (usize, isize) {
    let (calls, held) = (counting::calls(), counting::held());
    work();
    (counting::calls() - calls, counting::held() - held)
}

fn connection(role: Role, delivery: Delivery, bits: u8, takeover: bool, max: u64) -> Connection {
    let mut config = Config::default();
    config.limits = Limits::with_max_message(max);
    config.delivery = delivery;
    let params = Params {
        server_no_context_takeover: !takeover,
        client_no_context_takeover: !takeover,
        server_max_window_bits: Some(bits),
        client_max_window_bits: ClientBits::AtMost(bits),
    };
    let mut conn = Connection::new(role, Arc::new(config));
    conn.set_deflate(params.agreed());
    conn
}

/// The default policy's agreement.
fn usual(role: Role) -> Connection {
    connection(role, Delivery::Messages, 15, false, 1 << 20)
}

/// Feeds everything; gives back how many bytes were lent in all.
fn drive(
    conn: &mut Connection,
    inbound: &mut Inbound,
    input: &mut [u8],
) -> Result<usize, Violation> {
    let mut keys = wire::Counting::default();
    let mut out = Outbound::client(Nowhere, &mut keys);
    let (mut at, mut lent) = (0, 0);
    loop {
        let step = conn
            .rx
            .next(&mut input[at..], inbound, &mut conn.tx, &mut out)?;
        at += step.consumed;
        match step.event {
            Some(Event::Text(text)) => lent += text.len(),
            Some(Event::Binary(data)) => lent += data.len(),
            Some(Event::Part(part)) => lent += part.data.len(),
            Some(_) => {}
            None => return Ok(lent),
        }
    }
}

/// A sink that keeps nothing.
struct Nowhere;

impl Sink for Nowhere {
    fn frame(&mut self, _: &[u8], _: &[u8]) {}
    fn masked(&mut self, _: &[u8], _: &[u8], _: [u8; 4]) {}
}

fn json(len: usize) -> String {
    let record = "{\"id\":4711,\"name\":\"sockeye\",\"tags\":[\"red\",\"fish\"],\"depth\":12.5},";
    record.chars().cycle().take(len).collect()
}

/// Z01, PMD-12. What was inflated up to the limit, and one byte.
#[test]
fn a_bomb_needs_no_more_than_the_limit() {
    let bomb = attacks::bomb(64 << 20);
    for role in ROLES {
        for delivery in DELIVERIES {
            for takeover in [false, true] {
                for max in [64 << 10, 1 << 20] {
                    let mut input = wire::frame(role, 0xC2, &bomb);
                    let mut inbound = Inbound::new();
                    let mut conn = connection(role, delivery, 15, takeover, max);
                    let before = counting::held();
                    counting::most_held();
                    let result = drive(&mut conn, &mut inbound, &mut input);
                    let most = counting::most_held() - before;
                    assert_eq!(result, Err(Violation::MessageTooBig));
                    let history = 65 << 10;
                    let buffer = match delivery {
                        Delivery::Messages | Delivery::Frames => {
                            BUFFER.max(counting::signed(usize::try_from(max).unwrap()) + 1)
                        }
                        Delivery::Chunks => BUFFER,
                    };
                    // A buffer that grows is there twice for a moment, the old one half as large.
                    let least = buffer + INFLATER + history + SLACK;
                    let growth = if delivery == Delivery::Chunks {
                        0
                    } else {
                        buffer / 2
                    };
                    let name = format!("{role:?} {delivery:?} {takeover} {max}: {most}");
                    assert!(most <= least + growth, "{name} over {least} and {growth}");
                    assert_eq!(conn.heap_bytes(), 0, "{name}");
                    inbound.release();
                    let kept = counting::held() - before;
                    // In parts, its inflater was its own and is gone.
                    assert!(kept <= KEPT + INFLATER + SLACK, "{name}: {kept} kept");
                }
            }
        }
    }
}

/// Compressed, sent, received and inflated: 512 bytes of JSON, under the default policy.
#[test]
fn small_messages_allocate_nothing() {
    let text = json(512);
    let mut compressor = Compressor::new(&Policy::default());
    let mut inbound = Inbound::new();
    for role in ROLES {
        let mut ours = usual(role);
        let mut peer = usual(role.peer());
        let mut wire = Vec::with_capacity(4096);
        let mut exchange = |allocates: Option<(usize, isize)>| {
            let got = counted(|| {
                wire.clear();
                let mut keys = wire::Counting::default();
                let out = Outbound::client(&mut wire, &mut keys);
                let mut out = out.deflate(&mut compressor);
                ours.tx.text(&text, &mut out).unwrap();
                assert!(wire.len() < 200 && wire[0] == 0xC1);
                let lent = drive(&mut peer, &mut inbound, &mut wire).unwrap();
                assert_eq!(lent, 512);
            });
            assert!(
                allocates.is_none_or(|want| got == want),
                "{role:?}: {got:?}"
            );
        };
        exchange(None);
        for _ in 0..100 {
            exchange(Some((0, 0)));
        }
        assert_eq!((ours.heap_bytes(), peer.heap_bytes()), (0, 0));
    }
}

/// Done when 4, in small: whoever sent and received one keeps nothing of it.
/// Shows 7692-7.2.2-06.
#[test]
fn many_connections_hold_nothing_between_messages() {
    let text = json(2000);
    let mut compressor = Compressor::new(&Policy::default());
    let mut inbound = Inbound::new();
    let mut conns: Vec<_> = (0..1000).map(|_| usual(Role::Server)).collect();
    let payload = compressed(&text);
    let mut input = wire::frame(Role::Server, 0xC1, &payload);
    let fresh = input.clone();
    let mut one = |conn: &mut Connection| {
        input.copy_from_slice(&fresh);
        drive(conn, &mut inbound, &mut input).unwrap();
        let mut out = Outbound::server(Nowhere).deflate(&mut compressor);
        conn.tx.text(&text, &mut out).unwrap();
        conn.tx
            .fragment(MessageKind::Text, text.as_bytes(), true, &mut out)
            .unwrap();
    };
    one(&mut conns[0]);
    let got = counted(|| conns.iter_mut().for_each(&mut one));
    assert_eq!(got, (0, 0));
}

/// A message as a server without takeover compresses it, without its header.
fn compressed(text: &str) -> Vec<u8> {
    let mut compressor = Compressor::new(&Policy::default());
    let mut out = Outbound::server(Vec::new()).deflate(&mut compressor);
    usual(Role::Server).tx.text(text, &mut out).unwrap();
    let frame = wire::read_deflate(&out.sink, Role::Server).remove(0);
    assert!(frame.rsv1);
    frame.payload
}

/// What is told may be 4 in 100 too much, as the library's needs are known, and a box too little.
fn about(name: &str, told: usize, held: isize) {
    let over = counting::signed(told) - held;
    let most = held / 25;
    assert!(
        (-64..=most).contains(&over),
        "{name}: told {told}, held {held}"
    );
}

/// The documented figures, and what the counting allocator says of them.
#[test]
fn what_a_sender_holds_is_what_it_says() {
    for (bits, kilobytes) in [(9, 251), (12, 265), (15, 380)] {
        for takeover in [false, true] {
            let mut conn = connection(Role::Server, Delivery::Messages, bits, takeover, 1 << 20);
            let mut compressor = Compressor::new(&Policy::default());
            let text = json(5000);
            let (_, held) = counted(|| {
                let mut out = Outbound::server(Nowhere).deflate(&mut compressor);
                conn.tx.text(&text, &mut out).unwrap();
            });
            let told = conn.heap_bytes() + compressor.heap_bytes();
            about(&format!("{bits} bits, {takeover}"), told, held);
            let own = if takeover {
                assert_eq!(compressor.heap_bytes(), OUTPUT, "the output alone");
                conn.tx.heap_bytes()
            } else {
                assert_eq!(conn.heap_bytes(), 0);
                compressor.heap_bytes() - OUTPUT
            };
            assert!(own.abs_diff(kilobytes * 1000) < 6000, "{bits}: {own}");
            let (_, held) = counted(|| conn.tx.forget_context());
            let want = if takeover { own } else { 0 };
            about(&format!("{bits} bits forgotten"), want, -held);
            assert_eq!(conn.heap_bytes(), 0);
        }
    }
}

/// As long as all messages are short and stand alone, nothing of the library's is held.
#[test]
fn short_messages_need_a_small_compressor() {
    let mut compressor = Compressor::new(&Policy::default());
    assert_eq!(compressor.heap_bytes(), 0);
    for (bits, calls) in [(9, 3), (15, 0)] {
        let mut conn = connection(Role::Server, Delivery::Messages, bits, false, 1 << 20);
        let text = json(4096);
        let got = counted(|| {
            let mut out = Outbound::server(Nowhere).deflate(&mut compressor);
            conn.tx.text(&text, &mut out).unwrap();
        });
        let held = if calls == 0 {
            0
        } else {
            compressor.heap_bytes()
        };
        assert_eq!(got, (calls, counting::signed(held)), "{bits}");
        let own = compressor.heap_bytes() - OUTPUT;
        assert!(own.abs_diff(29_300) < 300, "{own}");
    }
}

#[test]
fn a_large_message_leaves_no_large_buffer() {
    let text = json(900_000);
    let mut compressor = Compressor::new(&Policy::default());
    let mut inbound = Inbound::new();
    let mut conn = usual(Role::Server);
    let before = counting::held();
    let mut out = Outbound::server(Nowhere).deflate(&mut compressor);
    conn.tx.text(&text, &mut out).unwrap();
    assert!(compressor.heap_bytes() > 900_000);
    compressor.release();
    about(
        "compressor",
        compressor.heap_bytes(),
        counting::held() - before,
    );
    assert!(compressor.heap_bytes() < 400_000);

    let before = counting::held();
    let mut input = wire::frame(Role::Server, 0xC1, &compressed(&text));
    let mut keys = wire::Counting::default();
    let mut out = Outbound::client(Nowhere, &mut keys);
    let step = conn
        .rx
        .next(&mut input, &mut inbound, &mut conn.tx, &mut out)
        .unwrap();
    assert_eq!(step.event, Some(Event::Text(&text)));
    assert!(inbound.heap_bytes() > 900_000);
    inbound.release();
    drop(input);
    about("inbound", inbound.heap_bytes(), counting::held() - before);
    assert!(inbound.heap_bytes() <= 48 << 10);
}

/// With takeover: what was said last, up to the window, and a box of few bytes.
/// Shows 7692-7.2.2-09 7692-7.2.2-11.
#[test]
fn a_receiver_holds_its_window() {
    for role in ROLES {
        for delivery in DELIVERIES {
            for bits in 8..=15_u8 {
                let mut inbound = Inbound::new();
                let mut other = connection(role, delivery, bits, false, 1 << 20);
                // What is shared is there before.
                let mut frame = wire::frame(role, 0xC2, &attacks::bomb(1000));
                drive(&mut other, &mut inbound, &mut frame).unwrap();
                drop((frame, other));
                let mut conn = connection(role, delivery, bits, true, 1 << 20);
                let before = counting::held();
                for len in [10, 100, 1000, 10_000, 60_000] {
                    let mut frame = wire::frame(role, 0xC2, &attacks::bomb(len));
                    drive(&mut conn, &mut inbound, &mut frame).unwrap();
                    drop(frame);
                    let held = counting::held() - before;
                    let window = 1 << bits.max(9);
                    let name = format!("{role:?} {delivery:?} {bits} {len}: {held}");
                    assert!(held <= window + 64, "{name}");
                    let told = counting::signed(conn.heap_bytes());
                    assert!((told - held).abs() <= 64, "{name}: told {told}");
                }
            }
        }
    }
}

/// Whole messages: fragments are kept as they were sent, and no inflater.
#[test]
fn open_compressed_fragments_hold_at_most_twice_what_arrived() {
    let bomb = attacks::bomb(900_000);
    for takeover in [false, true] {
        for size in [1, 7, 125, 800] {
            let mut inbound = Inbound::new();
            let mut conn = connection(Role::Server, Delivery::Messages, 15, takeover, 1 << 20);
            let before = counting::held();
            let mut sent = 0;
            for (i, piece) in bomb.chunks(size).take(200).enumerate() {
                let first = if i == 0 { 0x42 } else { 0x00 };
                let mut frame = wire::frame(Role::Server, first, piece);
                sent += frame.len();
                drive(&mut conn, &mut inbound, &mut frame).unwrap();
                drop(frame);
                let held = counting::held() - before;
                let most = counting::signed(2 * sent + 128);
                assert!(held <= most, "{held} for {sent} in {size}s");
                assert_eq!(held, counting::signed(conn.heap_bytes()));
            }
            assert_eq!(inbound.heap_bytes(), 0);
        }
    }
}

/// In parts: an inflater of its own and its history, which are given back at the end.
#[test]
fn a_message_in_parts_holds_an_inflater_and_its_history() {
    for delivery in [Delivery::Frames, Delivery::Chunks] {
        for takeover in [false, true] {
            let payload = attacks::bomb(200_000);
            let mut inbound = Inbound::new();
            let mut conn = connection(Role::Server, delivery, 9, takeover, 1 << 20);
            let before = counting::held();
            let (head, tail) = payload.split_at(payload.len() / 2);
            let mut frame = wire::frame(Role::Server, 0x42, head);
            assert!(drive(&mut conn, &mut inbound, &mut frame).unwrap() > 50_000);
            drop(frame);
            let told = conn.heap_bytes() + inbound.heap_bytes();
            let held = counting::held() - before;
            about(&format!("{delivery:?}"), told, held);
            assert!(conn.heap_bytes() <= (48 + 64 + 1) << 10);
            let mut frame = wire::frame(Role::Server, 0x80, tail);
            drive(&mut conn, &mut inbound, &mut frame).unwrap();
            drop(frame);
            let told = conn.heap_bytes() + inbound.heap_bytes();
            about(&format!("{delivery:?}"), told, counting::held() - before);
            if !takeover {
                assert_eq!(conn.heap_bytes(), 0);
            }
        }
    }
}

/// Inflaters go from message to message, and few are kept that nobody needs.
#[test]
fn inflaters_are_used_again() {
    for delivery in [Delivery::Frames, Delivery::Chunks] {
        let mut inbound = Inbound::new();
        let begin = wire::frame(Role::Server, 0x42, b"\xf2\x48\xcd");
        let end = wire::frame(Role::Server, 0x80, b"\xc9\xc9\x07\x00");
        let mut conns: Vec<_> = (0..20)
            .map(|_| connection(Role::Server, delivery, 15, false, 1 << 20))
            .collect();
        let before = counting::held();
        for conn in &mut conns {
            drive(conn, &mut inbound, &mut begin.clone()).unwrap();
        }
        let full = counting::held() - before;
        assert!(full > 20 * (47 << 10), "{full}");
        for conn in &mut conns {
            drive(conn, &mut inbound, &mut end.clone()).unwrap();
        }
        let idle = counting::held() - before;
        assert!(idle <= 4 * INFLATER + BUFFER + SLACK, "{idle}");
        about("idle", inbound.heap_bytes(), idle);
        // Four at a time need no more.
        counting::most_held();
        for _ in 0..10 {
            for conn in &mut conns[..4] {
                drive(conn, &mut inbound, &mut begin.clone()).unwrap();
            }
            for conn in &mut conns[..4] {
                drive(conn, &mut inbound, &mut end.clone()).unwrap();
            }
        }
        let most = counting::most_held() - before;
        assert!(most <= idle + SLACK, "{most} over {idle}");
    }
}

/// Z19: nine out of ten connections cost a prepared message nothing.
#[test]
fn a_prepared_message_is_compressed_once() {
    let message = Prepared::text(&json(5000));
    let mut compressor = Compressor::new(&Policy::default());
    let mut conns: Vec<_> = (0..100_u8)
        .map(|i| {
            connection(
                Role::Server,
                Delivery::Messages,
                9 + i % 3 * 3,
                i % 2 == 0,
                1 << 20,
            )
        })
        .collect();
    let mut send = |conns: &mut [Connection]| {
        for conn in conns {
            let mut out = Outbound::server(Nowhere).deflate(&mut compressor);
            conn.tx.prepared(&message, &mut out).unwrap();
        }
    };
    let (calls, _) = counted(|| send(&mut conns[..3]));
    assert!(calls >= 3);
    assert_eq!(counted(|| send(&mut conns)), (0, 0));
}
