//! What holds for every connection: lending without copying, linear work, small size, one answer per fault.

use crate::replay::replay;
use crate::rows::{Expected, With};
use crate::wire;
use sockeye::proto::handshake::server::RequestParser;
use sockeye::proto::{
    CloseCode, Config, Connection, Delivery, Event, Inbound, Limits, Outbound, Role, Violation,
};
use std::sync::Arc;

fn roles() -> [Role; 2] {
    [Role::Server, Role::Client]
}

fn connection(role: Role, delivery: Delivery) -> Connection {
    let mut config = Config::default();
    config.limits = Limits::with_max_message(1 << 30);
    config.delivery = delivery;
    Connection::new(role, Arc::new(config))
}

/// Feeds `input` once; gives back where the event's bytes lie, counted from the front of the input, and how many
/// there are.
fn lent_from(conn: &mut Connection, input: &mut [u8]) -> (isize, usize) {
    let start = input.as_ptr() as isize;
    let mut keys = wire::Counting::default();
    let mut out = Outbound::client(Vec::new(), &mut keys);
    let mut inbound = Inbound::new();
    let step = conn
        .rx
        .next(input, &mut inbound, &mut conn.tx, &mut out)
        .unwrap();
    let bytes = match step.event.expect("an event") {
        Event::Text(text) => text.as_bytes(),
        Event::Binary(data) | Event::Ping(data) | Event::Pong(data) => data,
        Event::Part(part) => part.data,
        Event::Close(close) => close.reason.as_bytes(),
    };
    (bytes.as_ptr() as isize - start, bytes.len())
}

#[test]
#[cfg_attr(miri, ignore = "takes too long")]
fn a_message_in_one_read_is_lent_from_the_input() {
    for role in roles() {
        let key = if role == Role::Server { 4 } else { 0 };
        for (first, len, head) in [
            (0x81, 5, 2),
            (0x82, 5, 2),
            (0x81, 300, 4),
            (0x82, 70_000, 10),
            (0x89, 125, 2),
            (0x8A, 1, 2),
        ] {
            for delivery in [Delivery::Messages, Delivery::Frames, Delivery::Chunks] {
                let mut conn = connection(role, delivery);
                let mut input = wire::frame(role, first, &vec![b'a'; len]);
                let got = lent_from(&mut conn, &mut input);
                assert_eq!(got, (head + key, len), "{first:x} {delivery:?}");
                assert_eq!(conn.rx.heap_bytes(), 0);
            }
        }
        let mut input = wire::frame(role, 0x88, b"\x03\xe8bye");
        let got = lent_from(&mut connection(role, Delivery::Messages), &mut input);
        assert_eq!(got, (2 + key + 2, 3));
    }
}

#[test]
fn a_message_that_spans_reads_is_lent_from_the_input_too() {
    for role in roles() {
        let mut conn = connection(role, Delivery::Messages);
        let mut input = wire::frame(role, 0x81, "grün ".repeat(100).as_bytes());
        let len = input.len();
        let mut out = Outbound::server(Vec::new());
        let mut inbound = Inbound::new();
        for have in 0..len {
            let step = conn
                .rx
                .next(&mut input[..have], &mut inbound, &mut conn.tx, &mut out)
                .unwrap();
            assert_eq!((step.consumed, step.event), (0, None));
            // A hint that is never too much.
            assert!(step.need > 0 && step.need <= len - have);
        }
        let head = if role == Role::Server { 8 } else { 4 };
        let got = lent_from(&mut conn, &mut input);
        assert_eq!(got, (head, 600));
        assert_eq!(conn.rx.heap_bytes(), 0);
    }
}

/// Once unmasked, payload is left alone: what the test writes over it between two calls is what comes out. A core
/// that went over it again would mask it again.
#[test]
fn payload_is_unmasked_once() {
    let len = 1 << 12;
    let mut conn = connection(Role::Server, Delivery::Messages);
    let mut input = wire::frame(Role::Server, 0x82, &vec![0; len]);
    let whole = input.len();
    let head = whole - len;
    let mut out = Outbound::server(Vec::new());
    let mut inbound = Inbound::new();
    for have in 0..whole {
        let step = conn
            .rx
            .next(&mut input[..have], &mut inbound, &mut conn.tx, &mut out)
            .unwrap();
        assert_eq!(step.event, None);
        if have > head {
            assert_eq!(input[have - 1], 0, "unmasked as it arrives");
            input[have - 1] = u8::try_from(have % 251).unwrap();
        }
    }
    let step = conn
        .rx
        .next(&mut input, &mut inbound, &mut conn.tx, &mut out)
        .unwrap();
    let Some(Event::Binary(data)) = step.event else {
        panic!("{step:?}");
    };
    for (i, byte) in data[..len - 1].iter().enumerate() {
        assert_eq!(usize::from(*byte), (head + i + 1) % 251);
    }
}

/// Once judged, text is left alone until the whole message is lent: spoiling it in between goes unnoticed.
#[test]
fn text_is_judged_as_it_arrives_and_once_more_when_lent() {
    for role in roles() {
        let mut conn = connection(role, Delivery::Messages);
        let mut input = wire::frame(role, 0x81, &[b'a'; 1000]);
        let whole = input.len();
        let mut out = Outbound::server(Vec::new());
        let mut inbound = Inbound::new();
        let mut next = |input: &mut [u8]| {
            let (rx, tx) = (&mut conn.rx, &mut conn.tx);
            rx.next(input, &mut inbound, tx, &mut out)
                .map(|step| step.event.is_some())
        };
        assert_eq!(next(&mut input[..200]), Ok(false));
        input[10..190].fill(0xFF);
        for have in 200..whole {
            assert_eq!(next(&mut input[..have]), Ok(false));
        }
        // The lent `&str` is sound whatever the caller did to its buffer.
        assert_eq!(next(&mut input), Err(Violation::InvalidUtf8));
    }
}

/// A core that looked at the whole frame on every call would visit 2^39 bytes here and not finish.
#[test]
#[cfg_attr(miri, ignore = "takes too long")]
fn a_mebibyte_one_byte_at_a_time() {
    let text: String = ('a'..='z').cycle().take(1 << 20).collect();
    for role in roles() {
        for delivery in [Delivery::Messages, Delivery::Frames, Delivery::Chunks] {
            let with = With {
                delivery,
                ..With::default()
            };
            let wire = wire::frame(role, 0x81, text.as_bytes());
            let (bytewise, _) = replay(role, &with, &wire, 1..wire.len());
            let (whole, _) = replay(role, &with, &wire, []);
            assert_eq!(bytewise, whole);
            assert_eq!(bytewise.events.len(), 1);
        }
    }
}

/// The same for fragments: a core that went over the message with each of them would visit 2^39 bytes.
#[test]
#[cfg_attr(miri, ignore = "takes too long")]
fn a_million_fragments_of_one_byte() {
    let count = 1 << 20;
    for role in roles() {
        let with = With {
            max_fragments: Some(u32::MAX),
            ..With::default()
        };
        let mut wire = wire::frame(role, 0x01, b"a");
        wire.extend(wire::frame(role, 0x00, b"b").repeat(count - 2));
        wire.extend(wire::frame(role, 0x80, b"c"));
        let (outcome, _) = replay(role, &with, &wire, []);
        let text = ["a", &"b".repeat(count - 2), "c"].concat();
        assert_eq!(outcome.events, [Expected::Text(text.into_bytes())]);
    }
}

#[test]
fn what_a_message_was_lent_from_can_be_freed_at_once() {
    for role in roles() {
        let mut conn = connection(role, Delivery::Messages);
        let mut input = wire::frame(role, 0x02, &[7; 3000]);
        input.extend(wire::frame(role, 0x80, &[7; 3000]));
        let mut out = Outbound::server(Vec::new());
        let mut inbound = Inbound::new();
        let step = conn
            .rx
            .next(&mut input, &mut inbound, &mut conn.tx, &mut out)
            .unwrap();
        assert_eq!(step.event, Some(Event::Binary(&[7; 6000])));
        assert!(conn.rx.heap_bytes() >= 6000);
        conn.rx.release();
        assert_eq!(conn.rx.heap_bytes(), 0);
    }
}

/// What a driver keeps from one read to the next may move between threads, as tasks of a runtime do.
#[test]
fn everything_a_driver_holds_can_be_sent() {
    const fn sent<T: Send>() {}
    sent::<RequestParser>();
    sent::<Connection>();
    sent::<Inbound>();
    sent::<Outbound<'_, Vec<u8>>>();
}

#[test]
fn a_connection_is_small() {
    assert!(size_of::<Connection>() <= 80, "{}", size_of::<Connection>());
}

#[test]
fn every_violation_fits_a_close_frame() {
    let codes = [
        CloseCode::PROTOCOL_ERROR,
        CloseCode::INVALID_PAYLOAD,
        CloseCode::POLICY_VIOLATION,
        CloseCode::MESSAGE_TOO_BIG,
        CloseCode::TRY_AGAIN_LATER,
    ];
    for (i, violation) in Violation::ALL.iter().enumerate() {
        let text = violation.text();
        assert!(!text.is_empty() && text.len() <= 123, "{violation:?}");
        assert!(text.is_ascii() && !text.ends_with('.'), "{violation:?}");
        assert!(text.starts_with(|c: char| c.is_ascii_lowercase()), "{text}");
        assert_eq!(violation.to_string(), text);
        assert!(codes.contains(&violation.close_code()), "{violation:?}");
        let section = violation.section();
        let section = section.strip_prefix("RFC 7692 ").unwrap_or(section);
        assert!(
            section.split('.').all(|n| n.parse::<u8>().is_ok()),
            "{section}"
        );
        let later = &Violation::ALL[i + 1..];
        assert!(!later.contains(violation), "{violation:?} twice");
        assert!(later.iter().all(|v| v.text() != text), "{text} twice");
    }
}

/// The answers of RFC 6455 section 7.4.1, written out, and 1013: nothing but these kinds of fault.
/// Shows 6455-7.4.1-13.
#[test]
fn every_violation_has_its_code() {
    let table = [
        (Violation::ReservedBits, 1002),
        (Violation::ReservedOpcode, 1002),
        (Violation::FragmentedControl, 1002),
        (Violation::ControlTooLong, 1002),
        (Violation::MaskMissing, 1002),
        (Violation::MaskUnexpected, 1002),
        (Violation::LengthNotMinimal, 1002),
        (Violation::LengthTooLong, 1002),
        (Violation::UnexpectedContinuation, 1002),
        (Violation::ExpectedContinuation, 1002),
        (Violation::CloseTooShort, 1002),
        (Violation::CloseCodeForbidden, 1002),
        (Violation::InvalidReason, 1007),
        (Violation::InvalidUtf8, 1007),
        (Violation::FrameTooBig, 1009),
        (Violation::MessageTooBig, 1009),
        (Violation::TooManyFragments, 1008),
        (Violation::InvalidDeflate, 1007),
        (Violation::TooManyLastBlocks, 1008),
        (Violation::NoInflater, 1013),
    ];
    for (violation, code) in table {
        assert_eq!(violation.close_code().get(), code, "{violation:?}");
    }
    assert_eq!(table.len(), Violation::ALL.len());
}

#[test]
fn the_first_error_sticks() {
    for role in roles() {
        for &bad in &[0x83, 0x80, 0xC1] {
            let mut conn = connection(role, Delivery::Messages);
            let mut keys = wire::Counting::default();
            let mut out = Outbound::client(Vec::new(), &mut keys);
            let mut inbound = Inbound::new();
            let (rx, tx) = (&mut conn.rx, &mut conn.tx);
            let first = rx
                .next(&mut [bad], &mut inbound, tx, &mut out)
                .expect_err("a violation");
            let written = out.sink.clone();
            for mut again in [
                Vec::new(),
                wire::frame(role, 0x81, b"text"),
                wire::frame(role, 0x88, &[3, 232]),
                vec![0xFF; 40],
            ] {
                let result = rx.next(&mut again, &mut inbound, tx, &mut out);
                assert_eq!(result.expect_err("the same"), first);
                assert_eq!(out.sink, written);
            }
        }
    }
}
