//! Reads `wire.rows`, whose top says what a row may say.
//!
//! Not here: doing it.

use super::answers::Heard;
use super::rows::Expected;
use super::{heads, rows};
use core::time::Duration;

/// A row.
#[derive(Clone, Debug, Default)]
pub(crate) struct Row {
    pub(crate) name: String,
    pub(crate) shows: Vec<String>,
    pub(crate) script: Script,
}

/// What is done, in order.
#[derive(Clone, Debug, Default)]
pub(crate) struct Script(pub(crate) Vec<Step>);

#[derive(Clone, Debug)]
pub(crate) enum Step {
    Request(Change),
    Send(Vec<u8>),
    Drip(usize, Duration),
    Part,
    Quiet(Duration),
    Finish,
    Get(Want),
}

/// How a request differs from the good one.
#[derive(Clone, Debug)]
pub(crate) enum Change {
    None,
    Set(String),
    Drop(String),
    Add(String),
    /// Its last byte is missing.
    Hold,
}

#[derive(Clone, Debug)]
pub(crate) enum Want {
    Upgrade,
    Status(u16),
    Refusal,
    Frames(usize, Heard),
    End,
}

/// Reads a file of rows, or says which line is wrong and why.
pub(crate) fn parse(file: &str) -> Result<Vec<Row>, String> {
    let mut all: Vec<Row> = Vec::new();
    for (index, line) in file.lines().enumerate() {
        let line = line.trim();
        let (word, rest) = line.split_once(' ').unwrap_or((line, ""));
        let here = |why: String| format!("line {}: {why}: {line}", index + 1);
        if word.is_empty() || word.starts_with('#') {
            continue;
        }
        if word == "row" {
            if all.iter().any(|row| row.name == rest) {
                return Err(here("the name is taken".to_owned()));
            }
            all.push(Row {
                name: rest.to_owned(),
                ..Row::default()
            });
            continue;
        }
        let row = all
            .last_mut()
            .ok_or_else(|| here("no row yet".to_owned()))?;
        match word {
            "shows" => row.shows = rest.split(' ').map(str::to_owned).collect(),
            _ => row.script.0.extend(steps(word, rest.trim()).map_err(here)?),
        }
    }
    let waits = |row: &Row| matches!(row.script.0.last(), Some(Step::Get(_)));
    match all.iter().find(|row| row.shows.is_empty() || !waits(row)) {
        Some(row) => Err(format!("row {}: needs shows, and get at its end", row.name)),
        None => Ok(all),
    }
}

fn steps(word: &str, rest: &str) -> Result<Vec<Step>, String> {
    let millis = |text: &str| rows::number(text).map(|ms| Duration::from_millis(ms as u64));
    let step = match word {
        "open" => return Ok(vec![Step::Request(Change::None), Step::Get(Want::Upgrade)]),
        "request" => Step::Request(change(rest)?),
        "text" => Step::Send(heads::bytes(rest)?),
        "raw" | "in" => {
            let (times, rest) = rows::repeated(rest)?;
            Step::Send(rows::sent(word, rest)?.repeat(times))
        }
        "drip" => {
            let (size, pause) = rest.split_once(' ').ok_or("drip N MS")?;
            Step::Drip(rows::number(size)?.max(1), millis(pause)?)
        }
        "part" => Step::Part,
        "quiet" => Step::Quiet(millis(rest)?),
        "finish" => Step::Finish,
        "get" => Step::Get(want(rest)?),
        _ => return Err(format!("{word} is not a keyword")),
    };
    Ok(vec![step])
}

fn change(text: &str) -> Result<Change, String> {
    let (word, line) = text.split_once(' ').unwrap_or((text, ""));
    let line = line.to_owned();
    match word {
        "" => Ok(Change::None),
        "set" => Ok(Change::Set(line)),
        "drop" => Ok(Change::Drop(line)),
        "add" => Ok(Change::Add(line)),
        "hold" => Ok(Change::Hold),
        _ => Err("a request is changed by set, drop, add or hold".to_owned()),
    }
}

fn want(text: &str) -> Result<Want, String> {
    match text {
        "101" => return Ok(Want::Upgrade),
        "refusal" => return Ok(Want::Refusal),
        "end" => return Ok(Want::End),
        _ => {}
    }
    if let Ok(status) = text.parse() {
        return Ok(Want::Status(status));
    }
    let (times, frame) = rows::repeated(text)?;
    let heard = match rows::expected(frame)? {
        Expected::Text(data) => Heard::Text(data),
        Expected::Binary(data) => Heard::Binary(data),
        Expected::Pong(data) => Heard::Pong(data),
        Expected::Close(code, _) => Heard::Close(code),
        _ => return Err("a server sends messages, pongs and a Close frame".to_owned()),
    };
    Ok(Want::Frames(times, heard))
}

#[cfg(test)]
mod tests {
    use super::parse;

    #[test]
    fn the_rows_are_read_and_wrong_ones_are_not() {
        let rows = parse(include_str!("../../../../tests/rows/wire.rows")).unwrap();
        assert!(rows.len() > 40, "{}", rows.len());
        for bad in [
            "open",
            "row a\nrow a",
            "row a\nshows x\nopen\nfinish",
            "row a\nget end",
            "row a\nshows x\nget part text a",
            "row a\nshows x\nfly\nget end",
            "row a\nshows x\nrequest turn\nget end",
        ] {
            assert!(parse(bad).is_err(), "{bad}");
        }
    }
}
