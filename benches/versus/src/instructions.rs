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
            let core = options.common.server_core;
            let shape = options.shape(*pipeline);
            row.push(per_message(
                core,
                program,
                shape,
                [fewer, more],
                Count::Instructions,
            )?);
        }
        counts.push(row);
    }
    report(options, &programs, &counts).publish(&options.common, &contestants)
}

impl Options {
    fn shape(&self, pipeline: usize) -> Shape {
        Shape {
            size: self.size,
            connections: self.connections,
            pipeline,
            payload: self.content.payload(),
        }
    }
}

/// What valgrind counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Count {
    /// Executed in user space.
    Instructions,
    /// Blocks that the heap was asked for.
    Allocations,
    /// Bytes that `memcpy`, `memmove` and their like moved in user space; not those of loops, nor of the kernel.
    Copied,
}

impl Count {
    /// As results name it.
    pub(crate) const fn metric(self) -> &'static str {
        match self {
            Self::Instructions => "instructions",
            Self::Allocations => "allocations",
            Self::Copied => "copied_bytes",
        }
    }

    const fn tool(self) -> &'static [&'static str] {
        match self {
            Self::Instructions => &["--tool=callgrind", "--callgrind-out-file=/dev/null"],
            Self::Allocations => &["--tool=dhat", "--dhat-out-file=/dev/null"],
            Self::Copied => &["--tool=dhat", "--mode=copy", "--dhat-out-file=/dev/null"],
        }
    }

    /// Reads what the tool says when its program has ended.
    fn read(self, log: &str) -> Option<u64> {
        let number = |text: &str| text.replace(',', "").trim().parse().ok();
        if self == Self::Instructions {
            let line = log.lines().find_map(|line| line.split_once("Collected : "));
            return number(line?.1);
        }
        let line = log.lines().find_map(|line| line.split_once("Total:"))?.1;
        let (bytes, blocks) = line.split_once(" bytes in ")?;
        match self {
            Self::Allocations => number(blocks.trim_end_matches(" blocks")),
            _ => number(bytes),
        }
    }
}

/// The difference of two runs, per message.
pub(crate) fn per_message(
    core: usize,
    program: &Program,
    shape: Shape,
    messages: [u64; 2],
    what: Count,
) -> Result<f64> {
    let (few_messages, few) = counted(core, program, shape, messages[0], what)?;
    let (many_messages, many) = counted(core, program, shape, messages[1], what)?;
    Ok((many as f64 - few as f64) / (many_messages - few_messages) as f64)
}

/// One run: how many messages it had, and what was counted from the server's first to its last instruction.
fn counted(
    core: usize,
    program: &Program,
    shape: Shape,
    messages: u64,
    what: Count,
) -> Result<(u64, u64)> {
    let log = Scratch::new("valgrind");
    let mut wrap: Vec<OsString> = vec!["valgrind".into()];
    wrap.extend(what.tool().iter().map(OsString::from));
    let mut log_file = OsString::from("--log-file=");
    log_file.push(log.path());
    wrap.push(log_file);
    let server = Server::start(program, core, &wrap)?;
    let mut load = Load::open(server.addr, shape, program.contestant.reply)?;
    let done = load.run(Until::Messages(messages))?;
    // The connections end before the server: so both runs end alike.
    drop(load);
    server.stop()?;
    let said = fs::read_to_string(log.path())?;
    let count = what.read(&said);
    Ok((
        done.messages,
        count.ok_or_else(|| format!("valgrind counted nothing:\n{said}"))?,
    ))
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

#[cfg(test)]
mod tests {
    use super::Count;

    #[test]
    fn what_valgrind_says_is_understood() {
        let callgrind = "==7== Events    : Ir\n==7== Collected : 12345\n";
        assert_eq!(Count::Instructions.read(callgrind), Some(12_345));
        let dhat = "==7== Total:     1,234,567 bytes in 8,901 blocks\n==7== At t-gmax: 5 bytes in 1 blocks\n";
        assert_eq!(Count::Allocations.read(dhat), Some(8_901));
        assert_eq!(Count::Copied.read(dhat), Some(1_234_567));
        for count in [Count::Instructions, Count::Allocations, Count::Copied] {
            assert_eq!(count.read("==7== Killed\n"), None);
        }
    }
}
