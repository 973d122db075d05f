//! Races for an address at random, against a literal reading of RFC 8305 section 5.

use crate::harness::{Server, Sim, Told, ms, secs, to};
use crate::sim::{Reached, Resolution};
use proptest::prelude::*;
use rustix::io::Errno;

const ADDRESSES: [&str; 6] = [
    "10.0.0.0", "10.0.0.1", "10.0.0.2", "10.0.0.3", "10.0.0.4", "10.0.0.5",
];
/// Deadlines may be late by so much, each by itself.
const LATE: u64 = 3;

/// What becomes of one address, in milliseconds.
#[derive(Clone, Copy, Debug)]
enum Fate {
    Connected(u64),
    Refused(u64),
    Unreachable,
    Silent,
}

impl Fate {
    const fn reached(self) -> Reached {
        match self {
            Self::Connected(after) => Reached::After(ms(after)),
            Self::Refused(after) => Reached::Refused(ms(after), Errno::CONNREFUSED),
            Self::Unreachable => Reached::AtOnce(Errno::NETUNREACH),
            Self::Silent => Reached::Never,
        }
    }
}

fn some_fate() -> impl Strategy<Value = Fate> {
    prop_oneof![
        3 => (1..1500_u64).prop_map(Fate::Connected),
        4 => (1..1500_u64).prop_map(Fate::Refused),
        2 => Just(Fate::Unreachable),
        2 => Just(Fate::Silent),
    ]
}

/// How a race goes: when which address is tried, and what decides it.
#[derive(Debug, Default)]
struct Model {
    waiting: Vec<usize>,
    running: Vec<(u64, usize)>,
    tried: Vec<(u64, usize)>,
    timer: Option<u64>,
    /// When something happened.
    moments: Vec<u64>,
}

#[derive(Debug, PartialEq, Eq)]
enum Decision {
    Winner(u64, usize),
    AllFailed(u64),
    Deadline,
}

impl Model {
    fn run(&mut self, fates: &[Fate]) -> Decision {
        self.waiting = (0..fates.len()).rev().collect();
        self.start(0, fates);
        loop {
            if self.running.is_empty() && self.waiting.is_empty() {
                return Decision::AllFailed(self.moments.last().copied().unwrap_or(0));
            }
            let first = self.running.iter().copied().min();
            let now = match (first, self.timer) {
                (Some((at, _)), Some(timer)) => at.min(timer),
                (Some((at, _)), None) => at,
                (None, Some(timer)) => timer,
                (None, None) => u64::MAX,
            };
            if now >= 10_000 {
                return Decision::Deadline;
            }
            self.moments.push(now);
            if let Some((at, number)) = first.filter(|(at, _)| *at == now) {
                if let Fate::Connected(_) = fates[number] {
                    return Decision::Winner(at, number);
                }
                self.running.retain(|(_, other)| *other != number);
            }
            self.start(now, fates);
        }
    }

    /// The next one begins, and those behind it as long as they fail at once.
    fn start(&mut self, now: u64, fates: &[Fate]) {
        self.timer = None;
        while let Some(number) = self.waiting.pop() {
            self.tried.push((now, number));
            let ends = match fates[number] {
                Fate::Unreachable => continue,
                Fate::Connected(after) | Fate::Refused(after) => now + after,
                Fate::Silent => u64::MAX,
            };
            self.running.push((ends, number));
            self.timer = (!self.waiting.is_empty()).then_some(now + 250);
            return;
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 500, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_race_goes_as_it_should(fates in prop::collection::vec(some_fate(), 1..=6)) {
        let mut model = Model::default();
        let decision = model.run(&fates);
        // Two things at nearly the same moment may come in either order.
        let apart = |two: &[u64]| two[1] - two[0] > LATE * 6;
        prop_assume!(model.moments.windows(2).all(apart));
        let pending = model.running.iter().map(|(at, _)| *at).chain(model.timer);
        let last = model.moments.last().copied().unwrap_or(0);
        prop_assume!(pending.filter(|at| *at > last).all(|at| at - last > LATE * 6));

        let mut sim = Sim::new();
        let there = Resolution::After(ms(0), ADDRESSES[..fates.len()].to_vec());
        sim.net.name("h", [there]);
        for (address, fate) in ADDRESSES.iter().zip(&fates) {
            sim.net.reach(&format!("{address}:80"), [fate.reached()]);
        }
        sim.dial(&to("ws://h/"));
        let mut told_at = None;
        while told_at.is_none() && sim.net.now() < secs(12) {
            sim.run_for(ms(1));
            let conn = sim.net.dialed().into_iter().filter_map(|dialed| dialed.conn);
            for conn in conn.filter(|conn| conn.untaken() > 0) {
                Server::new(conn).accept();
                sim.settle();
            }
            if !sim.told().is_empty() {
                told_at = Some(sim.net.now().as_millis() as u64);
            }
        }
        let told_at = told_at.expect("it is told in time");
        let near = |at: u64, model: u64| (model..=model + LATE * 8).contains(&at);
        let told = sim.take_told();
        match (&told[..], decision) {
            ([Told::Open { .. }], Decision::Winner(at, number)) => {
                prop_assert!(near(told_at, at), "{told_at} {at}");
                for dialed in sim.net.dialed() {
                    let won = dialed.to.starts_with(ADDRESSES[number]);
                    prop_assert_eq!(dialed.conn.is_some_and(|conn| !conn.is_closed()), won);
                }
            }
            ([Told::Failed(7, error)], Decision::AllFailed(at)) => {
                prop_assert!(near(told_at, at), "{told_at} {at}");
                prop_assert_eq!(error.matches("Attempt").count(), fates.len());
                sim.assert_idle();
            }
            ([Told::Failed(7, error)], Decision::Deadline) => {
                prop_assert!(near(told_at, 10_000));
                prop_assert_eq!(error, "Timeout(Connect)");
                sim.assert_idle();
            }
            (told, decision) => prop_assert!(false, "{told:?} {decision:?}"),
        }
        let dialed = sim.net.dialed();
        prop_assert_eq!(dialed.len(), model.tried.len());
        for (dialed, (at, number)) in dialed.iter().zip(&model.tried) {
            prop_assert!(dialed.to.starts_with(ADDRESSES[*number]));
            prop_assert!(near(dialed.at.as_millis() as u64, *at), "{:?} {at}", dialed.at);
        }
    }
}
