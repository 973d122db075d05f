//! Token buckets: [`Rate`] and [`Bucket`].
//!
//! A bucket holds one number, the moment when it is full again, in units of a millisecond through the rate. A token comes
//! every 1 000 of them, whatever the rate is, so nothing is ever rounded, and no bucket is ever refilled by a timer.
//!
//! Not here: what a token buys.

use core::time::Duration;

/// A token in a bucket's units.
const TOKEN: u64 = 1000;

/// More tokens per second count as so many: nobody can use them, and the units of 500 years fit a bucket.
const MOST: u64 = 1_000_000;

/// How often something may happen: `burst` times at once, and then `per_second` times in each second. So in any one second
/// there are at most `burst + per_second`: for never more than ten, `Rate::new(5, 5)`. What is too much does not happen.
///
/// ```
/// use sockeye::app::{AddressLimits, App, Echo, Rate, Route};
///
/// let app = App::new()
///     // Each connection: five messages a second for long, ten at once.
///     .route(Route::new("/echo").rate(Rate::new(5, 10)), |_| Echo)
///     // Each address: twenty connections, and one new one a second for long.
///     .per_address(AddressLimits {
///         connections: Some(20),
///         handshakes: Some(Rate::new(1, 20)),
///         ..AddressLimits::default()
///     });
/// # app.build()?;
/// # Ok::<(), std::io::Error>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Rate {
    /// Tokens that come in a second; what is above a million counts as a million. With 0 none ever comes.
    pub per_second: u32,
    /// Tokens that there may be; 0 counts as 1, or nothing could ever happen.
    pub burst: u32,
}

impl Rate {
    /// So many in a second, and so many at once.
    #[must_use]
    pub const fn new(per_second: u32, burst: u32) -> Self {
        Self { per_second, burst }
    }

    fn speed(self) -> u64 {
        u64::from(self.per_second).min(MOST)
    }

    /// A full bucket.
    fn capacity(self) -> u64 {
        u64::from(self.burst.max(1)).saturating_mul(TOKEN)
    }

    /// A moment in a bucket's units.
    fn units(self, now: Duration) -> u64 {
        millis(now).saturating_mul(self.speed())
    }

    /// From an empty bucket to a full one, or `None` where that never comes.
    pub(super) fn refill(self) -> Option<Duration> {
        self.span(self.capacity())
    }

    /// How long it takes until so many units are past.
    fn span(self, units: u64) -> Option<Duration> {
        let speed = self.speed();
        (speed > 0).then(|| Duration::from_millis(units.div_ceil(speed)))
    }
}

/// The tokens that somebody has left, in 8 bytes. A new one is full.
///
/// It does not know its rate: that is given to each call, and must stay the same.
///
/// ```
/// use core::time::Duration;
/// use sockeye::app::{Bucket, Rate};
///
/// let (rate, mut bucket) = (Rate::new(10, 2), Bucket::default());
/// let at = Duration::from_millis;
/// assert_eq!(bucket.take(rate, at(0)), Ok(()));
/// assert_eq!(bucket.take(rate, at(0)), Ok(()));
/// assert_eq!(bucket.take(rate, at(40)), Err(Some(at(60))));
/// assert_eq!(bucket.take(rate, at(100)), Ok(()));
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Bucket {
    full_at: u64,
}

impl Bucket {
    /// Takes a token, at a time since some fixed moment, of which whole milliseconds count. Where it goes back, nothing
    /// is refilled until it is again what it was.
    ///
    /// # Errors
    ///
    /// When there is none: how long it takes until there is one, or `None` if that is never. Nothing is taken then.
    pub fn take(&mut self, rate: Rate, now: Duration) -> Result<(), Option<Duration>> {
        let now = rate.units(now);
        let missing = self.full_at.saturating_sub(now).saturating_add(TOKEN);
        let short = missing.saturating_sub(rate.capacity());
        if short > 0 {
            return Err(rate.span(short));
        }
        self.full_at = now.saturating_add(missing);
        Ok(())
    }

    /// Whether nothing has to be remembered of it.
    #[must_use]
    pub fn is_full(&self, rate: Rate, now: Duration) -> bool {
        self.full_at <= rate.units(now)
    }
}

fn millis(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests;
