//! Writes DEFLATE streams bit by bit, good ones and bad ones, as RFC 1951 lays them out.
//!
//! Symbols and codes are computed here and looked up in `strict_inflate`: a slip in one does not hide one in the other.
//!
//! Not here: compression. Who calls says which symbols; nothing is checked that a bad stream may want to break.
#![allow(dead_code, reason = "each test target uses what it needs")]

/// What a block of type 01 or 10 consists of. Its end is written by itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Symbol {
    Literal(u8),
    /// A length of 3 to 258, a distance of 1 to 32768.
    Match {
        length: usize,
        distance: usize,
    },
}

/// How code lengths are sent in the header of a dynamic block: RFC 1951 section 3.2.7.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Item {
    /// One code length, 0 to 15.
    One(u8),
    /// Symbol 16: the previous length, 3 to 6 times.
    Again(usize),
    /// Symbol 17, 3 to 10 times, or 18, 11 to 138 times: no code.
    Zeros(usize),
}

/// The symbol that ends a block.
const END_OF_BLOCK: usize = 256;

/// In this order the lengths of the codes for code lengths are sent.
const ORDER: [usize; 19] = [
    16, 17, 18, 0, 8, 7, 9, 6, 10, 5, 11, 4, 12, 3, 13, 2, 14, 1, 15,
];

/// Four bits for each length from 0 to 15, and no repetitions: any code lengths can be sent with it.
pub(crate) const PLAIN: [u8; 19] = [4, 4, 4, 4, 4, 4, 4, 4, 4, 4, 4, 4, 4, 4, 4, 4, 0, 0, 0];

/// A stream being written.
#[derive(Clone, Debug, Default)]
pub(crate) struct Bits {
    bytes: Vec<u8>,
    /// How many bits of the last byte are written; 0 stands for all of them.
    used: usize,
}

impl Bits {
    pub(crate) fn new() -> Self {
        Self::default()
    }

    /// A block of type 00.
    pub(crate) fn stored(self, last: bool, bytes: &[u8]) -> Self {
        let len = u16::try_from(bytes.len()).expect("a stored block has at most 65535 bytes");
        let mut bits = self.head(last, 0b00).align();
        bits.bytes.extend(len.to_le_bytes());
        bits.bytes.extend((!len).to_le_bytes());
        bits.bytes.extend(bytes);
        bits
    }

    /// A block of type 01.
    pub(crate) fn fixed(self, last: bool, symbols: &[Symbol]) -> Self {
        self.head(last, 0b01)
            .symbols(symbols, fixed_literal, |symbol| (symbol, 5))
    }

    /// A block of type 10 whose codes have these lengths, which are sent one by one.
    pub(crate) fn dynamic(
        self,
        last: bool,
        literals: &[u8],
        distances: &[u8],
        symbols: &[Symbol],
    ) -> Self {
        let items: Vec<Item> = literals
            .iter()
            .chain(distances)
            .map(|&length| Item::One(length))
            .collect();
        let counts = (literals.len(), distances.len());
        self.dynamic_head(last, counts, &PLAIN, &items)
            .in_code(literals, distances, symbols)
    }

    /// The header of a block of type 10: how many literal and distance codes, the lengths of the codes for code
    /// lengths, and with these the code lengths.
    pub(crate) fn dynamic_head(
        self,
        last: bool,
        (literals, distances): (usize, usize),
        code_lengths: &[u8; 19],
        items: &[Item],
    ) -> Self {
        let sent = ORDER
            .iter()
            .rposition(|&symbol| code_lengths[symbol] != 0)
            .map_or(4, |at| (at + 1).max(4));
        let mut bits = self
            .head(last, 0b10)
            .raw_bits(literals - 257, 5)
            .raw_bits(distances - 1, 5)
            .raw_bits(sent - 4, 4);
        for &symbol in &ORDER[..sent] {
            bits = bits.raw_bits(usize::from(code_lengths[symbol]), 3);
        }
        let codes = codes_of(code_lengths);
        for &item in items {
            let (symbol, extra, count) = match item {
                Item::One(length) => (usize::from(length), 0, 0),
                Item::Again(times) => (16, times - 3, 2),
                Item::Zeros(times @ ..=10) => (17, times - 3, 3),
                Item::Zeros(times) => (18, times - 11, 7),
            };
            let (code, length) = codes[symbol];
            bits = bits.code(code, length).raw_bits(extra, count);
        }
        bits
    }

    /// The symbols and the end of a dynamic block, in codes of these lengths.
    pub(crate) fn in_code(self, literals: &[u8], distances: &[u8], symbols: &[Symbol]) -> Self {
        let (literals, distances) = (codes_of(literals), codes_of(distances));
        self.symbols(
            symbols,
            |symbol| literals[symbol],
            |symbol| distances[symbol],
        )
    }

    /// A number: the least significant bit goes first.
    pub(crate) fn raw_bits(mut self, value: usize, count: usize) -> Self {
        for place in 0..count {
            self.bit(value >> place & 1);
        }
        self
    }

    /// A Huffman code: the most significant bit goes first.
    pub(crate) fn code(mut self, code: usize, length: usize) -> Self {
        for place in (0..length).rev() {
            self.bit(code >> place & 1);
        }
        self
    }

    /// Fills the last byte with zeros, as behind a block with BFINAL there must be (RFC 7692 section 7.2.1).
    pub(crate) fn align(mut self) -> Self {
        self.used = 0;
        self
    }

    /// The payload of a message: an empty stored block is appended, and its last four bytes are not sent.
    pub(crate) fn finish(self) -> Vec<u8> {
        self.head(false, 0b00).align().bytes
    }

    /// The payload of a fragment with more to follow: an empty stored block is appended, and all of it is sent.
    pub(crate) fn flush(self) -> Vec<u8> {
        self.stored(false, b"").bytes
    }

    /// What was written, the last byte filled with zeros, and nothing appended.
    pub(crate) fn cut(self) -> Vec<u8> {
        self.bytes
    }

    fn bit(&mut self, bit: usize) {
        if self.used == 0 {
            self.bytes.push(0);
        }
        if let Some(byte) = self.bytes.last_mut() {
            *byte |= u8::from(bit == 1) << self.used;
        }
        self.used = (self.used + 1) % 8;
    }

    fn head(self, last: bool, kind: usize) -> Self {
        self.raw_bits(usize::from(last), 1).raw_bits(kind, 2)
    }

    /// Both codes as (code, length) of a symbol.
    fn symbols(
        mut self,
        symbols: &[Symbol],
        literal: impl Fn(usize) -> (usize, usize),
        distance_code: impl Fn(usize) -> (usize, usize),
    ) -> Self {
        for &symbol in symbols {
            match symbol {
                Symbol::Literal(byte) => {
                    let (code, length) = literal(usize::from(byte));
                    self = self.code(code, length);
                }
                Symbol::Match { length, distance } => {
                    let (symbol, extra, count) = length_symbol(length);
                    let (code, bits) = literal(symbol);
                    self = self.code(code, bits).raw_bits(extra, count);
                    let (symbol, extra, count) = distance_symbol(distance);
                    let (code, bits) = distance_code(symbol);
                    self = self.code(code, bits).raw_bits(extra, count);
                }
            }
        }
        let (code, length) = literal(END_OF_BLOCK);
        self.code(code, length)
    }
}

/// The table of RFC 1951 section 3.2.6.
fn fixed_literal(symbol: usize) -> (usize, usize) {
    match symbol {
        0..=143 => (0b0011_0000 + symbol, 8),
        144..=255 => (0b1_1001_0000 + symbol - 144, 9),
        256..=279 => (symbol - 256, 7),
        _ => (0b1100_0000 + symbol - 280, 8),
    }
}

/// The codes of the symbols, in order of length and then of symbol; a symbol without a code gets no bits.
fn codes_of(lengths: &[u8]) -> Vec<(usize, usize)> {
    let mut codes = vec![(0, 0); lengths.len()];
    let mut next = 0;
    for length in 1..=15 {
        next *= 2;
        for (symbol, code) in codes.iter_mut().enumerate() {
            if usize::from(lengths[symbol]) == length {
                *code = (next, length);
                next += 1;
            }
        }
    }
    codes
}

/// Symbol, extra bits and their number: four symbols to each power of two, after the eight that stand for themselves.
fn length_symbol(length: usize) -> (usize, usize, usize) {
    assert!((3..=258).contains(&length), "no match is {length} long");
    match length - 3 {
        255 => (285, 0, 0),
        past @ 0..=7 => (257 + past, 0, 0),
        past => {
            let count = past.ilog2() as usize - 2;
            let symbol = 257 + 4 * (count + 1) + (past >> count & 3);
            (symbol, past & ((1 << count) - 1), count)
        }
    }
}

/// Symbol, extra bits and their number: two symbols to each power of two, after the four that stand for themselves.
fn distance_symbol(distance: usize) -> (usize, usize, usize) {
    assert!(
        (1..=32_768).contains(&distance),
        "no match lies {distance} back"
    );
    match distance - 1 {
        past @ 0..=3 => (past, 0, 0),
        past => {
            let count = past.ilog2() as usize - 1;
            let symbol = 2 * (count + 1) + (past >> count & 1);
            (symbol, past & ((1 << count) - 1), count)
        }
    }
}
