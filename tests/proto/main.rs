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
