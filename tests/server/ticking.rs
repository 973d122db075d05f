//! Ticks: at their interval, without drift, not made up for, and whatever the handler does in them.

use crate::frames::{Frame, text};
use crate::harness::{Sim, ms, secs};
use crate::sim::{Net, SimKernel};
use sockeye::kernel::Kernel as _;
use sockeye::server::{Handler, Hub, Message, Peer, Settings, To};
use std::time::Duration;

/// Notes when it was called. A message takes it as many milliseconds as the message says.
#[derive(Default)]
struct Ticker {
    net: Option<Net>,
    /// In milliseconds.
    ticks: Vec<u128>,
    panics: bool,
    publishes: bool,
}

impl Handler<SimKernel> for Ticker {
    type State = ();

    fn on_message(&mut self, peer: &mut Peer<'_, SimKernel>, (): &mut (), message: Message<'_>) {
        if let (Message::Text(text), Some(net)) = (message, &self.net)
            && let Ok(millis) = text.parse()
        {
            net.pass(ms(millis));
        }
        peer.send(message).expect("it is open");
    }

    fn on_tick(&mut self, hub: &mut Hub<'_>) {
        if self.publishes {
            hub.publish(To::all(), "tick");
        }
        let net = self.net.as_ref().expect("a clock");
        self.ticks.push(net.now().as_millis());
        assert!(!self.panics, "asked to");
    }
}

fn ticking(interval: impl Into<Option<Duration>>) -> Sim<Ticker> {
    let mut sim = Sim::of(Ticker::default(), Settings::default().tick(interval));
    sim.server.handler().net = Some(sim.net.clone());
    sim
}

fn ticks(sim: &mut Sim<Ticker>) -> Vec<u128> {
    std::mem::take(&mut sim.server.handler().ticks)
}

#[test]
fn nobody_ticks_who_was_not_told_to() {
    let mut sim = ticking(None);
    let _client = sim.open();
    sim.run_for(secs(15));
    assert_eq!(ticks(&mut sim), []);
}

#[test]
fn each_interval_has_one() {
    for (interval, millis) in [
        (Duration::ZERO, 1),
        (Duration::from_micros(1), 1),
        (Duration::from_micros(2500), 3),
        (ms(100), 100),
        (ms(4097), 4097),
    ] {
        let mut sim = ticking(interval);
        sim.run_for(ms(40 * millis));
        let expected: Vec<_> = (1..=40).map(|tick| u128::from(tick * millis)).collect();
        assert_eq!(ticks(&mut sim), expected);
    }
}

#[test]
fn lateness_does_not_add_up() {
    let mut sim = ticking(ms(100));
    sim.net.set_lag(ms(30));
    sim.run_for(secs(10));
    let ticks = ticks(&mut sim);
    assert!(ticks.len() >= 99, "{}", ticks.len());
    for (tick, at) in ticks.into_iter().enumerate() {
        let due = 100 * (tick as u128 + 1);
        assert!((due..=due + 30).contains(&at), "{due}: {at}");
    }
}

#[test]
fn what_was_missed_is_not_made_up_for() {
    let mut sim = ticking(ms(100));
    let client = sim.open();
    sim.run_until(ms(150));
    client.push(&text("370"));
    sim.run_until(ms(800));
    assert_eq!(ticks(&mut sim), [100, 520, 600, 700, 800]);
}

#[test]
fn a_panic_in_it_ends_nothing() {
    let mut sim = ticking(ms(100));
    let mut client = sim.open();
    sim.server.handler().panics = true;
    sim.run_until(ms(350));
    assert_eq!(ticks(&mut sim), [100, 200, 300]);
    client.assert_echoes(&mut sim);
}

#[test]
fn what_it_says_to_all_is_told_in_the_same_turn() {
    let mut sim = ticking(ms(100));
    let mut clients = [sim.open(), sim.open()];
    sim.server.handler().publishes = true;
    let polls = sim.net.calls().polls;
    while clients[0].conn.untaken() == 0 {
        sim.server.turn(None).expect("polling works");
        assert!(sim.net.now() <= ms(100));
    }
    assert!(sim.net.calls().polls - polls < 10);
    for client in &mut clients {
        assert_eq!(client.frame(), Frame::text("tick"));
    }
}

#[test]
fn it_ticks_until_the_end() {
    let mut sim = ticking(ms(100));
    let _client = sim.open();
    sim.run_until(ms(50));
    sim.server.stop();
    // The close deadline ends it.
    sim.run_until(secs(10));
    assert!(!sim.goes_on);
    assert_eq!(ticks(&mut sim).len(), 30);
}

/// A loop is told of time when it looks, so one that is made long before it runs has not missed anything.
#[test]
fn the_first_comes_an_interval_after_the_beginning() {
    let net = Net::new();
    net.pass(secs(1000));
    let mut kernel = net.kernel();
    assert_eq!(kernel.now_roughly(), secs(1000));
    let ticker = Ticker {
        net: Some(net.clone()),
        ..Ticker::default()
    };
    let server = sockeye::server::EventLoop::new(kernel, ticker, Settings::default().tick(ms(100)));
    let mut sim = Sim {
        net,
        server,
        goes_on: true,
    };
    sim.run_for(ms(250));
    assert_eq!(ticks(&mut sim), [1_000_100, 1_000_200]);
}
