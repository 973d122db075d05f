//! Delivering what was broadcast: at the end of a turn, or earlier when much has gathered.
//!
//! Everything a loop published in a turn reaches a connection in one write of one shared range.
//!
//! Not here: publishing, which is `mail`, and the way between loops, which is `exchange`.

use super::event_loop::EventLoop;
use super::exchange::Membership;
use super::mail::{Class, Published};
use super::outbox::Piece;
use super::session::Phase;
use super::{Cause, Handler};
use crate::kernel::Kernel;
use crate::proto::{CloseCode, Role, State};
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::mem::take;

impl<H: Handler<K>, K: Kernel> EventLoop<H, K> {
    /// Gives every open connection what was published here, and the other loops too.
    pub(super) fn deliver(&mut self) {
        if self.tools.mail.is_empty() {
            return;
        }
        let published = self.tools.mail.take();
        if let Some(membership) = &self.membership {
            membership.post(&published);
        }
        self.tell_all(&published, Published::here);
    }

    /// Delivers what other loops published.
    pub(super) fn hear_others(&mut self) {
        // What was published here comes first, so that each connection's place in its own log is used up.
        self.deliver();
        let Some(arrived) = self.membership.as_ref().map(Membership::take) else {
            return;
        };
        for published in &arrived.published {
            self.tell_all(published, Published::elsewhere);
        }
        if arrived.fell_behind {
            tracing::warn!("fell behind the other loops' broadcasts; closing connections");
            self.for_each_slot(|this, slot| {
                let session = &this.sessions[slot];
                // A connection that we opened was not told, and has missed nothing.
                if session.phase == Phase::Open && session.conn.tx.role() == Role::Server {
                    this.close_session(
                        slot,
                        Cause::TooSlow,
                        CloseCode::TRY_AGAIN_LATER,
                        "the server is overloaded",
                    );
                }
            });
        }
    }

    fn tell_all(
        &mut self,
        published: &Published,
        log: fn(&Published, Class) -> Option<&Arc<Vec<u8>>>,
    ) {
        self.for_each_slot(|this, slot| {
            let session = &mut this.sessions[slot];
            let told = take(&mut session.told);
            let open = session.phase == Phase::Open
                && session.conn.state() == State::Open
                && session.conn.tx.role() == Role::Server;
            let Some(log) = log(published, Class::of(&session.conn.tx)) else {
                return;
            };
            if open && told < log.len() {
                session.conn.tx.note_foreign();
                this.give(slot, log, told);
            }
        });
    }

    fn give(&mut self, slot: usize, log: &Arc<Vec<u8>>, told: usize) {
        let tools = &mut self.tools;
        let session = &mut self.sessions[slot];
        if session.exit.waiting() > tools.settings.limits.max_queued {
            session.flags.cause = Cause::TooSlow;
            return self.close_session(
                slot,
                Cause::TooSlow,
                CloseCode::TRY_AGAIN_LATER,
                "reads too slowly",
            );
        }
        let range = [Piece::Shared(log, told..log.len())];
        match session.exit.send(&mut tools.kernel, range, tools.now) {
            Ok(()) if session.exit.is_blocked() => self.arm(slot),
            Ok(()) => {}
            Err(error) => self.remove(slot, Some(&error)),
        }
    }
}
