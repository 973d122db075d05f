//! A worker's share of an application: which connection is at which place, told apart and passed on.
//!
//! Not here: who may come, which is `arrivals`; what a route is, which is `site`; what a service does.

use super::home::Home;
use super::info::Info;
use super::line::Nobody;
use super::metrics::Counters;
use super::places::Places;
use super::seating::Seated;
use super::site::{Admitted, Site};
use super::watch::{Direction, Monitor, POKE, Reporter, Said, TICK, What};
use super::{Bucket, Route, Upgrade, client_address, format};
use crate::kernel::Kernel;
use crate::proto::CloseCode;
use crate::proto::handshake::Response;
use crate::proto::handshake::server::{PageRequest, Request};
use crate::server::{Arrival, Cause, Closed, ConnectionId, Handler, Hub, Message, Peer, Verdict};
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::fmt;
use core::net::IpAddr;
use core::panic::AssertUnwindSafe;
use core::time::Duration;
use slab::Slab;
use std::collections::HashMap;
use std::panic::{catch_unwind, resume_unwind};

/// A worker's share of an application: the handler of one server. Made by [`Workers::router`](super::Workers::router).
///
/// ```
/// use sockeye::app::{App, Echo};
/// use sockeye::server::Listener;
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let workers = App::new().route("SOCKET /echo", |_| Echo).build()?;
///
/// // As `Workers::serve` does, but with buffers of the kernel's that are small.
/// let listener = Listener::bind(&"127.0.0.1:0".parse()?)?;
/// let builder = workers.builder().clone().send_buffer(64 << 10);
/// let mut server = builder.serve([listener], workers.router())?;
/// server.stopper().stop()?;
/// server.run()?;
/// # Ok(())
/// # }
/// ```
pub struct Router {
    pub(super) site: Arc<Site>,
    pub(super) places: Places,
    pub(super) infos: Slab<Info>,
    /// Of those on routes that have a rate, as long as the last of them that has said something.
    pub(super) buckets: Vec<Bucket>,
    pub(super) counters: Arc<Counters>,
    /// Where somebody may look.
    reporter: Option<Reporter>,
    /// The user of the request that is becoming a connection now, and of no other.
    pub(super) admitted: Option<Admitted>,
    /// Addresses of those who were counted in and have no seat yet.
    pub(super) waiting: HashMap<ConnectionId, IpAddr>,
    /// How far the time that workers have in common is ahead of the loop's.
    pub(super) ahead: Duration,
    /// The common time of the last request.
    pub(super) now: Duration,
    /// When rooms and connections are gone through next, to be counted.
    count_at: Duration,
}

/// What it takes to go through all rooms and connections is then nothing to speak of.
const BETWEEN_COUNTS: Duration = Duration::from_secs(1);

impl Router {
    pub(super) fn new(site: Arc<Site>) -> Self {
        let counters = site.shared.registry.worker();
        let reporter = site.shared.monitor.as_ref().map(Monitor::reporter);
        Self {
            site,
            places: Places::default(),
            infos: Slab::new(),
            buckets: Vec::new(),
            counters,
            reporter,
            admitted: None,
            waiting: HashMap::new(),
            ahead: Duration::ZERO,
            now: Duration::ZERO,
            count_at: Duration::ZERO,
        }
    }
}

/// Shows what happens to a connection, where anybody listens.
#[inline]
pub(super) fn show(home: &Home, id: ConnectionId, what: What<'_>, now: impl FnOnce() -> Duration) {
    if let Some(taps) = home.listened() {
        let said = Said {
            id: Some(id),
            to: None,
            path: &home.path,
            direction: Direction::In,
            what,
        };
        taps.show(now(), &said);
    }
}

/// Whether a message is what the route takes; says so where it is not.
fn is_welcome<K: Kernel>(
    route: &Route,
    peer: &mut Peer<'_, K>,
    (buckets, seated): (&mut Vec<Bucket>, Seated),
    message: &Message<'_>,
) -> bool {
    if let Some(rate) = route.rate
        && bucket(buckets, seated)
            .take(rate, peer.hub().now())
            .is_err()
    {
        let _ = peer.close(CloseCode::POLICY_VIOLATION, "too many messages");
        return false;
    }
    match format::check(route, message) {
        Ok(()) => true,
        Err(fault) => {
            fault.answer(route, peer);
            false
        }
    }
}

/// The messages that a connection may still send.
fn bucket(buckets: &mut Vec<Bucket>, seated: Seated) -> &mut Bucket {
    let number = seated.info();
    if buckets.len() <= number {
        buckets.resize(number + 1, Bucket::default());
    }
    &mut buckets[number]
}

impl<K: Kernel> Handler<K> for Router {
    type State = Seated;

    fn on_request(&mut self, arrival: &mut Arrival<'_, '_, K>, request: &Request<'_>) -> Verdict {
        match self.decide(arrival, request) {
            Ok(verdict) => verdict,
            Err(rejection) => rejection.into(),
        }
    }

    fn on_refused(&mut self, id: ConnectionId, status: u16) {
        self.counters.refused(status);
        // An answer that could not be written: the next one must not come in as this user.
        self.admitted = None;
        self.forget_waiting(id);
    }

    fn on_abandoned(&mut self, id: ConnectionId) {
        self.forget_waiting(id);
    }

    fn on_page(
        &mut self,
        _arrival: &mut Arrival<'_, '_, K>,
        request: &PageRequest<'_>,
    ) -> Option<Response> {
        self.site.show(request)
    }

    fn on_open(&mut self, peer: &mut Peer<'_, K>, request: &Request<'_>) -> Seated {
        let admitted = self.admitted.take();
        let admitted = admitted.or_else(|| super::arrivals::parcel(peer));
        let site = Arc::clone(&self.site);
        let found = site.find(request.path());
        let (route, params) = found.expect("the route was there when the gate was asked");
        let definition = &site.definitions[route];
        let path = site.table.place(route, request.path());
        let forwarded = request.headers().all("x-forwarded-for");
        let addr = client_address(peer.remote_addr(), &site.shared.forwarders, forwarded);
        let entered = catch_unwind(AssertUnwindSafe(|| {
            let admitted = admitted.expect("whoever is let in is somebody");
            let place = self.places.enter(definition, &path, &params, || Home {
                path: (&*path).into(),
                params: params.clone(),
                definition: Arc::clone(definition),
                online: site.shared.online_at(&path),
                shared: Arc::clone(&site.shared),
                counters: Arc::clone(&self.counters),
                taps: match &self.reporter {
                    Some(reporter) if !definition.route.private => {
                        Some(Arc::clone(reporter.taps()))
                    }
                    _ => None,
                },
            });
            (admitted, place)
        }));
        let (admitted, place) = entered.unwrap_or_else(|panic| {
            // It has no seat, so nobody else would count it out.
            self.forget_waiting(peer.id());
            resume_unwind(panic);
        });
        self.waiting.remove(&peer.id());
        let Admitted {
            user,
            name,
            on_route,
        } = admitted;
        let seated = self.take_seat(peer.id(), place, addr, (user, on_route));
        let upgrade = Upgrade {
            request,
            params: &params,
            addr,
            id: peer.id(),
            definition,
            handle: None,
            now: peer.hub().now(),
        };
        let opened = catch_unwind(AssertUnwindSafe(|| {
            self.welcome(peer, seated, name, &upgrade);
        }));
        if let Err(panic) = opened {
            // Nothing more is told of it.
            let mut hub = peer.hub();
            let home = self.places.home(place);
            show(home, upgrade.id, What::Close(&"a panic"), || hub.now());
            let (info, _) = self.count_out(seated, &Closed::abnormal(Cause::Panic), &hub);
            self.places.running(place).place.unseat(info.seat);
            self.places.leave(place, &mut hub);
            resume_unwind(panic);
        }
        seated
    }

    fn on_message(&mut self, peer: &mut Peer<'_, K>, seated: &mut Seated, message: Message<'_>) {
        let bytes = message.bytes().len();
        let Some(info) = self.infos.get_mut(seated.info()) else {
            return;
        };
        info.note_received(bytes);
        self.counters.received(bytes);
        let home = self.places.home(info.place);
        show(home, peer.id(), What::Message(message), || peer.hub().now());
        let rated = (&mut self.buckets, *seated);
        if is_welcome(&home.definition.route, peer, rated, &message) {
            let (service, desk) = self.places.at(info.place, peer);
            service.message(desk, info, message);
        }
    }

    fn on_heartbeat(&mut self, peer: &mut Peer<'_, K>, seated: &mut Seated, round_trip: Duration) {
        let Some(info) = self.infos.get_mut(seated.info()) else {
            return;
        };
        self.counters.rtt(round_trip);
        info.note_latency(round_trip);
        let route = &self.places.home(info.place).definition.route;
        if route.max_latency.is_some_and(|most| round_trip > most) {
            let _ = peer.close(CloseCode::POLICY_VIOLATION, "too slow");
            return;
        }
        let (service, desk) = self.places.at(info.place, peer);
        service.heartbeat(desk, info, round_trip);
    }

    fn on_told(&mut self, seated: &mut Seated, messages: u64, bytes: usize) {
        if let Some(info) = self.infos.get_mut(seated.info()) {
            self.counters.sent(messages, bytes as u64);
            info.note_sent(messages, bytes);
        }
    }

    fn on_drain(&mut self, peer: &mut Peer<'_, K>, seated: &mut Seated) {
        if let Some(info) = self.infos.get_mut(seated.info()) {
            let (service, desk) = self.places.at(info.place, peer);
            service.drain(desk, info);
        }
    }

    fn on_timer(&mut self, hub: &mut Hub<'_>, key: u64) {
        if let (POKE | TICK, Some(reporter)) = (key, &mut self.reporter) {
            let places = &self.places;
            let infos = self
                .infos
                .iter()
                .map(|(_, info)| (info, places.called(info), places.of(info.place)));
            return reporter.on_time(key, hub, infos);
        }
        if let Some((place, key)) = self.places.due(key) {
            let mut line = Nobody(hub);
            let (service, desk) = self.places.at(place, &mut line);
            service.timer(desk, key);
        }
    }

    #[cfg(feature = "backplane")]
    fn on_backplane(&mut self, hub: &mut Hub<'_>, event: &crate::backplane::BackplaneEvent) {
        for (place, gap) in super::nodes::missed_at(&self.places, event) {
            let mut line = Nobody(&mut *hub);
            let (service, desk) = self.places.at(place, &mut line);
            service.gap(desk, &gap);
        }
    }

    fn on_turn(&mut self, hub: &mut Hub<'_>, took: Duration) {
        self.counters.turn(took);
        if hub.now() >= self.count_at {
            self.count_at = hub.now() + BETWEEN_COUNTS;
            self.counters.slow(&hub.total_stats());
            self.counters.queued(hub.total_queued_bytes());
        }
    }

    fn on_close(
        &mut self,
        hub: &mut Hub<'_>,
        id: ConnectionId,
        seated: Seated,
        closed: &Closed<'_>,
    ) {
        let Some(info) = self.infos.get(seated.info()) else {
            return;
        };
        let why = format_args!("{} {}", closed.code, closed.reason);
        let home = self.places.home(info.place);
        show(home, id, What::Close(&why), || hub.now());
        let (info, called) = self.count_out(seated, closed, hub);
        let told = catch_unwind(AssertUnwindSafe(|| {
            let mut line = Nobody(hub);
            let (service, mut desk) = self.places.at(info.place, &mut line);
            desk.gone = called.as_deref();
            service.close(desk, info.seat, closed);
        }));
        self.places.leave(info.place, hub);
        if let Err(panic) = told {
            resume_unwind(panic);
        }
    }
}

impl fmt::Debug for Router {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Router")
            .field("places", &self.places.len())
            .field("connections", &self.infos.len())
            .finish_non_exhaustive()
    }
}
