//! Sockeye beside other WebSocket echo servers, on one machine. README.md says how, and how not to read it.

mod building;
mod by_hand;
mod checks;
mod clients;
mod comparison;
mod contestants;
mod handshakes;
mod instructions;
mod latency;
mod load;
mod machine;
mod memory;
mod npm;
mod options;
mod plan;
mod report;
mod rooms;
mod rounds;
mod scratch;
mod server;
mod speed;
mod stats;
mod syscalls;
mod tls_idle;
mod tools;

use clap::{Args, Parser, Subcommand};
use std::process::ExitCode;

type Error = Box<dyn std::error::Error>;
type Result<T> = std::result::Result<T, Error>;

#[derive(Parser)]
#[command(
    name = "versus",
    bin_name = "benches/versus/run",
    about = "Sockeye beside other WebSocket echo servers, on one machine",
    after_help = "Examples:\n  \
        benches/versus/run                          speed: 20 rounds, a quarter of an hour\n  \
        benches/versus/run speed --rounds 6 --seconds 1 --only sockeye,uwebsockets\n  \
        benches/versus/run all --quick              every scenario in a minute or five, to see that it works\n  \
        benches/versus/run all                      every scenario: two hours, in pieces if need be\n  \
        benches/versus/run instructions             what the servers execute for a message\n  \
        benches/versus/run rooms                    everybody to everybody: half an hour",
    disable_help_subcommand = true
)]
struct Cli {
    #[command(subcommand)]
    command: Option<Command>,
}

#[derive(Subcommand)]
enum Command {
    All(plan::Options),
    Speed(speed::Options),
    Instructions(instructions::Options),
    Syscalls(syscalls::Options),
    Memory(memory::Options),
    Handshakes(handshakes::Options),
    Rooms(rooms::Options),
    Checks(checks::Options),
    Clients(clients::Options),
    Load(by_hand::Options),
}

/// The options of a command that was not written.
fn defaults<O: Args>() -> O {
    let matches = O::augment_args(clap::Command::new("versus")).get_matches_from(["versus"]);
    match O::from_arg_matches(&matches) {
        Ok(options) => options,
        Err(error) => error.exit(),
    }
}

fn main() -> ExitCode {
    let command = Cli::parse().command;
    let result = match command.unwrap_or_else(|| Command::Speed(defaults())) {
        Command::All(options) => plan::run(&options),
        Command::Speed(options) => speed::run(&options),
        Command::Instructions(options) => instructions::run(&options),
        Command::Syscalls(options) => syscalls::run(&options),
        Command::Memory(options) => memory::run(&options),
        Command::Handshakes(options) => handshakes::run(&options),
        Command::Rooms(options) => rooms::run(&options),
        Command::Checks(options) => checks::run(&options),
        Command::Clients(options) => clients::run(&options),
        Command::Load(options) => by_hand::run(&options),
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("versus: {error}");
            ExitCode::FAILURE
        }
    }
}
