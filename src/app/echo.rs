//! A service to try a server with: [`Echo`].
//!
//! Not here: anything that more than one connection would notice.

use super::{Conn, Service};
use crate::server::Message;

/// Sends back what comes.
///
/// ```
/// use sockeye::app::{App, Echo};
///
/// let app = App::new().route("SOCKET /echo @any", |_| Echo);
/// # app.build().unwrap();
/// ```
#[derive(Clone, Copy, Debug, Default)]
pub struct Echo;

impl Service for Echo {
    type User = ();

    fn message(&mut self, conn: &mut Conn<'_, ()>, (): &mut (), message: Message<'_>) {
        // Whoever is closing wants no answer.
        let _ = conn.send(message);
    }
}
