//! Payload to text: the standard library's check beside the core's; unmasking and judging it beside unmasking alone, and
//! beside unmasking and then simdutf8.
//!
//! The bytes lie as payload does: behind a masked header of six or more bytes, and so seldom aligned.

use crate::drive::{connection, feed, key, outbound};
use crate::utf8::text;
use criterion::{BenchmarkId, Criterion, Throughput};
use sockeye::proto::Event;
use sockeye::proto::frame::{Header, Opcode, Role, mask};
use sockeye::proto::utf8::Validator;
use std::hint::black_box;
use std::str::from_utf8;

const SIZES: [usize; 3] = [20, 1 << 10, 64 << 10];

const TEXTS: [(&str, &str); 2] = [
    ("ASCII", "The salmon returns in the year of the long rain. "),
    ("mixed", "Der Lachs kömmt zurück, λοσος, 紅鮭 🐟: "),
];

/// So many bytes stand in front of the payload where it is only checked.
const BEFORE: usize = 6;

pub fn benches(c: &mut Criterion) {
    let mut group = c.benchmark_group("text");
    for (name, words) in TEXTS {
        for len in SIZES {
            let text = text(words, len);
            let behind_a_header = [&[0; BEFORE], text.as_bytes()].concat();
            let payload = &behind_a_header[BEFORE..];
            group.throughput(Throughput::Bytes(payload.len() as u64));
            group.bench_function(BenchmarkId::new(format!("{name}, from_utf8"), len), |b| {
                b.iter(|| from_utf8(black_box(payload)).is_ok());
            });
            group.bench_function(BenchmarkId::new(format!("{name}, Validator"), len), |b| {
                b.iter(|| Validator::default().check(black_box(payload)).is_ok());
            });
            // As if it came with a key of zeroes, so that it stays the same text.
            let mut masked = behind_a_header.clone();
            group.bench_function(BenchmarkId::new(format!("{name}, unmask"), len), |b| {
                b.iter(|| mask::apply(black_box([0; 4]), 0, black_box(&mut masked[BEFORE..])));
            });
            let id = BenchmarkId::new(format!("{name}, unmask and simdutf8"), len);
            group.bench_function(id, |b| {
                b.iter(|| {
                    let payload = black_box(&mut masked[BEFORE..]);
                    mask::apply(black_box([0; 4]), 0, payload);
                    simdutf8::basic::from_utf8(payload).is_ok()
                });
            });
            let head = Header {
                mask: Some([0; 4]),
                ..Header::new(Opcode::Text, text.len() as u64)
            };
            let mut frame = [head.encode().as_slice(), text.as_bytes()].concat();
            let id = BenchmarkId::new(format!("{name}, masked, Receiver"), len);
            group.bench_function(id, |b| {
                let mut keys = key;
                let mut out = outbound(Role::Server, &mut keys);
                let mut conn = connection(Role::Server);
                b.iter(|| {
                    feed(&mut conn, black_box(&mut frame), &mut out, |event, _, _| {
                        black_box(event);
                    });
                });
            });
            group.bench_function(BenchmarkId::new(format!("{name}, Receiver"), len), |b| {
                // A client's, so that nothing has to be unmasked: what is left is a header and the text.
                let mut keys = key;
                let mut out = outbound(Role::Client, &mut keys);
                let mut conn = connection(Role::Client);
                let head = Header::new(Opcode::Text, text.len() as u64).encode();
                let mut frame = [head.as_slice(), text.as_bytes()].concat();
                b.iter(|| {
                    let mut heard = 0;
                    feed(&mut conn, &mut frame, &mut out, |event, _, _| {
                        if let Event::Text(text) = event {
                            heard += black_box(text).len();
                        }
                    });
                    assert_eq!(heard, text.len());
                });
            });
        }
    }
}
