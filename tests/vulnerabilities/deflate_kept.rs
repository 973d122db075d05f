//! permessage-deflate: the library underneath, its windows, and what is remembered between messages (V38 to V44).

use crate::compressing::{Compressing, Window, connection, eager, noise, records};
#[cfg(feature = "server")]
use crate::counting;
use crate::deflate::{COMPRESSED, in_fragments, with};
use crate::deflate_attacks as attacks;
use crate::deflate_bits::Bits;
use crate::judge::{ROLES, assert_linear, judge};
use crate::replay::replay;
use crate::rows::{Expected, With};
use crate::wire::{self, PING};
use sockeye::proto::deflate::{Compressor, Policy, WindowBits};
use sockeye::proto::handshake::{HeadLimits, server};
use sockeye::proto::{Delivery, MessageKind, Outbound, Role, Violation};

/// A report of aiohttp (its number 13362): thousands of streams one behind the other were copied again for each. Here
/// four times as many take four times as long.
#[test]
fn v38_a_message_of_many_streams_is_copied_for_each() {
    for stream in [attacks::empty_final, attacks::empty_stored_final] {
        assert_linear(5_000, |count| {
            let bytes = wire::frame(Role::Server, COMPRESSED, &stream(count));
            let with = With {
                max_message: None,
                ..with(Delivery::Messages, false)
            };
            let (outcome, _) = replay(Role::Server, &with, &bytes, []);
            assert_eq!(outcome.events, [Expected::Binary(vec![])]);
        });
    }
}

/// CVE-2018-25032: many matches from far away were larger than the text they stand for, and overwrote what was pending.
/// CVE-2022-37434: the head of a gzip file was longer than its buffer. Here such text is compressed at every level and
/// read by an independent inflater; and there are no gzip files.
#[test]
fn v39_the_library_writes_over_its_own_memory() {
    // Three and four bytes again and again, from as far as the window goes.
    let far = noise(32_000, 7);
    let mut text = far.clone();
    for at in (0..far.len() - 8).step_by(3) {
        text.extend_from_slice(&far[at..at + 3 + at % 2]);
        text.push((at % 251) as u8);
    }
    for level in 1..=9 {
        for bits in [9, 12, 15] {
            for takeover in [false, true] {
                let policy = Policy { level, ..eager() };
                let mut side = Compressing::new(Role::Server, Window { bits, takeover }, &policy);
                for _ in 0..2 {
                    side.send(|tx, out| tx.fragment(MessageKind::Binary, &text, true, out))
                        .unwrap();
                }
                let read = side.read();
                assert_eq!(read.len(), 2);
                assert!(
                    read.iter().all(|message| message.data == text),
                    "{level} {bits}"
                );
            }
        }
    }
    let gzip = [
        &b"\x1f\x8b\x08\x04\0\0\0\0\0\x03\xff\xff"[..],
        &[b'A'; 4000],
    ]
    .concat();
    for role in ROLES {
        let bytes = wire::frame(role, COMPRESSED, &gzip);
        let outcome = judge(role, &with(Delivery::Messages, false), &bytes);
        assert_eq!(
            (outcome.error, outcome.events),
            (Some(Violation::InvalidDeflate), vec![])
        );
    }
}

/// RUSTSEC-2024-0401: a stream could be written so that the library called itself until the stack was full. Here all that
/// costs most is inflated on 64 KiB of it, by a version that does not.
#[test]
fn v40_a_stream_fills_the_stack() {
    let lock = include_str!("../../Cargo.lock");
    let version = lock
        .split("name = \"zlib-rs\"\nversion = \"")
        .nth(1)
        .unwrap();
    let numbers: Vec<u32> = version
        .split('"')
        .next()
        .unwrap()
        .split('.')
        .map(|n| n.parse().unwrap())
        .collect();
    assert!(numbers >= vec![0, 4, 0], "{numbers:?}");
    let work = || {
        for payload in [
            attacks::empty_stored(5_000),
            attacks::empty_fixed(20_000),
            attacks::one_byte_fixed(20_000),
            attacks::empty_final(5_000),
            attacks::full_headers(100),
            attacks::dense_headers(300),
            attacks::bomb(1 << 20),
            vec![0xFF; 10_000],
        ] {
            let bytes = wire::frame(Role::Server, COMPRESSED, &payload);
            let with = With {
                max_message: None,
                ..with(Delivery::Messages, true)
            };
            let (outcome, _) = replay(Role::Server, &with, &bytes, []);
            assert!(outcome.error.is_none() || outcome.events.is_empty());
        }
    };
    let thread = std::thread::Builder::new().stack_size(64 << 10).spawn(work);
    thread.unwrap().join().unwrap();
}

/// A report of zlib (its number 171): who asks for a window of 256 bytes is given one of 512, and peers that agreed on
/// less cannot read it. Here nobody agrees to send so, and who was told to does not compress.
#[test]
fn v41_a_window_of_256_bytes_is_one_of_512() {
    let text = records(3000, 5);
    for role in ROLES {
        for (bits, compressed) in [(8, false), (9, true)] {
            let window = Window {
                bits,
                takeover: true,
            };
            let mut side = Compressing::new(role, window, &eager());
            for _ in 0..3 {
                side.send(|tx, out| tx.text(&text, out)).unwrap();
            }
            let (read, seen) = side.read_seen();
            assert!(read.iter().all(|message| message.compressed == compressed));
            assert!(seen.max_distance <= 1 << bits, "{seen:?}");
        }
    }
    let head = "GET / HTTP/1.1\r\nHost: h\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
        Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\
        Sec-WebSocket-Extensions: permessage-deflate; server_max_window_bits=8\r\n\r\n";
    let request = server::parse(head.as_bytes(), HeadLimits::default()).unwrap();
    assert_eq!(Policy::default().answer(request.extensions()), None);
    assert_eq!(WindowBits::new(8), None);
}

/// Reports of ws (1202, 1369): a context for each of thirty thousand small messages left memory in pieces that never
/// came back. Here a loop has one for all, and holds after a thousand peers what it held after ten.
#[cfg(feature = "server")]
#[test]
fn v42_many_small_messages_leave_memory_behind() {
    use crate::frames::{REQUEST, frame};
    use crate::harness::Sim;
    let mut sim = Sim::new();
    let request = REQUEST.strip_suffix(b"\r\n").unwrap();
    let offer = b"Sec-WebSocket-Extensions: permessage-deflate\r\n\r\n";
    let request = [request, offer].concat();
    let hello = frame(0xC2, &Bits::new().stored(false, b"hello").finish());
    let clients: Vec<_> = (0..500).map(|_| sim.connect()).collect();
    for client in &clients {
        client.conn.reserve(4096);
        client.push(&request);
    }
    sim.settle();
    let mut round = || {
        for client in &clients {
            client.push(&hello);
        }
        sim.settle();
        for client in &clients {
            assert!(client.conn.read_sent(<[u8]>::len) > 0);
        }
        sim.probe().messages.clear();
        counting::held()
    };
    let first = round();
    for _ in 0..10 {
        assert_eq!(round(), first);
    }
}

/// A report of Jetty (293): the extension kept the last message until the next one. Here a megabyte that has been said
/// and heard leaves the window behind, and nothing where none was agreed on.
#[test]
fn v43_the_last_message_is_kept_until_the_next() {
    let message = records(1_000_000, 3);
    let window = |takeover| Window { bits: 15, takeover };
    for role in ROLES {
        for (takeover, most) in [(false, 64), (true, 400 << 10)] {
            let mut side = Compressing::new(role, window(takeover), &eager());
            side.send(|tx, out| tx.text(&message, out)).unwrap();
            assert!(
                side.conn.heap_bytes() <= most,
                "{} B",
                side.conn.heap_bytes()
            );
            // A deflater, which is of one size, and a buffer of another.
            side.compressor.release();
            let held = side.compressor.heap_bytes();
            assert!(held <= 450 << 10, "{held} B");
        }
    }
    for (takeover, most) in [(false, 64), (true, 33 << 10)] {
        let mut conn = connection(Role::Server, window(takeover));
        let mut inbound = sockeye::proto::Inbound::new();
        let mut out = Outbound::server(Vec::new());
        let payload = Bits::new().stored(false, &attacks::filler(60_000)).finish();
        for fragments in [60_000, 999] {
            let mut wire = in_fragments(Role::Server, &payload, fragments);
            let (mut at, mut heard) = (0, 0);
            while at < wire.len() {
                let step = conn
                    .rx
                    .next(&mut wire[at..], &mut inbound, &mut conn.tx, &mut out);
                let step = step.unwrap();
                heard += usize::from(step.event.is_some());
                at += step.consumed;
            }
            // What was lent is kept until the next call.
            let ping = &mut wire::frame(Role::Server, 0x80 | PING, b"");
            let _ = conn
                .rx
                .next(ping, &mut inbound, &mut conn.tx, &mut out)
                .unwrap();
            assert_eq!(heard, 1);
            assert!(conn.heap_bytes() <= most, "{} B", conn.heap_bytes());
        }
    }
}

/// RFC 7692 section 8, as in BREACH and CRIME: who sees lengths and may add to a message learns what else is in it. Here
/// messages do not share a context unless somebody asks for it, and a message with a secret can go out as it is.
#[test]
fn v44_lengths_tell_a_secret_of_another_message() {
    let policy = Policy::default();
    assert!(!policy.server_context_takeover && !policy.client_context_takeover);
    let offer = policy.offer();
    assert!(offer.server_no_context_takeover && offer.client_no_context_takeover);
    let secret = "the secret is 9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822c".repeat(5);
    let wrong = "the secret is 0000000000000000000000000000000000000000000000000".repeat(5);
    for (takeover, tells) in [(false, false), (true, true)] {
        let len = |guess: &str| {
            let window = Window { bits: 15, takeover };
            let mut side = Compressing::new(Role::Server, window, &eager());
            side.send(|tx, out| tx.text(&secret, out)).unwrap();
            let before = side.wrote.len();
            side.send(|tx, out| tx.text(guess, out)).unwrap();
            side.wrote.len() - before
        };
        let alone = |guess: &str| {
            let window = Window {
                bits: 15,
                takeover: false,
            };
            let mut side = Compressing::new(Role::Server, window, &eager());
            side.send(|tx, out| tx.text(guess, out)).unwrap();
            side.wrote.len()
        };
        assert_eq!(len(&secret) < alone(&secret), tells);
        assert!(tells || len(&wrong) == alone(&wrong));
    }
    let window = Window {
        bits: 15,
        takeover: true,
    };
    let mut conn = connection(Role::Server, window);
    let mut compressor = Compressor::new(&eager());
    let mut out = Outbound::server(Vec::new()).deflate(&mut compressor);
    conn.tx.text(&secret, &mut out.uncompressed()).unwrap();
    conn.tx.text(&secret, &mut out).unwrap();
    let frames = wire::read_deflate(&out.sink, Role::Server);
    assert_eq!([frames[0].rsv1, frames[1].rsv1], [false, true]);
    assert_eq!(frames[0].payload, secret.as_bytes());
}
