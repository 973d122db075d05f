//! Requests that hyper has read, by itself and under axum and tower: judged and answered as those that we read.
#![forbid(unsafe_code)]
#![allow(
    clippy::unwrap_used,
    reason = "a test that unwraps a fault fails, as it should"
)]

#[cfg(feature = "http2")]
mod http2;
mod rows;
mod upgraded;
mod wire;
