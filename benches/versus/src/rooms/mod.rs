//! `rooms`: what everybody says to everybody. Its parts:
//!
//! | module | what |
//! |---|---|
//! | `contestants` | who has a room, how it is used, and why it stands where it does |
//! | `frames`, `load` | messages that can be checked; one thread that is all members |
//! | `measure` | one contestant and one shape: right, how fast, with which calls |
//! | `talk`, `fan_out` | tables of that: small messages of one and of all, and large ones of one |
//! | `stalled`, `audience`, `queues`, `latency` | what half of the members, who do not read, do to the others |

mod audience;
pub(crate) mod contestants;
mod fan_out;
mod frames;
mod latency;
pub(crate) mod load;
pub(crate) mod measure;
mod queues;
mod stalled;
mod talk;

use crate::Result;
use crate::contestants::Name;
use crate::memory::{OTHERS, raise_descriptors};
use crate::options::{Common, Rounds, number};
use clap::Args;
pub(crate) use load::{Pace, Shape, Talk};

/// Rooms: one to many, all to all; large messages; members who do not read
#[derive(Args, Clone, Debug)]
#[command(after_help = "Examples:\n  \
    benches/versus/run rooms                             one to many, then all to all: half an hour\n  \
    benches/versus/run rooms --members 512 --rounds 6 --seconds 1\n  \
    benches/versus/run rooms --only sockeye --also /tmp/older/target/release/sockeye --no-counts\n  \
    benches/versus/run rooms --fan-out                   64 KiB to 1 000 members: 4 minutes\n  \
    benches/versus/run rooms --stalled --rounds 6        half of 1 000 members do not read: 3 minutes\n\n\
    Before anything is measured, every contestant must show that each member gets every message, whole and in order.\n\
    Contestants: sockeye, raw, uwebsockets; with --stalled, sockeye alone.")]
pub(crate) struct Options {
    #[command(flatten)]
    common: Common,
    #[command(flatten)]
    rounds: Rounds,
    /// Members of a room, the senders included; several separated by commas [default: 32,128,512; 1000 with --fan-out
    /// and --stalled]
    #[arg(long, value_delimiter = ',', value_name = "NUMBERS", value_parser = number(2..=20_000))]
    members: Vec<usize>,
    /// Payload bytes of a message [default: 20; 65536 with --fan-out, 1024 with --stalled]
    #[arg(long, value_name = "BYTES", value_parser = number(frames::SMALLEST as u64..=16 << 20))]
    size: Option<usize>,
    /// Where all talk: own messages that a member has in flight
    #[arg(long, default_value_t = 1, value_name = "NUMBER", value_parser = clap::value_parser!(u32).range(1..=1024))]
    window: u32,
    /// Where one talks: own messages that it has in flight
    #[arg(long, default_value_t = 32, value_name = "NUMBER", value_parser = clap::value_parser!(u32).range(1..=1024))]
    sender_window: u32,
    /// Do not count system calls, which takes strace and some minutes
    #[arg(long)]
    no_counts: bool,
    /// One sender, large messages, the next when all have the last: the server's CPU time beside that of a bare loop
    #[arg(long, conflicts_with = "stalled")]
    fan_out: bool,
    /// Half of the members stop reading: what the others notice, and when those are gone. Each round lasts 25 seconds
    /// for each program; --seconds is not used
    #[arg(long)]
    stalled: bool,
}

pub(crate) fn run(options: &Options) -> Result<()> {
    let most = options.members.iter().copied().max().unwrap_or(1000);
    raise_descriptors(most as u64 + OTHERS)?;
    if options.fan_out {
        fan_out::run(options)
    } else if options.stalled {
        stalled::run(options)
    } else {
        talk::run(options)
    }
}

/// In the order of the tables.
pub(crate) const EVERYBODY: [Name; 3] = [Name::Sockeye, Name::RawLt, Name::UWebSockets];

impl Options {
    fn members(&self, default: &[usize]) -> Vec<usize> {
        if self.members.is_empty() {
            default.to_vec()
        } else {
            self.members.clone()
        }
    }
}
