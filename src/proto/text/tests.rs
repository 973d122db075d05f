//! Each way to unmask and to judge, on each level that this processor has, beside an oracle.
//!
//! Not here: text in pieces, which `tests/proto` has.

use super::{LONG, are_ends_utf8_at, from_bytes, is_ascii, is_utf8_at, unmask_at, unmask_few};
use crate::proto::simd::Level;
use alloc::vec;
use alloc::vec::Vec;

const KEY: [u8; 4] = [0x37, 0x7A, 0x21, 0x3D];

/// Beside one byte after the other, as RFC 6455 section 5.3 has it, and with what stands around them.
#[test]
fn every_level_unmasks_every_length_at_every_alignment_with_every_key() {
    // Miri, too, sees a block of the widest kernel, and what stands around it.
    let (longest, strides) = if cfg!(miri) {
        (350, [87, 21])
    } else {
        (300, [1, 1])
    };
    let plain: Vec<u8> = (0..=250).cycle().take(longest).collect();
    let mut field = vec![0; longest + 192];
    let aligned = field.as_ptr().align_offset(64);
    for level in Level::all() {
        for turn in 0..4 {
            let mut key = KEY;
            key.rotate_left(turn);
            let by_hand = plain.iter().zip(key.iter().cycle());
            let masked: Vec<u8> = by_hand.map(|(byte, key)| byte ^ key).collect();
            for len in (0..=longest).step_by(strides[0]) {
                for alignment in (0..64).step_by(strides[1]) {
                    let at = aligned + alignment..aligned + alignment + len;
                    field.fill(0xA5);
                    field[at.clone()].copy_from_slice(&masked[..len]);
                    let ascii = unmask_at(level, key, &mut field[at.clone()]);
                    let place = (level, turn, len, alignment);
                    assert_eq!(field[at.clone()], plain[..len], "{place:?}");
                    assert_eq!(ascii, len <= 0x80, "{place:?}");
                    let mut around = field[..at.start].iter().chain(&field[at.end..]);
                    assert!(around.all(|byte| *byte == 0xA5), "{place:?}");
                }
            }
        }
    }
}

#[test]
fn every_level_sees_the_one_byte_that_is_no_ascii() {
    let (longest, stride) = if cfg!(miri) { (70, 17) } else { (300, 1) };
    for level in Level::all() {
        for len in (1..=longest).step_by(stride) {
            for at in 0..len {
                let mut bytes: Vec<u8> = KEY.iter().copied().cycle().take(len).collect();
                bytes[at] ^= 0x80;
                assert!(
                    !unmask_at(level, KEY, &mut bytes),
                    "{level:?}: {at} of {len}"
                );
                assert_eq!(bytes.iter().position(|byte| *byte == 0x80), Some(at));
            }
        }
    }
}

/// Text of characters of every length, shifted and cut everywhere, and with any one byte spoilt.
#[test]
fn every_level_judges_every_length_at_every_alignment() {
    let words = "Lachs \u{7f}\u{80}\u{7ff}\u{800}\u{d7ff}\u{e000}\u{ffff}\u{10000}\u{10ffff} λοσος 紅鮭 🐟🐟";
    let text = words.repeat(8);
    let (longest, stride) = if cfg!(miri) { (170, 41) } else { (300, 1) };
    let mut field = vec![0; longest + 128];
    let aligned = field.as_ptr().align_offset(64);
    for level in Level::all() {
        for len in (0..=longest).step_by(stride) {
            for alignment in (0..64).step_by(stride) {
                let at = aligned + alignment..aligned + alignment + len;
                let bytes = &mut field[at];
                bytes.copy_from_slice(&text.as_bytes()[alignment..][..len]);
                let place = (level, len, alignment);
                assert_eq!(is_utf8_at(level, bytes), oracle(bytes), "{place:?}");
                // Begin with a character, so that only the end may be wrong, and then also what is spoilt.
                bytes.copy_from_slice(&text.as_bytes()[..len]);
                assert_eq!(is_utf8_at(level, bytes), oracle(bytes), "{place:?}");
                if let Some(byte) = bytes.get_mut(len / 64 * alignment) {
                    *byte ^= 0x90;
                    assert_eq!(is_utf8_at(level, bytes), oracle(bytes), "{place:?}, spoilt");
                }
            }
        }
    }
}

/// Text of characters of every length, cut everywhere, with any byte spoilt.
#[test]
fn every_level_unmasks_and_judges_every_length_at_every_alignment() {
    let words = "Lachs \u{7f}\u{80}\u{7ff}\u{800}\u{d7ff}\u{e000}\u{ffff}\u{10000}\u{10ffff} λοσος 紅鮭 🐟🐟 and plain words";
    let text = words.repeat(6);
    let stride = if cfg!(miri) { 41 } else { 1 };
    let mut field = vec![0; LONG + 128];
    let aligned = field.as_ptr().align_offset(64);
    for level in Level::all() {
        for len in (32..LONG).step_by(stride) {
            for alignment in (0..64).step_by(stride) {
                let from = alignment * 7
                    + (0..4)
                        .find(|at| text.is_char_boundary(alignment * 7 + at))
                        .unwrap_or(0);
                for spoilt in [
                    None,
                    Some(len * alignment / 64),
                    Some(alignment % 32),
                    Some(len - 1 - alignment % 32),
                ] {
                    let mut plain: Vec<u8> = text
                        .as_bytes()
                        .iter()
                        .cycle()
                        .skip(from)
                        .take(len)
                        .copied()
                        .collect();
                    if let Some(at) = spoilt {
                        plain[at] ^= 0x90;
                    }
                    let field = &mut field[aligned + alignment..][..len];
                    let masked = plain
                        .iter()
                        .zip(KEY.iter().cycle())
                        .map(|(byte, key)| byte ^ key);
                    field
                        .iter_mut()
                        .zip(masked)
                        .for_each(|(place, byte)| *place = byte);
                    let found = unmask_few(level, KEY, field);
                    let place = (level, len, alignment, spoilt);
                    assert_eq!(field, plain, "{place:?}");
                    assert_eq!(found, oracle(&plain), "{place:?}");
                }
            }
        }
    }
}

#[test]
fn every_level_judges_sixteen_bytes_to_thirty_one_by_their_ends() {
    let text =
        "\u{80}\u{7ff}a\u{800}\u{d7ff}\u{e000}\u{10000}b\u{10ffff}λοσος 紅鮭 🐟🐟".as_bytes();
    for level in Level::all() {
        for from in 0..text.len() - 16 {
            for len in 16..(text.len() - from + 1).min(32) {
                for spoilt in 0..=len {
                    let mut bytes = text[from..from + len].to_vec();
                    if let Some(byte) = bytes.get_mut(spoilt) {
                        *byte ^= 0x90;
                    }
                    let ends = [&bytes[..16], &bytes[len - 16..]];
                    let [low, high] = ends.map(|end| u128::from_le_bytes(end.try_into().unwrap()));
                    let found = are_ends_utf8_at(level, low, high, &bytes);
                    assert_eq!(found, oracle(&bytes), "{level:?}: {bytes:x?}");
                }
            }
        }
    }
}

/// Runs of ASCII, which are passed by where they are long, between characters of every length; whole, spoilt, and cut.
#[test]
fn every_level_judges_long_text_that_is_ascii_here_and_there() {
    let texts = if cfg!(miri) { 1 } else { 400 };
    let mut random = 0x2545_f491_u32;
    let mut below = |bound: usize| {
        random = random.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (random >> 8) as usize % bound
    };
    for _ in 0..texts {
        let mut text = alloc::string::String::new();
        for _ in 0..8 {
            let (run, longest) = [("a", 400), ("é", 40), ("鮭", 30), ("🐟", 20)][below(4)];
            text.push_str(&run.repeat(below(longest)));
        }
        let mut bytes = text.into_bytes();
        for level in Level::all() {
            assert!(is_utf8_at(level, &bytes), "{level:?}: {bytes:x?}");
            for _ in 0..bytes.len().min(40) {
                let (at, spoilt) = (below(bytes.len()), [0x80, 0x90, 0x40, 0xFF][below(4)]);
                bytes[at] ^= spoilt;
                let cut = &bytes[..at + below(bytes.len() - at)];
                for text in [&bytes[..], cut] {
                    assert_eq!(
                        is_utf8_at(level, text),
                        oracle(text),
                        "{level:?}: {text:x?}"
                    );
                }
                bytes[at] ^= spoilt;
            }
        }
    }
}

/// Any four bytes of those between which the rules change, wherever they stand to the vectors and to the end.
#[test]
fn every_level_judges_every_four_bytes() {
    const EDGES: [u8; 24] = [
        0x00, 0x7F, 0x80, 0x8F, 0x90, 0x9F, 0xA0, 0xBF, 0xC0, 0xC1, 0xC2, 0xDF, 0xE0, 0xE1, 0xEC,
        0xED, 0xEE, 0xEF, 0xF0, 0xF1, 0xF3, 0xF4, 0xF5, 0xFF,
    ];
    const PLACES: [usize; 13] = [0, 28, 29, 30, 31, 32, 61, 62, 63, 125, 126, 127, 196];
    let stride = if cfg!(miri) { 3001 } else { 1 };
    let mut bytes = [b'a'; 200];
    for level in Level::all() {
        for number in (0..EDGES.len().pow(4)).step_by(stride) {
            let four = [1, 24, 576, 13_824].map(|unit| EDGES[number / unit % 24]);
            let at = PLACES[number % PLACES.len()];
            bytes[at..at + 4].copy_from_slice(&four);
            let found = is_utf8_at(level, &bytes);
            assert_eq!(found, oracle(&four), "{level:?}: {four:x?} at {at}");
            bytes[at..at + 4].fill(b'a');
        }
    }
}

/// One character anywhere, whole and not, in payload at any alignment.
#[test]
fn every_level_unmasks_and_judges_a_character_at_every_seam() {
    let (len, stride) = (100, if cfg!(miri) { 41 } else { 1 });
    let mut field = vec![0; len + 128];
    let aligned = field.as_ptr().align_offset(64);
    for level in Level::all() {
        for alignment in (0..64).step_by(stride) {
            for at in (0..len - 8).step_by(stride) {
                for (character, whole) in [("é", true), ("鮭", true), ("🐟", true), ("🐟", false)]
                {
                    let mut plain = [b'a'; 100];
                    plain[at..at + character.len()].copy_from_slice(character.as_bytes());
                    if !whole {
                        plain[at + 3] = b'a';
                    }
                    let bytes = &mut field[aligned + alignment..][..len];
                    for (at, (place, plain)) in bytes.iter_mut().zip(plain).enumerate() {
                        *place = plain ^ KEY[at % 4];
                    }
                    let found = unmask_few(level, KEY, bytes);
                    assert_eq!(found, whole, "{level:?}: {character} at {at}, {alignment}");
                    assert_eq!(bytes, plain);
                }
            }
        }
    }
}

/// Four bytes between which rules change, wherever they stand to what is unmasked in one piece, on payload that stands anywhere.
#[test]
fn every_level_unmasks_and_judges_four_bytes_at_every_seam() {
    const BYTES: [u8; 12] = [
        0x00, 0x80, 0x8F, 0x90, 0xA0, 0xBF, 0xC1, 0xC2, 0xE0, 0xED, 0xF0, 0xF4,
    ];
    let stride = if cfg!(miri) { 3001 } else { 1 };
    let mut field = [0; 400];
    for level in Level::all() {
        for number in (0..BYTES.len().pow(4)).step_by(stride) {
            let four = [1, 12, 144, 1728].map(|unit| BYTES[number / unit % 12]);
            let (start, len) = (number % 67, 32 + number % (LONG - 32));
            let at = number * 7 % (len - 7);
            let mut plain = [b'a'; 400];
            plain[at..at + 4].copy_from_slice(&four);
            let bytes = &mut field[start..start + len];
            for (at, (place, plain)) in bytes.iter_mut().zip(plain).enumerate() {
                *place = plain ^ KEY[at % 4];
            }
            let found = unmask_few(level, KEY, bytes);
            let place = (level, four, start, len, at);
            assert_eq!(found, oracle(&four), "{place:x?}");
            assert_eq!(bytes, &plain[..len], "{place:x?}");
        }
    }
}

fn oracle(bytes: &[u8]) -> bool {
    core::str::from_utf8(bytes).is_ok()
}

/// Its high bit alone, among zeroes.
#[test]
fn the_least_byte_that_is_no_ascii_is_seen() {
    for len in 1..70 {
        let mut bytes = vec![0; len];
        for at in 0..len {
            bytes[at] = 0x80;
            assert!(!is_ascii(&bytes), "at {at} of {len}");
            bytes[at] = 0x7F;
            assert!(is_ascii(&bytes), "at {at} of {len}");
            bytes[at] = 0;
        }
    }
}

#[test]
fn every_byte_of_every_length_counts() {
    // Miri sees each way through `is_ascii`, and a block more; it would take minutes for the rest.
    let lens = if cfg!(miri) { 0..40 } else { 0..100 };
    for len in lens {
        let mut bytes = vec![b'a'; len];
        assert!(is_ascii(&bytes));
        assert_eq!(from_bytes(&bytes), core::str::from_utf8(&bytes).ok());
        for at in (0..len).step_by(if cfg!(miri) { 7 } else { 1 }) {
            for wrong in [0x80, 0xC3, 0xFF] {
                bytes[at] = wrong;
                assert!(!is_ascii(&bytes), "{wrong:x} at {at} of {len}");
                assert_eq!(from_bytes(&bytes), None);
                bytes[at] = b'a';
            }
            if let Some(place) = bytes.get_mut(at..at + 2) {
                place.copy_from_slice("ä".as_bytes());
                let oracle = core::str::from_utf8(&bytes);
                assert!(oracle.is_ok() && from_bytes(&bytes) == oracle.ok());
                bytes[at..at + 2].fill(b'a');
            }
        }
    }
}

/// Nothing but bytes that go on, in each way that a length is unmasked.
#[test]
fn what_only_goes_on_is_no_text_at_any_length() {
    for len in (1..300).chain([super::STEP - 1, super::STEP, super::STEP + 1]) {
        let masked: Vec<u8> = KEY.iter().cycle().take(len).map(|key| 0x80 ^ key).collect();
        assert!(super::unmasked(KEY, &mut masked.clone()).is_none(), "{len}");
    }
}

/// The last character is cut off, in each way that a length is unmasked.
#[test]
fn what_ends_within_a_character_is_no_text_at_any_length() {
    for len in (1..300).chain([
        super::STEP - 1,
        super::STEP,
        super::STEP + 1,
        super::STEP * 2,
    ]) {
        let mut text = vec![b'a'; len];
        text[len - 1] = 0xC3;
        let masked = text.iter().zip(KEY.iter().cycle());
        let mut masked: Vec<u8> = masked.map(|(byte, key)| byte ^ key).collect();
        assert!(super::unmasked(KEY, &mut masked).is_none(), "{len}");
    }
}
