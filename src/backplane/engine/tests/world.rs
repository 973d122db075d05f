//! Nodes that a test speaks for, and a broker that does as it is told.

use super::super::super::{Arrived, KeptAt, Stored};
use super::super::{BackplaneEvent, Engine, NodeId, Orders, Shared, Subject, Terms, Told};
use crate::reactor::{Bundle, Crossing, Offset};
use alloc::string::String;
use alloc::sync::Arc;
use alloc::vec;
use alloc::vec::Vec;
use core::time::Duration;

pub(super) const TEA: &str = "tea";
pub(super) const GONE_AFTER: Duration = Duration::from_millis(3500);

/// A node, and what it has told its loops.
pub(super) struct Node {
    pub(super) engine: Engine,
    pub(super) shared: Arc<Shared>,
    pub(super) subscribed: Vec<Subject>,
    pub(super) told: Vec<Told>,
    pub(super) is_up: bool,
}

/// Nodes, and a broker that may be asked to lose things.
pub(super) struct World {
    pub(super) nodes: Vec<Node>,
    pub(super) now: Duration,
    /// What is published by this node is lost on its way.
    pub(super) deaf_to: Option<usize>,
    /// What is kept, of whatever room.
    pub(super) store: Vec<(Subject, Arrived)>,
    /// What is kept is not told.
    pub(super) is_silent: bool,
}

impl World {
    pub(super) fn new(count: u64) -> Self {
        let nodes = (0..count).map(|number| {
            let shared = Arc::<Shared>::default();
            let terms = Terms {
                id: NodeId(number),
                name: "n".into(),
                max_queued: 2000,
                gone_after: GONE_AFTER,
            };
            Node {
                engine: Engine::new(terms, Arc::clone(&shared)),
                shared,
                subscribed: Vec::new(),
                told: Vec::new(),
                is_up: false,
            }
        });
        let mut world = Self {
            nodes: nodes.collect(),
            now: Duration::ZERO,
            deaf_to: None,
            store: Vec::new(),
            is_silent: false,
        };
        for number in 0..world.nodes.len() {
            world.up(number);
        }
        world.settle();
        world.told_everywhere();
        world
    }

    pub(super) fn up(&mut self, number: usize) {
        let node = &mut self.nodes[number];
        node.is_up = true;
        node.engine.on_up();
    }

    pub(super) fn down(&mut self, number: usize) {
        let node = &mut self.nodes[number];
        node.is_up = false;
        node.subscribed.clear();
        node.engine.on_down("asked to");
    }

    /// Until nobody has anything to say now.
    pub(super) fn settle(&mut self) {
        while let Some(number) = self
            .nodes
            .iter()
            .position(|node| node.is_up && node.engine.has_orders())
        {
            let orders = self.nodes[number].engine.orders();
            self.carry_out(number, orders);
        }
        for node in &mut self.nodes {
            node.told.extend(node.engine.take_told());
        }
    }

    pub(super) fn carry_out(&mut self, number: usize, orders: Orders) {
        let node = &mut self.nodes[number];
        let ended = &orders.unsubscribe;
        node.subscribed.retain(|subject| !ended.contains(subject));
        node.subscribed.extend_from_slice(&orders.subscribe);
        node.engine.on_subscribed(&orders.subscribe);
        for (subject, _, bytes) in orders.append {
            self.append(number, &subject, bytes);
        }
        for (room, _) in orders.fetch {
            let stored = self.stored(&Subject::Room(Arc::clone(&room)));
            self.nodes[number].engine.on_fetched(&room, stored);
        }
        self.publish(number, orders.publish);
    }

    pub(super) fn append(&mut self, number: usize, subject: &Subject, bytes: Vec<u8>) {
        if self.deaf_to == Some(number) {
            return;
        }
        let at = Offset {
            major: 1,
            minor: self.store.len() as u64 + 1,
        };
        let after = self.stored(subject).tip;
        let kept = Some(KeptAt { at, after });
        let arrived = Arrived { bytes, kept };
        self.store.push((subject.clone(), arrived.clone()));
        if !self.is_silent {
            self.tell(subject, &arrived);
        }
    }

    pub(super) fn stored(&self, subject: &Subject) -> Stored {
        let messages = self.store.iter().filter(|(of, _)| of == subject);
        let messages: Vec<_> = messages.map(|(_, arrived)| arrived.clone()).collect();
        let tip = messages.last().and_then(|last| last.kept);
        let tip = tip.map(|kept| kept.at).unwrap_or_default();
        Stored { messages, tip }
    }

    pub(super) fn tell(&mut self, subject: &Subject, arrived: &Arrived) {
        for node in &mut self.nodes {
            if node.is_up && node.subscribed.contains(subject) {
                for read in node.engine.read(vec![arrived.clone()]) {
                    node.engine.on_read(read);
                }
            }
        }
    }

    pub(super) fn publish(&mut self, number: usize, publish: Vec<(Subject, Vec<u8>)>) {
        if self.deaf_to == Some(number) {
            return;
        }
        for (subject, bytes) in publish {
            self.tell(&subject, &plain(bytes));
        }
    }

    /// Time passes, in steps in which everything that is due is done.
    pub(super) fn pass(&mut self, span: Duration) {
        let end = self.now + span;
        while self.now < end {
            self.now = end.min(self.now + Duration::from_millis(50));
            for node in &mut self.nodes {
                node.engine.on_time(self.now);
            }
            self.settle();
        }
    }

    pub(super) fn members(&mut self, number: usize, room: &str, members: usize) {
        let crossing = Crossing::Members(0, Some(room.into()), members);
        self.nodes[number].engine.on_crossing(crossing);
    }

    pub(super) fn say(&mut self, number: usize, room: &str, text: u8) {
        let crossing = Crossing::Say(Some(room.into()), bundle(text));
        self.nodes[number].engine.on_crossing(crossing);
    }

    /// What a node has told its loops since this was last asked, in few words.
    pub(super) fn told(&mut self, number: usize) -> Vec<String> {
        let told = core::mem::take(&mut self.nodes[number].told);
        told.iter().map(in_words).collect()
    }

    pub(super) fn refused(&self, number: usize) -> u64 {
        self.nodes[number].shared.lock().figures.refused
    }

    pub(super) fn told_everywhere(&mut self) {
        for number in 0..self.nodes.len() {
            self.told(number);
        }
    }

    /// Both of the first two have a member in a room, and know of each other.
    pub(super) fn with_members() -> Self {
        let mut world = Self::new(2);
        for number in 0..2 {
            world.members(number, TEA, 1);
        }
        world.pass(Duration::from_millis(200));
        world.told_everywhere();
        world
    }

    pub(super) fn others(&self, number: usize) -> usize {
        self.nodes[number].shared.lock().others.len()
    }

    pub(super) fn elsewhere(&self, number: usize, room: &str) -> usize {
        let view = self.nodes[number].shared.lock();
        view.elsewhere.get(room).copied().unwrap_or_default()
    }
}

pub(super) const fn plain(bytes: Vec<u8>) -> Arrived {
    Arrived { bytes, kept: None }
}

pub(super) fn bundle(text: u8) -> Bundle {
    Bundle {
        frames: vec![0x81, 1, text],
        messages: 1,
        secret: Vec::new(),
    }
}

fn in_words(told: &Told) -> String {
    let text = |bundle: &Bundle| String::from_utf8_lossy(&bundle.frames[2..]).into_owned();
    match told {
        Told::Say(Some(room), bundle) => alloc::format!("{room}: {}", text(bundle)),
        Told::Say(None, bundle) => alloc::format!("*: {}", text(bundle)),
        Told::SayOnce(rooms, bundle) => alloc::format!("{}: {}", rooms.join("+"), text(bundle)),
        Told::Event(
            worker,
            BackplaneEvent::Gap {
                room, node, missed, ..
            },
        ) => {
            let room = room.as_deref().unwrap_or("*");
            let other = worker.filter(|worker| *worker > 0);
            let other = other.map(|worker| alloc::format!(" on loop {worker}"));
            let other = other.unwrap_or_default();
            alloc::format!("gap {room} of {} by {missed:?}{other}", node.0)
        }
        Told::Event(_, BackplaneEvent::Down { .. }) => "down".into(),
        Told::Event(_, BackplaneEvent::Up { .. }) => "up".into(),
        Told::Event(_, BackplaneEvent::Joined { node, .. }) => alloc::format!("joined {}", node.0),
        Told::Event(_, BackplaneEvent::Left { node, lost, .. }) => {
            alloc::format!("left {} lost {lost}", node.0)
        }
        Told::Kept(room, _, at, said) => {
            let at = at.map_or_else(|| "?".into(), |at| alloc::format!("{at}"));
            alloc::format!("{room} {at}: {}", String::from_utf8_lossy(&said.payload))
        }
        Told::Settled(room, origin, at) => alloc::format!("{room} {at} is {}", origin.number),
        Told::Load(room, _, from, all) => alloc::format!("{room} {from} and {}", all.len()),
        Told::Warm(room) => alloc::format!("{room} is all"),
        Told::Cool(room) => alloc::format!("{room} is left"),
    }
}
