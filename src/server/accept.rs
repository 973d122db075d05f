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
/// How long to wait when the system has no descriptors or memory left.
const PAUSE: Duration = Duration::from_millis(100);

/// Where accepting stands.
#[derive(Clone, Copy, Debug)]
pub(super) struct Acceptor {
    /// When to go on without being told, or [`NEVER`].
    due: Tick,
    /// Something was lacking: room, descriptors, memory. The end of a connection may bring it.
    lacking: bool,
}

impl Default for Acceptor {
    /// The kernel will report the next connection.
    fn default() -> Self {
        Self {
            due: NEVER,
            lacking: false,
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
                *self = Self {
                    due: NEVER,
                    lacking: true,
                };
                return accepted;
            }
            match kernel.accept() {
                Ok(stream) => accepted.push(stream),
                Err(error) => match error.kind() {
                    WouldBlock => {
                        *self = Self::default();
                        return accepted;
                    }
                    // The peer has gone before it was accepted, or a signal came: the next one.
                    ConnectionAborted | ConnectionReset | Interrupted => {}
                    // No descriptors, no memory, or something unknown: trying again at once would spin.
                    _ => {
                        tracing::warn!(%error, "cannot accept; pausing");
                        *self = Self {
                            due: now + ticks_in(PAUSE),
                            lacking: true,
                        };
                        return accepted;
                    }
                },
            }
        }
        *self = Self::UNFINISHED;
        accepted
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
            *self = Self::UNFINISHED;
        }
    }

    /// When to go on without being told, or [`NEVER`].
    pub(super) const fn due_at(&self) -> Tick {
        self.due
    }

    /// More may be waiting, and nobody will report it.
    const UNFINISHED: Self = Self {
        due: 0,
        lacking: false,
    };
}
