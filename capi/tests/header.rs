//! The header says what the library does: it is written anew, and compared.
#![allow(clippy::unwrap_used)]

use std::fs;
use std::path::Path;

/// What stands in it, in this order.
const SOURCES: [&str; 6] = ["error", "config", "request", "event", "boundary", "abi/mod"];

/// `SOCKEYE_HEADER=write` writes it.
#[test]
fn the_header_is_what_cbindgen_makes_of_the_sources() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let config = cbindgen::Config::from_file(root.join("cbindgen.toml")).unwrap();
    let mut builder = cbindgen::Builder::new().with_config(config);
    for source in SOURCES {
        builder = builder.with_src(root.join("src").join(source).with_extension("rs"));
    }
    let mut made = Vec::new();
    builder.generate().unwrap().write(&mut made);
    let made = String::from_utf8(made).unwrap();
    let path = root.join("include/sockeye.h");
    if std::env::var("SOCKEYE_HEADER").is_ok_and(|what| what == "write") {
        fs::write(&path, &made).unwrap();
    }
    let there = fs::read_to_string(&path).unwrap_or_default();
    assert!(
        there == made,
        "SOCKEYE_HEADER=write cargo test --test header"
    );
}

#[test]
fn unsafe_stands_where_pointers_are() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut open = vec![root];
    let mut found = std::collections::BTreeSet::new();
    while let Some(dir) = open.pop() {
        for entry in fs::read_dir(dir).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                open.push(path);
            } else if fs::read_to_string(&path).unwrap().contains("unsafe {") {
                let dir = path.parent().unwrap().file_name().unwrap().to_owned();
                found.insert((dir, path.file_name().unwrap().to_owned()));
            }
        }
    }
    let outside = found
        .iter()
        .filter(|(dir, file)| dir != "abi" && file != "boundary.rs");
    assert_eq!(outside.count(), 0, "{found:?}");
    assert!(found.len() > 4, "{found:?}");
}
