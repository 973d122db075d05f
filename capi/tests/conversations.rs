//! What a server hears and says through the ABI, at every split: the same as the core does in one piece.
#![allow(clippy::indexing_slicing, clippy::unwrap_used)]

mod support;

use engine::proto::deflate::{Compressor, Policy};
use engine::proto::handshake::server::{Request, RequestParser};
use engine::proto::handshake::{Accept, HandshakeError, HeadLimits, OriginPolicy, Refusal};
use engine::proto::{Config as CoreConfig, Connection, Delivery, Event, Inbound, Limits, Outbound};
use sockeye::config::{
    Config, SOCKEYE_ANY_ORIGIN, SOCKEYE_DELIVER_CHUNKS, SOCKEYE_DELIVER_FRAMES, SOCKEYE_NO_DEFLATE,
    SOCKEYE_SERVER_TAKEOVER,
};
use sockeye::event::State;
use std::sync::Arc;
use support::{Side, config, frame, request};

/// A conversation, what is logged of it, and how it stands in the end.
struct Row {
    name: &'static str,
    config: Config,
    input: Vec<u8>,
    log: &'static str,
    state: State,
}

const DEFLATE: &str = "Sec-WebSocket-Extensions: permessage-deflate\r\n";
/// "Hello", compressed (RFC 7692 section 7.2.3.1).
const HELLO: &[u8] = b"\xf2\x48\xcd\xc9\xc9\x07\x00";

fn open(lines: &str, frames: &[Vec<u8>]) -> Vec<u8> {
    [request(lines), frames.concat()].concat()
}

fn rows() -> Vec<Row> {
    let row = |name, config, input, log, state| Row {
        name,
        config,
        input,
        log,
        state,
    };
    let delivering = |delivery| Config {
        delivery,
        ..config()
    };
    let flags = |flags| Config { flags, ..config() };
    let close = frame(0x88, b"\x03\xe8bye");
    vec![
        row(
            "messages",
            config(),
            open(
                "",
                &[
                    frame(0x81, "žluťoučký".as_bytes()),
                    frame(0x82, &[0; 200]),
                    frame(0x82, b""),
                    frame(0x89, b"p"),
                    frame(0x8a, b"q"),
                    close.clone(),
                ],
            ),
            "Request 0 \nText 0 žluťoučký\nBinary 0 …\nBinary 0 \nPing 0 p\nPong 0 q\nClose 1000 bye\n",
            State::Closed,
        ),
        row(
            "fragments",
            config(),
            open(
                "",
                &[
                    frame(0x01, b"one "),
                    frame(0x89, b"p"),
                    frame(0x00, b"two "),
                    frame(0x80, b"three"),
                ],
            ),
            "Request 0 \nPing 0 p\nText 0 one two three\n",
            State::Open,
        ),
        row(
            "compressed",
            config(),
            open(
                DEFLATE,
                &[
                    frame(0xc1, HELLO),
                    frame(0x41, &HELLO[..3]),
                    frame(0x80, &HELLO[3..]),
                    frame(0x82, &[0; 300]),
                    frame(0x82, &[0; 300]),
                ],
            ),
            "Request 0 \nText 0 Hello\nText 0 Hello\nBinary 0 …\nBinary 0 …\n",
            State::Open,
        ),
        row(
            "compressed with takeover",
            flags(SOCKEYE_SERVER_TAKEOVER),
            open(
                DEFLATE,
                &[
                    frame(0xc1, HELLO),
                    frame(0x82, &[0; 300]),
                    frame(0x82, &[0; 300]),
                    close.clone(),
                ],
            ),
            "Request 0 \nText 0 Hello\nBinary 0 …\nBinary 0 …\nClose 1000 bye\n",
            State::Closed,
        ),
        row(
            "not compressed",
            flags(SOCKEYE_NO_DEFLATE),
            open(DEFLATE, &[frame(0xc1, HELLO)]),
            "Request 0 \nViolation 1002 reserved bit set\n",
            State::Failed,
        ),
        row(
            "bad text",
            config(),
            open(
                "",
                &[
                    frame(0x81, b"good"),
                    frame(0x81, b"bad \xff text"),
                    close.clone(),
                ],
            ),
            "Request 0 \nText 0 good\nViolation 1007 text is not UTF-8\n",
            State::Failed,
        ),
        row(
            "too big",
            Config {
                max_message: 300,
                ..config()
            },
            open("", &[frame(0x82, &[0; 300]), frame(0x82, &[0; 301])]),
            "Request 0 \nBinary 0 …\nViolation 1009 frame is over the size limit\n",
            State::Failed,
        ),
        row(
            "no code",
            config(),
            open("", &[frame(0x88, b"")]),
            "Request 0 \nClose 1005 \n",
            State::Closed,
        ),
        row(
            "frames",
            delivering(SOCKEYE_DELIVER_FRAMES),
            open("", &[frame(0x01, b"one "), frame(0x80, b"two")]),
            "Request 0 \nParts of Text of 4: one two\n",
            State::Open,
        ),
        row(
            "chunks",
            delivering(SOCKEYE_DELIVER_CHUNKS),
            open(
                DEFLATE,
                &[
                    frame(0x02, b"one "),
                    frame(0x80, b"two"),
                    frame(0xc1, HELLO),
                ],
            ),
            "Request 0 \nParts of Binary of 4: one two\nParts of Text of 7: Hello\n",
            State::Open,
        ),
        row(
            "its own page",
            config(),
            open("Origin: https://example.com\r\n", &[]),
            "Request 0 \n",
            State::Open,
        ),
        row(
            "a strange page",
            config(),
            open("Origin: https://evil.example\r\n", &[frame(0x81, b"a")]),
            "Violation 403 this origin is not allowed\n",
            State::Failed,
        ),
        row(
            "any page",
            flags(SOCKEYE_ANY_ORIGIN),
            open("Origin: https://evil.example\r\n", &[]),
            "Request 0 \n",
            State::Open,
        ),
        row(
            "no upgrade",
            config(),
            b"GET / HTTP/1.1\r\nHost: a\r\n\r\n".to_vec(),
            "Violation 426 this is a WebSocket endpoint, and the request does not ask for websocket\n",
            State::Failed,
        ),
        row(
            "a head alone",
            config(),
            b"HEAD / HTTP/1.1\r\n".to_vec(),
            "Violation 405 the method must be GET\n",
            State::Failed,
        ),
        row(
            "no HTTP",
            config(),
            b"\x16\x03\x01".to_vec(),
            "Violation 400 this is not HTTP/1.1\n",
            State::Failed,
        ),
        row(
            "too large a head",
            Config {
                max_head: 100,
                ..config()
            },
            request(""),
            "Violation 431 the head is too large\n",
            State::Failed,
        ),
    ]
}

/// What the configuration means, said again.
fn core_config(setup: &Config) -> CoreConfig {
    let has = |flag| setup.flags & flag != 0;
    let mut core = CoreConfig::default();
    let policy = Policy {
        server_context_takeover: has(SOCKEYE_SERVER_TAKEOVER),
        ..Policy::default()
    };
    core.deflate = (!has(SOCKEYE_NO_DEFLATE)).then_some(policy);
    if setup.max_message != 0 {
        core.limits = Limits::with_max_message(setup.max_message);
    }
    core.delivery = match setup.delivery {
        SOCKEYE_DELIVER_FRAMES => Delivery::Frames,
        SOCKEYE_DELIVER_CHUNKS => Delivery::Chunks,
        _ => Delivery::Messages,
    };
    core
}

/// The request, judged by the core alone.
fn judged<'a>(
    parser: &mut RequestParser,
    setup: &Config,
    input: &'a [u8],
) -> Result<Request<'a>, HandshakeError> {
    let any = setup.flags & SOCKEYE_ANY_ORIGIN != 0;
    let origins = if any {
        OriginPolicy::Any
    } else {
        OriginPolicy::SameHost
    };
    let request = parser.parse(input)?.unwrap();
    origins.check(&request)?;
    Ok(request)
}

/// What a server says to this, by the core alone, in one piece.
fn by_the_core(setup: &Config, input: &[u8]) -> Vec<u8> {
    let (core, mut limits) = (core_config(setup), HeadLimits::default());
    if setup.max_head != 0 {
        limits.max_head = usize::try_from(setup.max_head).unwrap();
    }
    let (mut parser, mut written) = (RequestParser::new(limits), Vec::new());
    let request = match judged(&mut parser, setup, input) {
        Ok(request) => request,
        Err(error) => {
            let refusal = Refusal::from(error).head_alone(parser.is_head());
            refusal.write(&mut written).unwrap();
            return written;
        }
    };
    let policy = core.deflate.clone();
    let params = policy
        .as_ref()
        .and_then(|policy| policy.answer(request.extensions()));
    let line = params.map(|params| params.to_string());
    let accept = Accept::new(&request).extensions(line.as_deref());
    accept.write(&mut written).unwrap();
    let mut conn = Connection::server(Arc::new(core));
    if let Some(params) = params {
        conn.set_deflate(params.agreed());
    }
    let mut compressor = Compressor::new(&policy.unwrap_or_default());
    let mut out = Outbound::server(&mut written).deflate(&mut compressor);
    echo(conn, &mut input[request.head_len()..].to_vec(), &mut out);
    written
}

fn echo(mut conn: Connection, frames: &mut [u8], out: &mut Outbound<'_, &mut Vec<u8>>) {
    let (mut inbound, mut at) = (Inbound::new(), 0);
    while let Ok(step) = conn
        .rx
        .next(&mut frames[at..], &mut inbound, &mut conn.tx, out)
    {
        at += step.consumed;
        match step.event {
            Some(Event::Text(text)) => conn.tx.text(text, out).unwrap(),
            Some(Event::Binary(data)) => conn.tx.binary(data, out).unwrap(),
            Some(_) => {}
            None => break,
        }
    }
}

/// Fed in these pieces: what is logged, written, and the state.
fn fed<'a>(config: &Config, pieces: impl Iterator<Item = &'a [u8]>) -> (String, Vec<u8>, State) {
    let mut side = Side::server(config);
    for piece in pieces {
        if !side.is_over() {
            side.feed(piece);
        }
    }
    let log = side
        .log
        .replace(&"\0".repeat(200), "…")
        .replace(&format!("…{}", "\0".repeat(100)), "…");
    (log, std::mem::take(&mut side.written), side.state())
}

/// Miri is slow.
const STEP: usize = if cfg!(miri) { 300 } else { 1 };
const PIECE: usize = if cfg!(miri) { 100 } else { 1 };

#[test]
fn every_conversation_is_the_same_at_every_split_and_is_what_the_core_says() {
    for Row {
        name,
        config,
        input,
        log,
        state,
    } in rows()
    {
        let expected = (log.to_owned(), by_the_core(&config, &input), state);
        assert!(!expected.1.is_empty());
        assert_eq!(fed(&config, std::iter::once(&*input)), expected, "{name}");
        assert_eq!(
            fed(&config, input.chunks(PIECE)),
            expected,
            "{name}, byte by byte"
        );
        for at in (0..input.len()).step_by(STEP) {
            let (left, right) = input.split_at(at);
            assert_eq!(
                fed(&config, [left, right].into_iter()),
                expected,
                "{name}, at {at}"
            );
        }
    }
}
