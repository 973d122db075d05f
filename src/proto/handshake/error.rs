//! What a peer's handshake can do wrong: one variant for each rule, with its status and its clause.
//!
//! Every display text is lower-case ASCII of at most 123 bytes without a final period, and holds nothing that the peer
//! sent, so it can be logged, put into a refusal's body, or used as a close reason.
//!
//! Not here: what our own caller can do wrong ([`Misuse`](super::Misuse)).

use core::fmt;

/// A fault in the lines of a head, of either role, before any field is looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum HeadError {
    /// The first bytes cannot begin an HTTP message.
    NotHttp,
    /// More than one empty line before the request.
    LeadingLines,
    /// The request line is not `method SP target SP version`, or the status line not `version SP status`.
    StartLine,
    /// The request line is longer than [`MAX_START_LINE`](super::MAX_START_LINE).
    LineTooLong,
    /// The head is longer than [`HeadLimits::max_head`](super::HeadLimits::max_head).
    TooLarge,
    /// More field lines than [`HeadLimits::max_headers`](super::HeadLimits::max_headers).
    TooManyHeaders,
    /// A line feed without a carriage return.
    BareLf,
    /// A carriage return without a line feed.
    BareCr,
    /// A control byte other than a tab.
    ControlByte,
    /// A line that starts with whitespace.
    Folded,
    /// A field name that is not a token followed at once by a colon.
    HeaderName,
    /// The input ended before the head did.
    Incomplete,
}

impl HeadError {
    /// Every variant, for tables and tests.
    pub const ALL: &'static [Self] = &[
        Self::NotHttp,
        Self::LeadingLines,
        Self::StartLine,
        Self::LineTooLong,
        Self::TooLarge,
        Self::TooManyHeaders,
        Self::BareLf,
        Self::BareCr,
        Self::ControlByte,
        Self::Folded,
        Self::HeaderName,
        Self::Incomplete,
    ];

    /// The status a server answers with.
    #[must_use]
    pub const fn status(self) -> u16 {
        match self {
            Self::NotHttp
            | Self::LeadingLines
            | Self::StartLine
            | Self::BareLf
            | Self::BareCr
            | Self::ControlByte
            | Self::Folded
            | Self::HeaderName
            | Self::Incomplete => 400,
            Self::LineTooLong => 414,
            Self::TooLarge | Self::TooManyHeaders => 431,
        }
    }

    /// The RFC and section that the rule comes from.
    #[must_use]
    pub const fn section(self) -> &'static str {
        match self {
            Self::NotHttp | Self::LeadingLines | Self::BareLf | Self::BareCr => "RFC 9112 2.2",
            Self::StartLine | Self::LineTooLong => "RFC 9112 3",
            Self::TooLarge | Self::TooManyHeaders => "RFC 9110 5.4",
            Self::ControlByte => "RFC 9110 5.5",
            Self::Folded => "RFC 9112 5.2",
            Self::HeaderName => "RFC 9112 5.1",
            Self::Incomplete => "RFC 9112 8",
        }
    }

    const fn text(self) -> &'static str {
        match self {
            Self::NotHttp => "this is not HTTP/1.1",
            Self::LeadingLines => "more than one empty line before the request",
            Self::StartLine => "malformed start line",
            Self::LineTooLong => "the request line is too long",
            Self::TooLarge => "the head is too large",
            Self::TooManyHeaders => "too many header lines",
            Self::BareLf => "a line feed without a carriage return",
            Self::BareCr => "a carriage return without a line feed",
            Self::ControlByte => "a control byte in the head",
            Self::Folded => "a header line starts with whitespace",
            Self::HeaderName => "malformed header name",
            Self::Incomplete => "the head ended early",
        }
    }
}

/// Why a server refuses an opening handshake.
///
/// The last variants are not found by the parser: the driver that keeps the clock, the routes and the counters uses
/// them to answer in the same way.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum HandshakeError {
    /// The head itself is malformed or too large.
    Head(HeadError),
    /// An HTTP version other than 1.1.
    HttpVersion,
    /// A method other than `GET`.
    Method,
    /// A method other than `GET` and `HEAD`, where pages are served too.
    PageMethod,
    /// A target that is neither a path nor an absolute http(s) URI.
    Target,
    /// No `Host`.
    HostMissing,
    /// More than one `Host`.
    HostRepeated,
    /// A `Host` that is empty or not a host with an optional port.
    HostInvalid,
    /// The authority in the target is not the one in `Host`.
    HostMismatch,
    /// `Content-Length` or `Transfer-Encoding`: its bytes would be taken for frames, or for a second request.
    Body,
    /// `Expect`: RFC 9110 §10.1.1 would have us send 100 before 101.
    Expect,
    /// No `websocket` in the list of `Upgrade`.
    Upgrade,
    /// No `upgrade` in the list of `Connection`.
    Connection,
    /// `Sec-WebSocket-Version` is missing or not `13`.
    Version,
    /// More than one `Sec-WebSocket-Version`.
    VersionRepeated,
    /// No `Sec-WebSocket-Key`.
    KeyMissing,
    /// More than one `Sec-WebSocket-Key`.
    KeyRepeated,
    /// A `Sec-WebSocket-Key` that is not the base64 of 16 bytes.
    KeyInvalid,
    /// More than one `Origin`.
    OriginRepeated,
    /// `Sec-WebSocket-Protocol` is not a list of tokens, or an unreasonably long one.
    Protocols,
    /// The same subprotocol offered twice.
    ProtocolRepeated,
    /// `Sec-WebSocket-Extensions` does not follow its grammar.
    Extensions,
    /// The policy does not allow this `Origin`.
    Origin,
    /// Nothing is served at this path.
    NotFound,
    /// The request did not arrive in time.
    Timeout,
    /// Too many connections from one address.
    TooManyRequests,
    /// At capacity, or shutting down.
    Unavailable,
}

impl HandshakeError {
    /// Every rule once; the head's own faults are in [`HeadError::ALL`].
    pub const ALL: &'static [Self] = &[
        Self::HttpVersion,
        Self::Method,
        Self::PageMethod,
        Self::Target,
        Self::HostMissing,
        Self::HostRepeated,
        Self::HostInvalid,
        Self::HostMismatch,
        Self::Body,
        Self::Expect,
        Self::Upgrade,
        Self::Connection,
        Self::Version,
        Self::VersionRepeated,
        Self::KeyMissing,
        Self::KeyRepeated,
        Self::KeyInvalid,
        Self::OriginRepeated,
        Self::Protocols,
        Self::ProtocolRepeated,
        Self::Extensions,
        Self::Origin,
        Self::NotFound,
        Self::Timeout,
        Self::TooManyRequests,
        Self::Unavailable,
    ];

    /// The status to answer with (RFC 6455 §4.2.1, §4.2.2).
    #[must_use]
    pub const fn status(self) -> u16 {
        match self {
            Self::Head(error) => error.status(),
            Self::Target
            | Self::HostMissing
            | Self::HostRepeated
            | Self::HostInvalid
            | Self::HostMismatch
            | Self::Body
            | Self::Expect
            | Self::Connection
            | Self::VersionRepeated
            | Self::KeyMissing
            | Self::KeyRepeated
            | Self::KeyInvalid
            | Self::OriginRepeated
            | Self::Protocols
            | Self::ProtocolRepeated
            | Self::Extensions => 400,
            Self::Origin => 403,
            Self::NotFound => 404,
            Self::Method | Self::PageMethod => 405,
            Self::Timeout => 408,
            Self::Upgrade | Self::Version => 426,
            Self::TooManyRequests => 429,
            Self::Unavailable => 503,
            Self::HttpVersion => 505,
        }
    }

    /// The RFC and section that the rule, or for a policy the answer, comes from.
    #[must_use]
    pub const fn section(self) -> &'static str {
        match self {
            Self::Head(error) => error.section(),
            Self::HttpVersion
            | Self::Method
            | Self::Target
            | Self::HostMissing
            | Self::Upgrade
            | Self::Connection
            | Self::Version
            | Self::KeyMissing
            | Self::KeyInvalid => "RFC 6455 4.2.1",
            Self::PageMethod => "RFC 9110 15.5.6",
            Self::HostRepeated | Self::HostInvalid => "RFC 9112 3.2",
            Self::HostMismatch => "RFC 9112 3.2.2",
            Self::Body => "RFC 9112 6.3",
            Self::Expect => "RFC 9110 7.8",
            Self::VersionRepeated => "RFC 6455 11.3.5",
            Self::KeyRepeated => "RFC 6455 11.3.1",
            Self::OriginRepeated => "RFC 6454 7.3",
            Self::Protocols => "RFC 6455 4.3",
            Self::ProtocolRepeated => "RFC 6455 4.1",
            Self::Extensions => "RFC 6455 9.1",
            Self::Origin => "RFC 6455 10.2",
            Self::NotFound => "RFC 6455 4.2.2",
            Self::Timeout => "RFC 9110 15.5.9",
            Self::TooManyRequests => "RFC 6585 4",
            Self::Unavailable => "RFC 9110 15.6.4",
        }
    }

    pub(super) const fn text(self) -> &'static str {
        match self {
            Self::Head(error) => error.text(),
            Self::HttpVersion => "only HTTP/1.1 is spoken here",
            Self::Method => "the method must be GET",
            Self::PageMethod => "the method must be GET or HEAD",
            Self::Target => "malformed request target",
            Self::HostMissing => "the Host header is missing",
            Self::HostRepeated => "more than one Host header",
            Self::HostInvalid => "malformed Host header",
            Self::HostMismatch => "the target names another host than the Host header",
            Self::Body => "a WebSocket request has no body",
            Self::Expect => "the Expect header is not supported here",
            Self::Upgrade => {
                "this is a WebSocket endpoint, and the request does not ask for websocket"
            }
            Self::Connection => "the Connection header does not list upgrade",
            Self::Version => "the WebSocket version must be 13",
            Self::VersionRepeated => "more than one Sec-WebSocket-Version header",
            Self::KeyMissing => "the Sec-WebSocket-Key header is missing",
            Self::KeyRepeated => "more than one Sec-WebSocket-Key header",
            Self::KeyInvalid => "the Sec-WebSocket-Key is not the base64 of 16 bytes",
            Self::OriginRepeated => "more than one Origin header",
            Self::Protocols => "malformed Sec-WebSocket-Protocol header",
            Self::ProtocolRepeated => "a subprotocol is offered twice",
            Self::Extensions => "malformed Sec-WebSocket-Extensions header",
            Self::Origin => "this origin is not allowed",
            Self::NotFound => "there is nothing at this path",
            Self::Timeout => "the request did not arrive in time",
            Self::TooManyRequests => "too many connections from this address",
            Self::Unavailable => "the server takes no new connections at the moment",
        }
    }
}

/// Why a client fails the connection on the server's answer (RFC 6455 §4.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ResponseError {
    /// The head itself is malformed or too large.
    Head(HeadError),
    /// An HTTP version other than 1.1.
    HttpVersion,
    /// A status other than 101. It is an ordinary HTTP answer; its fields can be read from the response.
    Status(u16),
    /// `Upgrade` is missing, repeated, or is not `websocket` as a whole.
    Upgrade,
    /// No `upgrade` in the list of `Connection`.
    Connection,
    /// No `Sec-WebSocket-Accept`.
    AcceptMissing,
    /// More than one `Sec-WebSocket-Accept`.
    AcceptRepeated,
    /// A `Sec-WebSocket-Accept` that does not answer our key.
    AcceptMismatch,
    /// More than one `Sec-WebSocket-Protocol`.
    ProtocolRepeated,
    /// `Sec-WebSocket-Protocol` is not one of the subprotocols that were offered.
    ProtocolNotOffered,
    /// `Sec-WebSocket-Extensions` does not follow its grammar.
    Extensions,
    /// An extension that was not offered.
    ExtensionNotOffered,
    /// The same extension twice.
    ExtensionRepeated,
}

impl ResponseError {
    /// The RFC and section that the rule comes from.
    #[must_use]
    pub const fn section(self) -> &'static str {
        match self {
            Self::Head(error) => error.section(),
            Self::AcceptRepeated => "RFC 6455 11.3.3",
            Self::ProtocolRepeated => "RFC 6455 11.3.4",
            Self::Extensions | Self::ExtensionRepeated => "RFC 6455 9.1",
            Self::HttpVersion
            | Self::Status(_)
            | Self::Upgrade
            | Self::Connection
            | Self::AcceptMissing
            | Self::AcceptMismatch
            | Self::ProtocolNotOffered
            | Self::ExtensionNotOffered => "RFC 6455 4.1",
        }
    }

    const fn text(self) -> &'static str {
        match self {
            Self::Head(error) => error.text(),
            Self::HttpVersion => "the server does not answer in HTTP/1.1",
            Self::Status(_) => "the server refused the WebSocket handshake",
            Self::Upgrade => "the server does not upgrade to websocket",
            Self::Connection => "the server's Connection header does not list upgrade",
            Self::AcceptMissing => "the Sec-WebSocket-Accept header is missing",
            Self::AcceptRepeated => "more than one Sec-WebSocket-Accept header",
            Self::AcceptMismatch => "the Sec-WebSocket-Accept does not answer the key",
            Self::ProtocolRepeated => "more than one Sec-WebSocket-Protocol header",
            Self::ProtocolNotOffered => "the server chose a subprotocol that was not offered",
            Self::Extensions => "malformed Sec-WebSocket-Extensions header",
            Self::ExtensionNotOffered => "the server uses an extension that was not offered",
            Self::ExtensionRepeated => "the server uses an extension twice",
        }
    }
}

impl fmt::Display for HeadError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.text())
    }
}

impl fmt::Display for HandshakeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.text())
    }
}

impl fmt::Display for ResponseError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.text())?;
        match self {
            Self::Status(status) => write!(f, " with status {status}"),
            Self::Head(_)
            | Self::HttpVersion
            | Self::Upgrade
            | Self::Connection
            | Self::AcceptMissing
            | Self::AcceptRepeated
            | Self::AcceptMismatch
            | Self::ProtocolRepeated
            | Self::ProtocolNotOffered
            | Self::Extensions
            | Self::ExtensionNotOffered
            | Self::ExtensionRepeated => Ok(()),
        }
    }
}

impl core::error::Error for HeadError {}
impl core::error::Error for HandshakeError {}
impl core::error::Error for ResponseError {}

impl From<HeadError> for HandshakeError {
    fn from(error: HeadError) -> Self {
        Self::Head(error)
    }
}

impl From<HeadError> for ResponseError {
    fn from(error: HeadError) -> Self {
        Self::Head(error)
    }
}
