//! Fault injection: whatever call of the kernel comes to something else than it was to, what `judge` says holds.
//!
//! Plain `cargo test` plays a share of all; `SOCKEYE_KTH=long` plays each call with each of its faults, and says how many
//! runs that were. `SOCKEYE_KTH=long,name` does so with the scenarios whose names begin so.
//!
//! Not here: what the loop answers to a fault in detail; that is `tests/server` and `tests/client`. The real kernel; that is
//! `tests/faults`.
#![allow(unsafe_code, reason = "the allocator that counts")]
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

#[cfg(all(feature = "client", feature = "tls"))]
#[path = "../tls/certs.rs"]
mod certs;
#[path = "../support/counting.rs"]
mod counting;
#[path = "../server/deflating.rs"]
#[allow(dead_code, reason = "the server's tests use the rest")]
mod deflating;
#[path = "../support/frames.rs"]
mod frames;
#[path = "../server/harness.rs"]
#[allow(dead_code, reason = "the server's tests use the rest")]
mod harness;
#[path = "../support/sim/mod.rs"]
mod sim;
#[path = "../support/strict_inflate.rs"]
mod strict_inflate;

mod book;
mod judge;
mod menu;
mod peer;
mod scenarios;
mod stage;
mod sweep;
mod wire;
mod witness;

use std::time::Instant;
use sweep::{calm, roll, sweep};

/// Runs of each scenario in plain `cargo test`, about.
const SHARE: usize = 150;
/// Runs by dice: a share, and all.
const ROLLS: [u64; 2] = [60, 4_000];

/// Whether all is to be played, and of which scenarios.
fn wanted() -> (bool, String) {
    let wanted = std::env::var("SOCKEYE_KTH").unwrap_or_default();
    match wanted.split_once(',') {
        Some((long, name)) => (long == "long", name.to_owned()),
        None => (wanted == "long", String::new()),
    }
}

#[test]
fn whichever_call_fails_and_however_the_laws_hold() {
    let (is_long, prefix) = wanted();
    let mut total = 0;
    let wanted = |name: &str| name.starts_with(&prefix);
    for (number, scenario) in scenarios::all().into_iter().enumerate() {
        if !wanted(scenario.name) {
            continue;
        }
        let begin = Instant::now();
        let (_, calls) = calm(scenario);
        let all: usize = calls.iter().map(|&call| menu::faults_of(call).len()).sum();
        let stride = if is_long { 1 } else { all.div_ceil(SHARE) };
        let runs = sweep(scenario, stride, number);
        total += runs;
        let (name, span) = (scenario.name, begin.elapsed());
        println!(
            "{name:24} {:4} calls {runs:6} runs {span:8.1?}",
            calls.len()
        );
    }
    println!("{total} runs of (scenario, call, fault), 0 breaks");
    assert!(total > 100_000 || !is_long || !prefix.is_empty(), "{total}");
}

#[test]
fn many_faults_at_once_break_no_law_either() {
    let (is_long, prefix) = wanted();
    let rolls = ROLLS[usize::from(is_long)];
    let mut total = 0;
    for scenario in scenarios::all() {
        if scenario.name.starts_with(&prefix) {
            let (calm, _) = calm(scenario);
            (0..rolls).for_each(|seed| roll(scenario, &calm, seed));
            total += rolls;
        }
    }
    println!("{total} runs by dice, 0 breaks");
}
