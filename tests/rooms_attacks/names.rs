//! Rooms that peers choose: which names, and how many.

use crate::counting;
use crate::frames::{FIN, Frame, TEXT, frame, text};
use crate::harness::{LOBBY, Sim, held_since, ms, secs, take_all};
use crate::sim::Conn;
use sockeye::server::{JoinError, RoomSettings};
use std::time::Duration;

/// B04: a connection is in 128 rooms at most, that of everybody not counted.
#[test]
fn one_room_too_many_is_refused_and_nothing_else_changes() {
    let mut sim = Sim::new();
    let peer = sim.open();
    let id = sim.ids()[0];
    for number in 1..128 {
        peer.push(&text(&format!("+{number}")));
    }
    sim.settle();
    assert_eq!(sim.server.handler().refused, []);
    sim.receive(&peer, &text("+128"));
    assert_eq!(sim.server.handler().refused, [JoinError::TooMany]);
    let mut hub = sim.server.hub();
    assert_eq!(hub.rooms_of(id).count(), 128);
    assert!(!hub.rooms().any(|name| name == "128"), "it never was");
    // Whoever is in it is in it; and there is room again for another.
    assert_eq!(hub.join(id, "127"), Ok(false));
    assert!(hub.leave(id, "127"));
    assert_eq!(hub.join(id, "128"), Ok(true));
    sim.assert_echoes(&peer);
}

/// B04: what is not a name is refused, whatever it would have been in a log or a protocol of lines.
#[test]
fn names_that_are_empty_long_or_have_control_characters_are_refused() {
    let mut sim = Sim::new();
    let peer = sim.open();
    let bad = [
        String::new(),
        "x".repeat(129),
        "x".repeat(256),
        "ä".repeat(65),
        "a\0b".into(),
        "a\r\nb".into(),
        "\n".into(),
        "a\u{7f}".into(),
        "a\u{85}b".into(),
        "\u{1b}[2J".into(),
    ];
    for name in &bad {
        peer.push(&text(&format!("+{name}")));
    }
    sim.settle();
    let refused = &sim.server.handler().refused;
    assert_eq!(*refused, vec![JoinError::Name; bad.len()]);
    let good = ["x".repeat(128), "ä".repeat(64), " ".into(), "../*?".into()];
    for name in &good {
        peer.push(&text(&format!("+{name}")));
    }
    sim.settle();
    assert_eq!(sim.server.handler().refused.len(), bad.len());
    let id = sim.ids()[0];
    let hub = sim.server.hub();
    let names: Vec<_> = hub.rooms_of(id).collect();
    assert_eq!(names[0], LOBBY);
    assert_eq!(names[1..], good);
    sim.assert_echoes(&peer);
}

/// B04: a name that is not text never becomes one.
#[test]
fn a_name_that_is_not_utf_8_ends_its_connection_and_makes_no_room() {
    let mut sim = Sim::new();
    let other = sim.open();
    let peer = sim.open();
    sim.receive(&peer, &frame(FIN | TEXT, b"+caf\xe9"));
    let frames = take_all(&peer);
    assert_eq!(frames[0].close_code(), Some(1007));
    assert_eq!(sim.server.hub().rooms().collect::<Vec<_>>(), [LOBBY]);
    sim.assert_echoes(&other);
}

/// Coming to rooms that nobody has been in, and leaving each at once.
fn tour(sim: &mut Sim, peer: &Conn, rooms: std::ops::Range<u32>) {
    for number in rooms {
        peer.push(&text(&format!("~{number:09}")));
        if number % 100 == 99 {
            sim.settle();
        }
    }
    sim.settle();
}

/// B04: 100 000 rooms by one peer, none of which it stays in, leave nothing behind.
#[test]
fn a_hundred_thousand_rooms_one_after_the_other_leave_nothing() {
    let mut sim = Sim::new();
    let peer = sim.open();
    tour(&mut sim, &peer, 0..1000);
    let (held, calls) = (counting::held(), counting::calls());
    tour(&mut sim, &peer, 1000..2000);
    let thousand = counting::calls() - calls;
    tour(&mut sim, &peer, 2000..100_000);
    assert_eq!(sim.server.handler().refused, []);
    assert_eq!(sim.server.hub().rooms().count(), 1);
    assert_eq!(held_since(held), 0);
    let calls = counting::calls() - calls;
    assert!(calls <= 101 * thousand, "{calls} allocations");
    sim.assert_echoes(&peer);
}

/// B04: one that wants to stay in all of them is in 128, and who asks for rooms beyond all bounds is told so.
#[test]
fn a_hundred_thousand_rooms_at_once_are_bounded() {
    let rooms = RoomSettings {
        max_rooms: 1000,
        ..RoomSettings::default()
    };
    let mut sim = Sim::of(rooms);
    let greedy = sim.open_many(10);
    for (at, peer) in greedy.iter().enumerate() {
        for number in 0..10_000 {
            peer.push(&text(&format!("+{at} {number}")));
        }
        sim.settle();
    }
    assert_eq!(sim.server.hub().rooms().count(), 1000);
    let refused = &sim.server.handler().refused;
    let whole = refused
        .iter()
        .filter(|error| **error == JoinError::TooManyRooms);
    let whole = whole.count();
    assert_eq!(refused.len(), 100_000 - 999);
    assert!(whole > 10_000, "{whole}");
    // Rooms that are there may be joined by others all the same.
    let newcomer = sim.open();
    sim.receive(&newcomer, &text("+0 5"));
    assert_eq!(sim.server.hub().count("0 5"), 2);
    for peer in &greedy {
        peer.end();
    }
    sim.settle();
    assert_eq!(sim.server.hub().rooms().count(), 2);
    sim.receive(&newcomer, &text("+another"));
    assert_eq!(sim.server.hub().count("another"), 1);
    sim.assert_echoes(&newcomer);
}

/// B05: a hundred thousand joins and leaves of one connection, in a room that stays, that goes, and that lingers.
#[test]
fn joining_and_leaving_again_and_again_costs_the_same_each_time_and_holds_nothing() {
    for (name, linger) in [
        ("kept", Duration::ZERO),
        ("alone", Duration::ZERO),
        ("alone", secs(600)),
    ] {
        let rooms = RoomSettings {
            linger,
            ..RoomSettings::default()
        };
        let mut sim = Sim::of(rooms);
        let peer = sim.open();
        for conn in sim.open_many(100) {
            conn.push(&text("+kept"));
        }
        sim.settle();
        let hundred = text(&format!("~{name}")).repeat(100);
        let some = |sim: &mut Sim, times: usize| {
            let (held, calls) = (counting::held(), counting::calls());
            (0..times).for_each(|_| sim.receive(&peer, &hundred));
            (held_since(held), counting::calls() - calls)
        };
        some(&mut sim, 20);
        let (_, few) = some(&mut sim, 10);
        let (held, many) = some(&mut sim, 990);
        assert!(held <= 1024, "{held} B are left, {name}, {linger:?}");
        assert!(
            many <= 99 * few + 50,
            "{many} allocations, {name}, {linger:?}"
        );
        assert_eq!(sim.server.hub().count("kept"), 100);
        assert_eq!(sim.server.handler().heard, 100 + 102_000);
    }
}

/// B05: a room that is left again and again goes when nobody was there for as long as it lingers, and not before.
#[test]
fn a_room_goes_when_nobody_was_there_for_as_long_as_it_lingers() {
    let rooms = RoomSettings {
        linger: secs(10),
        ..RoomSettings::default()
    };
    let mut sim = Sim::of(rooms);
    let peer = sim.open();
    let is_there = |sim: &mut Sim| sim.server.hub().stats("attic").is_some();
    for _ in 0..15 {
        sim.receive(&peer, &text("~attic"));
        sim.run_for(secs(1));
        assert!(is_there(&mut sim));
    }
    // Somebody is there when it is looked at, and leaves.
    sim.run_for(secs(4));
    sim.receive(&peer, &text("+attic"));
    sim.run_for(secs(30));
    sim.receive(&peer, &text("-attic"));
    sim.run_for(ms(9990));
    assert!(is_there(&mut sim));
    sim.run_for(ms(20));
    assert!(!is_there(&mut sim));
    // The next one of that name is as the first.
    sim.receive(&peer, &text("~attic"));
    sim.run_for(ms(9990));
    assert!(is_there(&mut sim));
    sim.run_for(ms(20));
    assert!(!is_there(&mut sim));
}

/// B05: the same by a thousand, each leaving from the middle of the others; who stays is told everything once.
#[test]
fn who_stays_while_a_thousand_come_and_go_is_told_everything_once() {
    let mut sim = Sim::new();
    let stays = sim.open();
    let restless = sim.open_many(1000);
    restless.iter().for_each(Conn::only_count);
    let opening: usize = restless.iter().map(Conn::taken).sum();
    let (mut members, mut told) = (1000, 0);
    for round in 0..20 {
        for (at, conn) in restless.iter().enumerate() {
            let deed = if (at + round) % 3 == 0 { "-" } else { "+" };
            conn.push(&text(&format!("{deed}{LOBBY}")));
            if at == 500 {
                stays.push(&text(&format!("={round}")));
            }
        }
        sim.settle();
        assert_eq!(take_all(&stays), [Frame::text(&round.to_string())]);
        let away = (0..1000).filter(|at| (at + round) % 3 == 0).count();
        assert_eq!(sim.server.hub().count(LOBBY), 1001 - away);
        // It was said before they left.
        told += members * (2 + round.to_string().len());
        members = 1000 - away;
        let taken: usize = restless.iter().map(Conn::taken).sum();
        assert_eq!(taken - opening, told);
    }
}
