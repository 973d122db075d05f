//! Compressed messages that cost a receiver more than their sender (Z05).
//!
//! Not here: bombs, which the limit on what comes out ends.

use crate::cost::{FRAMES, Law, is_linear};
use crate::deflate_attacks as attacks;
use crate::deflate_bits::{Bits, Symbol};
use crate::drive::Drive;
use sockeye::proto::{Delivery, Violation};

/// The buffer that all is inflated into has 64 KiB in the beginning and is doubled: what there was moves, and what is new
/// is filled, which comes to four for each byte that comes out, where it ends just behind a power of two.
const INFLATED: Law = Law {
    byte: 8,
    once: 256 << 10,
    ..FRAMES
};

const DELIVERIES: [Delivery; 3] = [Delivery::Messages, Delivery::Frames, Delivery::Chunks];

/// A payload of so many bytes, about.
type Payload = fn(usize) -> Vec<u8>;

/// A message of some bytes by one of these; the number is what a block takes.
const BLOCKS: [(&str, Payload); 5] = [
    ("empty stored", |n| attacks::empty_stored(n / 5)),
    ("empty fixed", |n| attacks::empty_fixed(n * 8 / 10)),
    ("one byte fixed", |n| attacks::one_byte_fixed(n * 8 / 18)),
    ("full headers", |n| attacks::full_headers(n / 169)),
    ("dense headers", |n| attacks::dense_headers(n / 43)),
];

#[test]
fn blocks_with_nothing_in_them() {
    for delivery in DELIVERIES {
        for (name, payload) in BLOCKS {
            for piece in [1, 4096] {
                is_linear(&format!("{name} by {piece}, {delivery:?}"), INFLATED, |n| {
                    let mut drive = Drive::compressed(delivery, false);
                    drive.frame(0xC2, &payload(n), piece);
                    drive.done()
                });
            }
        }
    }
}

/// Z02: every byte of the payload in a fragment of its own.
#[test]
fn tiny_fragments() {
    for delivery in DELIVERIES {
        for (name, payload) in BLOCKS {
            is_linear(
                &format!("{name} in fragments of one byte, {delivery:?}"),
                INFLATED,
                |n| {
                    let mut drive = Drive::compressed(delivery, true);
                    let payload = payload(n);
                    let (last, before) = payload.split_last().unwrap();
                    drive.frame(0x42, &[], usize::MAX);
                    before
                        .iter()
                        .for_each(|byte| drive.frame(0x00, &[*byte], usize::MAX));
                    drive.frame(0x80, &[*last], usize::MAX);
                    drive.done()
                },
            );
        }
    }
}

/// Text, which is judged as it comes out.
#[test]
fn text_in_parts() {
    for delivery in DELIVERIES {
        for piece in [1, 100, usize::MAX] {
            is_linear(
                &format!("compressed text by {piece}, {delivery:?}"),
                INFLATED,
                |n| {
                    let mut drive = Drive::compressed(delivery, true);
                    let text = [
                        Symbol::Literal(b'a'),
                        Symbol::Match {
                            length: 258,
                            distance: 1,
                        },
                    ];
                    let text = text.repeat(n / 16);
                    drive.frame(0xC1, &Bits::new().fixed(false, &text).finish(), piece);
                    drive.done()
                },
            );
        }
    }
}

/// RFC 7692 section 7.2.3.4: whoever ends the stream again and again has the past handed over each time, until he is
/// told to stop.
#[test]
fn streams_that_end_again_and_again() {
    let past = Law {
        byte: 64,
        once: 2 << 20,
        ..FRAMES
    };
    for delivery in DELIVERIES {
        for payload in [attacks::empty_final, attacks::empty_stored_final] {
            is_linear(&format!("ends of streams, {delivery:?}"), past, |n| {
                let mut drive = Drive::compressed(delivery, true);
                drive.frame(
                    0xC2,
                    &Bits::new().stored(false, &[7; 40_000]).finish(),
                    4096,
                );
                drive.frame(0xC2, &payload(n), 4096);
                assert_eq!(drive.error, Some(Violation::TooManyLastBlocks));
                drive.cost
            });
        }
    }
}

/// Messages that may refer to what was said before: for each, the inflater is given the window, 32 KiB, and what is
/// kept of it moves; where parts are delivered, once more.
#[test]
fn small_messages_with_a_past() {
    let window = Law {
        frame: 256 + (128 << 10),
        ..INFLATED
    };
    for delivery in DELIVERIES {
        is_linear(
            &format!("messages of one byte with a past, {delivery:?}"),
            window,
            |n| {
                let mut drive = Drive::compressed(delivery, true);
                drive.frame(
                    0xC2,
                    &Bits::new().stored(false, &[7; 40_000]).finish(),
                    4096,
                );
                let one = Bits::new().fixed(false, &[Symbol::Literal(b'a')]).finish();
                (0..n / 64).for_each(|_| drive.frame(0xC2, &one, usize::MAX));
                drive.done()
            },
        );
    }
}
