//! DEFLATE (RFC 1951) of short messages by ourselves: one block for each, with nothing before it.
//!
//! The library clears 240 KB for a message that may not refer to an earlier one, and takes as long again to build the
//! codes of a block. Here nothing is cleared, as positions of earlier messages are below those of this one, and codes are
//! built from lists of the symbols that there are. Of JSON up to 4 KiB that takes less than half the time, for as many
//! bytes: `benches/README.md`.
//!
//! | file | holds |
//! |---|---|
//! | `matches` | what a message repeats |
//! | `token` | literals and matches, as symbols |
//! | `huffman` | lengths of codes, and the codes |
//! | `block` | which kind of block is the smallest, and its bits |
//!
//! Not here: long messages and those that may refer to earlier ones, which are the library's; stored blocks, as what does
//! not get smaller is sent as it is.
#![deny(clippy::arithmetic_side_effects)]

mod block;
mod huffman;
mod matches;
mod token;

use super::WindowBits;
use alloc::boxed::Box;
use block::Block;
use core::fmt;
use matches::Matcher;

/// Compresses messages of at most [`MAX`](Self::MAX) bytes.
pub(super) struct Short {
    matcher: Box<Matcher>,
    block: Box<Block>,
}

impl Short {
    /// The longest message.
    pub(super) const MAX: usize = 4 << 10;
    /// Bytes of heap that one holds.
    pub(super) const HEAP: usize = size_of::<Matcher>() + size_of::<Block>();

    pub(super) fn new() -> Self {
        Self {
            matcher: Box::new(Matcher::new()),
            block: Box::new(Block::new()),
        }
    }

    /// Compresses all of `input` and ends at a byte, with what RFC 7692 section 7.2.1 lets out at the end left out. Gives
    /// the number of bytes, or nothing where there would not be fewer than of `input`, or where `output` has not as many
    /// as `input` and [`SPARE`](Self::SPARE).
    pub(super) fn compress(
        &mut self,
        input: &[u8],
        window: WindowBits,
        output: &mut [u8],
    ) -> Option<usize> {
        let tokens = self.matcher.tokens(input, 1 << window.get());
        self.block.write(tokens, input.len(), output)
    }

    /// What is written at a time reaches so far beyond what has to be.
    pub(super) const SPARE: usize = 8;
}

impl fmt::Debug for Short {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Short").finish_non_exhaustive()
    }
}

#[cfg(test)]
#[allow(
    clippy::arithmetic_side_effects,
    clippy::indexing_slicing,
    reason = "a test that panics has failed"
)]
mod tests {
    use super::{Short, WindowBits};

    #[test]
    fn there_has_to_be_room_for_what_is_written_at_a_time() {
        let text =
            b"to be or not to be, that is the question: to be, or to be not; the question is that";
        let (mut short, mut output) = (Short::new(), [0; 200]);
        let mut beyond = [0; 2];
        for end in 40..text.len() {
            let mut compress =
                |room: usize| short.compress(&text[..end], WindowBits::MAX, &mut output[..room]);
            let len = compress(200).unwrap();
            let least = (0..200).find(|room| compress(*room).is_some()).unwrap();
            assert!(
                (least..200).all(|room| compress(room) == Some(len)),
                "{end}"
            );
            // Of a code with one symbol, another is counted that is not written.
            beyond[least - len - Short::SPARE] += 1;
        }
        assert!(beyond[0] > 0, "{beyond:?}");
    }
}
