//! The sans-IO core: bytes in, events and bytes out.
//!
//! ```text
//! error  close  utf8  text    whose fault, which code, what text is; work, which tests count
//! frame                       header, rules, mask
//! message   handshake         fragments to messages; requests and answers
//! deflate                     permessage-deflate, with the feature of that name
//! connection                  what an embedder drives
//! ```
//!
//! Each line uses only those above it. Not here: sockets, clocks, randomness, threads. Nothing in this module imports
//! anything above it.
#![deny(
    clippy::indexing_slicing,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::wildcard_enum_match_arm
)]

mod close;
mod connection;
#[cfg(feature = "deflate")]
pub mod deflate;
#[cfg(not(feature = "deflate"))]
#[path = "deflate/without.rs"]
mod deflate;
mod error;
pub mod frame;
pub mod handshake;
mod message;
mod simd;
mod text;
pub mod utf8;
#[cfg(feature = "work-count")]
pub mod work;
#[cfg(not(feature = "work-count"))]
mod work;

pub use close::{CloseCode, CloseReason, MAX_CONTROL_LEN, local};
#[cfg(feature = "aio")]
pub(crate) use connection::Place;
pub use connection::{
    Config, Connection, Delivery, Event, Inbound, Keys, Limits, Outbound, Part, Prepared, Receiver,
    Sender, SharedFrame, Sink, State, Step,
};
pub use error::{Misuse, NoRandomness, SendError, Violation};
pub use frame::{MessageKind, Role};
