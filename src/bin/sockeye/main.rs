//! The program `sockeye`.
//!
//! Exit status: 0 after an orderly stop, 1 when something outside is in the way, 2 for wrong arguments.
#![forbid(unsafe_code)]

mod args;
mod attack;
mod bench;
mod broadcast;
mod connect;
mod echo;
mod run;
mod serve;
mod sockets;
mod target;
mod values;

use args::Command;
use std::process::ExitCode;

fn main() -> ExitCode {
    match args::parse() {
        Ok(Command::Serve(flags)) => serve::run(*flags),
        Ok(Command::Echo(options)) => run::run(&options, || echo::Echo),
        Ok(Command::Broadcast(options)) => run::run(&options, || broadcast::Broadcast),
        Ok(Command::Connect(options)) => connect::run(&options),
        Ok(Command::Bench(options)) => bench::run(&options),
        Ok(Command::Attack(options)) => attack::run(&options),
        Err(exit) => exit,
    }
}
