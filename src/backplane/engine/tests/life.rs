//! Nodes that come and go, rooms that are heard where they have members, and what is said in order.

use super::super::Subject;
use super::world::{TEA, World, bundle, plain};
use crate::reactor::Crossing;
use alloc::string::String;
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::time::Duration;

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
