//! Sockeye's permessage-deflate beside the libraries that compress: the same messages, in memory, in one process.
//!
//! Not here: sockets and servers, which are the program beside this one; larger messages, which the library compresses
//! in any case (`benches/core/deflate.rs`).
#![forbid(unsafe_code)]

#[path = "../../../core/compressed.rs"]
#[allow(unreachable_pub, reason = "shared with benchmarks, where all is `pub`")]
mod compressed;
mod conversations;
#[path = "../../codec/src/json.rs"]
mod json;
mod libraries;
#[path = "../../codec/src/measure.rs"]
mod measure;
#[path = "../../../../tests/support/json.rs"]
mod messages;
mod short;
#[path = "../../src/stats.rs"]
#[allow(dead_code, reason = "shared; only a part is needed here")]
mod stats;

use json::Results;
use measure::Ratio;
use std::env;
use std::path::PathBuf;
use std::process::ExitCode;

const HELP: &str = "\
Compresses and inflates the same messages of JSON with Sockeye and with libraries alone, in memory and in one process,
and prints the ratio of each one's time to Sockeye's: the median over interleaved rounds, and its 95% interval.

usage: benches/versus/deflate/run [--rounds N] [--json FILE]

examples:
  benches/versus/deflate/run                        some seconds
  benches/versus/deflate/run --rounds 1001          a minute or so
  benches/versus/deflate/run --json FILE            as `benches/versus/run all` reads it, too
  taskset -c 1 benches/versus/deflate/run > FILE    on one core, as Markdown
";

/// So many messages of each of the four kinds; a job has all of them.
const OF_EACH: usize = 16;

fn main() -> ExitCode {
    let (mut rounds, mut json) = (101, None);
    let mut args = env::args().skip(1);
    while let Some(arg) = args.next() {
        match (arg.as_str(), args.next()) {
            ("--rounds", Some(number)) => match number.parse() {
                Ok(number @ 1..) => rounds = number,
                _ => return usage(),
            },
            ("--json", Some(file)) => json = Some(PathBuf::from(file)),
            ("--help" | "-h", None) => {
                print!("{HELP}");
                return ExitCode::SUCCESS;
            }
            _ => return usage(),
        }
    }
    let mut results = Results::default();
    short::compare_all(rounds, &mut results);
    conversations::compare_all(rounds, &mut results);
    let Some(path) = json else {
        return ExitCode::SUCCESS;
    };
    match results.write(&path, "") {
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

/// A line of a table: what one message takes ours, and the others' ratios.
fn line(label: &str, results: &[Ratio], each: usize) {
    let own = results[0].least / each as f64;
    let cell = |one: &Ratio| format!(" {:.2} ({:.2}-{:.2}) |", one.median, one.low, one.high);
    let others: String = results.iter().skip(1).map(cell).collect();
    println!("| {label} | {own:.0} |{others}");
}

fn head(what: &str, names: &[&str]) {
    let rule = "---:|".repeat(names.len());
    println!("\n{what}\n\n| | {} |\n|---|{rule}", names.join(" | "));
}
