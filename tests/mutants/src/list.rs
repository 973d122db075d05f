//! The list of mutants, as `cargo mutants --list --json` prints it.

use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use std::error::Error;
use std::fs;

/// Line and column of a place's begin and of its end, from 1, as the list has them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Place {
    pub begin: (usize, usize),
    pub end: (usize, usize),
}

impl Place {
    pub fn of(span: proc_macro2::Span) -> Self {
        Self::between(span, span)
    }

    pub fn between(first: proc_macro2::Span, last: proc_macro2::Span) -> Self {
        let (begin, end) = (first.start(), last.end());
        Self {
            begin: (begin.line, begin.column + 1),
            end: (end.line, end.column + 1),
        }
    }

    pub fn holds(&self, at: (usize, usize)) -> bool {
        self.begin <= at && at < self.end
    }
}

/// What a mutant is about and where it is: several can share both.
pub type Key = (String, Place);

#[derive(Clone, Debug)]
pub struct Mutant {
    pub id: u32,
    pub replacement: String,
}

pub type Mutants = BTreeMap<Key, Vec<Mutant>>;

/// The mutants of each file, without those in `skip`.
pub fn read(path: &str, skip: &BTreeSet<u32>) -> Result<BTreeMap<String, Mutants>, Box<dyn Error>> {
    let list: Vec<Value> = serde_json::from_str(&fs::read_to_string(path)?)?;
    let mut files: BTreeMap<String, Mutants> = BTreeMap::new();
    for (id, entry) in (1..).zip(&list) {
        let text = |name: &str| entry[name].as_str().ok_or(format!("{name} of {id}"));
        let mutants = files.entry(text("file")?.to_owned()).or_default();
        if skip.contains(&id) {
            continue;
        }
        let key = (text("genre")?.to_owned(), place(&entry["span"])?);
        let replacement = text("replacement")?.to_owned();
        let here = mutants.entry(key).or_default();
        here.push(Mutant { id, replacement });
    }
    Ok(files)
}

fn place(span: &Value) -> Result<Place, Box<dyn Error>> {
    let number = |end: &str, name: &str| {
        let number = span[end][name].as_u64().ok_or("a span without numbers")?;
        usize::try_from(number).map_err(|_| "a span out of range")
    };
    Ok(Place {
        begin: (number("start", "line")?, number("start", "column")?),
        end: (number("end", "line")?, number("end", "column")?),
    })
}
