//! Compressing and inflating messages through the whole core, beside the bare library doing the same through `flate2`.
//!
//! The library side has no frames, no limits and no UTF-8 to check, and does not see whether a message was cut short; it
//! begins anew with each message, as connections without context takeover have to.
#![allow(
    clippy::cast_possible_truncation,
    reason = "the library counts what lies in one buffer"
)]

use crate::json;
use criterion::measurement::WallTime;
use criterion::{BenchmarkGroup, BenchmarkId, Criterion, Throughput};
use flate2::{Compress, Compression, Decompress, FlushCompress, FlushDecompress};
use sockeye::proto::deflate::{Agreed, Compressor, Params, Policy};
use sockeye::proto::{Connection, Event, Inbound, Outbound};
use std::hint::black_box;

const SIZES: [usize; 4] = [64, 512, 4 << 10, 64 << 10];
/// Of messages that differ as those of servers do.
const SHORT: [usize; 6] = [100, 250, 500, 1_000, 2_000, 4_000];
const TAIL: [u8; 4] = [0, 0, 0xFF, 0xFF];

pub fn benches(c: &mut Criterion) {
    let mut group = c.benchmark_group("deflate");
    for size in SIZES {
        group.throughput(Throughput::Bytes(size as u64));
        let messages = messages(size);
        for (name, takeover) in [("no takeover", false), ("takeover", true)] {
            ours(&mut group, name, &messages, takeover);
        }
        flate2(&mut group, &messages);
    }
    for size in SHORT {
        group.throughput(Throughput::Bytes(size as u64));
        let messages = json::messages(size, 16);
        let id = |what: &str| BenchmarkId::new(format!("deflate short, {what}"), size);
        group.bench_function(id("no takeover"), |b| {
            let mut sender = Sender::new(false);
            let mut next = messages.iter().cycle();
            b.iter(|| sender.send(next.next().expect("there are some")).len());
        });
        group.bench_function(id("flate2 with reset"), |b| {
            let mut library = Library::new(size);
            let mut next = messages.iter().cycle();
            b.iter(|| library.compress(next.next().expect("there are some")).len());
        });
    }
}

fn ours(group: &mut BenchmarkGroup<'_, WallTime>, name: &str, messages: &[String], takeover: bool) {
    let size = messages[0].len();
    let id = |what: &str| BenchmarkId::new(format!("{what}, {name}"), size);
    group.bench_function(id("deflate"), |b| {
        let mut sender = Sender::new(takeover);
        let mut next = messages.iter().cycle();
        b.iter(|| sender.send(next.next().expect("there are some")).len());
    });
    group.bench_function(id("inflate"), |b| {
        let mut sender = Sender::new(takeover);
        let mut frames: Vec<_> = messages
            .iter()
            .map(|text| sender.send(text).to_vec())
            .collect();
        let mut receiver = Receiver::new(takeover);
        let mut next = (0..frames.len()).cycle();
        b.iter(|| receiver.receive(&mut frames[next.next().expect("there are some")]));
    });
    group.bench_function(id("both"), |b| {
        let (mut sender, mut receiver) = (Sender::new(takeover), Receiver::new(takeover));
        let mut next = messages.iter().cycle();
        b.iter(|| receiver.receive(sender.send(next.next().expect("there are some"))));
    });
}

fn flate2(group: &mut BenchmarkGroup<'_, WallTime>, messages: &[String]) {
    let size = messages[0].len();
    let id = |what: &str| BenchmarkId::new(format!("{what}, flate2 with reset"), size);
    group.bench_function(id("deflate"), |b| {
        let mut library = Library::new(size);
        let mut next = messages.iter().cycle();
        b.iter(|| library.compress(next.next().expect("there are some")).len());
    });
    group.bench_function(id("inflate"), |b| {
        let mut library = Library::new(size);
        let payloads: Vec<_> = messages
            .iter()
            .map(|text| library.compress(text).to_vec())
            .collect();
        let mut next = payloads.iter().cycle();
        b.iter(|| library.inflate(next.next().expect("there are some")));
    });
    group.bench_function(id("both"), |b| {
        let mut library = Library::new(size);
        let mut next = messages.iter().cycle();
        b.iter(|| library.both(next.next().expect("there are some")));
    });
}

/// A server that sends.
struct Sender {
    conn: Connection,
    compressor: Compressor,
    wire: Vec<u8>,
}

impl Sender {
    fn new(takeover: bool) -> Self {
        let mut conn = Connection::server(Default::default());
        conn.set_deflate(agreed(takeover));
        // Short messages as well, to see what they cost.
        let policy = Policy {
            threshold: 1,
            ..Policy::default()
        };
        Self {
            conn,
            compressor: Compressor::new(&policy),
            wire: Vec::new(),
        }
    }

    fn send(&mut self, text: &str) -> &mut [u8] {
        self.wire.clear();
        let out = &mut Outbound::server(&mut self.wire).deflate(&mut self.compressor);
        assert_eq!(self.conn.tx.text(text, out), Ok(()));
        &mut self.wire
    }
}

/// The client that it sends to.
struct Receiver {
    conn: Connection,
    inbound: Inbound,
}

impl Receiver {
    fn new(takeover: bool) -> Self {
        let mut conn = Connection::client(Default::default());
        conn.set_deflate(agreed(takeover));
        Self {
            conn,
            inbound: Inbound::new(),
        }
    }

    fn receive(&mut self, frame: &mut [u8]) -> usize {
        let mut keys = || [0; 4];
        let out = &mut Outbound::client(Vec::new(), &mut keys);
        let (rx, tx) = (&mut self.conn.rx, &mut self.conn.tx);
        match rx
            .next(frame, &mut self.inbound, tx, out)
            .map(|step| step.event)
        {
            Ok(Some(Event::Text(text))) => black_box(text).len(),
            other => panic!("{other:?}"),
        }
    }
}

fn agreed(takeover: bool) -> Agreed {
    Params {
        server_no_context_takeover: !takeover,
        client_no_context_takeover: !takeover,
        ..Params::default()
    }
    .agreed()
}

/// The library alone, at the same level.
struct Library {
    compress: Compress,
    decompress: Decompress,
    wire: Vec<u8>,
    text: Vec<u8>,
}

impl Library {
    fn new(size: usize) -> Self {
        let level = Compression::new(u32::from(Policy::default().level));
        Self {
            compress: Compress::new(level, false),
            decompress: Decompress::new(false),
            wire: vec![0; size * 2 + 64],
            text: vec![0; size + 64],
        }
    }

    fn compress(&mut self, text: &str) -> &[u8] {
        let len = self.compress_once(text);
        &self.wire[..len]
    }

    fn compress_once(&mut self, text: &str) -> usize {
        self.compress.reset();
        let (data, sync) = (text.as_bytes(), FlushCompress::Sync);
        let status = self.compress.compress(data, &mut self.wire, sync);
        assert_eq!(status.ok(), Some(flate2::Status::Ok));
        self.compress.total_out() as usize - TAIL.len()
    }

    fn inflate(&mut self, payload: &[u8]) -> usize {
        inflate_once(&mut self.decompress, payload, &mut self.text)
    }

    fn both(&mut self, text: &str) -> usize {
        let len = self.compress_once(text);
        inflate_once(&mut self.decompress, &self.wire[..len], &mut self.text)
    }
}

fn inflate_once(decompress: &mut Decompress, payload: &[u8], text: &mut [u8]) -> usize {
    decompress.reset(false);
    for piece in [payload, &TAIL] {
        let at = decompress.total_out() as usize;
        let status = decompress.decompress(piece, &mut text[at..], FlushDecompress::Sync);
        assert_eq!(status.ok(), Some(flate2::Status::Ok));
    }
    black_box(&text[..decompress.total_out() as usize]).len()
}

/// Quotes as a feed sends them: 64 different ones, or as many as 1 MiB holds.
fn messages(size: usize) -> Vec<String> {
    let mut seed = 12_345_u32;
    let mut random = |below: u32| {
        seed = seed.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (seed >> 8) % below
    };
    let count = ((1 << 20) / size).clamp(8, 64);
    let message = |_| {
        let mut text = String::from("[");
        while text.len() < size {
            let symbol = ["ALFA", "BRVO", "CHRL", "DLTA"][random(4) as usize];
            let side = ["buy", "sell"][random(2) as usize];
            let (price, cents, volume) = (random(1000), random(100), random(100_000));
            let time = random(100_000_000);
            text += &format!(
                "{{\"symbol\":\"{symbol}\",\"price\":{price}.{cents:02},\"volume\":{volume},\
                \"side\":\"{side}\",\"time\":17{time:08}}},"
            );
        }
        text.truncate(size);
        text
    };
    (0..count).map(message).collect()
}
