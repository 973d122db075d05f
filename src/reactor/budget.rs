//! The memory budget: what a loop holds for its peers altogether, and who goes when that is too much.
//!
//! Counted is what peers can make it hold: incomplete messages, output that waits, what compression remembers. What was said
//! to many counts once, however many have not read it. Not counted are the sessions themselves, and TLS.
//!
//! Not here: the limits of single connections, which are `settings`' and nearly always strike first.

use super::event_loop::EventLoop;
use super::frames::end;
use super::session::{Phase, Session};
use super::{Cause, Closed, Handler};
use crate::kernel::Kernel;
use crate::proto::{CloseCode, Connection, Outbound, Role};
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::cmp::Reverse;
use core::sync::atomic::{AtomicUsize, Ordering};

/// A session's share is counted in so many bytes.
const UNIT: usize = 1 << 10;

/// What a loop holds.
#[derive(Debug, Default)]
pub(super) struct Budget {
    /// By sessions, in [`UNIT`]s.
    by_sessions: usize,
    /// By what was said to many and not read by all.
    shared: Arc<AtomicUsize>,
}

/// Bytes that are counted as long as this lives.
#[derive(Debug)]
pub(super) struct Charge {
    counter: Arc<AtomicUsize>,
    bytes: usize,
}

impl Budget {
    /// Bytes held.
    pub(super) fn held(&self) -> usize {
        self.by_sessions * UNIT + self.shared.load(Ordering::Relaxed)
    }

    /// Where what is shared is counted.
    pub(super) const fn shared(&self) -> &Arc<AtomicUsize> {
        &self.shared
    }
}

impl Charge {
    pub(super) fn new(counter: &Arc<AtomicUsize>, bytes: usize) -> Self {
        counter.fetch_add(bytes, Ordering::Relaxed);
        Self {
            counter: Arc::clone(counter),
            bytes,
        }
    }

    /// Whether it counts there.
    pub(super) fn is_to(&self, counter: &Arc<AtomicUsize>) -> bool {
        Arc::ptr_eq(&self.counter, counter)
    }
}

impl Drop for Charge {
    fn drop(&mut self) {
        self.counter.fetch_sub(self.bytes, Ordering::Relaxed);
    }
}

impl<S, D> Session<S, D> {
    /// Bytes that it holds beyond itself, but for what it shares.
    fn holds(&self) -> usize {
        let own = self.rest.as_ref().map_or(0, |rest| rest.own.capacity());
        own + self.conn.heap_bytes() + self.exit.owned()
    }

    /// Its share, as it was counted last.
    fn charged(&self) -> u32 {
        self.rest.as_ref().map_or(0, |rest| rest.charged)
    }

    /// Whether it holds something, or is thought to.
    #[inline]
    fn has_share(&self) -> bool {
        self.rest.is_some()
            || self.flags.assembling
            || self.exit.is_blocked()
            || self.conn.has_context()
    }
}

impl<H: Handler<K>, K: Kernel> EventLoop<H, K> {
    /// What a session holds may have changed.
    #[inline]
    pub(super) fn account(&mut self, slot: usize) {
        if self.sessions.get(slot).is_some_and(Session::has_share) {
            self.recount(slot);
        }
    }

    #[inline(never)]
    fn recount(&mut self, slot: usize) {
        let session = &mut self.sessions[slot];
        let waiting = session.exit.waiting();
        self.tools.rooms.note_waiting(session.id(slot), waiting);
        // Something waits: it counts, however little that is, and so is looked at again when it has gone.
        let least = usize::from(session.exit.is_blocked());
        let share = u32::try_from((session.holds() / UNIT).max(least)).unwrap_or(u32::MAX);
        // More may be held than may be.
        self.tools.stirred = true;
        let budget = &mut self.tools.budget;
        let charged = session.charged();
        budget.by_sessions += share as usize;
        budget.by_sessions -= charged as usize;
        let pool = &mut self.tools.pool;
        if share != charged {
            session.rest_mut(pool).charged = share;
        }
        session.tidy(pool);
    }

    /// It holds nothing any more.
    pub(super) fn discharge(&mut self, session: &Session<K::Stream, H::State>) {
        self.tools.budget.by_sessions -= session.charged() as usize;
    }

    /// Sees to it that no more is held than may be.
    #[inline]
    pub(super) fn keep_within_budget(&mut self) {
        if self.tools.budget.held() > self.tools.settings.limits.max_memory {
            self.relieve();
        }
    }

    /// Ends those that hold most, until an eighth of the budget is free.
    #[cold]
    fn relieve(&mut self) {
        let max = self.tools.settings.limits.max_memory;
        let sessions = self.sessions.iter();
        // What it shares counts as if it were its own: all who hold a part of it have to go before it does.
        let shares =
            sessions.map(|(slot, session)| (session.holds() + session.exit.waiting(), slot));
        let mut holders: Vec<_> = shares.filter(|(share, _)| *share >= UNIT).collect();
        holders.sort_unstable_by_key(|(share, slot)| (Reverse(*share), *slot));
        tracing::warn!(
            held = self.tools.budget.held(),
            max,
            "over the memory budget; ending those who hold most of it"
        );
        for (_, slot) in holders {
            if self.tools.budget.held() <= max - max / 8 {
                break;
            }
            self.evict(slot);
        }
    }

    /// Ends a session to have its memory back: one whose message is too much is told so; one that does not read cannot be
    /// told.
    fn evict(&mut self, slot: usize) {
        let session = &mut self.sessions[slot];
        session.flags.cause = Cause::Memory;
        if session.exit.is_blocked()
            || session.phase != Phase::Open
            || session.conn.tx.role() == Role::Client
        {
            return self.abort(slot);
        }
        let mut frame = Vec::new();
        let out = &mut Outbound::client(&mut frame, &mut self.tools.random);
        let reason = "too much is being held";
        let _ = session
            .conn
            .tx
            .close(CloseCode::MESSAGE_TOO_BIG, reason, out);
        let id = session.id(slot);
        let closed = Closed::abnormal(Cause::Memory);
        end(
            &mut self.handler,
            &mut self.tools.hub(),
            &mut session.state,
            id,
            &closed,
        );
        let session = &mut self.sessions[slot];
        drop(session.take_own());
        session.flags.assembling = false;
        session.flags.unread = false;
        session.conn = Connection::server(Arc::clone(&self.tools.settings.connection));
        session.enter(Phase::Ending, self.tools.now);
        self.open -= 1;
        self.recount(slot);
        self.put(slot, &frame);
    }
}
