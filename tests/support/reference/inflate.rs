//! Another's inflater, `miniz_oxide`, on one flat buffer: all that may be referred to lies before what comes out.
//!
//! Not here: windows. It lets a match reach back as far as there is something.

use miniz_oxide::inflate::TINFLStatus;
use miniz_oxide::inflate::core::inflate_flags::{
    TINFL_FLAG_HAS_MORE_INPUT, TINFL_FLAG_STOP_ON_BLOCK_BOUNDARY,
    TINFL_FLAG_USING_NON_WRAPPING_OUTPUT_BUF,
};
use miniz_oxide::inflate::core::{DecompressorOxide, decompress};
use sockeye::proto::Violation;

/// What a sender leaves out at the end of a message (RFC 7692 section 7.2.1).
const TAIL: [u8; 4] = [0x00, 0x00, 0xFF, 0xFF];
/// The farthest that anything refers back to (RFC 1951 section 3.2.5).
const FARTHEST: usize = 1 << 15;

/// A message being inflated.
pub(crate) struct Stream {
    state: Box<DecompressorOxide>,
    /// What may be referred to, behind it what has come out, and room.
    flat: Vec<u8>,
    start: usize,
    end: usize,
    max: usize,
    status: TINFLStatus,
    consumed: usize,
    /// Bytes of history that streams after the first were given.
    given: usize,
}

impl Stream {
    /// A message of at most so many bytes that may refer to these.
    pub(crate) fn new(history: &[u8], max: usize) -> Self {
        Self {
            state: Box::default(),
            flat: history.to_vec(),
            start: history.len(),
            end: history.len(),
            max,
            status: TINFLStatus::NeedsMoreInput,
            consumed: 0,
            given: 0,
        }
    }

    /// What has come out; where it is too much, one byte more than there may be.
    pub(crate) fn out(&self) -> &[u8] {
        &self.flat[self.start..self.end]
    }

    /// Inflates so much more of the message.
    pub(crate) fn feed(&mut self, mut input: &[u8]) -> Result<(), Violation> {
        while !input.is_empty() || self.has_more() {
            if self.status == TINFLStatus::Done {
                self.begin_anew()?;
            }
            input = self.step(input);
            if self.out().len() > self.max {
                return Err(Violation::MessageTooBig);
            }
            match self.status {
                TINFLStatus::Done
                | TINFLStatus::BlockBoundary
                | TINFLStatus::NeedsMoreInput
                | TINFLStatus::HasMoreOutput => {}
                _ => return Err(Violation::InvalidDeflate),
            }
        }
        Ok(())
    }

    /// Whether there is something to go on with without more input: at the end of a block, bits of the next one.
    fn has_more(&self) -> bool {
        match self.status {
            TINFLStatus::HasMoreOutput => true,
            TINFLStatus::BlockBoundary => self.bits_left() > 0,
            _ => false,
        }
    }

    fn bits_left(&self) -> u8 {
        let at = self.state.block_boundary_state();
        at.map_or(0, |at| at.num_bits)
    }

    /// Gives what it leaves of the input.
    fn step<'i>(&mut self, input: &'i [u8]) -> &'i [u8] {
        let most = self.start.saturating_add(self.max).saturating_add(1);
        if self.end == self.flat.len() {
            self.flat.resize(most.min(2 * self.end + 1024), 0);
        }
        let flags = TINFL_FLAG_HAS_MORE_INPUT
            | TINFL_FLAG_USING_NON_WRAPPING_OUTPUT_BUF
            | TINFL_FLAG_STOP_ON_BLOCK_BOUNDARY;
        let (status, taken, written) =
            decompress(&mut self.state, input, &mut self.flat, self.end, flags);
        self.end += written;
        self.status = status;
        self.consumed += taken;
        &input[taken..]
    }

    /// A last block has ended, and there is more: the next one begins at the next byte, and refers to the same (RFC
    /// 7692 section 7.2.1). Each time we have to hand over up to 32 KiB, so that there is a limit to it.
    fn begin_anew(&mut self) -> Result<(), Violation> {
        self.given += self.end.min(FARTHEST);
        let bytes = self.consumed + self.out().len();
        if self.given > 8 * FARTHEST + 32 * bytes {
            return Err(Violation::TooManyLastBlocks);
        }
        *self.state = DecompressorOxide::new();
        Ok(())
    }

    /// RFC 7692 section 7.2.2: the four bytes that were left out make it whole, or there is nothing that they could be
    /// left out of, as a last block is at the end.
    pub(crate) fn may_end(&mut self) -> bool {
        if self.status == TINFLStatus::Done {
            return true;
        }
        let before = self.out().len();
        if self.feed(&TAIL).is_err() || self.out().len() != before {
            return false;
        }
        match self.status {
            TINFLStatus::Done => true,
            TINFLStatus::BlockBoundary => self.bits_left() == 0,
            _ => false,
        }
    }
}

/// Keeps the last bytes of a history that a window of so many bits reaches.
pub(crate) fn keep(history: &mut Vec<u8>, said: &[u8], bits: u8) {
    history.extend_from_slice(said);
    let old = history.len().saturating_sub(1 << bits);
    history.drain(..old);
}
