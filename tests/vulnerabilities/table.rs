//! The table of what has gone wrong elsewhere has each row once, and names tests that are there.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

const TABLE: &str = include_str!("table.md");
const ROWS: usize = 110;

/// Id, what goes wrong, and the tests of each row.
fn rows() -> Vec<[&'static str; 3]> {
    let rows = TABLE.lines().filter_map(|line| line.strip_prefix("| V"));
    rows.map(|row| {
        let mut cells = row.trim_end_matches(" |").splitn(3, " | ");
        [(); 3].map(|()| cells.next().expect("three cells"))
    })
    .collect()
}

/// File and name of each test in a row.
fn tests(row: &'static str) -> Vec<(&'static str, &'static str)> {
    let mut file = "";
    let mut tests = Vec::new();
    for word in row.split('`').skip(1).step_by(2) {
        if word.ends_with(".rs") {
            file = word;
        } else if !word.contains('.') {
            tests.push((file, word));
        }
    }
    tests
}

fn path_of(file: &str) -> String {
    let root = env!("CARGO_MANIFEST_DIR");
    match file.contains('/') {
        true => format!("{root}/{file}"),
        false => format!("{root}/tests/vulnerabilities/{file}"),
    }
}

/// Every test in the files beside this one, and the numbers in its name.
fn here() -> Vec<(String, Vec<usize>)> {
    let dir = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/vulnerabilities");
    let mut found = Vec::new();
    for file in fs::read_dir(dir).unwrap() {
        let path = file.unwrap().path();
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        if name == "table.rs" || !name.ends_with(".rs") {
            continue;
        }
        let text = fs::read_to_string(&path).unwrap();
        for part in text.split("#[test]").skip(1) {
            let test = part.split("fn ").nth(1).unwrap();
            let test = test.split('(').next().unwrap();
            let words = test
                .split('_')
                .map(|word| word.strip_prefix('v')?.parse().ok());
            let numbers: Vec<usize> = words.map_while(|number| number).collect();
            found.push((test.to_owned(), numbers));
        }
    }
    found
}

#[test]
fn every_number_has_one_row() {
    let listed: Vec<_> = rows()
        .iter()
        .map(|[id, ..]| id.parse::<usize>().unwrap())
        .collect();
    assert_eq!(listed, (1..=ROWS).collect::<Vec<_>>());
    for [id, what, row] in rows() {
        assert!(
            !what.is_empty() && what.split(' ').count() <= 7,
            "V{id}: {what}"
        );
        assert!(
            !tests(row).is_empty() || row.starts_with("None: "),
            "V{id}: {row}"
        );
    }
}

#[test]
fn every_test_in_the_table_is_there() {
    let mut found = 0;
    for [id, _, row] in rows() {
        for (file, name) in tests(row) {
            let text = fs::read_to_string(path_of(file))
                .unwrap_or_else(|error| panic!("V{id}: {file}: {error}"));
            let place = text.find(&format!("fn {name}("));
            let place = place.unwrap_or_else(|| panic!("V{id}: no {name} in {file}"));
            let above = text[..place].trim_end_matches("pub ").trim_end();
            let above = &above[above.rfind("\n\n").unwrap_or(0)..];
            assert!(above.contains("#[test]"), "V{id}: {name} is no test");
            found += 1;
        }
    }
    assert!(found > 100, "{found}");
}

/// A test's name says which rows it is about, and these rows name it.
#[test]
fn every_test_here_stands_in_its_row() {
    let mut names = BTreeSet::new();
    for (test, numbers) in here() {
        assert!(!numbers.is_empty(), "{test} has no number");
        for number in numbers {
            let row = rows()[number - 1][2];
            assert!(
                row.contains(&format!("`{test}`")),
                "V{number} does not name {test}"
            );
        }
        assert!(names.insert(test.clone()), "{test} twice");
    }
    assert!(names.len() > 90, "{}", names.len());
}
