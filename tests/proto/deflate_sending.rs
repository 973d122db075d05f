//! What is sent where compression was agreed on: what is compressed and what is not, and that a strict peer reads it.
//!
//! Not here: windows (`deflate_windows`), messages prepared for many (`deflate_prepared`).

use crate::compressing::{Compressing, Read, Window, eager, noise, records};
use crate::pair::Side;
use crate::rows::Expected;
use crate::strict_inflate::StrictInflater;
use crate::wire;
use sockeye::proto::deflate::Policy;
use sockeye::proto::{CloseCode, Config, MessageKind, Misuse, Role, SendError};

const ROLES: [Role; 2] = [Role::Server, Role::Client];

/// Both roles, without takeover and with.
fn sides(policy: &Policy) -> impl Iterator<Item = Compressing> {
    ROLES.into_iter().flat_map(move |role| {
        [false, true].map(|takeover| {
            let window = Window { bits: 15, takeover };
            Compressing::new(role, window, policy)
        })
    })
}

fn message(opcode: u8, compressed: bool, data: &[u8]) -> Read {
    Read {
        opcode,
        compressed,
        fragments: 1,
        data: data.to_vec(),
    }
}

/// PMD-14, PMD-15, PMD-16, PMD-17, PMD-18: everything there is, in one row.
/// Shows 6455-6.1-09 7692-5-19 7692-6-01 7692-6.1-01 7692-6.1-03 7692-6.1-04 7692-6.1-07 7692-7.2.1-01 7692-7.2.1-02.
/// Shows 7692-7.2.1-03 7692-8-01 7692-9.2-01.
#[test]
fn a_strict_peer_reads_a_mixture() {
    let text = records(2000, 1);
    let rough = noise(3000, 2);
    let ends = [records(500, 3).as_bytes(), &[0x00, 0x00, 0xFF, 0xFF]].concat();
    let big = records(200_000, 4);
    for mut side in sides(&Policy::default()) {
        for _ in 0..2 {
            side.send(|tx, out| tx.text(&text, out)).unwrap();
            side.send(|tx, out| tx.ping(&[b'a'; 125], out)).unwrap();
            side.send(|tx, out| tx.binary(&rough, out)).unwrap();
            side.send(|tx, out| tx.binary(&ends, out)).unwrap();
            side.send(|tx, out| tx.text("short", out)).unwrap();
            side.send(|tx, out| tx.text(&text, &mut out.uncompressed()))
                .unwrap();
            side.send(|tx, out| tx.pong(&[b'a'; 125], out)).unwrap();
            side.send(|tx, out| tx.text("", out)).unwrap();
            side.send(|tx, out| tx.text(&big, out)).unwrap();
        }
        let once = [
            message(wire::TEXT, true, text.as_bytes()),
            message(wire::BINARY, false, &rough),
            message(wire::BINARY, true, &ends),
            message(wire::TEXT, false, b"short"),
            message(wire::TEXT, false, text.as_bytes()),
            message(wire::TEXT, false, b""),
            message(wire::TEXT, true, big.as_bytes()),
        ];
        assert_eq!(side.read(), [once.clone(), once].concat());
        for frame in side.frames() {
            if frame.opcode >= wire::CLOSE {
                assert_eq!(frame.payload, [b'a'; 125]);
            }
        }
        side.send(|tx, out| tx.close(CloseCode::NORMAL, "bye", out))
            .unwrap();
        let last = side.frames().pop().unwrap();
        assert_eq!((last.opcode, last.rsv1), (wire::CLOSE, false));
        assert_eq!(last.payload, b"\x03\xe8bye");
    }
}

/// With context takeover, what was said before is referred to; without, each message stands alone.
/// Shows 7692-7.1.1.2-03 7692-7.2.1-13 7692-7.2.1-16 7692-7.2.1-12 7692-7.2.1-15.
#[test]
fn a_message_said_again_is_short_where_the_context_is_kept() {
    let text = noise(1000, 1)
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect::<String>();
    for mut side in sides(&Policy::default()) {
        for _ in 0..2 {
            side.send(|tx, out| tx.text(&text, out)).unwrap();
        }
        let frames = side.frames();
        let takeover = side.conn.tx.heap_bytes() > 0;
        if takeover {
            assert!(frames[1].payload.len() < 40, "{}", frames[1].payload.len());
        } else {
            assert_eq!(frames[0].payload, frames[1].payload);
        }
        assert_eq!(side.read().len(), 2);
    }
}

/// The loop lends its compressor to every connection alike.
/// Shows 6455-5.8-01 6455-9.1-07 7692-5-17.
#[test]
fn where_nothing_was_agreed_on_nothing_is_compressed() {
    let text = records(2000, 1);
    for mut side in sides(&eager()) {
        side.conn = sockeye::proto::Connection::new(side.conn.tx.role(), Config::default().into());
        side.send(|tx, out| tx.text(&text, out)).unwrap();
        for last in [false, true] {
            side.send(|tx, out| tx.fragment(MessageKind::Text, text.as_bytes(), last, out))
                .unwrap();
        }
        let prepared = sockeye::proto::Prepared::text(&text);
        side.send(|tx, out| tx.prepared(&prepared, out)).unwrap();
        assert_eq!(side.read().len(), 3);
        assert!(side.frames().iter().all(|frame| !frame.rsv1));
    }
}

/// PMD-07.
/// Shows 7692-7.2.1-04.
#[test]
fn empty_messages_are_never_compressed() {
    for threshold in [0, 1, 256] {
        let policy = Policy {
            threshold,
            ..Policy::default()
        };
        for mut side in sides(&policy) {
            for _ in 0..2 {
                side.send(|tx, out| tx.text("", out)).unwrap();
                side.send(|tx, out| tx.fragment(MessageKind::Binary, b"", true, out))
                    .unwrap();
            }
            let want = [
                message(wire::TEXT, false, b""),
                message(wire::BINARY, false, b""),
            ];
            assert_eq!(side.read(), [want.clone(), want].concat());
        }
    }
}

/// Shows 7692-7.3-02.
#[test]
fn messages_are_compressed_from_the_threshold_on() {
    for threshold in [10, 256, 5000] {
        let policy = Policy {
            threshold,
            ..Policy::default()
        };
        for mut side in sides(&policy) {
            for len in [threshold - 1, threshold, threshold + 1] {
                let text = "a".repeat(len);
                side.send(|tx, out| tx.text(&text, out)).unwrap();
                side.send(|tx, out| tx.fragment(MessageKind::Text, text.as_bytes(), true, out))
                    .unwrap();
            }
            let compressed: Vec<bool> = side.read().iter().map(|read| read.compressed).collect();
            assert_eq!(compressed, [false, false, true, true, true, true]);
        }
    }
}

/// Z17: what would not get smaller goes out as it is, and what comes after it does not refer to it.
/// Shows 7692-6.1-03.
#[test]
fn what_does_not_get_smaller_is_sent_as_it_is() {
    for mut side in sides(&eager()) {
        let mut want = Vec::new();
        for i in 0..10 {
            let rough = noise(5000, i);
            let text = records(600, 7);
            side.send(|tx, out| tx.binary(&rough, out)).unwrap();
            side.send(|tx, out| tx.binary(b"abc", out)).unwrap();
            side.send(|tx, out| tx.binary(&text.repeat(2).into_bytes(), out))
                .unwrap();
            // Part of the rough one: were it in the window, it would be referred to.
            side.send(|tx, out| tx.binary(&rough[100..4000], out))
                .unwrap();
            want.extend([
                message(wire::BINARY, false, &rough),
                message(wire::BINARY, false, b"abc"),
                message(wire::BINARY, true, text.repeat(2).as_bytes()),
                message(wire::BINARY, false, &rough[100..4000]),
            ]);
        }
        assert_eq!(side.read(), want);
    }
}

/// PMD-08, PMD-19: each fragment can be read when it is there.
/// Shows 7692-6.1-04 7692-7.2.1-09 7692-7.2.1-10 7692-7.2.1-04.
#[test]
fn fragments_are_compressed_one_by_one() {
    let pieces: [&[u8]; 6] = [
        &records(400, 1).into_bytes(),
        b"x",
        b"",
        &noise(70_000, 3),
        &records(400, 1).into_bytes(),
        b"",
    ];
    for mut side in sides(&Policy::default()) {
        for round in 1..=2 {
            for (i, piece) in pieces.iter().enumerate() {
                side.send(|tx, out| tx.fragment(MessageKind::Binary, piece, i == 5, out))
                    .unwrap();
                side.send(|tx, out| tx.ping(b"", out)).unwrap();
            }
            let want = Read {
                opcode: wire::BINARY,
                compressed: true,
                fragments: 6,
                data: pieces.concat(),
            };
            assert_eq!(side.read(), vec![want; round]);
        }
        let frames = side.frames();
        let data = frames.iter().filter(|frame| frame.opcode < wire::CLOSE);
        let payloads: Vec<_> = data.map(|frame| &frame.payload[..]).collect();
        assert_eq!(payloads[5], [0], "an empty fragment at the end");
        for count in 1..6 {
            let sent = payloads[..count].concat();
            let flushed = sent.strip_suffix(&[0, 0, 0xFF, 0xFF]).unwrap();
            let so_far = StrictInflater::new(15, false).message(flushed).unwrap();
            assert_eq!(so_far, pieces[..count].concat());
        }
    }
}

/// What is worst for the codes that each level writes: nothing is refused, however much larger it gets.
#[test]
fn fragments_that_get_larger_are_sent() {
    let high: Vec<u8> = noise(3_000_000, 1)
        .into_iter()
        .map(|byte| 144 + byte % 112)
        .collect();
    let rough = noise(3_000_000, 2);
    for level in 1..=9 {
        let policy = Policy { level, ..eager() };
        for bits in [9, 15] {
            let window = Window {
                bits,
                takeover: true,
            };
            let mut side = Compressing::new(Role::Server, window, &policy);
            for (data, last) in [(&high, false), (&rough, true)] {
                side.send(|tx, out| tx.fragment(MessageKind::Binary, data, last, out))
                    .unwrap_or_else(|error| panic!("{level} {bits}: {error}"));
            }
            let mut peer = Side::new(Role::Client, Config::default());
            let mut config = Config::default();
            config.limits = sockeye::proto::Limits::with_max_message(8_000_000);
            peer.conn = sockeye::proto::Connection::new(Role::Client, config.into());
            peer.conn
                .set_deflate(sockeye::proto::deflate::Params::default().agreed());
            peer.take(&side.wrote);
            assert_eq!(peer.error, None);
            assert!(peer.events == [Expected::Binary([&high[..], &rough].concat())]);
        }
    }
}

#[test]
fn the_first_fragment_says_whether_the_message_is_compressed() {
    let long = records(1000, 1).into_bytes();
    for mut side in sides(&Policy::default()) {
        for (first, rest) in [(&b"short"[..], &long[..]), (b"", &long), (&long, b"short")] {
            for (data, last) in [(first, false), (rest, false), (rest, true)] {
                side.send(|tx, out| tx.fragment(MessageKind::Text, data, last, out))
                    .unwrap();
            }
        }
        let compressed: Vec<bool> = side.read().iter().map(|read| read.compressed).collect();
        assert_eq!(compressed, [false, false, true]);
    }
}

#[test]
fn a_message_begun_compressed_needs_the_compressor_to_its_end() {
    let long = records(1000, 1).into_bytes();
    for mut side in sides(&Policy::default()) {
        let fragment = |side: &mut Compressing, plain: bool, data: &[u8], last| {
            side.send(|tx, out| {
                if plain {
                    tx.fragment(MessageKind::Text, data, last, &mut out.uncompressed())
                } else {
                    tx.fragment(MessageKind::Text, data, last, out)
                }
            })
        };
        fragment(&mut side, false, &long, false).unwrap();
        let before = side.wrote.clone();
        for (data, last) in [(&long[..], false), (b"", true), (b"", false)] {
            let result = fragment(&mut side, true, data, last);
            assert_eq!(result, Err(SendError::Misuse(Misuse::NoCompressor)));
            assert_eq!(side.wrote, before);
        }
        fragment(&mut side, false, &long, true).unwrap();
        // Begun without, it goes on so, whatever is lent.
        fragment(&mut side, true, &long, false).unwrap();
        fragment(&mut side, false, &long, true).unwrap();
        side.send(|tx, out| tx.binary(&long, out)).unwrap();
        let want = |compressed| Read {
            opcode: wire::TEXT,
            compressed,
            fragments: 2,
            data: long.repeat(2),
        };
        let last = message(wire::BINARY, true, &long);
        assert_eq!(side.read(), [want(true), want(false), last]);
    }
}

/// What a call that fails was given is not referred to later: the peer never saw it.
#[test]
fn a_client_without_keys_compresses_nothing() {
    let (one, two) = (records(1000, 1), records(1000, 2));
    for takeover in [false, true] {
        let window = Window { bits: 15, takeover };
        let mut side = Compressing::new(Role::Client, window, &Policy::default());
        let prepared = sockeye::proto::Prepared::text(&one);
        let refused = |side: &mut Compressing| {
            let before = side.wrote.clone();
            let held = (side.compressor.heap_bytes(), side.conn.heap_bytes());
            let none = Err(SendError::Misuse(Misuse::NoKeys));
            let data = one.as_bytes();
            assert_eq!(side.send_keyless(|tx, out| tx.text(&one, out)), none);
            assert_eq!(side.send_keyless(|tx, out| tx.binary(data, out)), none);
            let fragment =
                side.send_keyless(|tx, out| tx.fragment(MessageKind::Text, data, false, out));
            assert_eq!(fragment, none);
            assert_eq!(side.wrote, before);
            assert_eq!((side.compressor.heap_bytes(), side.conn.heap_bytes()), held);
        };
        refused(&mut side);
        // It may be compressed for others all the same.
        let result = side.send_keyless(|tx, out| tx.prepared(&prepared, out));
        assert_eq!(result, Err(SendError::Misuse(Misuse::NoKeys)));
        assert_eq!(side.wrote, b"");

        side.send(|tx, out| tx.text(&two, out)).unwrap();
        refused(&mut side);
        side.send(|tx, out| tx.text(&one, out)).unwrap();
        let data = two.as_bytes();
        side.send(|tx, out| tx.fragment(MessageKind::Text, data, false, out))
            .unwrap();
        let before = side.wrote.clone();
        for (data, last) in [(one.as_bytes(), false), (b"", true)] {
            let result =
                side.send_keyless(|tx, out| tx.fragment(MessageKind::Text, data, last, out));
            assert_eq!(result, Err(SendError::Misuse(Misuse::NoKeys)));
        }
        assert_eq!(side.wrote, before);
        side.send(|tx, out| tx.fragment(MessageKind::Text, data, true, out))
            .unwrap();
        let said: Vec<_> = side.read().into_iter().map(|read| read.data).collect();
        let want = [data, one.as_bytes(), &two.repeat(2).into_bytes()];
        assert_eq!(said, want);
    }
}

/// What was compressed and could not be sent is not referred to by what is.
#[test]
fn a_client_that_has_no_key_for_once_can_say_it_again() {
    let (one, two) = (records(1000, 1), records(1000, 2));
    for takeover in [false, true] {
        let window = Window { bits: 15, takeover };
        let mut side = Compressing::new(Role::Client, window, &Policy::default());
        side.send(|tx, out| tx.text(&two, out)).unwrap();
        let mut say = |data: &str, last| {
            let before = side.wrote.clone();
            let data = data.as_bytes();
            let none = side.send_unlucky(|tx, out| tx.fragment(MessageKind::Text, data, last, out));
            assert_eq!(none, Err(SendError::NoRandomness));
            assert_eq!(side.wrote, before);
            side.send(|tx, out| tx.fragment(MessageKind::Text, data, last, out))
                .unwrap();
        };
        say(&one, false);
        say(&two, false);
        say(&one, true);
        let none = side.send_unlucky(|tx, out| tx.text(&one, out));
        assert_eq!(none, Err(SendError::NoRandomness));
        side.send(|tx, out| tx.text(&one, out)).unwrap();
        let said: Vec<_> = side.read().into_iter().map(|read| read.data).collect();
        let whole = [one.as_str(), &two, &one].concat();
        assert_eq!(said, [two.as_bytes(), whole.as_bytes(), one.as_bytes()]);
    }
}

#[test]
fn a_forgotten_context_is_not_referred_to() {
    let text = records(2000, 1);
    for mut side in sides(&Policy::default()) {
        side.send(|tx, out| tx.text(&text, out)).unwrap();
        side.send(|tx, _| tx.forget_context());
        assert_eq!(side.conn.tx.heap_bytes(), 0);
        side.send(|tx, out| tx.text(&text, out)).unwrap();
        let frames = side.frames();
        assert_eq!(frames[0].payload, frames[1].payload);
        // In the middle of a message too: what follows stands alone.
        let data = text.as_bytes();
        side.send(|tx, out| tx.fragment(MessageKind::Text, data, false, out))
            .unwrap();
        side.send(|tx, _| tx.forget_context());
        assert_eq!(side.conn.tx.heap_bytes(), 0);
        side.send(|tx, out| tx.fragment(MessageKind::Text, data, true, out))
            .unwrap();
        side.send(|tx, _| tx.forget_context());
        assert_eq!(side.conn.tx.heap_bytes(), 0);
        assert_eq!(side.read().len(), 3);
    }
}

/// A compressor is lent to one connection after the other, in the middle of their messages.
#[test]
fn connections_take_turns_at_the_compressor() {
    let policy = eager();
    let windows = (9..=15).flat_map(|bits| [false, true].map(|takeover| Window { bits, takeover }));
    let mut sides: Vec<_> = windows
        .flat_map(|window| ROLES.map(|role| Compressing::new(role, window, &policy)))
        .collect();
    let mut shared = sockeye::proto::deflate::Compressor::new(&policy);
    for round in 0..4 {
        for (i, side) in (0..).zip(&mut sides) {
            std::mem::swap(&mut shared, &mut side.compressor);
            let text = records(700, i) + &records(300, 0);
            let data = text.as_bytes();
            side.send(|tx, out| tx.fragment(MessageKind::Text, data, round % 2 == 1, out))
                .unwrap();
            std::mem::swap(&mut shared, &mut side.compressor);
        }
    }
    for (i, side) in (0..).zip(&sides) {
        let text = records(700, i) + &records(300, 0);
        let said: Vec<_> = side.read().into_iter().map(|read| read.data).collect();
        assert_eq!(said, vec![text.repeat(2).into_bytes(); 2]);
    }
}

/// Our own receiver reads it too, in any pieces.
#[test]
fn what_is_compressed_arrives() {
    for mut side in sides(&Policy::default()) {
        let mut want = Vec::new();
        for i in 0..6 {
            let text = records(300 * i as usize, i) + "grün 😀";
            side.send(|tx, out| tx.text(&text, out)).unwrap();
            let rough = noise(500, i);
            for (data, last) in [(text.as_bytes(), false), (&rough, false), (b"", true)] {
                side.send(|tx, out| tx.fragment(MessageKind::Binary, data, last, out))
                    .unwrap();
            }
            want.push(Expected::Text(text.clone().into_bytes()));
            want.push(Expected::Binary([text.as_bytes(), &rough].concat()));
        }
        let role = side.conn.tx.role();
        for size in [1, 7, 1000, usize::MAX] {
            let takeover = side.conn.tx.heap_bytes() > 0;
            let window = Window { bits: 15, takeover };
            let mut peer = Side::new(role.peer(), Config::default());
            peer.conn = crate::compressing::connection(role.peer(), window);
            for piece in side.wrote.chunks(size.min(side.wrote.len())) {
                peer.take(piece);
            }
            assert_eq!(peer.error, None);
            assert_eq!(peer.events, want);
        }
    }
}
