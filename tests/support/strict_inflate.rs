//! A literal reading of RFC 1951 and of RFC 7692 section 7.2.2: one bit at a time, and nothing let pass.
//!
//! What a sender may reach back to is checked at every match: not beyond the negotiated window, and not before the
//! first byte that the receiver still has. Code lengths are judged as zlib judges them, so that one verdict fits both.
//!
//! Not here: speed, streaming, and any bound on what comes out.
#![allow(dead_code, reason = "each test target uses what it needs")]

/// What a receiver appends to each message before it inflates it (section 7.2.2).
pub(crate) const TAIL: [u8; 4] = [0x00, 0x00, 0xFF, 0xFF];

/// No distance reaches further back (RFC 1951 section 3.2.5), so no more history is kept.
const FARTHEST: usize = 32_768;

/// What is wrong, and how many bytes of this message had come out before.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Fault {
    pub(crate) at: usize,
    pub(crate) what: What,
}

/// What is wrong with a payload.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum What {
    /// A match further back than 2 to the power of the window bits.
    DistanceBeyondWindow { distance: usize },
    /// A match before the first byte of the message, or with takeover of the connection.
    DistanceTooFarBack { distance: usize },
    /// Block type 11.
    BadBlockType,
    /// NLEN is not the complement of LEN.
    BadStoredLength,
    /// More than 286 literal and length codes, or more than 30 distance codes.
    TooManyCodes,
    /// Code lengths that make no code: too many, too few, or none.
    BadCodeLengths(Alphabet),
    /// A repetition of nothing, or past the last code.
    BadRepeat,
    /// A block without a code for its end would never end.
    NoEndOfBlock,
    /// Bits that no code begins with, or a symbol that stands for nothing.
    BadSymbol(Alphabet),
    /// The bits end inside a block, or behind another one than the empty stored block that the tail completes.
    Truncated,
}

/// Which of the three codes of a block.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Alphabet {
    CodeLengths,
    Literals,
    Distances,
}

/// What was seen since the start, over all messages.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Seen {
    /// The longest distance of a match.
    pub(crate) max_distance: usize,
    /// Stored blocks, among them the empty one that the tail completes.
    pub(crate) stored: usize,
    pub(crate) fixed: usize,
    pub(crate) dynamic: usize,
    /// Blocks with BFINAL set.
    pub(crate) finals: usize,
    /// Times that bits passed over up to the next byte were not 0. Receivers ignore them; a sender writes 0.
    pub(crate) dirty_padding: usize,
    /// Messages without any payload. Section 7.2.1 never produces one, and the tail alone is no block; it is taken for
    /// an empty message here, as receivers do. A test of a sender wants none.
    pub(crate) empty_payloads: usize,
}

/// The receiver's side of one direction of a connection.
#[derive(Debug)]
pub(crate) struct StrictInflater {
    window: usize,
    takeover: bool,
    /// The end of what earlier messages inflated to; empty without takeover.
    history: Vec<u8>,
    pub(crate) seen: Seen,
}

impl StrictInflater {
    pub(crate) fn new(window_bits: u8, takeover: bool) -> Self {
        assert!((8..=15).contains(&window_bits), "{window_bits} window bits");
        Self {
            window: 1 << window_bits,
            takeover,
            history: Vec::new(),
            seen: Seen::default(),
        }
    }

    /// Inflates one message. After a fault the connection is over: what the next call answers means nothing.
    pub(crate) fn message(&mut self, payload: &[u8]) -> Result<Vec<u8>, Fault> {
        if payload.is_empty() {
            self.seen.empty_payloads += 1;
            return Ok(Vec::new());
        }
        let mut out = self.history.clone();
        let start = out.len();
        let input = [payload, &TAIL].concat();
        self.blocks(&input, &mut out).map_err(|what| Fault {
            at: out.len() - start,
            what,
        })?;
        if self.takeover {
            self.history = out[out.len().saturating_sub(FARTHEST)..].to_vec();
        }
        Ok(out.split_off(start))
    }

    /// Block after block until the input is used up, which it must be behind an empty stored block.
    fn blocks(&mut self, input: &[u8], out: &mut Vec<u8>) -> Result<(), What> {
        let mut bits = Bits { input, at: 0 };
        loop {
            let before = out.len();
            let last = bits.number(1)? == 1;
            let kind = bits.number(2)?;
            match kind {
                0b00 => self.stored(&mut bits, out)?,
                0b01 => {
                    self.seen.fixed += 1;
                    self.compressed(&Codes::fixed(), &mut bits, out)?;
                }
                0b10 => {
                    self.seen.dynamic += 1;
                    self.compressed(&Codes::read(&mut bits)?, &mut bits, out)?;
                }
                _ => return Err(What::BadBlockType),
            }
            if last {
                // RFC 7692 section 7.2.1: the next block starts at the next byte, and the window stays.
                self.seen.finals += 1;
                self.align(&mut bits);
            }
            if bits.at_end() {
                let ended = kind == 0b00 && out.len() == before;
                return if ended { Ok(()) } else { Err(What::Truncated) };
            }
        }
    }

    /// RFC 1951 section 3.2.4.
    fn stored(&mut self, bits: &mut Bits<'_>, out: &mut Vec<u8>) -> Result<(), What> {
        self.seen.stored += 1;
        self.align(bits);
        let len = bits.number(16)?;
        let complement = bits.number(16)?;
        if len != !complement & 0xFFFF {
            return Err(What::BadStoredLength);
        }
        for _ in 0..len {
            out.push(byte(bits.number(8)?));
        }
        Ok(())
    }

    /// RFC 1951 section 3.2.3, the inner loop.
    fn compressed(
        &mut self,
        codes: &Codes,
        bits: &mut Bits<'_>,
        out: &mut Vec<u8>,
    ) -> Result<(), What> {
        loop {
            match codes.literals.symbol(bits)? {
                literal @ 0..=255 => out.push(byte(literal)),
                END_OF_BLOCK => return Ok(()),
                symbol => {
                    let length = number_of(&LENGTHS, symbol - 257, bits, Alphabet::Literals)?;
                    let symbol = codes.distances.symbol(bits)?;
                    let distance = number_of(&DISTANCES, symbol, bits, Alphabet::Distances)?;
                    self.repeat(length, distance, out)?;
                }
            }
        }
    }

    /// Copies byte by byte: a match may reach into what it writes.
    fn repeat(&mut self, length: usize, distance: usize, out: &mut Vec<u8>) -> Result<(), What> {
        if distance > self.window {
            return Err(What::DistanceBeyondWindow { distance });
        }
        if distance > out.len() {
            return Err(What::DistanceTooFarBack { distance });
        }
        self.seen.max_distance = self.seen.max_distance.max(distance);
        for _ in 0..length {
            out.push(out[out.len() - distance]);
        }
        Ok(())
    }

    fn align(&mut self, bits: &mut Bits<'_>) {
        if bits.skip_to_byte() != 0 {
            self.seen.dirty_padding += 1;
        }
    }
}

/// The input as a row of bits: those of a byte from the least significant on (RFC 1951 section 3.1.1).
struct Bits<'a> {
    input: &'a [u8],
    at: usize,
}

impl Bits<'_> {
    fn bit(&mut self) -> Result<usize, What> {
        let byte = self.input.get(self.at / 8).ok_or(What::Truncated)?;
        let bit = byte >> (self.at % 8) & 1;
        self.at += 1;
        Ok(usize::from(bit))
    }

    /// All but Huffman codes: the least significant bit comes first.
    fn number(&mut self, count: usize) -> Result<usize, What> {
        let mut number = 0;
        for place in 0..count {
            number |= self.bit()? << place;
        }
        Ok(number)
    }

    /// The bits passed over.
    fn skip_to_byte(&mut self) -> usize {
        let mut skipped = 0;
        while !self.at.is_multiple_of(8) {
            // There is a bit: the byte has begun.
            skipped |= self.bit().unwrap_or_default();
        }
        skipped
    }

    fn at_end(&self) -> bool {
        self.at == self.input.len() * 8
    }
}

const END_OF_BLOCK: usize = 256;

/// The two codes of a compressed block.
struct Codes {
    literals: Code,
    distances: Code,
}

impl Codes {
    /// RFC 1951 section 3.2.6.
    fn fixed() -> Self {
        let literals = [
            [8; 144].as_slice(),
            &[9; 256 - 144],
            &[7; 280 - 256],
            &[8; 288 - 280],
        ]
        .concat();
        Self {
            literals: Code::new(&literals, Alphabet::Literals),
            distances: Code::new(&[5; 32], Alphabet::Distances),
        }
    }

    /// RFC 1951 section 3.2.7.
    fn read(bits: &mut Bits<'_>) -> Result<Self, What> {
        let literals = bits.number(5)? + 257;
        let distances = bits.number(5)? + 1;
        let count = bits.number(4)? + 4;
        if literals > 286 || distances > 30 {
            return Err(What::TooManyCodes);
        }
        let mut lengths = [0; 19];
        for &symbol in &CODE_LENGTH_ORDER[..count] {
            lengths[symbol] = bits.number(3)?;
        }
        let code = Code::new(&lengths, Alphabet::CodeLengths);
        code.judge()?;

        let lengths = read_lengths(&code, literals + distances, bits)?;
        if lengths[END_OF_BLOCK] == 0 {
            return Err(What::NoEndOfBlock);
        }
        let codes = Self {
            literals: Code::new(&lengths[..literals], Alphabet::Literals),
            distances: Code::new(&lengths[literals..], Alphabet::Distances),
        };
        codes.literals.judge()?;
        codes.distances.judge()?;
        Ok(codes)
    }
}

const CODE_LENGTH_ORDER: [usize; 19] = [
    16, 17, 18, 0, 8, 7, 9, 6, 10, 5, 11, 4, 12, 3, 13, 2, 14, 1, 15,
];

/// The code lengths of both alphabets, one sequence: a repetition may cross from one to the other.
fn read_lengths(code: &Code, count: usize, bits: &mut Bits<'_>) -> Result<Vec<usize>, What> {
    let mut lengths = Vec::new();
    while lengths.len() < count {
        let (length, times) = match code.symbol(bits)? {
            16 => {
                let previous = *lengths.last().ok_or(What::BadRepeat)?;
                (previous, 3 + bits.number(2)?)
            }
            17 => (0, 3 + bits.number(3)?),
            18 => (0, 11 + bits.number(7)?),
            length => (length, 1),
        };
        lengths.extend(std::iter::repeat_n(length, times));
    }
    if lengths.len() > count {
        return Err(What::BadRepeat);
    }
    Ok(lengths)
}

/// A Huffman code as RFC 1951 section 3.2.2 makes it of code lengths.
struct Code {
    alphabet: Alphabet,
    /// By length in bits: the first code of that length, and the symbols of this and the codes that follow it.
    by_length: [(usize, Vec<usize>); 16],
}

impl Code {
    fn new(lengths: &[usize], alphabet: Alphabet) -> Self {
        let mut by_length: [(usize, Vec<usize>); 16] = Default::default();
        for (symbol, &length) in lengths.iter().enumerate() {
            if length > 0 {
                by_length[length].1.push(symbol);
            }
        }
        let mut code = 0;
        for (first, symbols) in &mut by_length {
            code <<= 1;
            *first = code;
            code += symbols.len();
        }
        Self {
            alphabet,
            by_length,
        }
    }

    /// A code must use up all bits. zlib excepts literals and distances with a single code of one bit, whose other bit
    /// then means nothing, or without any code (RFC 1951 section 3.2.7 allows both for distances). Without any code for
    /// code lengths zlib reads on, and misses the end of the block once all lengths were there.
    fn judge(&self) -> Result<(), What> {
        let bad = Err(What::BadCodeLengths(self.alphabet));
        let mut free = 1;
        for (_, symbols) in &self.by_length[1..] {
            free *= 2;
            if symbols.len() > free {
                return bad;
            }
            free -= symbols.len();
        }
        let excepted = self.alphabet != Alphabet::CodeLengths && self.longest() <= 1;
        if free > 0 && !excepted { bad } else { Ok(()) }
    }

    fn longest(&self) -> usize {
        (1..16)
            .rev()
            .find(|&length| !self.by_length[length].1.is_empty())
            .unwrap_or(0)
    }

    /// Takes bits, the most significant of a code first, until they are a code.
    fn symbol(&self, bits: &mut Bits<'_>) -> Result<usize, What> {
        let mut code = 0;
        for (first, symbols) in &self.by_length[1..=self.longest()] {
            code = code << 1 | bits.bit()?;
            if code >= *first && code - first < symbols.len() {
                return Ok(symbols[code - first]);
            }
        }
        Err(What::BadSymbol(self.alphabet))
    }
}

/// The length or distance of a symbol: where its range starts, and how far into it the extra bits lead.
fn number_of(
    table: &[(usize, usize)],
    symbol: usize,
    bits: &mut Bits<'_>,
    alphabet: Alphabet,
) -> Result<usize, What> {
    // 286 and 287, and distances 30 and 31, have codes in the fixed code and mean nothing.
    let &(extra, start) = table.get(symbol).ok_or(What::BadSymbol(alphabet))?;
    Ok(start + bits.number(extra)?)
}

/// Extra bits and first length of the symbols 257 to 285.
#[rustfmt::skip]
const LENGTHS: [(usize, usize); 29] = [
    (0, 3), (0, 4), (0, 5), (0, 6), (0, 7), (0, 8), (0, 9), (0, 10),
    (1, 11), (1, 13), (1, 15), (1, 17), (2, 19), (2, 23), (2, 27), (2, 31),
    (3, 35), (3, 43), (3, 51), (3, 59), (4, 67), (4, 83), (4, 99), (4, 115),
    (5, 131), (5, 163), (5, 195), (5, 227), (0, 258),
];

/// Extra bits and first distance of the symbols 0 to 29.
#[rustfmt::skip]
const DISTANCES: [(usize, usize); 30] = [
    (0, 1), (0, 2), (0, 3), (0, 4), (1, 5), (1, 7), (2, 9), (2, 13), (3, 17), (3, 25),
    (4, 33), (4, 49), (5, 65), (5, 97), (6, 129), (6, 193), (7, 257), (7, 385), (8, 513), (8, 769),
    (9, 1_025), (9, 1_537), (10, 2_049), (10, 3_073), (11, 4_097), (11, 6_145),
    (12, 8_193), (12, 12_289), (13, 16_385), (13, 24_577),
];

/// A number of at most 8 bits.
fn byte(number: usize) -> u8 {
    u8::try_from(number).expect("a byte")
}
