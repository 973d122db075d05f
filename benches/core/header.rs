//! Frame headers, bytes to value and back, in every length class.

use crate::streams::{KEY, rules};
use criterion::{BenchmarkId, Criterion, Throughput};
use sockeye::proto::frame::{Header, Opcode, Role, Status};
use std::hint::black_box;

/// Lengths of the three classes: 7, 16 and 64 bits.
const CLASSES: [u64; 3] = [20, 1 << 10, 1 << 20];

const MIXED: usize = 1024;

pub fn benches(c: &mut Criterion) {
    let mut group = c.benchmark_group("header");
    for (role, mask, who) in [
        (Role::Server, Some(KEY), "masked"),
        (Role::Client, None, "unmasked"),
    ] {
        let rules = rules(role);
        let header = |len| Header {
            mask,
            ..Header::new(Opcode::Binary, len)
        };
        for len in CLASSES {
            let header = header(len);
            let bytes = header.encode();
            let bytes = bytes.as_slice();
            group.throughput(Throughput::ElementsAndBytes {
                elements: 1,
                bytes: bytes.len() as u64,
            });
            group.bench_function(BenchmarkId::new(format!("decode {who}"), len), |b| {
                b.iter(|| Header::decode(black_box(bytes), &rules));
            });
            group.bench_function(BenchmarkId::new(format!("encode {who}"), len), |b| {
                b.iter(|| black_box(header).encode());
            });
        }

        // The same header each time is easy to predict; these come in an order that is not.
        let headers: Vec<_> = classes().map(|class| header(CLASSES[class])).collect();
        let bytes = concatenated(&headers);
        group.throughput(Throughput::ElementsAndBytes {
            elements: MIXED as u64,
            bytes: bytes.len() as u64,
        });
        group.bench_function(BenchmarkId::new(format!("decode {who}"), "mixed"), |b| {
            b.iter(|| {
                let mut at = 0;
                while let Ok(Status::Complete((header, len))) =
                    Header::decode(black_box(&bytes[at..]), &rules)
                {
                    black_box(header);
                    at += len;
                }
                assert_eq!(at, bytes.len());
            });
        });
        group.bench_function(BenchmarkId::new(format!("encode {who}"), "mixed"), |b| {
            b.iter(|| {
                for header in &headers {
                    black_box(black_box(*header).encode());
                }
            });
        });
    }
}

fn concatenated(headers: &[Header]) -> Vec<u8> {
    let mut bytes = Vec::new();
    for header in headers {
        bytes.extend_from_slice(header.encode().as_slice());
    }
    bytes
}

/// Length classes without a pattern, the same each time.
fn classes() -> impl Iterator<Item = usize> {
    // A linear congruential generator; its high bits are good.
    let states = std::iter::successors(Some(1_u32), |state| {
        Some(state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223))
    });
    states
        .take(MIXED)
        .map(|state| (state >> 24) as usize % CLASSES.len())
}
