//! The statistics of a comparison: medians, and how far they can be trusted. No distribution is assumed anywhere.

/// Where the true median lies, and with what probability.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Interval {
    pub(crate) low: f64,
    pub(crate) high: f64,
    /// What was reached: at least what was asked for, unless there are too few values for that.
    pub(crate) coverage: f64,
}

/// The middle value, or the mean of the two middle ones. Not a number if there is none.
pub(crate) fn median(values: &[f64]) -> f64 {
    let sorted = sorted(values);
    let middle = sorted.len() / 2;
    match sorted.len() {
        0 => f64::NAN,
        len if len % 2 == 1 => sorted[middle],
        _ => f64::midpoint(sorted[middle - 1], sorted[middle]),
    }
}

/// The interval between two order statistics that covers the true median with at least this probability.
///
/// Each value lies below the true median with probability one half, whatever their distribution; so the number of them
/// that do is binomial, and the interval from the k-th smallest to the k-th largest misses only if fewer than k lie on
/// one side. The narrowest one that covers enough is taken; with five values or fewer, the whole range covers less
/// than 95%, and `coverage` says so.
pub(crate) fn interval_of_median(values: &[f64], confidence: f64) -> Interval {
    let sorted = sorted(values);
    let n = sorted.len();
    let (mut rank, mut coverage) = (0, 0.0);
    let mut below = 0.0; // P(at most `k` values lie below the median)
    for k in 0..n.div_ceil(2) {
        below += one_half_binomial(n, k);
        let covers = 1.0 - 2.0 * below;
        if k > 0 && covers < confidence {
            break;
        }
        (rank, coverage) = (k, covers.max(0.0));
    }
    let at = |index: usize| sorted.get(index).copied().unwrap_or(f64::NAN);
    Interval {
        low: at(rank),
        high: at(n.wrapping_sub(rank + 1)),
        coverage,
    }
}

/// The probability of `k` heads in `n` throws of a fair coin.
fn one_half_binomial(n: usize, k: usize) -> f64 {
    let mut probability = 0.5_f64.powi(i32::try_from(n).unwrap_or(i32::MAX));
    for i in 0..k {
        probability *= (n - i) as f64 / (i + 1) as f64;
    }
    probability
}

fn sorted(values: &[f64]) -> Vec<f64> {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    sorted
}

#[cfg(test)]
mod tests {
    use super::{interval_of_median, median};

    #[test]
    fn the_median_is_the_middle_whatever_the_order() {
        let table: [(&[f64], f64); 5] = [
            (&[7.0], 7.0),
            (&[3.0, 1.0], 2.0),
            (&[9.0, 1.0, 5.0], 5.0),
            (&[4.0, 1.0, 3.0, 2.0], 2.5),
            (&[1.0, 1e9, 2.0, -1e9, 3.0], 2.0),
        ];
        for (values, expected) in table {
            assert_eq!(median(values), expected, "{values:?}");
        }
        assert!(median(&[]).is_nan());
    }

    /// Ranks and coverages as tables of the sign test give them: n values, the k-th from either end, P(covered).
    #[test]
    fn the_interval_has_the_ranks_and_the_coverage_of_the_sign_test() {
        let table = [
            (1, 1, 0.0),
            (2, 1, 0.5),
            (5, 1, 0.9375),
            (6, 1, 0.96875),
            (8, 1, 0.992_187_5),
            (9, 2, 0.960_937_5),
            (10, 2, 0.978_515_625),
            (12, 3, 0.961_425_781_25),
            (15, 4, 0.964_843_75),
            (20, 6, 0.958_610_534_667_968_8),
            (30, 10, 0.957_226_1),
            (50, 18, 0.967_160_9),
            (100, 40, 0.964_799_9),
        ];
        for (n, k, coverage) in table {
            let mut values: Vec<_> = (1..=n).map(f64::from).collect();
            values.reverse();
            let interval = interval_of_median(&values, 0.95);
            let ranks = (f64::from(k), f64::from(n + 1 - k));
            assert_eq!((interval.low, interval.high), ranks, "of {n}");
            let off = (interval.coverage - coverage).abs();
            assert!(off < 1e-6, "{n}: {}", interval.coverage);
        }
    }

    #[test]
    fn more_confidence_makes_the_interval_no_narrower() {
        let values: Vec<_> = (0..40).map(f64::from).collect();
        let (less, more) = (
            interval_of_median(&values, 0.9),
            interval_of_median(&values, 0.99),
        );
        assert!(more.low < less.low && less.high < more.high);
    }
}
