//! The flags of `sockeye connect`.

use crate::args::size;
use crate::target::Target;
use crate::values::{seconds, some_seconds};
use clap::Args;
use core::time::Duration;

#[derive(Args, Debug)]
pub(crate) struct Options {
    /// ws://…, wss://… or ws+unix:/path/to.sock:/target; without one, several connections are opened by command
    #[arg(value_name = "URL")]
    pub(crate) url: Option<String>,
    /// Several connections, by the commands connect, send, close, show, help and quit; the URL becomes the first
    #[arg(long)]
    pub(crate) multi: bool,
    /// Print events as JSON, one object on a line; bytes are hexadecimal digits, times UTC
    #[arg(long)]
    pub(crate) json: bool,
    /// Show the header lines of the server's answer, and, where stdout is a pipe, everything on stderr
    #[arg(short, long)]
    pub(crate) verbose: bool,
    /// Take lines from a pipe for commands where they begin with /, as on a terminal
    #[arg(long)]
    pub(crate) commands: bool,
    /// After the end of a pipe, close when nothing has come for that long; "forever" leaves that to the server
    #[arg(long, value_name = "SECONDS", default_value = "1", value_parser = wait)]
    pub(crate) wait: Wait,
    /// Connect again when the connection is lost
    #[arg(long)]
    pub(crate) reconnect: bool,
    /// Do not offer compression
    #[arg(long)]
    pub(crate) no_deflate: bool,
    /// Offer compression that refers to earlier messages, which makes similar messages much smaller
    #[arg(long, conflicts_with = "no_deflate")]
    pub(crate) context_takeover: bool,
    /// The largest message accepted, and the longest line sent: bytes, or with KiB, MiB, GiB
    #[arg(long, value_name = "SIZE", default_value = "64MiB", value_parser = size)]
    pub(crate) max_message: u64,
    /// Silence after which the server is asked whether it is there
    #[arg(long, value_name = "SECONDS", default_value = "20", value_parser = some_seconds)]
    pub(crate) ping_interval: Duration,
    #[command(flatten)]
    pub(crate) target: Target,
}

/// How long a silence ends a conversation whose questions have all been sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Wait {
    Silence(Duration),
    Forever,
}

fn wait(text: &str) -> Result<Wait, String> {
    match text {
        "forever" => Ok(Wait::Forever),
        _ => seconds(text)
            .map(Wait::Silence)
            .map_err(|error| format!("{error}, or forever")),
    }
}

/// What `--help` shows at its end.
pub(crate) const EXAMPLES: &str = "\
Examples:
  sockeye connect ws://127.0.0.1:9001
  sockeye connect wss://example.com/chat --subprotocol chat.v2 --bearer TOKEN
  echo hello | sockeye connect ws://127.0.0.1:9001        print the answer, and end after a silence of 1 s
  sockeye connect ws://127.0.0.1:9001 --json < lines      every event as JSON
  sockeye connect                                         several connections; try help

On a terminal a line is sent as a text message, and /help lists commands. From a pipe every line is a message.
Into a pipe messages are printed alone: text as it is, bytes as hexadecimal digits.
Exit status: 0 after a closing handshake, 1 when there was no connection or it was lost, 2 for wrong arguments.";
