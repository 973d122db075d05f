//! A client and a server talk: round trips, fragments, closing, and what the API refuses.

use crate::pair::{Pair, Side};
use crate::rows::Expected;
use crate::wire;
use sockeye::proto::{
    CloseCode, Config, Connection, Delivery, Event, Inbound, Keys, MessageKind, Misuse,
    NoRandomness, Outbound, Prepared, Role, SendError, State, Violation,
};
use std::collections::HashSet;
use std::sync::Arc;

fn text(text: &str) -> Expected {
    Expected::Text(text.as_bytes().to_vec())
}

fn binary(data: &[u8]) -> Expected {
    Expected::Binary(data.to_vec())
}

/// Shows 6455-6.1-01 6455-6.1-04 6455-10.7-05 6455-5.2-11.
#[test]
fn messages_of_every_size_arrive_both_ways() {
    for len in [0, 1, 5, 125, 126, 127, 1000, 65_535, 65_536, 100_000] {
        if cfg!(miri) && len > 126 {
            break;
        }
        let data: Vec<u8> = (0..=250).cycle().take(len).collect();
        let string: String = ('a'..='z').cycle().take(len).collect();
        for piece in [1, 7, 4096, usize::MAX] {
            let mut pair = Pair::new();
            for side in [&mut pair.client, &mut pair.server] {
                side.send(|tx, out| tx.binary(&data, out)).unwrap();
                side.send(|tx, out| tx.text(&string, out)).unwrap();
            }
            pair.run_in(&mut || piece);
            let want = [binary(&data), text(&string)];
            assert_eq!(pair.server.events, want, "{len} in {piece}");
            assert_eq!(pair.client.events, want, "{len} in {piece}");
            // The fewest length bytes, and no more than the header beyond the payload.
            let head = match len {
                0..=125 => 2,
                126..=65_535 => 4,
                _ => 10,
            };
            assert_eq!(pair.server.wrote.len(), 2 * (head + len));
            assert_eq!(pair.client.wrote.len(), 2 * (head + 4 + len));
        }
    }
}

/// Shows 6455-5.4-06.
#[test]
fn fragments_arrive_as_one_message_with_pings_between_them() {
    let mut pair = Pair::new();
    for (i, piece) in ["gr", "\u{fc}", "", "n"].iter().enumerate() {
        let last = i == 3;
        pair.client
            .send(|tx, out| tx.fragment(MessageKind::Text, piece.as_bytes(), last, out))
            .unwrap();
        pair.client
            .send(|tx, out| tx.ping(&[b'0' + u8::try_from(i).unwrap()], out))
            .unwrap();
        pair.run();
    }
    let ping = |c: &[u8]| Expected::Ping(c.to_vec());
    let want = [ping(b"0"), ping(b"1"), ping(b"2"), text("grün"), ping(b"3")];
    assert_eq!(pair.server.events, want);
    let pongs: Vec<_> = (b'0'..b'4').map(|c| Expected::Pong(vec![c])).collect();
    assert_eq!(pair.client.events, pongs);
}

/// Shows 6455-6.1-06 6455-6.1-07 6455-5.4-12 6455-6.1-05.
#[test]
fn a_character_may_be_cut_by_fragments_in_both_roles() {
    for role in [Role::Server, Role::Client] {
        let mut side = Side::new(role, Config::default());
        let smile = "😀".as_bytes();
        for (i, byte) in smile.iter().enumerate() {
            side.send(|tx, out| tx.fragment(MessageKind::Text, &[*byte], i == 3, out))
                .unwrap();
        }
        let mut peer = Side::new(role.peer(), Config::default());
        peer.take(&side.wrote);
        assert_eq!(peer.events, [text("😀")]);
        let opcodes: Vec<_> = side.frames().iter().map(|f| (f.opcode, f.fin)).collect();
        let want = [(1, false), (0, false), (0, false), (0, true)];
        assert_eq!(opcodes, want);
    }
}

#[test]
#[cfg_attr(miri, ignore = "takes too long")]
fn a_thousand_fragments_keep_their_order() {
    let mut pair = Pair::new();
    for i in 0..1000_u16 {
        pair.server
            .send(|tx, out| tx.fragment(MessageKind::Binary, &i.to_be_bytes(), i == 999, out))
            .unwrap();
    }
    pair.run_in(&mut || 3);
    let want: Vec<u8> = (0..1000_u16).flat_map(u16::to_be_bytes).collect();
    assert_eq!(pair.client.events, [Expected::Binary(want)]);
}

#[test]
fn a_close_is_answered_once_with_its_code() {
    for (code, reason) in [(1000, "bye"), (1013, ""), (4999, "a reason with ünïcode")] {
        let mut pair = Pair::new();
        let close = CloseCode::new(code).unwrap();
        pair.client
            .send(|tx, out| tx.close(close, reason, out))
            .unwrap();
        assert!(pair.client.conn.close_expected());
        pair.run();
        let got = Expected::Close(Some(code), reason.as_bytes().to_vec());
        let answer = Expected::Close(Some(code), Vec::new());
        assert_eq!(pair.server.events, [got]);
        assert_eq!(pair.client.events, [answer]);
        assert_eq!((pair.client.closes(), pair.server.closes()), (1, 1));
        assert_eq!(pair.states(), (State::Closed, State::Closed));
    }
}

#[test]
fn what_is_sent_before_a_close_arrives_before_it() {
    let mut pair = Pair::new();
    pair.server
        .send(|tx, out| tx.text("last words", out))
        .unwrap();
    pair.server
        .send(|tx, out| tx.close(CloseCode::GOING_AWAY, "", out))
        .unwrap();
    pair.run();
    let close = Expected::Close(Some(1001), Vec::new());
    assert_eq!(pair.client.events, [text("last words"), close]);
}

#[test]
fn messages_that_cross_our_close_are_discarded() {
    let mut pair = Pair::new();
    pair.client
        .send(|tx, out| tx.close(CloseCode::NORMAL, "", out))
        .unwrap();
    pair.server
        .send(|tx, out| tx.text("too late", out))
        .unwrap();
    pair.server
        .send(|tx, out| tx.ping(b"too late", out))
        .unwrap();
    pair.server
        .send(|tx, out| tx.fragment(MessageKind::Text, b"cut off", false, out))
        .unwrap();
    pair.run_in(&mut || 2);
    let close = Expected::Close(Some(1000), Vec::new());
    assert_eq!(pair.client.events.first(), Some(&close));
    assert_eq!(pair.client.events.len(), 1);
    assert_eq!(pair.server.events, [close]);
    assert_eq!(pair.states(), (State::Closed, State::Closed));
    assert_eq!((pair.client.closes(), pair.server.closes()), (1, 1));
}

/// Shows 6455-6.1-03.
#[test]
fn a_close_cuts_off_the_fragments_of_both_sides() {
    let mut pair = Pair::new();
    for side in [&mut pair.client, &mut pair.server] {
        side.send(|tx, out| tx.fragment(MessageKind::Binary, b"half", false, out))
            .unwrap();
    }
    pair.run();
    pair.client
        .send(|tx, out| tx.close(CloseCode::NORMAL, "", out))
        .unwrap();
    pair.run();
    assert_eq!(pair.states(), (State::Closed, State::Closed));
    assert_eq!(pair.client.events.len(), 1);
    assert_eq!(pair.server.events.len(), 1);
    for side in [&mut pair.client, &mut pair.server] {
        let more = side.send(|tx, out| tx.fragment(MessageKind::Binary, b"more", true, out));
        assert_eq!(more, Err(SendError::Closed));
        assert_eq!(side.conn.rx.heap_bytes(), 0);
        assert!(!side.conn.rx.is_mid_message());
    }
}

#[test]
fn a_violation_is_answered_and_reported_to_both() {
    let mut pair = Pair::new();
    pair.server.take(&wire::frame(Role::Server, 0x81, b"\xff"));
    pair.run();
    assert_eq!(pair.server.error, Some(Violation::InvalidUtf8));
    assert_eq!(pair.server.conn.state(), State::Failed);
    let reason = Violation::InvalidUtf8.text().as_bytes().to_vec();
    assert_eq!(pair.client.events, [Expected::Close(Some(1007), reason)]);
    assert_eq!(pair.client.conn.state(), State::Closed);
}

#[test]
fn a_server_told_not_to_leaves_the_pong_to_its_application() {
    let mut config = Config::default();
    config.auto_pong = false;
    let mut pair = Pair::with(Config::default(), config);
    pair.client.send(|tx, out| tx.ping(b"1", out)).unwrap();
    pair.run();
    assert_eq!(pair.server.events, [Expected::Ping(b"1".to_vec())]);
    assert_eq!(pair.client.events, []);
    pair.server.send(|tx, out| tx.pong(b"1", out)).unwrap();
    pair.run();
    assert_eq!(pair.client.events, [Expected::Pong(b"1".to_vec())]);
}

#[test]
fn frames_and_chunks_arrive_whole_when_joined() {
    for delivery in [Delivery::Frames, Delivery::Chunks] {
        let mut config = Config::default();
        config.delivery = delivery;
        let mut pair = Pair::with(config.clone(), config);
        let data: Vec<u8> = (0..=250).cycle().take(70_000).collect();
        pair.client.send(|tx, out| tx.binary(&data, out)).unwrap();
        pair.run_in(&mut || 997);
        let joined: Vec<u8> = pair
            .server
            .events
            .iter()
            .flat_map(|event| match event {
                Expected::Binary(data) => data.clone(),
                other => panic!("{other:?}"),
            })
            .collect();
        assert_eq!(joined, data, "{delivery:?}");
        let parts = if delivery == Delivery::Frames { 1 } else { 71 };
        assert_eq!(pair.server.events.len(), parts, "{delivery:?}");
    }
}

#[test]
fn a_prepared_message_goes_out_by_either_side() {
    let message = Prepared::text("shared");
    let data = Prepared::binary(&[7; 300]);
    assert_eq!(message.frame(), b"\x81\x06shared");
    assert_eq!(data.frame()[..4], [0x82, 126, 1, 44]);
    assert_eq!(data.payload(), [7; 300]);
    let mut pair = Pair::new();
    for side in [&mut pair.client, &mut pair.server] {
        side.send(|tx, out| tx.prepared(&message, out)).unwrap();
        side.send(|tx, out| tx.prepared(&data.clone(), out))
            .unwrap();
    }
    pair.run();
    let want = [text("shared"), binary(&[7; 300])];
    assert_eq!(pair.client.events, want);
    assert_eq!(pair.server.events, want);
    assert!(pair.server.wrote.starts_with(message.frame()));
}

/// Shows 6455-5.3-03 6455-6.1-08 6455-10.3-01 6455-10.3-03 6455-5.1-01 6455-5.5.1-06.
#[test]
fn a_client_masks_every_frame_with_a_key_of_its_own() {
    let mut side = Side::new(Role::Client, Config::default());
    side.send(|tx, out| tx.text("", out)).unwrap();
    side.send(|tx, out| tx.binary(b"b", out)).unwrap();
    side.send(|tx, out| tx.prepared(&Prepared::text("p"), out))
        .unwrap();
    side.send(|tx, out| tx.ping(b"", out)).unwrap();
    side.send(|tx, out| tx.pong(b"q", out)).unwrap();
    for last in [false, false, true] {
        side.send(|tx, out| tx.fragment(MessageKind::Text, b"f", last, out))
            .unwrap();
    }
    side.take(&wire::frame(Role::Client, 0x89, b"auto"));
    side.send(|tx, out| tx.close(CloseCode::NORMAL, "", out))
        .unwrap();
    let keys: HashSet<_> = side.frames().into_iter().map(|f| f.key.unwrap()).collect();
    assert_eq!(keys.len(), 10);
}

/// Shows 6455-5.5-02.
#[test]
fn too_long_control_payloads_are_refused() {
    for role in [Role::Server, Role::Client] {
        let mut side = Side::new(role, Config::default());
        let long = [b'a'; 126];
        let reason = "r".repeat(124);
        let cut = "é".repeat(62);
        let too_long = Err(SendError::Misuse(Misuse::ControlTooLong));
        assert_eq!(side.send(|tx, out| tx.ping(&long, out)), too_long);
        assert_eq!(side.send(|tx, out| tx.pong(&long, out)), too_long);
        let too_long = Err(SendError::Misuse(Misuse::ReasonTooLong));
        for reason in [&reason, &cut] {
            let result = side.send(|tx, out| tx.close(CloseCode::NORMAL, reason, out));
            assert_eq!(result, too_long);
        }
        assert_eq!(side.wrote, b"");
        assert_eq!(side.conn.state(), State::Open);
        side.send(|tx, out| tx.ping(&long[1..], out)).unwrap();
        side.send(|tx, out| tx.pong(&long[1..], out)).unwrap();
        side.send(|tx, out| tx.close(CloseCode::NORMAL, &reason[1..], out))
            .unwrap();
        let lens: Vec<_> = side.frames().iter().map(|f| f.payload.len()).collect();
        assert_eq!(lens, [125, 125, 125]);
    }
}

/// Shows 6455-5.4-10.
#[test]
fn a_second_message_waits_for_the_end_of_the_first() {
    for role in [Role::Server, Role::Client] {
        let mut side = Side::new(role, Config::default());
        let busy = Err(SendError::Misuse(Misuse::MessageInProgress));
        let begin = side.send(|tx, out| tx.fragment(MessageKind::Text, b"a", false, out));
        assert_eq!(begin, Ok(()));
        let before = side.wrote.clone();
        assert_eq!(side.send(|tx, out| tx.text("b", out)), busy);
        assert_eq!(side.send(|tx, out| tx.binary(b"b", out)), busy);
        let prepared = Prepared::text("b");
        assert_eq!(side.send(|tx, out| tx.prepared(&prepared, out)), busy);
        let other = side.send(|tx, out| tx.fragment(MessageKind::Binary, b"b", true, out));
        assert_eq!(other, busy);
        assert_eq!(side.wrote, before);
        side.send(|tx, out| tx.ping(b"", out)).unwrap();
        side.send(|tx, out| tx.fragment(MessageKind::Text, b"c", true, out))
            .unwrap();
        side.send(|tx, out| tx.text("d", out)).unwrap();
        let mut peer = Side::new(role.peer(), Config::default());
        peer.take(&side.wrote);
        let want = [Expected::Ping(Vec::new()), text("ac"), text("d")];
        assert_eq!(peer.events, want);
    }
}

/// Shows 6455-5.6-03.
#[test]
fn a_fragment_that_is_not_text_is_refused_and_can_be_replaced() {
    let mut pair = Pair::new();
    let bad = Err(SendError::Misuse(Misuse::InvalidUtf8));
    let mut send = |data: &[u8], last| {
        pair.server
            .send(|tx, out| tx.fragment(MessageKind::Text, data, last, out))
    };
    assert_eq!(send(b"\xff", false), bad);
    assert_eq!(send(b"a\xc3", true), bad);
    assert_eq!(send(b"a\xc3", false), Ok(()));
    assert_eq!(send(b"(", false), bad);
    assert_eq!(send(b"", true), bad);
    assert_eq!(send(b"\xbc", true), Ok(()));
    assert_eq!(send(b"\xbc", true), bad);
    pair.run();
    assert_eq!(pair.client.events, [text("a\u{fc}")]);
}

/// A source that fails from the `n`th key on.
struct Failing(u32);

impl Keys for Failing {
    fn key(&mut self) -> Result<[u8; 4], NoRandomness> {
        self.0 = self.0.checked_sub(1).ok_or(NoRandomness)?;
        Ok([1, 2, 3, 4])
    }
}

#[test]
fn a_source_of_keys_that_fails_is_an_error_and_nothing_is_sent() {
    let mut conn = Connection::client(Arc::new(Config::default()));
    let mut keys = Failing(1);
    let mut out = Outbound::client(Vec::new(), &mut keys);
    assert_eq!(conn.tx.text("a", &mut out), Ok(()));
    let sent = out.sink.len();
    let none = Err(SendError::NoRandomness);
    assert_eq!(conn.tx.text("a", &mut out), none);
    assert_eq!(conn.tx.binary(b"a", &mut out), none);
    assert_eq!(conn.tx.prepared(&Prepared::text("a"), &mut out), none);
    assert_eq!(conn.tx.ping(b"a", &mut out), none);
    assert_eq!(conn.tx.close(CloseCode::NORMAL, "", &mut out), none);
    // A ping that cannot be answered is still told; a Close ends the connection all the same.
    let (mut inbound, mut ping, mut close) = (Inbound::new(), [0x89, 0], [0x88, 0]);
    let mut next = |bytes: &mut [u8]| {
        let step = conn.rx.next(bytes, &mut inbound, &mut conn.tx, &mut out);
        step.unwrap()
            .event
            .map(|event| matches!(event, Event::Close(_)))
    };
    assert_eq!(next(&mut ping), Some(false));
    assert_eq!(next(&mut close), Some(true));
    assert!(conn.is_over());
    assert_eq!(out.sink.len(), sent);
}

#[test]
fn a_client_without_keys_sends_nothing() {
    let mut conn = Connection::client(Arc::new(Config::default()));
    let mut out = Outbound::server(Vec::new());
    let none = Err(SendError::Misuse(Misuse::NoKeys));
    assert_eq!(conn.tx.text("a", &mut out), none);
    assert_eq!(conn.tx.binary(b"a", &mut out), none);
    assert_eq!(conn.tx.prepared(&Prepared::text("a"), &mut out), none);
    assert_eq!(conn.tx.ping(b"a", &mut out), none);
    assert_eq!(
        conn.tx.fragment(MessageKind::Text, b"a", false, &mut out),
        none
    );
    assert_eq!(conn.tx.close(CloseCode::NORMAL, "", &mut out), none);
    assert_eq!(conn.state(), State::Open);
    // The failed fragment began nothing.
    let mut keys = wire::Counting::default();
    let mut keyed = Outbound::client(Vec::new(), &mut keys);
    conn.tx.text("a", &mut keyed).unwrap();
    // It receives all the same; what it would answer stays unsent.
    let mut inbound = Inbound::new();
    let mut ping = *b"\x89\x00";
    let step = conn
        .rx
        .next(&mut ping, &mut inbound, &mut conn.tx, &mut out);
    assert!(step.unwrap().event.is_some());
    assert_eq!(out.sink, b"");
}
