//! The table of all that is measured. Whoever wants another load adds a line.

use super::in_memory::Part;
use crate::contestants::Name;
use crate::instructions::Count;
use crate::load::Shape;
use crate::load::frame::{Payload, Script};
use crate::rooms;

pub(crate) struct Scenario {
    /// Also that of its file.
    pub(crate) name: &'static str,
    /// As the tables have it.
    pub(crate) label: &'static str,
    pub(crate) group: Group,
    pub(crate) kind: Kind,
    pub(crate) who: &'static [Name],
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Group {
    Small,
    Pipelined,
    Large,
    OnTokio,
    Handshakes,
    Latency,
    Rooms,
    InMemory,
    Memory,
    Counted,
}

#[derive(Clone, Copy, Debug)]
pub(crate) enum Kind {
    /// As fast as answers come: rate and CPU time.
    Echo(Shape),
    /// Handshakes at once.
    Handshakes(usize),
    /// At a part of uWebSockets' own rate under the same load.
    Latency(Shape, f64),
    Room(rooms::Shape),
    /// Resident memory of so many connections.
    Idle(usize),
    /// Of Sockeye alone, behind TLS.
    IdleTls(usize),
    /// By valgrind: of two runs with so many messages.
    Valgrind(Shape, Count, [u64; 2]),
    /// By strace: so many messages.
    Calls(Shape, u64),
    /// Without servers and sockets, by a program of its own.
    InMemory(Part),
}

impl Kind {
    /// Whether it is measured in rounds, and not counted once.
    pub(crate) const fn has_rounds(self) -> bool {
        matches!(
            self,
            Self::Echo(_)
                | Self::Handshakes(_)
                | Self::Latency(..)
                | Self::Room(_)
                | Self::InMemory(_)
        )
    }

    /// What it is made of, beside the server.
    pub(crate) const fn sources(self) -> &'static [&'static str] {
        match self {
            Self::InMemory(part) => part.sources(),
            _ => &[],
        }
    }
}

const BINARY: Payload = Payload::Binary;
const ASCII: Payload = Payload::Text(Script::Ascii);
const MIXED: Payload = Payload::Text(Script::Mixed);

use Name::{
    Bun, Fastwebsockets, RawEt, RawLarge, RawLt, Sockeye, SockeyeTokio, SockudoWs, TokioWebsockets,
    TokioWebsocketsFeed, Tungstenite, UWebSockets,
};

const EVERYBODY: &[Name] = &[
    Sockeye,
    RawEt,
    RawLt,
    UWebSockets,
    Bun,
    TokioWebsockets,
    Fastwebsockets,
    Tungstenite,
    SockudoWs,
];
/// Those that the targets name, and the fastest of the others.
const FEW: &[Name] = &[Sockeye, RawEt, UWebSockets, Bun, TokioWebsockets];
const PIPELINED: &[Name] = &[
    Sockeye,
    RawEt,
    UWebSockets,
    Bun,
    TokioWebsocketsFeed,
    Fastwebsockets,
    SockudoWs,
];
const LARGE: &[Name] = &[
    Sockeye,
    RawLarge,
    UWebSockets,
    Bun,
    TokioWebsockets,
    Fastwebsockets,
    Tungstenite,
    SockudoWs,
];
/// Those that are connections for tokio, and Sockeye's own loop to measure them by.
const ON_TOKIO: &[Name] = &[
    Sockeye,
    SockeyeTokio,
    TokioWebsockets,
    TokioWebsocketsFeed,
    Fastwebsockets,
    Tungstenite,
];
/// Bun compiles while it runs: what it executes is not the same twice.
const COUNTED: &[Name] = &[
    Sockeye,
    RawEt,
    UWebSockets,
    TokioWebsockets,
    Fastwebsockets,
    Tungstenite,
    SockudoWs,
];
const SERVERS: &[Name] = &[
    Sockeye,
    UWebSockets,
    Bun,
    TokioWebsockets,
    Fastwebsockets,
    Tungstenite,
    SockudoWs,
];

const fn echo(
    name: &'static str,
    label: &'static str,
    group: Group,
    shape: Shape,
    who: &'static [Name],
) -> Scenario {
    Scenario {
        name,
        label,
        group,
        kind: Kind::Echo(shape),
        who,
    }
}

const fn shape(size: usize, connections: usize, pipeline: usize, payload: Payload) -> Shape {
    Shape {
        size,
        connections,
        pipeline,
        payload,
    }
}

const fn room(name: &'static str, label: &'static str, shape: rooms::Shape) -> Scenario {
    Scenario {
        name,
        label,
        group: Group::Rooms,
        kind: Kind::Room(shape),
        who: &rooms::EVERYBODY,
    }
}

const fn all_to_all(members: usize) -> rooms::Shape {
    rooms::Shape {
        members,
        talk: rooms::Talk::All,
        pace: rooms::Pace::Window(1),
        size: 20,
    }
}

const fn one_to_1000(size: usize, pace: rooms::Pace) -> rooms::Shape {
    rooms::Shape {
        members: 1000,
        talk: rooms::Talk::One,
        pace,
        size,
    }
}

const fn counted(name: &'static str, label: &'static str, kind: Kind) -> Scenario {
    Scenario {
        name,
        label,
        group: Group::Counted,
        kind,
        who: COUNTED,
    }
}

const fn memory(
    name: &'static str,
    label: &'static str,
    kind: Kind,
    who: &'static [Name],
) -> Scenario {
    Scenario {
        name,
        label,
        group: Group::Memory,
        kind,
        who,
    }
}

const fn in_memory(name: &'static str, label: &'static str, part: Part) -> Scenario {
    Scenario {
        name,
        label,
        group: Group::InMemory,
        kind: Kind::InMemory(part),
        who: &[Sockeye],
    }
}

const MIB: usize = 1 << 20;
/// Enough that what happens once falls out, and few enough for valgrind.
const MESSAGES: [u64; 2] = [2_000, 12_000];
const FEW_MESSAGES: [u64; 2] = [20, 120];

/// In the order in which they are measured and told. What is counted comes first: it wants no quiet machine.
#[rustfmt::skip]
pub(crate) static ALL: &[Scenario] = &[
    counted("instructions-20", "instructions, 20 B", Kind::Valgrind(shape(20, 1, 1, BINARY), Count::Instructions, MESSAGES)),
    counted("instructions-20x16", "instructions, 20 B, sixteen in a read", Kind::Valgrind(shape(20, 1, 16, BINARY), Count::Instructions, MESSAGES)),
    counted("instructions-1k-text", "instructions, 1 KiB of ASCII text", Kind::Valgrind(shape(1024, 1, 1, ASCII), Count::Instructions, MESSAGES)),
    counted("instructions-16k-text", "instructions, 16 KiB of ASCII text", Kind::Valgrind(shape(16_384, 1, 1, ASCII), Count::Instructions, MESSAGES)),
    counted("instructions-16k-mixed", "instructions, 16 KiB of non-ASCII text", Kind::Valgrind(shape(16_384, 1, 1, MIXED), Count::Instructions, MESSAGES)),
    counted("allocations-20", "allocations, 20 B", Kind::Valgrind(shape(20, 1, 1, BINARY), Count::Allocations, MESSAGES)),
    counted("allocations-16k", "allocations, 16 KiB", Kind::Valgrind(shape(16_384, 1, 1, BINARY), Count::Allocations, MESSAGES)),
    counted("copied-20", "bytes copied, 20 B", Kind::Valgrind(shape(20, 1, 1, BINARY), Count::Copied, MESSAGES)),
    counted("copied-16k", "bytes copied, 16 KiB", Kind::Valgrind(shape(16_384, 1, 1, BINARY), Count::Copied, MESSAGES)),
    counted("copied-1m", "bytes copied, 1 MiB", Kind::Valgrind(shape(MIB, 1, 1, BINARY), Count::Copied, FEW_MESSAGES)),
    counted("calls-20x64", "system calls, 20 B on 64 connections", Kind::Calls(shape(20, 64, 1, BINARY), 20_000)),
    counted("calls-20x64x16", "system calls, 20 B, sixteen at once", Kind::Calls(shape(20, 64, 16, BINARY), 160_000)),

    memory("idle", "19 000 connections", Kind::Idle(19_000), SERVERS),
    memory("idle-tls", "19 000 connections, TLS", Kind::IdleTls(19_000), &[Sockeye]),

    echo("echo-20x64", "20 B, 64 connections", Group::Small, shape(20, 64, 1, BINARY), EVERYBODY),
    echo("echo-20x512", "20 B, 512 connections", Group::Small, shape(20, 512, 1, BINARY), FEW),
    echo("echo-125x64", "125 B, 64 connections", Group::Small, shape(125, 64, 1, BINARY), FEW),
    echo("echo-125x512", "125 B, 512 connections", Group::Small, shape(125, 512, 1, BINARY), FEW),
    echo("echo-1kx64", "1 KiB, 64 connections", Group::Small, shape(1024, 64, 1, BINARY), EVERYBODY),
    echo("echo-1kx512", "1 KiB, 512 connections", Group::Small, shape(1024, 512, 1, BINARY), FEW),
    echo("echo-64x10000", "64 B, 10 000 connections", Group::Small, shape(64, 10_000, 1, BINARY), FEW),

    echo("pipelined-16", "20 B, 16 at once", Group::Pipelined, shape(20, 64, 16, BINARY), PIPELINED),
    echo("pipelined-64", "20 B, 64 at once", Group::Pipelined, shape(20, 64, 64, BINARY), PIPELINED),
    echo("pipelined-256", "20 B, 256 at once", Group::Pipelined, shape(20, 64, 256, BINARY), PIPELINED),
    echo("pipelined-1024", "20 B, 1 024 at once", Group::Pipelined, shape(20, 64, 1024, BINARY), PIPELINED),

    echo("echo-16k", "16 KiB, binary", Group::Large, shape(16_384, 64, 1, BINARY), LARGE),
    echo("echo-16k-ascii", "16 KiB, ASCII text", Group::Large, shape(16_384, 64, 1, ASCII), LARGE),
    echo("echo-16k-mixed", "16 KiB, non-ASCII text", Group::Large, shape(16_384, 64, 1, MIXED), LARGE),
    echo("echo-1m", "1 MiB, binary", Group::Large, shape(MIB, 4, 1, BINARY), LARGE),
    echo("echo-1m-ascii", "1 MiB, ASCII text", Group::Large, shape(MIB, 4, 1, ASCII), LARGE),
    echo("echo-1m-mixed", "1 MiB, non-ASCII text", Group::Large, shape(MIB, 4, 1, MIXED), LARGE),

    echo("tokio-20x64", "20 B, 64 connections, on tokio", Group::OnTokio, shape(20, 64, 1, BINARY), ON_TOKIO),
    echo("tokio-1kx64", "1 KiB, 64 connections, on tokio", Group::OnTokio, shape(1024, 64, 1, BINARY), ON_TOKIO),
    echo("tokio-20x64x16", "20 B, 16 at once, on tokio", Group::OnTokio, shape(20, 64, 16, BINARY), ON_TOKIO),

    Scenario { name: "handshakes", label: "connect, upgrade, close", group: Group::Handshakes, kind: Kind::Handshakes(64), who: SERVERS },
    Scenario { name: "latency", label: "20 B, 64 connections", group: Group::Latency, kind: Kind::Latency(shape(20, 64, 1, BINARY), 0.3), who: EVERYBODY },
    Scenario { name: "latency-1k", label: "1 KiB of ASCII text, 64 connections", group: Group::Latency, kind: Kind::Latency(shape(1024, 64, 1, ASCII), 0.3), who: FEW },

    room("room-32", "32 members, all to all, 20 B", all_to_all(32)),
    room("room-128", "128 members, all to all, 20 B", all_to_all(128)),
    room("room-512", "512 members, all to all, 20 B", all_to_all(512)),
    room("room-one-1k", "one to 1 000, 1 KiB", one_to_1000(1024, rooms::Pace::Window(32))),
    room("room-one-64k", "one to 1 000, 64 KiB", one_to_1000(65_536, rooms::Pace::Lockstep)),

    in_memory("codec", "codecs, in memory", Part::Codec),
    in_memory("kernels", "kernels, in memory", Part::Kernels),
    in_memory("deflate", "compression, in memory", Part::Deflate),
];

impl Group {
    pub(crate) const ALL: [Self; 10] = [
        Self::Small,
        Self::Pipelined,
        Self::Large,
        Self::OnTokio,
        Self::Handshakes,
        Self::Latency,
        Self::Rooms,
        Self::InMemory,
        Self::Memory,
        Self::Counted,
    ];

    pub(crate) fn scenarios(self) -> impl Iterator<Item = &'static Scenario> {
        ALL.iter().filter(move |scenario| scenario.group == self)
    }
}

#[cfg(test)]
mod tests {
    use super::{ALL, Group};
    use crate::contestants::Name;
    use std::collections::BTreeSet;

    #[test]
    fn every_scenario_has_a_name_of_its_own_and_sockeye_first() {
        let names: BTreeSet<_> = ALL.iter().map(|scenario| scenario.name).collect();
        assert_eq!(names.len(), ALL.len());
        for scenario in ALL {
            assert_eq!(scenario.who[0], Name::Sockeye, "{}", scenario.name);
        }
        let grouped: usize = Group::ALL
            .iter()
            .map(|group| group.scenarios().count())
            .sum();
        assert_eq!(grouped, ALL.len());
    }
}
