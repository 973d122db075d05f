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
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Acceptor {
    /// The kernel will report the next connection.
    #[default]
    Waiting,
    /// More may be waiting, and nobody will report it.
    Unfinished,
    /// There is no room; goes on as soon as a connection ends.
    Full,
    /// An error: goes on at this tick, or as soon as a connection ends.
    Paused(Tick),
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
                *self = Self::Full;
                return accepted;
            }
            match kernel.accept() {
                Ok(stream) => accepted.push(stream),
                Err(error) => match error.kind() {
                    WouldBlock => {
                        *self = Self::Waiting;
                        return accepted;
                    }
                    // The peer has gone before it was accepted, or a signal came: the next one.
                    ConnectionAborted | ConnectionReset | Interrupted => {}
                    // No descriptors, no memory, or something unknown: trying again at once would spin.
                    _ => {
                        tracing::warn!(%error, "cannot accept; pausing");
                        *self = Self::Paused(now + ticks_in(PAUSE));
                        return accepted;
                    }
                },
            }
        }
        *self = Self::Unfinished;
        accepted
    }

    /// The kernel reports connections. While accepting fails, that would be a failure for each.
    pub(super) const fn on_report(&mut self) {
        if matches!(self, Self::Waiting) {
            *self = Self::Unfinished;
        }
    }

    /// A connection has ended, and with it what may have been lacking.
    pub(super) const fn on_freed(&mut self) {
        if matches!(self, Self::Full | Self::Paused(_)) {
            *self = Self::Unfinished;
        }
    }

    /// Whether to go on now.
    pub(super) const fn is_due(&self, now: Tick) -> bool {
        match *self {
            Self::Waiting | Self::Full => false,
            Self::Unfinished => true,
            Self::Paused(until) => until <= now,
        }
    }

    /// When to go on without being told, or [`NEVER`].
    pub(super) const fn due_at(&self) -> Tick {
        match *self {
            Self::Waiting | Self::Full => NEVER,
            Self::Unfinished => 0,
            Self::Paused(until) => until,
        }
    }
}
