//! Reads `deflate.rows`, and judges what is offered and answered.
//!
//! What a server wants is its own choice, so an answer is judged by what RFC 7692 section 7.1 lets it be, and not by the
//! row's: that is of a policy. What is no offer must be declined, and what is no list refused.
//!
//! Not here: asking a server; that is `offered`.

/// A line of the file: an offer and its answer, an answer and what a client makes of it, or what a client asks for.
#[derive(Clone, Debug)]
pub(crate) struct Line<'f> {
    pub(crate) number: usize,
    pub(crate) kind: &'f str,
    /// The policy it is judged by, as it is written.
    pub(crate) policy: &'f str,
    pub(crate) ids: Vec<&'f str>,
    pub(crate) input: String,
    pub(crate) want: String,
}

/// Reads the file, or says which line is wrong.
pub(crate) fn parse(file: &str) -> Result<Vec<Line<'_>>, String> {
    let (mut policy, mut ids) = (None, Vec::new());
    let mut lines = Vec::new();
    for (index, text) in file.lines().enumerate() {
        let (kind, rest) = text.split_once(' ').unwrap_or((text, ""));
        match kind {
            "" | "#" => {}
            "ids" => ids = rest.split_whitespace().collect(),
            "policy" => policy = Some(rest),
            "offer" | "answer" | "asks" => {
                let (input, want) = rest.split_once(" => ").unwrap_or(("", rest));
                lines.push(Line {
                    number: index + 1,
                    kind,
                    policy: policy.ok_or("a policy before the rows")?,
                    ids: ids.clone(),
                    input: expand(input),
                    want: expand(want),
                });
            }
            _ => return Err(format!("line {}: {kind}?", index + 1)),
        }
    }
    Ok(lines)
}

/// Spells out the short names.
fn expand(text: &str) -> String {
    text.replace("pmd", DEFLATE)
        .replace("s-no", "server_no_context_takeover")
        .replace("c-no", "client_no_context_takeover")
        .replace("s-bits", SERVER_BITS)
        .replace("c-bits", CLIENT_BITS)
}

const DEFLATE: &str = "permessage-deflate";
const SERVER_BITS: &str = "server_max_window_bits";
const CLIENT_BITS: &str = "client_max_window_bits";

/// One element of a list: its name, and its parameters with their values.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Element {
    name: String,
    params: Vec<(String, Option<String>)>,
}

impl Element {
    /// The elements of header lines that are lists. What is none comes to nothing sensible.
    pub(crate) fn list<'l>(lines: impl IntoIterator<Item = &'l str>) -> Vec<Self> {
        let elements = lines.into_iter().flat_map(|line| split(line, ','));
        let element = |text: String| {
            let mut parts = split(&text, ';').into_iter();
            let param = |part: String| match part.split_once('=') {
                Some((name, value)) => (name.trim().to_owned(), Some(unquoted(value.trim()))),
                None => (part, None),
            };
            Self {
                name: parts.next().unwrap_or_default(),
                params: parts.map(param).collect(),
            }
        };
        elements.map(element).collect()
    }

    pub(crate) fn find(&self, wanted: &str) -> Option<Option<&str>> {
        let mut found = self.params.iter().filter(|(name, _)| name == wanted);
        found.next().map(|(_, value)| value.as_deref())
    }

    /// An offer or an answer as section 7.1 has them: known parameters, each once, with values where there are any.
    pub(crate) fn is_sound(&self) -> bool {
        let known = |(name, value): &(String, Option<String>)| match (name.as_str(), value) {
            ("server_no_context_takeover" | "client_no_context_takeover", None)
            | (CLIENT_BITS, None) => true,
            (SERVER_BITS | CLIENT_BITS, Some(value)) => bits(value).is_some(),
            _ => false,
        };
        let once = |(name, _): &(String, Option<String>)| {
            self.params
                .iter()
                .filter(|(other, _)| other == name)
                .count()
                == 1
        };
        self.name == DEFLATE && self.params.iter().all(|param| known(param) && once(param))
    }

    /// Whether this may answer that offer.
    pub(crate) fn answers(&self, offer: &Self) -> bool {
        let number = |element: &Self, name| element.find(name).flatten().and_then(bits);
        let promised = number(self, SERVER_BITS).unwrap_or(15);
        let asked = number(offer, SERVER_BITS).unwrap_or(15);
        let client = match (self.find(CLIENT_BITS), offer.find(CLIENT_BITS)) {
            (None, _) => true,
            // An answer has a value, and only where the client offered to be told.
            (Some(None), _) | (Some(_), None) => false,
            (Some(Some(told)), Some(most)) => bits(told) <= most.map_or(Some(15), bits),
        };
        let alone = "server_no_context_takeover";
        let keeps = offer.find(alone).is_none() || self.find(alone).is_some();
        self.is_sound() && promised <= asked && client && keeps
    }
}

/// A number of window bits: decimal, no zeros in front.
fn bits(value: &str) -> Option<u8> {
    let number = value
        .parse()
        .ok()
        .filter(|bits: &u8| (8..=15).contains(bits))?;
    (number.to_string() == value).then_some(number)
}

/// The parts between separators that are not quoted.
fn split(text: &str, separator: char) -> Vec<String> {
    let (mut parts, mut quoted, mut escaped) = (vec![String::new()], false, false);
    for sign in text.chars() {
        if sign == '"' && !escaped {
            quoted = !quoted;
        }
        escaped = quoted && sign == '\\' && !escaped;
        match parts.last_mut() {
            Some(part) if quoted || sign != separator => part.push(sign),
            _ => parts.push(String::new()),
        }
    }
    let parts = parts.into_iter().map(|part| part.trim().to_owned());
    parts.filter(|part| !part.is_empty()).collect()
}

fn unquoted(value: &str) -> String {
    let inner = value
        .strip_prefix('"')
        .and_then(|rest| rest.strip_suffix('"'));
    let Some(inner) = inner else {
        return value.to_owned();
    };
    let mut signs = inner.chars();
    let mut out = String::new();
    while let Some(sign) = signs.next() {
        out.extend(if sign == '\\' {
            signs.next()
        } else {
            Some(sign)
        });
    }
    out
}

#[cfg(test)]
mod tests {
    use super::Element;

    fn one(text: &str) -> Element {
        Element::list([text]).remove(0)
    }

    #[test]
    fn lists_are_split_outside_quotes() {
        let list = Element::list(["a; b=\"x,\\\"y;\", c", "permessage-deflate"]);
        let names: Vec<_> = list.iter().map(|element| element.name.as_str()).collect();
        assert_eq!(names, ["a", "c", "permessage-deflate"]);
        assert_eq!(list[0].find("b"), Some(Some("x,\"y;")));
    }

    #[test]
    fn what_is_offered_decides_what_may_be_answered() {
        let pmd = |text: &str| one(&format!("permessage-deflate{text}"));
        let bare = pmd("");
        for good in [
            "",
            "; server_no_context_takeover",
            "; server_max_window_bits=9",
        ] {
            assert!(pmd(good).answers(&bare), "{good}");
        }
        for bad in [
            "; client_max_window_bits=9",
            "; server_max_window_bits",
            "; x",
            "; server_max_window_bits=09",
            "; server_no_context_takeover; server_no_context_takeover",
        ] {
            assert!(!pmd(bad).answers(&bare), "{bad}");
        }
        let less = pmd("; server_max_window_bits=10; client_max_window_bits=\"12\"");
        assert!(less.is_sound() && !bare.answers(&less));
        assert!(pmd("; server_max_window_bits=9; client_max_window_bits=12").answers(&less));
        assert!(!pmd("; server_max_window_bits=9; client_max_window_bits=13").answers(&less));
        let alone = pmd("; server_no_context_takeover");
        assert!(!bare.answers(&alone) && alone.answers(&alone));
    }
}
