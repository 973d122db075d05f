//! `sockeye broadcast`: every message goes to every connection, its sender included.

use sockeye::kernel::Kernel;
use sockeye::server::{Handler, Message, Peer};

pub(crate) struct Broadcast;

impl<K: Kernel> Handler<K> for Broadcast {
    type State = ();

    fn on_message(&mut self, peer: &mut Peer<'_, K>, (): &mut (), message: Message<'_>) {
        peer.broadcast(message);
    }
}
