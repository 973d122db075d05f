//! Loops whose turns are taken by hand, their peers, and what connects them: a scenario is played here, and at its end
//! everybody leaves.
//!
//! Not here: what has to hold; that is `judge`.

use crate::book::Shared;
use crate::frames::{self, Frame};
use crate::peer::Peer;
use crate::sim::faults::{self, Call};
use crate::sim::{Net, SimKernel};
use crate::wire::{Between, Wire};
use rustix::io::Errno;
use sockeye::server::{EventLoop, Exchange, Handler, Settings};
use std::time::Duration;

/// Rounds in which everything has to come to rest.
const ROUNDS: usize = 3_000;
/// Turns that one loop may take without that time goes on.
const TURNS_AT_ONCE: usize = 400;

pub const fn ms(millis: u64) -> Duration {
    Duration::from_millis(millis)
}

/// A loop in its own world.
pub struct Loop<H: Handler<SimKernel>> {
    pub net: Net,
    pub events: EventLoop<H, SimKernel>,
    /// It was asked to stop, and has.
    pub is_over: bool,
}

pub struct Stage<H: Handler<SimKernel>> {
    pub loops: Vec<Loop<H>>,
    pub peers: Vec<Peer>,
    pub wires: Vec<Wire>,
    pub book: Shared,
    /// A peer broke the protocol on purpose.
    pub expects_violations: bool,
    /// Who comes first decides what the others are told.
    pub is_mixed: bool,
    /// Its loops have rooms together.
    pub is_shared: bool,
    /// What each end of a wire sends at once is a little.
    pub slow_wires: bool,
    /// After how many times a wire carries nothing more.
    pub most_carried: Option<usize>,
    /// How much was dropped for those who read too slowly.
    pub dropped: u64,
    /// Connections that were wanted, and not links.
    pub dials: usize,
    /// What the first loop opens comes to the second, through this.
    pub between: Option<Between>,
    /// What of the rest is left when everybody has gone; none of it is to be.
    pub left: Vec<String>,
    next_serial: u16,
}

impl<H: Handler<SimKernel>> Stage<H> {
    /// Loops that know nothing of each other.
    pub fn new(loops: impl IntoIterator<Item = (H, Settings)>, book: &Shared) -> Self {
        let loops = loops.into_iter().map(|(handler, settings)| {
            let net = Net::new();
            let events = EventLoop::new(net.kernel(), handler, settings);
            Loop {
                net,
                events,
                is_over: false,
            }
        });
        Self {
            loops: loops.collect(),
            peers: Vec::new(),
            wires: Vec::new(),
            between: None,
            book: book.clone(),
            expects_violations: false,
            is_mixed: false,
            is_shared: false,
            slow_wires: false,
            most_carried: None,
            dropped: 0,
            dials: 0,
            left: Vec::new(),
            next_serial: 0,
        }
    }

    /// What is published in one loop is told in all.
    pub fn share(&mut self) {
        let exchange = Exchange::new();
        for each in &mut self.loops {
            each.events.join(&exchange, each.net.waker());
        }
        self.is_shared = true;
    }

    pub fn serial(&mut self) -> u16 {
        self.next_serial += 1;
        self.next_serial
    }

    /// A peer that has said nothing, at one of the loops.
    pub fn connect_to(&mut self, at: usize) -> usize {
        let serial = self.serial();
        let addr = sockeye::kernel::PeerAddr::Ip(([192, 0, 2, 1], serial).into());
        let conn = self.loops[at].net.connect_from(addr);
        self.peers.push(Peer::new(serial, conn));
        self.peers.len() - 1
    }

    /// A peer that has asked for a WebSocket, and what came of it.
    pub fn open_at(&mut self, at: usize) -> usize {
        let peer = self.connect_to(at);
        self.peers[peer].ask("/", "");
        self.settle();
        peer
    }

    pub fn open(&mut self) -> usize {
        self.open_at(0)
    }

    pub fn say(&mut self, peer: usize, text: &str) {
        self.peers[peer].say(text);
        self.settle();
    }

    /// It says something binary, which comes back.
    pub fn say_bytes(&mut self, peer: usize, payload: &[u8]) {
        let bytes = self.peers[peer].message(&Frame::binary(payload));
        self.peers[peer].conn.push(&bytes);
        self.settle();
    }

    pub fn push(&mut self, peer: usize, bytes: &[u8]) {
        self.peers[peer].conn.push(bytes);
        self.settle();
    }

    /// Its connection breaks, and nobody can say how much of it was carried before.
    pub fn reset(&mut self, peer: usize, error: Errno) {
        self.peers[peer].is_broken = true;
        self.peers[peer].conn.reset(error);
        self.settle();
    }

    /// All wires that there are end without a word.
    #[cfg(feature = "client")]
    pub fn cut(&mut self) {
        self.wires.iter_mut().for_each(Wire::cut);
        self.settle();
    }

    /// All that can happen at this time happens.
    pub fn settle(&mut self) {
        let mut quiet = 0;
        for _ in 0..ROUNDS {
            quiet = if self.round() { 0 } else { quiet + 1 };
            // Something may come with the next poll.
            if quiet == 3 {
                return;
            }
        }
        panic!("they do not come to rest");
    }

    fn round(&mut self) -> bool {
        let mut any = false;
        for each in &mut self.loops {
            let before = each.net.calls().work();
            each.turn(Duration::ZERO);
            any |= each.net.calls().work() != before;
        }
        for peer in &mut self.peers {
            any |= peer.react();
        }
        any |= self.connect_wires();
        for wire in &mut self.wires {
            any |= wire.carry();
        }
        any
    }

    /// What the first loop has opened meanwhile comes to the second.
    fn connect_wires(&mut self) -> bool {
        let Some(between) = self.between else {
            return false;
        };
        let fresh = self.loops[0].net.take_connected();
        let any = !fresh.is_empty();
        for near in fresh {
            let serial = self.serial();
            let mut wire = Wire::new(near, &self.loops[1].net, serial, between);
            wire.most = self.most_carried.unwrap_or(usize::MAX);
            if self.slow_wires {
                wire.slow_down();
            }
            self.wires.push(wire);
        }
        any
    }

    /// Time passes, in spans that are short where several have to hear of each other.
    pub fn pass(&mut self, span: Duration) {
        let step = if span > ms(1_000) { ms(2_000) } else { ms(20) };
        let mut passed = Duration::ZERO;
        while passed < span {
            let now = step.min(span - passed);
            for each in &mut self.loops {
                each.run_for(now);
            }
            passed += now;
            self.settle();
        }
    }

    /// Time in which everybody does as they should, also where that is 300 ms late.
    pub fn heal(&mut self) {
        self.pass(ms(400));
    }

    /// Those who are there say something that comes back, then all leave, and nothing is left of them.
    pub fn finish(&mut self) {
        self.heal();
        self.look_for_forgotten();
        for peer in self.peers.iter_mut().filter(|peer| peer.is_open()) {
            if peer.conn.window() == usize::MAX {
                peer.say("echo are you there?");
            }
        }
        self.heal();
        for peer in self.peers.iter_mut().filter(|peer| !peer.has_left) {
            if peer.is_open() {
                peer.has_stayed = true;
                peer.leave();
            } else if peer.closed.is_none() || peer.is_mute {
                peer.has_left = true;
                peer.conn.end();
            }
        }
        #[cfg(feature = "client")]
        if !self.wires.is_empty() {
            // Those who call end it; the others only hear of it.
            self.loops[0].events.stop();
        }
        self.pass(ms(400));
        // Little happens from here on, and it takes many polls.
        faults::hold(true);
        self.pass(Duration::from_secs(50));
        self.look_for_rest();
    }

    /// Everything is at rest: of those who read, whom nothing was done to, all was received that they said, and all was
    /// said to them. What is not would wait for a report that never comes.
    fn look_for_forgotten(&mut self) {
        let stats = self
            .loops
            .iter_mut()
            .map(|each| each.events.hub().total_stats());
        let dropped: u64 = stats.map(|stats| stats.dropped + stats.conflated).sum();
        let book = self.book.open();
        let mut missed = 0;
        let is_sound = |peer: &&Peer| {
            let reads = peer.conn.window() == usize::MAX;
            peer.is_open() && reads && !peer.conn.is_touched() && !peer.is_broken
        };
        for peer in self.peers.iter().filter(is_sound) {
            let unreceived = peer.conn.unreceived();
            if unreceived > 0 {
                let what = format!("{unreceived} bytes of peer {} forgotten", peer.serial);
                self.left.push(what);
            }
            if let Some(life) = book.find(peer.serial, false).next() {
                let told: usize = life.told.values().map(Vec::len).sum();
                let read: usize = peer.read.values().map(Vec::len).sum();
                missed += told.saturating_sub(read) as u64;
            }
        }
        drop(book);
        if missed > dropped {
            let what = format!("{missed} messages were not told, {dropped} were dropped");
            self.left.push(what);
        }
    }

    /// What is left, now that everybody has gone.
    fn look_for_rest(&mut self) {
        let mut left = Vec::new();
        for each in &mut self.loops {
            left.extend(each.rest());
            let stats = each.events.hub().total_stats();
            self.dropped += stats.dropped + stats.conflated;
        }
        for each in &mut self.loops {
            left.extend(each.idle());
        }
        for each in &mut self.loops {
            each.events.stop();
            for _ in 0..4 {
                each.turn(Duration::ZERO);
            }
            if !each.is_over {
                left.push("a loop that has nobody and does not stop".to_owned());
            }
        }
        let put_off = self.book.open().put_off.len();
        if put_off > 0 {
            left.push(format!("{put_off} requests were never answered"));
        }
        self.left.extend(left);
    }

    /// How often was waited in all.
    pub fn polls(&self) -> usize {
        self.loops.iter().map(|each| each.net.calls().polls).sum()
    }
}

impl<H: Handler<SimKernel>> Loop<H> {
    /// One turn. Waiting may fail where that was planned, and is tried again.
    pub fn turn(&mut self, wait: Duration) {
        if self.is_over {
            return;
        }
        match self.events.turn(Some(wait)) {
            Ok(true) => {}
            Ok(false) => {
                self.is_over = true;
                self.net.refuse_waiting();
            }
            Err(error) => assert!(faults::has_struck(Call::Poll), "polling: {error}"),
        }
    }

    fn run_for(&mut self, span: Duration) {
        let end = self.net.now() + span;
        let mut turns = 0;
        while self.net.now() < end && !self.is_over {
            let before = self.net.now();
            self.turn(end - before);
            turns = if self.net.now() == before {
                turns + 1
            } else {
                0
            };
            assert!(turns < TURNS_AT_ONCE, "a loop spins");
        }
    }

    fn rest(&mut self) -> Vec<String> {
        let mut counts = vec![
            ("sessions", self.events.connections()),
            ("streams", self.net.held_streams()),
            ("answers", self.net.wanted_answers()),
        ];
        let hub = self.events.hub();
        counts.push(("connections online", hub.online()));
        counts.push(("rooms", hub.rooms().count()));
        counts.push(("queued bytes", hub.total_queued_bytes() as usize));
        #[cfg(feature = "client")]
        counts.push(("attempts", self.events.dialing()));
        let left = counts.into_iter().filter(|(_, count)| *count > 0);
        left.map(|(what, count)| format!("{count} {what} left"))
            .collect()
    }

    /// A minute in which nothing is to happen.
    fn idle(&mut self) -> Option<String> {
        let before = self.net.calls();
        self.run_for(Duration::from_secs(60));
        let after = self.net.calls();
        let (polls, work) = (after.polls - before.polls, after.work() - before.work());
        (polls > 3 || work > 0).then(|| format!("{polls} polls and {work} calls when idle"))
    }
}

/// A message in fragments.
pub fn fragments(peer: &mut Peer, payload: &[u8], size: usize) -> Vec<u8> {
    peer.said.push(payload.to_vec());
    let count = payload.chunks(size).count();
    let fragment = |(number, piece): (usize, &[u8])| {
        let opcode = if number == 0 {
            frames::BINARY
        } else {
            frames::CONTINUATION
        };
        let last = if number + 1 == count { frames::FIN } else { 0 };
        frames::frame(opcode | last, piece)
    };
    payload
        .chunks(size)
        .enumerate()
        .flat_map(fragment)
        .collect()
}
