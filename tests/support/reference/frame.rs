//! A frame's header field by field (section 5.2), its mask byte by byte (5.3), and the codes that a Close frame may
//! have (7.4); and a frame written.
//!
//! Not here: what follows a header.

use sockeye::proto::Violation;
use sockeye::proto::frame::{Role, Rules};

/// What the bytes so far say of a header.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Literal {
    Incomplete,
    Refused(Violation),
    Whole(Head),
}

/// A header, as the picture in section 5.2 has it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Head {
    pub(crate) fin: bool,
    pub(crate) rsv1: bool,
    pub(crate) opcode: u8,
    pub(crate) mask: Option<[u8; 4]>,
    pub(crate) len: u64,
    /// Bytes that the header itself takes.
    pub(crate) size: usize,
}

impl Head {
    pub(crate) fn is_control(&self) -> bool {
        self.opcode >= 8
    }
}

/// Reads a header field by field.
pub(crate) fn header(bytes: &[u8], rules: &Rules) -> Literal {
    let Some(first) = bytes.first() else {
        return Literal::Incomplete;
    };
    if let Some(violation) = first_byte(*first, rules) {
        return Literal::Refused(violation);
    }
    let Some(second) = bytes.get(1) else {
        return Literal::Incomplete;
    };
    let (opcode, masked, short) = (first % 16, second / 128 == 1, second % 128);
    if masked != (rules.role == Role::Server) {
        return Literal::Refused(match rules.role {
            Role::Server => Violation::MaskMissing,
            Role::Client => Violation::MaskUnexpected,
        });
    }
    if opcode >= 8 && short > 125 {
        return Literal::Refused(Violation::ControlTooLong);
    }
    if opcode == 8 && short == 1 {
        return Literal::Refused(Violation::CloseTooShort);
    }
    let extended = match short {
        127 => 8,
        126 => 2,
        _ => 0,
    };
    if bytes.len() < 2 + extended {
        return Literal::Incomplete;
    }
    let len = match extended {
        0 => u128::from(short),
        _ => bytes[2..2 + extended]
            .iter()
            .fold(0, |len, byte| len * 256 + u128::from(*byte)),
    };
    if len >= 1 << 63 {
        return Literal::Refused(Violation::LengthTooLong);
    }
    if (short == 126 && len < 126) || (short == 127 && len < 65_536) {
        return Literal::Refused(Violation::LengthNotMinimal);
    }
    let size = 2 + extended + if masked { 4 } else { 0 };
    if bytes.len() < size {
        return Literal::Incomplete;
    }
    Literal::Whole(Head {
        fin: first / 128 == 1,
        rsv1: first / 64 % 2 == 1,
        opcode,
        mask: masked.then(|| [0, 1, 2, 3].map(|i| bytes[size - 4 + i])),
        len: u64::try_from(len).expect("below 2^63"),
        size,
    })
}

fn first_byte(first: u8, rules: &Rules) -> Option<Violation> {
    let (fin, reserved, opcode) = (first / 128 == 1, first / 16 % 8, first % 16);
    let is_data = opcode == 1 || opcode == 2;
    if ![0, 1, 2, 8, 9, 10].contains(&opcode) {
        Some(Violation::ReservedOpcode)
    } else if reserved != 0 && !(reserved == 4 && is_data && rules.compression) {
        Some(Violation::ReservedBits)
    } else if opcode >= 8 && !fin {
        Some(Violation::FragmentedControl)
    } else if opcode == 0 && !rules.in_message {
        Some(Violation::UnexpectedContinuation)
    } else if is_data && rules.in_message {
        Some(Violation::ExpectedContinuation)
    } else {
        None
    }
}

/// Whether a code may stand in a Close frame (section 7.4, and what IANA has registered since).
pub(crate) fn may_be_sent(code: u16) -> bool {
    let defined = [
        1000, 1001, 1002, 1003, 1007, 1008, 1009, 1010, 1011, 1012, 1013, 1014,
    ];
    defined.contains(&code) || (3000..5000).contains(&code)
}

/// Masks byte by byte, as section 5.3 spells it out; the first byte stands `offset` bytes into the payload.
pub(crate) fn mask(key: [u8; 4], offset: u64, bytes: &[u8]) -> Vec<u8> {
    let first = usize::try_from(offset % 4).expect("below 4");
    let numbered = bytes.iter().enumerate();
    numbered
        .map(|(i, byte)| byte ^ key[(first + i) % 4])
        .collect()
}

/// A frame with everything right about it: the length in the fewest bytes, masked where there is a key.
pub(crate) fn written(first: u8, payload: &[u8], key: Option<[u8; 4]>) -> Vec<u8> {
    let masked = if key.is_some() { 128 } else { 0 };
    let len = payload.len();
    let mut frame = vec![first];
    match len {
        0..126 => frame.push(masked + len as u8),
        126..65_536 => {
            frame.push(masked + 126);
            frame.extend([(len / 256) as u8, (len % 256) as u8]);
        }
        _ => {
            frame.push(masked + 127);
            frame.extend((len as u64).to_be_bytes());
        }
    }
    match key {
        Some(key) => {
            frame.extend(key);
            frame.extend(mask(key, 0, payload));
        }
        None => frame.extend(payload),
    }
    frame
}
