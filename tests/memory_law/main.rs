//! The memory law of `docs/memory.md`: what a loop holds is what its formula says, while all who can make it hold
//! something do so at once. The constants are read from the page, so that it cannot say anything else.
//!
//! Not here: that a single peer pins no more than twice what it sent, which is `tests/server_memory.rs`; TLS, whose share
//! is counted by `tests/tls_memory.rs`.
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
    clippy::cast_precision_loss,
    reason = "tests have std, make bytes of numbers on purpose, and their sizes are small"
)]

#[path = "../support/counting.rs"]
mod counting;
#[path = "../support/deflate_attacks.rs"]
mod deflate_attacks;
#[path = "../support/deflate_bits.rs"]
mod deflate_bits;
#[path = "../support/frames.rs"]
mod frames;
#[path = "../support/sim/mod.rs"]
mod sim;

mod formula;
mod hall;
mod kinds;

use formula::{Constants, Formula};
use hall::Hall;
use kinds::Kind;

/// What is held may be so much more than the formula says, or less. It is 1 % now, and places are a few bytes larger with
/// some features than with others.
const EXACT: f64 = 0.10;

/// What a loop with these peers holds, and what the formula says of them.
fn measure(kinds: &[Kind]) -> (f64, f64) {
    let mut hall = Hall::new(hall::UNBOUNDED);
    let mut formula = Formula::new(Constants::documented());
    for kind in kinds {
        kind.act(&mut hall, &mut formula);
    }
    let said = formula.bytes();
    (hall.held() as f64, said as f64)
}

#[track_caller]
fn assert_exact(kinds: &[Kind]) {
    let (held, said) = measure(kinds);
    let ratio = held / said;
    println!("{held:>12} B held, {said:>12} B by the formula, {ratio:.3} of it: {kinds:?}");
    assert!((1.0 - EXACT..=1.0 + EXACT).contains(&ratio), "{kinds:?}");
}

#[test]
fn an_idle_loop_and_idle_connections_hold_what_is_said_of_them() {
    assert_exact(&[]);
    assert_exact(&[Kind::Idle(4095)]);
    assert_exact(&[Kind::InRooms(4095)]);
}

#[test]
fn each_kind_alone_makes_it_hold_what_is_said_of_it() {
    for kind in Kind::ALL {
        assert_exact(&[kind]);
    }
}

/// F15, G06, Z01 and slow readers on one server: G14.
#[test]
fn all_kinds_at_once_make_it_hold_what_is_said_of_them() {
    assert_exact(&Kind::ALL);
}

/// So many bytes of buffers a loop keeps to use them again.
const POOL: usize = 2 << 20;

/// The same with a budget that is a fraction of what they want: those that hold most have to go.
#[test]
fn all_kinds_at_once_stay_within_the_budget() {
    const BUDGET: usize = 16 << 20;
    let mut hall = Hall::new(BUDGET);
    let constants = Constants::documented();
    let mut wanted = Formula::new(constants);
    for kind in Kind::ALL {
        kind.act(&mut hall, &mut wanted);
    }
    // What is not counted: places, and what the loop has one of.
    let mut uncounted = Formula::new(constants);
    uncounted.sessions(hall.came());
    uncounted.members(hall.came());
    uncounted.inflater();
    uncounted.inflated();
    uncounted.compressor(0);
    uncounted.compressor(usize::MAX);
    let most = BUDGET + uncounted.bytes() + POOL;
    let held = hall.held();
    println!(
        "{held} B held, of {} B that are wanted; {most} B may be",
        wanted.bytes()
    );
    assert!(wanted.bytes() > 5 * BUDGET, "they want more");
    assert!(held as f64 <= (1.0 + EXACT) * most as f64);
    assert!(held > BUDGET / 2, "nobody had to go for nothing");
}

/// G13: what a peer pins is at most twice what it sent, and 128 B.
#[test]
fn the_formula_itself_has_nobody_pin_more_than_twice_what_they_sent() {
    let share = Constants::documented().share;
    for len in [
        1,
        2,
        63,
        64,
        127,
        128,
        129,
        4000,
        70_000,
        262_144,
        300_000,
        700_001,
        1 << 20,
    ] {
        let held = share + formula::buffer(len, 1 << 20);
        assert!(held <= 2 * len + 128, "{len}");
        for count in [1, 2, 7, 100] {
            let sent = count * (len + 6);
            assert!(
                share + formula::collected(count, len) <= 2 * sent + 128,
                "{count} of {len}"
            );
        }
    }
}
