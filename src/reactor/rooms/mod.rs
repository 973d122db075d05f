//! Rooms: who is where, and what was said there in this turn.

/// All rooms of a loop.
#[derive(Debug, Default)]
pub(super) struct Rooms {}
