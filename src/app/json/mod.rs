//! JSON: whether a text is it, and messages that are commands.
//!
//! | file | holds |
//! |---|---|
//! | `check` | whether a text is JSON, and where it is not; also without the feature `json` |
//! | `envelope`, `letter` | a message that is a command: reading it, and writing it |
//! | `commands` | a service that does what such messages tell it |
//! | `emit` | saying commands through what a call is lent |
//! | `place` | where clients are in what a path keeps |
//!
//! # What a path keeps
//!
//! Where a route has a [`history`](super::Route::history), each object that is said with
//! [`Audience::kept`](super::Audience::kept) has its place as its last member:
//! `{"cmd":"say","param":"hi","at":"1795400000000-8"}`; it should have no other member of that name. Whoever comes is told where
//! that is, `{"cmd":"resumed","param":{"missed":3,"complete":true,"as":"1f.2a"},"at":"…"}`, and behind that what it has missed.
//! Where it is not `complete`, it is too late. To come back, a client asks for the path with `?resume=AT,AS`: the last `at` that it
//! has heard, and the last `as`. The browser's client does so by itself, and the one of this crate
//! where it is asked to (`Connector::resume`).
//!
//! Not here: values, types and their errors, which are `serde`'s and `serde_json`'s.

mod check;
#[cfg(feature = "json")]
mod commands;
#[cfg(feature = "json")]
mod emit;
#[cfg(feature = "json")]
mod envelope;
#[cfg(feature = "json")]
mod letter;
#[cfg(feature = "json")]
mod place;

pub use check::{MAX_DEPTH, NotJson, check};
#[cfg(feature = "json")]
pub use commands::{Answer, Asks, Commands, Failure, MAX_ASKED, NotAsked, Permit, Unanswered};
#[cfg(feature = "json")]
pub use emit::NotReplied;
#[cfg(feature = "json")]
pub use envelope::{BadEnvelope, BadParam, Envelope, MAX_ID};
#[cfg(feature = "json")]
pub use letter::{Letter, Unwritable, error, reply};
#[cfg(feature = "json")]
pub(crate) use place::{RESUME, told};
