//! The run: in each round those who write write, and the round is over when all have been told it who keep up.
//!
//! So no more than a round waits for these, however slow the machine, and nothing may be dropped for them. Who sleeps
//! holds nobody up.

use crate::PATIENCE;
use crate::member::{Kind, Member, Newest, Part, Stage};
use crate::said::{AUTHORS, CONFLATE, KEYS, NEWEST, OLDEST, OUTSIDE, ROOMS, Said, WRITERS};
use crate::servers::{Batch, Servers};
use mio::{Events, Interest, Poll, Registry, Token};
use std::net::SocketAddr;
use std::sync::mpsc::Sender;
use std::time::Instant;

/// Members of each loop that keep up, with those who write.
const STEADY: usize = 16;
/// Members of each loop that sleep, by their rooms.
const SLEEPY: [u8; 12] = [
    0b01, // In rooms with `CLOSE` in one alone, so that it counts them once.
    0b01,
    0b10,
    0b10,
    NEWEST,
    NEWEST & 0b0101_0101,
    OLDEST,
    OLDEST & 0b0101_0101,
    NEWEST | OLDEST,
    NEWEST | OLDEST,
    CONFLATE,
    CONFLATE & 0b1010_1010,
];
/// What one who writes says in a round, at most, and the other thread.
const BURST: usize = 160;
const OUTSIDE_BURST: usize = 48;
/// How many rounds somebody sleeps, at most, and one in how many rounds they begin to.
const NAP: u64 = 64;
const TIRED: usize = 16;
/// One message in so many is long enough to be compressed.
const LONG: usize = 64;

pub struct Run {
    pub members: Vec<Member>,
    /// By author and room: how many messages.
    pub said: [[u32; ROOMS.len()]; AUTHORS],
    newest: Newest,
    pub rounds: u64,
    /// How often somebody slept.
    pub naps: u64,
    /// What was told to members who were closed, by room, and how many members that were.
    pub past: [u64; ROOMS.len()],
    pub closed: u64,
    pub begin: Instant,
    addrs: Vec<SocketAddr>,
    outside: Sender<Batch>,
    poll: Poll,
    events: Events,
    room: Vec<u8>,
    seed: u64,
}

/// All members at first; those who write come first of all.
fn kinds() -> Vec<Kind> {
    let steady = (0..2 * STEADY).map(|at| Kind {
        part: Part::Steady,
        rooms: !0,
        worker: at % 2,
        deflate: at % 8 < 2,
        author: (at < WRITERS).then_some(at),
    });
    let sleepy = (0..2 * SLEEPY.len()).map(|at| Kind {
        part: Part::Sleepy,
        rooms: SLEEPY[at / 2],
        worker: at % 2,
        deflate: at % 4 == 1,
        author: None,
    });
    steady.chain(sleepy).collect()
}

fn register(registry: &Registry, member: &mut Member, at: usize) {
    let both = Interest::READABLE | Interest::WRITABLE;
    let registered = registry.register(&mut member.stream, Token(at), both);
    registered.expect("epoll takes it");
}

impl Run {
    /// Connects everybody.
    pub fn start(servers: &Servers) -> Self {
        let poll = Poll::new().expect("epoll");
        let connect = |(at, kind): (usize, Kind)| {
            let mut member = Member::connect(kind, servers.addrs[kind.worker], true);
            register(poll.registry(), &mut member, at);
            member
        };
        let members = kinds().into_iter().enumerate().map(connect).collect();
        let mut run = Self {
            members,
            said: [[0; ROOMS.len()]; AUTHORS],
            newest: [[[None; KEYS]; ROOMS.len()]; AUTHORS],
            rounds: 0,
            naps: 0,
            past: [0; ROOMS.len()],
            closed: 0,
            begin: Instant::now(),
            addrs: servers.addrs.clone(),
            outside: servers.outside.clone(),
            poll,
            events: Events::with_capacity(256),
            room: vec![0; 256 << 10],
            seed: 0x2545_F491_4F6C_DD1D,
        };
        run.until_all(|member| member.stage == Stage::Open);
        run
    }

    /// Rounds, until there were so many deliveries.
    pub fn until(&mut self, deliveries: u64) {
        while self.deliveries() < deliveries {
            self.round();
        }
    }

    pub fn deliveries(&self) -> u64 {
        let present: u64 = self.members.iter().map(|member| member.total).sum();
        present + self.past.iter().sum::<u64>()
    }

    /// Everybody wakes up, and reads what there is.
    pub fn end(&mut self) {
        for member in &mut self.members {
            member.sleeps_until = member.sleeps_until.min(self.rounds);
        }
        self.wake_up();
        self.until_all(|member| member.stage != Stage::Opening);
        for member in &mut self.members {
            member.ask_for_the_last();
        }
        self.until_all(|member| matches!(member.stage, Stage::Answered | Stage::Ended(_)));
        for member in &self.members {
            if let Stage::Answered = member.stage {
                member.assert_whole(&self.said, &self.newest);
            }
        }
        self.bury(false);
    }

    fn round(&mut self) {
        self.rounds += 1;
        for author in 0..WRITERS {
            for _ in 0..self.random(BURST) {
                let (_, message) = self.message(author);
                self.members[author].say(&message);
            }
            self.members[author].write();
            let somebody = self.random(self.members.len());
            self.members[somebody].join_again();
        }
        let burst = self.random(OUTSIDE_BURST);
        let outside = (0..burst).map(|_| self.message(OUTSIDE)).collect();
        self.outside.send(outside).expect("it listens");
        self.wake_up();
        self.fall_asleep();
        self.bury(true);
        // One of those who keep up comes last.
        let late = self.random(2 * STEADY);
        self.members[late].sleeps_until = self.rounds + 1;
        self.until_told();
        self.members[late].sleeps_until = 0;
        self.members[late].read(&mut self.room);
        self.until_told();
    }

    fn message(&mut self, author: usize) -> (usize, Vec<u8>) {
        let room = self.random(ROOMS.len());
        let key = self.random(KEYS);
        let number = self.said[author][room];
        self.said[author][room] += 1;
        self.newest[author][room][key] = Some(number);
        let said = Said {
            room,
            author,
            key,
            number,
        };
        (room, said.encode(self.random(LONG) == 0))
    }

    fn fall_asleep(&mut self) {
        for at in 2 * STEADY..self.members.len() {
            if self.members[at].sleeps_until <= self.rounds && self.random(TIRED) == 0 {
                self.members[at].sleeps_until = self.rounds + 1 + self.random(NAP as usize) as u64;
                self.naps += 1;
            }
        }
    }

    fn wake_up(&mut self) {
        for member in &mut self.members {
            if (1..=self.rounds).contains(&member.sleeps_until) {
                member.sleeps_until = 0;
                member.read(&mut self.room);
            }
        }
    }

    /// Who was closed is counted, and as a rule comes again.
    fn bury(&mut self, comes_again: bool) {
        for (at, member) in self.members.iter_mut().enumerate() {
            let Stage::Ended(code) = member.stage else {
                continue;
            };
            assert_eq!(code, Some(1013), "{:?}", member.kind);
            self.closed += 1;
            for (sum, received) in self.past.iter_mut().zip(member.received) {
                *sum += received;
            }
            let (kind, addr) = (member.kind, self.addrs[member.kind.worker]);
            member.received = [0; ROOMS.len()];
            member.total = 0;
            if comes_again {
                *member = Member::connect(kind, addr, false);
                register(self.poll.registry(), member, at);
            }
        }
    }

    /// Waits until those who keep up, and are not late, have been told everything.
    fn until_told(&mut self) {
        for member in &mut self.members {
            member.due = member.due_surely(&self.said);
        }
        let rounds = self.rounds;
        self.until_all(|member| {
            member.kind.part == Part::Sleepy
                || member.sleeps_until > rounds
                || member.told_surely() == member.due
        });
    }

    fn until_all(&mut self, is_so: impl Fn(&Member) -> bool) {
        let begin = Instant::now();
        while !self.members.iter().all(&is_so) {
            assert!(begin.elapsed() < PATIENCE, "it stands still");
            self.turn();
        }
    }

    /// Waits for something to happen, and has those read who are awake.
    fn turn(&mut self) {
        self.poll
            .poll(&mut self.events, Some(PATIENCE))
            .expect("polling works");
        for event in &self.events {
            let member = &mut self.members[event.token().0];
            if event.is_writable() {
                member.write();
            }
            if member.sleeps_until <= self.rounds {
                member.read(&mut self.room);
            }
        }
    }

    /// From 0 up to this, exclusively; xorshift.
    fn random(&mut self, below: usize) -> usize {
        self.seed ^= self.seed << 13;
        self.seed ^= self.seed >> 7;
        self.seed ^= self.seed << 17;
        (self.seed >> 33) as usize % below
    }
}
