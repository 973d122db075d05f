//! Members that stop reading, or read a little: what the others notice, what is held for them, and how it ends.

use crate::counting;
use crate::frames::{Frame, take_frames, text};
use crate::harness::{
    LOBBY, Sim, held_since, ms, number_in, numbered, secs, take_all, without_pings,
};
use crate::sim::Conn;
use sockeye::server::{Cause, SlowPolicy};

/// What may wait for a member.
const CAP: usize = 32 << 10;
/// Bytes of a message, and of its frame.
const LEN: usize = 1024;
const FRAME: usize = LEN + 4;

/// The first bytes of a message are its key, and all have the same.
fn one_key(_: &[u8]) -> &[u8] {
    b""
}

/// No two messages have the same key.
fn own_key(payload: &[u8]) -> &[u8] {
    &payload[..4]
}

/// What those who read have noticed, and the server has held.
#[derive(Debug, PartialEq, Eq)]
struct Noticed {
    turns: usize,
    sends: usize,
}

/// One of so many members who all read but for some: 20 messages a second for as long as a stalled one may live.
fn with_stalled(policy: SlowPolicy, stalled: usize, members: usize) -> Noticed {
    let mut sim = Sim::with_policy(policy, CAP);
    let conns = sim.open_many(members);
    // They stand among the others, the first and the last included.
    let is_slow = |at: usize| at * stalled / members != (at + 1) * stalled / members;
    let (slow, fast): (Vec<_>, Vec<_>) = (0..members).partition(|at| is_slow(*at));
    let slow: Vec<_> = slow.iter().map(|at| &conns[*at]).collect();
    let fast: Vec<_> = fast.iter().map(|at| &conns[*at]).collect();
    assert_eq!(slow.len(), stalled);
    slow.iter().for_each(|conn| conn.set_window(0));
    fast.iter().for_each(|conn| conn.reserve(2 * FRAME));
    let (begin, before, sent) = (sim.net.now(), counting::held(), sends_of(&fast));
    let (mut turns, mut most) = (0, 0);
    for number in 0..210 {
        fast[0].push(&numbered(number, LEN));
        while fast.iter().any(|conn| conn.untaken() == 0) {
            turns += 1;
            sim.turn();
        }
        for conn in &fast {
            conn.read_sent(|sent| {
                assert_eq!(sent.len(), FRAME, "one message for each");
                assert_eq!(sent[4..8], number.to_be_bytes(), "none is missing");
            });
        }
        most = held_since(before).max(most);
        sim.run_until(begin + ms(50) * (number + 1));
    }
    // What waits is shared; each has its list of it, and the Close frame.
    let bound = 3 * CAP + stalled * CAP / 4;
    assert!(most <= bound, "{most} B held for {stalled}, {policy:?}");
    assert!(
        slow.iter()
            .all(|conn| conn.is_closed() && conn.is_aborted())
    );
    assert!(!fast.iter().any(|conn| conn.is_closed()));
    assert_eq!(sim.server.handler().ends.len(), stalled);
    let sends = sends_of(&fast) - sent;
    Noticed { turns, sends }
}

fn sends_of(conns: &[&Conn]) -> usize {
    conns.iter().map(|conn| conn.sends()).sum()
}

/// B01: one, a tenth, half, and nine tenths have stopped reading. The others are told everything at once, in as many turns
/// and writes as without them; the stalled ones are gone 10 s after their first short write.
#[test]
fn stalled_members_keep_nobody_waiting_and_are_gone_in_time() {
    let members = 100;
    for policy in [
        SlowPolicy::Close,
        SlowPolicy::DropNewest,
        SlowPolicy::DropOldest,
        SlowPolicy::Conflate(one_key),
        SlowPolicy::Conflate(own_key),
    ] {
        let undisturbed = with_stalled(policy, 0, members);
        assert_eq!(undisturbed.turns, 210);
        for stalled in [1, 10, 50, 90] {
            let noticed = with_stalled(policy, stalled, members);
            let readers = members - stalled;
            assert_eq!(noticed.turns, undisturbed.turns, "{stalled}, {policy:?}");
            assert_eq!(noticed.sends, undisturbed.sends / members * readers);
        }
    }
}

/// B01: in a room that takes several turns to be told, those who have stopped cost no further ones.
#[test]
fn half_of_a_large_room_that_has_stalled_costs_no_turns() {
    let undisturbed = with_stalled(SlowPolicy::DropNewest, 0, 3000);
    assert!(undisturbed.turns > 210, "it takes several");
    let noticed = with_stalled(SlowPolicy::DropNewest, 1500, 3000);
    assert!(noticed.turns <= undisturbed.turns, "{noticed:?}");
    assert_eq!(noticed.sends, undisturbed.sends / 2);
}

/// What a member that reads 1 KiB a second of 10 KB a second has been told after a minute, and how it ended.
fn trickle(policy: SlowPolicy) -> (Sim, Conn, Vec<Frame>, u32) {
    let mut sim = Sim::with_policy(policy, CAP);
    let talker = sim.open();
    let slow = sim.open();
    let (mut number, mut bytes) = (0, Vec::new());
    slow.set_window(0);
    for _ in 0..60 {
        slow.set_window(1024);
        for _ in 0..100 {
            sim.receive(&talker, &numbered(number, 100));
            sim.run_for(ms(10));
            assert_eq!(number_in(&take_all(&talker)[0]), number);
            number += 1;
        }
        bytes.append(&mut slow.take_sent());
    }
    slow.set_window(usize::MAX);
    sim.settle();
    bytes.append(&mut slow.take_sent());
    let frames = take_frames(&mut bytes);
    (sim, slow, frames, number)
}

/// B02, `Close`: it knows what it has, and that there is more.
#[test]
fn a_trickling_reader_is_closed_behind_what_it_has_without_a_gap() {
    let (mut sim, slow, frames, _) = trickle(SlowPolicy::Close);
    let ends = &sim.server.handler().ends;
    assert_eq!(ends.len(), 1);
    assert_eq!(ends[0].1, Cause::TooSlow);
    assert!(slow.is_closed());
    assert_eq!(sim.lobby().closed, 1);
    // It may not have taken its Close frame in time; what it has taken is the beginning of all.
    let numbers: Vec<_> = frames.iter().map(number_in).collect();
    assert!(numbers.len() > 20, "{}", numbers.len());
    assert_eq!(numbers, (0..numbers.len() as u32).collect::<Vec<_>>());
}

/// B02, the other policies: each message that it was not told is counted, and none comes twice or out of order.
#[test]
fn what_a_trickling_reader_misses_is_counted() {
    for policy in [
        SlowPolicy::DropNewest,
        SlowPolicy::DropOldest,
        SlowPolicy::Conflate(one_key),
    ] {
        let (mut sim, slow, frames, published) = trickle(policy);
        let numbers: Vec<_> = frames.iter().map(number_in).collect();
        assert!(numbers.is_sorted_by(|a, b| a < b), "{policy:?}");
        let stats = sim.lobby();
        let missed = stats.dropped + stats.conflated;
        assert!(missed > 1000, "{missed}");
        assert_eq!(numbers.len() as u64 + missed, u64::from(published));
        if !matches!(policy, SlowPolicy::DropNewest) {
            assert_eq!(numbers.last(), Some(&(published - 1)), "the newest comes");
        }
        // It reads now, and is told everything again.
        sim.receive(&slow, &text("=again"));
        assert_eq!(take_all(&slow), [Frame::text("again")]);
        assert!(sim.server.handler().ends.is_empty());
    }
}

/// B02, `Conflate` with more keys than may wait: as `Close`.
#[test]
fn a_trickling_reader_of_too_many_keys_is_closed() {
    let (mut sim, _, frames, _) = trickle(SlowPolicy::Conflate(own_key));
    assert_eq!(sim.server.handler().ends[0].1, Cause::TooSlow);
    let numbers: Vec<_> = frames.iter().map(number_in).collect();
    assert_eq!(numbers, (0..numbers.len() as u32).collect::<Vec<_>>());
}

/// R13: what they send is no sign that they read.
#[test]
fn a_thousand_who_drip_and_never_read_are_gone_with_the_write_stall() {
    let mut sim = Sim::with_policy(SlowPolicy::DropNewest, CAP);
    let talker = sim.open();
    let drips = sim.open_many(1000);
    drips.iter().for_each(|conn| conn.set_window(100));
    let stall = without_pings().write_stall;
    let begin = sim.net.now();
    let ping = crate::frames::ping(b"are you there?");
    for second in 0..10 {
        sim.receive(&talker, &numbered(second, LEN));
        assert_eq!(take_all(&talker).len(), 1);
        let drip = &ping[second as usize..][..1];
        drips.iter().for_each(|conn| conn.push(drip));
        sim.run_until(begin + secs(u64::from(second)) + ms(990));
        assert!(!drips.iter().any(Conn::is_closed), "second {second}");
    }
    sim.run_until(begin + stall + ms(10));
    assert!(
        drips
            .iter()
            .all(|conn| conn.is_closed() && conn.is_aborted())
    );
    let ends = &sim.server.handler().ends;
    assert_eq!(ends.len(), 1000);
    assert!(ends.iter().all(|(_, cause)| *cause == Cause::WriteStall));
    assert_eq!(sim.lobby().members, 1);
    sim.assert_echoes(&talker);
}

/// R14: a large queue that goes out a byte at a time is neither moved nor copied for that.
#[test]
fn a_queue_taken_byte_by_byte_costs_one_write_for_each_and_moves_nothing() {
    let mut sim = Sim::with_policy(SlowPolicy::Close, 1 << 20);
    let talker = sim.open();
    let slow = sim.open();
    slow.set_window(0);
    let echo = "x".repeat(60_000);
    sim.receive(&slow, &text(&format!("?{echo}")));
    for number in 0..200 {
        sim.receive(&talker, &numbered(number, LEN));
    }
    let queued = 200 * FRAME + echo.len() + 4;
    slow.reserve(queued);
    let (calls, sends, held) = (counting::calls(), slow.sends(), counting::held());
    for _ in 0..queued {
        slow.set_window(1);
        sim.turn();
    }
    // The timers may begin a chunk of entries in the meantime.
    let moved = counting::calls() - calls;
    assert!(
        moved <= 1,
        "nothing is moved to new places: {moved} allocations"
    );
    let sends = slow.sends() - sends;
    assert!(sends <= 2 * queued, "{sends} writes for {queued} B");
    assert!(counting::held() <= held);
    let frames = take_all(&slow);
    assert_eq!(frames[0], Frame::text(&echo));
    let numbers: Vec<_> = frames[1..].iter().map(number_in).collect();
    assert_eq!(numbers, (0..200).collect::<Vec<_>>());
    assert_eq!(sim.server.hub().count(LOBBY), 2);
}
