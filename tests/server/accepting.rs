//! Accepting: errors, pauses, and the limit. Readiness to accept is reported once, so whatever stops the server has
//! to be undone by the server.

use crate::frames::{REQUEST, close};
use crate::harness::{Client, Sim, ms, secs};
use rustix::io::Errno;
use sockeye::server::{Limits, Timeouts};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use tracing::span::{Attributes, Id, Record};
use tracing::{Event, Level, Metadata, Subscriber};

fn is_accepted(client: &Client) -> bool {
    client.conn.token().is_some()
}

#[test]
fn one_report_is_enough_for_any_number_of_connections() {
    let mut sim = Sim::new();
    let clients: Vec<_> = (0..300).map(|_| sim.connect()).collect();
    sim.settle();
    assert!(clients.iter().all(is_accepted));
    assert_eq!(sim.server.connections(), 300);
}

#[test]
fn peers_that_are_gone_already_and_signals_are_skipped() {
    let mut sim = Sim::new();
    let mut clients = Vec::new();
    for error in [Errno::CONNABORTED, Errno::INTR, Errno::CONNRESET] {
        sim.net.queue_accept_error(error);
        clients.push(sim.connect());
    }
    sim.turn();
    assert!(clients.iter().all(is_accepted));
}

#[test]
fn a_storm_of_aborted_connections_does_not_hide_the_next() {
    let mut sim = Sim::new();
    for _ in 0..1000 {
        sim.net.queue_accept_error(Errno::CONNABORTED);
    }
    let client = sim.connect();
    sim.settle();
    assert!(is_accepted(&client));
}

#[test]
fn without_descriptors_accepting_is_tried_twenty_times_a_second() {
    for error in [Errno::MFILE, Errno::NFILE, Errno::NOBUFS, Errno::NOMEM] {
        let mut sim = Sim::new();
        sim.net.set_accept_error(Some(error));
        let clients: Vec<_> = (0..3).map(|_| sim.connect()).collect();
        sim.settle();
        let mut before = sim.net.calls();
        // The same in each of three spans: it does not grow.
        for _ in 0..3 {
            sim.run_for(secs(10));
            let after = sim.net.calls();
            let accepts = after.accepts - before.accepts;
            assert!((190..=201).contains(&accepts), "{error}: {accepts} accepts");
            let polls = after.polls - before.polls;
            assert!(polls <= 3 * accepts, "{error}: {polls} polls");
            before = after;
        }
        // Nobody reports that there are descriptors again.
        sim.net.set_accept_error(None);
        sim.run_for(ms(53));
        assert!(clients.iter().all(is_accepted), "{error}");
    }
}

#[test]
fn connections_that_arrive_meanwhile_do_not_make_it_try_more_often() {
    let mut sim = Sim::new();
    sim.net.set_accept_error(Some(Errno::MFILE));
    for _ in 0..1000 {
        sim.connect();
        sim.run_for(ms(1));
    }
    let accepts = sim.net.calls().accepts;
    assert!(accepts <= 22, "{accepts} accepts in one second");
}

#[test]
fn failing_for_long_is_said_once_a_second() {
    let mut sim = Sim::new();
    let warnings = Warnings::default();
    let _guard = tracing::subscriber::set_default(warnings.clone());
    sim.net.set_accept_error(Some(Errno::MFILE));
    let _waiting = sim.connect();
    sim.run_for(ms(900));
    assert_eq!(warnings.count(), 1, "at once");
    sim.run_for(secs(30));
    assert!((30..=31).contains(&warnings.count()), "{warnings:?}");
}

#[test]
fn connections_that_come_and_go_at_the_limit_are_no_flood_of_complaints() {
    let mut sim = Sim::new();
    let warnings = Warnings::default();
    let _guard = tracing::subscriber::set_default(warnings.clone());
    for _ in 0..1000 {
        let client = sim.open();
        sim.net.queue_accept_error(Errno::MFILE);
        sim.settle();
        client.conn.end();
        sim.settle();
        sim.run_for(ms(5));
    }
    assert!((4..=6).contains(&warnings.count()), "{warnings:?}");
}

/// Counts what is logged as a warning.
#[derive(Clone, Debug, Default)]
struct Warnings(Arc<AtomicUsize>);

impl Warnings {
    fn count(&self) -> usize {
        self.0.load(Ordering::Relaxed)
    }
}

impl Subscriber for Warnings {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        *metadata.level() == Level::WARN
    }

    fn event(&self, _: &Event<'_>) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }

    fn new_span(&self, _: &Attributes<'_>) -> Id {
        Id::from_u64(1)
    }

    fn record(&self, _: &Id, _: &Record<'_>) {}

    fn record_follows_from(&self, _: &Id, _: &Id) {}

    fn enter(&self, _: &Id) {}

    fn exit(&self, _: &Id) {}
}

#[test]
fn an_end_makes_room_at_once() {
    let mut sim = Sim::new();
    let leaving = sim.open();
    sim.net.set_accept_error(Some(Errno::MFILE));
    let waiting = sim.connect();
    sim.settle();
    assert!(!is_accepted(&waiting));
    sim.net.set_accept_error(None);
    let now = sim.net.now();
    leaving.conn.end();
    sim.settle();
    assert!(is_accepted(&waiting));
    assert_eq!(sim.net.now(), now);
}

#[test]
fn an_error_that_passes_costs_a_moment_and_no_connection() {
    for error in [Errno::PERM, Errno::PROTO, Errno::NETDOWN, Errno::MFILE] {
        let mut sim = Sim::new();
        sim.net.queue_accept_error(error);
        let client = sim.connect();
        sim.settle();
        sim.run_for(ms(53));
        assert!(is_accepted(&client), "{error}");
    }
}

#[test]
fn a_pause_does_not_keep_an_open_connection_waiting() {
    let mut sim = Sim::new();
    let mut open = sim.open();
    sim.net.set_accept_error(Some(Errno::MFILE));
    sim.connect();
    for _ in 0..50 {
        sim.run_for(ms(37));
        open.assert_echoes(&mut sim);
    }
}

#[test]
fn a_connection_that_cannot_be_registered_is_dropped_alone() {
    let mut sim = Sim::new();
    sim.net.queue_register_error(Errno::NOSPC);
    let lost = sim.connect();
    let mut kept = sim.open();
    assert!(lost.conn.is_closed() && !is_accepted(&lost));
    assert_eq!(sim.server.connections(), 1);
    kept.assert_echoes(&mut sim);
}

// --- the limit ---

/// Sessions beyond the limit that the server keeps to refuse them in words.
const REFUSALS: usize = 64;

fn limited(max_connections: usize) -> Sim {
    let limits = Limits {
        max_connections,
        ..Limits::default()
    };
    Sim::with(limits, Timeouts::default())
}

#[test]
fn beyond_the_limit_a_request_is_answered_with_503() {
    let mut sim = limited(2);
    let mut first = sim.open();
    let mut second = sim.open();
    let mut third = sim.connect();
    third.push(REQUEST);
    sim.settle();
    let answer = third.head();
    assert!(answer.starts_with("HTTP/1.1 503 "), "{answer}");
    assert!(answer.contains("\r\nConnection: close\r\n"), "{answer}");
    assert!(third.conn.is_finished());
    first.assert_echoes(&mut sim);
    second.assert_echoes(&mut sim);
    // With the first one gone there is room, although the third still lingers.
    first.push(&close(1000));
    sim.settle();
    first.conn.end();
    sim.settle();
    assert!(first.conn.is_closed() && !third.conn.is_closed());
    sim.open().assert_echoes(&mut sim);
    assert_eq!(sim.probe().opened.len(), 3);
}

#[test]
fn with_no_room_to_refuse_either_connections_wait_to_be_accepted() {
    let mut sim = limited(1);
    let first = sim.open();
    let silent: Vec<_> = (0..REFUSALS + 3).map(|_| sim.connect()).collect();
    sim.settle();
    assert_eq!(sim.server.connections(), 1 + REFUSALS);
    assert_eq!(sim.net.waiting(), 3);
    // Full is a state, not a reason to try again and again.
    let before = sim.net.calls();
    sim.run_for(secs(1));
    let after = sim.net.calls();
    assert_eq!(after.accepts, before.accepts);
    assert!(after.polls - before.polls < 50);
    // One that leaves lets one in, and nobody has to report it.
    silent[7].conn.end();
    sim.settle();
    assert_eq!(sim.net.waiting(), 2);
    first.conn.end();
    sim.settle();
    assert_eq!(sim.net.waiting(), 1);
}

#[test]
fn a_failed_registration_leaves_its_place_to_the_next() {
    let mut sim = limited(1);
    let _others: Vec<_> = (0..REFUSALS).map(|_| sim.connect()).collect();
    sim.settle();
    sim.net.queue_register_error(Errno::NOSPC);
    let lost = sim.connect();
    let next = sim.connect();
    sim.settle();
    assert!(lost.conn.is_closed());
    assert!(is_accepted(&next));
}
