//! Joining, leaving, asking; names, limits, and rooms that come and go.
//!
//! Not here: who is told what; that is `telling`.

use crate::harness::{ms, secs};
use crate::stage::{stage, stage_with};
use sockeye::server::{Gone, JoinError, RoomSettings};

#[test]
fn joining_twice_is_joining_once() {
    let mut stage = stage();
    let [mut member] = stage.members("a");
    assert_eq!(stage.hub().join(member.id, "a"), Ok(false));
    assert_eq!(stage.hub().count("a"), 1);
    stage.hub().publish("a", "once");
    stage.turn();
    assert_eq!(member.told(), ["once"]);
    assert!(stage.hub().leave(member.id, "a"));
    assert!(!stage.hub().leave(member.id, "a"));
    assert!(!stage.hub().is_member(member.id, "a"));
    assert_eq!(stage.hub().join(member.id, "a"), Ok(true));
}

#[test]
fn who_is_where_can_be_asked_both_ways() {
    let mut stage = stage();
    let [one, other] = stage.members("b");
    stage.hub().join(one.id, "a").expect("there is room");
    let hub = stage.hub();
    let rooms = |id| hub.rooms_of(id).map(str::to_owned).collect::<Vec<_>>();
    assert_eq!(rooms(one.id), ["b", "a"], "as it joined them");
    assert_eq!(rooms(other.id), ["b"]);
    let mut members: Vec<_> = hub.members("b").collect();
    members.sort();
    assert_eq!(members, [one.id, other.id]);
    assert_eq!((hub.count("a"), hub.count("b"), hub.count("c")), (1, 2, 0));
    let mut names: Vec<_> = hub.rooms().collect();
    names.sort_unstable();
    assert_eq!(names, ["a", "b"]);
    assert_eq!((hub.online(), hub.connections().count()), (2, 2));
}

#[test]
fn whoever_goes_has_left_before_its_handler_hears_of_it() {
    let mut stage = stage();
    let [going, mut staying] = stage.members("a");
    let saying = |hub: &mut sockeye::server::Hub<'_>, id| {
        assert!(!hub.is_open(id) && hub.rooms_of(id).next().is_none());
        assert_eq!((hub.count("a"), hub.online()), (1, 1));
        hub.publish("a", "one has left");
    };
    let on_close = &mut stage.server.handler().on_close;
    on_close.push_back(Box::new(saying));
    going.client.conn.end();
    stage.settle();
    assert_eq!(staying.told(), ["one has left"]);
}

#[test]
fn an_id_that_was_kept_too_long_names_nobody() {
    let mut stage = stage();
    let [old] = stage.members("a");
    old.client.conn.end();
    stage.settle();
    // It has the other's place.
    let [mut new] = stage.members("a");
    let mut hub = stage.hub();
    assert_ne!(old.id, new.id);
    assert_eq!(hub.join(old.id, "b"), Err(JoinError::Gone));
    assert!(!hub.leave(old.id, "a"));
    assert!(!hub.is_open(old.id) && !hub.is_member(old.id, "a"));
    assert_eq!(hub.rooms_of(old.id).count(), 0);
    assert_eq!(hub.send(old.id, "never"), Err(Gone));
    let code = sockeye::proto::CloseCode::NORMAL;
    assert!(hub.close(old.id, code, "never").is_err());
    let to = sockeye::server::To::room("a").except(old.id);
    assert_eq!(hub.publish(to, "to all who are there").queued, 1);
    stage.settle();
    assert_eq!(new.told(), ["to all who are there"]);
    assert!(stage.hub().is_open(new.id));
}

#[test]
fn names_have_a_length_and_no_control_characters() {
    let settings = RoomSettings {
        max_name: 8,
        ..RoomSettings::default()
    };
    let mut stage = stage_with(settings);
    let member = stage.member();
    for name in ["a", "12345678", "zw\u{f6}lf", " ", "#/?"] {
        assert_eq!(stage.hub().join(member.id, name), Ok(true), "{name:?}");
    }
    for name in ["", "123456789", "\n", "a\0", "a\r\nb", "\u{7f}", "\u{85}"] {
        let joined = stage.hub().join(member.id, name);
        assert_eq!(joined, Err(JoinError::Name), "{name:?}");
    }
    assert_eq!(stage.hub().rooms().count(), 5);
}

#[test]
fn there_are_so_many_rooms_for_each_and_for_all() {
    let settings = RoomSettings {
        max_per_connection: 2,
        max_rooms: 3,
        ..RoomSettings::default()
    };
    let mut stage = stage_with(settings);
    let (one, other) = (stage.member().id, stage.member().id);
    let mut hub = stage.hub();
    assert_eq!(hub.join(one, "a"), Ok(true));
    assert_eq!(hub.join(one, "b"), Ok(true));
    assert_eq!(hub.join(one, "b"), Ok(false));
    assert_eq!(hub.join(one, "c"), Err(JoinError::TooMany));
    assert_eq!(hub.join(other, "c"), Ok(true));
    assert_eq!(hub.join(other, "d"), Err(JoinError::TooManyRooms));
    assert_eq!(hub.join(other, "a"), Ok(true), "it is there already");
    assert!(hub.leave(one, "b"));
    stage.turn();
    let mut hub = stage.hub();
    assert!(hub.leave(other, "a"));
    assert_eq!(hub.join(other, "d"), Ok(true), "b has gone");
}

#[test]
fn a_room_vanishes_with_its_last_member() {
    let mut stage = stage();
    let [member] = stage.members("a");
    stage.hub().publish("a", "anything");
    stage.turn();
    assert_eq!(stage.hub().stats("a").map(|stats| stats.published), Some(1));
    stage.hub().leave(member.id, "a");
    stage.turn();
    assert_eq!(stage.hub().stats("a"), None);
    stage.hub().join(member.id, "a").expect("there is room");
    assert_eq!(stage.hub().stats("a").map(|stats| stats.published), Some(0));
    member.client.conn.end();
    stage.settle();
    assert_eq!(stage.hub().rooms().count(), 0);
}

#[test]
fn an_empty_room_lingers_unless_somebody_comes() {
    let settings = RoomSettings {
        linger: secs(5),
        ..RoomSettings::default()
    };
    let mut stage = stage_with(settings);
    let [member] = stage.members("a");
    let is_there = |stage: &mut crate::stage::Stage| stage.hub().stats("a").is_some();
    stage.hub().leave(member.id, "a");
    stage.run_for(ms(4990));
    assert!(is_there(&mut stage));
    // Somebody comes and goes: the time begins anew.
    stage.hub().join(member.id, "a").expect("there is room");
    stage.hub().leave(member.id, "a");
    stage.run_for(ms(4990));
    assert!(is_there(&mut stage));
    stage.run_for(ms(20));
    assert!(!is_there(&mut stage));
    // Somebody comes and stays.
    stage.hub().join(member.id, "a").expect("there is room");
    stage.hub().leave(member.id, "a");
    stage.run_for(secs(1));
    stage.hub().join(member.id, "a").expect("there is room");
    stage.run_for(secs(10));
    assert!(is_there(&mut stage));
}

#[test]
fn a_room_that_was_emptied_between_turns_goes_without_waiting() {
    let mut stage = stage();
    let [member] = stage.members("a");
    stage.settle();
    stage.hub().leave(member.id, "a");
    let before = stage.net.now();
    stage.server.turn(Some(secs(10))).expect("polling works");
    assert_eq!(stage.hub().rooms().count(), 0);
    assert_eq!(stage.net.now(), before);
}
