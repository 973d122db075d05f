//! The server's half of reading: a request, judged (RFC 6455 §4.2.1).
//!
//! A [`Request`] exists only if all of these hold: GET, HTTP/1.1, a path, one `Host`, no body, no `Expect`, the
//! `websocket` token in `Upgrade`, the `upgrade` token in `Connection`, one version 13, one well-formed key, at most
//! one `Origin`, and well-formed offers. Libraries that looked at the key alone have let proxies and servers disagree
//! about where HTTP ends.
//!
//! What follows the head are the first frames, once the 101 is out. After a refusal it is nothing: to parse it as
//! another request is request smuggling (RFC 9931).
//!
//! Not here: writing the answer ([`Accept`](super::Accept), [`Refusal`](super::Refusal)), and policy: whether the
//! path exists, the user is known, or the page may connect ([`OriginPolicy`](super::OriginPolicy)).

use core::ops::Range;

use super::extension::{Extensions, is_extension_list};
use super::grammar::{elements, is_token};
use super::head::{Found, Headers, Kind, Scanner};
use super::key::{accept_of, is_key};
use super::protocols::Protocols;
use super::uri::{Authority, Target};
use super::{HandshakeError, HeadError, HeadLimits};

/// More subprotocols than this in one request are malformed. It keeps the search for duplicates cheap.
pub(super) const MAX_PROTOCOLS: usize = 64;

/// Reads one request as it arrives.
#[derive(Clone, Debug)]
pub struct RequestParser {
    limits: HeadLimits,
    scanner: Scanner,
    line: Range<usize>,
    pub(super) refused: Option<HandshakeError>,
    /// Whether [`answer`](Self::answer) has written a 101.
    pub(super) accepted: bool,
}

impl RequestParser {
    /// A parser for the next request of a connection.
    #[must_use]
    pub const fn new(limits: HeadLimits) -> Self {
        Self {
            limits,
            scanner: Scanner::new(Kind::Request, 0),
            line: 0..0,
            refused: None,
            accepted: false,
        }
    }

    /// Looks at everything received so far, from the first byte of the connection on; only the new bytes are visited.
    ///
    /// `None` means that more bytes are needed. What follows [`Request::head_len`] bytes is not looked at.
    ///
    /// # Errors
    ///
    /// The first rule that the request breaks, as soon as the byte that breaks it is there; the request line is judged
    /// when it ends, the fields when the head ends. Every later call returns the same error.
    pub fn parse<'a>(&mut self, received: &'a [u8]) -> Result<Option<Request<'a>>, HandshakeError> {
        if let Some(error) = self.refused {
            return Err(error);
        }
        let result = self.advance(received);
        self.refused = result.as_ref().err().copied();
        result
    }

    fn advance<'a>(&mut self, received: &'a [u8]) -> Result<Option<Request<'a>>, HandshakeError> {
        loop {
            match self.scanner.advance(received, &self.limits)? {
                Found::More => return Ok(None),
                Found::StartLine(line) => {
                    request_line(received.get(line.clone()).unwrap_or_default())?;
                    self.line = line;
                }
                Found::End(end) => {
                    let head = received.get(..end).unwrap_or_default();
                    return Request::parse(head, self.line.clone()).map(Some);
                }
            }
        }
    }
}

/// Judges a request whose whole head is there.
///
/// # Errors
///
/// As [`RequestParser::parse`], and [`HeadError::Incomplete`] when the head does not end in `received`.
///
/// ```
/// # use sockeye::proto::handshake::{HandshakeError, HeadError, HeadLimits, server};
/// let cut = server::parse(b"GET / HTTP/1.1\r\nHost: a", HeadLimits::default());
/// assert_eq!(cut.unwrap_err(), HandshakeError::Head(HeadError::Incomplete));
/// let plain = server::parse(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n", HeadLimits::default());
/// assert_eq!(plain.unwrap_err().status(), 426);
/// ```
pub fn parse(received: &[u8], limits: HeadLimits) -> Result<Request<'_>, HandshakeError> {
    RequestParser::new(limits)
        .parse(received)?
        .ok_or(HandshakeError::Head(HeadError::Incomplete))
}

/// A valid opening handshake, borrowed from the bytes it was read from.
#[derive(Clone, Debug)]
pub struct Request<'a> {
    head_len: usize,
    raw_target: &'a str,
    target: Target<'a>,
    host: &'a str,
    key: &'a [u8],
    origin: Option<&'a [u8]>,
    headers: Headers<'a>,
}

impl<'a> Request<'a> {
    fn parse(head: &'a [u8], line: Range<usize>) -> Result<Self, HandshakeError> {
        let fields = line.end.saturating_add(2);
        let headers = Headers::parse(head.get(fields..).unwrap_or_default())?;
        let (raw_target, target) = request_line(head.get(line).unwrap_or_default())?;
        let host = host(&headers, &target)?;
        no_body(&headers)?;
        upgrade(&headers)?;
        version(&headers)?;
        let key = key(&headers)?;
        let origin = headers.single("origin", HandshakeError::OriginRepeated)?;
        protocols(&headers)?;
        if !headers
            .all("sec-websocket-extensions")
            .all(is_extension_list)
        {
            return Err(HandshakeError::Extensions);
        }
        Ok(Self {
            head_len: head.len(),
            raw_target,
            target,
            host,
            key,
            origin,
            headers,
        })
    }

    /// How many bytes the head takes, an empty line before it included. The first frame begins there.
    #[must_use]
    pub const fn head_len(&self) -> usize {
        self.head_len
    }

    /// The target as it was sent: printable ASCII, a path or an absolute URI.
    #[must_use]
    pub const fn target(&self) -> &'a str {
        self.raw_target
    }

    /// The path, which begins with `/`; not decoded and not normalised.
    #[must_use]
    pub const fn path(&self) -> &'a str {
        self.target.path
    }

    /// What follows the first `?`, not decoded.
    #[must_use]
    pub const fn query(&self) -> Option<&'a str> {
        self.target.query
    }

    /// The value of `Host`: a host with an optional port.
    #[must_use]
    pub const fn host(&self) -> &'a str {
        self.host
    }

    /// The value of `Origin` as it was sent; absent when the client is not a browser (RFC 6455 §4.2.1 item 7).
    #[must_use]
    pub const fn origin(&self) -> Option<&'a [u8]> {
        self.origin
    }

    /// The value that `Sec-WebSocket-Accept` must have.
    #[must_use]
    pub fn accept(&self) -> [u8; 28] {
        accept_of(self.key)
    }

    /// All fields.
    #[must_use]
    pub const fn headers(&self) -> &Headers<'a> {
        &self.headers
    }

    /// The value of the first field of this name, in any case.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&'a [u8]> {
        self.headers.first(name)
    }

    /// The subprotocols that the client offers, its favourite first.
    #[must_use]
    pub fn protocols(&self) -> Protocols<'_, 'a> {
        Protocols::new(self.headers.all("sec-websocket-protocol"))
    }

    /// The first of the server's subprotocols, its favourite first, that the client offers too (RFC 6455 §4.2.2).
    ///
    /// `None` is a good answer: the connection is then without a subprotocol, and the 101 does not name one.
    #[must_use]
    pub fn choose_protocol<'s>(
        &self,
        supported: impl IntoIterator<Item = &'s str>,
    ) -> Option<&'s str> {
        supported
            .into_iter()
            .find(|ours| self.protocols().any(|theirs| theirs == *ours))
    }

    /// The extensions that the client offers, its favourite first, unknown ones too.
    #[must_use]
    pub fn extensions(&self) -> Extensions<'_, 'a> {
        Extensions::new(self.headers.all("sec-websocket-extensions"))
    }
}

/// `method SP target SP version` (RFC 9112 §3); the version first, because it says what the rest means.
fn request_line(line: &[u8]) -> Result<(&str, Target<'_>), HandshakeError> {
    let malformed = HandshakeError::Head(HeadError::StartLine);
    let line = core::str::from_utf8(line).map_err(|_| malformed)?;
    let mut words = line.split(' ');
    let (Some(method), Some(target), Some(version), None) =
        (words.next(), words.next(), words.next(), words.next())
    else {
        return Err(malformed);
    };
    http_version(version)
        .ok_or(malformed)?
        .then_some(())
        .ok_or(HandshakeError::HttpVersion)?;
    if method != "GET" {
        return Err(HandshakeError::Method);
    }
    let parsed = Target::parse(target).ok_or(HandshakeError::Target)?;
    Ok((target, parsed))
}

/// Whether this version, if it is one, is 1.1 (RFC 9112 §2.3).
pub(super) fn http_version(text: &str) -> Option<bool> {
    match text.strip_prefix("HTTP/")?.as_bytes() {
        [major, b'.', minor] if major.is_ascii_digit() && minor.is_ascii_digit() => {
            Some(*major == b'1' && *minor == b'1')
        }
        _ => None,
    }
}

/// Exactly one `Host` that is a host, and that an absolute target agrees with (RFC 9112 §3.2).
fn host<'a>(headers: &Headers<'a>, target: &Target<'_>) -> Result<&'a str, HandshakeError> {
    let value = headers
        .single("host", HandshakeError::HostRepeated)?
        .ok_or(HandshakeError::HostMissing)?;
    let host = core::str::from_utf8(value).map_err(|_| HandshakeError::HostInvalid)?;
    let authority = Authority::parse(host).ok_or(HandshakeError::HostInvalid)?;
    match &target.authority {
        Some((named, default)) if !named.is_same(&authority, *default) => {
            Err(HandshakeError::HostMismatch)
        }
        Some(_) | None => Ok(host),
    }
}

/// No body in any form, not even an empty or a malformed one: two parsers that disagree about its length are the
/// whole of request smuggling (RFC 9112 §6.3).
fn no_body(headers: &Headers<'_>) -> Result<(), HandshakeError> {
    if headers.has("content-length") || headers.has("transfer-encoding") {
        return Err(HandshakeError::Body);
    }
    if headers.has("expect") {
        return Err(HandshakeError::Expect);
    }
    Ok(())
}

/// Both halves of asking for an upgrade. Without the option in `Connection`, `Upgrade` was meant for someone else on
/// the way (RFC 9110 §7.6.1).
fn upgrade(headers: &Headers<'_>) -> Result<(), HandshakeError> {
    if !headers.list_has("upgrade", b"websocket") {
        return Err(HandshakeError::Upgrade);
    }
    if !headers.list_has("connection", b"upgrade") {
        return Err(HandshakeError::Connection);
    }
    Ok(())
}

fn version(headers: &Headers<'_>) -> Result<(), HandshakeError> {
    match headers.single("sec-websocket-version", HandshakeError::VersionRepeated)? {
        Some(b"13") => Ok(()),
        Some(_) | None => Err(HandshakeError::Version),
    }
}

fn key<'a>(headers: &Headers<'a>) -> Result<&'a [u8], HandshakeError> {
    let key = headers
        .single("sec-websocket-key", HandshakeError::KeyRepeated)?
        .ok_or(HandshakeError::KeyMissing)?;
    if is_key(key) {
        Ok(key)
    } else {
        Err(HandshakeError::KeyInvalid)
    }
}

/// Every line `1#token` (RFC 6455 §4.3), and no subprotocol twice (§4.1 item 10).
fn protocols(headers: &Headers<'_>) -> Result<(), HandshakeError> {
    let mut seen: [&[u8]; MAX_PROTOCOLS] = [&[]; MAX_PROTOCOLS];
    let mut count = 0;
    for line in headers.all("sec-websocket-protocol") {
        let before = count;
        for offered in elements(line) {
            if !is_token(offered) {
                return Err(HandshakeError::Protocols);
            }
            if seen.iter().take(count).any(|other| *other == offered) {
                return Err(HandshakeError::ProtocolRepeated);
            }
            *seen.get_mut(count).ok_or(HandshakeError::Protocols)? = offered;
            count = count.saturating_add(1);
        }
        if count == before {
            return Err(HandshakeError::Protocols);
        }
    }
    Ok(())
}
