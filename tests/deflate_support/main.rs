//! What the tests of compression lean on, tested itself: the strict inflater beside a library's and beside the RFC's
//! own examples, the writer of streams beside both.
#![allow(
    clippy::unwrap_used,
    reason = "a test that unwraps a fault fails, as it should"
)]

#[path = "../support/deflate_attacks.rs"]
mod deflate_attacks;
#[path = "../support/deflate_bits.rs"]
mod deflate_bits;
#[path = "../support/strict_inflate.rs"]
mod strict_inflate;

#[path = "../support/miniz.rs"]
mod miniz;

mod faults;
mod random;

use deflate_bits::{Bits, Symbol, Symbol::Literal};
use strict_inflate::{Fault, StrictInflater, What};

/// The payloads of consecutive messages, what each inflates to, and whether with takeover.
type Conversation = (&'static [(&'static [u8], &'static [u8])], bool);

/// RFC 7692 section 7.2.3, and what follows from it.
#[rustfmt::skip]
const EXAMPLES: &[Conversation] = &[
    // 7.2.3.1: one block; as fragments it is the same.
    (&[(b"\xf2\x48\xcd\xc9\xc9\x07\x00", b"Hello")], true),
    // 7.2.3.2: the window shared, and not shared.
    (&[(b"\xf2\x48\xcd\xc9\xc9\x07\x00", b"Hello"), (b"\xf2\x00\x11\x00\x00", b"Hello")], true),
    (&[(b"\xf2\x48\xcd\xc9\xc9\x07\x00", b"Hello"), (b"\xf2\x48\xcd\xc9\xc9\x07\x00", b"Hello")], false),
    // 7.2.3.3: a stored block.
    (&[(b"\x00\x05\x00\xfa\xff\x48\x65\x6c\x6c\x6f\x00", b"Hello")], true),
    // 7.2.3.4: BFINAL, and messages after it that reach behind it or do not.
    (&[(b"\xf3\x48\xcd\xc9\xc9\x07\x00\x00", b"Hello")], false),
    (&[(b"\xf3\x48\xcd\xc9\xc9\x07\x00\x00", b"Hello"), (b"\xf2\x00\x11\x00\x00", b"Hello"),
       (b"\xf2\x48\xcd\xc9\xc9\x07\x00", b"Hello")], true),
    (&[(b"\xf3\x48\xcd\x01\x00\xcb\xc9\x07\x00\x00", b"Hello")], true),
    // 7.2.3.5: two blocks.
    (&[(b"\xf2\x48\x05\x00\x00\x00\xff\xff\xca\xc9\xc9\x07\x00", b"Hello")], true),
    // 7.2.3.6: an empty fragment behind a flushed one; and as a message.
    (&[(b"\xf2\x48\xcd\xc9\xc9\x07\x00\x00\x00\xff\xff\x00", b"Hello")], true),
    (&[(b"\x00", b""), (b"\x00", b""), (b"\xf2\x48\xcd\xc9\xc9\x07\x00", b"Hello")], true),
    // An empty stored block with BFINAL ends a message as well.
    (&[(b"\x01", b""), (b"\xf2\x48\xcd\xc9\xc9\x07\x00", b"Hello")], true),
    // Messages that are not UTF-8, or cut inside a character.
    (&[(b"\x4a\xfc\x0f\x00", b"a\xff"), (b"\xca\x38\x0c\x00", b"h\xc3")], true),
    (&[(b"\x7a\xbb\xa0\x01\x00", b"\xed\xa0\x80")], true),
    (&[(b"\xfa\x30\x7f\x46\x03\x00", "\u{1F600}".as_bytes())], true),
];

#[test]
fn the_examples_of_the_rfc_come_out() {
    for (messages, takeover) in EXAMPLES {
        let mut strict = StrictInflater::new(15, *takeover);
        let mut other = miniz::Inflater::new(*takeover);
        for (payload, message) in *messages {
            assert_eq!(strict.message(payload).unwrap(), *message, "{payload:02x?}");
            assert_eq!(other.message(payload).unwrap(), *message, "{payload:02x?}");
        }
        assert_eq!(strict.seen.dirty_padding, 0, "{messages:02x?}");
    }
}

#[test]
fn the_writer_writes_the_examples_of_the_rfc() {
    let hello = b"Hello".map(Literal);
    let (he, llo) = hello.split_at(2);
    // "H", then from the H of the first message on: four more, and the end.
    let again = [Literal(b'H'), matching(4, 5)];
    #[rustfmt::skip]
    let rows: [(Vec<u8>, &[u8]); 7] = [
        (Bits::new().fixed(false, &hello).finish(), b"\xf2\x48\xcd\xc9\xc9\x07\x00"),
        (Bits::new().fixed(false, &again).finish(), b"\xf2\x00\x11\x00\x00"),
        (Bits::new().stored(false, b"Hello").finish(), b"\x00\x05\x00\xfa\xff\x48\x65\x6c\x6c\x6f\x00"),
        (Bits::new().fixed(true, &hello).align().finish(), b"\xf3\x48\xcd\xc9\xc9\x07\x00\x00"),
        (Bits::new().fixed(false, he).stored(false, b"").fixed(false, llo).finish(),
         b"\xf2\x48\x05\x00\x00\x00\xff\xff\xca\xc9\xc9\x07\x00"),
        (Bits::new().fixed(false, he).flush(), b"\xf2\x48\x05\x00\x00\x00\xff\xff"),
        (Bits::new().finish(), b"\x00"),
    ];
    for (written, expected) in rows {
        assert_eq!(written, expected);
    }
}

#[test]
fn distances_are_held_against_the_window() {
    for bits in 8..=15 {
        let window = 1 << bits;
        let message = [deflate_attacks::filler(window), deflate_attacks::filler(3)].concat();
        let mut strict = StrictInflater::new(bits, false);
        let within = deflate_attacks::reaching(window);
        assert_eq!(strict.message(&within), Ok(message.clone()));
        assert_eq!(strict.seen.max_distance, window);

        let [first, second] = deflate_attacks::reaching_across(window);
        let mut strict = StrictInflater::new(bits, true);
        assert_eq!(strict.message(&first).unwrap(), message[..window]);
        assert_eq!(strict.message(&second).unwrap(), message[window..]);
        // The window has moved on by what the second message was.
        assert_eq!(strict.message(&second).unwrap(), message[3..6]);

        // Without takeover the second message has nothing before it.
        let mut strict = StrictInflater::new(bits, false);
        strict.message(&first).unwrap();
        let what = What::DistanceTooFarBack { distance: window };
        assert_eq!(strict.message(&second), Err(Fault { at: 0, what }));
    }
}

#[test]
fn a_byte_beyond_the_window_is_found() {
    for bits in 8..=14 {
        let distance = (1 << bits) + 1;
        let what = What::DistanceBeyondWindow { distance };
        let mut strict = StrictInflater::new(bits, false);
        let verdict = strict.message(&deflate_attacks::reaching(distance));
        assert_eq!(verdict, Err(Fault { at: distance, what }));

        let [first, second] = deflate_attacks::reaching_across(distance);
        let mut strict = StrictInflater::new(bits, true);
        strict.message(&first).unwrap();
        assert_eq!(strict.message(&second), Err(Fault { at: 0, what }));
    }
}

/// Blocks that the strict inflater saw: stored, fixed, dynamic, with BFINAL.
fn blocks(payload: &[u8], len: usize) -> [usize; 4] {
    let mut strict = StrictInflater::new(15, false);
    let message = strict.message(payload).unwrap();
    assert_eq!(
        miniz::Inflater::new(false).message(payload),
        Some(message.clone())
    );
    assert!(message.len() == len && message.iter().all(|&byte| byte == 0));
    assert_eq!(strict.seen.dirty_padding, 0);
    let seen = strict.seen;
    [seen.stored, seen.fixed, seen.dynamic, seen.finals]
}

#[test]
fn attacks_are_what_they_say() {
    use deflate_attacks as attack;
    #[rustfmt::skip]
    let rows = [
        // The payload, its size, what comes out, and the blocks.
        (attack::empty_stored(1), 1, 0, [1, 0, 0, 0]),
        (attack::empty_stored(1_000), 4_996, 0, [1_000, 0, 0, 0]),
        (attack::empty_fixed(1_000), 1_251, 0, [1, 1_000, 0, 0]),
        (attack::one_byte_fixed(1_000), 2_251, 1_000, [1, 1_000, 0, 0]),
        (attack::empty_final(1_000), 2_001, 0, [1, 1_000, 0, 1_000]),
        (attack::empty_stored_final(1_000), 5_001, 0, [1_001, 0, 0, 1_000]),
        (attack::full_headers(100), 16_913, 0, [1, 0, 100, 0]),
        (attack::dense_headers(100), 4_676, 0, [1, 0, 100, 0]),
        (attack::bomb(0), 14, 0, [1, 0, 1, 0]),
        (attack::bomb(1), 14, 1, [1, 0, 1, 0]),
        (attack::bomb(10 << 20), 10_205, 10 << 20, [1, 0, 1, 0]),
        (attack::fixed_bomb(1 << 20), 6_670, 1 << 20, [1, 1, 0, 0]),
    ];
    for (payload, size, len, seen) in rows {
        assert_eq!((payload.len(), blocks(&payload, len)), (size, seen));
    }
    assert!(attack::empty_final(1_000).starts_with(b"\x03\x00\x03\x00\x03\x00"));
    assert!(attack::empty_stored(1_000).starts_with(b"\x00\x00\x00\xff\xff\x00\x00\x00\xff\xff"));
}

#[test]
fn an_empty_payload_is_an_empty_message_and_noted() {
    let mut strict = StrictInflater::new(15, true);
    let [first, second] = deflate_attacks::reaching_across(9);
    strict.message(&first).unwrap();
    assert_eq!(strict.message(b""), Ok(Vec::new()));
    assert_eq!(strict.message(&second).unwrap(), deflate_attacks::filler(3));
    assert_eq!(strict.seen.empty_payloads, 1);
}

#[test]
fn padding_that_is_not_zero_is_noted() {
    for payload in [
        Bits::new().fixed(true, &[]).raw_bits(1, 6).finish(),
        Bits::new().raw_bits(0b1000, 8).cut(),
    ] {
        let mut strict = StrictInflater::new(15, false);
        assert_eq!(strict.message(&payload), Ok(Vec::new()));
        assert_eq!(strict.seen.dirty_padding, 1, "{payload:02x?}");
    }
}

fn matching(length: usize, distance: usize) -> Symbol {
    Symbol::Match { length, distance }
}
