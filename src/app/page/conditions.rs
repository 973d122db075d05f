//! Whether a peer that has some version of a page wants this one (RFC 9110 §13).
//!
//! A condition that is malformed counts as none: the whole page is always a right answer.
//!
//! Not here: dates. Pages have no `Last-Modified`, so §13.1.3 and §13.1.4 have conditions on it ignored. Nor `If-Range`,
//! as there are no ranges.

use crate::proto::handshake::Headers;

/// What the conditions of a request come to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    Send,
    NotModified,
    Failed,
}

/// Evaluates both conditions, in the order of §13.2.2. `current` is a strong entity tag, in its quotes.
pub(super) fn judge(headers: &Headers<'_>, current: &str) -> Verdict {
    let current = current.as_bytes();
    // A strong comparison for the one, a weak comparison for the other (§8.8.3.2).
    let wants_another = matches(headers, "if-match", |tag| {
        !tag.weak && tag.opaque == current
    });
    if wants_another == Some(false) {
        return Verdict::Failed;
    }
    match matches(headers, "if-none-match", |tag| tag.opaque == current) {
        Some(true) => Verdict::NotModified,
        Some(false) | None => Verdict::Send,
    }
}

/// Whether the list of this name, over all its lines, is `*` or has such a tag. `None` when there is no right list.
fn matches(headers: &Headers<'_>, name: &str, is_it: impl Fn(Tag<'_>) -> bool) -> Option<bool> {
    let (mut elements, mut any, mut found) = (0_usize, false, false);
    for line in headers.all(name) {
        let mut rest = skip(line, b", \t");
        while !rest.is_empty() {
            elements = elements.saturating_add(1);
            if let [b'*', behind @ ..] = rest {
                any = true;
                rest = behind;
            } else {
                let (tag, behind) = Tag::parse(rest)?;
                found |= is_it(tag);
                rest = behind;
            }
            rest = skip(rest, b" \t");
            if !matches!(rest.first(), None | Some(b',')) {
                return None;
            }
            rest = skip(rest, b", \t");
        }
    }
    match (any, elements) {
        (_, 0) => None,
        (false, _) => Some(found),
        (true, 1) => Some(true),
        // `*` is the whole value, or nothing.
        (true, _) => None,
    }
}

fn skip<'a>(mut text: &'a [u8], bytes: &[u8]) -> &'a [u8] {
    while let [first, rest @ ..] = text
        && bytes.contains(first)
    {
        text = rest;
    }
    text
}

/// An `entity-tag` (§8.8.3), its opaque part with the quotes.
#[derive(Clone, Copy, Debug)]
struct Tag<'a> {
    weak: bool,
    opaque: &'a [u8],
}

impl<'a> Tag<'a> {
    /// The tag that `text` begins with, and what follows. A comma or a backslash between the quotes is a letter of it.
    fn parse(text: &'a [u8]) -> Option<(Self, &'a [u8])> {
        let strong = text.strip_prefix(b"W/");
        let quoted = strong.unwrap_or(text);
        let inside = quoted.strip_prefix(b"\"")?;
        let len = inside.iter().position(|&byte| !is_tag_byte(byte))?;
        if inside.get(len) != Some(&b'"') {
            return None;
        }
        let (opaque, rest) = quoted.split_at_checked(len.saturating_add(2))?;
        let weak = strong.is_some();
        Some((Self { weak, opaque }, rest))
    }
}

const fn is_tag_byte(byte: u8) -> bool {
    matches!(byte, 0x21 | 0x23..=0x7e | 0x80..)
}
