//! Masking, in place and into another buffer, from every offset into the key, beside a copy of as many bytes.

use crate::ring::Ring;
use crate::streams::KEY;
use criterion::{BenchmarkId, Criterion, Throughput};
use sockeye::proto::frame::mask;
use std::hint::black_box;

const SIZES: [usize; 7] = [1, 7, 20, 125, 1 << 10, 16 << 10, 64 << 10];

/// The sizes that are measured on cold buffers as well.
const LARGE: usize = 64 << 10;

pub fn benches(c: &mut Criterion) {
    let mut group = c.benchmark_group("mask");
    for len in SIZES {
        let plain = vec![b'a'; len];
        group.throughput(Throughput::Bytes(len as u64));
        let (mut from, mut to) = (Ring::hot(&plain), Ring::hot(&plain));
        group.bench_function(BenchmarkId::new("memcpy", len), |b| {
            b.iter(|| black_box(to.turn()).copy_from_slice(black_box(from.turn())));
        });
        for offset in 0..4 {
            let shape = format!("{len}+{offset}");
            let mut bench = |heat: &str, ring: fn(&[u8]) -> Ring| {
                let mut buffers = ring(&plain);
                let id = BenchmarkId::new(format!("in place{heat}"), &shape);
                group.bench_function(id, |b| {
                    b.iter(|| mask::apply(KEY, black_box(offset), black_box(buffers.turn())));
                });
                let mut out = Vec::with_capacity(len);
                let id = BenchmarkId::new(format!("copying{heat}"), &shape);
                group.bench_function(id, |b| {
                    b.iter(|| {
                        out.clear();
                        let key = mask::rotate(KEY, black_box(offset));
                        mask::append(key, black_box(buffers.turn()), &mut out);
                        black_box(&mut out);
                    });
                });
            };
            bench("", Ring::hot);
            if len >= LARGE {
                bench(" cold", Ring::cold);
            }
        }
    }
}
