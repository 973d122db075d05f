//! When the kernel says no: without random bytes, and in whichever call it is.

use crate::frames::Frame;
use crate::harness::{Sim, Told, close, ms, secs, text, to};
use crate::sim::{Reached, Resolution, random};
use crate::town::Town;
use rustix::io::Errno;
use sockeye::client::{Cause, ConnectionId, LinkState, Reconnect};
use std::time::Duration;

/// From now on nothing can be sent by a client, what is left of the last batch apart.
fn run_dry(sim: &mut Sim, id: ConnectionId) {
    random::set_failing(true);
    // 1024 bytes are fetched at once.
    for _ in 0..257 {
        let sent = sim.client.with_peer(id, |peer, _| peer.ping(b""));
        if sent.is_none_or(|sent| sent.is_err()) {
            return;
        }
    }
    panic!("it does not run dry");
}

/// R09.
#[test]
fn who_has_no_key_for_an_answer_is_ended_and_nobody_else() {
    let mut sim = Sim::new();
    let victim = sim.open();
    let id = sim.probe().opened[0].1;
    let other = sim.open();
    let accepted = sim.net.connect();
    accepted.push(crate::frames::REQUEST);
    sim.settle();
    run_dry(&mut sim, id);
    sim.settle();
    assert!(victim.conn.is_closed());
    let end = sim.only_end();
    assert_eq!((end.code, end.cause), (1006, Cause::Lost));
    // Who is only heard goes on, also after its ping could not be sent.
    for _ in 0..9 {
        other.push(&text("hello"));
        accepted.push(&crate::frames::text("hello"));
        sim.run_for(secs(25));
    }
    assert!(!other.conn.is_closed());
    assert!(!accepted.is_closed());
    // A masked answer cannot be written.
    other.push(&crate::harness::frame(0x89, b"ping"));
    sim.settle();
    assert!(other.conn.is_closed());
}

/// A Close needs a key as well; without one the stream is dropped, and does not live for ever.
#[test]
fn who_cannot_say_goodbye_is_dropped() {
    let mut sim = Sim::new();
    let timeouts = sockeye::client::Timeouts {
        idle: Some(secs(5)),
        ..Default::default()
    };
    for stops in [false, true] {
        sim = if stops {
            Sim::new()
        } else {
            Sim::with_timeouts(timeouts)
        };
        let server = sim.open();
        let other = sim.open();
        let id = sim.probe().opened[1].1;
        run_dry(&mut sim, id);
        sim.settle();
        assert!(other.conn.is_closed());
        sim.take_told();
        if stops {
            sim.client.stop();
        }
        sim.run_for(secs(6));
        assert!(server.conn.is_closed());
        let end = sim.only_end();
        let cause = if stops { Cause::Stopped } else { Cause::Idle };
        assert_eq!((end.code, end.cause), (1006, cause));
    }
    sim.settle();
    assert!(!sim.goes_on);
}

/// What happens in every round of the loop below: resolve, connect, shake hands, two messages, close.
fn scenario(sim: &mut Sim) {
    let there = Resolution::After(ms(1), vec!["::1", "10.0.0.1"]);
    sim.net.name("h", [there]);
    sim.net.reach("[::1]:80", [Reached::After(ms(3))]);
    sim.dial(&to("ws://h/").connect_timeout(secs(2)));
    let mut town = Town::default();
    town.greeting = [text("!echo one"), text("!close")].concat();
    while sim.net.now() < secs(20) && !sim.client.is_idle() {
        sim.run_for(ms(5));
        town.serve(sim);
    }
}

/// R07 in small: whichever call fails and however, exactly one end is told and nothing is left.
#[test]
fn whichever_call_fails_there_is_one_end_and_nothing_left() {
    let errors = [
        Errno::INTR,
        Errno::AGAIN,
        Errno::CONNRESET,
        Errno::PIPE,
        Errno::NOMEM,
        Errno::NOBUFS,
        Errno::TIMEDOUT,
        Errno::HOSTUNREACH,
        Errno::NOSPC,
    ];
    let mut calm = Sim::new();
    scenario(&mut calm);
    let calls = calm.net.strikable_calls();
    assert!(calls > 10, "{calls}");
    assert!(matches!(
        calm.told(),
        [Told::Open { .. }, .., Told::Close(..)]
    ));
    for (call, error) in (0..calls + 3).flat_map(|call| errors.map(|error| (call, error))) {
        let mut sim = Sim::new();
        sim.net.strike_after(call, error);
        scenario(&mut sim);
        // After a retry there may be more calls than in calm times.
        assert_eq!(
            sim.net.is_to_strike(),
            call >= calls,
            "call {call}: {error}"
        );
        let told = sim.take_told();
        let whole = match told.as_slice() {
            [Told::Failed(7, _)] => true,
            [Told::Open { tag: 7, .. }, between @ .., Told::Close(7, _)] => {
                between.iter().all(|told| matches!(told, Told::Text(7, _)))
            }
            _ => false,
        };
        assert!(whole, "call {call}: {error}: {told:?}");
        sim.assert_idle();
    }
}

/// The same for a link: it comes to be open, whatever one call does, and what waited is said.
#[test]
fn whichever_call_fails_a_link_is_open_in_the_end() {
    for call in 0..40 {
        for error in [Errno::CONNRESET, Errno::NOMEM, Errno::AGAIN] {
            let mut sim = Sim::new();
            let there = Resolution::After(Duration::ZERO, vec!["::1", "10.0.0.1"]);
            sim.net.name("h", [there]);
            sim.net.strike_after(call, error);
            sim.probe().preamble = vec!["hello"];
            sim.dial(&to("ws://h/").reconnect(Reconnect::default()));
            sim.client.send(7, "waiting").unwrap();
            let mut town = Town::default();
            while sim.net.now() < secs(5) {
                sim.run_for(ms(50));
                town.serve(&mut sim);
            }
            let status = sim.client.status(7).unwrap();
            assert_eq!(status.state, LinkState::Open, "call {call}: {error}");
            assert_eq!(sim.client.connections(), 1);
            // Given to a connection that was then lost, it may be lost, and is not said twice.
            let heard = town.heard.iter().filter(|text| *text == "waiting").count();
            let sent_to_the_lost = town.servers.iter().any(|server| server.conn.is_closed());
            assert!(
                heard == 1 || heard == 0 && sent_to_the_lost,
                "call {call}: {error}"
            );
            assert_eq!(
                town.heard.last().map(String::as_str),
                Some(if heard == 1 { "waiting" } else { "hello" })
            );
        }
    }
}

/// What was said on the way into a panic is not said to somebody else.
#[test]
fn a_call_from_outside_that_panics_costs_its_connection_and_no_other() {
    let mut sim = Sim::new();
    let mut server = sim.open();
    let mut other = sim.open();
    let ids: Vec<_> = sim.probe().opened.iter().map(|(_, id)| *id).collect();
    let call = std::panic::AssertUnwindSafe(|| {
        sim.client.with_peer(ids[0], |peer, _| -> () {
            peer.send("for one alone").unwrap();
            panic!("asked to");
        })
    });
    std::panic::catch_unwind(call).expect_err("a panic goes on to whoever called");
    sim.client
        .with_peer(ids[1], |peer, _| peer.send("for the other"));
    sim.settle();
    assert_eq!(other.frame(), Frame::text("for the other"));
    let said = [Frame::text("for one alone"), Frame::close(1011, "")];
    assert_eq!(server.frames(), said);
    server.push(&close(1011, ""));
    sim.settle();
    assert_eq!(sim.only_end().cause, Cause::Panic);
    assert!(!other.conn.is_closed());
}
