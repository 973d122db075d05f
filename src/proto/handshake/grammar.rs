//! The letters and lists of HTTP fields (RFC 9110 §5.6), over bytes, each read once from left to right.
//!
//! Two of the classic handshake bugs live here: looking for `websocket` or `upgrade` as a substring, and regular
//! expressions that take quadratic time on a run of spaces or backslashes.
//!
//! Not here: which field holds what (`server`, `client`), or where a line ends (`head`).

use crate::proto::work;

/// `tchar` of RFC 9110 §5.6.2.
#[expect(
    clippy::indexing_slicing,
    reason = "every byte has an entry; `get` is not `const`"
)]
pub(crate) const fn is_token_byte(byte: u8) -> bool {
    TOKEN[byte as usize]
}

/// By byte: asked about most bytes of a head, and more than once.
#[expect(clippy::indexing_slicing, reason = "runs in the compiler")]
const TOKEN: [bool; 256] = {
    let mut table = [false; 256];
    let mut byte = 0;
    while byte < u8::MAX {
        table[byte as usize] = byte.is_ascii_alphanumeric()
            || matches!(
                byte,
                b'!' | b'#'
                    | b'$'
                    | b'%'
                    | b'&'
                    | b'\''
                    | b'*'
                    | b'+'
                    | b'-'
                    | b'.'
                    | b'^'
                    | b'_'
                    | b'`'
                    | b'|'
                    | b'~'
            );
        byte += 1;
    }
    table
};

/// A control byte that no line may hold; a tab is whitespace.
pub(super) const fn is_control(byte: u8) -> bool {
    (byte < 0x20 && byte != b'\t') || byte == 0x7f
}

/// How many bytes there are before the first control byte: most of them in steps, which the compiler turns into vectors.
pub(super) fn text_prefix(text: &[u8]) -> usize {
    const STEP: usize = 16;
    let is_text = |step: &&[u8]| !step.iter().fold(false, |any, byte| any | is_control(*byte));
    let steps = text.chunks_exact(STEP).take_while(is_text).count();
    let whole = steps.saturating_mul(STEP);
    let rest = text.get(whole..).unwrap_or_default().iter();
    whole.saturating_add(rest.take_while(|byte| !is_control(**byte)).count())
}

/// `SP` or `HTAB`.
const fn is_whitespace(byte: u8) -> bool {
    byte == b' ' || byte == b'\t'
}

/// `token`: one or more `tchar`.
pub(super) fn is_token(text: &[u8]) -> bool {
    work::visit(text.len());
    !text.is_empty() && text.iter().all(|&byte| is_token_byte(byte))
}

/// Removes optional whitespace from both ends (RFC 9110 §5.5).
pub(super) fn trim(mut text: &[u8]) -> &[u8] {
    let all = text.len();
    while let [first, rest @ ..] = text
        && is_whitespace(*first)
    {
        text = rest;
    }
    while let [rest @ .., last] = text
        && is_whitespace(*last)
    {
        text = rest;
    }
    work::visit(all.saturating_sub(text.len()).saturating_add(2));
    text
}

/// The non-empty elements of a list whose elements hold no quotes, trimmed.
///
/// Empty elements are skipped: RFC 9110 §5.6.1.2 asks recipients to.
pub(super) fn elements(value: &[u8]) -> impl Iterator<Item = &[u8]> {
    work::visit(value.len());
    value
        .split(|&byte| byte == b',')
        .map(trim)
        .filter(|element| !element.is_empty())
}

/// Whether the list names `wanted`, in any case, as a whole element.
///
/// `None` when an element is not made of tokens. `/` parts the name of a protocol from its version (RFC 9110 §7.8), so
/// `websocket/13` is well formed and is not `websocket`.
pub(super) fn list_has(value: &[u8], wanted: &[u8]) -> Option<bool> {
    let mut found = false;
    for element in elements(value) {
        work::visit(element.len());
        if !element.split(|&byte| byte == b'/').all(is_token) {
            return None;
        }
        found |= element.eq_ignore_ascii_case(wanted);
    }
    Some(found)
}

/// A reader that only moves forward.
#[derive(Clone, Copy, Debug)]
pub(super) struct Cursor<'a> {
    rest: &'a [u8],
}

impl<'a> Cursor<'a> {
    pub(super) const fn new(text: &'a [u8]) -> Self {
        Self { rest: text }
    }

    pub(super) const fn rest(&self) -> &'a [u8] {
        self.rest
    }

    pub(super) const fn is_empty(&self) -> bool {
        self.rest.is_empty()
    }

    pub(super) fn whitespace(&mut self) {
        while let [first, rest @ ..] = self.rest
            && is_whitespace(*first)
        {
            work::visit(1);
            self.rest = rest;
        }
    }

    /// Takes `byte` if it is next.
    pub(super) fn eat(&mut self, byte: u8) -> bool {
        match self.rest {
            [first, rest @ ..] if *first == byte => {
                self.rest = rest;
                true
            }
            _ => false,
        }
    }

    /// Takes the longest token, if there is one.
    pub(super) fn token(&mut self) -> Option<&'a str> {
        let len = self
            .rest
            .iter()
            .take_while(|&&byte| is_token_byte(byte))
            .count();
        work::visit(len.saturating_add(1));
        let (token, rest) = self.rest.split_at_checked(len)?;
        self.rest = rest;
        ascii(token)
    }

    /// Takes a `quoted-string` whose text is a token once its backslashes are gone (RFC 6455 §9.1), and returns what
    /// stands between the quotes, backslashes included. The opening quote has been taken.
    pub(super) fn quoted_token(&mut self) -> Option<&'a str> {
        let mut at = 0;
        loop {
            work::visit(1);
            match self.rest.get(at..)? {
                [b'"', rest @ ..] => {
                    let inside = self.rest.get(..at)?;
                    self.rest = rest;
                    return ascii(inside);
                }
                [b'\\', escaped, ..] if is_token_byte(*escaped) => at += 2,
                [byte, ..] if is_token_byte(*byte) => at += 1,
                _ => return None,
            }
        }
    }
}

/// Text that the grammar has already shown to be ASCII and not empty.
fn ascii(text: &[u8]) -> Option<&str> {
    if text.is_empty() {
        None
    } else {
        work::visit(text.len());
        core::str::from_utf8(text).ok()
    }
}
