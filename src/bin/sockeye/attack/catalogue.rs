//! What is sent to whom: the rows that the tests read as well, chosen by what a server can do.
//!
//! Not here: what the rows say; that is `tests/rows`.

use super::duel::Exchange;
use super::offered::{self, Offered};
use super::opening::{Agreed, Door};
use super::requests::Asked;
use super::script::{self, Script};
use super::{heads, rows};
use std::collections::BTreeMap;

const FRAMES: &str = include_str!("../../../../tests/rows/frames.rows");
const COMPRESSED: &str = include_str!("../../../../tests/rows/compressed.rows");
const REQUESTS: &str = include_str!("../../../../tests/rows/handshake_server.rows");
const OFFERS: &str = include_str!("../../../../tests/rows/deflate.rows");
const WIRE: &str = include_str!("../../../../tests/rows/wire.rows");
const ANSWERS: &str = include_str!("../../../../tests/rows/answers.rows");
const RESPONSES: &str = include_str!("../../../../tests/rows/handshake_client.rows");

/// The parts of the protocol, as reports name them.
pub(crate) const AREAS: [&str; 9] = [
    "heads",
    "frames",
    "masks",
    "control",
    "fragments",
    "UTF-8",
    "close",
    "deflate",
    "wire",
];

/// What a server can do, as far as it matters to what it is sent.
#[derive(Clone, Debug, Default)]
pub(crate) struct Skills {
    /// It upgrades any path.
    pub(crate) any_path: bool,
    /// What it makes of an offer of compression, and of one without context takeover.
    pub(crate) takeover: Option<Agreed>,
    pub(crate) alone: Option<Agreed>,
}

/// One row, ready to be sent.
#[derive(Clone, Debug)]
pub(crate) struct Case {
    pub(crate) name: String,
    pub(crate) area: &'static str,
    pub(crate) ids: Vec<String>,
    pub(crate) kind: Kind,
}

#[derive(Clone, Debug)]
pub(crate) enum Kind {
    Frames(Exchange),
    Request(Asked),
    Offer(Offered),
    Wire(Script),
}

/// Why a row is not sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Why {
    Configuration,
    Compression,
    Client,
    Limits,
}

impl Why {
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Configuration => "needs a configuration",
            Self::Compression => "needs compression",
            Self::Client => "is for clients",
            Self::Limits => "Sockeye's own limits",
        }
    }
}

#[derive(Debug, Default)]
pub(crate) struct Catalogue {
    pub(crate) cases: Vec<Case>,
    pub(crate) left_out: BTreeMap<Why, usize>,
}

impl Catalogue {
    /// Everything that can be sent to a server of these skills; `limits`: also what knows Sockeye's own limits.
    ///
    /// # Errors
    ///
    /// Which line of the rows is wrong: they are part of the program, and read anew each time.
    pub(crate) fn new(door: &Door, skills: &Skills, limits: bool) -> Result<Self, String> {
        let mut all = Self::default();
        let of = |file: &'static str| move |why: String| format!("{file}, {why}");
        let requests = heads::parse(REQUESTS, |line| retarget(line, &door.target));
        for row in requests.map_err(of("handshake_server.rows"))? {
            let asked = Asked::new(&row, &door.target, skills.any_path, limits);
            let ids = row.words("ids").iter().map(|id| (*id).to_owned()).collect();
            all.add(row.name, "heads", ids, asked.map(Kind::Request));
        }
        for (file, text) in [("frames.rows", FRAMES), ("compressed.rows", COMPRESSED)] {
            for row in rows::parse(text).map_err(of(file))? {
                let exchange = Exchange::new(&row, skills, limits);
                let area = area(&row);
                all.add(row.name, area, row.shows, exchange.map(Kind::Frames));
            }
        }
        for offered in offered::cases(OFFERS).map_err(of("deflate.rows"))? {
            let (name, ids) = (offered.name.clone(), offered.ids.clone());
            let offered = match skills.takeover.or(skills.alone) {
                Some(_) => Ok(Kind::Offer(offered)),
                None => Err(Why::Compression),
            };
            all.add(name, "deflate", ids, offered);
        }
        for row in script::parse(WIRE).map_err(of("wire.rows"))? {
            all.add(row.name, "wire", row.shows, Ok(Kind::Wire(row.script)));
        }
        for (file, text) in [
            ("answers.rows", ANSWERS),
            ("handshake_client.rows", RESPONSES),
        ] {
            let rows = heads::parse(text, str::to_owned).map_err(of(file))?;
            *all.left_out.entry(Why::Client).or_default() += rows.len();
        }
        Ok(all)
    }

    fn add(&mut self, name: String, area: &'static str, ids: Vec<String>, kind: Result<Kind, Why>) {
        match kind {
            Ok(kind) => self.cases.push(Case {
                name,
                area,
                ids,
                kind,
            }),
            Err(why) => *self.left_out.entry(why).or_default() += 1,
        }
    }

    /// Keeps what one of the words is about; everything where there are none.
    pub(crate) fn keep(&mut self, words: &[String]) {
        let about = |case: &Case, word: &String| {
            case.area.eq_ignore_ascii_case(word)
                || case.ids.iter().any(|id| id == word)
                || case.name.contains(word.as_str())
        };
        let cases = &mut self.cases;
        cases.retain(|case| words.is_empty() || words.iter().any(|word| about(case, word)));
    }
}

/// A line of a request for the path of the rows, as one for another path.
fn retarget(line: &str, target: &str) -> String {
    let words = line.split(' ').map(|word| match word {
        "/chat" => target,
        other => other,
    });
    words.collect::<Vec<_>>().join(" ")
}

/// By the heading that a row of frames stands under.
fn area(row: &rows::Row) -> &'static str {
    if row.with.deflate.is_some() {
        return "deflate";
    }
    match row.section.as_str() {
        "Mask direction" => "masks",
        "Control frames" => "control",
        "Fragment count" | "Fragmentation" | "Delivery by frames" | "Delivery by chunks" => {
            "fragments"
        }
        "UTF-8" => "UTF-8",
        "Closing" | "Closing first" => "close",
        // Reserved bits and opcodes, lengths, size limits, what follows a fault.
        _ => "frames",
    }
}

#[cfg(test)]
mod tests {
    use super::{Agreed, FRAMES, Skills, area, retarget, rows};

    #[test]
    fn every_heading_is_an_area() {
        let rows = rows::parse(FRAMES).unwrap();
        let named = |area_: &str| rows.iter().filter(|row| area(row) == area_).count();
        for part in ["frames", "masks", "control", "fragments", "UTF-8", "close"] {
            assert!(named(part) > 5, "{part}");
        }
        assert!(rows.iter().all(|row| !row.section.is_empty()));
    }

    #[test]
    fn requests_are_for_the_path_of_the_url() {
        let line = retarget("GET /chat HTTP/1.1", "/echo?a");
        assert_eq!(line, "GET /echo?a HTTP/1.1");
        assert_eq!(retarget("GET /chats HTTP/1.1", "/"), "GET /chats HTTP/1.1");
        let none = Skills::default();
        assert_eq!((none.any_path, none.takeover), (false, None::<Agreed>));
    }
}
