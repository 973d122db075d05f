//! The server and the program on real sockets. Nothing here sleeps: every wait is for something that comes.
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
#[path = "../support/strict_inflate.rs"]
mod strict_inflate;

mod blocking;
mod client;
mod examples;
mod library;
mod program;

use std::time::Duration;

/// However slow the machine: a test that waits longer has failed.
pub const PATIENCE: Duration = Duration::from_secs(30);
