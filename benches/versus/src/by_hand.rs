//! `load`: the load alone, against any server that echoes.

use crate::Result;
use crate::contestants::Reply;
use crate::load::{Load, Shape, Until};
use crate::options::{Content, number};
use clap::Args;
use std::net::SocketAddr;
use std::time::Duration;

/// The load alone, against a server of yours
#[derive(Args, Clone, Debug)]
#[command(after_help = "Examples:\n  \
    benches/versus/run load 127.0.0.1:9001\n  \
    benches/versus/run load 127.0.0.1:9001 --connections 500 --pipeline 16 --seconds 10\n  \
    benches/versus/run load 127.0.0.1:9001 --connections 1 --messages 1000")]
pub(crate) struct Options {
    /// Where the server listens
    addr: SocketAddr,
    #[command(flatten)]
    content: Content,
    /// Payload bytes of a message
    #[arg(long, default_value_t = 20, value_name = "BYTES")]
    size: usize,
    /// Connections, open at the same time
    #[arg(long, default_value_t = 64, value_name = "NUMBER")]
    connections: usize,
    /// Messages sent at once on a connection
    #[arg(long, default_value_t = 1, value_name = "NUMBER", value_parser = number(1..))]
    pipeline: usize,
    /// How long to send
    #[arg(long, default_value_t = 5.0, value_name = "SECONDS")]
    seconds: f64,
    /// Send this many, rounded up to whole batches, however long it takes
    #[arg(long, value_name = "NUMBER", conflicts_with = "seconds")]
    messages: Option<u64>,
    /// The server sends back the very bytes that it gets
    #[arg(long)]
    verbatim: bool,
}

pub(crate) fn run(options: &Options) -> Result<()> {
    let shape = Shape {
        size: options.size,
        connections: options.connections,
        pipeline: options.pipeline,
        payload: options.content.payload(),
    };
    let reply = if options.verbatim {
        Reply::Verbatim
    } else {
        Reply::Unmasked
    };
    let mut load = Load::open(options.addr, shape, reply)?;
    let done = load.run(options.messages.map_or_else(
        || Until::Elapsed(Duration::from_secs_f64(options.seconds)),
        Until::Messages,
    ))?;
    println!(
        "{shape}: {} messages in {:.3} s, {:.0} messages/s",
        done.messages,
        done.elapsed.as_secs_f64(),
        done.messages as f64 / done.elapsed.as_secs_f64()
    );
    Ok(())
}
