//! Sockeye's codec beside those of other libraries: the same bytes, in memory, in one process.
//!
//! Not here: sockets and servers, which are the program beside this one.
#![forbid(unsafe_code)]

mod codecs;
mod decoding;
mod json;
mod kernels;
mod measure;
#[path = "../../src/stats.rs"]
#[allow(dead_code, reason = "shared; only a part is needed here")]
mod stats;
mod tape;

use json::Results;
use measure::{Ratio, compare};
use std::env;
use std::path::PathBuf;
use std::process::ExitCode;
use tape::{Payload, Tape};

const HELP: &str = "\
Decodes the same masked frames with Sockeye's codec and with those of other libraries, in memory and in one process,
and prints the ratio of each one's time to Sockeye's: the median over interleaved rounds, and its 95% interval.

usage: benches/versus/codec/run [--rounds N] [--only codecs|kernels] [--json FILE]

examples:
  benches/versus/codec/run                        three minutes
  benches/versus/codec/run --rounds 21            a quick look
  benches/versus/codec/run --only kernels         unmasking beside memcpy, text beside simdutf8
  taskset -c 1 benches/versus/codec/run > FILE    on one core, as Markdown
  benches/versus/codec/run --json FILE            as `benches/versus/run all` reads it, too
";

/// Bytes of payload in each stream of small frames, about: they stay in the second-level cache.
const STREAM: usize = 256 << 10;

fn main() -> ExitCode {
    let (mut rounds, mut only, mut json) = (101, None, None);
    let mut args = env::args().skip(1);
    while let Some(arg) = args.next() {
        match (arg.as_str(), args.next()) {
            ("--rounds", Some(number)) => match number.parse() {
                Ok(number @ 1..) => rounds = number,
                _ => return usage(),
            },
            ("--only", Some(part)) if part == "codecs" || part == "kernels" => only = Some(part),
            ("--json", Some(file)) => json = Some(PathBuf::from(file)),
            ("--help" | "-h", None) => {
                print!("{HELP}");
                return ExitCode::SUCCESS;
            }
            _ => return usage(),
        }
    }
    let mut results = Results::default();
    if only.as_deref() != Some("kernels") {
        codecs(rounds, &mut results);
    }
    if only.as_deref() != Some("codecs") {
        kernels(rounds, &mut results);
    }
    let Some(path) = json else {
        return ExitCode::SUCCESS;
    };
    let note = match only.as_deref() {
        Some("kernels") => String::new(),
        _ => left_out("; "),
    };
    match results.write(&path, &note) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{}: {error}", path.display());
            ExitCode::FAILURE
        }
    }
}

fn usage() -> ExitCode {
    eprint!("{HELP}");
    ExitCode::from(2)
}

fn codecs(rounds: usize, json: &mut Results) {
    println!("Decoding; time ÷ sockeye's, median of {rounds} rounds (95% interval)\n");
    print!("| frames | sockeye, ns each |");
    codecs::ALL
        .iter()
        .skip(1)
        .for_each(|one| print!(" {} |", one.name));
    println!("\n|---|{}", "---:|".repeat(codecs::ALL.len()));
    for kind in [Payload::Binary, Payload::Ascii, Payload::Mixed] {
        for len in [20, 125, 1 << 10, 16 << 10, 1 << 20] {
            let count = (STREAM / len).clamp(4, 8192);
            let bytes = tape::frames(kind, len, count);
            let play = |one: &codecs::Contestant| -> measure::Job<'static> {
                let mut codec = (one.make)(Tape::new(&bytes));
                Box::new(move || assert!(matches!(codec.play(), n if n==0 || n == len * count)))
            };
            let results = compare(codecs::ALL.iter().map(play).collect(), rounds);
            let names = codecs::ALL.each_ref().map(|one| one.name);
            let cell = format!("codec: {}, {}", size(len), kind.name());
            json.add(&cell, &names, &results, count);
            let each = results[0].least / count as f64;
            println!("| {len} B {} | {each:.1} |{}", kind.name(), cells(&results));
        }
    }
    println!("\nWhat each leaves out:\n\n- {}", left_out("\n- "));
}

fn left_out(between: &str) -> String {
    let told = codecs::ALL.iter().filter(|one| !one.skips.is_empty());
    let lines = told.map(|one| format!("{}: {}", one.name, one.skips));
    lines.collect::<Vec<_>>().join(between)
}

fn kernels(rounds: usize, json: &mut Results) {
    // A round is short here, so there are more.
    let rounds = rounds * 10;
    println!(
        "\nUnmasking in place, unaligned as behind a header; time ÷ that, median of {rounds} rounds\n"
    );
    println!("| bytes | unmask, ns | memcpy |\n|---|---:|---:|");
    for len in [
        64,
        128,
        256,
        1 << 10,
        4 << 10,
        16 << 10,
        64 << 10,
        256 << 10,
        512 << 10,
    ] {
        let results = kernels::unmasking(len, rounds);
        let cell = format!("unmask: {}", size(len));
        json.add(&cell, &["sockeye", "memcpy"], &results, 1);
        println!("| {len} | {:.1} |{}", results[0].least, cells(&results));
    }
    println!("\nA frame of text through the receiver; time ÷ that\n");
    println!(
        "| text | receiver, ns | unmask alone | unmask, then simdutf8 |\n|---|---:|---:|---:|"
    );
    for kind in [Payload::Ascii, Payload::Mixed] {
        for len in [64, 125, 1 << 10, 16 << 10, 64 << 10, 1 << 20] {
            let results = kernels::text(kind, len, rounds);
            let names = ["sockeye", "unmask alone", "unmask, then simdutf8"];
            let cell = format!("text: {}, {}", size(len), kind.name());
            json.add(&cell, &names, &results, 1);
            println!(
                "| {len} B {} | {:.1} |{}",
                kind.name(),
                results[0].least,
                cells(&results)
            );
        }
    }
    let results = decoding::decoding(rounds);
    json.add("frames: 20 B", &["sockeye"], &results, decoding::FRAMES);
    let each = results[0].least / decoding::FRAMES as f64;
    println!("\nA frame of 20 B of many in a buffer, decoded and unmasked: {each:.1} ns");
}

/// All but the first.
fn cells(results: &[Ratio]) -> String {
    let cell = |one: &Ratio| format!(" {:.2} ({:.2}-{:.2}) |", one.median, one.low, one.high);
    results.iter().skip(1).map(cell).collect()
}

/// As pages have it: 20 B, 16 KiB, 1 MiB.
fn size(bytes: usize) -> String {
    match bytes {
        big if big >= 1 << 20 && big.is_multiple_of(1 << 20) => format!("{} MiB", big >> 20),
        some if some >= 1 << 10 && some.is_multiple_of(1 << 10) => format!("{} KiB", some >> 10),
        small => format!("{small} B"),
    }
}
