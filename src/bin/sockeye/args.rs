//! The command line.

use crate::{attack, bench, connect, serve};
use clap::error::ErrorKind;
use clap::{Args, Parser, Subcommand};
use sockeye::server::{Listen, TrustedProxy};
use std::io::{self, Write};
use std::path::PathBuf;
use std::process::ExitCode;

const MAX_WORKERS: usize = 1024;

#[derive(Parser)]
#[command(
    name = "sockeye",
    version,
    about = "WebSocket servers and clients to run, look at and measure",
    after_help = "Examples:\n  \
        sockeye                                   serve: chat on http://127.0.0.1:8000\n  \
        sockeye echo                              echo on ws://127.0.0.1:9001\n  \
        sockeye echo --listen 0.0.0.0:80          … on every address\n  \
        sockeye broadcast --max-message 64KiB     every message to every client\n  \
        sockeye connect ws://127.0.0.1:9001       talk to a server\n  \
        sockeye bench ws://127.0.0.1:9001         measure it\n  \
        sockeye attack ws://127.0.0.1:9001        see what it does with what no client should send",
    disable_help_subcommand = true
)]
struct Cli {
    #[command(subcommand)]
    command: Option<Command>,
}

#[derive(Subcommand)]
pub(crate) enum Command {
    /// Serve pages, chat, samples, metrics and an admin page; what `sockeye` alone does
    #[command(after_help = serve::flags::EXAMPLES)]
    Serve(Box<serve::flags::Flags>),
    /// Send every message back to its sender
    #[command(after_help = "Examples:\n  \
        sockeye echo\n  \
        sockeye echo --listen 127.0.0.1:0 --workers 2\n  \
        sockeye echo --listen unix:/run/echo.sock              ws+unix:\n  \
        sockeye echo --tls-cert chain.pem --tls-key key.pem    wss://\n  \
        sockeye echo --handover /run/echo.door                 … and once more, to replace it\n\n\
        Upgrades any path, does not look at Origin, and takes the first subprotocol that is offered.\n\
        SIGTERM or SIGINT says goodbye to all clients and ends. Where systemd passes listening sockets on (LISTEN_FDS),\n\
        they are used instead of --listen.\n\n\
        With --handover, start the new program as the old one was started: it takes the listening sockets over, and the\n\
        old one tells its clients to come back (1012) and ends. Nobody is refused meanwhile.")]
    Echo(Options),
    /// Send every message to every client, the sender included
    #[command(after_help = "Examples:\n  \
        sockeye broadcast\n  \
        sockeye broadcast --listen 0.0.0.0:9001 --max-message 64KiB\n\n\
        Upgrades any path, does not look at Origin, and takes the first subprotocol that is offered.\n\
        A client that reads too slowly is closed with 1013. Sockets, proxies and --handover are those of echo.")]
    Broadcast(Options),
    /// Talk to a server, by hand or from a script
    #[command(after_help = connect::options::EXAMPLES)]
    Connect(connect::options::Options),
    /// Measure how many messages a server sends back, and how soon
    #[command(after_help = bench::options::EXAMPLES)]
    Bench(bench::options::Options),
    /// Send a server what no client should, and what few do, and see whether it keeps to the protocol
    #[command(after_help = attack::options::EXAMPLES)]
    Attack(attack::options::Options),
}

#[derive(Args, Debug)]
pub(crate) struct Options {
    /// Address and port, where port 0 picks a free one; or unix: and the path of a socket
    #[arg(long, value_name = "ADDR:PORT", default_value = "127.0.0.1:9001")]
    pub(crate) listen: Listen,
    /// Do not compress, even where a client offers permessage-deflate
    #[arg(long)]
    pub(crate) no_deflate: bool,
    /// Compress with a memory of earlier messages: fewer bytes, and up to 410 KiB for each connection
    #[arg(long, conflicts_with = "no_deflate")]
    pub(crate) context_takeover: bool,
    /// Threads, each with a loop of its own
    #[arg(long, value_name = "N", default_value = "1", value_parser = workers)]
    pub(crate) workers: usize,
    /// The largest message accepted: bytes, or with KiB, MiB, GiB
    #[arg(long, value_name = "SIZE", default_value = "64MiB", value_parser = size)]
    pub(crate) max_message: u64,
    /// What the kernel may hold for each client that does not read: bytes, or with KiB, MiB. Less is a little slower, and
    /// shows sooner who is slow; without it, up to 4 MB
    #[arg(long, value_name = "SIZE", value_parser = size)]
    pub(crate) send_buffer: Option<u64>,
    /// Speak TLS: certificate chain, PEM; read again on SIGHUP
    #[arg(long, value_name = "FILE", requires = "tls_key")]
    pub(crate) tls_cert: Option<PathBuf>,
    /// Its private key, PEM
    #[arg(long, value_name = "FILE", requires = "tls_cert")]
    pub(crate) tls_key: Option<PathBuf>,
    /// Read the PROXY protocol from here: an address, a network as 10.0.0.0/8, or unix; may be repeated
    #[arg(long = "proxy-from", value_name = "ADDR[/BITS]")]
    pub(crate) proxies: Vec<TrustedProxy>,
    /// Take the listening sockets from the program that serves this Unix socket, if one does; then serve it, for the next
    #[arg(long, value_name = "PATH")]
    pub(crate) handover: Option<PathBuf>,
    /// A place that is served by a worker of its own, and not announced.
    #[arg(skip)]
    pub(crate) aside: Option<Listen>,
}

/// Reads the command line; what was asked for in vain is said already.
pub(crate) fn parse() -> Result<Command, ExitCode> {
    match Cli::try_parse() {
        Ok(Cli { command }) => Ok(command.unwrap_or_else(|| Command::Serve(Box::default()))),
        Err(error) => Err(match error.kind() {
            ErrorKind::DisplayHelp | ErrorKind::DisplayVersion => {
                // Whoever closed the pipe has seen enough.
                let _ = write!(io::stdout(), "{error}");
                ExitCode::SUCCESS
            }
            _ => wrong(&one_sentence(&error.to_string())),
        }),
    }
}

/// Says what is wrong with the arguments.
pub(crate) fn wrong(what: &str) -> ExitCode {
    eprintln!("sockeye: {what}");
    ExitCode::from(2)
}

/// The first paragraph of a message, on one line; what follows it is usage, which `--help` shows better.
fn one_sentence(message: &str) -> String {
    let paragraph = message.split("\n\n").next().unwrap_or_default();
    let words: Vec<_> = paragraph.split_whitespace().collect();
    let sentence = words.join(" ");
    sentence
        .strip_prefix("error: ")
        .unwrap_or(&sentence)
        .to_owned()
}

pub(crate) fn workers(text: &str) -> Result<usize, String> {
    match text.parse() {
        Ok(workers @ 1..=MAX_WORKERS) => Ok(workers),
        _ => Err(format!("write a number from 1 to {MAX_WORKERS}")),
    }
}

/// A number of bytes, with a unit where one likes.
pub(crate) fn size(text: &str) -> Result<u64, String> {
    let split = text
        .find(|c: char| !c.is_ascii_digit())
        .unwrap_or(text.len());
    let (number, unit) = text.split_at(split);
    let unit = match unit {
        "" | "B" => 1,
        "KiB" => 1 << 10,
        "MiB" => 1 << 20,
        "GiB" => 1 << 30,
        _ => return Err("write a number of bytes, or one with KiB, MiB or GiB".to_owned()),
    };
    number
        .parse::<u64>()
        .ok()
        .and_then(|number| number.checked_mul(unit))
        .filter(|bytes| *bytes > 0)
        .ok_or_else(|| "write a number of bytes, or one with KiB, MiB or GiB".to_owned())
}

#[cfg(test)]
mod tests {
    use super::size;

    #[test]
    fn sizes_have_units_and_limits() {
        assert_eq!(size("1"), Ok(1));
        assert_eq!(size("64MiB"), Ok(64 << 20));
        assert_eq!(size("2KiB"), Ok(2048));
        for bad in ["", "0", "MiB", "-1", "1.5MiB", "1mb", "99999999999GiB"] {
            assert!(size(bad).is_err(), "{bad}");
        }
    }
}
