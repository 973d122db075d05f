//! The subprotocols of a request, over all its lines.
//!
//! Not here: whether they are right, which the request's parser asks, and the choice among them.

use super::grammar::Cursor;
use super::head::Values;

/// The subprotocols of one or more `Sec-WebSocket-Protocol` lines, in the order of the client's preference.
///
/// From [`Request::protocols`](super::server::Request::protocols). They are tokens, and no two are the same.
#[derive(Clone, Debug)]
pub struct Protocols<'r, 'a> {
    lines: Values<'r, 'a>,
    line: Cursor<'a>,
}

impl<'r, 'a> Protocols<'r, 'a> {
    pub(super) const fn new(lines: Values<'r, 'a>) -> Self {
        Self {
            lines,
            line: Cursor::new(&[]),
        }
    }
}

impl<'a> Iterator for Protocols<'_, 'a> {
    type Item = &'a str;

    fn next(&mut self) -> Option<&'a str> {
        loop {
            self.line.whitespace();
            if self.line.eat(b',') {
                continue;
            }
            if self.line.is_empty() {
                self.line = Cursor::new(self.lines.next()?);
                continue;
            }
            return self.line.token();
        }
    }
}
