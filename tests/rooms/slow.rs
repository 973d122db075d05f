//! Members that do not read: what each policy makes of them, and what they cost.
//!
//! Not here: direct sends to them; that is `tests/server`.

use crate::frames::{CLOSE, Frame};
use crate::harness::secs;
use crate::stage::{Member, Stage, stage, stage_with};
use sockeye::server::{Cause, Receipt, RoomSettings, SlowPolicy, To};

const MOST: usize = 10_000;
/// Bytes of a message: ten of them are too many.
const LEN: usize = 1000;

/// A room with a policy, a member that has stopped reading in the middle of something, and one that reads.
fn stalled(policy: SlowPolicy) -> (Stage, Member, Member) {
    let mut settings = RoomSettings::default().policy(move |_| policy);
    settings.max_queued = MOST;
    let mut stage = stage_with(settings);
    let [stalled, reading] = stage.members("a");
    stalled.client.conn.set_window(LEN / 2);
    (stage, stalled, reading)
}

/// So many messages, one per turn: a key, a number, and something.
fn say(stage: &mut Stage, numbers: std::ops::Range<usize>) {
    for number in numbers {
        stage.hub().publish("a", message(number).as_str());
        stage.settle();
    }
}

fn message(number: usize) -> String {
    format!("{} {number:<LEN$}", number % 3)
}

fn key(payload: &[u8]) -> &[u8] {
    &payload[..1]
}

/// It reads on; the numbers that it was told.
fn numbers(stage: &mut Stage, member: &mut Member) -> Vec<usize> {
    member.client.conn.set_window(usize::MAX);
    stage.settle();
    let told = member.told().into_iter();
    told.map(|told| told[2..].trim().parse().expect("a number"))
        .collect()
}

#[test]
fn whoever_is_to_be_closed_is_and_knows_why() {
    let (mut stage, mut slow, mut reading) = stalled(SlowPolicy::Close);
    say(&mut stage, 0..30);
    assert!(!stage.hub().is_open(slow.id));
    let stats = stage.hub().stats("a").expect("one is left");
    assert_eq!((stats.closed, stats.dropped, stats.members), (1, 0, 1));
    assert_eq!(numbers(&mut stage, &mut reading), Vec::from_iter(0..30));
    slow.client.conn.set_window(usize::MAX);
    stage.settle();
    let frames = slow.client.frames();
    let (close, before) = frames.split_last().expect("there were some");
    assert_eq!(*close, Frame::close(1013, "reads too slowly"));
    let expected = (0..before.len()).map(|number| Frame::text(&message(number)));
    assert!(
        before.iter().cloned().eq(expected),
        "from the first, and none is missing"
    );
    assert!((8..12).contains(&before.len()), "{}", before.len());
    stage.run_for(secs(20));
    let ended = &stage.server.handler().ended;
    assert_eq!(*ended, [(slow.id, Cause::TooSlow)]);
}

#[test]
fn what_is_newest_is_dropped() {
    let (mut stage, mut slow, mut reading) = stalled(SlowPolicy::DropNewest);
    say(&mut stage, 0..30);
    let receipt = stage.hub().publish("a", message(30).as_str());
    let expected = Receipt {
        queued: 1,
        dropped: 1,
        closed: 0,
    };
    assert_eq!(receipt, expected);
    // It is in nobody's way, and in no receipt that excepts it.
    let but = To::room("a").except(slow.id);
    let receipt = stage.hub().publish(but, message(31).as_str());
    assert_eq!((receipt.queued, receipt.dropped), (1, 0));
    stage.settle();
    assert_eq!(numbers(&mut stage, &mut reading).len(), 32);
    let told = numbers(&mut stage, &mut slow);
    assert_eq!(
        told,
        Vec::from_iter(0..told.len()),
        "the oldest, and no gap"
    );
    assert!((8..12).contains(&told.len()), "{}", told.len());
    let stats = stage.hub().stats("a").expect("both are there");
    assert_eq!(stats.dropped, 31 - told.len() as u64);
    // It has read: it is told again.
    say(&mut stage, 32..35);
    assert_eq!(numbers(&mut stage, &mut slow), [32, 33, 34]);
    assert_eq!(
        stage.hub().stats("a").map(|now| now.dropped),
        Some(stats.dropped)
    );
}

#[test]
fn what_was_dropped_in_a_turn_is_not_told_when_that_turn_finds_room() {
    let (mut stage, mut slow, _reading) = stalled(SlowPolicy::DropNewest);
    say(&mut stage, 0..20);
    let before = stage.hub().stats("a").expect("both are there").dropped;
    assert_eq!(stage.hub().publish("a", message(20).as_str()).dropped, 1);
    // The report that it reads comes when that was said and is not told yet.
    let told = numbers(&mut stage, &mut slow);
    assert!(!told.contains(&20), "{told:?}");
    let stats = stage.hub().stats("a").expect("both are there");
    assert_eq!(stats.dropped, before + 1);
}

#[test]
fn what_has_been_replaced_in_the_same_turn_is_dropped() {
    let (mut stage, mut slow, _reading) = stalled(SlowPolicy::Conflate(key));
    say(&mut stage, 0..1);
    for number in 1..30 {
        stage.hub().publish("a", message(number).as_str());
    }
    stage.settle();
    assert_eq!(numbers(&mut stage, &mut slow), [0, 27, 28, 29]);
}

#[test]
fn what_is_oldest_is_dropped() {
    let (mut stage, mut slow, mut reading) = stalled(SlowPolicy::DropOldest);
    say(&mut stage, 0..30);
    assert_eq!(numbers(&mut stage, &mut reading), Vec::from_iter(0..30));
    let told = numbers(&mut stage, &mut slow);
    // A part of the first had gone.
    assert_eq!(told[0], 0);
    assert_eq!(told[1..], Vec::from_iter(31 - told.len()..30));
    assert!((7..12).contains(&told.len()), "{}", told.len());
    let stats = stage.hub().stats("a").expect("both are there");
    assert_eq!(stats.dropped, 30 - told.len() as u64);
}

#[test]
fn what_has_been_replaced_is_dropped() {
    let (mut stage, mut slow, mut reading) = stalled(SlowPolicy::Conflate(key));
    say(&mut stage, 0..30);
    assert_eq!(numbers(&mut stage, &mut reading), Vec::from_iter(0..30));
    let told = numbers(&mut stage, &mut slow);
    assert!(
        told.ends_with(&[27, 28, 29]),
        "the last of each key: {told:?}"
    );
    assert!(told.is_sorted() && told.len() < 15, "{told:?}");
    let stats = stage.hub().stats("a").expect("both are there");
    assert_eq!(stats.conflated, 30 - told.len() as u64);
    assert_eq!((stats.dropped, stats.closed), (0, 0));
}

#[test]
fn more_keys_than_there_is_room_for_close() {
    fn all(payload: &[u8]) -> &[u8] {
        payload
    }
    let (mut stage, mut slow, _reading) = stalled(SlowPolicy::Conflate(all));
    say(&mut stage, 0..30);
    assert_eq!(stage.hub().stats("a").map(|stats| stats.closed), Some(1));
    slow.client.conn.set_window(usize::MAX);
    stage.settle();
    let frames = slow.client.frames();
    assert_eq!(frames.last().map(|last| last.opcode), Some(CLOSE));
}

#[test]
fn one_message_may_be_larger_than_what_may_wait() {
    for policy in [
        SlowPolicy::Close,
        SlowPolicy::DropNewest,
        SlowPolicy::DropOldest,
    ] {
        let (mut stage, mut slow, _reading) = stalled(policy);
        let large = "x".repeat(5 * MOST);
        stage.hub().publish("a", large.as_str());
        stage.settle();
        slow.client.conn.set_window(usize::MAX);
        stage.settle();
        assert!(slow.told() == [large], "{policy:?}");
    }
}

#[test]
fn a_room_is_not_blamed_for_another() {
    let mut settings = RoomSettings::default().policy(|name| match name {
        "a" => SlowPolicy::DropOldest,
        _ => SlowPolicy::DropNewest,
    });
    settings.max_queued = MOST;
    let mut stage = stage_with(settings);
    let [mut slow] = stage.members("a");
    stage.hub().join(slow.id, "b").expect("there is room");
    slow.client.conn.set_window(LEN / 2);
    for number in 0..30 {
        stage
            .hub()
            .publish("a", format!("0 {number:<LEN$}").as_str());
        stage
            .hub()
            .publish("b", format!("1 {number:<LEN$}").as_str());
        stage.hub().send(slow.id, "2 99").expect("it is open");
        stage.settle();
    }
    slow.client.conn.set_window(usize::MAX);
    stage.settle();
    let told = slow.told();
    let of = |room: &str| told.iter().filter(|told| told.starts_with(room)).count() as u64;
    assert_eq!(of("2"), 30, "what was said to it alone is never dropped");
    let dropped = ["a", "b"].map(|room| stage.hub().stats(room).map(|stats| stats.dropped));
    assert_eq!(dropped, [Some(30 - of("0")), Some(30 - of("1"))]);
}

#[test]
fn whoever_is_sent_through_rooms_while_it_does_not_read_is_closed_in_the_end() {
    let mut stage = stage();
    let [stalled] = stage.members("lobby");
    stalled.client.conn.set_window(10);
    for _ in 0..3000 {
        let mut hub = stage.hub();
        let joined = hub.join(stalled.id, "game");
        hub.publish("game", message(1).as_str());
        hub.leave(stalled.id, "game");
        stage.turn();
        if joined.is_err() {
            return;
        }
    }
    panic!("megabytes wait for it");
}

#[test]
fn stalled_members_share_what_waits_for_them() {
    let mut stage = stage();
    let members: [Member; 200] = stage.members("a");
    for member in &members {
        member.client.conn.set_window(10);
    }
    let before = crate::counting::held();
    stage.hub().publish("a", "x".repeat(100_000).as_str());
    stage.settle();
    let held = crate::counting::held() - before;
    assert!(
        held < 100_000 + 200 * 1000,
        "{held} bytes for one message of 100 000"
    );
    assert_eq!(stage.hub().count("a"), 200);
    members.iter().for_each(|member| member.client.conn.end());
    stage.run_for(secs(20));
    let held = crate::counting::held() - before;
    assert!(held < 50_000, "{held} bytes are left");
}
