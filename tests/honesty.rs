//! What the documents say about the crate is so. They are read as text, so only what is checked here is kept in step.
#![forbid(unsafe_code)]
#![allow(clippy::unwrap_used)]

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

const CARGO: &str = include_str!("../Cargo.toml");
const README: &str = include_str!("../README.md");
const CONTRIBUTING: &str = include_str!("../CONTRIBUTING.md");
const LIB: &str = include_str!("../src/lib.rs");
const CI: &str = include_str!("../.ci/run");

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// The lines of one section of the manifest.
fn section(name: &str) -> impl Iterator<Item = &'static str> {
    let header = format!("[{name}]");
    let lines = CARGO.lines().skip_while(move |line| *line != header);
    lines.skip(1).take_while(|line| !line.starts_with('['))
}

/// The value of a key in a section, as it stands there.
fn value(name: &str, key: &str) -> &'static str {
    let (_, value) = section(name)
        .filter_map(|line| line.split_once(" = "))
        .find(|(found, _)| *found == key)
        .unwrap_or_else(|| panic!("no {key} in [{name}]"));
    value
}

/// The text between each pair of marks.
fn between(text: &'static str, open: &str, close: &str) -> Vec<&'static str> {
    let after = text.split(open).skip(1);
    after
        .filter_map(|rest| Some(rest.split_once(close)?.0))
        .collect()
}

/// What the package contains beside the manifest, as the manifest lists it.
fn included() -> Vec<&'static str> {
    let list = between(CARGO, "include = [", "]");
    between(list.first().unwrap(), "\"/", "\"")
}

fn is_included(path: &str) -> bool {
    included()
        .iter()
        .any(|pattern| match pattern.split_once('*') {
            Some((dir, "*")) => path.starts_with(dir),
            // `dir/*.md`: what is right in it.
            Some((dir, ending)) => {
                let name = path.strip_prefix(dir);
                name.is_some_and(|name| name.ends_with(ending) && !name.contains('/'))
            }
            None => *pattern == path,
        })
}

#[test]
fn the_readme_names_the_oldest_rust_that_works() {
    let version = value("package", "rust-version").trim_matches('"');
    assert!(README.contains(&format!("Rust {version} or newer")));
}

#[test]
fn every_feature_is_documented_and_every_documented_one_is_there() {
    let known = section("features").filter(|line| !line.starts_with('#'));
    let mut known: BTreeSet<_> = known
        .filter_map(|line| Some(line.split_once(" = ")?.0))
        .collect();
    assert!(known.remove("default"));
    let rows = LIB.lines().filter_map(|line| line.strip_prefix("//! | `"));
    let documented: BTreeSet<_> = rows
        .clone()
        .filter_map(|row| Some(row.split_once('`')?.0))
        .collect();
    assert_eq!(documented, known);
    // An optional dependency that no feature names by `dep:` would be a feature of its own.
    for line in section("dependencies").filter(|line| line.contains("optional = true")) {
        let name = line.split_once(" = ").unwrap().0;
        assert!(CARGO.contains(&format!("\"dep:{name}\"")), "{name}");
    }
    for row in rows {
        let feature = row.split_once('`').unwrap().0;
        let default = value("features", "default").contains(&format!("\"{feature}\""));
        assert_eq!(row.contains("(default)"), default, "{feature}");
    }
}

#[test]
fn every_example_is_named() {
    let files = fs::read_dir(root().join("examples")).unwrap();
    let names: Vec<_> = files
        .map(|file| file.unwrap().file_name().into_string().unwrap())
        .collect();
    assert!(names.len() >= 3, "{names:?}");
    for name in names {
        let name = format!("examples/{name}");
        let named = [README, CONTRIBUTING, LIB]
            .iter()
            .any(|text| text.contains(&name));
        assert!(named, "{name}");
    }
}

#[test]
fn the_commands_that_everything_begins_with_are_in_the_readme() {
    let blocks = between(README, "```sh\n", "```").concat();
    for command in ["cargo run --release -- echo", "cargo test"] {
        let is_it = |line: &str| line.split('#').next().unwrap_or_default().trim() == command;
        assert!(blocks.lines().any(is_it), "{command}");
    }
    // The first of these is run by the default features and the only program.
    assert!(value("features", "default").contains("\"cli\""));
    assert_eq!(CARGO.matches("[[bin]]").count(), 1);
}

#[test]
fn what_ci_runs_first_is_what_the_readme_says() {
    let commands = ["cargo", "rustup", "RUSTDOCFLAGS", "autobahn/"];
    let mut ran = CI
        .lines()
        .filter(|line| commands.iter().any(|word| line.starts_with(word)));
    assert_eq!(ran.next(), Some("cargo test"));
    assert!(ran.count() > 5);
}

#[test]
fn the_package_has_what_its_documents_need() {
    for pattern in included() {
        let path = pattern.split("/*").next().unwrap();
        assert!(root().join(path).exists(), "{pattern} is not there");
    }
    for target in between(README, "](", ")") {
        // Pictures are a quarter of what would be downloaded with every build.
        if !target.contains("://") && !target.ends_with(".png") {
            assert!(is_included(target), "the README links {target}");
        }
    }
    // The README is documentation tests, too.
    assert!(LIB.contains("include_str!(\"../README.md\")") && is_included("README.md"));
    assert!(is_included("src/lib.rs") && is_included("examples/embed.rs"));
    assert!(!is_included("tests/honesty.rs") && !is_included("docs/images/chat.png"));
    assert_eq!(value("package", "readme"), "\"README.md\"");
}

/// The paths in `text`: words that begin with one of the repository's directories.
fn paths(text: &str) -> Vec<PathBuf> {
    let dirs = [
        "src/",
        "tests/",
        "examples/",
        "benches/",
        "fuzz/",
        "autobahn/",
        "docs/",
        ".ci/",
    ];
    let is_part = |c: char| c.is_alphanumeric() || "./_-".contains(c);
    let words = text
        .split(|c| !is_part(c))
        .map(|word| word.trim_end_matches('.'));
    let words = words.filter(|word| dirs.iter().any(|dir| word.starts_with(dir)));
    words.map(PathBuf::from).collect()
}

#[test]
fn every_file_that_the_documents_name_is_there() {
    let documents = [README, CONTRIBUTING, LIB];
    let named: Vec<_> = documents.iter().flat_map(|text| paths(text)).collect();
    assert!(named.len() > 20, "{named:?}");
    let missing: Vec<_> = named
        .iter()
        .filter(|path| !root().join(path).exists())
        .collect();
    assert!(missing.is_empty(), "{missing:?}");
}

#[test]
fn every_chapter_of_the_guide_is_in_its_index_and_short() {
    let dir = root().join("src/guide");
    let index = fs::read_to_string(dir.join("mod.rs")).unwrap();
    let chapters = index
        .lines()
        .filter_map(|line| line.strip_prefix("pub mod "));
    let chapters: Vec<_> = chapters.map(|rest| rest.trim_end_matches(" {")).collect();
    assert!(chapters.len() > 10, "{chapters:?}");
    for chapter in &chapters {
        assert!(
            index.contains(&format!("//! | [`{chapter}`] |")),
            "{chapter}"
        );
    }
    for file in fs::read_dir(dir).unwrap() {
        let path = file.unwrap().path();
        let lines = fs::read_to_string(&path).unwrap().lines().count();
        assert!(lines < 300, "{}: {lines} lines", path.display());
    }
}
