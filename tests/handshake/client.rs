//! The rows of `handshake_client.rows`.

use sockeye::proto::handshake::client::{Request, ResponseParser};
use sockeye::proto::handshake::{HeadLimits, ResponseError};

use crate::rows::{Outcome, Row, check, extensions, load, replay, tell};

const ROWS: &str = include_str!("../rows/handshake_client.rows");

#[test]
fn rows() {
    let rows = load(ROWS);
    for row in &rows {
        let outcome = replay(row, |input, ends| run(row, input, ends));
        check(row, &outcome);
    }
    tell(&rows, "handshake response");
    assert!(rows.len() > if cfg!(miri) { 8 } else { 80 });
}

fn run(row: &Row, input: &[u8], ends: &mut dyn Iterator<Item = usize>) -> Outcome {
    let protocols = row.words("protocols");
    let expected = Request::new("h", "/", *b"the sample nonce")
        .protocols(&protocols)
        .extensions(row.text("offers"))
        .write(&mut Vec::new())
        .unwrap();
    let mut parser = ResponseParser::new(HeadLimits::default());
    for end in ends {
        let response = match parser.parse(&input[..end]) {
            Ok(None) => continue,
            Ok(Some(response)) => response,
            Err(error) => {
                assert_eq!(parser.parse(input).unwrap_err(), error, "an error stays");
                return Outcome {
                    at: end,
                    verdict: failed(error),
                };
            }
        };
        let verdict = match response.verify(&expected) {
            Err(error) => failed(error),
            Ok(agreed) => vec![
                ("want", "open".to_owned()),
                ("protocol", agreed.protocol().unwrap_or("-").to_owned()),
                ("extensions", extensions(agreed.extensions())),
                ("left", (input.len() - response.head_len()).to_string()),
            ],
        };
        return Outcome { at: end, verdict };
    }
    Outcome {
        at: input.len(),
        verdict: vec![("want", "more".to_owned())],
    }
}

fn failed(error: ResponseError) -> Vec<(&'static str, String)> {
    let text = error.to_string();
    assert!(
        text.is_ascii() && text.len() <= 123 && !text.ends_with('.'),
        "{text}"
    );
    assert!(error.section().starts_with("RFC "));
    vec![("want", format!("fail {error:?}"))]
}

/// Shows 6455-4.1-58.
#[test]
fn the_cookies_of_an_answer_can_be_read() {
    let received = b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
        Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\nSet-Cookie: a=1; Path=/\r\nset-cookie: b=2\r\n\r\n";
    let expected = Request::new("h", "/", *b"the sample nonce")
        .write(&mut Vec::new())
        .unwrap();
    let response = ResponseParser::new(HeadLimits::default())
        .parse(received)
        .unwrap()
        .unwrap();
    assert!(response.verify(&expected).is_ok());
    let cookies: Vec<_> = response.headers().all("Set-Cookie").collect();
    assert_eq!(cookies, [&b"a=1; Path=/"[..], b"b=2"]);
}

#[test]
fn a_refusal_can_be_read() {
    let received = b"HTTP/1.1 426 Upgrade Required\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Version: 8, 7\r\n\r\nno";
    let response = ResponseParser::new(HeadLimits::default())
        .parse(received)
        .unwrap()
        .unwrap();
    assert_eq!(response.status(), 426);
    let versions: Vec<_> = response.headers().all("sec-websocket-version").collect();
    assert_eq!(versions, [&b"13"[..], b"8, 7"]);
    assert_eq!(&received[response.head_len()..], b"no");
}
