//! The whole core: frames in, answers out.

use crate::drive::{connection, feed, key, outbound, throughput};
use crate::receiver::SHAPES;
use crate::ring::Ring;
use crate::streams::Stream;
use criterion::{BenchmarkId, Criterion};
use sockeye::proto::Event;
use sockeye::proto::frame::{Opcode, Role};

pub fn benches(c: &mut Criterion) {
    let mut group = c.benchmark_group("echo");
    for role in [Role::Server, Role::Client] {
        for opcode in [Opcode::Text, Opcode::Binary] {
            for (len, count) in SHAPES {
                let stream = Stream::of_messages(role, opcode, len, count);
                group.throughput(throughput(&stream));
                let id = BenchmarkId::new(format!("{role:?} {opcode:?}"), format!("{count}x{len}"));
                group.bench_function(id, |b| {
                    let mut keys = key;
                    let mut out = outbound(role, &mut keys);
                    let mut conn = connection(role);
                    let mut ring = Ring::hot(&stream.bytes);
                    b.iter(|| {
                        out.sink.clear();
                        feed(&mut conn, ring.turn(), &mut out, |event, tx, out| {
                            let sent = match event {
                                Event::Text(text) => tx.text(text, out),
                                Event::Binary(data) => tx.binary(data, out),
                                _ => Ok(()),
                            };
                            assert_eq!(sent, Ok(()));
                        })
                    });
                });
            }
        }
    }
}
