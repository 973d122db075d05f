//! The whole receiver: bytes to messages, which nobody answers. Pings are answered, as the receiver does that itself.

use crate::drive::{connection, feed, key, outbound, throughput};
use crate::ring::Ring;
use crate::streams::Stream;
use criterion::measurement::WallTime;
use criterion::{BenchmarkGroup, BenchmarkId, Criterion};
use sockeye::proto::Event;
use sockeye::proto::frame::{Opcode, Role};
use std::hint::black_box;

/// Small, medium and large messages; so many of them that one buffer holds 16 to 64 KiB.
pub const SHAPES: [(usize, u64); 3] = [(20, 640), (1 << 10, 32), (64 << 10, 1)];

/// The messages that are measured on cold buffers as well.
const LARGE: usize = 64 << 10;

const KINDS: [Opcode; 2] = [Opcode::Text, Opcode::Binary];

/// What one read brings where a stream comes in several.
const READ: usize = 16 << 10;

pub fn benches(c: &mut Criterion) {
    let mut group = c.benchmark_group("receiver");
    for role in [Role::Server, Role::Client] {
        for opcode in KINDS {
            let name = format!("{role:?} {opcode:?}");
            for (len, count) in SHAPES {
                let stream = Stream::of_messages(role, opcode, len, count);
                let shape = format!("{count}x{len}");
                at_once(&mut group, &name, &shape, &stream, len >= LARGE);
            }
            for (len, count) in [(20, 64), (1 << 10, 16), (64 << 10, 4)] {
                let stream = Stream::of_fragments(role, opcode, len, count);
                let shape = format!("{count} fragments of {len}, pings between");
                at_once(&mut group, &name, &shape, &stream, false);
            }
            for (len, count) in SHAPES {
                let stream = Stream::of_messages(role, opcode, len, count * 4);
                let shape = format!("{}x{len}", count * 4);
                in_reads(&mut group, &format!("{name} in reads"), &shape, &stream);
            }
        }
    }
}

/// A buffer that holds all of the stream: what one read costs without the read.
fn at_once(
    group: &mut BenchmarkGroup<'_, WallTime>,
    name: &str,
    shape: &str,
    stream: &Stream,
    cold_too: bool,
) {
    group.throughput(throughput(stream));
    let mut bench = |name: String, mut ring: Ring| {
        group.bench_function(BenchmarkId::new(name, shape), |b| {
            let mut keys = key;
            let mut out = outbound(stream.role, &mut keys);
            let mut conn = connection(stream.role);
            b.iter(|| {
                out.sink.clear();
                let mut seen = 0;
                let input = ring.turn();
                let consumed = feed(&mut conn, input, &mut out, |event, _, _| {
                    seen += look(event)
                });
                assert_eq!((seen, consumed), (stream.messages, stream.bytes.len()));
            });
        });
    };
    bench(name.to_owned(), Ring::hot(&stream.bytes));
    if cold_too {
        bench(format!("{name} cold"), Ring::cold(&stream.bytes));
    }
}

/// Read by read into a buffer, where the beginning of a frame waits for its end. The copy stands for the kernel's.
fn in_reads(group: &mut BenchmarkGroup<'_, WallTime>, name: &str, shape: &str, stream: &Stream) {
    group.throughput(throughput(stream));
    group.bench_function(BenchmarkId::new(name, shape), |b| {
        let mut keys = key;
        let mut out = outbound(stream.role, &mut keys);
        let mut conn = connection(stream.role);
        let mut buffer = Vec::new();
        b.iter(|| {
            out.sink.clear();
            let mut seen = 0;
            for read in stream.bytes.chunks(READ) {
                buffer.extend_from_slice(read);
                let consumed = feed(&mut conn, &mut buffer, &mut out, |event, _, _| {
                    seen += look(event)
                });
                buffer.drain(..consumed);
            }
            assert_eq!((seen, buffer.len()), (stream.messages, 0));
        });
    });
}

/// Takes an event as an application would; gives 1 for a message.
fn look(event: Event<'_>) -> u64 {
    u64::from(matches!(
        black_box(event),
        Event::Text(_) | Event::Binary(_)
    ))
}
