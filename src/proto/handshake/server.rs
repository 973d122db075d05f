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
//! A server that has pages on the same port reads with [`RequestParser::parse_any`].
//!
//! Not here: writing the answer ([`Accept`](super::Accept), [`Refusal`](super::Refusal)), and policy: whether the
//! path exists, the user is known, or the page may connect ([`OriginPolicy`](super::OriginPolicy)).

use crate::proto::work;
use core::ops::Range;

use super::extension::{Extensions, is_extension_list};
use super::grammar::{elements, is_token};
use super::head::{Found, Headers, Kind, Scanner};
use super::key::{accept_of, is_key};
pub use super::page::{Asked, PageRequest};
use super::protocols::Protocols;
use super::request_head::{RequestHead, RequestLine, Serving};
use super::{HandshakeError, HeadError, HeadLimits};

/// More subprotocols than this in one request are malformed. It keeps the search for duplicates cheap.
pub(super) const MAX_PROTOCOLS: usize = 64;

/// Reads one request as it arrives.
///
/// ```
/// use sockeye::proto::handshake::{HandshakeError, HeadLimits, server::RequestParser};
///
/// let received = b"GET /chat?room=1 HTTP/1.1\r\nHost: example.com\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
///     Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n";
/// let mut parser = RequestParser::new(HeadLimits::default());
/// assert!(parser.parse(&received[..30])?.is_none()); // read more
/// let request = parser.parse(received)?.expect("it is whole");
/// assert_eq!((request.path(), request.query()), ("/chat", Some("room=1")));
/// assert_eq!(request.head_len(), received.len()); // frames begin here
/// # Ok::<(), HandshakeError>(())
/// ```
#[derive(Clone, Debug)]
pub struct RequestParser {
    limits: HeadLimits,
    scanner: Scanner,
    line: Range<usize>,
    is_head: bool,
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
            is_head: false,
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
        self.judge(received, Serving::Sockets, Request::parse)
    }

    /// As [`parse`](Self::parse), for a server that has pages too: a right GET or HEAD that does not ask for
    /// `websocket` is a [`PageRequest`].
    ///
    /// # Errors
    ///
    /// As for [`parse`](Self::parse), but what asks for no WebSocket need not be a handshake; another method is
    /// [`HandshakeError::PageMethod`], and a HEAD that asks for a WebSocket [`HandshakeError::Method`].
    pub fn parse_any<'a>(
        &mut self,
        received: &'a [u8],
    ) -> Result<Option<Asked<'a>>, HandshakeError> {
        self.judge(received, Serving::Pages, Asked::parse)
    }

    /// Whether a request line has come that says HEAD, be the request right or not: a refusal then goes without its
    /// body. See [`Refusal::head_alone`](super::Refusal::head_alone).
    #[must_use]
    pub const fn is_head(&self) -> bool {
        self.is_head
    }

    /// Goes on with the scan, and gives the head to `parse` once it is whole. The first error stays.
    fn judge<'a, T>(
        &mut self,
        received: &'a [u8],
        serving: Serving,
        parse: impl FnOnce(&'a [u8], Range<usize>) -> Result<T, HandshakeError>,
    ) -> Result<Option<T>, HandshakeError> {
        if let Some(error) = self.refused {
            return Err(error);
        }
        let result = self
            .advance(received, serving)
            .and_then(|head| head.map(|head| parse(head, self.line.clone())).transpose());
        self.refused = result.as_ref().err().copied();
        result
    }

    /// The whole head, when it has come. The request line is judged as soon as it ends.
    fn advance<'a>(
        &mut self,
        received: &'a [u8],
        serving: Serving,
    ) -> Result<Option<&'a [u8]>, HandshakeError> {
        loop {
            match self.scanner.advance(received, &self.limits)? {
                Found::More => return Ok(None),
                Found::StartLine(line) => {
                    let text = received.get(line.clone()).unwrap_or_default();
                    self.is_head = text.starts_with(b"HEAD ");
                    RequestLine::parse(text, serving)?;
                    self.line = line;
                }
                Found::End(end) => return Ok(Some(received.get(..end).unwrap_or_default())),
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
    head: RequestHead<'a>,
    key: &'a [u8],
    origin: Option<&'a [u8]>,
}

impl<'a> Request<'a> {
    fn parse(head: &'a [u8], line: Range<usize>) -> Result<Self, HandshakeError> {
        RequestHead::parse(head, line, Serving::Sockets).and_then(Self::of)
    }

    /// What an opening handshake must have beyond what every request has.
    pub(super) fn of(head: RequestHead<'a>) -> Result<Self, HandshakeError> {
        upgrade(&head)?;
        let headers = &head.headers;
        version(headers)?;
        let key = key(headers)?;
        let origin = head.origin()?;
        protocols(headers)?;
        if !headers
            .all("sec-websocket-extensions")
            .all(is_extension_list)
        {
            return Err(HandshakeError::Extensions);
        }
        Ok(Self { head, key, origin })
    }

    /// How many bytes the head takes, an empty line before it included. The first frame begins there.
    #[must_use]
    pub const fn head_len(&self) -> usize {
        self.head.len
    }

    /// The target as it was sent: printable ASCII, a path or an absolute URI.
    #[must_use]
    pub const fn target(&self) -> &'a str {
        self.head.line.raw_target
    }

    /// The path, which begins with `/`; not decoded and not normalised.
    #[must_use]
    pub const fn path(&self) -> &'a str {
        self.head.line.target.path
    }

    /// What follows the first `?`, not decoded.
    #[must_use]
    pub const fn query(&self) -> Option<&'a str> {
        self.head.line.target.query
    }

    /// The value of `Host`: a host with an optional port.
    #[must_use]
    pub const fn host(&self) -> &'a str {
        self.head.host
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
        &self.head.headers
    }

    /// The value of the first field of this name, in any case.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&'a [u8]> {
        self.head.headers.first(name)
    }

    /// The subprotocols that the client offers, its favourite first.
    #[must_use]
    pub fn protocols(&self) -> Protocols<'_, 'a> {
        Protocols::new(self.head.headers.all("sec-websocket-protocol"))
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
        Extensions::new(self.head.headers.all("sec-websocket-extensions"))
    }
}

/// Both halves of asking for an upgrade. Without the option in `Connection`, `Upgrade` was meant for someone else on
/// the way (RFC 9110 §7.6.1).
fn upgrade(head: &RequestHead<'_>) -> Result<(), HandshakeError> {
    if !head.asks_for_websocket() {
        return Err(HandshakeError::Upgrade);
    }
    if !head.headers.list_has("connection", b"upgrade") {
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
            let is_offered = |other: &&[u8]| {
                let same_len = other.len() == offered.len();
                work::visit(if same_len { offered.len() } else { 1 });
                *other == offered
            };
            if seen.iter().take(count).any(is_offered) {
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
