//! Connections that are opened again and again: their states by the clock, their queue, and their end.

use crate::frames::Frame;
use crate::harness::{Server, Sim, Told, Town, close, ms, secs, text, to};
use crate::sim::{Reached, Resolution};
use rustix::io::Errno;
use sockeye::client::{Cause, ConfigError, Connector, Delivery, LinkState, LinkStatus, Reconnect};
use sockeye::proto::CloseCode;
use std::time::Duration;

const ADDRESS: &str = "10.0.0.1:80";

/// A link to that address.
fn link_by(policy: Reconnect) -> Connector {
    to("ws://10.0.0.1/").reconnect(policy)
}

fn link() -> Connector {
    link_by(Reconnect::default())
}

/// A link that is open, and the server's end of it.
fn open_link(sim: &mut Sim, connector: &Connector) -> Server {
    sim.dial(connector);
    sim.settle();
    let server = accept_last(sim);
    sim.take_told();
    server
}

fn accept_last(sim: &mut Sim) -> Server {
    let mut server = sim.server();
    server.accept();
    sim.settle();
    server
}

/// The states that were told, and not what came with them.
fn states(told: &[Told]) -> Vec<LinkState> {
    let state = |told: &Told| match told {
        Told::Link(7, state) => Some(*state),
        _ => None,
    };
    told.iter().filter_map(state).collect()
}

fn status(sim: &mut Sim) -> LinkStatus {
    sim.client.status(7).expect("a link")
}

/// Waits for the next attempt, and says how long that took.
fn next_attempt(sim: &mut Sim) -> Duration {
    let (from, before) = (sim.net.now(), sim.net.dialed().len());
    while sim.net.dialed().len() == before {
        assert!(sim.net.now() - from < secs(40), "no attempt");
        sim.run_for(ms(1));
    }
    sim.net.now() - from
}

#[test]
fn states_are_told_in_order() {
    let mut sim = Sim::new();
    sim.dial(&link());
    assert_eq!(sim.take_told(), [Told::Link(7, LinkState::Connecting)]);
    assert_eq!(status(&mut sim).connection, None);
    sim.settle();
    let server = accept_last(&mut sim);
    let told = sim.take_told();
    assert!(
        matches!(
            told[..],
            [Told::Open { tag: 7, .. }, Told::Link(7, LinkState::Open)]
        ),
        "{told:?}"
    );
    let id = sim.probe().opened[0].1;
    assert_eq!(status(&mut sim).connection, Some(id));
    server.push(&close(1012, "restart"));
    sim.settle();
    server.conn.end();
    sim.settle();
    let told = sim.take_told();
    let [
        Told::Close(7, end),
        Told::Link(7, LinkState::Waiting { attempt: 1, wait }),
    ] = &told[..]
    else {
        panic!("{told:?}");
    };
    assert_eq!(
        (end.code, end.reason.as_str(), end.clean, end.cause),
        (1012, "restart", true, Cause::Peer)
    );
    assert!(*wait <= ms(500));
    assert_eq!(status(&mut sim).connection, None);
    assert!(!sim.client.is_idle(), "it is not over");
    sim.net.reach(
        ADDRESS,
        [Reached::AtOnce(Errno::CONNREFUSED), Reached::After(ms(0))],
    );
    let waited = next_attempt(&mut sim);
    assert!(
        (*wait..*wait + ms(3)).contains(&waited),
        "{wait:?} {waited:?}"
    );
    let told = sim.take_told();
    let [
        Told::Link(7, LinkState::Connecting),
        Told::Failed(7, error),
        Told::Link(7, LinkState::Waiting { attempt: 2, wait }),
    ] = &told[..]
    else {
        panic!("{told:?}");
    };
    assert!(error.starts_with("Connect(") && *wait <= secs(1));
    next_attempt(&mut sim);
    sim.settle();
    accept_last(&mut sim);
    let told = sim.take_told();
    assert_eq!(states(&told), [LinkState::Connecting, LinkState::Open]);
}

/// Full jitter: evenly from nothing to a bound that doubles, and the whole span is used.
#[test]
fn waits_are_spread_over_a_span_that_doubles_up_to_its_cap() {
    let policy = Reconnect {
        cap: secs(3),
        ..Reconnect::default()
    };
    let mut waits: Vec<Vec<Duration>> = vec![Vec::new(); 8];
    for seed in 0..60 {
        let mut sim = Sim::new();
        crate::sim::random::set_seed(seed << 32);
        sim.net
            .reach(ADDRESS, [Reached::AtOnce(Errno::CONNREFUSED)]);
        sim.dial(&link_by(policy.clone()));
        sim.run_for(secs(40));
        let told = sim.take_told();
        let waiting = states(&told).into_iter().filter_map(|state| match state {
            LinkState::Waiting { attempt, wait } => Some((attempt as usize - 1, wait)),
            _ => None,
        });
        for (attempt, wait) in waiting.take(8) {
            waits[attempt].push(wait);
        }
    }
    for (attempt, waits) in waits.iter().enumerate() {
        let most = ms(500 << attempt).min(secs(3));
        assert_eq!(waits.len(), 60);
        assert!(
            waits.iter().all(|wait| *wait <= most),
            "{attempt}: {waits:?}"
        );
        assert!(
            waits.iter().any(|wait| *wait < most / 5),
            "{attempt}: {waits:?}"
        );
        assert!(
            waits.iter().any(|wait| *wait > most * 4 / 5),
            "{attempt}: {waits:?}"
        );
    }
}

#[test]
fn a_stable_life_begins_the_count_anew_and_a_short_one_does_not() {
    for (life, attempt) in [(ms(9900), 3), (ms(10_100), 1)] {
        let mut sim = Sim::new();
        sim.net.reach(
            ADDRESS,
            [Reached::AtOnce(Errno::CONNREFUSED), Reached::After(ms(0))],
        );
        sim.dial(&link());
        next_attempt(&mut sim);
        sim.settle();
        accept_last(&mut sim).conn.end();
        sim.settle();
        next_attempt(&mut sim);
        sim.settle();
        let server = accept_last(&mut sim);
        sim.run_for(life);
        sim.take_told();
        server.conn.end();
        sim.settle();
        let told = sim.take_told();
        let Some(LinkState::Waiting { attempt: told, .. }) = states(&told).pop() else {
            panic!("{told:?}");
        };
        assert_eq!(told, attempt, "{life:?}");
    }
}

#[test]
fn codes_that_say_no_end_it() {
    for (code, ends) in [
        (1008, true),
        (4001, true),
        (4004, true),
        (1000, false),
        (1001, false),
        (4000, false),
    ] {
        for at_once in [false, true] {
            let mut sim = Sim::new();
            sim.dial(&link());
            sim.settle();
            let mut server = sim.server();
            let request = server.request();
            let mut bytes = crate::harness::answer(&request);
            if !at_once {
                server.push(&bytes);
                sim.settle();
                bytes.clear();
            }
            bytes.extend(close(code, "no"));
            server.push(&bytes);
            server.conn.end();
            sim.settle();
            let told = sim.take_told();
            let last = states(&told).pop().unwrap();
            assert_eq!(last == LinkState::Ended, ends, "{code} {at_once} {told:?}");
            let closes = told
                .iter()
                .filter(|told| matches!(told, Told::Close(7, end) if end.code == code));
            assert_eq!(closes.count(), 1, "{told:?}");
            assert_eq!(sim.client.status(7).is_none(), ends);
            if ends {
                sim.assert_idle();
                assert_eq!(sim.client.send(7, "x"), None);
            }
        }
    }
}

#[test]
fn attempts_have_a_number_if_that_is_wanted() {
    let mut sim = Sim::new();
    sim.net
        .reach(ADDRESS, [Reached::AtOnce(Errno::CONNREFUSED)]);
    let policy = Reconnect {
        max_attempts: Some(3),
        ..Reconnect::default()
    };
    sim.dial(&link_by(policy));
    sim.run_for(secs(30));
    let told = sim.take_told();
    assert_eq!(
        told.iter()
            .filter(|told| matches!(told, Told::Failed(7, _)))
            .count(),
        4
    );
    assert_eq!(states(&told).last(), Some(&LinkState::Ended));
    assert_eq!(sim.net.dialed().len(), 4);
    sim.assert_idle();
}

/// What is said in `on_connect` goes first, then what waited, in order; what was too much is counted.
#[test]
fn what_waits_is_sent_in_order_behind_the_preamble() {
    let mut sim = Sim::new();
    let policy = Reconnect {
        queue_messages: 3,
        ..Reconnect::default()
    };
    sim.probe().preamble = vec!["login", "join"];
    sim.dial(&link_by(policy));
    for (text, dropped) in [("1", 0), ("2", 0), ("3", 0), ("4", 1), ("5", 1)] {
        assert_eq!(sim.client.send(7, text), Some(Delivery::Queued { dropped }));
    }
    let found = status(&mut sim);
    assert_eq!((found.queued, found.dropped), (3, 2));
    sim.settle();
    let mut server = accept_last(&mut sim);
    let texts = ["login", "join", "3", "4", "5"].map(Frame::text);
    assert_eq!(server.frames(), texts);
    assert_eq!(status(&mut sim).queued, 0);
    assert_eq!(sim.client.send(7, &b"now"[..]), Some(Delivery::Sent));
    assert_eq!(server.frame(), Frame::binary(b"now"));
    // While it closes, nothing can be sent: it waits for the next one.
    server.push(&text("!close"));
    sim.settle();
    assert_eq!(server.frame(), Frame::close(1000, "enough"));
    assert_eq!(
        sim.client.send(7, "later"),
        Some(Delivery::Queued { dropped: 0 })
    );
    server.push(&close(1000, ""));
    server.conn.end();
    sim.settle();
    next_attempt(&mut sim);
    sim.settle();
    let texts = ["login", "join", "later"].map(Frame::text);
    assert_eq!(accept_last(&mut sim).frames(), texts);
}

/// A connection that breaks while what waited is sent: what was not given to it waits on.
#[test]
fn what_could_not_be_sent_is_put_back() {
    // The preamble is the first to be sent, where there is one; then each that waits by itself.
    for (preamble, sends) in [
        (false, 0),
        (false, 1),
        (false, 2),
        (true, 0),
        (true, 1),
        (true, 2),
    ] {
        let mut sim = Sim::new();
        if preamble {
            sim.probe().preamble = vec!["hello"];
        }
        sim.dial(&link());
        for text in ["a", "b", "c", "d"] {
            sim.client.send(7, text).unwrap();
        }
        sim.settle();
        let mut server = sim.server();
        let request = server.request();
        sim.net.strike_sends_after(sends, Errno::PIPE);
        server.push(&crate::harness::answer(&request));
        sim.settle();
        assert!(server.conn.is_closed());
        sim.net.mend_sends();
        let lost = server.frames();
        let queued = status(&mut sim).queued;
        // The one that struck was given to the connection, and nobody knows what became of it.
        let given = 4 - queued;
        assert!(given <= sends + 1, "{preamble} {sends}: {given}");
        assert_eq!(lost.len(), sends);
        next_attempt(&mut sim);
        sim.settle();
        let heard = accept_last(&mut sim).frames();
        let all = ["hello", "a", "b", "c", "d"].map(Frame::text);
        let mut want = all[1 + given..].to_vec();
        if preamble {
            want.insert(0, all[0].clone());
        }
        assert_eq!(heard, want, "{preamble} {sends}");
    }
}

/// A server that answers and is gone at once, while much waits to be sent.
#[test]
fn a_server_that_is_gone_behind_its_answer_costs_nothing_but_its_connection() {
    for (end, preamble) in [
        (0, false),
        (0, true),
        (1, false),
        (1, true),
        (2, false),
        (2, true),
    ] {
        let mut sim = Sim::new();
        if preamble {
            sim.probe().preamble = vec!["hello"];
        }
        sim.dial(&link());
        sim.client.send(7, "waiting").unwrap();
        sim.settle();
        let mut server = sim.server();
        server.accept();
        match end {
            0 => server.conn.end(),
            1 => server.conn.reset(Errno::CONNRESET),
            _ => {
                server.push(&close(1001, ""));
                server.conn.reset(Errno::CONNRESET);
            }
        }
        sim.settle();
        assert!(server.conn.is_closed());
        let told = sim.take_told();
        let last = states(&told).pop().unwrap();
        assert!(
            matches!(last, LinkState::Waiting { attempt: 1, .. }),
            "{told:?}"
        );
        assert_eq!(
            told.iter()
                .filter(|told| matches!(told, Told::Close(..)))
                .count(),
            1,
            "{told:?}"
        );
        next_attempt(&mut sim);
        sim.settle();
        accept_last(&mut sim);
        assert_eq!(status(&mut sim).state, LinkState::Open);
    }
}

#[test]
fn a_tag_is_one_links_own() {
    let mut sim = Sim::new();
    sim.dial(&link());
    assert_eq!(
        sim.client.connect(&link(), 7),
        Err(ConfigError::TagInUse(7))
    );
    assert_eq!(sim.take_told(), [Told::Link(7, LinkState::Connecting)]);
    // Connections that are opened once do not care.
    sim.client.connect(&to("ws://10.0.0.2/"), 7).unwrap();
    sim.settle();
    accept_last(&mut sim);
    assert!(matches!(sim.take_told()[..], [Told::Open { tag: 7, .. }]));
    assert_eq!(status(&mut sim).state, LinkState::Connecting);
    sim.client.unlink(7, CloseCode::NORMAL, "").unwrap();
    sim.client.connect(&link(), 7).unwrap();
}

/// Wherever it stands, nothing is left of it, and its attempt is told an end.
#[test]
fn unlinking_ends_it_in_every_state() {
    // Resolving, connecting, asking, waiting, open.
    for stage in 0..5 {
        let mut sim = Sim::new();
        let there = Resolution::After(ms(0), vec!["10.0.0.1"]);
        sim.net
            .name("h", [if stage == 0 { Resolution::Never } else { there }]);
        sim.net.reach(
            ADDRESS,
            [match stage {
                1 => Reached::Never,
                3 => Reached::AtOnce(Errno::CONNREFUSED),
                _ => Reached::After(ms(0)),
            }],
        );
        let connector = to("ws://h/").reconnect(Reconnect::default());
        sim.dial(&connector);
        sim.settle();
        if stage == 4 {
            accept_last(&mut sim);
        }
        sim.client.send(7, "x").unwrap();
        sim.take_told();
        sim.client.unlink(7, CloseCode::NORMAL, "bye").unwrap();
        sim.settle();
        if stage == 4 {
            let mut server = sim.server();
            assert_eq!(server.frames().last(), Some(&Frame::close(1000, "bye")));
            server.push(&close(1000, "bye"));
            server.conn.end();
            sim.settle();
        }
        let told = sim.take_told();
        assert_eq!(states(&told), [LinkState::Ended], "{stage} {told:?}");
        let ends = told
            .iter()
            .filter(|told| matches!(told, Told::Failed(7, error) if error == "Stopped"));
        assert_eq!(ends.count(), usize::from(stage < 3), "{stage} {told:?}");
        let closes = told.iter().filter(
            |told| matches!(told, Told::Close(7, end) if end.clean && end.cause == Cause::Here),
        );
        assert_eq!(closes.count(), usize::from(stage == 4), "{stage} {told:?}");
        assert_eq!(sim.client.status(7), None);
        assert_eq!(sim.client.send(7, "x"), None);
        sim.assert_idle();
        // The tag is free, and what was said before is not told to the next one.
        sim.net
            .name("h", [Resolution::After(ms(0), vec!["10.0.0.3"])]);
        let mut server = open_link(&mut sim, &connector);
        assert!(server.frames().is_empty());
        sim.run_for(secs(15));
        assert_eq!(sim.client.connections(), 1);
        assert_eq!(sim.net.held_streams(), 1);
    }
}

#[test]
fn a_reason_that_is_too_long_changes_nothing() {
    let mut sim = Sim::new();
    let server = open_link(&mut sim, &link());
    let long = "x".repeat(124);
    assert!(sim.client.unlink(7, CloseCode::NORMAL, &long).is_err());
    sim.settle();
    assert!(server.conn.take_sent().is_empty() && sim.take_told().is_empty());
    assert_eq!(status(&mut sim).state, LinkState::Open);
}

/// One link's wait is not another's, also where that one has its place.
#[test]
fn a_wait_that_was_given_up_does_not_end_the_wait_of_the_next_link() {
    let waits = |sim: &mut Sim| {
        let told = sim.take_told();
        let Some(LinkState::Waiting { wait, .. }) = states(&told).pop() else {
            panic!("{told:?}");
        };
        wait
    };
    let policy = Reconnect {
        initial: secs(20),
        ..Reconnect::default()
    };
    let (mut shorter, mut seed) = (false, 0);
    while !shorter {
        let mut sim = Sim::new();
        crate::sim::random::set_seed(seed << 40);
        seed += 1;
        sim.net
            .reach(ADDRESS, [Reached::AtOnce(Errno::CONNREFUSED)]);
        sim.dial(&link_by(policy.clone()));
        let first = waits(&mut sim);
        sim.client.unlink(7, CloseCode::NORMAL, "").unwrap();
        sim.dial(&link_by(policy.clone()));
        let second = waits(&mut sim);
        shorter = first + secs(1) < second;
        let waited = next_attempt(&mut sim);
        assert!(
            (second..second + ms(3)).contains(&waited),
            "{first:?} {second:?} {waited:?}"
        );
    }
}

#[test]
fn a_handler_that_panics_costs_a_connection_and_no_link() {
    for which in 0..5 {
        let mut sim = Sim::new();
        let probe = sim.probe();
        probe.panic_on_connect = which == 0;
        probe.panic_on_failed = which == 1;
        probe.panic_on_link = which == 2;
        probe.panic_on_message = which == 3;
        probe.panic_on_close = which == 4;
        if which == 1 {
            sim.net.reach(
                ADDRESS,
                [Reached::AtOnce(Errno::CONNREFUSED), Reached::After(ms(0))],
            );
        }
        sim.dial(&link());
        sim.client.send(7, "waiting").unwrap();
        let mut town = Town::default();
        town.greeting = text("hello");
        for _ in 0..400 {
            sim.run_for(ms(50));
            town.serve(&mut sim);
            if sim.net.now() > secs(3) && sim.net.now() < ms(3060) && which == 4 {
                town.servers[0].conn.end();
            }
            if sim.net.now() > secs(12) {
                let probe = sim.probe();
                (probe.panic_on_connect, probe.panic_on_message) = (false, false);
            }
        }
        sim.probe().panic_on_link = false;
        assert_eq!(status(&mut sim).state, LinkState::Open, "{which}");
        assert_eq!(status(&mut sim).queued, 0, "{which}");
        assert_eq!(town.heard, ["waiting"], "{which}");
        assert_eq!(sim.client.connections(), 1);
    }
}
