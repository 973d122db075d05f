//! What a step waits for: never more than is missing, or a driver that waits for as much would wait for ever.
//!
//! Not here: headers by themselves (`headers`).

use crate::wire::{self, Counting};
use sockeye::proto::{Config, Connection, Delivery, Inbound, Outbound, Role};
use std::sync::Arc;

const DELIVERIES: [Delivery; 3] = [Delivery::Messages, Delivery::Frames, Delivery::Chunks];

/// What a connection that was fed nothing before says of the first `have` bytes of a frame: how many it took, and how
/// many more it waits for.
fn waits_for(role: Role, delivery: Delivery, frame: &[u8], have: usize) -> (usize, usize) {
    let mut config = Config::default();
    config.delivery = delivery;
    let mut conn = Connection::new(role, Arc::new(config));
    let mut keys = Counting::default();
    let mut out = Outbound::client(Vec::new(), &mut keys);
    let mut inbound = Inbound::new();
    let mut input = frame[..have].to_vec();
    let step = conn
        .rx
        .next(&mut input, &mut inbound, &mut conn.tx, &mut out)
        .unwrap();
    if let Some(sockeye::proto::Event::Part(part)) = &step.event {
        assert!(delivery == Delivery::Chunks && !part.ends_frame);
        return (step.consumed, 1);
    }
    assert!(step.event.is_none(), "{have} bytes are no frame");
    (step.consumed, step.need)
}

#[test]
fn a_frame_waits_for_exactly_what_is_missing() {
    for role in [Role::Server, Role::Client] {
        for (first, len) in [
            (0x81, 1),
            (0x82, 10),
            (0x01, 40),
            (0x82, 130),
            (0x89, 10),
            (0x8A, 125),
        ] {
            let frame = wire::frame(role, first, &vec![b'a'; len]);
            let head = frame.len() - len;
            for delivery in DELIVERIES {
                for have in 1..frame.len() {
                    let (consumed, need) = waits_for(role, delivery, &frame, have);
                    let missing = frame.len() - have;
                    let what = format!("{role:?} {first:x} {delivery:?}: {have} of {len}");
                    assert!(need > 0 && need <= missing, "{what}: {need}");
                    let whole = delivery != Delivery::Chunks || first >= 0x88;
                    if have >= head && whole {
                        assert_eq!((consumed, need), (0, missing), "{what}");
                    }
                }
            }
        }
    }
}

/// A close is judged as it comes in, and waits for its rest all the same.
#[test]
fn a_close_waits_for_exactly_what_is_missing() {
    for role in [Role::Server, Role::Client] {
        let frame = wire::frame(role, 0x88, b"\x03\xe8bye");
        for have in frame.len() - 5..frame.len() {
            let got = waits_for(role, Delivery::Messages, &frame, have);
            assert_eq!(got, (0, frame.len() - have), "{role:?} {have}");
        }
    }
}
