//! Payloads that cost a receiver more than they cost their sender, or lie on the edge of what is allowed.
//!
//! Not here: what a receiver must do with them. Next to this module stands `deflate_bits`, which writes them.
#![allow(dead_code, reason = "each test target uses what it needs")]

use super::deflate_bits::{Bits, Item, Symbol};

/// `count` empty stored blocks, at least one: 5 bytes each but for the last, whose tail is not sent.
pub(crate) fn empty_stored(count: usize) -> Vec<u8> {
    repeated(count - 1, |bits| bits.stored(false, b"")).finish()
}

/// `count` empty blocks in the fixed code, 10 bits each: the most blocks for the bytes.
pub(crate) fn empty_fixed(count: usize) -> Vec<u8> {
    repeated(count, |bits| bits.fixed(false, &[])).finish()
}

/// `count` times the literal 0 in a block of its own, 18 bits each.
pub(crate) fn one_byte_fixed(count: usize) -> Vec<u8> {
    repeated(count, |bits| bits.fixed(false, &[Symbol::Literal(0)])).finish()
}

/// `03 00` again and again: each ends the stream, and the next byte begins another (RFC 7692 section 7.2.3.4).
pub(crate) fn empty_final(count: usize) -> Vec<u8> {
    repeated(count, |bits| bits.fixed(true, &[]).align()).finish()
}

/// `01 00 00 ff ff` again and again: stored blocks that end the stream.
pub(crate) fn empty_stored_final(count: usize) -> Vec<u8> {
    repeated(count, |bits| bits.stored(true, b"")).finish()
}

/// `zeros` zeros in one dynamic block: two bits for 258 of them, the best that DEFLATE can do.
pub(crate) fn bomb(zeros: usize) -> Vec<u8> {
    // Two bits each for the literal 0 and the end of the block, one for a match of 258, one for its distance.
    let mut literals = [0; 286];
    (literals[0], literals[256], literals[285]) = (2, 2, 1);
    let mut code_lengths = [0; 19];
    (code_lengths[18], code_lengths[1], code_lengths[2]) = (1, 2, 2);
    let items = [
        Item::One(2),
        Item::Zeros(138),
        Item::Zeros(117),
        Item::One(2),
        Item::Zeros(28),
        Item::One(1),
        Item::One(1),
    ];
    Bits::new()
        .dynamic_head(false, (286, 1), &code_lengths, &items)
        .in_code(&literals, &[1], &run_of_zeros(zeros))
        .finish()
}

/// `zeros` zeros in one block in the fixed code: 13 bits for 258 of them.
pub(crate) fn fixed_bomb(zeros: usize) -> Vec<u8> {
    Bits::new().fixed(false, &run_of_zeros(zeros)).finish()
}

/// `count` empty dynamic blocks with all 286 + 30 codes, down to 15 bits, each length sent by itself: 169 bytes each.
pub(crate) fn full_headers(count: usize) -> Vec<u8> {
    let (literals, distances) = (deepest(286), deepest(30));
    repeated(count, |bits| {
        bits.dynamic(false, &literals, &distances, &[])
    })
    .finish()
}

/// The same codes, with equal lengths sent as repetitions: a fourth of the bytes, and as much work.
pub(crate) fn dense_headers(count: usize) -> Vec<u8> {
    let (literals, distances) = (deepest(286), deepest(30));
    // One bit for a repetition, four for the most frequent length, five for the others: all bits used up.
    let mut code_lengths = [5; 19];
    (code_lengths[16], code_lengths[15]) = (1, 4);
    (code_lengths[0], code_lengths[17], code_lengths[18]) = (0, 0, 0);
    let items = [repetitions(&literals), repetitions(&distances)].concat();
    repeated(count, |bits| {
        bits.dynamic_head(false, (286, 30), &code_lengths, &items)
            .in_code(&literals, &distances, &[])
    })
    .finish()
}

/// `distance` bytes of `filler` and a match of 3 that far back, which is as far as it can be.
pub(crate) fn reaching(distance: usize) -> Vec<u8> {
    Bits::new()
        .stored(false, &filler(distance))
        .fixed(
            false,
            &[Symbol::Match {
                length: 3,
                distance,
            }],
        )
        .finish()
}

/// The same in two messages: the second is nothing but the match, into the first.
pub(crate) fn reaching_across(distance: usize) -> [Vec<u8>; 2] {
    let back = Symbol::Match {
        length: 3,
        distance,
    };
    [
        Bits::new().stored(false, &filler(distance)).finish(),
        Bits::new().fixed(false, &[back]).finish(),
    ]
}

/// Up to 64 KiB of which no three bytes in a row come twice: a match that is a byte off shows.
pub(crate) fn filler(len: usize) -> Vec<u8> {
    let numbers =
        (0_u16..).flat_map(|number| [(number >> 8).to_le_bytes()[0], number.to_le_bytes()[0]]);
    numbers.take(len).collect()
}

/// One literal, as many of the longest matches as fit, and literals for the rest.
fn run_of_zeros(zeros: usize) -> Vec<Symbol> {
    let (literal, longest) = (
        Symbol::Literal(0),
        Symbol::Match {
            length: 258,
            distance: 1,
        },
    );
    let matches = zeros.saturating_sub(1) / 258;
    let mut symbols = vec![literal; zeros - matches * 258];
    symbols.extend(vec![longest; matches]);
    symbols
}

/// The lengths of that many codes, which use up all bits: few short ones, and as many of 15 bits as there can be. Deep
/// codes make the largest tables.
fn deepest(count: usize) -> Vec<u8> {
    let mut lengths: Vec<u8> = (1..=15).chain([15]).collect();
    while lengths.len() < count {
        // The longest code that can be split in two.
        let at = lengths.partition_point(|&length| length < 15) - 1;
        let split = lengths[at] + 1;
        lengths[at] = split;
        lengths.insert(at, split);
    }
    lengths
}

/// Runs of one length as that length and repetitions of it.
fn repetitions(lengths: &[u8]) -> Vec<Item> {
    let mut items = Vec::new();
    for run in lengths.chunk_by(|one, next| one == next) {
        items.push(Item::One(run[0]));
        let mut left = run.len() - 1;
        while left >= 3 {
            items.push(Item::Again(left.min(6)));
            left -= left.min(6);
        }
        items.extend(vec![Item::One(run[0]); left]);
    }
    items
}

fn repeated(count: usize, block: impl Fn(Bits) -> Bits) -> Bits {
    (0..count).fold(Bits::new(), |bits, _| block(bits))
}
