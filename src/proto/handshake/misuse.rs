//! What our own caller can do wrong when it writes a handshake.
//!
//! Nothing in here can be caused by the network, and nothing is written when one is returned.
//!
//! Not here: the peer's faults ([`HandshakeError`](super::HandshakeError), [`ResponseError`](super::ResponseError)).

use core::fmt;

/// A value that would make our own request or answer invalid, or smuggle a line into it (RFC 9112 §2.2, §5).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Misuse {
    /// A header name that is not a token.
    HeaderName,
    /// A header that the handshake writes itself.
    HeaderReserved,
    /// A header value with a control byte.
    HeaderValue,
    /// A host that is not a host with an optional port.
    Host,
    /// A target that is not a path with an optional query.
    Target,
    /// An origin that is not `scheme://host` with an optional port, nor `null`.
    Origin,
    /// A subprotocol that is not a token.
    Protocol,
    /// The same subprotocol twice, or more than 64 of them.
    ProtocolRepeated,
    /// A subprotocol that the client did not offer.
    ProtocolNotOffered,
    /// Extensions that do not follow the grammar.
    Extensions,
    /// An extension that the client did not offer, or one accepted twice.
    ExtensionNotOffered,
    /// A refusal with a status outside 300..=599, or with 304, which has no body.
    Status,
    /// A page with a status outside 200..=599, or with 205, 206 or 426, which need more than a page says.
    PageStatus,
    /// A body that is empty or has a control byte.
    Sentence,
}

impl Misuse {
    /// Every variant, for tables and tests.
    pub const ALL: &'static [Self] = &[
        Self::HeaderName,
        Self::HeaderReserved,
        Self::HeaderValue,
        Self::Host,
        Self::Target,
        Self::Origin,
        Self::Protocol,
        Self::ProtocolRepeated,
        Self::ProtocolNotOffered,
        Self::Extensions,
        Self::ExtensionNotOffered,
        Self::Status,
        Self::PageStatus,
        Self::Sentence,
    ];
}

impl fmt::Display for Misuse {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::HeaderName => "a header name must be a token",
            Self::HeaderReserved => "the handshake writes this header itself",
            Self::HeaderValue => "a header value must not hold control bytes",
            Self::Host => "the host must be a name or an address with an optional port",
            Self::Target => "the target must be a path with an optional query",
            Self::Origin => "the origin must be null, or a scheme, a host and an optional port",
            Self::Protocol => "a subprotocol must be a token",
            Self::ProtocolRepeated => "subprotocols must differ, and be at most 64",
            Self::ProtocolNotOffered => "the client did not offer this subprotocol",
            Self::Extensions => "malformed extension list",
            Self::ExtensionNotOffered => {
                "an extension must have been offered, and be accepted once"
            }
            Self::Status => "a refusal needs a status from 300 to 599 that has a body",
            Self::PageStatus => "a page needs a status from 200 to 599, not 205, 206 or 426",
            Self::Sentence => "a body must be one line of text",
        })
    }
}

impl core::error::Error for Misuse {}
