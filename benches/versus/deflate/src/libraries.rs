//! The libraries alone, at other levels than ours: each begins anew with each message.

use flate2::{Compress, Compression, FlushCompress, Status};
use miniz_oxide::deflate::core::{CompressorOxide, create_comp_flags_from_zip_params};
use miniz_oxide::deflate::stream::deflate;
use miniz_oxide::{DataFormat, MZFlush, MZStatus};

/// What a flush ends with, which is not sent.
const TAIL: usize = 4;
/// More than any message here becomes.
const ROOM: usize = 16 << 10;

/// `zlib-rs` at a level of one's choice.
pub(crate) struct Zlib {
    compress: Compress,
    wire: Vec<u8>,
}

impl Zlib {
    pub(crate) fn new(level: u32) -> Self {
        Self {
            compress: Compress::new(Compression::new(level), false),
            wire: vec![0; ROOM],
        }
    }

    /// How many bytes a message becomes.
    pub(crate) fn compress(&mut self, text: &str) -> usize {
        self.compress.reset();
        let sync = FlushCompress::Sync;
        let status = self
            .compress
            .compress(text.as_bytes(), &mut self.wire, sync);
        assert_eq!(status.ok(), Some(Status::Ok));
        self.compress.total_out() as usize - TAIL
    }
}

/// `miniz_oxide` at level 1.
pub(crate) struct Miniz {
    compress: CompressorOxide,
    wire: Vec<u8>,
}

impl Miniz {
    pub(crate) fn new(level: u8) -> Self {
        let mut compress =
            CompressorOxide::new(create_comp_flags_from_zip_params(level.into(), -15, 0));
        compress.set_format_and_level(DataFormat::Raw, level);
        Self {
            compress,
            wire: vec![0; ROOM],
        }
    }

    pub(crate) fn compress(&mut self, text: &str) -> usize {
        self.compress.reset();
        let done = deflate(
            &mut self.compress,
            text.as_bytes(),
            &mut self.wire,
            MZFlush::Sync,
        );
        assert_eq!(
            (done.status, done.bytes_consumed),
            (Ok(MZStatus::Ok), text.len())
        );
        done.bytes_written - TAIL
    }
}
