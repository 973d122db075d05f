//! `/demo`: `John` is answered `Hello from server, John`, and 5 s later the server closes.

use sockeye::app::{Conn, Scope, Service};
use sockeye::proto::CloseCode;
use sockeye::server::{ConnectionId, Message};
use std::collections::HashMap;
use std::time::Duration;

const STAY: Duration = Duration::from_secs(5);

#[derive(Default)]
pub(super) struct Demo {
    /// Who is to go, by the key of the timer.
    leaving: HashMap<u64, ConnectionId>,
}

/// Whether somebody was greeted already, and so is to go.
type Greeted = bool;

impl Service for Demo {
    type User = Greeted;

    fn message(
        &mut self,
        conn: &mut Conn<'_, Greeted>,
        greeted: &mut Greeted,
        message: Message<'_>,
    ) {
        if let Message::Text(name) = message {
            let _ = conn.send(&format!("Hello from server, {name}"));
        }
        if !core::mem::replace(greeted, true) {
            let key = conn.id().get();
            self.leaving.insert(key, conn.id());
            conn.after(STAY, key);
        }
    }

    fn timer(&mut self, scope: &mut Scope<'_, Greeted>, key: u64) {
        if let Some(id) = self.leaving.remove(&key) {
            // They may have gone by themselves.
            let _ = scope.close_other(id, CloseCode::NORMAL, "");
        }
    }
}
