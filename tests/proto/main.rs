//! The sans-IO core, by behaviour.
#![allow(
    clippy::unwrap_used,
    clippy::std_instead_of_core,
    clippy::std_instead_of_alloc
)]

#[cfg(feature = "deflate")]
#[path = "../support/compressing.rs"]
mod compressing;
#[cfg(feature = "deflate")]
#[path = "../support/deflate_attacks.rs"]
mod deflate_attacks;
#[cfg(feature = "deflate")]
#[path = "../support/deflate_bits.rs"]
mod deflate_bits;
#[cfg(feature = "deflate")]
#[path = "../support/json.rs"]
mod json;
#[cfg(feature = "deflate")]
#[path = "../support/miniz.rs"]
mod miniz;
#[path = "../support/pair.rs"]
mod pair;
#[path = "../support/replay.rs"]
mod replay;
#[path = "../../src/bin/sockeye/attack/rows.rs"]
mod rows;
#[cfg(feature = "deflate")]
#[path = "../support/strict_inflate.rs"]
mod strict_inflate;
#[path = "../support/wire.rs"]
mod wire;

/// Exhaustive loops go in steps of this size: by one, except under Miri, which is thousands of times slower. There they
/// show that what runs is sound, not that all of it is right.
const STRIDE: usize = if cfg!(miri) { 61 } else { 1 };

mod chunking;
mod closing;
mod codes;
mod conversations;
#[cfg(feature = "deflate")]
mod deflate_ending;
#[cfg(feature = "deflate")]
mod deflate_hostile;
#[cfg(feature = "deflate")]
mod deflate_linear;
#[cfg(feature = "deflate")]
mod deflate_prepared;
#[cfg(feature = "deflate")]
mod deflate_rows;
#[cfg(feature = "deflate")]
mod deflate_sending;
#[cfg(feature = "deflate")]
mod deflate_short;
#[cfg(feature = "deflate")]
mod deflate_windows;
mod headers;
mod laws;
mod mask;
mod random;
mod texts;
mod utf8;
mod waiting;
