//! The crate against others, on random streams: conversations that are right, and what is left of them when something
//! was done to them.
//!
//! Against the literal decoder there is no difference. Against `tungstenite` each one has a name in a table, which is
//! `docs/divergences.md`.
//!
//! `SOCKEYE_STREAMS=n` has so many streams, against `tungstenite` a tenth; `SOCKEYE_THREADS=n` threads take part.
//! `SOCKEYE_STREAM=n` runs one stream again. With `--release` a million takes about a minute.
//!
//! Not here: what we send by ourselves, which is `tests/proto` and `fuzz/`.
#![allow(
    clippy::unwrap_used,
    clippy::std_instead_of_alloc,
    clippy::std_instead_of_core,
    clippy::cast_possible_truncation,
    reason = "tests have std, and make bytes of numbers on purpose"
)]

#[path = "../support/deflate_bits.rs"]
mod deflate_bits;
#[path = "../support/miniz.rs"]
mod miniz;
#[path = "../support/reference/mod.rs"]
mod reference;
#[path = "../support/strict_inflate.rs"]
mod strict_inflate;

mod dice;
mod divergences;
mod document;
mod literal;
mod mutations;
mod ours;
mod payloads;
mod runs;
mod stream;
mod theirs;

use literal::Agreement;
use runs::count;
use sockeye::proto::Violation;
use stream::{Stream, Which};

/// Streams where nobody asks for more: a window that is half as large as was agreed on shows after 80 000.
const FEW: u64 = 100_000;

#[test]
fn the_literal_decoder_reads_the_same() {
    let streams = runs::number("SOCKEYE_STREAMS").unwrap_or(FEW);
    let tally = runs::all("the_literal_decoder", streams, |seed, tally| {
        let stream = Stream::new(seed, Which::All);
        let ours = ours::run(&stream);
        let read = literal::read(&stream);
        let agreement = literal::compare(&stream, &ours, &read)
            .map_err(|difference| format!("{difference}\n{stream:?}"))?;
        if agreement == Agreement::ButForCorruption {
            count(tally, document::CORRUPTION);
        }
        match ours.outcome.error {
            Some((_, violation)) => count(tally, &format!("{violation:?}")),
            None => count(tally, &format!("{:?}", ours.state)),
        }
        stream.mutations.iter().for_each(|name| count(tally, name));
        Ok(())
    });
    if streams >= FEW && runs::number("SOCKEYE_STREAM").is_none() {
        document::note_literal(streams, &tally);
        let corrupt = tally.get(document::CORRUPTION).unwrap_or(&0);
        assert!(
            corrupt * 100_000 <= streams,
            "too often to be the libraries' alone"
        );
        // Whatever can go wrong does, but for what takes several connections.
        let faults = Violation::ALL
            .iter()
            .filter(|fault| **fault != Violation::NoInflater);
        let rare = [Violation::TooManyLastBlocks];
        for fault in faults.filter(|fault| !rare.contains(fault)) {
            assert!(tally.contains_key(&format!("{fault:?}")), "never {fault:?}");
        }
        for name in mutations::names() {
            assert!(tally.contains_key(name), "never {name}");
        }
    }
}

#[test]
fn tungstenite_differs_only_as_the_table_says() {
    let streams = runs::number("SOCKEYE_STREAMS").map_or(FEW / 5, |count| count / 10);
    let tally = runs::all("tungstenite", streams, |seed, tally| {
        let mut stream = Stream::new(seed, Which::Plain);
        if literal::is_over_before_we_close(&stream) {
            stream.close_at = None;
        }
        let (ours, theirs) = (ours::run(&stream), theirs::run(&stream));
        let rows = divergences::explain(&stream, &ours, &theirs)
            .map_err(|difference| format!("{difference}\n{theirs:?}\n{stream:?}"))?;
        for row in &rows {
            count(tally, divergences::TABLE[*row].name);
        }
        if rows.is_empty() {
            count(tally, document::THE_SAME);
        }
        Ok(())
    });
    if streams >= FEW / 5 && runs::number("SOCKEYE_STREAM").is_none() {
        document::note_tungstenite(streams, &tally);
        for row in &divergences::TABLE {
            assert!(tally.contains_key(row.name), "never: {}", row.name);
        }
    }
}
