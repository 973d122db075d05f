//! Connections that are opened again and again: their states by the clock, and what ends them for good.

use crate::harness::{Server, Sim, Told, close, ms, secs, text, to};
use crate::sim::Reached;
use crate::town::Town;
use rustix::io::Errno;
use sockeye::client::{Cause, Connector, LinkState, LinkStatus, Reconnect};
use std::time::Duration;

pub const ADDRESS: &str = "10.0.0.1:80";

/// A link to that address.
pub fn link_by(policy: Reconnect) -> Connector {
    to("ws://10.0.0.1/").reconnect(policy)
}

pub fn link() -> Connector {
    link_by(Reconnect::default())
}

/// A link that is open, and the server's end of it.
pub fn open_link(sim: &mut Sim, connector: &Connector) -> Server {
    sim.dial(connector);
    sim.settle();
    let server = accept_last(sim);
    sim.take_told();
    server
}

pub fn accept_last(sim: &mut Sim) -> Server {
    let mut server = sim.server();
    server.accept();
    sim.settle();
    server
}

/// The states that were told, and not what came with them.
pub fn states(told: &[Told]) -> Vec<LinkState> {
    let state = |told: &Told| match told {
        Told::Link(7, state) => Some(*state),
        _ => None,
    };
    told.iter().filter_map(state).collect()
}

pub fn status(sim: &mut Sim) -> LinkStatus {
    sim.client.status(7).expect("a link")
}

/// Waits for the next attempt, and says how long that took.
pub fn next_attempt(sim: &mut Sim) -> Duration {
    let (from, before) = (sim.net.now(), sim.net.dialed().len());
    while sim.net.dialed().len() == before {
        assert!(sim.net.now() - from < secs(40), "no attempt");
        sim.run_for(ms(1));
    }
    sim.net.now() - from
}

/// Shows 6455-4.1-01.
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
/// Shows 6455-7.2.3-01 6455-7.2.3-02 6455-7.2.3-04.
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
