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

#[cfg(feature = "json")]
pub mod app;
#[cfg(feature = "deflate")]
mod blocks;
mod choices;
#[cfg(feature = "client")]
pub mod client;
pub mod connection;
#[cfg(feature = "deflate")]
pub mod deflate_round_trip;
#[cfg(feature = "deflate")]
pub mod extensions;
#[cfg(any(feature = "server", feature = "client"))]
#[path = "../../tests/support/frames.rs"]
mod frames;
pub mod handshake_client;
pub mod handshake_server;
pub mod header;
mod http;
#[cfg(feature = "deflate")]
pub mod inflate;
#[cfg(feature = "json")]
pub mod json;
pub mod mask;
#[cfg(feature = "server")]
pub mod proxied;
#[path = "../../tests/support/reference/mod.rs"]
mod reference;
#[cfg(feature = "server")]
pub mod rooms;
#[cfg(feature = "server")]
pub mod server;
#[cfg(any(feature = "server", feature = "client"))]
#[path = "../../tests/support/sim/mod.rs"]
mod sim;
#[cfg(feature = "client")]
pub mod url;
pub mod utf8;

/// A target's body.
pub type Body = fn(&[u8]);

/// Every target by name.
pub const TARGETS: &[(&str, Body)] = &[
    #[cfg(feature = "json")]
    ("app", app::app),
    #[cfg(feature = "client")]
    ("client", client::client),
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
    #[cfg(feature = "json")]
    ("json", json::json),
    ("mask", mask::mask),
    #[cfg(feature = "server")]
    ("proxied", proxied::proxied),
    #[cfg(feature = "server")]
    ("rooms", rooms::rooms),
    #[cfg(feature = "server")]
    ("server", server::server),
    #[cfg(feature = "client")]
    ("url", url::url),
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
        ($($(#[$when:meta])? $target:ident)*) => {
            $($(#[$when])?
            #[test]
            fn $target() {
                replay(stringify!($target));
            })*

            #[test]
            fn every_target_is_replayed() {
                let replayed = [$($(#[$when])? stringify!($target)),*];
                assert!(TARGETS.iter().all(|(name, _)| replayed.contains(name)));
            }
        };
    }

    replayed! {
        #[cfg(feature = "json")] app
        #[cfg(feature = "client")] client
        connection
        #[cfg(feature = "deflate")] deflate_round_trip
        #[cfg(feature = "deflate")] extensions
        handshake_client
        handshake_server
        header
        #[cfg(feature = "deflate")] inflate
        #[cfg(feature = "json")] json
        mask
        #[cfg(feature = "server")] proxied
        #[cfg(feature = "server")] rooms
        #[cfg(feature = "server")] server
        #[cfg(feature = "client")] url
        utf8
    }

    #[test]
    fn the_corpora_are_those_of_the_targets() {
        let entries = fs::read_dir(corpora()).expect("corpora");
        for entry in entries {
            let name = entry.expect("an entry").file_name();
            let known = TARGETS.iter().any(|(target, _)| name == **target);
            assert!(
                known || !cfg!(all(feature = "json", feature = "client")),
                "{name:?} is no target's"
            );
        }
    }
}
