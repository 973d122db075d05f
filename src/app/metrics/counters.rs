//! What one loop counts: [`Counters`].
//!
//! Only the loop itself writes, so counting is a load and a store, and no loop waits for another. Who reads may see some
//! of it a moment late.
//!
//! Not here: when it is called.

use super::figures::Figures;
use super::labels;
use crate::server::{Closed, RoomStats};
use core::sync::atomic::{AtomicU64, Ordering};
use core::time::Duration;

/// What one loop counts. Its own thread alone may count: where two do at the same time, some is lost.
#[derive(Debug, Default)]
pub struct Counters {
    pub(super) figures: Figures<Count>,
}

impl Counters {
    /// A connection was opened.
    pub fn opened(&self) {
        self.figures.opened.add(1);
    }

    /// A connection that was opened has ended.
    pub fn closed(&self, closed: &Closed<'_>) {
        let (code, cause) = (labels::code(closed.code), labels::cause(closed.cause));
        self.figures.closed[code][cause].add(1);
    }

    /// A handshake was answered with another status than 101.
    pub fn refused(&self, status: u16) {
        self.figures.refused[labels::status(status)].add(1);
    }

    /// A message of so many bytes was received.
    pub fn received(&self, bytes: usize) {
        self.figures.messages[IN].add(1);
        self.figures.bytes[IN].add(bytes as u64);
    }

    /// So many messages were sent, of so many bytes together. What is said to many is sent to each of them.
    pub fn sent(&self, messages: u64, bytes: u64) {
        self.figures.messages[OUT].add(messages);
        self.figures.bytes[OUT].add(bytes);
    }

    /// What has become so far of those who read too slowly.
    pub fn slow(&self, stats: &RoomStats) {
        let so_far = [stats.closed, stats.dropped, stats.conflated];
        for (count, so_far) in self.figures.slow.iter().zip(so_far) {
            count.set(so_far);
        }
    }

    /// So many bytes wait now for those who have not read them.
    pub fn queued(&self, bytes: u64) {
        self.figures.queued.set(bytes);
    }

    /// A ping was answered after so long.
    pub fn rtt(&self, time: Duration) {
        self.figures.rtt.observe(time);
    }

    /// A turn of the loop took so long, waiting aside.
    pub fn turn(&self, time: Duration) {
        self.figures.turn.observe(time);
    }
}

/// The places of directions.
pub(super) const IN: usize = 0;
pub(super) const OUT: usize = 1;

/// A number that one thread writes.
#[derive(Debug, Default)]
pub(super) struct Count(AtomicU64);

impl Count {
    pub(super) fn add(&self, more: u64) {
        self.set(self.get().wrapping_add(more));
    }

    fn set(&self, number: u64) {
        self.0.store(number, Ordering::Relaxed);
    }

    pub(super) fn get(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}
