//! The four parameters (RFC 7692 §7.1): read, written, and what they mean in an answer.
//!
//! Not here: which of them we ask for, and which we accept (`policy`).

use core::fmt;
use core::num::NonZeroU8;

use super::AnswerError;
use crate::proto::handshake::Extension;

/// The name of the extension (RFC 7692 §7).
pub const NAME: &str = "permessage-deflate";

const SERVER_TAKEOVER: &str = "server_no_context_takeover";
const CLIENT_TAKEOVER: &str = "client_no_context_takeover";
const SERVER_WINDOW: &str = "server_max_window_bits";
const CLIENT_WINDOW: &str = "client_max_window_bits";

/// Window bits on the wire: the least and the most, which is also what holds where nothing is said (RFC 7692 §7.1.2).
const LEAST_BITS: u8 = 8;
const MOST_BITS: u8 = 15;

/// The size of an LZ77 window that we compress with, as its base-2 logarithm: 9 to 15.
///
/// The RFC knows 8 too. The library cannot compress with it, so nothing here ever promises it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct WindowBits(u8);

impl WindowBits {
    /// 512 bytes.
    pub const MIN: Self = Self(9);
    /// 32 KiB.
    pub const MAX: Self = Self(MOST_BITS);

    /// `None` unless `bits` is 9 to 15.
    #[must_use]
    pub const fn new(bits: u8) -> Option<Self> {
        if bits < Self::MIN.0 || bits > Self::MAX.0 {
            return None;
        }
        Some(Self(bits))
    }

    /// The logarithm.
    #[must_use]
    pub const fn get(self) -> u8 {
        self.0
    }
}

/// [`WindowBits::MAX`].
impl Default for WindowBits {
    fn default() -> Self {
        Self::MAX
    }
}

/// What holds for one direction of a connection: what its sender promised, and its receiver relies on.
///
/// It is one byte, and so is an `Option` of it: every connection has two.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Direction(
    /// One more than `takeover << 3 | (bits - 8)`.
    NonZeroU8,
);

impl Direction {
    const TAKEOVER: u8 = 1 << 3;

    /// Bits that are not 8 to 15 become the nearest that are.
    pub(crate) const fn new(window_bits: u8, context_takeover: bool) -> Self {
        let above = window_bits.saturating_sub(LEAST_BITS);
        let most = MOST_BITS - LEAST_BITS;
        let above = if above < most { above } else { most };
        let takeover = if context_takeover { Self::TAKEOVER } else { 0 };
        Self(NonZeroU8::MIN.saturating_add(takeover | above))
    }

    /// The base-2 logarithm of the largest distance in what is sent: 8 to 15. Who was told 8 and cannot compress with
    /// that sends everything as it is.
    #[must_use]
    pub const fn window_bits(self) -> u8 {
        LEAST_BITS + (self.0.get() - 1) % Self::TAKEOVER
    }

    /// Whether a message may refer to those before it.
    #[must_use]
    pub const fn context_takeover(self) -> bool {
        self.0.get() > Self::TAKEOVER
    }
}

impl fmt::Debug for Direction {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Direction")
            .field("window_bits", &self.window_bits())
            .field("context_takeover", &self.context_takeover())
            .finish()
    }
}

/// What both ends have agreed on. From [`Params::agreed`] and [`Policy::confirm`](super::Policy::confirm).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Agreed {
    /// What the server sends.
    pub server: Direction,
    /// What the client sends.
    pub client: Direction,
}

/// The parameters as they stand in an offer or in an answer. Its text is that element of
/// `Sec-WebSocket-Extensions`.
///
/// ```
/// use sockeye::proto::deflate::Params;
///
/// let params = Params { server_max_window_bits: Some(12), ..Params::default() };
/// assert_eq!(params.to_string(), "permessage-deflate; server_max_window_bits=12");
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Params {
    /// No message of the server refers to those before it: a client's wish, or a server's promise.
    pub server_no_context_takeover: bool,
    /// No message of the client refers to those before it: a client's hint, or a server's wish that binds.
    pub client_no_context_takeover: bool,
    /// The largest window that the server compresses with, 8 to 15 (what is outside counts as the nearest): a client's
    /// wish, or a server's promise.
    pub server_max_window_bits: Option<u8>,
    /// The largest window that the client compresses with.
    pub client_max_window_bits: ClientBits,
}

/// What is said of the window that the client compresses with.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum ClientBits {
    /// The parameter is not there. In an offer: the answer must not have it either.
    #[default]
    Absent,
    /// The parameter without a value, which only an offer may have: the answer may limit the window.
    Bare,
    /// 8 to 15. In an offer: the same as [`Bare`](Self::Bare), and a hint; in an answer: the limit.
    AtMost(u8),
}

impl Params {
    /// What these mean as an answer. What they do not mention is the largest window and context takeover.
    #[must_use]
    pub const fn agreed(&self) -> Agreed {
        let server = match self.server_max_window_bits {
            Some(bits) => bits,
            None => MOST_BITS,
        };
        let client = match self.client_max_window_bits {
            ClientBits::AtMost(bits) => bits,
            ClientBits::Absent | ClientBits::Bare => MOST_BITS,
        };
        Agreed {
            server: Direction::new(server, !self.server_no_context_takeover),
            client: Direction::new(client, !self.client_no_context_takeover),
        }
    }

    /// Reads what an offer may hold; an answer may not hold [`ClientBits::Bare`].
    ///
    /// # Errors
    ///
    /// What makes a server decline the offer and a client fail the connection (RFC 7692 §7).
    pub(super) fn parse(extension: &Extension<'_>) -> Result<Self, AnswerError> {
        let mut params = Self::default();
        for param in extension.params() {
            let value = param.value.as_deref();
            let repeated = match param.name {
                SERVER_TAKEOVER => {
                    no_value(value, AnswerError::ServerTakeoverValue)?;
                    core::mem::replace(&mut params.server_no_context_takeover, true)
                }
                CLIENT_TAKEOVER => {
                    no_value(value, AnswerError::ClientTakeoverValue)?;
                    core::mem::replace(&mut params.client_no_context_takeover, true)
                }
                SERVER_WINDOW => {
                    let bits = value.and_then(window_bits);
                    let bits = bits.ok_or(AnswerError::ServerWindowValue)?;
                    params.server_max_window_bits.replace(bits).is_some()
                }
                CLIENT_WINDOW => {
                    let before =
                        core::mem::replace(&mut params.client_max_window_bits, client_bits(value)?);
                    before != ClientBits::Absent
                }
                _ => return Err(AnswerError::UnknownParameter),
            };
            if repeated {
                return Err(AnswerError::ParameterRepeated);
            }
        }
        Ok(params)
    }
}

const fn no_value(value: Option<&str>, otherwise: AnswerError) -> Result<(), AnswerError> {
    match value {
        None => Ok(()),
        Some(_) => Err(otherwise),
    }
}

fn client_bits(value: Option<&str>) -> Result<ClientBits, AnswerError> {
    let Some(value) = value else {
        return Ok(ClientBits::Bare);
    };
    let bits = window_bits(value).ok_or(AnswerError::ClientWindowValue)?;
    Ok(ClientBits::AtMost(bits))
}

/// 8 to 15 without a leading zero (RFC 7692 §7.1.2.1, §7.1.2.2). A number outside has brought a client down
/// (CVE-2026-2229), so there is no other way from text to bits.
const fn window_bits(value: &str) -> Option<u8> {
    match value.as_bytes() {
        [digit @ b'8'..=b'9'] => Some(*digit - b'0'),
        [b'1', digit @ b'0'..=b'5'] => Some(10 + *digit - b'0'),
        _ => None,
    }
}

/// The nearest that may be on the wire.
fn in_range(bits: u8) -> u8 {
    bits.clamp(LEAST_BITS, MOST_BITS)
}

impl fmt::Display for Params {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(NAME)?;
        if self.server_no_context_takeover {
            write!(f, "; {SERVER_TAKEOVER}")?;
        }
        if self.client_no_context_takeover {
            write!(f, "; {CLIENT_TAKEOVER}")?;
        }
        if let Some(bits) = self.server_max_window_bits.map(in_range) {
            write!(f, "; {SERVER_WINDOW}={bits}")?;
        }
        match self.client_max_window_bits {
            ClientBits::Absent => Ok(()),
            ClientBits::Bare => write!(f, "; {CLIENT_WINDOW}"),
            ClientBits::AtMost(bits) => write!(f, "; {CLIENT_WINDOW}={}", in_range(bits)),
        }
    }
}
