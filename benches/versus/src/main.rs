//! Sockeye beside other WebSocket echo servers, on one machine. README.md says how, and how not to read it.

mod building;
mod contestants;
mod instructions;
mod load;
mod options;
mod report;
mod server;
mod stats;
mod tools;

use clap::{Parser, Subcommand};
use std::process::ExitCode;

type Error = Box<dyn std::error::Error>;
type Result<T> = std::result::Result<T, Error>;

#[derive(Parser)]
#[command(
    name = "versus",
    about = "Sockeye beside other WebSocket echo servers, on one machine",
    after_help = "Examples:\n  \
        benches/versus/run instructions             what the servers execute for a message",
    disable_help_subcommand = true
)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    Instructions(instructions::Options),
}

fn main() -> ExitCode {
    let result = match Cli::parse().command {
        Command::Instructions(options) => instructions::run(&options),
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("versus: {error}");
            ExitCode::FAILURE
        }
    }
}
