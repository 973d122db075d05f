//! What our own caller may and may not have written.

use sockeye::proto::handshake::client::{self, ResponseParser};
use sockeye::proto::handshake::{
    Accept, HandshakeError, HeadError, HeadLimits, Misuse, Refusal, server,
};

const OFFER: &[u8] = b"GET / HTTP/1.1\r\nHost: h\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
    Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\
    Sec-WebSocket-Protocol: a, b\r\nSec-WebSocket-Extensions: x; p, y\r\n\r\n";

fn request() -> client::Request<'static> {
    client::Request::new("example.com", "/chat", *b"the sample nonce")
}

fn text(out: Vec<u8>) -> String {
    String::from_utf8(out).unwrap()
}

/// Shows 6455-4.1-22 9112-2.2-03 9110-8.6-01 9112-6.1-01.
#[test]
fn bad_headers_are_refused_by_every_writer() {
    let cases: [(&str, &str, Misuse); 15] = [
        ("", "x", Misuse::HeaderName),
        ("A B", "x", Misuse::HeaderName),
        ("A:", "x", Misuse::HeaderName),
        ("A\r\nB", "x", Misuse::HeaderName),
        ("caf\u{e9}", "x", Misuse::HeaderName),
        ("A", "x\r\nSet-Cookie: evil", Misuse::HeaderValue),
        ("A", "x\n", Misuse::HeaderValue),
        ("A", "\r", Misuse::HeaderValue),
        ("A", "x\0", Misuse::HeaderValue),
        ("A", "\x7f", Misuse::HeaderValue),
        ("sec-websocket-ACCEPT", "x", Misuse::HeaderReserved),
        ("Connection", "x", Misuse::HeaderReserved),
        ("UPGRADE", "x", Misuse::HeaderReserved),
        ("Content-Length", "0", Misuse::HeaderReserved),
        ("transfer-encoding", "chunked", Misuse::HeaderReserved),
    ];
    let accepted = server::parse(OFFER, HeadLimits::default()).unwrap();
    for (name, value, want) in cases {
        let headers = [("X-Good", "1"), (name, value)];
        let mut out = b"before".to_vec();
        assert_eq!(
            Accept::new(&accepted).headers(&headers).write(&mut out),
            Err(want),
            "{name:?}: {value:?}"
        );
        assert_eq!(
            Refusal::new(403, "no").headers(&headers).write(&mut out),
            Err(want),
            "{name:?}: {value:?}"
        );
        assert_eq!(
            request().headers(&headers).write(&mut out).unwrap_err(),
            want,
            "{name:?}: {value:?}"
        );
        assert_eq!(out, b"before", "nothing may have been written");
    }
}

/// Shows 6455-4.2.2-01 6455-4.2.2-19 6455-4.2.2-20 6455-4.2.2-21 6455-4.2.2-22 6455-4.2.2-24 9110-5.3-02.
/// Shows 9110-5.6.1.1-01 9110-7.8-04 9110-7.8-07 9112-2.2-03 9112-5.2-01 6455-4.2.2-25 6455-4.3-06 6455-11.3.2-02.
/// Shows 6455-11.3.3-01 6455-11.3.4-02 9110-15.2-02 9110-8.6-01 9112-6.1-01.
#[test]
fn an_accepted_handshake() {
    let accepted = server::parse(OFFER, HeadLimits::default()).unwrap();
    let mut out = Vec::new();
    let headers = [("Set-Cookie", "a=1"), ("Set-Cookie", "b=2")];
    Accept::new(&accepted)
        .protocol(Some("b"))
        .extensions(Some("y, x; p"))
        .headers(&headers)
        .write(&mut out)
        .unwrap();
    assert_eq!(
        text(out),
        "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
         Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\nSec-WebSocket-Protocol: b\r\n\
         Sec-WebSocket-Extensions: y, x; p\r\nSet-Cookie: a=1\r\nSet-Cookie: b=2\r\n\r\n"
    );
}

/// Shows 6455-4.2.2-18 6455-9-03 6455-9.1-10.
#[test]
fn only_what_was_offered_is_accepted() {
    let accepted = server::parse(OFFER, HeadLimits::default()).unwrap();
    let mut out = Vec::new();
    for protocol in ["", "A", "z", "a, b", "a\r\n", " a"] {
        let accept = Accept::new(&accepted).protocol(Some(protocol));
        assert_eq!(
            accept.write(&mut out),
            Err(Misuse::ProtocolNotOffered),
            "{protocol:?}"
        );
    }
    for (line, want) in [
        ("z", Misuse::ExtensionNotOffered),
        ("x, z", Misuse::ExtensionNotOffered),
        ("x, y, x", Misuse::ExtensionNotOffered),
        ("", Misuse::Extensions),
        ("x;", Misuse::Extensions),
        ("x\r\nA: b", Misuse::Extensions),
    ] {
        assert_eq!(
            Accept::new(&accepted)
                .extensions(Some(line))
                .write(&mut out),
            Err(want),
            "{line:?}"
        );
    }
    assert!(out.is_empty());
}

/// The one answer of each status, byte by byte.
/// Shows 9110-7.8-06 9110-7.8-07 6455-4.3-07 6455-4.2.2-10 6455-4.4-02.
#[test]
fn refusals() {
    let mut out = Vec::new();
    Refusal::from(HandshakeError::Version)
        .write(&mut out)
        .unwrap();
    assert_eq!(
        text(out),
        "HTTP/1.1 426 Upgrade Required\r\nConnection: Upgrade, close\r\nUpgrade: websocket\r\n\
         Sec-WebSocket-Version: 13\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Length: 33\r\n\r\n\
         the WebSocket version must be 13\n"
    );
    let heads = HeadError::ALL
        .iter()
        .map(|head| HandshakeError::Head(*head));
    for error in HandshakeError::ALL.iter().copied().chain(heads) {
        let mut out = Vec::new();
        Refusal::from(error).write(&mut out).unwrap();
        let answer = text(out);
        let (head, body) = answer.split_once("\r\n\r\n").unwrap();
        let has = |line: &str| head.lines().filter(|other| *other == line).count() == 1;
        let reason = head.lines().next().unwrap().splitn(3, ' ').nth(2).unwrap();
        assert!(!reason.is_empty(), "{error:?} has no reason phrase");
        assert_eq!(body, format!("{error}\n"));
        assert!(has(&format!("Content-Length: {}", body.len())));
        let status = error.status();
        assert_eq!(has("Connection: close"), status != 426);
        assert_eq!(has("Connection: Upgrade, close"), status == 426);
        assert_eq!(has("Upgrade: websocket"), status == 426);
        assert_eq!(has("Sec-WebSocket-Version: 13"), status == 426);
        let pages = error == HandshakeError::PageMethod;
        assert_eq!(has("Allow: GET"), status == 405 && !pages);
        assert_eq!(has("Allow: GET, HEAD"), pages);
        assert_eq!(head.contains("Retry-After: "), status == 503);
        assert!(!head.contains("Date") && !head.contains("Server"));
    }
}

/// The reason phrases of RFC 9110 section 15 and RFC 6585; another status goes out without one.
/// Shows 6455-4.2.2-05.
#[test]
fn every_status_that_a_refusal_may_need_has_its_phrase() {
    for (status, phrase) in [
        (301, "Moved Permanently"),
        (302, "Found"),
        (303, "See Other"),
        (307, "Temporary Redirect"),
        (308, "Permanent Redirect"),
        (400, "Bad Request"),
        (401, "Unauthorized"),
        (403, "Forbidden"),
        (404, "Not Found"),
        (405, "Method Not Allowed"),
        (408, "Request Timeout"),
        (410, "Gone"),
        (413, "Content Too Large"),
        (414, "URI Too Long"),
        (417, "Expectation Failed"),
        (426, "Upgrade Required"),
        (429, "Too Many Requests"),
        (431, "Request Header Fields Too Large"),
        (500, "Internal Server Error"),
        (502, "Bad Gateway"),
        (503, "Service Unavailable"),
        (504, "Gateway Timeout"),
        (505, "HTTP Version Not Supported"),
        (599, ""),
    ] {
        let mut out = Vec::new();
        Refusal::new(status, "x").write(&mut out).unwrap();
        let line = format!("HTTP/1.1 {status} {phrase}\r\n");
        assert!(text(out).starts_with(&line), "{line}");
    }
}

#[test]
fn every_misuse_says_what_was_wrong() {
    let texts: Vec<String> = Misuse::ALL.iter().map(ToString::to_string).collect();
    for (i, text) in texts.iter().enumerate() {
        assert!(text.is_ascii() && !text.is_empty() && !text.ends_with('.'));
        assert!(!texts[i + 1..].contains(text), "{text} twice");
    }
    assert_eq!(
        Misuse::HeaderValue.to_string(),
        "a header value must not hold control bytes"
    );
}

/// Shows 6455-4.2.2-04.
#[test]
fn refusals_of_the_application() {
    let mut out = Vec::new();
    let headers = [("retry-after", "30"), ("content-type", "text/html")];
    Refusal::new(503, "full")
        .headers(&headers)
        .write(&mut out)
        .unwrap();
    assert_eq!(
        text(out),
        "HTTP/1.1 503 Service Unavailable\r\nConnection: close\r\nContent-Length: 5\r\nretry-after: 30\r\n\
         content-type: text/html\r\n\r\nfull\n"
    );
    let mut out = Vec::new();
    for (status, sentence, want) in [
        (101, "x", Misuse::Status),
        (200, "x", Misuse::Status),
        (304, "x", Misuse::Status),
        (600, "x", Misuse::Status),
        (403, "", Misuse::Sentence),
        (403, "a\r\nb", Misuse::Sentence),
    ] {
        assert_eq!(
            Refusal::new(status, sentence).write(&mut out),
            Err(want),
            "{status} {sentence:?}"
        );
    }
    assert!(out.is_empty());
    Refusal::new(499, "odd").write(&mut out).unwrap();
    assert!(out.starts_with(b"HTTP/1.1 499 \r\n"));
}

/// Shows 6455-4.1-23 6455-4.1-24 6455-4.1-27 6455-4.1-28 6455-4.1-29 6455-4.1-30 6455-4.1-31 6455-4.1-37 6455-4.1-38.
/// Shows 6455-4.1-39 9110-5.3-02 9110-5.6.1.1-01 9110-7.2-01 9110-7.8-07 6455-4.3-04 6455-4.3-05 6455-11.3.1-01.
/// Shows 6455-11.3.5-02.
#[test]
fn a_request() {
    let mut out = Vec::new();
    request()
        .protocols(&["chat", "Chat"])
        .extensions(Some("permessage-deflate; client_max_window_bits"))
        .origin(Some("https://example.com"))
        .headers(&[("Authorization", "Basic x")])
        .write(&mut out)
        .unwrap();
    assert_eq!(
        text(out),
        "GET /chat HTTP/1.1\r\nHost: example.com\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
         Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\
         Sec-WebSocket-Protocol: chat, Chat\r\n\
         Sec-WebSocket-Extensions: permessage-deflate; client_max_window_bits\r\n\
         Origin: https://example.com\r\nAuthorization: Basic x\r\n\r\n"
    );
}

/// Shows 6455-3-06 6455-4.1-22 6455-4.1-36 6455-4.1-40 6455-4.1-41.
#[test]
fn bad_requests_are_not_written() {
    let new = |host, target| client::Request::new(host, target, [0; 16]);
    let many: Vec<String> = (0..65).map(|number| number.to_string()).collect();
    let many: Vec<&str> = many.iter().map(String::as_str).collect();
    let cases = [
        (new("", "/"), Misuse::Host),
        (new("u:p@h", "/"), Misuse::Host),
        (new("h:99999", "/"), Misuse::Host),
        (new("h:a", "/"), Misuse::Host),
        (new("[::1", "/"), Misuse::Host),
        (new("h\r\nX: y", "/"), Misuse::Host),
        (new("b\u{fc}cher.example", "/"), Misuse::Host),
        (new("h", ""), Misuse::Target),
        (new("h", "chat"), Misuse::Target),
        (new("h", "http://h/"), Misuse::Target),
        (new("h", "/a b"), Misuse::Target),
        (new("h", "/a\r\nX: y"), Misuse::Target),
        (new("h", "/p#f"), Misuse::Target),
        (new("h", "/caf\u{e9}"), Misuse::Target),
        (request().protocols(&[""]), Misuse::Protocol),
        (request().protocols(&["a b"]), Misuse::Protocol),
        (request().protocols(&["a,b"]), Misuse::Protocol),
        (request().protocols(&["a/b"]), Misuse::Protocol),
        (request().protocols(&["caf\u{e9}"]), Misuse::Protocol),
        (
            request().protocols(&["a", "b", "a"]),
            Misuse::ProtocolRepeated,
        ),
        (request().protocols(&many), Misuse::ProtocolRepeated),
        (request().extensions(Some("")), Misuse::Extensions),
        (request().extensions(Some("a;\r\n")), Misuse::Extensions),
        (request().origin(Some("example.com")), Misuse::Origin),
        (
            request().origin(Some("https://example.com/")),
            Misuse::Origin,
        ),
        (request().origin(Some("https://a\r\n")), Misuse::Origin),
        (request().headers(&[("Host", "h")]), Misuse::HeaderReserved),
        (
            request().headers(&[("Origin", "null")]),
            Misuse::HeaderReserved,
        ),
        (
            request().headers(&[("Expect", "100-continue")]),
            Misuse::HeaderReserved,
        ),
    ];
    let mut out = Vec::new();
    for (request, want) in cases {
        assert_eq!(request.write(&mut out).unwrap_err(), want, "{request:?}");
    }
    assert!(out.is_empty());
    for host in ["h", "h:8080", "[::1]:9", "127.0.0.1"] {
        new(host, "/?a")
            .origin(Some("null"))
            .write(&mut out)
            .unwrap();
    }
    assert!(text(out).contains("Host: [::1]:9\r\n"));
}

/// RFC 9110 section 5.6.2, written out: in names that we write, and in those that a peer wrote.
/// Shows 9110-5.6.2-01.
#[test]
fn a_token_is_made_of_these_bytes_and_no_others() {
    let letters = ('0'..='9').chain('a'..='z').chain('A'..='Z');
    let token: String = "!#$%&'*+-.^_`|~".chars().chain(letters).collect();
    for byte in 0..=u8::MAX {
        let is_token = token.as_bytes().contains(&byte);
        let name = [b'a', byte, b'b'];
        let offer = [
            &OFFER[..OFFER.len() - 2],
            b"Sec-WebSocket-Protocol: ",
            &name,
            b"\r\nSec-WebSocket-Extensions: ",
            &name,
            b"\r\n\r\n",
        ]
        .concat();
        let read = server::parse(&offer, HeadLimits::default());
        // These part a list, or an element from its parameters, or are whitespace that a line may hold.
        if !b",;".contains(&byte) {
            assert_eq!(read.is_ok(), is_token, "{byte:#x}");
        }
        let Ok(name) = str::from_utf8(&name) else {
            continue;
        };
        let mut out = Vec::new();
        assert_eq!(
            request().protocols(&[name]).write(&mut out).is_ok(),
            is_token,
            "{byte:#x}"
        );
        assert_eq!(
            request().headers(&[(name, "x")]).write(&mut out).is_ok(),
            is_token,
            "{byte:#x}"
        );
    }
}

/// Each role accepts what the other one writes.
/// Shows 6455-4.1-03 6455-4.2.2-01.
#[test]
fn the_two_roles_agree() {
    let mut asked = Vec::new();
    let expected = request()
        .protocols(&["a", "b"])
        .extensions(Some("x; p=1, y"))
        .write(&mut asked)
        .unwrap();
    let received = server::parse(&asked, HeadLimits::default()).unwrap();
    assert_eq!(received.head_len(), asked.len());
    let mut answered = Vec::new();
    let accept = Accept::new(&received)
        .protocol(received.choose_protocol(["b"]))
        .extensions(Some("x; p=1"));
    accept.write(&mut answered).unwrap();
    let response = ResponseParser::new(HeadLimits::default())
        .parse(&answered)
        .unwrap()
        .unwrap();
    let agreed = response.verify(&expected).unwrap();
    assert_eq!(agreed.protocol(), Some("b"));
    assert_eq!(
        agreed
            .extensions()
            .map(|used| used.name())
            .collect::<Vec<_>>(),
        ["x"]
    );

    let mut other = Vec::new();
    let other = client::Request::new("h", "/", [7; 16])
        .write(&mut other)
        .unwrap();
    assert!(
        response.verify(&other).is_err(),
        "the answer to another key"
    );
}
