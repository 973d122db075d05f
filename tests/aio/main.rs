//! Connections for async programs.
#![allow(
    clippy::unwrap_used,
    clippy::std_instead_of_core,
    clippy::std_instead_of_alloc
)]

#[path = "../support/replay.rs"]
mod replay;
#[path = "../../src/bin/sockeye/attack/rows.rs"]
mod rows;
#[allow(dead_code, reason = "it can do more than is asked here")]
#[path = "../support/wire.rs"]
mod wire;

/// Two streams, one behind the other, in pieces of chance.
mod pipe;
/// A stream that does what it is told.
mod script;

mod deadlines;
mod given_up;
mod habits;
mod halves;
mod handshakes;
mod row_by_row;
mod stalls;
mod turns;
