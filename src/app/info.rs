//! What is known of a connection, beside what its service keeps: [`Info`].
//!
//! Not here: its protocol state, which is the loop's.

use super::audience::user_in;
use super::limits::Bucket;
use super::site::OnRoute;
use crate::kernel::PeerAddr;
use crate::server::ConnectionId;
use alloc::sync::Arc;
use core::time::Duration;

/// What is known of a connection.
#[derive(Debug)]
pub(super) struct Info {
    pub(super) id: ConnectionId,
    /// The number of its place on its worker.
    pub(super) place: u32,
    pub(super) addr: PeerAddr,
    /// Since 1970, in milliseconds.
    pub(super) since: u64,
    pub(super) messages_in: u64,
    pub(super) bytes_in: u64,
    pub(super) messages_out: u64,
    pub(super) bytes_out: u64,
    /// The key of the room of its user, which that room has too.
    pub(super) user: Option<Arc<str>>,
    pub(super) bucket: Bucket,
    _on_route: OnRoute,
    /// In milliseconds.
    round_trip: u32,
}

/// No ping was answered yet.
const UNKNOWN: u32 = u32::MAX;

impl Info {
    pub(super) const fn new(
        id: ConnectionId,
        place: u32,
        addr: PeerAddr,
        since: u64,
        bucket: Bucket,
        on_route: OnRoute,
    ) -> Self {
        Self {
            id,
            place,
            addr,
            since,
            messages_in: 0,
            bytes_in: 0,
            messages_out: 0,
            bytes_out: 0,
            user: None,
            bucket,
            _on_route: on_route,
            round_trip: UNKNOWN,
        }
    }

    /// Whose connection it is, if that was said.
    pub(super) fn user_name(&self) -> Option<&str> {
        self.user.as_deref().and_then(user_in)
    }

    pub(super) const fn note_received(&mut self, bytes: usize) {
        self.messages_in += 1;
        self.bytes_in += bytes as u64;
    }

    pub(super) const fn note_sent(&mut self, messages: u64, bytes: usize) {
        self.messages_out += messages;
        self.bytes_out += bytes as u64;
    }

    pub(super) fn note_latency(&mut self, round_trip: Duration) {
        self.round_trip = u32::try_from(round_trip.as_millis()).unwrap_or(UNKNOWN - 1);
    }

    pub(super) fn latency(&self) -> Option<Duration> {
        (self.round_trip != UNKNOWN).then(|| Duration::from_millis(self.round_trip.into()))
    }
}
