//! What nodes tell each other, in bytes: frames in front, as connections get them, and behind them a *stamp* that says what
//! they are. So the frames of what arrives lie where they are sent from.
//!
//! ```text
//!  frames … │ stamp (postcard) │ its length, 4 bytes, little-endian │ b"sk" │ version
//! ```
//!
//! Not here: what becomes of it, which is `engine`; which broker carries it.

use alloc::string::String;
use alloc::vec::Vec;
use serde::{Deserialize, Serialize};

/// It goes up when a node of the version before could not make sense of what is said.
const VERSION: u8 = 1;
const MARK: &[u8; 2] = b"sk";
const FOOT: usize = 7;

/// Who says something, and what.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Stamp {
    pub(super) node: u64,
    /// How much the node had said before, wherever.
    pub(super) order: u64,
    pub(super) what: What,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum What {
    /// The frames are messages in a room.
    Say {
        /// Empty: for everybody.
        room: String,
        said: Said,
    },
    /// The frame is a message for whoever is in any of these rooms. It is said in each of them; whoever hears it several
    /// times tells it once.
    SayOnce {
        rooms: Vec<String>,
        /// Which of them this is.
        at: u32,
        /// The same in all of them, and in nothing else that this node says.
        serial: u64,
        said: Said,
    },
    /// How many are in a room of a node, and how many messages it has said there.
    Presence {
        room: String,
        members: u32,
        /// The number of the next message that it says; `None` where it has said nothing for long.
        /// With it, the number with which it began to count.
        next: Option<(u64, u64)>,
        /// The others are to say the same.
        ask: bool,
    },
    /// A node is there.
    Alive {
        name: String,
        /// Open connections.
        online: u32,
        /// How often it has reached the broker. Another number than last time: it may have missed something.
        session: u32,
    },
    /// A node has lost some of what it was to say, and does not know what.
    Lost,
    /// A node goes, and has said all it had to say.
    Bye,
    /// Before the stamp is the payload of a message that the broker keeps.
    Keep {
        room: String,
        /// Of all that the node has said to be kept.
        number: u64,
        /// The connection that it is not for.
        author: Option<u64>,
        is_text: bool,
        /// It is never compressed.
        is_secret: bool,
    },
}

/// How messages are counted.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Said {
    /// The number of the first of them, among those that this node has said in this room.
    pub(super) first: u64,
    /// The number with which it began to count: before that there is nothing to miss.
    pub(super) begin: u64,
    pub(super) messages: u32,
    /// Which of them are never compressed.
    pub(super) secret: Vec<u32>,
}

impl Stamp {
    /// Puts it behind the frames.
    pub(super) fn put_behind(&self, frames: Vec<u8>) -> Vec<u8> {
        let before = frames.len();
        // Nothing of it can fail to be written; and if, it would be taken for noise.
        let mut bytes = postcard::to_extend(self, frames).unwrap_or_default();
        let len = u32::try_from(bytes.len().saturating_sub(before)).unwrap_or(u32::MAX);
        bytes.extend_from_slice(&len.to_le_bytes());
        bytes.extend_from_slice(MARK);
        bytes.push(VERSION);
        bytes
    }

    /// Takes it from behind the frames. `None` where it is not one of ours: then nothing is known of the bytes.
    pub(super) fn take_from(bytes: &mut Vec<u8>) -> Option<Self> {
        let (rest, foot) = bytes.split_last_chunk::<FOOT>()?;
        let [l0, l1, l2, l3, m0, m1, version] = *foot;
        if [m0, m1] != *MARK || version != VERSION {
            return None;
        }
        let len = usize::try_from(u32::from_le_bytes([l0, l1, l2, l3])).ok()?;
        let begin = rest.len().checked_sub(len)?;
        let (stamp, left) = postcard::take_from_bytes(rest.get(begin..)?).ok()?;
        if !left.is_empty() {
            return None;
        }
        bytes.truncate(begin);
        Some(stamp)
    }
}

#[cfg(test)]
mod tests {
    use super::{Said, Stamp, What};
    use alloc::string::ToString;
    use alloc::vec;
    use alloc::vec::Vec;

    fn stamps() -> [Stamp; 7] {
        let said = Said {
            first: u64::MAX,
            begin: 7,
            messages: 3,
            secret: vec![0, 2],
        };
        let room = "/chat/tea r\u{e9}".to_string();
        [
            What::Say {
                room: room.clone(),
                said: said.clone(),
            },
            What::SayOnce {
                rooms: vec![room.clone(), "b".into()],
                at: 1,
                serial: 7,
                said,
            },
            What::Presence {
                room,
                members: 300,
                next: Some((1, 2)),
                ask: true,
            },
            What::Alive {
                name: "one".into(),
                online: 9,
                session: 2,
            },
            What::Lost,
            What::Bye,
            What::Keep {
                room: "b".into(),
                number: 8,
                author: Some(9),
                is_text: true,
                is_secret: false,
            },
        ]
        .map(|what| Stamp {
            node: 1 << 63,
            order: 300,
            what,
        })
    }

    #[test]
    fn a_stamp_is_read_as_it_was_written_and_leaves_the_frames() {
        for stamp in stamps() {
            for frames in [&b""[..], b"\x81\x01a"] {
                let mut bytes = stamp.put_behind(frames.to_vec());
                assert_eq!(Stamp::take_from(&mut bytes), Some(stamp.clone()));
                assert_eq!(bytes, frames);
            }
        }
    }

    #[test]
    fn what_is_cut_or_changed_at_its_end_is_not_taken_and_nothing_panics() {
        for stamp in stamps() {
            let whole = stamp.put_behind(b"\x81\x01a".to_vec());
            for len in 0..whole.len() {
                assert_eq!(Stamp::take_from(&mut whole[..len].to_vec()), None, "{len}");
            }
            for at in whole.len() - 3..whole.len() {
                let mut bytes = whole.clone();
                bytes[at] ^= 1;
                assert_eq!(Stamp::take_from(&mut bytes), None);
            }
            for at in 0..whole.len() {
                for value in 0..=u8::MAX {
                    let mut bytes: Vec<u8> = whole.clone();
                    bytes[at] = value;
                    let _ = Stamp::take_from(&mut bytes);
                }
            }
        }
    }
}
