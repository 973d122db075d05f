//! A service at work, and who is there: [`Hosted`], and what the router sees of it, whatever its type.
//!
//! Not here: which connection is at which place; that is `router`.

use super::info::Info;
use super::scope::{Desk, Scope};
use super::{Conn, Service, Upgrade};
use crate::server::{Closed, ConnectionId, Message};
use alloc::boxed::Box;
use alloc::vec::Vec;
use core::any::Any;
use core::time::Duration;

/// One connection at a place.
pub(super) struct Seat<U> {
    pub(super) id: ConnectionId,
    pub(super) user: U,
}

/// A service and its connections, whatever their type.
pub(super) trait AnyPlace: Send {
    /// Gives a connection its seat. The user is of the service's type, or it is our mistake.
    fn seat(&mut self, id: ConnectionId, user: Box<dyn Any + Send>) -> u32;
    fn open(&mut self, desk: Desk<'_>, info: &mut Info, upgrade: &Upgrade<'_>);
    fn message(&mut self, desk: Desk<'_>, info: &mut Info, message: Message<'_>);
    fn drain(&mut self, desk: Desk<'_>, info: &mut Info);
    fn heartbeat(&mut self, desk: Desk<'_>, info: &mut Info, round_trip: Duration);
    /// Takes a connection from its seat, without telling anybody.
    fn unseat(&mut self, seat: u32);
    fn close(&mut self, desk: Desk<'_>, seat: u32, closed: &Closed<'_>);
    fn timer(&mut self, desk: Desk<'_>, key: u64);
    #[cfg(feature = "backplane")]
    fn gap(&mut self, desk: Desk<'_>, gap: &super::Gap<'_>);
    /// Who has a seat.
    fn id(&self, seat: u32) -> Option<ConnectionId>;
    fn is_empty(&self) -> bool;
}

/// A service at work.
pub(super) struct Hosted<S: Service> {
    service: S,
    seats: Vec<Option<Seat<S::User>>>,
    free: Vec<u32>,
}

impl<S: Service> Hosted<S> {
    pub(super) const fn new(service: S) -> Self {
        Self {
            service,
            seats: Vec::new(),
            free: Vec::new(),
        }
    }

    /// Calls with a connection, and with all the others beside it.
    fn call<'c>(
        &'c mut self,
        desk: Desk<'c>,
        info: &'c mut Info,
        call: impl FnOnce(&mut S, &mut Conn<'_, S::User>, &mut S::User),
    ) {
        let (left, rest) = self.seats.split_at_mut(info.seat as usize);
        if let Some((Some(own), right)) = rest.split_first_mut() {
            let (id, scope) = (own.id, Scope { desk, left, right });
            let mut conn = Conn { scope, id, info };
            call(&mut self.service, &mut conn, &mut own.user);
        }
    }

    fn scope<'c>(&'c mut self, desk: Desk<'c>) -> (&'c mut S, Scope<'c, S::User>) {
        let scope = Scope {
            desk,
            left: &mut self.seats,
            right: &mut [],
        };
        (&mut self.service, scope)
    }

    fn vacate(&mut self, seat: u32) -> Option<Seat<S::User>> {
        let left = self.seats.get_mut(seat as usize)?.take();
        if left.is_some() {
            self.free.push(seat);
        }
        if self.free.len() == self.seats.len() {
            // Who were many once are not paid for by those who come later.
            self.seats = Vec::new();
            self.free = Vec::new();
        }
        left
    }
}

impl<S: Service> AnyPlace for Hosted<S> {
    fn seat(&mut self, id: ConnectionId, user: Box<dyn Any + Send>) -> u32 {
        let user = *user.downcast().expect("the user that the gate let in");
        let seat = Some(Seat { id, user });
        match self.free.pop() {
            Some(number) => {
                self.seats[number as usize] = seat;
                number
            }
            None => {
                self.seats.push(seat);
                u32::try_from(self.seats.len() - 1).expect("connections are counted in 31 bits")
            }
        }
    }

    fn open(&mut self, mut desk: Desk<'_>, info: &mut Info, upgrade: &Upgrade<'_>) {
        self.call(desk.reborrow(), info, |service, conn, user| {
            service.open(conn, user, upgrade);
        });
    }

    fn message(&mut self, mut desk: Desk<'_>, info: &mut Info, message: Message<'_>) {
        self.call(desk.reborrow(), info, |service, conn, user| {
            service.message(conn, user, message);
        });
    }

    fn drain(&mut self, mut desk: Desk<'_>, info: &mut Info) {
        self.call(desk.reborrow(), info, |service, conn, user| {
            service.drain(conn, user);
        });
    }

    fn heartbeat(&mut self, mut desk: Desk<'_>, info: &mut Info, round_trip: Duration) {
        self.call(desk.reborrow(), info, |service, conn, user| {
            service.heartbeat(conn, user, round_trip);
        });
    }

    fn unseat(&mut self, seat: u32) {
        self.vacate(seat);
    }

    fn close(&mut self, mut desk: Desk<'_>, seat: u32, closed: &Closed<'_>) {
        if let Some(Seat { id, user }) = self.vacate(seat) {
            let (service, mut scope) = self.scope(desk.reborrow());
            service.close(&mut scope, id, user, closed);
        }
    }

    fn timer(&mut self, mut desk: Desk<'_>, key: u64) {
        let (service, mut scope) = self.scope(desk.reborrow());
        service.timer(&mut scope, key);
    }

    #[cfg(feature = "backplane")]
    fn gap(&mut self, mut desk: Desk<'_>, gap: &super::Gap<'_>) {
        let (service, mut scope) = self.scope(desk.reborrow());
        service.gap(&mut scope, gap);
    }

    fn id(&self, seat: u32) -> Option<ConnectionId> {
        let seat = self.seats.get(seat as usize)?.as_ref()?;
        Some(seat.id)
    }

    fn is_empty(&self) -> bool {
        self.free.len() == self.seats.len()
    }
}
