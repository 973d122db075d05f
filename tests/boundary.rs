//! What the sources may not say: the core knows nothing above it, and nobody sleeps.
#![allow(clippy::unwrap_used)]

use std::fs;
use std::path::{Path, PathBuf};

/// Every Rust file below `dir`.
fn sources(dir: &str) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut open = vec![Path::new(env!("CARGO_MANIFEST_DIR")).join(dir)];
    while let Some(dir) = open.pop() {
        for entry in fs::read_dir(dir).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                open.push(path);
            } else if path.extension().is_some_and(|ext| ext == "rs") {
                found.push(path);
            }
        }
    }
    found
}

/// The places in `files` whose code, comments aside, holds one of the words.
fn mentions(files: &[PathBuf], words: &[&str]) -> Vec<String> {
    let mut found = Vec::new();
    for path in files {
        let file = fs::read_to_string(path).unwrap();
        for (number, line) in file.lines().enumerate() {
            let code = line.split("//").next().unwrap_or_default();
            // A lock, with the feature `deflate`: what `core` has for this is not for several threads.
            let code = code.replace("std::sync::OnceLock", "");
            for word in words.iter().filter(|word| code.contains(**word)) {
                found.push(format!("{}:{}: {word}", path.display(), number + 1));
            }
        }
    }
    found
}

#[test]
fn the_core_stands_alone() {
    let core = sources("src/proto");
    assert!(core.len() > 10, "{core:?}");
    let above = [
        "std::",
        "crate::server",
        "crate::reactor",
        "crate::client",
        "crate::transport",
        "crate::tls",
        "extern crate",
        "static mut",
        "thread_local",
    ];
    assert_eq!(mentions(&core, &above), Vec::<String>::new());
}

#[test]
fn unsafe_stands_in_one_place() {
    let places = mentions(&sources("src"), &["unsafe "]);
    // The cast, two kernels at two widths, and two at the wider. A block of a line each: no more than forty are ever wanted.
    assert_eq!(places.len(), 7, "{places:?}");
    let text = |place: &String| place.contains("src/proto/text.rs");
    assert!(places.iter().all(text), "{places:?}");
}

#[test]
fn nobody_sleeps() {
    // Put together here, so that this file does not hold it.
    let sleep = concat!("thread::", "sleep");
    let everything = [sources("src"), sources("tests")].concat();
    assert_eq!(mentions(&everything, &[sleep]), Vec::<String>::new());
}

/// The seam costs nothing in a build: every loop names its kernel as a type, so each call is compiled as if there were no
/// seam, and may be inlined. For that to be so it is enough that nobody holds a kernel behind a pointer to a table of
/// functions; that such a pointer cannot be made at all, as the trait has a type and a function without `self`; and that
/// nothing in the sources knows of another kernel than the real one. Then what tests do to theirs is in no program.
#[test]
fn the_seam_to_the_kernel_is_a_type_and_no_test_kernel_is_in_a_build() {
    let dynamic = [
        "dyn Kernel",
        "dyn crate::kernel",
        "Box<Kernel",
        "dyn kernel::",
    ];
    let places = [sources("src"), sources("examples"), sources("benches")].concat();
    assert_eq!(mentions(&places, &dynamic), Vec::<String>::new());
    let simulated = ["SimKernel", "SimStream", "support/sim", "feature = \"sim"];
    assert_eq!(mentions(&places, &simulated), Vec::<String>::new());
    let kernels = mentions(&sources("src"), &["Kernel for "]);
    assert_eq!(kernels.len(), 1, "{kernels:?}");
    assert!(kernels[0].contains("src/reactor/mio.rs"), "{kernels:?}");
    let seam = sources("src")
        .into_iter()
        .find(|path| path.ends_with("src/kernel.rs"));
    let seam = fs::read_to_string(seam.unwrap()).unwrap();
    assert!(seam.contains("type Stream") && seam.contains("fn random(bytes: &mut [u8])"));
}
