//! The path of a request as the name of a file.
//!
//! Not here: `.` and `..`, which are names like others here, and of nothing: no directory lists them.

use alloc::borrow::Cow;
use alloc::string::String;
use alloc::vec::Vec;

/// Undoes the percent-encoding, once: what it gives is not decoded again, however it looks.
///
/// `None` for what names no file: a malformed escape, bytes that are not UTF-8, and an escaped slash or zero. A slash
/// that is escaped is part of a name (RFC 3986 §2.2), and no file has one in it.
pub(super) fn decode(path: &str) -> Option<Cow<'_, str>> {
    if !path.contains('%') {
        return Some(Cow::Borrowed(path));
    }
    let mut decoded = Vec::with_capacity(path.len());
    let mut rest = path.as_bytes();
    loop {
        match rest {
            [] => return String::from_utf8(decoded).ok().map(Cow::Owned),
            [b'%', high, low, behind @ ..] => {
                let byte = digit(*high)?.checked_mul(16)?.checked_add(digit(*low)?)?;
                if byte == b'/' || byte == 0 {
                    return None;
                }
                decoded.push(byte);
                rest = behind;
            }
            [b'%', ..] => return None,
            [byte, behind @ ..] => {
                decoded.push(*byte);
                rest = behind;
            }
        }
    }
}

fn digit(letter: u8) -> Option<u8> {
    let value = char::from(letter).to_digit(16)?;
    u8::try_from(value).ok()
}
