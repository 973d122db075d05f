//! When to connect again, and when not to.
//!
//! The wait is drawn from the whole span between nothing and a bound that grows (full jitter). Where a thousand
//! clients lose their server in one moment, any fixed part of a wait would have them all come back in one moment.
//!
//! Not here: clocks and randomness, which are arguments; and what waits to be sent meanwhile (`queue`).

use alloc::sync::Arc;
use alloc::vec::Vec;
use core::time::Duration;

/// How a connection that was lost, or that could not be opened, is opened again.
///
/// ```
/// use sockeye::client::Reconnect;
/// use std::time::Duration;
///
/// let policy = Reconnect { cap: Duration::from_secs(5), max_attempts: Some(10), ..Reconnect::default() };
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reconnect {
    /// The most that the first attempt waits. Default: 0.5 s.
    pub initial: Duration,
    /// By how much the most grows with each attempt; 0 counts as 1. Default: 2.
    pub factor: u32,
    /// The most that any attempt waits. Default: 8 s, so that ten seconds after a server has come back, however long it was
    /// gone, all its clients are back.
    pub cap: Duration,
    /// How long a connection must have been open for the count of attempts to begin anew. A server that accepts and
    /// hangs up at once is not asked again at once. Default: 10 s.
    pub stable: Duration,
    /// Close codes of the peer after which there is no further attempt, as it would end the same way. Default: 1008
    /// (policy violation), 4001 and 4004, which many services use for "not authorized" and "not found".
    pub stop_codes: Vec<u16>,
    /// How many attempts in a row there are before giving up. Default: `None`, no end.
    pub max_attempts: Option<u32>,
    /// Messages that wait while there is no connection; beyond that the oldest are dropped, and counted. Default: 100.
    pub queue_messages: usize,
    /// Bytes in these messages; beyond that the oldest are dropped, and counted. Default: 1 MiB.
    pub queue_bytes: usize,
}

impl Default for Reconnect {
    fn default() -> Self {
        Self {
            initial: Duration::from_millis(500),
            factor: 2,
            cap: Duration::from_secs(8),
            stable: Duration::from_secs(10),
            stop_codes: Vec::from([1008, 4001, 4004]),
            max_attempts: None,
            queue_messages: 100,
            queue_bytes: 1 << 20,
        }
    }
}

/// How far one connection has come with its policy.
#[derive(Clone, Debug)]
pub(crate) struct Backoff {
    policy: Arc<Reconnect>,
    /// Attempts since the last stable connection.
    attempts: u32,
    /// The most that the next attempt waits.
    most: Duration,
    opened: Option<Duration>,
    stopped: bool,
}

impl Backoff {
    pub(crate) fn new(policy: Arc<Reconnect>) -> Self {
        let most = policy.initial.min(policy.cap);
        Self {
            policy,
            attempts: 0,
            most,
            opened: None,
            stopped: false,
        }
    }

    /// How long to wait before the next attempt: `random`, of which all 64 bits are used, chooses evenly from nothing to
    /// the most. `None` when there is to be none. To be asked once for each attempt after the first.
    pub(crate) fn next(&mut self, random: u64) -> Option<Duration> {
        let exhausted = self
            .policy
            .max_attempts
            .is_some_and(|most| self.attempts >= most);
        if self.stopped || exhausted {
            return None;
        }
        let wait = part_of(self.most, random);
        self.attempts = self.attempts.saturating_add(1);
        self.most = self
            .most
            .saturating_mul(self.policy.factor.max(1))
            .min(self.policy.cap);
        Some(wait)
    }

    /// Attempts since the last stable connection.
    pub(crate) const fn attempts(&self) -> u32 {
        self.attempts
    }

    /// The connection is open, since `now`.
    pub(crate) fn opened(&mut self, now: Duration) {
        self.opened = Some(now);
    }

    /// The connection has ended at `now`, with this code, 1005 or 1006 where the peer gave none. Says whether there is
    /// to be another attempt.
    pub(crate) fn closed(&mut self, now: Duration, code: u16) -> bool {
        let life = self.opened.take().map(|opened| now.saturating_sub(opened));
        if life.is_some_and(|life| life >= self.policy.stable) {
            self.attempts = 0;
            self.most = self.policy.initial.min(self.policy.cap);
        }
        self.stopped |= self.policy.stop_codes.contains(&code);
        !self.stopped
    }
}

/// Evenly one of the nanoseconds from 0 to `most`. The 64 bits of `random` are a fraction of 2^64, so no value is
/// favoured by more than one part in 2^64 / `most`.
fn part_of(most: Duration, random: u64) -> Duration {
    // Half a millennium is as good as more.
    let most = u64::try_from(most.as_nanos()).unwrap_or(u64::MAX);
    let scaled = (u128::from(most).saturating_add(1)).saturating_mul(u128::from(random)) >> 64;
    Duration::from_nanos(u64::try_from(scaled).unwrap_or(most))
}

#[cfg(test)]
mod tests;
