//! What every request must be, whether it asks for a WebSocket or for a page: a request line, one `Host` that agrees
//! with it, and no body.
//!
//! Not here: what an upgrade needs beyond that ([`Request`](super::server::Request)), and `Origin`, which each of both
//! judges in its own order.

use crate::proto::work;
use core::ops::Range;

use super::head::Headers;
use super::uri::{Authority, Target};
use super::{HandshakeError, HeadError};

/// What a server has to give, and so which methods it knows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Serving {
    /// WebSockets alone: GET.
    Sockets,
    /// Pages as well: GET and HEAD.
    Pages,
}

/// The methods that have an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Method {
    Get,
    Head,
}

impl Serving {
    fn method(self, name: &str) -> Result<Method, HandshakeError> {
        match (self, name) {
            (_, "GET") => Ok(Method::Get),
            (Self::Pages, "HEAD") => Ok(Method::Head),
            (Self::Sockets, _) => Err(HandshakeError::Method),
            (Self::Pages, _) => Err(HandshakeError::PageMethod),
        }
    }
}

/// A request line that is right.
#[derive(Clone, Copy, Debug)]
pub(super) struct RequestLine<'a> {
    pub(super) method: Method,
    pub(super) raw_target: &'a str,
    pub(super) target: Target<'a>,
}

impl<'a> RequestLine<'a> {
    /// `method SP target SP version` (RFC 9112 §3); the version first, because it says what the rest means.
    pub(super) fn parse(line: &'a [u8], serving: Serving) -> Result<Self, HandshakeError> {
        // As text, and split into words.
        work::visit(line.len().saturating_mul(2));
        let malformed = HandshakeError::Head(HeadError::StartLine);
        let line = core::str::from_utf8(line).map_err(|_| malformed)?;
        let (method, rest) = split_at_space(line).ok_or(malformed)?;
        let (raw_target, version) = split_at_space(rest).ok_or(malformed)?;
        http_version(version)
            .ok_or(malformed)?
            .then_some(())
            .ok_or(HandshakeError::HttpVersion)?;
        let method = serving.method(method)?;
        let target = Target::parse(raw_target).ok_or(HandshakeError::Target)?;
        Ok(Self {
            method,
            raw_target,
            target,
        })
    }
}

/// As `split_once`, without the search that pays for long texts.
fn split_at_space(text: &str) -> Option<(&str, &str)> {
    let at = text.bytes().position(|byte| byte == b' ')?;
    Some((text.get(..at)?, text.get(at.saturating_add(1)..)?))
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

/// A whole head that keeps every rule of this file, borrowed from the bytes it was read from.
#[derive(Clone, Debug)]
pub(super) struct RequestHead<'a> {
    /// Its bytes, an empty line before it included.
    pub(super) len: usize,
    pub(super) line: RequestLine<'a>,
    pub(super) host: &'a str,
    pub(super) headers: Headers<'a>,
}

impl<'a> RequestHead<'a> {
    /// Judges a head whose request line lies in `line`.
    pub(super) fn parse(
        head: &'a [u8],
        line: Range<usize>,
        serving: Serving,
    ) -> Result<Self, HandshakeError> {
        let fields = line.end.saturating_add(2);
        let headers = Headers::parse(head.get(fields..).unwrap_or_default())?;
        let line = RequestLine::parse(head.get(line).unwrap_or_default(), serving)?;
        let host = host(&headers, &line.target)?;
        no_body(&headers)?;
        Ok(Self {
            len: head.len(),
            line,
            host,
            headers,
        })
    }

    /// Whether `Upgrade` lists `websocket`. Any other protocol is an offer that a server may leave (RFC 9110 §7.8).
    pub(super) fn asks_for_websocket(&self) -> bool {
        self.headers.list_has("upgrade", b"websocket")
    }

    /// At most one `Origin` (RFC 6454 §7.3).
    pub(super) fn origin(&self) -> Result<Option<&'a [u8]>, HandshakeError> {
        self.headers
            .single("origin", HandshakeError::OriginRepeated)
    }
}

/// Exactly one `Host` that is a host, and that an absolute target agrees with (RFC 9112 §3.2).
fn host<'a>(headers: &Headers<'a>, target: &Target<'_>) -> Result<&'a str, HandshakeError> {
    let value = headers
        .single("host", HandshakeError::HostRepeated)?
        .ok_or(HandshakeError::HostMissing)?;
    work::visit(value.len().saturating_mul(2));
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
