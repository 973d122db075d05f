//! Where the program's connections come from: Unix sockets, sockets that it inherits or takes over, and proxies.
//!
//! `SOCKEYE_RESTARTS=long` has ten hot restarts under 1 000 connections a second, rather than three under 200.
//!
//! Not here: reading PROXY headers and answering them, which is `tests/server`; handing sockets over within a process,
//! which the library's own tests do.
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

mod client;
mod inherited;
mod kernel;
mod places;
mod program;
mod proxies;
mod restarts;
mod storm;

use std::time::Duration;

/// However slow the machine: a test that waits longer has failed.
pub const PATIENCE: Duration = Duration::from_secs(60);
