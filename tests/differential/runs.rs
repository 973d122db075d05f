//! Many streams, each from a seed of its own, on as many threads as there may be.
//!
//! Not here: what is done with a stream.

use std::collections::BTreeMap;
use std::env;
use std::io::Write;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;
use std::time::Instant;

/// So many of one thing and another.
pub(crate) type Tally = BTreeMap<String, u64>;

/// How many streams a thread takes at a time.
const BATCH: u64 = 1024;
/// Failures that are shown.
const SHOWN: usize = 4;

pub(crate) fn number(name: &str) -> Option<u64> {
    let value = env::var(name).ok()?;
    Some(
        value
            .parse()
            .unwrap_or_else(|_| panic!("{name} is not a number")),
    )
}

/// Runs `one` for every seed, or for the one that `SOCKEYE_STREAM` names. Gives how many there were of what.
pub(crate) fn all(
    name: &str,
    count: u64,
    one: impl Fn(u64, &mut Tally) -> Result<(), String> + Sync,
) -> Tally {
    let (first, end) = match number("SOCKEYE_STREAM") {
        Some(seed) => (seed, seed + 1),
        None => (0, count),
    };
    let threads = number("SOCKEYE_THREADS").unwrap_or(1);
    let next = AtomicU64::new(first);
    let failures = Mutex::new(Vec::new());
    let sum = Mutex::new(Tally::new());
    let start = Instant::now();
    let work = || {
        let mut tally = Tally::new();
        loop {
            let from = next.fetch_add(BATCH, Ordering::Relaxed);
            if from >= end || failures.lock().is_ok_and(|some| some.len() >= SHOWN) {
                break;
            }
            if from > 0 && from.is_multiple_of(BATCH * 512) {
                // Not through the tests' own capture.
                let _ = writeln!(
                    std::io::stderr(),
                    "{name}: {from} of {end}, {:?}",
                    start.elapsed()
                );
            }
            for seed in from..end.min(from + BATCH) {
                let attempt = catch_unwind(AssertUnwindSafe(|| one(seed, &mut tally)));
                if let Err(what) = attempt.unwrap_or_else(|_| Err("it panicked".into())) {
                    let failure = format!(
                        "stream {seed}: {what}\nSOCKEYE_STREAM={seed} cargo test --no-default-features \
                         --features deflate --test differential {name}\n"
                    );
                    failures.lock().unwrap().push(failure);
                }
            }
        }
        let mut sum = sum.lock().unwrap();
        for (what, many) in tally {
            *sum.entry(what).or_default() += many;
        }
    };
    thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(work);
        }
    });
    let failures = failures.into_inner().unwrap();
    let shown = failures.iter().take(SHOWN).cloned().collect::<String>();
    assert!(
        failures.is_empty(),
        "{} or more differ:\n{shown}",
        failures.len()
    );
    let sum = sum.into_inner().unwrap();
    println!("{name}: {} streams in {:?}", end - first, start.elapsed());
    for (what, many) in &sum {
        println!("{many:>12} {what}");
    }
    sum
}

pub(crate) fn count(tally: &mut Tally, what: &str) {
    match tally.get_mut(what) {
        Some(many) => *many += 1,
        None => {
            tally.insert(what.to_owned(), 1);
        }
    }
}
