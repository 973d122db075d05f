//! The lines of a head: where it ends, and its fields.
//!
//! [`Scanner`] sees every byte once, as it arrives, and knows the line structure of RFC 9112 and nothing of fields.
//! A head that is re-parsed on every read is how 20 MB in 4 000 writes once cost minutes of CPU (CVE-2023-43669).
//!
//! Not here: what the start line says, and what any field means.

use crate::proto::work;
use alloc::vec::Vec;
use core::fmt;
use core::ops::Range;

use super::grammar::{is_control, is_token_byte, text_prefix, trim};
use super::{HeadError, HeadLimits};

/// The most field lines a head can have, whatever the limits say.
pub const MAX_HEADERS: usize = 64;

/// The longest request line in bytes, without its line end. A longer one is answered 414.
pub const MAX_START_LINE: usize = 4096;

/// No registered method is longer than 17 bytes; a longer run of letters is not HTTP.
const MAX_METHOD: usize = 32;

const STATUS_LINE_PREFIX: &[u8] = b"HTTP/";

/// Which kind of start line a head has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Request,
    Response,
}

/// What the scanner has come to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Found {
    /// The end of the input.
    More,
    /// The end of the start line, which lies in this range. Scanning goes on.
    StartLine(Range<usize>),
    /// The end of the head, and where it is.
    End(usize),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    /// Before the first byte.
    Begin,
    LeadingCr,
    /// After the one empty line that RFC 9112 §2.2 asks a server to ignore.
    AfterLeading,
    /// In the method, or in the `HTTP/` of a status line.
    First,
    /// In the rest of the start line.
    Start,
    StartCr,
    FieldStart,
    Name,
    Value,
    ValueCr,
    EndCr,
    Done,
}

/// The resumable scan of one head. Positions are offsets into the slice that it is given, which must always begin at
/// the same byte of the stream.
#[derive(Clone, Debug)]
pub(super) struct Scanner {
    kind: Kind,
    state: State,
    at: usize,
    line: usize,
    fields: usize,
}

impl Scanner {
    /// A scan that begins at offset `from`.
    pub(super) const fn new(kind: Kind, from: usize) -> Self {
        Self {
            kind,
            state: State::Begin,
            at: from,
            line: from,
            fields: 0,
        }
    }

    /// Goes on until something is found or the input ends. An error is found again by every later call.
    pub(super) fn advance(
        &mut self,
        input: &[u8],
        limits: &HeadLimits,
    ) -> Result<Found, HeadError> {
        loop {
            if self.state == State::Done {
                return Ok(Found::End(self.at));
            }
            self.pass_over(input, limits);
            // The next byte, which has not arrived yet, would already be one too many.
            if self.at >= limits.max_head {
                return Err(HeadError::TooLarge);
            }
            let Some(&byte) = input.get(self.at) else {
                return Ok(Found::More);
            };
            work::visit(1);
            let before = self.state;
            self.state = self.step(byte, limits)?;
            self.at = self.at.saturating_add(1);
            match (before, self.state) {
                (State::Begin | State::AfterLeading, State::First) => {
                    self.line = self.at.saturating_sub(1)
                }
                (State::StartCr, _) => {
                    return Ok(Found::StartLine(self.line..self.at.saturating_sub(2)));
                }
                _ => {}
            }
        }
    }

    /// Passes over bytes that change nothing: of lines' insides, and so of nearly all of a head.
    fn pass_over(&mut self, input: &[u8], limits: &HeadLimits) {
        let end = input.len().min(limits.max_head);
        let rest = input.get(self.at..end).unwrap_or_default();
        let passed = match self.state {
            State::Name => rest.iter().take_while(|byte| is_token_byte(**byte)).count(),
            State::Value => text_prefix(rest),
            State::Start if self.kind == Kind::Request => {
                let left = MAX_START_LINE.saturating_sub(self.at.saturating_sub(self.line));
                let is_plain = |byte: &&u8| matches!(byte, b' '..=b'~');
                rest.iter().take(left).take_while(is_plain).count()
            }
            State::Begin
            | State::LeadingCr
            | State::AfterLeading
            | State::First
            | State::Start
            | State::StartCr
            | State::FieldStart
            | State::ValueCr
            | State::EndCr
            | State::Done => return,
        };
        work::visit(passed);
        self.at = self.at.saturating_add(passed);
    }

    fn step(&mut self, byte: u8, limits: &HeadLimits) -> Result<State, HeadError> {
        match self.state {
            State::Begin if byte == b'\r' && self.kind == Kind::Request => Ok(State::LeadingCr),
            State::AfterLeading if byte == b'\r' => Err(HeadError::LeadingLines),
            State::LeadingCr => after_cr(byte, State::AfterLeading),
            State::Begin | State::AfterLeading => self.first(byte, 0),
            State::First => self.first(byte, self.at.saturating_sub(self.line)),
            State::Start => self.start(byte),
            State::StartCr | State::ValueCr => after_cr(byte, State::FieldStart),
            State::FieldStart => self.field_start(byte, limits),
            State::Name if byte == b':' => Ok(State::Value),
            State::Name => name_byte(byte),
            State::Value if byte == b'\r' => Ok(State::ValueCr),
            State::Value => text_byte(byte, State::Value),
            State::EndCr => after_cr(byte, State::Done),
            State::Done => Ok(State::Done),
        }
    }

    /// The first word tells HTTP from a TLS hello, from noise, and from text without end.
    fn first(&self, byte: u8, index: usize) -> Result<State, HeadError> {
        match self.kind {
            Kind::Request if is_token_byte(byte) && index < MAX_METHOD => Ok(State::First),
            Kind::Request if byte == b' ' && index > 0 => Ok(State::Start),
            Kind::Response if STATUS_LINE_PREFIX.get(index) == Some(&byte) => {
                let last = index.saturating_add(1) == STATUS_LINE_PREFIX.len();
                Ok(if last { State::Start } else { State::First })
            }
            Kind::Request | Kind::Response => Err(HeadError::NotHttp),
        }
    }

    fn start(&self, byte: u8) -> Result<State, HeadError> {
        if byte == b'\r' {
            return Ok(State::StartCr);
        }
        let next = text_byte(byte, State::Start)?;
        match self.kind {
            Kind::Response => Ok(next),
            Kind::Request if self.at.saturating_sub(self.line) >= MAX_START_LINE => {
                Err(HeadError::LineTooLong)
            }
            // A target is ASCII, and only one space is a separator: what some parser takes for another one smuggles.
            Kind::Request if !byte.is_ascii() || byte == b'\t' => Err(HeadError::StartLine),
            Kind::Request => Ok(next),
        }
    }

    fn field_start(&mut self, byte: u8, limits: &HeadLimits) -> Result<State, HeadError> {
        match byte {
            b'\r' => Ok(State::EndCr),
            b' ' | b'\t' => Err(HeadError::Folded),
            _ => {
                let next = name_byte(byte)?;
                // Lines are counted, not names: repeating one name has been a way around such a limit.
                if self.fields >= limits.max_headers.min(MAX_HEADERS) {
                    return Err(HeadError::TooManyHeaders);
                }
                self.fields = self.fields.saturating_add(1);
                Ok(next)
            }
        }
    }
}

fn after_cr(byte: u8, next: State) -> Result<State, HeadError> {
    if byte == b'\n' {
        Ok(next)
    } else {
        Err(HeadError::BareCr)
    }
}

fn text_byte(byte: u8, next: State) -> Result<State, HeadError> {
    match byte {
        b'\n' => Err(HeadError::BareLf),
        _ if is_control(byte) => Err(HeadError::ControlByte),
        _ => Ok(next),
    }
}

fn name_byte(byte: u8) -> Result<State, HeadError> {
    match byte {
        b'\n' => Err(HeadError::BareLf),
        _ if is_token_byte(byte) => Ok(State::Name),
        _ => Err(HeadError::HeaderName),
    }
}

const fn length_bit(name: &str) -> u64 {
    1 << (name.len() % 64)
}

/// The fields of a head, in the order they came, borrowed from it.
///
/// ```
/// use sockeye::proto::handshake::{HandshakeError, HeadLimits, server};
///
/// let head = b"GET / HTTP/1.1\r\nHost: example.com\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
///     Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\
///     X-Forwarded-For: 192.0.2.7\r\nx-forwarded-for: 192.0.2.1\r\n\r\n";
/// let request = server::parse(head, HeadLimits::default())?;
/// let headers = request.headers();
/// assert_eq!(headers.first("x-forwarded-for"), Some(&b"192.0.2.7"[..]));
/// assert_eq!(headers.all("x-forwarded-for").count(), 2);
/// let names: Vec<_> = headers.iter().map(|(name, _)| name).collect();
/// assert_eq!(names[..2], ["Host", "Upgrade"]);
/// # Ok::<(), HandshakeError>(())
/// ```
#[derive(Clone)]
pub struct Headers<'a> {
    // In an array they would take 2 KiB, which are moved each time that a request is.
    lines: Vec<httparse::Header<'a>>,
    /// How long their names are, modulo 64, by bits: most of what is looked for is not there.
    lengths: u64,
}

impl<'a> Headers<'a> {
    /// Splits the field lines, from after the start line to after the closing empty line.
    pub(super) fn parse(lines: &'a [u8]) -> Result<Self, HeadError> {
        let mut fields = [httparse::EMPTY_HEADER; MAX_HEADERS];
        work::visit(lines.len());
        match httparse::parse_headers(lines, &mut fields) {
            Ok(httparse::Status::Complete((_, found))) => {
                let lengths = found.iter().map(|line| length_bit(line.name));
                Ok(Self {
                    lengths: lengths.fold(0, |all, bit| all | bit),
                    lines: found.to_vec(),
                })
            }
            Ok(httparse::Status::Partial) => Err(HeadError::Incomplete),
            Err(httparse::Error::TooManyHeaders) => Err(HeadError::TooManyHeaders),
            // The scanner has refused all of these before; a caller who changed the bytes in between still gets one.
            Err(
                httparse::Error::HeaderName
                | httparse::Error::HeaderValue
                | httparse::Error::NewLine
                | httparse::Error::Status
                | httparse::Error::Token
                | httparse::Error::Version,
            ) => Err(HeadError::HeaderName),
        }
    }

    /// Every field as name and value, without the whitespace around the value. Names are as the peer wrote them.
    pub fn iter(&self) -> impl Iterator<Item = (&'a str, &'a [u8])> {
        self.lines.iter().map(|line| (line.name, trim(line.value)))
    }

    /// The value of the first line of this name, in any case.
    #[must_use]
    pub fn first(&self, name: &str) -> Option<&'a [u8]> {
        self.all(name).next()
    }

    /// The values of all lines of this name, in any case, in order.
    #[must_use]
    pub fn all<'r>(&'r self, name: &'r str) -> Values<'r, 'a> {
        let may_be = self.lengths & length_bit(name) != 0;
        let lines = if may_be { self.lines.as_slice() } else { &[] };
        Values {
            lines: lines.iter(),
            name,
        }
    }

    /// Whether there is such a line, with whatever value.
    pub(super) fn has(&self, name: &str) -> bool {
        self.first(name).is_some()
    }

    /// The value of a field that may stand once; `repeated` when it stands more often, even with equal values.
    pub(super) fn single<E>(&self, name: &str, repeated: E) -> Result<Option<&'a [u8]>, E> {
        let mut values = self.all(name);
        let value = values.next();
        if values.next().is_some() {
            Err(repeated)
        } else {
            Ok(value)
        }
    }

    /// Whether the lines of this name, joined to one list, are well formed and hold `wanted`.
    pub(super) fn list_has(&self, name: &str, wanted: &[u8]) -> bool {
        self.all(name)
            .try_fold(false, |found, value| {
                Some(found | super::grammar::list_has(value, wanted)?)
            })
            .unwrap_or(false)
    }
}

impl fmt::Debug for Headers<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(&self.lines).finish()
    }
}

/// The values of one field name. From [`Headers::all`].
#[derive(Clone, Debug)]
pub struct Values<'r, 'a> {
    lines: core::slice::Iter<'r, httparse::Header<'a>>,
    name: &'r str,
}

impl<'a> Iterator for Values<'_, 'a> {
    type Item = &'a [u8];

    fn next(&mut self) -> Option<&'a [u8]> {
        let line = self.lines.find(|line| {
            let same_len = line.name.len() == self.name.len();
            work::visit(if same_len { self.name.len() } else { 1 });
            line.name.eq_ignore_ascii_case(self.name)
        })?;
        Some(trim(line.value))
    }
}
