//! What the core allocates, counted: nothing in steady state, nothing for what is only announced, and at most twice
//! what has arrived for fragments.
#![allow(
    unsafe_code,
    clippy::unwrap_used,
    clippy::std_instead_of_core,
    clippy::std_instead_of_alloc
)]

#[path = "support/counting.rs"]
mod counting;
#[allow(dead_code)]
#[path = "support/wire.rs"]
mod wire;

use sockeye::proto::{
    CloseCode, Config, Connection, Delivery, Inbound, Keys, Limits, Outbound, Prepared, Role,
    Violation,
};
use std::sync::Arc;

/// How many allocations `work` made, and how many bytes it left allocated.
fn counted(work: impl FnOnce()) -> (usize, isize) {
    let (calls, held) = (counting::calls(), counting::held());
    work();
    (counting::calls() - calls, counting::held() - held)
}

fn config(max: u64, delivery: Delivery) -> Arc<Config> {
    let mut config = Config::default();
    config.limits = Limits::with_max_message(max);
    config.limits.max_fragments = u32::MAX;
    config.delivery = delivery;
    Arc::new(config)
}

/// Feeds everything once; echoes text and binary.
fn drive(
    conn: &mut Connection,
    input: &mut [u8],
    out: &mut Vec<u8>,
    keys: &mut dyn Keys,
) -> Result<usize, Violation> {
    use sockeye::proto::Event::{Binary, Text};
    let mut inbound = Inbound::new();
    let mut out = Outbound::client(out, keys);
    let mut at = 0;
    loop {
        let step = conn
            .rx
            .next(&mut input[at..], &mut inbound, &mut conn.tx, &mut out)?;
        at += step.consumed;
        match step.event {
            Some(Text(text)) => conn.tx.text(text, &mut out).unwrap(),
            Some(Binary(data)) => conn.tx.binary(data, &mut out).unwrap(),
            Some(_) => {}
            None => return Ok(at),
        }
    }
}

#[test]
fn the_counter_counts() {
    let (calls, held) = counted(|| {
        let bytes = vec![1_u8; 1000];
        assert_eq!(bytes.len(), 1000);
        drop(bytes);
    });
    assert_eq!((calls, held), (1, 0));
    let mut kept = Vec::new();
    assert_eq!(counted(|| kept.reserve_exact(77_usize)).1, 77);
    kept.push(0_u8);
}

#[test]
fn an_echo_allocates_nothing() {
    for role in [Role::Server, Role::Client] {
        let mut conn = Connection::new(role, config(1 << 20, Delivery::Messages));
        let mut keys = wire::Counting::default();
        let mut out = Vec::with_capacity(1 << 20);
        let mut input = [
            wire::frame(role, 0x81, b""),
            wire::frame(role, 0x81, "grün".as_bytes()),
            wire::frame(role, 0x82, &[7; 70_000]),
            wire::frame(role, 0x89, &[7; 125]),
            wire::frame(role, 0x8A, &[7; 125]),
            wire::frame(role, 0x88, b"\x03\xe8bye"),
        ]
        .concat();
        let got = counted(|| {
            assert_eq!(
                drive(&mut conn, &mut input, &mut out, &mut keys),
                Ok(input.len())
            );
        });
        assert_eq!(got, (0, 0), "{role:?}");
        assert!(out.len() > 70_000);
    }
}

#[test]
fn sending_allocates_nothing() {
    let prepared = Prepared::text("shared");
    for role in [Role::Server, Role::Client] {
        let mut conn = Connection::new(role, config(1 << 20, Delivery::Messages));
        let mut keys = wire::Counting::default();
        let mut out = Outbound::client(Vec::with_capacity(1 << 20), &mut keys);
        let got = counted(|| {
            let tx = &mut conn.tx;
            tx.text("text", &mut out).unwrap();
            tx.binary(&[0; 5000], &mut out).unwrap();
            tx.prepared(&prepared.clone(), &mut out).unwrap();
            tx.ping(b"ping", &mut out).unwrap();
            tx.close(CloseCode::NORMAL, "bye", &mut out).unwrap();
        });
        assert_eq!(got, (0, 0), "{role:?}");
    }
}

#[test]
fn a_connection_allocates_nothing() {
    let config = config(1 << 20, Delivery::Messages);
    let got = counted(|| {
        let conn = Connection::server(Arc::clone(&config));
        assert_eq!(conn.rx.heap_bytes(), 0);
    });
    assert_eq!(got, (0, 0));
}

#[test]
fn an_announced_length_allocates_nothing() {
    let limit = 1_u64 << 40;
    for role in [Role::Server, Role::Client] {
        for delivery in [Delivery::Messages, Delivery::Frames, Delivery::Chunks] {
            for first in [0x82, 0x02, 0x81] {
                for arrived in [0, 1, 100, 5000] {
                    let mut conn = Connection::new(role, config(limit, delivery));
                    let mut keys = wire::Counting::default();
                    let mut head = vec![first, 127];
                    head.extend(limit.to_be_bytes());
                    let mut input = Vec::new();
                    wire::seal(role, &head, &vec![b'a'; arrived], [1, 2, 3, 4], &mut input);
                    let mut out = Vec::new();
                    let got = counted(|| {
                        // The second call is fed what the first did not consume, as a driver does it.
                        let at = drive(&mut conn, &mut input, &mut out, &mut keys).unwrap();
                        drive(&mut conn, &mut input[at..], &mut out, &mut keys).unwrap();
                    });
                    assert_eq!(got, (0, 0), "{role:?} {delivery:?} {first:x} {arrived}");
                    assert_eq!(conn.rx.heap_bytes(), 0);
                }
            }
        }
    }
}

#[test]
fn a_fault_allocates_nothing() {
    for head in [
        &b"\x82\x7f\x7f\xff\xff\xff\xff\xff\xff\xff"[..],
        b"\x82\x7f\x80\x00\x00\x00\x00\x00\x00\x00",
        b"\x82\x7f\xff\xff\xff\xff\xff\xff\xff\xfc",
        b"\x83\x00",
    ] {
        let mut conn = Connection::client(config(1 << 20, Delivery::Messages));
        let mut keys = wire::Counting::default();
        let mut out = Vec::with_capacity(200);
        let mut input = head.to_vec();
        let got = counted(|| {
            drive(&mut conn, &mut input, &mut out, &mut keys).expect_err("a fault");
        });
        assert_eq!(got, (0, 0), "{head:02x?}");
    }
}

#[test]
fn fragments_hold_at_most_twice_what_arrived() {
    for role in [Role::Server, Role::Client] {
        for size in [0, 1, 7, 125, 126, 4096, 65_536] {
            let mut conn = Connection::new(role, config(1 << 24, Delivery::Messages));
            let mut keys = wire::Counting::default();
            let mut out = Vec::with_capacity(1 << 24);
            let frames = if size > 4096 { 20 } else { 300 };
            let mut wire_bytes = 0;
            let mut total = 0;
            for i in 0..frames {
                let first = if i == 0 { 0x02 } else { 0x00 };
                let mut input = wire::frame(role, first, &vec![7; size]);
                wire_bytes += input.len();
                let held = counting::held();
                drive(&mut conn, &mut input, &mut out, &mut keys).unwrap();
                total += counting::held() - held;
                let most = counting::signed(2 * wire_bytes + 128);
                assert!(total <= most, "{total} for {wire_bytes} in {size}s");
                assert_eq!(total, counting::signed(conn.rx.heap_bytes()));
            }
            let held = counting::held();
            let mut last = wire::frame(role, 0x80, b"");
            drive(&mut conn, &mut last, &mut out, &mut keys).unwrap();
            drop(last);
            // The message was echoed; the next look for an event has freed it.
            assert_eq!(conn.rx.heap_bytes(), 0);
            assert!(counting::held() <= held - total);
        }
    }
}

#[test]
fn frames_and_chunks_hold_nothing() {
    for role in [Role::Server, Role::Client] {
        for delivery in [Delivery::Frames, Delivery::Chunks] {
            let mut conn = Connection::new(role, config(1 << 24, delivery));
            let mut keys = wire::Counting::default();
            let mut out = Vec::with_capacity(100);
            let first = wire::frame(role, 0x01, &[b'a'; 3000]);
            let more = wire::frame(role, 0x00, &[b'a'; 3000]);
            let mut input = [first, more.clone(), more].concat();
            let got = counted(|| {
                drive(&mut conn, &mut input, &mut out, &mut keys).unwrap();
            });
            assert_eq!(got, (0, 0), "{delivery:?}");
            assert!(conn.rx.is_mid_message());
        }
    }
}

#[test]
fn a_storm_of_pongs_allocates_nothing() {
    let mut conn = Connection::server(config(1 << 20, Delivery::Messages));
    let mut keys = wire::Counting::default();
    let mut out = Vec::new();
    let one = wire::frame(Role::Server, 0x8A, &[7; 125]);
    let mut input = one.repeat(1000);
    let fresh = input.clone();
    let got = counted(|| {
        for _ in 0..100 {
            input.copy_from_slice(&fresh);
            drive(&mut conn, &mut input, &mut out, &mut keys).unwrap();
        }
    });
    assert_eq!(got, (0, 0));
    assert_eq!(out, b"");
}

#[test]
fn closing_frees_what_was_collected() {
    for body in [&b""[..], b"\x03\xe8", b"\x03"] {
        let mut conn = Connection::server(config(1 << 20, Delivery::Messages));
        let mut keys = wire::Counting::default();
        let mut out = Vec::with_capacity(200);
        let mut input = wire::frame(Role::Server, 0x02, &[7; 9000]);
        drive(&mut conn, &mut input, &mut out, &mut keys).unwrap();
        assert!(conn.rx.heap_bytes() >= 9000);
        let mut close = wire::frame(Role::Server, 0x88, body);
        let (_, held) = counted(|| {
            let _ = drive(&mut conn, &mut close, &mut out, &mut keys);
        });
        assert!(held <= -9000);
        assert_eq!(conn.rx.heap_bytes(), 0);
    }
}
