//! Connections that close, or are closed, from inside of what is said to them and to others.
//!
//! Not here: how they end on the wire; that is `tests/server`.

use crate::harness::secs;
use crate::stage::stage;
use sockeye::proto::{CloseCode, SendError};
use sockeye::server::{Cause, JoinError, Receipt, To};

const CODE: CloseCode = CloseCode::NORMAL;

/// One is told, one is closing.
const ONE_CLOSED: Receipt = Receipt {
    queued: 1,
    dropped: 0,
    closed: 1,
};

#[test]
fn whoever_is_closed_is_told_what_was_said_before_and_nothing_after() {
    let mut stage = stage();
    let [one, mut other] = stage.members("a");
    let id = other.id;
    stage.have(&one, move |peer| {
        peer.publish("a", "in the room");
        peer.publish(To::all(), "to all");
        let mut hub = peer.hub();
        assert_eq!(hub.send(id, "alone"), Ok(()));
        assert_eq!(hub.close(id, CODE, ""), Ok(()));
        assert!(!hub.is_open(id));
        assert_eq!(hub.close(id, CODE, ""), Err(SendError::Closed));
        assert_eq!(hub.join(id, "b"), Err(JoinError::Gone));
        assert_eq!(hub.publish("a", "too late"), ONE_CLOSED);
        assert_eq!(hub.publish(To::all(), "too late"), ONE_CLOSED);
        assert_eq!(hub.publish(To::rooms(&["a"]), "too late"), ONE_CLOSED);
        assert_eq!(hub.publish(To::those(|_| true), "too late"), ONE_CLOSED);
        assert_eq!(hub.publish(To::one(id), "too late").closed, 1);
        // Whoever is excepted is not counted at all.
        let but = To::room("a").except(id);
        assert_eq!(hub.publish(but, "too late").closed, 0);
        assert!(hub.leave(id, "a"));
    });
    stage.turn();
    // Several rooms may be told room by room.
    let mut told = other.told();
    told[..2].sort();
    assert_eq!(told, ["in the room", "to all", "alone", "1000"]);
}

#[test]
fn whoever_closes_itself_is_closing_at_once() {
    let mut stage = stage();
    let [mut one, mut other] = stage.members("a");
    stage.have(&one, |peer| {
        peer.publish("a", "goodbye");
        peer.close(CODE, "").expect("it is open");
        let id = peer.id();
        assert!(!peer.hub().is_open(id));
        assert_eq!(peer.publish("a", "it has left"), ONE_CLOSED);
        assert_eq!(peer.join("b"), Err(JoinError::Gone));
        assert_eq!(peer.hub().close(id, CODE, ""), Err(SendError::Closed));
    });
    stage.turn();
    assert_eq!(one.told(), ["goodbye", "1000"]);
    assert_eq!(other.told(), ["goodbye", "it has left"]);
    assert_eq!(stage.hub().count("a"), 1);
}

#[test]
fn a_connection_closes_itself_whenever_it_is_called() {
    let mut stage = stage();
    let handler = stage.server.handler();
    handler.on_open.push_back(Box::new(|peer| {
        peer.join("a").expect("there is room");
        let id = peer.id();
        peer.hub().close(id, CODE, "").expect("it is open");
    }));
    let mut member = stage.member();
    assert_eq!(member.told(), ["1000"]);
    assert_eq!(stage.hub().count("a"), 0);
    let mut member = stage.member();
    let handler = stage.server.handler();
    handler.on_drain.push_back(Box::new(|peer| {
        let id = peer.id();
        peer.hub().close(id, CODE, "").expect("it is open");
    }));
    member.client.conn.set_window(3);
    stage.hub().publish(To::all(), "a pause");
    stage.settle();
    member.client.conn.set_window(usize::MAX);
    stage.settle();
    assert_eq!(member.told(), ["a pause", "1000"]);
    assert_eq!(stage.server.handler().ended, []);
}

#[test]
fn closing_others_who_have_something_to_say_in_the_same_turn() {
    let mut stage = stage();
    let [one, mut next] = stage.members("a");
    let id = next.id;
    stage.have(&one, move |peer| {
        peer.hub().close(id, CODE, "").expect("it is open");
    });
    stage.have(&next, |peer| {
        let id = peer.id();
        assert!(!peer.hub().is_open(id));
        assert_eq!(peer.publish("a", "the last word"), ONE_CLOSED);
    });
    stage.turn();
    assert_eq!(next.told(), ["1000"]);
    let mut one = one;
    assert_eq!(one.told(), ["the last word"]);
}

#[test]
fn a_close_between_turns_does_not_wait() {
    let mut stage = stage();
    let [mut member] = stage.members("a");
    stage.settle();
    let before = stage.net.now();
    assert_eq!(stage.hub().close(member.id, CODE, ""), Ok(()));
    stage.server.turn(Some(secs(10))).expect("polling works");
    assert_eq!(member.told(), ["1000"]);
    assert_eq!(stage.net.now(), before);
}

#[test]
fn a_close_that_finds_one_gone_may_close_the_next() {
    let mut stage = stage();
    let [first, mut second] = stage.members("a");
    let id = second.id;
    let on_close = &mut stage.server.handler().on_close;
    on_close.push_back(Box::new(move |hub, _| {
        hub.close(id, CODE, "").expect("it is open");
    }));
    // Its Close cannot be sent any more: it is found to be gone when all have been told.
    first.client.conn.queue_send_fault(rustix::io::Errno::PIPE);
    let before = stage.net.now();
    stage.hub().close(first.id, CODE, "").expect("it is open");
    for _ in 0..2 {
        stage.server.turn(Some(secs(10))).expect("polling works");
    }
    assert_eq!(stage.server.handler().ended, [(first.id, Cause::Here)]);
    assert_eq!(second.told(), ["1000"]);
    assert_eq!(stage.net.now(), before);
}

#[test]
fn whoever_is_closed_while_all_are_told_is_told_first() {
    let mut stage = stage();
    let [broken, mut next] = stage.members("a");
    let id = next.id;
    let on_close = &mut stage.server.handler().on_close;
    on_close.push_back(Box::new(move |hub, _| {
        hub.publish("a", "one has left");
        hub.close(id, CODE, "").expect("it is open");
        assert_eq!(hub.publish("a", "too late").closed, 1);
    }));
    let fault = rustix::io::Errno::PIPE;
    broken.client.conn.queue_send_fault(fault);
    stage.hub().publish("a", "hello");
    stage.turn();
    assert_eq!(stage.server.handler().ended, [(broken.id, Cause::Lost)]);
    assert_eq!(next.told(), ["hello", "one has left", "1000"]);
}

#[test]
fn the_last_member_leaves_during_a_publish() {
    let mut stage = stage();
    let [mut member] = stage.members("a");
    stage.have(&member, |peer| {
        peer.publish("a", "1");
        assert!(peer.leave("a"));
        assert_eq!(peer.publish("a", "2"), Receipt::default());
        peer.join("a").expect("there is room");
        peer.publish("a", "3");
        assert!(peer.leave("a"));
    });
    stage.turn();
    assert_eq!(member.told(), ["1", "3"]);
    assert_eq!(stage.hub().rooms().count(), 0);
}

#[test]
fn thousands_leave_in_one_turn_and_come_again() {
    let mut stage = stage();
    for round in 0..3 {
        let mut members = stage.crowd(3000);
        for member in &members {
            stage.hub().join(member.id, "a").expect("there is room");
        }
        let receipt = stage.hub().publish("a", "hello");
        assert_eq!(receipt.queued, 3000, "round {round}");
        stage.settle();
        assert!(members.iter_mut().all(|member| member.told() == ["hello"]));
        members.iter().for_each(|member| member.client.conn.end());
        stage.turn();
        assert_eq!((stage.hub().online(), stage.hub().rooms().count()), (0, 0));
    }
}

#[test]
fn what_was_said_before_a_panic_is_told_and_only_that_connection_ends() {
    let mut stage = stage();
    let [mut panicking, mut other] = stage.members("a");
    stage.have(&panicking, |peer| {
        peer.publish("a", "before");
        peer.join("b").expect("there is room");
        // As a panic does, but nothing is printed.
        std::panic::resume_unwind(Box::new("asked to"));
    });
    stage.turn();
    stage.server.handler().unfinished = false;
    assert_eq!(other.told(), ["before"]);
    // Its Close came first: the turn was not over.
    assert_eq!(panicking.told(), ["1011"]);
    let hub = stage.hub();
    assert_eq!((hub.count("a"), hub.count("b")), (1, 0));
    assert!(hub.is_open(other.id));
    stage.hub().publish("a", "after");
    stage.turn();
    assert_eq!(other.told(), ["after"]);
}
