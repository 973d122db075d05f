//! What is said: who wrote it, for which room, and which of theirs it is.

/// Whose policies are in their names.
pub const ROOMS: [&str; 8] = [
    "close 0",
    "close 1",
    "newest 0",
    "newest 1",
    "oldest 0",
    "oldest 1",
    "conflate 0",
    "conflate 1",
];
pub const CLOSE: u8 = 0b0000_0011;
pub const NEWEST: u8 = 0b0000_1100;
pub const OLDEST: u8 = 0b0011_0000;
pub const CONFLATE: u8 = 0b1100_0000;

/// Members that write, the first ones of all.
pub const WRITERS: usize = 8;
/// The thread that is no loop's.
pub const OUTSIDE: usize = WRITERS;
pub const AUTHORS: usize = WRITERS + 1;
/// Of an author in a room.
pub const KEYS: usize = 4;

const LEN: usize = 20;
/// Long enough to be compressed.
const LONG: usize = 300;

/// A message. The first four bytes are the key that newer messages with it replace it by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Said {
    pub room: usize,
    pub author: usize,
    pub key: usize,
    /// Counts what the author says in the room, from 0.
    pub number: u32,
}

/// The rooms of a mask.
pub fn rooms_in(mask: u8) -> impl Iterator<Item = usize> {
    (0..ROOMS.len()).filter(move |room| mask >> room & 1 == 1)
}

/// What messages are replaced by.
pub fn key_of(message: &[u8]) -> &[u8] {
    &message[..4]
}

impl Said {
    pub fn encode(self, is_long: bool) -> Vec<u8> {
        let mut bytes = vec![self.room as u8, self.author as u8, self.key as u8, 0xA5];
        bytes.extend(self.number.to_le_bytes());
        bytes.extend(self.check().to_le_bytes());
        bytes.resize(if is_long { LONG } else { LEN }, b'.');
        bytes
    }

    pub fn decode(bytes: &[u8]) -> Self {
        assert!(
            matches!(bytes.len(), LEN | LONG),
            "{} B of a message",
            bytes.len()
        );
        let number = bytes[4..].first_chunk().expect("it has 20 bytes");
        let said = Self {
            room: bytes[0].into(),
            author: bytes[1].into(),
            key: bytes[2].into(),
            number: u32::from_le_bytes(*number),
        };
        let check = bytes[8..].first_chunk().expect("it has 20 bytes");
        assert_eq!(u64::from_le_bytes(*check), said.check(), "{said:?}");
        said
    }

    /// Whether its author is not told: every fourth.
    pub const fn spares_its_author(self) -> bool {
        self.number % 4 == 3
    }

    fn check(self) -> u64 {
        let all = (self.room << 16 | self.author << 8 | self.key) as u64;
        (all << 32 | u64::from(self.number)).wrapping_mul(0x9E37_79B9_7F4A_7C15)
    }
}

/// How many of an author's first so many messages somebody is told who reads everything.
pub const fn told(messages: u32, is_author: bool) -> u32 {
    if is_author {
        messages - messages / 4
    } else {
        messages
    }
}
