//! Stopping: everybody is told, and it ends as soon as all have gone, or when time is up.

use crate::frames::{Frame, REQUEST, binary, close, text};
use crate::harness::{Sim, ms, secs};
use sockeye::kernel::Ready;

#[test]
fn everybody_is_told_and_the_loop_ends_with_the_last() {
    let mut sim = Sim::new();
    let mut clients: Vec<_> = (0..50).map(|_| sim.open()).collect();
    let mut half_open = sim.connect();
    half_open.push(&REQUEST[..30]);
    sim.settle();
    // Asked as a signal asks: in the middle of a poll's reports.
    sim.net.forge(Ready::Stop);
    sim.settle();
    assert!(sim.goes_on && !sim.net.is_listening());
    let answer = half_open.head();
    assert!(answer.starts_with("HTTP/1.1 503 "), "{answer}");
    assert!(half_open.conn.is_finished());
    half_open.conn.end();
    for client in &mut clients {
        assert!(sim.goes_on);
        assert_eq!(client.frame(), Frame::close(1001, "server is stopping"));
        client.close_in_order(&mut sim, 1001);
    }
    assert!(!sim.goes_on, "all have gone");
    assert_eq!(sim.net.now(), secs(0), "nothing had to be waited for");
    let ends = &sim.probe().ends;
    assert_eq!(ends.len(), 50);
    assert!(ends.iter().all(|end| end.clean && end.code == 1001));
}

#[test]
fn without_connections_it_ends_at_once() {
    let mut sim = Sim::new();
    sim.turn();
    assert!(sim.goes_on);
    sim.server.stop();
    sim.turn();
    assert!(!sim.goes_on);
}

#[test]
fn nobody_comes_in_any_more() {
    let mut sim = Sim::new();
    let client = sim.open();
    sim.server.stop();
    let late = sim.connect();
    sim.net.forge(Ready::Accept);
    sim.settle();
    assert_eq!(late.conn.token(), None);
    client.conn.end();
    sim.settle();
    assert!(!sim.goes_on);
    assert_eq!(late.conn.token(), None);
}

#[test]
fn asking_twice_says_it_once() {
    let mut sim = Sim::new();
    let mut client = sim.open();
    sim.server.stop();
    sim.settle();
    sim.server.stop();
    sim.net.forge(Ready::Stop);
    sim.settle();
    assert_eq!(client.frame().close_code(), Some(1001));
}

#[test]
fn peers_that_do_not_answer_cost_no_turns() {
    let mut sim = Sim::new();
    let clients: Vec<_> = (0..10).map(|_| sim.open()).collect();
    let blocked = sim.open();
    blocked.conn.set_window(0);
    blocked.push(&binary(&[1; 1000]));
    sim.settle();
    sim.server.stop();
    sim.settle();
    let before = sim.net.calls();
    sim.run_for(ms(2990));
    let after = sim.net.calls();
    assert!(sim.goes_on);
    assert_eq!(after.work(), before.work());
    let polls = after.polls - before.polls;
    assert!(polls < 70, "{polls} polls");
    // The close deadline is shorter than the drain.
    sim.run_for(ms(20));
    assert!(!sim.goes_on);
    assert!(clients.iter().all(|client| client.conn.is_closed()));
    assert!(blocked.conn.is_aborted());
}

#[test]
fn what_waits_is_still_written() {
    let mut sim = Sim::new();
    let mut client = sim.open();
    client.conn.set_window(1000);
    client.push(&binary(&[7; 100_000]));
    sim.settle();
    sim.server.stop();
    sim.settle();
    client.conn.set_window(usize::MAX);
    sim.settle();
    let expected = [
        Frame::binary(&[7; 100_000]),
        Frame::close(1001, "server is stopping"),
    ];
    assert!(client.frames() == expected);
    client.close_in_order(&mut sim, 1001);
    assert!(!sim.goes_on);
}

#[test]
fn what_was_said_before_is_told_before() {
    let mut sim = Sim::new();
    let mut talker = sim.open();
    let mut listener = sim.open();
    talker.push(&text("!all last orders"));
    // In one poll: the message, then the request to stop.
    sim.net.forge_last(Ready::Stop);
    sim.settle();
    for member in [&mut talker, &mut listener] {
        let frames = member.frames();
        assert_eq!(frames[0], Frame::text("last orders"));
        assert_eq!(frames[1].close_code(), Some(1001));
    }
}

#[test]
fn a_request_during_the_drain_is_refused() {
    let mut sim = Sim::new();
    let _open = sim.open();
    let mut late = sim.connect();
    late.push(REQUEST);
    // Accepted and asked to stop in the same turn, before its request is read.
    sim.server.turn(Some(secs(0))).expect("polling works");
    sim.net.forge(Ready::Stop);
    sim.settle();
    let answer = late.head();
    assert!(answer.starts_with("HTTP/1.1 503 "), "{answer}");
    assert_eq!(sim.probe().opened.len(), 1);
}

#[test]
fn closing_by_the_peer_and_stopping_meet() {
    let mut sim = Sim::new();
    let mut client = sim.open();
    client.push(&close(1000));
    sim.settle();
    sim.server.stop();
    sim.settle();
    assert_eq!(client.frame(), Frame::close(1000, ""));
    client.conn.end();
    sim.settle();
    assert!(!sim.goes_on);
    assert_eq!(sim.only_end().code, 1000);
}

#[test]
fn a_stop_long_after_the_last_turn_leaves_time_to_answer() {
    let mut sim = Sim::new();
    let mut client = sim.open();
    sim.net.pass(secs(15));
    sim.server.stop();
    sim.settle();
    assert_eq!(client.frame(), Frame::close(1001, "server is stopping"));
    sim.run_for(secs(2));
    client.assert_quiet();
    client.close_in_order(&mut sim, 1001);
    assert!(!sim.goes_on);
}

/// What a peer is told when another process has taken over.
fn come_back() -> Frame {
    Frame::close(1012, "server is restarting")
}

#[test]
fn after_a_takeover_everybody_is_told_to_come_back() {
    let mut sim = Sim::new();
    let mut clients: Vec<_> = (0..50).map(|_| sim.open()).collect();
    sim.net.forge(Ready::Restart);
    sim.settle();
    assert!(sim.goes_on && !sim.net.is_listening());
    for client in &mut clients {
        assert_eq!(client.frame(), come_back());
        client.close_in_order(&mut sim, 1012);
    }
    assert!(!sim.goes_on, "all have gone");
    assert!(
        sim.probe()
            .ends
            .iter()
            .all(|end| end.clean && end.code == 1012)
    );
}

#[test]
fn a_takeover_refuses_nobody_who_was_accepted() {
    let mut sim = Sim::new();
    let mut silent = sim.connect();
    let mut half = sim.connect();
    half.push(&REQUEST[..30]);
    sim.settle();
    // This one's connection is accepted in the turn in which the loop is told.
    let mut late = sim.connect();
    late.push(REQUEST);
    sim.server.turn(Some(secs(0))).expect("polling works");
    sim.net.forge(Ready::Restart);
    sim.settle();
    half.push(&REQUEST[30..]);
    sim.settle();
    sim.run_for(secs(1));
    silent.push(REQUEST);
    sim.settle();
    for client in [&mut silent, &mut half, &mut late] {
        let head = client.head();
        assert!(head.starts_with("HTTP/1.1 101 "), "{head}");
        assert_eq!(client.frame(), come_back());
        client.close_in_order(&mut sim, 1012);
    }
    assert!(!sim.goes_on);
    assert_eq!(sim.probe().ends.len(), 3);
}

#[test]
fn who_never_asks_does_not_hold_a_takeover_up() {
    let mut sim = Sim::new();
    let mut silent = sim.connect();
    sim.settle();
    sim.server.stop_for_restart();
    sim.run_for(secs(4));
    assert!(sim.goes_on);
    sim.run_for(secs(2));
    assert!(silent.head().starts_with("HTTP/1.1 408 "));
    silent.conn.end();
    sim.settle();
    assert!(!sim.goes_on);
}

#[test]
fn what_is_asked_first_counts() {
    for (first, second, code) in [
        (Ready::Stop, Ready::Restart, 1001),
        (Ready::Restart, Ready::Stop, 1012),
    ] {
        let mut sim = Sim::new();
        let mut client = sim.open();
        sim.net.forge(first);
        sim.net.forge_last(second);
        sim.settle();
        assert_eq!(client.frame().close_code(), Some(code));
    }
}
