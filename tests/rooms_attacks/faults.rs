//! A kernel that fails and repeats itself, and a handler that panics, in a room full of others.

use crate::counting;
use crate::frames::{FIN, Frame, REQUEST, TEXT, close, frame, take_frames, take_head, text};
use crate::harness::{LOBBY, Sim, number_in, numbered, take_all};
use crate::sim::Conn;
use rustix::io::Errno;
use sockeye::kernel::{Ready, Token};
use sockeye::server::Cause;
use std::fs;
use std::path::Path;

const ERRORS: [Errno; 9] = [
    Errno::AGAIN,
    Errno::INTR,
    Errno::CONNRESET,
    Errno::PIPE,
    Errno::NOBUFS,
    Errno::NOMEM,
    Errno::TIMEDOUT,
    Errno::HOSTUNREACH,
    Errno::IO,
];

/// A member's life: coming, speaking, hearing, waiting, leaving. Which call fails is given. Says how many there were.
fn life(strike: Option<(usize, Errno)>) -> usize {
    let mut sim = Sim::new();
    if let Some((call, error)) = strike {
        sim.net.strike_after(call, error);
    }
    let conns: Vec<_> = (0..4).map(|_| sim.net.connect()).collect();
    conns.iter().for_each(|conn| conn.push(REQUEST));
    sim.settle();
    conns[3].set_window(200);
    for number in 0..6 {
        conns[number as usize % 3].push(&numbered(number, 80));
        sim.settle();
    }
    conns[3].set_window(usize::MAX);
    sim.settle();
    conns[2].push(&text("-lobby"));
    conns[1].push(&text("?bye"));
    sim.settle();
    // One call is one connection's misfortune, at most.
    let alive: Vec<_> = conns.iter().filter(|conn| !conn.is_closed()).collect();
    assert!(alive.len() >= 3, "{strike:?}");
    let published = sim.lobby().published;
    assert!(published >= 4, "{strike:?}");
    for conn in alive {
        let mut bytes = conn.take_sent();
        let head = take_head(&mut bytes).unwrap_or_default();
        assert!(head.starts_with("HTTP/1.1 101 "), "{strike:?}: {head}");
        let mut frames = take_frames(&mut bytes);
        assert!(bytes.is_empty());
        frames.retain(|frame| frame.opcode != TEXT);
        let numbers: Vec<_> = frames.iter().map(number_in).collect();
        assert!(numbers.is_sorted_by(|a, b| a < b), "{strike:?}");
        assert_eq!(numbers.len() as u64, published, "{strike:?}");
    }
    for conn in &conns {
        conn.push(&close(1000));
        conn.end();
    }
    sim.settle();
    assert_eq!(sim.server.connections(), 0, "{strike:?}");
    assert_eq!(sim.server.hub().online(), 0);
    assert_eq!(sim.server.hub().rooms().count(), 0);
    assert_eq!(sim.net.held_streams(), 0);
    let mut ended: Vec<_> = sim.server.handler().ends.iter().map(|end| end.0).collect();
    ended.sort_unstable();
    let ends = ended.len();
    ended.dedup();
    assert_eq!(ended.len(), ends, "one end for each");
    sim.net.strikable_calls()
}

/// R04, R05, R07: whichever call of a room's life fails, with whatever: the others are told everything, each ends once, and nothing
/// is left.
#[test]
fn whichever_call_fails_the_rest_of_the_room_is_told_everything_and_nothing_is_left() {
    let calls = life(None);
    assert!(calls > 40, "{calls}");
    let before = counting::held();
    for error in ERRORS {
        for call in 0..calls {
            life(Some((call, error)));
            assert_eq!(counting::held(), before, "call {call}, {error}");
        }
    }
}

/// Numbers that look random, from a seed.
struct Dice(u64);

impl Dice {
    fn below(&mut self, limit: usize) -> usize {
        self.0 = self
            .0
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1);
        (self.0 >> 33) as usize % limit
    }
}

/// Tells of these connections once more, for no reason; of those that are gone, that they hung up.
fn lie(sim: &Sim, dice: &mut Dice, alive: &[Token], gone: &[Token]) {
    for _ in 0..dice.below(6) {
        let stale = !gone.is_empty() && dice.below(2) == 0;
        let among = if stale { gone } else { alive };
        let report = Ready::Stream {
            token: among[dice.below(among.len())],
            readable: dice.below(2) == 0,
            writable: dice.below(2) == 0,
            hangup: stale,
        };
        if dice.below(2) == 0 {
            sim.net.forge(report);
        } else {
            sim.net.forge_last(report);
        }
    }
}

/// R10: reports that are repeated, that stand in another order, and that are about those who have gone, while connections
/// come and break in between.
#[test]
fn reports_that_are_stale_repeated_or_out_of_order_cost_and_double_nothing() {
    for seed in 0..200 {
        let mut dice = Dice(seed);
        let mut sim = Sim::new();
        let steady = sim.open_many(5);
        let alive: Vec<_> = steady.iter().filter_map(Conn::token).collect();
        let (mut gone, mut guests) = (Vec::new(), Vec::<Conn>::new());
        let mut said = [0_usize; 5];
        for _ in 0..60 {
            let who = dice.below(5);
            match dice.below(4) {
                0 => {
                    let guest = sim.net.connect();
                    guest.push(REQUEST);
                    guests.push(guest);
                }
                1 if !guests.is_empty() => {
                    let guest = guests.swap_remove(dice.below(guests.len()));
                    gone.extend(guest.token());
                    guest.reset(Errno::CONNRESET);
                }
                _ => {
                    steady[who].push(&text(&format!("={who}:{}", said[who])));
                    said[who] += 1;
                }
            }
            lie(&sim, &mut dice, &alive, &gone);
            sim.turn();
        }
        sim.settle();
        let all: usize = said.iter().sum();
        assert_eq!(sim.server.handler().heard, all);
        for conn in &steady {
            let mut heard = [0; 5];
            for frame in take_all(conn) {
                let line = String::from_utf8(frame.payload).unwrap();
                let (who, number) = line.split_once(':').unwrap();
                let next = &mut heard[who.parse::<usize>().unwrap()];
                assert_eq!(number, next.to_string(), "seed {seed}");
                *next += 1;
            }
            assert_eq!(heard, said, "seed {seed}");
        }
        assert_eq!(sim.server.connections(), 5 + guests.len());
    }
}

/// R10: data, the peer's end and an error come in one report.
#[test]
fn what_was_said_before_a_hangup_in_the_same_report_is_told_to_the_room() {
    for error in [None, Some(Errno::CONNRESET)] {
        let mut sim = Sim::new();
        let other = sim.open();
        let dying = sim.open();
        let last: Vec<u8> = (0..50).flat_map(|number| numbered(number, 4000)).collect();
        dying.push(&last);
        match error {
            None => dying.end(),
            Some(error) => dying.reset(error),
        }
        sim.settle();
        let numbers: Vec<_> = take_all(&other).iter().map(number_in).collect();
        // A write that fails shows a broken stream before everything that it had sent was read.
        if error.is_none() {
            assert_eq!(numbers, (0..50).collect::<Vec<_>>());
        }
        assert_eq!(numbers, (0..numbers.len() as u32).collect::<Vec<_>>());
        assert!(!numbers.is_empty());
        let expected = [Cause::Ended, Cause::Lost];
        let ends = &sim.server.handler().ends;
        assert_eq!(
            (ends.len(), ends[0].1),
            (1, expected[usize::from(error.is_some())])
        );
        assert_eq!(sim.server.hub().count(LOBBY), 1);
        sim.assert_echoes(&other);
    }
}

/// R19: of 10 000 messages one makes the handler panic, when it has told the room something already.
#[test]
fn one_panic_in_ten_thousand_messages_costs_one_connection() {
    let mut sim = Sim::new();
    let conns = sim.open_many(100);
    let unlucky = 37;
    for round in 0..100 {
        for (at, conn) in conns.iter().enumerate() {
            if at == unlucky && round > 50 {
                continue;
            }
            let deed = if (at, round) == (unlucky, 50) {
                '!'
            } else {
                '='
            };
            conn.push(&text(&format!("{deed}{at}:{round}")));
        }
        sim.settle();
        let members = if round > 50 { 99 } else { 100 };
        let expected: Vec<_> = (0..100)
            .filter(|at| members == 100 || *at != unlucky)
            .map(|at| Frame::text(&format!("{at}:{round}")))
            .collect();
        for (at, conn) in conns.iter().enumerate() {
            let mut frames = take_all(conn);
            if at == unlucky && round >= 50 {
                if round == 50 {
                    assert_eq!(frames.last().and_then(Frame::close_code), Some(1011));
                    conn.push(&[close(1011), frame(FIN | TEXT, b"=never")].concat());
                    conn.end();
                }
                continue;
            }
            frames.sort_by_key(|frame| number_before(&frame.payload));
            assert_eq!(frames, expected, "round {round}");
        }
    }
    let ends = &sim.server.handler().ends;
    assert_eq!(ends.len(), 1);
    assert_eq!(ends[0].1, Cause::Panic);
    assert_eq!(sim.server.connections(), 99);
}

fn number_before(line: &[u8]) -> usize {
    let line = std::str::from_utf8(line).unwrap();
    line.split(':').next().unwrap().parse().unwrap()
}

/// R12: no clock that can be set is asked, so setting it changes nothing.
#[test]
fn nothing_asks_what_time_of_the_day_it_is() {
    let mut open = vec![Path::new(env!("CARGO_MANIFEST_DIR")).join("src")];
    let mut seen = 0;
    while let Some(path) = open.pop() {
        if path.is_dir() {
            // The program says to whom it talks when things happened.
            let entries = fs::read_dir(&path)
                .unwrap()
                .map(|entry| entry.unwrap().path());
            open.extend(entries.filter(|path| !path.ends_with("bin")));
            continue;
        }
        // And an application shows since when somebody is there.
        if path.ends_with("app/wall.rs") {
            continue;
        }
        let text = fs::read_to_string(&path).unwrap();
        let clocks = ["SystemTime", "ClockId::Realtime", "UNIX_EPOCH"];
        let asks = clocks.iter().any(|clock| text.contains(clock));
        assert!(!asks, "{}", path.display());
        seen += usize::from(text.contains("ClockId::Monotonic"));
    }
    assert!(seen > 0);
}
