//! `all`: every scenario by one command, in pieces if need be, and the pages that show what came of it. Its parts:
//!
//! | module | what |
//! |---|---|
//! | `scenarios`, `targets` | two tables: what is measured, and what is aimed at |
//! | `measure`, `in_memory` | one scenario: of servers, and without |
//! | `outcome` | what came of it, and its file |
//! | `tables`, `sheets`, `cells`, `charts` | that as Markdown and as SVG; sheets are what was measured in memory |
//! | `pages` | where they are shown |

mod cells;
mod charts;
mod in_memory;
mod measure;
mod outcome;
mod pages;
mod scenarios;
mod sheets;
mod tables;
mod targets;

use crate::options::{Rounds, Setup};
use crate::{Result, machine, rounds};
use clap::Args;
use measure::Bench;
use outcome::Outcome;
use scenarios::{ALL, Scenario};
use std::cell::RefCell;
use std::fs;
use std::path::PathBuf;
use std::time::Instant;

/// Every scenario, and the pages that show the results
#[derive(Args, Clone, Debug)]
#[command(after_help = "Examples:\n  \
    benches/versus/run all --list                        what there is, and what is measured already\n  \
    benches/versus/run all --quick                       two short rounds of each, to see that it works; shown apart\n  \
    benches/versus/run all                               what is missing, or of another commit: two hours at most\n  \
    benches/versus/run all --minutes 30                  the same, as far as it gets; once more, and it goes on\n  \
    benches/versus/run all --scenario pipelined,idle --again\n  \
    benches/versus/run all --render                      the pages anew, from the results that there are\n\n\
    Results are files in --results, one for each scenario. Those of the repository are shown in benches/README.md and\n\
    in README.md; others in report.md beside them.")]
pub(crate) struct Options {
    #[command(flatten)]
    setup: Setup,
    /// Rounds; a ratio of fewer than 20 is no result
    #[arg(long, default_value_t = 20, value_name = "NUMBER", value_parser = crate::options::number(1..=1000))]
    rounds: usize,
    /// How long each contestant is measured in each round
    #[arg(long, default_value_t = 1.0, value_name = "SECONDS")]
    seconds: f64,
    /// Where the order of the rounds begins
    #[arg(long, default_value_t = 6455, value_name = "NUMBER", value_parser = clap::value_parser!(u64).range(1..))]
    seed: u64,
    /// Only scenarios whose names begin with one of these, separated by commas
    #[arg(long, value_delimiter = ',', value_name = "NAMES")]
    scenario: Vec<String>,
    /// Two rounds of 0.3 s, in a directory of their own
    #[arg(long, conflicts_with_all = ["rounds", "seconds"])]
    quick: bool,
    /// Begin no scenario that would not be done by then
    #[arg(long, value_name = "NUMBER")]
    minutes: Option<f64>,
    /// Measure also what is measured already
    #[arg(long)]
    again: bool,
    /// Let results stand that are of another commit
    #[arg(long, conflicts_with = "again")]
    keep: bool,
    /// Measure nothing; write the pages
    #[arg(long)]
    render: bool,
    /// Say what there is, and measure nothing
    #[arg(long)]
    list: bool,
    /// Where results are kept [default: benches/versus/results; with --quick, benches/versus/target/quick]
    #[arg(long, value_name = "DIRECTORY")]
    results: Option<PathBuf>,
}

pub(crate) fn run(options: &Options) -> Result<()> {
    let dir = options.dir();
    fs::create_dir_all(&dir)?;
    if options.list {
        return options.list();
    }
    if !options.render {
        options.measure()?;
    }
    for (path, text) in pages::render(&dir)? {
        if fs::read_to_string(&path).is_ok_and(|found| found == text) {
            continue;
        }
        fs::write(&path, text).map_err(|error| format!("{}: {error}", path.display()))?;
        println!("wrote {}", path.display());
    }
    Ok(())
}

impl Options {
    fn dir(&self) -> PathBuf {
        let default = if self.quick {
            crate::building::here().join("target/quick")
        } else {
            pages::results_dir()
        };
        self.results.clone().unwrap_or(default)
    }

    fn rounds(&self) -> Rounds {
        let (rounds, seconds) = if self.quick {
            (2, 0.3)
        } else {
            (self.rounds, self.seconds)
        };
        Rounds {
            rounds,
            seconds,
            seed: self.seed,
        }
    }

    fn chosen(&self) -> Result<Vec<&'static Scenario>> {
        let begins = |scenario: &&Scenario| {
            let names = &self.scenario;
            names.is_empty() || names.iter().any(|name| scenario.name.starts_with(&**name))
        };
        let chosen: Vec<_> = ALL.iter().filter(begins).collect();
        if chosen.is_empty() {
            return Err("no scenario has such a name; see --list".into());
        }
        Ok(chosen)
    }

    /// Whether a result need not be measured again.
    fn stands(&self, scenario: &Scenario, outcome: &Outcome, commit: &str) -> bool {
        let of = &outcome.provenance;
        let is_enough = !scenario.kind.has_rounds() || of.rounds >= self.rounds().rounds;
        is_enough && !self.again && (self.keep || of.commit == commit)
    }

    fn measure(&self) -> Result<()> {
        let (start, dir) = (Instant::now(), self.dir());
        let rounds = self.rounds();
        let bench = Bench {
            setup: &self.setup,
            rounds: &rounds,
            built: RefCell::default(),
        };
        let mut missing = Vec::new();
        for scenario in self.chosen()? {
            let commit = machine::commit(scenario.kind.sources());
            let outcome = Outcome::read(&dir, scenario.name)?;
            if !outcome.is_some_and(|outcome| self.stands(scenario, &outcome, &commit)) {
                missing.push(scenario);
            }
        }
        rounds::pin(&self.setup)?;
        let (mut failed, mut late) = (Vec::new(), Vec::new());
        for (index, scenario) in missing.iter().enumerate() {
            let left = missing[index..]
                .iter()
                .map(|scenario| bench.estimate(scenario));
            let left = left.sum::<f64>() / 60.0;
            let until = start.elapsed().as_secs_f64() + bench.estimate(scenario);
            if self.minutes.is_some_and(|minutes| until > minutes * 60.0) {
                late.push(scenario.name);
                continue;
            }
            eprintln!(
                "{} of {}: {} ({}); about {left:.0} min left",
                index + 1,
                missing.len(),
                scenario.name,
                scenario.label
            );
            match bench.measure(scenario) {
                Ok(outcome) => outcome.write(&dir)?,
                Err(error) => {
                    eprintln!("versus: {}: {error}", scenario.name);
                    failed.push(scenario.name);
                }
            }
        }
        if !late.is_empty() {
            eprintln!("no time for {}; run it once more to go on", late.join(", "));
        }
        if failed.is_empty() {
            return Ok(());
        }
        Err(format!("failed: {}", failed.join(", ")).into())
    }

    fn list(&self) -> Result<()> {
        for scenario in self.chosen()? {
            let state = Outcome::read(&self.dir(), scenario.name)?.map_or_else(
                || "not measured".to_owned(),
                |outcome| {
                    let of = outcome.provenance;
                    format!("{} {}, {} rounds", of.date, of.commit, of.rounds)
                },
            );
            println!("{:24}{:44}{state}", scenario.name, scenario.label);
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::Options;
    use super::outcome::tests::outcome;
    use super::scenarios::ALL;

    #[test]
    fn a_result_stands_if_it_is_of_this_commit_and_of_enough_rounds() {
        let timed = ALL.iter().find(|scenario| scenario.kind.has_rounds());
        let counted = ALL.iter().find(|scenario| !scenario.kind.has_rounds());
        let options = crate::defaults::<Options>;
        let again = Options {
            again: true,
            ..options()
        };
        let keep = Options {
            keep: true,
            ..options()
        };
        let table = [
            (timed, options(), 20, "abc", true),
            (timed, options(), 19, "abc", false),
            (timed, options(), 20, "def", false),
            (timed, keep.clone(), 20, "def", true),
            (timed, keep, 19, "def", false),
            (timed, again.clone(), 20, "abc", false),
            (counted, options(), 0, "abc", true),
            (counted, options(), 0, "abc+", false),
            (counted, again, 0, "abc", false),
        ];
        for (scenario, options, rounds, commit, stands) in table {
            let outcome = outcome("x", rounds, &[("sockeye", 1.0)]);
            let found = options.stands(scenario.unwrap(), &outcome, commit);
            assert_eq!(found, stands, "{rounds} rounds of {commit}");
        }
    }
}
