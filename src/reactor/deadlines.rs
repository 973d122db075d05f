//! What time brings: deadlines are armed, fire, and have consequences.
//!
//! Not here: which deadline a session has, which is `session`; the wheel, which is `timer`.

use super::deliver::{ROOM_KEY, room_in};
use super::event_loop::EventLoop;
#[cfg(feature = "client")]
use super::link::LINK_KEY;
use super::orders::TIMER_KEY;
#[cfg(feature = "client")]
use super::outbound::DIAL_KEY;
use super::session::{Armed, Due};
use super::stopping::{DRAIN, GOODBYE};
use super::timer::{Entry, Stamp, Tick};
use super::{Cause, Handler};
use crate::kernel::Kernel;
use crate::proto::CloseCode;
use crate::proto::handshake::HandshakeError;
use core::mem::take;
use core::panic::AssertUnwindSafe;
use std::panic::catch_unwind;

/// The wheel's key for the handler's tick.
pub(super) const TICK: usize = u32::MAX as usize - 2;
/// That for buffers that nobody may want any more.
const SWEEP: usize = u32::MAX as usize - 3;
/// How long they wait for somebody to want them.
const SWEEP_AFTER: Tick = 1000;

impl<H: Handler<K>, K: Kernel> EventLoop<H, K> {
    pub(super) fn arm(&mut self, slot: usize) {
        if let Some(session) = self.sessions.get_mut(slot) {
            let tools = &self.tools;
            session.arm(slot, &mut self.wheel, &tools.settings, tools.now);
        }
    }

    /// Has buffers freed that nobody wants for a while.
    pub(super) fn await_sweep(&mut self) {
        if self.tools.pool.spares.wants_sweep() {
            let (at, now) = (self.tools.now + SWEEP_AFTER, self.tools.now);
            self.wheel.insert(Entry { at, key: SWEEP }, now);
        }
    }

    pub(super) fn on_time(&mut self) {
        let mut fired = take(&mut self.fired);
        self.wheel.advance(self.tools.now, &mut fired);
        for entry in fired.drain(..) {
            match entry.key {
                DRAIN => self.for_each_slot(Self::abort),
                GOODBYE => self.say_goodbyes(),
                TICK => self.on_tick(entry.at),
                SWEEP => self.tools.pool.spares.sweep(),
                #[cfg(feature = "client")]
                key if key & DIAL_KEY != 0 => self.on_dial_time(key & !DIAL_KEY),
                #[cfg(feature = "client")]
                key if key & LINK_KEY != 0 => self.on_link_time(key & !LINK_KEY),
                key if key & TIMER_KEY != 0 => self.on_timer(key & !TIMER_KEY),
                key if key & ROOM_KEY != 0 => self.on_room_time(room_in(key)),
                slot => self.on_deadline(slot, entry.at),
            }
        }
        self.fired = fired;
    }

    /// Counted from when it was due, a tick does not drift. Those that were missed are not made up for.
    fn on_tick(&mut self, due: Tick) {
        let now = self.tools.now;
        if let Some(interval) = self.tools.settings.tick {
            let missed = (now - due) / interval;
            let at = due + (missed + 1) * interval;
            self.wheel.insert(Entry { at, key: TICK }, now);
        }
        let (handler, mut hub) = (&mut self.handler, self.tools.hub());
        // Should it panic, there is no connection that could pay for it.
        let _ = catch_unwind(AssertUnwindSafe(|| handler.on_tick(&mut hub)));
    }

    fn on_deadline(&mut self, slot: usize, at: Tick) {
        let now = self.tools.now;
        let Some(session) = self.sessions.get_mut(slot) else {
            return;
        };
        // Entries are not taken out of the wheel when a deadline moves; only the last one counts.
        if session.flags.armed == Armed::No || session.times.armed != Stamp::of(at) {
            return;
        }
        session.flags.armed = Armed::No;
        // The kernel reports room only when there is much of it. A peer that reads slowly has made some before.
        let tools = &mut self.tools;
        let blocked = session.exit.is_blocked().then(|| session.id(slot));
        if let Err(error) = session.flush(&mut tools.kernel, &mut tools.pool, now) {
            return self.remove(slot, Some(&error));
        }
        if !session.exit.is_blocked() {
            tools.rooms.has_room(slot);
        }
        // Who is held is not read, whatever has come: were it tried again and again, its time would never be over.
        if session.flags.paused && !session.exit.is_blocked() && !session.is_held() {
            self.serve(slot);
        } else {
            match session.deadline(now, &self.tools.settings) {
                (at, due) if at <= now => self.on_due(slot, due),
                _ => self.arm(slot),
            }
        }
        if let Some(id) = blocked {
            self.after_wait(id);
        }
    }

    fn on_due(&mut self, slot: usize, due: Due) {
        tracing::debug!(peer = %self.sessions[slot].id(slot), ?due, "deadline");
        match due {
            Due::Ping => self.ping(slot),
            // It is we who are late.
            Due::Handshake if self.sessions[slot].awaits_verdict() => {
                self.refuse(slot, HandshakeError::Unavailable);
            }
            Due::Handshake => self.refuse(slot, HandshakeError::Timeout),
            Due::Close => self.abort(slot),
            Due::WriteStall => {
                self.sessions[slot].flags.cause = Cause::WriteStall;
                self.abort(slot);
            }
            Due::Assembly => {
                let reason = "message was not completed in time";
                self.close_session(slot, Cause::Unfinished, CloseCode::POLICY_VIOLATION, reason);
            }
            Due::Pong => self.close_session(
                slot,
                Cause::PingTimeout,
                CloseCode::GOING_AWAY,
                "ping timeout",
            ),
            Due::Idle => self.close_session(slot, Cause::Idle, CloseCode::GOING_AWAY, "idle"),
        }
    }
}
