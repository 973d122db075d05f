//! The server and the program on the real kernel when things go wrong: connections end in every way there is, and
//! descriptors run out. What was taken is given back, and nobody else is disturbed.
//!
//! `SOCKEYE_FAULTS=long` has each way of ending taken by every connection, rather than by its share of them;
//! `SOCKEYE_CHURN=1000000` has a million of them.
//!
//! Not here: the order of events inside the loop, which the simulated kernel decides in `tests/server`.
#![cfg(target_os = "linux")]
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
#[path = "../support/frames.rs"]
mod frames;

mod client;
mod descriptors;
mod endings;
mod goodbyes;
mod program;
mod serve;
mod ways;

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// However slow the machine: a test that waits longer has failed.
pub const PATIENCE: Duration = Duration::from_secs(60);

/// Descriptors are the process's: the tests of this process that count or take them run one at a time.
fn alone() -> MutexGuard<'static, ()> {
    static ALONE: Mutex<()> = Mutex::new(());
    ALONE.lock().unwrap_or_else(PoisonError::into_inner)
}

/// How many descriptors this process has open. The one that counts them is among them, always.
fn descriptors() -> usize {
    let list = std::fs::read_dir("/proc/self/fd").expect("there is /proc");
    list.count()
}

/// Allows this process that many descriptors, where it may have them.
fn allow_descriptors(count: u64) {
    let Rlimit { current, maximum } = getrlimit(Resource::Nofile);
    assert!(
        maximum.is_none_or(|maximum| maximum >= count),
        "this test needs {count} descriptors, and the hard limit is {maximum:?}: raise it with `ulimit -Hn`"
    );
    if current.is_some_and(|current| current < count) {
        let current = Some(count);
        setrlimit(Resource::Nofile, Rlimit { current, maximum }).expect("below the hard limit");
    }
}
