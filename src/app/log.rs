//! What peers sent, as a line of a log may hold it: [`escaped`].
//!
//! Not here: the lines themselves, which go to `tracing`; how many of them there may be.

use core::fmt;

/// The most bytes that one value has in a log, before the mark that it was cut.
pub const MAX_LOGGED: usize = 256;

/// `bytes` for a log: on one line, without anything that moves a cursor or turns the text around, cut at
/// [`MAX_LOGGED`] bytes of what is written. Where it was cut, `… (+N bytes)` says how many bytes are missing.
///
/// What [`char::escape_debug`] escapes is escaped: controls, direction overrides and other characters that nobody sees,
/// and marks that would stand on the text beside them; but not quotes. Bytes that are not UTF-8 are written as `\xNN`. A
/// backslash is doubled, so that what is written can be read in one way alone.
#[must_use]
pub fn escaped<B: AsRef<[u8]> + ?Sized>(bytes: &B) -> Escaped<'_> {
    Escaped(bytes.as_ref())
}

/// Displays what a peer sent, escaped and cut; made by [`escaped`].
#[derive(Clone, Copy)]
pub struct Escaped<'a>(&'a [u8]);

impl fmt::Display for Escaped<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut room = Room {
            f,
            left: MAX_LOGGED,
        };
        let mut read = 0;
        for chunk in self.0.utf8_chunks() {
            for char in chunk.valid().chars() {
                if !room.char(char)? {
                    return room.cut(self.0.len() - read);
                }
                read += char.len_utf8();
            }
            for byte in chunk.invalid() {
                if !room.byte(*byte)? {
                    return room.cut(self.0.len() - read);
                }
                read += 1;
            }
        }
        Ok(())
    }
}

impl fmt::Debug for Escaped<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// Where there is room for so many bytes more. An escape goes whole or not at all.
struct Room<'f, 'w> {
    f: &'f mut fmt::Formatter<'w>,
    left: usize,
}

impl Room<'_, '_> {
    /// Writes a character. Says whether there was room.
    fn char(&mut self, char: char) -> Result<bool, fmt::Error> {
        if matches!(char, '"' | '\'') {
            return self.piece(1, char);
        }
        let escape = char.escape_debug();
        // What is not escaped is one character, and may have several bytes.
        let len = escape.clone().map(char::len_utf8).sum();
        self.piece(len, escape)
    }

    fn byte(&mut self, byte: u8) -> Result<bool, fmt::Error> {
        self.piece(r"\xNN".len(), format_args!(r"\x{byte:02x}"))
    }

    fn piece(&mut self, len: usize, piece: impl fmt::Display) -> Result<bool, fmt::Error> {
        let Some(left) = self.left.checked_sub(len) else {
            return Ok(false);
        };
        self.left = left;
        write!(self.f, "{piece}")?;
        Ok(true)
    }

    fn cut(self, missing: usize) -> fmt::Result {
        write!(self.f, "… (+{missing} bytes)")
    }
}

#[cfg(test)]
mod tests {
    use super::{MAX_LOGGED, escaped};
    use alloc::string::{String, ToString};
    use alloc::vec::Vec;
    use proptest::prelude::*;

    #[test]
    fn what_could_forge_a_line_is_escaped() {
        for (bytes, shown) in [
            (&b"John"[..], "John"),
            ("Zoë 李 😀".as_bytes(), "Zoë 李 😀"),
            (br#"a "b" 'c'"#, r#"a "b" 'c'"#),
            (b"a\r\nWARN forged", r"a\r\nWARN forged"),
            (b"\x1b[2J\x07\x7f\0\t", r"\u{1b}[2J\u{7}\u{7f}\0\t"),
            // C1: a terminal may take it for ESC and [.
            ("\u{9b}2J".as_bytes(), r"\u{9b}2J"),
            ("\u{202e}gpj\u{2066}".as_bytes(), r"\u{202e}gpj\u{2066}"),
            (
                "a\u{2028}b\u{200b}c\u{feff}".as_bytes(),
                r"a\u{2028}b\u{200b}c\u{feff}",
            ),
            ("e\u{301}".as_bytes(), r"e\u{301}"),
            (br"\n is not a newline", r"\\n is not a newline"),
            (b"a\xffb\xe2\x82", r"a\xffb\xe2\x82"),
            (b"", ""),
        ] {
            assert_eq!(escaped(bytes).to_string(), shown);
        }
    }

    #[test]
    fn what_is_long_is_cut_and_says_so() {
        let long = "x".repeat(64 << 10);
        let shown = escaped(&long).to_string();
        let kept = "x".repeat(MAX_LOGGED);
        assert_eq!(
            shown,
            alloc::format!("{kept}… (+{} bytes)", (64 << 10) - MAX_LOGGED)
        );
        assert_eq!(escaped(&kept).to_string(), kept);
        // No escape is cut, nor a character.
        let shown = escaped(&"\n".repeat(200)).to_string();
        assert_eq!(shown, r"\n".repeat(128) + "… (+72 bytes)");
        let shown = escaped(&alloc::format!("x{}", "\x1b".repeat(60))).to_string();
        assert_eq!(
            shown,
            "x".to_string() + &r"\u{1b}".repeat(42) + "… (+18 bytes)"
        );
        let shown = escaped(&"李".repeat(86)).to_string();
        assert_eq!(shown, "李".repeat(85) + "… (+3 bytes)");
    }

    /// Reads what was written back, by the escapes that the documentation names.
    fn read_back(shown: &str) -> Vec<u8> {
        let mut bytes = Vec::new();
        let mut chars = shown.chars();
        while let Some(char) = chars.next() {
            if char != '\\' {
                bytes.extend_from_slice(char.encode_utf8(&mut [0; 4]).as_bytes());
                continue;
            }
            match chars.next() {
                Some('x') => {
                    let hex: String = chars.by_ref().take(2).collect();
                    bytes.push(u8::from_str_radix(&hex, 16).unwrap());
                }
                Some('u') => {
                    let hex: String = chars.by_ref().skip(1).take_while(|c| *c != '}').collect();
                    let char = char::from_u32(u32::from_str_radix(&hex, 16).unwrap()).unwrap();
                    bytes.extend_from_slice(char.encode_utf8(&mut [0; 4]).as_bytes());
                }
                Some('n') => bytes.push(b'\n'),
                Some('r') => bytes.push(b'\r'),
                Some('t') => bytes.push(b'\t'),
                Some('0') => bytes.push(0),
                Some('\\') => bytes.push(b'\\'),
                other => panic!("an escape nobody named: {other:?}"),
            }
        }
        bytes
    }

    fn is_dangerous(char: char) -> bool {
        let unseen = ['\u{200b}'..='\u{200f}', '\u{2028}'..='\u{202e}'];
        char.is_control() || unseen.iter().any(|range| range.contains(&char))
    }

    proptest! {
        #[test]
        fn it_is_one_short_line_that_can_be_read_back(
            bytes in proptest::collection::vec(any::<u8>(), 0..400),
            text in "\\PC{0,20}[\\\\\r\n\u{200f}-\u{202f}a]{0,20}",
        ) {
            for bytes in [bytes.as_slice(), text.as_bytes()] {
                let shown = escaped(bytes).to_string();
                prop_assert!(!shown.chars().any(is_dangerous));
                match shown.split_once("… (+") {
                    Some((kept, _)) if shown.len() > MAX_LOGGED => {
                        prop_assert!(kept.len() <= MAX_LOGGED && kept.len() + 10 > MAX_LOGGED);
                        prop_assert!(bytes.starts_with(&read_back(kept)));
                    }
                    _ => prop_assert_eq!(read_back(&shown), bytes),
                }
            }
        }
    }
}
