//! Reads the row files of `tests/rows`. What a row may say stands at the top of `frames.rows`.

use super::wire;
use sockeye::proto::{Delivery, Role};

/// One block of a row file.
#[derive(Clone, Debug, Default)]
pub(crate) struct Row {
    pub(crate) name: String,
    /// The heading above it.
    #[allow(dead_code, reason = "reports name it, and tests do not")]
    pub(crate) section: String,
    pub(crate) shows: Vec<String>,
    pub(crate) roles: Vec<Role>,
    pub(crate) with: With,
    pub(crate) input: Vec<Input>,
    pub(crate) events: Vec<Expected>,
    pub(crate) out: Vec<Expected>,
    pub(crate) fail: Option<Fail>,
}

/// The configuration a row asks for.
#[derive(Clone, Debug, Default)]
pub(crate) struct With {
    pub(crate) max_frame: Option<u64>,
    pub(crate) max_message: Option<u64>,
    pub(crate) max_fragments: Option<u32>,
    pub(crate) delivery: Delivery,
    pub(crate) auto_pong_off: bool,
    pub(crate) echo: bool,
    pub(crate) close_first: Option<u16>,
    /// What was agreed on, in both directions.
    pub(crate) deflate: Option<Deflate>,
}

/// The parameters of permessage-deflate.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Deflate {
    pub(crate) window_bits: u8,
    pub(crate) takeover: bool,
}

/// Something the peer sends.
#[derive(Clone, Debug)]
pub(crate) struct Input {
    head: Vec<u8>,
    /// `None` where the frame stops inside its header, or the bytes are raw.
    payload: Option<Vec<u8>>,
    raw: bool,
    mark: Option<Mark>,
}

#[derive(Clone, Copy, Debug)]
enum Mark {
    Head(usize),
    Payload(usize),
}

/// An event, or a frame written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Expected {
    Text(Vec<u8>),
    Binary(Vec<u8>),
    Ping(Vec<u8>),
    Pong(Vec<u8>),
    Close(Option<u16>, Vec<u8>),
    Part(Part),
}

/// A frame's pieces taken together.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Part {
    pub(crate) text: bool,
    pub(crate) data: Vec<u8>,
    pub(crate) starts_message: bool,
    pub(crate) ends_frame: bool,
    pub(crate) ends_message: bool,
}

/// The violation that ends the row.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Fail {
    pub(crate) code: u16,
    pub(crate) name: String,
}

/// What goes over the wire.
#[derive(Clone, Debug, Default)]
pub(crate) struct Wire {
    pub(crate) bytes: Vec<u8>,
    /// Where frames begin and payloads begin.
    pub(crate) joints: Vec<usize>,
    /// How many bytes it takes until the violation is reported.
    pub(crate) mark: Option<usize>,
}

impl Row {
    /// The bytes the peer of `under_test` sends.
    pub(crate) fn wire(&self, under_test: Role) -> Wire {
        let mut wire = Wire::default();
        for (i, input) in self.input.iter().enumerate() {
            let start = wire.bytes.len();
            wire.joints.push(start);
            let seed = u32::try_from(i)
                .expect("row length")
                .wrapping_mul(0x9E37_79B9);
            let key = (0x37FA_213D_u32 ^ seed).to_be_bytes();
            let key_len = match (&input.payload, input.raw) {
                (Some(payload), false) => {
                    wire::seal(under_test, &input.head, payload, key, &mut wire.bytes);
                    if under_test == Role::Server { 4 } else { 0 }
                }
                _ => {
                    wire.bytes.extend_from_slice(&input.head);
                    if !input.raw && under_test == Role::Server && input.head.len() > 1 {
                        wire.bytes[start + 1] |= 0x80;
                    }
                    0
                }
            };
            wire.joints.push(start + input.head.len() + key_len);
            match input.mark {
                Some(Mark::Head(n)) => wire.mark = Some(start + n),
                Some(Mark::Payload(n)) => {
                    wire.mark = Some(start + input.head.len() + key_len + n);
                }
                None => {}
            }
        }
        wire
    }
}

/// What `raw` and `in` send to a server.
#[allow(dead_code, reason = "for rows of other files")]
pub(crate) fn sent(word: &str, rest: &str) -> Result<Vec<u8>, String> {
    let input = match word {
        "raw" => raw(rest)?,
        _ => input(rest)?,
    };
    let row = Row {
        input: vec![input],
        ..Row::default()
    };
    Ok(row.wire(Role::Server).bytes)
}

/// Reads a file of rows, or says which line is wrong and why.
pub(crate) fn parse(file: &str) -> Result<Vec<Row>, String> {
    let mut rows: Vec<Row> = Vec::new();
    let (mut section, mut above) = ("", "#");
    for (number, line) in file.lines().enumerate() {
        let line = line.trim();
        if let Some(heading) = line.strip_prefix("# ")
            && above.is_empty()
        {
            section = heading;
        }
        above = line;
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        let (word, rest) = line.split_once(' ').unwrap_or((line, ""));
        let here = |why: String| format!("line {}: {why}: {line}", number + 1);
        if word == "row" {
            if rows.iter().any(|row| row.name == rest) {
                return Err(here("the name is taken".into()));
            }
            rows.push(Row {
                name: rest.to_owned(),
                section: section.to_owned(),
                ..Row::default()
            });
            continue;
        }
        let row = rows.last_mut().ok_or_else(|| here("no row yet".into()))?;
        parse_line(row, word, rest.trim()).map_err(here)?;
    }
    for row in &rows {
        let complete = !row.roles.is_empty() && !row.shows.is_empty() && !row.input.is_empty();
        if !complete {
            return Err(format!("row {}: needs shows, role and in", row.name));
        }
        let marks = row.input.iter().filter(|input| input.mark.is_some());
        if marks.count() != usize::from(row.fail.is_some()) {
            return Err(format!("row {}: one mark where it fails", row.name));
        }
    }
    Ok(rows)
}

fn parse_line(row: &mut Row, word: &str, rest: &str) -> Result<(), String> {
    match word {
        "shows" => row.shows.extend(rest.split(' ').map(str::to_owned)),
        "role" => {
            row.roles = match rest {
                "server" => vec![Role::Server],
                "client" => vec![Role::Client],
                "both" => vec![Role::Server, Role::Client],
                _ => return Err("the role is server, client or both".into()),
            }
        }
        "with" => {
            for setting in rest.split(' ') {
                set(&mut row.with, setting)?;
            }
        }
        "in" => {
            let (times, rest) = repeated(rest)?;
            row.input.extend(std::iter::repeat_n(input(rest)?, times));
        }
        "raw" => row.input.push(raw(rest)?),
        "event" => {
            let (times, rest) = repeated(rest)?;
            row.events
                .extend(std::iter::repeat_n(expected(rest)?, times));
        }
        "out" => {
            let (times, rest) = repeated(rest)?;
            row.out.extend(std::iter::repeat_n(expected(rest)?, times));
        }
        "fail" => {
            let (code, name) = rest.split_once(' ').ok_or("fail CODE Violation")?;
            let code = code.parse().map_err(|_| "not a close code")?;
            row.fail = Some(Fail {
                code,
                name: name.to_owned(),
            });
        }
        _ => return Err(format!("{word} is not a keyword")),
    }
    Ok(())
}

/// `xN` in front of what is to be taken N times.
pub(crate) fn repeated(text: &str) -> Result<(usize, &str), String> {
    let Some(text) = text.strip_prefix('x') else {
        return Ok((1, text));
    };
    let (times, text) = text.split_once(' ').ok_or("nothing to repeat")?;
    Ok((number(times)?, text))
}

fn set(with: &mut With, setting: &str) -> Result<(), String> {
    let (name, value) = setting.split_once('=').ok_or("settings are name=value")?;
    let number = || value.parse::<u64>().map_err(|_| "not a number");
    match (name, value) {
        ("max-frame", _) => with.max_frame = Some(number()?),
        ("max-message", _) => with.max_message = Some(number()?),
        ("max-fragments", _) => {
            with.max_fragments = Some(value.parse().map_err(|_| "not a number")?);
        }
        ("delivery", "frames") => with.delivery = Delivery::Frames,
        ("delivery", "chunks") => with.delivery = Delivery::Chunks,
        ("auto-pong", "off") => with.auto_pong_off = true,
        ("echo", "on") => with.echo = true,
        ("close-first", _) => {
            with.close_first = Some(value.parse().map_err(|_| "not a close code")?);
        }
        ("deflate" | "deflate-alone", _) => {
            with.deflate = Some(Deflate {
                window_bits: value.parse().map_err(|_| "not a number of bits")?,
                takeover: name == "deflate",
            });
        }
        _ => return Err(format!("no setting {setting}")),
    }
    Ok(())
}

fn raw(text: &str) -> Result<Input, String> {
    let (head, mark) = marked(text)?;
    Ok(Input {
        head,
        payload: None,
        raw: true,
        mark: mark.map(Mark::Head),
    })
}

fn input(text: &str) -> Result<Input, String> {
    let Some((head, payload)) = text.split_once('|') else {
        let (head, mark) = marked(text)?;
        return Ok(Input {
            head,
            payload: None,
            raw: false,
            mark: mark.map(Mark::Head),
        });
    };
    let (head, in_head) = marked(head)?;
    let (payload, in_payload) = marked(payload)?;
    Ok(Input {
        head,
        payload: Some(payload),
        raw: false,
        mark: in_head
            .map(Mark::Head)
            .or_else(|| in_payload.map(Mark::Payload)),
    })
}

pub(crate) fn expected(text: &str) -> Result<Expected, String> {
    let (kind, rest) = text.split_once(' ').unwrap_or((text, ""));
    Ok(match kind {
        "text" => Expected::Text(bytes(rest)?),
        "binary" => Expected::Binary(bytes(rest)?),
        "ping" => Expected::Ping(bytes(rest)?),
        "pong" => Expected::Pong(bytes(rest)?),
        "close" => {
            let (code, reason) = rest.split_once(' ').unwrap_or((rest, ""));
            let code = match code {
                "none" => None,
                code => Some(code.parse().map_err(|_| "not a close code")?),
            };
            Expected::Close(code, bytes(reason)?)
        }
        "part" => {
            let mut part = Part {
                text: rest.starts_with("text"),
                data: Vec::new(),
                starts_message: false,
                ends_frame: true,
                ends_message: false,
            };
            let mut rest = rest
                .strip_prefix("text")
                .or_else(|| rest.strip_prefix("binary"))
                .ok_or("a part is text or binary")?
                .trim_start();
            loop {
                let (flag, more) = rest.split_once(' ').unwrap_or((rest, ""));
                match flag {
                    "first" => part.starts_message = true,
                    "last" => part.ends_message = true,
                    "open" => part.ends_frame = false,
                    _ => break,
                }
                rest = more.trim_start();
            }
            part.data = bytes(rest)?;
            Expected::Part(part)
        }
        _ => return Err(format!("{kind} is neither an event nor a frame")),
    })
}

/// Bytes without a mark.
fn bytes(text: &str) -> Result<Vec<u8>, String> {
    match marked(text)? {
        (bytes, None) => Ok(bytes),
        (_, Some(_)) => Err("a mark is for input".into()),
    }
}

/// Bytes, and how many of them stand before the mark.
fn marked(text: &str) -> Result<(Vec<u8>, Option<usize>), String> {
    let mut out = Vec::new();
    let mut mark = None;
    let mut times = 1;
    let mut rest = text.trim_start();
    while let Some(first) = rest.chars().next() {
        let end = match first {
            '^' => {
                mark = Some(out.len());
                1
            }
            '"' => {
                let len = rest[1..].find('"').ok_or("a string has no end")?;
                let string = &rest.as_bytes()[1..=len];
                for _ in 0..times {
                    out.extend_from_slice(string);
                }
                len + 2
            }
            _ => rest
                .find(|c: char| c.is_whitespace() || c == '^' || c == '"')
                .unwrap_or(rest.len()),
        };
        let (token, more) = rest.split_at(end);
        rest = more.trim_start();
        match first {
            '^' => {}
            '*' => {
                times = number(&token[1..])?;
                continue;
            }
            '~' => out.extend((0..=250).cycle().take(number(&token[1..])?)),
            '"' => times = 1,
            _ => {
                let run = hex(token)?;
                for _ in 0..times {
                    out.extend_from_slice(&run);
                }
                times = 1;
            }
        }
    }
    Ok((out, mark))
}

fn hex(token: &str) -> Result<Vec<u8>, String> {
    let digits: Option<Vec<u8>> = token
        .chars()
        .map(|c| c.to_digit(16).and_then(|d| u8::try_from(d).ok()))
        .collect();
    let digits = digits.ok_or_else(|| format!("{token} is not hex"))?;
    let (pairs, odd) = digits.as_chunks::<2>();
    if !odd.is_empty() {
        return Err(format!("{token} has an odd digit"));
    }
    Ok(pairs.iter().map(|[high, low]| high << 4 | low).collect())
}

pub(crate) fn number(text: &str) -> Result<usize, String> {
    text.parse().map_err(|_| format!("{text} is not a number"))
}
