//! The frame header, bytes to value and back: the only place that reads or writes a frame's first bytes.
//!
//! ```text
//!  0                   1                   2                   3
//! +-+-+-+-+-------+-+-------------+-------------------------------+
//! |F|R|R|R| opcode|M| length (7)  |  length (0, 16 or 64 bits) …  |
//! |I|S|S|S|  (4)  |A|             +-------------------------------+
//! |N|V|V|V|       |S|             |  masking key (0 or 32 bits)   |
//! | |1|2|3|       |K|             |                               |
//! +-+-+-+-+-------+-+-------------+-------------------------------+
//! ```
//!
//! Not here: the judgement, which is `rules`; the payload.
#![deny(clippy::arithmetic_side_effects)]

use super::{MessageKind, Opcode, Role, Rules};
use crate::proto::Violation;
use crate::proto::work;

/// Complete, or how many more bytes it takes at least.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Status<T> {
    /// All of it was there.
    Complete(T),
    /// Fewer than `need` more bytes cannot complete it; never 0.
    Partial {
        /// Bytes.
        need: usize,
    },
}

/// A frame header (RFC 6455 section 5.2).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Header {
    /// The last fragment of its message, or a whole message.
    pub fin: bool,
    /// The first frame of a compressed message (RFC 7692 section 6); refused as long as [`Rules`] has no compression.
    pub rsv1: bool,
    /// What the frame is.
    pub opcode: Opcode,
    /// The masking key, present in what clients send.
    pub mask: Option<[u8; 4]>,
    /// Payload length in bytes. Below 2^63: decoding sees to it, who encodes owes it.
    pub len: u64,
}

impl Header {
    /// The most bytes a header has.
    pub const MAX_LEN: usize = 14;

    /// The header of an unmasked frame that is a whole message or a control frame.
    #[must_use]
    pub const fn new(opcode: Opcode, len: u64) -> Self {
        Self {
            fin: true,
            rsv1: false,
            opcode,
            mask: None,
            len,
        }
    }

    /// The header of an unmasked frame that is a whole compressed message (RFC 7692 section 6).
    #[must_use]
    pub const fn compressed(opcode: Opcode, len: u64) -> Self {
        Self {
            rsv1: true,
            ..Self::new(opcode, len)
        }
    }

    /// The same in bytes, where these are two.
    #[cfg(any(feature = "reactor", test))]
    #[inline(always)]
    pub(crate) const fn shortest(opcode: Opcode, len: usize) -> Option<[u8; 2]> {
        #[expect(clippy::cast_possible_truncation, reason = "at most 125")]
        match len {
            0..=125 => Some([0x80 | opcode.bits(), len as u8]),
            _ => None,
        }
    }

    /// The same, where these are four.
    #[cfg(any(feature = "reactor", test))]
    #[inline(always)]
    pub(crate) const fn shorter(opcode: Opcode, len: usize) -> Option<[u8; 4]> {
        #[expect(clippy::cast_possible_truncation, reason = "at most 65 535")]
        match len {
            126..=0xffff => {
                let [high, low] = (len as u16).to_be_bytes();
                Some([0x80 | opcode.bits(), 126, high, low])
            }
            _ => None,
        }
    }

    /// Reads the header at the front of `bytes`; with it comes its own length in bytes.
    ///
    /// ```
    /// use sockeye::proto::frame::{Header, Opcode, Role, Rules, Status};
    ///
    /// // We are the client, so what arrives is not masked.
    /// let rules = Rules { role: Role::Client, compression: false, in_message: false };
    /// let Ok(Status::Complete((header, 2))) = Header::decode(b"\x81\x05Hello", &rules) else {
    ///     panic!()
    /// };
    /// assert_eq!((header.opcode, header.len), (Opcode::Text, 5));
    /// assert_eq!(Header::decode(b"\x81", &rules), Ok(Status::Partial { need: 1 }));
    /// ```
    ///
    /// # Errors
    ///
    /// The first rule the header breaks, as soon as the byte that breaks it is there.
    #[inline]
    pub fn decode(bytes: &[u8], rules: &Rules) -> Result<Status<(Self, usize)>, Violation> {
        work::visit(bytes.len().min(Self::MAX_LEN));
        let partial = |whole: usize| {
            Ok(Status::Partial {
                need: whole.saturating_sub(bytes.len()),
            })
        };
        let Some((&first, rest)) = bytes.split_first() else {
            return partial(2);
        };
        let opcode = rules.first_byte(first)?;
        let Some((&second, rest)) = rest.split_first() else {
            return partial(2);
        };
        let masked = second & 0x80 != 0;
        let short_len = second & 0x7F;
        rules.second_byte(opcode, masked, short_len)?;

        let head_len: usize = match (short_len, masked) {
            (0..=125, false) => 2,
            (0..=125, true) => 6,
            (126, false) => 4,
            (126, true) => 8,
            (_, false) => 10,
            (_, true) => 14,
        };
        let (len, rest) = match short_len {
            0..=125 => (u64::from(short_len), rest),
            126 => match rest.split_first_chunk() {
                Some((len, rest)) => (u64::from(u16::from_be_bytes(*len)), rest),
                None => return partial(head_len),
            },
            _ => match rest.split_first_chunk() {
                Some((len, rest)) => (u64::from_be_bytes(*len), rest),
                None => return partial(head_len),
            },
        };
        rules.length(short_len, len)?;
        let mask = match (masked, rest.first_chunk()) {
            (false, _) => None,
            (true, Some(key)) => Some(*key),
            (true, None) => return partial(head_len),
        };
        let header = Self {
            fin: first & 0x80 != 0,
            rsv1: first & 0x40 != 0,
            opcode,
            mask,
            len,
        };
        Ok(Status::Complete((header, head_len)))
    }

    /// The header at the front of `bytes` where it is the most frequent one: of a data frame that is a whole message, and
    /// not large. `None` says nothing; [`decode`](Self::decode) finds out what it is, and what is wrong with it.
    #[inline(always)]
    pub(crate) fn at_first_sight(bytes: &[u8], role: Role) -> Option<Whole> {
        let (start, len, key) = match role {
            Role::Server => {
                let [_, second, key @ ..] = bytes.first_chunk::<6>()?;
                match second ^ 0x80 {
                    len @ 0..=125 => (6, usize::from(len), u32::from_ne_bytes(*key)),
                    126 => {
                        let [_, _, high, low, key @ ..] = bytes.first_chunk::<8>()?;
                        (8, long([*high, *low])?, u32::from_ne_bytes(*key))
                    }
                    _ => return None,
                }
            }
            Role::Client => {
                let &[_, second] = bytes.first_chunk()?;
                match second {
                    len @ 0..=125 => (2, usize::from(len), 0),
                    126 => {
                        let &[_, _, high, low] = bytes.first_chunk()?;
                        (4, long([high, low])?, 0)
                    }
                    _ => return None,
                }
            }
        };
        Whole::new(bytes, start, len, key)
    }

    /// The same with a length in eight bytes. By itself, so that nobody asks for it who hopes for a short one.
    #[cold]
    pub(crate) fn at_second_sight(bytes: &[u8], role: Role) -> Option<Whole> {
        let [_, second, len @ ..] = bytes.first_chunk::<10>()?;
        let len = u64::from_be_bytes(*len);
        if len >> 16 == 0 || len >> 63 != 0 {
            return None;
        }
        let len = usize::try_from(len).ok()?;
        match (role, second) {
            (Role::Server, 0xFF) => {
                let key = bytes.get(10..)?.first_chunk()?;
                Whole::new(bytes, 14, len, u32::from_ne_bytes(*key))
            }
            (Role::Client, 0x7F) => Whole::new(bytes, 10, len, 0),
            _ => None,
        }
    }

    /// Writes the header, in the fewest bytes.
    ///
    /// ```
    /// use sockeye::proto::frame::{Header, Opcode};
    ///
    /// assert_eq!(Header::new(Opcode::Text, 5).encode().as_slice(), b"\x81\x05");
    /// ```
    #[inline]
    #[must_use]
    pub fn encode(&self) -> Encoded {
        let fin = if self.fin { 0x80 } else { 0 };
        let rsv1 = if self.rsv1 { 0x40 } else { 0 };
        let masked = if self.mask.is_some() { 0x80 } else { 0 };
        let key = self.mask.unwrap_or_default();
        let len = self.len.to_be_bytes();
        let [.., l6, l7] = len;
        let mut out = Encoded {
            bytes: [0; Self::MAX_LEN],
            len: if self.mask.is_some() { 4 } else { 0 },
        };
        let [first, second, rest @ ..] = &mut out.bytes;
        *first = fin | rsv1 | self.opcode.bits();
        // The key stands behind the length; without one, its place lies beyond the end.
        let before_key: u8 = match self.len {
            0..=125 => {
                *second = masked | l7;
                rest[..4].copy_from_slice(&key);
                2
            }
            126..=0xFFFF => {
                *second = masked | 126;
                rest[..2].copy_from_slice(&[l6, l7]);
                rest[2..6].copy_from_slice(&key);
                4
            }
            _ => {
                *second = masked | 127;
                rest[..8].copy_from_slice(&len);
                rest[8..].copy_from_slice(&key);
                10
            }
        };
        out.len = out.len.saturating_add(before_key);
        out
    }
}

/// A length in two bytes, if it needs them.
#[inline(always)]
fn long(bytes: [u8; 2]) -> Option<usize> {
    let len = u16::from_be_bytes(bytes);
    (len > 125).then_some(len.into())
}

/// What there is to know of a frame that is a whole message.
// Each fills a register: smaller ones would be packed into one, and taken out again, for every frame.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Whole {
    /// Where its payload begins.
    pub(crate) start: usize,
    /// Bytes of that.
    pub(crate) len: usize,
    /// The key in native order, in the lower half; zero where it is not masked.
    pub(crate) key: u64,
    pub(crate) kind: MessageKind,
}

impl Whole {
    /// With the kind that the first byte says.
    #[inline(always)]
    fn new(bytes: &[u8], start: usize, len: usize, key: u32) -> Option<Self> {
        let kind = match bytes.first()? {
            0x82 => MessageKind::Binary,
            0x81 => MessageKind::Text,
            _ => return None,
        };
        work::visit(start);
        let key = key.into();
        Some(Self {
            start,
            len,
            key,
            kind,
        })
    }
}

/// The bytes of a header.
#[derive(Clone, Copy, Debug)]
pub struct Encoded {
    bytes: [u8; Header::MAX_LEN],
    len: u8,
}

impl Encoded {
    /// The bytes: 2 to 14 of them.
    #[inline]
    #[must_use]
    pub fn as_slice(&self) -> &[u8] {
        self.bytes.get(..usize::from(self.len)).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::{Header, Opcode, Role, Rules, Status};
    use alloc::vec::Vec;

    /// All headers by their first two bytes, with what may stand behind them, beside the long way.
    #[test]
    fn at_first_sight_the_most_frequent_headers_are_what_they_are() {
        for role in [Role::Server, Role::Client] {
            for start in 0..=u16::MAX {
                for behind in [[0_u8, 0], [0, 125], [0, 126], [0x12, 0x34], [0xFF, 0xFF]] {
                    let mut bytes = Vec::from(start.to_be_bytes());
                    bytes.extend(behind);
                    bytes.extend(7..17);
                    let rules = Rules {
                        role,
                        compression: false,
                        in_message: false,
                    };
                    let expected = match Header::decode(&bytes, &rules) {
                        Ok(Status::Complete((header, head_len)))
                            if header.fin && !header.opcode.is_control() =>
                        {
                            let key = header.mask.map_or(0, u32::from_ne_bytes);
                            Some((head_len, header.len, u64::from(key), header.opcode))
                        }
                        _ => None,
                    };
                    let at_first = Header::at_first_sight(&bytes, role);
                    let at_second = Header::at_second_sight(&bytes, role);
                    let place = (role, &bytes);
                    assert!(at_first.is_none() || at_second.is_none(), "{place:x?}");
                    let is_long = at_second.is_some();
                    let found = at_first.or(at_second).map(|whole| {
                        let len = whole.len as u64;
                        assert_eq!(len > 0xFFFF, is_long, "{place:x?}");
                        (whole.start, len, whole.key, whole.kind.opcode())
                    });
                    assert_eq!(found, expected, "{place:x?}");
                    // Too little says nothing.
                    let short = expected.map_or(1, |(head_len, ..)| head_len - 1);
                    assert!(Header::at_first_sight(&bytes[..short], role).is_none());
                    assert!(Header::at_second_sight(&bytes[..short], role).is_none());
                }
            }
        }
    }

    #[test]
    fn short_headers_are_those_that_are_encoded() {
        for opcode in [Opcode::Text, Opcode::Binary] {
            for len in 0..70_000 {
                let encoded = Header::new(opcode, len as u64).encode();
                let short = Header::shortest(opcode, len).map(|head| head.to_vec());
                let longer = Header::shorter(opcode, len).map(|head| head.to_vec());
                let expected = Some(encoded.as_slice().to_vec());
                match len {
                    0..=125 => assert_eq!((short, longer), (expected, None)),
                    126..=0xFFFF => assert_eq!((short, longer), (None, expected)),
                    _ => assert_eq!((short, longer), (None, None)),
                }
            }
        }
    }
}
