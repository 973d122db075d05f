//! Three nodes, 300 clients, 50 rooms: nothing is lost, told twice or told out of order, while nothing is broken.
//!
//! In each round some clients come into rooms and leave others, and it is waited until all nodes count the same. Then
//! messages are said, while *restless* clients come and go: they may hear a message or not, but none twice, and in order.
//! All others hear exactly what was said in their rooms.

use super::broker::{Broker, Kind};
use super::crowd::Client;
use super::nodes::{self, Place};
use super::{Dice, until};
use std::collections::{BTreeMap, BTreeSet};

const NODES: usize = 3;
const WORKERS: usize = 2;
const CLIENTS: usize = 300;
const ROOMS: usize = 50;
/// Those that come and go at any time.
const RESTLESS: usize = 60;

struct Model {
    dice: Dice,
    places: Vec<Place>,
    clients: Vec<Client>,
    /// The rooms of each client.
    rooms: Vec<BTreeSet<usize>>,
    /// How often each client has spoken.
    spoken: Vec<usize>,
    /// By client, what those that are not restless have to hear of each room and author.
    expected: Vec<BTreeMap<(usize, usize), Vec<usize>>>,
    checked: usize,
    said: usize,
}

impl Model {
    fn start(broker: &Broker) -> Self {
        let places = nodes::start(broker, NODES, WORKERS);
        let clients = (0..CLIENTS).map(|number| Client::connect(places[number % NODES].addr));
        Self {
            dice: Dice::new(7),
            clients: clients.collect(),
            places,
            rooms: vec![BTreeSet::new(); CLIENTS],
            spoken: vec![0; CLIENTS],
            expected: vec![BTreeMap::new(); CLIENTS],
            checked: 0,
            said: 0,
        }
    }

    /// Somebody comes into a room, or leaves it.
    fn stir(&mut self, client: usize) {
        let room = self.dice.below(ROOMS);
        if self.rooms[client].remove(&room) {
            self.clients[client].ask(&format!("leave {room}"));
        } else if self.rooms[client].len() < 10 {
            self.rooms[client].insert(room);
            self.clients[client].ask(&format!("join {room}"));
        }
    }

    /// All nodes count as the model does.
    fn settle(&self) {
        for room in 0..ROOMS {
            let members: Vec<_> = (0..CLIENTS)
                .filter(|client| self.rooms[*client].contains(&room))
                .collect();
            for (number, place) in self.places.iter().enumerate() {
                if members.iter().any(|client| client % NODES == number) {
                    until("all nodes count the same", || {
                        (place.node().count(&room.to_string()) == members.len()).then_some(())
                    });
                }
            }
        }
    }

    /// Somebody says something, to a room or once to two.
    fn speak(&mut self) {
        let author = self.dice.below(CLIENTS);
        let (one, two) = (self.dice.below(ROOMS), self.dice.below(ROOMS));
        let both = self.dice.below(8) == 0;
        let number = self.spoken[author];
        self.spoken[author] += 1;
        self.said += 1;
        // The second of two rooms is not said: whoever is in either hears it once, as of the first.
        let text = format!("{one} {author} {number}");
        if both {
            self.clients[author].say(&format!("both {one} {two} {text}"));
        } else {
            self.clients[author].say(&format!("say {one} {text}"));
        }
        for client in RESTLESS..CLIENTS {
            let rooms = &self.rooms[client];
            let hears = match both {
                true => rooms.contains(&one) || rooms.contains(&two),
                false => rooms.contains(&one) && client != author,
            };
            if hears {
                let of = self.expected[client].entry((one, author)).or_default();
                of.push(number);
            }
        }
    }

    fn round(&mut self) {
        for _ in 0..60 {
            let client = self.dice.below(CLIENTS);
            self.stir(client);
        }
        self.settle();
        for _ in 0..20 {
            for _ in 0..20 {
                self.speak();
            }
            let client = self.dice.below(RESTLESS);
            self.stir(client);
        }
        self.check();
    }

    /// Everybody has heard what was said, and nothing else.
    fn check(&mut self) {
        for client in 0..CLIENTS {
            let expected: usize = self.expected[client].values().map(Vec::len).sum();
            let own = &mut self.clients[client];
            if client >= RESTLESS {
                until("everything that was said is heard", || {
                    own.hear();
                    (own.heard.len() >= expected).then_some(())
                });
            }
            own.hear();
            let mut heard = BTreeMap::<_, Vec<usize>>::new();
            for text in &own.heard {
                let mut numbers = text.split(' ').map(|number| number.parse().expect(text));
                let mut next = || numbers.next().expect("three of them");
                heard.entry((next(), next())).or_default().push(next());
            }
            if client >= RESTLESS {
                assert_eq!(heard, self.expected[client], "client {client}");
                self.checked += expected;
            } else {
                let in_order = |numbers: &Vec<usize>| numbers.is_sorted_by(|a, b| a < b);
                assert!(heard.values().all(in_order), "client {client}: {heard:?}");
            }
            own.heard.clear();
            self.expected[client].clear();
        }
    }

    fn end(self, kind: Kind) {
        let (mut heard, mut gaps) = (0, 0);
        for place in &self.places {
            let figures = place.node().figures();
            assert_eq!(figures.missed + figures.repeated + figures.refused, 0);
            assert_eq!(figures.dropped + figures.overflows, 0, "{figures:?}");
            heard += figures.heard;
            gaps += figures.gaps;
        }
        assert_eq!(gaps, 0);
        println!(
            "{kind:?}: {} messages; {heard} came over the broker; {} deliveries as expected",
            self.said, self.checked
        );
        assert!(heard as usize > self.said && self.checked > 10 * self.said);
    }
}

fn rounds() -> usize {
    match std::env::var("SOCKEYE_BACKPLANE").as_deref() {
        Err(_) => 4,
        Ok("long") => 100,
        Ok(number) => number.parse().expect("`long`, or a number of rounds"),
    }
}

fn nothing_is_lost(kind: Kind) {
    let Some(broker) = Broker::start(kind) else {
        return;
    };
    let mut model = Model::start(&broker);
    for client in 0..CLIENTS {
        for _ in 0..5 {
            model.stir(client);
        }
    }
    for _ in 0..rounds() {
        model.round();
    }
    model.end(kind);
}

#[test]
fn nothing_is_lost_repeated_or_reordered_over_redis() {
    nothing_is_lost(Kind::Redis);
}

#[test]
fn nothing_is_lost_repeated_or_reordered_over_a_cluster_of_redis() {
    nothing_is_lost(Kind::RedisCluster);
}

#[test]
fn nothing_is_lost_repeated_or_reordered_over_nats() {
    nothing_is_lost(Kind::Nats);
}
