//! Large rooms: what a message to all of them costs, and how long others wait for it.

use crate::counting;
use crate::frames::{Frame, text};
use crate::harness::{Sim, held_since, numbered, take_all};
use crate::sim::Conn;
use sockeye::server::SlowPolicy;

const LEN: usize = 64 << 10;
/// A header of ten bytes.
const FRAME: usize = LEN + 10;
/// What one turn may tell: as the loop reckons, in writes, each of which costs as much as 8 KiB of it.
const SLICE: usize = 2048;
const UNIT: usize = 8 << 10;

/// A room of so many, who do not keep what they are told.
fn crowd(members: usize) -> (Sim, Conn, Vec<Conn>) {
    let mut sim = Sim::with_policy(SlowPolicy::Close, 1 << 20);
    let talker = sim.open();
    let members = sim.open_many(members);
    for conn in members.iter().chain([&talker]) {
        conn.only_count();
    }
    (sim, talker, members)
}

fn taken(members: &[Conn]) -> usize {
    members.iter().map(Conn::taken).sum()
}

/// B11: it takes many turns, none of which writes more than its slice, and in each of them another connection is answered.
#[test]
fn a_large_message_to_ten_thousand_is_stored_once_and_told_in_slices() {
    let (mut sim, talker, members) = crowd(10_000);
    let other = sim.open();
    sim.receive(&other, &text("-lobby"));
    talker.reserve(2 * FRAME);
    // Once, so that nothing grows for the first time.
    sim.receive(&talker, &numbered(0, LEN));
    let before = counting::held();
    let had = taken(&members);
    talker.push(&numbered(1, LEN));
    let mut turns = 0;
    loop {
        other.push(&text(&format!("?{turns}")));
        let sends = sim.net.calls().sends;
        sim.turn();
        let sends = sim.net.calls().sends - sends - 1;
        assert_eq!(take_all(&other), [Frame::text(&turns.to_string())]);
        let cost = sends * (1 + FRAME / UNIT);
        assert!(cost < SLICE + 1 + FRAME / UNIT, "{sends} writes in a turn");
        let held = held_since(before);
        assert!(held < 2 * FRAME, "{held} B held: more than one copy");
        if sends == 0 {
            break;
        }
        turns += 1;
    }
    assert!(turns > 40, "{turns} turns");
    assert_eq!(taken(&members) - had, members.len() * FRAME);
    assert!(
        members
            .iter()
            .all(|conn| conn.sends() == members[0].sends())
    );
}

/// What is held while such a message is told to so many, and when it has been.
fn held_for(members: usize, are_stalled: bool) -> (usize, usize) {
    let (mut sim, talker, members) = crowd(members);
    talker.reserve(2 * FRAME);
    sim.receive(&talker, &numbered(0, LEN));
    if are_stalled {
        members.iter().for_each(|conn| conn.set_window(0));
    }
    let message = numbered(1, LEN);
    let had = taken(&members);
    talker.push(&message);
    let before = counting::held();
    counting::most_held();
    sim.settle();
    let most = usize::try_from(counting::most_held() - before).unwrap();
    let held = held_since(before);
    let told = if are_stalled { 0 } else { members.len() };
    assert_eq!(taken(&members) - had, told * FRAME);
    // They read after all, and nothing is left.
    members.iter().for_each(|conn| conn.set_window(usize::MAX));
    sim.settle();
    assert_eq!(taken(&members) - had, members.len() * FRAME);
    // But entries of timers, which are not taken out, and places for what few have, which are kept for the next.
    assert!(held_since(before) <= 24 << 10, "{}", held_since(before));
    (most, held)
}

/// B11: a thousand members who read: it is received, and stored once.
#[test]
fn a_large_message_to_a_thousand_who_read_is_stored_once() {
    let (most, held) = held_for(1000, false);
    assert!(most <= 3 * FRAME, "{most} B at once");
    assert!(held <= FRAME, "{held} B afterwards");
}

/// B11: a thousand members who have stopped: it is stored once, and each holds a place in it.
#[test]
fn a_large_message_to_a_thousand_who_have_stopped_is_stored_once() {
    let place = 600;
    let (most, held) = held_for(1000, true);
    assert!(held >= FRAME, "{held} B: it waits");
    assert!(held <= 2 * FRAME + 1000 * place, "{held} B held");
    assert!(most <= 3 * FRAME + 1000 * place, "{most} B at once");
}
