//! The flags of `sockeye bench`.

use crate::args::size;
use crate::target::Target;
use crate::values::{count, seconds, some_seconds};
use clap::Args;
use core::time::Duration;

const MAX_CONNECTIONS: usize = 1_000_000;
const MAX_PIPELINE: usize = 1_000_000;
const MAX_THREADS: usize = 1024;
const MAX_RATE: usize = 1_000_000_000;

#[derive(Args, Debug)]
pub(crate) struct Options {
    /// The server: one that sends every message back
    #[arg(value_name = "URL")]
    pub(crate) url: String,
    /// Connections, all open before the first message
    #[arg(short, long, value_name = "N", default_value = "64", value_parser = |text: &str| count(text, MAX_CONNECTIONS))]
    pub(crate) connections: usize,
    /// Bytes in each message, also with KiB, MiB, GiB
    #[arg(long, value_name = "BYTES", default_value = "20", value_parser = size_or_none)]
    pub(crate) size: u64,
    /// Messages that each connection has in flight at most
    #[arg(short, long, value_name = "K", default_value = "1", value_parser = |text: &str| count(text, MAX_PIPELINE))]
    pub(crate) pipeline: usize,
    /// How long to measure
    #[arg(long, value_name = "S", default_value = "10", value_parser = some_seconds)]
    pub(crate) seconds: Duration,
    /// How long to send before that without counting
    #[arg(long, value_name = "SECONDS", default_value = "1", value_parser = seconds)]
    pub(crate) warmup: Duration,
    /// Send at this rate, all connections together, instead of as fast as answers come
    #[arg(long, value_name = "MSG_PER_S", value_parser = |text: &str| count(text, MAX_RATE))]
    pub(crate) rate: Option<usize>,
    /// Send words as text messages instead of noise as binary ones
    #[arg(long)]
    pub(crate) text: bool,
    /// Offer compression
    #[arg(long)]
    pub(crate) deflate: bool,
    /// Threads that share the connections
    #[arg(short, long, value_name = "N", default_value = "1", value_parser = |text: &str| count(text, MAX_THREADS))]
    pub(crate) threads: usize,
    /// Print the result as JSON
    #[arg(long)]
    pub(crate) json: bool,
    #[command(flatten)]
    pub(crate) target: Target,
}

/// A message may also be empty.
fn size_or_none(text: &str) -> Result<u64, String> {
    if text == "0" { Ok(0) } else { size(text) }
}

/// What `--help` shows at its end.
pub(crate) const EXAMPLES: &str = "\
Examples:
  sockeye bench ws://127.0.0.1:9001
  sockeye bench ws://127.0.0.1:9001 --connections 1000 --size 1KiB --pipeline 16 --threads 2
  sockeye bench ws://127.0.0.1:9001 --rate 5000 --seconds 60 --json

Every reply must be the message that was sent, byte for byte and in order. Latencies count from when a message should
have been sent: at a fixed rate, a server that stands still is not spared what would have come meanwhile. A thread with
a fixed rate computes all the time, so that messages leave when they are due.
Exit status: 0 when every message came back, 1 when not, 2 for wrong arguments.";
