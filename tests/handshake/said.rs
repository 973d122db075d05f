//! What requests, refusals and errors say of themselves.
//!
//! Not here: what makes them (`rows`).

use sockeye::proto::handshake::server::{Asked, RequestParser, parse};
use sockeye::proto::handshake::{HandshakeError, HeadError, HeadLimits, Refusal, ResponseError};

const UPGRADE: &str = "Host: h\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
    Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n";

/// Of each target the path and the query.
const TARGETS: [(&str, &str, Option<&str>); 5] = [
    ("/", "/", None),
    ("/chat", "/chat", None),
    ("/chat?", "/chat", Some("")),
    ("/chat?a=1&b", "/chat", Some("a=1&b")),
    ("http://h/x?y?z", "/x", Some("y?z")),
];

#[test]
fn a_handshake_says_what_was_asked_for() {
    for (target, path, query) in TARGETS {
        let head = format!("GET {target} HTTP/1.1\r\n{UPGRADE}");
        let request = parse(head.as_bytes(), HeadLimits::default()).unwrap();
        let said = (request.target(), request.path(), request.query());
        assert_eq!(said, (target, path, query));
    }
}

#[test]
fn a_page_request_says_what_was_asked_for() {
    for (target, path, query) in TARGETS {
        let head = format!("GET {target} HTTP/1.1\r\nHost: h\r\nCookie: a\r\nCookie: b\r\n\r\n");
        let mut parser = RequestParser::new(HeadLimits::default());
        let Ok(Some(Asked::Page(page))) = parser.parse_any(head.as_bytes()) else {
            panic!("{target} is no page")
        };
        let said = (page.target(), page.path(), page.query());
        assert_eq!(said, (target, path, query));
        assert_eq!(page.header("COOKIE"), Some(&b"a"[..]));
        assert_eq!(page.header("Cooki"), None);
        assert_eq!(page.origin(), None);
        assert!(format!("{page:?}").contains("Cookie"));
    }
}

#[test]
fn an_origin_is_told_as_it_was_sent() {
    let origin = Some(&b"https://Example.com"[..]);
    for rest in [UPGRADE, "Host: h\r\n\r\n"] {
        let head = format!("GET / HTTP/1.1\r\nOrigin: https://Example.com\r\n{rest}");
        let mut parser = RequestParser::new(HeadLimits::default());
        let told = match parser.parse_any(head.as_bytes()).unwrap().unwrap() {
            Asked::Upgrade(request) => request.origin(),
            Asked::Page(page) => page.origin(),
        };
        assert_eq!(told, origin);
    }
}

#[test]
fn each_fault_has_a_text_of_its_own() {
    let heads = HeadError::ALL.iter().map(|error| error.to_string());
    let handshakes = HandshakeError::ALL.iter().map(|error| error.to_string());
    let texts: Vec<String> = heads.chain(handshakes).collect();
    for (at, text) in texts.iter().enumerate() {
        assert!(text.len() > 10 && !texts[..at].contains(text), "{text}");
    }
}

#[test]
fn a_refusal_says_what_it_is() {
    let refusal = Refusal::new(403, "not today");
    assert_eq!((refusal.status(), refusal.sentence()), (403, "not today"));
    let refusal = Refusal::from(HandshakeError::Upgrade);
    assert_eq!(refusal.status(), 426);
    assert_eq!(refusal.sentence(), HandshakeError::Upgrade.to_string());
}

/// What is wrong with an answer, in a few words of the text, and where the rule is.
#[test]
fn what_is_wrong_with_an_answer_is_said() {
    use ResponseError as E;
    let mut texts = std::collections::BTreeSet::new();
    for (error, word, section) in [
        (E::Head(HeadError::BareLf), "", HeadError::BareLf.section()),
        (E::HttpVersion, "HTTP/1.1", "RFC 6455 4.1"),
        (E::Status(429), "with status 429", "RFC 6455 4.1"),
        (E::Upgrade, "websocket", "RFC 6455 4.1"),
        (E::Connection, "Connection", "RFC 6455 4.1"),
        (E::AcceptMissing, "missing", "RFC 6455 4.1"),
        (E::AcceptRepeated, "more than one", "RFC 6455 11.3.3"),
        (E::AcceptMismatch, "key", "RFC 6455 4.1"),
        (E::ProtocolRepeated, "more than one", "RFC 6455 11.3.4"),
        (E::ProtocolNotOffered, "subprotocol", "RFC 6455 4.1"),
        (E::Extensions, "malformed", "RFC 6455 9.1"),
        (E::ExtensionNotOffered, "not offered", "RFC 6455 4.1"),
        (E::ExtensionRepeated, "twice", "RFC 6455 9.1"),
    ] {
        let text = error.to_string();
        assert!(text.len() > 10 && text.contains(word), "{text}");
        assert_eq!(error.section(), section, "{text}");
        assert!(texts.insert(text));
    }
}
