//! `/`: every message goes back to its sender, behind a greeting.

use sockeye::app::{Conn, Service, Upgrade};
use sockeye::server::Message;

pub(super) struct Hello;

impl Service for Hello {
    type User = ();

    fn open(&mut self, conn: &mut Conn<'_, ()>, (): &mut (), _: &Upgrade<'_>) {
        let _ = conn.send("Hello world");
    }

    fn message(&mut self, conn: &mut Conn<'_, ()>, (): &mut (), message: Message<'_>) {
        // Whoever is closing wants no answer.
        let _ = conn.send(message);
    }
}
