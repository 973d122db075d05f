use super::{Bucket, MOST, Rate};
use core::mem::size_of;
use core::time::Duration;
use proptest::prelude::{ProptestConfig, Strategy, any, prop_oneof, proptest};

const fn ms(millis: u64) -> Duration {
    Duration::from_millis(millis)
}

/// The same by counting: thousandths of tokens, millisecond by millisecond.
struct Oracle {
    level: u64,
    now: u64,
}

impl Oracle {
    const fn new(rate: Rate) -> Self {
        Self {
            level: rate.burst as u64 * 1000,
            now: 0,
        }
    }

    fn take(&mut self, rate: Rate, now: u64) -> bool {
        while self.now < now {
            self.now += 1;
            self.level =
                (self.level + u64::from(rate.per_second)).min(u64::from(rate.burst) * 1000);
        }
        let has_one = self.level >= 1000;
        if has_one {
            self.level -= 1000;
        }
        has_one
    }
}

fn rates() -> impl Strategy<Value = Rate> {
    let per_second = prop_oneof![0..5_u32, 0..2000_u32, 900_000..1_000_000_u32];
    (per_second, 1..20_u32).prop_map(|(per_second, burst)| Rate { per_second, burst })
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn it_is_what_counting_gives(rate in rates(), steps in proptest::collection::vec((0..400_u64, 1..30), 1..60)) {
        let (mut bucket, mut oracle, mut now) = (Bucket::default(), Oracle::new(rate), 0);
        for (step, tries) in steps {
            now += step;
            for _ in 0..tries {
                let (was, taken) = (bucket, bucket.take(rate, ms(now)));
                assert_eq!(taken.is_ok(), oracle.take(rate, now), "{rate:?} at {now}");
                assert_eq!(bucket.is_full(rate, ms(now)), oracle.level == u64::from(rate.burst) * 1000);
                if let Err(Some(wait)) = taken {
                    // The wait is as long as it has to be.
                    assert_eq!(bucket, was);
                    assert!(bucket.clone().take(rate, ms(now) + wait).is_ok());
                    assert!(bucket.clone().take(rate, ms(now) + wait - ms(1)).is_err());
                }
            }
        }
    }

    #[test]
    fn nothing_overflows(per_second: u32, burst: u32, times in proptest::collection::vec(any::<Duration>(), 1..20)) {
        let (rate, mut bucket) = (Rate { per_second, burst }, Bucket::default());
        for now in times {
            let _ = (bucket.take(rate, now), bucket.is_full(rate, now), rate.refill());
        }
    }
}

#[test]
fn a_bucket_is_eight_bytes() {
    assert_eq!(size_of::<Bucket>(), 8);
}

#[test]
fn a_rate_does_not_drift_in_a_year() {
    // A third of a second does not fit a whole number of milliseconds.
    let (rate, mut bucket) = (Rate::new(3, 1), Bucket::default());
    let year = 365 * 24 * 3600 * 1000_u64;
    let taken = (0..90_000_u64)
        .filter(|step| bucket.take(rate, ms(year + step)).is_ok())
        .count();
    assert_eq!(taken, 3 * 90);
}

#[test]
fn the_extremes_mean_what_is_said() {
    let now = ms(1_000_000);
    let all = |rate: Rate, now| {
        let mut bucket = Bucket::default();
        (0..1000).filter(|_| bucket.take(rate, now).is_ok()).count()
    };
    assert_eq!(all(Rate::new(0, 3), now), 3);
    assert_eq!(all(Rate::new(5, 0), now), 1);
    assert_eq!(all(Rate::new(u32::MAX, 7), now), 7);
    let never = Rate::new(0, 1);
    let mut bucket = Bucket::default();
    assert_eq!(bucket.take(never, now), Ok(()));
    assert_eq!(bucket.take(never, Duration::MAX), Err(None));
    assert_eq!(never.refill(), None);
    // Faster than anything is a million; it still counts in 500 years.
    let rate = Rate::new(u32::MAX, 1);
    assert_eq!(rate.speed(), MOST);
    let then = ms(500 * 365 * 24 * 3600 * 1000);
    let mut bucket = Bucket::default();
    assert_eq!(bucket.take(rate, then), Ok(()));
    assert_eq!(bucket.take(rate, then), Err(Some(ms(1))));
}

#[test]
fn a_clock_that_goes_back_gives_nothing() {
    let (rate, mut bucket) = (Rate::new(1, 2), Bucket::default());
    assert_eq!(bucket.take(rate, ms(10_000)), Ok(()));
    assert_eq!(bucket.take(rate, ms(10_000)), Ok(()));
    assert_eq!(bucket.take(rate, ms(0)), Err(Some(ms(11_000))));
    assert_eq!(bucket.take(rate, ms(10_999)), Err(Some(ms(1))));
    assert_eq!(bucket.take(rate, ms(11_000)), Ok(()));
}
