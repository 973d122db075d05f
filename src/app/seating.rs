//! Who comes to a worker's share of an application, and who goes: every count of connections is made here, both ways.
//!
//! Not here: who may come, which is `arrivals`; what they say, which is `router`.

use super::Router;
use super::audience::{everybody, user};
use super::info::Info;
use super::router::show;
use super::site::OnRoute;
use super::wall::millis_since_1970;
use super::watch::What;
use super::{Bucket, Upgrade};
use crate::kernel::{Kernel, PeerAddr};
use crate::proto::CloseCode;
use crate::server::{Cause, Closed, ConnectionId, Hub, Peer, Token};
use alloc::boxed::Box;
use alloc::string::String;
use core::any::Any;
use core::num::NonZeroU32;
use core::sync::atomic::Ordering;
use core::time::Duration;

/// Where a connection is. The loop keeps it, and nobody else can make anything of it.
// In four bytes, which the loop has for it beside others; what a place and a seat are is in `Info`.
#[derive(Clone, Copy, Debug)]
pub struct Seated(NonZeroU32);

impl Default for Seated {
    /// Nowhere: of a connection that did not come through a route, as one that was opened here. What it says is not heard.
    fn default() -> Self {
        Self(NonZeroU32::MAX)
    }
}

impl Seated {
    pub(super) fn new(info: usize) -> Self {
        let number = u32::try_from(info).ok();
        let number = number.and_then(|number| NonZeroU32::MIN.checked_add(number));
        Self(number.expect("connections are counted in 31 bits"))
    }

    /// Which of the router's infos is its.
    pub(super) const fn info(self) -> usize {
        self.0.get() as usize - 1
    }
}

impl Router {
    /// Gives a connection its seat, and counts it in. Nothing of an application's is called.
    pub(super) fn take_seat(
        &mut self,
        id: ConnectionId,
        place: u32,
        addr: PeerAddr,
        (user, on_route): (Box<dyn Any + Send>, OnRoute),
    ) -> Seated {
        let seat = self.places.running(place).place.seat(id, user);
        let info = Info::new((place, seat), addr, millis_since_1970());
        let seated = Seated::new(self.infos.insert(info));
        on_route.stay();
        if let Some(bucket) = self.buckets.get_mut(seated.info()) {
            *bucket = Bucket::default();
        }
        self.counters.opened();
        let home = self.places.home(place);
        for count in home.counts() {
            count.fetch_add(1, Ordering::Relaxed);
        }
        seated
    }

    /// Has a connection's service told of it, as one of everybody there.
    pub(super) fn welcome<K: Kernel>(
        &mut self,
        peer: &mut Peer<'_, K>,
        seated: Seated,
        user_name: Option<String>,
        upgrade: &Upgrade<'_>,
    ) {
        // Which may ask the application for the policy of a room.
        self.join_own_rooms(peer, seated, user_name);
        let info = &mut self.infos[seated.info()];
        let what = What::Open(&upgrade.addr);
        show(self.places.home(info.place), upgrade.id, what, || {
            upgrade.now
        });
        let place = info.place;
        let (service, desk) = self.places.at(place, peer);
        service.open(desk, info, upgrade);
        let (home, key) = self.places.home_and_key(place);
        if let Some(history) = home.definition.route.history {
            // Behind what the service says first. Where it has closed it, there is nobody to be told.
            let (id, all) = (peer.id(), everybody(&home.path, key));
            let _ = peer.hub().resume(id, all, history, resumes_from(upgrade));
        }
    }

    /// Makes a connection one of everybody at its path, and one of its user's.
    fn join_own_rooms<K: Kernel>(
        &mut self,
        peer: &mut Peer<'_, K>,
        seated: Seated,
        user_name: Option<String>,
    ) {
        let (home, key) = self.places.home_and_key(self.infos[seated.info()].place);
        let mut joined = peer.join(everybody(&home.path, key)).map(drop);
        if let (Ok(()), Some(name)) = (&joined, user_name) {
            joined = home.shared.check_name(&name);
            let key = user(&home.path, &name, key);
            joined = joined.and_then(|()| peer.join(key).map(drop));
            let name = self.places.names.add(&name, true);
            self.infos[seated.info()].name = Some(name);
        }
        if let Err(error) = joined {
            // What is said to all, or to its user, would not reach it.
            tracing::error!(id = %peer.id(), %error, "a connection cannot join its path");
            let _ = peer.close(CloseCode::TRY_AGAIN_LATER, "the server is full");
        }
    }

    /// Forgets a connection, and says what it was called; its service is told afterwards, or not at all.
    pub(super) fn count_out(
        &mut self,
        seated: Seated,
        closed: &Closed<'_>,
        hub: &Hub<'_>,
    ) -> (Info, Option<String>) {
        let mut info = self.infos.remove(seated.info());
        let called = self.places.called(&info).map(String::from);
        if let Some(name) = info.name.take() {
            self.places.names.remove(name);
        }
        self.counters.closed(closed);
        let now = (self.site.shared).common_time(&mut self.ahead, hub.now());
        self.give_back(&info, now);
        (info, called)
    }

    /// Gives back what all workers have counted a connection in at.
    fn give_back(&self, info: &Info, now: Duration) {
        if let Some(ip) = info.addr().ip() {
            self.site.shared.addresses.leave(ip, now);
        }
        let home = self.places.home(info.place);
        for count in home.counts() {
            count.fetch_sub(1, Ordering::Relaxed);
        }
        home.definition.leave();
    }
}

/// Where somebody was who comes back. What nobody can read is somewhere that nothing is known of.
fn resumes_from(upgrade: &Upgrade<'_>) -> Option<Token> {
    #[cfg(feature = "json")]
    return {
        let token = upgrade.query().get(super::json::RESUME)?;
        Some(token.parse().unwrap_or(Token::NOWHERE))
    };
    #[cfg(not(feature = "json"))]
    {
        let _ = upgrade;
        None
    }
}

impl Drop for Router {
    /// Other workers go on, and have the same routes, paths and addresses.
    fn drop(&mut self) {
        for (_, info) in &self.infos {
            self.counters.closed(&Closed::abnormal(Cause::Stopped));
            self.give_back(info, self.now);
        }
        for ip in self.waiting.values() {
            self.site.shared.addresses.leave(*ip, self.now);
        }
    }
}
