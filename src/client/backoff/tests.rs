//! Tables of waits, and how they are spread.
#![allow(
    clippy::unwrap_used,
    reason = "a test that unwraps a fault fails, as it should"
)]

use super::*;
use alloc::vec;

const MS: fn(u64) -> Duration = Duration::from_millis;

fn backoff(policy: Reconnect) -> Backoff {
    Backoff::new(Arc::new(policy))
}

/// The most that the next attempts wait, in milliseconds.
fn most(backoff: &mut Backoff, count: usize) -> Vec<u128> {
    let waits = (0..count).map(|_| backoff.next(u64::MAX));
    waits.map_while(|wait| Some(wait?.as_millis())).collect()
}

/// Shows 6455-7.2.3-03 6455-7.2.3-04.
#[test]
fn the_most_grows_up_to_the_cap() {
    let default = Reconnect::default();
    let rows = [
        (
            default.clone(),
            vec![500, 1000, 2000, 4000, 8000, 8000, 8000, 8000],
        ),
        (
            Reconnect {
                factor: 1,
                ..default.clone()
            },
            vec![500; 8],
        ),
        (
            Reconnect {
                factor: 0,
                ..default.clone()
            },
            vec![500; 8],
        ),
        (
            Reconnect {
                factor: u32::MAX,
                ..default.clone()
            },
            vec![500, 8000, 8000],
        ),
        (
            Reconnect {
                initial: MS(0),
                ..default.clone()
            },
            vec![0; 4],
        ),
        (
            Reconnect {
                cap: MS(700),
                ..default.clone()
            },
            vec![500, 700, 700],
        ),
        (
            Reconnect {
                cap: MS(100),
                ..default.clone()
            },
            vec![100; 3],
        ),
        (
            Reconnect {
                max_attempts: Some(3),
                ..default.clone()
            },
            vec![500, 1000, 2000],
        ),
        (
            Reconnect {
                max_attempts: Some(0),
                ..default.clone()
            },
            vec![],
        ),
    ];
    for (policy, want) in rows {
        // One more is asked for where the policy ends the row.
        let count = want.len() + usize::from(policy.max_attempts.is_some());
        assert_eq!(
            most(&mut backoff(policy.clone()), count),
            want,
            "{policy:?}"
        );
    }
    // However long it goes on, and however long the waits.
    let mut endless = backoff(Reconnect {
        cap: Duration::MAX,
        ..default
    });
    for _ in 0..10_000 {
        assert!(endless.next(u64::MAX).is_some());
    }
    assert_eq!(endless.next(0), Some(MS(0)));
    assert_eq!(endless.attempts(), 10_001);
}

#[test]
fn the_whole_span_is_used_and_evenly() {
    // xorshift64*, seeded: the test is the same every time.
    let mut state = 0x9e37_79b9_7f4a_7c15_u64;
    let mut random = || {
        state ^= state >> 12;
        state ^= state << 25;
        state ^= state >> 27;
        state.wrapping_mul(0x2545_f491_4f6c_dd1d)
    };
    const BINS: usize = 100;
    const DRAWS: usize = 100_000;
    let mut bins = [0_u32; BINS];
    for _ in 0..DRAWS {
        let mut first = backoff(Reconnect::default());
        let wait = first.next(random()).unwrap();
        assert!(wait <= MS(500));
        let bin = usize::try_from(wait.as_micros()).unwrap() * BINS / 500_001;
        bins[bin] += 1;
    }
    let expected = f64::from(u32::try_from(DRAWS / BINS).unwrap());
    let chi2: f64 = bins
        .iter()
        .map(|&count| (f64::from(count) - expected).powi(2) / expected)
        .sum();
    // 99 degrees of freedom: 148.2 is exceeded once in a thousand times, and 60 undercut once in a thousand.
    assert!((60.0..148.2).contains(&chi2), "{chi2}");
}

#[test]
fn both_ends_of_the_span_are_reached() {
    let policy = Reconnect {
        initial: Duration::from_nanos(3),
        ..Reconnect::default()
    };
    let quarter = u64::MAX / 4 + 1;
    for (random, nanos) in [
        (0, 0),
        (quarter - 1, 0),
        (quarter, 1),
        (quarter * 2, 2),
        (quarter * 3, 3),
        (u64::MAX, 3),
    ] {
        assert_eq!(
            backoff(policy.clone()).next(random),
            Some(Duration::from_nanos(nanos))
        );
    }
}

#[test]
fn a_stable_connection_begins_anew_and_a_short_one_does_not() {
    let start = Duration::from_secs(1_000);
    // How long it is open, and the next wait.
    for (life, wait) in [(0, 4000), (9_999, 4000), (10_000, 500), (99_999, 500)] {
        let mut backoff = backoff(Reconnect::default());
        most(&mut backoff, 3);
        backoff.opened(start);
        assert!(backoff.closed(start + MS(life), 1006));
        assert_eq!(most(&mut backoff, 1), [wait], "{life}");
        // An attempt that never came to be open says nothing about stability.
        assert!(backoff.closed(start + MS(1_000_000), 1006));
        assert_eq!(most(&mut backoff, 1), [wait * 2], "{life}");
    }
    // The bound counts attempts in a row.
    let mut bounded = backoff(Reconnect {
        max_attempts: Some(2),
        ..Reconnect::default()
    });
    assert_eq!(most(&mut bounded, 9).len(), 2);
    bounded.opened(start);
    assert!(bounded.closed(start + MS(10_000), 1006));
    assert_eq!(most(&mut bounded, 9).len(), 2);
}

#[test]
fn some_codes_end_it() {
    let mine = Reconnect {
        stop_codes: vec![1000],
        ..Reconnect::default()
    };
    for (policy, stops) in [
        (Reconnect::default(), &[1008, 4001, 4004][..]),
        (mine, &[1000]),
    ] {
        for code in 1000..5000 {
            let mut backoff = backoff(policy.clone());
            backoff.opened(MS(0));
            let goes_on = backoff.closed(MS(60_000), code);
            assert_eq!(goes_on, !stops.contains(&code), "{code}");
            assert_eq!(backoff.next(1).is_some(), goes_on, "{code}");
            // For good.
            assert_eq!(backoff.closed(MS(60_001), 1006), goes_on, "{code}");
        }
    }
}
