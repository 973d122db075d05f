//! Applications on the simulated kernel: routes, gates, services and their lives.
//!
//! Not here: rows of the systems that they are modelled on, which are `tests/seeds`; the program, which is
//! `tests/program`.
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

#[path = "../support/frames.rs"]
mod frames;
#[path = "../server/harness.rs"]
#[allow(dead_code, reason = "the server's tests use the rest")]
mod harness;
#[path = "../support/sim/mod.rs"]
mod sim;

#[cfg(feature = "admin")]
mod admin;
mod commands;
mod company;
mod formats;
mod gates;
#[cfg(feature = "metrics")]
mod labels;
mod limits;
mod lives;
mod logged;
mod online;
mod pages;
mod rooms;
mod table;
mod watching;
mod world;
