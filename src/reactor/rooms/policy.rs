//! What becomes of a member that reads too slowly, and how much of rooms there may be.
//!
//! Not here: doing it; that is `outbox`, and `deliver`.

use alloc::sync::Arc;
use core::fmt;
use core::time::Duration;

/// What becomes of a member for which more of its room waits than may. The kernel's own buffers, up to some 4 MB, come
/// before that. A message of which a part has gone is always finished.
#[derive(Clone, Copy, Debug, Default)]
pub enum SlowPolicy {
    /// It is closed with 1013, and so knows that it has missed something.
    #[default]
    Close,
    /// What comes while there is no room is dropped for it.
    DropNewest,
    /// What has waited longest is dropped for it.
    DropOldest,
    /// Of messages with the same key only the newest waits for it, also where there is room for more; it is closed with 1013 where even those are too much.
    /// The function finds the key in a message's payload; where it panics, nothing is dropped.
    Conflate(fn(&[u8]) -> &[u8]),
}

/// What rooms may take.
///
/// ```
/// # #[cfg(feature = "server")] {
/// use core::time::Duration;
/// use sockeye::server::{Builder, RoomSettings, SlowPolicy};
///
/// /// `EURUSD 1.1042` is about the `EURUSD`.
/// fn key(price: &[u8]) -> &[u8] {
///     price.split(|byte| *byte == b' ').next().unwrap_or_default()
/// }
///
/// let rooms = RoomSettings {
///     max_queued: 64 << 10,
///     linger: Duration::from_secs(60),
///     ..RoomSettings::default()
/// };
/// let builder = Builder::new().rooms(rooms.policy(|room| match room {
///     "prices" => SlowPolicy::Conflate(key), // who is slow gets the newest of each
///     "cursors" => SlowPolicy::DropOldest,
///     _ => SlowPolicy::Close,
/// }));
/// # }
/// ```
#[derive(Clone)]
pub struct RoomSettings {
    /// Bytes that may wait for one member, of all its rooms together and of what was said to all, with 192 for each piece.
    /// Default: 256 KiB. What is said to it by itself has [`Limits::max_queued`](crate::server::Limits::max_queued); so has
    /// what is said to all, where it is in no room.
    ///
    /// One message may exceed it, or none that is larger could ever be sent.
    pub max_queued: usize,
    /// Bytes of a room's name. Names are not empty and have no control characters. Default: 128.
    pub max_name: usize,
    /// Rooms that one connection may be in. Default: 128.
    pub max_per_connection: usize,
    /// Rooms of one loop. Default: 100 000.
    pub max_rooms: usize,
    /// How long a room without members stays. Default: not at all. Where peers choose names, those that they leave behind
    /// count as rooms for so long.
    pub linger: Duration,
    /// What becomes of members that read too slowly, by the name of their room; asked when a room comes into being.
    /// Default: [`SlowPolicy::Close`].
    pub policy: Arc<dyn Fn(&str) -> SlowPolicy + Send + Sync>,
}

impl RoomSettings {
    /// Sets [`policy`](Self::policy).
    #[must_use]
    pub fn policy(mut self, policy: impl Fn(&str) -> SlowPolicy + Send + Sync + 'static) -> Self {
        self.policy = Arc::new(policy);
        self
    }
}

impl Default for RoomSettings {
    fn default() -> Self {
        Self {
            max_queued: 256 << 10,
            max_name: 128,
            max_per_connection: 128,
            max_rooms: 100_000,
            linger: Duration::ZERO,
            policy: Arc::new(|_| SlowPolicy::Close),
        }
    }
}

impl fmt::Debug for RoomSettings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RoomSettings")
            .field("max_queued", &self.max_queued)
            .field("max_name", &self.max_name)
            .field("max_per_connection", &self.max_per_connection)
            .field("max_rooms", &self.max_rooms)
            .field("linger", &self.linger)
            .finish_non_exhaustive()
    }
}

/// What has happened in a room so far.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct RoomStats {
    /// Members.
    pub members: usize,
    /// Messages that were published.
    pub published: u64,
    /// Messages that were dropped for members, each counted for each of them.
    pub dropped: u64,
    /// Messages that were dropped for members, as newer ones have the same key.
    pub conflated: u64,
    /// Members that were closed for reading too slowly.
    pub closed: u64,
}

impl RoomStats {
    pub(super) const fn new() -> Self {
        Self {
            members: 0,
            published: 0,
            dropped: 0,
            conflated: 0,
            closed: 0,
        }
    }

    pub(super) const fn add(&mut self, other: &Self) {
        self.published += other.published;
        self.dropped += other.dropped;
        self.conflated += other.conflated;
        self.closed += other.closed;
    }
}
