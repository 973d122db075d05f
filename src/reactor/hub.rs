//! What a handler reaches beside the connection it is called for: [`Hub`].
//!
//! Nothing here speaks to a stream: what is said is told when the turn is over, so no handler is ever called from within
//! another, and a connection that joins, leaves or closes while something is published changes nothing about who is told.
//!
//! Not here: how it gets there; that is `rooms` and `deliver`. Other threads, which have a `Handle`.

use super::history::{History, Token};
use super::orders::Orders;
use super::rooms::{Closing, Gone, JoinError, Receipt, RoomStats, Rooms, To};
use super::timer::Tick;
use super::{ConnectionId, Message, Verdict};
use crate::proto::deflate::Compressor;
use crate::proto::{CloseCode, MAX_CONTROL_LEN, Misuse, SendError};
use core::time::Duration;

/// The connections of a loop that were accepted, and their rooms, lent to a handler for one call.
///
/// **Order.** What one connection is told by itself, and in one room, it is told in the order of the calls. Several rooms
/// that are published to in the same turn may be told room by room.
///
/// ```
/// # #[cfg(all(feature = "server", feature = "client"))]
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// use core::time::Duration;
/// use sockeye::server::{Builder, Handler, Hub, Message, Peer, To};
/// # use sockeye::client::{self, Received};
///
/// /// Says twenty times a second how many play. Whoever writes starts a round, which lasts a minute.
/// struct Game;
///
/// const END_OF_ROUND: u64 = 1;
///
/// impl Handler for Game {
///     type State = ();
///
///     fn on_message(&mut self, peer: &mut Peer<'_>, _: &mut (), _: Message<'_>) {
///         let mut hub = peer.hub();
///         hub.publish(To::all(), "begin");
///         hub.after(Duration::from_secs(60), END_OF_ROUND);
///     }
///
///     fn on_tick(&mut self, hub: &mut Hub<'_>) {
///         let playing = format!("{} are playing", hub.online());
///         hub.publish(To::all(), &playing);
///     }
///
///     fn on_timer(&mut self, hub: &mut Hub<'_>, key: u64) {
///         if key == END_OF_ROUND {
///             hub.publish(To::all(), "end");
///         }
///     }
/// }
///
/// let mut server = Builder::new().tick(Duration::from_millis(50)).bind("127.0.0.1:0".parse()?, Game)?;
/// # let (url, stopper) = (format!("ws://{}/", server.local_addr()), server.stopper());
/// # let thread = std::thread::spawn(move || server.run());
/// # let mut socket = client::connect(&url)?;
/// # assert_eq!(socket.receive()?, Received::Text("1 are playing".into()));
/// # drop(socket);
/// # stopper.stop()?;
/// # thread.join().unwrap()?;
/// # Ok(())
/// # }
/// # #[cfg(not(all(feature = "server", feature = "client")))]
/// # fn main() {}
/// ```
#[derive(Debug)]
pub struct Hub<'h> {
    pub(super) rooms: &'h mut Rooms,
    pub(super) compressor: &'h mut Compressor,
    pub(super) orders: &'h mut Orders,
    pub(super) now: Tick,
}

impl Hub<'_> {
    /// The same, for a shorter time.
    pub const fn reborrow(&mut self) -> Hub<'_> {
        Hub {
            rooms: self.rooms,
            compressor: self.compressor,
            orders: self.orders,
            now: self.now,
        }
    }

    /// Makes a connection a member of a room, which comes into being with its first. Says whether it was not one before.
    /// It stays one until it leaves or closes.
    ///
    /// # Errors
    ///
    /// [`JoinError`], and nothing has changed.
    pub fn join(&mut self, id: ConnectionId, room: &str) -> Result<bool, JoinError> {
        self.rooms.join(id, room)
    }

    /// Makes a connection a member of a room that keeps something ([`To::kept`]), and tells it what it has missed since it
    /// was where its token says; without one, what is said from now on. Says whether it was not a member: one that was is
    /// told all the same. Whoever is in such a room came so, or it may miss what is kept elsewhere.
    ///
    /// # Errors
    ///
    /// As for [`join`](Self::join).
    pub fn resume(
        &mut self,
        id: ConnectionId,
        room: &str,
        history: History,
        since: Option<Token>,
    ) -> Result<bool, JoinError> {
        let compressor = &mut *self.compressor;
        self.rooms.resume(id, room, history, since, compressor)
    }

    /// Ends a membership. What was published before is still told. Says whether there was one.
    pub fn leave(&mut self, id: ConnectionId, room: &str) -> bool {
        self.rooms.leave(id, room, self.compressor)
    }

    /// Says something to many. It is encoded once, stored once, and told when the turn is over: all that was published in
    /// a room during a turn reaches a member in one write. A member that does not read is dealt with by the room's
    /// [`SlowPolicy`](super::SlowPolicy).
    ///
    /// What one connection is told in one room, and by itself, comes in the order of the calls; see [`Hub`].
    ///
    /// Loops that share an [`Exchange`](super::Exchange) publish together; the receipt counts the connections of this one.
    pub fn publish<'a, 'm>(
        &mut self,
        to: impl Into<To<'a>>,
        message: impl Into<Message<'m>>,
    ) -> Receipt {
        self.rooms
            .publish(&to.into(), message.into(), true, self.compressor)
    }

    /// As [`publish`](Self::publish), and never compressed; see
    /// [`Peer::send_uncompressed`](super::Peer::send_uncompressed).
    pub fn publish_uncompressed<'a, 'm>(
        &mut self,
        to: impl Into<To<'a>>,
        message: impl Into<Message<'m>>,
    ) -> Receipt {
        self.rooms
            .publish(&to.into(), message.into(), false, self.compressor)
    }

    /// Says something to one connection.
    ///
    /// # Errors
    ///
    /// [`Gone`]: it is told nothing more. Where it is on another loop, nobody knows in time.
    pub fn send<'m>(
        &mut self,
        id: ConnectionId,
        message: impl Into<Message<'m>>,
    ) -> Result<(), Gone> {
        match self.publish(To::one(id), message) {
            Receipt { closed: 0, .. } => Ok(()),
            _ => Err(Gone),
        }
    }

    /// Starts a connection's closing handshake when the turn is over. It is told what was said to it before, and nothing
    /// that is published or sent from here after; what its own handler sends with [`Peer::send`](super::Peer::send) until
    /// then still goes.
    ///
    /// # Errors
    ///
    /// [`SendError::Closed`] when it is gone or closing already; [`Misuse`] for a reason over 123 bytes.
    pub fn close(
        &mut self,
        id: ConnectionId,
        code: CloseCode,
        reason: &str,
    ) -> Result<(), SendError> {
        if reason.len() > MAX_CONTROL_LEN - 2 {
            return Err(Misuse::ReasonTooLong.into());
        }
        let reason = reason.into();
        let closing = Closing { id, code, reason };
        let closed = self.rooms.close(closing, self.compressor);
        closed.map_err(|Gone| SendError::Closed)
    }

    /// Answers a request that a handler has put off with [`Verdict::Later`], when the turn is over. Where whoever asked has
    /// gone, or is on another loop, nothing happens.
    pub fn answer(&mut self, id: ConnectionId, verdict: impl Into<Verdict>) {
        self.orders.answer(id, verdict.into());
    }

    /// Calls [`Handler::on_timer`](super::Handler::on_timer) once, not before so long has passed; 12 days are the longest.
    /// Nothing takes it back: a key that is not expected any more is one to ignore.
    pub fn after(&mut self, span: Duration, key: u64) {
        self.orders.after(span, key);
    }

    /// The loop's time, since it began: that of the turn, in whole milliseconds. It does not go back.
    #[must_use]
    pub fn now(&self) -> Duration {
        Duration::from_millis(self.now)
    }

    /// Whether a connection is open.
    #[must_use]
    pub fn is_open(&self, id: ConnectionId) -> bool {
        self.rooms.is_open(id)
    }

    /// Bytes that wait for a connection of this loop to read, as far as it was told already; see
    /// [`Peer::queued_bytes`](super::Peer::queued_bytes).
    #[must_use]
    pub fn queued_bytes(&self, id: ConnectionId) -> usize {
        self.rooms.waiting(id)
    }

    /// Whether a connection is a member of a room.
    #[must_use]
    pub fn is_member(&self, id: ConnectionId, room: &str) -> bool {
        self.rooms.is_member(id, room)
    }

    /// The rooms of a connection, in the order in which it joined them.
    pub fn rooms_of(&self, id: ConnectionId) -> impl Iterator<Item = &str> {
        self.rooms.rooms_of(id)
    }

    /// The members of a room, in no order.
    pub fn members(&self, room: &str) -> impl Iterator<Item = ConnectionId> {
        self.rooms.members(Some(room))
    }

    /// How many members a room has.
    #[must_use]
    pub fn count(&self, room: &str) -> usize {
        self.stats(room).map_or(0, |stats| stats.members)
    }

    /// The names of all rooms, in no order.
    pub fn rooms(&self) -> impl Iterator<Item = &str> {
        self.rooms.names()
    }

    /// The open connections that were accepted, in no order.
    pub fn connections(&self) -> impl Iterator<Item = ConnectionId> {
        self.rooms.members(None)
    }

    /// How many they are.
    #[must_use]
    pub fn online(&self) -> usize {
        self.stats_of_all().members
    }

    /// What has happened in a room since it came into being, if there is one.
    #[must_use]
    pub fn stats(&self, room: &str) -> Option<RoomStats> {
        self.rooms.stats(Some(room))
    }

    /// What has happened in all rooms of the loop together since it began, those that have gone and everybody's among them.
    /// It takes longer the more rooms there are.
    #[must_use]
    pub fn total_stats(&self) -> RoomStats {
        self.rooms.total_stats()
    }

    /// Bytes that wait for connections to read, all of them together, as far as they were told already. It takes longer the
    /// more connections there are.
    #[must_use]
    pub fn total_queued_bytes(&self) -> u64 {
        self.rooms.total_waiting()
    }

    /// What has come of what was said to all.
    #[must_use]
    pub fn stats_of_all(&self) -> RoomStats {
        self.rooms.stats(None).unwrap_or_default()
    }
}
