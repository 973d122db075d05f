//! One contestant, one shape: is it right, how fast is it, and what does it ask of the kernel.

use super::load::{Done, Pace, Room, Shape, Talk, Until};
use crate::Result;
use crate::building::Program;
use crate::options::{Rounds, Setup};
use crate::rounds::{self, Sample};
use crate::server::Server;
use crate::syscalls::Trace;
use std::collections::BTreeMap;
use std::time::Duration;

/// Deliveries that are read and compared before anything is measured.
const CHECKED: usize = 500_000;
/// How long calls are counted. What is in flight then is waited for: a server that makes a call for each delivery takes
/// half a minute for that, under strace.
const COUNTED: Duration = Duration::from_secs(2);

/// What one server asked of the kernel.
#[derive(Clone, Debug)]
pub(crate) struct Counted {
    messages: u64,
    deliveries: u64,
    calls: BTreeMap<String, u64>,
}

/// Everything that everybody gets is read: right contents, nothing lost, doubled or out of order.
pub(crate) fn check(setup: &Setup, program: &Program, shape: Shape) -> Result<()> {
    let server = Server::start(program, setup.server_core, &[])?;
    let mut room = Room::open(server.addr, shape)?;
    room.check(each(shape, CHECKED))
        .map_err(|error| format!("{}, {shape}: {error}", program.name))?;
    Ok(())
}

/// A server of its own, warmed up, then measured. What is counted is deliveries.
pub(crate) fn sample(
    setup: &Setup,
    rounds: &Rounds,
    program: &Program,
    shape: Shape,
) -> Result<Sample> {
    let server = Server::start(program, setup.server_core, &[])?;
    let mut room = Room::open(server.addr, shape)?;
    let failed = |error| format!("{}, {shape}: {error}", program.name);
    room.run(Until::Elapsed(rounds.warm_up())).map_err(failed)?;
    rounds::sampled(&server, || {
        let time = Duration::from_secs_f64(rounds.seconds);
        let done = room.run(Until::Elapsed(time)).map_err(failed)?;
        Ok((done.deliveries, done.elapsed))
    })
}

/// Counts calls, in a process of their own: who is traced is not timed.
pub(crate) fn count(setup: &Setup, program: &Program, shape: Shape) -> Result<Counted> {
    let server = Server::start(program, setup.server_core, &[])?;
    let mut room = Room::open(server.addr, shape)?;
    room.run(Until::Each(in_flight(shape)))?;
    let trace = Trace::attach(&server)?;
    let Done {
        messages,
        deliveries,
        ..
    } = room.run(Until::Elapsed(COUNTED))?;
    Ok(Counted {
        messages,
        deliveries,
        calls: trace.detach()?,
    })
}

const fn in_flight(shape: Shape) -> u32 {
    match shape.pace {
        Pace::Window(own) => own,
        Pace::Lockstep => 1,
    }
}

/// How many each sender says for so many deliveries; a few windows at least.
fn each(shape: Shape, deliveries: usize) -> u32 {
    let senders = match shape.talk {
        Talk::One => 1,
        Talk::All => shape.members,
    };
    // A large message takes longer.
    let deliveries = deliveries / (1 + shape.size / 1024);
    let each = u32::try_from(deliveries / (senders * shape.members)).unwrap_or(u32::MAX);
    each.max(4 * in_flight(shape))
}

impl Counted {
    fn of(&self, names: &[&str]) -> f64 {
        let calls = names.iter().filter_map(|name| self.calls.get(*name));
        calls.sum::<u64>() as f64
    }

    fn sends(&self) -> f64 {
        self.of(&["sendto", "sendmsg", "sendmmsg", "write", "writev"])
    }

    /// A turn begins with a wait. strace may see one more or one fewer, for it comes and goes while the server waits.
    fn turns(&self) -> f64 {
        self.of(&["epoll_wait", "epoll_pwait", "epoll_pwait2"])
    }

    pub(crate) fn messages_per_turn(&self) -> f64 {
        self.messages as f64 / self.turns()
    }

    pub(crate) fn sends_per_turn(&self) -> f64 {
        self.sends() / self.turns()
    }

    pub(crate) fn sends_per_delivery(&self) -> f64 {
        self.sends() / self.deliveries as f64
    }

    pub(crate) fn calls_per_delivery(&self) -> f64 {
        self.calls.values().sum::<u64>() as f64 / self.deliveries as f64
    }

    /// 1 for who makes one send per member and turn, however much there is to say: then sends per delivery are one in
    /// as many as there are messages in a turn.
    pub(crate) fn sends_per_member_and_turn(&self) -> f64 {
        self.sends_per_delivery() * self.messages_per_turn()
    }
}

#[cfg(test)]
mod tests {
    use super::super::load::{Pace, Shape, Talk};
    use super::{Counted, each};

    const ALL: Shape = Shape {
        members: 512,
        talk: Talk::All,
        pace: Pace::Window(1),
        size: 20,
    };

    #[test]
    fn one_send_per_member_and_turn_is_one() {
        let calls = [
            ("sendto", 5_120),
            ("epoll_wait", 8),
            ("epoll_pwait", 2),
            ("recvfrom", 2_560),
        ];
        let counted = Counted {
            messages: 2_560,
            deliveries: 2_560 * 512,
            calls: calls.map(|(name, calls)| (name.to_owned(), calls)).into(),
        };
        assert_eq!(counted.messages_per_turn(), 256.0);
        assert_eq!(counted.sends_per_turn(), 512.0);
        assert_eq!(counted.sends_per_delivery(), 1.0 / 256.0);
        assert_eq!(counted.sends_per_member_and_turn(), 1.0);
        assert_eq!(
            counted.calls_per_delivery(),
            7_690.0 / (2_560.0 * 512.0),
            "all of them"
        );
    }

    #[test]
    fn the_work_is_about_what_was_asked_for_and_some_windows_at_least() {
        assert_eq!(each(ALL, 1_000_000), 4);
        let few = Shape { members: 32, ..ALL };
        assert_eq!(each(few, 1_024_000), 1_000);
        let one = Shape {
            talk: Talk::One,
            pace: Pace::Window(32),
            ..ALL
        };
        assert_eq!(each(one, 512_000), 1_000);
        assert_eq!(each(one, 1), 128);
        let large = Shape {
            size: 65_536,
            pace: Pace::Lockstep,
            ..one
        };
        assert_eq!(each(large, 65 * 512 * 10), 10);
    }
}
