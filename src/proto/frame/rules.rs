//! Which headers are allowed: the judgement over what `header` has read.
//!
//! Each rule is asked as soon as its byte is there, so that a bad header is refused at the earliest byte.
//!
//! Not here: limits, which are the receiver's configuration, and anything about the payload.
#![deny(clippy::arithmetic_side_effects)]

use super::Opcode;
use crate::proto::Violation;

/// Which side of the connection we are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Role {
    /// Sends masked frames, receives unmasked ones.
    Client,
    /// Sends unmasked frames, receives masked ones.
    Server,
}

impl Role {
    /// The other side.
    #[must_use]
    pub const fn peer(self) -> Self {
        match self {
            Self::Client => Self::Server,
            Self::Server => Self::Client,
        }
    }
}

/// What the rules depend on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rules {
    /// Our role: the receiver's.
    pub role: Role,
    /// Whether permessage-deflate was negotiated, which gives RSV1 a meaning (RFC 7692 section 6).
    pub compression: bool,
    /// Whether a fragmented message is in progress.
    pub in_message: bool,
}

impl Rules {
    /// Judges the first byte.
    pub(super) fn first_byte(
        &self,
        fin: bool,
        reserved: u8,
        opcode: u8,
    ) -> Result<Opcode, Violation> {
        let Some(opcode) = Opcode::from_bits(opcode) else {
            return Err(Violation::ReservedOpcode);
        };
        // RFC 7692 section 6.1: RSV1 marks the first frame of a compressed message, and nothing else.
        let compressed = self.compression && matches!(opcode, Opcode::Text | Opcode::Binary);
        if reserved != 0 && !(compressed && reserved == 0b100) {
            return Err(Violation::ReservedBits);
        }
        match opcode {
            Opcode::Close | Opcode::Ping | Opcode::Pong if !fin => {
                Err(Violation::FragmentedControl)
            }
            Opcode::Continuation if !self.in_message => Err(Violation::UnexpectedContinuation),
            Opcode::Text | Opcode::Binary if self.in_message => {
                Err(Violation::ExpectedContinuation)
            }
            Opcode::Continuation
            | Opcode::Text
            | Opcode::Binary
            | Opcode::Close
            | Opcode::Ping
            | Opcode::Pong => Ok(opcode),
        }
    }

    /// Judges the second byte: the mask's direction and what its seven length bits give away.
    pub(super) fn second_byte(
        &self,
        opcode: Opcode,
        masked: bool,
        short_len: u8,
    ) -> Result<(), Violation> {
        match (self.role, masked) {
            (Role::Server, false) => return Err(Violation::MaskMissing),
            (Role::Client, true) => return Err(Violation::MaskUnexpected),
            (Role::Server, true) | (Role::Client, false) => {}
        }
        if opcode.is_control() && short_len > 125 {
            return Err(Violation::ControlTooLong);
        }
        // RFC 6455 section 5.5.1: a body starts with a two-byte code.
        if opcode == Opcode::Close && short_len == 1 {
            return Err(Violation::CloseTooShort);
        }
        Ok(())
    }

    /// Judges the length: encoded in the fewest bytes, most significant bit clear.
    pub(super) fn length(&self, short_len: u8, len: u64) -> Result<(), Violation> {
        if len >> 63 != 0 {
            return Err(Violation::LengthTooLong);
        }
        let shortest = match len {
            0..=125 => short_len < 126,
            126..=0xFFFF => short_len == 126,
            _ => short_len == 127,
        };
        if shortest {
            Ok(())
        } else {
            Err(Violation::LengthNotMinimal)
        }
    }
}
