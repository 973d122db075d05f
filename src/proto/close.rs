//! Close codes and the body of a Close frame (RFC 6455 sections 5.5.1 and 7.4).
//!
//! Not here: which code answers which fault; that is [`Violation::close_code`].

use crate::proto::work;
use crate::proto::{Misuse, Violation};
use core::fmt;
use core::str::from_utf8;

/// A code that may stand in a Close frame: 1000-1003, 1007-1014, 3000-4999.
///
/// The others are reserved, undefined or only for local use, so no value of this type holds one; a peer that sends
/// one breaks the protocol.
///
/// ```
/// use sockeye::proto::CloseCode;
///
/// assert_eq!(CloseCode::NORMAL.get(), 1000);
/// assert_eq!(CloseCode::new(4001).map(CloseCode::get), Some(4001)); // an application's own
/// assert_eq!(CloseCode::new(1006), None); // it says that no Close frame came, and is in none
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct CloseCode(u16);

impl CloseCode {
    /// The purpose was fulfilled.
    pub const NORMAL: Self = Self(1000);
    /// The endpoint goes away: a server stops, a page is left.
    pub const GOING_AWAY: Self = Self(1001);
    /// The peer broke the protocol.
    pub const PROTOCOL_ERROR: Self = Self(1002);
    /// This kind of message is not accepted here.
    pub const UNSUPPORTED_DATA: Self = Self(1003);
    /// The payload does not fit its kind, as text that is not UTF-8.
    pub const INVALID_PAYLOAD: Self = Self(1007);
    /// Against the endpoint's policy.
    pub const POLICY_VIOLATION: Self = Self(1008);
    /// The message is too big to process.
    pub const MESSAGE_TOO_BIG: Self = Self(1009);
    /// The client wanted an extension that the server did not give.
    pub const EXTENSION_REQUIRED: Self = Self(1010);
    /// Something unexpected happened inside the endpoint.
    pub const INTERNAL_ERROR: Self = Self(1011);
    /// The server restarts.
    pub const SERVICE_RESTART: Self = Self(1012);
    /// The server is overloaded, or this peer reads too slowly.
    pub const TRY_AGAIN_LATER: Self = Self(1013);
    /// A gateway got a bad answer from behind.
    pub const BAD_GATEWAY: Self = Self(1014);

    /// The code with this number, or `None` where it must not be on the wire.
    #[must_use]
    pub const fn new(code: u16) -> Option<Self> {
        match code {
            1000..=1003 | 1007..=1014 | 3000..=4999 => Some(Self(code)),
            _ => None,
        }
    }

    /// The number.
    #[must_use]
    pub const fn get(self) -> u16 {
        self.0
    }
}

impl fmt::Debug for CloseCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "CloseCode({})", self.0)
    }
}

impl fmt::Display for CloseCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// Numbers that stand for the ways to end without a code from the peer. They are for reports, never for the wire.
pub mod local {
    /// The peer's Close frame had no code.
    pub const NO_STATUS: u16 = 1005;
    /// The connection ended without a Close frame.
    pub const ABNORMAL: u16 = 1006;
    /// The TLS handshake failed.
    pub const TLS_FAILURE: u16 = 1015;
}

/// What a peer's Close frame said.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CloseReason<'a> {
    /// The code, or `None` when the frame was empty.
    pub code: Option<CloseCode>,
    /// The reason: at most 123 bytes, and not for the eyes of end users (RFC 6455 section 5.5.1).
    pub reason: &'a str,
}

impl<'a> CloseReason<'a> {
    /// The code as a number for reports: 1005 when the frame had none.
    #[must_use]
    pub fn number(&self) -> u16 {
        self.code.map_or(local::NO_STATUS, CloseCode::get)
    }

    /// Reads the body of a Close frame.
    pub(crate) fn parse(body: &'a [u8]) -> Result<Self, Violation> {
        work::visit(body.len());
        match *body {
            [] => Ok(Self {
                code: None,
                reason: "",
            }),
            [_] => Err(Violation::CloseTooShort),
            [high, low, ref reason @ ..] => Ok(Self {
                code: Some(code_on_the_wire(high, low)?),
                reason: from_utf8(reason).map_err(|_| Violation::InvalidReason)?,
            }),
        }
    }
}

/// Judges the first bytes of a Close body whose rest has not arrived.
pub(crate) fn check_prefix(body: &[u8]) -> Result<(), Violation> {
    work::visit(body.len());
    let [high, low, reason @ ..] = body else {
        return Ok(());
    };
    code_on_the_wire(*high, *low)?;
    match from_utf8(reason) {
        Err(error) if error.error_len().is_some() => Err(Violation::InvalidReason),
        Ok(_) | Err(_) => Ok(()),
    }
}

fn code_on_the_wire(high: u8, low: u8) -> Result<CloseCode, Violation> {
    CloseCode::new(u16::from_be_bytes([high, low])).ok_or(Violation::CloseCodeForbidden)
}

/// The most bytes a control frame carries (RFC 6455 section 5.5).
pub const MAX_CONTROL_LEN: usize = 125;

/// The body of a Close frame to be sent.
#[derive(Clone, Copy, Debug)]
pub(crate) struct CloseBody {
    bytes: [u8; MAX_CONTROL_LEN],
    len: usize,
}

impl CloseBody {
    /// The most bytes of a reason: a control frame's less the code's two.
    pub(crate) const MAX_REASON: usize = MAX_CONTROL_LEN - 2;

    pub(crate) const fn empty() -> Self {
        Self {
            bytes: [0; MAX_CONTROL_LEN],
            len: 0,
        }
    }

    pub(crate) fn new(code: CloseCode, reason: &str) -> Result<Self, Misuse> {
        if reason.len() > Self::MAX_REASON {
            return Err(Misuse::ReasonTooLong);
        }
        let mut body = Self::empty();
        let parts = code.get().to_be_bytes().into_iter().chain(reason.bytes());
        for (slot, byte) in body.bytes.iter_mut().zip(parts) {
            *slot = byte;
        }
        body.len = 2 + reason.len();
        Ok(body)
    }

    pub(crate) fn as_slice(&self) -> &[u8] {
        self.bytes.get(..self.len).unwrap_or_default()
    }
}
