//! A client on the simulated kernel: whatever a server does with its attempts, in any pieces, and whichever call fails.
//!
//! Not here: what an answer must be, which is `handshake_client`; frames, which are `connection`.

#[path = "../../tests/client/harness.rs"]
#[allow(dead_code, reason = "the client's tests use the rest")]
mod harness;

use super::choices::{Choices, Pieces};
use super::{frames, sim};
use harness::{Server, Sim, Told, ms, secs, to};
use rustix::io::Errno;
use sim::{Reached, Resolution};
use sockeye::client::{LinkState, Reconnect};
use std::time::Duration;

/// More attempts do not make a better test, only a slower one.
const MAX_ATTEMPTS: usize = 6;
/// Longer than any deadline.
const ALL_DEADLINES: Duration = secs(120);

/// What becomes of one attempt.
#[derive(Clone, Debug)]
struct Attempt {
    reached: Reached,
    delay: Duration,
    /// Whether an answer that is right comes before the bytes.
    answered: bool,
    bytes: Vec<u8>,
    end: End,
}

#[derive(Clone, Copy, Debug)]
enum End {
    Silence,
    Closed,
    Broken(Errno),
}

#[derive(Debug)]
struct Script {
    pieces: Pieces,
    links: bool,
    by_name: bool,
    /// After how many calls one fails, and how.
    strike: Option<(usize, Errno)>,
    attempts: Vec<Attempt>,
}

const ERRORS: [Errno; 6] = [
    Errno::CONNRESET,
    Errno::PIPE,
    Errno::TIMEDOUT,
    Errno::NOBUFS,
    Errno::HOSTUNREACH,
    Errno::IO,
];

/// What is told is whole: for each attempt one of open and failed, for each open one close; it does not depend on the
/// pieces; and asked to stop, nothing is left.
pub fn client(data: &[u8]) {
    let script = Script::read(data);
    let told = act_out(&script, script.pieces);
    if script.strike.is_none() {
        let whole = act_out(&script, Pieces::Whole);
        assert!(
            without_open(&told).eq(without_open(&whole)),
            "{script:?}\n{told:?}\n{whole:?}"
        );
    }
}

impl Script {
    fn read(data: &[u8]) -> Self {
        let mut choices = Choices::new(data);
        let pieces = Pieces::read(&mut choices);
        let how = choices.byte();
        let strike =
            (how & 0xC0 == 0xC0).then(|| (usize::from(choices.byte() % 64), choices.pick(&ERRORS)));
        let mut attempts = Vec::new();
        while !choices.is_empty() && attempts.len() < MAX_ATTEMPTS {
            attempts.push(Attempt::read(&mut choices));
        }
        Self {
            pieces,
            links: how & 1 != 0,
            by_name: how & 2 != 0,
            strike,
            attempts,
        }
    }
}

impl Attempt {
    fn read(choices: &mut Choices<'_>) -> Self {
        let what = choices.byte();
        let spans = [ms(0), ms(1), ms(40), secs(1), secs(4), secs(11), secs(31)];
        let reached = match what % 8 {
            0..5 => Reached::After(choices.pick(&spans)),
            5 => Reached::Refused(choices.pick(&spans), choices.pick(&ERRORS)),
            6 => Reached::AtOnce(choices.pick(&ERRORS)),
            _ => Reached::Never,
        };
        let delay = choices.pick(&spans);
        let end = match choices.byte() % 4 {
            0 | 1 => End::Silence,
            2 => End::Closed,
            _ => End::Broken(choices.pick(&ERRORS)),
        };
        let len = usize::from(choices.byte());
        Self {
            reached,
            delay,
            answered: what & 0x10 == 0,
            bytes: choices.take(len).to_vec(),
            end,
        }
    }
}

fn act_out(script: &Script, pieces: Pieces) -> Vec<Told> {
    let mut sim = Sim::new();
    let reached = script.attempts.iter().map(|attempt| attempt.reached);
    sim.net
        .reach("10.0.0.1:80", reached.chain([Reached::After(ms(0))]));
    sim.net
        .name("name", [Resolution::After(ms(3), vec!["10.0.0.1"])]);
    let url = if script.by_name {
        "ws://name/"
    } else {
        "ws://10.0.0.1/"
    };
    let mut connector = to(url).connect_timeout(secs(2));
    if script.links {
        let policy = Reconnect {
            cap: secs(1),
            ..Reconnect::default()
        };
        connector = connector.reconnect(policy);
    }
    if let Some((calls, error)) = script.strike {
        sim.net.strike_after(calls, error);
    }
    sim.dial(&connector);
    let mut next = 0;
    for attempt in &script.attempts {
        // A link waits a second at most, and an attempt takes two.
        for _ in 0..60 {
            sim.run_for(ms(100));
            if sim.net.dialed().len() > next {
                break;
            }
        }
        let Some(dialed) = sim.dialed_from(next).into_iter().next() else {
            break;
        };
        next = sim.net.dialed().len();
        if let Some(conn) = dialed.conn {
            serve(&mut sim, Server::new(conn), attempt, pieces);
        }
    }
    sim.run_for(secs(40));
    sim.client.stop();
    sim.run_for(ALL_DEADLINES);
    sim.assert_idle();
    let told = sim.take_told();
    is_whole(&told, script.links);
    told
}

/// One connection, as the script has it.
fn serve(sim: &mut Sim, mut server: Server, attempt: &Attempt, pieces: Pieces) {
    sim.run_for(attempt.delay + ms(20));
    let mut sent = Vec::new();
    if attempt.answered && server.conn.untaken() > 0 {
        sent = harness::answer(&server.request());
    }
    sent.extend(&attempt.bytes);
    let mut from = 0;
    for to in pieces.at_most(100, sent.len()).ends(sent.len()) {
        server.push(&sent[from..to]);
        from = to;
        sim.turn();
    }
    sim.settle();
    match attempt.end {
        End::Silence => {}
        End::Closed => server.conn.end(),
        End::Broken(error) => server.conn.reset(error),
    }
    sim.settle();
}

/// Of a connection that ends in the piece that opens it, a link is told that it is open when it has ended.
fn without_open(told: &[Told]) -> impl Iterator<Item = &Told> {
    let is_open = |told: &&Told| matches!(told, Told::Link(_, LinkState::Open));
    told.iter().filter(move |told| !is_open(told))
}

/// One of open and failed for each attempt that is told of, one close for each open.
fn is_whole(told: &[Told], links: bool) {
    let (mut alive, mut connecting, mut decided) = (false, !links, 0);
    for told in told {
        match told {
            Told::Link(_, LinkState::Connecting) => {
                assert!(!alive && !connecting, "{told:?}");
                connecting = true;
            }
            Told::Link(..) => {}
            Told::Open { .. } => {
                assert!(!alive && connecting, "{told:?}");
                (alive, connecting) = (true, false);
                decided += 1;
            }
            Told::Failed(..) => {
                assert!(!alive, "{told:?}");
                connecting = false;
                decided += 1;
            }
            Told::Close(..) => {
                assert!(alive, "a close without an open, or a second one");
                alive = false;
            }
            Told::Text(..) | Told::Binary(..) | Told::Ping(..) | Told::Pong(..) => {
                assert!(alive, "{told:?}")
            }
        }
    }
    assert!(!alive, "an open without a close");
    assert!(links || decided == 1, "an attempt that nobody was told of");
}
