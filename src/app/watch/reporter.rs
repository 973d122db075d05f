//! A worker's side of a [`Monitor`]: [`Reporter`].
//!
//! It writes a report when it is asked for the first time, then each second until nobody has asked for ten of them, and
//! then throws the last one away.
//!
//! Not here: what is said; that is `tap`.

use super::reports::{ConnectionReport, Report, RoomReport};
use super::{Monitor, TapDesk, lock};
use crate::app::audience::room_in;
use crate::app::home::Home;
use crate::app::info::Info;
use crate::app::place::AnyPlace;
use crate::app::wall::millis_since_1970;
use crate::server::Hub;
use alloc::boxed::Box;
use alloc::string::String;
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering};
use core::time::Duration;
use std::collections::HashMap;
use std::sync::Mutex;

/// The key of a timer that says: somebody looks, and there was nobody before.
pub(in crate::app) const POKE: u64 = u64::MAX;
/// The key of a timer that says: it is time for the next report.
pub(in crate::app) const TICK: u64 = u64::MAX - 1;

/// From one report to the next.
const PERIOD: Duration = Duration::from_secs(1);
/// So many connections are worth one period: writing them down takes the loop some milliseconds.
const PER_PERIOD: usize = 20_000;
/// Reports that are written after somebody has asked.
const PATIENCE: u32 = 10;

/// Where a worker's report is.
#[derive(Debug, Default)]
pub(super) struct Post {
    report: Mutex<Option<Arc<Report>>>,
    /// Reports that are still wanted.
    left: AtomicU32,
    /// Whether the worker writes them.
    ticking: AtomicBool,
    written: AtomicU64,
}

impl Post {
    /// Wants reports. Says whether the worker has to be told.
    pub(super) fn ask(&self) -> bool {
        // In one order with what `Reporter::on_time` does: it stops only where it sees that nobody asks, or is seen to have.
        self.left.store(PATIENCE, Ordering::SeqCst);
        !self.ticking.load(Ordering::SeqCst)
    }

    pub(super) fn report(&self) -> Option<Arc<Report>> {
        lock(&self.report).clone()
    }

    pub(super) fn written(&self) -> u64 {
        self.written.load(Ordering::Acquire)
    }
}

/// What is known of a connection, what it is called, and where it is.
type Sitting<'i> = (&'i Info, Option<&'i str>, (&'i Home, &'i dyn AnyPlace));

/// What a worker reports by.
pub(in crate::app) struct Reporter {
    monitor: Monitor,
    post: Arc<Post>,
    taps: Arc<TapDesk>,
    /// What was seen of rooms, by their keys: messages, and when there was a new one.
    rooms: HashMap<Box<str>, (u64, u64)>,
}

impl Reporter {
    pub(super) fn new(monitor: Monitor, post: Arc<Post>, taps: Arc<TapDesk>) -> Self {
        Self {
            monitor,
            post,
            taps,
            rooms: HashMap::new(),
        }
    }

    /// Where what is said on this worker is shown.
    pub(in crate::app) const fn taps(&self) -> &Arc<TapDesk> {
        &self.taps
    }

    /// One of our timers is due.
    pub(in crate::app) fn on_time<'i>(
        &mut self,
        key: u64,
        hub: &mut Hub<'_>,
        connections: impl ExactSizeIterator<Item = Sitting<'i>>,
    ) {
        if key == POKE && self.post.ticking.swap(true, Ordering::SeqCst) {
            return;
        }
        if !self.is_wanted() {
            self.post.ticking.store(false, Ordering::SeqCst);
            if self.post.left.load(Ordering::SeqCst) == 0 {
                *lock(&self.post.report) = None;
                self.rooms = HashMap::new();
                return;
            }
            // Somebody has asked just now, and counts on us.
            self.post.ticking.store(true, Ordering::SeqCst);
        }
        let periods = connections.len() / PER_PERIOD;
        self.write(hub, connections);
        let periods = u32::try_from(periods).unwrap_or(u32::MAX);
        hub.after(PERIOD.saturating_mul(periods.saturating_add(1)), TICK);
    }

    /// Whether one more report is wanted. It is one less then.
    fn is_wanted(&self) -> bool {
        let less = |left: u32| left.checked_sub(1);
        let order = Ordering::SeqCst;
        self.post.left.fetch_update(order, order, less).is_ok()
    }

    fn write<'i>(&mut self, hub: &Hub<'_>, connections: impl Iterator<Item = Sitting<'i>>) {
        let time = millis_since_1970();
        let mut places = HashMap::new();
        let mut connections: Vec<_> = connections
            .filter_map(|seated| connection(seated, hub, &mut places))
            .collect();
        connections.sort_unstable_by_key(|connection| connection.id);
        let report = Report {
            time,
            uptime: hub.now(),
            connections,
            rooms: self.write_rooms(hub, time),
        };
        *lock(&self.post.report) = Some(Arc::new(report));
        self.post.written.fetch_add(1, Ordering::Release);
    }

    fn write_rooms(&mut self, hub: &Hub<'_>, time: u64) -> Vec<RoomReport> {
        let mut seen = HashMap::with_capacity(self.rooms.len());
        let mut rooms = Vec::new();
        for key in hub.rooms() {
            let Some(((path, name), stats)) = room_in(key).zip(hub.stats(key)) else {
                continue;
            };
            let updated = match self.rooms.get(key) {
                Some((published, updated)) if *published == stats.published => *updated,
                Some(_) => time,
                // Nobody was looking, or it is new.
                None => 0,
            };
            seen.insert(key.into(), (stats.published, updated));
            rooms.push(RoomReport {
                name: name.into(),
                path: path.into(),
                members: stats.members,
                published: stats.published,
                dropped: stats.dropped + stats.conflated,
                updated,
            });
        }
        self.rooms = seen;
        rooms
    }
}

impl Drop for Reporter {
    fn drop(&mut self) {
        self.monitor.forget(&self.post);
    }
}

/// The route and the path of a place, written once for all who are there.
type Places<'i> = HashMap<&'i str, (Arc<str>, Arc<str>)>;

fn connection<'i>(
    (info, called, (home, service)): Sitting<'i>,
    hub: &Hub<'_>,
    places: &mut Places<'i>,
) -> Option<ConnectionReport> {
    let id = service.id(info.seat)?;
    let place = places.entry(&home.path);
    let (route, path) = place.or_insert_with(|| {
        let route = home.definition.route.pattern();
        (route.into(), (&*home.path).into())
    });
    let rooms = hub.rooms_of(id).filter_map(room_in);
    Some(ConnectionReport {
        id,
        user: called.map(String::from),
        addr: info.addr(),
        route: Arc::clone(route),
        path: Arc::clone(path),
        since: info.since(),
        messages_in: info.messages_in(),
        messages_out: info.messages_out(),
        bytes_in: info.bytes_in,
        bytes_out: info.bytes_out,
        queued: hub.queued_bytes(id),
        rtt: info
            .latency()
            .map(|rtt| u64::try_from(rtt.as_millis()).unwrap_or(u64::MAX)),
        rooms: rooms.map(|(_, name)| name.into()).collect(),
    })
}
