//! A loop that is late: because it was stopped from outside, which nobody is punished for, or because its handlers take
//! long, which is counted and said.

use crate::frames::{Frame, PING, REQUEST, close, pong, text};
use crate::harness::{Client, Sim, ms, secs};
use crate::sim::{Net, SimKernel};
use sockeye::server::{Handler, Limits, Message, Peer, Settings, Timeouts};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;
use tracing::subscriber::with_default;
use tracing::{Event, Level, Metadata, Subscriber, span};

/// Peers of which each has something to do, some time before it is due.
fn busy(sim: &mut Sim) -> Vec<Client> {
    let pinged = sim.open();
    sim.run_for(ms(20_100));
    let assembling = sim.open();
    assembling.push(&[0x81]);
    let closing = sim.open();
    closing.push(&text("!close now"));
    let half = sim.connect();
    half.push(&REQUEST[..30]);
    let blocked = sim.open();
    blocked.conn.set_window(0);
    blocked.push(&text("echo"));
    sim.settle();
    vec![pinged, assembling, closing, half, blocked]
}

fn closed(clients: &[Client]) -> Vec<bool> {
    let ended = |client: &Client| client.conn.is_closed() || client.conn.is_finished();
    clients.iter().map(ended).collect()
}

#[test]
fn whoever_had_time_left_when_the_process_was_stopped_has_it_afterwards() {
    let mut sim = Sim::new();
    let mut clients = busy(&mut sim);
    // As by SIGSTOP, with nobody at the other end either.
    sim.net.pass(secs(60));
    sim.turn();
    sim.settle();
    assert_eq!(closed(&clients), [false; 5]);
    // The closing one had 3 s, and one of them is over.
    sim.run_for(ms(1800));
    assert_eq!(closed(&clients), [false; 5]);
    // And nobody has more than that.
    sim.run_for(secs(30));
    assert_eq!(
        clients[0].frames().last(),
        Some(&Frame::close(1001, "ping timeout"))
    );
    assert_eq!(
        clients[1].frames().last().and_then(Frame::close_code),
        Some(1008)
    );
    assert!(clients[3].head().starts_with("HTTP/1.1 408 "));
    assert!(closed(&clients[2..]).iter().all(|closed| *closed));
}

#[test]
fn whoever_answered_meanwhile_is_heard_first() {
    let mut sim = Sim::new();
    let mut clients: Vec<_> = (0..200).map(|_| sim.open()).collect();
    sim.run_for(ms(20_100));
    for client in &mut clients {
        let asked = client.frame();
        assert_eq!(asked.opcode, PING);
        client.push(&pong(&asked.payload));
    }
    sim.net.pass(secs(60));
    sim.run_for(secs(18));
    for client in &mut clients {
        client.assert_quiet();
    }
}

/// Stopped while it waits, and not between: a deadline was near, and the process was not there.
#[test]
fn a_wait_that_is_much_too_long_counts_a_second() {
    let mut sim = Sim::new();
    let mut silent = sim.connect();
    sim.settle();
    sim.run_until(secs(2));
    sim.net.set_lag(secs(60));
    sim.server.turn(Some(secs(1))).expect("polling works");
    sim.net.set_lag(Duration::ZERO);
    // Of the 5 s for a request 3 are over, at most.
    sim.run_for(ms(1900));
    silent.assert_quiet();
    sim.run_for(ms(1200));
    assert!(silent.head().starts_with("HTTP/1.1 408 "));
}

#[test]
fn a_wait_that_is_as_long_as_it_was_to_be_counts() {
    let mut sim = Sim::new();
    let mut silent = sim.connect();
    sim.settle();
    sim.net.set_lag(ms(900));
    // The wheel has a look of its own on the way.
    for _ in 0..3 {
        // Less than a second late: it is.
        sim.server.turn(Some(secs(2))).expect("polling works");
    }
    assert!(sim.net.now() < secs(7));
    assert!(silent.head().starts_with("HTTP/1.1 408 "));
}

/// Or a server under a load that is too much for it would keep whoever connects.
#[test]
fn a_loop_that_is_always_late_comes_to_its_deadlines() {
    let mut sim = Sim::new();
    let mut silent = sim.connect();
    sim.settle();
    sim.net.set_lag(secs(5));
    for _ in 0..7 {
        sim.turn();
    }
    assert!(silent.head().starts_with("HTTP/1.1 408 "));
}

#[test]
fn the_drain_is_put_off_as_all_else() {
    let mut sim = Sim::new();
    let mut client = sim.open();
    sim.server.stop();
    sim.settle();
    sim.net.pass(secs(60));
    sim.settle();
    assert_eq!(client.frame(), Frame::close(1001, "server is stopping"));
    client.push(&close(1001));
    client.conn.end();
    sim.settle();
    assert!(!sim.goes_on && sim.server.handler().ends[0].clean);
}

/// Each message takes as many milliseconds as it says.
struct Slow(Net);

impl Handler<SimKernel> for Slow {
    type State = ();

    fn on_message(&mut self, _: &mut Peer<'_, SimKernel>, (): &mut (), message: Message<'_>) {
        if let Message::Text(text) = message {
            self.0.pass(ms(text.parse().expect("milliseconds")));
        }
    }
}

fn slow(watchdog: impl Into<Option<Duration>>) -> (Sim<Slow>, Vec<Client>) {
    let settings = Settings::new(Limits::default(), Timeouts::default()).watchdog(watchdog);
    let net = Net::new();
    let server = sockeye::server::EventLoop::new(net.kernel(), Slow(net.clone()), settings);
    let mut sim = Sim {
        net,
        server,
        goes_on: true,
    };
    let clients = (0..3).map(|_| sim.open()).collect();
    (sim, clients)
}

/// Runs, and counts the warnings.
fn warnings(run: impl FnOnce()) -> usize {
    let count = Arc::new(AtomicUsize::new(0));
    with_default(Warnings(Arc::clone(&count)), run);
    count.load(Ordering::Relaxed)
}

struct Warnings(Arc<AtomicUsize>);

impl Subscriber for Warnings {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        *metadata.level() == Level::WARN
    }

    fn event(&self, _: &Event<'_>) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }

    fn new_span(&self, _: &span::Attributes<'_>) -> span::Id {
        span::Id::from_u64(1)
    }

    fn record(&self, _: &span::Id, _: &span::Record<'_>) {}
    fn record_follows_from(&self, _: &span::Id, _: &span::Id) {}
    fn enter(&self, _: &span::Id) {}
    fn exit(&self, _: &span::Id) {}
}

#[test]
fn a_slow_turn_is_counted_and_a_long_wait_is_not() {
    // Per turn: how long each peer's message takes; whether that is slow by 50 ms.
    for (messages, is_slow) in [
        ([0, 0, 0], false),
        ([49, 0, 0], false),
        ([51, 0, 0], true),
        ([20, 20, 20], true),
        ([500, 500, 500], true),
    ] {
        let (mut sim, clients) = slow(ms(50));
        for (client, millis) in clients.iter().zip(messages) {
            client.push(&text(&millis.to_string()));
        }
        sim.turn();
        sim.run_for(secs(10));
        assert_eq!(sim.server.slow_turns(), u64::from(is_slow), "{messages:?}");
    }
}

#[test]
fn what_is_a_slow_turn_can_be_set() {
    for (watchdog, expected) in [(None, 0), (Some(ms(200)), 0), (Some(ms(90)), 1)] {
        let (mut sim, clients) = slow(watchdog);
        clients[0].push(&text("100"));
        sim.settle();
        assert_eq!(sim.server.slow_turns(), expected);
    }
}

#[test]
fn it_is_said_once_a_second() {
    let (mut sim, clients) = slow(ms(50));
    let said = warnings(|| {
        for _ in 0..50 {
            clients[0].push(&text("100"));
            sim.turn();
        }
    });
    assert_eq!(sim.server.slow_turns(), 50);
    assert!((4..=6).contains(&said), "{said} in 5 s");
}

/// The time that a handler took is not the wait's: a deadline is not put off by it.
#[test]
fn a_deadline_comes_in_time_behind_a_slow_turn() {
    let (mut sim, clients) = slow(ms(50));
    let mut silent = sim.connect();
    clients[0].push(&text("900"));
    sim.settle();
    sim.run_until(ms(5100));
    assert!(silent.head().starts_with("HTTP/1.1 408 "));
}
