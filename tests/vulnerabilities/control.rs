//! Control frames, and what is sent in answer to them (V77 to V80).

use crate::counting;
use crate::judge::{DELIVERIES, ROLES, judge, refused_at, unheard};
use crate::rows::{Expected, With};
use crate::wire::{self, CLOSE, PING, PONG};
use sockeye::proto::{CloseCode, Connection, Event, Inbound, Outbound, Role, Violation};
use std::sync::Arc;

/// CVE-2021-3690: each pong that came was a buffer that never went back. Here a hundred thousand allocate nothing.
#[test]
fn v77_a_pong_leaks_the_buffer_it_came_in() {
    for role in ROLES {
        let mut conn = Connection::new(role, Arc::default());
        let mut keys = wire::Counting::default();
        let mut inbound = Inbound::new();
        let mut out = Outbound::client(Vec::new(), &mut keys);
        let pong = wire::frame(role, 0x80 | PONG, &[7; 125]);
        let mut buffer = pong.clone();
        let calls = counting::calls();
        for _ in 0..100_000 {
            buffer.copy_from_slice(&pong);
            let step = conn
                .rx
                .next(&mut buffer, &mut inbound, &mut conn.tx, &mut out);
            let step = step.unwrap();
            assert_eq!(step.event, Some(Event::Pong(&[7; 125])));
            assert_eq!(step.consumed, pong.len());
        }
        assert_eq!(counting::calls() - calls, 0);
        assert_eq!((conn.heap_bytes(), out.sink.len()), (0, 0));
    }
}

/// Three peers' readers: that a control frame has at most 125 bytes was asked of pings alone. Here it is asked of each,
/// however the length is written, by the second byte.
#[test]
fn v78_only_a_ping_may_not_be_long() {
    for role in ROLES {
        for opcode in [CLOSE, PING, PONG, 0xB, 0xF] {
            let known = opcode <= PONG;
            for second in [126, 127] {
                let mut bytes = Vec::new();
                let head = [&[0x80 | opcode, second], &[0, 0, 0, 0, 0, 0, 0, 5][..]].concat();
                wire::seal(role, &head, b"hello", [1, 2, 3, 4], &mut bytes);
                let reason = [Violation::ReservedOpcode, Violation::ControlTooLong];
                let (at, reason) = [(1, reason[0]), (2, reason[1])][usize::from(known)];
                unheard(role, &With::default(), &bytes, at, reason);
            }
        }
        for opcode in [PING, PONG] {
            let bytes = wire::frame(role, 0x80 | opcode, &[7; 125]);
            assert_eq!(judge(role, &With::default(), &bytes).error, None);
        }
    }
}

/// A peer's reader waited for up to 16 MiB of a frame before it looked at the bits that forbade it. Here a header is
/// judged when it has come, and its length is not waited for.
#[test]
fn v79_a_frame_is_judged_when_all_of_it_has_come() {
    for role in ROLES {
        for (first, second, at, reason) in [
            (0xC1, 127, 1, Violation::ReservedBits),
            (0xA2, 127, 1, Violation::ReservedBits),
            (0x91, 126, 1, Violation::ReservedBits),
            (0x83, 127, 1, Violation::ReservedOpcode),
            (0x09, 127, 1, Violation::FragmentedControl),
            (0x88, 127, 2, Violation::ControlTooLong),
            (0x8A, 126, 2, Violation::ControlTooLong),
            (0x80, 127, 1, Violation::UnexpectedContinuation),
        ] {
            let head = [&[first, second], &(1_u64 << 19).to_be_bytes()[..]].concat();
            let mut bytes = Vec::new();
            wire::seal(role, &head, &[7; 100], [0; 4], &mut bytes);
            for delivery in DELIVERIES {
                let with = With {
                    delivery,
                    ..With::default()
                };
                unheard(role, &with, &bytes, at, reason);
            }
        }
    }
}

/// CVE-2016-10518 and CVE-2026-45736: a ping that was a number, and a reason that was an array, sent memory that nobody
/// had written. Here what goes out is what came in or was said, to the byte, though all buffers were full of a secret.
#[test]
fn v80_memory_that_nobody_wrote_is_sent() {
    const SECRET: u8 = 0xE5;
    for role in ROLES {
        let with = With {
            echo: true,
            ..With::default()
        };
        let mut bytes = wire::frame(role, 0x82, &[SECRET; 5000]);
        let pings: Vec<Vec<u8>> = (0..=125).rev().map(|len| vec![len; len.into()]).collect();
        for ping in &pings {
            bytes.extend(wire::frame(role, 0x80 | PING, ping));
        }
        let reason = [&1000_u16.to_be_bytes()[..], b"bye"].concat();
        bytes.extend(wire::frame(role, 0x80 | CLOSE, &reason));
        let outcome = judge(role, &with, &bytes);
        let answers = wire::read(&outcome.out, role);
        let (close, pongs) = answers[1..].split_last().unwrap();
        let found: Vec<_> = pongs.iter().map(|pong| pong.payload.clone()).collect();
        assert_eq!(found, pings);
        assert_eq!(
            (close.opcode, &close.payload),
            (CLOSE, &1000_u16.to_be_bytes().to_vec())
        );
        // What we say ourselves.
        let mut keys = wire::Counting::default();
        let dirty = vec![SECRET; 4096];
        let mut sink = dirty;
        sink.clear();
        let mut out = Outbound::client(sink, &mut keys);
        let mut conn = Connection::new(role, Arc::default());
        conn.tx.ping(b"", &mut out).unwrap();
        conn.tx.ping(b"7", &mut out).unwrap();
        conn.tx.close(CloseCode::NORMAL, "", &mut out).unwrap();
        let sent = wire::read(&out.sink, role);
        let payloads: Vec<&[u8]> = sent.iter().map(|frame| &frame.payload[..]).collect();
        assert_eq!(payloads, [&b""[..], b"7", &1000_u16.to_be_bytes()]);
    }
    let ping = wire::frame(Role::Server, 0x80 | PING, b"?");
    let heard = refused_at(
        Role::Server,
        &With::default(),
        &[ping, b"\x88\x81\0\0\0\0\x03".to_vec()].concat(),
        9,
        Violation::CloseTooShort,
    );
    assert_eq!(heard, [Expected::Ping(b"?".to_vec())]);
}
