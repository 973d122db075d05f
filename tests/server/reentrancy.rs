//! What a handler does to its own connection, or to its loop, in each of its calls.

use crate::frames::{CLOSE, Frame, REQUEST, binary, close, ping, pong, text};
use crate::harness::{Client, Sim, ms, secs};
use crate::sim::{Net, SimKernel};
use sockeye::kernel::Ready;
use sockeye::proto::CloseCode;
use sockeye::proto::handshake::server::Request;
use sockeye::server::{Closed, ConnectionId, EventLoop, Handler, Hub, Message, Peer, Settings};

/// The calls.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Place {
    Open,
    Message,
    Ping,
    Pong,
    Drain,
    Tick,
    Close,
}

const PLACES: [Place; 7] = [
    Place::Open,
    Place::Message,
    Place::Ping,
    Place::Pong,
    Place::Drain,
    Place::Tick,
    Place::Close,
];

/// What is done there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Deed {
    /// Closes its own connection.
    Close,
    /// Has its loop stop, as a `Stopper` does.
    Stop,
    /// Says something to all.
    Publish,
}

struct Doer {
    net: Net,
    place: Place,
    deed: Deed,
    /// Those that came before the one that does it.
    others: usize,
    one: Option<ConnectionId>,
    /// How often it was done.
    done: usize,
    ends: Vec<ConnectionId>,
}

impl Doer {
    fn at(&mut self, place: Place, hub: &mut Hub<'_>, id: ConnectionId) {
        // Once, and only by the one.
        if self.place != place || self.done > 0 || self.one != Some(id) {
            return;
        }
        self.done += 1;
        match self.deed {
            Deed::Close => {
                let closed = hub.close(id, CloseCode::NORMAL, "enough");
                assert_eq!(closed.is_ok(), place != Place::Close, "{closed:?}");
            }
            Deed::Stop => self.net.forge(Ready::Stop),
            Deed::Publish => drop(hub.publish(sockeye::server::To::all(), "news")),
        }
    }
}

impl Handler<SimKernel> for Doer {
    type State = ();

    fn on_open(&mut self, peer: &mut Peer<'_, SimKernel>, _: &Request<'_>) {
        let id = peer.id();
        if self.others == 0 {
            self.others = 1;
        } else {
            self.one = Some(id);
        }
        self.at(Place::Open, &mut peer.hub(), id);
    }

    fn on_message(&mut self, peer: &mut Peer<'_, SimKernel>, (): &mut (), message: Message<'_>) {
        let _ = peer.send(message);
        let id = peer.id();
        self.at(Place::Message, &mut peer.hub(), id);
    }

    fn on_ping(&mut self, peer: &mut Peer<'_, SimKernel>, (): &mut (), _: &[u8]) {
        let id = peer.id();
        self.at(Place::Ping, &mut peer.hub(), id);
    }

    fn on_pong(&mut self, peer: &mut Peer<'_, SimKernel>, (): &mut (), _: &[u8]) {
        let id = peer.id();
        self.at(Place::Pong, &mut peer.hub(), id);
    }

    fn on_drain(&mut self, peer: &mut Peer<'_, SimKernel>, (): &mut ()) {
        let id = peer.id();
        self.at(Place::Drain, &mut peer.hub(), id);
    }

    fn on_tick(&mut self, hub: &mut Hub<'_>) {
        if let Some(id) = self.one {
            self.at(Place::Tick, hub, id);
        }
    }

    fn on_close(&mut self, hub: &mut Hub<'_>, id: ConnectionId, (): (), _: &Closed<'_>) {
        self.ends.push(id);
        self.at(Place::Close, hub, id);
    }
}

/// Two peers, of which the second has had every call, and the deed was done in one of them.
fn do_it(place: Place, deed: Deed) -> (Sim<Doer>, Client, Client) {
    let net = Net::new();
    let doer = Doer {
        net: net.clone(),
        place,
        deed,
        others: 0,
        one: None,
        done: 0,
        ends: Vec::new(),
    };
    let settings = Settings::default().tick(ms(100)).deflate(None);
    let server = EventLoop::new(net.kernel(), doer, settings);
    let mut sim = Sim {
        net,
        server,
        goes_on: true,
    };
    let other = sim.open();
    let mut one = sim.connect();
    let early = [REQUEST.to_vec(), ping(b""), pong(b""), text("hello")].concat();
    one.push(&early);
    sim.settle();
    one.conn.set_window(0);
    one.push(&binary(b"waits"));
    sim.settle();
    one.conn.set_window(usize::MAX);
    sim.settle();
    sim.run_for(ms(100));
    let head = one.head();
    assert!(head.starts_with("HTTP/1.1 101 "), "{place:?} {head}");
    if place == Place::Close {
        one.push(&close(1000));
        one.conn.end();
        sim.settle();
    }
    assert_eq!(sim.server.handler().done, 1, "{place:?} {deed:?}");
    (sim, one, other)
}

#[test]
fn a_connection_may_be_closed_in_each_of_its_calls() {
    for place in PLACES {
        let (mut sim, mut one, mut other) = do_it(place, Deed::Close);
        let frames = one.frames();
        let closes: Vec<_> = frames
            .iter()
            .filter(|frame| frame.opcode == CLOSE)
            .collect();
        let reason = if place == Place::Close { "" } else { "enough" };
        assert_eq!(closes, [&Frame::close(1000, reason)], "{place:?}");
        assert_eq!(
            frames.last(),
            Some(closes[0]),
            "{place:?}: something behind it"
        );
        if place != Place::Close {
            one.close_in_order(&mut sim, 1000);
        }
        sim.run_for(secs(5));
        let doer = sim.server.handler();
        assert_eq!(
            doer.ends,
            doer.one.into_iter().collect::<Vec<_>>(),
            "{place:?}"
        );
        other.assert_echoes(&mut sim);
        assert_eq!(sim.server.connections(), 1, "{place:?}");
    }
}

#[test]
fn a_loop_may_be_stopped_in_each_of_its_calls() {
    for place in PLACES {
        let (mut sim, mut one, mut other) = do_it(place, Deed::Stop);
        sim.settle();
        let goodbye = Frame::close(1001, "server is stopping");
        assert_eq!(other.frame(), goodbye, "{place:?}");
        if place != Place::Close {
            assert_eq!(one.frames().last(), Some(&goodbye), "{place:?}");
            one.close_in_order(&mut sim, 1001);
        }
        assert!(sim.goes_on);
        other.close_in_order(&mut sim, 1001);
        assert!(!sim.goes_on, "{place:?}");
        assert_eq!(sim.server.handler().ends.len(), 2, "{place:?}");
    }
}

#[test]
fn all_may_be_spoken_to_in_each_of_its_calls() {
    for place in PLACES {
        let (mut sim, mut one, mut other) = do_it(place, Deed::Publish);
        let news = Frame::text("news");
        assert_eq!(other.frame(), news, "{place:?}");
        let told = one.frames().iter().filter(|frame| **frame == news).count();
        assert_eq!(told, usize::from(place != Place::Close), "{place:?}");
        other.assert_echoes(&mut sim);
    }
}
