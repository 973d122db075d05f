//! What handlers want done when their call is over: [`Orders`].
//!
//! A handler cannot reach another session, so what it decides about one waits here for the end of the turn, as what it
//! says to others waits in `rooms`.
//!
//! Not here: closing others, which is in order with what they are told, and so in `rooms`.

use super::event_loop::EventLoop;
use super::greet::Opening;
use super::timer::{Entry, ticks_in};
use super::verdict::Note;
use super::{ConnectionId, Handler, Verdict};
use crate::kernel::Kernel;
use alloc::boxed::Box;
use alloc::vec::Vec;
use core::mem::take;
use core::panic::AssertUnwindSafe;
use core::time::Duration;
use slab::Slab;
use std::panic::catch_unwind;

/// In the wheel's key: it is a timer of the application's.
pub(super) const TIMER_KEY: usize = 1 << 31;

/// What is to be done.
#[derive(Debug, Default)]
pub(super) struct Orders {
    verdicts: Vec<(ConnectionId, Verdict)>,
    timers: Vec<(Duration, u64)>,
    /// Those that run, by the application's key.
    running: Slab<u64>,
    /// What was noted about the request that is becoming a connection now.
    pub(super) note: Option<Note>,
}

impl Orders {
    #[inline]
    pub(super) const fn is_empty(&self) -> bool {
        self.verdicts.is_empty() && self.timers.is_empty()
    }

    pub(super) fn answer(&mut self, id: ConnectionId, verdict: Verdict) {
        self.verdicts.push((id, verdict));
    }

    pub(super) fn after(&mut self, span: Duration, key: u64) {
        self.timers.push((span, key));
    }
}

impl<H: Handler<K>, K: Kernel> EventLoop<H, K> {
    /// Does what was ordered.
    #[cold]
    #[inline(never)]
    pub(super) fn carry_out_orders(&mut self) {
        let now = self.tools.now;
        for (span, key) in take(&mut self.tools.orders.timers) {
            let number = self.tools.orders.running.insert(key);
            let at = now + ticks_in(span);
            let key = TIMER_KEY | number;
            self.wheel.insert(Entry { at, key }, now);
        }
        for (id, verdict) in take(&mut self.tools.orders.verdicts) {
            self.pronounce(id, verdict);
        }
    }

    /// Answers a request that was put off. Whoever has gone is not answered.
    fn pronounce(&mut self, id: ConnectionId, verdict: Verdict) {
        let slot = id.slot();
        let Some(session) = self.sessions.get_mut(slot) else {
            return;
        };
        if session.id(slot) != id || !session.awaits_verdict() || matches!(verdict, Verdict::Later)
        {
            return;
        }
        session.held = false;
        let opening = Some(Box::new(Opening::Judged(verdict)));
        session.set_opening(opening, &mut self.tools.pool);
        session.flags.unread = true;
        self.serve(slot);
    }

    /// A timer of the application's is due.
    #[cold]
    pub(super) fn on_timer(&mut self, number: usize) {
        let Some(key) = self.tools.orders.running.try_remove(number) else {
            return;
        };
        let (handler, mut hub) = (&mut self.handler, self.tools.hub());
        // Should it panic, there is no connection that could pay for it.
        let _ = catch_unwind(AssertUnwindSafe(|| handler.on_timer(&mut hub, key)));
    }
}
