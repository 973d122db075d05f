//! Errors, grouped by whose fault they are: the peer's ([`Violation`]) or our caller's ([`Misuse`]).
//!
//! Not here: the opening handshake's errors, which answer with an HTTP status instead of a close code.

use crate::proto::CloseCode;
use core::fmt;

/// Defines [`Violation`]: one row per rule, so that text, code and clause cannot drift apart.
macro_rules! violations {
    ($($(#[doc = $doc:literal])* $name:ident => $code:ident, $section:literal, $text:literal;)*) => {
        /// How the peer broke the protocol: one variant per rule.
        ///
        /// Its text is the reason in the Close frame that answers it.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        #[non_exhaustive]
        pub enum Violation { $($(#[doc = $doc])* $name,)* }

        impl Violation {
            /// Every violation there is.
            pub const ALL: &'static [Self] = &[$(Self::$name,)*];

            /// The close code that answers it.
            #[must_use]
            pub const fn close_code(self) -> CloseCode {
                match self { $(Self::$name => CloseCode::$code,)* }
            }

            /// The section of RFC 6455, unless it names another, that it breaks or that allows refusing it.
            #[must_use]
            pub const fn section(self) -> &'static str {
                match self { $(Self::$name => $section,)* }
            }

            /// What went wrong, in at most 123 bytes of ASCII.
            #[must_use]
            pub const fn text(self) -> &'static str {
                match self { $(Self::$name => $text,)* }
            }
        }
    };
}

violations! {
    /// A reserved bit is set that no negotiated extension defines.
    ReservedBits => PROTOCOL_ERROR, "5.2", "reserved bit set";
    /// Opcodes 3-7 and B-F are reserved.
    ReservedOpcode => PROTOCOL_ERROR, "5.2", "reserved opcode";
    /// A control frame without FIN.
    FragmentedControl => PROTOCOL_ERROR, "5.5", "fragmented control frame";
    /// A control frame announces more than 125 bytes.
    ControlTooLong => PROTOCOL_ERROR, "5.5", "control frame over 125 bytes";
    /// A client sent an unmasked frame.
    MaskMissing => PROTOCOL_ERROR, "5.1", "frame from a client is not masked";
    /// A server sent a masked frame.
    MaskUnexpected => PROTOCOL_ERROR, "5.1", "frame from a server is masked";
    /// The length is not encoded in the fewest bytes.
    LengthNotMinimal => PROTOCOL_ERROR, "5.2", "length is not in its shortest form";
    /// The most significant bit of a 64-bit length is set.
    LengthTooLong => PROTOCOL_ERROR, "5.2", "length is above 2^63-1";
    /// A continuation without a message in progress.
    UnexpectedContinuation => PROTOCOL_ERROR, "5.4", "continuation without a message in progress";
    /// A new message while one is in progress.
    ExpectedContinuation => PROTOCOL_ERROR, "5.4", "new message before the last one ended";
    /// A Close body of one byte.
    CloseTooShort => PROTOCOL_ERROR, "5.5.1", "close frame with a one-byte body";
    /// A close code that must not be on the wire.
    CloseCodeForbidden => PROTOCOL_ERROR, "7.4", "close code is not allowed on the wire";
    /// A close reason that is not UTF-8.
    InvalidReason => INVALID_PAYLOAD, "5.5.1", "close reason is not UTF-8";
    /// Text that is not UTF-8.
    InvalidUtf8 => INVALID_PAYLOAD, "8.1", "text is not UTF-8";
    /// A frame over [`Limits::max_frame`](crate::proto::Limits::max_frame).
    FrameTooBig => MESSAGE_TOO_BIG, "10.4", "frame is over the size limit";
    /// A message over [`Limits::max_message`](crate::proto::Limits::max_message).
    MessageTooBig => MESSAGE_TOO_BIG, "10.4", "message is over the size limit";
    /// More fragments than [`Limits::max_fragments`](crate::proto::Limits::max_fragments) allows.
    TooManyFragments => POLICY_VIOLATION, "10.4", "message in too many fragments";
    /// A compressed message that is no DEFLATE, or ends too early.
    InvalidDeflate => INVALID_PAYLOAD, "RFC 7692 7.2.2", "compressed message cannot be inflated";
    /// A compressed message that ends its stream again and again.
    TooManyLastBlocks => POLICY_VIOLATION, "10.4", "compressed message in too many streams";
    /// More messages are inflated in parts than
    /// [`Inbound::set_max_streams`](crate::proto::Inbound::set_max_streams) allows.
    NoInflater => TRY_AGAIN_LATER, "10.4", "too many compressed messages at once";
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.text())
    }
}

impl core::error::Error for Violation {}

/// A call that no state of the network makes right: a bug in the calling program.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Misuse {
    /// The payload of a ping or pong is over 125 bytes.
    ControlTooLong,
    /// The reason of a close is over 123 bytes.
    ReasonTooLong,
    /// Another message is still being sent in fragments.
    MessageInProgress,
    /// A fragment of text makes the message invalid UTF-8.
    InvalidUtf8,
    /// A client sends and has no source of masking keys.
    NoKeys,
    /// A message that was begun compressed is to go on without a compressor.
    NoCompressor,
}

impl fmt::Display for Misuse {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::ControlTooLong => "ping or pong payload is over 125 bytes",
            Self::ReasonTooLong => "close reason is over 123 bytes",
            Self::MessageInProgress => "another message is still being sent in fragments",
            Self::InvalidUtf8 => "fragment makes the text message invalid UTF-8",
            Self::NoKeys => "a client needs a source of masking keys",
            Self::NoCompressor => "a message begun compressed needs the compressor to its end",
        })
    }
}

impl core::error::Error for Misuse {}

/// The source of randomness failed. There is no substitute for it: a key that can be guessed is none.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct NoRandomness;

impl fmt::Display for NoRandomness {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the operating system gives no random numbers")
    }
}

impl core::error::Error for NoRandomness {}

/// Why nothing was sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum SendError {
    /// The connection is closing or closed. The peer may have done that at any moment, so this is an ordinary result.
    Closed,
    /// The call was wrong.
    Misuse(Misuse),
    /// A client has no key to mask with. The connection cannot go on.
    NoRandomness,
}

impl From<NoRandomness> for SendError {
    fn from(_: NoRandomness) -> Self {
        Self::NoRandomness
    }
}

impl From<Misuse> for SendError {
    fn from(misuse: Misuse) -> Self {
        Self::Misuse(misuse)
    }
}

impl fmt::Display for SendError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Closed => f.write_str("the connection is closing or closed"),
            Self::Misuse(misuse) => misuse.fmt(f),
            Self::NoRandomness => NoRandomness.fmt(f),
        }
    }
}

impl core::error::Error for SendError {}
