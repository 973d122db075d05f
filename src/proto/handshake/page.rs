//! A request for a page, on the port that also takes WebSockets.
//!
//! It is read by the same parser and keeps the same rules: HTTP/1.1, a path, one `Host` that agrees, no body. One
//! parser for both is the point. Two of them that disagree are how checks made on one kind are missed on the other.
//!
//! Not here: the answer ([`Response`](super::Response)), and what is at the path.

use core::ops::Range;

use super::HandshakeError;
use super::head::Headers;
use super::request_head::{Method, RequestHead, Serving};
use super::server::Request;

/// What a request asks for. From [`RequestParser::parse_any`](super::server::RequestParser::parse_any).
#[derive(Clone, Debug)]
pub enum Asked<'a> {
    /// A WebSocket: `Upgrade` lists `websocket`, and every rule of an opening handshake holds.
    Upgrade(Request<'a>),
    /// A page.
    Page(PageRequest<'a>),
}

impl<'a> Asked<'a> {
    pub(super) fn parse(head: &'a [u8], line: Range<usize>) -> Result<Self, HandshakeError> {
        let head = RequestHead::parse(head, line, Serving::Pages)?;
        if !head.asks_for_websocket() {
            return PageRequest::of(head).map(Self::Page);
        }
        // RFC 6455 §4.2.1 item 1: what HEAD asks for would have no frames.
        match head.line.method {
            Method::Get => Request::of(head).map(Self::Upgrade),
            Method::Head => Err(HandshakeError::Method),
        }
    }
}

/// A valid GET or HEAD that does not ask for a WebSocket, borrowed from the bytes it was read from.
///
/// ```
/// use sockeye::proto::handshake::{HandshakeError, HeadLimits, server::{Asked, RequestParser}};
///
/// let received = b"HEAD /index.html?x=1 HTTP/1.1\r\nHost: example.com\r\n\r\n";
/// let mut parser = RequestParser::new(HeadLimits::default());
/// let Some(Asked::Page(request)) = parser.parse_any(received)? else { panic!() };
/// assert!(request.is_head());
/// assert_eq!((request.path(), request.query()), ("/index.html", Some("x=1")));
/// # Ok::<(), HandshakeError>(())
/// ```
#[derive(Clone, Debug)]
pub struct PageRequest<'a> {
    head: RequestHead<'a>,
    origin: Option<&'a [u8]>,
}

impl<'a> PageRequest<'a> {
    fn of(head: RequestHead<'a>) -> Result<Self, HandshakeError> {
        let origin = head.origin()?;
        Ok(Self { head, origin })
    }

    /// How many bytes the head takes, an empty line before it included. What follows is nothing: the answer ends the
    /// connection.
    #[must_use]
    pub const fn head_len(&self) -> usize {
        self.head.len
    }

    /// Whether the head of the answer is all that is wanted (RFC 9110 §9.3.2).
    #[must_use]
    pub const fn is_head(&self) -> bool {
        matches!(self.head.line.method, Method::Head)
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

    /// The value of `Origin` as it was sent; browsers seldom send one with a GET.
    #[must_use]
    pub const fn origin(&self) -> Option<&'a [u8]> {
        self.origin
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
}
