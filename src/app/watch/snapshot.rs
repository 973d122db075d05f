//! What somebody who looks is shown: [`Snapshot`], and which part of it, [`Query`].
//!
//! Not here: where it comes from, which is `reporter`.

use super::Reports;
use super::reports::{ConnectionReport, RoomReport};
use crate::app::metrics::{Registry, Totals};
use alloc::collections::{BTreeMap, BTreeSet};
use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;
use core::time::Duration;

/// The most connections, and the most rooms, that are shown at once.
pub const MAX_ROWS: usize = 1000;

/// Which connections are shown, and which rooms.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Query {
    filter: String,
    path: Option<String>,
    room: Option<String>,
    offset: usize,
    limit: usize,
}

impl Default for Query {
    fn default() -> Self {
        Self {
            filter: String::new(),
            path: None,
            room: None,
            offset: 0,
            limit: MAX_ROWS,
        }
    }
}

impl Query {
    /// The first [`MAX_ROWS`] of all.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Only connections in whose id, user, address, path or rooms this is found, and rooms in whose name or path it is, or
    /// that have such a connection; in any case, as far as ASCII has two.
    #[must_use]
    pub fn filter(mut self, text: impl Into<String>) -> Self {
        self.filter = text.into();
        self
    }

    /// Only what is at this path.
    #[must_use]
    pub fn path(mut self, path: impl Into<String>) -> Self {
        self.path = Some(path.into());
        self
    }

    /// Only the members of a room of a path, and only that room.
    #[must_use]
    pub fn room(mut self, path: impl Into<String>, name: impl Into<String>) -> Self {
        (self.path, self.room) = (Some(path.into()), Some(name.into()));
        self
    }

    /// Without so many connections that would come first.
    #[must_use]
    pub const fn offset(mut self, connections: usize) -> Self {
        self.offset = connections;
        self
    }

    /// At most so many connections, and as many rooms. Above [`MAX_ROWS`] it is that.
    #[must_use]
    pub const fn limit(mut self, rows: usize) -> Self {
        self.limit = rows;
        self
    }

    fn has_connection(&self, connection: &ConnectionReport) -> bool {
        let is_elsewhere = self
            .path
            .as_ref()
            .is_some_and(|path| **path != *connection.path);
        let is_in = |name| connection.rooms.contains(name);
        if is_elsewhere || !self.room.as_ref().is_none_or(is_in) {
            return false;
        }
        self.filter.is_empty()
            || connection
                .user
                .as_deref()
                .is_some_and(|user| self.finds(user))
            || self.finds(&connection.path)
            || connection.rooms.iter().any(|name| self.finds(name))
            || self.finds(&format!("{} {}", connection.id.get(), connection.addr))
    }

    fn has_room(&self, path: &str, name: &str, has_picked: bool) -> bool {
        let is = |wanted: &Option<String>, found| wanted.as_ref().is_none_or(|one| *one == found);
        is(&self.path, path)
            && is(&self.room, name)
            && (has_picked || self.finds(name) || self.finds(path))
    }

    fn finds(&self, text: &str) -> bool {
        let wanted = self.filter.as_bytes();
        wanted.is_empty()
            || text
                .as_bytes()
                .windows(wanted.len())
                .any(|part| part.eq_ignore_ascii_case(wanted))
    }
}

/// What there is in an application, or the part of it that was asked for.
#[derive(Clone, Debug)]
#[cfg_attr(feature = "json", derive(serde::Serialize))]
#[non_exhaustive]
pub struct Snapshot {
    /// When the last worker reported, in milliseconds since 1970; 0 where none has.
    pub time: u64,
    /// How long the application has run, in whole seconds.
    #[cfg_attr(feature = "json", serde(serialize_with = "seconds"))]
    pub uptime: Duration,
    /// Whether all workers have reported. Where not, what they have is missing.
    pub complete: bool,
    /// Connections that are open.
    pub online: usize,
    /// Sockeye's version.
    pub version: &'static str,
    /// What was counted since the start.
    pub totals: Totals,
    /// The node that shares rooms with others, where it is one.
    #[cfg(feature = "backplane")]
    pub node: Option<super::NodeReport>,
    /// Connections, by their ids.
    pub connections: Vec<ConnectionReport>,
    /// How many the query has picked, those on other pages too.
    pub connections_total: usize,
    /// Rooms, by their paths and names.
    pub rooms: Vec<RoomReport>,
    /// How many the query has picked.
    pub rooms_total: usize,
}

#[cfg(feature = "json")]
fn seconds<S: serde::Serializer>(span: &Duration, to: S) -> Result<S::Ok, S::Error> {
    to.serialize_u64(span.as_secs())
}

pub(super) fn of(reports: &Reports, registry: &Registry, query: &Query) -> Snapshot {
    let limit = query.limit.min(MAX_ROWS);
    let all = reports.iter().flat_map(|report| &report.connections);
    let mut picked: Vec<_> = all.filter(|one| query.has_connection(one)).collect();
    picked.sort_unstable_by_key(|connection| connection.id);
    let page = picked.iter().skip(query.offset).take(limit);
    let rooms = rooms(reports, query, &picked);
    Snapshot {
        time: reports.iter().map(|report| report.time).max().unwrap_or(0),
        uptime: reports
            .iter()
            .map(|report| report.uptime)
            .max()
            .unwrap_or_default(),
        complete: reports.come.len() == reports.workers && reports.workers > 0,
        online: reports.iter().map(|report| report.connections.len()).sum(),
        version: env!("CARGO_PKG_VERSION"),
        totals: registry.totals(),
        #[cfg(feature = "backplane")]
        node: registry.shown_node().as_ref().map(super::nodes::of),
        connections: page.map(|connection| (*connection).clone()).collect(),
        connections_total: picked.len(),
        rooms_total: rooms.len(),
        rooms: rooms.into_values().take(limit).collect(),
    }
}

/// A room on several workers is one.
fn rooms<'r>(
    reports: &'r Reports,
    query: &Query,
    picked: &[&ConnectionReport],
) -> BTreeMap<(&'r str, &'r str), RoomReport> {
    let of_picked: BTreeSet<(&str, &str)> = picked
        .iter()
        .filter(|_| !query.filter.is_empty())
        .flat_map(|one| one.rooms.iter().map(|name| (&*one.path, name.as_str())))
        .collect();
    let mut rooms = BTreeMap::<_, RoomReport>::new();
    let all = reports.iter().flat_map(|report| &report.rooms);
    for room in all.filter(|room| {
        let has_picked = of_picked.contains(&(room.path.as_str(), room.name.as_str()));
        query.has_room(&room.path, &room.name, has_picked)
    }) {
        let sum = rooms.entry((&*room.path, &*room.name));
        sum.and_modify(|sum| {
            sum.members += room.members;
            // Each worker where it has members counts what is published there.
            sum.published = sum.published.max(room.published);
            sum.dropped += room.dropped;
            sum.updated = sum.updated.max(room.updated);
        })
        .or_insert_with(|| room.clone());
    }
    rooms
}
