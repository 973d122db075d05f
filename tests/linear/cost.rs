//! What a hostile input costs, and the laws about it.
//!
//! Not here: the inputs.

use sockeye::proto::work;
use std::env;
use std::sync::{Mutex, MutexGuard};

/// What was done to a connection or a parser, and how many bytes the core took up for it.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Cost {
    pub(crate) visited: u64,
    /// Bytes that came in.
    pub(crate) input: u64,
    /// Bytes that went out: to the application, to the peer.
    pub(crate) output: u64,
    pub(crate) frames: u64,
    /// Each begins with a look at the header of the frame that is not whole yet.
    pub(crate) calls: u64,
}

/// What one thing may cost, in bytes taken up.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Law {
    /// For each byte that comes in, and as much for each that goes out.
    pub(crate) byte: u64,
    pub(crate) frame: u64,
    pub(crate) call: u64,
    /// Once.
    pub(crate) once: u64,
}

/// Frames as they are: a header of at most 14 bytes is read twice in a call, and a control frame of 125 bytes is judged
/// while it arrives.
pub(crate) const FRAMES: Law = Law {
    byte: 4,
    frame: 256,
    call: 32,
    once: 16 << 10,
};

/// The smallest input, and how often it is doubled.
const FIRST: usize = 1 << 10;
const DOUBLINGS: u32 = 10;

/// The count is one for all threads.
static ALONE: Mutex<()> = Mutex::new(());

/// Runs an input of n, 2n, 4n... bytes or frames or whatever it is made of, up to 2^20: the cost obeys the law, and twice
/// as much costs at most 2.2 times as much, beyond what is needed once.
pub(crate) fn is_linear(name: &str, law: Law, run: impl Fn(usize) -> Cost) {
    let _alone = alone();
    let mut before = None;
    let mut worst: f64 = 0.0;
    let mut last = Cost::default();
    for doubling in 0..=DOUBLINGS {
        let size = FIRST << doubling;
        let visited = work::visited();
        let cost = run(size);
        let cost = Cost {
            visited: work::visited() - visited,
            ..cost
        };
        let allowed = law.byte * (cost.input + cost.output)
            + law.frame * cost.frames
            + law.call * cost.calls
            + law.once;
        assert!(cost.visited > 0, "{name} {size}: nothing was counted");
        assert!(
            cost.visited <= allowed,
            "{name} {size}: {cost:?}, not more than {allowed}"
        );
        if let Some(before) = before {
            let ratio = cost.visited as f64 / law.once.max(before) as f64;
            assert!(
                ratio <= 2.2,
                "{name} {size}: {ratio} times as much as half of it, {cost:?}"
            );
            worst = worst.max(ratio);
        }
        before = Some(cost.visited);
        last = cost;
    }
    if env::var("SOCKEYE_LINEAR").is_ok_and(|mode| mode == "show") {
        let per_byte = last.visited as f64 / (last.input + last.output) as f64;
        println!(
            "{name:<52} {per_byte:>7.2} a byte, at most {worst:.2} times as much for twice as many"
        );
    }
}

fn alone() -> MutexGuard<'static, ()> {
    ALONE.lock().unwrap_or_else(|broken| broken.into_inner())
}
