//! `Sec-WebSocket-Extensions` as data (RFC 6455 §9.1): names and parameters in order, duplicates and all.
//!
//! ```text
//! extensions = extension *( "," extension )        empty elements are skipped
//! extension  = token *( ";" param )
//! param      = token [ "=" ( token | quoted-string ) ]
//! ```
//!
//! Not here: what a parameter means, whether it may stand twice, and which offer is taken.

use crate::proto::work;
use alloc::borrow::Cow;

use super::grammar::Cursor;
use super::head::Values;

/// One extension with its parameters.
///
/// In a request the same name may come several times: these are alternatives, the preferred one first.
#[derive(Clone, Copy, Debug)]
pub struct Extension<'a> {
    name: &'a str,
    params: &'a [u8],
}

impl<'a> Extension<'a> {
    /// The name, a token. Compare it as it is: no RFC makes extension names case-insensitive.
    #[must_use]
    pub const fn name(&self) -> &'a str {
        self.name
    }

    /// The parameters in the order they were sent. One that was sent twice is there twice.
    #[must_use]
    pub const fn params(&self) -> Params<'a> {
        Params {
            rest: Cursor::new(self.params),
        }
    }
}

/// One parameter of an extension.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Param<'a> {
    /// The name, a token.
    pub name: &'a str,
    /// The value, a token, without quotes and backslashes. It is copied only if there was a backslash in it.
    pub value: Option<Cow<'a, str>>,
}

/// The parameters of one extension. From [`Extension::params`].
#[derive(Clone, Debug)]
pub struct Params<'a> {
    rest: Cursor<'a>,
}

impl<'a> Iterator for Params<'a> {
    type Item = Param<'a>;

    fn next(&mut self) -> Option<Param<'a>> {
        if !self.rest.eat(b';') {
            return None;
        }
        let (name, value) = param(&mut self.rest)?;
        Some(Param {
            name,
            value: value.map(unescape),
        })
    }
}

/// The extensions of one or more header lines, in order. From
/// [`Request::extensions`](super::server::Request::extensions) and [`Agreed::extensions`](super::client::Agreed).
#[derive(Clone, Debug)]
pub struct Extensions<'r, 'a> {
    lines: Option<Values<'r, 'a>>,
    line: Cursor<'a>,
}

impl<'r, 'a> Extensions<'r, 'a> {
    pub(super) const fn new(lines: Values<'r, 'a>) -> Self {
        Self {
            lines: Some(lines),
            line: Cursor::new(&[]),
        }
    }

    /// The extensions of one line of our own.
    pub(super) const fn of_line(line: &'a str) -> Self {
        Self {
            lines: None,
            line: Cursor::new(line.as_bytes()),
        }
    }
}

impl<'a> Iterator for Extensions<'_, 'a> {
    type Item = Extension<'a>;

    fn next(&mut self) -> Option<Extension<'a>> {
        loop {
            if let Some(found) = element(&mut self.line) {
                return found.ok();
            }
            self.line = Cursor::new(self.lines.as_mut()?.next()?);
        }
    }
}

/// Whether a line follows the grammar and holds at least one extension.
pub(super) fn is_extension_list(line: &[u8]) -> bool {
    let mut rest = Cursor::new(line);
    let mut any = false;
    while let Some(found) = element(&mut rest) {
        if found.is_err() {
            return false;
        }
        any = true;
    }
    any
}

/// A fault in the grammar; the header that held it names it.
struct Malformed;

/// Takes the next extension of a list; `None` at the end.
fn element<'a>(rest: &mut Cursor<'a>) -> Option<Result<Extension<'a>, Malformed>> {
    rest.whitespace();
    while rest.eat(b',') {
        rest.whitespace();
    }
    if rest.is_empty() {
        return None;
    }
    let found = extension(rest).ok_or(Malformed);
    if found.is_err() {
        // What follows a fault means nothing.
        *rest = Cursor::new(&[]);
    }
    Some(found)
}

/// `token *( ";" param )`, up to a comma or the end.
fn extension<'a>(rest: &mut Cursor<'a>) -> Option<Extension<'a>> {
    let name = rest.token()?;
    rest.whitespace();
    let from = rest.rest();
    while rest.eat(b';') {
        param(rest)?;
    }
    if !rest.is_empty() && !rest.rest().starts_with(b",") {
        return None;
    }
    let params = from.get(..from.len().checked_sub(rest.rest().len())?)?;
    Some(Extension { name, params })
}

/// `token [ "=" ( token | quoted-string ) ]`, with the whitespace around all of it. The value still has its
/// backslashes.
fn param<'a>(rest: &mut Cursor<'a>) -> Option<(&'a str, Option<&'a str>)> {
    rest.whitespace();
    let name = rest.token()?;
    rest.whitespace();
    if !rest.eat(b'=') {
        return Some((name, None));
    }
    rest.whitespace();
    let value = if rest.eat(b'"') {
        rest.quoted_token()?
    } else {
        rest.token()?
    };
    rest.whitespace();
    Some((name, Some(value)))
}

/// A backslash stands before the byte that is meant. The byte is a token's, so never a backslash itself.
fn unescape(value: &str) -> Cow<'_, str> {
    work::visit(value.len());
    if value.contains('\\') {
        Cow::Owned(value.chars().filter(|&char| char != '\\').collect())
    } else {
        Cow::Borrowed(value)
    }
}
