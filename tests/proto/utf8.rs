//! The streaming validator against `core::str` and against the grammar of RFC 3629 section 4.

use crate::STRIDE;
use sockeye::proto::utf8::{InvalidUtf8, Validator};

/// The grammar, one byte at a time: how many continuation bytes are due and between which bounds the next one lies.
#[derive(Clone, Copy)]
struct Grammar {
    due: u8,
    low: u8,
    high: u8,
}

impl Grammar {
    const START: Self = Self {
        due: 0,
        low: 0x80,
        high: 0xBF,
    };

    fn next(self, byte: u8) -> Option<Self> {
        let (due, low, high) = if self.due > 0 {
            if byte < self.low || byte > self.high {
                return None;
            }
            (self.due - 1, 0x80, 0xBF)
        } else {
            match byte {
                0x00..=0x7F => (0, 0x80, 0xBF),
                0xC2..=0xDF => (1, 0x80, 0xBF),
                0xE0 => (2, 0xA0, 0xBF),
                0xE1..=0xEC => (2, 0x80, 0xBF),
                0xED => (2, 0x80, 0x9F),
                0xEE..=0xEF => (2, 0x80, 0xBF),
                0xF0 => (3, 0x90, 0xBF),
                0xF1..=0xF3 => (3, 0x80, 0xBF),
                0xF4 => (3, 0x80, 0x8F),
                _ => return None,
            }
        };
        Some(Self { due, low, high })
    }

    /// Whether the bytes are good so far, and whether they may end here.
    fn judge(bytes: &[u8]) -> (bool, bool) {
        let end = bytes
            .iter()
            .try_fold(Self::START, |state, &byte| state.next(byte));
        (end.is_some(), end.is_some_and(|state| state.due == 0))
    }
}

fn whole(bytes: &[u8]) -> bool {
    let mut validator = Validator::default();
    validator.check(bytes).is_ok() && validator.finish().is_ok()
}

/// Feeds byte by byte, and expects a fault with the very byte that makes it one.
fn byte_by_byte(bytes: &[u8]) -> bool {
    let mut validator = Validator::default();
    let mut state = Some(Grammar::START);
    for &byte in bytes {
        state = state.and_then(|state| state.next(byte));
        match (validator.check(&[byte]), state) {
            (Ok(()), Some(_)) => {}
            (Err(InvalidUtf8), None) => return false,
            (got, _) => panic!("{bytes:02x?}: {got:?} at {byte:02x}"),
        }
    }
    validator.finish().is_ok()
}

fn check(bytes: &[u8]) {
    let want = core::str::from_utf8(bytes).is_ok();
    assert_eq!(Grammar::judge(bytes).1, want, "{bytes:02x?}");
    assert_eq!(whole(bytes), want, "{bytes:02x?}");
    assert_eq!(byte_by_byte(bytes), want, "{bytes:02x?}, byte by byte");
}

/// In two pieces; the first may already fail, but never a piece too early or too late.
fn split(bytes: &[u8], at: usize) {
    let (head, tail) = bytes.split_at(at);
    let mut validator = Validator::default();
    let good = Grammar::judge(head).0;
    assert_eq!(
        validator.check(head).is_ok(),
        good,
        "{bytes:02x?} before {at}"
    );
    if good {
        let (good, ends) = Grammar::judge(bytes);
        let tail = validator.check(tail);
        assert_eq!(tail.is_ok(), good, "{bytes:02x?} from {at}");
        if good {
            assert_eq!(validator.finish().is_ok(), ends, "{bytes:02x?} to the end");
        }
    }
}

#[test]
fn all_strings_of_one_to_three_bytes() {
    for a in (0..=u8::MAX).step_by(STRIDE) {
        check(&[a]);
        for b in (0..=u8::MAX).step_by(STRIDE.min(7)) {
            check(&[a, b]);
            split(&[a, b], 1);
        }
    }
    for a in (0..=u8::MAX).step_by(STRIDE) {
        for b in (0..=u8::MAX).step_by(STRIDE) {
            for c in (0..=u8::MAX).step_by(STRIDE) {
                check(&[a, b, c]);
            }
        }
    }
}

/// The bytes next to every bound in the grammar.
const EDGES: [u8; 28] = [
    0x00, 0x41, 0x7F, 0x80, 0x81, 0x8F, 0x90, 0x91, 0x9F, 0xA0, 0xA1, 0xBE, 0xBF, 0xC0, 0xC1, 0xC2,
    0xDF, 0xE0, 0xE1, 0xEC, 0xED, 0xEE, 0xEF, 0xF0, 0xF3, 0xF4, 0xF5, 0xFF,
];

#[test]
fn four_bytes_at_every_edge() {
    for lead in (0xC0..=u8::MAX).step_by(STRIDE.min(16)) {
        for b in EDGES.into_iter().step_by(STRIDE.min(9)) {
            for c in EDGES.into_iter().step_by(STRIDE.min(9)) {
                for d in EDGES.into_iter().step_by(STRIDE.min(9)) {
                    let bytes = [lead, b, c, d];
                    check(&bytes);
                    for at in 0..=4 {
                        split(&bytes, at);
                    }
                }
            }
        }
    }
}

#[test]
fn edges_at_every_offset() {
    const TAILS: [u8; 8] = [0x41, 0x80, 0x8F, 0x90, 0x9F, 0xA0, 0xBF, 0xC2];
    const LEADS: [u8; 14] = [
        0x80, 0xC1, 0xC2, 0xDF, 0xE0, 0xE1, 0xED, 0xEF, 0xF0, 0xF1, 0xF4, 0xF5, 0xFF, 0x41,
    ];
    for offset in (0..=127).step_by(STRIDE) {
        let mut text = vec![b'a'; offset + 4 + 9];
        for lead in LEADS.into_iter().step_by(STRIDE.min(9)) {
            for (b, c) in TAILS
                .iter()
                .step_by(STRIDE.min(3))
                .flat_map(|b| TAILS.map(|c| (*b, c)))
            {
                for d in [0x41, 0x80, 0xBF, 0xC2] {
                    text[offset..offset + 4].copy_from_slice(&[lead, b, c, d]);
                    let want = core::str::from_utf8(&text).is_ok();
                    assert_eq!(whole(&text), want, "{text:02x?}");
                    let at = offset + usize::from(lead ^ b ^ c ^ d) % 5;
                    split(&text, at);
                }
            }
        }
    }
}

#[test]
fn a_validator_starts_clean_after_each_text() {
    let mut validator = Validator::default();
    assert_eq!(validator.check(b"\xc3"), Ok(()));
    assert_eq!(validator.finish(), Err(InvalidUtf8));
    assert_eq!(InvalidUtf8.to_string(), "text is not UTF-8");
    assert_eq!(validator.check(b"\xbc"), Err(InvalidUtf8));
    assert_eq!(validator, Validator::default());
    assert_eq!(validator.check(b"\xc3"), Ok(()));
    assert_eq!(validator.check(b""), Ok(()));
    assert_eq!(validator.check(b"\xbc"), Ok(()));
    assert_eq!(validator.finish(), Ok(()));
}
