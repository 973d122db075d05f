//! Nothing is lost, told twice or told out of order, and what is dropped is counted: two loops that share an exchange, on
//! real sockets, with rooms of every policy, members that stop reading now and then, and publishers on both loops and on
//! another thread.
//!
//! Every message says who wrote it, for which room, and which one it is. Members that keep up are told everything. What
//! the others have missed, room by room, is what the room says that it has dropped; and who is closed for reading too
//! slowly was told everything up to there.
//!
//! `SOCKEYE_INTEGRITY=long cargo test --release --test integrity -- --nocapture` makes it 10^8 deliveries, any number the
//! number of them.
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

mod member;
mod rounds;
mod said;
mod servers;
mod verdict;

use std::time::Duration;

/// However slow the machine: a test that waits longer has failed.
pub const PATIENCE: Duration = Duration::from_secs(60);

#[test]
fn nothing_is_lost_repeated_or_reordered_and_drops_are_counted() {
    let deliveries = match std::env::var("SOCKEYE_INTEGRITY").as_deref() {
        Err(_) => 3_000_000,
        Ok("long") => 100_000_000,
        Ok(number) => number.parse().expect("`long`, or a number"),
    };
    let servers = servers::Servers::start();
    let mut run = rounds::Run::start(&servers);
    run.until(deliveries);
    run.end();
    let stats = servers.stats();
    let verdict = verdict::Verdict::of(&run, &stats);
    drop(run);
    assert_eq!(servers.stop(), verdict.closed);
    println!("{verdict}");
    // A run in which nobody had to wait would show nothing.
    assert!(verdict.is_worth_something(), "{verdict}");
}
