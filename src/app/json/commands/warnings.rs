//! How often the log is told the same: [`Warnings`].
//!
//! Not here: what it is told.

use core::time::Duration;

/// Lines in a second. A peer can send unknown commands faster than a disk takes lines.
const IN_A_SECOND: u32 = 10;

/// Counts what is told, and what is not.
#[derive(Debug, Default)]
pub(super) struct Warnings {
    second: u64,
    told: u32,
    untold: u64,
}

impl Warnings {
    /// Whether one more may be told at this time: then how many were not told before it.
    pub(super) const fn may_tell(&mut self, now: Duration) -> Option<u64> {
        if now.as_secs() != self.second {
            self.second = now.as_secs();
            self.told = 0;
        }
        if self.told == IN_A_SECOND {
            self.untold += 1;
            return None;
        }
        self.told += 1;
        let untold = self.untold;
        self.untold = 0;
        Some(untold)
    }
}

#[cfg(test)]
mod tests {
    use super::{Duration, IN_A_SECOND, Warnings};

    #[test]
    fn so_many_in_a_second_and_the_others_are_counted() {
        let mut warnings = Warnings::default();
        for second in 0..3 {
            let before = if second == 0 { 0 } else { 90 };
            for number in 0..100 {
                let told = warnings.may_tell(Duration::from_millis(second * 1000 + number));
                let wanted = match u32::try_from(number).unwrap() {
                    0 => Some(before),
                    1..IN_A_SECOND => Some(0),
                    _ => None,
                };
                assert_eq!(told, wanted, "{second} s, {number}");
            }
        }
    }
}
