//! Literals and matches, as the symbols that are written for them (RFC 1951 section 3.2.5).
//!
//! Not here: which ones there are in a message.

/// A literal byte; or a match: from its highest bits on the length's symbol in five bits, what is behind it in five, and
/// the same of the distance in 5 and 13. The symbol is never 0, as that would be a match of three bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Token(u32);

/// The bits behind the symbols of lengths.
pub(super) const LENGTH_BITS: [u8; 32] = [
    0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 1, 1, 2, 2, 2, 2, 3, 3, 3, 3, 4, 4, 4, 4, 5, 5, 5, 5, 0, 0, 0, 0,
];
/// The bits behind the symbols of distances.
pub(super) const DISTANCE_BITS: [u8; 32] = [
    0, 0, 0, 0, 1, 1, 2, 2, 3, 3, 4, 4, 5, 5, 6, 6, 7, 7, 8, 8, 9, 9, 10, 10, 11, 11, 12, 12, 13,
    13, 0, 0,
];

/// A symbol, and what is written behind its code.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Symbol {
    pub(super) symbol: usize,
    pub(super) extra: u32,
}

impl Token {
    pub(super) const NONE: Self = Self(0);

    #[inline(always)]
    pub(super) const fn literal(byte: u8) -> Self {
        Self(byte as u32)
    }

    /// Of 4 to 258 bytes, 1 to 32 768 bytes back.
    #[inline(always)]
    #[expect(clippy::cast_possible_truncation, reason = "they are so small")]
    pub(super) const fn matching(len: usize, distance: usize) -> Self {
        let (len, distance) = (len as u32, distance as u32);
        Self(length(len) << 18 | self::distance(distance))
    }

    /// The literal, unless it is a match.
    #[inline(always)]
    #[expect(clippy::cast_possible_truncation, reason = "it has been looked at")]
    pub(super) const fn as_literal(self) -> Option<u8> {
        if self.0 < 256 {
            Some(self.0 as u8)
        } else {
            None
        }
    }

    /// The symbol of a match's length, counted from 0.
    #[inline(always)]
    pub(super) const fn length(self) -> Symbol {
        Symbol {
            symbol: (self.0 >> 23 & 31) as usize,
            extra: self.0 >> 18 & 31,
        }
    }

    /// The symbol of a match's distance.
    #[inline(always)]
    pub(super) const fn distance(self) -> Symbol {
        Symbol {
            symbol: (self.0 >> 13 & 31) as usize,
            extra: self.0 & 0x1FFF,
        }
    }
}

/// Eight lengths stand for themselves; then there are four symbols for each power of two.
#[inline(always)]
const fn length(len: u32) -> u32 {
    if len == 258 {
        return 28 << 5;
    }
    let from = len.wrapping_sub(3);
    let bits = (from | 4).ilog2().wrapping_sub(2);
    let symbol = from.wrapping_shr(bits).wrapping_add(bits.wrapping_mul(4));
    symbol << 5 | from & 1_u32.wrapping_shl(bits).wrapping_sub(1)
}

/// Four distances stand for themselves; then there are two symbols for each power of two.
#[inline(always)]
const fn distance(distance: u32) -> u32 {
    let from = distance.wrapping_sub(1);
    let bits = (from | 2).ilog2().wrapping_sub(1);
    let symbol = from.wrapping_shr(bits).wrapping_add(bits.wrapping_mul(2));
    symbol << 13 | from & 1_u32.wrapping_shl(bits).wrapping_sub(1)
}
