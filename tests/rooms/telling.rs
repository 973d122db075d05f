//! Who is told what, in which order, in how many writes, and what the receipt says of it.
//!
//! Not here: those who read too slowly; that is `slow`. Those who close: `closing`.

use crate::stage::stage;
use sockeye::server::{Receipt, To};

const fn queued(queued: usize) -> Receipt {
    Receipt {
        queued,
        dropped: 0,
        closed: 0,
    }
}

#[test]
fn a_room_is_its_members() {
    let mut stage = stage();
    let [mut one, mut other] = stage.members("a");
    let mut stranger = stage.member();
    assert_eq!(stage.hub().publish("a", "to a"), queued(2));
    assert_eq!(stage.hub().publish(To::all(), "to all"), queued(3));
    assert_eq!(stage.hub().publish("nowhere", "to nobody"), queued(0));
    stage.turn();
    assert_eq!(one.told(), ["to a", "to all"]);
    assert_eq!(other.told(), ["to a", "to all"]);
    assert_eq!(stranger.told(), ["to all"]);
}

#[test]
fn one_is_told_by_itself_and_those_who_are_picked_too() {
    let mut stage = stage();
    let [mut one, mut other] = stage.members("a");
    assert_eq!(stage.hub().publish(To::one(one.id), "for one"), queued(1));
    assert_eq!(stage.hub().send(other.id, "for the other"), Ok(()));
    let id = one.id;
    let those = To::those(move |it| it != id);
    assert_eq!(stage.hub().publish(those.clone(), "for those"), queued(1));
    let nobody = those.except(other.id);
    assert_eq!(stage.hub().publish(nobody, "for nobody"), queued(0));
    let nobody = To::one(one.id).except(one.id);
    assert_eq!(stage.hub().publish(nobody, "for nobody"), queued(0));
    stage.turn();
    assert_eq!(one.told(), ["for one"]);
    assert_eq!(other.told(), ["for the other", "for those"]);
}

#[test]
fn whoever_is_in_several_rooms_is_told_once() {
    let mut stage = stage();
    let [mut both] = stage.members("a");
    stage.hub().join(both.id, "b").expect("there is room");
    let [mut only_a] = stage.members("a");
    let [mut only_b, mut spared] = stage.members("b");
    let rooms = ["b", "a", "nowhere", "b"];
    let receipt = stage.hub().publish(To::rooms(&rooms), "to both");
    assert_eq!(receipt, queued(4));
    let to = To::rooms(&rooms).except(spared.id);
    assert_eq!(stage.hub().publish(to, "to others"), queued(3));
    stage.turn();
    for member in [&mut both, &mut only_a, &mut only_b] {
        assert_eq!(member.told(), ["to both", "to others"]);
    }
    assert_eq!(spared.told(), ["to both"]);
}

#[test]
fn what_is_said_in_several_rooms_is_in_order_with_each_of_them() {
    let mut stage = stage();
    let [mut both] = stage.members("a");
    stage.hub().join(both.id, "b").expect("there is room");
    let mut hub = stage.hub();
    hub.publish("b", "1");
    hub.publish(To::rooms(&["a", "b"]), "2");
    hub.publish("b", "3");
    hub.publish(To::rooms(&["b", "a"]), "4");
    hub.publish("b", "5");
    stage.turn();
    assert_eq!(both.told(), ["1", "2", "3", "4", "5"]);
}

#[test]
fn the_one_whose_message_it_was_is_not_told_it() {
    let mut stage = stage();
    let [one, mut other] = stage.members("a");
    let mut told = [one.id, other.id].into_iter().cycle();
    for number in 0..6 {
        let to = To::room("a").except(told.next().expect("it goes round"));
        let receipt = stage.hub().publish(to, number.to_string().as_str());
        assert_eq!(receipt, queued(1));
    }
    stage.turn();
    assert_eq!(other.told(), ["0", "2", "4"]);
    let mut one = one;
    assert_eq!(one.told(), ["1", "3", "5"]);
    let stranger = stage.member();
    let to = To::room("a").except(stranger.id);
    assert_eq!(
        stage.hub().publish(to, "x"),
        queued(2),
        "it takes nobody's place"
    );
}

#[test]
fn what_is_said_in_one_turn_is_told_in_one_write() {
    let mut stage = stage();
    let mut members: [_; 4] = stage.members("a");
    let talkers: [_; 3] = stage.members("b");
    let before: Vec<_> = members
        .iter()
        .map(|member| member.client.conn.sends())
        .collect();
    for talker in &talkers {
        stage.have(talker, |peer| {
            for number in 0..50 {
                peer.publish("a", number.to_string().as_str());
            }
        });
    }
    stage.turn();
    let all: Vec<_> = (0..3)
        .flat_map(|_| (0..50).map(|number| number.to_string()))
        .collect();
    for (member, before) in members.iter_mut().zip(before) {
        assert_eq!(member.client.conn.sends() - before, 1);
        assert_eq!(member.told(), all);
    }
}

#[test]
fn what_one_is_told_by_itself_keeps_its_place_among_what_its_rooms_say() {
    let mut stage = stage();
    let [mut one, mut other] = stage.members("a");
    let id = other.id;
    stage.have(&one, move |peer| {
        peer.publish("a", "1");
        peer.send("2").expect("it is open");
        peer.publish("a", "3");
        peer.publish(To::one(id), "4");
        peer.publish(To::all(), "5");
        peer.send("6").expect("it is open");
        peer.publish(To::those(|_| true), "7");
        peer.publish("a", "8");
    });
    stage.turn();
    assert_eq!(one.told(), ["1", "2", "3", "5", "6", "7", "8"]);
    assert_eq!(other.told(), ["1", "3", "4", "5", "7", "8"]);
}

#[test]
fn whoever_leaves_is_told_what_was_said_before_and_whoever_comes_what_is_said_after() {
    let mut stage = stage();
    let [mut leaving, mut staying] = stage.members("a");
    let mut coming = stage.member();
    let (from, to) = (leaving.id, coming.id);
    stage.have(&staying, move |peer| {
        peer.publish("a", "1");
        assert!(peer.hub().leave(from, "a"));
        peer.publish("a", "2");
        assert_eq!(peer.hub().join(to, "a"), Ok(true));
        peer.publish("a", "3");
        // And back again, in the same turn.
        assert_eq!(peer.hub().join(from, "a"), Ok(true));
        peer.publish("a", "4");
        assert!(peer.hub().leave(to, "a"));
        peer.publish("a", "5");
    });
    stage.turn();
    assert_eq!(staying.told(), ["1", "2", "3", "4", "5"]);
    assert_eq!(leaving.told(), ["1", "4", "5"]);
    assert_eq!(coming.told(), ["3", "4"]);
}

#[test]
fn what_is_said_on_opening_and_on_draining_is_told_in_that_turn() {
    let mut stage = stage();
    let [mut member] = stage.members("a");
    let handler = stage.server.handler();
    handler.on_open.push_back(Box::new(|peer| {
        assert_eq!(peer.join("a"), Ok(true));
        assert_eq!(peer.publish("a", "somebody came"), queued(2));
    }));
    let mut newcomer = stage.member();
    assert_eq!(member.told(), ["somebody came"]);
    assert_eq!(newcomer.told(), ["somebody came"]);
    let handler = stage.server.handler();
    handler.on_drain.push_back(Box::new(|peer| {
        peer.publish("a", "and is here again");
    }));
    newcomer.client.conn.set_window(3);
    stage.hub().publish("a", "a pause");
    stage.settle();
    newcomer.client.conn.set_window(usize::MAX);
    stage.turn();
    assert_eq!(member.told(), ["a pause", "and is here again"]);
    assert_eq!(newcomer.told(), ["a pause", "and is here again"]);
}

#[test]
fn messages_have_any_size_and_may_be_empty() {
    let mut stage = stage();
    let [mut member] = stage.members("a");
    let words = [0, 1, 125, 126, 65_535, 65_536, 400_000].map(|len| "x".repeat(len));
    for word in &words {
        stage.hub().publish("a", word.as_str());
    }
    stage.turn();
    assert_eq!(member.told(), words);
}

#[test]
fn more_members_than_one_turn_serves_are_told_each_once_and_in_order() {
    let mut stage = stage();
    let mut members = stage.crowd(5000);
    for member in &members {
        stage.hub().join(member.id, "a").expect("there is room");
    }
    let told_so_far = |members: &[crate::stage::Member]| {
        let told = members
            .iter()
            .filter(|member| member.client.conn.untaken() > 0);
        told.count()
    };
    stage.hub().publish("a", "1");
    stage.turn();
    let first = told_so_far(&members);
    assert!((1000..4000).contains(&first), "{first} in one turn");
    // Some of those who were told leave, and some of those who were not; others come and go for good.
    for member in members.iter().step_by(3) {
        assert!(stage.hub().leave(member.id, "a"));
    }
    for member in members.iter().skip(1).step_by(5) {
        member.client.conn.end();
    }
    stage.hub().publish("a", "2");
    stage.settle();
    for (at, member) in members.iter_mut().enumerate() {
        let told = member.told();
        let gone = at % 5 == 1;
        match at % 3 {
            // It ended in that very turn: told what it was told before.
            _ if gone => assert!(told.is_empty() || told[0] == "1", "{at}: {told:?}"),
            0 => assert_eq!(told, ["1"], "{at}"),
            _ => assert_eq!(told, ["1", "2"], "{at}"),
        }
    }
}

#[test]
fn more_than_a_turn_may_hold_is_told_at_once_and_in_order() {
    let mut stage = stage();
    let [mut one, mut other] = stage.members("a");
    let large = |number: usize| format!("{number} {}", "x".repeat(100_000));
    // After a megabyte the first has been told before the other is heard.
    stage.have(&one, move |peer| {
        for number in 0..15 {
            peer.publish("a", large(number).as_str());
        }
    });
    stage.have(&other, |peer| {
        peer.send("alone").expect("it is open");
        peer.publish("a", "at last");
    });
    stage.turn();
    let number = |told: String| told.split(' ').next().expect("a word").to_owned();
    let numbers: Vec<_> = (0..15).map(|number| number.to_string()).collect();
    let told: Vec<_> = one.told().into_iter().map(number).collect();
    assert_eq!(told, [numbers.clone(), vec!["at".to_owned()]].concat());
    let told: Vec<_> = other.told().into_iter().map(number).collect();
    let words = ["alone", "at"].map(str::to_owned);
    assert_eq!(told, [numbers, words.to_vec()].concat());
}
