//! The client's half: a request on its way out, and the server's answer, judged (RFC 6455 §4.1).
//!
//! Nothing but the request may be sent before [`Response::verify`] has said yes: data that follows a request which is
//! then refused is parsed as HTTP by whoever refused it (RFC 9931).
//!
//! Not here: URLs (a host and a target are arguments, the default port already left out), TLS, proxies, redirects,
//! authentication, bodies of refusals, and randomness.

use alloc::vec::Vec;
use core::ops::Range;

use super::extension::{Extensions, is_extension_list};
use super::grammar::is_token;
use super::head::{Found, Headers, Kind, Scanner};
use super::key::{accept_of, key_of};
use super::origin::is_origin;
use super::outgoing::{check_headers, write_header, write_headers};
use super::request_head::http_version;
use super::server::MAX_PROTOCOLS;
use super::uri::{Authority, Target};
use super::{HeadError, HeadLimits, Misuse, ResponseError};

/// An opening handshake on its way out.
///
/// ```
/// use sockeye::proto::handshake::{HeadLimits, client};
///
/// let nonce = *b"the sample nonce"; // 16 bytes from a CSPRNG, never used twice
/// let mut out = Vec::new();
/// let expected = client::Request::new("example.com", "/chat", nonce).protocols(&["chat"]).write(&mut out).unwrap();
///
/// let received = b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
///     Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\nSec-WebSocket-Protocol: chat\r\n\r\n";
/// let mut parser = client::ResponseParser::new(HeadLimits::default());
/// if let Some(response) = parser.parse(received)? {
///     let agreed = response.verify(&expected)?;
///     assert_eq!(agreed.protocol(), Some("chat"));
/// }
/// # Ok::<(), sockeye::proto::handshake::ResponseError>(())
/// ```
#[derive(Clone, Copy, Debug)]
pub struct Request<'r> {
    host: &'r str,
    target: &'r str,
    nonce: [u8; 16],
    protocols: &'r [&'r str],
    extensions: Option<&'r str>,
    origin: Option<&'r str>,
    headers: &'r [(&'r str, &'r str)],
}

impl<'r> Request<'r> {
    /// A request to `host`, with `:port` unless it is the default one, for a path with an optional query.
    #[must_use]
    pub const fn new(host: &'r str, target: &'r str, nonce: [u8; 16]) -> Self {
        Self {
            host,
            target,
            nonce,
            protocols: &[],
            extensions: None,
            origin: None,
            headers: &[],
        }
    }

    /// The subprotocols to offer, the favourite first: different tokens, at most 64.
    #[must_use]
    pub const fn protocols(mut self, protocols: &'r [&'r str]) -> Self {
        self.protocols = protocols;
        self
    }

    /// The value of `Sec-WebSocket-Extensions`, the favourite first.
    #[must_use]
    pub const fn extensions(mut self, extensions: Option<&'r str>) -> Self {
        self.extensions = extensions;
        self
    }

    /// The `Origin` to send. Only programs that act for a web page have one.
    #[must_use]
    pub const fn origin(mut self, origin: Option<&'r str>) -> Self {
        self.origin = origin;
        self
    }

    /// Further headers, such as `Authorization` or `Cookie`. Those of the handshake itself, those of a body, `Host`,
    /// `Origin` and `Expect` are refused.
    #[must_use]
    pub const fn headers(mut self, headers: &'r [(&'r str, &'r str)]) -> Self {
        self.headers = headers;
        self
    }

    /// Appends the whole request to `out` and returns what its answer must match.
    ///
    /// # Errors
    ///
    /// [`Misuse`] when a part is malformed; `out` is then as it was.
    pub fn write(&self, out: &mut Vec<u8>) -> Result<Expected<'r>, Misuse> {
        self.check()?;
        let key = key_of(self.nonce);
        out.extend_from_slice(b"GET ");
        out.extend_from_slice(self.target.as_bytes());
        out.extend_from_slice(b" HTTP/1.1\r\n");
        write_header("Host", self.host.as_bytes(), out);
        out.extend_from_slice(b"Upgrade: websocket\r\nConnection: Upgrade\r\n");
        write_header("Sec-WebSocket-Key", &key, out);
        out.extend_from_slice(b"Sec-WebSocket-Version: 13\r\n");
        if !self.protocols.is_empty() {
            write_header(
                "Sec-WebSocket-Protocol",
                self.protocols.join(", ").as_bytes(),
                out,
            );
        }
        if let Some(extensions) = self.extensions {
            write_header("Sec-WebSocket-Extensions", extensions.as_bytes(), out);
        }
        if let Some(origin) = self.origin {
            write_header("Origin", origin.as_bytes(), out);
        }
        write_headers(self.headers, out);
        out.extend_from_slice(b"\r\n");
        Ok(Expected {
            accept: accept_of(&key),
            protocols: self.protocols,
            extensions: self.extensions,
        })
    }

    fn check(&self) -> Result<(), Misuse> {
        Authority::parse(self.host).ok_or(Misuse::Host)?;
        if !self.target.starts_with('/') || Target::parse(self.target).is_none() {
            return Err(Misuse::Target);
        }
        if !self
            .protocols
            .iter()
            .all(|protocol| is_token(protocol.as_bytes()))
        {
            return Err(Misuse::Protocol);
        }
        let earlier = |index| self.protocols.iter().take(index);
        let repeated = self.protocols.len() > MAX_PROTOCOLS
            || self
                .protocols
                .iter()
                .enumerate()
                .any(|(index, one)| earlier(index).any(|other| other == one));
        if repeated {
            return Err(Misuse::ProtocolRepeated);
        }
        if self
            .extensions
            .is_some_and(|line| !is_extension_list(line.as_bytes()))
        {
            return Err(Misuse::Extensions);
        }
        if self.origin.is_some_and(|origin| !is_origin(origin)) {
            return Err(Misuse::Origin);
        }
        check_headers(self.headers, &["host", "origin", "expect"])
    }
}

/// What the answer to one [`Request`] must match. From [`Request::write`].
#[derive(Clone, Copy, Debug)]
pub struct Expected<'r> {
    accept: [u8; 28],
    protocols: &'r [&'r str],
    extensions: Option<&'r str>,
}

/// Reads one answer as it arrives; interim (1xx) answers before it are skipped (RFC 9110 §15.2).
#[derive(Clone, Debug)]
pub struct ResponseParser {
    limits: HeadLimits,
    scanner: Scanner,
    line: Range<usize>,
    status: u16,
    failed: Option<ResponseError>,
}

impl ResponseParser {
    /// A parser for the answer to one request.
    #[must_use]
    pub const fn new(limits: HeadLimits) -> Self {
        Self {
            limits,
            scanner: Scanner::new(Kind::Response, 0),
            line: 0..0,
            status: 0,
            failed: None,
        }
    }

    /// Looks at everything received so far, from the first byte of the connection on; only the new bytes are visited.
    ///
    /// `None` means that more bytes are needed. What follows [`Response::head_len`] bytes is not looked at: frames
    /// after a 101, a body after any other status.
    ///
    /// # Errors
    ///
    /// The first rule of HTTP that the head breaks, as soon as the byte that breaks it is there. Folded lines and bare
    /// line feeds are refused. Every later call returns the same error.
    pub fn parse<'a>(&mut self, received: &'a [u8]) -> Result<Option<Response<'a>>, ResponseError> {
        if let Some(error) = self.failed {
            return Err(error);
        }
        let result = self.advance(received);
        self.failed = result.as_ref().err().copied();
        result
    }

    fn advance<'a>(&mut self, received: &'a [u8]) -> Result<Option<Response<'a>>, ResponseError> {
        loop {
            match self.scanner.advance(received, &self.limits)? {
                Found::More => return Ok(None),
                Found::StartLine(line) => {
                    self.status = status_line(received.get(line.clone()).unwrap_or_default())?;
                    self.line = line;
                }
                Found::End(end) if self.status < 200 && self.status != 101 => {
                    self.scanner = Scanner::new(Kind::Response, end);
                }
                Found::End(end) => {
                    let fields = self.line.end.saturating_add(2)..end;
                    return Ok(Some(Response {
                        head_len: end,
                        status: self.status,
                        headers: Headers::parse(received.get(fields).unwrap_or_default())?,
                    }));
                }
            }
        }
    }
}

/// The status of `HTTP/1.1 SP 3DIGIT [ SP reason ]` (RFC 9112 §4). The space that should follow the status even
/// without a reason is often left out, and nothing is ambiguous without it.
fn status_line(line: &[u8]) -> Result<u16, ResponseError> {
    let malformed = ResponseError::Head(HeadError::StartLine);
    let (version, rest) = line.split_at_checked(8).ok_or(malformed)?;
    let version = core::str::from_utf8(version).map_err(|_| malformed)?;
    if !http_version(version).ok_or(malformed)? {
        return Err(ResponseError::HttpVersion);
    }
    match rest {
        [b' ', class @ b'1'..=b'5', tens, ones]
        | [b' ', class @ b'1'..=b'5', tens, ones, b' ', ..]
            if tens.is_ascii_digit() && ones.is_ascii_digit() =>
        {
            let digit = |byte: &u8| u16::from(byte.saturating_sub(b'0'));
            Ok(digit(class) * 100 + digit(tens) * 10 + digit(ones))
        }
        _ => Err(malformed),
    }
}

/// The final answer of a server, of any status, borrowed from the bytes it was read from.
#[derive(Clone, Debug)]
pub struct Response<'a> {
    head_len: usize,
    status: u16,
    headers: Headers<'a>,
}

impl<'a> Response<'a> {
    /// How many bytes the head takes, interim answers before it included. The first frame begins there.
    #[must_use]
    pub const fn head_len(&self) -> usize {
        self.head_len
    }

    /// The status, 101 or 200..=599.
    #[must_use]
    pub const fn status(&self) -> u16 {
        self.status
    }

    /// All fields: `Set-Cookie`, or after a refusal `WWW-Authenticate`, `Location`, `Sec-WebSocket-Version`.
    #[must_use]
    pub const fn headers(&self) -> &Headers<'a> {
        &self.headers
    }

    /// Judges the answer (RFC 6455 §4.1, the client's validation).
    ///
    /// A `Content-Length` or `Transfer-Encoding` in a 101 means nothing (RFC 9110 §15.2): what follows are frames.
    ///
    /// # Errors
    ///
    /// The first rule that the answer breaks. No frame may be sent then.
    pub fn verify(&self, expected: &Expected<'_>) -> Result<Agreed<'_, 'a>, ResponseError> {
        if self.status != 101 {
            return Err(ResponseError::Status(self.status));
        }
        // The whole value, not a list: the server says which one protocol it has switched to.
        match self.headers.single("upgrade", ResponseError::Upgrade)? {
            Some(value) if value.eq_ignore_ascii_case(b"websocket") => {}
            Some(_) | None => return Err(ResponseError::Upgrade),
        }
        if !self.headers.list_has("connection", b"upgrade") {
            return Err(ResponseError::Connection);
        }
        let accept = self
            .headers
            .single("sec-websocket-accept", ResponseError::AcceptRepeated)?
            .ok_or(ResponseError::AcceptMissing)?;
        if accept != expected.accept {
            return Err(ResponseError::AcceptMismatch);
        }
        self.verify_extensions(expected)?;
        Ok(Agreed {
            protocol: self.verify_protocol(expected)?,
            headers: &self.headers,
        })
    }

    /// One of ours, in our case, or none. `None` where we offered some is for the caller to judge.
    fn verify_protocol(&self, expected: &Expected<'_>) -> Result<Option<&'a str>, ResponseError> {
        let chosen = self
            .headers
            .single("sec-websocket-protocol", ResponseError::ProtocolRepeated)?;
        let Some(chosen) = chosen else {
            return Ok(None);
        };
        let offered = expected
            .protocols
            .iter()
            .any(|offered| offered.as_bytes() == chosen);
        let chosen = core::str::from_utf8(chosen).ok().filter(|_| offered);
        chosen.map(Some).ok_or(ResponseError::ProtocolNotOffered)
    }

    /// Several lines are fine (erratum 3433). Every name must be one of ours, and no name twice.
    fn verify_extensions(&self, expected: &Expected<'_>) -> Result<(), ResponseError> {
        const NAME: &str = "sec-websocket-extensions";
        if !self.headers.all(NAME).all(is_extension_list) {
            return Err(ResponseError::Extensions);
        }
        let offers = || Extensions::of_line(expected.extensions.unwrap_or_default());
        let used = || Extensions::new(self.headers.all(NAME));
        if used().any(|used| !offers().any(|offer| offer.name() == used.name())) {
            return Err(ResponseError::ExtensionNotOffered);
        }
        if offers().any(|offer| used().filter(|used| used.name() == offer.name()).count() > 1) {
            return Err(ResponseError::ExtensionRepeated);
        }
        Ok(())
    }
}

/// What a connection has agreed on: a handshake that is over. From [`Response::verify`].
#[derive(Clone, Debug)]
pub struct Agreed<'r, 'a> {
    protocol: Option<&'a str>,
    headers: &'r Headers<'a>,
}

impl<'r, 'a> Agreed<'r, 'a> {
    /// The subprotocol in use.
    #[must_use]
    pub const fn protocol(&self) -> Option<&'a str> {
        self.protocol
    }

    /// The extensions in use, in the order of use; their names were offered, their parameters are not judged yet.
    #[must_use]
    pub fn extensions(&self) -> Extensions<'r, 'a> {
        Extensions::new(self.headers.all("sec-websocket-extensions"))
    }
}
