//! Options that several commands share.

use crate::Result;
use crate::building::{Flavour, Program, build};
use crate::contestants::{self, Contestant, Name};
use crate::load::frame::{Payload, Script};
use clap::Args;
use clap::builder::RangedU64ValueParser;
use std::ops::{Deref, RangeBounds};
use std::path::PathBuf;
use std::time::Duration;

/// Who takes part, and where the results go.
#[derive(Args, Clone, Debug)]
pub(crate) struct Common {
    #[command(flatten)]
    setup: Setup,
    /// Write the results there as JSON, too
    #[arg(long, value_name = "FILE")]
    pub(crate) json: Option<PathBuf>,
    /// Write the results there as Markdown, too
    #[arg(long, value_name = "FILE")]
    pub(crate) markdown: Option<PathBuf>,
}

impl Deref for Common {
    type Target = Setup;

    fn deref(&self) -> &Setup {
        &self.setup
    }
}

/// Who takes part, and on which cores.
#[derive(Args, Clone, Debug)]
pub(crate) struct Setup {
    /// Only these contestants, separated by commas
    #[arg(long, value_enum, value_delimiter = ',', value_name = "NAMES")]
    pub(crate) only: Vec<Name>,
    /// Another build of the program `sockeye`, to compare two versions within rounds
    #[arg(long, value_name = "FILE")]
    also: Option<PathBuf>,
    /// The core that the servers run on
    #[arg(long, default_value_t = 0, value_name = "CORE")]
    pub(crate) server_core: usize,
    /// The core that the load runs on
    #[arg(long, default_value_t = 1, value_name = "CORE")]
    pub(crate) client_core: usize,
}

impl Setup {
    pub(crate) fn contestants(&self) -> Vec<&'static Contestant> {
        contestants::chosen(&self.only)
    }

    /// The same, built, and the other build.
    pub(crate) fn programs(&self, flavour: Flavour) -> Result<Vec<Program>> {
        let mut programs = build(&self.contestants(), flavour)?;
        programs.extend(self.other()?);
        Ok(programs)
    }

    /// The other build of Sockeye, if there is one.
    pub(crate) fn other(&self) -> Result<Option<Program>> {
        let Some(path) = &self.also else {
            return Ok(None);
        };
        let path = path
            .canonicalize()
            .map_err(|error| format!("{}: {error}", path.display()))?;
        Ok(Some(Program::sockeye("other sockeye", path)))
    }
}

/// What the messages consist of.
#[derive(Args, Clone, Debug)]
pub(crate) struct Content {
    /// Text instead of binary messages: ascii (default) or mixed
    #[arg(long, value_enum, value_name = "SCRIPT", num_args = 0..=1, require_equals = true,
        default_missing_value = "ascii")]
    text: Option<Script>,
}

impl Content {
    pub(crate) fn payload(&self) -> Payload {
        self.text.map_or(Payload::Binary, Payload::Text)
    }
}

/// How often, and how long.
#[derive(Args, Clone, Debug)]
pub(crate) struct Rounds {
    /// Rounds; an interval of 95% wants 6 at least, a narrow one 20 and more
    #[arg(long, default_value_t = 20, value_name = "NUMBER", value_parser = number(1..=1000))]
    pub(crate) rounds: usize,
    /// How long each contestant is measured in each round
    #[arg(long, default_value_t = 2.0, value_name = "SECONDS")]
    pub(crate) seconds: f64,
    /// Where the order of the rounds begins
    #[arg(long, default_value_t = 6455, value_name = "NUMBER", value_parser = clap::value_parser!(u64).range(1..))]
    pub(crate) seed: u64,
}

/// Reads a number within a range.
pub(crate) fn number(range: impl RangeBounds<u64>) -> RangedU64ValueParser<usize> {
    RangedU64ValueParser::new().range(range)
}

impl Rounds {
    /// Page faults, TCP's tuning of its buffers and the processor's clock are over after that.
    pub(crate) fn warm_up(&self) -> Duration {
        Duration::from_secs_f64((self.seconds / 4.0).min(0.5))
    }
}
