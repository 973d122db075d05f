//! DEFLATE, written bit by bit (RFC 1951 section 3.2), from decisions: blocks that mean something, and bits that need
//! not.
//!
//! Not here: good compression, and reading.

use super::choices::Choices;
use miniz_oxide::deflate::core::{CompressorOxide, create_comp_flags_from_zip_params};
use miniz_oxide::deflate::stream::deflate;
use miniz_oxide::{MZFlush, MZStatus};

/// What a sender leaves out at the end of a message (RFC 7692 section 7.2.1).
pub(crate) const TAIL: [u8; 4] = [0x00, 0x00, 0xFF, 0xFF];

/// Bits so far, the first of each byte the least significant.
#[derive(Debug, Default)]
pub(crate) struct Blocks {
    bytes: Vec<u8>,
    /// Bits of the last byte that are written.
    used: u32,
}

impl Blocks {
    /// A payload as the choices have it. Most are whole messages.
    pub(crate) fn message(choices: &mut Choices<'_>) -> Vec<u8> {
        let mut blocks = Self::default();
        let count = choices.byte() % 8;
        for _ in 0..count {
            blocks.some(choices);
        }
        match choices.byte() % 8 {
            // An empty stored block but for its tail, as section 7.2.1 of RFC 7692 has it; its last bit may be set.
            0..=3 => blocks.bits(0b000, 3),
            4 => blocks.bits(0b001, 3),
            // An empty last block, and then nothing.
            5 => blocks.fixed(true, &[], choices),
            // Nothing: whatever stands there is the end.
            _ => {}
        }
        blocks.bytes
    }

    fn some(&mut self, choices: &mut Choices<'_>) {
        let what = choices.byte();
        let last = what & 0x80 != 0;
        let size = usize::from(choices.byte());
        match what % 8 {
            0 => {
                self.align();
                self.bytes.extend_from_slice(choices.take(size));
            }
            1 => self.stored(last, choices.take(size), size),
            2 => {
                let literals = choices.take(size);
                self.fixed(last, literals, choices);
            }
            3 => self.fixed(last, &[], choices),
            4 => {
                // An empty stored block, as a sender flushes.
                self.bits(0b000, 3);
                self.align();
                self.bytes.extend_from_slice(&TAIL);
            }
            5 => {
                let level = choices.byte() % 11;
                let data = choices
                    .take(size)
                    .repeat(1 + usize::from(choices.byte()) % 32);
                self.align();
                self.bytes.extend_from_slice(&compressed(level, &data));
            }
            6 => self.bits(
                u32::from(choices.byte()),
                u32::try_from(size % 8).expect("below 8"),
            ),
            // The same byte many times over: more comes out than goes in.
            _ => {
                self.begin(last, 0b01);
                self.symbol(usize::from(choices.byte()));
                for _ in 0..size {
                    self.repeat(258, 1);
                }
                self.end(last);
            }
        }
    }

    /// Section 3.2.4. The length may be another than that of the data, when there is not enough of it.
    fn stored(&mut self, last: bool, data: &[u8], len: usize) {
        self.begin(last, 0b00);
        self.align();
        let len = u16::try_from(len).expect("a byte");
        self.bytes.extend_from_slice(&len.to_le_bytes());
        self.bytes.extend_from_slice(&(!len).to_le_bytes());
        self.bytes.extend_from_slice(data);
    }

    /// Section 3.2.6: literals, and matches at distances that windows end at.
    fn fixed(&mut self, last: bool, literals: &[u8], choices: &mut Choices<'_>) {
        self.begin(last, 0b01);
        for literal in literals {
            self.symbol(usize::from(*literal));
        }
        if !literals.is_empty() {
            for _ in 0..choices.byte() % 4 {
                let length = 3 + usize::from(choices.byte());
                let near = usize::from(choices.byte());
                let at = choices.pick(&[0, 0, 255, 511, 512, 1023, 8191, 16_384, 32_512]);
                self.repeat(length, (at + near).clamp(1, 32_768));
            }
        }
        self.end(last);
    }

    fn begin(&mut self, last: bool, kind: u32) {
        self.bits(u32::from(last) | kind << 1, 3);
    }

    fn end(&mut self, last: bool) {
        self.symbol(256);
        if last {
            // RFC 7692 section 7.2.1: the next block starts at the next byte.
            self.align();
        }
    }

    /// A literal, a length or an end, in the fixed code.
    fn symbol(&mut self, symbol: usize) {
        let symbol = u32::try_from(symbol).expect("below 288");
        let (code, len) = match symbol {
            0..=143 => (0b0011_0000 + symbol, 8),
            144..=255 => (0b1_1001_0000 + symbol - 144, 9),
            256..=279 => (symbol - 256, 7),
            _ => (0b1100_0000 + symbol - 280, 8),
        };
        self.code(code, len);
    }

    /// A match: section 3.2.5 has the tables, which double every four lengths and every two distances.
    fn repeat(&mut self, length: usize, distance: usize) {
        match length {
            258 => self.symbol(285),
            3..=10 => self.symbol(254 + length),
            _ => {
                let above = length - 3;
                let extra = above.ilog2() - 2;
                self.symbol(257 + 4 * extra as usize + (above >> extra));
                self.bits(above as u32 & ((1 << extra) - 1), extra);
            }
        }
        let above = (distance - 1) as u32;
        let extra = above.checked_ilog2().unwrap_or(0).saturating_sub(1);
        self.code(2 * extra + (above >> extra), 5);
        self.bits(above & ((1 << extra) - 1), extra);
    }

    /// A number, from its least significant bit on.
    fn bits(&mut self, number: u32, count: u32) {
        for place in 0..count {
            if self.used == 0 {
                self.bytes.push(0);
            }
            let byte = self.bytes.last_mut().expect("one was pushed");
            *byte |= u8::from(number >> place & 1 == 1) << self.used;
            self.used = (self.used + 1) % 8;
        }
    }

    /// A Huffman code, from its most significant bit on.
    fn code(&mut self, code: u32, len: u32) {
        for place in (0..len).rev() {
            self.bits(code >> place & 1, 1);
        }
    }

    fn align(&mut self) {
        self.used = 0;
    }
}

/// Data as another's compressor has it, up to a flush: above the first levels with codes of its own.
fn compressed(level: u8, data: &[u8]) -> Vec<u8> {
    let flags = create_comp_flags_from_zip_params(level.into(), 0, 0);
    let mut compressor = CompressorOxide::new(flags);
    let mut out = vec![0; 2 * data.len() + 64];
    let step = deflate(&mut compressor, data, &mut out, MZFlush::Sync);
    assert_eq!(step.status, Ok(MZStatus::Ok));
    assert_eq!(step.bytes_consumed, data.len());
    out.truncate(step.bytes_written);
    out
}
