//! The C interface of Sockeye's core: handles, bytes in, events and bytes out.
//!
//! | module | holds |
//! |---|---|
//! | `error` `config` `request` `event` | what C sees: codes, structures, and what they mean to the core |
//! | `output` `session` | a connection from the first byte to the last, in safe Rust |
//! | `boundary` | pointers to borrows, panics to codes |
//! | `abi` | the functions of the header |
//!
//! `unsafe` stands in the last two alone: the one turns pointers into borrows, the other says which. The header,
//! `include/sockeye.h`, is made of those of the first line, `boundary` and `abi`; `cargo test` says whether it still is.
//!
//! Not here: the protocol, which is the core's; sockets, clocks and threads, which are the caller's; TLS; rooms.

pub mod abi;
mod boundary;
pub mod config;
pub mod error;
pub mod event;
mod output;
pub mod request;
mod session;
