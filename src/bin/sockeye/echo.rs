//! `sockeye echo`: every message goes back to its sender.

use sockeye::kernel::Kernel;
use sockeye::server::{Handler, Message, Peer};

pub(crate) struct Echo;

impl<K: Kernel> Handler<K> for Echo {
    type State = ();

    // It is as short as a handler can be, and called from two places.
    #[inline(always)]
    fn on_message(&mut self, peer: &mut Peer<'_, K>, (): &mut (), message: Message<'_>) {
        // The peer may have closed in the meantime; then there is nobody to answer.
        let _ = peer.send(message);
    }
}
