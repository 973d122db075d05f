//! Room for what is announced, and the limits that nobody set (V08 to V11 and V13).

#[cfg(feature = "server")]
use crate::counting;
use crate::judge::{DELIVERIES, ROLES, header, unheard};
use crate::lengths::{EDGES, connection, feed};
use crate::replay::replay;
use crate::rows::With;
use crate::wire;
use sockeye::proto::{Connection, Violation};
use std::sync::Arc;

/// RUSTSEC-2022-0035 (CVE-2022-35922): room was made for the length announced, and an allocation that fails ends the
/// process. Here 2^62 bytes may come, and nothing is allocated before they do.
#[test]
fn v08_room_is_made_for_what_is_only_announced() {
    for role in ROLES {
        for first in [0x01, 0x02, 0x81, 0x82] {
            for len in EDGES {
                let mut conn = connection(role, u64::MAX);
                let fed = feed(&mut conn, &mut header(role, first, len));
                assert_eq!((fed.error, fed.calls), (None, 0), "{len:x}");
                assert!(fed.most <= 0, "{} B for nothing", fed.most);
            }
        }
    }
}

/// A report of Java-WebSocket (its number 1507): by default a frame of 2 GiB was good, and allocated for ten bytes. Here
/// the default is a mebibyte, and the header is refused.
#[test]
fn v09_two_gibibytes_are_good_by_default() {
    for role in ROLES {
        for len in [(1 << 20) + 1, 64 << 20, (1 << 31) - 1] {
            let head = header(role, 0x82, len);
            let mut conn = Connection::new(role, Arc::default());
            let fed = feed(&mut conn, &mut head.clone());
            assert_eq!(fed.error, Some(Violation::FrameTooBig));
            assert!(fed.most <= 0, "{} B for {len}", fed.most);
            let at = head.len();
            unheard(role, &With::default(), &head, at, Violation::FrameTooBig);
        }
    }
}

/// CVE-2016-10542, CVE-2016-10544, CVE-2018-21035: limits of 256 MiB, 2 GiB and none, unless somebody thought of them.
/// Here a message of more than a mebibyte is refused by who has set nothing, in a frame and in many.
#[test]
fn v10_the_limit_that_nobody_set_is_none() {
    const LIMIT: usize = 1 << 20;
    for role in ROLES {
        let head = header(role, 0x82, LIMIT as u64);
        let whole = [head, vec![0; LIMIT]].concat();
        let (outcome, _) = replay(role, &With::default(), &whole, []);
        assert_eq!((outcome.error, outcome.events.len()), (None, 1));
        let half = wire::frame(role, 0x02, &vec![0; LIMIT / 2]);
        let rest = wire::frame(role, 0x80, &vec![0; LIMIT / 2 + 1]);
        let both = [half, rest].concat();
        let (outcome, _) = replay(role, &With::default(), &both, []);
        assert_eq!(outcome.error, Some(Violation::MessageTooBig));
        assert_eq!(outcome.events, []);
    }
}

/// CVE-2026-54274 (GHSA-xcgm-r5h9-7989): the limit was asked for whole frames alone, and each small read of one that was
/// not whole was kept as an object, 28 bytes for each that came. Here what is held is at most twice what came.
#[cfg(feature = "server")]
#[test]
fn v11_a_frame_that_drips_is_held_many_times_over() {
    use crate::frames::{BINARY, FIN, head};
    use crate::harness::Sim;
    const SENT: usize = 20_000;
    let mut sim = Sim::new();
    // The first one leaves the loop its buffers.
    for own in [2 << 20, 4096] {
        let client = sim.open();
        client.conn.reserve(SENT);
        let before = counting::held();
        client.push(&head(FIN | BINARY, 900_000));
        for _ in 0..SENT {
            client.push(b"x");
            sim.turn();
        }
        let held = usize::try_from(counting::held() - before).unwrap_or(0);
        assert_eq!(client.conn.unreceived(), 0);
        assert!(held <= 2 * SENT + own, "{held} B for {SENT}");
        client.conn.end();
        sim.settle();
    }
}

/// Reports of Netty (283, 284) and others: there was no limit for a frame at all. Here there is one for every way to
/// write a length, and in every delivery, and nothing of what follows is heard.
#[test]
fn v13_a_frame_has_no_limit_at_all() {
    for role in ROLES {
        for (limit, len) in [(16, 17), (200, 201), (0xFFFF, 0x1_0000), (100_000, 100_001)] {
            let mut bytes = wire::frame(role, 0x82, &vec![7; len]);
            let at = bytes.len() - len;
            bytes.truncate(at + 100.min(len));
            bytes.extend(wire::frame(role, 0x81, b"more"));
            for delivery in DELIVERIES {
                let with = With {
                    delivery,
                    max_frame: Some(limit),
                    ..With::default()
                };
                unheard(role, &with, &bytes, at, Violation::FrameTooBig);
            }
        }
    }
}
