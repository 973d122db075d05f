//! The table of attacks on applications names tests that are there.

use std::fs;
use std::path::Path;

const TABLE: &str = include_str!("attacks.md");

/// The catalogue's numbers, and what it has no number for.
const IDS: [&str; 14] = [
    "A01", "A02", "A04", "A05", "A06", "A07", "H30", "H32", "H37", "H39", "H40", "H41", "rates",
    "places",
];

/// The id of each row, and its tests.
fn rows() -> Vec<(&'static str, &'static str)> {
    let rows = TABLE.lines().filter_map(|line| line.strip_prefix("| "));
    let rows = rows.filter_map(|row| {
        let (id, rest) = row.split_once(" | ")?;
        let (_attack, tests) = rest.split_once(" | ")?;
        Some((id, tests))
    });
    rows.filter(|(id, _)| *id != "id").collect()
}

/// File and name of each test in a row.
fn tests(row: &'static str) -> Vec<(&'static str, &'static str)> {
    let mut file = "";
    let mut tests = Vec::new();
    for word in row.split('`').skip(1).step_by(2) {
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
    let listed: Vec<_> = rows().iter().map(|(id, _)| *id).collect();
    assert_eq!(listed, IDS);
}

#[test]
fn every_test_in_the_table_is_there() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut found = 0;
    for (id, row) in rows() {
        let tests = tests(row);
        assert!(
            !tests.is_empty() || row.contains("None: "),
            "{id}: a test, or why there is none"
        );
        for (file, name) in tests {
            let text = fs::read_to_string(root.join(file))
                .unwrap_or_else(|error| panic!("{id}: {file}: {error}"));
            let place = text.find(&format!("fn {name}("));
            let place = place.unwrap_or_else(|| panic!("{id}: no {name} in {file}"));
            let above = text[..place].trim_end();
            let above = &above[above.rfind("\n\n").unwrap_or(0)..];
            assert!(above.contains("#[test]"), "{id}: {name} is no test");
            found += 1;
        }
    }
    assert!(found > 25, "{found}");
}
