//! What this crate's own drivers take as shortcuts, beside the long way.
//!
//! Not here: what the long way comes to, which `tests/proto` has.

use super::found::Found;
use super::place::Place;
use super::{Config, Connection, Delivery, Event, Inbound, Outbound, Role, State};
use crate::proto::frame::Whole;
use crate::proto::{CloseCode, Limits, MessageKind, Violation};
use alloc::sync::Arc;
use alloc::vec::Vec;

/// Masked with zeroes, which changes nothing.
fn masked(first: u8, payload: &[u8]) -> Vec<u8> {
    let head = [
        first,
        0x80 | u8::try_from(payload.len()).unwrap(),
        0,
        0,
        0,
        0,
    ];
    [&head, payload].concat()
}

fn server(delivery: Delivery) -> Connection {
    let config = Config {
        delivery,
        ..Config::default()
    };
    Connection::server(Arc::new(config))
}

/// Feeds all of it.
fn feed(conn: &mut Connection, mut bytes: Vec<u8>) -> Result<(), Violation> {
    let (mut inbound, mut at) = (Inbound::new(), 0);
    while at < bytes.len() {
        let mut out = Outbound::server(Vec::new());
        let input = &mut bytes[at..];
        let step = conn.rx.next(input, &mut inbound, &mut conn.tx, &mut out)?;
        at += step.consumed;
        if step.event.is_none() {
            break;
        }
    }
    Ok(())
}

#[test]
fn only_between_messages_is_a_receiver_at_ease() {
    for (delivery, bytes, at_ease) in [
        (Delivery::Messages, masked(0x81, b"whole"), true),
        (Delivery::Messages, masked(0x89, b"ping"), true),
        (Delivery::Messages, masked(0x01, b"begun"), false),
        (Delivery::Messages, masked(0x01, b""), false),
        (
            Delivery::Messages,
            [masked(0x01, b"a"), masked(0x80, b"b")].concat(),
            false, // it is lent still
        ),
        (
            Delivery::Messages,
            [
                masked(0x01, b"a"),
                masked(0x80, b"b"),
                masked(0x81, b"whole"),
            ]
            .concat(),
            true,
        ),
        (
            Delivery::Messages,
            masked(0x81, b"half")[..8].to_vec(),
            false,
        ),
        (
            Delivery::Messages,
            masked(0x81, b"head")[..1].to_vec(),
            false,
        ),
        (Delivery::Frames, masked(0x81, b"whole"), false),
        (Delivery::Chunks, masked(0x81, b"whole"), false),
    ] {
        let mut conn = server(delivery);
        feed(&mut conn, bytes.clone()).unwrap();
        assert_eq!(conn.rx.is_at_ease(), at_ease, "{delivery:?} {bytes:x?}");
        // Then it is asked, and before not.
        let next = masked(0x82, b"next");
        let found = conn.rx.at_first_sight(&next, &conn.tx).is_some();
        assert_eq!(found, at_ease, "{delivery:?} {bytes:x?}");
    }
}

#[test]
fn nothing_is_found_at_first_sight_that_is_longer_than_may_be_or_comes_after_a_close() {
    for (max_frame, max_message, found) in
        [(4, 9, true), (9, 4, true), (3, 9, false), (9, 3, false)]
    {
        let limits = Limits {
            max_frame,
            max_message,
            ..Limits::default()
        };
        let config = Config {
            limits,
            ..Config::default()
        };
        let mut conn = Connection::server(Arc::new(config));
        feed(&mut conn, masked(0x8A, b"")).unwrap();
        let whole = masked(0x81, b"four");
        assert_eq!(conn.rx.at_first_sight(&whole, &conn.tx).is_some(), found);
        assert!(conn.rx.at_first_sight(&whole[..9], &conn.tx).is_none());
        let mut out = Outbound::server(Vec::new());
        conn.tx.close(CloseCode::NORMAL, "", &mut out).unwrap();
        assert!(conn.rx.at_first_sight(&whole, &conn.tx).is_none());
    }
}

/// Its text is then judged once, and not twice.
#[test]
fn a_long_message_is_found_at_second_sight() {
    let mut conn = server(Delivery::Messages);
    let head = [0x81, 0xFF, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0];
    let long = [&head[..], &[b'a'; 0x1_0000]].concat();
    let end = |conn: &Connection, bytes: &[u8]| {
        let whole = conn.rx.at_second_sight(bytes, &conn.tx);
        whole.map(|whole| whole.end())
    };
    assert_eq!(end(&conn, &long), None, "before it is calm");
    feed(&mut conn, masked(0x8A, b"")).unwrap();
    assert_eq!(end(&conn, &long), Some(long.len()));
    assert_eq!(end(&conn, &long[..long.len() - 1]), None);
    assert_eq!(end(&conn, &masked(0x81, b"short")), None);
    assert!(conn.rx.at_first_sight(&long, &conn.tx).is_none());
    feed(&mut conn, long.clone()).unwrap();
    assert!(conn.rx.is_at_ease(), "nobody has looked closer");
    let mut out = Outbound::server(Vec::new());
    conn.tx.close(CloseCode::NORMAL, "", &mut out).unwrap();
    assert_eq!(end(&conn, &long), None);
}

/// A driver that unmasks by itself finds out that it is no text; the receiver then says where.
#[test]
fn what_was_no_text_at_first_sight_is_none_when_looked_at_again() {
    let mut conn = server(Delivery::Messages);
    feed(&mut conn, masked(0x8A, b"")).unwrap();
    assert!(conn.rx.is_at_ease());
    // Unmasked once more it would be text.
    let mut bytes = [0x81, 0x82, 0x80, 0x80, 0x80, 0x80, b'a', b'b'];
    let most = conn.rx.most();
    let whole = Whole::at_first_sight(&bytes, Role::Server, most).unwrap();
    assert!(whole.open(&mut bytes).is_none());
    conn.rx.look_again(&whole);
    assert!(!conn.rx.is_at_ease());
    assert_eq!(feed(&mut conn, bytes.to_vec()), Err(Violation::InvalidUtf8));
}

#[test]
fn the_configuration_may_be_another_one_before_the_first_frame() {
    let mut conn = server(Delivery::Messages);
    assert_eq!(conn.rx.config_number(), 0);
    let other = Config {
        number: 7,
        limits: Limits::with_max_message(3),
        ..Config::default()
    };
    conn.rx.set_config(Arc::new(other));
    assert_eq!((conn.rx.config_number(), conn.rx.most()), (7, 3));
}

#[test]
fn a_server_that_has_nothing_in_its_way_sends_as_it_is() {
    let data = [b'a'; 300];
    for len in [0, 1, 125, 126, 300] {
        for kind in [MessageKind::Text, MessageKind::Binary] {
            let conn = server(Delivery::Messages);
            let mut plain = Vec::new();
            assert!(conn.tx.is_plain());
            conn.tx.plain(kind, &data[..len], &mut plain).unwrap();
            let mut other = server(Delivery::Messages);
            let mut out = Outbound::server(Vec::new());
            let text = core::str::from_utf8(&data[..len]).unwrap();
            match kind {
                MessageKind::Text => other.tx.text(text, &mut out).unwrap(),
                MessageKind::Binary => other.tx.binary(&data[..len], &mut out).unwrap(),
            }
            assert_eq!(plain, out.sink, "{kind:?} {len}");
        }
    }
}

#[test]
fn whatever_else_is_not_sent_as_it_is() {
    let client = Connection::client(Arc::default());
    let mut closing = server(Delivery::Messages);
    let mut fragmented = server(Delivery::Messages);
    let mut out = Outbound::server(Vec::new());
    closing.tx.close(CloseCode::NORMAL, "", &mut out).unwrap();
    let begin = (MessageKind::Text, b"begun", false);
    fragmented
        .tx
        .fragment(begin.0, begin.1, begin.2, &mut out)
        .unwrap();
    for conn in [client, closing, fragmented] {
        let mut sink = Vec::new();
        assert!(!conn.tx.is_plain());
        assert_eq!(conn.tx.plain(MessageKind::Text, b"a", &mut sink), None);
        assert!(sink.is_empty());
    }
}

/// Each input, what `next` says of it, and in two steps.
#[test]
fn in_two_steps_it_comes_to_the_same() {
    let inputs = [
        masked(0x81, b"text"),
        masked(0x82, b"\xFF"),
        masked(0x89, b"ping"),
        masked(0x8A, b""),
        [masked(0x01, b"a"), masked(0x00, b"b"), masked(0x80, b"c")].concat(),
        masked(0x88, &[0x03, 0xE8]),
        masked(0x81, b"part")[..7].to_vec(),
        masked(0x81, b"part")[..1].to_vec(),
        masked(0x81, b"\xFF"),
        [masked(0x01, b"a"), masked(0x80, b"\xFF")].concat(),
        masked(0xC1, b"not compressed"),
        [masked(0x81, b"one"), masked(0x82, b"two")].concat(),
    ];
    // Behind a first message, a receiver takes others at first sight.
    let befores = [Vec::new(), masked(0x81, b"first")];
    for delivery in [Delivery::Messages, Delivery::Frames, Delivery::Chunks] {
        for (before, input) in befores
            .iter()
            .flat_map(|before| inputs.iter().map(move |input| (before, input)))
        {
            let begun = || {
                let mut conn = server(delivery);
                feed(&mut conn, before.clone()).unwrap();
                (conn, Inbound::new(), input.clone())
            };
            let (mut conn, mut inbound, mut bytes) = begun();
            let mut out = Outbound::server(Vec::new());
            let step = conn
                .rx
                .next(&mut bytes, &mut inbound, &mut conn.tx, &mut out);
            let one = step.map(|step| (step.consumed, alloc::format!("{:?}", step.event)));
            let one = (one, out.sink);

            let (mut conn, mut inbound, mut bytes) = begun();
            let mut out = Outbound::server(Vec::new());
            let two = in_two_steps(&mut conn, &mut bytes, &mut inbound, &mut out);
            assert_eq!((two, out.sink), one, "{delivery:?} {input:x?}");
        }
    }
}

fn in_two_steps(
    conn: &mut Connection,
    bytes: &mut [u8],
    inbound: &mut Inbound,
    out: &mut Outbound<'_, Vec<u8>>,
) -> Result<(usize, alloc::string::String), Violation> {
    let mut place = Place::NOWHERE;
    assert!(conn.rx.lend(&place, bytes, Some(inbound)).is_none());
    let (rx, tx) = (&mut conn.rx, &mut conn.tx);
    let (found, consumed, need) = rx.find(&mut place, bytes, inbound, tx, out)?;
    assert!(!place.is_inflated());
    if !found {
        assert!(need > 0 || consumed > 0);
        return Ok((consumed, "None".into()));
    }
    let lent = rx.lend(&place, bytes, Some(inbound));
    let event = lent.map(|event| alloc::format!("{:?}", Some(event)));
    match event {
        Some(event) => Ok((consumed, event)),
        None => {
            let violation = tx.break_off(out);
            assert_eq!(tx.state(), State::Failed);
            Err(violation)
        }
    }
}

#[test]
fn what_is_inflated_is_lent_from_where_it_was_inflated_to() {
    let inflated = [
        Found::Inflated(MessageKind::Text),
        Found::Message(MessageKind::Text, 0..1),
        Found::Assembled(MessageKind::Binary),
    ];
    let is_inflated = inflated.map(|found| Place::of(found).is_inflated());
    assert_eq!(is_inflated, [true, false, false]);
}

#[test]
fn data_is_what_belongs_to_a_message() {
    for (first, is_data) in [(0x81, true), (0x82, true), (0x89, false), (0x8A, false)] {
        let mut conn = server(Delivery::Messages);
        let (mut inbound, mut bytes) = (Inbound::new(), masked(first, b"a"));
        let mut out = Outbound::server(Vec::new());
        let step = conn
            .rx
            .next(&mut bytes, &mut inbound, &mut conn.tx, &mut out);
        assert_eq!(
            step.unwrap().event.map(|event| event.is_data()),
            Some(is_data)
        );
    }
    let mut conn = server(Delivery::Chunks);
    let (mut inbound, mut bytes) = (Inbound::new(), masked(0x81, b"a"));
    let mut out = Outbound::server(Vec::new());
    let step = conn
        .rx
        .next(&mut bytes, &mut inbound, &mut conn.tx, &mut out);
    assert!(
        step.unwrap()
            .event
            .is_some_and(|event| matches!(event, Event::Part(_)) && event.is_data())
    );
}

#[cfg(feature = "deflate")]
#[test]
fn what_a_peer_was_sent_that_no_compressor_has_seen_is_not_referred_to() {
    use crate::proto::deflate::{Compressor, Params, Policy};

    let mut conn = server(Delivery::Messages);
    assert!(conn.tx.deflate().is_none());
    conn.set_deflate(Params::default().agreed());
    assert!(conn.tx.deflate().is_some() && !conn.tx.is_plain());
    let mut compressor = Compressor::new(&Policy::default());
    let mut send = |conn: &mut Connection| {
        let mut out = Outbound::server(Vec::new()).deflate(&mut compressor);
        let text = (0..999_u32).map(|n| char::from(b'a' + (n * n % 23) as u8));
        let text: alloc::string::String = text.collect();
        conn.tx.text(&text, &mut out).unwrap();
        out.sink.len()
    };
    let (first, again) = (send(&mut conn), send(&mut conn));
    conn.tx.note_foreign();
    assert!(again < first);
    assert_eq!(send(&mut conn), first);
}
