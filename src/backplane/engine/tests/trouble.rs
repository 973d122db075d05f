//! What is lost on its way, waits for a broker, comes twice, or was never said by a node.

use super::super::super::wire::{Said, Stamp, What};
use super::world::{GONE_AFTER, TEA, World, plain};
use crate::reactor::Crossing;
use alloc::string::String;
use alloc::vec;
use alloc::vec::Vec;
use core::time::Duration;

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
fn without_a_broker_for_long_a_node_counts_its_own_alone() {
    let mut world = World::with_members();
    world.down(0);
    world.pass(GONE_AFTER - Duration::from_millis(1));
    assert_eq!((world.elsewhere(0, TEA), world.others(0)), (1, 1));
    world.pass(Duration::from_millis(1));
    assert_eq!((world.elsewhere(0, TEA), world.others(0)), (0, 0));
    // They are not gone, and nothing of them is missed.
    world.up(0);
    world.pass(Duration::from_secs(2));
    assert_eq!((world.elsewhere(0, TEA), world.others(0)), (1, 1));
    assert_eq!(world.told(0), ["down", "up"]);
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
    world.pass(super::super::REGROUP - Duration::from_millis(100));
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
