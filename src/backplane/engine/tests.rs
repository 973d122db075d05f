//! Engines that speak to each other over a list, with a time that is made up.

use super::super::wire::{Said, Stamp, What};
use super::super::{Arrived, KeptAt, Stored};
use super::{BackplaneEvent, Engine, NodeId, Orders, Shared, Subject, Terms, Told};
use crate::reactor::{Bundle, Crossing, Offset};
use alloc::string::String;
use alloc::sync::Arc;
use alloc::vec;
use alloc::vec::Vec;
use core::time::Duration;

const TEA: &str = "tea";
const GONE_AFTER: Duration = Duration::from_millis(3500);

/// A node, and what it has told its loops.
pub(super) struct Node {
    pub(super) engine: Engine,
    shared: Arc<Shared>,
    subscribed: Vec<Subject>,
    told: Vec<Told>,
    is_up: bool,
}

/// Nodes, and a broker that may be asked to lose things.
pub(super) struct World {
    pub(super) nodes: Vec<Node>,
    now: Duration,
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

    fn carry_out(&mut self, number: usize, orders: Orders) {
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

    fn append(&mut self, number: usize, subject: &Subject, bytes: Vec<u8>) {
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

    fn stored(&self, subject: &Subject) -> Stored {
        let messages = self.store.iter().filter(|(of, _)| of == subject);
        let messages: Vec<_> = messages.map(|(_, arrived)| arrived.clone()).collect();
        let tip = messages.last().and_then(|last| last.kept);
        let tip = tip.map(|kept| kept.at).unwrap_or_default();
        Stored { messages, tip }
    }

    fn tell(&mut self, subject: &Subject, arrived: &Arrived) {
        for node in &mut self.nodes {
            if node.is_up && node.subscribed.contains(subject) {
                for read in node.engine.read(vec![arrived.clone()]) {
                    node.engine.on_read(read);
                }
            }
        }
    }

    fn publish(&mut self, number: usize, publish: Vec<(Subject, Vec<u8>)>) {
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

    fn say(&mut self, number: usize, room: &str, text: u8) {
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

    fn elsewhere(&self, number: usize, room: &str) -> usize {
        let view = self.nodes[number].shared.lock();
        view.elsewhere.get(room).copied().unwrap_or_default()
    }
}

const fn plain(bytes: Vec<u8>) -> Arrived {
    Arrived { bytes, kept: None }
}

fn bundle(text: u8) -> Bundle {
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

#[test]
fn rooms_are_heard_where_they_have_members_and_counted() {
    let mut world = World::new(3);
    world.members(0, TEA, 2);
    world.members(1, TEA, 3);
    world.settle();
    let room = Subject::Room(TEA.into());
    let subscribed = |world: &World| -> Vec<_> {
        let nodes = world.nodes.iter();
        nodes.map(|node| node.subscribed.contains(&room)).collect()
    };
    assert_eq!(subscribed(&world), [true, true, false]);
    world.say(0, TEA, b'a');
    world.say(2, TEA, b'b');
    world.settle();
    assert_eq!(world.told(0), ["tea: b"]);
    assert_eq!(world.told(1), ["tea: a", "tea: b"]);
    assert_eq!(world.told(2), Vec::<String>::new());
    world.pass(Duration::from_millis(200));
    assert_eq!([0, 1, 2].map(|node| world.elsewhere(node, TEA)), [3, 2, 0]);
    // Who leaves takes the interest along.
    world.members(1, TEA, 0);
    world.pass(Duration::from_millis(200));
    assert_eq!(subscribed(&world), [true, false, false]);
    assert_eq!([0, 1, 2].map(|node| world.elsewhere(node, TEA)), [0, 0, 0]);
}

#[test]
fn loops_that_go_take_their_members_along() {
    let mut world = World::with_members();
    let other = Crossing::Members(1, Some(TEA.into()), 5);
    world.nodes[0].engine.on_crossing(other);
    world.pass(Duration::from_millis(200));
    assert_eq!(world.elsewhere(1, TEA), 6);
    world.nodes[0].engine.on_crossing(Crossing::Gone(1));
    world.pass(Duration::from_millis(200));
    assert_eq!(world.elsewhere(1, TEA), 1);
}

#[test]
fn what_is_lost_is_told_before_what_comes_next_on_each_loop() {
    let mut world = World::with_members();
    let other = Crossing::Members(1, Some(TEA.into()), 5);
    world.nodes[1].engine.on_crossing(other);
    world.say(0, TEA, b'a');
    world.settle();
    world.deaf_to = Some(0);
    world.say(0, TEA, b'b');
    world.say(0, TEA, b'c');
    world.settle();
    world.deaf_to = None;
    world.say(0, TEA, b'd');
    world.settle();
    assert_eq!(
        world.told(1),
        [
            "tea: a",
            "gap tea of 0 by Some(2)",
            "gap tea of 0 by Some(2) on loop 1",
            "tea: d"
        ]
    );
}

#[test]
fn what_was_lost_last_is_told_when_the_room_has_been_quiet() {
    let mut world = World::with_members();
    // The very first message is noticed, too.
    world.deaf_to = Some(0);
    world.say(0, TEA, b'a');
    world.settle();
    world.deaf_to = None;
    world.pass(Duration::from_millis(900));
    assert_eq!(world.told(1), Vec::<String>::new());
    world.pass(Duration::from_millis(200));
    assert_eq!(world.told(1), ["gap tea of 0 by Some(1)"]);
    // And long afterwards.
    world.pass(Duration::from_secs(100));
    world.deaf_to = Some(0);
    world.say(0, TEA, b'b');
    world.settle();
    world.deaf_to = None;
    world.pass(Duration::from_millis(1200));
    assert_eq!(world.told(1), ["gap tea of 0 by Some(1)"]);
}

#[test]
fn what_is_said_without_a_broker_waits_for_it_and_for_the_others() {
    let mut world = World::with_members();
    for number in 0..2 {
        world.down(number);
        world.say(number, TEA, b'a');
    }
    world.pass(Duration::from_secs(60));
    world.say(0, TEA, b'b');
    assert_eq!(world.told(0), ["down"]);
    world.up(0);
    world.pass(Duration::from_millis(500));
    world.up(1);
    world.pass(Duration::from_millis(500));
    assert_eq!(world.told(0), ["up", "tea: a"]);
    assert_eq!(world.told(1), ["down", "up", "tea: a", "tea: b"]);
    assert_eq!(world.elsewhere(0, TEA), 1);
}

#[test]
fn who_does_not_come_back_is_not_waited_for_longer_than_that() {
    let mut world = World::with_members();
    world.members(0, "chai", 1);
    world.pass(Duration::from_millis(200));
    world.down(0);
    world.down(1);
    world.say(0, TEA, b'a');
    world.up(0);
    world.pass(super::REGROUP - Duration::from_millis(100));
    assert!(!world.nodes[0].engine.queue.is_empty());
    world.pass(Duration::from_millis(100));
    assert!(world.nodes[0].engine.queue.is_empty());
    // Nobody has heard it, and whoever comes back knows.
    world.up(1);
    world.pass(Duration::from_secs(2));
    assert_eq!(world.told(1), ["down", "up", "gap tea of 0 by Some(1)"]);
}

#[test]
fn what_waits_is_bounded_and_what_is_dropped_is_missed_visibly() {
    let mut world = World::with_members();
    world.down(0);
    for text in 0..100 {
        world.say(0, TEA, text);
        assert!(world.nodes[0].engine.queue.bytes() <= 2000);
    }
    world.up(0);
    world.pass(Duration::from_secs(1));
    let dropped = world.nodes[0].shared.lock().figures.dropped;
    assert!(dropped > 50, "{dropped}");
    let told = world.told(1);
    assert_eq!(told[0], alloc::format!("gap tea of 0 by Some({dropped})"));
    assert_eq!(told.len() as u64, 1 + 100 - dropped);
}

#[test]
fn a_node_that_is_not_heard_any_more_is_gone_and_may_come_back() {
    let mut world = World::with_members();
    world.say(0, TEA, b'a');
    world.settle();
    world.deaf_to = Some(0);
    world.pass(Duration::from_millis(3000));
    assert_eq!(world.told(1), ["tea: a"]);
    world.pass(Duration::from_millis(1000));
    assert_eq!(world.told(1), ["left 0 lost true", "gap tea of 0 by None"]);
    assert_eq!(world.elsewhere(1, TEA), 0);
    // Its numbers go on.
    world.say(0, TEA, b'b');
    world.settle();
    world.deaf_to = None;
    world.say(0, TEA, b'c');
    world.settle();
    assert_eq!(world.told(1), ["gap tea of 0 by Some(1)", "tea: c"]);
    world.pass(Duration::from_secs(2));
    assert_eq!(world.told(1), ["joined 0"]);
}

#[test]
fn who_says_goodbye_is_gone_at_once_and_nobody_misses_anything() {
    let mut world = World::with_members();
    world.say(0, TEA, b'a');
    let words = world.nodes[0].engine.last_words();
    world.publish(0, words.publish);
    world.nodes[0].is_up = false;
    world.settle();
    assert_eq!(world.told(1), ["tea: a", "left 0 lost false"]);
    assert_eq!(world.elsewhere(1, TEA), 0);
    world.pass(Duration::from_secs(10));
    assert_eq!(world.told(1), Vec::<String>::new());
}

#[test]
fn what_is_said_to_several_rooms_is_told_once() {
    let mut world = World::with_members();
    world.members(1, "chai", 1);
    world.pass(Duration::from_millis(200));
    let rooms: Arc<[Arc<str>]> = [TEA, "chai", "elsewhere"].map(Arc::from).into();
    let once = Crossing::SayOnce(rooms, bundle(b'a'));
    world.nodes[0].engine.on_crossing(once);
    world.say(0, "chai", b'b');
    world.settle();
    assert_eq!(world.told(1), ["tea+chai+elsewhere: a", "chai: b"]);
}

#[test]
fn a_batch_is_heard_in_the_order_in_which_it_was_said() {
    let mut world = World::with_members();
    for text in [b'a', b'b', b'c'] {
        world.say(0, TEA, text);
    }
    let mut batch: Vec<_> = world.nodes[0].engine.orders().publish;
    batch.reverse();
    let batch = batch.into_iter().map(|(_, bytes)| plain(bytes)).collect();
    let node = &mut world.nodes[1].engine;
    for read in node.read(batch) {
        node.on_read(read);
    }
    world.settle();
    assert_eq!(world.told(1), ["tea: a", "tea: b", "tea: c"]);
}

#[test]
fn what_comes_again_is_not_told_again() {
    let mut world = World::with_members();
    world.say(0, TEA, b'a');
    let publish = world.nodes[0].engine.orders().publish;
    world.publish(0, publish.clone());
    world.publish(0, publish);
    world.settle();
    assert_eq!(world.told(1), ["tea: a"]);
    assert_eq!(world.nodes[1].shared.lock().figures.repeated, 1);
}

#[test]
fn what_a_loop_lost_is_told_to_all_who_may_miss_it() {
    let mut world = World::with_members();
    world.nodes[0].engine.on_lost();
    world.settle();
    assert_eq!(world.told(1), ["gap tea of 0 by None"]);
}

/// Rooms in which nobody is, and nothing was said for long, are forgotten; and what is said there afterwards is not taken
/// for what was there before.
#[test]
fn what_need_not_be_known_is_forgotten() {
    let mut world = World::with_members();
    for number in 0..100 {
        world.say(0, &alloc::format!("{number}"), b'a');
    }
    // In a room that is heard on the other node alone.
    world.members(1, "7", 1);
    world.pass(Duration::from_millis(500));
    for text in *b"bcd" {
        world.say(0, "7", text);
    }
    world.pass(Duration::from_millis(500));
    assert_eq!(world.told(1), ["7: b", "7: c", "7: d"]);
    assert_eq!(world.nodes[0].engine.rooms.len(), 101);
    world.pass(Duration::from_secs(70));
    assert_eq!(world.nodes[0].engine.rooms.len(), 1);
    world.say(0, "7", b'e');
    world.settle();
    assert_eq!(world.told(1), ["7: e"]);
}

#[test]
fn a_count_that_begins_again_leaves_no_gap() {
    let mut world = World::with_members();
    world.members(0, TEA, 0);
    for text in 0..10 {
        world.say(0, TEA, b'a' + text);
    }
    for number in 0..50 {
        world.say(0, "elsewhere", number);
        world.settle();
    }
    world.pass(Duration::from_secs(100));
    assert_eq!(world.nodes[0].engine.rooms.len(), 0);
    world.told_everywhere();
    world.members(0, TEA, 1);
    world.pass(Duration::from_secs(2));
    assert_eq!(world.told(1), Vec::<String>::new());
    // And where the first message is lost, that alone is missed.
    world.deaf_to = Some(0);
    world.say(0, TEA, b'x');
    world.settle();
    world.deaf_to = None;
    world.say(0, TEA, b'y');
    world.settle();
    assert_eq!(world.told(1), ["gap tea of 0 by Some(1)", "tea: y"]);
}

#[test]
fn who_comes_and_goes_in_no_time_leaves_nothing_behind() {
    let mut world = World::with_members();
    for number in 0..100 {
        let room = alloc::format!("{number}");
        world.members(0, &room, 1);
        world.members(0, &room, 0);
    }
    world.pass(Duration::from_millis(300));
    assert_eq!(world.nodes[0].engine.rooms.len(), 1);
    world.down(0);
    for number in 0..100 {
        let room = alloc::format!("{number}");
        world.members(0, &room, 1);
        world.members(0, &room, 0);
    }
    // Who leaves meanwhile is counted no more, and whoever comes later has missed nothing.
    world.members(0, TEA, 0);
    for text in *b"abc" {
        world.say(1, TEA, text);
    }
    world.settle();
    assert_eq!(world.elsewhere(1, TEA), 1);
    world.up(0);
    world.pass(Duration::from_secs(1));
    assert_eq!([0, 1].map(|node| world.elsewhere(node, TEA)), [0, 0]);
    world.pass(Duration::from_secs(70));
    assert_eq!(world.nodes[0].engine.rooms.len(), 0);
    world.told_everywhere();
    world.members(0, TEA, 1);
    world.pass(Duration::from_secs(1));
    assert_eq!(world.told(0), Vec::<String>::new());
    assert_eq!(world.elsewhere(1, TEA), 1);
}

#[test]
fn numbers_that_no_node_would_say_end_nothing() {
    let mut world = World::with_members();
    for node in [7, 8] {
        for first in [0, u64::MAX - 1, u64::MAX] {
            let said = Said {
                first,
                begin: 0,
                messages: u32::MAX,
                secret: Vec::new(),
            };
            let what = What::Say {
                room: TEA.into(),
                said,
            };
            let presence = What::Presence {
                room: TEA.into(),
                members: u32::MAX,
                next: Some((u64::MAX, u64::MAX)),
                ask: false,
            };
            for what in [what, presence] {
                let stamp = Stamp {
                    node,
                    order: u64::MAX,
                    what,
                };
                let engine = &mut world.nodes[1].engine;
                for read in engine.read(vec![plain(stamp.put_behind(Vec::new()))]) {
                    engine.on_read(read);
                }
            }
        }
    }
    world.pass(Duration::from_secs(10));
    assert_eq!(world.elsewhere(1, TEA), 1);
}

/// Whoever reaches the broker can say what they like: it costs nothing that stays.
#[test]
fn strangers_cannot_make_a_node_remember() {
    let mut world = World::with_members();
    let engine = &mut world.nodes[1].engine;
    for number in 0..5000u64 {
        let said = Said {
            first: number,
            begin: 0,
            messages: 1,
            secret: Vec::new(),
        };
        let room = alloc::format!("room {number}");
        for what in [
            What::Say {
                room: room.clone(),
                said: said.clone(),
            },
            What::SayOnce {
                rooms: vec![room.clone()],
                at: 7,
                serial: number,
                said,
            },
            What::Presence {
                room,
                members: u32::MAX,
                next: Some((0, number)),
                ask: true,
            },
            What::Alive {
                name: "x".into(),
                online: u32::MAX,
                session: 1,
            },
        ] {
            let stamp = Stamp {
                node: 100 + number,
                order: 0,
                what,
            };
            let batch = [stamp.put_behind(vec![0xFF; 10]), vec![0xFF; 10]];
            let batch = batch.into_iter().map(plain).collect();
            for read in engine.read(batch) {
                engine.on_read(read);
            }
        }
    }
    assert_eq!(engine.rooms.len(), 1);
    assert_eq!(engine.others.known().len(), 1024);
    assert!(world.nodes[1].shared.lock().elsewhere.len() <= 1);
}
