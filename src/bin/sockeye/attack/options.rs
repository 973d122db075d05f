//! The flags of `sockeye attack`.

use super::modes::Mode;
use crate::target::Trust;
use crate::values::{count, header, some_seconds};
use clap::Args;
use core::time::Duration;

const MAX_PARALLEL: usize = 1024;

#[derive(Args, Debug)]
pub(crate) struct Options {
    /// The server: one that sends every message back; ws://… or wss://…
    #[arg(value_name = "URL", required_unless_present = "list")]
    pub(crate) url: Option<String>,
    /// How the bytes arrive: whole, bytes (one at a time), splits (random ones), slow (with pauses), behind (after a
    /// message, in the same segment)
    #[arg(long, value_name = "MODE,…", value_delimiter = ',', default_value = "whole,bytes,splits,slow,behind", value_parser = Mode::parse)]
    pub(crate) modes: Vec<Mode>,
    /// Only what has this id, is of this area, or has this word in its name; may be repeated
    #[arg(long, value_name = "ID-OR-WORD")]
    pub(crate) only: Vec<String>,
    /// Also what knows Sockeye's own limits: 8 KiB of head, 64 lines, 1 MiB of message, 1024 fragments
    #[arg(long)]
    pub(crate) limits: bool,
    /// Say what there is, and attack nobody
    #[arg(long)]
    pub(crate) list: bool,
    /// Connections at a time
    #[arg(long, value_name = "N", default_value = "64", value_parser = |text: &str| count(text, MAX_PARALLEL))]
    pub(crate) parallel: usize,
    /// Who has not answered by then does not answer
    #[arg(long, value_name = "SECONDS", default_value = "5", value_parser = some_seconds)]
    pub(crate) timeout: Duration,
    /// Where random splits begin: the same number, the same splits
    #[arg(long, value_name = "N", default_value = "1")]
    pub(crate) seed: u64,
    /// Print the result as JSON
    #[arg(long)]
    pub(crate) json: bool,
    /// Add a header to the requests that are to be accepted; may be repeated
    #[arg(short = 'H', long = "header", value_name = "NAME: VALUE", value_parser = header)]
    pub(crate) headers: Vec<(String, String)>,
    #[command(flatten)]
    pub(crate) trust: Trust,
}

/// What `--help` shows at its end.
pub(crate) const EXAMPLES: &str = "\
Examples:
  sockeye attack ws://127.0.0.1:9001
  sockeye attack wss://127.0.0.1:9001/echo --ca chain.pem --modes whole,bytes
  sockeye attack ws://127.0.0.1:9001 --only UTF-8 --only F09        two parts of it
  sockeye attack ws://127.0.0.1:9001 --json > result.json
  sockeye attack --list --only close

Attack only what is yours. Any server will do that sends messages of up to 1 MiB back; rows that need more than that,
as a limit of a certain size, are left out and counted.
  exact    it did what RFC 6455 and RFC 7692 say, with the right code
  closed   it refused, but with another close code, another status or none
  lax      it accepted or ignored what must be refused
  wrong    data was lost, changed or repeated; no answer; what is right was refused
Exit status: 0 when all is exact, 1 when not, 2 for wrong arguments.";
