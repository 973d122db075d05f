//! Links that are ended from outside, and what they leave to the next one.

use crate::frames::Frame;
use crate::harness::{Sim, Told, close, ms, secs, to};
use crate::links::{ADDRESS, accept_last, link, link_by, next_attempt, open_link, states, status};
use crate::sim::{Reached, Resolution};
use rustix::io::Errno;
use sockeye::client::{Cause, ConfigError, LinkState, Reconnect};
use sockeye::proto::CloseCode;

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
