//! Answers to requests for pages.

use sockeye::proto::handshake::server::{Asked, PageRequest, RequestParser};
use sockeye::proto::handshake::{Body, HandshakeError, HeadLimits, Misuse, Refusal, Response};

const GET: &[u8] = b"GET /a?b HTTP/1.1\r\nHost: h\r\n\r\n";
const HEAD: &[u8] = b"HEAD /a?b HTTP/1.1\r\nHost: h\r\n\r\n";

fn page(head: &'static [u8]) -> PageRequest<'static> {
    match RequestParser::new(HeadLimits::default()).parse_any(head) {
        Ok(Some(Asked::Page(request))) => request,
        other => panic!("{other:?}"),
    }
}

fn written(response: &Response, request: &'static [u8]) -> String {
    let mut out = Vec::new();
    response.write(&page(request), &mut out).unwrap();
    String::from_utf8(out).unwrap()
}

#[test]
fn a_document_byte_by_byte() {
    let response = Response::new(200, "text/html; charset=utf-8", "<p>hello")
        .header("ETag", "\"1\"")
        .header("Cache-Control", "no-cache");
    let head = "HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 8\r\n\
         Content-Type: text/html; charset=utf-8\r\nX-Content-Type-Options: nosniff\r\nReferrer-Policy: no-referrer\r\n\
         Content-Security-Policy: default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; \
         connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'\r\n\
         ETag: \"1\"\r\nCache-Control: no-cache\r\n\r\n";
    assert_eq!(written(&response, GET), format!("{head}<p>hello"));
    assert_eq!(written(&response, HEAD), head);
}

/// Of each status: the line, whether it has a length, and what its body is.
#[test]
fn statuses() {
    for (status, phrase, has_content) in [
        (200, "OK", true),
        (201, "", true),
        (204, "No Content", false),
        (304, "Not Modified", false),
        (404, "Not Found", true),
        (412, "Precondition Failed", true),
        (500, "Internal Server Error", true),
        (599, "", true),
    ] {
        let response = Response::new(status, "text/plain", "four").header("ETag", "\"1\"");
        for request in [GET, HEAD] {
            let answer = written(&response, request);
            let (head, body) = answer.split_once("\r\n\r\n").unwrap();
            let line = format!("HTTP/1.1 {status} {phrase}\r\nConnection: close\r\n");
            assert!(answer.starts_with(&line), "{answer}");
            assert_eq!(
                head.contains("\r\nContent-Length: 4"),
                has_content,
                "{head}"
            );
            assert_eq!(head.contains("\r\nContent-Length"), has_content, "{head}");
            assert_eq!(head.contains("\r\nContent-Type: "), has_content, "{head}");
            assert!(head.contains("\r\nETag: \"1\""), "{head}");
            let want = if has_content && request == GET {
                "four"
            } else {
                ""
            };
            assert_eq!(body, want);
        }
    }
    for status in [0, 100, 101, 199, 205, 206, 426, 600, 999] {
        let mut out = b"before".to_vec();
        let response = Response::new(status, "text/plain", "x");
        assert_eq!(
            response.write(&page(GET), &mut out),
            Err(Misuse::PageStatus),
            "{status}"
        );
        assert_eq!(out, b"before");
    }
}

/// H37: nothing ends a line early, and nothing is said twice.
#[test]
fn bad_headers_are_refused_and_nothing_is_written() {
    for (name, value, want) in [
        ("", "x", Misuse::HeaderName),
        ("A B", "x", Misuse::HeaderName),
        ("A:", "x", Misuse::HeaderName),
        ("A\r\nB", "x", Misuse::HeaderName),
        ("A\0", "x", Misuse::HeaderName),
        ("caf\u{e9}", "x", Misuse::HeaderName),
        ("A", "x\r\nSet-Cookie: evil", Misuse::HeaderValue),
        ("A", "x\n", Misuse::HeaderValue),
        ("A", "\r", Misuse::HeaderValue),
        ("A", "x\0", Misuse::HeaderValue),
        ("content-LENGTH", "1", Misuse::HeaderReserved),
        ("Content-Type", "text/html", Misuse::HeaderReserved),
        ("Connection", "keep-alive", Misuse::HeaderReserved),
        ("Transfer-Encoding", "chunked", Misuse::HeaderReserved),
        ("Upgrade", "websocket", Misuse::HeaderReserved),
        ("Sec-WebSocket-Accept", "x", Misuse::HeaderReserved),
    ] {
        for request in [GET, HEAD] {
            let response = Response::new(200, "text/plain", "x")
                .header("X-Good", "1")
                .header(name, value);
            let mut out = b"before".to_vec();
            let request = page(request);
            assert_eq!(
                response.write(&request, &mut out),
                Err(want),
                "{name:?}: {value:?}"
            );
            assert_eq!(out, b"before");
        }
    }
    for kind in ["text/html\r\nX: y", "text/html\0", "\n"] {
        let mut out = Vec::new();
        let response = Response::new(200, kind, "x");
        assert_eq!(
            response.write(&page(GET), &mut out),
            Err(Misuse::HeaderValue)
        );
        assert!(out.is_empty());
    }
}

/// What a browser may do with which type.
#[test]
fn policies() {
    let html = "default-src 'none'; script-src 'self'";
    let svg = "default-src 'none'; style-src 'unsafe-inline'; sandbox";
    for (kind, want) in [
        ("text/html", Some(html)),
        ("Text/HTML ; charset=utf-8", Some(html)),
        ("application/xhtml+xml", Some(html)),
        ("image/svg+xml", Some(svg)),
        ("text/plain", None),
        ("text/javascript", None),
        ("application/json", None),
    ] {
        let answer = written(&Response::new(200, kind, "x"), GET);
        let policy = answer.split_once("\r\nContent-Security-Policy: ");
        match want {
            Some(want) => assert!(policy.unwrap().1.starts_with(want), "{answer}"),
            None => assert!(policy.is_none(), "{answer}"),
        }
        assert!(answer.contains("\r\nX-Content-Type-Options: nosniff\r\n"));
        assert!(answer.contains("\r\nReferrer-Policy: no-referrer\r\n"));
    }
    let own = Response::new(200, "text/html", "x")
        .header("content-security-policy", "default-src 'self'")
        .header("Referrer-Policy", "origin");
    let answer = written(&own, GET);
    let policies: Vec<&str> = answer
        .lines()
        .filter(|line| line.to_ascii_lowercase().contains("policy"))
        .collect();
    assert_eq!(
        policies,
        [
            "content-security-policy: default-src 'self'",
            "Referrer-Policy: origin"
        ]
    );
}

/// Y03: nothing that the peer sent, and the same words for every path.
#[test]
fn nothing_is_there() {
    let answer = written(&Response::not_found(), GET);
    assert!(answer.starts_with("HTTP/1.1 404 Not Found\r\n"), "{answer}");
    assert!(answer.ends_with(&format!("\r\n\r\n{}\n", HandshakeError::NotFound)));
    assert_eq!(Response::not_found().status(), 404);
}

/// Bytes of every kind are lent, and a clone lends the same.
#[test]
fn bodies() {
    for body in [
        Body::from("abc"),
        Body::from(b"abc"),
        Body::from(b"abc".as_slice()),
        Body::from("abc".to_owned()),
        Body::from(b"abc".to_vec()),
        Body::from(std::sync::Arc::<[u8]>::from(b"abc".to_vec())),
    ] {
        assert_eq!(&*body, b"abc");
        assert_eq!(body.clone().as_ptr(), body.as_ptr(), "copied");
        let response = Response::new(200, "text/plain", body.clone());
        let mut head = Vec::new();
        let rest = response.write_head(&page(GET), &mut head).unwrap();
        assert_eq!(rest.as_ptr(), body.as_ptr(), "copied");
        let whole = [head, rest.to_vec()].concat();
        assert_eq!(written(&response, GET).into_bytes(), whole);
        assert!(
            response
                .write_head(&page(HEAD), &mut Vec::new())
                .unwrap()
                .is_empty()
        );
    }
    assert!(Body::EMPTY.is_empty());
}

/// RFC 9110 section 9.3.2 for what the parser refuses.
#[test]
fn a_refused_head_is_answered_without_a_body() {
    for (input, is_head) in [
        (&b"HEAD / HTTP/1.1\r\n\r\n"[..], true),
        (b"HEAD noslash HTTP/1.1\r\nHost: h\r\n\r\n", true),
        (
            b"HEAD / HTTP/1.1\r\nHost: h\r\nUpgrade: websocket\r\n\r\n",
            true,
        ),
        (b"GET / HTTP/1.1\r\n\r\n", false),
        (b"HEADER / HTTP/1.1\r\n\r\n", false),
        (b"get / HTTP/1.1\r\n\r\n", false),
    ] {
        let mut parser = RequestParser::new(HeadLimits::default());
        let error = parser.parse_any(input).unwrap_err();
        assert_eq!(parser.is_head(), is_head, "{input:?}");
        let (mut with, mut without) = (Vec::new(), Vec::new());
        Refusal::from(error).write(&mut with).unwrap();
        let refusal = Refusal::from(error).head_alone(true);
        refusal.write(&mut without).unwrap();
        assert!(without.ends_with(b"\r\n\r\n"));
        assert_eq!([without, format!("{error}\n").into_bytes()].concat(), with);
    }
}
