//! The sans-IO core, by behaviour.
#![allow(
    clippy::unwrap_used,
    clippy::std_instead_of_core,
    clippy::std_instead_of_alloc
)]

#[path = "../support/pair.rs"]
mod pair;
#[path = "../support/replay.rs"]
mod replay;
#[path = "../support/rows.rs"]
mod rows;
#[path = "../support/wire.rs"]
mod wire;

/// Exhaustive loops go in steps of this size: by one, except under Miri, which is thousands of times slower. There they
/// show that what runs is sound, not that all of it is right.
const STRIDE: usize = if cfg!(miri) { 61 } else { 1 };

mod chunking;
mod closing;
mod codes;
mod conversations;
mod headers;
mod laws;
mod mask;
mod random;
mod texts;
mod utf8;
