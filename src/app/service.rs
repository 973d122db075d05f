//! What an application writes: [`Service`].
//!
//! Not here: what it can do with its connections; that is `conn` and `scope`.

use super::{Conn, Scope, Upgrade};
use crate::server::{Closed, ConnectionId, Message};
use core::time::Duration;

/// What lives at one path, and serves everybody there.
///
/// One is made when the first connection of a concrete path opens, `/chat/tea` for instance, and dropped when nobody has
/// been there for some time ([`Route::linger`](super::Route::linger)). It is a namespace: its rooms, and *all* of its
/// connections, are those of its path.
///
/// Nothing is called while another call runs. A panic costs only the connection that it happened on (1011). What is sent
/// in a call is on the wire in the same turn of the loop, as a rule in one write.
///
/// ```
/// use sockeye::app::{Conn, Service};
/// use sockeye::server::Message;
///
/// struct Chat;
///
/// impl Service for Chat {
///     type User = ();
///
///     fn message(&mut self, conn: &mut Conn<'_, ()>, _: &mut (), message: Message<'_>) {
///         conn.publish(conn.others(), message);
///     }
/// }
/// ```
pub trait Service: Send + 'static {
    /// What is kept for each connection.
    type User: Send + 'static;

    /// A connection is open: its request was answered with 101. Here alone the request can be looked at; what is to be
    /// known of it later belongs into `user`.
    fn open(
        &mut self,
        conn: &mut Conn<'_, Self::User>,
        user: &mut Self::User,
        upgrade: &Upgrade<'_>,
    ) {
        let _ = (conn, user, upgrade);
    }

    /// A whole message, of the route's format.
    fn message(
        &mut self,
        conn: &mut Conn<'_, Self::User>,
        user: &mut Self::User,
        message: Message<'_>,
    );

    /// All that waited for this connection to read has gone: what was kept back for it may be sent now.
    fn drain(&mut self, conn: &mut Conn<'_, Self::User>, user: &mut Self::User) {
        let _ = (conn, user);
    }

    /// A ping of the server's was answered, so long after it was sent, in whole milliseconds.
    fn heartbeat(
        &mut self,
        conn: &mut Conn<'_, Self::User>,
        user: &mut Self::User,
        round_trip: Duration,
    ) {
        let _ = (conn, user, round_trip);
    }

    /// A connection has ended, whatever the cause; called exactly once for each that was opened. It is counted no more, is
    /// in no room, and is told nothing. Whoever does not answer our Close is told of after
    /// [`Timeouts::close`](crate::server::Timeouts::close).
    fn close(
        &mut self,
        scope: &mut Scope<'_, Self::User>,
        id: ConnectionId,
        user: Self::User,
        closed: &Closed<'_>,
    ) {
        let _ = (scope, id, user, closed);
    }

    /// Something that was said on another node was lost on the way here, and whoever was to hear it has missed it; see
    /// [`backplane`](crate::backplane). Each worker that has such connections is told, before what comes next; those of it
    /// are who is to hear of it from here.
    #[cfg(feature = "backplane")]
    fn gap(&mut self, scope: &mut Scope<'_, Self::User>, gap: &super::Gap<'_>) {
        let _ = (scope, gap);
    }

    /// A span that was asked for with [`Scope::after`] is over. A service that is gone by then is told nothing.
    fn timer(&mut self, scope: &mut Scope<'_, Self::User>, key: u64) {
        let _ = (scope, key);
    }
}
