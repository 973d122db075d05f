//! What a call may come to, as a number.
//!
//! Not here: what the peer does wrong; that is an event.

use core::ffi::CStr;
use engine::proto::handshake::Misuse as HandshakeMisuse;
use engine::proto::{Misuse, SendError};

/// What a call came to. 0 is success; after anything else nothing was sent and nothing has changed, unless it says so.
#[repr(C)]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Error {
    /// Success.
    None = 0,
    /// A pointer that must not be is NULL.
    Null = 1,
    /// A structure's `size` is not one that this library knows.
    Size = 2,
    /// A configuration has a value out of its range, or an unknown flag.
    Config = 3,
    /// The connection is not where this can be done: sending before it is open, accepting twice.
    State = 4,
    /// The connection is closing or closed, and nothing more can be sent. The peer may do that at any moment, so this
    /// is an ordinary result.
    Closed = 5,
    /// Text, or a string of the caller's, is not UTF-8.
    Utf8 = 6,
    /// Neither SOCKEYE_EVENT_TEXT nor SOCKEYE_EVENT_BINARY.
    Kind = 7,
    /// A ping or pong has more than 125 bytes.
    ControlTooLong = 8,
    /// The reason of a close has more than 123 bytes.
    ReasonTooLong = 9,
    /// A close code that must not be sent: not 1000 to 1003, 1007 to 1014, 3000 to 4999.
    CloseCode = 10,
    /// Another message is being sent in fragments.
    MessageInProgress = 11,
    /// A message that was begun compressed has to go on with tools.
    NoTools = 12,
    /// More was written than there is.
    Written = 13,
    /// A header has a malformed name or value, or is one that the handshake writes itself.
    Header = 14,
    /// A host that is not a name or an address with an optional port.
    Host = 15,
    /// A target that is not a path with an optional query.
    Target = 16,
    /// An origin that is not `scheme://host` with an optional port, nor `null`.
    Origin = 17,
    /// Subprotocols that are not different tokens, or more than 64.
    Protocols = 18,
    /// A refusal's status is not 300 to 599, or is 304.
    Status = 19,
    /// A refusal's sentence is empty, or more than one line.
    Sentence = 20,
    /// The operating system gives no random numbers. A client cannot go on.
    NoRandomness = 21,
    /// A bug in this library, which was caught. The handles of the call do nothing any more but to be freed: every
    /// later call says this again.
    Panic = 22,
    /// A reason that has no number yet.
    Other = 23,
}

impl Error {
    /// Every code, in the order of its number.
    ///
    /// cbindgen:ignore
    pub const ALL: [Self; 24] = [
        Self::None,
        Self::Null,
        Self::Size,
        Self::Config,
        Self::State,
        Self::Closed,
        Self::Utf8,
        Self::Kind,
        Self::ControlTooLong,
        Self::ReasonTooLong,
        Self::CloseCode,
        Self::MessageInProgress,
        Self::NoTools,
        Self::Written,
        Self::Header,
        Self::Host,
        Self::Target,
        Self::Origin,
        Self::Protocols,
        Self::Status,
        Self::Sentence,
        Self::NoRandomness,
        Self::Panic,
        Self::Other,
    ];

    /// What it says, for a log.
    #[must_use]
    pub const fn text(self) -> &'static CStr {
        match self {
            Self::None => c"no error",
            Self::Null => c"a pointer is NULL",
            Self::Size => c"the size of a structure is not known to this version",
            Self::Config => c"a configuration value is out of range",
            Self::State => c"the connection is not in a state for this call",
            Self::Closed => c"the connection is closing or closed",
            Self::Utf8 => c"the text is not UTF-8",
            Self::Kind => c"a message is text or binary",
            Self::ControlTooLong => c"ping or pong payload is over 125 bytes",
            Self::ReasonTooLong => c"close reason is over 123 bytes",
            Self::CloseCode => c"close code is not allowed on the wire",
            Self::MessageInProgress => c"another message is still being sent in fragments",
            Self::NoTools => c"a message begun compressed needs the tools to its end",
            Self::Written => c"more was written than there is output",
            Self::Header => c"a header is malformed, or the handshake writes it itself",
            Self::Host => c"the host must be a name or an address with an optional port",
            Self::Target => c"the target must be a path with an optional query",
            Self::Origin => c"the origin must be null, or a scheme, a host and an optional port",
            Self::Protocols => c"subprotocols must be different tokens, and at most 64",
            Self::Status => c"a refusal needs a status from 300 to 599 that has a body",
            Self::Sentence => c"a refusal's sentence must be one line of text",
            Self::NoRandomness => c"the operating system gives no random numbers",
            Self::Panic => c"a bug in the library; the handle is dead",
            Self::Other => c"the call was refused",
        }
    }
}

impl From<SendError> for Error {
    fn from(error: SendError) -> Self {
        match error {
            SendError::Closed => Self::Closed,
            SendError::NoRandomness => Self::NoRandomness,
            SendError::Misuse(misuse) => misuse.into(),
            _ => Self::Other,
        }
    }
}

impl From<Misuse> for Error {
    fn from(misuse: Misuse) -> Self {
        match misuse {
            Misuse::ControlTooLong => Self::ControlTooLong,
            Misuse::ReasonTooLong => Self::ReasonTooLong,
            Misuse::MessageInProgress => Self::MessageInProgress,
            Misuse::InvalidUtf8 => Self::Utf8,
            Misuse::NoCompressor => Self::NoTools,
            // Every client here has keys, and no other misuse is known yet.
            _ => Self::Other,
        }
    }
}

impl From<HandshakeMisuse> for Error {
    fn from(misuse: HandshakeMisuse) -> Self {
        match misuse {
            HandshakeMisuse::HeaderName
            | HandshakeMisuse::HeaderReserved
            | HandshakeMisuse::HeaderValue => Self::Header,
            HandshakeMisuse::Host => Self::Host,
            HandshakeMisuse::Target => Self::Target,
            HandshakeMisuse::Origin => Self::Origin,
            HandshakeMisuse::Protocol
            | HandshakeMisuse::ProtocolRepeated
            | HandshakeMisuse::ProtocolNotOffered => Self::Protocols,
            HandshakeMisuse::Status | HandshakeMisuse::PageStatus => Self::Status,
            HandshakeMisuse::Sentence => Self::Sentence,
            // Extensions are the core's own lines, out of what was offered.
            _ => Self::Other,
        }
    }
}
