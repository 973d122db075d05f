//! `cost`: what a server executes in user space where there is no node, built with the backplane and without, counted by
//! valgrind.
//!
//! Two runs that differ in the number of messages alone are subtracted, so start, handshakes and end fall out.

use crate::Result;
use crate::process::Process;
use crate::report::{Out, Report};
use crate::serve::room;
use crate::wire::{self, Kind};
use clap::Args;
use serde_json::json;
use std::fs;
use std::io::{Read, Write};
use std::process::Command;

/// Instructions for a message where there is no node, of several builds
#[derive(Args, Clone, Debug)]
pub(crate) struct Options {
    /// A build of this program, as NAME=PATH; differences are to the first
    #[arg(long = "build", required = true, value_name = "NAME=PATH")]
    builds: Vec<String>,
    /// Messages of the shorter run; the longer one has twice as many
    #[arg(long, default_value_t = 8_000, value_name = "NUMBER")]
    messages: usize,
    /// How often each is counted
    #[arg(long, default_value_t = 5, value_name = "NUMBER")]
    rounds: usize,
    #[command(flatten)]
    out: Out,
}

#[derive(Clone, Copy, Debug)]
struct Scenario {
    name: &'static str,
    size: usize,
    at_once: usize,
    /// Of the room that it is published to; 0: it is echoed.
    members: usize,
}

const fn echo(name: &'static str, at_once: usize) -> Scenario {
    Scenario {
        name,
        size: 20,
        at_once,
        members: 0,
    }
}

const fn published(name: &'static str, members: usize, at_once: usize) -> Scenario {
    Scenario {
        name,
        size: 64,
        at_once,
        members,
    }
}

const SCENARIOS: [Scenario; 6] = [
    echo("echo of 20 B", 1),
    echo("the same, sixteen in a read", 16),
    published("delivery of 64 B in a room of 1", 1, 1),
    published("in a room of 16", 16, 1),
    published("in a room of 128", 128, 1),
    published("in a room of 16, sixteen in a read", 16, 16),
];

pub(crate) fn run(options: &Options) -> Result<()> {
    let mut builds = Vec::new();
    for build in &options.builds {
        let parts = build.split_once('=');
        builds.push(parts.ok_or("--build wants NAME=PATH")?);
    }
    // Builds take turns, so that none has the quiet hours of the machine.
    let mut counts = vec![[const { Vec::new() }; SCENARIOS.len()]; builds.len()];
    for round in 1..=options.rounds.max(1) {
        for ((name, path), counts) in builds.iter().zip(&mut counts) {
            eprintln!("round {round}: {name} …");
            for (scenario, counts) in SCENARIOS.iter().zip(counts) {
                counts.push(per_delivery(path, *scenario, options.messages)?);
                counts.sort_by(f64::total_cmp);
            }
        }
    }
    let mut head = vec!["instructions for one"];
    for (number, (name, _)) in builds.iter().enumerate() {
        head.push(name);
        head.extend((number > 0).then_some("difference"));
    }
    let mut rows = Vec::new();
    for (number, scenario) in SCENARIOS.iter().enumerate() {
        let mut row = vec![scenario.name.to_owned()];
        let first = median(&counts[0][number]);
        for (build, counts) in counts.iter().enumerate() {
            let counts = &counts[number];
            let range = counts[counts.len() - 1] - counts[0];
            row.push(format!("{:.1} ± {:.1}", median(counts), range / 2.0));
            row.extend((build > 0).then(|| format!("{:+.1}", median(counts) - first)));
        }
        rows.push(row);
    }
    let all: Vec<_> = builds
        .iter()
        .zip(&counts)
        .map(|((name, _), counts)| json!({ "build": name, "instructions": counts }))
        .collect();
    let scenarios = SCENARIOS.map(|scenario| scenario.name);
    let report = Report {
        name: "cost",
        title: "Instructions where there is no node",
        head,
        rows,
        notes: format!(
            "In user space, of the whole server: a run with {} messages or deliveries less one with {}, divided by what is \
             between. The median of {} rounds, and half of the range that they cover. Who publishes is no member. The \
             next is sent when everybody has the last.",
            2 * options.messages,
            options.messages,
            options.rounds
        ),
        json: json!({ "scenarios": scenarios, "builds": all }),
    };
    report.publish(&options.out)
}

fn median(sorted: &[f64]) -> f64 {
    sorted[sorted.len() / 2]
}

fn per_delivery(path: &str, scenario: Scenario, messages: usize) -> Result<f64> {
    // Many members, few messages: it is deliveries that take time.
    let turns = (messages / scenario.members.max(1) / scenario.at_once).max(20);
    let fewer = counted(path, scenario, turns)?;
    let more = counted(path, scenario, 2 * turns)?;
    let deliveries = turns * scenario.at_once * scenario.members.max(1);
    Ok((more as f64 - fewer as f64) / deliveries as f64)
}

/// One run, from the server's first to its last instruction.
fn counted(path: &str, scenario: Scenario, turns: usize) -> Result<u64> {
    let log = std::env::temp_dir().join(format!("sockeye-cost-{}", std::process::id()));
    let mut command = Command::new("valgrind");
    command.args(["--tool=callgrind", "--callgrind-out-file=/dev/null"]);
    command.arg(format!("--log-file={}", log.display()));
    let (server, addr) = Process::serve(command.args([path, "serve"]))?;
    let mut speaker = wire::connect(addr)?;
    let joined = (0..scenario.members).map(|_| wire::join(addr, [room(0)].into_iter()));
    let mut members = joined.collect::<Result<Vec<_>>>()?;
    let (kind, payload) = match scenario.members {
        0 => (Kind::Text, vec![b'x'; scenario.size]),
        // Room 0.
        _ => (Kind::Binary, vec![0; scenario.size]),
    };
    let mut frames = Vec::new();
    for _ in 0..scenario.at_once {
        wire::frame(kind, &payload, &mut frames);
    }
    let mut delivered = vec![0; scenario.at_once * (2 + scenario.size)];
    for _ in 0..turns {
        speaker.write_all(&frames)?;
        if members.is_empty() {
            speaker.read_exact(&mut delivered)?;
        }
        for member in &mut members {
            member.read_exact(&mut delivered)?;
        }
    }
    // The connections end before the server: so both runs end alike.
    drop((speaker, members));
    server.stop()?;
    let said = fs::read_to_string(&log)?;
    fs::remove_file(&log)?;
    let line = said
        .lines()
        .find_map(|line| line.split_once("Collected : "));
    let count = line.and_then(|line| line.1.replace(',', "").trim().parse().ok());
    count.ok_or_else(|| format!("valgrind counted nothing:\n{said}").into())
}
