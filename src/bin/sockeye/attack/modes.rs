//! In which pieces bytes are sent.
//!
//! Not here: sending them.

use core::time::Duration;

/// A way of delivery.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Mode {
    /// In one write.
    Whole,
    /// One byte in a write.
    Bytes,
    /// At random splits.
    Splits,
    /// At random splits, with pauses between.
    Slow,
    /// In one write, behind a message that is right.
    Behind,
}

const MODES: [(&str, Mode); 5] = [
    ("whole", Mode::Whole),
    ("bytes", Mode::Bytes),
    ("splits", Mode::Splits),
    ("slow", Mode::Slow),
    ("behind", Mode::Behind),
];

/// Of what is longer, this much goes byte by byte at both ends, and the rest in pieces of 1 KiB: a write for each of
/// 64 KiB shows nothing more, and takes seconds.
const BYTEWISE: usize = 4096;
const MIDDLE: usize = 1021;

impl Mode {
    pub(crate) fn parse(text: &str) -> Result<Self, String> {
        let found = MODES.iter().find(|(name, _)| *name == text);
        found.map(|(_, mode)| *mode).ok_or_else(|| {
            let names = MODES.map(|(name, _)| name);
            format!("modes are {}", names.join(", "))
        })
    }

    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Whole => "whole",
            Self::Bytes => "bytes",
            Self::Splits => "splits",
            Self::Slow => "slow",
            Self::Behind => "behind",
        }
    }

    /// How long to wait between pieces.
    pub(crate) const fn pause(self) -> Option<Duration> {
        match self {
            Self::Slow => Some(Duration::from_millis(3)),
            _ => None,
        }
    }

    /// Where the pieces of so many bytes end: ascending, and the last at `len`.
    pub(crate) fn ends(self, len: usize, chance: &mut Chance) -> Vec<usize> {
        let cuts = match self {
            Self::Whole | Self::Behind => 0,
            Self::Bytes => return bytewise(len),
            Self::Splits => 7,
            Self::Slow => 5,
        };
        let mut ends: Vec<usize> = (0..cuts)
            .map(|_| chance.below(len))
            .filter(|end| *end > 0)
            .chain([len])
            .collect();
        ends.sort_unstable();
        ends.dedup();
        ends
    }
}

fn bytewise(len: usize) -> Vec<usize> {
    if len <= 2 * BYTEWISE {
        return (1..=len).collect();
    }
    let tail = len - BYTEWISE;
    let head = 1..=BYTEWISE;
    let middle = (BYTEWISE..tail).step_by(MIDDLE).skip(1);
    head.chain(middle).chain(tail..=len).collect()
}

/// Numbers that look random and repeat with their seed (splitmix64).
#[derive(Debug)]
pub(crate) struct Chance(u64);

impl Chance {
    /// Of a seed and a name, so that a row has the same splits whichever others run.
    pub(crate) fn new(seed: u64, name: &str) -> Self {
        let mix = |state: u64, byte: u8| (state ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3);
        Self(name.bytes().fold(seed ^ 0xcbf2_9ce4_8422_2325, mix))
    }

    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// A number below `most`; 0 where there is none.
    fn below(&mut self, most: usize) -> usize {
        let most = u64::try_from(most).unwrap_or(u64::MAX);
        let found = self.next().checked_rem(most).unwrap_or(0);
        usize::try_from(found).unwrap_or(0)
    }
}

#[cfg(test)]
mod tests {
    use super::{Chance, MODES, Mode};

    #[test]
    fn pieces_cover_all_in_order() {
        for (name, mode) in MODES {
            assert_eq!(Mode::parse(name), Ok(mode));
            assert_eq!(mode.name(), name);
            for len in [1, 2, 9, 8192, 8193, 70_000] {
                let ends = mode.ends(len, &mut Chance::new(1, name));
                assert!(
                    ends.is_sorted_by(|a, b| a < b) && ends[0] > 0,
                    "{name} {len}"
                );
                assert_eq!(ends.last(), Some(&len), "{name}");
                let again = mode.ends(len, &mut Chance::new(1, name));
                assert_eq!(again, ends, "{name}");
            }
        }
        assert_eq!(Mode::Bytes.ends(3, &mut Chance::new(1, "")), [1, 2, 3]);
        assert!(Mode::Splits.ends(1000, &mut Chance::new(1, "")).len() > 3);
    }
}
