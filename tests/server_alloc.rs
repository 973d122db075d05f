//! What the server allocates, counted: nothing per message, nothing for an idle session, and for a message under way
//! at most twice the bytes that came plus 128.
//!
//! One test, because the counters are the process's.
#![allow(unsafe_code, reason = "an allocator can only be wrapped so")]
#![allow(unreachable_pub, reason = "what is shared between tests is all `pub`")]
#![allow(
    clippy::std_instead_of_alloc,
    clippy::std_instead_of_core,
    clippy::cast_possible_truncation,
    reason = "tests have std, and make bytes of numbers on purpose"
)]

#[path = "support/counting.rs"]
mod counting;
#[path = "support/frames.rs"]
mod frames;
#[path = "support/sim/mod.rs"]
mod sim;

use frames::{BINARY, FIN, REQUEST, TEXT, frame, head};
use sim::{Conn, Net, SimKernel};
use sockeye::kernel::Kernel;
use sockeye::server::{
    Builder, EventLoop, Handler, Limits, Message, Peer, Server, Settings, Timeouts,
};
use std::io::{Read, Write};
use std::net::TcpStream;
use std::ops::Range;
use std::time::Duration;

fn allocations(run: impl FnOnce()) -> usize {
    let before = counting::calls();
    run();
    counting::calls() - before
}

fn live() -> isize {
    counting::held()
}

/// Echoes, and remembers where messages lay.
#[derive(Default)]
struct Echo {
    lowest: usize,
    highest: usize,
    messages: usize,
}

impl<K: Kernel> Handler<K> for Echo {
    type State = ();

    fn on_message(&mut self, peer: &mut Peer<'_, K>, (): &mut (), message: Message<'_>) {
        let bytes = match message {
            Message::Text(text) => text.as_bytes(),
            Message::Binary(data) => data,
        };
        let start = bytes.as_ptr().addr();
        if self.messages == 0 {
            (self.lowest, self.highest) = (start, start);
        }
        self.lowest = self.lowest.min(start);
        self.highest = self.highest.max(start + bytes.len());
        self.messages += 1;
        peer.send(message).expect("the peer reads");
    }
}

impl Echo {
    /// Where the messages since the last question lay.
    fn take_place(&mut self) -> Range<usize> {
        let place = self.lowest..self.highest;
        *self = Self::default();
        place
    }
}

/// A server on the simulated kernel.
struct Sim {
    net: Net,
    server: EventLoop<Echo, SimKernel>,
}

impl Sim {
    fn new() -> Self {
        let net = Net::new();
        let settings = Settings::new(Limits::default(), Timeouts::default());
        let server = EventLoop::new(net.kernel(), Echo::default(), settings);
        Self { net, server }
    }

    fn turns(&mut self, count: usize) {
        for _ in 0..count {
            self.server.turn(Some(Duration::ZERO)).expect("it polls");
        }
    }

    fn open(&mut self) -> Conn {
        let conn = self.net.connect();
        conn.push(REQUEST);
        self.turns(2);
        let head = conn.take_sent();
        assert!(head.starts_with(b"HTTP/1.1 101 "));
        conn
    }
}

/// Payload bytes, kind, messages per read.
const WORKLOADS: [(usize, u8, usize); 9] = [
    (20, TEXT, 1),
    (20, BINARY, 1),
    (20, TEXT, 16),
    (20, BINARY, 16),
    (1024, TEXT, 1),
    (1024, BINARY, 1),
    (1024, TEXT, 16),
    (1024, BINARY, 16),
    (64 << 10, BINARY, 1),
];

/// The size of the loop's read buffer; a message that does not fit has a buffer of its session.
const READ: usize = 64 << 10;

fn echo_on_the_simulated_kernel() {
    let mut sim = Sim::new();
    let conns = [sim.open(), sim.open()];
    let mut read_buffer = None::<Range<usize>>;
    for (len, kind, pipelined) in WORKLOADS {
        let message = frame(FIN | kind, &vec![b'a'; len]).repeat(pipelined);
        for conn in &conns {
            conn.reserve(4 * message.len());
        }
        let rounds = |sim: &mut Sim, count: usize| {
            for _ in 0..count {
                for conn in &conns {
                    conn.push(&message);
                    sim.turns(1);
                    let answered = conn.read_sent(<[u8]>::len);
                    assert_eq!(answered, message.len() - 4 * pipelined);
                }
            }
        };
        // The first ones fill the pools.
        rounds(&mut sim, 20);
        sim.server.handler().take_place();
        let count = allocations(|| rounds(&mut sim, 1000));
        assert_eq!(count, 0, "{len} B, {pipelined} per read, simulated");
        let place = sim.server.handler().take_place();
        if message.len() < READ {
            let known = read_buffer.get_or_insert_with(|| place.clone());
            *known = known.start.min(place.start)..known.end.max(place.end);
            assert!(known.len() <= READ, "not one buffer: {known:x?}");
        } else {
            let known = read_buffer.clone().expect("small ones came first");
            let outside = place.start >= known.end || place.end <= known.start;
            assert!(outside, "in the loop's buffer: {place:x?}, {known:x?}");
            // The sessions take turns, so one pooled buffer serves them all, at the same place every time.
            assert!(place.len() <= len, "more than one buffer: {place:x?}");
        }
    }
}

/// A server on a real socket, with a client on the same thread.
struct Loopback {
    server: Server<Echo>,
    client: TcpStream,
    received: Vec<u8>,
}

impl Loopback {
    fn new() -> Self {
        let any = "127.0.0.1:0".parse().expect("an address");
        // A deadline that comes near is put elsewhere, which may allocate.
        let hour = Duration::from_secs(3600);
        let timeouts = Timeouts {
            handshake: hour,
            ping: hour,
            ..Timeouts::default()
        };
        let builder = Builder::new().timeouts(timeouts);
        let server = builder.bind(any, Echo::default()).expect("a free port");
        let client = TcpStream::connect(server.local_addr()).expect("it listens");
        client.set_nodelay(true).expect("a TCP socket");
        client.set_nonblocking(true).expect("a socket");
        let received = vec![0; 1 << 20];
        let mut loopback = Self {
            server,
            client,
            received,
        };
        loopback.client.write_all(REQUEST).expect("it is small");
        while loopback.turn() == 0 {}
        loopback
    }

    /// One turn of each end, neither of which may wait for the other. Says how many bytes came.
    fn turn(&mut self) -> usize {
        let at_once = Some(Duration::ZERO);
        self.server.turn(at_once).expect("it polls");
        self.client.read(&mut self.received).unwrap_or(0)
    }

    fn rounds(&mut self, message: &[u8], answer: usize, count: usize) {
        for _ in 0..count {
            let (mut sent, mut got) = (0, 0);
            while got < answer {
                if sent < message.len() {
                    sent += self.client.write(&message[sent..]).unwrap_or(0);
                }
                got += self.turn();
            }
            assert_eq!(got, answer);
        }
    }
}

fn echo_on_loopback() {
    let mut loopback = Loopback::new();
    for (len, kind, pipelined) in WORKLOADS {
        let message = frame(FIN | kind, &vec![b'a'; len]).repeat(pipelined);
        let answer = message.len() - 4 * pipelined;
        loopback.rounds(&message, answer, 100);
        let count = allocations(|| loopback.rounds(&message, answer, 1000));
        assert_eq!(count, 0, "{len} B, {pipelined} per read, on loopback");
    }
}

fn idle_sessions_hold_nothing() {
    let mut sim = Sim::new();
    let conns: Vec<_> = (0..64).map(|_| sim.open()).collect();
    // Everything that a session may use for a while: a pooled buffer, an assembly, an outbox.
    let busy = |sim: &mut Sim| {
        for conn in &conns {
            conn.reserve(1 << 18);
            conn.push(&frame(FIN | BINARY, &[1; 100_000]));
            sim.turns(2);
            conn.push(&frame(TEXT, &[b'a'; 50_000]));
            conn.push(&frame(FIN, &[b'a'; 50_000]));
            sim.turns(2);
            conn.set_window(100);
            conn.push(&frame(FIN | BINARY, &[1; 20_000]));
            sim.turns(2);
            conn.set_window(usize::MAX);
            sim.turns(2);
            let answered = conn.read_sent(<[u8]>::len);
            assert_eq!(answered, 100_010 + 100_010 + 20_004);
        }
    };
    busy(&mut sim);
    let idle = live();
    busy(&mut sim);
    assert_eq!(live() - idle, 0, "after being busy");
}

fn a_silent_connection_costs_its_place() {
    let count = 1 << 10;
    let mut sim = Sim::new();
    let conns: Vec<_> = (0..count).map(|_| sim.net.connect()).collect();
    let before = live();
    sim.turns(40);
    assert_eq!(sim.server.connections(), count);
    drop(conns);
    let each = (live() - before) / count.cast_signed();
    // A slab and the timers' lists grow to at most twice what is in them.
    assert!(each <= 2 * 200 + 2 * 16, "{each} bytes for each");
}

/// What a session holds on the heap once it has had these bytes.
fn held_by_each(bytes: &[u8], pieces: usize) -> isize {
    let count = 32;
    let mut sim = Sim::new();
    // The first round leaves with the pool what it keeps of the sizes that were grown out of.
    held_by_all(&mut sim, count, bytes, pieces);
    held_by_all(&mut sim, count, bytes, pieces) / count.cast_signed()
}

fn held_by_all(sim: &mut Sim, count: usize, bytes: &[u8], pieces: usize) -> isize {
    let conns: Vec<_> = (0..count).map(|_| sim.open()).collect();
    for conn in &conns {
        conn.reserve(bytes.len());
    }
    let idle = live();
    for piece in bytes.chunks(bytes.len().div_ceil(pieces)) {
        for conn in &conns {
            conn.push(piece);
        }
        sim.turns(1);
    }
    sim.turns(10);
    assert!(conns.iter().all(|conn| conn.unreceived() == 0));
    let held = live() - idle;
    for conn in &conns {
        conn.end();
    }
    sim.turns(2);
    assert_eq!(sim.server.connections(), 0);
    held
}

fn what_is_announced_is_not_allocated() {
    let lengths = [
        14, 15, 64, 127, 128, 129, 1000, 4096, 10_000, 65_535, 65_536, 65_537, 100_000, 140_000,
        200_000, 300_000, 700_000,
    ];
    for len in lengths {
        let mut bytes = head(FIN | BINARY, 1 << 20);
        bytes.resize(len, 0);
        for pieces in [1, 2, 7, 100] {
            let each = held_by_each(&bytes, pieces);
            let allowed = 128 + 2 * len.cast_signed();
            assert!(each > 0, "nothing is held for {len}: it cannot be counted");
            assert!(each <= allowed, "{each} for {len} in {pieces} pieces");
        }
    }
}

#[test]
fn what_the_server_allocates() {
    idle_sessions_hold_nothing();
    a_silent_connection_costs_its_place();
    what_is_announced_is_not_allocated();
    echo_on_the_simulated_kernel();
    echo_on_loopback();
}
