//! What holds on a route, and for rooms, as the server is told it.
//!
//! Not here: the defaults, which are the server's own.

use super::{Format, MAX_PATH, Route, audience};
use crate::proto;
use crate::server::{History, RoomSettings, Timeouts};
use alloc::sync::Arc;

/// What messages may take on a route.
pub(super) fn limits_of(route: &Route, mut limits: proto::Limits) -> proto::Limits {
    if let Some(bytes) = route.max_message {
        limits.max_message = bytes;
        limits.max_frame = bytes;
    }
    limits
}

/// How long clients may take on a route.
pub(super) fn timeouts_of(route: &Route, mut timeouts: Timeouts) -> Timeouts {
    timeouts.ping = route.ping.unwrap_or(timeouts.ping);
    timeouts.pong = route.pong.unwrap_or(timeouts.pong);
    timeouts.idle = route.idle.or(timeouts.idle);
    timeouts
}

/// What a route keeps: nothing where clients could not be told where they are.
pub(super) fn history_of(route: &Route) -> Option<History> {
    #[cfg(feature = "json")]
    let history = route.history.map(super::json::told);
    #[cfg(not(feature = "json"))]
    let history = None;
    history.filter(|_| route.format == Format::Json)
}

/// Rooms as the server knows them: under names that begin with their path.
pub(super) fn keyed(rooms: RoomSettings) -> RoomSettings {
    let policy = Arc::clone(&rooms.policy);
    RoomSettings {
        max_name: rooms.max_name + MAX_PATH + audience::KEY_OVERHEAD,
        // Everybody is in two more: that of their path, and that of their user.
        max_per_connection: rooms.max_per_connection + 2,
        policy: Arc::new(move |key| policy(audience::room_in(key).map_or("", |(_, name)| name))),
        ..rooms
    }
}
