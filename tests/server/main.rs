//! The server on a simulated kernel: every deadline, fault and partial write, without a socket and without waiting.
#![forbid(unsafe_code)]
#![allow(
    unreachable_pub,
    reason = "what is shared between modules is all `pub`"
)]
#![allow(
    clippy::std_instead_of_alloc,
    clippy::std_instead_of_core,
    clippy::cast_possible_truncation,
    reason = "tests have std, and make bytes of numbers on purpose"
)]

#[path = "../support/deflate_attacks.rs"]
mod deflate_attacks;
#[path = "../support/deflate_bits.rs"]
mod deflate_bits;
#[path = "../support/frames.rs"]
mod frames;
#[path = "../support/sim/mod.rs"]
mod sim;
#[path = "../support/strict_inflate.rs"]
mod strict_inflate;

mod accepting;
mod backpressure;
mod budget;
mod budgets;
mod clock;
mod compressed_backpressure;
mod compressed_broadcasts;
mod compressed_faults;
mod compression;
mod conflating;
mod deadlines;
mod deflating;
mod draining;
mod endings;
mod fairness;
mod farewell;
mod harness;
mod last_deadlines;
mod lateness;
mod long_timeouts;
mod order;
mod panics;
mod partial_writes;
mod pausing;
mod pipelining;
mod proxied;
mod reentrancy;
mod slow_members;
mod stopping;
mod swift;
mod ticking;
