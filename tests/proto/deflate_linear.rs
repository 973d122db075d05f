//! Z05: a quarter of a mebibyte of whatever costs most takes about as long as text does, and not its square.
//!
//! Nothing counts the library's steps, so this is a clock with a wide margin: what goes over its input again for each
//! block takes tens of seconds here.

use crate::compressing::{Compressing, Window, eager, records};
use crate::deflate_attacks as attacks;
use crate::deflate_bits::{Bits, Symbol};
use crate::replay::replay;
use crate::rows::{Deflate, With};
use crate::wire;
use sockeye::proto::{Delivery, Role};
use std::time::{Duration, Instant};

const SIZE: usize = 256 << 10;
const MARGIN: Duration = Duration::from_secs(3);

#[test]
#[cfg_attr(miri, ignore = "takes too long")]
fn the_worst_payload_takes_about_as_long_as_text() {
    let benign = wire::frame(Role::Server, 0xC2, &text());
    let hostile = [
        ("empty stored", attacks::empty_stored(SIZE / 5)),
        ("empty fixed", attacks::empty_fixed(SIZE * 8 / 10)),
        ("one byte fixed", attacks::one_byte_fixed(SIZE * 8 / 18)),
        ("empty final", attacks::empty_final(SIZE / 2)),
        ("stored final", attacks::empty_stored_final(SIZE / 5)),
        ("full headers", attacks::full_headers(SIZE / 169)),
        ("dense headers", attacks::dense_headers(SIZE / 43)),
    ];
    for delivery in [Delivery::Messages, Delivery::Frames, Delivery::Chunks] {
        let usual = time(delivery, &benign, Duration::ZERO);
        let most = usual * 4 + MARGIN;
        for (name, payload) in &hostile {
            let wire = wire::frame(Role::Server, 0xC2, payload);
            let took = time(delivery, &wire, most);
            assert!(took <= most, "{name} {delivery:?}: {took:?} over {usual:?}");
        }
        let took = time(delivery, &fragments(), most);
        assert!(took <= most, "{delivery:?}: {took:?} over {usual:?}");
    }
}

/// The shortest of three times, or the first that is short enough.
fn time(delivery: Delivery, wire: &[u8], enough: Duration) -> Duration {
    let with = With {
        delivery,
        max_frame: Some(1 << 30),
        max_message: Some(1 << 30),
        max_fragments: Some(u32::MAX),
        deflate: Some(Deflate {
            window_bits: 15,
            takeover: true,
        }),
        ..With::default()
    };
    let mut least = Duration::MAX;
    for _ in 0..3 {
        let start = Instant::now();
        let (outcome, _) = replay(Role::Server, &with, wire, []);
        least = least.min(start.elapsed());
        assert_eq!(outcome.error, None);
        if least <= enough {
            break;
        }
    }
    least
}

/// As much text, compressed by ourselves.
fn text() -> Vec<u8> {
    let window = Window {
        bits: 15,
        takeover: false,
    };
    let mut side = Compressing::new(Role::Server, window, &eager());
    let text = records(4_000_000, 3);
    side.send(|tx, out| tx.text(&text, out)).unwrap();
    let payload = side.frames().remove(0).payload;
    assert!(payload.len() > SIZE * 3 / 4, "{}", payload.len());
    payload
}

/// A byte in each, behind a whole window.
fn fragments() -> Vec<u8> {
    let bits = Bits::new().stored(false, &attacks::filler(32_768));
    let payload = bits.fixed(false, &[Symbol::Literal(65); 5000]).finish();
    let (head, tail) = payload.split_at(32_768);
    let mut wire = wire::frame(Role::Server, 0x42, head);
    for (i, byte) in tail.iter().enumerate() {
        let fin = if i + 1 == tail.len() { 0x80 } else { 0x00 };
        wire.extend(wire::frame(Role::Server, fin, &[*byte]));
    }
    wire
}
