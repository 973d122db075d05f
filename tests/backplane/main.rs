//! Rooms that several servers share, over brokers that are really there: `redis-server` and `nats-server` are started on free
//! ports, and stopped. Where one of them is not installed, its tests say so and do nothing; with `SOCKEYE_BROKERS=all` that
//! is a failure.
//!
//! `SOCKEYE_BACKPLANE=long cargo test --release --test backplane -- --nocapture` takes minutes.
#![allow(unreachable_pub, reason = "what is shared between tests is all `pub`")]
#![allow(
    clippy::std_instead_of_alloc,
    clippy::std_instead_of_core,
    clippy::cast_possible_truncation,
    reason = "tests have std, and make bytes of numbers on purpose"
)]

mod broker;
mod cluster;
mod crowd;
#[path = "../support/frames.rs"]
mod frames;
mod model;
mod nodes;
#[cfg(feature = "cli")]
mod program;
#[cfg(feature = "json")]
mod resume;
mod trouble;

use std::time::{Duration, Instant};

/// However slow the machine: a test that waits longer has failed.
pub const PATIENCE: Duration = Duration::from_secs(60);

/// Looks again and again, until there is something.
pub fn until<R>(what: &str, mut look: impl FnMut() -> Option<R>) -> R {
    let begin = Instant::now();
    loop {
        if let Some(found) = look() {
            return found;
        }
        assert!(begin.elapsed() < PATIENCE, "waited in vain: {what}");
        // What takes longer has to have something to run on.
        if begin.elapsed() < Duration::from_millis(1) {
            std::thread::yield_now();
        } else {
            std::thread::park_timeout(Duration::from_millis(1));
        }
    }
}

/// Numbers that look random, and are the same each time.
#[derive(Debug)]
pub struct Dice(u64);

impl Dice {
    /// The same for the same seed.
    #[must_use]
    pub const fn new(seed: u64) -> Self {
        Self(seed ^ 0x9E37_79B9_7F4A_7C15)
    }

    /// One of the numbers below `end`.
    pub fn below(&mut self, end: usize) -> usize {
        // SplitMix64.
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        ((mixed ^ (mixed >> 31)) % end as u64) as usize
    }
}
