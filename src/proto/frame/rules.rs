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

/// What is to be said about each first byte, with and without compression and a message in progress: judged when this
/// is compiled, for it is asked for every frame.
static FIRST_BYTES: [[Result<Opcode, Violation>; 256]; 4] = [
    first_bytes(false, false),
    first_bytes(false, true),
    first_bytes(true, false),
    first_bytes(true, true),
];

#[expect(
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    reason = "runs in the compiler"
)]
const fn first_bytes(compression: bool, in_message: bool) -> [Result<Opcode, Violation>; 256] {
    let rules = Rules {
        role: Role::Server,
        compression,
        in_message,
    };
    let mut verdicts = [Err(Violation::ReservedBits); 256];
    let mut byte: u8 = 0;
    loop {
        verdicts[byte as usize] = rules.judge_first_byte(byte);
        if byte == 0xFF {
            return verdicts;
        }
        byte += 1;
    }
}

impl Rules {
    /// Judges the first byte.
    #[inline]
    pub(super) fn first_byte(&self, byte: u8) -> Result<Opcode, Violation> {
        let table =
            FIRST_BYTES.get(usize::from(self.compression) << 1 | usize::from(self.in_message));
        let verdict = table.and_then(|table| table.get(usize::from(byte)));
        // Both indices are in range.
        *verdict.unwrap_or(&Err(Violation::ReservedBits))
    }

    const fn judge_first_byte(&self, byte: u8) -> Result<Opcode, Violation> {
        let fin = byte & 0x80 != 0;
        let reserved = byte >> 4 & 0b111;
        let Some(opcode) = Opcode::from_bits(byte & 0x0F) else {
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
    #[inline]
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
    #[inline]
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

#[cfg(test)]
mod tests {
    use super::{Role, Rules, first_bytes};

    /// The table is built by the compiler, out of sight of whatever watches the tests run; so it is built once more here.
    #[test]
    fn the_compilers_table_is_what_the_judgement_says() {
        for (compression, in_message) in
            [(false, false), (false, true), (true, false), (true, true)]
        {
            let rules = Rules {
                role: Role::Server,
                compression,
                in_message,
            };
            let table = first_bytes(compression, in_message);
            for (byte, verdict) in (0..=u8::MAX).zip(table) {
                assert_eq!(
                    verdict,
                    rules.judge_first_byte(byte),
                    "{byte:02x} {rules:?}"
                );
                assert_eq!(verdict, rules.first_byte(byte), "{byte:02x} {rules:?}");
            }
        }
    }
}
