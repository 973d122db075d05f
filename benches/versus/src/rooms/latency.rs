//! How late messages were, all of them: nothing is put into classes, so a percentile is a value that occurred.

use std::time::Duration;

#[derive(Clone, Debug, Default)]
pub(crate) struct Latencies {
    /// Nanoseconds; 4 seconds at most, which is worse than anybody asks.
    values: Vec<u32>,
}

impl Latencies {
    pub(crate) fn add(&mut self, late: Duration) {
        self.values
            .push(u32::try_from(late.as_nanos()).unwrap_or(u32::MAX));
    }

    /// The smallest value that at least this part of all is not above; by nearest rank.
    pub(crate) fn percentile(&mut self, part: f64) -> Duration {
        self.values.sort_unstable();
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "a part of a length"
        )]
        let rank = (part * self.values.len() as f64).ceil() as usize;
        let value = self.values.get(rank.saturating_sub(1)).copied();
        Duration::from_nanos(value.unwrap_or(u32::MAX).into())
    }
}

#[cfg(test)]
mod tests {
    use super::Latencies;
    use std::time::Duration;

    #[test]
    fn percentiles_are_values_that_occurred() {
        let mut latencies = Latencies::default();
        for nanoseconds in (1..=200).rev() {
            latencies.add(Duration::from_nanos(nanoseconds));
        }
        for (part, value) in [(0.0, 1), (0.5, 100), (0.99, 198), (0.991, 199), (1.0, 200)] {
            let expected = Duration::from_nanos(value);
            assert_eq!(latencies.percentile(part), expected, "{part}");
        }
        latencies.add(Duration::from_secs(60));
        assert!(latencies.percentile(1.0) > Duration::from_secs(4));
    }
}
