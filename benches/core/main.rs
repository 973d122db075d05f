//! The core's costs, in memory: `cargo bench`. What the numbers mean and do not mean: `benches/README.md`.
#![allow(missing_docs)]

use criterion::{BatchSize, BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use sockeye::proto::frame::{Header, Opcode, Role, Rules, mask};
use sockeye::proto::utf8::Validator;
use sockeye::proto::{Config, Connection, Event, Inbound, Limits, Outbound};
use std::hint::black_box;
use std::sync::Arc;

const KEY: [u8; 4] = [0x37, 0xfa, 0x21, 0x3d];

fn header(c: &mut Criterion) {
    let rules = Rules {
        role: Role::Server,
        compression: false,
        in_message: false,
    };
    let mut group = c.benchmark_group("header");
    for len in [20, 1 << 10, 1 << 20] {
        let header = Header {
            mask: Some(KEY),
            ..Header::new(Opcode::Binary, len)
        };
        let bytes = header.encode();
        group.bench_function(BenchmarkId::new("decode", len), |b| {
            b.iter(|| Header::decode(black_box(bytes.as_slice()), &rules));
        });
        group.bench_function(BenchmarkId::new("encode", len), |b| {
            b.iter(|| black_box(header).encode());
        });
    }
}

fn kernels(c: &mut Criterion) {
    let mut group = c.benchmark_group("kernels");
    for len in [20, 1 << 10, 16 << 10] {
        group.throughput(Throughput::Bytes(len as u64));
        let mut bytes = vec![b'a'; len];
        group.bench_function(BenchmarkId::new("mask", len), |b| {
            b.iter(|| mask::apply(KEY, 0, black_box(&mut bytes)));
        });
        for (name, unit) in [("utf8 ascii", "a"), ("utf8 greek", "α")] {
            let text = unit.repeat(len / unit.len());
            group.bench_function(BenchmarkId::new(name, len), |b| {
                b.iter(|| Validator::default().check(black_box(text.as_bytes())));
            });
        }
    }
}

/// A buffer full of frames through [`Connection`], each answered: what one read costs without the read.
fn echo(c: &mut Criterion) {
    let mut group = c.benchmark_group("echo");
    let config = Arc::new({
        let mut config = Config::default();
        config.limits = Limits::with_max_message(1 << 24);
        config
    });
    for (len, count) in [(20, 256), (1 << 10, 16), (64 << 10, 1)] {
        for opcode in [Opcode::Text, Opcode::Binary] {
            let stream = frames(opcode, len, count);
            group.throughput(Throughput::Elements(count as u64));
            let id = BenchmarkId::new(format!("{opcode:?}"), format!("{count}x{len}"));
            group.bench_function(id, |b| {
                let mut conn = Connection::server(Arc::clone(&config));
                let mut out = Outbound::server(Vec::with_capacity(stream.len()));
                b.iter_batched_ref(
                    || stream.clone(),
                    |input| {
                        out.sink.clear();
                        answer_all(&mut conn, input, &mut out)
                    },
                    BatchSize::SmallInput,
                );
            });
        }
    }
}

fn answer_all(conn: &mut Connection, input: &mut [u8], out: &mut Outbound<'_, Vec<u8>>) -> usize {
    let mut inbound = Inbound::new();
    let mut at = 0;
    while let Ok(step) = conn
        .rx
        .next(&mut input[at..], &mut inbound, &mut conn.tx, out)
    {
        at += step.consumed;
        let sent = match step.event {
            Some(Event::Text(text)) => conn.tx.text(text, out),
            Some(Event::Binary(data)) => conn.tx.binary(data, out),
            Some(_) => Ok(()),
            None => break,
        };
        assert_eq!(sent, Ok(()));
    }
    at
}

fn frames(opcode: Opcode, len: usize, count: usize) -> Vec<u8> {
    let mut stream = Vec::new();
    for _ in 0..count {
        let header = Header {
            mask: Some(KEY),
            ..Header::new(opcode, len as u64)
        };
        stream.extend_from_slice(header.encode().as_slice());
        mask::append(KEY, &vec![b'a'; len], &mut stream);
    }
    stream
}

criterion_group!(benches, header, kernels, echo);
criterion_main!(benches);
