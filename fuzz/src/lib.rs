//! The bodies of the fuzz targets: each takes bytes and panics where a law is broken.
//!
//! | file | what |
//! |---|---|
//! | one per target | its body |
//! | `choices` | decisions from bytes |
//! | `reference`, `http` | the RFCs read aloud, to compare with; the first one is `tests/support/reference` |
//! | `blocks` | DEFLATE, written bit by bit |
//!
//! This is a library, so that the bodies are compiled and replay the committed corpora wherever tests run: here, and
//! in `tests/corpora.rs` of the crate itself.
//!
//! Not here: the fuzzer; `fuzz_targets/` hands these bodies to it.

#[cfg(feature = "deflate")]
mod blocks;
mod choices;
pub mod connection;
#[cfg(feature = "deflate")]
pub mod deflate_round_trip;
#[cfg(feature = "deflate")]
pub mod extensions;
pub mod handshake_client;
pub mod handshake_server;
pub mod header;
mod http;
#[cfg(feature = "deflate")]
pub mod inflate;
pub mod mask;
#[path = "../../tests/support/reference/mod.rs"]
mod reference;
#[cfg(feature = "server")]
pub mod server;
pub mod utf8;

/// A target's body.
pub type Body = fn(&[u8]);

/// Every target by name.
pub const TARGETS: &[(&str, Body)] = &[
    ("connection", connection::connection),
    #[cfg(feature = "deflate")]
    ("deflate_round_trip", deflate_round_trip::deflate_round_trip),
    #[cfg(feature = "deflate")]
    ("extensions", extensions::extensions),
    ("handshake_client", handshake_client::handshake_client),
    ("handshake_server", handshake_server::handshake_server),
    ("header", header::header),
    #[cfg(feature = "deflate")]
    ("inflate", inflate::inflate),
    ("mask", mask::mask),
    #[cfg(feature = "server")]
    ("server", server::server),
    ("utf8", utf8::utf8),
];

#[cfg(test)]
mod tests {
    use super::{Body, TARGETS};
    use std::path::{Path, PathBuf};
    use std::{fs, panic};

    /// This file belongs to two crates; the corpora lie beside it.
    fn corpora() -> PathBuf {
        let root = Path::new(env!("CARGO_MANIFEST_DIR"));
        let here = root.join("fuzz");
        if here.is_dir() { here } else { root.into() }.join("corpus")
    }

    /// The files of a corpus; that there are some is part of the test.
    fn corpus(target: &str) -> Vec<(PathBuf, Vec<u8>)> {
        let dir = corpora().join(target);
        let entries =
            fs::read_dir(&dir).unwrap_or_else(|error| panic!("{}: {error}", dir.display()));
        let paths = entries.map(|entry| entry.expect("an entry").path());
        let mut files: Vec<_> = paths
            .map(|path| {
                let bytes = fs::read(&path).expect("a file");
                (path, bytes)
            })
            .collect();
        assert!(!files.is_empty(), "{} is empty", dir.display());
        files.sort();
        files
    }

    fn replay(target: &str) {
        let (_, body): &(_, Body) = TARGETS
            .iter()
            .find(|(name, _)| *name == target)
            .expect("a target");
        for (path, bytes) in corpus(target) {
            if panic::catch_unwind(|| body(&bytes)).is_err() {
                panic!("{} breaks a law of {target}", path.display());
            }
        }
    }

    macro_rules! replayed {
        ($($target:ident)*) => {
            $(#[test]
            fn $target() {
                replay(stringify!($target));
            })*

            #[test]
            fn every_target_is_replayed() {
                let replayed = [$(stringify!($target)),*];
                assert!(TARGETS.iter().all(|(name, _)| replayed.contains(name)));
            }
        };
    }

    #[cfg(feature = "server")]
    replayed!(connection deflate_round_trip extensions handshake_client handshake_server header inflate mask server utf8);
    #[cfg(all(feature = "deflate", not(feature = "server")))]
    replayed!(connection deflate_round_trip extensions handshake_client handshake_server header inflate mask utf8);
    #[cfg(not(feature = "deflate"))]
    replayed!(connection handshake_client handshake_server header mask utf8);

    #[test]
    fn the_corpora_are_those_of_the_targets() {
        let entries = fs::read_dir(corpora()).expect("corpora");
        for entry in entries {
            let name = entry.expect("an entry").file_name();
            let known = TARGETS.iter().any(|(target, _)| name == **target);
            assert!(
                known || !cfg!(feature = "server"),
                "{name:?} is no target's"
            );
        }
    }
}
