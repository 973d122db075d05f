//! Work grows with the bytes that arrive, not with their square: a count of the bytes that the core takes up, on inputs
//! that ask for more, from 2^10 to 2^20.
//!
//! Twice as much input may cost 2.2 times as much, and no input more than a law says, for each byte, frame and call.
//! `SOCKEYE_LINEAR=show` with `-- --nocapture` shows what each costs.
//!
//! Not here: time, which `benches/core` takes; memory, which `tests/alloc.rs` counts.
#![allow(
    clippy::unwrap_used,
    clippy::cast_precision_loss,
    clippy::std_instead_of_alloc,
    clippy::std_instead_of_core,
    reason = "tests have std"
)]

#[path = "../support/deflate_attacks.rs"]
mod deflate_attacks;
#[path = "../support/deflate_bits.rs"]
mod deflate_bits;
#[path = "../support/wire.rs"]
#[allow(dead_code, reason = "others read as well")]
mod wire;

mod compressed;
mod cost;
mod drive;
mod frames;
mod heads;
mod sending;
