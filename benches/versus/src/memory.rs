//! `memory`: what a server holds in user space for a connection that is open and silent.
//!
//! The kernel's part, about 4 KB for each end, is the same for all and not in it.

use crate::Result;
use crate::building::{Flavour, Program};
use crate::load::handshake::{CONNECTIONS_PER_ADDRESS, connect};
use crate::options::{Common, Setup, number};
use crate::report::{Report, Table};
use crate::rounds;
use crate::server::Server;
use clap::Args;
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use serde_json::json;
use std::fs;

/// Descriptors that are none of the connections.
pub(crate) const OTHERS: u64 = 64;

/// Resident memory per idle connection
#[derive(Args, Clone, Debug)]
#[command(after_help = "Examples:\n  \
    benches/versus/run memory\n  \
    benches/versus/run memory --connections 100000 --only sockeye,uwebsockets   (as root)")]
pub(crate) struct Options {
    #[command(flatten)]
    common: Common,
    /// Idle connections
    #[arg(long, default_value_t = 19_000, value_name = "NUMBER", value_parser = number(2..))]
    connections: usize,
}

/// What one server held, in bytes.
pub(crate) struct Held {
    /// With its first connection open.
    pub(crate) before: u64,
    pub(crate) after: u64,
}

pub(crate) fn run(options: &Options) -> Result<()> {
    look_at_limits(options.connections)?;
    let contestants = options.common.contestants();
    let programs = options.common.programs(Flavour::Timed)?;
    rounds::pin(&options.common)?;
    let mut results = Vec::new();
    for program in &programs {
        eprintln!(
            "opening {} connections to {} …",
            options.connections, program.name
        );
        results.push(held(&options.common, program, options.connections)?);
    }
    report(options, &programs, &results).publish(&options.common, &contestants)
}

/// Whether the kernel lets the load and a server have so many connections.
pub(crate) fn look_at_limits(connections: usize) -> Result<()> {
    raise_descriptors(connections as u64 + OTHERS)?;
    look_at_ports()
}

pub(crate) fn held(setup: &Setup, program: &Program, connections: usize) -> Result<Held> {
    let server = Server::start(program, setup.server_core, &[])?;
    // The first connection makes a server touch the buffers that all share.
    let mut open = vec![connect(server.addr, 0)?];
    let before = server.resident()?;
    for index in 1..connections {
        open.push(connect(server.addr, index)?);
    }
    let after = server.resident()?;
    Ok(Held { before, after })
}

/// Lets this process, and the servers that inherit it, have so many descriptors.
pub(crate) fn raise_descriptors(needed: u64) -> Result<()> {
    let limit = getrlimit(Resource::Nofile);
    if limit.current.is_none_or(|current| current >= needed) {
        return Ok(());
    }
    // Only root may raise the hard limit, and no further than /proc/sys/fs/nr_open.
    let raised = Rlimit {
        current: Some(needed),
        maximum: limit.maximum.map(|maximum| maximum.max(needed)),
    };
    setrlimit(Resource::Nofile, raised).map_err(|error| {
        format!(
            "{needed} descriptors are needed, and the hard limit is {}; it cannot be raised: {error}. As root: ulimit \
             -Hn {needed}, if need be after sysctl fs.nr_open={needed}; or ask for fewer --connections",
            limit.maximum.unwrap_or_default()
        )
        .into()
    })
}

/// The load changes its address before the ports of one run out; the kernel may have fewer than that supposes.
fn look_at_ports() -> Result<()> {
    let range = fs::read_to_string("/proc/sys/net/ipv4/ip_local_port_range")?;
    let ports: Vec<usize> = range
        .split_whitespace()
        .filter_map(|port| port.parse().ok())
        .collect();
    let [first, last] = ports[..] else {
        return Err(format!("ip_local_port_range is {range:?}").into());
    };
    // Half of them are found quickly.
    let needed = 2 * CONNECTIONS_PER_ADDRESS;
    if last.saturating_sub(first) < needed {
        return Err(format!(
            "an address needs {needed} ports, and the kernel gives {first} to {last}: as root, \
             sysctl net.ipv4.ip_local_port_range='32768 60999'"
        )
        .into());
    }
    Ok(())
}

impl Held {
    pub(crate) fn per_connection(&self, connections: usize) -> f64 {
        (self.after as f64 - self.before as f64) / (connections - 1) as f64
    }
}

fn report(options: &Options, programs: &[Program], results: &[Held]) -> Report {
    let each: Vec<_> = results
        .iter()
        .map(|held| held.per_connection(options.connections))
        .collect();
    let rows = programs
        .iter()
        .zip(results)
        .zip(&each)
        .map(|((program, held), each_one)| {
            vec![
                program.name.to_owned(),
                format!("{each_one:.0}"),
                format!("{:.2}", each_one / each[0]),
                format!("{:.1}", held.before as f64 / 1024.0 / 1024.0),
                format!("{:.1}", held.after as f64 / 1024.0 / 1024.0),
            ]
        });
    let json = programs
        .iter()
        .zip(results)
        .zip(&each)
        .map(|((program, held), each)| {
            json!({
                "contestant": program.name,
                "bytes_per_connection": each,
                "before": held.before,
                "after": held.after,
            })
        });
    let head = [
        "contestant",
        "bytes/connection",
        "÷ the first",
        "MiB with one",
        "MiB with all",
    ];
    Report {
        title: format!("Resident memory of {} idle connections", options.connections),
        tables: vec![Table {
            title: "Memory".to_owned(),
            head: head.map(str::to_owned).to_vec(),
            rows: rows.collect(),
        }],
        notes: vec![
            "Resident pages (/proc/PID/smaps_rollup) with all connections open, less those with one, divided by the \
             others. Opened one after the other, and nothing was sent: what a server keeps for a connection that had \
             a message is not in it, nor is what the kernel holds."
                .to_owned(),
        ],
        json: json!({
            "command": "memory",
            "connections": options.connections,
            "results": json.collect::<Vec<_>>(),
        }),
    }
}
