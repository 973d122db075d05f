//! Speaking to a connection from outside of its handler: between turns, in the thread of the loop.
//!
//! Not here: other threads.

use super::call::{Call, Progress};
use super::event_loop::EventLoop;
use super::frames::{finish, give_up};
use super::session::Phase;
use super::wire::Fate;
use super::{Cause, ConnectionId, Handler, Peer};
use crate::kernel::Kernel;
use crate::proto::CloseCode;
use core::panic::AssertUnwindSafe;
use std::panic::{catch_unwind, resume_unwind};

impl<H: Handler<K>, K: Kernel> EventLoop<H, K> {
    /// Calls with an open connection, and sends what was said; `None` when there is no such connection any more.
    ///
    /// # Panics
    ///
    /// When the call does; before that, its connection is closed with 1011.
    pub fn with_peer<R>(
        &mut self,
        id: ConnectionId,
        call: impl FnOnce(&mut Peer<'_, K>, &mut H::State) -> R,
    ) -> Option<R> {
        self.read_clock();
        let slot = id.slot();
        let session = self.sessions.get_mut(slot)?;
        if session.id(slot) != id || session.phase != Phase::Open {
            return None;
        }
        let mut progress = Progress::default();
        let whole = Call::new(
            session,
            slot,
            &mut self.handler,
            &mut self.tools,
            false,
            &mut progress,
        );
        let Call {
            mut peer,
            state,
            flags,
            times,
            now,
            ..
        } = whole;
        let before = peer.tx.state();
        let state = state.as_mut()?;
        let result = catch_unwind(AssertUnwindSafe(|| call(&mut peer, state)));
        if result.is_err() {
            // What it has said waits in the cork, which is everybody's.
            peer.wire.reserve();
            flags.cause = Cause::Panic;
            give_up(&mut peer, CloseCode::INTERNAL_ERROR, "");
        }
        finish(&mut peer, flags, times, before, now);
        if let Fate::Broken(error) = progress.fate {
            self.remove(slot, Some(&error));
        } else {
            self.arm(slot);
        }
        #[cfg(feature = "client")]
        self.place_calls();
        self.deliver();
        match result {
            Ok(result) => Some(result),
            Err(panic) => resume_unwind(panic),
        }
    }
}
