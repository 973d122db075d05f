//! The core's costs, in memory: `cargo bench`. What the numbers mean and do not mean: `benches/README.md`.
#![forbid(unsafe_code)]
#![allow(
    unreachable_pub,
    reason = "what is shared between benchmarks is all `pub`"
)]
#![allow(missing_docs)]

#[cfg(feature = "deflate")]
mod compressed;
#[cfg(feature = "deflate")]
mod deflate;
mod drive;
mod echo;
mod header;
#[cfg(feature = "deflate")]
#[path = "../../tests/support/json.rs"]
mod json;
mod mask;
mod receiver;
mod ring;
mod streams;
mod text;
mod utf8;

use criterion::{Criterion, criterion_group, criterion_main};
use std::time::Duration;

/// Short runs: there are many benchmarks, and their differences matter more than their last digits.
fn config() -> Criterion {
    Criterion::default()
        .warm_up_time(Duration::from_millis(300))
        .measurement_time(Duration::from_secs(1))
        .sample_size(50)
}

#[cfg(feature = "deflate")]
use deflate::benches as deflate_benches;
#[cfg(not(feature = "deflate"))]
const fn deflate_benches(_: &mut Criterion) {}

criterion_group! {
    name = benches;
    config = config();
    targets = header::benches, mask::benches, utf8::benches, text::benches, receiver::benches, echo::benches,
        deflate_benches
}
criterion_main!(benches);
