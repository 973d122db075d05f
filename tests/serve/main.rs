//! `sockeye serve` as its users meet it: pages, samples, options, the log. Names begin with what they show: B rows are the
//! behaviours of the systems and texts that the samples are made after.
//!
//! Nothing here sleeps: every wait is for something that comes.
//!
//! Not here: what an application can do, which is `tests/app`; how the program's servers start, hand over and speak TLS,
//! which is the same for all of them, and in `tests/loopback`, `tests/listening` and `tests/tls`.
#![cfg(target_os = "linux")]
#![forbid(unsafe_code)]
#![allow(unreachable_pub, reason = "what is shared between tests is all `pub`")]
#![allow(
    clippy::std_instead_of_alloc,
    clippy::std_instead_of_core,
    clippy::cast_possible_truncation,
    reason = "tests have std, and make bytes of numbers on purpose"
)]

#[path = "../support/frames.rs"]
mod frames;

mod channels;
mod chat;
mod limits;
mod log;
mod options;
mod pages;
mod samples;
mod world;

use std::time::Duration;

/// However slow the machine: a test that waits longer has failed.
pub const PATIENCE: Duration = Duration::from_secs(30);
