//! The table of attacks names tests that are there.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

const TABLE: &str = include_str!("../attacks.md");

/// The catalogue's numbers.
fn ids() -> BTreeSet<String> {
    let rooms = [1, 2, 4, 5, 6, 7, 9, 10, 11, 12, 14];
    let rooms = rooms.iter().map(|number| format!("B{number:02}"));
    let lives = (1..=8).map(|number| format!("N{number:02}"));
    let resources = (1..=26).map(|number| format!("R{number:02}"));
    rooms.chain(lives).chain(resources).collect()
}

/// Id, attack, and the rest of each row.
fn rows() -> Vec<(&'static str, &'static str)> {
    let rows = TABLE.lines().filter_map(|line| line.strip_prefix("| "));
    let rows = rows.filter_map(|row| row.split_once(" | "));
    rows.filter(|(id, _)| *id != "id").collect()
}

/// File and name of each test in a row.
fn tests(row: &'static str) -> Vec<(&'static str, &'static str)> {
    let words: Vec<_> = row.split('`').skip(1).step_by(2).collect();
    let mut tests = Vec::new();
    let mut file = "";
    for word in words {
        if word.ends_with(".rs") {
            file = word;
        } else {
            tests.push((file, word));
        }
    }
    tests
}

#[test]
fn every_attack_has_a_row() {
    let listed: Vec<_> = rows().iter().map(|(id, _)| (*id).to_owned()).collect();
    assert_eq!(listed, ids().into_iter().collect::<Vec<_>>());
}

#[test]
fn every_test_in_the_table_is_there() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests");
    let mut found = 0;
    for (id, row) in rows() {
        for (file, name) in tests(row) {
            let text = fs::read_to_string(root.join(file))
                .unwrap_or_else(|error| panic!("{id}: tests/{file}: {error}"));
            let place = text.find(&format!("fn {name}("));
            let place = place.unwrap_or_else(|| panic!("{id}: no {name} in tests/{file}"));
            // It is a test, and stands for what the table says.
            let above = text[..place].trim_end_matches("pub ").trim_end();
            let above = &above[above.rfind("\n\n").unwrap_or(0)..];
            assert!(
                above.contains("#[test]") || file.starts_with("loom/"),
                "{id}: {name}"
            );
            if file.starts_with("rooms_attacks/") {
                assert!(above.contains(id), "{name} does not say {id}");
            }
            found += 1;
        }
        assert!(row.len() > 60, "{id}: a test, or why there is none");
    }
    assert!(found > 50, "{found}");
}

/// What stands before a test here is in the table.
#[test]
fn every_test_here_is_in_the_table() {
    let dir = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/rooms_attacks");
    for file in fs::read_dir(dir).unwrap() {
        let path = file.unwrap().path();
        let name = path.file_name().unwrap().to_str().unwrap();
        if name == "table.rs" {
            continue;
        }
        let text = fs::read_to_string(&path).unwrap();
        for (at, _) in text.match_indices("#[test]\nfn ") {
            let rest = &text[at + "#[test]\nfn ".len()..];
            let test = rest.split('(').next().unwrap();
            assert!(TABLE.contains(&format!("`{test}`")), "{test} of {name}");
        }
    }
}
