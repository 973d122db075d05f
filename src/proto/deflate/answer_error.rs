//! What a server's answer can do wrong: one variant for each rule, with its clause.
//!
//! Not here: faults of the header itself ([`ResponseError`](crate::proto::handshake::ResponseError)).

use core::fmt;

/// Why a client fails the connection on the parameters that a server answered with (RFC 7692 §7).
///
/// Every display text is lower-case ASCII of at most 123 bytes, and holds nothing that the peer sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum AnswerError {
    /// permessage-deflate twice.
    ExtensionRepeated,
    /// A parameter that is not one of the four.
    UnknownParameter,
    /// A parameter twice, be it with the same value.
    ParameterRepeated,
    /// `server_no_context_takeover` with a value.
    ServerTakeoverValue,
    /// `client_no_context_takeover` with a value.
    ClientTakeoverValue,
    /// `server_max_window_bits` without a value, or with one that is not 8 to 15.
    ServerWindowValue,
    /// `client_max_window_bits` without a value, or with one that is not 8 to 15.
    ClientWindowValue,
    /// We asked for `server_no_context_takeover`, and the answer does not have it.
    ServerTakeover,
    /// We asked for `server_max_window_bits`, and the answer does not have it.
    ServerWindowMissing,
    /// `server_max_window_bits` is larger than what we asked for.
    ServerWindowTooLarge,
}

impl AnswerError {
    /// Every variant, for tables and tests.
    pub const ALL: &'static [Self] = &[
        Self::ExtensionRepeated,
        Self::UnknownParameter,
        Self::ParameterRepeated,
        Self::ServerTakeoverValue,
        Self::ClientTakeoverValue,
        Self::ServerWindowValue,
        Self::ClientWindowValue,
        Self::ServerTakeover,
        Self::ServerWindowMissing,
        Self::ServerWindowTooLarge,
    ];

    /// The RFC and section that the rule comes from.
    #[must_use]
    pub const fn section(self) -> &'static str {
        match self {
            Self::ExtensionRepeated => "RFC 7692 5",
            Self::UnknownParameter | Self::ParameterRepeated => "RFC 7692 7",
            Self::ServerTakeoverValue | Self::ServerTakeover => "RFC 7692 7.1.1.1",
            Self::ClientTakeoverValue => "RFC 7692 7.1.1.2",
            Self::ServerWindowValue | Self::ServerWindowMissing | Self::ServerWindowTooLarge => {
                "RFC 7692 7.1.2.1"
            }
            Self::ClientWindowValue => "RFC 7692 7.1.2.2",
        }
    }

    const fn text(self) -> &'static str {
        match self {
            Self::ExtensionRepeated => "the server uses permessage-deflate twice",
            Self::UnknownParameter => "the server's permessage-deflate has an unknown parameter",
            Self::ParameterRepeated => "the server's permessage-deflate has a parameter twice",
            Self::ServerTakeoverValue => "the server's server_no_context_takeover has a value",
            Self::ClientTakeoverValue => "the server's client_no_context_takeover has a value",
            Self::ServerWindowValue => "the server's server_max_window_bits is not 8 to 15",
            Self::ClientWindowValue => "the server's client_max_window_bits is not 8 to 15",
            Self::ServerTakeover => "the server does not agree to server_no_context_takeover",
            Self::ServerWindowMissing => "the server does not agree to server_max_window_bits",
            Self::ServerWindowTooLarge => "the server's server_max_window_bits is too large",
        }
    }
}

impl fmt::Display for AnswerError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.text())
    }
}

impl core::error::Error for AnswerError {}
