//! The numbers: one shape, filled with counters that a loop writes, or with sums.
//!
//! Not here: their names, which are `text`'s.

use super::counters::{Count, IN, OUT};
use super::histogram::Histogram;
use super::labels::{CAUSES, CODES, STATUSES};

/// All that is counted. Each label has its place in an array, so what peers do cannot make it larger.
#[derive(Debug)]
pub(super) struct Figures<N> {
    pub(super) opened: N,
    /// By code and cause.
    pub(super) closed: [[N; CAUSES.len()]; CODES.len()],
    pub(super) refused: [N; STATUSES.len()],
    /// By direction, as `bytes`.
    pub(super) messages: [N; 2],
    pub(super) bytes: [N; 2],
    pub(super) slow: [N; 3],
    pub(super) queued: N,
    pub(super) rtt: Histogram<N>,
    pub(super) turn: Histogram<N>,
}

impl<N: Default> Default for Figures<N> {
    fn default() -> Self {
        Self {
            opened: N::default(),
            closed: core::array::from_fn(|_| zeros()),
            refused: zeros(),
            messages: zeros(),
            bytes: zeros(),
            slow: zeros(),
            queued: N::default(),
            rtt: Histogram::default(),
            turn: Histogram::default(),
        }
    }
}

fn zeros<N: Default, const LEN: usize>() -> [N; LEN] {
    core::array::from_fn(|_| N::default())
}

impl Figures<u64> {
    /// Adds what a loop has counted.
    pub(super) fn add(&mut self, counted: &Figures<Count>) {
        // Ends first: what opens and ends meanwhile must not be more ends than openings.
        for (sums, counts) in self.closed.iter_mut().zip(&counted.closed) {
            add(sums, counts);
        }
        add(&mut self.refused, &counted.refused);
        add(&mut self.messages, &counted.messages);
        add(&mut self.bytes, &counted.bytes);
        add(&mut self.slow, &counted.slow);
        self.queued += counted.queued.get();
        self.rtt.add(&counted.rtt);
        self.turn.add(&counted.turn);
        self.opened += counted.opened.get();
    }

    /// How many are open. Relaxed counters may be seen in any order, so never less than none.
    pub(super) fn open(&self) -> u64 {
        self.opened.saturating_sub(self.ended())
    }

    fn ended(&self) -> u64 {
        self.closed.iter().flatten().sum()
    }

    pub(super) fn totals(&self) -> Totals {
        let [closed, dropped, conflated] = self.slow;
        Totals {
            open: self.open(),
            opened: self.opened,
            closed: self.ended(),
            refused: self.refused.iter().sum(),
            messages_in: self.messages[IN],
            messages_out: self.messages[OUT],
            bytes_in: self.bytes[IN],
            bytes_out: self.bytes[OUT],
            dropped: dropped + conflated,
            closed_slow: closed,
            queued_bytes: self.queued,
        }
    }
}

/// Adds each count to the sum in its place.
pub(super) fn add(sums: &mut [u64], counts: &[Count]) {
    for (sum, count) in sums.iter_mut().zip(counts) {
        *sum = sum.wrapping_add(count.get());
    }
}

/// What all loops have counted, without the details.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[cfg_attr(feature = "json", derive(serde::Serialize))]
#[non_exhaustive]
pub struct Totals {
    /// Connections that are open.
    pub open: u64,
    /// Connections that were opened.
    pub opened: u64,
    /// Connections that have ended.
    pub closed: u64,
    /// Handshakes that were refused.
    pub refused: u64,
    /// Messages that came.
    pub messages_in: u64,
    /// Messages that were sent, each counted for each who gets it.
    pub messages_out: u64,
    /// Bytes of those that came.
    pub bytes_in: u64,
    /// Bytes of those that were sent.
    pub bytes_out: u64,
    /// Messages that were dropped for members who read too slowly, those for which there is a newer one too.
    pub dropped: u64,
    /// Members that were closed for reading too slowly.
    pub closed_slow: u64,
    /// Bytes that wait for those who have not read them.
    pub queued_bytes: u64,
}
