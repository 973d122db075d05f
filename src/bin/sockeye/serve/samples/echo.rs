//! `/` and `/echo`: every message goes back to its sender.

use sockeye::app::{Conn, Service, Upgrade};
use sockeye::server::Message;

/// Sends back what comes.
pub(in crate::serve) struct Echo;

impl Service for Echo {
    type User = ();

    fn message(&mut self, conn: &mut Conn<'_, ()>, (): &mut (), message: Message<'_>) {
        // Whoever is closing wants no answer.
        let _ = conn.send(message);
    }
}

/// The same, behind a greeting.
pub(super) struct Hello;

impl Service for Hello {
    type User = ();

    fn open(&mut self, conn: &mut Conn<'_, ()>, (): &mut (), _: &Upgrade<'_>) {
        let _ = conn.send("Hello world");
    }

    fn message(&mut self, conn: &mut Conn<'_, ()>, (): &mut (), message: Message<'_>) {
        let _ = conn.send(message);
    }
}
