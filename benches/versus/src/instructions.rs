//! `instructions`: what a server executes in user space for one message, counted by valgrind.
//!
//! Two runs that differ in the number of messages alone are subtracted, so start, handshakes and end fall out.
//! Instructions are no time: they say how much code stands between the two system calls, and hardly vary.

use crate::Result;
use crate::building::{Flavour, Program};
use crate::load::{Load, Shape, Until};
use crate::options::{Common, Content};
use crate::report::{Report, Table};
use crate::scratch::Scratch;
use crate::server::Server;
use crate::tools;
use clap::Args;
use serde_json::json;
use std::ffi::OsString;
use std::fs;
use std::path::Path;

/// User instructions per message, by valgrind
#[derive(Args, Clone, Debug)]
#[command(after_help = "Examples:\n  \
    benches/versus/run instructions\n  \
    benches/versus/run instructions --only sockeye,uwebsockets --size 16384 --text=mixed --pipeline 1")]
pub(crate) struct Options {
    #[command(flatten)]
    common: Common,
    #[command(flatten)]
    content: Content,
    /// Payload bytes of a message
    #[arg(long, default_value_t = 20, value_name = "BYTES")]
    size: usize,
    /// Messages sent at once, which one read then finds; several separated by commas
    #[arg(
        long,
        value_delimiter = ',',
        default_value = "1,16",
        value_name = "NUMBERS"
    )]
    pipeline: Vec<usize>,
    /// Connections; with one, the result hardly depends on timing
    #[arg(long, default_value_t = 1, value_name = "NUMBER")]
    connections: usize,
    /// Messages of the shorter and the longer run; the result is the difference
    #[arg(long, num_args = 2, default_values_t = [2_000, 12_000], value_names = ["FEWER", "MORE"])]
    messages: Vec<u64>,
}

pub(crate) fn run(options: &Options) -> Result<()> {
    let (fewer, more) = (options.messages[0], options.messages[1]);
    if fewer >= more || options.pipeline.contains(&0) {
        return Err("--messages wants the smaller number first, and --pipeline at least 1".into());
    }
    tools::need("valgrind", "valgrind")?;
    let contestants = options.common.contestants();
    let programs = options.common.programs(Flavour::Counted)?;
    let mut counts = Vec::new();
    for program in &programs {
        let mut row = Vec::new();
        for pipeline in &options.pipeline {
            eprintln!("counting {}, {pipeline} at once …", program.contestant.name);
            row.push(per_message(options, program, *pipeline)?);
        }
        counts.push(row);
    }
    report(options, &programs, &counts).publish(&options.common, &contestants)
}

fn per_message(options: &Options, program: &Program, pipeline: usize) -> Result<f64> {
    let shape = Shape {
        size: options.size,
        connections: options.connections,
        pipeline,
        payload: options.content.payload(),
    };
    let (few_messages, few) = counted(options, program, shape, options.messages[0])?;
    let (many_messages, many) = counted(options, program, shape, options.messages[1])?;
    Ok((many as f64 - few as f64) / (many_messages - few_messages) as f64)
}

/// One run: how many messages it had, and what the server executed from its first to its last instruction.
fn counted(
    options: &Options,
    program: &Program,
    shape: Shape,
    messages: u64,
) -> Result<(u64, u64)> {
    let log = Scratch::new("callgrind");
    let mut log_file = OsString::from("--log-file=");
    log_file.push(log.path());
    let wrap = [
        "valgrind".into(),
        "--tool=callgrind".into(),
        "--callgrind-out-file=/dev/null".into(),
        log_file,
    ];
    let server = Server::start(program, options.common.server_core, &wrap)?;
    let mut load = Load::open(server.addr, shape, program.contestant.reply)?;
    let done = load.run(Until::Messages(messages))?;
    // The connections end before the server: so both runs end alike.
    drop(load);
    server.stop()?;
    Ok((done.messages, collected(log.path())?))
}

fn collected(log: &Path) -> Result<u64> {
    let text = fs::read_to_string(log)?;
    let number = text
        .lines()
        .find_map(|line| line.split_once("Collected : "))
        .ok_or_else(|| format!("valgrind counted nothing:\n{text}"))?;
    Ok(number.1.trim().parse()?)
}

fn report(options: &Options, programs: &[Program], counts: &[Vec<f64>]) -> Report {
    let name = |index: usize| programs[index].name;
    let baseline = &counts[0];
    let mut head = vec!["contestant".to_owned()];
    for pipeline in &options.pipeline {
        head.push(format!("{pipeline} per read"));
        head.push(format!("÷ {}", name(0)));
    }
    let rows = counts.iter().enumerate().map(|(index, row)| {
        let cells = row
            .iter()
            .zip(baseline)
            .flat_map(|(count, of)| [format!("{count:.1}"), format!("{:.2}", count / of)]);
        [name(index).to_owned()].into_iter().chain(cells).collect()
    });
    let json = counts.iter().enumerate().map(|(index, row)| {
        json!({
            "contestant": name(index),
            "instructions_per_message": row,
        })
    });
    Report {
        title: format!(
            "User instructions per message: {} bytes, {:?}, {} connection(s)",
            options.size,
            options.content.payload(),
            options.connections
        ),
        tables: vec![Table {
            title: "Instructions".to_owned(),
            head,
            rows: rows.collect(),
        }],
        notes: vec![format!(
            "valgrind --tool=callgrind, builds for {}; the difference of runs of {} and {} messages.",
            Flavour::Counted.cpu(),
            options.messages[0],
            options.messages[1]
        )],
        json: json!({
            "command": "instructions",
            "size": options.size,
            "connections": options.connections,
            "pipeline": options.pipeline,
            "payload": format!("{:?}", options.content.payload()),
            "messages": options.messages,
            "results": json.collect::<Vec<_>>(),
        }),
    }
}
