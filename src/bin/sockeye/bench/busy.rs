//! How busy a thread of bench is: whether a faster server could have had more of it.
//!
//! Not here: what is said of it; that is `report`.

use super::schedule::{Nanos, Window};
use core::time::Duration;
use rustix::time::{ClockId, clock_gettime};
use std::fs;

/// Parts of the window, 0 to 1.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(crate) struct Busy {
    /// Computing, in the kernel as well.
    pub(crate) computed: f64,
    /// Ready to compute, and without a core to do it on. 0 where the system does not tell.
    pub(crate) waited: f64,
}

impl Busy {
    /// The part that a faster server could not have had.
    pub(crate) const fn sum(self) -> f64 {
        self.computed + self.waited
    }
}

/// Looks at the thread's clocks at the window's beginning and end.
#[derive(Default)]
pub(crate) struct Watch {
    from: Option<Clocks>,
    to: Option<Clocks>,
}

#[derive(Clone, Copy)]
struct Clocks {
    now: Nanos,
    computed: Duration,
    waited: Duration,
}

impl Clocks {
    fn read(now: Nanos) -> Self {
        let computed = clock_gettime(ClockId::ThreadCPUTime).try_into();
        Self {
            now,
            computed: computed.unwrap_or_default(),
            waited: waited().unwrap_or_default(),
        }
    }
}

impl Watch {
    pub(crate) fn look(&mut self, window: Window, now: Nanos) {
        if self.from.is_none() && now >= window.start {
            self.from = Some(Clocks::read(now));
        }
        if self.to.is_none() && now >= window.end {
            self.to = Some(Clocks::read(now));
        }
    }

    pub(crate) fn busy(&self) -> Busy {
        let (Some(from), Some(to)) = (self.from, self.to) else {
            return Busy::default();
        };
        let span = Duration::from_nanos((to.now - from.now).max(1));
        let part = |before: Duration, after: Duration| {
            after.saturating_sub(before).as_secs_f64() / span.as_secs_f64()
        };
        Busy {
            computed: part(from.computed, to.computed),
            waited: part(from.waited, to.waited),
        }
    }
}

/// How long this thread has waited for a core: the second number that Linux keeps for it.
fn waited() -> Option<Duration> {
    let stat = fs::read_to_string("/proc/thread-self/schedstat").ok()?;
    let nanos = stat.split_whitespace().nth(1)?.parse().ok()?;
    Some(Duration::from_nanos(nanos))
}

#[cfg(test)]
mod tests {
    use super::{Busy, Watch};
    use crate::bench::schedule::Window;
    use std::time::Instant;

    #[test]
    fn a_thread_that_computes_is_busy() {
        let window = Window::new(0, 0, 20_000_000);
        let computes = || {
            let start = Instant::now();
            let mut watch = Watch::default();
            assert_eq!(watch.busy(), Busy::default());
            loop {
                let now = u64::try_from(start.elapsed().as_nanos()).expect("it is short");
                watch.look(window, now);
                if now > window.end {
                    return watch.busy();
                }
            }
        };
        let busy = computes();
        assert!(
            (0.0..1.1).contains(&busy.computed) && busy.computed > 0.01,
            "{busy:?}"
        );
        if cfg!(target_os = "linux")
            && std::fs::exists("/proc/thread-self/schedstat").is_ok_and(|is| is)
        {
            // However many share the cores: it never did anything else but wait for one. What another machine on the same
            // hardware takes is in no account; not each time.
            assert!((0..20).any(|_| computes().sum() > 0.9), "{busy:?}");
        }
    }
}
