//! Lengths that are announced: arithmetic on them, and what is copied by them (V01 to V07, V12, V14 and V15).

use crate::counting;
use crate::judge::{DELIVERIES, ROLES, header, judge, refused_at, unheard};
use crate::rows::{Expected, With};
use crate::wire;
use sockeye::proto::handshake::{HandshakeError, HeadLimits, server};
use sockeye::proto::{
    Config, Connection, Delivery, Event, Inbound, Limits, Outbound, Role, Violation,
};
use std::sync::Arc;

/// Limits that let everything pass.
fn unlimited() -> With {
    With {
        max_frame: Some(u64::MAX),
        max_message: Some(u64::MAX),
        max_fragments: Some(u32::MAX),
        ..With::default()
    }
}

/// Lengths at which numbers of some width end, or turn negative.
pub const EDGES: [u64; 10] = [
    (1 << 20) + 1,
    (1 << 31) - 1,
    1 << 31,
    (1 << 32) - 1,
    1 << 32,
    1 << 53,
    (1 << 53) + 1,
    1 << 62,
    (1 << 63) - 5,
    (1 << 63) - 1,
];

/// Those whose most significant bit is set (RFC 6455 section 5.2).
const NEGATIVE: [u64; 6] = [
    1 << 63,
    (1 << 63) + 5,
    0xFFFF_FFFF_0000_0000,
    u64::MAX - 13,
    u64::MAX - 3,
    u64::MAX,
];

/// What a connection makes of bytes in one call.
pub struct Fed {
    pub error: Option<Violation>,
    pub consumed: usize,
    /// Bytes held at once beyond what was there before.
    pub most: isize,
    /// Calls to the allocator.
    pub calls: usize,
}

/// Feeds bytes once; nothing here allocates but what is under test.
pub fn feed(conn: &mut Connection, bytes: &mut [u8]) -> Fed {
    let mut keys = wire::Counting::default();
    let mut inbound = Inbound::new();
    let mut out = Outbound::client(Vec::with_capacity(256), &mut keys);
    counting::most_held();
    let (held, calls) = (counting::held(), counting::calls());
    let step = conn.rx.next(bytes, &mut inbound, &mut conn.tx, &mut out);
    let (error, consumed) = match step {
        Ok(step) => {
            assert!(step.event.is_none(), "an event of a header");
            (None, step.consumed)
        }
        Err(violation) => (Some(violation), 0),
    };
    Fed {
        error,
        consumed,
        most: counting::most_held() - held,
        calls: counting::calls() - calls,
    }
}

pub fn connection(role: Role, max: u64) -> Connection {
    let mut config = Config::default();
    config.limits = Limits {
        max_fragments: u32::MAX,
        ..Limits::with_max_message(max)
    };
    Connection::new(role, Arc::new(config))
}

/// CVE-2020-27813 (GO-2020-0019): the length of a continuation was added to a signed counter of what is left. Here a byte
/// is held, and the continuation announces 2^63-1 more: refused by its header, and where the limit is 2^64-1, waited for.
#[test]
fn v01_a_length_that_overflows_what_was_received_so_far() {
    for role in ROLES {
        let begun = wire::frame(role, 0x01, b"a");
        for len in EDGES {
            let bytes = [begun.clone(), header(role, 0x80, len)].concat();
            let frame_limit = With {
                max_frame: Some(u64::MAX),
                ..With::default()
            };
            let at = bytes.len();
            unheard(role, &frame_limit, &bytes, at, Violation::MessageTooBig);
            let outcome = judge(role, &unlimited(), &bytes);
            assert_eq!((outcome.error, outcome.events), (None, vec![]));
        }
        // To the last byte of the sum: 2^63-1 more are 2^63, one beyond this limit.
        let sum = With {
            max_message: Some((1 << 63) - 1),
            ..unlimited()
        };
        let bytes = [begun.clone(), header(role, 0x80, (1 << 63) - 1)].concat();
        let at = bytes.len();
        unheard(role, &sum, &bytes, at, Violation::MessageTooBig);
        let bytes = [begun, header(role, 0x80, (1 << 63) - 2)].concat();
        assert_eq!(judge(role, &sum, &bytes).error, None);
    }
}

/// CVE-2020-13935: a wrong length had the reader go round for ever. Here each call says that it is wrong, or takes bytes,
/// or waits for more, and does so again where it is asked again.
#[test]
fn v02_a_wrong_length_has_the_reader_go_round_for_ever() {
    for role in ROLES {
        for len in EDGES
            .into_iter()
            .chain(NEGATIVE)
            .chain([0, 125, 126, 0xFFFF])
        {
            let bytes = [header(role, 0x82, len), vec![0; 64]].concat();
            for cut in 1..=bytes.len() {
                let mut conn = connection(role, 1 << 20);
                let mut rest = bytes[..cut].to_vec();
                let mut calls = 0;
                // Neither wrong nor waiting, it has taken something.
                loop {
                    calls += 1;
                    assert!(calls <= cut + 1, "{len:x} goes round");
                    let fed = feed(&mut conn, &mut rest);
                    if fed.error.is_some() || fed.consumed == 0 {
                        let again = feed(&mut conn, &mut rest);
                        assert_eq!((again.error, again.consumed), (fed.error, 0));
                        break;
                    }
                    rest.drain(..fed.consumed);
                }
            }
        }
    }
}

/// CVE-2026-50161: `4 + length` wrapped for 2^64-4, and fourteen bytes unmasked all of the heap. Here they are refused,
/// and what lies behind them is as it was.
#[test]
fn v03_a_length_that_wraps_where_the_key_is_added() {
    for role in ROLES {
        for len in (u64::MAX - 14..=u64::MAX).chain(NEGATIVE) {
            let bytes = header(role, 0x82, len);
            let mut buffer = [bytes.clone(), vec![0xA5; 4096]].concat();
            let fed = feed(&mut connection(role, u64::MAX), &mut buffer);
            assert_eq!(fed.error, Some(Violation::LengthTooLong), "{len:x}");
            assert!(buffer[bytes.len()..].iter().all(|byte| *byte == 0xA5));
            // The length is whole with the tenth byte.
            unheard(role, &unlimited(), &bytes, 10, Violation::LengthTooLong);
        }
    }
}

/// CVE-2026-1528: a server's 64-bit length threw what nobody caught, and took the client's process along. Here it is a
/// value, and the client has said goodbye.
#[test]
fn v04_a_servers_length_ends_the_clients_process() {
    for first in [0x01, 0x02, 0x81, 0x82] {
        for (len, reason) in [
            (EDGES.as_slice(), Violation::FrameTooBig),
            (&NEGATIVE, Violation::LengthTooLong),
        ]
        .into_iter()
        .flat_map(|(lens, reason)| lens.iter().map(move |len| (*len, reason)))
        {
            for delivery in DELIVERIES {
                let with = With {
                    delivery,
                    ..With::default()
                };
                let bytes = header(Role::Client, first, len);
                unheard(Role::Client, &with, &bytes, 10, reason);
            }
        }
    }
}

/// CVE-2026-54466: the drafts' lengths go on as long as bytes have their high bit. Here drafts are refused by their
/// request, and their frames by the first byte.
#[test]
fn v05_a_length_in_the_drafts_manner_without_end() {
    let request = |lines: &str| {
        let head = format!(
            "GET / HTTP/1.1\r\nHost: h\r\nUpgrade: WebSocket\r\nConnection: Upgrade\r\n{lines}\r\n"
        );
        server::parse(head.as_bytes(), HeadLimits::default()).map(|_| ())
    };
    let draft_76 = "Sec-WebSocket-Key1: 18x 6]8vM;54 *(5:  {   U1]8  z [  8\r\n\
        Sec-WebSocket-Key2: 1_ tx7X d  <  nw  334J702) 7]o}` 0\r\n";
    let key = "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n";
    for lines in ["", draft_76, key] {
        assert_eq!(request(lines), Err(HandshakeError::Version), "{lines}");
    }
    for version in ["0", "7", "8", "76"] {
        let lines = format!("{key}Sec-WebSocket-Version: {version}\r\n");
        assert_eq!(request(&lines), Err(HandshakeError::Version), "{version}");
    }
    let text = [&[0x00], &b"hello"[..], &[0xFF]].concat();
    let endless = [&[0x80], &[0xFF; 10_000][..]].concat();
    for frame in [&text, &endless] {
        let reason = Violation::UnexpectedContinuation;
        unheard(Role::Server, &unlimited(), frame, 1, reason);
    }
}

/// A report of noPoll (its number 84): bytes from 80 hex on, shifted as signed numbers, gave other lengths than those
/// sent. Here a frame is as long as its header says, whichever of its bytes that is.
#[test]
fn v06_a_length_whose_bytes_are_read_as_signed_numbers() {
    for role in ROLES {
        for place in 0..8 {
            for byte in [0x01, 0x7F, 0x80, 0xFF] {
                let len = byte << (8 * place);
                let mut wire = header(role, 0x82, len);
                wire.push(0);
                let mut config = Config::default();
                config.limits = Limits::with_max_message(u64::MAX);
                config.delivery = Delivery::Chunks;
                let mut conn = Connection::new(role, Arc::new(config));
                let mut keys = wire::Counting::default();
                let mut out = Outbound::client(Vec::new(), &mut keys);
                let mut inbound = Inbound::new();
                let step = conn
                    .rx
                    .next(&mut wire, &mut inbound, &mut conn.tx, &mut out);
                let found = step.map(|step| match step.event {
                    Some(Event::Part(part)) => part.frame_len,
                    event => panic!("{event:?}"),
                });
                let expected = match len {
                    0..=0xFFFF => Err(Violation::LengthNotMinimal),
                    len if len >> 63 == 1 => Err(Violation::LengthTooLong),
                    len => Ok(Some(len)),
                };
                assert_eq!(found, expected, "{len:x}");
            }
        }
    }
}

/// A report of ios-webkit-debug-proxy (its number 435): an unchecked length was what was copied. Here nothing of a frame
/// is heard, copied or touched before all of it has come.
#[test]
fn v07_more_is_copied_than_has_come() {
    for role in ROLES {
        for len in EDGES {
            let head = header(role, 0x82, len);
            let mut buffer = [head, vec![0xA5; 300]].concat();
            let mut conn = connection(role, u64::MAX);
            let fed = feed(&mut conn, &mut buffer);
            assert_eq!((fed.error, conn.heap_bytes()), (None, 0), "{len:x}");
            assert!(fed.most <= 0 && fed.calls == 0, "{len:x}: {} B", fed.most);
            let fed = feed(&mut connection(role, 1 << 20), &mut buffer);
            assert_eq!(fed.error, Some(Violation::FrameTooBig), "{len:x}");
        }
    }
}

/// CVE-2026-0716: where no limit was set, another code path read beyond what had come. Here who has no limit hears the
/// same as who has one.
#[test]
fn v12_without_a_limit_the_arithmetic_is_another() {
    for role in ROLES {
        for (len, sent) in [(126, 125), (70_000, 10), (70_000, 69_999), (300, 0)] {
            let whole = wire::frame(role, 0x82, &vec![7; len]);
            let cut = &whole[..whole.len() - len + sent];
            for (bytes, heard) in [(&whole[..], 1), (cut, 0)] {
                for delivery in DELIVERIES {
                    let limited = With {
                        delivery,
                        ..With::default()
                    };
                    let free = With {
                        delivery,
                        ..unlimited()
                    };
                    let cuts = || (1000..bytes.len()).step_by(1000);
                    let (expected, _) = crate::replay::replay(role, &limited, bytes, cuts());
                    let (found, _) = crate::replay::replay(role, &free, bytes, cuts());
                    assert_eq!(found, expected, "{len} {sent} {delivery:?}");
                    let messages = found.events.len();
                    assert!(delivery == Delivery::Chunks || messages == heard);
                }
            }
        }
    }
}

/// A peer's reader made a signed number of the length, which passed "is it more than the limit" and was then where a
/// slice ends. Here 2^63 and all above it break the protocol, whatever the limit and whoever is asked.
#[test]
fn v14_a_negative_length_is_below_every_limit() {
    for role in ROLES {
        for delivery in DELIVERIES {
            for limit in [0, 1 << 20, u64::MAX] {
                let with = With {
                    delivery,
                    max_frame: Some(limit),
                    max_message: Some(limit),
                    ..With::default()
                };
                for (first, len) in NEGATIVE.iter().flat_map(|len| [(0x82, *len), (0x01, *len)]) {
                    let bytes = header(role, first, len);
                    unheard(role, &with, &bytes, 10, Violation::LengthTooLong);
                }
            }
        }
    }
}

/// RUSTSEC-2026-0007 (CVE-2026-25541): what is held and what is to come were added unchecked in release builds. Here
/// bytes are held, 2^63-1 more are announced, and a loop that would make room for what is missing goes on; and release
/// builds look for overflows, too.
#[test]
fn v15_room_for_more_wraps_around() {
    let manifest = include_str!("../../Cargo.toml");
    let release = manifest.split("[profile.release]").nth(1).unwrap();
    let release = release.split("\n[").next().unwrap();
    assert!(release.contains("\noverflow-checks = true\n"));
    for role in ROLES {
        let begun = wire::frame(role, 0x02, &[7; 1000]);
        for len in EDGES {
            let bytes = [begun.clone(), header(role, 0x80, len), vec![0; 100]].concat();
            let outcome = judge(role, &unlimited(), &bytes);
            assert_eq!((outcome.error, outcome.events), (None, vec![]), "{len:x}");
        }
        let text = wire::frame(role, 0x81, b"good");
        let bad = [text, header(role, 0x82, u64::MAX)].concat();
        let at = bad.len() - if role == Role::Server { 4 } else { 0 };
        let heard = refused_at(role, &unlimited(), &bad, at, Violation::LengthTooLong);
        assert_eq!(heard, [Expected::Text(b"good".to_vec())]);
    }
    #[cfg(feature = "server")]
    a_loop_goes_on();
}

/// A peer that announces more than there is memory waits, and others do not.
#[cfg(feature = "server")]
fn a_loop_goes_on() {
    use crate::harness::Sim;
    use sockeye::server::{self, Timeouts};
    let limits = server::Limits {
        connection: Limits::with_max_message(u64::MAX),
        ..server::Limits::default()
    };
    for len in EDGES {
        let mut sim = Sim::with(limits, Timeouts::default());
        let mut other = sim.open();
        let mut client = sim.open();
        client.push(&crate::frames::frame(crate::frames::BINARY, &[7; 1000]));
        client.push(&header(Role::Server, 0x80, len));
        for _ in 0..100 {
            client.push(&[0; 1000]);
            sim.settle();
        }
        client.assert_quiet();
        other.assert_echoes(&mut sim);
    }
}
