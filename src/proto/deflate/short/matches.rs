//! What a message repeats of itself: its bytes as literals and matches.
//!
//! The longer match of the two newest places is taken, and not every place inside a match is noted: looking further takes
//! a third more time for 1 % of the bytes.
//!
//! Not here: how these are written.

use super::Short;
use super::token::Token;
use crate::proto::work;

/// How many heads the table has: 8 KiB of them, which stay in the first-level cache with what else is used.
const HEADS: usize = 1 << HEAD_BITS;
const HEAD_BITS: u32 = 11;
/// How many bytes are looked up; a match has at least as many.
const LEAST: usize = 4;
/// The longest match (RFC 1951 section 3.2.5).
const LONGEST: usize = 258;
/// How many positions of a match are noted.
const NOTED: usize = 3;

/// Finds matches.
pub(super) struct Matcher {
    /// By the hash of [`LEAST`] bytes, the last two positions of such, the newer one in the lower half. Positions go on
    /// from message to message, so that those of earlier ones are known by being smaller. Before they are too large for
    /// 16 bits, the table is emptied, and they begin anew.
    table: [u32; HEADS],
    /// The position of the next message's first byte; not 0, which is no position.
    next: u16,
    tokens: [Token; Short::MAX],
}

/// A match that was found.
#[derive(Clone, Copy, Debug, Default)]
struct Match {
    len: usize,
    distance: usize,
}

impl Matcher {
    pub(super) const fn new() -> Self {
        Self {
            table: [0; HEADS],
            next: 1,
            tokens: [Token::NONE; Short::MAX],
        }
    }

    /// The tokens of a message of at most [`Short::MAX`] bytes, none of which reaches farther back than `window`.
    pub(super) fn tokens(&mut self, data: &[u8], window: usize) -> &[Token] {
        work::visit(data.len());
        let base = self.begin(data.len());
        let table = &mut self.table;
        let mut places = self.tokens.iter_mut();
        let mut at = 0_usize;
        while let Some(four) = four_at(data, at) {
            let before = note(table, four, position(base, at));
            // Of an earlier message, these are beyond all that there is.
            let newer = (before & 0xFFFF).wrapping_sub(base) as usize;
            let older = (before >> 16).wrapping_sub(base) as usize;
            let mut token = Token::literal(four.to_le_bytes()[0]);
            let mut end = at.wrapping_add(1);
            if newer < at
                && (four_at(data, newer) == Some(four) || four_at(data, older) == Some(four))
            {
                let found = longest(data, at, [newer, older], window);
                if found.len >= LEAST {
                    token = Token::matching(found.len, found.distance);
                    let noted = end.wrapping_add(NOTED);
                    end = at.wrapping_add(found.len);
                    for inside in at.wrapping_add(1)..noted.min(end) {
                        if let Some(four) = four_at(data, inside) {
                            note(table, four, position(base, inside));
                        }
                    }
                }
            }
            at = end;
            if let Some(place) = places.next() {
                *place = token;
            }
        }
        for (byte, place) in data.get(at..).unwrap_or_default().iter().zip(&mut places) {
            *place = Token::literal(*byte);
        }
        let rest = places.len();
        let many = self.tokens.len().wrapping_sub(rest);
        self.tokens.get(..many).unwrap_or_default()
    }

    /// The position of a message's first byte.
    fn begin(&mut self, len: usize) -> u32 {
        let len = u16::try_from(len).unwrap_or(u16::MAX);
        if self.next.checked_add(len).is_none() {
            // Once in 60 KB.
            work::visit(size_of_val(&self.table));
            self.table.fill(0);
            self.next = 1;
        }
        let base = self.next;
        self.next = base.saturating_add(len);
        u32::from(base)
    }
}

#[inline(always)]
#[expect(clippy::cast_possible_truncation, reason = "a short message is short")]
const fn position(base: u32, at: usize) -> u32 {
    base.wrapping_add(at as u32)
}

/// Notes a position where these bytes are, and says which were noted before.
#[inline(always)]
fn note(table: &mut [u32; HEADS], four: u32, position: u32) -> u32 {
    let hash = four.wrapping_mul(0x9E37_79B1) >> (32 - HEAD_BITS);
    let Some(place) = table.get_mut(hash as usize) else {
        return 0;
    };
    let before = *place;
    *place = before << 16 | position;
    before
}

#[inline(always)]
fn four_at(data: &[u8], at: usize) -> Option<u32> {
    let four = data.get(at..)?.first_chunk()?;
    Some(u32::from_le_bytes(*four))
}

/// The longer match of two. It is apart from the way of literals, which needs the registers.
#[inline(never)]
fn longest(data: &[u8], at: usize, from: [usize; 2], window: usize) -> Match {
    let here = data.get(at..).unwrap_or_default();
    let here = here.get(..LONGEST).unwrap_or(here);
    let mut best = Match::default();
    for from in from {
        let distance = at.wrapping_sub(from);
        let there = data.get(from..).unwrap_or_default();
        if distance <= window {
            let len = common(here, there);
            work::visit(len);
            if len > best.len {
                best = Match { len, distance };
            }
        }
    }
    best
}

/// How many bytes are the same.
#[inline(always)]
fn common(here: &[u8], there: &[u8]) -> usize {
    let mut len = 0_usize;
    let (eights, rest) = here.as_chunks::<8>();
    let (others, _) = there.as_chunks::<8>();
    for (one, other) in eights.iter().zip(others) {
        let differs = u64::from_le_bytes(*one) ^ u64::from_le_bytes(*other);
        if differs != 0 {
            return len.wrapping_add(differs.trailing_zeros() as usize / 8);
        }
        len = len.wrapping_add(8);
    }
    let others = there.get(len..).unwrap_or_default();
    let same = rest
        .iter()
        .zip(others)
        .take_while(|(one, other)| one == other);
    len.wrapping_add(same.count())
}

#[cfg(test)]
#[allow(
    clippy::arithmetic_side_effects,
    reason = "a test that panics has failed"
)]
mod tests {
    use super::{HEAD_BITS, Matcher, Token};
    use alloc::vec::Vec;

    const WINDOW: usize = 1 << 15;

    fn last_of(data: &[u8]) -> Token {
        let mut matcher = Matcher::new();
        *matcher.tokens(data, WINDOW).last().unwrap()
    }

    #[test]
    fn of_two_matches_as_long_the_nearer_is_taken() {
        assert!(last_of(b"abcd?abcd!abcd") == Token::matching(4, 5));
    }

    /// What stands between has the same hash, and is something else.
    #[test]
    fn the_older_place_is_looked_at_where_the_newer_one_is_of_other_bytes() {
        let hash = |four: u32| four.wrapping_mul(0x9E37_79B1) >> (32 - HEAD_BITS);
        let first = u32::from_le_bytes(*b"abcd");
        let other = (0x0101_0101..).find(|four| hash(*four) == hash(first));
        let data: Vec<u8> = [first, other.unwrap(), first]
            .into_iter()
            .flat_map(u32::to_le_bytes)
            .collect();
        assert!(last_of(&data) == Token::matching(4, 8));
    }
}
