//! Rounds: every contestant once per round, in an order that changes, each time as a new process.
//!
//! What the machine does meanwhile (its neighbours, its clock, its caches) changes slowly beside a round, so it meets
//! all contestants of a round alike, and ratios are taken within rounds only. A new process draws new addresses, which
//! can make some percent.

use crate::Result;
use crate::building::Program;
use crate::options::{Rounds, Setup};
use crate::server::Server;
use crate::stats::{Interval, interval_of_median, median};
use rustix::thread::{CpuSet, sched_setaffinity};
use rustix::time::{ClockId, clock_gettime};
use std::fs;
use std::io::{IsTerminal, Write, stderr};
use std::time::{Duration, Instant};

pub(crate) const CONFIDENCE: f64 = 0.95;

/// What one contestant did in one round.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Sample {
    /// Messages, or whatever was counted.
    pub(crate) count: u64,
    pub(crate) elapsed: Duration,
    /// What the server had of its core.
    pub(crate) cpu: Duration,
    /// What the load had of its own.
    pub(crate) load: Duration,
}

impl Sample {
    pub(crate) fn rate(&self) -> f64 {
        self.count as f64 / self.elapsed.as_secs_f64()
    }

    pub(crate) fn cpu_each(&self) -> f64 {
        self.cpu.as_nanos() as f64 / self.count as f64
    }

    pub(crate) fn busy(&self) -> f64 {
        self.cpu.as_secs_f64() / self.elapsed.as_secs_f64()
    }

    pub(crate) fn load_busy(&self) -> f64 {
        self.load.as_secs_f64() / self.elapsed.as_secs_f64()
    }
}

/// A contestant's samples of one load, one per round.
#[derive(Clone, Debug)]
pub(crate) struct Series {
    pub(crate) name: &'static str,
    pub(crate) samples: Vec<Sample>,
}

/// How many times the first is ahead of the second, with the interval that holds the true median.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Ratio {
    pub(crate) median: f64,
    pub(crate) interval: Interval,
}

impl Series {
    pub(crate) fn median(&self, of: impl Fn(&Sample) -> f64) -> f64 {
        median(&self.samples.iter().map(of).collect::<Vec<_>>())
    }

    /// The median of the ratios of each round: not the ratio of medians, which mixes rounds.
    pub(crate) fn ratio(&self, other: &Self, of: impl Fn(&Sample) -> f64) -> Ratio {
        let pairs = self.samples.iter().zip(&other.samples);
        let ratios: Vec<_> = pairs.map(|(a, b)| of(a) / of(b)).collect();
        Ratio {
            median: median(&ratios),
            interval: interval_of_median(&ratios, CONFIDENCE),
        }
    }
}

/// Everybody's samples.
pub(crate) struct Measurement {
    /// Per program, per load.
    pub(crate) series: Vec<Vec<Series>>,
    /// The part of the time that the hypervisor gave to others meanwhile.
    pub(crate) stolen: Option<f64>,
}

/// Measures each program in each round; `measure` returns one sample per load.
pub(crate) fn interleaved(
    programs: &[Program],
    options: &Rounds,
    measure: impl Fn(&Program) -> Result<Vec<Sample>>,
) -> Result<Measurement> {
    let (rounds, stolen) = in_rounds(programs, options, measure)?;
    let series = programs.iter().zip(rounds).map(|(program, rounds)| {
        let loads = rounds.first().map_or(0, Vec::len);
        let series = (0..loads).map(|load| Series {
            name: program.name,
            samples: rounds.iter().map(|samples| samples[load]).collect(),
        });
        series.collect()
    });
    Ok(Measurement {
        series: series.collect(),
        stolen,
    })
}

/// The same of anything that is measured: per program, what each round brought; and the part of the time that was stolen.
pub(crate) fn in_rounds<T>(
    programs: &[Program],
    options: &Rounds,
    measure: impl Fn(&Program) -> Result<T>,
) -> Result<(Vec<Vec<T>>, Option<f64>)> {
    with_stolen(|| {
        let rounds = options.rounds;
        let mut found: Vec<Vec<T>> = programs.iter().map(|_| Vec::new()).collect();
        let mut order: Vec<_> = (0..programs.len()).collect();
        let mut random = options.seed;
        let mut progress = Progress::new(rounds * programs.len());
        for round in 0..rounds {
            shuffle(&mut order, &mut random);
            for index in &order {
                let program = &programs[*index];
                progress.show(&format!(
                    "round {} of {rounds}: {}",
                    round + 1,
                    program.name
                ));
                let measured =
                    measure(program).map_err(|error| format!("{}: {error}", program.name))?;
                found[*index].push(measured);
            }
        }
        progress.end();
        Ok(found)
    })
}

/// What comes of it, and the part of the time that was stolen meanwhile.
pub(crate) fn with_stolen<T>(measure: impl FnOnce() -> Result<T>) -> Result<(T, Option<f64>)> {
    let before = stolen();
    let measured = measure()?;
    let stolen = before.zip(stolen());
    let part = stolen.map(|(before, after)| (after.0 - before.0) / (after.1 - before.1).max(1.0));
    Ok((measured, part))
}

/// Measures what the load does between two moments when nothing is in flight and the server sleeps.
pub(crate) fn sampled(
    server: &Server,
    work: impl FnOnce() -> Result<(u64, Duration)>,
) -> Result<Sample> {
    let before = server.cpu_time()?;
    let load = own_time()?;
    let (count, elapsed) = work()?;
    let load = own_time()? - load;
    Ok(Sample {
        count,
        elapsed,
        load,
        cpu: server.cpu_time()? - before,
    })
}

/// The time that this thread, which is the load, has had on a core.
fn own_time() -> Result<Duration> {
    let time = clock_gettime(ClockId::ThreadCPUTime);
    Ok(Duration::try_from(time)?)
}

/// Keeps the load, which is this thread, on its core.
pub(crate) fn pin(setup: &Setup) -> Result<()> {
    let mut cores = CpuSet::new();
    cores.set(setup.client_core);
    if setup.client_core == setup.server_core {
        eprintln!("the load shares the server's core: nothing but instructions can be believed");
    }
    sched_setaffinity(None, &cores).map_err(|error| {
        format!(
            "cannot run on core {}: {error}; see --client-core",
            setup.client_core
        )
    })?;
    Ok(())
}

/// The part of all cores' time that the hypervisor gave to others since the machine began, and all time, in ticks.
fn stolen() -> Option<(f64, f64)> {
    let stat = fs::read_to_string("/proc/stat").ok()?;
    let fields = stat.lines().next()?.split_whitespace().skip(1);
    let ticks: Vec<f64> = fields.filter_map(|field| field.parse().ok()).collect();
    // user nice system idle iowait irq softirq steal; what guests had is in the first two already.
    Some((*ticks.get(7)?, ticks.iter().take(8).sum()))
}

/// Fisher and Yates's, with numbers from xorshift: the same seed gives the same order.
fn shuffle(order: &mut [usize], random: &mut u64) {
    for last in (1..order.len()).rev() {
        *random ^= *random << 13;
        *random ^= *random >> 7;
        *random ^= *random << 17;
        let other = (*random >> 11) % (last as u64 + 1);
        order.swap(last, other as usize);
    }
}

/// One line on standard error that says what is going on and how long it will.
pub(crate) struct Progress {
    start: Instant,
    done: usize,
    of: usize,
    terminal: bool,
}

impl Progress {
    pub(crate) fn new(of: usize) -> Self {
        Self {
            start: Instant::now(),
            done: 0,
            of,
            terminal: stderr().is_terminal(),
        }
    }

    /// Says what comes next. What is left takes as long for each as what is done did.
    pub(crate) fn show(&mut self, what: &str) {
        let left = self.start.elapsed().as_secs_f64() / self.done.max(1) as f64;
        let left = left * (self.of - self.done) as f64;
        let left = match self.done {
            0 => String::new(),
            _ if left < 90.0 => format!(", {left:.0} s left"),
            _ => format!(", {:.0} min left", left / 60.0),
        };
        if self.terminal {
            eprint!("\r\x1b[K{what}{left}");
            let _ = stderr().flush();
        } else {
            eprintln!("{what}{left}");
        }
        self.done += 1;
    }

    pub(crate) fn end(&self) {
        if self.terminal {
            eprint!("\r\x1b[K");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Sample, Series, shuffle};
    use std::time::Duration;

    fn series(rates: &[u64]) -> Series {
        let samples = rates.iter().map(|rate| Sample {
            count: *rate,
            elapsed: Duration::from_secs(1),
            cpu: Duration::from_millis(500),
            load: Duration::from_millis(250),
        });
        Series {
            name: "x",
            samples: samples.collect(),
        }
    }

    #[test]
    fn ratios_are_taken_within_rounds() {
        // The machine is twice as fast in each round; within each, the first is half as fast again.
        let (first, second) = (series(&[150, 300, 600]), series(&[100, 200, 400]));
        let ratio = first.ratio(&second, Sample::rate);
        assert_eq!(ratio.median, 1.5);
        assert_eq!((ratio.interval.low, ratio.interval.high), (1.5, 1.5));
    }

    #[test]
    fn a_sample_is_rates_and_shares() {
        let sample = series(&[1000]).samples[0];
        assert_eq!(sample.rate(), 1000.0);
        assert_eq!(sample.cpu_each(), 500_000.0);
        assert_eq!(sample.busy(), 0.5);
        assert_eq!(sample.load_busy(), 0.25);
    }

    #[test]
    fn shuffling_keeps_everybody_and_brings_all_orders() {
        let mut random = 1;
        let mut order = vec![0, 1, 2];
        let mut seen = std::collections::BTreeSet::new();
        for _ in 0..200 {
            shuffle(&mut order, &mut random);
            let mut sorted = order.clone();
            sorted.sort_unstable();
            assert_eq!(sorted, [0, 1, 2]);
            seen.insert(order.clone());
        }
        assert_eq!(seen.len(), 6);
    }
}
