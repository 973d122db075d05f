//! Connections that come, shake hands, talk and end in seven ways, again and again, on the simulated kernel: what is held
//! of them at the end is nothing, to the byte.
//!
//! `SOCKEYE_CHURN=1000000` has a million of them. The loop keeps lists and buffers to use them again, and rooms what they
//! know of each place; all that is bounded by how many are there at once, so it is the same after a hundred rounds and
//! after fourteen thousand.
//!
//! Not here: the real kernel's descriptors, which `tests/faults` counts over as many; TLS.
#![allow(
    unsafe_code,
    reason = "an allocator that counts is one, and cannot be written otherwise"
)]
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
#[path = "../support/sim/mod.rs"]
mod sim;

mod hall;
mod talk;
mod ways;

use hall::Hall;
use std::env;
use std::io::{self, Write as _};
use talk::Talk;
use ways::{Ends, Way};

/// Connections at a time: ten for each way to end, and twice each for each kind of talk.
const CROWD: usize = 70;
/// Which talk goes with which way to end is the same again after so many rounds.
const PERIOD: usize = Talk::ALL.len();

/// After so many the lists and buffers are as long as they will be.
const WARM: usize = 10_000;
const CONNECTIONS: usize = 20_000;

/// How many connections there are to be, in whole periods.
fn periods(connections: usize) -> usize {
    connections.div_ceil(CROWD * PERIOD)
}

fn asked_for() -> usize {
    let asked = env::var("SOCKEYE_CHURN").ok();
    asked.map_or(CONNECTIONS, |count| {
        count.parse().expect("SOCKEYE_CHURN is a number")
    })
}

#[test]
fn lives_that_are_over_leave_the_heap_as_it_was() {
    let connections = asked_for().max(2 * WARM);
    let before = counting::held();
    let mut hall = Hall::new();
    let empty = counting::held();
    let mut expected = Ends::default();
    let mut heaps = Vec::with_capacity(periods(connections));
    for period in 0..periods(connections) {
        for round in 0..PERIOD {
            live(&mut hall, round, &mut expected);
        }
        heaps.push(counting::held());
        if period % 300 == 299 {
            say((period + 1) * PERIOD * CROWD);
        }
    }
    assert_eq!(*hall.ends(), expected, "how they ended");
    let lives = expected.sum();
    assert_eq!(lives, periods(connections) * PERIOD * CROWD);
    let warm = heaps[periods(WARM) - 1];
    let last = heaps[heaps.len() - 1];
    assert_eq!(last - warm, 0, "after {WARM} and after {lives}");
    // Nor was it otherwise in between, and later better.
    assert!(heaps[periods(WARM)..].iter().all(|held| *held == warm));
    drop((hall, heaps));
    assert_eq!(counting::held(), before, "with the loop gone");
    println!(
        "{lives} connections; the loop alone {} B, after {WARM} {} B, after all {} B",
        empty - before,
        warm - before,
        last - before
    );
}

/// Says how far it is, past the harness, which would keep it on the heap.
fn say(connections: usize) {
    let _ = writeln!(io::stderr(), "{connections} connections");
}

/// A crowd comes, talks, and ends, each in one way; then time passes until no deadline of theirs is left.
fn live(hall: &mut Hall, round: usize, expected: &mut Ends) {
    let members = hall.open(CROWD);
    for (number, member) in members.iter().enumerate() {
        let talk = Talk::ALL[(number + round) % Talk::ALL.len()];
        hall.talk(number, member, talk);
    }
    hall.settle();
    members
        .iter()
        .for_each(|member| hall.assert_answered(member));
    for (number, member) in members.iter().enumerate() {
        let way = Way::ALL[number % Way::ALL.len()];
        way.take(member);
        way.count(number, expected);
    }
    hall.settle();
    for (number, member) in members.iter().enumerate() {
        Way::ALL[number % Way::ALL.len()].check(number, member, hall);
    }
    hall.forget(members);
}
