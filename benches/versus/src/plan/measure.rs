//! Measures one scenario.

use super::in_memory;
use super::outcome::{BUSY, CPU, Entry, Outcome, Provenance, RATE};
use super::scenarios::{Kind, Scenario};
use crate::building::{Flavour, Program, build};
use crate::contestants::Name;
use crate::instructions::per_message;
use crate::load::Shape;
use crate::options::{Rounds, Setup};
use crate::rounds::{self, Sample};
use crate::{
    Result, comparison, handshakes, latency, machine, memory, rooms, speed, syscalls, tls_idle,
    tools,
};
use std::cell::RefCell;

/// What all scenarios have in common.
pub(crate) struct Bench<'a> {
    pub(crate) setup: &'a Setup,
    pub(crate) rounds: &'a Rounds,
    /// What was built already: cargo takes its time to find out that there is nothing to do.
    pub(crate) built: RefCell<Vec<(Flavour, Program)>>,
}

/// Per contestant; the time that was stolen; and what else is to be said.
pub(super) type Measured = (Vec<Entry>, Option<f64>, String);

impl Bench<'_> {
    pub(crate) fn measure(&self, scenario: &Scenario) -> Result<Outcome> {
        let programs = self.programs(scenario)?;
        let has_rounds = scenario.kind.has_rounds();
        let (entries, stolen, note) = self.entries(scenario, &programs)?;
        Ok(Outcome {
            scenario: scenario.name.to_owned(),
            provenance: Provenance {
                date: machine::date(),
                machine: machine::without_commit(),
                commit: machine::commit(scenario.kind.sources()),
                built_for: flavour(scenario.kind).cpu().to_owned(),
                rounds: if has_rounds { self.rounds.rounds } else { 0 },
                seconds: match scenario.kind {
                    // As long as it takes.
                    Kind::InMemory(_) => 0.0,
                    _ if has_rounds => self.rounds.seconds,
                    _ => 0.0,
                },
                stolen,
                note,
            },
            entries,
        })
    }

    /// How long it takes, roughly: seconds.
    pub(crate) fn estimate(&self, scenario: &Scenario) -> f64 {
        let each = match scenario.kind {
            Kind::Valgrind(..) => 15.0,
            Kind::Calls(..) => 10.0,
            Kind::Idle(_) => 12.0,
            Kind::IdleTls(_) => 60.0,
            Kind::Echo(Shape { connections, .. }) => self.round(0.1 + connections as f64 / 1e4),
            Kind::Handshakes(_) | Kind::Latency(..) => self.round(0.2),
            Kind::Room(_) => self.round(0.7),
            // Half of it, for one that takes part and once more.
            Kind::InMemory(_) => self.rounds.rounds as f64 * 2.0,
        };
        each * (scenario.who.len() + 1) as f64
    }

    fn round(&self, start: f64) -> f64 {
        let warm_up = self.rounds.warm_up().as_secs_f64();
        self.rounds.rounds as f64 * (self.rounds.seconds + warm_up + start)
    }

    fn entries(&self, scenario: &Scenario, programs: &[Program]) -> Result<Measured> {
        let setup = self.setup;
        match scenario.kind {
            Kind::Echo(shape) => {
                memory::look_at_limits(shape.connections)?;
                self.sampled(programs, |program| {
                    speed::sample(setup, self.rounds, program, shape)
                })
            }
            Kind::Handshakes(at_once) => self.sampled(programs, |program| {
                handshakes::sample(setup, self.rounds, program, at_once)
            }),
            Kind::Room(shape) => {
                memory::look_at_limits(shape.members)?;
                for program in programs {
                    // Nobody is measured who is wrong.
                    rooms::measure::check(setup, program, shape)?;
                }
                self.sampled(programs, |program| {
                    rooms::measure::sample(setup, self.rounds, program, shape)
                })
            }
            Kind::Latency(shape, part) => self.late(programs, shape, part),
            Kind::Idle(connections) => {
                memory::look_at_limits(connections)?;
                once(programs, |program| {
                    let held = memory::held(setup, program, connections)?;
                    Ok(vec![("bytes", held.per_connection(connections))])
                })
            }
            Kind::IdleTls(connections) => {
                memory::look_at_limits(connections)?;
                once(programs, |program| {
                    let bytes = tls_idle::held(setup, program, connections)?;
                    Ok(vec![("bytes", bytes)])
                })
            }
            Kind::InMemory(part) => in_memory::measured(part, self.rounds.rounds),
            Kind::Valgrind(shape, what, messages) => {
                tools::need("valgrind", "valgrind")?;
                once(programs, |program| {
                    let core = setup.server_core;
                    let count = per_message(core, program, shape, messages, what)?;
                    Ok(vec![(what.metric(), count)])
                })
            }
            Kind::Calls(shape, messages) => {
                tools::need("strace", "strace")?;
                once(programs, |program| {
                    let counted = syscalls::counted(setup, program, shape, messages)?;
                    let (all, waits) = counted.per_message();
                    Ok(vec![("calls", all), ("calls_beside_waits", all - waits)])
                })
            }
        }
    }

    /// Rounds, with Sockeye a second time.
    fn sampled(
        &self,
        programs: &[Program],
        sample: impl Fn(&Program) -> Result<Sample>,
    ) -> Result<Measured> {
        let mut programs = programs.to_vec();
        programs.extend(comparison::once_more(&programs));
        let (samples, stolen) = rounds::in_rounds(&programs, self.rounds, sample)?;
        let entries = programs.iter().zip(&samples);
        let entries = entries.map(|(program, samples)| Entry::of_samples(program.name, samples));
        Ok((entries.collect(), stolen, String::new()))
    }

    fn late(&self, programs: &[Program], shape: Shape, part: f64) -> Result<Measured> {
        let slowest = self.program(Name::UWebSockets, Flavour::Timed)?;
        let most = latency::saturation(self.setup, self.rounds, &slowest, shape)?;
        let rate = most * part;
        let mut programs = programs.to_vec();
        programs.extend(comparison::once_more(&programs));
        let (seen, stolen) = rounds::in_rounds(&programs, self.rounds, |program| {
            latency::sample(self.setup, self.rounds, program, shape, rate)
        })?;
        let entries = programs.iter().zip(&seen).map(|(program, seen)| {
            type Of = fn(&latency::Lateness) -> f64;
            let of: [(&str, Of); 6] = [
                ("p50_ns", |seen| seen.p50),
                ("p99_ns", |seen| seen.p99),
                ("p999_ns", |seen| seen.p999),
                (RATE, |seen| seen.sample.rate()),
                (CPU, |seen| seen.sample.cpu_each()),
                (BUSY, |seen| seen.sample.busy()),
            ];
            Entry::new(
                program.name,
                of.map(|(metric, of)| (metric, seen.iter().map(of).collect())),
            )
        });
        let note = format!(
            "{:.0} messages a second, {:.0}% of the {:.0} that uwebsockets did in a closed loop",
            rate,
            100.0 * part,
            most
        );
        Ok((entries.collect(), stolen, note))
    }

    fn programs(&self, scenario: &Scenario) -> Result<Vec<Program>> {
        if let Kind::InMemory(_) = scenario.kind {
            return Ok(Vec::new());
        }
        let only = &self.setup.only;
        let takes_part = |name: &&Name| only.is_empty() || only.contains(name);
        let asked: Vec<_> = scenario.who.iter().filter(takes_part).copied().collect();
        if asked.is_empty() {
            return Err("nobody of those takes part".into());
        }
        if let Kind::Room(_) = scenario.kind {
            let mut setup = self.setup.clone();
            setup.only = asked;
            let roomies = rooms::contestants::chosen(&setup, &[])?;
            return rooms::contestants::programs(&setup, &roomies);
        }
        let flavour = flavour(scenario.kind);
        let programs = asked.into_iter().map(|name| self.program(name, flavour));
        let mut programs: Vec<_> = programs.collect::<Result<_>>()?;
        programs.extend(self.setup.other()?);
        Ok(programs)
    }

    fn program(&self, name: Name, flavour: Flavour) -> Result<Program> {
        let contestant = name.contestant();
        let mut built = self.built.borrow_mut();
        let is_it =
            |(of, program): &&(Flavour, Program)| *of == flavour && program.name == contestant.name;
        if let Some((_, program)) = built.iter().find(is_it) {
            return Ok(program.clone());
        }
        let program = build(&[contestant], flavour)?.remove(0);
        built.push((flavour, program.clone()));
        Ok(program)
    }
}

/// What is counted once.
fn once(
    programs: &[Program],
    count: impl Fn(&Program) -> Result<Vec<(&'static str, f64)>>,
) -> Result<Measured> {
    let entries = programs.iter().map(|program| {
        eprintln!("  {} …", program.name);
        let counts = count(program).map_err(|error| format!("{}: {error}", program.name))?;
        let metrics = counts
            .into_iter()
            .map(|(metric, count)| (metric, vec![count]));
        Ok(Entry::new(program.name, metrics))
    });
    Ok((entries.collect::<Result<_>>()?, None, String::new()))
}

const fn flavour(kind: Kind) -> Flavour {
    match kind {
        Kind::Valgrind(..) => Flavour::Counted,
        _ => Flavour::Timed,
    }
}
