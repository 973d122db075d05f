//! Whether a text is JSON: [`check`].
//!
//! It reads the text once, keeps nothing but which brackets are open, one bit each, and says at which byte it stops
//! being the beginning of any JSON text. `serde_json` gives lines and columns, which differ by one from case to case,
//! lets values that nobody reads be nested without bound, and allocates for their depth.
//!
//! Not here: what the text says; that is `serde_json`'s.

use alloc::format;
use alloc::string::String;
use core::fmt;

/// How deep arrays and objects may be nested in each other: what `serde_json` takes, too.
pub const MAX_DEPTH: usize = 128;

/// A text that is not JSON.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NotJson {
    /// The first byte, counted from 0, with which no JSON text could go on; the text's length where it only ends too early.
    pub at: usize,
}

impl NotJson {
    /// The message that tells the peer, as a command: `{"cmd":"error","param":{"message":"invalid JSON at byte 7"}}`.
    #[must_use]
    pub fn answer(self) -> String {
        format!(r#"{{"cmd":"error","param":{{"message":"{self}"}}}}"#)
    }
}

impl fmt::Display for NotJson {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "invalid JSON at byte {}", self.at)
    }
}

impl core::error::Error for NotJson {}

/// Whether a text is one JSON value (RFC 8259), nested at most [`MAX_DEPTH`] deep. A lone surrogate in an escape and a
/// number that is too large for any type are within its grammar.
///
/// # Errors
///
/// [`NotJson`], with the byte where it fails.
pub fn check(text: &str) -> Result<(), NotJson> {
    let mut scan = Scan {
        bytes: text.as_bytes(),
        at: 0,
        objects: 0,
        depth: 0,
    };
    match scan.document() {
        Some(()) => Ok(()),
        None => Err(NotJson { at: scan.at }),
    }
}

/// A reader that stands before the first byte which it has not accepted. Its methods are `None` where that byte cannot be.
struct Scan<'t> {
    bytes: &'t [u8],
    at: usize,
    /// Of the brackets that are open, which are objects'; the innermost is the lowest bit.
    objects: u128,
    depth: usize,
}

const _: () = assert!(MAX_DEPTH == u128::BITS as usize);

impl Scan<'_> {
    fn document(&mut self) -> Option<()> {
        loop {
            self.begin_value()?;
            // A value is complete: what it stands in goes on, or ends and is a complete value in turn.
            loop {
                self.space();
                if self.depth == 0 {
                    return self.peek().is_none().then_some(());
                }
                let object = self.objects & 1 == 1;
                match self.peek()? {
                    b',' => {
                        self.at += 1;
                        if object {
                            self.space();
                            self.key()?;
                        }
                        break;
                    }
                    b'}' if object => self.leave(),
                    b']' if !object => self.leave(),
                    _ => return None,
                }
            }
        }
    }

    /// A value that has nothing in it, after all that opens around it.
    fn begin_value(&mut self) -> Option<()> {
        loop {
            self.space();
            match self.peek()? {
                b'{' => {
                    self.enter(true)?;
                    self.space();
                    if self.peek()? == b'}' {
                        self.leave();
                        return Some(());
                    }
                    self.key()?;
                }
                b'[' => {
                    self.enter(false)?;
                    self.space();
                    if self.peek()? == b']' {
                        self.leave();
                        return Some(());
                    }
                }
                b'"' => return self.string(),
                b't' => return self.word(b"true"),
                b'f' => return self.word(b"false"),
                b'n' => return self.word(b"null"),
                _ => return self.number(),
            }
        }
    }

    fn enter(&mut self, object: bool) -> Option<()> {
        if self.depth == MAX_DEPTH {
            return None;
        }
        self.depth += 1;
        self.objects = self.objects << 1 | u128::from(object);
        self.at += 1;
        Some(())
    }

    const fn leave(&mut self) {
        self.depth -= 1;
        self.objects >>= 1;
        self.at += 1;
    }

    /// A member's name and the colon.
    fn key(&mut self) -> Option<()> {
        self.string()?;
        self.space();
        self.one(|byte| byte == b':')
    }

    fn string(&mut self) -> Option<()> {
        self.one(|byte| byte == b'"')?;
        loop {
            self.many(|byte| !matches!(byte, b'"' | b'\\' | ..0x20));
            match self.peek()? {
                b'"' => {
                    self.at += 1;
                    return Some(());
                }
                b'\\' => {
                    self.at += 1;
                    self.escape()?;
                }
                _ => return None,
            }
        }
    }

    fn escape(&mut self) -> Option<()> {
        match self.peek()? {
            b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't' => self.at += 1,
            b'u' => {
                self.at += 1;
                for _ in 0..4 {
                    self.one(|byte| byte.is_ascii_hexdigit())?;
                }
            }
            _ => return None,
        }
        Some(())
    }

    fn number(&mut self) -> Option<()> {
        if self.peek() == Some(b'-') {
            self.at += 1;
        }
        if self.peek() == Some(b'0') {
            self.at += 1;
        } else {
            self.digits()?;
        }
        if self.peek() == Some(b'.') {
            self.at += 1;
            self.digits()?;
        }
        if let Some(b'e' | b'E') = self.peek() {
            self.at += 1;
            if let Some(b'+' | b'-') = self.peek() {
                self.at += 1;
            }
            self.digits()?;
        }
        Some(())
    }

    /// One digit or more.
    fn digits(&mut self) -> Option<()> {
        self.one(|byte| byte.is_ascii_digit())?;
        self.many(|byte| byte.is_ascii_digit());
        Some(())
    }

    fn word(&mut self, word: &[u8]) -> Option<()> {
        word.iter()
            .try_for_each(|wanted| self.one(|byte| byte == *wanted))
    }

    fn space(&mut self) {
        self.many(|byte| matches!(byte, b' ' | b'\t' | b'\n' | b'\r'));
    }

    fn one(&mut self, is_right: impl Fn(u8) -> bool) -> Option<()> {
        is_right(self.peek()?).then(|| self.at += 1)
    }

    fn many(&mut self, are_right: impl Fn(u8) -> bool) {
        let rest = self.bytes.get(self.at..).unwrap_or_default();
        let end = rest.iter().position(|byte| !are_right(*byte));
        self.at += end.unwrap_or(rest.len());
    }

    fn peek(&self) -> Option<u8> {
        self.bytes.get(self.at).copied()
    }
}

#[cfg(test)]
mod tests;
