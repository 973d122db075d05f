//! What it takes to compress short messages, whatever they say.
//!
//! Not here: long ones, which are the library's work.

use crate::cost::{Cost, Law, is_linear};
use sockeye::proto::deflate::{Compressor, Params, Policy};
use sockeye::proto::{Connection, Outbound};

/// Each byte is looked at once, and once for each of two matches; a table of 8 KiB is emptied for every 60 KB.
const COMPRESSED: Law = Law {
    byte: 4,
    frame: 64,
    call: 0,
    once: 16 << 10,
};

/// The byte at a place.
type Kind = fn(usize) -> u8;

#[test]
#[allow(
    clippy::cast_possible_truncation,
    reason = "bytes of numbers, on purpose"
)]
fn short_messages() {
    let agreed = Params {
        server_no_context_takeover: true,
        ..Params::default()
    };
    // Everything, nothing and half of it repeats itself; what is looked up is in one place of the table.
    let kinds: [(&str, Kind); 5] = [
        ("one byte", |_| b'a'),
        ("two bytes", |at| (at as u8 ^ (at / 258) as u8) & 1),
        ("nothing", |at| (at.wrapping_mul(2_654_435_761) >> 13) as u8),
        ("matches", |at| if at % 261 < 258 { b'a' } else { at as u8 }),
        ("one place", |at| {
            let word = ((at / 4) as u32).wrapping_mul(0x0E8B_2F51);
            word.to_le_bytes()[at % 4]
        }),
    ];
    for (name, byte) in kinds {
        for len in [64, 1_000, 4_096] {
            let data: Vec<u8> = (0..len).map(byte).collect();
            is_linear(&format!("{name} in messages of {len}"), COMPRESSED, |n| {
                let mut conn = Connection::server(Default::default());
                conn.set_deflate(agreed.agreed());
                let policy = Policy {
                    threshold: 1,
                    ..Policy::default()
                };
                let mut compressor = Compressor::new(&policy);
                let mut wire = Vec::new();
                let mut cost = Cost::default();
                for _ in 0..n.div_ceil(len) {
                    wire.clear();
                    let mut out = Outbound::server(&mut wire).deflate(&mut compressor);
                    conn.tx.binary(&data, &mut out).unwrap();
                    cost.input += len as u64;
                    cost.output += wire.len() as u64;
                    cost.frames += 1;
                }
                cost
            });
        }
    }
}
