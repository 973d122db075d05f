//! What the kernel reports, and who is to see to it.
//!
//! Not here: what is done then: `swift` and `drive` for a session, `accept` for newcomers.

use super::Handler;
use super::drive::Turn;
use super::event_loop::EventLoop;
use super::facts::Fact;
use super::id::slot_in;
#[cfg(feature = "client")]
use super::outbound::dial_of;
use crate::kernel::{Kernel, Ready, Token};

impl<H: Handler<K>, K: Kernel> EventLoop<H, K> {
    #[inline(always)]
    pub(super) fn on_report(&mut self, report: Ready) {
        // Nearly all are.
        if let Ready::Stream {
            token,
            readable,
            writable,
            hangup,
        } = report
        {
            return self.on_stream(token, readable, writable, hangup);
        }
        self.on_other_report(report);
    }

    #[inline(never)]
    fn on_other_report(&mut self, report: Ready) {
        self.tools.stirred = true;
        match report {
            Ready::Accept => self.acceptor.on_report(),
            Ready::Stop => self.stop(),
            Ready::Restart => self.stop_for_restart(),
            Ready::Reload => self.tools.settings.reload(),
            Ready::Wake => self.hear_others(),
            #[cfg(feature = "client")]
            Ready::Resolved { key } => self.on_resolved(key),
            #[cfg(not(feature = "client"))]
            Ready::Resolved { .. } => {}
            Ready::Stream { .. } => {}
        }
    }

    #[inline(always)]
    fn on_stream(&mut self, token: Token, readable: bool, writable: bool, hangup: bool) {
        #[cfg(feature = "client")]
        if dial_of(token).is_some() {
            return self.on_dial(token);
        }
        let Some(slot) = self.slot_of(token) else {
            return;
        };
        let session = &mut self.sessions[slot];
        if hangup {
            session.flags.facts.add(Fact::Hangup);
        }
        if readable && session.is_at_ease() {
            let turn = Turn {
                session,
                slot,
                handler: &mut self.handler,
                tools: &mut self.tools,
                intake: &mut self.intake,
            };
            if turn.swiftly() && !self.tools.rooms.is_full() {
                return;
            }
            return self.after_swift(slot);
        }
        self.on_edge(slot, readable, writable);
    }

    /// Something has changed for a session that is not at ease.
    #[inline(never)]
    fn on_edge(&mut self, slot: usize, readable: bool, writable: bool) {
        self.tools.stirred = true;
        let tools = &mut self.tools;
        let session = &mut self.sessions[slot];
        let (id, was_blocked) = (session.id(slot), session.exit.is_blocked());
        if writable
            && was_blocked
            && let Err(error) = session.flush(&mut tools.kernel, &mut tools.pool, tools.now)
        {
            return self.remove(slot, Some(&error));
        }
        if was_blocked && !session.exit.is_blocked() {
            tools.rooms.has_room(slot);
        }
        if readable || session.flags.paused {
            self.serve(slot);
        } else {
            self.arm(slot);
        }
        if was_blocked {
            self.account(slot);
            self.after_wait(id);
        }
    }

    /// The session that a report is about; a report may come after its session has gone.
    fn slot_of(&self, token: Token) -> Option<usize> {
        let slot = slot_in(token);
        let session = self.sessions.get(slot)?;
        (session.id(slot).token() == token).then_some(slot)
    }
}
