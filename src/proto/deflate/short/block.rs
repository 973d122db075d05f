//! The one block that a short message is: with the fixed codes or with its own, whichever is shorter (RFC 1951
//! sections 3.2.3 to 3.2.7), and the beginning of the empty stored block behind it (RFC 7692 section 7.2.1).
//!
//! Not here: what is repeated, and how codes are made.

use super::huffman::{Code, add, get, set};
use super::token::{DISTANCE_BITS, LENGTH_BITS, Token};
use core::slice::IterMut;

/// Literals, the end of the block, and lengths; two more are in the fixed code alone.
const LITERALS: usize = 288;
/// Distances; two more are in the fixed code alone.
const DISTANCES: usize = 32;
/// The end of the block.
const END: usize = 256;
/// The symbols of lengths.
const LENGTHS_FROM: usize = 257;
/// Lengths of codes, and their repetitions.
const LENGTHS: usize = 19;
/// In which order the lengths of these codes are written.
const ORDER: [u8; LENGTHS] = [
    16, 17, 18, 0, 8, 7, 9, 6, 10, 5, 11, 4, 12, 3, 13, 2, 14, 1, 15,
];

/// What is used again for each message.
pub(super) struct Block {
    literals: Code<LITERALS>,
    distances: Code<DISTANCES>,
    header: Header,
    fixed: (Code<LITERALS>, Code<DISTANCES>),
}

/// How a receiver is told the codes.
struct Header {
    code: Code<LENGTHS>,
    counts: [u16; LENGTHS],
    /// Lengths of codes and their repetitions; what is behind them is above them.
    steps: [u16; LITERALS + DISTANCES],
    many: usize,
}

impl Block {
    pub(super) fn new() -> Self {
        let mut lens = [8; LITERALS];
        lens.iter_mut().take(256).skip(144).for_each(|len| *len = 9);
        lens.iter_mut().take(280).skip(256).for_each(|len| *len = 7);
        Self {
            literals: Code::new(),
            distances: Code::new(),
            header: Header {
                code: Code::new(),
                counts: [0; LENGTHS],
                steps: [0; LITERALS + DISTANCES],
                many: 0,
            },
            fixed: (
                Code::with_lengths(&lens),
                Code::with_lengths(&[5; DISTANCES]),
            ),
        }
    }

    /// Writes them, and says how many bytes that came to: nothing where they would be `most` or more, or do not fit with
    /// [`SPARE`](super::Short::SPARE).
    pub(super) fn write(
        &mut self,
        tokens: &[Token],
        most: usize,
        output: &mut [u8],
    ) -> Option<usize> {
        let (mut literals, mut distances) = ([0; LITERALS], [0; DISTANCES]);
        let mut extra = 0_usize;
        for token in tokens {
            if let Some(byte) = token.as_literal() {
                add(&mut literals, usize::from(byte), 1);
                continue;
            }
            let (len, distance) = (token.length().symbol, token.distance().symbol);
            add(&mut literals, len.wrapping_add(LENGTHS_FROM), 1);
            add(&mut distances, distance, 1);
            let bits = get(&LENGTH_BITS, len).wrapping_add(get(&DISTANCE_BITS, distance));
            extra = extra.wrapping_add(usize::from(bits));
        }
        add(&mut literals, END, 1);
        let (fixed_literals, fixed_distances) = &self.fixed;
        self.literals.build(&mut literals, 15);
        self.distances.build(&mut distances, 15);
        let (own, fixed) = self.literals.bits(&literals, fixed_literals);
        let (more, others) = self.distances.bits(&distances, fixed_distances);
        let header = self.header.describe(&self.literals, &self.distances);
        let own = own.wrapping_add(more).wrapping_add(header);
        let fixed = fixed.wrapping_add(others);
        // Three bits begin this block, and three the one behind it.
        let bits = own.min(fixed).wrapping_add(extra).wrapping_add(6);
        let len = bits.div_ceil(8);
        if len >= most || len.checked_add(super::Short::SPARE)? > output.len() {
            return None;
        }
        let mut writer = Writer::new(output);
        if own < fixed {
            writer.put(0b100, 3);
            self.header
                .write(&self.literals, &self.distances, &mut writer);
            body(&self.literals, &self.distances, tokens, &mut writer);
        } else {
            writer.put(0b010, 3);
            body(fixed_literals, fixed_distances, tokens, &mut writer);
        }
        writer.put(0b000, 3);
        Some(writer.finish())
    }
}

/// The tokens, and the end of the block.
fn body(
    literals: &Code<LITERALS>,
    distances: &Code<DISTANCES>,
    tokens: &[Token],
    writer: &mut Writer<'_>,
) {
    for token in tokens {
        if let Some(byte) = token.as_literal() {
            let (code, bits) = literals.of(usize::from(byte));
            writer.put(code, bits);
            continue;
        }
        let (len, distance) = (token.length(), token.distance());
        let (code, mut many) = literals.of(len.symbol.wrapping_add(LENGTHS_FROM));
        let mut bits = code | u64::from(len.extra).wrapping_shl(many);
        many = many.wrapping_add(u32::from(get(&LENGTH_BITS, len.symbol)));
        let (code, more) = distances.of(distance.symbol);
        bits |= (code | u64::from(distance.extra).wrapping_shl(more)).wrapping_shl(many);
        many = many.wrapping_add(more);
        many = many.wrapping_add(u32::from(get(&DISTANCE_BITS, distance.symbol)));
        writer.put(bits, many);
    }
    let (code, bits) = literals.of(END);
    writer.put(code, bits);
}

impl Header {
    /// Puts down the lengths of all codes, and says how many bits it takes to write them.
    fn describe(&mut self, literals: &Code<LITERALS>, distances: &Code<DISTANCES>) -> usize {
        (self.counts, self.many) = ([0; LENGTHS], 0);
        let all = end(literals);
        let places = literals.used().iter().map(|symbol| {
            let symbol = usize::from(*symbol);
            (symbol, literals.of(symbol).1)
        });
        let far = distances.used().iter().map(|symbol| {
            let symbol = usize::from(*symbol);
            (all.wrapping_add(symbol), distances.of(symbol).1)
        });
        let (mut at, mut last, mut times) = (0_usize, 0_u32, 0_usize);
        for (place, len) in places.chain(far) {
            let gap = place.wrapping_sub(at);
            if gap == 0 && len == last {
                times = times.wrapping_add(1);
            } else {
                self.same(last, times);
                self.none(gap);
                (last, times) = (len, 1);
            }
            at = place.wrapping_add(1);
        }
        self.same(last, times);
        self.code.build(&mut self.counts, 7);
        let extra = [(16, 2), (17, 3), (18, 7)]
            .iter()
            .fold(0_usize, |sum, (symbol, bits)| {
                sum.wrapping_add(usize::from(get(&self.counts, *symbol)).wrapping_mul(*bits))
            });
        let codes = self
            .code
            .bits(&self.counts, &self.code)
            .0
            .wrapping_add(extra);
        self.lengths()
            .wrapping_mul(3)
            .wrapping_add(14)
            .wrapping_add(codes)
    }

    /// So many codes of the same length.
    fn same(&mut self, len: u32, times: usize) {
        if times == 0 {
            return;
        }
        self.step(len as usize, 0);
        let mut rest = times.wrapping_sub(1);
        while rest >= 3 {
            let some = rest.min(6);
            self.step(16, some.wrapping_sub(3));
            rest = rest.wrapping_sub(some);
        }
        (0..rest).for_each(|_| self.step(len as usize, 0));
    }

    /// So many symbols that have no code.
    fn none(&mut self, times: usize) {
        let mut rest = times;
        while rest >= 11 {
            let some = rest.min(138);
            self.step(18, some.wrapping_sub(11));
            rest = rest.wrapping_sub(some);
        }
        if rest >= 3 {
            self.step(17, rest.wrapping_sub(3));
            rest = 0;
        }
        (0..rest).for_each(|_| self.step(0, 0));
    }

    #[expect(clippy::cast_possible_truncation, reason = "less than 19 and 128")]
    fn step(&mut self, symbol: usize, extra: usize) {
        add(&mut self.counts, symbol, 1);
        set(&mut self.steps, self.many, (extra << 8 | symbol) as u16);
        self.many = self.many.wrapping_add(1);
    }

    /// How many lengths of the codes for lengths are written.
    fn lengths(&self) -> usize {
        let last = ORDER
            .iter()
            .rposition(|symbol| self.code.of(usize::from(*symbol)).1 != 0);
        last.map_or(4, |last| last.wrapping_add(1).max(4))
    }

    fn write(
        &self,
        literals: &Code<LITERALS>,
        distances: &Code<DISTANCES>,
        writer: &mut Writer<'_>,
    ) {
        let lengths = self.lengths();
        writer.put(end(literals).wrapping_sub(257) as u64, 5);
        writer.put(end(distances).wrapping_sub(1) as u64, 5);
        writer.put(lengths.wrapping_sub(4) as u64, 4);
        for symbol in ORDER.iter().take(lengths) {
            writer.put(u64::from(self.code.of(usize::from(*symbol)).1), 3);
        }
        for step in self.steps.iter().take(self.many) {
            let symbol = usize::from(step & 0xFF);
            let (code, bits) = self.code.of(symbol);
            let extra_bits = match symbol {
                16 => 2,
                17 => 3,
                18 => 7,
                _ => 0,
            };
            writer.put(
                code | u64::from(step >> 8).wrapping_shl(bits),
                bits.wrapping_add(extra_bits),
            );
        }
    }
}

/// How many symbols are told the codes of: up to the last one that has one.
fn end<const N: usize>(code: &Code<N>) -> usize {
    code.used()
        .last()
        .map_or(0, |symbol| usize::from(*symbol).wrapping_add(1))
}

/// Writes bits, each byte from its lowest bit on.
struct Writer<'w> {
    words: IterMut<'w, [u8; 8]>,
    /// Bytes that are written.
    len: usize,
    bits: u64,
    /// How many bits there are; less than 64.
    many: u32,
}

impl<'w> Writer<'w> {
    fn new(output: &'w mut [u8]) -> Self {
        Self {
            words: output.as_chunks_mut().0.iter_mut(),
            len: 0,
            bits: 0,
            many: 0,
        }
    }

    /// At most 48 bits.
    #[inline(always)]
    fn put(&mut self, bits: u64, many: u32) {
        let before = self.many;
        self.bits |= bits.wrapping_shl(before);
        self.many = before.wrapping_add(many);
        if self.many >= 64 {
            self.word();
            self.bits = bits.wrapping_shr(64_u32.wrapping_sub(before));
            self.many = self.many.wrapping_sub(64);
        }
    }

    #[inline(always)]
    fn word(&mut self) {
        if let Some(word) = self.words.next() {
            *word = self.bits.to_le_bytes();
        }
        self.len = self.len.wrapping_add(8);
    }

    /// The rest of the last byte is zero.
    fn finish(mut self) -> usize {
        let len = self.len.wrapping_add(self.many.div_ceil(8) as usize);
        self.word();
        len
    }
}

#[cfg(test)]
#[allow(
    clippy::arithmetic_side_effects,
    clippy::indexing_slicing,
    reason = "a test that panics has failed"
)]
mod tests {
    use super::{Block, DISTANCES, LITERALS, ORDER};

    /// Symbols that are written as often as numbers of Fibonacci have codes of every length, and others of one.
    #[test]
    fn as_many_lengths_of_codes_are_written_as_are_used() {
        for many in 1..=16 {
            for grows in [true, false] {
                let (mut literals, mut distances) = ([0; LITERALS], [0; DISTANCES]);
                let (mut this, mut next) = (1_u16, 1);
                for count in &mut literals[..many] {
                    *count = this;
                    if grows {
                        (this, next) = (next, this + next);
                    }
                }
                (literals[256], distances[0]) = (1, 1);
                let mut block = Block::new();
                block.literals.build(&mut literals, 15);
                block.distances.build(&mut distances, 15);
                block.header.describe(&block.literals, &block.distances);
                let steps = &block.header.steps[..block.header.many];
                let is_used =
                    |symbol: &u8| steps.iter().any(|step| step & 0xFF == u16::from(*symbol));
                let last = ORDER.iter().rposition(is_used).unwrap();
                assert_eq!(block.header.lengths(), (last + 1).max(4), "{many} {grows}");
            }
        }
    }
}
