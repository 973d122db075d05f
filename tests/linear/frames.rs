//! Frames that ask for more work than others of their size.
//!
//! Not here: compressed ones.

use crate::cost::{FRAMES, is_linear};
use crate::drive::Drive;
use sockeye::proto::Delivery;

const DELIVERIES: [Delivery; 3] = [Delivery::Messages, Delivery::Frames, Delivery::Chunks];

/// Text of the most work: it looks like ASCII for long.
fn nearly_ascii(len: usize) -> Vec<u8> {
    let mut text =
        "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaé".repeat(len / 63 + 1);
    text.truncate(len / 63 * 63);
    text.into_bytes()
}

/// F19, M07: a slice that grows by a byte, and is fed again each time.
#[test]
fn one_large_frame_byte_by_byte() {
    for delivery in DELIVERIES {
        for (first, payload) in [(0x81, b'a'), (0x82, 0xFF)] {
            is_linear(
                &format!("a frame byte by byte, {first:x} {delivery:?}"),
                FRAMES,
                |n| {
                    let mut drive = Drive::new(delivery);
                    drive.frame(first, &vec![payload; n], 1);
                    drive.done()
                },
            );
        }
    }
}

/// In larger pieces: the text's last byte tells that it is not ASCII.
#[test]
fn text_that_looks_like_ascii() {
    for delivery in DELIVERIES {
        for piece in [5, 63, 1_000, usize::MAX] {
            is_linear(
                &format!("nearly ASCII by {piece}, {delivery:?}"),
                FRAMES,
                |n| {
                    let mut drive = Drive::new(delivery);
                    drive.frame(0x81, &nearly_ascii(n), piece);
                    drive.done()
                },
            );
        }
    }
}

/// G07, V22: what is collected is not gone over again for each fragment.
#[test]
fn fragments_of_one_byte() {
    for delivery in DELIVERIES {
        for (first, payload) in [(0x01, b'a'), (0x02, 0xFF)] {
            is_linear(
                &format!("fragments of one byte, {first:x} {delivery:?}"),
                FRAMES,
                |n| {
                    let mut drive = Drive::new(delivery);
                    drive.frame(first, &[payload], usize::MAX);
                    (2..n).for_each(|_| drive.frame(0x00, &[payload], usize::MAX));
                    drive.frame(0x80, &[payload], usize::MAX);
                    drive.done()
                },
            );
        }
    }
}

/// The same where every character stands across fragments, and all of it comes byte by byte.
#[test]
fn characters_in_fragments_byte_by_byte() {
    for delivery in DELIVERIES {
        is_linear(
            &format!("cut characters byte by byte, {delivery:?}"),
            FRAMES,
            |n| {
                let mut drive = Drive::new(delivery);
                let text = "€".repeat(n / 3 + 1).into_bytes();
                drive.frame(0x01, &[], usize::MAX);
                text.iter().for_each(|byte| drive.frame(0x00, &[*byte], 1));
                drive.frame(0x80, &[], usize::MAX);
                drive.done()
            },
        );
    }
}

/// Larger ones: each is copied once, and moved as the message grows.
#[test]
fn fragments_of_a_kibibyte() {
    for delivery in DELIVERIES {
        is_linear(
            &format!("nearly ASCII in fragments of 1 KiB, {delivery:?}"),
            FRAMES,
            |n| {
                let mut drive = Drive::new(delivery);
                drive.frame(0x01, &[], usize::MAX);
                for part in nearly_ascii(n).chunks(1008) {
                    drive.frame(0x00, part, 100);
                }
                drive.frame(0x80, &[], usize::MAX);
                drive.done()
            },
        );
    }
}

/// G05, G16: fragments without anything in them.
#[test]
fn empty_fragments() {
    for delivery in DELIVERIES {
        is_linear(&format!("empty fragments, {delivery:?}"), FRAMES, |n| {
            let mut drive = Drive::new(delivery);
            drive.frame(0x01, b"a", usize::MAX);
            (1..n).for_each(|_| drive.frame(0x00, &[], usize::MAX));
            drive.frame(0x80, &[], usize::MAX);
            drive.done()
        });
    }
}

/// F17: messages without anything in them.
#[test]
fn empty_messages() {
    for delivery in DELIVERIES {
        is_linear(&format!("empty messages, {delivery:?}"), FRAMES, |n| {
            let mut drive = Drive::new(delivery);
            (0..n).for_each(|_| drive.frame(0x82, &[], usize::MAX));
            drive.done()
        });
    }
}

/// G11, C06, C07: control frames between fragments of a message that has become large.
#[test]
fn pings_between_fragments() {
    for first in [0x89, 0x8A] {
        for payload in [&[][..], &[7; 125]] {
            let len = payload.len();
            is_linear(
                &format!("{first:x} of {len} between fragments"),
                FRAMES,
                |n| {
                    let mut drive = Drive::new(Delivery::Messages);
                    drive.frame(0x02, &vec![1; n], usize::MAX);
                    for _ in 0..n / 64 {
                        drive.frame(0x00, &[1], usize::MAX);
                        drive.frame(first, payload, usize::MAX);
                    }
                    drive.frame(0x80, &[], usize::MAX);
                    drive.done()
                },
            );
        }
    }
}

/// C10, F19: many frames, and each byte by itself.
#[test]
fn dripped_frames() {
    for delivery in DELIVERIES {
        for first in [0x81, 0x82, 0x89] {
            is_linear(
                &format!("frames of 100 dripped, {first:x} {delivery:?}"),
                FRAMES,
                |n| {
                    let mut drive = Drive::new(delivery);
                    (0..n / 100).for_each(|_| drive.frame(first, &[b'a'; 100], 1));
                    drive.done()
                },
            );
        }
    }
}

/// X05: what arrives behind our Close is dropped, and no more.
#[test]
fn what_is_for_nobody() {
    for delivery in DELIVERIES {
        is_linear(&format!("behind our Close, {delivery:?}"), FRAMES, |n| {
            let mut drive = Drive::new(delivery);
            drive.frame(0x81, b"a", usize::MAX);
            drive.close();
            (0..n / 64).for_each(|_| drive.frame(0x81, &[b'a'; 64], 7));
            drive.done()
        });
    }
}

/// C01, X04: the longest Close, byte by byte, is judged again for each; once in the life of a connection.
#[test]
fn a_dripped_close_costs_once() {
    let reason = [&1000_u16.to_be_bytes()[..], &[b'x'; 123]].concat();
    is_linear(
        "a message, and a Close dripped",
        crate::cost::Law {
            once: 64 << 10,
            ..FRAMES
        },
        |n| {
            let mut drive = Drive::new(Delivery::Messages);
            drive.frame(0x82, &vec![1; n * 32], usize::MAX);
            drive.frame(0x88, &reason, 1);
            drive.done()
        },
    );
}
