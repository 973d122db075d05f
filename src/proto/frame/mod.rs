//! Frames: what the bits say (`header`), whether they may say it (`rules`), and the payload's mask (`mask`).
//!
//! Not here: messages, UTF-8, what to do about a fault.

mod header;
pub mod mask;
mod opcode;
mod rules;

pub(crate) use header::Whole;
pub use header::{Encoded, Header, Status};
pub use opcode::{MessageKind, Opcode};
pub use rules::{Role, Rules};
