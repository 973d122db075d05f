//! When messages should be sent, and what is measured of that.
//!
//! At a fixed rate each message has a time at which it is due, whatever the server does. Its latency counts from then:
//! a server that stops for a second is not spared the messages that would have come in that second. (Measuring from the
//! sending instead is called coordinated omission.) Flat out, a message is due when a reply makes place for it.
//!
//! Not here: sending, and the clock; times are given, in nanoseconds from any one moment.

/// A moment, or a span, in nanoseconds.
pub(crate) type Nanos = u64;

pub(crate) const SECOND: Nanos = 1_000_000_000;

/// When the messages of one thread are due, where all threads together send at a fixed rate.
#[derive(Clone, Debug)]
pub(crate) struct Schedule {
    start: Nanos,
    /// Messages per second, of all threads.
    rate: u64,
    /// The number of the next message among those of all threads; they take turns.
    next: u64,
    threads: u64,
}

impl Schedule {
    /// For thread number `thread` of `threads`, beginning at `start`; `rate` is not 0.
    pub(crate) const fn new(start: Nanos, rate: u64, thread: u64, threads: u64) -> Self {
        Self {
            start,
            rate,
            next: thread,
            threads,
        }
    }

    /// When the next message is due.
    pub(crate) fn due(&self) -> Nanos {
        let after = u128::from(self.next) * u128::from(SECOND) / u128::from(self.rate);
        // 584 years.
        self.start
            .saturating_add(u64::try_from(after).unwrap_or(u64::MAX))
    }

    /// Takes the next message if it is due.
    pub(crate) fn take(&mut self, now: Nanos) -> Option<Nanos> {
        let due = self.due();
        (due <= now).then(|| {
            self.next += self.threads;
            due
        })
    }

    /// How many messages are due before `end` and not taken.
    pub(crate) fn left(&self, end: Nanos) -> u64 {
        let span = u128::from(end.saturating_sub(self.start));
        // Those whose number n has n / rate < span: the first n that has not is rounded up.
        let ever = (span * u128::from(self.rate)).div_ceil(u128::from(SECOND));
        let ever = u64::try_from(ever).unwrap_or(u64::MAX);
        ever.saturating_sub(self.next).div_ceil(self.threads)
    }
}

/// When messages count: those that are due in it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Window {
    /// After warming up.
    pub(crate) start: Nanos,
    /// Nothing is sent any more.
    pub(crate) end: Nanos,
}

impl Window {
    /// After everybody is connected at `go`.
    pub(crate) const fn new(go: Nanos, warmup: Nanos, seconds: Nanos) -> Self {
        let start = go.saturating_add(warmup);
        let end = start.saturating_add(seconds);
        Self { start, end }
    }

    pub(crate) const fn holds(self, time: Nanos) -> bool {
        self.start <= time && time < self.end
    }
}

#[cfg(test)]
mod tests {
    use super::{SECOND, Schedule, Window};

    #[test]
    fn threads_share_a_rate() {
        // Seven messages per second are at no whole nanosecond; none may be lost to rounding.
        for (rate, threads) in [(1, 1), (7, 3), (1000, 1), (333_333, 4), (1_000_000, 2)] {
            let start = 5 * SECOND;
            let seconds = if rate == 1_000_000 { 1 } else { 10 };
            let end = start + seconds * SECOND;
            let mut dues = Vec::new();
            for thread in 0..threads {
                let mut schedule = Schedule::new(start, rate, thread, threads);
                let left = schedule.left(end);
                let own: Vec<_> = std::iter::from_fn(|| schedule.take(end - 1)).collect();
                assert!(own.is_sorted());
                assert_eq!(left, own.len() as u64, "{rate} {threads}");
                assert_eq!(schedule.left(end), 0, "{rate} {threads}");
                dues.extend(own);
            }
            assert_eq!(dues.len() as u64, rate * seconds, "{rate} {threads}");
            dues.sort_unstable();
            assert_eq!(dues[0], start);
            let gap = SECOND / rate;
            let even = dues
                .windows(2)
                .all(|two| (gap..=gap + 1).contains(&(two[1] - two[0])));
            assert!(even, "{rate} {threads}");
        }
    }

    #[test]
    fn nothing_is_taken_early_and_nothing_is_forgotten() {
        let mut schedule = Schedule::new(100, 1000, 0, 1);
        assert_eq!(schedule.take(99), None);
        assert_eq!(schedule.take(100), Some(100));
        assert_eq!(schedule.take(1_000_099), None);
        assert_eq!(schedule.due(), 1_000_100);
        // The loop stood still for 5 ms: each message keeps the time at which it was due.
        let late: Vec<_> = std::iter::from_fn(|| schedule.take(5_000_100)).collect();
        assert_eq!(
            late,
            [1_000_100, 2_000_100, 3_000_100, 4_000_100, 5_000_100]
        );
        assert_eq!(schedule.left(5_000_100), 0);
        assert_eq!(schedule.left(6_000_100), 0);
        assert_eq!(schedule.left(6_000_101), 1);
        assert_eq!(schedule.left(0), 0);
    }

    #[test]
    fn a_window_holds_its_beginning_and_not_its_end() {
        let window = Window::new(10, 5, 20);
        let held: Vec<_> = (0..50).filter(|time| window.holds(*time)).collect();
        assert_eq!(held, (15..35).collect::<Vec<_>>());
    }
}
