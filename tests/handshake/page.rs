//! The rows of `handshake_page.rows`, and what both ways to read a request say about the same bytes.

use sockeye::proto::handshake::server::{Asked, RequestParser};
use sockeye::proto::handshake::{HandshakeError, HeadLimits, Refusal};

use crate::rows::{Outcome, Row, check, load, replay, tell};

const PAGES: &str = include_str!("../rows/handshake_page.rows");
const SOCKETS: &str = include_str!("../rows/handshake_server.rows");

#[test]
fn rows() {
    let rows = load(PAGES);
    for row in &rows {
        let outcome = replay(row, |input, ends| run(input, ends));
        check(row, &outcome);
    }
    tell(&rows, "page request");
    assert!(rows.len() > if cfg!(miri) { 4 } else { 50 });
}

/// A server with pages reads handshakes as one without does; only what asks for no WebSocket is read otherwise.
#[test]
fn handshakes_are_read_alike_with_and_without_pages() {
    let mut pages = 0;
    for row in load(SOCKETS).iter().chain(&load(PAGES)) {
        let with = replay(row, |input, ends| run(input, ends));
        let without = replay(row, |input, ends| run_without(input, ends));
        let (with, without) = (&with.verdict[0].1, &without.verdict[0].1);
        let name = &row.name;
        match without.as_str() {
            "405 Method" => assert!(
                matches!(
                    with.as_str(),
                    "405 PageMethod" | "405 Method" | "page HEAD" | "400 Body"
                ),
                "{name}: {with}"
            ),
            "426 Upgrade" if with == "400 OriginRepeated" => {}
            "426 Upgrade" => {
                pages += 1;
                assert_eq!(with, "page GET", "{name}");
            }
            other => assert_eq!(with, other, "{name}"),
        }
    }
    assert!(pages > if cfg!(miri) { 0 } else { 15 });
}

fn run(input: &[u8], ends: &mut dyn Iterator<Item = usize>) -> Outcome {
    let mut parser = RequestParser::new(HeadLimits::default());
    for end in ends {
        let verdict = match parser.parse_any(&input[..end]) {
            Ok(None) => continue,
            Ok(Some(asked)) => told(&asked, input),
            Err(error) => {
                assert_eq!(
                    parser.parse_any(input).unwrap_err(),
                    error,
                    "an error stays"
                );
                assert_eq!(parser.parse(input).unwrap_err(), error, "whoever asks");
                vec![("want", format!("{} {error:?}", error.status()))]
            }
        };
        return Outcome { at: end, verdict };
    }
    more(input)
}

fn told(asked: &Asked<'_>, input: &[u8]) -> Vec<(&'static str, String)> {
    let (want, path, query, host, head_len) = match asked {
        Asked::Upgrade(it) => ("101", it.path(), it.query(), it.host(), it.head_len()),
        Asked::Page(it) => {
            let want = if it.is_head() {
                "page HEAD"
            } else {
                "page GET"
            };
            assert!(it.target().contains(it.path()) || it.path() == "/");
            assert_eq!(it.header("host"), Some(it.host().as_bytes()));
            assert_eq!(it.headers().first("origin"), it.origin());
            (want, it.path(), it.query(), it.host(), it.head_len())
        }
    };
    let mut told = vec![
        ("want", want.to_owned()),
        ("path", path.to_owned()),
        ("query", query.unwrap_or("-").to_owned()),
        ("host", host.to_owned()),
        ("left", (input.len() - head_len).to_string()),
    ];
    if let Asked::Upgrade(request) = asked {
        let accept = String::from_utf8(request.accept().to_vec()).unwrap();
        told.push(("accept", accept));
    }
    told
}

fn run_without(input: &[u8], ends: &mut dyn Iterator<Item = usize>) -> Outcome {
    let mut parser = RequestParser::new(HeadLimits::default());
    for end in ends {
        let want = match parser.parse(&input[..end]) {
            Ok(None) => continue,
            Ok(Some(_)) => "101".to_owned(),
            Err(error) => format!("{} {error:?}", error.status()),
        };
        let verdict = vec![("want", want)];
        return Outcome { at: end, verdict };
    }
    more(input)
}

fn more(input: &[u8]) -> Outcome {
    Outcome {
        at: input.len(),
        verdict: vec![("want", "more".to_owned())],
    }
}

/// A 405 says what would have been taken (RFC 9110 section 15.5.6).
#[test]
fn methods_that_are_allowed() {
    for (error, want) in [
        (HandshakeError::Method, "\r\nAllow: GET\r\n"),
        (HandshakeError::PageMethod, "\r\nAllow: GET, HEAD\r\n"),
    ] {
        let mut out = Vec::new();
        Refusal::from(error).write(&mut out).unwrap();
        let answer = String::from_utf8(out).unwrap();
        assert!(
            answer.starts_with("HTTP/1.1 405 Method Not Allowed\r\n"),
            "{answer}"
        );
        assert!(answer.contains(want), "{answer}");
        let mut out = Vec::new();
        let headers = [("Vary", "Origin")];
        Refusal::from(error)
            .headers(&headers)
            .write(&mut out)
            .unwrap();
        assert!(String::from_utf8(out).unwrap().contains(want));
    }
}

/// Who asks in one way and then in the other is not fooled: a HEAD that was let in as one for a page is no handshake.
#[test]
fn the_two_ways_may_be_mixed() {
    let head = b"HEAD / HTTP/1.1\r\nHost: a\r\n\r\n";
    let mut parser = RequestParser::new(HeadLimits::default());
    assert!(parser.parse_any(&head[..20]).unwrap().is_none());
    assert_eq!(parser.parse(head).unwrap_err(), HandshakeError::Method);
    assert_eq!(parser.parse_any(head).unwrap_err(), HandshakeError::Method);

    let page = b"GET / HTTP/1.1\r\nHost: a\r\n\r\n";
    let mut parser = RequestParser::new(HeadLimits::default());
    assert!(parser.parse(&page[..20]).unwrap().is_none());
    assert!(matches!(parser.parse_any(page), Ok(Some(Asked::Page(_)))));
}

/// These rows, for who looks whether each rule has one.
pub(crate) fn wanted() -> Vec<Row> {
    load(PAGES)
}
