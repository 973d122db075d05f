//! UTF-8, byte by byte: the grammar of RFC 3629 section 4, written down as it stands there.
//!
//! Not here: the standard library, which is what the crate asks.

use std::ops::RangeInclusive;

const TAIL: RangeInclusive<u8> = 0x80..=0xBF;

/// For each range of first bytes, the ranges that the bytes behind it lie in.
const CHARACTERS: [(RangeInclusive<u8>, &[RangeInclusive<u8>]); 9] = [
    (0x00..=0x7F, &[]),
    (0xC2..=0xDF, &[TAIL]),
    (0xE0..=0xE0, &[0xA0..=0xBF, TAIL]),
    (0xE1..=0xEC, &[TAIL, TAIL]),
    (0xED..=0xED, &[0x80..=0x9F, TAIL]),
    (0xEE..=0xEF, &[TAIL, TAIL]),
    (0xF0..=0xF0, &[0x90..=0xBF, TAIL, TAIL]),
    (0xF1..=0xF3, &[TAIL, TAIL, TAIL]),
    (0xF4..=0xF4, &[0x80..=0x8F, TAIL, TAIL]),
];

/// A text so far.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Text {
    /// What the character that has begun still needs.
    missing: &'static [RangeInclusive<u8>],
}

impl Text {
    /// Whether some text goes on with this byte.
    pub(crate) fn goes_on(&mut self, byte: u8) -> bool {
        if let [next, rest @ ..] = self.missing {
            self.missing = rest;
            return next.contains(&byte);
        }
        let mut rows = CHARACTERS.iter();
        let Some((_, behind)) = rows.find(|(first, _)| first.contains(&byte)) else {
            return false;
        };
        self.missing = behind;
        true
    }

    /// Whether it may end here.
    pub(crate) fn may_end(&self) -> bool {
        self.missing.is_empty()
    }
}

/// Where the first byte stands with which no text begins any more.
pub(crate) fn first_fault(bytes: &[u8]) -> Option<usize> {
    let mut text = Text::default();
    bytes.iter().position(|byte| !text.goes_on(*byte))
}

/// Whether some text begins with these bytes.
pub(crate) fn begins_text(bytes: &[u8]) -> bool {
    first_fault(bytes).is_none()
}

/// Whether these bytes are a text.
pub(crate) fn is_text(bytes: &[u8]) -> bool {
    let mut text = Text::default();
    bytes.iter().all(|byte| text.goes_on(*byte)) && text.may_end()
}
