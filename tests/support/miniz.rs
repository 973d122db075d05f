//! Another's inflater and compressor behind the shape of ours: `miniz_oxide`, which shares nothing with zlib.
//!
//! Not here: windows below 32 KiB. This library reaches back as far as it likes when it compresses, and lets matches do
//! so when it inflates.
#![allow(dead_code, reason = "each test target uses what it needs")]

use super::strict_inflate::TAIL;
use miniz_oxide::deflate::core::{CompressorOxide, create_comp_flags_from_zip_params};
use miniz_oxide::deflate::stream::deflate;
use miniz_oxide::inflate::TINFLStatus;
use miniz_oxide::inflate::core::inflate_flags::{
    TINFL_FLAG_HAS_MORE_INPUT, TINFL_FLAG_STOP_ON_BLOCK_BOUNDARY,
    TINFL_FLAG_USING_NON_WRAPPING_OUTPUT_BUF,
};
use miniz_oxide::inflate::core::{DecompressorOxide, decompress};
use miniz_oxide::{MZFlush, MZStatus};

/// How a compressor chooses its blocks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Strategy {
    Default = 0,
    HuffmanOnly = 2,
    Fixed = 4,
}

/// A sender of messages.
pub(crate) struct Compressor {
    inner: Box<CompressorOxide>,
    takeover: bool,
}

impl Compressor {
    pub(crate) fn new(level: u8, strategy: Strategy, takeover: bool) -> Self {
        let flags = create_comp_flags_from_zip_params(i32::from(level), 0, strategy as i32);
        Self {
            inner: Box::new(CompressorOxide::new(flags)),
            takeover,
        }
    }

    /// The payload of one message.
    pub(crate) fn message(&mut self, message: &[u8]) -> Vec<u8> {
        if !self.takeover {
            self.inner.reset();
        }
        // Room for all of it at once: with less the library flushes in parts, and does not say which is the last.
        let mut payload = vec![0; message.len() * 2 + 1_024];
        let step = deflate(&mut self.inner, message, &mut payload, MZFlush::Sync);
        assert_eq!(
            (step.status, step.bytes_consumed),
            (Ok(MZStatus::Ok), message.len())
        );
        payload.truncate(step.bytes_written);
        assert!(
            payload.ends_with(&TAIL),
            "a flush ends in an empty stored block"
        );
        payload.truncate(payload.len() - TAIL.len());
        payload
    }
}

/// A receiver of messages.
pub(crate) struct Inflater {
    takeover: bool,
    /// All that came out so far, or without takeover of this message.
    out: Vec<u8>,
}

impl Inflater {
    pub(crate) fn new(takeover: bool) -> Self {
        Self {
            takeover,
            out: Vec::new(),
        }
    }

    /// The message, or nothing if the library refuses it or its last block is not the empty one that it must end on.
    pub(crate) fn message(&mut self, payload: &[u8]) -> Option<Vec<u8>> {
        if !self.takeover {
            self.out.clear();
        }
        let start = self.out.len();
        let mut rest = &*[payload, &TAIL].concat();
        let mut end_of_block = start;
        while !rest.is_empty() {
            let used = self.stream(rest, &mut end_of_block)?;
            rest = &rest[used..];
        }
        Some(self.out[start..].to_vec())
    }

    /// Inflates up to a block with BFINAL, or to the end, and says how much of the input that took.
    fn stream(&mut self, input: &[u8], end_of_block: &mut usize) -> Option<usize> {
        let flags = TINFL_FLAG_HAS_MORE_INPUT
            | TINFL_FLAG_STOP_ON_BLOCK_BOUNDARY
            | TINFL_FLAG_USING_NON_WRAPPING_OUTPUT_BUF;
        let mut state = DecompressorOxide::new();
        let mut used = 0;
        loop {
            let at = self.out.len();
            self.out.resize(at + 65_536, 0);
            let (status, taken, written) =
                decompress(&mut state, &input[used..], &mut self.out, at, flags);
            self.out.truncate(at + written);
            used += taken;
            match status {
                TINFLStatus::HasMoreOutput => continue,
                TINFLStatus::Done | TINFLStatus::BlockBoundary => {}
                _ => return None,
            }
            let empty = self.out.len() == *end_of_block;
            *end_of_block = self.out.len();
            let bits_left = state.block_boundary_state().map_or(0, |at| at.num_bits);
            if used == input.len() && bits_left == 0 {
                return empty.then_some(used);
            }
            if status == TINFLStatus::Done {
                return Some(used);
            }
        }
    }
}
