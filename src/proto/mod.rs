//! The sans-IO core: bytes in, events and bytes out.
//!
//! Not here: sockets, clocks, randomness, threads. Nothing in this module imports anything above it.
#![deny(
    clippy::indexing_slicing,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::wildcard_enum_match_arm
)]

pub mod handshake;
