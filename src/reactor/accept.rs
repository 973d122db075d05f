//! Accepting, and what to do when it fails.
//!
//! Readiness to accept is reported once. Whoever stops before `WouldBlock` has to come back by itself, or connections
//! wait for ever; and whoever comes back at once spins.
//!
//! Not here: sessions.

use super::timer::{NEVER, Tick, ticks_in};
use crate::kernel::Kernel;
use alloc::vec::Vec;
use core::time::Duration;
use std::io;

/// Connections accepted per turn, so that a storm of them does not starve those that are there.
const BATCH: usize = 64;
/// How long to wait when the system has no descriptors or memory left. Nobody reports that somebody else in the process
/// gave some back; this finds them within 100 ms, at the price of one call in vain for each 50.
const PAUSE: Duration = Duration::from_millis(50);
/// How often to complain at most. A server at its limit of descriptors fails after every connection that it accepts.
const COMPLAIN: Duration = Duration::from_secs(1);

/// Where accepting stands.
#[derive(Clone, Copy, Debug)]
pub(super) struct Acceptor {
    /// When to go on without being told, or [`NEVER`].
    due: Tick,
    /// Something was lacking: room, descriptors, memory. The end of a connection may bring it.
    lacking: bool,
    /// When a failure may be logged again.
    complain: Tick,
}

impl Default for Acceptor {
    /// The kernel will report the next connection.
    fn default() -> Self {
        Self {
            due: NEVER,
            lacking: false,
            complain: 0,
        }
    }
}

impl Acceptor {
    /// Accepts what is waiting, at most `room` connections.
    pub(super) fn accept<K: Kernel>(
        &mut self,
        kernel: &mut K,
        room: usize,
        now: Tick,
    ) -> Vec<K::Stream> {
        use io::ErrorKind::{ConnectionAborted, ConnectionReset, Interrupted, WouldBlock};
        let mut accepted = Vec::new();
        for _ in 0..BATCH {
            if accepted.len() == room {
                // Goes on as soon as a connection ends.
                (self.due, self.lacking) = (NEVER, true);
                return accepted;
            }
            match kernel.accept() {
                Ok(stream) => accepted.push(stream),
                Err(error) => match error.kind() {
                    WouldBlock => {
                        (self.due, self.lacking) = (NEVER, false);
                        return accepted;
                    }
                    // The peer has gone before it was accepted, or a signal came: the next one.
                    ConnectionAborted | ConnectionReset | Interrupted => {}
                    // No descriptors, no memory, or something unknown: trying again at once would spin.
                    _ => {
                        (self.due, self.lacking) = (now + ticks_in(PAUSE), true);
                        self.complain(&error, now);
                        return accepted;
                    }
                },
            }
        }
        // More may be waiting, and nobody will report it.
        (self.due, self.lacking) = (0, false);
        accepted
    }

    fn complain(&mut self, error: &io::Error, now: Tick) {
        if self.complain <= now {
            self.complain = now + ticks_in(COMPLAIN);
            tracing::warn!(%error, "cannot accept; trying again and again");
        }
    }

    /// The kernel reports connections. While accepting fails, that would be a failure for each.
    pub(super) const fn on_report(&mut self) {
        if !self.lacking {
            self.due = 0;
        }
    }

    /// A connection has ended, and with it what may have been lacking.
    pub(super) const fn on_freed(&mut self) {
        if self.lacking {
            (self.due, self.lacking) = (0, false);
        }
    }

    /// When to go on without being told, or [`NEVER`].
    pub(super) const fn due_at(&self) -> Tick {
        self.due
    }
}
