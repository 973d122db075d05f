//! Sizes as a route writes them, `64kB`.
//!
//! Not here: what has that size.

use core::fmt;

const KB: u64 = 1 << 10;
const MB: u64 = 1 << 20;
const GB: u64 = 1 << 30;

/// A larger number without a unit was meant in bytes, and would be no limit at all in MB.
const MOST_BARE: u64 = 1024;

/// Bytes above none; `None` for everything else. Units are in steps of 1 024, and what has none is in MB.
pub(super) fn parse(text: &str) -> Option<u64> {
    let end = text
        .find(|c: char| !c.is_ascii_digit())
        .unwrap_or(text.len());
    let (digits, unit) = text.split_at_checked(end)?;
    let is = |names: &[&str]| names.iter().any(|name| unit.eq_ignore_ascii_case(name));
    let scale = if is(&["", "mb", "mib"]) {
        MB
    } else if is(&["b"]) {
        1
    } else if is(&["kb", "kib"]) {
        KB
    } else if is(&["gb", "gib"]) {
        GB
    } else {
        return None;
    };
    let number = digits.parse::<u64>().ok()?;
    if unit.is_empty() && number > MOST_BARE {
        return None;
    }
    let bytes = number.checked_mul(scale)?;
    (bytes > 0).then_some(bytes)
}

/// Writes bytes in the largest unit that leaves no fraction.
pub(super) fn write(bytes: u64, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    let (scale, unit) = [(GB, "GB"), (MB, "MB"), (KB, "kB")]
        .into_iter()
        .find(|(scale, _)| bytes.is_multiple_of(*scale))
        .unwrap_or((1, "b"));
    write!(f, "{}{unit}", bytes / scale)
}

#[cfg(test)]
mod tests {
    use super::parse;

    #[test]
    fn units_are_in_steps_of_1024() {
        for (text, bytes) in [
            ("1", Some(1_048_576)),
            ("1MB", Some(1_048_576)),
            ("1024", Some(1 << 30)),
            ("1025", None),
            ("16384", None),
            ("1mb", Some(1_048_576)),
            ("1MiB", Some(1_048_576)),
            ("1b", Some(1)),
            ("1B", Some(1)),
            ("64kB", Some(65_536)),
            ("64KB", Some(65_536)),
            ("64KiB", Some(65_536)),
            ("4GB", Some(4_294_967_296)),
            ("007kb", Some(7_168)),
            ("18446744073709551615b", Some(u64::MAX)),
            ("18446744073709551616b", None),
            ("17179869184GB", None),
            ("0", None),
            ("0kB", None),
            ("", None),
            ("kB", None),
            ("-1", None),
            ("+1", None),
            ("1.5MB", None),
            ("1 MB", None),
            ("1TB", None),
            ("1k", None),
            ("1MBs", None),
            ("１MB", None),
        ] {
            assert_eq!(parse(text), bytes, "{text}");
        }
    }
}
