//! Short messages without a past, which are compressed by ourselves: whatever they say, three inflaters read the same, and
//! they are as small as the library has them.

use crate::compressing::{Window, connection, eager, noise};
use crate::json;
use crate::miniz;
use crate::strict_inflate::StrictInflater;
use crate::wire;
use flate2::{Compress, Compression, Decompress, FlushCompress, FlushDecompress};
use proptest::collection::vec;
use proptest::prelude::*;
use sockeye::proto::deflate::Compressor;
use sockeye::proto::{Connection, Outbound, Role};
use std::env;

/// The longest message that is short.
const SHORT: usize = 4 << 10;

/// Times what it is hashed with, this is 1: small numbers times this have the same hash.
const INVERSE: u32 = 0x0E8B_2F51;

/// One end that sends, and three readings of it.
struct Ends {
    bits: u8,
    conn: Connection,
    compressor: Compressor,
    strict: StrictInflater,
    zlib: Decompress,
    miniz: miniz::Inflater,
}

impl Ends {
    fn new(bits: u8) -> Self {
        let window = Window {
            bits,
            takeover: false,
        };
        Self {
            bits,
            conn: connection(Role::Server, window),
            compressor: Compressor::new(&eager()),
            strict: StrictInflater::new(bits, false),
            zlib: Decompress::new(false),
            miniz: miniz::Inflater::new(false),
        }
    }

    /// The payload of a message, and whether it is compressed.
    fn send(&mut self, data: &[u8]) -> (Vec<u8>, bool) {
        let mut out = Outbound::server(Vec::new()).deflate(&mut self.compressor);
        self.conn.tx.binary(data, &mut out).unwrap();
        let frame = wire::read_deflate(&out.sink, Role::Server).remove(0);
        (frame.payload, frame.rsv1)
    }

    /// Sends a message and reads it three times. Gives its payload, where it was compressed.
    fn pass(&mut self, data: &[u8]) -> Option<Vec<u8>> {
        let (payload, compressed) = self.send(data);
        if !compressed {
            assert!(payload == data);
            return None;
        }
        let name = format!(
            "{} bits, {} bytes: {:02x?}",
            self.bits,
            data.len(),
            &data[..data.len().min(40)]
        );
        assert!(payload.len() < data.len(), "{name}");
        assert!(
            self.strict.message(&payload).as_deref() == Ok(data),
            "{name}"
        );
        assert!(
            self.miniz.message(&payload).as_deref() == Some(data),
            "{name}"
        );
        self.zlib.reset(false);
        let whole = [&payload[..], &[0, 0, 0xFF, 0xFF]].concat();
        let mut back = Vec::with_capacity(data.len() + 1);
        let status = self
            .zlib
            .decompress_vec(&whole, &mut back, FlushDecompress::Sync);
        assert!(
            status.ok() == Some(flate2::Status::Ok) && back == data,
            "{name}"
        );
        assert!(self.zlib.total_in() == whole.len() as u64, "{name}");
        Some(payload)
    }
}

fn is_long() -> bool {
    env::var("SOCKEYE_DEFLATE").is_ok_and(|mode| mode == "long")
}

/// Data of one kind, and from how many bytes on it always gets smaller.
#[allow(
    clippy::cast_possible_truncation,
    reason = "bytes of numbers, on purpose"
)]
fn kinds() -> [(&'static str, Vec<u8>, Option<usize>); 9] {
    let len = 5_000;
    let words = |count: u32, of: fn(u32) -> Vec<u8>| (0..count).flat_map(of).collect::<Vec<u8>>();
    let few = |seed, of: u8| {
        noise(len, seed)
            .into_iter()
            .map(|byte| byte % of)
            .collect::<Vec<u8>>()
    };
    // Bytes that are as rare as can be make the longest codes.
    let rare = noise(len, 4)
        .into_iter()
        .map(|byte| 100 + byte.trailing_zeros() as u8);
    [
        ("noise", noise(len, 1), None),
        ("two", few(2, 2), Some(60)),
        ("forty", few(3, 40), Some(400)),
        ("rare", rare.collect(), Some(100)),
        ("equal", vec![b'a'; len], Some(9)),
        (
            "runs",
            words(700, |at| vec![(at % 7) as u8; at as usize % 20]),
            Some(100),
        ),
        (
            "json",
            json::messages(len, 1).swap_remove(2).into_bytes(),
            Some(200),
        ),
        (
            "counted",
            words(2_000, |at| at.to_string().into_bytes()),
            Some(200),
        ),
        // All that is looked up stands in one place of the table, whatever it is.
        (
            "same hash",
            words(1_250, |at| at.wrapping_mul(INVERSE).to_le_bytes().to_vec()),
            None,
        ),
    ]
}

#[test]
#[cfg_attr(miri, ignore = "takes too long")]
fn whatever_its_size_it_is_read_as_it_was() {
    for bits in 9..=15 {
        let mut ends = Ends::new(bits);
        for (name, data, least) in kinds() {
            assert!(data.len() >= 5_000, "{name}");
            let all = if is_long() || bits == 15 { 300 } else { 20 };
            let stride = if is_long() { 1 } else { 97 };
            let near = SHORT - 2..SHORT + 3;
            for len in (0..all).chain((all..=5_000).step_by(stride)).chain(near) {
                let payload = ends.pass(&data[..len]);
                let pays = least.is_some_and(|least| len >= least);
                assert!(payload.is_some() || !pays, "{name} {len} is not compressed");
            }
        }
    }
}

/// What a message comes to says nothing of earlier ones, which may have been another's: neither of what they said, nor of
/// how much that was. Positions begin anew after some 60 KB.
#[test]
fn nothing_is_known_of_earlier_messages() {
    let messages = json::messages(SHORT, 2);
    let fresh: Vec<_> = messages
        .iter()
        .map(|message| Ends::new(15).send(message.as_bytes()))
        .collect();
    for fill in 0..if cfg!(miri) { 1 } else { 16 } {
        let mut ends = Ends::new(15);
        for (message, fresh) in messages.iter().zip(&fresh) {
            for _ in 0..2 {
                assert!(ends.send(message.as_bytes()) == *fresh && fresh.1);
                // This leaves the table nearly as it is.
                (0..fill).for_each(|_| assert!(ends.send(&[b'a'; SHORT]).1));
            }
        }
    }
}

/// Within 5 % of the library at the same level: at each size, and 3 % over all.
#[test]
#[cfg_attr(miri, ignore = "takes too long")]
fn they_are_as_small_as_the_library_has_them() {
    let (mut ours, mut theirs) = (0, 0);
    for size in [64, 100, 250, 500, 1_000, 2_000, SHORT] {
        let mut ends = Ends::new(15);
        let (mut own, mut level) = (0, [0; 2]);
        for message in json::messages(size, 16) {
            let payload = ends.pass(message.as_bytes());
            own += payload.map_or(message.len(), |payload| payload.len());
            level[0] += library(3, message.as_bytes()).min(message.len());
            level[1] += library(6, message.as_bytes()).min(message.len());
        }
        let [three, six] = level.map(|level| own as f64 / level as f64);
        println!("{size:>5} B: {own:>6} B, {three:.3} of level 3, {six:.3} of level 6");
        assert!(three <= 1.05, "{size}: {three}");
        (ours, theirs) = (ours + own, theirs + level[0]);
    }
    assert!(ours as f64 <= 1.03 * theirs as f64, "{ours} {theirs}");
}

/// The size by the library.
fn library(level: u32, data: &[u8]) -> usize {
    let mut compress = Compress::new(Compression::new(level), false);
    let mut payload = vec![0; data.len() * 2 + 64];
    compress
        .compress(data, &mut payload, FlushCompress::Sync)
        .unwrap();
    usize::try_from(compress.total_out()).unwrap() - 4
}

/// Bytes that repeat themselves, near and far.
fn pieces() -> impl Strategy<Value = Vec<u8>> {
    let piece = prop_oneof![
        vec(any::<u8>(), 0..100),
        vec(b'a'..b'e', 0..500),
        (any::<u8>(), 0..600_usize).prop_map(|(byte, times)| vec![byte; times]),
        (0..300_usize, 1..4_u32).prop_map(|(len, seed)| noise(len, seed)),
    ];
    vec(piece, 0..12).prop_map(|pieces| pieces.concat())
}

proptest! {
    #[test]
    #[cfg_attr(miri, ignore = "takes too long")]
    fn whatever_is_said_is_read_as_it_was(messages in vec(pieces(), 1..6), bits in 9..=15_u8) {
        let mut ends = Ends::new(bits);
        for message in &messages {
            ends.pass(message);
        }
    }
}
