//! Rooms that keep what was said last, so that whoever comes back gets what it has missed: [`History`].
//!
//! | file | holds |
//! |---|---|
//! | `mod` | how much is kept, and how it is told |
//! | `place` | where in a history somebody is: offsets, and the tokens that clients come back with |
//! | `ledger` | what rooms keep, of all loops of an exchange |
//! | `kept` | one room of it |
//!
//! Not here: who is told what; that is `rooms`. A store that outlives the process; that is `backplane`'s, and there the
//! ledger has a copy of its end.

mod kept;
mod ledger;
mod place;

pub(super) use kept::Missed;
pub(crate) use kept::Said;
pub(crate) use ledger::Store;
pub(super) use ledger::{Ledger, Search};
pub(crate) use place::Origin;
pub use place::{NotAToken, Offset, Token};

use core::time::Duration;

/// How much of what is said in a room is kept for those who come back. What is beyond any of these is not.
///
/// What is kept is said with [`To::kept`](crate::server::To::kept), and heard by whoever came with
/// [`Hub::resume`](crate::server::Hub::resume). All that is kept in one room is told in one order, the same to everybody.
#[derive(Clone, Copy, Debug)]
pub struct History {
    pub(crate) messages: usize,
    pub(crate) span: Duration,
    pub(crate) bytes: usize,
    pub(crate) words: Option<Words>,
}

/// How positions are told.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Words {
    /// Writes a message with its position; `false` where it cannot have one.
    pub(crate) mark: fn(&[u8], &str, &mut alloc::vec::Vec<u8>) -> bool,
    /// What somebody is told first.
    pub(crate) greet: fn(&Resumed<'_>) -> alloc::string::String,
}

/// What somebody gets who comes, or comes back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Resumed<'r> {
    /// So many messages follow.
    pub(crate) missed: usize,
    /// They are all it has missed.
    pub(crate) is_complete: bool,
    /// Who it is now.
    pub(crate) author: Author,
    /// Where it is before them.
    pub(crate) at: &'r str,
}

/// A connection, among those of all nodes: whose message it is, which is not told what it said itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Author {
    pub(crate) node: u64,
    pub(crate) connection: u64,
}

/// Two that keep as much are the same.
impl PartialEq for History {
    fn eq(&self, other: &Self) -> bool {
        let limits = |history: &Self| (history.messages, history.span, history.bytes);
        limits(self) == limits(other)
    }
}

impl Eq for History {}

impl History {
    /// The last so many messages, of a day at most, and 512 KiB of them.
    #[must_use]
    pub const fn last(messages: usize) -> Self {
        Self {
            messages,
            span: Duration::from_secs(24 * 60 * 60),
            bytes: 512 << 10,
            words: None,
        }
    }

    /// Not what was said longer ago than this. Of a room in which nothing was said for so long, nothing is known any more.
    #[must_use]
    pub const fn within(mut self, span: Duration) -> Self {
        self.span = span;
        self
    }

    /// Not more bytes than this, with 300 for each message. Whoever comes back is sent all it has missed at once: more than
    /// [`Limits::max_queued`](crate::server::Limits::max_queued) is too much for one that reads slowly. A broker may keep
    /// more than is told.
    #[must_use]
    pub const fn max_bytes(mut self, bytes: usize) -> Self {
        self.bytes = bytes;
        self
    }

    /// How many messages are kept.
    #[must_use]
    pub const fn messages(&self) -> usize {
        self.messages
    }

    /// For how long.
    #[must_use]
    pub const fn span(&self) -> Duration {
        self.span
    }

    /// How many bytes of them.
    #[must_use]
    pub const fn bytes(&self) -> usize {
        self.bytes
    }

    /// Has messages tell where they are.
    #[cfg(feature = "json")]
    pub(crate) const fn told(mut self, words: Words) -> Self {
        self.words = Some(words);
        self
    }
}
