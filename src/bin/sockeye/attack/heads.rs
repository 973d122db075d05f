//! Reads the row files about heads: `handshake_server.rows`, whose top says what a row may say, and those like it.
//!
//! Not here: what a row asks for, but for its input.

/// One row: its name, where it begins, and its directives in order.
#[derive(Clone, Debug)]
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

/// Reads a file of rows, or says which row is wrong and why. `rebase` may change the lines that every row starts from,
/// and the request line of a row.
pub(crate) fn parse(file: &str, rebase: impl Fn(&str) -> String) -> Result<Vec<Row>, String> {
    let mut base = Vec::new();
    let mut rows: Vec<Row> = Vec::new();
    for (index, line) in file.lines().enumerate() {
        let (word, rest) = line.split_once(' ').unwrap_or((line, ""));
        let here = |why: &str| format!("line {}: {why}: {line}", index + 1);
        match word {
            "" | "#" => {}
            "base" => base.push(rebase(rest)),
            "row" => rows.push(Row {
                name: rest.to_owned(),
                line: index + 1,
                input: Vec::new(),
                directives: Vec::new(),
            }),
            _ if KNOWN.split_whitespace().any(|known| known == word) => {
                let row = rows.last_mut().ok_or_else(|| here("no row yet"))?;
                let value = match word {
                    "start" => rebase(rest),
                    _ => rest.to_owned(),
                };
                row.directives.push((word.to_owned(), value));
            }
            _ => return Err(here("not a directive")),
        }
    }
    for row in &mut rows {
        let wrong = |why: String| format!("{} (line {}): {why}", row.name, row.line);
        row.input = build(&base, &row.directives).map_err(wrong)?;
        if row.words("ids").is_empty() || row.words("want").is_empty() {
            return Err(wrong("needs ids and want".to_owned()));
        }
    }
    let mut names: Vec<&str> = rows.iter().map(|row| row.name.as_str()).collect();
    names.sort_unstable();
    match names.windows(2).find(|pair| pair[0] == pair[1]) {
        Some(pair) => Err(format!("two rows of the name {}", pair[0])),
        None => Ok(rows),
    }
}

fn build(base: &[String], directives: &[(String, String)]) -> Result<Vec<u8>, String> {
    if let Some((_, raw)) = directives.iter().find(|(word, _)| word == "raw") {
        return bytes(raw);
    }
    let mut lines = base
        .iter()
        .map(|line| bytes(line))
        .collect::<Result<Vec<_>, _>>()?;
    let (mut before, mut after, mut pad) = (Vec::new(), Vec::new(), None);
    for (word, value) in directives {
        match word.as_str() {
            "start" => *lines.first_mut().ok_or("no base")? = bytes(value)?,
            "set" => {
                let at = find(&lines, value.split(':').next().unwrap_or_default())?;
                lines[at] = bytes(value)?;
            }
            "drop" => {
                let at = find(&lines, value)?;
                lines.remove(at);
            }
            "first" => lines.insert(1, bytes(value)?),
            "add" => lines.push(bytes(value)?),
            "many" => {
                let (count, line) = value.split_once(' ').ok_or("many N LINE")?;
                for index in 0..number(count)? {
                    lines.push(bytes(&line.replace('%', &format!("{index}")))?);
                }
            }
            "pad" => pad = Some(number(value)?),
            "before" => before = bytes(value)?,
            "after" => after = bytes(value)?,
            _ => {}
        }
    }
    if let Some(size) = pad {
        let have: usize = before.len() + lines.iter().map(|line| line.len() + 2).sum::<usize>() + 2;
        let mut line = b"X-Pad: ".to_vec();
        let room = size.checked_sub(have + 2).ok_or("no room for padding")?;
        line.resize(room, b'a');
        lines.push(line);
    }
    let mut input = before;
    for line in lines {
        input.extend_from_slice(&line);
        input.extend_from_slice(b"\r\n");
    }
    input.extend_from_slice(b"\r\n");
    input.extend_from_slice(&after);
    Ok(input)
}

fn find(lines: &[Vec<u8>], name: &str) -> Result<usize, String> {
    let is = |line: &Vec<u8>| {
        let found = line.split(|&byte| byte == b':').next();
        found.is_some_and(|found| found.eq_ignore_ascii_case(name.as_bytes()))
    };
    lines
        .iter()
        .position(is)
        .ok_or_else(|| format!("no line {name} in the base"))
}

/// Undoes the escapes.
pub(crate) fn bytes(text: &str) -> Result<Vec<u8>, String> {
    let mut out = Vec::new();
    let mut rest = text;
    while let Some((before, escape)) = rest.split_once('\\') {
        out.extend_from_slice(before.as_bytes());
        let mut chars = escape.chars();
        let code = chars.next().ok_or("a backslash at the end")?;
        rest = chars.as_str();
        match code {
            'r' => out.push(b'\r'),
            'n' => out.push(b'\n'),
            't' => out.push(b'\t'),
            's' => out.push(b' '),
            '0' => out.push(0),
            '\\' => out.push(b'\\'),
            'x' => {
                let (digits, behind) = rest.split_at_checked(2).ok_or("two digits behind \\x")?;
                out.push(u8::from_str_radix(digits, 16).map_err(|error| error.to_string())?);
                rest = behind;
            }
            '{' => {
                let (inside, behind) = rest.split_once('}').ok_or("\\{N*TEXT}")?;
                let (count, text) = inside.split_once('*').ok_or("\\{N*TEXT}")?;
                out.extend(bytes(text)?.repeat(number(count)?));
                rest = behind;
            }
            _ => return Err(format!("unknown escape in {text}")),
        }
    }
    out.extend_from_slice(rest.as_bytes());
    Ok(out)
}

fn number(text: &str) -> Result<usize, String> {
    text.parse().map_err(|_| format!("{text} is not a number"))
}
