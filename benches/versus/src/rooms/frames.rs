//! What members say: every message names its sender and its number, so that a reader can tell what is missing.
//!
//! Not here: sockets. And control frames are not expected: nobody is silent for so long that it is pinged.

use crate::load::frame::{Payload, masked, unmasked};
use std::io;

/// A number in front, the sender at the end.
pub(crate) const SMALLEST: usize = 8;
/// None of its bytes is zero: a key of zeros may be skipped.
const KEY: [u8; 4] = [0x5a, 0x13, 0xc7, 0x81];

/// What a message consists of. The sender stands at the end: who has read that has read it all.
fn content(size: usize, sender: u32, number: u32) -> Vec<u8> {
    let mut content = Payload::Binary.content(size, sender as usize);
    content[..4].copy_from_slice(&number.to_le_bytes());
    content[size - 4..].copy_from_slice(&sender.to_le_bytes());
    content
}

/// How long a message of this size is when it comes from a server.
pub(crate) fn length(size: usize) -> usize {
    unmasked(Payload::Binary, &content(size, 0, 0)).len()
}

/// One member's message as it sends it, ready but for the number.
#[derive(Debug)]
pub(crate) struct Stamp {
    frame: Vec<u8>,
    number_at: usize,
    next: u32,
}

impl Stamp {
    pub(crate) fn new(size: usize, sender: u32) -> Self {
        let frame = masked(Payload::Binary, &content(size, sender, 0), KEY);
        Self {
            number_at: frame.len() - size,
            frame,
            next: 0,
        }
    }

    /// Adds the next message.
    pub(crate) fn add_to(&mut self, out: &mut Vec<u8>) {
        let number = self.next.to_le_bytes();
        self.next = self.next.wrapping_add(1);
        for (index, (byte, key)) in number.iter().zip(KEY).enumerate() {
            self.frame[self.number_at + index] = byte ^ key;
        }
        out.extend(&self.frame);
    }
}

/// A stream of messages of one length, of which nothing is looked at but who sent them.
#[derive(Debug, Default)]
pub(crate) struct Stream {
    pub(crate) received: u64,
    /// The last bytes: a sender's name may come in two pieces.
    last: [u8; 4],
}

impl Stream {
    /// Takes what came, and counts the messages of `sender` that it completes, but no more than `wanted`.
    pub(crate) fn take(&mut self, bytes: &[u8], length: usize, sender: u32, wanted: u32) -> u32 {
        let mut found = 0;
        let name = sender.to_le_bytes();
        let mut end = length - (self.received % length as u64) as usize;
        while found < wanted && end <= bytes.len() {
            let is_own = match bytes[..end].last_chunk() {
                Some(last) => *last == name,
                None => self.last[end..] == name[..4 - end] && bytes[..end] == name[4 - end..],
            };
            found += u32::from(is_own);
            end += length;
        }
        self.remember(bytes);
        found
    }

    fn remember(&mut self, bytes: &[u8]) {
        self.received += bytes.len() as u64;
        if let Some(last) = bytes.last_chunk() {
            self.last = *last;
        } else {
            self.last.rotate_left(bytes.len());
            self.last[4 - bytes.len()..].copy_from_slice(bytes);
        }
    }
}

/// Reads everything that every member gets: headers, contents, and each sender's numbers without a gap.
#[derive(Debug)]
pub(crate) struct Check {
    size: usize,
    /// Of each reader, a message that is not whole yet.
    pieces: Vec<Vec<u8>>,
    /// Of each reader, the next number of each sender.
    next: Vec<Vec<u32>>,
    expected: Vec<u8>,
}

impl Check {
    pub(crate) fn new(size: usize, members: usize) -> Self {
        Self {
            size,
            pieces: vec![Vec::new(); members],
            next: vec![vec![0; members]; members],
            expected: Vec::new(),
        }
    }

    /// Reads what came to one of them.
    pub(crate) fn take(&mut self, reader: usize, bytes: &[u8]) -> io::Result<()> {
        let mut pieces = core::mem::take(&mut self.pieces[reader]);
        pieces.extend(bytes);
        let whole = pieces.chunks_exact(length(self.size));
        let rest = whole.remainder().to_vec();
        for message in whole {
            self.message(reader, message)?;
        }
        self.pieces[reader] = rest;
        Ok(())
    }

    fn message(&mut self, reader: usize, message: &[u8]) -> io::Result<()> {
        let name = message.last_chunk().copied().unwrap_or_default();
        let sender = u32::from_le_bytes(name);
        let next = self.next[reader].get_mut(sender as usize).ok_or_else(|| {
            io::Error::other(format!("member {reader} got what no member has sent"))
        })?;
        self.expected.clear();
        self.expected.extend(unmasked(
            Payload::Binary,
            &content(self.size, sender, *next),
        ));
        if message != self.expected {
            return Err(io::Error::other(format!(
                "member {reader} got something else than message {next} of member {sender}"
            )));
        }
        *next += 1;
        Ok(())
    }

    /// Whether everybody has got as many messages as were sent, and nothing on top. Call it when nothing is in flight.
    pub(crate) fn end(&self, messages: u64) -> io::Result<()> {
        for (reader, (next, pieces)) in self.next.iter().zip(&self.pieces).enumerate() {
            let got: u64 = next.iter().copied().map(u64::from).sum();
            if got != messages || !pieces.is_empty() {
                return Err(io::Error::other(format!(
                    "member {reader} got {got} messages of {messages}"
                )));
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::{Check, KEY, Stamp, Stream, content, length};
    use crate::load::frame::{Payload, masked, unmasked};

    fn said(size: usize, sender: u32, number: u32) -> Vec<u8> {
        unmasked(Payload::Binary, &content(size, sender, number))
    }

    #[test]
    fn stamps_are_the_frames_that_a_client_would_build() {
        for size in [8, 20, 126, 70_000] {
            let mut stamp = Stamp::new(size, 7);
            for number in 0..300 {
                let mut out = Vec::new();
                stamp.add_to(&mut out);
                assert_eq!(
                    out,
                    masked(Payload::Binary, &content(size, 7, number), KEY),
                    "{size}"
                );
            }
        }
    }

    #[test]
    fn own_messages_are_found_however_they_are_cut() {
        // The sender's number is in other messages too, at other places.
        let senders = [3, 0x0300_0000, 1, 3, 2, 3, 0x0003_0000];
        let stream: Vec<_> = senders.iter().flat_map(|s| said(20, *s, 3)).collect();
        for first in 0..stream.len() {
            for second in [0, 1, 2, 3, 21, 22, 23] {
                let mut own = Stream::default();
                let mid = (first + second).min(stream.len());
                let pieces = [&stream[..first], &stream[first..mid], &stream[mid..]];
                let found: u32 = pieces.map(|p| own.take(p, length(20), 3, 9)).iter().sum();
                assert_eq!(
                    (found, own.received as usize),
                    (3, stream.len()),
                    "{first} {second}"
                );
            }
        }
        let mut byte_by_byte = Stream::default();
        let found: u32 = stream
            .iter()
            .map(|byte| byte_by_byte.take(&[*byte], 22, 3, 9))
            .sum();
        assert_eq!(found, 3);
        assert_eq!(Stream::default().take(&stream, 22, 3, 2), 2);
    }

    #[test]
    fn a_check_takes_what_is_right_and_nothing_else() {
        let right: Vec<_> = [said(20, 0, 0), said(20, 1, 0), said(20, 0, 1)].concat();
        for cut in 0..right.len() {
            let mut check = Check::new(20, 2);
            for reader in 0..2 {
                check.take(reader, &right[..cut]).unwrap();
                check.take(reader, &right[cut..]).unwrap();
            }
            check.end(3).unwrap();
            assert!(check.end(2).is_err() && check.end(4).is_err());
        }
        let mut one_short = Check::new(20, 2);
        one_short.take(0, &right).unwrap();
        one_short.take(1, &right[..44]).unwrap();
        assert!(one_short.end(3).is_err());
        let lost = [said(20, 0, 0), said(20, 0, 2)].concat();
        let twice = [said(20, 0, 0), said(20, 0, 0)].concat();
        let stranger = said(20, 2, 0);
        let mut spoilt = said(20, 0, 0);
        spoilt[10] ^= 1;
        let mut text = said(20, 0, 0);
        text[0] = 0x81;
        for wrong in [lost, twice, stranger, spoilt, text] {
            assert!(Check::new(20, 2).take(0, &wrong).is_err(), "{wrong:?}");
        }
    }
}
