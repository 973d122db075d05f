//! The loop's time: which of it counts, and whether a turn takes too much of it.
//!
//! Time in which the loop does not run is not its peers' fault: nobody was heard, and what they had to say waits. A
//! process that was stopped for a minute, or a machine that slept, would find every deadline over at once and close
//! everybody. So where the loop comes back much later than it wanted to, only [`GRACE`] of that counts, and whoever had
//! so much time left is heard first. It is not nothing, or a loop with slow handlers would never reach a deadline.
//!
//! A turn that takes long keeps all connections of the loop waiting. It is counted and said, once a second at most.
//!
//! Not here: what time brings, which is `deadlines`; other loops, which do not wait for this one.

use super::Handler;
use super::event_loop::EventLoop;
use super::timer::{NEVER, Tick, span_of, tick_at};
use crate::kernel::Kernel;
use core::time::Duration;

/// What counts of a time in which the loop did not run, and how late it may be until it is said not to have run.
const GRACE: Tick = 1000;
/// Between two complaints about slow turns.
const SILENCE: Tick = 1000;

/// What there is to be known of the clock.
#[derive(Debug)]
pub(super) struct Clock {
    /// How far the loop's time is behind the kernel's.
    behind: Tick,
    /// How long a turn may take.
    limit: Tick,
    slow: u64,
    /// Slow turns that were not spoken of.
    unsaid: u64,
    /// When the next complaint is in order.
    speak_at: Tick,
}

impl Clock {
    /// The loop's time begins at the kernel's `now`.
    pub(super) fn new(now: Duration, limit: Option<Tick>) -> Self {
        Self {
            behind: tick_at(now),
            limit: limit.unwrap_or(NEVER),
            slow: 0,
            unsaid: 0,
            speak_at: 0,
        }
    }
}

impl<H: Handler<K>, K: Kernel> EventLoop<H, K> {
    /// For whoever is called from outside: time has passed where the caller was.
    #[inline(always)]
    pub(super) fn read_clock(&mut self) {
        self.read_clock_after(Some(Duration::ZERO));
    }

    /// Time has passed, of which so much was asked for.
    #[inline(always)]
    pub(super) fn read_clock_after(&mut self, asked: Option<Duration>) {
        let now = tick_at(self.tools.kernel.now()) - self.clock.behind;
        if now > self.tools.now + GRACE {
            self.come_back(now, asked);
        } else {
            self.tools.now = now;
        }
        self.tools.random.begin_turn();
    }

    /// Nothing has happened for long. Whether that was meant to be?
    #[cold]
    #[inline(never)]
    fn come_back(&mut self, now: Tick, asked: Option<Duration>) {
        let passed = now - self.tools.now;
        // Without a deadline there is nobody who could miss one.
        let late = asked.is_some_and(|asked| span_of(passed - GRACE) > asked);
        let counts = if late { GRACE } else { passed };
        self.clock.behind += passed - counts;
        self.tools.now += counts;
        if late && !self.sessions.is_empty() {
            tracing::warn!(
                millis = passed,
                "the loop did not run; deadlines are put off"
            );
        }
    }

    /// A turn is over.
    #[inline(always)]
    pub(super) fn watch_turn(&mut self) {
        if self.clock.limit == NEVER {
            return;
        }
        let now = tick_at(self.tools.kernel.now_roughly()).saturating_sub(self.clock.behind);
        let took = span_of(now.saturating_sub(self.tools.now));
        self.handler.on_turn(&mut self.tools.hub(), took);
        if now.saturating_sub(self.tools.now) >= self.clock.limit {
            self.note_slow_turn(now);
        }
    }

    #[cold]
    #[inline(never)]
    fn note_slow_turn(&mut self, now: Tick) {
        let clock = &mut self.clock;
        clock.slow += 1;
        clock.unsaid += 1;
        if now >= clock.speak_at {
            tracing::warn!(
                millis = now - self.tools.now,
                reports = self.reports.len(),
                slow_turns = clock.unsaid,
                "a turn of the loop took long; all its connections waited"
            );
            clock.unsaid = 0;
            clock.speak_at = now + SILENCE;
        }
        // The next wait begins now, and not when this turn did.
        self.read_clock();
    }

    /// Turns so far that took longer than [`Settings::watchdog`](super::Settings::watchdog) allows: handlers that
    /// compute for long or wait for something, while every connection of the loop waits for them.
    #[must_use]
    pub const fn slow_turns(&self) -> u64 {
        self.clock.slow
    }
}
