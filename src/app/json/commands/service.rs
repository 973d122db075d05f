//! What messages, ends and times lead to.
//!
//! Not here: what handlers do.

use super::asks::OURS;
use super::{Commands, Envelope, error};
use crate::app::json::BadEnvelope;
use crate::app::log::escaped;
use crate::app::{BadJson, Conn, Scope, Service, Upgrade};
use crate::proto::CloseCode;
use crate::server::{Closed, ConnectionId, Message};
use alloc::string::ToString;

impl<U: Send + 'static> Service for Commands<U> {
    type User = U;

    fn open(&mut self, conn: &mut Conn<'_, U>, user: &mut U, upgrade: &Upgrade<'_>) {
        if let Some(open) = &mut self.open {
            open(conn, user, upgrade);
        }
        self.company.opened(conn, user);
    }

    fn message(&mut self, conn: &mut Conn<'_, U>, user: &mut U, message: Message<'_>) {
        let Message::Text(text) = message else {
            let _ = conn.close(CloseCode::UNSUPPORTED_DATA, "commands are text");
            return;
        };
        match Envelope::parse(text) {
            Ok(envelope) => {
                let cmd = escaped(&*envelope.cmd);
                let span = tracing::debug_span!("message::cmd", connection = %conn.id(), %cmd);
                span.in_scope(|| self.run(conn, user, &envelope));
            }
            Err(bad) => refuse(conn, &bad),
        }
    }

    fn close(&mut self, scope: &mut Scope<'_, U>, id: ConnectionId, user: U, closed: &Closed<'_>) {
        self.asks.gone(scope, id);
        self.company.closed(scope, id, &user);
        if let Some(close) = &mut self.close {
            close(scope, id, &user, closed);
        }
    }

    #[cfg(feature = "backplane")]
    fn gap(&mut self, scope: &mut Scope<'_, U>, gap: &crate::app::Gap<'_>) {
        if let Some(own) = &mut self.gap {
            return own(scope, gap);
        }
        let param = serde_json::json!({ "missed": gap.missed });
        // Such a number can always be written.
        let _ = scope.emit(gap.to.clone(), "gap", &param);
    }

    fn timer(&mut self, scope: &mut Scope<'_, U>, key: u64) {
        if key & OURS != 0 {
            self.asks.timer(scope, key);
        } else if let Some(timer) = &mut self.timer {
            timer(scope, key);
        }
    }
}

impl<U: Send + 'static> Commands<U> {
    fn run(&mut self, conn: &mut Conn<'_, U>, user: &mut U, envelope: &Envelope<'_>) {
        let cmd = &*envelope.cmd;
        if envelope.re.is_some() && matches!(cmd, "reply" | "error") {
            let id = conn.id();
            if !self.asks.answered(conn, id, user, envelope) {
                tracing::debug!(connection = %id, "an answer that nobody waits for");
            }
        } else if let Some(run) = self.table.get_mut(cmd) {
            run(conn, user, envelope);
        } else if self.company.is_for(cmd) {
            self.company.run(conn, user, envelope);
        } else if let Some(unknown) = &mut self.unknown {
            unknown(conn, user, envelope);
        } else {
            self.warn(conn, cmd);
            if envelope.id.is_some() {
                let _ = conn.send(&error(envelope.id, "unknown command"));
            }
        }
    }

    fn warn(&mut self, conn: &mut Conn<'_, U>, cmd: &str) {
        if let Some(untold) = self.warnings.may_tell(conn.now()) {
            let connection = conn.id();
            tracing::warn!(%connection, untold, "unhandled websocket command [{}]", escaped(cmd));
        }
    }
}

/// What the route says becomes of a message that is no command.
fn refuse<U>(conn: &mut Conn<'_, U>, bad: &BadEnvelope) {
    let what = bad.to_string();
    match conn.scope.desk.home.definition.route.bad_json {
        BadJson::Close => {
            let _ = conn.close(CloseCode::INVALID_PAYLOAD, &what);
        }
        BadJson::Reply => {
            let _ = conn.send(&error(None, &what));
        }
        BadJson::Drop => {
            tracing::debug!(connection = %conn.id(), "dropped: {}", escaped(&what));
        }
    }
}
