//! Goodbyes to many: all in time, never all at once, and with the code and reason that were asked for.

use crate::frames::{Frame, REQUEST, close, text};
use crate::harness::{Client, Sim, ms, secs};
use sockeye::proto::{CloseCode, Misuse};
use sockeye::server::{Cause, Limits, Timeouts};
use std::time::Duration;

/// A server with so many open connections.
fn crowd(count: usize, timeouts: Timeouts) -> (Sim, Vec<Client>) {
    let mut sim = Sim::with(Limits::default(), timeouts);
    let mut clients: Vec<_> = (0..count).map(|_| sim.connect()).collect();
    clients.iter().for_each(|client| client.push(REQUEST));
    sim.settle();
    for client in &mut clients {
        assert!(client.head().starts_with("HTTP/1.1 101 "));
    }
    (sim, clients)
}

fn window(goodbye: Duration) -> Timeouts {
    Timeouts {
        goodbye,
        ..Timeouts::default()
    }
}

/// How many have been told since this was asked. Each is told once, and nothing else.
fn told(clients: &mut [Client]) -> usize {
    let told = clients.iter_mut().map(|client| {
        let frames = client.frames();
        let goodbye = Frame::close(1001, "server is stopping");
        assert!(frames.is_empty() || frames == [goodbye], "{frames:?}");
        frames.len()
    });
    told.sum()
}

#[test]
fn ten_thousand_are_told_within_a_second_and_a_share_of_them_in_each_millisecond() {
    let (mut sim, mut clients) = crowd(10_000, Timeouts::default());
    sim.server.stop();
    let (mut sum, mut most) = (0, 0);
    for _ in 0..1000 {
        // Each millisecond is looked at through the counter of sends: one goodbye is one of them.
        let before = sim.net.calls().sends;
        sim.run_for(ms(1));
        let sends = sim.net.calls().sends - before;
        (sum, most) = (sum + sends, most.max(sends));
    }
    assert!(sum > 9900, "{sum} in the steps, the others at once");
    assert!(most <= 2 * (10_000 / 500), "{most} in one millisecond");
    assert_eq!(told(&mut clients), 10_000);
    for client in &clients {
        client.push(&close(1001));
        client.conn.end();
    }
    sim.settle();
    assert!(
        !sim.goes_on && sim.net.now() <= secs(1),
        "nothing else is waited for"
    );
    assert!(sim.probe().ends.iter().all(|end| end.clean));
}

#[test]
fn few_are_told_at_once_and_so_are_all_without_a_window() {
    for (count, goodbye) in [(64, secs(4)), (1000, Duration::ZERO)] {
        let (mut sim, mut clients) = crowd(count, window(goodbye));
        sim.server.stop();
        sim.settle();
        assert_eq!(told(&mut clients), count);
    }
}

#[test]
fn the_window_is_what_was_asked_for_or_half_the_drain() {
    for (goodbye, drain, until) in [(secs(4), secs(10), secs(4)), (secs(60), secs(10), secs(5))] {
        let timeouts = Timeouts {
            drain,
            close: secs(60),
            ..window(goodbye)
        };
        let (mut sim, mut clients) = crowd(400, timeouts);
        sim.server.stop();
        sim.run_for(until / 2);
        let first = told(&mut clients);
        assert!((195..=205).contains(&first), "{first} at half-time");
        sim.run_for(until / 2 - ms(20));
        let second = told(&mut clients);
        assert!(first + second < 400, "not before the end");
        sim.run_for(ms(30));
        assert_eq!(first + second + told(&mut clients), 400);
    }
}

/// On a loaded machine a turn takes longer than a step.
#[test]
fn a_late_turn_catches_up() {
    let (mut sim, mut clients) = crowd(1000, Timeouts::default());
    sim.net.set_lag(ms(100));
    sim.server.stop();
    sim.run_for(ms(600));
    assert_eq!(told(&mut clients), 1000);
}

#[test]
fn whoever_is_not_told_yet_is_served() {
    let (mut sim, mut clients) = crowd(1000, Timeouts::default());
    sim.server.stop();
    sim.settle();
    let last = clients.last_mut().expect("one");
    last.assert_echoes(&mut sim);
    last.push(&text("!all last orders"));
    sim.settle();
    assert_eq!(last.frame(), Frame::text("last orders"));
    sim.run_for(ms(600));
    assert_eq!(last.frame(), Frame::close(1001, "server is stopping"));
}

#[test]
fn whoever_goes_meanwhile_takes_nobodys_place() {
    let (mut sim, mut clients) = crowd(1000, Timeouts::default());
    sim.server.stop();
    for client in clients.iter().skip(1).step_by(2) {
        client.conn.end();
    }
    sim.settle();
    sim.run_for(ms(600));
    let stayed = clients.iter_mut().step_by(2);
    for client in stayed {
        assert_eq!(client.frames().len(), 1);
        client.close_in_order(&mut sim, 1001);
    }
    assert!(!sim.goes_on);
    assert_eq!(sim.probe().ends.len(), 1000);
}

#[test]
fn the_code_and_the_reason_are_those_that_were_asked_for_first() {
    let (mut sim, mut clients) = crowd(100, Timeouts::default());
    let restart = CloseCode::SERVICE_RESTART;
    let too_long = "x".repeat(124);
    let misuse = sim.server.stop_with(restart, &too_long);
    assert_eq!(misuse, Err(Misuse::ReasonTooLong));
    sim.settle();
    assert!(sim.net.is_listening(), "nothing has changed");
    let longest = "x".repeat(123);
    sim.server.stop_with(restart, &longest).expect("it fits");
    sim.server.stop();
    sim.run_for(secs(1));
    for client in &mut clients {
        assert_eq!(client.frame(), Frame::close(1012, &longest));
    }
    sim.run_for(secs(3));
    assert!(!sim.goes_on);
}

#[test]
fn a_request_on_its_way_is_told_when_to_come_again() {
    let mut sim = Sim::new();
    let mut half = sim.connect();
    half.push(&REQUEST[..30]);
    let mut mute = sim.connect();
    sim.settle();
    sim.server.stop();
    sim.settle();
    for client in [&mut half, &mut mute] {
        let answer = client.head();
        assert!(answer.starts_with("HTTP/1.1 503 "), "{answer}");
        assert!(answer.contains("\r\nRetry-After: 1\r\n"), "{answer}");
        assert!(client.conn.is_finished());
    }
}

#[test]
fn whoever_does_not_answer_is_dropped_when_time_is_up() {
    let timeouts = Timeouts {
        close: secs(60),
        ..Timeouts::default()
    };
    let (mut sim, clients) = crowd(1000, timeouts);
    sim.server.stop();
    sim.run_for(ms(9900));
    assert!(clients.iter().all(|client| !client.conn.is_closed()));
    sim.run_for(ms(200));
    assert!(clients.iter().all(|client| client.conn.is_closed()));
    assert!(!sim.goes_on);
    assert_eq!(sim.probe().causes, [Cause::Stopped; 1000]);
}
