//! The opening handshake, from tables and at random.
#![allow(
    clippy::unwrap_used,
    reason = "a test that unwraps a fault fails, as it should"
)]

mod client;
#[cfg(feature = "deflate")]
mod deflate;
mod keys;
mod letters;
mod outgoing;
mod page;
mod random;
mod response;
mod rows;
mod said;
mod server;
