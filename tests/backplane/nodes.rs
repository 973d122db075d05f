//! Servers that are nodes of one broker.
//!
//! What clients say to them: `join R`, `leave R`, `say R …` (to all others in the room), `both R S …` (once to all in
//! either), `all …`. Joins and leaves are answered with what was asked for.

use super::broker::Carrier;
use super::until;
use sockeye::backplane::{BackplaneEvent, Node, NodeBuilder};
use sockeye::server::{
    Builder, Exchange, Handler, Hub, Listener, Message, Peer, Stopper, Timeouts, To,
};
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::Duration;

struct Talk {
    events: Arc<Mutex<Vec<BackplaneEvent>>>,
    /// Of several loops of a node, one keeps account of events.
    keeps: bool,
}

impl Handler for Talk {
    type State = ();

    fn on_message(&mut self, peer: &mut Peer<'_>, (): &mut (), message: Message<'_>) {
        let Message::Text(text) = message else {
            return;
        };
        let (word, rest) = text.split_once(' ').expect("a word, and more");
        let id = peer.id();
        match word {
            "join" => {
                peer.join(rest).expect("a room");
                let _ = peer.send(text);
            }
            "leave" => {
                peer.leave(rest);
                let _ = peer.send(text);
            }
            "say" => {
                let (room, text) = rest.split_once(' ').expect("a room, and words");
                peer.publish(To::room(room).except(id), text);
            }
            "both" => {
                let mut words = rest.splitn(3, ' ');
                let mut next = || words.next().expect("two rooms, and words");
                let (one, two, text) = (next(), next(), next());
                peer.publish(To::rooms(&[one, two]), text);
            }
            "all" => {
                peer.publish(To::all(), rest);
            }
            "here" => {
                peer.publish(To::all().here(), rest);
            }
            _ => panic!("{text:?}"),
        }
    }

    fn on_backplane(&mut self, hub: &mut Hub<'_>, event: &BackplaneEvent) {
        if let BackplaneEvent::Gap {
            room: Some(room),
            missed,
            ..
        } = event
        {
            // Those whom it concerns are told.
            let missed = missed.map_or_else(|| "some".to_owned(), |missed| missed.to_string());
            let text = format!("gap {room} {missed}");
            hub.publish(To::room(room).on_loop(), &text);
        }
        if !self.keeps {
            return;
        }
        let mut events = self.events.lock().expect("nobody panics");
        events.push(event.clone());
    }
}

/// A server of some loops.
pub struct Place {
    pub addr: SocketAddr,
    pub node: Option<Node>,
    pub events: Arc<Mutex<Vec<BackplaneEvent>>>,
    stoppers: Vec<Stopper>,
    threads: Vec<JoinHandle<()>>,
}

impl Place {
    pub fn start(broker: &impl Carrier, node: NodeBuilder, workers: usize) -> Self {
        let exchange = Exchange::new();
        let any = "127.0.0.1:0".parse().expect("an address");
        let listeners = Listener::bind_for(&any, workers).expect("a free port");
        let events = Arc::<Mutex<Vec<_>>>::default();
        // Who only listens is not looked at for long now and then, and answers no pings meanwhile.
        let timeouts = Timeouts {
            ping: Duration::from_secs(3600),
            ..Timeouts::default()
        };
        let builder = Builder::new().exchange(&exchange).timeouts(timeouts);
        let (mut stoppers, mut threads, mut addr) = (Vec::new(), Vec::new(), None);
        for (number, listener) in listeners.into_iter().enumerate() {
            let talk = Talk {
                events: Arc::clone(&events),
                keeps: number == 0,
            };
            let mut server = builder.clone().serve([listener], talk).expect("a server");
            addr = Some(server.local_addr());
            stoppers.push(server.stopper());
            threads.push(std::thread::spawn(move || {
                server.run().expect("it runs");
            }));
        }
        let node = broker.node(node, &exchange);
        Self {
            addr: addr.expect("there is a worker"),
            node: Some(node),
            events,
            stoppers,
            threads,
        }
    }

    pub const fn node(&self) -> &Node {
        self.node.as_ref().expect("it has not left")
    }

    /// What the node has heard since this was last asked.
    pub fn take_events(&self) -> Vec<BackplaneEvent> {
        std::mem::take(&mut *self.events.lock().expect("nobody panics"))
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        for stopper in &self.stoppers {
            let _ = stopper.stop();
        }
        for thread in self.threads.drain(..) {
            let _ = thread.join();
        }
    }
}

/// Nodes that know each other.
pub fn start(broker: &impl Carrier, count: usize, workers: usize) -> Vec<Place> {
    start_with(broker, count, workers, 16 << 20)
}

/// The same, for which so much may wait.
pub fn start_with(
    broker: &impl Carrier,
    count: usize,
    workers: usize,
    max_queued: usize,
) -> Vec<Place> {
    let node = |number| {
        Node::builder()
            .name(format!("node-{number}"))
            .max_queued(max_queued)
    };
    let places: Vec<_> = (0..count)
        .map(|number| Place::start(broker, node(number), workers))
        .collect();
    for place in &places {
        until("all nodes know each other", || {
            (place.node().others().len() == count - 1).then_some(())
        });
    }
    places
}
