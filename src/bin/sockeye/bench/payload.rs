//! What is sent: messages that differ from each other, so that a reply shows which message it answers.
//!
//! One long strip of bytes is made before anything is measured, and every message is a piece of it: where the piece
//! begins follows from the connection's number and the message's. Nothing is written to send one, and a reply is
//! checked by comparing it with the piece that it must be. A reply that is damaged, late by one or another
//! connection's is not that piece. Messages of a few bytes cannot all differ: of those, some mistakes go unseen.
//!
//! Not here: which message comes next; that is `load`.

use sockeye::server::Message;

/// Where pieces may begin: a prime, so that steps of any length visit every place. Twice the window of deflate, so that
/// a compressor which remembers finds nothing again.
const PLACES: usize = 65_521;
/// Of longer messages than this, two in a row share bytes, further apart than the window of deflate.
const LONG: usize = 32_768 + SHORT_STEP;
const SHORT_STEP: usize = 64;
/// From a connection to the next: about PLACES divided by the golden ratio, which spreads any number of them.
const APART: usize = 40_503;

/// What the bytes are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Content {
    /// Noise, as binary messages: nothing compresses it.
    Noise,
    /// Words and numbers, as text messages: deflate makes a third of it.
    Words,
}

/// All messages there are.
pub(crate) struct Payloads {
    strip: Strip,
    size: usize,
    step: usize,
}

enum Strip {
    Noise(Vec<u8>),
    Words(String),
}

/// Which message comes next: one for those that are sent, one for the replies.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Place(usize);

impl Payloads {
    /// Messages of `size` bytes.
    pub(crate) fn new(size: usize, content: Content) -> Self {
        let len = PLACES + size;
        Self {
            strip: match content {
                Content::Noise => Strip::Noise(noise(len)),
                Content::Words => Strip::Words(words(len)),
            },
            size,
            step: if size < LONG { size.max(1) } else { SHORT_STEP },
        }
    }

    pub(crate) const fn size(&self) -> usize {
        self.size
    }

    /// A connection's first message.
    pub(crate) const fn first(&self, connection: usize) -> Place {
        Place(connection.wrapping_mul(APART) % PLACES)
    }

    /// The message at this place.
    pub(crate) fn message(&self, Place(at): Place) -> Message<'_> {
        match &self.strip {
            Strip::Noise(noise) => Message::Binary(&noise[at..at + self.size]),
            Strip::Words(words) => Message::Text(&words[at..at + self.size]),
        }
    }

    /// The place of the message after that.
    pub(crate) const fn after(&self, Place(at): Place) -> Place {
        Place((at + self.step) % PLACES)
    }

    /// A reply is the message at this place, byte for byte and of its kind.
    pub(crate) fn is(&self, place: Place, reply: Message<'_>) -> bool {
        match (self.message(place), reply) {
            (Message::Binary(expected), Message::Binary(reply)) => expected == reply,
            (Message::Text(expected), Message::Text(reply)) => expected == reply,
            _ => false,
        }
    }

    /// What is wrong with a reply, for a person.
    pub(crate) fn difference(&self, place: Place, reply: Message<'_>) -> String {
        let expected = self.message(place);
        let kind = |message| match message {
            Message::Text(_) => "text",
            Message::Binary(_) => "binary",
        };
        if kind(expected) != kind(reply) {
            return format!("a {} message came back as {}", kind(expected), kind(reply));
        }
        let (expected, reply) = (expected.bytes(), reply.bytes());
        if expected.len() != reply.len() {
            return format!("{} bytes came back as {}", expected.len(), reply.len());
        }
        let same = expected
            .iter()
            .zip(reply)
            .take_while(|(a, b)| a == b)
            .count();
        format!("the byte at {same} of {} is another", expected.len())
    }
}

/// Bytes without any order, the same ones in every run.
fn noise(len: usize) -> Vec<u8> {
    let mut random = Random(1);
    let mut bytes = Vec::with_capacity(len + 8);
    while bytes.len() < len {
        bytes.extend(random.next().to_le_bytes());
    }
    bytes.truncate(len);
    bytes
}

/// Words as a chat or a log has them, ASCII alone so that they may be cut anywhere.
fn words(len: usize) -> String {
    const WORDS: &[&str] = &[
        "the",
        "of",
        "and",
        "connection",
        "message",
        "is",
        "to",
        "price",
        "user",
        "at",
        "room",
        "time",
        "sent",
        "a",
        "update",
        "was",
        "in",
        "server",
        "joined",
        "offer",
        "value",
        "state",
        "on",
        "left",
        "open",
        "with",
        "size",
        "that",
        "name",
        "from",
        "it",
        "closed",
    ];
    let mut random = Random(2);
    let mut text = String::with_capacity(len + 16);
    while text.len() < len {
        let draw = random.next();
        let word = WORDS[usize::try_from(draw % 32).unwrap_or(0)];
        text.push_str(word);
        text.push(' ');
        // One in four is followed by a number.
        if draw >> 62 == 0 {
            text.push_str(&(draw >> 40 & 0xFFFF).to_string());
            text.push(' ');
        }
    }
    text.truncate(len);
    text
}

/// SplitMix64: good enough that nothing compresses it.
struct Random(u64);

impl Random {
    const fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }
}

#[cfg(test)]
mod tests {
    use super::{Content, LONG, PLACES, Payloads};
    use sockeye::server::Message;
    use std::collections::HashSet;

    #[test]
    fn messages_are_of_their_size_and_kind() {
        for size in [0, 1, 20, 125, 65_536, 1_000_000] {
            let noise = Payloads::new(size, Content::Noise);
            let words = Payloads::new(size, Content::Words);
            let (mut at, mut text_at) = (noise.first(5), words.first(5));
            for _ in 0..100 {
                assert!(matches!(noise.message(at), Message::Binary(data) if data.len() == size));
                assert!(
                    matches!(words.message(text_at), Message::Text(text) if text.len() == size)
                );
                assert!(noise.is(at, noise.message(at)));
                (at, text_at) = (noise.after(at), words.after(text_at));
            }
        }
    }

    #[test]
    fn messages_differ() {
        for content in [Content::Noise, Content::Words] {
            for size in [20, 100, LONG + 1] {
                let payloads = Payloads::new(size, content);
                let mut seen = HashSet::new();
                let mut at = payloads.first(0);
                for _ in 0..PLACES {
                    seen.insert(payloads.message(at).bytes()[..20].to_vec());
                    at = payloads.after(at);
                }
                // Words repeat themselves sometimes; noise does not.
                let least = if content == Content::Noise {
                    PLACES
                } else {
                    PLACES * 9 / 10
                };
                assert!(seen.len() >= least, "{size}: {}", seen.len());
                assert_eq!(at, payloads.first(0));
            }
        }
    }

    #[test]
    fn connections_begin_apart() {
        let payloads = Payloads::new(20, Content::Noise);
        let firsts: HashSet<_> = (0..60_000)
            .map(|connection| payloads.first(connection).0)
            .collect();
        assert_eq!(firsts.len(), 60_000);
    }

    #[test]
    fn a_wrong_reply_is_seen_and_described() {
        let payloads = Payloads::new(64, Content::Noise);
        let place = payloads.first(3);
        let right = payloads.message(place).bytes().to_vec();
        for byte in 0..64 {
            let mut damaged = right.clone();
            damaged[byte] ^= 0x10;
            let reply = Message::Binary(&damaged);
            assert!(!payloads.is(place, reply));
            assert_eq!(
                payloads.difference(place, reply),
                format!("the byte at {byte} of 64 is another")
            );
        }
        let next = payloads.message(payloads.after(place));
        let other = payloads.message(payloads.first(4));
        for (reply, words) in [
            (next, "the byte at 0 of 64 is another"),
            (other, "the byte at 0 of 64 is another"),
            (Message::Binary(&right[1..]), "64 bytes came back as 63"),
            (Message::Binary(&[]), "64 bytes came back as 0"),
            (Message::Text("x"), "a binary message came back as text"),
        ] {
            assert!(!payloads.is(place, reply), "{words}");
            assert_eq!(payloads.difference(place, reply), words);
        }
    }

    #[test]
    fn every_run_sends_the_same() {
        let message = |content| {
            let payloads = Payloads::new(1000, content);
            payloads.message(payloads.first(1)).bytes().to_vec()
        };
        for content in [Content::Noise, Content::Words] {
            assert_eq!(message(content), message(content));
        }
        assert_ne!(message(Content::Noise), message(Content::Words));
    }
}
