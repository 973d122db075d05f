//! The opening handshake through the loop: every answer whole, at every split and byte by byte, and what the request is.
//!
//! What makes an answer right is judged by `tests/handshake`; here it is what the loop makes of that judgement.

use crate::harness::{End, Server, Sim, Told, to};
use crate::rows::{Outcome, Row, check, load, or_dash, replay, tell};
use crate::sim::random;
use sockeye::client::{Cause, Connector};
use sockeye::proto::deflate::Policy;

const ANSWERS: &str = include_str!("../rows/answers.rows");
const OF_THE_CORE: &str = include_str!("../rows/handshake_client.rows");

/// Shows 6455-4.1-44 6455-7.1.4-02.
#[test]
fn rows() {
    let rows = load(ANSWERS);
    for row in &rows {
        let outcome = replay(row, |input, ends| run(row, input, ends));
        check(row, &outcome);
    }
    tell(&rows, "answers through the loop");
    assert!(rows.len() > 50);
}

/// Whatever the core refuses, the loop refuses for the same reason.
#[test]
fn rows_of_the_core() {
    let mut rows = load(OF_THE_CORE);
    // A connector offers permessage-deflate, and nothing else.
    rows.retain(|row| row.text("offers").is_none());
    for row in &rows {
        let outcome = replay(row, |input, ends| run(row, input, ends));
        let want = match row.text("want").unwrap() {
            "more" => "fail Ended(Handshake)".to_owned(),
            fail if fail.starts_with("fail Status(") => fail.replace("Status", "Refused"),
            fail if fail.starts_with("fail ") => format!("fail Response({})", &fail[5..]),
            open => open.to_owned(),
        };
        let found = |name| outcome.verdict.iter().find(|(other, _)| *other == name);
        assert_eq!(found("want").unwrap().1, want, "{}", row.name);
        if let (Some(want), Some((_, protocol))) = (row.text("protocol"), found("protocol")) {
            assert_eq!(protocol, want, "{}", row.name);
        }
        if let Some(at) = row.text("at") {
            assert_eq!(outcome.at.to_string(), at, "{}", row.name);
        }
    }
    tell(&rows, "answers of the core through the loop");
    assert!(rows.len() > 60);
}

fn run(row: &Row, input: &[u8], ends: &mut dyn Iterator<Item = usize>) -> Outcome {
    let mut sim = Sim::new();
    random::set_pattern(b"the sample nonce");
    sim.dial(&connector(row));
    sim.settle();
    let mut server = sim.server();
    let request = server.request();
    assert!(request.contains("Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"));
    assert!(server.bytes.is_empty(), "more than the request");
    let (mut at, mut told_at) = (0, None);
    for end in ends {
        server.push(&input[at..end]);
        at = end;
        sim.turn();
        if told_at.is_none() && !sim.told().is_empty() {
            told_at = Some(end);
        }
    }
    server.conn.end();
    sim.settle();
    Outcome {
        at: told_at.unwrap_or(at),
        verdict: verdict(&mut sim, &server),
    }
}

fn connector(row: &Row) -> Connector {
    let connector = to("ws://10.0.0.1/").protocols(row.words("protocols"));
    match row.text("offers") {
        Some("permessage-deflate") => connector.deflate(Policy::default()),
        None => connector,
        Some(other) => panic!("{other} cannot be offered"),
    }
}

/// What the handler was told, and what follows for the stream.
fn verdict(sim: &mut Sim, server: &Server) -> Vec<(&'static str, String)> {
    let told = sim.take_told();
    let verdict = match &told[..] {
        [Told::Failed(7, error)] => {
            // 6455-4.1-44, -47 to -53: nothing but the request was sent.
            assert!(server.conn.take_sent().is_empty());
            let refused = sim.probe().refused.take();
            let body = refused.map(|refused| refused.body.escape_ascii().to_string());
            vec![
                ("want", format!("fail {error}")),
                ("body", body.unwrap_or_default()),
            ]
        }
        [
            Told::Open {
                protocol,
                compressed,
                ..
            },
            rest @ ..,
        ] => vec![
            ("want", "open".to_owned()),
            ("protocol", or_dash(protocol.clone().unwrap_or_default())),
            (
                "extensions",
                if *compressed {
                    "permessage-deflate"
                } else {
                    "-"
                }
                .to_owned(),
            ),
            ("told", rest.iter().map(short).collect::<Vec<_>>().join(" ")),
        ],
        other => panic!("{other:?}"),
    };
    assert!(server.conn.is_closed());
    sim.assert_idle();
    verdict
}

fn short(told: &Told) -> String {
    match told {
        Told::Text(7, text) => format!("text:{text}"),
        Told::Binary(7, data) => format!("binary:{}", data.escape_ascii()),
        Told::Ping(7, data) => format!("ping:{}", data.escape_ascii()),
        Told::Close(
            7,
            End {
                code,
                cause,
                violation: Some(violation),
                ..
            },
        ) => {
            format!("close:{code}:{cause:?}:{violation:?}")
        }
        Told::Close(
            7,
            End {
                code, cause, clean, ..
            },
        ) => {
            assert_eq!(*clean, *cause == Cause::Peer);
            format!("close:{code}:{cause:?}")
        }
        other => panic!("{other:?}"),
    }
}

/// A server need not have read the request to refuse it, and one that has ended will never answer it.
#[test]
fn a_request_that_is_not_read_is_no_reason_to_wait() {
    for window in [0, 1, 40] {
        for (answer, want) in [
            (
                &b"HTTP/1.1 400 x\r\nContent-Length: 0\r\n\r\n"[..],
                "Refused(400)",
            ),
            (b"SSH-2.0\r\n", "Response(Head(NotHttp))"),
            (b"", "Ended(Handshake)"),
        ] {
            let mut sim = Sim::new();
            sim.dial(&to("ws://10.0.0.1/"));
            let conn = sim.last_conn();
            conn.set_window(window);
            sim.settle();
            assert_eq!(conn.untaken(), window);
            if answer.is_empty() {
                conn.end();
            } else {
                conn.push(answer);
            }
            sim.settle();
            assert_eq!(sim.only_failure(), want, "{window}");
            assert!(conn.is_closed());
            sim.assert_idle();
        }
    }
}

/// However the kernel takes it, the request arrives whole.
/// Shows 6455-6.1-10.
#[test]
fn a_request_may_leave_byte_by_byte() {
    let mut sim = Sim::new();
    sim.dial(&to("ws://10.0.0.1/"));
    let conn = sim.last_conn();
    conn.set_max_send(1);
    for _ in 0..400 {
        sim.turn();
    }
    sim.server().accept();
    sim.settle();
    assert!(matches!(sim.told(), [Told::Open { tag: 7, .. }]));
}
