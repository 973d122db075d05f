//! Plays scenarios again and again: each call of a run comes to each thing that it may come to, one at a time, and then
//! many of them at once, by dice.
//!
//! Not here: what has to hold; that is `judge`.

use crate::counting::{self, signed};
use crate::judge::{Played, breaks};
use crate::menu::faults_of;
use crate::sim::faults::{self, Call, Fault, Record};
use std::cell::RefCell;
use std::panic::{AssertUnwindSafe, catch_unwind, set_hook, take_hook};
use std::sync::Once;

/// Something that happens between loops and peers.
#[derive(Clone, Copy)]
pub struct Scenario {
    pub name: &'static str,
    pub play: fn() -> Played,
}

thread_local! {
    /// Panics since a run began; also those that the loop takes for a handler's.
    static PANICS: RefCell<Option<Vec<String>>> = const { RefCell::new(None) };
}

/// Plays it once. Panics, whoever caught them, are breaks.
fn play(scenario: Scenario) -> (Played, Record) {
    watch_panics();
    PANICS.set(Some(Vec::new()));
    let played = catch_unwind(AssertUnwindSafe(scenario.play));
    let record = faults::disarm();
    let panics = PANICS.take().unwrap_or_default();
    let mut played = played.unwrap_or_default();
    let panics = panics.into_iter().map(|what| format!("a panic: {what}"));
    played.breaks.extend(panics);
    (played, record)
}

/// Has panics of runs written down rather than printed.
fn watch_panics() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        let before = take_hook();
        set_hook(Box::new(move |info| {
            let is_mine = PANICS.with_borrow_mut(|panics| {
                panics.as_mut().map(|panics| panics.push(info.to_string()))
            });
            if is_mine.is_none() {
                before(info);
            }
        }));
    });
}

/// Without any fault: what it is, and the calls it makes.
pub fn calm(scenario: Scenario) -> (Played, Vec<Call>) {
    faults::arm(|_, _| None);
    let (played, record) = play(scenario);
    let broken = breaks(&played, &played);
    assert!(broken.is_empty(), "{}, calm: {broken:#?}", scenario.name);
    (played, record.calls)
}

/// One fault at one call. What broke is told with what it takes to see it again.
pub fn strike(scenario: Scenario, calm: &Played, at: usize, call: Call, fault: Fault) {
    let before = counting::held();
    let mut broken = strike_once(scenario, calm, at, call, fault);
    let left = counting::held() - before;
    // What TLS remembers for those who come again is not the loop's.
    if left != 0 && broken.is_empty() && !scenario.name.starts_with("tls") {
        broken.push(format!("{left} bytes left"));
    }
    let name = scenario.name;
    assert!(
        broken.is_empty(),
        "{name}, call {at}, {call:?}, {fault:?}: {broken:#?}"
    );
}

fn strike_once(
    scenario: Scenario,
    calm: &Played,
    at: usize,
    call: Call,
    fault: Fault,
) -> Vec<String> {
    faults::arm(move |number, _| (number == at).then_some(fault));
    let (played, record) = play(scenario);
    let mut broken = breaks(calm, &played);
    if record.struck != [(call, fault)] {
        broken.push(format!("struck: {:?}", record.struck));
    }
    broken
}

/// Each call and each of its faults; of these every `stride`th, so that a share is spread over all. Says how many runs.
pub fn sweep(scenario: Scenario, stride: usize, offset: usize) -> usize {
    let (calm, calls) = calm(scenario);
    let all = calls.iter().enumerate().flat_map(|(at, &call)| {
        let faults = faults_of(call).iter();
        faults.map(move |&fault| (at, call, fault))
    });
    let share = all.skip(offset % stride).step_by(stride);
    share
        .inspect(|&(at, call, fault)| strike(scenario, &calm, at, call, fault))
        .count()
}

/// Calls that fail by dice: about one of so many.
pub fn roll(scenario: Scenario, calm: &Played, seed: u64) {
    let before = counting::held();
    let (struck, mut broken) = roll_once(scenario, calm, seed);
    let left = counting::held() - before - signed(struck.len());
    if left != 0 && broken.is_empty() && !scenario.name.starts_with("tls") {
        broken.push(format!("{left} bytes left"));
    }
    let name = scenario.name;
    assert!(
        broken.is_empty(),
        "{name}, seed {seed}, {struck}: {broken:#?}"
    );
}

fn roll_once(scenario: Scenario, calm: &Played, seed: u64) -> (Box<str>, Vec<String>) {
    let mut dice = Dice(seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1);
    let rate = [4, 10, 40, 100][dice.below(4)];
    let is_mild = dice.below(2) == 0;
    faults::arm(move |_, call| {
        if dice.below(rate) > 0 {
            return None;
        }
        let faults = faults_of(call);
        let fault = faults[dice.below(faults.len())];
        (!is_mild || is_harmless(fault)).then_some(fault)
    });
    let (mut played, record) = play(scenario);
    // Pings that cannot be sent come later, and so does what they would find out; and much sleep is time that passes.
    let shifts =
        |(call, fault): &(Call, Fault)| *call == Call::Random || matches!(fault, Fault::Late(_));
    played.is_mixed |= record.struck.iter().any(shifts);
    let broken = breaks(calm, &played);
    if broken.is_empty() {
        return (Box::default(), broken);
    }
    (format!("{:?}", record.struck).into(), broken)
}

/// Nobody is to lose anything by it.
fn is_harmless(fault: Fault) -> bool {
    use rustix::io::Errno;
    match fault {
        Fault::Fails(error) => matches!(error, Errno::INTR | Errno::AGAIN),
        Fault::Breaks(_) | Fault::Ends | Fault::Late(_) => false,
        Fault::AtMost(_) | Fault::Nothing | Fault::Backwards | Fault::Twice | Fault::OneByOne => {
            true
        }
    }
}

/// Numbers that look random, from a seed.
pub struct Dice(pub u64);

impl Dice {
    pub fn below(&mut self, limit: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 >> 20) as usize % limit
    }
}
