//! What connections share does not mix, and what one of them borrowed comes back however its message ends.
//!
//! Not here: bytes held, which `deflate_alloc` counts.

use crate::deflate_attacks as attacks;
use crate::deflate_bits::{Bits, Symbol};
use crate::replay::owned;
use crate::rows::Expected;
use crate::wire::{self, Counting};
use sockeye::proto::deflate::{Compressor, Params, Policy};
use sockeye::proto::{
    CloseCode, Config, Connection, Delivery, Event, Inbound, MessageKind, Outbound, Role, State,
    Violation,
};
use std::sync::Arc;

const DELIVERIES: [Delivery; 3] = [Delivery::Messages, Delivery::Frames, Delivery::Chunks];
const ROLES: [Role; 2] = [Role::Server, Role::Client];
const HELLO: &[u8] = b"\xf2\x48\xcd\xc9\xc9\x07\x00";
/// "Hello" once more, as a reference to the first.
const AGAIN: &[u8] = b"\xf2\x00\x11\x00\x00";

fn connection(role: Role, delivery: Delivery, takeover: bool) -> Connection {
    let mut config = Config::default();
    config.delivery = delivery;
    let mut conn = Connection::new(role, Arc::new(config));
    let params = Params {
        server_no_context_takeover: !takeover,
        client_no_context_takeover: !takeover,
        ..Params::default()
    };
    conn.set_deflate(params.agreed());
    conn
}

/// Feeds frames that are there entirely. Parts come joined with the one before.
fn feed(
    conn: &mut Connection,
    inbound: &mut Inbound,
    mut bytes: Vec<u8>,
) -> Result<Vec<Expected>, Violation> {
    let mut keys = Counting::default();
    let mut out = Outbound::client(Vec::new(), &mut keys);
    let mut events = Vec::new();
    let mut data = Vec::new();
    let mut at = 0;
    loop {
        let step = conn
            .rx
            .next(&mut bytes[at..], inbound, &mut conn.tx, &mut out)?;
        at += step.consumed;
        match step.event {
            None => break,
            Some(Event::Part(part)) => {
                data.extend_from_slice(part.data);
                if part.ends_message {
                    let data = std::mem::take(&mut data);
                    events.push(match part.kind {
                        MessageKind::Text => Expected::Text(data),
                        MessageKind::Binary => Expected::Binary(data),
                    });
                }
            }
            Some(event) => events.push(owned(event)),
        }
    }
    assert_eq!(at, bytes.len());
    Ok(events)
}

fn text(text: &str) -> Expected {
    Expected::Text(text.into())
}

/// Two thousand bytes in a frame, where a message may have a thousand: which limit it is that they break.
#[test]
fn of_two_limits_the_smaller_one_is_broken() {
    let mut compressor = Compressor::new(&Policy::default());
    let mut sender = connection(Role::Server, Delivery::Messages, false);
    let mut out = Outbound::server(Vec::new()).deflate(&mut compressor);
    sender.tx.binary(&[b'a'; 2000], &mut out).unwrap();
    assert!(out.sink.len() < 100 && out.sink[0] == 0xC2);
    let payload = out.sink.split_off(2);
    for (max_frame, fault) in [
        (999, Violation::FrameTooBig),
        (1000, Violation::MessageTooBig),
        (1001, Violation::MessageTooBig),
    ] {
        // The message's only frame, and its first of several.
        for first in [0xC2, 0x42] {
            let mut config = Config::default();
            config.delivery = Delivery::Frames;
            config.limits.max_frame = max_frame;
            config.limits.max_message = 1000;
            let mut conn = Connection::server(Arc::new(config));
            conn.set_deflate(Params::default().agreed());
            let frame = wire::frame(Role::Server, first, &payload);
            let got = feed(&mut conn, &mut Inbound::new(), frame);
            assert_eq!(got, Err(fault), "{first:x} {max_frame}");
        }
    }
}

/// What is announced is not waited for with an inflater, however the rest is delivered.
#[test]
fn a_header_alone_holds_nothing() {
    for delivery in DELIVERIES {
        for role in ROLES {
            let mut conn = connection(role, delivery, true);
            let frame = wire::frame(role, 0xC2, HELLO);
            let head = frame.len() - HELLO.len();
            let got = feed_what_is_there(&mut conn, &frame[..head]);
            assert_eq!(got, HELLO.len(), "{role:?} {delivery:?}");
            assert_eq!(conn.rx.heap_bytes(), 0);
        }
    }
}

/// What a connection waits for after some of a frame that holds no event.
fn feed_what_is_there(conn: &mut Connection, bytes: &[u8]) -> usize {
    let mut bytes = bytes.to_vec();
    let mut out = Outbound::server(Vec::new());
    let mut inbound = Inbound::new();
    let step = conn
        .rx
        .next(&mut bytes, &mut inbound, &mut conn.tx, &mut out)
        .unwrap();
    assert!(step.event.is_none());
    step.need
}

/// The inflater and its buffer are everybody's; what was said is not.
#[test]
fn one_connection_cannot_refer_to_what_another_was_sent() {
    for delivery in DELIVERIES {
        let mut inbound = Inbound::new();
        let mut keeps: Vec<_> = (0..3)
            .map(|_| connection(Role::Server, delivery, true))
            .collect();
        let hello = wire::frame(Role::Server, 0xC1, HELLO);
        let got = feed(&mut keeps[0], &mut inbound, hello);
        assert_eq!(got, Ok(vec![text("Hello")]), "{delivery:?}");
        for conn in &mut keeps[1..] {
            let again = wire::frame(Role::Server, 0xC1, AGAIN);
            let got = feed(conn, &mut inbound, again);
            assert_eq!(got, Err(Violation::InvalidDeflate), "{delivery:?}");
        }
        let again = wire::frame(Role::Server, 0xC1, AGAIN);
        let got = feed(&mut keeps[0], &mut inbound, again);
        assert_eq!(got, Ok(vec![text("Hello")]), "{delivery:?}");
    }
}

/// Fragment by fragment in turn, each with a history of its own.
#[test]
fn connections_take_turns_at_the_inflater() {
    for delivery in DELIVERIES {
        let mut inbound = Inbound::new();
        let mut conns: Vec<_> = (1_u8..=3)
            .map(|letter| (letter, connection(Role::Client, delivery, true)))
            .collect();
        let mut turn = |conn: &mut Connection, first, payload: Vec<u8>| {
            let frame = wire::frame(Role::Client, first, &payload);
            feed(conn, &mut inbound, frame).unwrap()
        };
        for (letter, conn) in &mut conns {
            let said = Bits::new().stored(false, &[*letter; 500]).finish();
            let got = turn(conn, 0xC2, said);
            assert_eq!(got, [Expected::Binary(vec![*letter; 500])]);
        }
        let back = Symbol::Match {
            length: 100,
            distance: 500,
        };
        let piece = |last| {
            let bits = Bits::new().fixed(false, &[back]);
            if last { bits.finish() } else { bits.flush() }
        };
        for (_, conn) in &mut conns {
            turn(conn, 0x42, piece(false));
        }
        // In frames and chunks the last call delivered the beginning: what is joined here is the rest.
        let len = if delivery == Delivery::Messages {
            200
        } else {
            100
        };
        for (letter, conn) in &mut conns {
            let got = turn(conn, 0x80, piece(true));
            let want = Expected::Binary(vec![*letter; len]);
            assert_eq!(got, [want], "{delivery:?}");
        }
    }
}

/// What the peer still sends of its message is discarded, up to its Close frame, after which nothing is held.
#[test]
fn our_close_may_come_in_the_middle_of_a_compressed_message() {
    let rests: [&[(u8, &[u8])]; 4] = [
        &[],
        &[(0x80, b"\xc9\xc9\x07\x00")],
        &[
            (0x00, b"\xff\xff"),
            (0x89, b""),
            (0x80, b""),
            (0xC1, AGAIN),
            (0x41, HELLO),
        ],
        &[(0x00, b"\xc9"), (0x89, b"?")],
    ];
    for role in ROLES {
        for delivery in DELIVERIES {
            for takeover in [false, true] {
                for rest in rests {
                    // Also in the middle of a frame, which in chunks has been delivered in part by then.
                    for cut in [0, 1] {
                        let mut conn = connection(role, delivery, takeover);
                        let name = format!("{role:?} {delivery:?} {takeover} {rest:?} {cut}");
                        close_in_the_middle(&mut conn, rest, cut, &name);
                    }
                }
            }
        }
    }
}

/// A message, and of the next one the first fragment but for its last `cut` bytes; our close; the rest and the answer.
fn close_in_the_middle(conn: &mut Connection, rest: &[(u8, &[u8])], cut: usize, name: &str) {
    let role = conn.tx.role();
    let mut inbound = Inbound::new();
    let mut bytes = wire::frame(role, 0xC1, HELLO);
    bytes.extend(wire::frame(role, 0x41, &HELLO[..3]));
    let arrived = bytes.len() - cut;
    let at = take(conn, &mut inbound, &mut bytes[..arrived], &mut Vec::new());

    let mut keys = Counting::default();
    let mut out = Outbound::client(Vec::new(), &mut keys);
    conn.tx.close(CloseCode::NORMAL, "", &mut out).unwrap();
    for (first, payload) in rest {
        bytes.extend(wire::frame(role, *first, payload));
    }
    bytes.extend(wire::frame(role, 0x88, b"\x03\xe8"));
    let mut events = Vec::new();
    let end = at + take(conn, &mut inbound, &mut bytes[at..], &mut events);

    assert_eq!(end, bytes.len(), "{name}");
    assert_eq!(events, [Expected::Close(Some(1000), Vec::new())], "{name}");
    assert_eq!(conn.state(), State::Closed, "{name}");
    assert_eq!(conn.rx.heap_bytes(), 0, "{name}");
    assert!(!conn.rx.is_mid_message(), "{name}");
}

/// Feeds what has arrived, and gives back how much was consumed. Parts go unsaid.
fn take(
    conn: &mut Connection,
    inbound: &mut Inbound,
    bytes: &mut [u8],
    events: &mut Vec<Expected>,
) -> usize {
    let mut keys = Counting::default();
    let mut out = Outbound::client(Vec::new(), &mut keys);
    let mut at = 0;
    loop {
        let (rx, tx) = (&mut conn.rx, &mut conn.tx);
        let step = rx.next(&mut bytes[at..], inbound, tx, &mut out).unwrap();
        at += step.consumed;
        match step.event {
            None => return at,
            Some(Event::Part(_)) => {}
            Some(event) => events.push(owned(event)),
        }
    }
}

/// As many as may be, in the middle of a message.
fn full(inbound: &mut Inbound, delivery: Delivery, places: usize) -> Vec<Connection> {
    let open = |inbound: &mut Inbound| {
        let mut conn = connection(Role::Server, delivery, false);
        begin(&mut conn, inbound).map(|()| conn)
    };
    let conns = (0..places).map(|_| open(inbound).unwrap()).collect();
    assert_eq!(open(inbound).err(), Some(Violation::NoInflater));
    conns
}

fn begin(conn: &mut Connection, inbound: &mut Inbound) -> Result<(), Violation> {
    let frame = wire::frame(Role::Server, 0x41, &HELLO[..3]);
    feed(conn, inbound, frame).map(|events| assert_eq!(events, []))
}

#[test]
fn the_65th_message_that_is_inflated_in_parts_is_refused() {
    assert_eq!(
        Violation::NoInflater.close_code(),
        CloseCode::TRY_AGAIN_LATER
    );
    for delivery in [Delivery::Frames, Delivery::Chunks] {
        let mut inbound = Inbound::new();
        let mut conns = full(&mut inbound, delivery, 64);
        // Whatever else is sent has its place: whole messages uncompressed, and those who have begun.
        let mut plain = connection(Role::Server, delivery, false);
        let frame = wire::frame(Role::Server, 0x81, b"plain");
        let got = feed(&mut plain, &mut inbound, frame);
        assert_eq!(got, Ok(vec![text("plain")]));
        for conn in &mut conns {
            let frame = wire::frame(Role::Server, 0x80, &HELLO[3..]);
            let got = feed(conn, &mut inbound, frame);
            assert_eq!(got, Ok(vec![text("llo")]), "{delivery:?}");
        }
        full(&mut inbound, delivery, 64);
    }
    // Whole messages need no inflater of their own.
    let mut inbound = Inbound::new();
    inbound.set_max_streams(0);
    let mut conns: Vec<_> = (0..100)
        .map(|_| connection(Role::Server, Delivery::Messages, true))
        .collect();
    for conn in &mut conns {
        begin(conn, &mut inbound).unwrap();
    }
    for conn in &mut conns {
        let frame = wire::frame(Role::Server, 0x80, &HELLO[3..]);
        let got = feed(conn, &mut inbound, frame);
        assert_eq!(got, Ok(vec![text("Hello")]));
    }
}

/// Each of the ways in which a message stops frees one place, and no more than one.
#[test]
fn a_message_that_is_cut_off_frees_its_place() {
    let close = || wire::frame(Role::Server, 0x88, b"\x03\xe8");
    type Way = fn(Connection, &mut Inbound, Vec<u8>) -> Option<Connection>;
    let ways: [(&str, Way); 5] = [
        ("dropped", |_, _, _| None),
        ("the peer closes", |mut conn, inbound, close| {
            feed(&mut conn, inbound, close).unwrap();
            Some(conn)
        }),
        ("a fault of the frame", |mut conn, inbound, _| {
            let bad = wire::frame(Role::Server, 0x83, b"");
            feed(&mut conn, inbound, bad).unwrap_err();
            Some(conn)
        }),
        ("a fault of the message", |mut conn, inbound, _| {
            let bad = wire::frame(Role::Server, 0x80, b"\xff");
            feed(&mut conn, inbound, bad).unwrap_err();
            Some(conn)
        }),
        ("we close, the peer answers", |mut conn, inbound, close| {
            let mut out = Outbound::server(Vec::new());
            conn.tx.close(CloseCode::NORMAL, "", &mut out).unwrap();
            feed(&mut conn, inbound, close).unwrap();
            Some(conn)
        }),
    ];
    for delivery in [Delivery::Frames, Delivery::Chunks] {
        for (name, way) in ways {
            let mut inbound = Inbound::new();
            inbound.set_max_streams(3);
            let mut conns = full(&mut inbound, delivery, 3);
            let over = way(conns.pop().unwrap(), &mut inbound, close());
            // What stopped may still be around.
            let mut next = connection(Role::Server, delivery, false);
            let got = begin(&mut next, &mut inbound);
            assert_eq!(got, Ok(()), "{name}, {delivery:?}");
            let mut after = connection(Role::Server, delivery, false);
            let got = begin(&mut after, &mut inbound);
            assert_eq!(got, Err(Violation::NoInflater), "{name}, {delivery:?}");
            drop(over);
        }
    }
}

/// Z12: crafted and random streams, on a stack as small as a thread is ever given. An overflow ends the process.
#[test]
#[cfg_attr(miri, ignore = "takes too long")]
fn everything_inflates_on_a_small_stack() {
    let run = || {
        let mut seed = 0x2545_F491_u32;
        let mut payloads = vec![
            attacks::bomb(100_000),
            attacks::empty_final(1000),
            attacks::full_headers(20),
            attacks::dense_headers(20),
            attacks::reaching(32_768),
        ];
        for len in 1..400 {
            let random = std::iter::repeat_with(|| {
                seed ^= seed << 13;
                seed ^= seed >> 17;
                seed ^= seed << 5;
                seed.to_le_bytes()[1]
            });
            payloads.push(random.take(len).collect());
        }
        let mut faults = 0;
        for delivery in DELIVERIES {
            let mut inbound = Inbound::new();
            for payload in &payloads {
                let mut conn = connection(Role::Client, delivery, true);
                let frame = wire::frame(Role::Client, 0xC2, payload);
                faults += usize::from(feed(&mut conn, &mut inbound, frame).is_err());
            }
        }
        faults
    };
    let small = std::thread::Builder::new().stack_size(64 << 10);
    let faults = small.spawn(run).unwrap().join().unwrap();
    assert!(faults > 1000, "{faults}");
}
