//! Speaking to a connection without anything that it sent: between turns, and when what waited for it has gone.
//!
//! Not here: other threads.

use super::call::Call;
use super::drive::Turn;
use super::event_loop::EventLoop;
use super::frames::{finish, give_up};
use super::session::Phase;
use super::timer::Stamp;
use super::wire::Fate;
use super::{Cause, ConnectionId, Handler, Peer};
use crate::kernel::Kernel;
use crate::proto::{CloseCode, State};
use core::mem::take;
use core::panic::AssertUnwindSafe;
use std::panic::{catch_unwind, resume_unwind};
use std::thread;

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
        let session = self.sessions.get(slot)?;
        if session.id(slot) != id || session.phase != Phase::Open {
            return None;
        }
        let result = self.speak(slot, |_, peer, state| call(peer, state))?;
        #[cfg(feature = "client")]
        self.place_calls();
        self.deliver();
        match result {
            Ok(result) => Some(result),
            Err(panic) => resume_unwind(panic),
        }
    }

    /// What waited for a peer may have gone: whoever kept something back for it is told.
    #[inline(never)]
    pub(super) fn after_wait(&mut self, id: ConnectionId) {
        // What waits in a link goes first.
        #[cfg(feature = "client")]
        self.on_room(id);
        let slot = id.slot();
        let Some(session) = self.sessions.get(slot) else {
            return;
        };
        // What was read on the way here may have been answered by more than the peer takes.
        let drained = session.id(slot) == id
            && session.phase == Phase::Open
            && session.conn.state() == State::Open
            && !session.exit.is_blocked();
        if drained {
            // A panic has closed the connection, and was nobody else's.
            let _ = self.speak(slot, |handler, peer, state| handler.on_drain(peer, state));
            if self.tools.rooms.is_full() {
                self.deliver();
            }
        }
    }

    /// Calls with an open connection, and sends what was said; a panic closes it. `None` where opening it panicked.
    fn speak<R>(
        &mut self,
        slot: usize,
        call: impl FnOnce(&mut H, &mut Peer<'_, K>, &mut H::State) -> R,
    ) -> Option<thread::Result<R>> {
        self.tools.stirred = true;
        let session = &mut self.sessions[slot];
        let held = session.held;
        let mut turn = Turn {
            session,
            slot,
            handler: &mut self.handler,
            tools: &mut self.tools,
            intake: &mut self.intake,
        };
        let Call {
            mut peer,
            handler,
            state,
            flags,
            times,
            now,
            ..
        } = turn.call(false);
        let before = peer.tx.state();
        let state = state.as_mut()?;
        let result = catch_unwind(AssertUnwindSafe(|| call(handler, &mut peer, state)));
        if result.is_err() {
            // What it has said waits in the cork, which is everybody's.
            peer.reserve();
            flags.cause = Cause::Panic;
            give_up(&mut peer, CloseCode::INTERNAL_ERROR, "");
        }
        finish(&mut peer, flags, times, before);
        if peer.tx.state() != State::Open {
            peer.tools.rooms.depart(peer.id);
        }
        if let Fate::Broken(error) = take(&mut self.tools.fate) {
            self.remove(slot, Some(&error));
            return Some(result);
        }
        match (held, session.is_held()) {
            (false, true) => session.times.since = Stamp::of(now),
            (true, false) => {
                session.held = true;
                if session.release(now) {
                    self.put_on_ready_list(slot);
                }
            }
            (false, false) | (true, true) => {}
        }
        self.arm(slot);
        self.account(slot);
        Some(result)
    }
}
