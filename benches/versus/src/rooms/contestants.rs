//! Who has a room to measure, how it is used, and why it stands where it does.
//!
//! Not here: what the same servers are as echoes, which is `src/contestants.rs`.

use crate::Result;
use crate::building::{Flavour, Program, build};
use crate::contestants::{Contestant, Name, Reply, Source};
use crate::options::Setup;

/// One of them, and its arguments.
pub(crate) struct Roomy {
    pub(crate) contestant: Contestant,
    args: &'static [&'static str],
    /// What it does with small messages, read in its source.
    pub(crate) why: &'static str,
    /// And with large ones.
    pub(crate) why_large: &'static str,
}

const LISTEN: &[&str] = &["broadcast", "--listen", "127.0.0.1:0"];
/// Of `--stalled`: what a stalled member holds in the kernel is bounded by this.
const SMALL_BUFFER: &[&str] = &["broadcast", "--listen", "127.0.0.1:0", SEND_BUFFER, "64KiB"];
pub(crate) const SEND_BUFFER: &str = "--send-buffer";

static SOCKEYE: Roomy = Roomy {
    contestant: Contestant {
        name: "sockeye",
        about: "`sockeye broadcast` of this repository",
        source: Source::Sockeye,
        reply: Reply::Unmasked,
        skips: "nothing known",
    },
    args: LISTEN,
    why: "what a turn publishes is encoded once into one buffer, and each member gets it in one write of that, however \
          many messages it is",
    why_large: "one stored copy, of which each member gets a range; who is slow keeps a place in it",
};

static RAW: Roomy = Roomy {
    contestant: Contestant {
        name: "raw",
        about: "a bare level-triggered epoll loop: unmask, append, one `send` of the shared range per member and turn",
        source: Source::Here("raw-room", &[]),
        reply: Reply::Unmasked,
        skips: "everything but lengths and masks: it is the floor, and no WebSocket server",
    },
    args: &[],
    why: "the same, without checks, timers and limits: nothing is left but `recv`, unmasking, and `send`",
    why_large: "one buffer for all, and places in it",
};

static UWEBSOCKETS: Roomy = Roomy {
    contestant: Contestant {
        name: "uwebsockets",
        about: "uWebSockets as in the crate libuwebsockets-sys 0.0.10: all subscribe to one topic, `app.publish(topic, \
                message, opCode)`",
        source: Source::UWebSockets,
        reply: Reply::Unmasked,
        skips: "as an echo: the MASK bit, minimal lengths, some of the order of fragments, early UTF-8, close codes, \
                most of the request",
    },
    args: &["broadcast"],
    why: "up to 32 messages of a turn are copied together and go to each member in one `send`; but a member's list \
          holds no more, so every 33rd empties the lists at once, and while the socket that is being read holds the \
          only cork buffer, which is for half of the members, each of the 32 is copied into a buffer allocated for it \
          and sent by itself",
    why_large: "from 16 KiB on, a message does not fit the cork buffer: for each member a buffer is allocated, zeroed, \
                filled with a copy, sent and freed",
};

static ALL: [&Roomy; 3] = [&SOCKEYE, &RAW, &UWEBSOCKETS];

/// Those asked for, or all.
pub(crate) fn chosen(setup: &Setup, default: &[Name]) -> Result<Vec<&'static Roomy>> {
    let names = if setup.only.is_empty() {
        default
    } else {
        &setup.only
    };
    let found = |name: &Name| {
        let name = match name {
            Name::RawLt => "raw",
            name => name.contestant().name,
        };
        ALL.into_iter()
            .find(|roomy| roomy.contestant.name == name)
            .ok_or_else(|| format!("{name} has no room here: choose of sockeye, raw, uwebsockets"))
    };
    Ok(names
        .iter()
        .map(found)
        .collect::<std::result::Result<_, _>>()?)
}

/// All of them, as the tables of echoes have theirs.
pub(crate) fn all() -> impl Iterator<Item = &'static Contestant> {
    ALL.into_iter().map(|roomy| &roomy.contestant)
}

/// The same, built, and the other build of Sockeye.
pub(crate) fn programs(setup: &Setup, roomies: &[&'static Roomy]) -> Result<Vec<Program>> {
    let contestants: Vec<_> = roomies.iter().map(|roomy| &roomy.contestant).collect();
    let mut programs = build(&contestants, Flavour::Timed)?;
    for (program, roomy) in programs.iter_mut().zip(roomies) {
        program.args = roomy.args;
        program.contestant = &roomy.contestant;
    }
    if let Some(mut other) = setup.other()? {
        other.args = LISTEN;
        other.contestant = &SOCKEYE.contestant;
        programs.push(other);
    }
    Ok(programs)
}

/// The same program, whose connections have little room to send.
pub(crate) fn with_small_buffer(program: Program) -> Program {
    Program {
        args: SMALL_BUFFER,
        ..program
    }
}

#[cfg(test)]
mod tests {
    use super::{ALL, LISTEN, SMALL_BUFFER};
    use crate::contestants::Source;

    #[test]
    fn the_manifest_has_the_programs() {
        let manifest = include_str!("../../Cargo.toml");
        for roomy in ALL {
            if let Source::Here(program, _) = roomy.contestant.source {
                assert!(manifest.contains(&format!("name = \"{program}\"")));
            }
        }
    }

    #[test]
    fn the_small_buffer_is_all_that_differs() {
        assert!(SMALL_BUFFER.starts_with(LISTEN));
    }
}
