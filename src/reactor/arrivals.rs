//! Sessions come and go: accepted, opened, and gone.
//!
//! Not here: when to accept, which is `accept`; what becomes of one that we opened, which is `outbound` and `link`.

#[cfg(feature = "client")]
use super::ConnectionId;
use super::event_loop::EventLoop;
use super::farewell::Farewell;
use super::frames::end;
use super::greet::Opening;
use super::session::{Phase, Session};
use super::{Cause, Closed, Handler};
use crate::kernel::Kernel;
use crate::proto::{Connection, Role};
use crate::transport::Transport;
use alloc::boxed::Box;
use alloc::sync::Arc;
use std::io;

impl<H: Handler<K>, K: Kernel> EventLoop<H, K> {
    pub(super) fn accept(&mut self) {
        let room = self
            .tools
            .settings
            .limits
            .room_for(self.sessions.len() - self.ours);
        let tools = &mut self.tools;
        for stream in self.acceptor.accept(&mut tools.kernel, room, tools.now) {
            let conn = Connection::server(Arc::clone(&self.tools.settings.connection));
            let tools = &mut self.tools;
            let transport = tools.settings.transport(stream, &mut tools.kernel);
            if let Err((_, error)) = self.admit(transport, conn, None) {
                tracing::warn!(%error, "cannot register a connection");
                self.acceptor.on_freed();
            }
        }
    }

    /// Closes a connection because the loop ends. What its rooms hold for it comes before that.
    pub(super) fn say_goodbye(&mut self, slot: usize, farewell: Farewell) {
        self.tell(slot);
        let Some(session) = self.sessions.get(slot) else {
            return;
        };
        let reason = farewell.reason(session.conn.tx.role());
        self.close_session(slot, farewell.cause(), farewell.code(), reason);
    }

    /// Whether it was accepted, rather than opened by us.
    pub(super) fn is_accepted(&self, slot: usize) -> bool {
        self.sessions[slot].conn.tx.role() == Role::Server
    }

    /// Gives a connection its place.
    pub(super) fn admit(
        &mut self,
        transport: Transport<K::Stream>,
        conn: Connection,
        opening: Option<Box<Opening>>,
    ) -> Result<usize, (Option<Box<Opening>>, io::Error)> {
        let tools = &mut self.tools;
        let number = self.numbers.take(self.worker);
        let entry = self.sessions.vacant_entry();
        let slot = entry.key();
        let session = entry.insert(Session::new(transport, conn, number, tools.now));
        let token = session.id(slot).token();
        // A stream of our own is known already, by its attempt's token.
        let anew = opening.is_some();
        session.set_opening(opening, &mut tools.pool);
        let transport = &mut session.exit.transport;
        if let Err(error) = transport.register(&mut tools.kernel, token, anew) {
            let mut session = self.sessions.remove(slot);
            return Err((session.take_opening(), error));
        }
        session.arm(slot, &mut self.wheel, &tools.settings, tools.now);
        self.ours += usize::from(session.conn.tx.role() == Role::Client);
        Ok(slot)
    }

    /// Drops a session, and with it its stream. Its handler is told 1006, unless it was told an end already.
    pub(super) fn remove(&mut self, slot: usize, error: Option<&io::Error>) {
        let mut session = self.sessions.remove(slot);
        self.discharge(&session);
        match session.conn.tx.role() {
            Role::Server => self.open -= usize::from(session.phase == Phase::Open),
            Role::Client => self.ours -= 1,
        }
        if let Some(error) = error {
            tracing::debug!(peer = %session.id(slot), %error, "connection lost");
        }
        self.tools.rooms.depart(session.id(slot));
        let id = session.id(slot);
        if session.awaits_verdict() {
            self.handler.on_abandoned(id);
        }
        let cause = match (session.flags.cause, error) {
            (Cause::Ended, Some(error)) => cause_of(error),
            (cause, _) => cause,
        };
        end(
            &mut self.handler,
            &mut self.tools.hub(),
            &mut session.state,
            id,
            &Closed::abnormal(cause),
        );
        self.acceptor.on_freed();
        #[cfg(feature = "client")]
        if session.conn.tx.role() == Role::Client {
            self.after_client(session, id, error);
        }
    }

    /// A connection that we opened, or wanted to, is gone.
    #[cfg(feature = "client")]
    fn after_client(
        &mut self,
        mut session: Session<K::Stream, H::State>,
        id: ConnectionId,
        error: Option<&io::Error>,
    ) {
        match session.take_opening().map(|opening| *opening) {
            Some(Opening::Ask(ask)) => self.on_not_open(&mut session, ask, error),
            _ => self.on_link_closed(id),
        }
    }

    /// As [`remove`](Self::remove), telling the peer by a reset if it has not taken everything.
    pub(super) fn abort(&mut self, slot: usize) {
        let session = &mut self.sessions[slot];
        if session.exit.is_blocked() {
            session.exit.transport.abort(&mut self.tools.kernel);
        }
        self.remove(slot, None);
    }
}

/// What an error of the stream means.
fn cause_of(error: &io::Error) -> Cause {
    match error.kind() {
        // Only records can be wrong, or end too early.
        io::ErrorKind::InvalidData | io::ErrorKind::UnexpectedEof => Cause::Tls,
        _ => Cause::Lost,
    }
}
