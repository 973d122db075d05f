//! What hostile peers try on a server with rooms, on the simulated kernel. `tests/attacks.md` lists the attacks by id, and
//! says which test is about which; here the id stands before each test.
//!
//! Work is counted in turns, calls and allocations, never in time.
#![allow(
    unsafe_code,
    reason = "an allocator that counts is one, and cannot be written otherwise"
)]
#![allow(
    unreachable_pub,
    reason = "what is shared between modules is all `pub`"
)]
#![allow(
    clippy::std_instead_of_alloc,
    clippy::std_instead_of_core,
    clippy::cast_possible_truncation,
    clippy::unwrap_used,
    reason = "tests have std, and make bytes of numbers on purpose"
)]

#[path = "../support/counting.rs"]
mod counting;
#[path = "../support/frames.rs"]
mod frames;
#[path = "../support/sim/mod.rs"]
mod sim;

mod calls;
mod churn;
mod crowds;
mod faults;
mod harness;
mod names;
mod slow;
mod table;
mod threads;
