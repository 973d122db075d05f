//! Stopping in order: nobody comes in, everybody is told, and whoever is left when time is up is dropped.
//!
//! Goodbyes are spread over a window, or all who come back would come at the same moment. They go at a fixed rate, by
//! the places in the loop, and not at random moments: those make clumps, and a timer for each connection. A turn that
//! took long catches up. So the window holds, and with it the time in which the last one is told.
//!
//! Not here: what ends a connection that was told; that is `deadlines`.

use super::Handler;
use super::event_loop::EventLoop;
use super::farewell::Farewell;
use super::session::{Phase, Session};
use super::timer::{Entry, Tick};
use crate::kernel::Kernel;
use crate::proto::handshake::HandshakeError;
use crate::proto::{CloseCode, MAX_CONTROL_LEN, Misuse, State};
use alloc::boxed::Box;

/// The wheel's key for the end of the drain; sessions have their slots.
pub(super) const DRAIN: usize = u32::MAX as usize;
/// For the next goodbyes.
pub(super) const GOODBYE: usize = u32::MAX as usize - 1;

/// So few connections are told at once: nobody is hurt if they all come back together.
const FEW: usize = 64;
/// Goodbyes that are still to be said.
#[derive(Debug)]
pub(super) struct Goodbyes {
    farewell: Farewell,
    /// What is said, where it is not what is always said.
    said: Option<(CloseCode, Box<str>)>,
    begun: Tick,
    window: Tick,
    /// Connections that were open when it began.
    open: usize,
    told: usize,
    /// The slot to go on with.
    next: usize,
}

impl Goodbyes {
    /// How many are to have been told by now.
    fn due(&self, now: Tick) -> usize {
        let passed = (now - self.begun + 1).min(self.window);
        if self.open <= FEW || passed == self.window {
            return self.open;
        }
        // Both are small: connections, and milliseconds of less than 12 days.
        let share = self.open as u64 * passed / self.window.max(1);
        usize::try_from(share).unwrap_or(self.open)
    }
}

impl<H: Handler<K>, K: Kernel> EventLoop<H, K> {
    /// Accepts no more, says goodbye to every connection with 1001, and ends when all have gone or the time for that is
    /// up. Requests on their way are answered with 503.
    ///
    /// Up to 64 connections are told at once. More are told one after the other, in equal steps over
    /// [`Timeouts::goodbye`](super::Timeouts::goodbye), and are served until it is their turn.
    pub fn stop(&mut self) {
        self.end(Farewell::Stop, None);
    }

    /// As [`stop`](Self::stop), with another code and reason. Whoever asks twice is heard once.
    ///
    /// # Errors
    ///
    /// [`Misuse::ReasonTooLong`] for a reason over 123 bytes; then nothing has changed.
    pub fn stop_with(&mut self, code: CloseCode, reason: &str) -> Result<(), Misuse> {
        if reason.len() > MAX_CONTROL_LEN - 2 {
            return Err(Misuse::ReasonTooLong);
        }
        self.end(Farewell::Stop, Some((code, reason.into())));
        Ok(())
    }

    /// As [`stop`](Self::stop), since another process has taken over the sockets that this one listened on: connections
    /// are closed with 1012, which tells clients to come back. Requests that were on their way are answered still, and
    /// closed then: nobody is refused.
    pub fn stop_for_restart(&mut self) {
        self.end(Farewell::Restart, None);
    }

    fn end(&mut self, farewell: Farewell, said: Option<(CloseCode, Box<str>)>) {
        if self.farewell.is_some() {
            return;
        }
        tracing::info!(connections = self.sessions.len(), ?farewell, "stopping");
        self.read_clock();
        self.farewell = Some(farewell);
        self.tools.kernel.stop_listening();
        self.acceptor = Default::default();
        // What was said before comes before the goodbye, also by others.
        self.hear_others();
        self.deliver();
        let (now, deadlines) = (self.tools.now, &self.tools.settings.deadlines);
        let (at, window) = (
            now + deadlines.drain,
            deadlines.goodbye.min(deadlines.drain / 2),
        );
        self.wheel.insert(Entry { at, key: DRAIN }, now);
        self.for_each_slot(|this, slot| {
            let waits = farewell == Farewell::Restart && this.is_accepted(slot);
            if this.sessions[slot].phase == Phase::Handshake && !waits {
                this.refuse(slot, HandshakeError::Unavailable);
            }
        });
        let open = self.sessions.iter().filter(|(_, session)| is_open(session));
        self.goodbyes = Some(Box::new(Goodbyes {
            farewell,
            said,
            begun: now,
            window,
            open: open.count(),
            told: 0,
            next: 0,
        }));
        self.say_goodbyes();
        #[cfg(feature = "client")]
        {
            self.end_links();
            self.stop_dialing();
        }
    }

    /// Tells those whose turn has come.
    pub(super) fn say_goodbyes(&mut self) {
        let Some(mut goodbyes) = self.goodbyes.take() else {
            return;
        };
        let now = self.tools.now;
        let due = goodbyes.due(now);
        while goodbyes.told < due && goodbyes.next < self.sessions.capacity() {
            let slot = goodbyes.next;
            goodbyes.next += 1;
            if self.sessions.get(slot).is_some_and(is_open) {
                goodbyes.told += 1;
                self.dismiss(slot, &goodbyes);
            }
        }
        if due < goodbyes.open {
            self.goodbyes = Some(goodbyes);
            let at = now + 1;
            self.wheel.insert(Entry { at, key: GOODBYE }, now);
        }
    }

    fn dismiss(&mut self, slot: usize, goodbyes: &Goodbyes) {
        let Some((code, reason)) = &goodbyes.said else {
            return self.say_goodbye(slot, goodbyes.farewell);
        };
        self.tell(slot);
        if self.sessions.contains(slot) {
            self.close_session(slot, goodbyes.farewell.cause(), *code, reason);
        }
    }
}

/// Whether it has anything to be told.
fn is_open<S, D>(session: &Session<S, D>) -> bool {
    session.phase == Phase::Open && session.conn.state() == State::Open
}
