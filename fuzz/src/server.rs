//! The event loop on the simulated kernel: several peers, good and bad ones, and everything a network can do to them.
//!
//! Not here: the kernel, which the tests of the server have (`tests/support/sim`); what the application does (`actor`);
//! what a peer knows (`guest`).

mod actor;
mod guest;

use super::choices::Choices;
use super::frames::{self, REQUEST};
use super::sim;
use actor::Actor;
use guest::{Guest, any_frame, spoilt_request};
use rustix::io::Errno;
use sim::{Conn, Net, SimKernel};
use sockeye::kernel::{Ready, Token};
use sockeye::proto;
use sockeye::server::{EventLoop, Limits, Rejection, Settings, Timeouts, Verdict};
use std::time::Duration;

/// What ends a connection.
const FATAL: [Errno; 9] = [
    Errno::CONNRESET,
    Errno::PIPE,
    Errno::TIMEDOUT,
    Errno::NOBUFS,
    Errno::NOMEM,
    Errno::HOSTUNREACH,
    Errno::NETDOWN,
    Errno::IO,
    Errno::BADF,
];
const MAX_OPS: usize = 64;
const MAX_GUESTS: usize = 6;
/// Turns without time passing or anything moving: reports of what is no more, and the second look after them.
const MAX_IDLE_TURNS: usize = 32;
/// Turns in one operation; a peer that takes a byte at a time needs many, and the next operation may come before.
const MAX_TURNS: usize = 400;

/// Whatever peers, network and application do: nothing panics and nothing spins; who is told that a connection began is
/// told once that it ended; what a peer sent is heard, what it was told arrives, in order, as valid frames; and when
/// the peers fall silent, time ends every session.
pub fn server(data: &[u8]) {
    let mut world = World::new(Choices::new(data));
    for _ in 0..MAX_OPS {
        if world.choices.is_empty() || !world.goes_on {
            break;
        }
        world.next_op();
        world.look();
    }
    world.calm_down();
    world.everything_arrived();
    world.time_ends_all();
}

struct World<'a> {
    choices: Choices<'a>,
    net: Net,
    server: EventLoop<Actor, SimKernel>,
    guests: Vec<Guest>,
    max_message: usize,
    stopping: bool,
    goes_on: bool,
    idle_turns: usize,
}

impl<'a> World<'a> {
    fn new(mut choices: Choices<'a>) -> Self {
        let net = Net::new();
        let max_message = choices.pick(&[1 << 20, 100, 1000]);
        let limits = Limits {
            connection: proto::Limits::with_max_message(max_message),
            max_queued: choices.pick(&[1 << 20, 0, 1000, 20_000]),
            max_connections: choices.pick(&[100, 0, 1, 2]),
            ..Limits::default()
        };
        let how = choices.byte();
        // What is compressed is other targets'; these guests cannot read it.
        let settings = Settings::new(limits, timeouts(how)).deflate(None);
        let actor = Actor::new(how & 4 != 0, how & 8 != 0);
        Self {
            server: EventLoop::new(net.kernel(), actor, settings),
            choices,
            net,
            guests: Vec::new(),
            max_message: usize::try_from(max_message).expect("small"),
            stopping: false,
            goes_on: true,
            idle_turns: 0,
        }
    }

    // --- what may happen ---

    fn next_op(&mut self) {
        match self.choices.byte() % 20 {
            0 => self.connect(),
            1..=5 => self.message(),
            6 => self.fragments(),
            7 => self.control(),
            8 => self.noise(),
            9 => self.with_guest(|guest, _| guest.end()),
            10 => self.with_guest(|guest, choices| guest.reset(choices.pick(&FATAL))),
            11 => self.with_guest(|guest, choices| {
                guest
                    .conn
                    .set_window(choices.pick(&[usize::MAX, 0, 1, 130, 5_000, 70_000]));
                guest.conn.tell_room_from(choices.pick(&[1, 2, 1000]));
            }),
            12 => self.with_guest(|guest, choices| {
                guest
                    .conn
                    .set_max_send(choices.pick(&[usize::MAX, 1, 100, 5_000]));
            }),
            13 => self.fault(),
            14 => self.accepting(),
            15 => self.forge(),
            16 => {
                self.net.set_lag(ms(self.choices.pick(&[0, 1, 30])));
            }
            17 => self.turns(1),
            18 => self.settle(),
            _ => {
                let span = self
                    .choices
                    .pick(&[1, 10, 50, 100, 1_000, 3_000, 10_000, 31_000]);
                self.run_for(ms(span));
            }
        }
    }

    fn connect(&mut self) {
        if self.guests.len() == MAX_GUESTS {
            return;
        }
        let how = self.choices.byte();
        let mut guest = Guest::new(self.net.connect(), how & 1 == 0);
        let pieces = self.choices.pick(&[usize::MAX, 1, 50, 100]);
        match how % 16 {
            0..12 => guest.ask(pieces),
            12 => guest.say_anything(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n", pieces),
            13 => guest.say_anything(REQUEST.split_at(60).0, pieces),
            14 => guest.say_anything(&spoilt_request(&mut self.choices), pieces),
            _ => {
                let len = usize::from(self.choices.number() % 512);
                guest.say_anything(self.choices.take(len), pieces);
            }
        }
        self.guests.push(guest);
        if how & 64 == 0 {
            self.settle();
        }
    }

    fn message(&mut self) {
        let (kind, command, argument) = (
            self.choices.flag(),
            self.choices.byte(),
            self.choices.byte(),
        );
        let size = self.size();
        let pieces = self.pieces();
        let payload = actor::command(command, argument, size);
        let too_big = size.max(2) > self.max_message;
        self.with_guest(|guest, _| guest.say(kind, &payload, pieces, too_big));
    }

    fn fragments(&mut self) {
        let count = 2 + usize::from(self.choices.byte() % 4);
        let payload = actor::command(self.choices.byte(), 0, self.size());
        let pieces = self.pieces();
        let too_big = payload.len() > self.max_message;
        self.with_guest(|guest, _| guest.say_in_fragments(&payload, count, pieces, too_big));
    }

    fn control(&mut self) {
        let which = self.choices.byte() % 4;
        let pieces = self.pieces();
        self.with_guest(|guest, choices| match which {
            0 => guest.push(&frames::ping(b"are you there?"), pieces),
            1 => guest.push(&frames::pong(&[choices.byte(); 4]), pieces),
            2 => guest.close(choices.pick(&[1000, 1001, 3000, 1005])),
            _ => guest.say_anything(&any_frame(choices), pieces),
        });
    }

    /// Bytes that are no frame, or the beginning of one.
    fn noise(&mut self) {
        let pieces = self.pieces();
        let len = usize::from(self.choices.byte() % 32);
        self.with_guest(|guest, choices| {
            if len == 0 {
                guest.say_anything(&frames::head(0x82, 5_000), pieces);
            } else {
                guest.say_anything(choices.take(len), pieces);
            }
        });
    }

    fn fault(&mut self) {
        self.with_guest(|guest, choices| {
            let passing = [Errno::AGAIN, Errno::INTR];
            let error = match choices.byte() {
                which @ 0..4 => passing[usize::from(which % 2)],
                which => FATAL[usize::from(which) % FATAL.len()],
            };
            if choices.flag() {
                guest.conn.queue_send_fault(error);
            } else {
                guest.conn.queue_receive_fault(error);
            }
            guest.is_broken |= !passing.contains(&error);
        });
    }

    fn accepting(&mut self) {
        match self.choices.byte() % 9 {
            0 => self.net.set_accept_error(Some(Errno::MFILE)),
            1 => self.net.set_accept_error(None),
            2 => self.net.queue_accept_error(Errno::CONNABORTED),
            3 => {
                let passing = [
                    Errno::NOMEM,
                    Errno::NETDOWN,
                    Errno::PROTO,
                    Errno::NFILE,
                    Errno::INTR,
                ];
                self.net.queue_accept_error(self.choices.pick(&passing));
            }
            4 => self
                .net
                .queue_register_error(self.choices.pick(&[Errno::NOSPC, Errno::NOMEM])),
            5 => {
                self.stopping = true;
                self.net
                    .forge(self.choices.pick(&[Ready::Stop, Ready::Restart]));
            }
            6 => self.net.forge(Ready::Reload),
            _ => self.answer(),
        }
    }

    /// A request that was put off.
    fn answer(&mut self) {
        if let Some(id) = self.server.handler().waiting.pop() {
            let verdict = match self.choices.byte() % 4 {
                0 => Verdict::Refuse(Rejection::new(403, "no")),
                1 => {
                    self.server.handler().waiting.insert(0, id);
                    Verdict::Later
                }
                _ => Verdict::default(),
            };
            self.server.hub().answer(id, verdict);
        }
    }

    /// Reports that come twice, late, or of what never was.
    fn forge(&mut self) {
        let how = self.choices.byte();
        let token = self
            .guests
            .get(usize::from(how >> 4))
            .and_then(|guest| guest.conn.token());
        let report = Ready::Stream {
            token: token.unwrap_or_else(|| Token(how.into())),
            readable: how & 1 != 0,
            writable: how & 2 != 0,
            hangup: false,
        };
        match how & 12 {
            0 => self.net.forge(report),
            4 => self.net.forge_last(report),
            8 => self.net.forge(Ready::Accept),
            _ => self.net.forge(Ready::Wake),
        }
    }

    fn with_guest(&mut self, act: impl FnOnce(&mut Guest, &mut Choices<'_>)) {
        let which = usize::from(self.choices.byte());
        if self.guests.is_empty() {
            self.connect();
        }
        let count = self.guests.len();
        act(&mut self.guests[which % count], &mut self.choices);
    }

    fn size(&mut self) -> usize {
        match self.choices.byte() {
            size @ 0..200 => size.into(),
            size @ 200..245 => [300, 1000, 5_000][usize::from(size % 3)],
            size => [16_384, 20_000, 65_530, 66_000, 140_000][usize::from(size % 5)],
        }
    }

    fn pieces(&mut self) -> usize {
        self.choices
            .pick(&[usize::MAX, usize::MAX, 1_000, 40_000, 3, 1])
    }

    // --- turns ---

    fn turn(&mut self, wait: Duration) {
        if !self.goes_on {
            return;
        }
        let before = (wait > Duration::ZERO).then(|| self.moved());
        self.goes_on = self.server.turn(Some(wait)).expect("polling works");
        let rests = before.is_some_and(|before| before == self.moved());
        self.idle_turns = if rests { self.idle_turns + 1 } else { 0 };
        assert!(self.idle_turns < MAX_IDLE_TURNS, "the server spins");
    }

    /// What changes when something has happened.
    fn moved(&self) -> (Duration, [usize; 6]) {
        let sum =
            |count: fn(&Conn) -> usize| self.guests.iter().map(|guest| count(&guest.conn)).sum();
        let (waiting, open) = (self.net.waiting(), self.server.connections());
        let sums = [
            sum(Conn::under_way),
            sum(Conn::arrived),
            sum(Conn::untaken),
            sum(Conn::queued_faults),
            waiting,
            open,
        ];
        (self.net.now(), sums)
    }

    fn turns(&mut self, count: usize) {
        for _ in 0..count {
            self.turn(Duration::ZERO);
        }
    }

    /// Turns until nothing moves any more.
    fn settle(&mut self) {
        let mut quiet = 0;
        let mut before = (self.moved(), self.net.calls().work());
        for _ in 0..MAX_TURNS {
            self.turn(Duration::ZERO);
            let after = (self.moved(), self.net.calls().work());
            quiet = if before == after { quiet + 1 } else { 0 };
            if quiet == 3 {
                return;
            }
            before = after;
        }
    }

    fn run_for(&mut self, span: Duration) {
        let until = self.net.now() + span;
        let mut turns = 0;
        while self.goes_on && self.net.now() < until && turns < 10 * MAX_TURNS {
            self.turn(until - self.net.now());
            self.look();
            turns += 1;
        }
    }

    // --- what must hold ---

    /// Each peer reads what it got; what it got is what it was told, as far as it has come.
    fn look(&mut self) {
        for guest in &mut self.guests {
            if guest.read() {
                guest.compare(self.server.handler());
            }
        }
        assert_eq!(self.server.handler().complaints, [""; 0]);
    }

    /// The network is a good one from now on, and everybody reads.
    fn calm_down(&mut self) {
        self.net.set_lag(Duration::ZERO);
        self.net.set_accept_error(None);
        for guest in &self.guests {
            guest.conn.set_window(usize::MAX);
            guest.conn.tell_room_from(1);
            guest.conn.set_max_send(usize::MAX);
        }
        for _ in 0..1_000 {
            // Sums alone could be the same again: what one peer answers as another's answer is received.
            let before = (self.moved(), self.net.calls().work());
            // Who waits for an answer gets it.
            for id in std::mem::take(&mut self.server.handler().waiting) {
                self.server.hub().answer(id, Verdict::default());
            }
            self.settle();
            self.look();
            let rests = before == (self.moved(), self.net.calls().work());
            if rests && self.server.handler().waiting.is_empty() {
                return;
            }
        }
        assert!(!self.goes_on, "it does not come to rest");
    }

    fn everything_arrived(&mut self) {
        if self.goes_on {
            for guest in &mut self.guests {
                guest.has_everything(self.server.handler());
            }
        }
    }

    /// Nobody says anything any more.
    fn time_ends_all(&mut self) {
        for guest in &mut self.guests {
            guest.compare(self.server.handler());
            guest.falls_silent();
        }
        // Accepting may have been paused; then the handshake, a message, a ping, its pong and the closing take their
        // time.
        self.run_for(Duration::from_secs(120));
        self.calm_down();
        assert_eq!(self.server.connections(), 0, "sessions outlive their peers");
        assert_eq!(self.net.open_streams(), 0);
        assert_eq!(self.goes_on, !self.stopping);
        self.server.handler().all_have_ended();
    }
}

/// The defaults, or short ones.
fn timeouts(how: u8) -> Timeouts {
    let idle = (how & 2 != 0).then_some(ms(300));
    if how & 1 == 0 {
        return Timeouts {
            idle,
            ..Timeouts::default()
        };
    }
    Timeouts {
        handshake: ms(50),
        assembly: ms(80),
        ping: ms(100),
        pong: ms(60),
        idle,
        close: ms(40),
        write_stall: ms(70),
        goodbye: ms(30),
        drain: ms(90),
    }
}

const fn ms(millis: u64) -> Duration {
    Duration::from_millis(millis)
}
