//! The answer to a request for a page.
//!
//! It is always whole and always the last thing on its connection: `Connection: close`, a `Content-Length`, no chunks,
//! no ranges, nothing compressed. What can go wrong between two requests on one connection cannot go wrong here.
//!
//! Not here: which page it is, and whether the peer has it already (an `ETag` is a header like others). Nor `Date`:
//! the core has no clock, and RFC 9110 §6.6.1 has a server without one send none.

use alloc::borrow::Cow;
use alloc::string::{String, ToString as _};
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::ops::Deref;

use super::outgoing::{check_header, check_value, write_header, write_status_line};
use super::server::PageRequest;
use super::{HandshakeError, Misuse};

/// What a document may load and do: what comes from where it came from, no inline scripts or styles, no frames.
const HTML_POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; \
    connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

/// An image that is opened as a document could run scripts as well. Its own styles are harmless.
const SVG_POLICY: &str = "default-src 'none'; style-src 'unsafe-inline'; sandbox";

const POLICY: &str = "Content-Security-Policy";

/// The bytes of a page: a clone costs nothing.
#[derive(Clone, Debug)]
pub struct Body(Bytes);

#[derive(Clone, Debug)]
enum Bytes {
    Static(&'static [u8]),
    Shared(Arc<[u8]>),
}

impl Body {
    /// No bytes.
    pub const EMPTY: Self = Self(Bytes::Static(&[]));
}

impl Deref for Body {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        match &self.0 {
            Bytes::Static(bytes) => bytes,
            Bytes::Shared(bytes) => bytes,
        }
    }
}

impl From<&'static [u8]> for Body {
    fn from(bytes: &'static [u8]) -> Self {
        Self(Bytes::Static(bytes))
    }
}

impl<const N: usize> From<&'static [u8; N]> for Body {
    fn from(bytes: &'static [u8; N]) -> Self {
        Self(Bytes::Static(bytes))
    }
}

impl From<&'static str> for Body {
    fn from(text: &'static str) -> Self {
        Self(Bytes::Static(text.as_bytes()))
    }
}

impl From<Vec<u8>> for Body {
    fn from(bytes: Vec<u8>) -> Self {
        Self(Bytes::Shared(bytes.into()))
    }
}

impl From<String> for Body {
    fn from(text: String) -> Self {
        text.into_bytes().into()
    }
}

impl From<Arc<[u8]>> for Body {
    fn from(bytes: Arc<[u8]>) -> Self {
        Self(Bytes::Shared(bytes))
    }
}

/// A complete HTTP answer that ends the connection.
///
/// Whatever its status, it has `X-Content-Type-Options: nosniff` and `Referrer-Policy: no-referrer`, and documents
/// (HTML, and SVG, which can be one) have a strict `Content-Security-Policy`; a header of the application replaces ours
/// of the same name.
///
/// ```
/// use sockeye::proto::handshake::{HandshakeError, HeadLimits, Misuse, Response, server::{Asked, RequestParser}};
///
/// let mut parser = RequestParser::new(HeadLimits::default());
/// let Some(Asked::Page(request)) = parser.parse_any(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")? else { panic!() };
/// let mut out = Vec::new();
/// let response = Response::new(200, "text/plain", "hello").header("Cache-Control", "no-cache");
/// response.write(&request, &mut out).unwrap();
/// assert!(out.starts_with(b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 5\r\n"));
/// assert!(out.ends_with(b"\r\nCache-Control: no-cache\r\n\r\nhello"));
///
/// let evil = Response::new(200, "text/plain", "hello").header("X-Room", "a\r\nX-Evil: b");
/// assert_eq!(evil.write(&request, &mut out), Err(Misuse::HeaderValue));
/// # Ok::<(), HandshakeError>(())
/// ```
#[derive(Clone, Debug)]
pub struct Response {
    status: u16,
    content_type: Cow<'static, str>,
    body: Body,
    headers: Vec<(Cow<'static, str>, Cow<'static, str>)>,
}

impl Response {
    /// An answer with this status, 200 to 599. 204 and 304 have no body: what is given here is then not sent.
    #[must_use]
    pub fn new(
        status: u16,
        content_type: impl Into<Cow<'static, str>>,
        body: impl Into<Body>,
    ) -> Self {
        Self {
            status,
            content_type: content_type.into(),
            body: body.into(),
            headers: Vec::new(),
        }
    }

    /// An answer that is one line of plain text.
    #[must_use]
    pub fn text(status: u16, sentence: &str) -> Self {
        let mut body = String::from(sentence);
        body.push('\n');
        Self::new(status, "text/plain; charset=utf-8", body)
    }

    /// That nothing is at this path, in the words of [`HandshakeError::NotFound`].
    #[must_use]
    pub fn not_found() -> Self {
        let error = HandshakeError::NotFound;
        Self::text(error.status(), error.text())
    }

    /// Adds a header, checked when the answer is written. The names that [`Accept::headers`](super::Accept::headers)
    /// refuses are refused here too, and so is `Content-Type`.
    #[must_use]
    pub fn header(
        mut self,
        name: impl Into<Cow<'static, str>>,
        value: impl Into<Cow<'static, str>>,
    ) -> Self {
        self.headers.push((name.into(), value.into()));
        self
    }

    /// The status.
    #[must_use]
    pub const fn status(&self) -> u16 {
        self.status
    }

    /// Appends the whole answer to `request`: to HEAD, its head alone.
    ///
    /// # Errors
    ///
    /// [`Misuse`] when the status, the content type or a header cannot be written; `out` is then as it was.
    pub fn write(&self, request: &PageRequest<'_>, out: &mut Vec<u8>) -> Result<(), Misuse> {
        let body = self.write_head(request, out)?;
        out.extend_from_slice(&body);
        Ok(())
    }

    /// Appends the head of the answer to `request`, and returns the body that has to follow it: nothing for HEAD, for
    /// 204 and for 304. For who would rather not copy a large one.
    ///
    /// # Errors
    ///
    /// As for [`write`](Self::write).
    pub fn write_head(&self, request: &PageRequest<'_>, out: &mut Vec<u8>) -> Result<Body, Misuse> {
        self.check()?;
        write_status_line(self.status, out);
        write_header("Connection", b"close", out);
        // RFC 9110 §8.6 forbids a length with 204, and §15.4.5 has 304 repeat no more than what caches need. Policies
        // are repeated as well, as a cache that is told 304 would go on with the old ones.
        if self.has_content() {
            let length = self.body.len().to_string();
            write_header("Content-Length", length.as_bytes(), out);
            write_header("Content-Type", self.content_type.as_bytes(), out);
        }
        self.write_policies(out);
        for (name, value) in &self.headers {
            write_header(name, value.as_bytes(), out);
        }
        out.extend_from_slice(b"\r\n");
        if request.is_head() || !self.has_content() {
            return Ok(Body::EMPTY);
        }
        Ok(self.body.clone())
    }

    /// Whether it can be written. What is known at start can be checked there.
    ///
    /// # Errors
    ///
    /// As for [`write`](Self::write).
    pub fn check(&self) -> Result<(), Misuse> {
        if !(200..=599).contains(&self.status) || matches!(self.status, 205 | 206 | 426) {
            return Err(Misuse::PageStatus);
        }
        check_value(&self.content_type)?;
        self.headers
            .iter()
            .try_for_each(|(name, value)| check_header(name, value, &["content-type"]))
    }

    const fn has_content(&self) -> bool {
        !matches!(self.status, 204 | 304)
    }

    fn write_policies(&self, out: &mut Vec<u8>) {
        let defaults = [
            ("X-Content-Type-Options", Some("nosniff")),
            ("Referrer-Policy", Some("no-referrer")),
            (POLICY, policy_of(&self.content_type)),
        ];
        for (name, value) in defaults {
            let replaced = self
                .headers
                .iter()
                .any(|(other, _)| other.eq_ignore_ascii_case(name));
            if let Some(value) = value
                && !replaced
            {
                write_header(name, value.as_bytes(), out);
            }
        }
    }
}

/// The policy of what a browser would show as a document.
fn policy_of(content_type: &str) -> Option<&'static str> {
    let kind = content_type.split(';').next().unwrap_or_default().trim();
    let is = |other: &str| kind.eq_ignore_ascii_case(other);
    if is("text/html") || is("application/xhtml+xml") {
        Some(HTML_POLICY)
    } else if is("image/svg+xml") {
        Some(SVG_POLICY)
    } else {
        None
    }
}
