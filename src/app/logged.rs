//! A line in the log for whoever comes, speaks and goes: [`Logged`].
//!
//! Not here: what peers said. A log that holds it would be a copy of every secret that passes.

use super::log::escaped;
use super::{Conn, Scope, Service, Upgrade};
use crate::server::{Closed, ConnectionId, Message};
use core::time::Duration;

/// A service whose connections are written down, with `tracing`: that they come and go, and with the level `debug` how
/// large each message is. What peers say of themselves, a path or the reason of a close, is [escaped](super::log).
///
/// ```
/// use sockeye::app::{App, Echo, Logged};
///
/// let app = App::new().route("SOCKET /echo @any", |_| Logged(Echo));
/// # app.build().unwrap();
/// ```
#[derive(Clone, Copy, Debug, Default)]
pub struct Logged<S>(pub S);

impl<S: Service> Service for Logged<S> {
    type User = S::User;

    fn open(&mut self, conn: &mut Conn<'_, S::User>, user: &mut S::User, upgrade: &Upgrade<'_>) {
        let (id, addr, path) = (conn.id(), conn.addr(), upgrade.path());
        tracing::info!(%id, %addr, path = %escaped(path), "opened");
        self.0.open(conn, user, upgrade);
    }

    fn message(&mut self, conn: &mut Conn<'_, S::User>, user: &mut S::User, message: Message<'_>) {
        tracing::debug!(id = %conn.id(), bytes = message.bytes().len(), "message");
        self.0.message(conn, user, message);
    }

    fn drain(&mut self, conn: &mut Conn<'_, S::User>, user: &mut S::User) {
        self.0.drain(conn, user);
    }

    fn heartbeat(
        &mut self,
        conn: &mut Conn<'_, S::User>,
        user: &mut S::User,
        round_trip: Duration,
    ) {
        self.0.heartbeat(conn, user, round_trip);
    }

    fn close(
        &mut self,
        scope: &mut Scope<'_, S::User>,
        id: ConnectionId,
        user: S::User,
        closed: &Closed<'_>,
    ) {
        let (code, reason) = (closed.code, escaped(closed.reason));
        tracing::info!(%id, code, %reason, cause = ?closed.cause, "closed");
        self.0.close(scope, id, user, closed);
    }

    #[cfg(feature = "backplane")]
    fn gap(&mut self, scope: &mut Scope<'_, S::User>, gap: &super::Gap<'_>) {
        tracing::warn!(path = %escaped(scope.path()), to = ?gap.to, missed = gap.missed, "missed");
        self.0.gap(scope, gap);
    }

    fn timer(&mut self, scope: &mut Scope<'_, S::User>, key: u64) {
        self.0.timer(scope, key);
    }
}
