//! What a worker writes down of its connections and rooms: [`ConnectionReport`], [`RoomReport`].
//!
//! Not here: when; that is `reporter`.

use crate::kernel::PeerAddr;
use crate::server::ConnectionId;
use alloc::string::String;
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::time::Duration;

/// A connection, as it was when its worker reported. In JSON its id is a string, as JavaScript's numbers end at 2^53.
#[derive(Clone, Debug)]
#[cfg_attr(feature = "json", derive(serde::Serialize))]
#[non_exhaustive]
pub struct ConnectionReport {
    /// Its id.
    #[cfg_attr(feature = "json", serde(serialize_with = "json::number"))]
    pub id: ConnectionId,
    /// Whose it is, where a gate or a service has [said](crate::app::Conn::identify) so; or only what it is
    /// [called](crate::app::Conn::introduce), which others may be, too.
    pub user: Option<String>,
    /// Where it comes from.
    #[cfg_attr(feature = "json", serde(serialize_with = "json::displayed"))]
    pub addr: PeerAddr,
    /// The pattern of its route.
    #[cfg_attr(feature = "json", serde(serialize_with = "json::displayed"))]
    pub route: Arc<str>,
    /// Its path.
    #[cfg_attr(feature = "json", serde(serialize_with = "json::displayed"))]
    pub path: Arc<str>,
    /// When it was opened, in milliseconds since 1970, of which whole seconds count.
    pub since: u64,
    /// Messages that it has sent.
    pub messages_in: u64,
    /// Messages that it was told.
    pub messages_out: u64,
    /// Bytes of those that it has sent.
    pub bytes_in: u64,
    /// Bytes of those that it was told.
    pub bytes_out: u64,
    /// Bytes that wait for it to read.
    pub queued: usize,
    /// How long the last ping took to be answered, in milliseconds, once one was.
    pub rtt: Option<u64>,
    /// The rooms that it is in, in the order in which it joined them.
    pub rooms: Vec<String>,
}

/// A room of a path.
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "json", derive(serde::Serialize))]
#[non_exhaustive]
pub struct RoomReport {
    /// Its name.
    pub name: String,
    /// The path that it is of; in JSON `route`.
    #[cfg_attr(feature = "json", serde(rename = "route"))]
    pub path: String,
    /// Members, on all workers.
    pub members: usize,
    /// Messages that were published there.
    pub published: u64,
    /// Messages that were dropped for members that read too slowly, each counted for each of them; those for which there
    /// is a newer one too.
    pub dropped: u64,
    /// When something was published there last, in milliseconds since 1970, as far as somebody has been looking; else 0.
    pub updated: u64,
}

/// What one worker has written down.
#[derive(Debug, Default)]
pub(super) struct Report {
    /// In milliseconds since 1970.
    pub(super) time: u64,
    /// How long its loop has run.
    pub(super) uptime: Duration,
    /// By their ids.
    pub(super) connections: Vec<ConnectionReport>,
    pub(super) rooms: Vec<RoomReport>,
}

impl Report {
    pub(super) fn connection(&self, number: u64) -> Option<&ConnectionReport> {
        let connections = &self.connections;
        let at = connections.binary_search_by_key(&number, |connection| connection.id.get());
        at.ok().map(|at| &connections[at])
    }
}

#[cfg(feature = "json")]
pub(super) mod json {
    use crate::server::ConnectionId;
    use serde::Serializer;

    pub(in crate::app::watch) fn number<S: Serializer>(
        id: &ConnectionId,
        to: S,
    ) -> Result<S::Ok, S::Error> {
        to.collect_str(&id.get())
    }

    pub(in crate::app::watch) fn displayed<S: Serializer>(
        value: &impl core::fmt::Display,
        to: S,
    ) -> Result<S::Ok, S::Error> {
        to.collect_str(value)
    }
}
