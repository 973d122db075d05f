//! What messages say, and how they are compressed.
//!
//! Not here: frames.

use crate::deflate_bits::{Bits, Symbol};
use crate::dice::Dice;
use crate::miniz::{Compressor, Strategy};
use sockeye::proto::MessageKind;
use std::cell::RefCell;

/// Characters at the borders of the ranges that UTF-8 has, and in them.
const CHARACTERS: [char; 20] = [
    'a',
    'z',
    ' ',
    '\n',
    '\0',
    '\u{7F}',
    '\u{80}',
    'ß',
    '\u{7FF}',
    '\u{800}',
    '€',
    '\u{D7FF}',
    '\u{E000}',
    '\u{FFFD}',
    '\u{FFFF}',
    '\u{10000}',
    '😀',
    '\u{FFFFF}',
    '\u{100000}',
    '\u{10FFFF}',
];

/// What no text has: overlong, surrogates, too high, without a beginning, without an end.
pub(crate) const NOT_UTF8: [&[u8]; 22] = [
    b"\xC0\x80",
    b"\xC1\xBF",
    b"\xE0\x80\x80",
    b"\xE0\x9F\xBF",
    b"\xED\xA0\x80",
    b"\xED\xBF\xBF",
    b"\xF0\x80\x80\x80",
    b"\xF0\x8F\xBF\xBF",
    b"\xF4\x90\x80\x80",
    b"\xF5\x80\x80\x80",
    b"\xFF",
    b"\xFE",
    b"\x80",
    b"\xBF",
    b"\xC2",
    b"\xE2\x82",
    b"\xE2",
    b"\xF0\x9F\x98",
    b"\xF0\x9F",
    b"\xF0",
    b"\xC2\x41",
    b"\xE2\x28\xA1",
];

pub(crate) fn message(dice: &mut Dice, kind: MessageKind) -> Vec<u8> {
    let len = length(dice);
    match kind {
        MessageKind::Binary => dice.bytes(len),
        MessageKind::Text => {
            let plain = dice.one_in(2);
            let mut text = String::new();
            while text.len() < len {
                let letter = char::from(b'a' + dice.below(26) as u8);
                text.push(if plain {
                    letter
                } else {
                    dice.pick(&CHARACTERS)
                });
            }
            text.into_bytes()
        }
    }
}

/// Short as a rule, and at the borders of the three forms of a length.
fn length(dice: &mut Dice) -> usize {
    match dice.below(600) {
        0 => 65_530 + dice.below(12),
        1..30 => 120 + dice.below(12),
        30..50 => 200 + dice.below(900),
        _ => dice.below(24),
    }
}

/// The body of a Close frame, which may be one.
pub(crate) fn close(dice: &mut Dice) -> Vec<u8> {
    if dice.one_in(4) {
        return Vec::new();
    }
    let mut body = dice
        .pick(&[1000_u16, 1001, 1011, 1012, 1014, 3000, 4999])
        .to_be_bytes()
        .to_vec();
    if dice.one_in(2) {
        body.extend(message(dice, MessageKind::Text));
    }
    // A character may be cut.
    body.truncate(dice.pick(&[125, 125, 125, 40]));
    while std::str::from_utf8(body.get(2..).unwrap_or_default()).is_err() {
        body.pop();
    }
    body
}

thread_local! {
    /// It takes long to make one.
    static COMPRESSORS: RefCell<Vec<Compressor>> = RefCell::new(vec![
        Compressor::new(6, Strategy::Default, false),
        Compressor::new(1, Strategy::HuffmanOnly, false),
        Compressor::new(9, Strategy::Fixed, false),
    ]);
}

/// Something to refer to, of which no three bytes in a row are likely to come twice.
pub(crate) fn past(dice: &mut Dice) -> Vec<u8> {
    let len = 300 + dice.below(900);
    Bits::new().stored(false, &dice.bytes(len)).finish()
}

/// The same message compressed, as a rule.
pub(crate) fn compressed(dice: &mut Dice, message: &[u8]) -> Vec<u8> {
    match dice.below(16) {
        0..4 if message.len() < 60_000 => Bits::new().stored(false, message).finish(),
        4..9 => fixed(dice, message),
        9..12 => COMPRESSORS.with_borrow_mut(|all| {
            let which = dice.below(all.len());
            all[which].message(message)
        }),
        12 => {
            // Ends of streams in between (RFC 7692 section 7.2.3.4), and one at the end.
            let (head, tail) = message.split_at(dice.below(message.len() + 1));
            let bits = Bits::new().fixed(true, &literals(head)).align();
            let bits = bits.fixed(true, &[]).align().fixed(true, &literals(tail));
            bits.cut()
        }
        // It stops anywhere, or is nothing of the kind.
        13 => {
            let mut payload = Bits::new().fixed(false, &literals(message)).finish();
            payload.truncate(dice.below(payload.len() + 1));
            payload
        }
        14 => dice.bytes(message.len().min(60)),
        _ => Vec::new(),
    }
}

/// Blocks of the fixed code, with matches that reach into what was said before, if there is so much.
fn fixed(dice: &mut Dice, message: &[u8]) -> Vec<u8> {
    let mut symbols = literals(message);
    if dice.one_in(2) {
        for _ in 0..1 + dice.below(3) {
            let distance = match dice.below(4) {
                // Where the smallest windows end.
                0 => dice.pick(&[255, 256, 257, 511, 512, 513, 1023, 1024, 1025, 32_768]),
                _ => 1 + dice.below(message.len().clamp(1, 32_768)),
            };
            let length = 3 + dice.below(256);
            symbols.push(Symbol::Match { length, distance });
        }
    }
    let bits = Bits::new().fixed(false, &symbols);
    if dice.one_in(3) {
        bits.flush()
    } else {
        bits.finish()
    }
}

fn literals(message: &[u8]) -> Vec<Symbol> {
    message.iter().map(|byte| Symbol::Literal(*byte)).collect()
}
