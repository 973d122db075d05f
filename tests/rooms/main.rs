//! Rooms, on the simulated kernel: each behaviour by itself, and all of them at once under random operations, against a
//! model that is nothing but lists.
//!
//! `SOCKEYE_ROOMS=long` has the random operations go on for more than a million. `SOCKEYE_ROOMS_SEED=n` runs one episode.
//!
//! Not here: what rooms cost, which is `tests/deflate_memory` and `benches/versus`; threads, which are `tests/loom`.
#![allow(unsafe_code, reason = "an allocator can only be wrapped so")]
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

#[path = "../support/counting.rs"]
mod counting;
#[path = "../server/deflating.rs"]
#[allow(dead_code, reason = "the server's tests use the rest")]
mod deflating;
#[path = "../support/frames.rs"]
mod frames;
#[path = "../server/harness.rs"]
#[allow(dead_code, reason = "the server's tests use the rest")]
mod harness;
#[path = "../support/sim/mod.rs"]
mod sim;
#[path = "../support/strict_inflate.rs"]
mod strict_inflate;

mod actor;
mod closing;
mod dice;
mod episode;
mod judge;
mod loops;
mod membership;
mod model;
mod player;
mod random;
mod slow;
mod stage;
mod telling;
