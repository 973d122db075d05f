//! Runs what threads share through every interleaving that loom tells apart. The sources are the crate's own; only the
//! types of their `sync` are loom's.
//!
//! `cargo test --manifest-path tests/loom/Cargo.toml --target-dir target/loom`
//!
//! Not here: what one thread can show; those tests stand beside the sources.
#![cfg(test)]

extern crate alloc;

mod halves;
#[allow(dead_code, reason = "some of it is for one thread")]
#[path = "../../../src/reactor/mailbox.rs"]
mod mailbox;
mod models;

/// In place of `src/reactor/sync.rs`.
mod sync {
    pub(super) use loom::sync::{Arc, Mutex, MutexGuard};
    pub(super) use std::sync::PoisonError;
}
