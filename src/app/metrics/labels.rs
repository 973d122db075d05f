//! The values that labels can have. They are fixed, so that no peer can add one: Prometheus keeps each for weeks.
//!
//! Not here: counting by them.

use crate::server::Cause;

/// Close codes: the registered ones by themselves, those for libraries and for applications by their range.
pub(super) const CODES: [&str; 18] = [
    "1000",
    "1001",
    "1002",
    "1003",
    "1005",
    "1006",
    "1007",
    "1008",
    "1009",
    "1010",
    "1011",
    "1012",
    "1013",
    "1014",
    "1015",
    "3000-3999",
    "4000-4999",
    "other",
];

/// The place of a code in [`CODES`].
pub(super) const fn code(code: u16) -> usize {
    match code {
        1000..=1003 => code as usize - 1000,
        1005..=1015 => code as usize - 1001,
        3000..=3999 => 15,
        4000..=4999 => 16,
        _ => 17,
    }
}

/// What ends connections.
pub(super) const CAUSES: [&str; 15] = [
    "ended",
    "lost",
    "tls",
    "peer",
    "here",
    "violation",
    "ping_timeout",
    "idle",
    "unfinished",
    "too_slow",
    "write_stall",
    "memory",
    "stopped",
    "restarted",
    "panic",
];

/// The place of a cause in [`CAUSES`]. A new one does not compile until it has a place.
pub(super) const fn cause(cause: Cause) -> usize {
    match cause {
        Cause::Ended => 0,
        Cause::Lost => 1,
        Cause::Tls => 2,
        Cause::Peer => 3,
        Cause::Here => 4,
        Cause::Violation => 5,
        Cause::PingTimeout => 6,
        Cause::Idle => 7,
        Cause::Unfinished => 8,
        Cause::TooSlow => 9,
        Cause::WriteStall => 10,
        Cause::Memory => 11,
        Cause::Stopped => 12,
        Cause::Restarted => 13,
        Cause::Panic => 14,
    }
}

/// Statuses of refusals: those that a server has reasons for, and the others by their class.
pub(super) const STATUSES: [&str; 20] = [
    "400", "401", "403", "404", "405", "408", "410", "413", "414", "421", "426", "429", "431",
    "500", "503", "505", "3xx", "4xx", "5xx", "other",
];

/// The place of a status in [`STATUSES`].
pub(super) const fn status(status: u16) -> usize {
    match status {
        400 => 0,
        401 => 1,
        403 => 2,
        404 => 3,
        405 => 4,
        408 => 5,
        410 => 6,
        413 => 7,
        414 => 8,
        421 => 9,
        426 => 10,
        429 => 11,
        431 => 12,
        500 => 13,
        503 => 14,
        505 => 15,
        300..=399 => 16,
        402..=499 => 17,
        501..=599 => 18,
        _ => 19,
    }
}

/// Ways of messages.
#[cfg(feature = "metrics")]
pub(super) const DIRECTIONS: [&str; 2] = ["in", "out"];

/// What becomes of those who read too slowly.
#[cfg(feature = "metrics")]
pub(super) const SLOW: [&str; 3] = ["closed", "dropped", "conflated"];

#[cfg(test)]
mod tests {
    use super::{CAUSES, CODES, STATUSES, cause, code, status};
    use crate::server::Cause;
    use alloc::collections::BTreeSet;
    use alloc::format;
    use alloc::string::{String, ToString};
    use alloc::vec::Vec;

    #[test]
    fn every_code_has_its_own_name_or_its_range() {
        for number in 0..=u16::MAX {
            let name = CODES[code(number)];
            let wanted = match number {
                1000..=1003 | 1005..=1015 => number.to_string(),
                3000..=3999 => "3000-3999".into(),
                4000..=4999 => "4000-4999".into(),
                _ => "other".into(),
            };
            assert_eq!(name, wanted, "{number}");
        }
        assert_eq!(BTreeSet::from(CODES).len(), CODES.len());
    }

    #[test]
    fn every_status_has_its_own_name_or_its_class() {
        let known: Vec<&str> = STATUSES
            .into_iter()
            .filter(|name| name.parse::<u16>().is_ok())
            .collect();
        for number in 0..=u16::MAX {
            let own = number.to_string();
            let wanted = match number / 100 {
                _ if known.contains(&own.as_str()) => own,
                class @ 3..=5 => format!("{class}xx"),
                _ => "other".into(),
            };
            assert_eq!(STATUSES[status(number)], wanted, "{number}");
        }
        assert_eq!(BTreeSet::from(STATUSES).len(), STATUSES.len());
    }

    #[test]
    fn every_cause_has_the_name_of_its_variant() {
        use Cause::*;
        let all = [
            Ended,
            Lost,
            Tls,
            Peer,
            Here,
            Violation,
            PingTimeout,
            Idle,
            Unfinished,
            TooSlow,
            WriteStall,
            Memory,
            Stopped,
            Restarted,
            Panic,
        ];
        for one in all {
            let mut name = String::new();
            for char in format!("{one:?}").chars() {
                if char.is_uppercase() && !name.is_empty() {
                    name.push('_');
                }
                name.extend(char.to_lowercase());
            }
            assert_eq!(CAUSES[cause(one)], name);
        }
        assert_eq!(all.len(), CAUSES.len());
    }
}
