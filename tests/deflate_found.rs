//! What the fuzzers of compression have found, one test for each.
#![cfg(feature = "deflate")]
#![allow(clippy::cast_possible_truncation, clippy::unwrap_used)]

use sockeye::proto::deflate::{ClientBits, Compressor, Params, Policy};
use sockeye::proto::{Config, Connection, Delivery, Event, Inbound, Outbound, Role, Violation};
use std::sync::Arc;

/// What a client hears of these bytes in pieces of this size: all its data, and what is wrong. And the connection.
fn heard(
    delivery: Delivery,
    bits: u8,
    wire: &[u8],
    size: usize,
) -> (Vec<u8>, Option<Violation>, Connection) {
    let mut config = Config::default();
    config.delivery = delivery;
    let mut conn = Connection::new(Role::Client, Arc::new(config));
    let params = Params {
        server_max_window_bits: Some(bits),
        client_max_window_bits: ClientBits::Absent,
        ..Params::default()
    };
    conn.set_deflate(params.agreed());
    let mut inbound = Inbound::new();
    let mut keys = || [0; 4];
    let mut out = Outbound::client(Vec::new(), &mut keys);
    let (mut data, mut buffer) = (Vec::new(), Vec::new());
    for piece in wire.chunks(size) {
        buffer.extend_from_slice(piece);
        let mut at = 0;
        loop {
            let step = match conn
                .rx
                .next(&mut buffer[at..], &mut inbound, &mut conn.tx, &mut out)
            {
                Ok(step) => step,
                Err(violation) => return (data, Some(violation), conn),
            };
            at += step.consumed;
            match step.event {
                Some(Event::Text(text)) => data.extend_from_slice(text.as_bytes()),
                Some(Event::Part(part)) => data.extend_from_slice(part.data),
                Some(event) => panic!("{event:?}"),
                None => break,
            }
        }
        buffer.drain(..at);
    }
    (data, None, conn)
}

const ALL: [Delivery; 3] = [Delivery::Messages, Delivery::Frames, Delivery::Chunks];

/// RFC 7692 section 7.2.1 removes the tail of an empty stored block, and lets any block be a last one.
#[test]
fn the_block_that_the_tail_completes_may_be_a_last_one() {
    for (payload, text) in [
        (&b"\x01"[..], &b""[..]),
        (b"\xf2\x48\xcd\xc9\xc9\x07\x04", b"Hello"),
    ] {
        let wire = [&[0xC1, payload.len() as u8], payload].concat();
        // The next message goes on.
        let wire = [&wire[..], b"\xc1\x07\xf2\x48\xcd\xc9\xc9\x07\x00"].concat();
        for delivery in ALL {
            let (data, fault, _) = heard(delivery, 15, &wire, 1 << 10);
            assert_eq!(
                (fault, data),
                (None, [text, b"Hello"].concat()),
                "{payload:02x?} {delivery:?}"
            );
        }
    }
}

/// `h` and the first byte of a character, and then the message ends.
#[test]
fn what_is_delivered_before_a_fault_does_not_depend_on_the_pieces() {
    let wire = b"\xc1\x04\xca\x38\x0c\x00";
    let whole = heard(Delivery::Chunks, 15, wire, wire.len());
    let bytes = heard(Delivery::Chunks, 15, wire, 1);
    assert_eq!(whole.1, Some(Violation::InvalidUtf8));
    assert_eq!((bytes.0, bytes.1), (whole.0, whole.1));
}

/// A window of 512 bytes, and a message of 40 000 in one block.
#[test]
fn between_messages_no_more_is_held_than_the_window() {
    let data = [b'x'; 40_000];
    let mut payload = vec![0x00];
    payload.extend_from_slice(&40_000_u16.to_le_bytes());
    payload.extend_from_slice(&(!40_000_u16).to_le_bytes());
    payload.extend_from_slice(&data);
    payload.push(0x00);
    let mut wire = vec![0xC1, 126];
    wire.extend_from_slice(&(payload.len() as u16).to_be_bytes());
    wire.extend_from_slice(&payload);
    for delivery in ALL {
        let (said, fault, conn) = heard(delivery, 9, &wire, 4 << 10);
        assert_eq!((fault, said.len()), (None, data.len()));
        let held = conn.heap_bytes();
        assert!(held <= 512 + 256, "{delivery:?}: {held}");
    }
}

/// Messages that do not get smaller, one after the other, by every size of window: what the library still holds of one
/// that it could not finish must be gone before the next one.
#[test]
fn what_does_not_pay_leaves_nothing_behind() {
    for bits in 9..=15 {
        let params = Params {
            server_max_window_bits: Some(bits),
            ..Params::default()
        };
        let mut compressor = Compressor::new(&Policy::default());
        let mut conn = Connection::new(Role::Server, Arc::default());
        conn.set_deflate(params.agreed());
        let mut state = 1_u32;
        for sent in 0..400 {
            let data: Vec<u8> = (0..300)
                .map(|_| {
                    state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                    (state >> 24) as u8
                })
                .collect();
            let mut out = Outbound::server(Vec::new()).deflate(&mut compressor);
            conn.tx.binary(&data, &mut out).unwrap();
            assert_eq!(out.sink[0], 0x82, "{bits} bits, message {sent}");
            assert_eq!(out.sink[4..], data);
        }
    }
}
