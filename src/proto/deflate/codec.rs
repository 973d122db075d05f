//! Raw DEFLATE (RFC 1951) over `zlib-rs`: one step of it at a time, with its progress checked.
//!
//! What the library does by itself and a connection must not rely on: it goes on for ever at the end of a stream without
//! consuming anything, it forgets its window when it is reset, it reads back 32 KiB whatever window was asked for, it
//! cannot write with a window of 8 bits, and it can only be reset where it has written all that it has read.
//!
//! Not here: messages, limits, text; those are `inflate` and `compress`.
#![deny(clippy::arithmetic_side_effects)]

use super::WindowBits;
use crate::proto::work;
use core::fmt;
use zlib_rs::{Deflate, DeflateConfig, DeflateFlush, Inflate, InflateFlush, Status, Strategy};

/// What a sender leaves out at the end of a message (RFC 7692 section 7.2.1): the end of an empty stored block.
pub(super) const TAIL: [u8; 4] = [0x00, 0x00, 0xFF, 0xFF];
/// An empty last block. Behind a whole message it is read as just that.
const LAST_BLOCK: [u8; 2] = [0x03, 0x00];
/// How far back a stream can refer.
pub(super) const MAX_WINDOW: usize = 1 << 15;
/// How much the compressor may collect before it ends a block, as zlib counts it.
const MEM_LEVEL: i32 = 8;

/// The library's inflater.
pub(super) struct Inflater {
    raw: Inflate,
    /// A last block has been read. What follows is another stream, and begins at the next byte.
    ended: bool,
}

/// What one step of inflating came to.
pub(super) struct Step {
    pub(super) consumed: usize,
    pub(super) produced: usize,
    /// What follows cannot be read. What was produced before is right.
    pub(super) corrupt: bool,
}

impl Inflater {
    /// Bytes of heap that one holds.
    pub(super) const HEAP: usize = 48 << 10;

    pub(super) fn new() -> Self {
        Self {
            raw: Inflate::new(false, 15),
            ended: false,
        }
    }

    /// Begins a stream that may refer to what these hold, the older one first.
    pub(super) fn begin(&mut self, history: [&[u8]; 2]) {
        self.raw.reset(false);
        self.ended = false;
        for piece in history.into_iter().filter(|piece| !piece.is_empty()) {
            work::visit(piece.len());
            // Only a stream with a header can refuse one.
            let _ = self.raw.set_dictionary(piece);
        }
    }

    /// Whether the stream has ended: more can only be read after [`begin`](Self::begin).
    pub(super) const fn is_ended(&self) -> bool {
        self.ended
    }

    /// Reads on, until the input or the output is used up. `output` must not be empty.
    pub(super) fn step(&mut self, input: &[u8], output: &mut [u8]) -> Step {
        let (in_before, out_before) = (self.raw.total_in(), self.raw.total_out());
        let result = self.raw.decompress(input, output, InflateFlush::SyncFlush);
        let consumed = count(in_before, self.raw.total_in());
        let produced = count(out_before, self.raw.total_out());
        work::visit(consumed.saturating_add(produced));
        self.ended = result == Ok(Status::StreamEnd);
        let stuck = consumed == 0 && produced == 0 && !input.is_empty() && !self.ended;
        Step {
            consumed,
            produced,
            corrupt: result.is_err() || stuck,
        }
    }

    /// Whether the message may end here: it stands behind the part of an empty stored block that senders send (RFC 7692
    /// section 7.2.2), or behind a last block.
    ///
    /// The rest of that block must bring the inflater exactly to the next block, and nothing out of it. In the middle of
    /// a block those bytes would be read as data. The inflater is not to be used further without a
    /// [`begin`](Self::begin).
    pub(super) fn may_end(&mut self) -> bool {
        if self.ended {
            return true;
        }
        let mut nothing = [0];
        let tail = self.step(&TAIL, &mut nothing);
        if tail.corrupt || tail.produced != 0 || tail.consumed != TAIL.len() {
            return false;
        }
        if self.ended {
            // That block was itself a last one.
            return true;
        }
        let last = self.step(&LAST_BLOCK, &mut nothing);
        self.ended && last.produced == 0 && last.consumed == LAST_BLOCK.len()
    }
}

/// The library's compressor, for one window.
pub(super) struct Deflater {
    raw: Deflate,
    /// What was compressed since it was reset must not be referred to.
    stale: bool,
}

impl Deflater {
    /// The smallest room to compress into.
    pub(super) const LEAST: usize = 64;

    pub(super) fn new(level: u8, window: WindowBits) -> Self {
        let config = DeflateConfig {
            level: i32::from(level),
            // Negative: without a header.
            window_bits: 0_i32.saturating_sub_unsigned(u32::from(window.get())),
            mem_level: MEM_LEVEL,
            strategy: Strategy::Default,
            ..DeflateConfig::default()
        };
        Self {
            raw: Deflate::new_with_config(config),
            stale: false,
        }
    }

    /// Bytes of heap that one holds for a window.
    pub(super) const fn heap(window: WindowBits) -> usize {
        // The window twice, a link for each of its bytes, 65 536 heads of two bytes, and 64 KiB of symbols; the rest
        // is the state.
        let window: usize = 1 << window.get();
        4_usize
            .saturating_mul(window)
            .saturating_add((128 << 10) + (64 << 10) + (56 << 10))
    }

    /// What comes next must not refer to anything before.
    pub(super) const fn forget(&mut self) {
        self.stale = true;
    }

    /// Compresses all of `input` and ends at a byte, with [`TAIL`] at the end. Gives the number of bytes, or nothing
    /// where `output` was too small, and then it has to [`forget`](Self::forget). `output` has at least
    /// [`LEAST`](Self::LEAST) bytes: in less than six, the library would end the same block for ever.
    pub(super) fn compress(&mut self, input: &[u8], output: &mut [u8]) -> Option<usize> {
        if self.stale {
            self.raw.reset();
            self.stale = false;
        }
        let (mut read, mut written) = (0_usize, 0_usize);
        loop {
            let (in_before, out_before) = (self.raw.total_in(), self.raw.total_out());
            let (rest, room) = (input.get(read..)?, output.get_mut(written..)?);
            self.raw
                .compress(rest, room, DeflateFlush::SyncFlush)
                .ok()?;
            let consumed = count(in_before, self.raw.total_in());
            work::visit(consumed);
            read = read.saturating_add(consumed);
            written = written.saturating_add(count(out_before, self.raw.total_out()));
            if written == output.len() {
                self.drain(output);
                return None;
            }
            if read == input.len() {
                // With room left, the library has nothing more to say.
                return Some(written);
            }
            // It takes 4 GiB at a time.
            if consumed == 0 {
                self.drain(output);
                return None;
            }
        }
    }

    /// Lets the library write all that it has read, and end its block. A reset would neither give back the room that the
    /// one takes, until none is left, nor forget that the other is open, and spoil the next message.
    fn drain(&mut self, scratch: &mut [u8]) {
        loop {
            let before = self.raw.total_out();
            let drained = self.raw.compress(&[], scratch, DeflateFlush::SyncFlush);
            let written = count(before, self.raw.total_out());
            if drained.is_err() || written < scratch.len() {
                return;
            }
        }
    }
}

/// How far one of the library's counters has come. Both ends lie within one slice.
fn count(before: u64, after: u64) -> usize {
    usize::try_from(after.saturating_sub(before)).unwrap_or(usize::MAX)
}

impl fmt::Debug for Inflater {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Inflater")
            .field("ended", &self.ended)
            .finish_non_exhaustive()
    }
}

impl fmt::Debug for Deflater {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Deflater")
            .field("stale", &self.stale)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
#[allow(clippy::indexing_slicing, reason = "a test that panics has failed")]
mod tests {
    use super::{Deflater, Inflater, TAIL};
    use crate::proto::deflate::WindowBits;
    use alloc::vec;
    use alloc::vec::Vec;

    /// What does not pay is given up in the middle, again and again by those who send what cannot be compressed.
    #[test]
    fn a_compressor_survives_what_it_had_no_room_for() {
        let mut seed = 1_u32;
        let mut noise = |len: usize| -> Vec<u8> {
            let byte = |_| {
                seed = seed.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                seed.to_be_bytes()[0]
            };
            (0..len).map(byte).collect()
        };
        for level in 1..=9 {
            let mut deflater = Deflater::new(level, WindowBits::MAX);
            for len in [300, 5_000, 20_000, 40_000, 70_000, 200_000] {
                for _ in 0..if cfg!(miri) { 1 } else { 12 } {
                    let mut small = vec![0; len / 2];
                    assert_eq!(deflater.compress(&noise(len), &mut small), None);
                    deflater.forget();
                }
                let (text, mut wire) = (vec![b'a'; len], vec![0; len]);
                let written = deflater.compress(&text, &mut wire).unwrap_or_default();
                deflater.forget();
                let mut back = vec![0; len + 1];
                let mut inflater = Inflater::new();
                inflater.begin([&[], &[]]);
                let step = inflater.step(&wire[..written.saturating_sub(TAIL.len())], &mut back);
                assert!(step.produced == len && back[..len] == text, "{level} {len}");
                assert!(inflater.may_end());
            }
        }
    }
}
