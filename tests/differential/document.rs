//! `docs/divergences.md`, as the table and the counts of the last long runs have it.
//!
//! `SOCKEYE_DIVERGENCES=write` has a run write its counts there.
//!
//! Not here: the table.

use crate::divergences::TABLE;
use crate::runs::Tally;
use std::fmt::Write;
use std::path::PathBuf;
use std::sync::Mutex;
use std::{env, fs};

/// What long runs came to.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Counts {
    /// Streams that the literal decoder read.
    literal: u64,
    /// Those where two inflaters saw at another byte that a message is corrupt.
    corrupt: u64,
    /// Streams that `tungstenite` read.
    tungstenite: u64,
    /// Those that it read as we do.
    same: u64,
    rows: [u64; TABLE.len()],
}

/// Marks in front of the numbers that are not in the table.
const LITERAL: &str = "Streams read by the literal decoder: ";
const CORRUPT: &str = "Corrupt for one inflater at another byte than for the other: ";
const TUNGSTENITE: &str = "Streams read by tungstenite: ";
const SAME: &str = "Read in the same way, and the same answered: ";

pub(crate) const CORRUPTION: &str = "corrupt for one inflater sooner than for the other";
pub(crate) const THE_SAME: &str = "the same";

/// Two tests write it.
static WRITING: Mutex<()> = Mutex::new(());

fn path() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("docs/divergences.md")
}

pub(crate) fn note_literal(streams: u64, tally: &Tally) {
    note(|counts| {
        counts.literal = streams;
        counts.corrupt = tally.get(CORRUPTION).copied().unwrap_or(0);
    });
}

pub(crate) fn note_tungstenite(streams: u64, tally: &Tally) {
    note(|counts| {
        counts.tungstenite = streams;
        counts.same = tally.get(THE_SAME).copied().unwrap_or(0);
        for (count, row) in counts.rows.iter_mut().zip(&TABLE) {
            *count = tally.get(row.name).copied().unwrap_or(0);
        }
    });
}

fn note(change: impl FnOnce(&mut Counts)) {
    if env::var("SOCKEYE_DIVERGENCES").is_ok_and(|mode| mode == "write") {
        let _turn = WRITING.lock();
        let mut counts = Counts::read(&fs::read_to_string(path()).unwrap_or_default());
        change(&mut counts);
        fs::write(path(), counts.document()).expect("the document can be written");
    }
}

impl Counts {
    fn read(document: &str) -> Self {
        let behind = |mark: &str| {
            let line = document.lines().find_map(|line| line.strip_prefix(mark));
            line.map_or(0, number)
        };
        let mut counts = Self {
            literal: behind(LITERAL),
            corrupt: behind(CORRUPT),
            tungstenite: behind(TUNGSTENITE),
            same: behind(SAME),
            rows: [0; TABLE.len()],
        };
        for (count, row) in counts.rows.iter_mut().zip(&TABLE) {
            let mut lines = document.lines();
            let line = lines.find(|line| line.contains(row.name));
            let cell = line.and_then(|line| line.trim_end_matches(" |").rsplit(" | ").next());
            *count = cell.map_or(0, number);
        }
        counts
    }

    fn document(&self) -> String {
        let mut text = String::from(
            "# Where others read the same bytes in another way\n\n\
             Random streams are read by the crate and by others: conversations that are right, and what is left of them\n\
             when lengths, masks, codes, text, the order of frames or single bits were changed. Which streams these are\n\
             depends on the number of each alone. `tests/differential` has it all, and writes this page:\n\n\
             ```sh\n\
             SOCKEYE_DIVERGENCES=write SOCKEYE_STREAMS=10000000 \\\n    \
             cargo test --release --no-default-features --features deflate --test differential\n\
             ```\n\n\
             ## The literal decoder\n\n\
             `tests/support/reference` reads the RFCs one byte at a time. What is heard, in which piece of the bytes, what\n\
             is wrong and in which piece, every byte that is answered, and the state of the connection are the same: in\n\
             both roles, as whole messages, as frames and as chunks, with several limits, with and without compression,\n\
             in any pieces.\n\n",
        );
        let spaced = spaced;
        let _ = writeln!(text, "{LITERAL}{}\n", spaced(self.literal));
        let _ = writeln!(text, "{CORRUPT}{}\n", spaced(self.corrupt));
        text.push_str(
            "The literal decoder leaves DEFLATE to `miniz_oxide`. Where parts of a message are delivered, two libraries\n\
             may see at another byte that a message is corrupt; what was heard before that message is the same. Where it\n\
             is delivered whole, it may be too big for one before it is corrupt: a block that has no code for its end is\n\
             corrupt for us from its head on.\n\n\
             ## tungstenite 0.30\n\n\
             What is heard, how it ends and what is answered is compared, without compression, which it does not have.\n\
             Each difference falls under one of these rows, or the test fails; and each row occurs, or the test fails.\n\n",
        );
        let _ = writeln!(text, "{TUNGSTENITE}{}\n", spaced(self.tungstenite));
        let _ = writeln!(text, "{SAME}{}\n", spaced(self.same));
        text.push_str("| what | clause | tungstenite | Sockeye | who is right | streams |\n");
        text.push_str("|---|---|---|---|---|---|\n");
        for (row, count) in TABLE.iter().zip(self.rows) {
            let (name, clause, right) = (row.name, row.clause, row.right);
            let (theirs, ours, count) = (row.theirs, row.ours, spaced(count));
            let _ = writeln!(
                text,
                "| {name} | {clause} | {theirs} | {ours} | {right} | {count} |"
            );
        }
        text
    }
}

/// Digits in threes.
fn spaced(number: u64) -> String {
    let digits = number.to_string();
    let mut spaced = String::new();
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            spaced.push(' ');
        }
        spaced.push(digit);
    }
    spaced
}

fn number(text: &str) -> u64 {
    let digits: String = text.chars().filter(|c| *c != ' ').collect();
    digits.parse().unwrap_or(0)
}

#[test]
fn the_document_is_what_the_table_says() {
    let document = fs::read_to_string(path()).unwrap();
    let counts = Counts::read(&document);
    assert_eq!(
        document,
        counts.document(),
        "docs/divergences.md was written by hand"
    );
    assert!(counts.literal >= 1_000_000 && counts.tungstenite >= 100_000);
    for (row, count) in TABLE.iter().zip(counts.rows) {
        assert!(count > 0, "never: {}", row.name);
    }
}
