//! The simulated kernel's random bytes: the same in every run, and as bad as a test wants them.
//!
//! A loop asks its kernel's type for them, not its kernel, so there is one source per thread, and each test has a thread
//! of its own.

use sockeye::proto::NoRandomness;
use std::cell::RefCell;

struct Source {
    state: u64,
    /// What is given over and over again, instead.
    pattern: Option<Vec<u8>>,
    failing: bool,
    asked: usize,
    /// What was given, if that is wanted: a test that counts allocations wants it not.
    given: Option<Vec<u8>>,
}

thread_local! {
    static SOURCE: RefCell<Source> = const {
        RefCell::new(Source { state: 0, pattern: None, failing: false, asked: 0, given: None })
    };
}

/// What the kernel answers.
pub fn fill(bytes: &mut [u8]) -> Result<(), NoRandomness> {
    SOURCE.with_borrow_mut(|source| {
        source.asked += 1;
        if source.failing {
            return Err(NoRandomness);
        }
        for (at, byte) in bytes.iter_mut().enumerate() {
            *byte = match &source.pattern {
                Some(pattern) => pattern[at % pattern.len()],
                None => source.next(),
            };
        }
        if let Some(given) = &mut source.given {
            given.extend_from_slice(bytes);
        }
        Ok(())
    })
}

impl Source {
    /// One byte of SplitMix64, which is good enough for tests and for nothing else.
    fn next(&mut self) -> u8 {
        self.state = self.state.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mixed = (self.state ^ (self.state >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        (mixed >> 56) as u8
    }
}

/// As it was before anybody asked: tests may run one after the other in a thread.
pub fn reset() {
    SOURCE.set(Source {
        state: 0,
        pattern: None,
        failing: false,
        asked: 0,
        given: None,
    });
}

/// From now on it fails, or works again.
pub fn set_failing(failing: bool) {
    SOURCE.with_borrow_mut(|source| source.failing = failing);
}

/// Other bytes than in other tests.
pub fn set_seed(seed: u64) {
    SOURCE.with_borrow_mut(|source| source.state = seed);
}

/// The same bytes over and over again, from their first one at each call.
pub fn set_pattern(pattern: &[u8]) {
    SOURCE.with_borrow_mut(|source| source.pattern = Some(pattern.to_vec()));
}

/// How often it was asked, successfully or not.
pub fn asked() -> usize {
    SOURCE.with_borrow(|source| source.asked)
}

/// Keeps what it gives from now on.
pub fn record() {
    SOURCE.with_borrow_mut(|source| source.given = Some(Vec::new()));
}

/// All that it has given since.
pub fn given() -> Vec<u8> {
    SOURCE.with_borrow(|source| source.given.clone().unwrap_or_default())
}
