//! Percent-encoding (RFC 3986 §2.1), read strictly, or as forms are.
//!
//! Not here: writing it.

use alloc::borrow::Cow;
use alloc::string::String;
use alloc::vec::Vec;

/// The bytes of a text, and whether each one was encoded. A `%` without its digits stands for itself.
struct Decoded<'a> {
    rest: &'a [u8],
}

impl Iterator for Decoded<'_> {
    type Item = (u8, bool);

    fn next(&mut self) -> Option<(u8, bool)> {
        let (&first, after) = self.rest.split_first()?;
        if let (b'%', [high, low, after @ ..]) = (first, after)
            && let (Some(high), Some(low)) = (digit(*high), digit(*low))
        {
            self.rest = after;
            return Some(((high << 4) | low, true));
        }
        self.rest = after;
        Some((first, false))
    }
}

fn decoded(text: &str) -> Decoded<'_> {
    let rest = text.as_bytes();
    Decoded { rest }
}

fn digit(byte: u8) -> Option<u8> {
    let digit = char::from(byte).to_digit(16)?;
    u8::try_from(digit).ok()
}

/// The text that this stands for, or `None` where its encoding is wrong, or hides what is not UTF-8 or not to be shown.
pub(super) fn decode(text: &str) -> Option<Cow<'_, str>> {
    let decoded: Cow<'_, str> = if text.contains('%') {
        let bytes: Option<Vec<u8>> = decoded(text)
            .map(|(byte, encoded)| (encoded || byte != b'%').then_some(byte))
            .collect();
        String::from_utf8(bytes?).ok()?.into()
    } else {
        text.into()
    };
    (!decoded.contains(char::is_control)).then_some(decoded)
}

/// What a form has written so: `+` is a space, wrong encoding stands for itself, and what is not UTF-8 is replaced.
pub(super) fn decode_form(text: &str) -> Cow<'_, str> {
    if !text.contains(['%', '+']) {
        return text.into();
    }
    let bytes: Vec<u8> = decoded(text)
        .map(|(byte, encoded)| match byte {
            b'+' if !encoded => b' ',
            _ => byte,
        })
        .collect();
    String::from_utf8_lossy(&bytes).into_owned().into()
}

/// Whether somebody on the way to us could take a segment of this path for `.` or `..`.
///
/// A proxy that closes `/admin` and opens `/public` reads `/admin/..%2fpublic/x` as the second and passes it on as it
/// is. Here it would be the first. Browsers resolve such segments before they send a path, so nobody misses it.
pub(in crate::app) fn has_dot_segment(path: &str) -> bool {
    // How many dots the segment has so far, where it has nothing else.
    let mut dots = Some(0_usize);
    for (byte, _) in decoded(path) {
        let is_dots = matches!(dots, Some(1 | 2));
        dots = match byte {
            // Servlets' proxies cut off what follows a semicolon.
            b'/' | b'\\' | b';' if is_dots => return true,
            b'/' | b'\\' => Some(0),
            b'.' => dots.map(|count| count.saturating_add(1)),
            _ => None,
        };
    }
    matches!(dots, Some(1 | 2))
}

#[cfg(test)]
mod tests {
    use super::has_dot_segment;

    #[test]
    fn dot_segments_are_found_in_each_disguise() {
        for path in [
            "/.",
            "/..",
            "/./ws",
            "/a/../ws",
            "/a/..",
            "/%2e/ws",
            "/%2E%2e/ws",
            "/.%2e",
            "/a%2f..%2fws",
            "/a/..%2Fws",
            "/a%5c..%5Cws",
            "/a/..;/ws",
            "/a/.;x=1/ws",
            "/..%3b/ws",
            "..",
        ] {
            assert!(has_dot_segment(path), "{path}");
        }
    }

    #[test]
    fn other_dots_are_not() {
        for path in [
            "",
            "/",
            "/...",
            "/a.b",
            "/.a",
            "/a.",
            "/..a/b",
            "/.well-known/x",
            "/a;.",
            "/a;..;/b",
            "/%252e/a",
            "/%2",
            "/%",
            "/a//b",
            "/v1.0/",
        ] {
            assert!(!has_dot_segment(path), "{path}");
        }
    }
}
