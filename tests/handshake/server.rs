//! The rows of `handshake_server.rows`.

use sockeye::proto::handshake::server::{Request, RequestParser};
use sockeye::proto::handshake::{
    Accept, HandshakeError, HeadError, HeadLimits, OriginPolicy, Refusal,
};

use crate::rows::{Outcome, Row, check, extensions, load, or_dash, replay, tell};

const ROWS: &str = include_str!("../rows/handshake_server.rows");

#[test]
fn rows() {
    let rows = load(ROWS);
    for row in &rows {
        let outcome = replay(row, |input, ends| run(row, input, ends));
        check(row, &outcome);
    }
    tell(&rows, "handshake request");
    assert!(rows.len() > if cfg!(miri) { 20 } else { 200 });
}

fn run(row: &Row, input: &[u8], ends: &mut dyn Iterator<Item = usize>) -> Outcome {
    let mut parser = RequestParser::new(HeadLimits::default());
    for end in ends {
        match parser.parse(&input[..end]) {
            Ok(None) => {}
            Ok(Some(request)) => {
                let verdict = match policy(row).check(&request) {
                    Ok(()) => accepted(row, input, &request),
                    Err(error) => refused(error),
                };
                return Outcome { at: end, verdict };
            }
            Err(error) => {
                assert_eq!(parser.parse(input).unwrap_err(), error, "an error stays");
                return Outcome {
                    at: end,
                    verdict: refused(error),
                };
            }
        }
    }
    Outcome {
        at: input.len(),
        verdict: vec![("want", "more".to_owned())],
    }
}

fn policy(row: &Row) -> OriginPolicy {
    match row.words("origin").as_slice() {
        [] | ["any"] => OriginPolicy::Any,
        ["same"] => OriginPolicy::SameHost,
        ["list", list @ ..] => {
            OriginPolicy::List(list.iter().map(|&origin| origin.to_owned()).collect())
        }
        other => panic!("{other:?}?"),
    }
}

fn accepted(row: &Row, input: &[u8], request: &Request<'_>) -> Vec<(&'static str, String)> {
    let protocol = request.choose_protocol(row.words("supports"));
    let mut out = Vec::new();
    Accept::new(request)
        .protocol(protocol)
        .write(&mut out)
        .unwrap();
    let answer = String::from_utf8(out).unwrap();
    let accept = String::from_utf8(request.accept().to_vec()).unwrap();
    let line = protocol
        .map(|protocol| format!("Sec-WebSocket-Protocol: {protocol}\r\n"))
        .unwrap_or_default();
    assert_eq!(
        answer,
        format!(
            "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
             Sec-WebSocket-Accept: {accept}\r\n{line}\r\n"
        )
    );
    vec![
        ("want", "101".to_owned()),
        ("accept", accept),
        ("protocol", protocol.unwrap_or("-").to_owned()),
        ("path", request.path().to_owned()),
        ("query", request.query().unwrap_or("-").to_owned()),
        ("host", request.host().to_owned()),
        (
            "offered",
            or_dash(request.protocols().collect::<Vec<_>>().join("|")),
        ),
        ("extensions", extensions(request.extensions())),
        ("left", (input.len() - request.head_len()).to_string()),
    ]
}

fn refused(error: HandshakeError) -> Vec<(&'static str, String)> {
    let mut out = Vec::new();
    Refusal::from(error).write(&mut out).unwrap();
    let answer = String::from_utf8(out).unwrap();
    let status = answer.split(' ').nth(1).unwrap();
    vec![("want", format!("{status} {error:?}"))]
}

/// Byte by byte: nothing before the head is whole or wrong, then the answer that the row wants, once.
/// Shows 6455-4.2.1-02 6455-4.2.2-15 6455-4.2.2-18 6455-9-03.
#[test]
fn every_row_is_answered_once() {
    for row in load(ROWS) {
        let name = &row.name;
        let want = row.text("want").expect("every row wants something");
        let status = want.split(' ').next().unwrap();
        let origins = policy(&row);
        let mut parser = RequestParser::new(HeadLimits::default());
        let mut out = Vec::new();
        let answer = (0..=row.input.len()).find_map(|end| {
            assert!(out.is_empty(), "{name}: an answer to half a head");
            let answer = parser.answer(&row.input[..end], &origins, &mut out);
            answer.transpose()
        });
        let again = parser.answer(&row.input, &origins, &mut Vec::new());
        let written = String::from_utf8(out).unwrap();
        match answer {
            None => assert_eq!((want, written.as_str()), ("more", ""), "{name}"),
            Some(Ok(head_len)) => {
                let left = row.input.len() - head_len;
                assert_eq!(left.to_string(), row.text("left").unwrap_or("0"), "{name}");
                assert_eq!(want, "101", "{name}");
                assert!(written.starts_with("HTTP/1.1 101 "), "{name}: {written}");
                assert!(written.ends_with("\r\n\r\n"), "{name}: {written}");
                // Nothing was agreed on here, so beside `Accept` nothing is named, whatever was offered.
                let named: Vec<_> = written.matches("Sec-WebSocket-").collect();
                assert_eq!(named.len(), 1, "{name}: {written}");
                assert_eq!(again, Ok(Some(0)), "{name}");
            }
            Some(Err(error)) => {
                assert_eq!(want, format!("{status} {error:?}"), "{name}");
                let line = format!("HTTP/1.1 {status} ");
                assert!(written.starts_with(&line), "{name}: {written}");
                assert!(written.ends_with(&format!("\n{error}\n")), "{name}");
                assert_eq!(again, Err(error), "{name}");
                assert_eq!(parser.parse(&row.input).unwrap_err(), error, "{name}");
            }
        }
    }
}

/// Asked again and again, it writes no second answer.
#[test]
fn an_answer_is_written_once() {
    let good = b"GET / HTTP/1.1\r\nHost: h\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
        Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n";
    let foreign = [&good[..good.len() - 2], b"Origin: http://elsewhere\r\n\r\n"].concat();
    for head in [good.as_slice(), &foreign, b"POST / HTTP/1.1\r\n"] {
        let mut parser = RequestParser::new(HeadLimits::default());
        let mut out = Vec::new();
        let first = parser.answer(head, &OriginPolicy::SameHost, &mut out);
        assert_eq!(first.is_ok(), head == good);
        let written = out.clone();
        for more in [head, b"", b"\x81\x85"] {
            let again = parser.answer(more, &OriginPolicy::SameHost, &mut out);
            assert_eq!(again, first.map(|_| Some(0)));
            assert_eq!(out, written);
        }
    }
}

#[test]
#[cfg_attr(miri, ignore = "not all rows are loaded")]
fn every_rule_of_the_parser_has_a_row() {
    let mut rows = load(ROWS);
    rows.extend(crate::page::wanted());
    let policies = [
        HandshakeError::NotFound,
        HandshakeError::Timeout,
        HandshakeError::TooManyRequests,
        HandshakeError::Unavailable,
        HandshakeError::Head(HeadError::Incomplete),
    ];
    let heads = HeadError::ALL
        .iter()
        .map(|head| HandshakeError::Head(*head));
    for error in HandshakeError::ALL
        .iter()
        .copied()
        .chain(heads)
        .filter(|error| !policies.contains(error))
    {
        let want = format!("{} {error:?}", error.status());
        assert!(
            rows.iter().any(|row| row.text("want") == Some(&want)),
            "no row wants {want}"
        );
    }
}

#[test]
fn texts_fit_a_close_reason() {
    let heads = HeadError::ALL
        .iter()
        .map(|head| HandshakeError::Head(*head));
    for error in HandshakeError::ALL.iter().copied().chain(heads) {
        let text = error.to_string();
        assert!(
            text.is_ascii() && text.len() <= 123 && !text.ends_with('.'),
            "{text}"
        );
        if let HandshakeError::Head(inner) = error {
            assert_eq!(inner.to_string(), text);
        }
        assert!(error.section().starts_with("RFC "));
        assert!((400..=505).contains(&error.status()));
    }
}

#[test]
fn fields_are_readable() {
    let head = b"GET / HTTP/1.1\r\nHost: h\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nCookie: a=1\r\n\
        Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\ncookie:\tb=2\t\r\n\r\nrest";
    let request = sockeye::proto::handshake::server::parse(head, HeadLimits::default()).unwrap();
    assert_eq!(request.header("COOKIE"), Some(&b"a=1"[..]));
    assert_eq!(request.header("origin"), None);
    assert_eq!(request.origin(), None);
    assert_eq!(
        request.headers().all("cookie").collect::<Vec<_>>(),
        [&b"a=1"[..], b"b=2"]
    );
    assert_eq!(request.headers().iter().next(), Some(("Host", &b"h"[..])));
    assert_eq!(request.headers().iter().count(), 7);
    assert_eq!(&head[request.head_len()..], b"rest");
    // Lent, not copied.
    assert!(
        head.as_ptr_range()
            .contains(&request.header("cookie").unwrap().as_ptr())
    );
}

/// A caller that does not keep its promise to feed the same bytes again gets an error, not a panic and not a request.
#[test]
fn bytes_that_changed_in_between_are_refused() {
    let line = b"GET / HTTP/1.1\r\n";
    for (first, then, last, error) in [
        (
            &b"X: x"[..],
            &b"H:\0x"[..],
            &b"\r\n\r\n"[..],
            HeadError::HeaderName,
        ),
        (b"X: x", b"HHHH", b"\r\n\r\n", HeadError::HeaderName),
        (b"X: x\r\n\r", b"X: xxxx", b"\n", HeadError::Incomplete),
        (
            &[b"X: ".as_slice(), &[b'x'; 65 * 4 - 3]].concat(),
            &b"a:\r\n".repeat(65),
            b"\r\n\r\n",
            HeadError::TooManyHeaders,
        ),
    ] {
        let mut parser = RequestParser::new(HeadLimits::default());
        let begun = [line, first].concat();
        assert!(parser.parse(&begun).unwrap().is_none());
        let changed = [line, then, last].concat();
        let got = parser.parse(&changed).unwrap_err();
        assert_eq!(got, HandshakeError::Head(error), "{then:?}");
    }
}

#[test]
fn limits_can_be_lowered_and_never_raised_beyond_the_stack() {
    let head = b"GET / HTTP/1.1\r\nHost: h\r\nX: y\r\n\r\n";
    let parse = |max_head, max_headers| {
        let mut parser = RequestParser::new(HeadLimits {
            max_head,
            max_headers,
        });
        parser.parse(head).map(|_| ()).unwrap_err()
    };
    assert_eq!(parse(head.len(), 2), HandshakeError::Upgrade);
    assert_eq!(
        parse(head.len() - 1, 2),
        HandshakeError::Head(HeadError::TooLarge)
    );
    assert_eq!(
        parse(head.len(), 1),
        HandshakeError::Head(HeadError::TooManyHeaders)
    );
    assert_eq!(parse(0, 0), HandshakeError::Head(HeadError::TooLarge));
    let many = [b"GET / HTTP/1.1\r\n".to_vec(), b"a:\r\n".repeat(65)].concat();
    let mut parser = RequestParser::new(HeadLimits {
        max_head: 8192,
        max_headers: usize::MAX,
    });
    assert_eq!(
        parser.parse(&many).unwrap_err(),
        HandshakeError::Head(HeadError::TooManyHeaders)
    );
}
