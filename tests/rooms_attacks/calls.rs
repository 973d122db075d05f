//! What calls do to each other: closing, leaving and coming while something is said, ids of those who are gone, and the
//! order of it all.

use crate::frames::{Frame, REQUEST, take_frames, text};
use crate::harness::{LOBBY, Sim, take_all};
use crate::sim::Conn;
use rustix::io::Errno;
use sockeye::proto::{CloseCode, SendError};
use sockeye::server::{Cause, ConnectionId, Gone, JoinError, To};

fn members<const N: usize>(sim: &mut Sim) -> ([Conn; N], [ConnectionId; N]) {
    let conns = sim.open_many(N).try_into();
    let ids = sim.ids().try_into().unwrap();
    (conns.unwrap_or_else(|_| panic!("so many")), ids)
}

/// B06: what is said reaches those who were there when it was said, whatever they do next in the same call.
#[test]
fn leaving_closing_and_coming_after_something_was_said_change_nothing_about_who_is_told() {
    let mut sim = Sim::new();
    let ([leaves, closes, comes, stays], [a, b, c, _]) = members(&mut sim);
    let mut hub = sim.server.hub();
    assert!(hub.leave(c, LOBBY));
    let receipt = hub.publish(LOBBY, "first");
    assert_eq!(receipt.queued, 3);
    assert!(hub.leave(a, LOBBY));
    hub.close(b, CloseCode::NORMAL, "bye").unwrap();
    assert_eq!(hub.join(c, LOBBY), Ok(true));
    let receipt = hub.publish(LOBBY, "second");
    assert_eq!((receipt.queued, receipt.closed), (2, 1));
    // Again and again in the same call.
    assert_eq!(hub.join(a, LOBBY), Ok(true));
    assert!(hub.leave(c, LOBBY));
    hub.publish(LOBBY, "third");
    sim.settle();
    let told = |words: &[&str]| words.iter().map(|word| Frame::text(word)).collect();
    let [first, second, third] = ["first", "second", "third"];
    let all: Vec<Vec<Frame>> = [&leaves, &comes, &stays].map(take_all).into();
    let expected: [Vec<Frame>; 3] = [
        told(&[first, third]),
        told(&[second]),
        told(&[first, second, third]),
    ];
    assert_eq!(all, expected);
    let goodbye = [Frame::text(first), Frame::close(1000, "bye")];
    assert_eq!(take_all(&closes), goodbye);
}

/// B07: the last one leaves while something is said, the room goes, and another of the same name is not the same.
#[test]
fn the_next_room_of_a_name_is_not_told_what_was_said_in_the_last() {
    let mut sim = Sim::new();
    let ([first, second], [a, b]) = members(&mut sim);
    let mut hub = sim.server.hub();
    hub.join(a, "attic").unwrap();
    assert_eq!(hub.publish("attic", "to the first").queued, 1);
    assert!(hub.leave(a, "attic"));
    assert_eq!(hub.publish("attic", "to nobody").queued, 0);
    hub.join(b, "attic").unwrap();
    hub.publish("attic", "to the second");
    assert!(hub.leave(b, "attic"));
    sim.settle();
    assert_eq!(take_all(&first), [Frame::text("to the first")]);
    assert_eq!(take_all(&second), [Frame::text("to the second")]);
    let mut hub = sim.server.hub();
    assert!(hub.stats("attic").is_none());
    assert_eq!(hub.publish("attic", "to nobody").queued, 0);
    sim.assert_echoes(&first);
}

/// B07, N04, N05: an id is one connection's for ever. Its place has an heir here, who is not mistaken for it.
#[test]
fn the_id_of_one_that_is_gone_reaches_nobody() {
    let mut sim = Sim::new();
    let ([gone, other], [a, _]) = members(&mut sim);
    gone.reset(Errno::CONNRESET);
    sim.settle();
    let heir = sim.open();
    let mut hub = sim.server.hub();
    assert_eq!(hub.send(a, "secret"), Err(Gone));
    assert_eq!(hub.publish(To::one(a), "secret").closed, 1);
    assert_eq!(hub.join(a, "attic"), Err(JoinError::Gone));
    assert!(!hub.leave(a, LOBBY) && !hub.is_open(a) && !hub.is_member(a, LOBBY));
    assert_eq!(hub.rooms_of(a).count(), 0);
    let closed = hub.close(a, CloseCode::NORMAL, "");
    assert_eq!(closed, Err(SendError::Closed));
    // Nor is the heir spared in its place.
    hub.publish(To::room(LOBBY).except(a), "to both");
    sim.settle();
    for conn in [&heir, &other] {
        assert_eq!(take_all(conn), [Frame::text("to both")]);
    }
}

/// N04, N05: it goes, and its heir comes, in the turn in which it is spoken to.
#[test]
fn what_was_said_to_one_that_goes_is_not_told_to_its_heir() {
    let mut sim = Sim::new();
    let ([gone, other], [a, _]) = members(&mut sim);
    let mut hub = sim.server.hub();
    hub.send(a, "secret").unwrap();
    hub.publish(LOBBY, "to both");
    hub.send(a, "secret").unwrap();
    hub.close(a, CloseCode::NORMAL, "secret").unwrap();
    gone.reset(Errno::CONNRESET);
    let heir = sim.net.connect();
    heir.push(REQUEST);
    // Before what was said is told, and afterwards.
    sim.net.forge_last(sockeye::kernel::Ready::Accept);
    sim.settle();
    assert_eq!(take_all(&other), [Frame::text("to both")]);
    assert!(heir.take_sent().ends_with(b"\r\n\r\n"), "and nothing else");
    assert!(gone.take_sent().is_empty());
    sim.receive(&other, &text("=to both"));
    assert_eq!(take_all(&heir), [Frame::text("to both")]);
    sim.assert_echoes(&heir);
}

/// N03: one closes another whose message comes later, or came before, in the same turn.
#[test]
fn closing_another_that_has_something_to_say_in_the_same_turn() {
    for closes_first in [true, false] {
        let mut sim = Sim::new();
        let ([a, b], ids) = members(&mut sim);
        let (closer, other) = if closes_first { (&a, &b) } else { (&b, &a) };
        let closed = ids[usize::from(closes_first)];
        closer.push(&text("xbye"));
        other.push(&[text("?heard"), text("=to all")].concat());
        sim.turn();
        sim.turn();
        let frames = take_all(other);
        assert_eq!(frames[0], Frame::text("heard"));
        assert_eq!(frames.last(), Some(&Frame::close(1000, "bye")));
        // Whoever is told to go is told no more of what it says itself after that.
        assert_eq!(frames.len(), if closes_first { 2 } else { 3 });
        assert_eq!(take_all(closer), [Frame::text("to all")]);
        // What it says now is not heard any more.
        let heard = sim.server.handler().heard;
        sim.receive(other, &text("=never"));
        assert_eq!(sim.server.handler().heard, heard);
        sim.receive(other, &crate::frames::close(1000));
        other.end();
        sim.settle();
        assert_eq!(sim.server.handler().ends, [(closed, Cause::Here)]);
        sim.assert_echoes(closer);
    }
}

/// N03: all are closed by one, and by each other, in one turn: each ends once.
#[test]
fn everybody_closes_everybody_in_the_same_turn() {
    let mut sim = Sim::new();
    let conns = sim.open_many(50);
    conns.iter().for_each(|conn| conn.push(&text("xbye")));
    sim.settle();
    for conn in &conns {
        let frames = take_all(conn);
        assert_eq!(frames, [Frame::close(1000, "bye")]);
        conn.push(&crate::frames::close(1000));
        conn.end();
    }
    sim.settle();
    assert_eq!(sim.server.handler().ends.len(), 50);
    assert_eq!(sim.server.connections(), 0);
    assert_eq!(sim.server.hub().rooms().count(), 0);
}

/// What the one who asks for it is told in each way, in the order of the calls.
fn mixed_words() -> Vec<Frame> {
    let words = ["a", "b"].iter();
    let words = words.flat_map(|word| (0..8).map(move |at| Frame::text(&format!("{word}{at}"))));
    words.collect()
}

/// B12: direct messages and those of the room, while the peer takes a part: each cut, and then the rest.
#[test]
fn the_order_of_the_calls_holds_wherever_a_write_is_cut() {
    let whole: usize = mixed_words()
        .iter()
        .map(|frame| frame.payload.len() + 2)
        .sum();
    for cut in 0..=whole {
        let mut sim = Sim::new();
        let peer = sim.open();
        let other = sim.open();
        peer.set_window(cut);
        peer.push(&text("#a"));
        other.push(&text("=from another"));
        sim.settle();
        let mut bytes = peer.take_sent();
        assert_eq!(bytes.len(), cut.min(bytes.len()));
        // It is not heard while something waits; then the second comes behind the first.
        peer.push(&text("#b"));
        peer.set_window(usize::MAX);
        sim.settle();
        bytes.append(&mut peer.take_sent());
        let frames = take_frames(&mut bytes);
        assert!(bytes.is_empty());
        assert_eq!(in_order(frames), mixed_words(), "cut at {cut}");
    }
}

/// B12: the same a byte at a time.
#[test]
fn the_order_of_the_calls_holds_a_byte_at_a_time() {
    let mut sim = Sim::new();
    let peer = sim.open();
    let other = sim.open();
    peer.set_window(0);
    peer.push(&[text("#a"), text("#b")].concat());
    other.push(&text("=from another"));
    sim.settle();
    for _ in 0..200 {
        peer.set_window(1);
        sim.settle();
    }
    assert_eq!(in_order(take_all(&peer)), mixed_words());
}

/// What somebody else said stands anywhere, once.
#[track_caller]
fn in_order(mut frames: Vec<Frame>) -> Vec<Frame> {
    let all = frames.len();
    frames.retain(|frame| *frame != Frame::text("from another"));
    assert_eq!(all - frames.len(), 1);
    frames
}
