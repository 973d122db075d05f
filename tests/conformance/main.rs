//! Each requirement of the RFCs has a test that fails when it is broken, or a reason why it has none, and
//! `docs/conformance.md` says which.
//!
//! `tests/requirements.tsv` has the requirements, and `tests/requirements-exempt.tsv` those that nothing here could show,
//! with reasons. A test says what it shows:
//!
//! - in a row of `tests/rows`, the line `shows` or `ids` has requirements among its words;
//! - above a test in Rust, the last lines of its documentation are `/// Shows 6455-4.1-33 6455-5.3-04.`: ids, spaces
//!   between them, a full stop at the end, and right below it `#[test]` or what else there is between the two.
//!
//! The page is written anew by `SOCKEYE_CONFORMANCE=write cargo test --test conformance`.
//!
//! Not here: the tests themselves, of which this knows the text alone. Whether a test would notice is shown by breaking
//! what it is about, once, by hand: `docs/conformance-breaks.md`.
#![forbid(unsafe_code)]
#![allow(
    clippy::unwrap_used,
    clippy::std_instead_of_alloc,
    clippy::std_instead_of_core
)]

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

mod page;
mod requirements;
mod tags;

use requirements::Requirements;

const PAGE: &str = "docs/conformance.md";

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// The files of these directories and those below them with one of these extensions, in order, as paths from the root.
fn files(dirs: &[&str], extensions: &[&str]) -> Vec<String> {
    let mut left: Vec<PathBuf> = dirs.iter().map(|dir| root().join(dir)).collect();
    let mut found = Vec::new();
    while let Some(path) = left.pop() {
        if path.is_dir() {
            let entries = fs::read_dir(&path).unwrap();
            left.extend(entries.map(|entry| entry.unwrap().path()));
        } else if path
            .extension()
            .is_some_and(|end| extensions.iter().any(|wanted| end == *wanted))
        {
            found.push(path.strip_prefix(root()).unwrap().display().to_string());
        }
    }
    found.retain(|path| !path.contains("/target/") && !path.contains("/node_modules/"));
    found.sort_unstable();
    found
}

fn read(path: &str) -> String {
    fs::read_to_string(root().join(path)).unwrap()
}

fn tags() -> Vec<tags::Tag> {
    let sources = files(&["tests", "src", "fuzz/src"], &["rs", "rows"]);
    let found = sources
        .iter()
        .flat_map(|path| tags::of(path, &read(path)).unwrap());
    found.collect()
}

#[test]
fn every_requirement_has_a_test_or_a_reason() {
    let requirements = Requirements::load();
    let tags = tags();
    let tagged: BTreeSet<&str> = tags.iter().map(|tag| tag.id.as_str()).collect();
    let mut wrong = Vec::new();
    for requirement in &requirements.all {
        let id = requirement.id;
        match (tagged.contains(id), requirements.exempt.get(id)) {
            (false, None) => wrong.push(format!("{id} has no test: {}", requirement.text)),
            (true, Some(exempt)) => wrong.push(format!(
                "{id} has a test, and a reason why it has none: {}",
                exempt.reason
            )),
            (true, None) | (false, Some(_)) => {}
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// Whatever looks like one is one, in the tests, the sources and the documents.
#[test]
fn every_id_is_that_of_a_requirement() {
    let requirements = Requirements::load();
    let known: BTreeSet<&str> = requirements.all.iter().map(|each| each.id).collect();
    let texts = files(
        &["tests", "src", "fuzz/src", "docs", "web/src"],
        &["rs", "rows", "tsv", "md", "ts"],
    );
    let mut wrong = Vec::new();
    for path in &texts {
        let text = read(path);
        let ids = tags::ids(&text).filter(|id| !known.contains(id));
        wrong.extend(ids.map(|id| format!("{path}: {id}")));
    }
    wrong.retain(|found| !found.starts_with("tests/conformance/"));
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn every_row_file_is_read_by_a_test() {
    let readers: String = files(&["tests", "src/bin"], &["rs"])
        .iter()
        .map(|path| read(path))
        .collect();
    for path in files(&["tests/rows"], &["rows"]) {
        let name = path.strip_prefix("tests").unwrap();
        assert!(readers.contains(&format!("{name}\")")), "{path}");
    }
}

#[test]
fn the_page_is_what_the_tests_say() {
    let text = page::text(&Requirements::load(), &tags());
    if std::env::var("SOCKEYE_CONFORMANCE").is_ok_and(|what| what == "write") {
        fs::write(root().join(PAGE), &text).unwrap();
    }
    assert!(
        fs::read_to_string(root().join(PAGE)).is_ok_and(|page| page == text),
        "{PAGE} is not what the tests say; SOCKEYE_CONFORMANCE=write cargo test --test conformance writes it anew"
    );
}
