//! Messages in fragments: how much, how many, how long, and what each costs (V16 to V25).

use crate::judge::{DELIVERIES, ROLES, assert_linear, judge, refused_at, unheard};
use crate::replay::replay;
use crate::rows::{Expected, With};
use crate::wire::{self, BINARY, CONTINUATION, TEXT};
use sockeye::proto::{Config, Connection, Inbound, Limits, Outbound, Role, Violation};
use std::sync::Arc;

/// A message's fragments that do not end it: `count` frames with this payload.
fn fragments(role: Role, kind: u8, count: usize, payload: &[u8]) -> Vec<u8> {
    let first = wire::frame(role, kind, payload);
    let next = wire::frame(role, CONTINUATION, payload);
    [first, next.repeat(count - 1)].concat()
}

/// Feeds bytes at once; what the connection holds behind them, and the violation.
fn held(conn: &mut Connection, bytes: &[u8]) -> (usize, Option<Violation>) {
    let mut keys = wire::Counting::default();
    let mut inbound = Inbound::new();
    let mut out = Outbound::client(Vec::new(), &mut keys);
    let mut bytes = bytes.to_vec();
    let mut at = 0;
    loop {
        match conn
            .rx
            .next(&mut bytes[at..], &mut inbound, &mut conn.tx, &mut out)
        {
            Ok(step) if step.consumed == 0 && step.event.is_none() => break,
            Ok(step) => at += step.consumed,
            Err(violation) => return (conn.heap_bytes(), Some(violation)),
        }
    }
    (conn.heap_bytes(), None)
}

/// CVE-2014-0193: continuations were put together without an end. Here the one that passes the limit is refused by its
/// header, and what is held is in proportion to the limit.
#[test]
fn v16_continuations_are_gathered_without_end() {
    for role in ROLES {
        for kind in [TEXT, BINARY] {
            let mut conn = Connection::new(role, Arc::default());
            let mut sent = wire::frame(role, kind, &[b'x'; 60_000]);
            for _ in 0..17 {
                let (held, error) = held(&mut conn, &sent);
                assert_eq!(error, None);
                // Room grows by doubling.
                assert!(held <= 2 << 20, "{held}");
                sent = wire::frame(role, CONTINUATION, &[b'x'; 60_000]);
            }
            // Its header is enough.
            let header = sent.len() - 60_000;
            let (_, error) = held(&mut conn, &sent[..header]);
            assert_eq!(error, Some(Violation::MessageTooBig));
        }
    }
}

/// CVE-2026-48779 (GHSA-96hv-2xvq-fx4p): fragments of a byte were an object each, and a hundred times their bytes. Here
/// they lie one behind the other, and there may be so many of them.
#[test]
fn v17_fragments_of_a_byte_are_an_object_each() {
    const ALLOWED: usize = 1024;
    for role in ROLES {
        for count in [10, 100, 1000] {
            let mut conn = Connection::new(role, Arc::default());
            let bytes = fragments(role, BINARY, count, b"x");
            let (held, error) = held(&mut conn, &bytes);
            assert_eq!(error, None);
            assert!(held <= 2 * bytes.len(), "{held} B for {count}");
            assert!(
                held <= 2 * count.max(64),
                "{held} B for {count} B of payload"
            );
        }
        // Beyond those one for every 32 bytes received.
        let with = With::default();
        let bytes = fragments(role, BINARY, ALLOWED + ALLOWED / 31 + 2, b"x");
        let (outcome, _) = replay(role, &with, &bytes, []);
        assert_eq!(outcome.error, Some(Violation::TooManyFragments));
        assert_eq!(outcome.events, []);
    }
}

/// A report of ws (its number 2331), of what that advisory's remedy left: as many fragments as are allowed were held for
/// as long as their sender stayed. Here a message has thirty seconds, whatever comes of it meanwhile.
#[cfg(feature = "server")]
#[test]
fn v18_fragments_below_the_limit_are_held_for_ever() {
    use crate::counting;
    use crate::frames::{Frame, frame};
    use crate::harness::{Sim, ms, secs};
    let mut sim = Sim::new();
    let mut client = sim.open();
    let before = counting::held();
    let begin = sim.net.now();
    let wire = fragments(Role::Server, BINARY, 1023, b"x");
    client.push(&wire);
    sim.settle();
    let held = usize::try_from(counting::held() - before).unwrap_or(0);
    // The loop's own buffers, and what the simulation keeps.
    assert!(
        held <= 2 * wire.len() + (96 << 10),
        "{held} B for {}",
        wire.len()
    );
    while sim.net.now() < begin + secs(29) {
        sim.run_for(secs(1));
        // It is no less alive for that.
        client.push(&frame(0x80 | wire::PONG, b""));
        sim.settle();
    }
    assert!(sim.probe().ends.is_empty());
    sim.run_until(begin + secs(30) + ms(5));
    let frames = client.frames();
    let told: Option<u16> = frames.last().and_then(Frame::close_code);
    assert_eq!(told, Some(1008), "{frames:?}");
    assert_eq!(sim.probe().messages, []);
}

/// CVE-2026-12151: bytes of a message were limited and its fragments were not, so a server sent empty ones without end.
/// Here those count as well.
#[test]
fn v19_empty_continuations_without_end() {
    for role in ROLES.into_iter().rev() {
        for delivery in DELIVERIES {
            let with = With {
                delivery,
                max_fragments: Some(20),
                ..With::default()
            };
            let good = fragments(role, TEXT, 20, b"");
            assert_eq!(judge(role, &with, &good).error, None);
            let one_more = wire::frame(role, CONTINUATION, b"");
            let bytes = [good.clone(), one_more].concat();
            let outcome = judge(role, &with, &bytes);
            assert_eq!(outcome.error, Some(Violation::TooManyFragments));
            let whole = outcome.events.iter().filter(|event| ended(event));
            assert_eq!(whole.count(), 0);
        }
    }
}

fn ended(event: &Expected) -> bool {
    match event {
        Expected::Part(part) => part.ends_message,
        _ => true,
    }
}

fn many() -> With {
    With {
        max_fragments: Some(u32::MAX),
        max_message: Some(1 << 30),
        ..With::default()
    }
}

/// CVE-2026-65623: with each continuation the whole message was measured again. Here four times as many take four times
/// as long.
#[test]
fn v20_what_is_gathered_is_measured_again_with_each_fragment() {
    assert_linear(10_000, |count| {
        let mut bytes = fragments(Role::Server, BINARY, count, &[7; 40]);
        bytes.extend(wire::frame(Role::Server, 0x80 | CONTINUATION, b""));
        let (outcome, _) = replay(Role::Server, &many(), &bytes, []);
        assert_eq!(outcome.events.len(), 1);
    });
}

/// CVE-2026-42786: each fragment was within the limit, and the message was not asked about. Here the limit is the
/// message's: to the byte, and pings in between change nothing about it.
#[test]
fn v21_each_fragment_is_small_enough_and_the_message_is_not() {
    for role in ROLES {
        let with = With {
            max_frame: Some(10),
            max_message: Some(1000),
            ..With::default()
        };
        let ping = wire::frame(role, 0x80 | wire::PING, b"?");
        let begin = fragments(role, BINARY, 99, &[7; 10]);
        let last = |len| wire::frame(role, 0x80 | CONTINUATION, &vec![7; len]);
        let good = [begin.clone(), ping.clone(), last(10)].concat();
        let heard = judge(role, &with, &good).events;
        assert_eq!(heard.last(), Some(&Expected::Binary(vec![7; 1000])));
        // One that has more to come, and says nothing yet, is where the next one is too much.
        let over = wire::frame(role, CONTINUATION, &[7; 10]);
        let before = [begin, ping, over].concat();
        let bytes = [before.clone(), last(1)].concat();
        let at = bytes.len() - 1;
        let heard = refused_at(role, &with, &bytes, at, Violation::MessageTooBig);
        assert_eq!(heard, [Expected::Ping(b"?".to_vec())]);
    }
}

/// A peer's server looked at a text message from its beginning with each continuation, to see whether it was UTF-8. Here
/// a character is known by where the last fragment broke it off.
#[test]
fn v22_text_is_validated_from_its_beginning_with_each_fragment() {
    assert_linear(10_000, |count| {
        // In the middle of a character each.
        let payload = "\u{20ac}".repeat(13);
        let mut bytes = wire::frame(Role::Server, TEXT, &payload.as_bytes()[..37]);
        let piece = [&payload.as_bytes()[37..], &payload.as_bytes()[..37]].concat();
        bytes.extend(wire::frame(Role::Server, CONTINUATION, &piece).repeat(count));
        bytes.extend(wire::frame(
            Role::Server,
            0x80 | CONTINUATION,
            &payload.as_bytes()[37..],
        ));
        let (outcome, _) = replay(Role::Server, &many(), &bytes, []);
        assert_eq!((outcome.error, outcome.events.len()), (None, 1));
    });
}

/// Reports of Java-WebSocket (1508) and another: the limit was looked at for some fragments, and not for the first or
/// not for what the last one announces. Here it is for each, by its header.
#[test]
fn v23_the_limit_is_forgotten_for_some_fragments() {
    const LIMIT: u64 = 300;
    for role in ROLES {
        let with = With {
            max_message: Some(LIMIT),
            ..With::default()
        };
        for first in [0_usize, 1, 150, 299, 300, 301] {
            for middle in [0_usize, 1, 150] {
                let lens = [first, middle, 301_usize.saturating_sub(first + middle)];
                let mut bytes = Vec::new();
                let mut sum = 0;
                let mut found = None;
                for (at, len) in lens.into_iter().enumerate() {
                    let opcode = [BINARY, CONTINUATION, 0x80 | CONTINUATION][at];
                    bytes.extend(wire::frame(role, opcode, &vec![7; len]));
                    sum += len;
                    if sum as u64 > LIMIT && found.is_none() {
                        found = Some(bytes.len() - len);
                    }
                }
                let at = found.expect("too much in all");
                unheard(role, &with, &bytes, at, Violation::MessageTooBig);
            }
        }
    }
}

/// RUSTSEC-2026-0185 (CVE-2026-25800) and RUSTSEC-2026-0258, of neighbours: empty pieces cost nothing to send and a
/// little to remember. Here there is nothing to remember of them.
#[test]
fn v24_what_is_remembered_of_empty_pieces_has_no_bound() {
    for role in ROLES {
        for delivery in DELIVERIES {
            let mut config = Config::default();
            config.delivery = delivery;
            config.limits = Limits {
                max_fragments: u32::MAX,
                ..Limits::default()
            };
            let mut conn = Connection::new(role, Arc::new(config));
            let (before, error) = held(&mut conn, &fragments(role, TEXT, 2, b""));
            assert_eq!(error, None);
            let empty = wire::frame(role, CONTINUATION, b"").repeat(10_000);
            let (after, error) = held(&mut conn, &empty);
            assert_eq!((after, error), (before, None));
            assert!(before < 64, "{before} B");
        }
    }
}

/// A report of facil.io (its number 169): an error was raised and the reader went on, so that what was not masked
/// reached the application. Here an error is the last thing that is said, whatever follows.
#[test]
fn v25_the_reader_goes_on_behind_an_error() {
    let good = wire::frame(Role::Server, 0x81, b"good");
    let faults: [(&[u8], usize, Violation); 4] = [
        (b"\x81\x05Hello", 2, Violation::MaskMissing),
        (b"\x01\x05Hello", 2, Violation::MaskMissing),
        (b"\x83\x80\0\0\0\0", 1, Violation::ReservedOpcode),
        (b"\x81\x81\0\0\0\0\xFF", 7, Violation::InvalidUtf8),
    ];
    for (bad, at, reason) in faults {
        for delivery in DELIVERIES {
            let with = With {
                delivery,
                ..With::default()
            };
            let bytes = [&good, bad, &good, &good].concat();
            let at = good.len() + at;
            let heard = refused_at(Role::Server, &with, &bytes, at, reason);
            assert_eq!(heard.len(), 1, "{heard:?}");
            // Asked again, it says the same of whatever else comes.
            let mut conn = Connection::server(Arc::default());
            for bytes in [bad, &good, &good] {
                let (_, error) = held(&mut conn, bytes);
                assert_eq!(error, Some(reason));
            }
        }
    }
}
