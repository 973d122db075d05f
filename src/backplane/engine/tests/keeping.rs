//! Rooms that a broker keeps something of, with a store that is made up.

use super::world::{TEA, World};
use crate::reactor::{Author, Crossing, History, Origin, Said};
use alloc::string::String;
use alloc::sync::Arc;
use alloc::vec;
use alloc::vec::Vec;
use core::time::Duration;

const NOTHING: [&str; 0] = [];

impl World {
    fn want(&mut self, number: usize) {
        let want = Crossing::Want(TEA.into(), History::last(10));
        self.nodes[number].engine.on_crossing(want);
    }

    fn keep(&mut self, number: usize, text: u8) {
        let said = Said {
            origin: Origin { node: 0, number: 0 },
            author: Some(Author {
                node: number as u64,
                connection: 9,
            }),
            except: None,
            is_text: true,
            is_secret: false,
            payload: vec![text],
        };
        let keep = Crossing::Keep(TEA.into(), History::last(10), Arc::new(said));
        self.nodes[number].engine.on_crossing(keep);
    }

    /// Two nodes with a member each, that know what there is.
    fn keeping() -> Self {
        let mut world = Self::with_members();
        for number in 0..2 {
            world.want(number);
        }
        world.settle();
        world.told_everywhere();
        world
    }

    /// What is told of a room, without what is told of nodes.
    fn heard(&mut self, number: usize) -> Vec<String> {
        let told = self.told(number).into_iter();
        told.filter(|told| told.contains(TEA)).collect()
    }
}

#[test]
fn what_there_is_is_fetched_once_the_room_is_heard_and_then_told_as_it_comes() {
    let mut world = World::new(2);
    world.keep(0, b'a');
    world.settle();
    assert_eq!(world.heard(0), NOTHING);
    world.want(1);
    world.members(1, TEA, 1);
    world.settle();
    assert_eq!(world.heard(1), ["tea 0-0 and 1", "tea is all"]);
    world.keep(0, b'b');
    world.keep(1, b'c');
    world.settle();
    assert_eq!(world.heard(1), ["tea 1-2: b", "tea 1-3: c"]);
    // Nobody asks again, but it is answered.
    world.want(1);
    world.settle();
    assert_eq!(world.heard(1), ["tea is all"]);
}

#[test]
fn both_tell_the_same_order() {
    let mut world = World::keeping();
    for (node, text) in [(0, b'a'), (1, b'b'), (0, b'c')] {
        world.keep(node, text);
        let told = world.nodes[node].engine.take_told();
        assert!(told.is_empty(), "not before it is kept");
        world.settle();
    }
    let expected = ["tea 1-1: a", "tea 1-2: b", "tea 1-3: c"];
    assert_eq!(world.heard(0), expected);
    assert_eq!(world.heard(1), expected);
}

#[test]
fn what_was_not_heard_is_fetched_before_what_comes_next() {
    let mut world = World::keeping();
    world.is_silent = true;
    world.keep(0, b'a');
    world.keep(1, b'b');
    world.settle();
    world.is_silent = false;
    assert_eq!(world.heard(1), NOTHING);
    world.keep(0, b'c');
    world.settle();
    let expected = ["tea 1-1: a", "tea 1-2: b", "tea 1-3: c"];
    assert_eq!(world.heard(0), expected);
    assert_eq!(world.heard(1), expected);
}

#[test]
fn while_the_broker_is_away_it_is_told_here_and_settled_later() {
    let mut world = World::keeping();
    world.down(0);
    world.keep(0, b'a');
    world.keep(1, b'b');
    world.settle();
    assert_eq!(world.heard(0), ["tea ?: a"]);
    assert_eq!(world.heard(1), ["tea 1-1: b"]);
    world.up(0);
    world.pass(Duration::from_secs(4));
    assert_eq!(world.heard(0), ["tea 1-1: b", "tea 1-2 is 1"]);
    assert_eq!(world.heard(1), ["tea 1-2: a"]);
}

#[test]
fn what_was_on_its_way_is_told_here_and_missed_there_visibly() {
    let mut world = World::keeping();
    world.deaf_to = Some(0);
    world.keep(0, b'a');
    world.settle();
    world.deaf_to = None;
    assert_eq!(world.heard(0), NOTHING);
    world.down(0);
    world.settle();
    assert_eq!(world.heard(0), ["tea ?: a"]);
    world.up(0);
    world.pass(Duration::from_secs(4));
    world.keep(0, b'b');
    world.settle();
    assert_eq!(world.heard(0), ["tea 1-1: b"]);
    assert_eq!(world.heard(1), ["gap tea of 0 by Some(1)", "tea 1-1: b"]);
}

#[test]
fn what_got_there_before_the_connection_was_lost_is_not_told_again() {
    let mut world = World::keeping();
    world.is_silent = true;
    world.keep(0, b'a');
    world.settle();
    world.is_silent = false;
    world.down(0);
    world.up(0);
    world.pass(Duration::from_secs(4));
    assert_eq!(world.heard(0), ["tea ?: a", "tea 1-1 is 1"]);
}

#[test]
fn what_is_dropped_as_too_much_waits_is_told_here_and_missed_there() {
    let mut world = World::keeping();
    world.down(0);
    for text in 0..100 {
        world.keep(0, text);
        assert!(world.nodes[0].engine.queue.bytes() <= 2000);
    }
    world.settle();
    assert_eq!(world.heard(0).len(), 100);
    world.up(0);
    world.pass(Duration::from_secs(5));
    let heard = world.heard(1);
    let told = heard
        .iter()
        .filter(|told| told.starts_with("tea 1-"))
        .count();
    let gaps = heard.iter().filter(|told| told.starts_with("gap"));
    let missed = gaps.map(|gap| {
        let count = gap.trim_end_matches(')').rsplit('(').next();
        count
            .and_then(|count| count.parse::<usize>().ok())
            .expect("a number")
    });
    assert_eq!(told + missed.sum::<usize>(), 100, "{heard:?}");
}

#[test]
fn a_store_that_has_lost_all_is_begun_anew_and_that_is_told() {
    let mut world = World::keeping();
    world.keep(0, b'a');
    world.settle();
    world.told_everywhere();
    world.down(0);
    world.store.clear();
    world.up(0);
    world.pass(Duration::from_secs(4));
    assert_eq!(world.heard(0), ["gap tea of 0 by None", "tea 0-0 and 0"]);
    world.keep(0, b'b');
    world.settle();
    assert_eq!(world.heard(0), ["tea 1-1: b"]);
}

#[test]
fn who_waits_for_a_broker_that_is_not_there_is_answered() {
    let mut world = World::new(1);
    world.down(0);
    world.settle();
    world.told_everywhere();
    world.members(0, TEA, 1);
    world.want(0);
    world.settle();
    assert_eq!(world.heard(0), ["tea is all"]);
    // Who waits when it goes is, too.
    world.up(0);
    world.want(0);
    world.down(0);
    world.settle();
    assert_eq!(world.heard(0), ["tea is all"]);
    // Whoever was told of nothing may have missed something.
    world.up(0);
    world.settle();
    assert_eq!(
        world.heard(0),
        ["tea 0-0 and 0", "gap tea of 0 by None", "tea is all"]
    );
}

#[test]
fn what_is_left_is_forgotten_unless_somebody_has_come() {
    let mut world = World::keeping();
    world.members(0, TEA, 0);
    world.settle();
    assert_eq!(world.heard(0), ["tea is left"]);
    world.nodes[0].engine.on_cooled(&TEA.into(), true);
    world.keep(1, b'a');
    world.settle();
    assert_eq!(world.heard(0), NOTHING);
    world.members(0, TEA, 1);
    world.want(0);
    world.settle();
    assert_eq!(world.heard(0), ["tea 0-0 and 1", "tea is all"]);
    // Somebody has come before it was forgotten: it goes on where it was.
    world.members(0, TEA, 0);
    world.settle();
    world.keep(1, b'b');
    world.settle();
    world.nodes[0].engine.on_cooled(&TEA.into(), false);
    world.members(0, TEA, 1);
    world.settle();
    assert_eq!(world.heard(0), ["tea is left", "tea 1-2: b"]);
}

#[test]
fn what_is_no_text_though_it_says_so_is_refused() {
    let mut world = World::keeping();
    world.keep(0, 0xFF);
    world.settle();
    assert_eq!(world.heard(1), NOTHING);
    assert_eq!(world.refused(1), 1);
}
