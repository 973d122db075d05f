//! The client: what it is told and what follows from it, and its loop on a simulated kernel, without a socket and without
//! waiting.
#![forbid(unsafe_code)]
#![allow(
    unreachable_pub,
    reason = "what is shared between modules is all `pub`"
)]
#![allow(
    clippy::unwrap_used,
    reason = "a test that unwraps a fault fails, as it should"
)]
#![allow(
    clippy::std_instead_of_alloc,
    clippy::std_instead_of_core,
    clippy::cast_possible_truncation,
    reason = "tests have std, and make bytes of numbers on purpose"
)]

#[path = "../support/frames.rs"]
mod frames;
#[path = "../handshake/rows.rs"]
#[allow(dead_code, reason = "extensions are read by the core's tests alone")]
mod rows;
#[path = "../support/sim/mod.rs"]
mod sim;

mod any_race;
mod any_server;
mod both_ways;
mod dialing;
mod ending;
mod faults;
mod harness;
mod links;
mod opening;
mod proxied;
mod proxy;
mod refusals;
mod requests;
mod resuming;
mod stopping;
mod town;
mod unlinking;
mod url;
mod valves;
mod waiting;
