//! What a service sees of its connections: [`Scope`].
//!
//! Not here: the one that a call is for, which is `conn`.

use super::audience::{everybody, room, room_in, user};
use super::home::Home;
use super::line::Line;
use super::names::Names;
use super::place::Seat;
use super::places::{Due, Place};
use super::watch::{Direction, Said, What};
use super::{Audience, Params, Voice};
use crate::proto::{CloseCode, SendError};
use crate::server::{ConnectionId, Gone, Handle, Hub, JoinError, Message, Receipt, RoomStats};
use alloc::string::{String, ToString as _};
use core::fmt;
use core::sync::atomic::Ordering;
use core::time::Duration;
use slab::Slab;

/// The connections of a path, lent to a service for one call.
///
/// Counts of what is *online* are exact and on all workers. Whatever else is asked of connections is answered for those on
/// this worker's loop; with one worker, that is all.
///
/// ```
/// use core::time::Duration;
/// use sockeye::app::{Conn, Scope, Service, Upgrade};
/// use sockeye::server::{Closed, ConnectionId, Message};
///
/// /// Counts down when the first one has come.
/// #[derive(Default)]
/// struct Countdown {
///     left: Option<u64>,
/// }
///
/// impl Service for Countdown {
///     type User = ();
///
///     fn open(&mut self, conn: &mut Conn<'_, ()>, _: &mut (), _: &Upgrade<'_>) {
///         if self.left.is_none() {
///             self.left = Some(10);
///             conn.after(Duration::from_secs(1), 0);
///         }
///     }
///
///     fn message(&mut self, _: &mut Conn<'_, ()>, _: &mut (), _: Message<'_>) {}
///
///     fn timer(&mut self, scope: &mut Scope<'_, ()>, _key: u64) {
///         if let Some(left @ 1..) = &mut self.left {
///             *left -= 1;
///             scope.publish(scope.all(), &format!("{left}"));
///             scope.after(Duration::from_secs(1), 0);
///         }
///     }
///
///     fn close(&mut self, scope: &mut Scope<'_, ()>, _: ConnectionId, _: (), _: &Closed<'_>) {
///         scope.publish(scope.all(), &format!("{} are left", scope.online()));
///     }
/// }
/// # let app = sockeye::app::App::new().route("SOCKET /start @text", |_| Countdown::default());
/// # app.build()?;
/// # Ok::<(), std::io::Error>(())
/// ```
pub struct Scope<'s, U> {
    pub(super) desk: Desk<'s>,
    pub(super) left: &'s mut [Option<Seat<U>>],
    pub(super) right: &'s mut [Option<Seat<U>>],
}

/// What every call needs.
pub(super) struct Desk<'s> {
    pub(super) line: &'s mut (dyn Line + 's),
    pub(super) home: &'s Home,
    /// Which of the places of the worker it is.
    pub(super) place: Place,
    pub(super) timers: &'s mut Slab<Due>,
    /// What connections are called, of all places.
    pub(super) names: &'s mut Names,
    /// Where keys are written.
    pub(super) key: &'s mut String,
    /// What the one was called that is gone.
    pub(super) gone: Option<&'s str>,
}

impl Desk<'_> {
    pub(super) fn reborrow(&mut self) -> Desk<'_> {
        Desk {
            line: &mut *self.line,
            home: self.home,
            place: self.place,
            timers: self.timers,
            names: self.names,
            key: self.key,
            gone: self.gone,
        }
    }
}

impl Desk<'_> {
    /// Shows what is said, where anybody listens.
    #[inline]
    pub(super) fn show(
        &mut self,
        id: Option<ConnectionId>,
        to: Option<&dyn fmt::Debug>,
        what: What<'_>,
    ) {
        if let Some(taps) = self.home.listened() {
            let said = Said {
                id,
                to,
                path: &self.home.path,
                direction: Direction::Out,
                what,
            };
            taps.show(self.line.hub().now(), &said);
        }
    }
}

impl<U> Scope<'_, U> {
    /// The path, as it was requested; where the route's ends in `/`, with it, whether it was requested so or not.
    #[must_use]
    pub fn path(&self) -> &str {
        &self.desk.home.path
    }

    /// What the route's `{name}`s stand for in it.
    #[must_use]
    pub const fn params(&self) -> &Params {
        &self.desk.home.params
    }

    /// How many connections are open at this path: exact, and counted on all workers. They are connections, and not people;
    /// the one that opens is among them, and one that closes until [`Service::close`](super::Service::close) is called.
    #[must_use]
    pub fn online(&self) -> usize {
        self.desk.home.online.load(Ordering::Relaxed)
    }

    /// How many connections are open in the whole server: exact, and counted on all workers.
    #[must_use]
    pub fn server_online(&self) -> usize {
        self.desk.home.shared.online.load(Ordering::Relaxed)
    }

    /// How many connections are open at this path on all nodes: exact about this one, and about others as of a moment ago.
    /// Where rooms are not shared with other nodes, it is [`online`](Self::online).
    #[must_use]
    pub fn online_everywhere(&mut self) -> usize {
        #[cfg(feature = "backplane")]
        let elsewhere = self.desk.home.online_elsewhere(self.desk.key);
        #[cfg(not(feature = "backplane"))]
        let elsewhere = 0;
        self.online() + elsewhere
    }

    /// How many members a room of this path has on other nodes, as of a moment ago; none where rooms are not shared, and
    /// none is known of a room that has no member here.
    #[must_use]
    pub fn count_elsewhere(&mut self, name: &str) -> usize {
        #[cfg(feature = "backplane")]
        {
            let Desk { home, key, .. } = &mut self.desk;
            home.elsewhere(room(&home.path, name, key))
        }
        #[cfg(not(feature = "backplane"))]
        {
            let _ = name;
            0
        }
    }

    /// A name for a connection of this server that no other one has, on any node: its number, and before it, where rooms are
    /// shared, the node's. JavaScript's numbers end at 2^53, its strings do not.
    #[must_use]
    pub fn id_everywhere(&self, id: ConnectionId) -> String {
        #[cfg(feature = "backplane")]
        if let Some(node) = self.node() {
            return alloc::format!("{}-{}", node.id(), id.get());
        }
        id.get().to_string()
    }

    /// The node that this server is, where rooms are shared with others.
    #[cfg(feature = "backplane")]
    #[must_use]
    pub fn node(&self) -> Option<&crate::backplane::Node> {
        self.desk.home.shared.nodes.node()
    }

    /// Everybody at this path.
    #[must_use]
    pub const fn all(&self) -> Audience<'static> {
        Audience::all()
    }

    /// Says something to many. It is encoded once, stored once, and told when the turn is over.
    ///
    /// What one connection is told directly, and in one room, comes in the order of the calls, which is the same order for
    /// all members of a room.
    pub fn publish<'a, 'm>(
        &mut self,
        to: impl Into<Audience<'a>>,
        message: impl Into<Message<'m>>,
    ) -> Receipt {
        let (to, message) = (to.into(), message.into());
        self.desk.show(None, Some(&to), What::Message(message));
        self.with(to, |hub, to| hub.publish(to, message))
    }

    /// As [`publish`](Self::publish), and never compressed: for what has a secret in it.
    pub fn publish_uncompressed<'a, 'm>(
        &mut self,
        to: impl Into<Audience<'a>>,
        message: impl Into<Message<'m>>,
    ) -> Receipt {
        let (to, message) = (to.into(), message.into());
        self.desk.show(None, Some(&to), What::Secret(message));
        self.with(to, |hub, to| hub.publish_uncompressed(to, message))
    }

    fn with<R>(
        &mut self,
        to: Audience<'_>,
        call: impl FnOnce(&mut Hub<'_>, crate::server::To<'_>) -> R,
    ) -> R {
        let Desk {
            line, home, key, ..
        } = &mut self.desk;
        let place = (&*home.path, home.definition.route.history);
        to.with(place, key, |to| call(&mut line.hub(), to))
    }

    /// Bytes that wait for a connection of this worker's to read, as far as it was told already.
    #[must_use]
    pub fn queued_bytes_of(&mut self, id: ConnectionId) -> usize {
        self.desk.line.hub().queued_bytes(id)
    }

    /// Says something to one connection, wherever in the server it is.
    ///
    /// # Errors
    ///
    /// [`Gone`]: it is told nothing more. Where it is on another worker, nobody knows in time.
    pub fn send_to<'m>(
        &mut self,
        id: ConnectionId,
        message: impl Into<Message<'m>>,
    ) -> Result<(), Gone> {
        let message = message.into();
        self.desk.show(Some(id), None, What::Message(message));
        self.desk.line.hub().send(id, message)
    }

    /// Closes a connection of this worker's, wherever in the server it is, behind what it was told.
    ///
    /// # Errors
    ///
    /// [`SendError::Closed`] when it is gone or closing already; [`Misuse`](crate::proto::Misuse) for a reason over 123
    /// bytes.
    pub fn close_other(
        &mut self,
        id: ConnectionId,
        code: CloseCode,
        reason: &str,
    ) -> Result<(), SendError> {
        self.desk.line.hub().close(id, code, reason)
    }

    /// Makes a connection a member of a room of this path. Says whether it was not one before.
    ///
    /// # Errors
    ///
    /// [`JoinError`], and nothing has changed.
    pub fn join_other(&mut self, id: ConnectionId, name: &str) -> Result<bool, JoinError> {
        let Desk {
            line, home, key, ..
        } = &mut self.desk;
        home.shared.check_name(name)?;
        line.hub().join(id, room(&home.path, name, key))
    }

    /// Ends a membership. Says whether there was one. What was published before is still told.
    pub fn leave_other(&mut self, id: ConnectionId, name: &str) -> bool {
        let Desk {
            line, home, key, ..
        } = &mut self.desk;
        line.hub().leave(id, room(&home.path, name, key))
    }

    /// How many members a room of this path has, here.
    #[must_use]
    pub fn count(&mut self, name: &str) -> usize {
        self.stats(name).map_or(0, |stats| stats.members)
    }

    /// What has happened in a room of this path, if there is one.
    #[must_use]
    pub fn stats(&mut self, name: &str) -> Option<RoomStats> {
        let Desk {
            line, home, key, ..
        } = &mut self.desk;
        line.hub().stats(room(&home.path, name, key))
    }

    /// The members of a room of this path, in no order.
    #[must_use]
    pub fn members(&mut self, name: &str) -> alloc::vec::Vec<ConnectionId> {
        let Desk {
            line, home, key, ..
        } = &mut self.desk;
        line.hub().members(room(&home.path, name, key)).collect()
    }

    /// The rooms of a connection at this path, in the order in which it joined them.
    #[must_use]
    pub fn rooms_of(&mut self, id: ConnectionId) -> alloc::vec::Vec<String> {
        let Desk { line, home, .. } = &mut self.desk;
        let hub = line.hub();
        let rooms = hub.rooms_of(id).filter_map(room_in);
        rooms
            .filter(|(path, _)| *path == &*home.path)
            .map(|(_, name)| name.into())
            .collect()
    }

    /// All connections at this path, in no order; the one that a call is for too.
    #[must_use]
    pub fn connections(&mut self) -> alloc::vec::Vec<ConnectionId> {
        let Desk {
            line, home, key, ..
        } = &mut self.desk;
        line.hub().members(everybody(&home.path, key)).collect()
    }

    /// All connections at this path of one user.
    #[must_use]
    pub fn connections_of(&mut self, name: &str) -> alloc::vec::Vec<ConnectionId> {
        let Desk {
            line, home, key, ..
        } = &mut self.desk;
        line.hub().members(user(&home.path, name, key)).collect()
    }

    /// What is kept for the *other* connections at this path, in no order: the one that a call is for is lent to it
    /// already.
    pub fn users(&self) -> impl Iterator<Item = (ConnectionId, &U)> {
        let seats = self.left.iter().chain(self.right.iter()).flatten();
        seats.map(|seat| (seat.id, &seat.user))
    }

    /// The same, to be changed.
    pub fn users_mut(&mut self) -> impl Iterator<Item = (ConnectionId, &mut U)> {
        let seats = self.left.iter_mut().chain(self.right.iter_mut()).flatten();
        seats.map(|seat| (seat.id, &mut seat.user))
    }

    /// In [`Service::close`](super::Service::close): what the connection that is gone was called, if that was ever said.
    /// It is `None` in all other calls.
    #[must_use]
    pub const fn gone_name(&self) -> Option<&str> {
        self.desk.gone
    }

    /// The first of the other connections for which this holds.
    #[must_use]
    pub fn find(&self, mut is_it: impl FnMut(ConnectionId, &U) -> bool) -> Option<ConnectionId> {
        let mut users = self.users();
        users.find(|(id, user)| is_it(*id, user)).map(|(id, _)| id)
    }

    /// Calls [`Service::timer`](super::Service::timer) once, not before so long has passed; 12 days are the longest.
    /// Nothing takes it back: a key that is not expected any more is one to ignore.
    pub fn after(&mut self, span: Duration, key: u64) {
        let Desk {
            line,
            place,
            timers,
            ..
        } = &mut self.desk;
        let number = timers.insert(Due::Service(*place, key));
        line.hub().after(span, number as u64);
    }

    /// The loop's time since it began, in whole milliseconds. It does not go back.
    #[must_use]
    pub fn now(&mut self) -> Duration {
        self.desk.line.hub().now()
    }

    /// What speaks to those at this path from any thread; `None` in a loop that is driven by hand.
    #[must_use]
    pub fn voice(&self) -> Option<Voice> {
        let handle = self.handle()?.clone();
        Some(Voice::new(
            handle,
            self.path(),
            self.desk.home.definition.route.history,
        ))
    }

    /// What speaks to the server from any thread; `None` in a loop that is driven by hand.
    #[must_use]
    pub fn handle(&self) -> Option<&Handle> {
        self.desk.home.shared.handle.get()
    }
}

impl<U> fmt::Debug for Scope<'_, U> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Scope")
            .field("path", &self.path())
            .field("online", &self.online())
            .finish_non_exhaustive()
    }
}
