//! Time by interleaved repetitions: in each round every job runs once, in an order that changes, and gives one ratio to
//! the first.

use crate::stats::{interval_of_median, median};
use std::hint::black_box;
use std::time::Instant;

pub(crate) type Job<'j> = Box<dyn FnMut() + 'j>;

/// A job beside the first.
pub(crate) struct Ratio {
    /// The shortest run, in nanoseconds.
    pub(crate) least: f64,
    /// The median run.
    pub(crate) typical: f64,
    /// The median over the rounds of this job's time through the first's.
    pub(crate) median: f64,
    pub(crate) low: f64,
    pub(crate) high: f64,
}

/// A round is at least so long, that the clock does not matter.
const ROUND_NANOS: u128 = 30_000;

pub(crate) fn compare(mut jobs: Vec<Job<'_>>, rounds: usize) -> Vec<Ratio> {
    let repeats: Vec<u32> = jobs.iter_mut().map(repeats).collect();
    let mut times = vec![Vec::with_capacity(rounds); jobs.len()];
    for round in 0..rounds {
        for turn in 0..jobs.len() {
            let at = (round * 7 + turn) % jobs.len();
            times[at].push(time(&mut jobs[at], repeats[at]));
        }
    }
    let against = times[0].clone();
    let ratio = |times: &Vec<f64>| {
        let ratios: Vec<f64> = times
            .iter()
            .zip(&against)
            .map(|(time, first)| time / first)
            .collect();
        let interval = interval_of_median(&ratios, 0.95);
        Ratio {
            least: times.iter().copied().fold(f64::INFINITY, f64::min),
            typical: median(times),
            median: median(&ratios),
            low: interval.low,
            high: interval.high,
        }
    };
    times.iter().map(ratio).collect()
}

fn repeats(job: &mut Job<'_>) -> u32 {
    let mut repeats = 1;
    loop {
        let begin = Instant::now();
        (0..repeats).for_each(|_| job());
        if begin.elapsed().as_nanos() >= ROUND_NANOS {
            return repeats;
        }
        repeats *= 2;
    }
}

/// Nanoseconds of one run.
fn time(job: &mut Job<'_>, repeats: u32) -> f64 {
    let begin = Instant::now();
    (0..repeats).for_each(|_| black_box(&mut *job)());
    begin.elapsed().as_nanos() as f64 / f64::from(repeats)
}
