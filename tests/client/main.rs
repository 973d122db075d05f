//! What a client is told, and what follows from it: no sockets.
#![forbid(unsafe_code)]
#![allow(
    clippy::unwrap_used,
    reason = "a test that unwraps a fault fails, as it should"
)]

mod proxy;
mod url;
