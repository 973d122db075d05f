//! The functions of the header.
//!
//! | file | holds |
//! |---|---|
//! | `library` | version, texts of errors |
//! | `handles` | making and freeing; the output |
//! | `opening` | the opening handshake |
//! | `receive` `send` | events in, messages out |
//!
//! Each does three things: pointers become borrows, the call is made, and what comes of it is told. What they ask of the
//! caller stands in the header: [`boundary`](crate::boundary) says how that is used.
//!
//! Not here: anything that is not a conversion.
#![expect(
    clippy::missing_safety_doc,
    reason = "the comments are the header's, which says it once for all"
)]

pub mod handles;
pub mod library;
pub mod opening;
#[cfg(test)]
mod poisoned;
pub mod receive;
pub mod send;

use crate::error::Error;

pub use crate::boundary::{Conn, Tools};

/// The code of a call that may have ended before it began.
fn code(result: Result<Error, Error>) -> Error {
    result.unwrap_or_else(|error| error)
}

/// Bytes that are lent, or none.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct Bytes {
    /// Where they are; NULL where there is no such thing. Not NUL-terminated.
    pub data: *const u8,
    /// How many there are.
    pub len: usize,
}

impl Bytes {
    const NONE: Self = Self {
        data: core::ptr::null(),
        len: 0,
    };

    const fn lend(bytes: &[u8]) -> Self {
        Self {
            data: bytes.as_ptr(),
            len: bytes.len(),
        }
    }
}
