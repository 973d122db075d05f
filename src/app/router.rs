//! A worker's share of an application: which connection is at which place, told apart and passed on.
//!
//! Not here: what a route is, which is `site`; what a service does.

use super::audience::everybody;
use super::home::Home;
use super::info::Info;
use super::line::{Line, Nobody};
use super::metrics::Counters;
use super::place::AnyPlace;
use super::request::Params;
use super::scope::Desk;
use super::site::{Definition, Site};
use super::{Decision, Upgrade, client_address};
use crate::kernel::{Kernel, PeerAddr};
use crate::proto::CloseCode;
use crate::proto::handshake::server::{PageRequest, Request};
use crate::proto::handshake::{HandshakeError, Response};
use crate::server::{
    Arrival, Closed, ConnectionId, Handler, Hub, Message, Peer, Rejection, Verdict,
};
use alloc::boxed::Box;
use alloc::string::{String, ToString as _};
use alloc::sync::Arc;
use core::any::Any;
use core::fmt;
use core::net::IpAddr;
use core::panic::AssertUnwindSafe;
use core::sync::atomic::Ordering;
use core::time::Duration;
use slab::Slab;
use std::collections::HashMap;
use std::panic::{catch_unwind, resume_unwind};
use std::time::{SystemTime, UNIX_EPOCH};

/// A worker's share of an application: the handler of one server. Made by [`Workers::router`](super::Workers::router).
pub struct Router {
    site: Arc<Site>,
    places: Slab<Running>,
    /// Where the place of a path is, by the one name of the path.
    by_path: HashMap<Box<str>, usize>,
    infos: Slab<Info>,
    timers: Slab<Due>,
    counters: Arc<Counters>,
    /// The user of the request that is becoming a connection now.
    admitted: Option<Box<dyn Any + Send>>,
    /// Addresses of those whose requests are answered later.
    waiting: HashMap<ConnectionId, IpAddr>,
    /// Where keys are written.
    key: String,
    generations: u32,
    /// The time of the last request.
    now: Duration,
}

/// A service at work at its path.
struct Running {
    home: Home,
    place: Box<dyn AnyPlace>,
    generation: u32,
    /// Nobody is there, and it goes when this many have said so. Each new connection makes it more.
    idle: u32,
}

/// Which of a worker's places, in a way that a later one at the same spot is not.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Place {
    number: u32,
    generation: u32,
}

/// What time brings.
#[derive(Clone, Copy, Debug)]
pub(super) enum Due {
    /// A service has asked to be called.
    Service(Place, u64),
    /// Nobody has come to a place since this count.
    Idle(Place, u32),
}

/// Where a connection is. The loop keeps it, and nobody else can make anything of it.
#[derive(Clone, Copy, Debug)]
pub struct Seated {
    place: u32,
    seat: u32,
    info: u32,
}

impl Default for Seated {
    /// Nowhere: of a connection that did not come through a route, as one that was opened here.
    fn default() -> Self {
        let nowhere = u32::MAX;
        Self {
            place: nowhere,
            seat: nowhere,
            info: nowhere,
        }
    }
}

impl Router {
    pub(super) fn new(site: Arc<Site>) -> Self {
        let counters = site.shared.registry.worker();
        Self {
            site,
            places: Slab::new(),
            by_path: HashMap::new(),
            infos: Slab::new(),
            timers: Slab::new(),
            counters,
            admitted: None,
            waiting: HashMap::new(),
            key: String::new(),
            generations: 0,
            now: Duration::ZERO,
        }
    }

    /// What a call at a place may touch, beside what is known of the connection.
    fn at<'r>(
        &'r mut self,
        number: u32,
        line: &'r mut (dyn Line + 'r),
    ) -> (&'r mut dyn AnyPlace, Desk<'r>, &'r mut Slab<Info>) {
        let running = &mut self.places[number as usize];
        let place = Place {
            number,
            generation: running.generation,
        };
        let desk = Desk {
            line,
            home: &running.home,
            place,
            timers: &mut self.timers,
            key: &mut self.key,
        };
        (&mut *running.place, desk, &mut self.infos)
    }

    /// The place of a path, made where there is none.
    fn place_at(&mut self, definition: &Arc<Definition>, path: &str, params: &Params) -> u32 {
        if let Some(number) = self.by_path.get(path) {
            let running = &mut self.places[*number];
            running.idle = running.idle.wrapping_add(1);
            return index(*number);
        }
        self.generations = self.generations.wrapping_add(1);
        let shared = &self.site.shared;
        let number = self.places.insert(Running {
            home: Home {
                path: path.into(),
                params: params.clone(),
                definition: Arc::clone(definition),
                online: shared.online_at(path),
                shared: Arc::clone(shared),
                counters: Arc::clone(&self.counters),
            },
            place: (definition.make)(params),
            generation: self.generations,
            idle: 0,
        });
        self.by_path.insert(path.into(), number);
        index(number)
    }

    fn is_there(&self, place: Place) -> bool {
        let running = self.places.get(place.number as usize);
        running.is_some_and(|running| running.generation == place.generation)
    }

    /// Counts a connection that has opened.
    fn count_in(&self, home: &Home) {
        self.counters.opened();
        home.online.fetch_add(1, Ordering::Relaxed);
        home.definition.online.fetch_add(1, Ordering::Relaxed);
        home.shared.online.fetch_add(1, Ordering::Relaxed);
    }

    /// Forgets a connection; its service is told afterwards, or not at all.
    fn count_out(&mut self, seated: Seated, hub: &mut Hub<'_>) {
        let info = self.infos.remove(seated.info as usize);
        let shared = &self.site.shared;
        if let Some(ip) = info.addr.ip() {
            shared.addresses.leave(ip, hub.now());
        }
        let home = &self.places[seated.place as usize].home;
        for count in [&home.online, &home.definition.online, &shared.online] {
            count.fetch_sub(1, Ordering::Relaxed);
        }
    }

    /// Where nobody is left, the service goes, but not at once: whoever loads a page anew is back in a moment.
    fn note_idle(&mut self, number: u32, hub: &mut Hub<'_>) {
        let running = &self.places[number as usize];
        if !running.place.is_empty() {
            return;
        }
        let place = Place {
            number,
            generation: running.generation,
        };
        let due = self.timers.insert(Due::Idle(place, running.idle));
        hub.after(running.home.definition.route.linger, due as u64);
    }

    fn on_idle(&mut self, place: Place, since: u32) {
        let number = place.number as usize;
        if !self.is_there(place)
            || self.places[number].idle != since
            || !self.places[number].place.is_empty()
        {
            return;
        }
        let Running { home, place, .. } = self.places.remove(number);
        self.by_path.remove(&home.path);
        drop(home.online);
        home.shared.forget(&home.path);
        // Last, for it is the application's.
        drop(place);
    }

    /// Whether somebody may come, and as whom.
    fn decide<K: Kernel>(
        &mut self,
        arrival: &mut Arrival<'_, '_, K>,
        request: &Request<'_>,
    ) -> Result<Verdict, Rejection> {
        let site = Arc::clone(&self.site);
        let found = site.find(request.path());
        let found = found.map(|(route, params)| (&site.definitions[route], params));
        // Before anything else is said, so that a page elsewhere learns nothing (RFC 6455 section 10.2).
        let origins = found
            .as_ref()
            .map_or(&site.origins, |(definition, _)| &definition.route.origins);
        origins.check(request)?;
        let addr = address(&site, arrival, request);
        let now = arrival.hub().now();
        self.now = now;
        if let Some(ip) = addr.ip() {
            let admitted = site.shared.addresses.admit(ip, now);
            admitted.map_err(|crowded| too_many(crowded.retry_after))?;
        }
        let decided = match &found {
            None => Err(HandshakeError::NotFound.into()),
            Some((definition, params)) => {
                let upgrade = Upgrade {
                    request,
                    params,
                    addr,
                    id: arrival.id(),
                    definition,
                    handle: site.shared.handle.get(),
                };
                self.ask_gate(&upgrade)
            }
        };
        match (&decided, addr.ip()) {
            (Ok(Verdict::Later), Some(ip)) => {
                self.waiting.insert(arrival.id(), ip);
            }
            (Err(_), Some(ip)) => site.shared.addresses.leave(ip, now),
            _ => {}
        }
        decided
    }

    fn ask_gate(&mut self, upgrade: &Upgrade<'_>) -> Result<Verdict, Rejection> {
        let definition = upgrade.definition;
        // A gate that panics counts nobody in.
        let asked = catch_unwind(AssertUnwindSafe(|| (definition.admit)(upgrade)));
        let decision = asked.unwrap_or_else(|_| {
            tracing::error!(id = %upgrade.id, "a gate panicked");
            Decision::refuse(500, "the server made a mistake")
        });
        match definition.judge(decision, upgrade.chosen_protocol()) {
            None => Ok(Verdict::Later),
            Some(judged) => judged.map(|(admission, user)| {
                self.admitted = Some(user);
                Verdict::Accept(admission)
            }),
        }
    }

    /// Whether a message is what the route takes; says so where it is not.
    fn is_welcome<K: Kernel>(
        &mut self,
        peer: &mut Peer<'_, K>,
        seated: Seated,
        message: &Message<'_>,
    ) -> bool {
        let route = &self.places[seated.place as usize].home.definition.route;
        if let Some(rate) = route.rate {
            let now = peer.hub().now();
            if self.infos[seated.info as usize]
                .bucket
                .take(rate, now)
                .is_err()
            {
                let _ = peer.close(CloseCode::POLICY_VIOLATION, "too many messages");
                return false;
            }
        }
        let Err(fault) = super::format::check(route, message) else {
            return true;
        };
        fault.answer(route, peer)
    }
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
        self.waiting.remove(&peer.id());
        let user = match self.admitted.take() {
            Some(user) => user,
            None => parcel(peer).expect("whoever is let in is somebody"),
        };
        let site = Arc::clone(&self.site);
        let found = site.find(request.path());
        let (route, params) = found.expect("the route was there when the gate was asked");
        let definition = &site.definitions[route];
        let path = site.table.place(route, request.path());
        let number = self.place_at(definition, &path, &params);
        let seated = self.take_seat(peer, request, number, user);
        let upgrade = Upgrade {
            request,
            params: &params,
            addr: self.infos[seated.info as usize].addr,
            id: peer.id(),
            definition,
            handle: None,
        };
        let opened = catch_unwind(AssertUnwindSafe(|| {
            let (place, desk, infos) = self.at(number, peer);
            let info = &mut infos[seated.info as usize];
            place.open(desk, info, seated.seat, &upgrade);
        }));
        if let Err(panic) = opened {
            // Nothing more is told of it.
            self.places[number as usize].place.unseat(seated.seat);
            let mut hub = peer.hub();
            self.count_out(seated, &mut hub);
            self.note_idle(number, &mut hub);
            resume_unwind(panic);
        }
        seated
    }

    fn on_message(&mut self, peer: &mut Peer<'_, K>, seated: &mut Seated, message: Message<'_>) {
        let bytes = message.bytes().len();
        self.infos[seated.info as usize].note_received(bytes);
        self.counters.received(bytes);
        if self.is_welcome(peer, *seated, &message) {
            let (place, desk, infos) = self.at(seated.place, peer);
            let info = &mut infos[seated.info as usize];
            place.message(desk, info, seated.seat, message);
        }
    }

    fn on_heartbeat(&mut self, peer: &mut Peer<'_, K>, seated: &mut Seated, round_trip: Duration) {
        self.counters.rtt(round_trip);
        self.infos[seated.info as usize].note_latency(round_trip);
        let route = &self.places[seated.place as usize].home.definition.route;
        if route.max_latency.is_some_and(|most| round_trip > most) {
            let _ = peer.close(CloseCode::POLICY_VIOLATION, "too slow");
            return;
        }
        let (place, desk, infos) = self.at(seated.place, peer);
        let info = &mut infos[seated.info as usize];
        place.heartbeat(desk, info, seated.seat, round_trip);
    }

    fn on_told(&mut self, seated: &mut Seated, messages: u64, bytes: usize) {
        self.counters.sent(messages, bytes as u64);
        self.infos[seated.info as usize].note_sent(messages, bytes);
    }

    fn on_drain(&mut self, peer: &mut Peer<'_, K>, seated: &mut Seated) {
        let (place, desk, infos) = self.at(seated.place, peer);
        place.drain(desk, &mut infos[seated.info as usize], seated.seat);
    }

    fn on_timer(&mut self, hub: &mut Hub<'_>, key: u64) {
        let due = usize::try_from(key)
            .ok()
            .and_then(|key| self.timers.try_remove(key));
        match due {
            Some(Due::Idle(place, since)) => self.on_idle(place, since),
            Some(Due::Service(place, key)) if self.is_there(place) => {
                let mut line = Nobody(hub);
                let (service, desk, _) = self.at(place.number, &mut line);
                service.timer(desk, key);
            }
            Some(Due::Service(..)) | None => {}
        }
    }

    fn on_turn(&mut self, took: Duration) {
        self.counters.turn(took);
    }

    fn on_close(
        &mut self,
        hub: &mut Hub<'_>,
        _id: ConnectionId,
        seated: Seated,
        closed: &Closed<'_>,
    ) {
        self.counters.closed(closed);
        self.count_out(seated, hub);
        let told = catch_unwind(AssertUnwindSafe(|| {
            let mut line = Nobody(hub);
            let (place, desk, _) = self.at(seated.place, &mut line);
            place.close(desk, seated.seat, closed);
        }));
        self.note_idle(seated.place, hub);
        if let Err(panic) = told {
            resume_unwind(panic);
        }
    }
}

impl Router {
    /// Gives a connection its seat, and makes it one of everybody there.
    fn take_seat<K: Kernel>(
        &mut self,
        peer: &mut Peer<'_, K>,
        request: &Request<'_>,
        number: u32,
        user: Box<dyn Any + Send>,
    ) -> Seated {
        let id = peer.id();
        let forwarded = request.headers().all("x-forwarded-for");
        let addr = client_address(peer.remote_addr(), &self.site.shared.forwarders, forwarded);
        let running = &mut self.places[number as usize];
        let seat = running.place.seat(id, user);
        let place = Place {
            number,
            generation: running.generation,
        };
        let info = Info::new(
            id,
            place,
            addr,
            millis_since_1970(),
            super::Bucket::default(),
        );
        let info = self.infos.insert(info);
        let home = &self.places[number as usize].home;
        self.count_in(home);
        let joined = peer.join(everybody(&home.path, &mut self.key));
        if let Err(error) = joined {
            // What is said to all would not reach it.
            tracing::error!(%id, %error, "a connection cannot join its path");
            let _ = peer.close(CloseCode::TRY_AGAIN_LATER, "the server is full");
        }
        Seated {
            place: number,
            seat,
            info: index(info),
        }
    }

    fn forget_waiting(&mut self, id: ConnectionId) {
        if let Some(ip) = self.waiting.remove(&id) {
            self.site.shared.addresses.leave(ip, self.now);
        }
    }
}

fn address<K: Kernel>(
    site: &Site,
    arrival: &mut Arrival<'_, '_, K>,
    request: &Request<'_>,
) -> PeerAddr {
    let forwarded = request.headers().all("x-forwarded-for");
    client_address(arrival.remote_addr(), &site.shared.forwarders, forwarded)
}

/// The user that a ticket has sent.
fn parcel<K: Kernel>(peer: &mut Peer<'_, K>) -> Option<Box<dyn Any + Send>> {
    let note = peer.take_note()?;
    let parcel = note.downcast_ref::<super::decision::Parcel>()?;
    let mut parcel = parcel.lock().ok()?;
    parcel.take()
}

fn too_many(retry_after: Option<Duration>) -> Rejection {
    let rejection = Rejection::new(429, "too many connections from your address");
    match retry_after {
        // Rounded up: whoever comes at that time is let in.
        Some(after) => {
            let seconds = after.as_secs() + u64::from(after.subsec_nanos() > 0);
            rejection.header("Retry-After", seconds.to_string())
        }
        None => rejection,
    }
}

fn millis_since_1970() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    since.map_or(0, |since| {
        u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
    })
}

fn index(number: usize) -> u32 {
    u32::try_from(number).expect("connections are counted in 31 bits")
}

impl fmt::Debug for Router {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Router")
            .field("places", &self.places.len())
            .field("connections", &self.infos.len())
            .finish_non_exhaustive()
    }
}
