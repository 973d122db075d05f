//! What one connection is told is told in the order of the calls, in as few sends as possible; and reports about
//! those that have gone mean nothing.

use crate::frames::{FIN, Frame, PING, REQUEST, TEXT, binary, text};
use crate::harness::{Sim, ms, secs};
use sockeye::kernel::{Ready, Token};

#[test]
fn direct_messages_and_broadcasts_of_one_turn_are_in_call_order() {
    let mut sim = Sim::new();
    let mut talker = sim.open();
    let mut listener = sim.open();
    talker.push(&[text("!mixed a"), text("!mixed b"), text("end")].concat());
    sim.settle();
    let all = [
        "1 a", "2 a", "3 a", "4 a", "1 b", "2 b", "3 b", "4 b", "end",
    ]
    .map(Frame::text);
    assert_eq!(talker.frames(), all);
    assert_eq!(
        listener.frames(),
        ["2 a", "4 a", "2 b", "4 b"].map(Frame::text)
    );
}

#[test]
fn several_talkers_in_one_turn() {
    let mut sim = Sim::new();
    let mut first = sim.open();
    let mut second = sim.open();
    first.push(&text("!mixed x"));
    second.push(&text("!mixed y"));
    sim.settle();
    // The first had its turn first; the second's own words come behind what it had been told by then.
    assert_eq!(
        second.frames(),
        ["2 x", "4 x", "1 y", "2 y", "3 y", "4 y"]
            .map(|t| t.to_owned())
            .map(|t| { Frame::text(&t) })
    );
    assert_eq!(
        first.frames(),
        ["1 x", "2 x", "3 x", "4 x", "2 y", "4 y"].map(Frame::text)
    );
}

#[test]
fn a_turns_broadcasts_reach_each_member_in_one_send() {
    let mut sim = Sim::new();
    let talkers: Vec<_> = (0..5).map(|_| sim.open()).collect();
    let mut listeners: Vec<_> = (0..20).map(|_| sim.open()).collect();
    let before: Vec<_> = listeners.iter().map(|l| l.conn.sends()).collect();
    for (index, talker) in talkers.iter().enumerate() {
        for word in 0..10 {
            talker.push(&text(&format!("!all {index}.{word}")));
        }
    }
    sim.turn();
    let expected: Vec<_> = (0..5)
        .flat_map(|index| (0..10).map(move |word| Frame::text(&format!("{index}.{word}"))))
        .collect();
    for (listener, before) in listeners.iter_mut().zip(before) {
        assert_eq!(listener.conn.sends() - before, 1);
        assert_eq!(listener.frames(), expected);
    }
    // The talkers said nothing to themselves but this, so it is one send for each of them as well.
    for talker in &talkers {
        assert_eq!(talker.conn.sends(), 2, "the 101, and this");
    }
}

#[test]
fn a_newcomer_is_not_told_what_was_said_before_it_came() {
    let mut sim = Sim::new();
    let talker = sim.open();
    let mut newcomer = sim.connect();
    sim.settle();
    // One turn: the talker speaks, then the newcomer's request is answered, and it speaks too.
    talker.push(&text("!all before"));
    newcomer.push(&[REQUEST, &text("!mixed after")].concat());
    sim.turn();
    assert!(newcomer.head().starts_with("HTTP/1.1 101 "));
    let expected = ["1 after", "2 after", "3 after", "4 after"].map(Frame::text);
    assert_eq!(newcomer.frames(), expected);
}

#[test]
fn a_member_who_is_closing_is_told_nothing_more() {
    let mut sim = Sim::new();
    let mut leaving = sim.open();
    let mut staying = sim.open();
    leaving.push(&text("!close"));
    sim.settle();
    staying.push(&text("!all news"));
    sim.settle();
    assert_eq!(leaving.frame().close_code(), Some(1000));
    assert_eq!(staying.frame(), Frame::text("news"));
}

#[test]
fn a_goodbye_comes_behind_what_was_said_before_in_the_same_turn() {
    let mut sim = Sim::new();
    let mut silent = sim.open();
    sim.run_for(secs(15));
    let talker = sim.open();
    sim.run_for(secs(6));
    assert_eq!(silent.frame().opcode, PING);
    sim.run_for(ms(8990));
    // The turn that hears the talker comes late, when the silent one's time is up.
    sim.net.set_lag(ms(50));
    talker.push(&text("!all news"));
    sim.settle();
    let expected = [Frame::text("news"), Frame::close(1001, "ping timeout")];
    assert_eq!(silent.frames(), expected);
}

/// Shows 6455-4.2.2-26.
#[test]
fn a_newcomer_hears_what_is_said_from_its_opening_on() {
    let mut sim = Sim::new();
    let before = sim.open();
    let mut newcomer = sim.connect();
    sim.settle();
    let after = sim.open();
    sim.probe().greeting = Some("welcome");
    // All in one turn, in the order in which they came.
    before.push(&text("!all not for everyone"));
    newcomer.push(REQUEST);
    after.push(&text("!all news"));
    sim.turn();
    assert!(newcomer.head().starts_with("HTTP/1.1 101 "));
    assert_eq!(newcomer.frames(), ["welcome", "news"].map(Frame::text));
}

#[test]
fn whoever_is_closed_in_a_turn_hears_what_was_said_in_it_before() {
    let mut sim = Sim::new();
    let mut early = sim.open();
    let mut talker = sim.open();
    let mut late = sim.open();
    early.push(&text("!close bye"));
    talker.push(&[text("!all news"), text("!close bye")].concat());
    late.push(&text("!close bye"));
    sim.turn();
    let goodbye = Frame::close(1000, "bye");
    // Nothing follows a Close frame.
    assert_eq!(early.frame(), goodbye);
    for member in [&mut talker, &mut late] {
        assert_eq!(member.frames(), [Frame::text("news"), goodbye.clone()]);
    }
}

#[test]
fn a_broadcast_of_megabytes_arrives() {
    let mut sim = Sim::new();
    let talker = sim.open();
    let mut listener = sim.open();
    for _ in 0..5 {
        talker.push(&text("!all-bytes 900000"));
    }
    sim.settle();
    let frames = listener.frames();
    assert_eq!(frames.len(), 5);
    assert!(frames.iter().all(|frame| frame.payload == [b'x'; 900_000]));
}

#[test]
fn a_report_about_a_connection_that_has_gone_does_not_touch_its_successor() {
    let mut sim = Sim::new();
    let old = sim.open();
    let stale = old.conn.token().expect("registered");
    old.conn.end();
    sim.settle();
    let mut new = sim.open();
    let token = new.conn.token().expect("registered");
    assert_eq!(
        token.0 & 0xFFFF_FFFF,
        stale.0 & 0xFFFF_FFFF,
        "the same slot"
    );
    let before = sim.net.calls();
    for token in [stale, Token(stale.0 ^ 1 << 20), Token(usize::MAX >> 1)] {
        sim.net.forge(Ready::Stream {
            token,
            readable: true,
            writable: true,
            hangup: true,
        });
    }
    sim.turn();
    assert_eq!(sim.net.calls().work(), before.work());
    new.assert_quiet();
    // Were it taken for an end of its own, it would be read beyond a short read from now on.
    let receives = new.conn.receives();
    new.assert_echoes(&mut sim);
    assert_eq!(new.conn.receives() - receives, 1);
}

#[test]
fn reports_that_say_nothing_new_do_no_harm() {
    let mut sim = Sim::new();
    let mut client = sim.open();
    client.push(&text("!mixed x"));
    let token = client.conn.token().expect("registered");
    for (readable, writable) in [(true, false), (false, true), (true, true), (false, false)] {
        for _ in 0..3 {
            sim.net.forge(Ready::Stream {
                token,
                readable,
                writable,
                hangup: false,
            });
        }
    }
    sim.settle();
    assert_eq!(
        client.frames(),
        ["1 x", "2 x", "3 x", "4 x"].map(Frame::text)
    );
    client.assert_echoes(&mut sim);
}

#[test]
fn any_pieces_give_the_same_answers() {
    let mut bytes = Vec::new();
    let mut expected = Vec::new();
    for len in [0, 1, 125, 126, 300, 70_000] {
        let payload = vec![len as u8; len];
        bytes.extend(binary(&payload));
        expected.push(Frame::binary(&payload));
    }
    bytes.extend(crate::frames::frame(TEXT, b"in "));
    bytes.extend(crate::frames::frame(FIN, b"parts"));
    expected.push(Frame::text("in parts"));
    for piece in [1, 2, 3, 7, 100, 127, 4096, 65_535, 65_536] {
        let mut sim = Sim::new();
        let mut client = sim.open();
        client.conn.push_in_pieces(&bytes, piece);
        sim.settle();
        assert!(client.frames() == expected, "pieces of {piece}");
    }
}

#[test]
fn what_is_said_when_a_deadline_finds_room_goes_out_in_that_turn() {
    let mut sim = Sim::new();
    let mut other = sim.open();
    let talker = sim.open();
    talker.conn.set_window(10);
    talker.conn.tell_room_from(usize::MAX);
    talker.push(&text("this does not fit"));
    sim.settle();
    talker.push(&text("!all hello"));
    sim.settle();
    assert_eq!(sim.probe().messages.len(), 1);
    // Room that the kernel does not tell of is found at the next deadline.
    talker.conn.set_window(1000);
    while sim.probe().messages.len() == 1 {
        sim.server.turn(Some(secs(60))).expect("polling works");
    }
    assert_eq!(other.frame(), Frame::text("hello"));
}
