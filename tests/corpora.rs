//! The fuzzers' bodies on their committed corpora, on any toolchain: `fuzz/src` as part of the crate's own tests.
#![allow(
    dead_code,
    missing_docs,
    unreachable_pub,
    reason = "what is shared with the fuzzers is public there"
)]
#![allow(
    clippy::cast_possible_truncation,
    clippy::std_instead_of_alloc,
    clippy::std_instead_of_core,
    clippy::unwrap_used,
    reason = "tests have std, and make bytes of numbers on purpose"
)]

#[path = "../fuzz/src/lib.rs"]
mod fuzz;
