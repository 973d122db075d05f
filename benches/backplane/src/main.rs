//! What it costs to share rooms between nodes, and what it costs where nobody does. README.md says how.

mod broker;
mod cost;
mod crowd;
mod latency;
mod process;
mod rate;
mod report;
mod serve;
mod wire;

use clap::{Parser, Subcommand};
use std::process::ExitCode;

type Error = Box<dyn std::error::Error + Send + Sync>;
type Result<T> = std::result::Result<T, Error>;

#[derive(Parser)]
#[command(
    name = "backplane",
    bin_name = "benches/backplane/run",
    about = "What it costs to share rooms between nodes, and what it costs where nobody does",
    disable_help_subcommand = true
)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    Rate(rate::Options),
    Latency(latency::Options),
    Cost(cost::Options),
    Serve(serve::Options),
}

fn main() -> ExitCode {
    let done = match Cli::parse().command {
        Command::Rate(options) => rate::run(&options),
        Command::Latency(options) => latency::run(&options),
        Command::Cost(options) => cost::run(&options),
        Command::Serve(options) => serve::run(&options),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}
