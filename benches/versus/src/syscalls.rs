//! `syscalls`: what a server asks of the kernel for one message, counted by strace.
//!
//! strace attaches when all connections are open, so handshakes are not counted. It slows a server ten times and more:
//! more messages may be waiting when it reads, so these are counts and no times.

use crate::Result;
use crate::building::{Flavour, Program};
use crate::load::{Load, Shape, Until};
use crate::options::{Common, Content, Setup, number};
use crate::report::{Report, Table};
use crate::rounds;
use crate::scratch::Scratch;
use crate::server::Server;
use crate::tools;
use clap::Args;
use rustix::process::{Pid, Signal, kill_process};
use serde_json::json;
use std::collections::BTreeMap;
use std::fs;
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};

/// System calls per message, by strace
#[derive(Args, Clone, Debug)]
#[command(after_help = "Examples:\n  \
    benches/versus/run syscalls\n  \
    benches/versus/run syscalls --only sockeye --pipeline 16 --messages 160000")]
pub(crate) struct Options {
    #[command(flatten)]
    common: Common,
    #[command(flatten)]
    content: Content,
    /// Payload bytes of a message
    #[arg(long, default_value_t = 20, value_name = "BYTES")]
    size: usize,
    /// Messages sent at once on a connection
    #[arg(long, default_value_t = 1, value_name = "NUMBER", value_parser = number(1..))]
    pipeline: usize,
    /// Connections, open at the same time
    #[arg(long, default_value_t = 64, value_name = "NUMBER")]
    connections: usize,
    /// Messages in all
    #[arg(long, default_value_t = 20_000, value_name = "NUMBER")]
    messages: u64,
}

/// The calls of one server, by name, and the messages they were made for.
pub(crate) struct Counted {
    messages: u64,
    calls: BTreeMap<String, u64>,
}

pub(crate) fn run(options: &Options) -> Result<()> {
    tools::need("strace", "strace")?;
    let contestants = options.common.contestants();
    let programs = options.common.programs(Flavour::Timed)?;
    rounds::pin(&options.common)?;
    let mut counts = Vec::new();
    for program in &programs {
        eprintln!("counting {} …", program.name);
        counts.push(counted(
            &options.common,
            program,
            options.shape(),
            options.messages,
        )?);
    }
    report(options, &programs, &counts).publish(&options.common, &contestants)
}

pub(crate) fn counted(
    setup: &Setup,
    program: &Program,
    shape: Shape,
    messages: u64,
) -> Result<Counted> {
    let server = Server::start(program, setup.server_core, &[])?;
    let mut load = Load::open(server.addr, shape, program.contestant.reply)?;
    // Whatever happens once per connection or process happens before.
    load.run(Until::Messages(
        shape.connections as u64 * shape.pipeline as u64,
    ))?;
    let trace = Trace::attach(&server)?;
    let done = load.run(Until::Messages(messages))?;
    Ok(Counted {
        messages: done.messages,
        calls: trace.detach()?,
    })
}

impl Counted {
    /// All calls per message, and those that wait for events.
    pub(crate) fn per_message(&self) -> (f64, f64) {
        let waits = ["epoll_wait", "epoll_pwait", "epoll_pwait2"];
        let waits = waits.iter().filter_map(|name| self.calls.get(*name));
        let each = |calls: u64| calls as f64 / self.messages as f64;
        (each(self.calls.values().sum()), each(waits.sum()))
    }
}

impl Options {
    fn shape(&self) -> Shape {
        Shape {
            size: self.size,
            connections: self.connections,
            pipeline: self.pipeline,
            payload: self.content.payload(),
        }
    }
}

/// A running strace.
pub(crate) struct Trace {
    strace: Child,
    summary: Scratch,
}

impl Trace {
    /// Returns when it watches.
    pub(crate) fn attach(server: &Server) -> Result<Self> {
        let summary = Scratch::new("strace");
        let mut strace = Command::new("setpriv")
            .args(["--pdeathsig", "KILL", "strace", "-f", "-c", "-o"])
            .arg(summary.path())
            .args(["-p", &server.pid().to_string()])
            .stdin(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .map_err(|error| format!("cannot run strace: {error}"))?;
        let stderr = strace.stderr.take().ok_or("no standard error")?;
        let trace = Self { strace, summary };
        let mut said = String::new();
        BufReader::new(stderr).read_line(&mut said)?;
        if said.contains("attached") {
            return Ok(trace);
        }
        Err(format!("strace did not attach: {said}").into())
    }

    /// Ends it: the calls by name.
    pub(crate) fn detach(mut self) -> Result<BTreeMap<String, u64>> {
        kill_process(Pid::from_child(&self.strace), Signal::INT)?;
        self.strace.wait()?;
        read_summary(self.summary.path())
    }
}

impl Drop for Trace {
    fn drop(&mut self) {
        let _ = self.strace.kill();
        let _ = self.strace.wait();
    }
}

fn read_summary(path: &Path) -> Result<BTreeMap<String, u64>> {
    let calls = parse(&fs::read_to_string(path)?);
    if calls.is_empty() {
        return Err("strace counted nothing".into());
    }
    Ok(calls)
}

/// Reads strace's table: share, seconds, µs per call, calls, perhaps errors, name.
fn parse(summary: &str) -> BTreeMap<String, u64> {
    summary
        .lines()
        .filter_map(|line| {
            let fields: Vec<_> = line.split_whitespace().collect();
            let (calls, name) = (fields.get(3)?.parse().ok()?, fields.last()?);
            (fields.len() > 4 && *name != "total").then(|| ((*name).to_owned(), calls))
        })
        .collect()
}

fn report(options: &Options, programs: &[Program], counts: &[Counted]) -> Report {
    let rows = programs.iter().zip(counts).map(|(program, counted)| {
        let each = |calls: u64| calls as f64 / counted.messages as f64;
        let mut names: Vec<_> = counted.calls.iter().collect();
        names.sort_by_key(|(_, calls)| core::cmp::Reverse(**calls));
        let names = names
            .into_iter()
            .map(|(name, calls)| format!("{name} {:.3}", each(*calls)));
        vec![
            program.name.to_owned(),
            format!("{:.3}", each(counted.calls.values().sum())),
            counted
                .calls
                .get("epoll_ctl")
                .copied()
                .unwrap_or_default()
                .to_string(),
            names.collect::<Vec<_>>().join(", "),
        ]
    });
    let json = programs.iter().zip(counts).map(|(program, counted)| {
        json!({
            "contestant": program.name,
            "messages": counted.messages,
            "calls": counted.calls,
        })
    });
    Report {
        title: format!("System calls per message: {}", options.shape()),
        tables: vec![Table {
            title: "Calls".to_owned(),
            head: ["contestant", "all", "epoll_ctl in all", "each"]
                .map(str::to_owned)
                .to_vec(),
            rows: rows.collect(),
        }],
        notes: vec![format!(
            "strace -f -c, attached when the connections were open and had had one batch each; {} messages. The share \
             of epoll_wait depends on how much was ready when it was called, and strace delays that.",
            counts[0].messages
        )],
        json: json!({
            "command": "syscalls",
            "load": options.shape().to_string(),
            "results": json.collect::<Vec<_>>(),
        }),
    }
}

#[cfg(test)]
mod tests {
    use super::parse;

    #[test]
    fn the_summary_of_strace_is_understood() {
        let summary = "\
% time     seconds  usecs/call     calls    errors syscall
------ ----------- ----------- --------- --------- ----------------
 55.10    0.103000           5     20000           sendto
 44.00    0.082000           4     20010        10 recvfrom
  0.90    0.001700           5       313           epoll_wait
------ ----------- ----------- --------- --------- ----------------
100.00    0.186700           4     40323        10 total
";
        let calls = parse(summary);
        assert_eq!(calls.len(), 3);
        assert_eq!(calls["sendto"], 20_000);
        assert_eq!(calls["recvfrom"], 20_010);
        assert_eq!(calls["epoll_wait"], 313);
        assert!(parse("").is_empty());
    }
}
