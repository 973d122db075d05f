//! What a server writes: the 101 (RFC 6455 §4.2.2 step 5), or a refusal that says why.
//!
//! Not here: the choice between the two, except the plain one of [`RequestParser::answer`]; pages
//! ([`Response`](super::Response); a refusal is never 1xx or 2xx), and what happens to the connection: after a refusal
//! has been written it is closed, and everything that still arrives is thrown away.

use alloc::string::ToString as _;
use alloc::vec::Vec;

use super::extension::{Extensions, is_extension_list};
use super::outgoing::{check_headers, write_header, write_headers, write_status_line};
use super::server::{Request, RequestParser};
use super::{HandshakeError, Misuse, OriginPolicy};

/// An accepted handshake on its way out.
///
/// ```
/// # use sockeye::proto::handshake::{Accept, HandshakeError, HeadLimits, Misuse, server};
/// # let head = b"GET / HTTP/1.1\r\nHost: example.com\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
/// #     Sec-WebSocket-Version: 13\r\nSec-WebSocket-Protocol: chat, superchat\r\n\
/// #     Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n";
/// let request = server::parse(head, HeadLimits::default())?;
/// let mut out = Vec::new();
/// let accept = Accept::new(&request).protocol(request.choose_protocol(["superchat"]));
/// assert_eq!(accept.headers(&[("X-Room", "a\r\nX-Evil: b")]).write(&mut out), Err(Misuse::HeaderValue));
/// assert!(out.is_empty());
/// accept.headers(&[("X-Room", "a")]).write(&mut out).unwrap();
/// # Ok::<(), HandshakeError>(())
/// ```
#[derive(Clone, Copy, Debug)]
pub struct Accept<'r, 'a> {
    request: &'r Request<'a>,
    protocol: Option<&'r str>,
    extensions: Option<&'r str>,
    headers: &'r [(&'r str, &'r str)],
}

impl<'r, 'a> Accept<'r, 'a> {
    /// The plain 101, without a subprotocol or extensions.
    #[must_use]
    pub const fn new(request: &'r Request<'a>) -> Self {
        Self {
            request,
            protocol: None,
            extensions: None,
            headers: &[],
        }
    }

    /// The chosen subprotocol, one of those offered. See [`Request::choose_protocol`].
    #[must_use]
    pub const fn protocol(mut self, protocol: Option<&'r str>) -> Self {
        self.protocol = protocol;
        self
    }

    /// The value of `Sec-WebSocket-Extensions`: extensions that were offered, each once, in the order of use.
    #[must_use]
    pub const fn extensions(mut self, extensions: Option<&'r str>) -> Self {
        self.extensions = extensions;
        self
    }

    /// Headers of the application, such as `Set-Cookie`. `Sec-WebSocket-*`, `Connection`, `Upgrade`, `Content-Length`
    /// and `Transfer-Encoding` are not its business.
    #[must_use]
    pub const fn headers(mut self, headers: &'r [(&'r str, &'r str)]) -> Self {
        self.headers = headers;
        self
    }

    /// Appends the whole head to `out`. Frames may follow at once.
    ///
    /// # Errors
    ///
    /// [`Misuse`] when something that was added is malformed or was not offered; `out` is then as it was.
    pub fn write(&self, out: &mut Vec<u8>) -> Result<(), Misuse> {
        self.check()?;
        out.extend_from_slice(
            b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n",
        );
        write_header("Sec-WebSocket-Accept", &self.request.accept(), out);
        if let Some(protocol) = self.protocol {
            write_header("Sec-WebSocket-Protocol", protocol.as_bytes(), out);
        }
        if let Some(extensions) = self.extensions {
            write_header("Sec-WebSocket-Extensions", extensions.as_bytes(), out);
        }
        write_headers(self.headers, out);
        out.extend_from_slice(b"\r\n");
        Ok(())
    }

    fn check(&self) -> Result<(), Misuse> {
        // What was offered is a token, so this refuses lists and line ends as well.
        if let Some(protocol) = self.protocol
            && !self.request.protocols().any(|offered| offered == protocol)
        {
            return Err(Misuse::ProtocolNotOffered);
        }
        if let Some(line) = self.extensions {
            self.check_extensions(line)?;
        }
        check_headers(self.headers, &[])
    }

    fn check_extensions(&self, line: &str) -> Result<(), Misuse> {
        if !is_extension_list(line.as_bytes()) {
            return Err(Misuse::Extensions);
        }
        for (index, used) in Extensions::of_line(line).enumerate() {
            let offered = self
                .request
                .extensions()
                .any(|offer| offer.name() == used.name());
            let repeated = Extensions::of_line(line)
                .take(index)
                .any(|other| other.name() == used.name());
            if !offered || repeated {
                return Err(Misuse::ExtensionNotOffered);
            }
        }
        Ok(())
    }
}

/// A complete HTTP answer that is not a 101 and ends the connection.
///
/// It always has `Connection: close`, a length, and one plain sentence, and nothing that the peer sent. A proxy that
/// took the upgrade for granted must see that there is none (CVE-2018-1002105).
///
/// ```
/// # use sockeye::proto::handshake::Refusal;
/// let mut out = Vec::new();
/// Refusal::new(401, "log in first").headers(&[("WWW-Authenticate", "Basic")]).write(&mut out).unwrap();
/// assert!(out.starts_with(b"HTTP/1.1 401 Unauthorized\r\nConnection: close\r\n"));
/// assert!(out.ends_with(b"Content-Length: 13\r\nWWW-Authenticate: Basic\r\n\r\nlog in first\n"));
/// ```
#[derive(Clone, Copy, Debug)]
pub struct Refusal<'r> {
    status: u16,
    sentence: &'r str,
    /// What a 405 says that it would have taken.
    methods: &'static str,
    head_alone: bool,
    headers: &'r [(&'r str, &'r str)],
}

impl From<HandshakeError> for Refusal<'_> {
    fn from(error: HandshakeError) -> Self {
        let mut refusal = Self::new(error.status(), error.text());
        if error == HandshakeError::PageMethod {
            refusal.methods = "GET, HEAD";
        }
        refusal
    }
}

impl<'r> Refusal<'r> {
    /// A refusal with this status, 300 to 599 but for 304, and this body: one line, without its line end.
    #[must_use]
    pub const fn new(status: u16, sentence: &'r str) -> Self {
        Self {
            status,
            sentence,
            methods: "GET",
            head_alone: false,
            headers: &[],
        }
    }

    /// Headers to add, such as `WWW-Authenticate` or `Location`. `Allow` (405), `Retry-After` (503) and `Content-Type`
    /// replace ours; the names that [`Accept::headers`] refuses are refused here too.
    #[must_use]
    pub const fn headers(mut self, headers: &'r [(&'r str, &'r str)]) -> Self {
        self.headers = headers;
        self
    }

    /// Its status.
    #[must_use]
    pub const fn status(&self) -> u16 {
        self.status
    }

    /// Its body, without the line end.
    #[must_use]
    pub const fn sentence(&self) -> &'r str {
        self.sentence
    }

    /// The headers that were added.
    #[must_use]
    pub const fn own_headers(&self) -> &'r [(&'r str, &'r str)] {
        self.headers
    }

    /// Whether the body is left out, as it must be in an answer to HEAD (RFC 9110 §9.3.2). Its length is told all the
    /// same.
    #[must_use]
    pub const fn head_alone(mut self, alone: bool) -> Self {
        self.head_alone = alone;
        self
    }

    /// Appends the whole answer, head and body, to `out`.
    ///
    /// # Errors
    ///
    /// [`Misuse`] when the status, the sentence or a header cannot be written; `out` is then as it was. A refusal from
    /// a [`HandshakeError`] without further headers always can.
    pub fn write(&self, out: &mut Vec<u8>) -> Result<(), Misuse> {
        self.check()?;
        write_status_line(self.status, out);
        self.write_own_headers(out);
        let length = self.sentence.len().saturating_add(1).to_string();
        write_header("Content-Length", length.as_bytes(), out);
        write_headers(self.headers, out);
        out.extend_from_slice(b"\r\n");
        if !self.head_alone {
            out.extend_from_slice(self.sentence.as_bytes());
            out.push(b'\n');
        }
        Ok(())
    }

    fn check(&self) -> Result<(), Misuse> {
        if !(300..=599).contains(&self.status) || self.status == 304 {
            return Err(Misuse::Status);
        }
        if self.sentence.is_empty() || self.sentence.chars().any(char::is_control) {
            return Err(Misuse::Sentence);
        }
        check_headers(self.headers, &[])
    }

    fn write_own_headers(&self, out: &mut Vec<u8>) {
        if self.status == 426 {
            // RFC 9110 §15.5.22 wants `Upgrade`, its §7.8 the option, RFC 6455 §4.4 the versions.
            write_header("Connection", b"Upgrade, close", out);
            write_header("Upgrade", b"websocket", out);
            write_header("Sec-WebSocket-Version", b"13", out);
        } else {
            write_header("Connection", b"close", out);
        }
        for (status, name, value) in [
            (405, "Allow", self.methods),
            (503, "Retry-After", "1"),
            (self.status, "Content-Type", "text/plain; charset=utf-8"),
        ] {
            let replaced = self
                .headers
                .iter()
                .any(|(other, _)| other.eq_ignore_ascii_case(name));
            if status == self.status && !replaced {
                write_header(name, value.as_bytes(), out);
            }
        }
    }
}

impl RequestParser {
    /// Reads as [`parse`](Self::parse) does, and answers: a plain 101 to every good request that `origins` allows, else
    /// the refusal. For a server that serves the same to all, whatever the path.
    ///
    /// `None` means that more bytes are needed; nothing has been written then. Else it says where the first frame
    /// begins. From then on that is at 0, so a driver may ask after every read.
    ///
    /// # Errors
    ///
    /// As for [`parse`](Self::parse), and [`HandshakeError::Origin`]. The refusal is in `out`: write that, half-close,
    /// discard what still arrives, then close. Further calls repeat the error and write nothing, and so does the first
    /// after a [`parse`](Self::parse) of the caller's own that failed: whoever parses answers.
    ///
    /// ```
    /// use sockeye::proto::handshake::{HandshakeError, HeadLimits, OriginPolicy, server::RequestParser};
    ///
    /// let mut received = b"GET /chat HTTP/1.1\r\nHost: server.example.com\r\nUpgrade: websocket\r\n\
    ///     Connection: Upgrade\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\
    ///     Sec-WebSocket-Version: 13\r\n\r\n\x81\x85".to_vec();
    /// let mut out = Vec::new();
    /// let mut parser = RequestParser::new(HeadLimits::default());
    /// assert_eq!(parser.answer(&received[..50], &OriginPolicy::SameHost, &mut out), Ok(None));
    ///
    /// let head_len = parser.answer(&received, &OriginPolicy::SameHost, &mut out)?.unwrap();
    /// assert!(out.starts_with(b"HTTP/1.1 101 Switching Protocols\r\n"));
    /// received.drain(..head_len);
    /// assert_eq!(received, b"\x81\x85");
    /// assert_eq!(parser.answer(&received, &OriginPolicy::SameHost, &mut out), Ok(Some(0)));
    /// # Ok::<(), HandshakeError>(())
    /// ```
    pub fn answer(
        &mut self,
        received: &[u8],
        origins: &OriginPolicy,
        out: &mut Vec<u8>,
    ) -> Result<Option<usize>, HandshakeError> {
        if let Some(error) = self.refused {
            return Err(error);
        }
        if self.accepted {
            return Ok(Some(0));
        }
        let result = self.parse(received).and_then(|request| {
            let Some(request) = request else {
                return Ok(None);
            };
            origins.check(&request)?;
            // Nothing was added that could be wrong; the same goes for the refusal.
            let _ = Accept::new(&request).write(out);
            Ok(Some(request.head_len()))
        });
        match result {
            Ok(head_len) => self.accepted = head_len.is_some(),
            Err(error) => {
                self.refused = Some(error);
                let _ = Refusal::from(error).write(out);
            }
        }
        result
    }
}
