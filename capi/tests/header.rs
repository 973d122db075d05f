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
