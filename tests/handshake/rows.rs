//! Reads the row files; their format is described at their top.

use std::io::Write;

/// One row: its name, where it begins, and its directives in order.
pub(crate) struct Row {
    pub(crate) name: String,
    pub(crate) line: usize,
    pub(crate) input: Vec<u8>,
    directives: Vec<(String, String)>,
}

impl Row {
    /// The value of a directive as text, still escaped.
    pub(crate) fn text(&self, directive: &str) -> Option<&str> {
        self.directives
            .iter()
            .find(|(name, _)| name == directive)
            .map(|(_, value)| value.as_str())
    }

    pub(crate) fn words(&self, directive: &str) -> Vec<&str> {
        self.text(directive)
            .unwrap_or_default()
            .split_whitespace()
            .collect()
    }
}

const KNOWN: &str = "ids start set drop first add many pad before after raw supports origin want at accept protocol path \
    query host offered extensions left protocols offers told body";

pub(crate) fn load(file: &str) -> Vec<Row> {
    let mut base = Vec::new();
    let mut rows: Vec<Row> = Vec::new();
    for (index, line) in file.lines().enumerate() {
        let (word, rest) = line.split_once(' ').unwrap_or((line, ""));
        match word {
            "" | "#" => {}
            "base" => base.push(rest.to_owned()),
            "row" => rows.push(Row {
                name: rest.to_owned(),
                line: index + 1,
                input: Vec::new(),
                directives: Vec::new(),
            }),
            _ => {
                assert!(
                    KNOWN.split_whitespace().any(|known| known == word),
                    "line {}: {word}?",
                    index + 1
                );
                let row = rows.last_mut().expect("a row");
                row.directives.push((word.to_owned(), rest.to_owned()));
            }
        }
    }
    if cfg!(miri) {
        rows = rows.into_iter().step_by(11).collect();
    }
    for row in &mut rows {
        row.input = build(&base, &row.directives);
        assert!(
            !row.words("ids").is_empty() && !row.words("want").is_empty(),
            "{} is not whole",
            row.name
        );
    }
    if cfg!(miri) {
        // Byte by byte, a head of thousands takes minutes.
        rows.retain(|row| row.input.len() <= 500);
    }
    let mut names: Vec<&str> = rows.iter().map(|row| row.name.as_str()).collect();
    names.sort_unstable();
    assert!(
        names.windows(2).all(|pair| pair[0] != pair[1]),
        "two rows of one name"
    );
    rows
}

fn build(base: &[String], directives: &[(String, String)]) -> Vec<u8> {
    if let Some((_, raw)) = directives.iter().find(|(word, _)| word == "raw") {
        return bytes(raw);
    }
    let mut lines: Vec<Vec<u8>> = base.iter().map(|line| bytes(line)).collect();
    let (mut before, mut after, mut pad) = (Vec::new(), Vec::new(), None);
    for (word, value) in directives {
        match word.as_str() {
            "start" => lines[0] = bytes(value),
            "set" => {
                let at = find(&lines, value.split(':').next().unwrap());
                lines[at] = bytes(value);
            }
            "drop" => {
                let at = find(&lines, value);
                lines.remove(at);
            }
            "first" => lines.insert(1, bytes(value)),
            "add" => lines.push(bytes(value)),
            "many" => {
                let (count, line) = value.split_once(' ').unwrap();
                for number in 0..count.parse().unwrap() {
                    lines.push(bytes(&line.replace('%', &format!("{number}"))));
                }
            }
            "pad" => pad = Some(value.parse::<usize>().unwrap()),
            "before" => before = bytes(value),
            "after" => after = bytes(value),
            _ => {}
        }
    }
    if let Some(size) = pad {
        let have: usize = before.len() + lines.iter().map(|line| line.len() + 2).sum::<usize>() + 2;
        let mut line = b"X-Pad: ".to_vec();
        line.resize(size - have - 2, b'a');
        lines.push(line);
    }
    let mut input = before;
    for line in lines {
        input.extend_from_slice(&line);
        input.extend_from_slice(b"\r\n");
    }
    input.extend_from_slice(b"\r\n");
    input.extend_from_slice(&after);
    input
}

fn find(lines: &[Vec<u8>], name: &str) -> usize {
    let is = |line: &Vec<u8>| {
        line.split(|&byte| byte == b':')
            .next()
            .unwrap()
            .eq_ignore_ascii_case(name.as_bytes())
    };
    lines
        .iter()
        .position(is)
        .unwrap_or_else(|| panic!("no line {name} in the base"))
}

/// Undoes the escapes.
pub(crate) fn bytes(text: &str) -> Vec<u8> {
    let mut out = Vec::new();
    let mut rest = text;
    while let Some(at) = rest.find('\\') {
        out.extend_from_slice(&rest.as_bytes()[..at]);
        let code = rest.as_bytes()[at + 1];
        rest = &rest[at + 2..];
        match code {
            b'r' => out.push(b'\r'),
            b'n' => out.push(b'\n'),
            b't' => out.push(b'\t'),
            b's' => out.push(b' '),
            b'0' => out.push(0),
            b'\\' => out.push(b'\\'),
            b'x' => {
                out.push(u8::from_str_radix(&rest[..2], 16).unwrap());
                rest = &rest[2..];
            }
            b'{' => {
                let (inside, behind) = rest.split_once('}').unwrap();
                let (count, text) = inside.split_once('*').unwrap();
                out.extend(bytes(text).repeat(count.parse().unwrap()));
                rest = behind;
            }
            _ => panic!("unknown escape in {text}"),
        }
    }
    out.extend_from_slice(rest.as_bytes());
    out
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
