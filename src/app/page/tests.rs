#![allow(
    clippy::unwrap_used,
    reason = "a test that unwraps a fault fails, as it should"
)]

use super::*;
use crate::proto::handshake::HeadLimits;
use crate::proto::handshake::server::{Asked, RequestParser};
use alloc::string::ToString as _;
use proptest::prelude::*;

/// SHA-1 of `hello`, in base64, by another hand: `printf hello | openssl sha1 -binary | base64`.
const HELLO: &str = "\"qvTGHdzF6KLavt4PO0gs2a6pQ00=\"";

/// What is written in answer to a request with these lines.
fn ask(page: &Page, method: &str, lines: &[u8]) -> String {
    let line = format!("{method} / HTTP/1.1\r\nHost: h\r\n");
    let head = [line.as_bytes(), lines, b"\r\n"].concat();
    let mut parser = RequestParser::new(HeadLimits::default());
    let Ok(Some(Asked::Page(request))) = parser.parse_any(&head) else {
        panic!("{:?}", head.escape_ascii());
    };
    let mut out = Vec::new();
    page.answer(&request).write(&request, &mut out).unwrap();
    String::from_utf8(out).unwrap()
}

fn status(page: &Page, lines: &[u8]) -> u16 {
    let answer = ask(page, "GET", lines);
    answer.split(' ').nth(1).unwrap().parse().unwrap()
}

#[test]
fn a_page_byte_by_byte() {
    let page = Page::text("hello");
    assert_eq!(page.etag(), HELLO);
    let head = format!(
        "HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 5\r\nContent-Type: text/plain; charset=utf-8\r\n\
         X-Content-Type-Options: nosniff\r\nReferrer-Policy: no-referrer\r\nETag: {HELLO}\r\n\
         Cache-Control: no-cache\r\n\r\n"
    );
    assert_eq!(ask(&page, "GET", b""), format!("{head}hello"));
    assert_eq!(ask(&page, "HEAD", b""), head);
    let condition = format!("If-None-Match: {HELLO}\r\n");
    let unchanged = format!(
        "HTTP/1.1 304 Not Modified\r\nConnection: close\r\nX-Content-Type-Options: nosniff\r\n\
         Referrer-Policy: no-referrer\r\nETag: {HELLO}\r\nCache-Control: no-cache\r\n\r\n"
    );
    for method in ["GET", "HEAD"] {
        assert_eq!(ask(&page, method, condition.as_bytes()), unchanged);
    }
}

#[test]
fn every_kind_of_page_has_its_type() {
    for (page, want) in [
        (Page::html("x"), "text/html; charset=utf-8"),
        (Page::text("x"), "text/plain; charset=utf-8"),
        (Page::javascript("x"), "text/javascript; charset=utf-8"),
        (Page::css("x"), "text/css; charset=utf-8"),
        (Page::svg("x"), "image/svg+xml"),
        (Page::json("x"), "application/json"),
        (Page::bytes("image/png", b"x"), "image/png"),
    ] {
        let answer = ask(&page, "GET", b"");
        assert!(
            answer.contains(&format!("\r\nContent-Type: {want}\r\n")),
            "{answer}"
        );
        let has_policy = answer.contains("\r\nContent-Security-Policy: ");
        assert_eq!(has_policy, want.contains("html") || want.contains("svg"));
        assert!(answer.ends_with("\r\n\r\nx"));
    }
}

/// `@` is the page's own tag, without quotes.
#[test]
fn conditions() {
    let page = Page::text("hello");
    for (lines, want) in [
        // RFC 9110 13.1.2: what the peer has.
        ("If-None-Match: \"@\"", 304),
        ("if-none-match:\t\"@\"\t", 304),
        ("If-None-Match: W/\"@\"", 304),
        ("If-None-Match: *", 304),
        ("If-None-Match: \"a\", \"@\"", 304),
        ("If-None-Match: \"@\",\"a\"", 304),
        ("If-None-Match: ,, W/\"a\" ,\t\"@\" ,", 304),
        ("If-None-Match: \"a\"\r\nIf-None-Match: \"@\"", 304),
        ("If-None-Match: \"\", \"@\"", 304),
        ("If-None-Match: \"a,b\", \"c\\\", \"@\"", 304),
        ("If-None-Match: \"a\"", 200),
        ("If-None-Match: \"\"", 200),
        ("If-None-Match: \"@x\"", 200),
        ("If-None-Match: \"x@\"", 200),
        ("If-None-Match: \"a,@\"", 200),
        // No list at all: the page.
        ("If-None-Match:", 200),
        ("If-None-Match: ,", 200),
        ("If-None-Match: @", 200),
        ("If-None-Match: \"@", 200),
        ("If-None-Match: @\"", 200),
        ("If-None-Match: w/\"@\"", 200),
        ("If-None-Match: W/ \"@\"", 200),
        ("If-None-Match: \"@\" \"a\"", 200),
        ("If-None-Match: \"@\"x", 200),
        ("If-None-Match: \"@\", x", 200),
        ("If-None-Match: '@'", 200),
        ("If-None-Match: \"a b\", \"@\"", 200),
        ("If-None-Match: *, \"@\"", 200),
        ("If-None-Match: \"a\", *", 200),
        ("If-None-Match: **", 200),
        ("If-None-Match: *\r\nIf-None-Match: *", 200),
        // RFC 9110 13.1.1: which one the peer wants, and 13.2.2: that comes first.
        ("If-Match: \"@\"", 200),
        ("If-Match: *", 200),
        ("If-Match: \"a\", \"@\"", 200),
        ("If-Match: \"a\"", 412),
        ("If-Match: W/\"@\"", 412),
        ("If-Match: a", 200),
        ("If-Match: \"a\"\r\nIf-None-Match: \"@\"", 412),
        ("If-Match: \"@\"\r\nIf-None-Match: \"@\"", 304),
        // What pages do not have.
        ("If-Modified-Since: Sat, 01 Jan 2050 00:00:00 GMT", 200),
        ("If-Unmodified-Since: Sat, 01 Jan 2000 00:00:00 GMT", 200),
        ("Range: bytes=0-1", 200),
        ("Range: bytes=0-1\r\nIf-Range: \"@\"", 200),
    ] {
        let lines = lines.replace('@', HELLO.trim_matches('"')) + "\r\n";
        assert_eq!(status(&page, lines.as_bytes()), want, "{lines}");
    }
    // Letters beyond ASCII may stand in a tag, and are no text.
    let lines = [b"If-None-Match: \"\xff\", ", HELLO.as_bytes(), b"\r\n"].concat();
    assert_eq!(status(&page, &lines), 304);
}

#[test]
fn the_headers_of_the_page() {
    let page = Page::html("x")
        .header("cache-control", "max-age=60")
        .and_then(|page| page.header("Content-Language", "en"))
        .and_then(|page| page.header("Content-Security-Policy", "default-src 'self'"))
        .and_then(|page| page.header("Content-Location", "/x"))
        .unwrap();
    let whole = ask(&page, "GET", b"");
    let unchanged = ask(&page, "GET", b"If-None-Match: *\r\n");
    for answer in [&whole, &unchanged] {
        assert_eq!(answer.matches("ache-").count(), 1, "{answer}");
        assert!(answer.contains("\r\ncache-control: max-age=60\r\n"));
        assert_eq!(answer.matches("-Policy: default-src 'self'\r\n").count(), 1);
        assert!(answer.contains("\r\nContent-Location: /x\r\n"));
        assert!(!answer.contains("'none'"), "{answer}");
    }
    assert!(whole.contains("\r\nContent-Language: en\r\n"));
    assert!(!unchanged.contains("Content-Language"));
}

#[test]
fn what_cannot_be_written_is_found_at_start() {
    for (name, value, want) in [
        ("ETag", "\"1\"", Misuse::HeaderReserved),
        ("Content-Type", "x", Misuse::HeaderReserved),
        ("Content-Length", "1", Misuse::HeaderReserved),
        ("A B", "x", Misuse::HeaderName),
        ("A", "x\r\nB: y", Misuse::HeaderValue),
    ] {
        assert_eq!(Page::html("x").header(name, value).unwrap_err(), want);
    }
    assert_eq!(Page::bytes("a\r\nb", "x").check(), Err(Misuse::HeaderValue));
    assert_eq!(Page::html("x").check(), Ok(()));
}

#[test]
fn types_of_files() {
    for (name, want) in [
        ("/a.html", types::HTML),
        ("/a.HTM", types::HTML),
        ("/a.js", types::JAVASCRIPT),
        ("/a.mjs", types::JAVASCRIPT),
        ("/a.min.css", types::CSS),
        ("/a.svg", types::SVG),
        ("/a.js.map", types::JSON),
        ("/a.txt", types::TEXT),
        ("/a.Png", "image/png"),
        ("/a.woff2", "font/woff2"),
        ("/a.wasm", "application/wasm"),
        ("/a.tar.gz", "application/gzip"),
        ("/a.html.exe", "application/octet-stream"),
        ("/a.", "application/octet-stream"),
        ("/html", "application/octet-stream"),
        ("/a.html/b", "application/octet-stream"),
        ("/", "application/octet-stream"),
    ] {
        assert_eq!(types::of_file(name), want, "{name}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2000, failure_persistence: None, ..ProptestConfig::default() })]

    /// Whatever a condition holds, there is an answer; and 304 only if the tag stands there, or a star.
    #[test]
    fn any_condition(
        parts in prop::collection::vec(
            prop_oneof![
                Just(HELLO.to_string()), Just("\"".to_string()), Just(",".to_string()), Just("W/".to_string()),
                Just("*".to_string()), Just(" ".to_string()), "[ -~]{0,4}",
            ],
            0..8,
        ),
    ) {
        let value = parts.concat();
        let got = status(&Page::text("hello"), format!("If-None-Match: {value}\r\n").as_bytes());
        prop_assert!(got == 200 || got == 304);
        if got == 304 {
            prop_assert!(value.contains(HELLO) || value.trim_matches([' ', ',']) == "*", "{value}");
        }
    }
}
