//! What was said in a room, made ready to be carried to other nodes, and what comes from there made ready to be told.
//!
//! It is carried as the frames that connections are sent, so nothing is encoded twice. What comes from elsewhere is looked
//! at as closely as what comes from a peer: whoever reaches a broker must not make this node send what is no message.
//!
//! Not here: who carries it, and what else is said with it; that is `backplane`.

use super::segment::Segment;
use crate::proto::frame::{Header, Opcode, Role, Rules, Status};
use alloc::vec::Vec;
use core::fmt;
use core::mem::take;

/// Whole messages, one behind the other, as unmasked and uncompressed frames.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Bundle {
    pub(crate) frames: Vec<u8>,
    /// How many.
    pub(crate) messages: u32,
    /// Which of them are never compressed, in order.
    pub(crate) secret: Vec<u32>,
}

/// What came from elsewhere holds something that is not a whole message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct NotFrames;

impl fmt::Display for NotFrames {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("not whole messages")
    }
}

/// What is carried at a time, unless one message is larger.
const PIECE: usize = 256 << 10;

/// What a client takes that has agreed on nothing.
const RULES: Rules = Rules {
    role: Role::Client,
    compression: false,
    in_message: false,
};

impl Segment {
    /// What of it is for other nodes too, in pieces that brokers take. Whom it is not for is here, and so is left out.
    pub(in crate::reactor) fn bundles(&self, mut each: impl FnMut(Bundle)) {
        let mut bundle = Bundle::default();
        for index in 0..self.len() {
            if self.here().binary_search(&index).is_ok() {
                continue;
            }
            let frame = self.frames(index..index + 1);
            if bundle.messages > 0 && bundle.frames.len() + frame.len() > PIECE {
                each(take(&mut bundle));
            }
            bundle.frames.extend_from_slice(frame);
            if self.secret().binary_search(&index).is_ok() {
                bundle.secret.push(bundle.messages);
            }
            bundle.messages += 1;
        }
        if bundle.messages > 0 {
            each(bundle);
        }
    }

    /// The same for connections of this node.
    ///
    /// # Errors
    ///
    /// [`NotFrames`] where a frame is not a whole message of its own, or a text is not UTF-8.
    pub(in crate::reactor) fn unbundle(bundle: Bundle) -> Result<Self, NotFrames> {
        let mut ends = Vec::with_capacity(bundle.messages.min(4096) as usize);
        let mut at = 0;
        while at < bundle.frames.len() {
            at = end_of_message(&bundle.frames, at).ok_or(NotFrames)?;
            ends.push(at);
        }
        if ends.len() != bundle.messages as usize || ends.is_empty() {
            return Err(NotFrames);
        }
        let mut secret = bundle.secret;
        secret.sort_unstable();
        Ok(Self::made(bundle.frames, ends, secret))
    }
}

/// Where the message ends that begins there, if it is one.
fn end_of_message(frames: &[u8], at: usize) -> Option<usize> {
    let frames = &frames[at..];
    let Ok(Status::Complete((header, head))) = Header::decode(frames, &RULES) else {
        return None;
    };
    let len = usize::try_from(header.len).ok()?;
    let payload = frames.get(head..)?.get(..len)?;
    let is_whole = match header.opcode {
        Opcode::Text => header.fin && core::str::from_utf8(payload).is_ok(),
        Opcode::Binary => header.fin,
        _ => false,
    };
    is_whole.then_some(at + head + len)
}

#[cfg(test)]
mod tests {
    use super::{Bundle, NotFrames, Segment};
    use crate::reactor::Message;
    use crate::reactor::rooms::segment::Manner;
    use alloc::vec;
    use alloc::vec::Vec;

    fn bundle(frames: &[u8], messages: u32) -> Bundle {
        Bundle {
            frames: frames.to_vec(),
            messages,
            secret: Vec::new(),
        }
    }

    fn bundles(segment: &Segment) -> Vec<Bundle> {
        let mut bundles = Vec::new();
        segment.bundles(|bundle| bundles.push(bundle));
        bundles
    }

    #[test]
    fn much_is_carried_in_pieces() {
        let mut segment = Segment::default();
        let sizes = [100, 200_000, 100_000, 100, 600_000, 100];
        for size in sizes {
            let secret = size == 100;
            let manner = Manner {
                secret,
                ..Manner::default()
            };
            segment.push(Message::Binary(&vec![0; size]), manner);
        }
        let bundles = bundles(&segment);
        let pieces = bundles.iter().map(|bundle| bundle.messages);
        assert_eq!(pieces.collect::<Vec<_>>(), [2, 2, 1, 1]);
        let secret = bundles.iter().map(|bundle| &*bundle.secret);
        assert_eq!(secret.collect::<Vec<_>>(), [&[0][..], &[1], &[], &[0]]);
    }

    #[test]
    fn what_is_carried_is_what_was_said() {
        let mut segment = Segment::default();
        let (open, secret) = (
            Manner::default(),
            Manner {
                secret: true,
                ..Manner::default()
            },
        );
        segment.push(Message::Text("a"), open);
        segment.push(Message::Binary(&[0; 300]), secret);
        segment.push(Message::Text("\u{e9}"), open);
        let carried = bundles(&segment).remove(0);
        assert_eq!((carried.messages, &*carried.secret), (3, &[1][..]));
        let told = Segment::unbundle(carried.clone()).expect("messages");
        assert_eq!(told.len(), 3);
        assert_eq!(told.payload(2), "\u{e9}".as_bytes());
        assert_eq!(told.payload(1), [0; 300]);
        assert_eq!(bundles(&told), [carried]);
    }

    #[test]
    fn what_is_said_here_alone_is_not_carried() {
        let mut segment = Segment::default();
        let here = Manner {
            here: true,
            ..Manner::default()
        };
        let secret = Manner {
            secret: true,
            ..Manner::default()
        };
        segment.push(Message::Text("a"), here);
        segment.push(Message::Text("b"), secret);
        segment.push(Message::Text("c"), here);
        let expected = Bundle {
            frames: b"\x81\x01b".to_vec(),
            messages: 1,
            secret: vec![0],
        };
        assert_eq!(bundles(&segment), [expected]);
    }

    #[test]
    fn what_is_no_whole_message_is_not_told() {
        let whole: &[u8] = b"\x81\x01a\x82\x01\xFF";
        assert!(Segment::unbundle(bundle(whole, 2)).is_ok());
        for (frames, messages, what) in [
            (&b""[..], 0, "nothing"),
            (whole, 1, "another number"),
            (whole, 3, "another number"),
            (&whole[..5], 2, "cut off"),
            (b"\x81\x02a", 1, "cut off"),
            (b"\x81\x01\xFF", 1, "not UTF-8"),
            (b"\x01\x01a", 1, "not its end"),
            (b"\x80\x01a", 1, "no beginning"),
            (b"\x88\x00", 1, "a Close"),
            (b"\x89\x00", 1, "a Ping"),
            (b"\xC1\x01a", 1, "compressed"),
            (b"\x81\x81abcda", 1, "masked"),
            (b"\x81\x7E\x00\x01a", 1, "a long length"),
        ] {
            let told = Segment::unbundle(bundle(frames, messages));
            assert_eq!(told.err(), Some(NotFrames), "{what}");
        }
    }
}
