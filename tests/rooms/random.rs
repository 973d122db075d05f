//! Many episodes, each from a seed of its own.
//!
//! Not here: what happens in one; that is `episode`.

use super::actor::Tally;
use super::counting;
use super::dice::Dice;
use super::episode;
use std::env;
use std::panic::{AssertUnwindSafe, catch_unwind};

/// Operations of one episode.
const EPISODE: u64 = 2500;
const SHORT: u64 = 40;
const LONG: u64 = 1000;

#[test]
fn rooms_do_what_lists_would() {
    let only = env::var("SOCKEYE_ROOMS_SEED").ok();
    let only = only.map(|seed| seed.parse().expect("a number"));
    let long = env::var("SOCKEYE_ROOMS").is_ok_and(|mode| mode == "long");
    let seeds = match only {
        Some(seed) => seed..seed + 1,
        None => 0..if long { LONG } else { SHORT },
    };
    let mut sum = Tally::default();
    for seed in seeds.clone() {
        let before = counting::held();
        let run = AssertUnwindSafe(|| episode::run(Dice::new(seed), EPISODE));
        let result = catch_unwind(run).unwrap_or_else(|_| Err("it panicked".to_owned()));
        match result {
            Ok(tally) => sum.add(&tally),
            Err(what) => panic!("SOCKEYE_ROOMS_SEED={seed}: {what}"),
        }
        assert_eq!(
            counting::held(),
            before,
            "SOCKEYE_ROOMS_SEED={seed}: a leak"
        );
    }
    println!("{} episodes: {sum:?}", seeds.count());
}

impl Tally {
    fn add(&mut self, other: &Self) {
        let Self {
            operations,
            published,
            sent,
            joined,
            left,
            stale,
            closed,
            dropped,
            balanced,
            too_slow,
            told,
            compressed,
            drained,
            panicked,
            rooms,
            connections,
        } = self;
        for (sum, more) in [
            (operations, other.operations),
            (published, other.published),
            (sent, other.sent),
            (joined, other.joined),
            (left, other.left),
            (stale, other.stale),
            (closed, other.closed),
            (dropped, other.dropped),
            (balanced, other.balanced),
            (too_slow, other.too_slow),
            (told, other.told),
            (compressed, other.compressed),
            (drained, other.drained),
            (panicked, other.panicked),
            (rooms, other.rooms),
            (connections, other.connections),
        ] {
            *sum += more;
        }
    }
}
