//! `handshakes`: opening handshakes per second, and the server's CPU time for each, in interleaved rounds.

use crate::Result;
use crate::building::{Flavour, Program};
use crate::comparison;
use crate::load::storm::storm;
use crate::options::{Common, Rounds, number};
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
        Ok(vec![options.sample(program)?])
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

impl Options {
    fn sample(&self, program: &Program) -> Result<Sample> {
        let server = Server::start(program, self.common.server_core, &[])?;
        storm(server.addr, self.at_once, self.rounds.warm_up())?;
        rounds::sampled(&server, || {
            let done = storm(
                server.addr,
                self.at_once,
                Duration::from_secs_f64(self.rounds.seconds),
            )?;
            Ok((done.messages, done.elapsed))
        })
    }
}
