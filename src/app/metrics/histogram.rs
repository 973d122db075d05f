//! How long things took: how many took how long, by fixed bounds.
//!
//! Not here: percentiles, which are made of it elsewhere, over any time and any number of servers.

use super::counters::Count;
use super::figures::add;
use core::time::Duration;

/// The bounds in microseconds: from what a turn of a loop takes to what a ping takes. What took longer than the last is
/// counted behind them.
pub(super) const BOUNDS: [u64; 16] = [
    50, 100, 250, 500, 1_000, 2_500, 5_000, 10_000, 25_000, 50_000, 100_000, 250_000, 500_000,
    1_000_000, 2_500_000, 10_000_000,
];

/// How many took at most so long, and longer than the bound before.
#[derive(Debug, Default)]
pub(super) struct Histogram<N> {
    pub(super) buckets: [N; BOUNDS.len() + 1],
    /// In nanoseconds; half a thousand years of them.
    pub(super) sum: N,
}

impl Histogram<Count> {
    pub(super) fn observe(&self, time: Duration) {
        let bound = |bound: &u64| time > Duration::from_micros(*bound);
        self.buckets[BOUNDS.partition_point(bound)].add(1);
        self.sum
            .add(u64::try_from(time.as_nanos()).unwrap_or(u64::MAX));
    }
}

impl Histogram<u64> {
    pub(super) fn add(&mut self, counted: &Histogram<Count>) {
        add(&mut self.buckets, &counted.buckets);
        self.sum = self.sum.wrapping_add(counted.sum.get());
    }

    /// How many there are.
    #[cfg(feature = "metrics")]
    pub(super) fn count(&self) -> u64 {
        self.buckets.iter().sum()
    }
}
