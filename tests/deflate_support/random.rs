//! The strict inflater and the library on streams made at random: good ones, damaged ones, and any bytes.

use crate::deflate_attacks;
use crate::deflate_bits::{Bits, Symbol, Symbol::Literal};
use crate::matching;
use crate::miniz::{
    self,
    Strategy::{Default, Fixed, HuffmanOnly},
};
use crate::strict_inflate::StrictInflater;
use proptest::collection::vec;
use proptest::prelude::*;

/// Bytes that repeat themselves, near and far.
fn text() -> impl Strategy<Value = Vec<u8>> {
    let piece = prop_oneof![
        vec(any::<u8>(), 0..100),
        vec(b'a'..b'e', 0..1_000),
        (any::<u8>(), 0..2_000_usize).prop_map(|(byte, times)| vec![byte; times]),
        (0..40_000_usize).prop_map(deflate_attacks::filler),
    ];
    vec(piece, 0..6).prop_map(|pieces| pieces.concat())
}

/// What one block consists of.
#[derive(Clone, Debug)]
enum Block {
    Stored(Vec<u8>),
    Fixed(Vec<Symbol>),
    Dynamic {
        literals: Vec<u8>,
        distances: Vec<u8>,
        symbols: Vec<Symbol>,
    },
}

/// Blocks, each with BFINAL or not, behind so many bytes that most matches are good.
fn blocks() -> impl Strategy<Value = Vec<(bool, Block)>> {
    let before = prop_oneof![Just(0), 0..1_000_usize, Just(32_768)]
        .prop_map(|len| (false, Block::Stored(deflate_attacks::filler(len))));
    (before, vec((any::<bool>(), block()), 0..6))
        .prop_map(|(before, blocks)| [vec![before], blocks].concat())
}

fn block() -> impl Strategy<Value = Block> {
    let matching = |farthest| {
        (3..=258_usize, 1..=farthest).prop_map(|(length, distance)| matching(length, distance))
    };
    let symbol = prop_oneof![
        4 => any::<u8>().prop_map(Literal),
        4 => matching(300_usize),
        1 => matching(32_768),
    ];
    let symbols = vec(symbol, 0..20);
    prop_oneof![
        vec(any::<u8>(), 0..300).prop_map(Block::Stored),
        symbols.clone().prop_map(Block::Fixed),
        (code(286), code(30), symbols).prop_map(|(literals, distances, symbols)| Block::Dynamic {
            literals,
            distances,
            symbols
        }),
    ]
}

/// The lengths of that many codes, which use up all bits: any code is split in two, again and again.
fn code(count: usize) -> impl Strategy<Value = Vec<u8>> {
    vec(any::<prop::sample::Index>(), 40).prop_map(move |picks| {
        let mut lengths = vec![1, 1];
        for pick in picks.iter().cycle().take(count - 2) {
            let short: Vec<usize> = (0..lengths.len()).filter(|&at| lengths[at] < 15).collect();
            let at = short[pick.index(short.len())];
            lengths[at] += 1;
            lengths.push(lengths[at]);
        }
        lengths
    })
}

/// Writes the blocks, and what they come to unless a match reaches too far back.
fn written(blocks: &[(bool, Block)]) -> (Vec<u8>, Option<Vec<u8>>) {
    let (mut bits, mut out) = (Bits::new(), Some(Vec::new()));
    for (last, block) in blocks {
        let symbols: Vec<Symbol> = match block {
            Block::Stored(bytes) => bytes.iter().copied().map(Literal).collect(),
            Block::Fixed(symbols) | Block::Dynamic { symbols, .. } => symbols.clone(),
        };
        bits = match block {
            Block::Stored(bytes) => bits.stored(*last, bytes),
            Block::Fixed(symbols) => bits.fixed(*last, symbols),
            Block::Dynamic {
                literals,
                distances,
                symbols,
            } => bits.dynamic(*last, literals, distances, symbols),
        };
        if *last {
            bits = bits.align();
        }
        out = symbols
            .into_iter()
            .fold(out, |out, symbol| followed(out?, symbol));
    }
    (bits.finish(), out)
}

fn followed(mut out: Vec<u8>, symbol: Symbol) -> Option<Vec<u8>> {
    match symbol {
        Literal(byte) => out.push(byte),
        Symbol::Match { length, distance } => {
            let from = out.len().checked_sub(distance)?;
            let repeated: Vec<u8> = out[from..].iter().copied().cycle().take(length).collect();
            out.extend(repeated);
        }
    }
    Some(out)
}

proptest! {
    #[test]
    fn what_a_library_compresses_comes_out(
        messages in vec(text(), 1..4),
        level in 0..=10_u8,
        strategy in prop_oneof![Just(Default), Just(HuffmanOnly), Just(Fixed)],
        takeover in any::<bool>(),
    ) {
        let mut sender = miniz::Compressor::new(level, strategy, takeover);
        let mut strict = StrictInflater::new(15, takeover);
        let mut other = miniz::Inflater::new(takeover);
        for message in &messages {
            let payload = sender.message(message);
            prop_assert!(strict.message(&payload).as_ref() == Ok(message));
            prop_assert!(other.message(&payload).as_ref() == Some(message));
        }
        prop_assert_eq!(strict.seen.dirty_padding, 0);
    }

    /// A narrower window lets a stream pass if and only if its longest distance fits.
    #[test]
    fn a_window_lets_pass_what_fits(message in text(), bits in 8..=15_u8) {
        let payload = miniz::Compressor::new(9, Default, false).message(&message);
        let mut widest = StrictInflater::new(15, false);
        widest.message(&payload).unwrap();
        let verdict = StrictInflater::new(bits, false).message(&payload);
        prop_assert_eq!(verdict.is_ok(), widest.seen.max_distance <= 1 << bits);
    }

    #[test]
    fn what_is_written_comes_out(blocks in blocks()) {
        let (payload, expected) = written(&blocks);
        let verdict = StrictInflater::new(15, false).message(&payload);
        prop_assert!(miniz::Inflater::new(false).message(&payload) == expected);
        prop_assert!(verdict.ok() == expected);
    }

    /// Streams with some bits turned over and cut anywhere: both refuse, or both say the same.
    #[test]
    fn a_library_has_the_same_verdict(
        blocks in blocks(),
        turned in vec(any::<prop::sample::Index>(), 0..4),
        cut in prop::option::of(any::<prop::sample::Index>()),
    ) {
        let (mut payload, _) = written(&blocks);
        for bit in turned {
            let at = bit.index(payload.len() * 8);
            payload[at / 8] ^= 1 << (at % 8);
        }
        if let Some(cut) = cut {
            payload.truncate(cut.index(payload.len()) + 1);
        }
        let verdict = StrictInflater::new(15, false).message(&payload);
        prop_assert!(miniz::Inflater::new(false).message(&payload) == verdict.ok());
    }

    #[test]
    fn any_bytes_have_the_same_verdict(payload in vec(any::<u8>(), 1..200)) {
        let verdict = StrictInflater::new(15, false).message(&payload);
        prop_assert!(miniz::Inflater::new(false).message(&payload) == verdict.ok());
    }
}
