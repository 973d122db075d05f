//! Numbers and tables as Markdown has them.

use super::outcome::RATE;
use crate::rounds::Ratio;

/// Words are aligned left, numbers right. The first column names what the line is about.
pub(crate) fn table(head: &[String], rows: &[Vec<String>]) -> String {
    let is_number =
        |cell: &String| cell.starts_with(|c: char| c.is_ascii_digit() || "–≤≥".contains(c));
    let line = |cells: &[String]| format!("| {} |\n", cells.join(" | "));
    let rule = (0..head.len()).map(|column| {
        if column > 0 && rows.iter().all(|row| is_number(&row[column])) {
            "---:"
        } else {
            "---"
        }
    });
    let rule = format!("|{}|\n", rule.collect::<Vec<_>>().join("|"));
    line(head) + &rule + &rows.iter().map(|row| line(row)).collect::<String>()
}

/// A number with three digits or so.
pub(crate) fn plain(value: f64) -> String {
    match value.abs() {
        big if big >= 100.0 => format!("{value:.0}"),
        some if some >= 10.0 => format!("{value:.1}"),
        small if small < 0.005 => "0".to_owned(),
        _ => format!("{value:.2}"),
    }
}

pub(crate) fn times(value: f64) -> String {
    match value {
        big if big >= 99.5 => format!("{value:.0}"),
        some if some >= 9.95 => format!("{value:.1}"),
        _ => format!("{value:.2}"),
    }
}

/// With its interval, if it has one.
pub(crate) fn ratio(ratio: &Ratio) -> String {
    if ratio.interval.coverage == 0.0 {
        return times(ratio.median);
    }
    let (low, high) = (times(ratio.interval.low), times(ratio.interval.high));
    format!("{} ({low}-{high})", times(ratio.median))
}

pub(crate) fn with_unit(metric: &str, value: f64) -> String {
    match metric {
        RATE if value >= 1e6 => format!("{} M/s", plain(value / 1e6)),
        RATE => format!("{} k/s", plain(value / 1e3)),
        _ if metric.ends_with("_ns") && value < 100.0 => format!("{} ns", plain(value)),
        _ if metric.ends_with("_ns") => format!("{} µs", plain(value / 1e3)),
        _ => plain(value),
    }
}

#[cfg(test)]
mod tests {
    use super::{plain, table, times};

    #[test]
    fn numbers_have_the_digits_that_mean_something() {
        let table = [
            (0.0, "0"),
            (0.004, "0"),
            (1.234, "1.23"),
            (45.67, "45.7"),
            (789.4, "789"),
        ];
        for (value, text) in table {
            assert_eq!(plain(value), text);
        }
        assert_eq!(
            [times(0.978), times(46.23), times(279.4)],
            ["0.98", "46.2", "279"]
        );
    }

    #[test]
    fn numbers_are_aligned_right() {
        let row = |cells: [&str; 2]| cells.map(str::to_owned).to_vec();
        let rows = [row(["20 B", "1.20 (1.10-1.30)"]), row(["1 KiB", "–"])];
        let text = table(&row(["", "x"]), &rows);
        assert_eq!(
            text,
            "|  | x |\n|---|---:|\n| 20 B | 1.20 (1.10-1.30) |\n| 1 KiB | – |\n"
        );
    }
}
