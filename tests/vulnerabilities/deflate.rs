//! permessage-deflate: what comes out, what is agreed on, and where the bit may be set (V26 to V37).

use crate::counting;
use crate::deflate_attacks as attacks;
use crate::deflate_bits::{Bits, Symbol};
use crate::judge::{DELIVERIES, ROLES, judge, refused_at, unheard};
use crate::replay::replay;
use crate::rows::{Deflate, Expected, With};
use crate::wire::{self, CONTINUATION, PING};
use sockeye::proto::deflate::Policy;
use sockeye::proto::handshake::client::{self, ResponseParser};
use sockeye::proto::handshake::{HeadLimits, accept_of, key_of};
use sockeye::proto::{Delivery, Role, Violation};

/// A limit for messages, in and out of which things are compressed.
const LIMIT: usize = 4096;

/// The first byte of a compressed binary message.
pub const COMPRESSED: u8 = 0xC2;

pub fn with(delivery: Delivery, takeover: bool) -> With {
    With {
        delivery,
        max_message: Some(LIMIT as u64),
        deflate: Some(Deflate {
            window_bits: 15,
            takeover,
        }),
        ..With::default()
    }
}

/// A message in frames of so many bytes.
pub fn in_fragments(role: Role, payload: &[u8], size: usize) -> Vec<u8> {
    let count = payload.chunks(size).count();
    let frames = payload.chunks(size).enumerate().map(|(at, piece)| {
        let opcode = if at == 0 { 0x42 } else { CONTINUATION };
        let fin = if at + 1 == count { 0x80 } else { 0 };
        wire::frame(role, fin | opcode, piece)
    });
    frames.collect::<Vec<_>>().concat()
}

/// What was said, all together.
fn data_of(events: &[Expected]) -> Vec<u8> {
    let mut data = Vec::new();
    for event in events {
        match event {
            Expected::Binary(bytes) => data.extend_from_slice(bytes),
            Expected::Part(part) => data.extend_from_slice(&part.data),
            other => panic!("{other:?}"),
        }
    }
    data
}

/// CVE-2018-1000518 and others: the limit was for what came, and not for what it came to. Here it is for that, in all
/// deliveries; and no more is heard than the limit lets pass.
#[test]
fn v26_the_limit_is_not_applied_to_what_comes_out() {
    let bomb = attacks::bomb(1 << 20);
    assert!(bomb.len() < LIMIT);
    for delivery in DELIVERIES {
        for takeover in [false, true] {
            let bytes = wire::frame(Role::Server, COMPRESSED, &bomb);
            let outcome = judge(Role::Server, &with(delivery, takeover), &bytes);
            assert_eq!(outcome.error, Some(Violation::MessageTooBig));
            assert!(data_of(&outcome.events).len() <= LIMIT);
            let whole = delivery != Delivery::Messages || outcome.events.is_empty();
            assert!(whole, "{delivery:?}");
        }
    }
}

/// CVE-2026-39804: six mebibytes came to six gibibytes before anybody looked. Here 64 MiB of zeros stop at the limit, and
/// what is held meanwhile is no more than that and an inflater's own.
#[test]
fn v27_a_bomb_is_inflated_to_its_end_and_then_refused() {
    let bytes = wire::frame(Role::Server, COMPRESSED, &attacks::bomb(64 << 20));
    let with = With {
        max_message: Some(64 << 10),
        max_frame: Some(1 << 20),
        ..with(Delivery::Messages, false)
    };
    counting::most_held();
    let before = counting::held();
    let (outcome, _) = replay(Role::Server, &with, &bytes, []);
    let most = usize::try_from(counting::most_held() - before).unwrap_or(0);
    assert_eq!(outcome.error, Some(Violation::MessageTooBig));
    let own = bytes.len() * 2 + (64 << 10) * 2 + (128 << 10);
    assert!(most <= own, "{most} B of {own}");
}

/// CVE-2026-1526: it was the client that inflated whatever its server sent. Here it has the same limit.
#[test]
fn v28_a_client_inflates_without_a_limit() {
    for delivery in DELIVERIES {
        for bomb in [attacks::bomb(1 << 20), attacks::fixed_bomb(50_000)] {
            let bytes = wire::frame(Role::Client, COMPRESSED, &bomb);
            let outcome = judge(Role::Client, &with(delivery, true), &bytes);
            assert_eq!(outcome.error, Some(Violation::MessageTooBig));
            assert!(data_of(&outcome.events).len() <= LIMIT);
            let frames = wire::read(&outcome.out, Role::Client);
            assert_eq!(frames[0].payload[..2], 1009_u16.to_be_bytes());
        }
    }
}

/// What a client that offered all there is makes of an answer.
fn confirm(answer: &str) -> bool {
    const NONCE: [u8; 16] = *b"the sample nonce";
    let policy = Policy::default();
    let offer = policy.offer().to_string();
    let expected = client::Request::new("h", "/", NONCE)
        .extensions(Some(&offer))
        .write(&mut Vec::new())
        .unwrap();
    let accept = String::from_utf8(accept_of(&key_of(NONCE)).to_vec()).unwrap();
    let head = format!(
        "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
        Sec-WebSocket-Accept: {accept}\r\nSec-WebSocket-Extensions: {answer}\r\n\r\n"
    );
    let mut parser = ResponseParser::new(HeadLimits::default());
    let response = parser.parse(head.as_bytes()).unwrap().unwrap();
    let Ok(verified) = response.verify(&expected) else {
        return false;
    };
    policy.confirm(verified.extensions()).is_ok()
}

/// CVE-2026-2229: a server's window that is no window made the library throw, and the client's process end. Here it
/// fails its own handshake.
#[test]
fn v29_a_window_that_is_none_ends_the_clients_process() {
    // What was asked for is granted, so that it is the window that is wrong.
    const OFFERED: &str = "permessage-deflate; server_no_context_takeover";
    let long = "9".repeat(5000);
    for bits in [
        "0",
        "1",
        "7",
        "16",
        "08",
        "015",
        "-8",
        "+9",
        "99",
        "256",
        "264",
        "abc",
        "\"\"",
        "1e1",
        "15.0",
        "4294967311",
        "18446744073709551631",
        &long,
    ] {
        for name in ["server_max_window_bits", "client_max_window_bits"] {
            let answer = format!("{OFFERED}; {name}={bits}");
            assert!(!confirm(&answer), "{answer}");
        }
    }
    for name in ["server_max_window_bits", "client_max_window_bits"] {
        assert!(!confirm(&format!("{OFFERED}; {name}")));
        assert!(!confirm(&format!("{OFFERED}; {name}=9; {name}=9")));
        for bits in 9..=15 {
            assert!(confirm(&format!("{OFFERED}; {name}={bits}")), "{bits}");
        }
    }
}

/// CVE-2026-54490: compression led past the limits. Here a message of small compressed fragments has the limit of one.
#[test]
fn v30_compression_leads_past_the_limits() {
    for role in ROLES {
        for takeover in [false, true] {
            for (zeros, error) in [(LIMIT, None), (LIMIT + 1, Some(Violation::MessageTooBig))] {
                for size in [1, 3, 7] {
                    let bytes = in_fragments(role, &attacks::fixed_bomb(zeros), size);
                    for delivery in DELIVERIES {
                        let outcome = judge(role, &with(delivery, takeover), &bytes);
                        assert_eq!(outcome.error, error, "{zeros} {delivery:?}");
                        assert!(data_of(&outcome.events).len() <= LIMIT);
                    }
                }
            }
        }
    }
}

/// CVE-2026-29035: what came out was written beyond the end of its buffer. Here sizes around each at which a buffer
/// might end come out as they went in.
#[test]
fn v31_what_comes_out_is_written_beyond_its_buffer() {
    let filler = attacks::filler(40_000);
    for power in [9, 10, 12, 13, 14, 15] {
        for near in [-1_i32, 0, 1, 257, 258] {
            let size = usize::try_from((1 << power) + near).unwrap();
            // A match of 258 bytes stands at the very end.
            let data = &filler[..size - 258];
            let back = Symbol::Match {
                length: 258,
                distance: 1,
            };
            let payload = Bits::new().stored(false, data).fixed(false, &[back]);
            let wire = wire::frame(Role::Server, COMPRESSED, &payload.finish());
            let expected = [data, &[data[data.len() - 1]; 258]].concat();
            for delivery in DELIVERIES {
                let with = With {
                    max_message: None,
                    ..with(delivery, true)
                };
                let cuts = (97..wire.len()).step_by(97);
                let (outcome, _) = replay(Role::Server, &with, &wire, cuts);
                assert_eq!(outcome.error, None);
                assert!(data_of(&outcome.events) == expected, "{size} {delivery:?}");
            }
        }
    }
}

/// CVE-2026-42587 and others: one way to compress had the limit, and another had not. Here a byte too many is too many
/// as it is, stored, in the fixed code and in one of its own, behind a last block, and in fragments.
#[test]
fn v32_one_way_to_compress_has_no_limit() {
    let zeros = vec![0; LIMIT + 1];
    let literals = vec![Symbol::Literal(0); LIMIT + 1];
    let ways = [
        (COMPRESSED, Bits::new().stored(false, &zeros).finish()),
        (COMPRESSED, Bits::new().fixed(false, &literals).finish()),
        (COMPRESSED, attacks::fixed_bomb(LIMIT + 1)),
        (COMPRESSED, attacks::bomb(LIMIT + 1)),
        (COMPRESSED, attacks::one_byte_fixed(LIMIT + 1)),
        (
            COMPRESSED,
            Bits::new()
                .stored(true, &zeros[1..])
                .stored(true, b"1")
                .finish(),
        ),
        (0x82, zeros.clone()),
    ];
    for (first, payload) in ways {
        for role in ROLES {
            let whole = wire::frame(role, first, &payload);
            let pieces = match first {
                COMPRESSED => in_fragments(role, &payload, payload.len().div_ceil(20)),
                _ => whole.clone(),
            };
            for bytes in [whole, pieces] {
                let cuts = || (50..bytes.len()).step_by(50);
                let with = With {
                    max_frame: Some(1 << 20),
                    ..with(Delivery::Messages, false)
                };
                let (outcome, _) = replay(role, &with, &bytes, cuts());
                assert_eq!(outcome.error, Some(Violation::MessageTooBig));
                assert_eq!(outcome.events, []);
            }
        }
    }
}

/// Reports of Apache HttpClient (821) and netdata (22828): it was inflated first and looked at later, and the limit
/// itself was one too many. Here the limit is good, and one byte more is not.
#[test]
fn v33_the_limit_itself_is_one_too_many() {
    for role in ROLES {
        for delivery in DELIVERIES {
            for (zeros, error) in [
                (LIMIT - 1, None),
                (LIMIT, None),
                (LIMIT + 1, Some(Violation::MessageTooBig)),
            ] {
                for payload in [attacks::bomb(zeros), attacks::fixed_bomb(zeros)] {
                    let bytes = wire::frame(role, COMPRESSED, &payload);
                    let outcome = judge(role, &with(delivery, false), &bytes);
                    assert_eq!(outcome.error, error, "{zeros} {delivery:?}");
                    let heard = data_of(&outcome.events).len();
                    assert!(heard == zeros || error.is_some() && heard <= LIMIT);
                }
            }
        }
    }
}

/// A report of aiohttp (its number 12976): a frame that says it is compressed was inflated though nobody had agreed to
/// it. Here its first byte is enough.
#[test]
fn v34_what_nobody_agreed_to_compress_is_inflated() {
    let payload = Bits::new().stored(false, b"hello").finish();
    for role in ROLES {
        for first in [0xC1, 0xC2, 0x41, 0x42] {
            for delivery in DELIVERIES {
                let none = With {
                    deflate: None,
                    ..with(delivery, false)
                };
                let bytes = wire::frame(role, first, &payload);
                unheard(role, &none, &bytes, 1, Violation::ReservedBits);
            }
        }
    }
}

/// A report of aiohttp (its number 13274): a ping between two messages made the next one unreadable. Here pings and
/// pongs stand before, between and within messages of one context, which come out as they went in.
#[test]
fn v35_a_ping_forgets_what_messages_refer_to() {
    let [first, second] = attacks::reaching_across(2000);
    let filler = attacks::filler(2000);
    for role in ROLES {
        let ping = wire::frame(role, 0x80 | PING, b"?");
        let pong = wire::frame(role, 0x8A, b"!");
        let begin = in_fragments(role, &first, first.len() / 2);
        let header = if role == Role::Server { 8 } else { 4 };
        let (front, back) = begin.split_at(first.len() / 2 + header);
        let second = wire::frame(role, COMPRESSED, &second);
        let bytes = [&ping, front, &ping, &pong, back, &pong, &ping, &second].concat();
        let outcome = judge(role, &with(Delivery::Messages, true), &bytes);
        assert_eq!(outcome.error, None);
        let messages = outcome
            .events
            .into_iter()
            .filter(|event| matches!(event, Expected::Binary(_)));
        let expected = [filler.clone(), filler[..3].to_vec()].map(Expected::Binary);
        assert_eq!(messages.collect::<Vec<_>>(), expected);
    }
}

/// A report of Bandit (its number 651): a control frame that says it is compressed was good for some values of FIN. Here
/// none is, and no continuation either.
#[test]
fn v36_a_control_frame_may_be_compressed() {
    for role in ROLES {
        let bits = [0x40, 0x60, 0x50, 0xC0, 0xE0, 0xF0];
        let opcodes = [CONTINUATION, wire::CLOSE, PING, wire::PONG];
        for first in bits
            .iter()
            .flat_map(|bits| opcodes.map(|opcode| bits | opcode))
        {
            let bytes = wire::frame(role, first, b"");
            unheard(
                role,
                &with(Delivery::Messages, true),
                &bytes,
                1,
                Violation::ReservedBits,
            );
        }
        // In the middle of a compressed message, where it would mean something.
        let begun = wire::frame(role, 0x42, &Bits::new().stored(false, b"a").finish());
        for first in [0x40, 0xC0, 0xC8, 0xC9, 0xCA, 0x49] {
            let bytes = [begun.clone(), wire::frame(role, first, b"")].concat();
            let at = begun.len() + 1;
            refused_at(
                role,
                &with(Delivery::Messages, true),
                &bytes,
                at,
                Violation::ReservedBits,
            );
        }
    }
}

/// A peer's reader had a codec that does nothing where compression was declined, and that did not look at the bit. Here
/// a server that could compress has declined, and refuses it.
#[cfg(feature = "server")]
#[test]
fn v37_where_compression_was_declined_nobody_looks_at_the_bit() {
    use crate::frames::{Frame, REQUEST, frame};
    use crate::harness::{Probe, Sim};
    let settings = sockeye::server::Settings::default();
    let request = REQUEST.strip_suffix(b"\r\n").unwrap();
    for (settings, offer) in [
        (settings.clone().deflate(None), "permessage-deflate"),
        (
            settings.clone(),
            "permessage-deflate; server_max_window_bits=7",
        ),
        (settings.clone(), "x-webkit-deflate-frame"),
        (settings, "permessage-deflate; unknown"),
    ] {
        let mut sim = Sim::of(Probe::default(), settings);
        let mut client = sim.connect();
        let line = format!("Sec-WebSocket-Extensions: {offer}\r\n\r\n");
        client.push(&[request, line.as_bytes()].concat());
        sim.settle();
        let head = client.head();
        assert!(head.starts_with("HTTP/1.1 101 "), "{head}");
        assert!(!head.contains("Extensions"), "{head}");
        client.push(&frame(0xC1, &Bits::new().stored(false, b"hello").finish()));
        sim.settle();
        assert_eq!(client.frame(), Frame::close(1002, "reserved bit set"));
        assert_eq!(sim.probe().messages, []);
    }
}
