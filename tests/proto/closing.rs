//! The closing handshake: every state against every frame and every way to send.

use crate::STRIDE;
use crate::pair::{Pair, Side};
use crate::replay::owned;
use crate::rows::Expected;
use crate::wire;
use sockeye::proto::{
    CloseCode, Config, Connection, Delivery, Event, Inbound, MessageKind, Outbound, Prepared, Role,
    SendError, Sender, State, Violation,
};
use std::sync::Arc;

/// What a frame comes to: a letter per opcode, 0 to F.
///
/// T text, B binary, M the fragmented message ends, p ping, o pong, c close; a dot for nothing to tell.
/// Violations: C unexpected and E expected continuation, R reserved opcode, F fragmented control, S the same as before.
struct Line {
    state: State,
    in_message: bool,
    fin: &'static str,
    no_fin: &'static str,
}

const TABLE: [Line; 6] = [
    Line {
        state: State::Open,
        in_message: false,
        fin: "CTBRRRRRcpoRRRRR",
        no_fin: "C..RRRRRFFFRRRRR",
    },
    Line {
        state: State::Open,
        in_message: true,
        fin: "MEERRRRRcpoRRRRR",
        no_fin: ".EERRRRRFFFRRRRR",
    },
    Line {
        state: State::Closing,
        in_message: false,
        fin: "C..RRRRRc..RRRRR",
        no_fin: "C..RRRRRFFFRRRRR",
    },
    Line {
        state: State::Closing,
        in_message: true,
        fin: ".EERRRRRc..RRRRR",
        no_fin: ".EERRRRRFFFRRRRR",
    },
    Line {
        state: State::Closed,
        in_message: false,
        fin: "................",
        no_fin: "................",
    },
    Line {
        state: State::Failed,
        in_message: false,
        fin: "SSSSSSSSSSSSSSSS",
        no_fin: "SSSSSSSSSSSSSSSS",
    },
];

fn close(side: &mut Side) {
    side.send(|tx, out| tx.close(CloseCode::NORMAL, "", out))
        .expect("open");
}

/// All the ways into a state.
fn reach(role: Role, state: State) -> Vec<Side> {
    let mut open = Side::new(role, Config::default());
    match state {
        State::Open => vec![open],
        State::Closing => {
            close(&mut open);
            vec![open]
        }
        State::Closed => {
            let mut answered = Side::new(role, Config::default());
            answered.take(&wire::frame(role, 0x88, &[0x03, 0xE8]));
            close(&mut open);
            open.take(&wire::frame(role, 0x88, &[0x03, 0xE8]));
            vec![open, answered]
        }
        State::Failed => {
            let mut silent = Side::new(role, Config::default());
            close(&mut silent);
            silent.take(&wire::frame(role, 0x83, b""));
            open.take(&wire::frame(role, 0x83, b""));
            vec![open, silent]
        }
    }
}

/// Shows 6455-1.4-01 6455-6.2-02 6455-5.5.1-08.
#[test]
fn every_state_against_every_frame() {
    for role in [Role::Server, Role::Client] {
        for line in &TABLE {
            for opcode in 0..16_u8 {
                for (fin, cells) in [(0x80, line.fin), (0, line.no_fin)] {
                    let cell = cells.as_bytes()[usize::from(opcode)];
                    for side in reach_with_message(role, line) {
                        frame_in_state(side, role, fin | opcode, cell);
                    }
                }
            }
        }
    }
}

fn reach_with_message(role: Role, line: &Line) -> Vec<Side> {
    if !line.in_message {
        return reach(role, line.state);
    }
    let mut side = Side::new(role, Config::default());
    side.take(&wire::frame(role, 0x02, b"a"));
    if line.state == State::Closing {
        close(&mut side);
    }
    vec![side]
}

fn frame_in_state(mut side: Side, role: Role, first: u8, cell: u8) {
    let before = side.conn.state();
    let (wrote_before, events_before) = (side.wrote.len(), side.events.len());
    let payload: &[u8] = if first & 0x0F == 8 {
        &[0x0F, 0xA0]
    } else {
        b"b"
    };
    side.error = None;
    side.take(&wire::frame(role, first, payload));

    let payload = payload.to_vec();
    let (event, answer, error) = match cell {
        b'.' => (None, None, None),
        b'T' => (Some(Expected::Text(payload)), None, None),
        b'B' => (Some(Expected::Binary(payload)), None, None),
        b'M' => (Some(Expected::Binary(b"ab".to_vec())), None, None),
        b'o' => (Some(Expected::Pong(payload)), None, None),
        b'p' => {
            let pong = (wire::PONG, payload.clone());
            (Some(Expected::Ping(payload)), Some(pong), None)
        }
        b'c' => {
            let event = Expected::Close(Some(4000), Vec::new());
            (Some(event), Some((wire::CLOSE, payload)), None)
        }
        b'C' => (None, None, Some(Violation::UnexpectedContinuation)),
        b'E' => (None, None, Some(Violation::ExpectedContinuation)),
        b'F' => (None, None, Some(Violation::FragmentedControl)),
        b'R' | b'S' => (None, None, Some(Violation::ReservedOpcode)),
        other => panic!("no cell {other}"),
    };
    let what = format!("{before:?} {role:?} {first:02x}");
    assert_eq!(side.events[events_before..], *event.as_slice(), "{what}");
    assert_eq!(side.error, error, "{what}");
    let after = match (cell, error) {
        (_, Some(_)) => State::Failed,
        (b'c', _) => State::Closed,
        _ => before,
    };
    assert_eq!(side.conn.state(), after, "{what}");
    let written = wire::read(&side.wrote[wrote_before..], role);
    let answer = match (before, error) {
        // Only who has not closed yet answers.
        (State::Open, Some(error)) => {
            let mut body = 1002_u16.to_be_bytes().to_vec();
            body.extend(error.text().bytes());
            Some((wire::CLOSE, body))
        }
        (State::Open, None) => answer,
        _ => None,
    };
    let written: Vec<_> = written.into_iter().map(|f| (f.opcode, f.payload)).collect();
    assert_eq!(written, answer.as_slice(), "{what}");
}

type Send = fn(&mut Sender, &mut Outbound<'_, &mut Vec<u8>>) -> Result<(), SendError>;

const SENDS: [(&str, Send); 8] = [
    ("text", |tx, out| tx.text("a", out)),
    ("binary", |tx, out| tx.binary(b"a", out)),
    ("prepared", |tx, out| tx.prepared(&Prepared::text("a"), out)),
    ("fragment", |tx, out| {
        tx.fragment(MessageKind::Text, b"a", false, out)
    }),
    ("last fragment", |tx, out| {
        tx.fragment(MessageKind::Text, b"a", true, out)
    }),
    ("ping", |tx, out| tx.ping(b"a", out)),
    ("pong", |tx, out| tx.pong(b"a", out)),
    ("close", |tx, out| tx.close(CloseCode::NORMAL, "a", out)),
];

/// Shows 6455-1.4-01 6455-5.5.2-05 6455-6.1-02 6455-5.2-03 6455-5.2-06 6455-5.4-07 6455-5.5-04 6455-5.5.1-07.
/// Shows 6455-5.5.1-08.
#[test]
fn every_state_against_every_send() {
    for role in [Role::Server, Role::Client] {
        for state in [State::Open, State::Closing, State::Closed, State::Failed] {
            for (name, send) in SENDS {
                for mut side in reach(role, state) {
                    let before = side.wrote.len();
                    let result = side.send(send);
                    let what = format!("{name} in {state:?} as {role:?}");
                    let (want, after) = match (state, name) {
                        (State::Open, "close") => (Ok(()), State::Closing),
                        (State::Open, _) => (Ok(()), State::Open),
                        _ => (Err(SendError::Closed), state),
                    };
                    assert_eq!(result, want, "{what}");
                    assert_eq!(side.conn.state(), after, "{what}");
                    let frames = wire::read(&side.wrote[before..], role).len();
                    assert_eq!(frames, usize::from(want.is_ok()), "{what}");
                }
            }
        }
    }
}

#[test]
fn a_connection_says_what_its_driver_should_wait_for() {
    for role in [Role::Server, Role::Client] {
        for (state, expected, over) in [
            (State::Open, false, false),
            (State::Closing, true, false),
            (State::Closed, false, true),
            (State::Failed, false, true),
        ] {
            for side in reach(role, state) {
                assert_eq!(side.conn.state(), state);
                assert_eq!(side.conn.close_expected(), expected, "{state:?}");
                assert_eq!(side.conn.is_over(), over, "{state:?}");
            }
        }
    }
}

/// We close while the peer is in the middle of something, at every byte of it; what it goes on to send is
/// discarded and its Close still ends the connection cleanly.
#[test]
fn our_close_may_come_at_any_byte_of_theirs() {
    for delivery in [Delivery::Messages, Delivery::Frames, Delivery::Chunks] {
        for role in [Role::Server, Role::Client] {
            let wire: Vec<u8> = [
                wire::frame(role, 0x81, "grün".as_bytes()),
                wire::frame(role, 0x01, "gr\u{fc}".as_bytes()),
                wire::frame(role, 0x89, b"ping"),
                wire::frame(role, 0x80, b"n"),
                wire::frame(role, 0x82, &[0xFF; 40]),
                wire::frame(role, 0x81, b"last"),
                wire::frame(role, 0x88, &[0x03, 0xE9, b'x']),
            ]
            .concat();
            for at in (0..wire.len()).step_by(STRIDE.min(13)) {
                let mut config = Config::default();
                config.delivery = delivery;
                let mut side = Side::new(role, config);
                side.take(&wire[..at]);
                close(&mut side);
                side.take(&wire[at..]);
                let what = format!("{delivery:?} {role:?} at {at}");
                assert_eq!(side.error, None, "{what}");
                assert_eq!(side.conn.state(), State::Closed, "{what}");
                let close = Expected::Close(Some(1001), b"x".to_vec());
                assert_eq!(side.events.last(), Some(&close), "{what}");
                assert_eq!(side.closes(), 1, "{what}");
                assert!(!side.conn.rx.is_mid_message(), "{what}");
                assert_eq!(side.conn.rx.heap_bytes(), 0, "{what}");
            }
        }
    }
}

/// A handler closes on the first message it gets; what follows in the same read is discarded like all else.
#[test]
fn a_close_from_a_handler_takes_effect_at_once() {
    for role in [Role::Server, Role::Client] {
        let wire = [
            wire::frame(role, 0x81, b"bye"),
            wire::frame(role, 0x81, b"more"),
            wire::frame(role, 0x89, b"more"),
            wire::frame(role, 0x88, &[0x03, 0xE8]),
            wire::frame(role, 0x81, b"more"),
        ]
        .concat();
        for piece in (1..=wire.len()).step_by(STRIDE.min(13)) {
            let mut conn = Connection::new(role, Arc::new(Config::default()));
            let mut keys = wire::Counting::default();
            let mut out = Outbound::client(Vec::new(), &mut keys);
            let mut inbound = Inbound::new();
            let mut events = Vec::new();
            let mut buf = Vec::new();
            for arrived in wire.chunks(piece) {
                buf.extend_from_slice(arrived);
                let mut at = 0;
                loop {
                    let (rx, tx) = (&mut conn.rx, &mut conn.tx);
                    let step = rx.next(&mut buf[at..], &mut inbound, tx, &mut out).unwrap();
                    at += step.consumed;
                    let Some(event) = step.event else { break };
                    if let Event::Text(reason) = event {
                        conn.tx.close(CloseCode::NORMAL, reason, &mut out).unwrap();
                    }
                    events.push(owned(event));
                }
                buf.drain(..at);
            }
            let close = Expected::Close(Some(1000), Vec::new());
            assert_eq!(events, [Expected::Text(b"bye".to_vec()), close]);
            let written = wire::read(&out.sink, role);
            assert_eq!(written.len(), 1, "{written:?}");
            assert_eq!(written[0].payload, b"\x03\xe8bye");
            assert_eq!(conn.state(), State::Closed);
        }
    }
}

/// Shows 6455-1.4-02 6455-5.5.1-20.
#[test]
fn both_close_at_once() {
    let mut pair = Pair::new();
    let code = CloseCode::new(4001).unwrap();
    pair.client
        .send(|tx, out| tx.close(CloseCode::NORMAL, "done", out))
        .unwrap();
    pair.server
        .send(|tx, out| tx.close(code, "mine", out))
        .unwrap();
    pair.run();
    assert_eq!(pair.states(), (State::Closed, State::Closed));
    let from_server = Expected::Close(Some(4001), b"mine".to_vec());
    let from_client = Expected::Close(Some(1000), b"done".to_vec());
    assert_eq!(pair.client.events, [from_server]);
    assert_eq!(pair.server.events, [from_client]);
    assert_eq!((pair.client.closes(), pair.server.closes()), (1, 1));
}

/// Of a frame that is delivered as it arrives, what comes after our close is for nobody.
#[test]
fn a_frame_that_streams_ends_with_our_close() {
    for role in [Role::Server, Role::Client] {
        let mut config = Config::default();
        config.delivery = Delivery::Chunks;
        let mut conn = Connection::new(role, Arc::new(config));
        let mut keys = wire::Counting::default();
        let mut out = Outbound::client(Vec::new(), &mut keys);
        let mut inbound = Inbound::new();
        let mut bytes = wire::frame(role, 0x82, &[b'a'; 10]);
        let middle = bytes.len() - 4;
        let (first, rest) = bytes.split_at_mut(middle);
        let step = conn
            .rx
            .next(first, &mut inbound, &mut conn.tx, &mut out)
            .unwrap();
        assert!(matches!(step.event, Some(Event::Part(part)) if part.data == [b'a'; 6]));
        conn.tx.close(CloseCode::NORMAL, "", &mut out).unwrap();
        let step = conn
            .rx
            .next(rest, &mut inbound, &mut conn.tx, &mut out)
            .unwrap();
        assert_eq!((step.consumed, step.event), (4, None));
        let mut close = wire::frame(role, 0x88, b"");
        let step = conn
            .rx
            .next(&mut close, &mut inbound, &mut conn.tx, &mut out)
            .unwrap();
        assert!(matches!(step.event, Some(Event::Close(_))));
    }
}
