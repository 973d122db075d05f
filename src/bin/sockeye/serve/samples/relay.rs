//! `/chat` and `/chat/`: what one says, all others hear; and who comes and goes.

use sockeye::app::{Conn, Scope, Service, Upgrade};
use sockeye::server::{Closed, ConnectionId, Message};

pub(super) struct Relay;

fn note(kind: &str, id: ConnectionId) -> String {
    format!(r#"{{"type":"{kind}","user":"{}"}}"#, id.get())
}

impl Service for Relay {
    type User = ();

    fn open(&mut self, conn: &mut Conn<'_, ()>, (): &mut (), _: &Upgrade<'_>) {
        conn.publish(conn.others(), &note("join", conn.id()));
    }

    fn message(&mut self, conn: &mut Conn<'_, ()>, (): &mut (), message: Message<'_>) {
        conn.publish(conn.others(), message);
    }

    fn close(&mut self, scope: &mut Scope<'_, ()>, id: ConnectionId, (): (), _: &Closed<'_>) {
        scope.publish(scope.all(), &note("leave", id));
    }
}
