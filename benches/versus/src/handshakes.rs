//! `handshakes`: opening handshakes per second, and the server's CPU time for each, in interleaved rounds.

use crate::Result;
use crate::building::{Flavour, Program};
use crate::comparison;
use crate::load::storm::storm;
use crate::options::{Common, Rounds, Setup, number};
use crate::rounds::{self, Sample};
use crate::server::Server;
use clap::Args;
use std::time::Duration;

/// Opening handshakes per second, and the server's CPU time for each
#[derive(Args, Clone, Debug)]
#[command(after_help = "Examples:\n  \
    benches/versus/run handshakes\n  \
    benches/versus/run handshakes --only sockeye,uwebsockets --at-once 256")]
pub(crate) struct Options {
    #[command(flatten)]
    common: Common,
    #[command(flatten)]
    rounds: Rounds,
    /// Handshakes in progress at once; fewer than a listener's queue holds
    #[arg(long, default_value_t = 64, value_name = "NUMBER", value_parser = number(1..=500))]
    at_once: usize,
}

pub(crate) fn run(options: &Options) -> Result<()> {
    let contestants = options.common.contestants();
    let mut programs = options.common.programs(Flavour::Timed)?;
    programs.extend(comparison::once_more(&programs));
    rounds::pin(&options.common)?;
    let measurement = rounds::interleaved(&programs, &options.rounds, |program| {
        let sample = sample(&options.common, &options.rounds, program, options.at_once);
        Ok(vec![sample?])
    })?;
    let what = comparison::What {
        command: "handshakes",
        unit: "handshake",
        loads: vec![format!(
            "{} at once, each closed by a reset",
            options.at_once
        )],
    };
    comparison::report(&what, &measurement, &options.rounds).publish(&options.common, &contestants)
}

pub(crate) fn sample(
    setup: &Setup,
    rounds: &Rounds,
    program: &Program,
    at_once: usize,
) -> Result<Sample> {
    let server = Server::start(program, setup.server_core, &[])?;
    storm(server.addr, at_once, rounds.warm_up())?;
    rounds::sampled(&server, || {
        let time = Duration::from_secs_f64(rounds.seconds);
        let done = storm(server.addr, at_once, time)?;
        Ok((done.messages, done.elapsed))
    })
}
