//! Loads the row files and runs their rows; their format is described at their top.

#[path = "../../src/bin/sockeye/attack/heads.rs"]
mod heads;

pub(crate) use heads::Row;

use std::io::Write;

/// The rows of a file. Under Miri, some of them.
pub(crate) fn load(file: &str) -> Vec<Row> {
    let mut rows = heads::parse(file, str::to_owned).unwrap_or_else(|why| panic!("{why}"));
    if cfg!(miri) {
        rows = rows.into_iter().step_by(11).collect();
        // Byte by byte, a head of thousands takes minutes.
        rows.retain(|row| row.input.len() <= 500);
    }
    rows
}

/// Splits are tried in steps of this size: all of them, except under Miri, which is thousands of times slower. There
/// only one row in eleven is loaded, too.
const STRIDE: usize = if cfg!(miri) { 61 } else { 1 };

/// What came out, and after how many bytes.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Outcome {
    pub(crate) at: usize,
    pub(crate) verdict: Vec<(&'static str, String)>,
}

/// Runs a row whole, at every split and byte by byte. `run` is given the ends of the reads and stops at the first
/// result; the verdict must never depend on them, and byte by byte tells where it came.
pub(crate) fn replay(
    row: &Row,
    run: impl Fn(&[u8], &mut dyn Iterator<Item = usize>) -> Outcome,
) -> Outcome {
    let len = row.input.len();
    let whole = run(&row.input, &mut [len].into_iter());
    for split in (0..=len).step_by(STRIDE) {
        let split_run = run(&row.input, &mut [split, len].into_iter());
        assert_eq!(
            split_run.verdict, whole.verdict,
            "{} (line {}) split at {split}",
            row.name, row.line
        );
    }
    let bytewise = run(&row.input, &mut (0..=len));
    assert_eq!(
        bytewise.verdict, whole.verdict,
        "{} (line {}) byte by byte",
        row.name, row.line
    );
    bytewise
}

/// Tells how much was tried: to the real stderr, as a test that passes keeps what it prints to itself.
pub(crate) fn tell(rows: &[Row], kind: &str) {
    // As `replay` does: whole, byte by byte, and at each split.
    let replays: usize = rows.iter().map(|row| row.input.len() / STRIDE + 3).sum();
    let _ = writeln!(
        std::io::stderr(),
        "{} {kind} rows, {replays} replays",
        rows.len()
    );
}

/// Compares what came out with what the row says.
pub(crate) fn check(row: &Row, outcome: &Outcome) {
    for (name, got) in &outcome.verdict {
        let Some(want) = row.text(name) else { continue };
        assert_eq!(
            got, want,
            "{} (line {}): {name}\n{outcome:?}",
            row.name, row.line
        );
    }
    for name in [
        "accept",
        "protocol",
        "path",
        "query",
        "host",
        "offered",
        "extensions",
        "left",
        "told",
        "body",
    ] {
        let known = outcome.verdict.iter().any(|(got, _)| *got == name);
        assert!(
            known || row.text(name).is_none(),
            "{} (line {}): no {name} came out",
            row.name,
            row.line
        );
    }
    if let Some(at) = row.text("at") {
        assert_eq!(
            outcome.at.to_string(),
            at,
            "{} (line {}): refused at another byte",
            row.name,
            row.line
        );
    }
}

/// `name;param=value|name`, as the rows write extensions.
pub(crate) fn extensions(list: sockeye::proto::handshake::Extensions<'_, '_>) -> String {
    let texts: Vec<String> = list
        .map(|extension| {
            let mut text = extension.name().to_owned();
            for param in extension.params() {
                text += ";";
                text += param.name;
                if let Some(value) = param.value {
                    text += "=";
                    text += &value;
                }
            }
            text
        })
        .collect();
    or_dash(texts.join("|"))
}

pub(crate) fn or_dash(text: String) -> String {
    if text.is_empty() {
        "-".to_owned()
    } else {
        text
    }
}
