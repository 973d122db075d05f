//! `clients`: the rate that `sockeye bench` reaches beside that of this crate's own load, which is a bare epoll loop.
//!
//! Both ask the same server for the same, within rounds. The bare loop sends prebuilt frames and counts the bytes that
//! come back; `sockeye bench` builds and masks each message, checks every reply byte by byte and measures its latency.

use crate::Result;
use crate::building::{Flavour, Program, sockeye};
use crate::load::frame::Payload;
use crate::load::{Load, Shape, Until};
use crate::options::{Common, Rounds, number};
use crate::report::{Report, Table};
use crate::rounds::{self, Measurement, Sample};
use crate::server::Server;
use clap::Args;
use serde_json::{Value, json};
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

/// The rate of `sockeye bench` beside that of a bare epoll client
#[derive(Args, Clone, Debug)]
#[command(after_help = "Examples:\n  \
    benches/versus/run clients --only sockeye\n  \
    benches/versus/run clients --only epoll --rounds 30 --pipeline 16")]
pub(crate) struct Options {
    #[command(flatten)]
    common: Common,
    #[command(flatten)]
    rounds: Rounds,
    /// Payload bytes of a message
    #[arg(long, default_value_t = 20, value_name = "BYTES")]
    size: usize,
    /// Connections, open at the same time
    #[arg(long, default_value_t = 64, value_name = "NUMBER")]
    connections: usize,
    /// Messages in flight on a connection
    #[arg(long, default_value_t = 1, value_name = "NUMBER", value_parser = number(1..))]
    pipeline: usize,
}

pub(crate) fn run(options: &Options) -> Result<()> {
    let contestants = options.common.contestants();
    let servers = options.common.programs(Flavour::Timed)?;
    let server = servers.first().ok_or("no server to ask")?;
    let bench = sockeye(Flavour::Timed)?;
    let clients = [BENCH, BARE].map(|name| Program {
        name,
        ..server.clone()
    });
    rounds::pin(&options.common)?;
    let measurement = rounds::interleaved(&clients, &options.rounds, |client| {
        let server = Server::start(server, options.common.server_core, &[])?;
        let sample = match client.name {
            BENCH => options.bench(&bench, &server),
            _ => options.bare(client, &server),
        };
        Ok(vec![sample?])
    })?;
    options
        .report(server.name, &measurement)
        .publish(&options.common, &contestants)
}

const BENCH: &str = "sockeye bench";
const BARE: &str = "bare epoll client";

impl Options {
    const fn shape(&self) -> Shape {
        Shape {
            size: self.size,
            connections: self.connections,
            pipeline: self.pipeline,
            payload: Payload::Binary,
        }
    }

    fn bare(&self, client: &Program, server: &Server) -> Result<Sample> {
        let mut load = Load::open(server.addr, self.shape(), client.contestant.reply)?;
        load.run(Until::Elapsed(self.rounds.warm_up()))?;
        rounds::sampled(server, || {
            let done = load.run(Until::Elapsed(Duration::from_secs_f64(self.rounds.seconds)))?;
            Ok((done.messages, done.elapsed))
        })
    }

    /// It runs on the core of this thread, which waits.
    fn bench(&self, bench: &Path, server: &Server) -> Result<Sample> {
        let output = Command::new(bench)
            .args(["bench", "--json", "--no-proxy", "--connections"])
            .arg(self.connections.to_string())
            .args(["--size", &self.size.to_string()])
            .args(["--pipeline", &self.pipeline.to_string()])
            .args(["--seconds", &self.rounds.seconds.to_string()])
            .args(["--warmup", &self.rounds.warm_up().as_secs_f64().to_string()])
            .arg(format!("ws://{}/", server.addr))
            .stderr(Stdio::inherit())
            .output()?;
        let report: Value = serde_json::from_slice(&output.stdout)
            .map_err(|error| format!("sockeye bench does not report: {error}"))?;
        let number = |name: &str| {
            let found = report[name].as_f64();
            found.ok_or_else(|| format!("sockeye bench does not report {name}"))
        };
        if let Some(verdict) = report["bench"]["verdict"].as_str() {
            tell_once(verdict);
        }
        let elapsed = Duration::from_secs_f64(number("seconds")?);
        let count = number("messages_per_second")? * elapsed.as_secs_f64();
        Ok(Sample {
            #[expect(
                clippy::cast_possible_truncation,
                clippy::cast_sign_loss,
                reason = "it was one"
            )]
            count: count as u64,
            elapsed,
            // Of its start and its end, too, which are not of the measurement.
            cpu: Duration::ZERO,
            load: Duration::ZERO,
        })
    }

    fn report(&self, server: &str, measurement: &Measurement) -> Report {
        let series: Vec<_> = measurement.series.iter().map(|series| &series[0]).collect();
        let rows = series.iter().map(|series| {
            let ratio = measurement.series[0][0].ratio(series, Sample::rate);
            vec![
                series.name.to_owned(),
                format!("{:.0}", series.median(Sample::rate)),
                format!("{:.3}", ratio.median),
                format!("{:.3}–{:.3}", ratio.interval.low, ratio.interval.high),
            ]
        });
        let shape = self.shape();
        let ratio = measurement.series[0][0].ratio(series[1], Sample::rate);
        Report {
            title: format!("{BENCH} beside a {BARE}: messages per second"),
            tables: vec![Table {
                title: format!("{shape}, against {server}"),
                head: ["client", "messages/s", "rate, sockeye bench ÷ it", "95%"]
                    .map(str::to_owned)
                    .to_vec(),
                rows: rows.collect(),
            }],
            notes: vec![
                format!(
                    "{} rounds of {} s; ratios are taken within rounds.",
                    self.rounds.rounds, self.rounds.seconds
                ),
                "The bare client sends prebuilt frames and counts bytes; sockeye bench masks each message with keys of \
                 its own, compares every reply and measures its latency."
                    .to_owned(),
            ],
            json: json!({
                "command": "clients",
                "rounds": self.rounds.rounds,
                "load": shape.to_string(),
                "ratio": ratio.median,
                "low": ratio.interval.low,
                "high": ratio.interval.high,
            }),
        }
    }
}

/// What bench says of itself, the first time.
fn tell_once(verdict: &str) {
    static TOLD: std::sync::Once = std::sync::Once::new();
    TOLD.call_once(|| eprintln!("{verdict}"));
}
