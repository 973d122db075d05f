//! The table of behaviours and the tests say the same.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

const TABLE: &str = include_str!("../../docs/behaviours.md");

/// How many rows each system has.
const SYSTEMS: [(&str, usize); 5] = [("B0", 33), ("B1", 13), ("B2", 25), ("B3", 42), ("B4", 30)];

/// A line of the table: id, what the system says, and what shows it or why nothing does.
struct Row {
    id: &'static str,
    says: &'static str,
    shown: &'static str,
}

fn rows() -> Vec<Row> {
    let lines = TABLE.lines().filter(|line| line.starts_with("| B"));
    lines
        .map(|line| {
            let cells: Vec<_> = line.trim_matches('|').split(" | ").map(str::trim).collect();
            let [id, says, shown] = cells[..] else {
                panic!("three columns: {line}");
            };
            Row { id, says, shown }
        })
        .collect()
}

impl Row {
    /// File and name of its tests, which stand first: a file, then names in it; and the words behind them.
    fn tests(&self) -> (Vec<(PathBuf, &'static str)>, &'static str) {
        let (mut tests, mut rest) = (Vec::new(), self.shown);
        let mut file = None;
        while let Some((word, behind)) = rest
            .trim_start_matches([' ', ','])
            .strip_prefix('`')
            .and_then(|rest| rest.split_once('`'))
        {
            let is_file = word.ends_with(".rs") || word.ends_with(".mjs");
            match &file {
                _ if is_file => file = Some(path(word)),
                Some(file) => tests.push((PathBuf::clone(file), word)),
                // Words about something else.
                None => break,
            }
            rest = behind;
        }
        (tests, rest.trim_start_matches([' ', ',', ';', '.']))
    }
}

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// Names without a directory are those of the files here, and of the browser's tests.
fn path(file: &str) -> PathBuf {
    let dir = match file {
        _ if file.contains('/') => "",
        _ if file.ends_with(".rs") => "tests/seeds",
        _ => "web/tests",
    };
    root().join(dir).join(file)
}

/// The name of the tests of a row: `B0.1` is `b0_1_`.
fn prefix(id: &str) -> String {
    format!("{}_", id.to_lowercase().replace('.', "_"))
}

#[test]
fn every_behaviour_has_one_row() {
    let ids = SYSTEMS
        .iter()
        .flat_map(|(system, count)| (1..=*count).map(move |number| format!("{system}.{number}")));
    let listed: Vec<_> = rows().iter().map(|row| row.id.to_owned()).collect();
    assert_eq!(listed, ids.collect::<Vec<_>>());
}

#[test]
fn every_row_has_a_test_that_is_there_or_a_reason() {
    for row in rows() {
        let (tests, words) = row.tests();
        assert!(row.says.len() > 15, "{}: what the system says", row.id);
        assert!(
            !tests.is_empty() || words.len() > 40,
            "{}: a test, or why there is none: {words:?}",
            row.id
        );
        for (file, name) in tests {
            let text = fs::read_to_string(&file)
                .unwrap_or_else(|error| panic!("{}: {}: {error}", row.id, file.display()));
            let is_there = if file.extension().is_some_and(|end| end == "rs") {
                has_rust_test(&text, name)
            } else {
                has_browser_test(&text, name)
            };
            assert!(is_there, "{}: no {name} in {}", row.id, file.display());
            if file.starts_with(root().join("tests/seeds")) {
                assert!(name.starts_with(&prefix(row.id)), "{}: {name}", row.id);
            }
        }
    }
}

/// It is a test, not only a function.
fn has_rust_test(text: &str, name: &str) -> bool {
    let Some(place) = text.find(&format!("fn {name}(")) else {
        return false;
    };
    let above = &text[..place];
    above[above.rfind("\n\n").unwrap_or(0)..].contains("#[test]")
}

/// Titles begin with the ids of what they show.
fn has_browser_test(text: &str, id: &str) -> bool {
    let titles = text.split("test(").skip(1);
    let titles = titles.filter_map(|rest| rest.trim_start().strip_prefix(['"', '`', '\'']));
    titles
        .map(|title| title.split([' ', '"']).take_while(|word| is_id(word)))
        .any(|mut ids| ids.any(|word| word == id))
}

fn is_id(word: &str) -> bool {
    SYSTEMS.iter().any(|(system, _)| {
        let number = word
            .strip_prefix(system)
            .and_then(|end| end.strip_prefix('.'));
        number.is_some_and(|number| number.parse::<usize>().is_ok())
    })
}

/// What is tested here is in the table, at the row that it is named for.
#[test]
fn every_test_here_is_in_the_table() {
    let shown: BTreeSet<_> = rows()
        .iter()
        .flat_map(|row| row.tests().0)
        .map(|(file, name)| (file, name.to_owned()))
        .collect();
    let mut found = 0;
    for file in fs::read_dir(root().join("tests/seeds")).unwrap() {
        let file = file.unwrap().path();
        if file.is_dir() || file.ends_with("table.rs") {
            continue;
        }
        let text = fs::read_to_string(&file).unwrap();
        for (at, test) in text.match_indices("#[test]\nfn ") {
            let name = text[at + test.len()..].split('(').next().unwrap();
            let place = (file.clone(), name.to_owned());
            assert!(shown.contains(&place), "{name} of {}", file.display());
            found += 1;
        }
    }
    assert!(found > 50, "{found}");
}
