//! `speed`: messages per second, and the server's CPU time for each, in interleaved rounds.

use crate::Result;
use crate::building::{Flavour, Program};
use crate::comparison;
use crate::load::{Load, Shape, Until};
use crate::options::{Common, Content, Rounds, Setup};
use crate::rounds::{self, Sample};
use crate::server::Server;
use clap::Args;
use std::str::FromStr;
use std::time::Duration;

/// Messages per second, and the server's CPU time for each (the default)
#[derive(Args, Clone, Debug)]
#[command(after_help = "Examples:\n  \
    benches/versus/run speed\n  \
    benches/versus/run speed --only sockeye,uwebsockets --rounds 30 --seconds 3\n  \
    benches/versus/run speed --only sockeye --also /tmp/older/target/release/sockeye\n  \
    benches/versus/run speed --load 20x64x1,1048576x4x1 --text=mixed --markdown speed.md")]
pub(crate) struct Options {
    #[command(flatten)]
    common: Common,
    #[command(flatten)]
    rounds: Rounds,
    #[command(flatten)]
    content: Content,
    /// Payload bytes × connections × messages sent at once on each; several separated by commas
    #[arg(
        long,
        value_delimiter = ',',
        default_value = "20x64x1,20x64x16",
        value_name = "SIZExCONNECTIONSxPIPELINE"
    )]
    load: Vec<LoadOption>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct LoadOption {
    size: usize,
    connections: usize,
    pipeline: usize,
}

impl FromStr for LoadOption {
    type Err = String;

    fn from_str(text: &str) -> std::result::Result<Self, String> {
        let numbers: Vec<_> = text.split('x').map(str::parse).collect();
        match numbers[..] {
            [Ok(size), Ok(connections @ 1..), Ok(pipeline @ 1..)] => Ok(Self {
                size,
                connections,
                pipeline,
            }),
            _ => Err("write three numbers, as in 20x64x16".to_owned()),
        }
    }
}

pub(crate) fn run(options: &Options) -> Result<()> {
    let contestants = options.common.contestants();
    let mut programs = options.common.programs(Flavour::Timed)?;
    programs.extend(comparison::once_more(&programs));
    rounds::pin(&options.common)?;
    let shapes: Vec<_> = options
        .load
        .iter()
        .map(|load| options.shape(*load))
        .collect();
    let measurement = rounds::interleaved(&programs, &options.rounds, |program| {
        shapes
            .iter()
            .map(|shape| sample(&options.common, &options.rounds, program, *shape))
            .collect()
    })?;
    let loads = shapes.iter().map(|shape| shape.to_string()).collect();
    let what = comparison::What {
        command: "speed",
        unit: "message",
        loads,
    };
    comparison::report(&what, &measurement, &options.rounds).publish(&options.common, &contestants)
}

impl Options {
    fn shape(&self, load: LoadOption) -> Shape {
        Shape {
            size: load.size,
            connections: load.connections,
            pipeline: load.pipeline,
            payload: self.content.payload(),
        }
    }
}

/// A server of its own, warmed up, then measured.
pub(crate) fn sample(
    setup: &Setup,
    rounds: &Rounds,
    program: &Program,
    shape: Shape,
) -> Result<Sample> {
    let server = Server::start(program, setup.server_core, &[])?;
    let mut load = Load::open(server.addr, shape, program.contestant.reply)?;
    load.run(Until::Elapsed(rounds.warm_up()))?;
    rounds::sampled(&server, || {
        let done = load.run(Until::Elapsed(Duration::from_secs_f64(rounds.seconds)))?;
        Ok((done.messages, done.elapsed))
    })
}

#[cfg(test)]
mod tests {
    use super::LoadOption;

    #[test]
    fn a_load_is_three_numbers() {
        let load: LoadOption = "20x64x16".parse().unwrap();
        assert_eq!((load.size, load.connections, load.pipeline), (20, 64, 16));
        for wrong in ["", "20", "20x64", "20x0x1", "20x64x0", "axbxc", "1x2x3x4"] {
            assert!(wrong.parse::<LoadOption>().is_err(), "{wrong}");
        }
    }
}
