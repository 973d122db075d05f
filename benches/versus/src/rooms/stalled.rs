//! Half of the members stop reading: what the others notice of it, and when those are gone.
//!
//! One process of the server goes through three phases: all read; half have stopped; those are gone. The others'
//! latencies of the second are set beside those of the first, and the third is shown with them.
//!
//! Not here: what a stalled member makes a server hold; a counting allocator tells that better.

use super::Options;
use super::audience::Audience;
use super::contestants::{SEND_BUFFER, chosen, programs, with_small_buffer};
use super::latency::Latencies;
use super::queues::{Filling, queued};
use super::talk::met;
use crate::Result;
use crate::building::Program;
use crate::contestants::Name;
use crate::report::{Report, Table};
use crate::rounds::{self, CONFIDENCE, Measurement, Sample};
use crate::server::Server;
use crate::stats::{interval_of_median, median};
use serde_json::json;
use std::cell::RefCell;
use std::process::Command;
use std::time::{Duration, Instant};

/// 100 messages a second.
const DISTANCE: Duration = Duration::from_millis(10);
const PHASES: [&str; 3] = ["all read", "half have stopped", "those are gone"];
/// Messages of each phase, and before them. The second is longer than those who stopped may stay.
const WARM_UP: usize = 100;
const MESSAGES: [usize; 3] = [500, 1_400, 500];
/// Every so many messages the server's queues are looked at, until all are full.
const LOOK: usize = 5;
/// A look at the queues of a thousand connections takes four milliseconds: nobody shall be late for it.
const LOOKING: Duration = Duration::from_millis(6);
/// When the server's memory is read: just before the first are closed.
const FULL: Duration = Duration::from_secs(9);
/// What is aimed at: the others' 99th percentile, times that of when all read; from first short write to the end.
const LATENESS: f64 = 1.25;
const CLOSED: Duration = Duration::from_secs(11);

/// What one round showed.
struct Outcome {
    name: &'static str,
    latencies: [Latencies; 3],
    stopped: usize,
    /// How long each lived: after it had stopped, and at most after its first short write.
    lived: Vec<(Duration, Option<Duration>)>,
    /// Bytes that the server holds: when all read, when nearly all of the wait is over, and at the end.
    resident: [Option<u64>; 3],
}

pub(crate) fn run(options: &Options) -> Result<()> {
    let roomies = chosen(&options.common, &[Name::Sockeye])?;
    if roomies
        .iter()
        .any(|roomy| roomy.contestant.name != "sockeye")
    {
        return Err(
            "--stalled is about sockeye; the others have no deadline for who does not read".into(),
        );
    }
    let mut programs = programs(&options.common, &roomies)?;
    for program in &mut programs {
        if takes_send_buffer(program)? {
            *program = with_small_buffer(program.clone());
        } else {
            eprintln!(
                "{} has no {SEND_BUFFER}: the kernel takes megabytes for those who stopped, and none is closed here",
                program.name
            );
        }
    }
    rounds::pin(&options.common)?;
    let outcomes = RefCell::new(Vec::new());
    let measurement = rounds::interleaved(&programs, &options.rounds, |program| {
        let (samples, outcome) = round(options, program)?;
        outcomes.borrow_mut().push(outcome);
        Ok(samples)
    })?;
    let contestants: Vec<_> = roomies.iter().map(|roomy| &roomy.contestant).collect();
    let mut outcomes = outcomes.into_inner();
    report(options, &programs, &measurement, &mut outcomes).publish(&options.common, &contestants)
}

fn takes_send_buffer(program: &Program) -> Result<bool> {
    let help = Command::new(&program.path)
        .args(["broadcast", "--help"])
        .output()?;
    Ok(String::from_utf8_lossy(&help.stdout).contains(SEND_BUFFER))
}

/// The three phases in one process.
fn round(options: &Options, program: &Program) -> Result<(Vec<Sample>, Outcome)> {
    let server = Server::start(program, options.common.server_core, &[])?;
    let members = options.members(&[1000])[0];
    let size = options.size.unwrap_or(1024);
    let mut audience = Audience::open(server.addr, members, size)?;
    audience.listen(WARM_UP, DISTANCE, |_, _| Ok(()))?;
    let mut latencies = <[Latencies; 3]>::default();
    let mut resident = [None; 3];
    let mut samples = Vec::new();
    let mut stopped_at = Instant::now();
    let mut filling = vec![Filling::default(); audience.stopped().count()];
    for phase in 0..PHASES.len() {
        if phase == 1 {
            resident[0] = Some(server.resident()?);
            stopped_at = Instant::now();
            audience.stop_half()?;
        }
        samples.push(rounds::sampled(&server, || {
            let mut messages = 0;
            latencies[phase] = audience.listen(MESSAGES[phase], DISTANCE, |audience, left| {
                messages += 1;
                if phase == 1 && messages >= LOOK && left >= LOOKING {
                    messages = 0;
                    look(&server, audience, stopped_at, &mut filling)?;
                    if resident[1].is_none() && stopped_at.elapsed() >= FULL {
                        resident[1] = Some(server.resident()?);
                    }
                }
                Ok(())
            })?;
            let time = DISTANCE * u32::try_from(MESSAGES[phase])?;
            Ok(((MESSAGES[phase] * members) as u64, time))
        })?);
    }
    resident[2] = Some(server.resident()?);
    let lived = audience
        .stopped()
        .zip(&filling)
        .filter_map(|((_, gone), filling)| {
            let lived = gone?.saturating_duration_since(stopped_at);
            let full = filling.full_not_before();
            Some((lived, full.map(|full| lived.saturating_sub(full))))
        });
    let outcome = Outcome {
        name: program.name,
        latencies,
        stopped: filling.len(),
        lived: lived.collect(),
        resident,
    };
    Ok((samples, outcome))
}

/// Notes how full the way to each of those who stopped is; nothing to do once all are full.
fn look(
    server: &Server,
    audience: &Audience,
    stopped_at: Instant,
    filling: &mut [Filling],
) -> Result<()> {
    if filling
        .iter()
        .all(|filling| filling.full_not_before().is_some())
    {
        return Ok(());
    }
    let now = stopped_at.elapsed();
    let queued = queued(server.addr.port())?;
    for ((port, gone), filling) in audience.stopped().zip(filling) {
        if let (Some(bytes), None) = (queued.get(&port), gone) {
            filling.look(now, *bytes);
        }
    }
    Ok(())
}

impl Outcome {
    fn p99(&mut self, phase: usize) -> f64 {
        self.latencies[phase].percentile(0.99).as_secs_f64() * 1e3
    }

    fn longest(&self) -> Option<Duration> {
        let known = self.lived.iter().map(|(_, after_full)| *after_full);
        known.collect::<Option<Vec<_>>>()?.into_iter().max()
    }

    fn are_all_gone(&self) -> bool {
        self.lived.len() == self.stopped
    }
}

fn report(
    options: &Options,
    programs: &[Program],
    measurement: &Measurement,
    outcomes: &mut [Outcome],
) -> Report {
    let mut tables = Vec::new();
    let mut notes = vec![format!(
        "{} rounds; one process goes through all phases, of {MESSAGES:?} messages, 100 a second; every other member \
         stops, with a receive buffer of 4 KiB (SO_RCVBUF, which the kernel doubles), and the server's send buffer is \
         64 KiB. A message is late from the moment it was due. Median over the rounds; ratios within each.",
        options.rounds.rounds
    )];
    notes.push(
        "The first short write is not seen from outside. It was not before the look at the server's queues \
         (/proc/net/tcp, every 50 ms) after which that queue grew for the last time: what is said from there is an \
         upper bound."
            .to_owned(),
    );
    for (index, program) in programs.iter().enumerate() {
        let mut of: Vec<_> = outcomes
            .iter_mut()
            .filter(|outcome| outcome.name == program.name)
            .collect();
        let busy = |phase: usize| measurement.series[index][phase].median(Sample::busy);
        tables.push(latencies(program.name, &mut of, busy));
        notes.push(lateness(program.name, &mut of));
        notes.push(endings(program, &of));
    }
    Report {
        title: "Rooms: half of the members do not read".to_owned(),
        tables,
        notes,
        json: json!({
            "command": "rooms --stalled",
            "rounds": options.rounds.rounds,
            "stolen": measurement.stolen,
            "results": outcomes.iter_mut().map(|outcome| json!({
                "contestant": outcome.name,
                "p99_ms": [outcome.p99(0), outcome.p99(1), outcome.p99(2)],
                "stopped": outcome.stopped,
                "closed": outcome.lived.len(),
                "longest_seconds": outcome.longest().map(|longest| longest.as_secs_f64()),
                "resident": outcome.resident,
            })).collect::<Vec<_>>(),
        }),
    }
}

fn latencies(name: &str, outcomes: &mut [&mut Outcome], busy: impl Fn(usize) -> f64) -> Table {
    let head = [
        "phase",
        "p50 ms",
        "p99 ms",
        "p99.9 ms",
        "largest ms",
        "server busy",
        "server's memory MiB",
    ];
    let rows = (0..PHASES.len()).map(|phase| {
        let mut row = vec![PHASES[phase].to_owned()];
        for part in [0.5, 0.99, 0.999, 1.0] {
            let values: Vec<_> = outcomes
                .iter_mut()
                .map(|outcome| outcome.latencies[phase].percentile(part).as_secs_f64() * 1e3)
                .collect();
            row.push(format!("{:.3}", median(&values)));
        }
        let resident: Vec<_> = outcomes
            .iter()
            .map(|outcome| outcome.resident[phase].map_or(f64::NAN, |bytes| bytes as f64))
            .collect();
        row.push(format!("{:.0}%", 100.0 * busy(phase)));
        row.push(format!("{:.1}", median(&resident) / 1024.0 / 1024.0));
        row
    });
    Table {
        title: format!("{name}: how late messages were at those who always read"),
        head: head.map(str::to_owned).to_vec(),
        rows: rows.collect(),
    }
}

fn lateness(name: &str, outcomes: &mut [&mut Outcome]) -> String {
    let ratios: Vec<_> = outcomes
        .iter_mut()
        .map(|outcome| outcome.p99(1) / outcome.p99(0))
        .collect();
    let (ratio, interval) = (median(&ratios), interval_of_median(&ratios, CONFIDENCE));
    format!(
        "{name}: aim at a p99 of at most {LATENESS} times that of when all read; {ratio:.3} ({:.3}-{:.3}, which covers \
         the median with {:.1}%), {}.",
        interval.low,
        interval.high,
        100.0 * interval.coverage,
        met(ratio <= LATENESS)
    )
}

fn endings(program: &Program, outcomes: &[&mut Outcome]) -> String {
    let name = program.name;
    if !program.args.contains(&SEND_BUFFER) {
        return format!(
            "{name}: without {SEND_BUFFER} the kernel takes megabytes for a member that does not read; nothing can be \
             said of when it is closed."
        );
    }
    let closed: usize = outcomes.iter().map(|outcome| outcome.lived.len()).sum();
    let stopped: usize = outcomes.iter().map(|outcome| outcome.stopped).sum();
    let all_gone = outcomes.iter().all(|outcome| outcome.are_all_gone());
    let ends = outcomes.iter().flat_map(|outcome| &outcome.lived);
    let after_stop = ends.map(|(after_stop, _)| *after_stop).max();
    let longest: Option<Vec<_>> = outcomes.iter().map(|outcome| outcome.longest()).collect();
    let longest = longest.and_then(|longest| longest.into_iter().max());
    format!(
        "{name}: aim at all of those who stopped being closed within {} s of their first short write; {closed} of \
         {stopped} were closed, at most {} s after it (and {} s after they had stopped), {}.",
        CLOSED.as_secs(),
        seconds(longest),
        seconds(after_stop),
        met(all_gone && longest.is_some_and(|longest| longest <= CLOSED))
    )
}

fn seconds(time: Option<Duration>) -> String {
    time.map_or_else(
        || "?".to_owned(),
        |time| format!("{:.2}", time.as_secs_f64()),
    )
}
