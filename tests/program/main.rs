//! `sockeye connect` and `sockeye bench` as their users meet them: in a terminal, and in a pipe.
//!
//! Nothing here sleeps: every wait is for something that comes.
//!
//! Not here: `echo` and `broadcast`, which are `tests/loopback`'s.
#![cfg(target_os = "linux")]
#![forbid(unsafe_code)]
#![allow(unreachable_pub, reason = "what is shared between tests is all `pub`")]
#![allow(
    clippy::std_instead_of_alloc,
    clippy::std_instead_of_core,
    reason = "tests have std"
)]

mod bench;
#[path = "../support/held.rs"]
mod held;
mod pipe;
mod running;
mod server;
mod terminal;
mod tls;

use std::time::Duration;

/// However slow the machine: a test that waits longer has failed.
pub const PATIENCE: Duration = Duration::from_secs(30);
