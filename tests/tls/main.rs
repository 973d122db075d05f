//! TLS: the server on a simulated kernel, where a test decides how records are cut, and both sides over loopback.
//!
//! Certificates are made when they are needed, so that none runs out.
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

#[path = "../support/frames.rs"]
mod frames;
#[path = "../support/sim/mod.rs"]
mod sim;

mod carrying;
mod certs;
mod crowd;
mod forger;
mod harness;
mod hostile;
mod loopback;
mod opening;
#[cfg(feature = "cli")]
mod program;
mod proxied;
mod recorder;
mod trust;
