//! The data: what is required, and what has no test.
//!
//! Not here: who tests what, which is the tests' own to say (`tags`).

use std::collections::{BTreeMap, BTreeSet};

/// One line of `tests/requirements.tsv`.
pub(crate) struct Requirement {
    pub(crate) id: &'static str,
    pub(crate) rfc: &'static str,
    pub(crate) section: &'static str,
    /// As the RFC writes it, or in small letters where it has no such word.
    pub(crate) level: &'static str,
    pub(crate) role: &'static str,
    pub(crate) text: &'static str,
}

/// Why there is no test.
pub(crate) struct Exempt {
    pub(crate) kind: &'static str,
    pub(crate) reason: &'static str,
}

pub(crate) struct Requirements {
    pub(crate) all: Vec<Requirement>,
    pub(crate) exempt: BTreeMap<&'static str, Exempt>,
}

/// Whose a requirement is that has no test, or what else it is.
pub(crate) const KINDS: [(&str, &str); 5] = [
    (
        "others",
        "asked of applications, browsers, intermediaries or registries, not of a library",
    ),
    (
        "free",
        "allows something, or says what something means; there is nothing to break",
    ),
    ("types", "what would break it does not compile"),
    ("absent", "about something that Sockeye does not do"),
    ("departure", "not done, on purpose"),
];

impl Requirement {
    /// MUST, SHOULD or MAY: what it is counted as.
    pub(crate) fn weight(&self) -> &'static str {
        match self.level.split(' ').next().unwrap() {
            "MUST" | "must" => "MUST",
            "SHOULD" | "should" => "SHOULD",
            "MAY" | "may" => "MAY",
            other => panic!("{}: {other}?", self.id),
        }
    }
}

impl Requirements {
    pub(crate) fn load() -> Self {
        let table = lines(include_str!("../requirements.tsv"), 8);
        let all = table.into_iter().map(|line| Requirement {
            id: line[0],
            rfc: line[1],
            section: line[2],
            level: line[3],
            role: line[4],
            text: line[5],
        });
        let all: Vec<_> = all.collect();
        let ids: BTreeSet<_> = all.iter().map(|each| each.id).collect();
        assert_eq!(ids.len(), all.len(), "an id is there twice");
        for each in &all {
            let begin = format!("{}-{}-", each.rfc, each.section);
            assert!(each.id.starts_with(&begin), "{}", each.id);
        }
        Self {
            exempt: exempt(&ids),
            all,
        }
    }
}

fn exempt(ids: &BTreeSet<&'static str>) -> BTreeMap<&'static str, Exempt> {
    let mut found = BTreeMap::new();
    for line in lines(include_str!("../requirements-exempt.tsv"), 3) {
        let (id, kind, reason) = (line[0], line[1], line[2]);
        assert!(ids.contains(id), "{id} is no requirement");
        assert!(KINDS.iter().any(|(name, _)| *name == kind), "{id}: {kind}?");
        assert!(reason.ends_with('.'), "{id}: {reason}");
        let before = found.insert(id, Exempt { kind, reason });
        assert!(before.is_none(), "{id} is there twice");
    }
    found
}

/// The fields of each line below the names of the columns.
fn lines(table: &'static str, columns: usize) -> Vec<Vec<&'static str>> {
    let lines = table.lines().filter(|line| !line.starts_with('#')).skip(1);
    let fields = lines.map(|line| line.split('\t').collect::<Vec<_>>());
    fields
        .inspect(|line| assert_eq!(line.len(), columns, "{line:?}"))
        .collect()
}
