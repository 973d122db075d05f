//! Bytes nobody planned.

use proptest::prelude::*;
use sockeye::proto::handshake::client::{self, ResponseParser};
use sockeye::proto::handshake::server::{Asked, Request, RequestParser};
use sockeye::proto::handshake::{Accept, HeadLimits, OriginPolicy, server};

const GOOD: &[u8] = b"GET /chat?x=1 HTTP/1.1\r\nHost: server.example.com:80\r\nUpgrade: h2c, websocket\r\n\
    Connection: keep-alive, Upgrade\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\
    Origin: http://server.example.com\r\nSec-WebSocket-Protocol: a, b\r\n\
    Sec-WebSocket-Extensions: permessage-deflate; client_max_window_bits; a=\"1\\0\", x\r\n\r\nrest";

const PAGE: &[u8] =
    b"HEAD http://server.example.com:80/a%20b?x=1 HTTP/1.1\r\nHost: server.example.com:80\r\n\
    Upgrade: h2c\r\nConnection: keep-alive\r\nOrigin: null\r\nIf-None-Match: \"a\"\r\n\r\nrest";

const ANSWER: &[u8] = b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n\
    Connection: Upgrade\r\nSec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\nSec-WebSocket-Protocol: b\r\n\
    Sec-WebSocket-Extensions: x; a=\"1\"\r\n\r\nrest";

/// Touches everything that a request can be asked.
fn touch(request: &Request<'_>) -> String {
    let policy = OriginPolicy::SameHost.check(request);
    let offers: Vec<_> = request
        .extensions()
        .map(|offer| (offer.name(), offer.params().collect::<Vec<_>>()))
        .collect();
    let protocols: Vec<_> = request.protocols().collect();
    Accept::new(request)
        .protocol(request.choose_protocol(["b"]))
        .write(&mut Vec::new())
        .unwrap();
    format!("{request:?} {policy:?} {offers:?} {protocols:?}")
}

fn ask(input: &[u8], cuts: &[usize]) -> String {
    let mut parser = RequestParser::new(HeadLimits::default());
    for end in cuts.iter().copied().chain([input.len()]) {
        match parser.parse(&input[..end]) {
            Ok(None) => {}
            Ok(Some(request)) => return touch(&request),
            Err(error) => return format!("{error:?}"),
        }
    }
    "more".to_owned()
}

/// As `ask`, of a server that has pages too.
fn ask_any(input: &[u8], cuts: &[usize]) -> String {
    let mut parser = RequestParser::new(HeadLimits::default());
    for end in cuts.iter().copied().chain([input.len()]) {
        match parser.parse_any(&input[..end]) {
            Ok(None) => {}
            Ok(Some(Asked::Upgrade(request))) => return touch(&request),
            Ok(Some(Asked::Page(request))) => return format!("{request:?}"),
            Err(error) => return format!("{error:?} {}", parser.is_head()),
        }
    }
    "more".to_owned()
}

fn answer(input: &[u8], cuts: &[usize]) -> String {
    let expected = client::Request::new("h", "/", *b"the sample nonce")
        .protocols(&["b"])
        .extensions(Some("x"))
        .write(&mut Vec::new())
        .unwrap();
    let mut parser = ResponseParser::new(HeadLimits::default());
    for end in cuts.iter().copied().chain([input.len()]) {
        match parser.parse(&input[..end]) {
            Ok(None) => {}
            Ok(Some(response)) => return format!("{response:?} {:?}", response.verify(&expected)),
            Err(error) => return format!("{error:?}"),
        }
    }
    "more".to_owned()
}

/// Changes, inserts and removes a few bytes, often ones that mean something.
fn mutated(good: &'static [u8]) -> impl Strategy<Value = Vec<u8>> {
    let byte = prop_oneof![
        any::<u8>(),
        prop::sample::select(b"\r\n\t ,;=\"\\:/?#@[]%\0\x7f\xff13".to_vec())
    ];
    let change = (any::<prop::sample::Index>(), byte, 0..3u8);
    prop::collection::vec(change, 1..4).prop_map(move |changes| {
        let mut bytes = good.to_vec();
        for (index, byte, kind) in changes {
            let at = index.index(bytes.len());
            match kind {
                0 => bytes[at] = byte,
                1 => bytes.insert(at, byte),
                _ => drop(bytes.remove(at)),
            }
        }
        bytes
    })
}

fn cuts(len: usize, cuts: &[prop::sample::Index]) -> Vec<usize> {
    let mut cuts: Vec<usize> = cuts.iter().map(|cut| cut.index(len + 1)).collect();
    cuts.sort_unstable();
    cuts
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: if cfg!(miri) { 3 } else { 2000 },
        failure_persistence: None,
        ..ProptestConfig::default()
    })]

    #[test]
    fn noise(input in prop::collection::vec(any::<u8>(), 0..300), at in any::<[prop::sample::Index; 3]>()) {
        let cuts = cuts(input.len(), &at);
        prop_assert_eq!(ask(&input, &[]), ask(&input, &cuts));
        prop_assert_eq!(ask_any(&input, &[]), ask_any(&input, &cuts));
        prop_assert_eq!(answer(&input, &[]), answer(&input, &cuts));
    }

    #[test]
    fn almost_a_request(input in mutated(GOOD), at in any::<[prop::sample::Index; 3]>()) {
        prop_assert_eq!(ask(&input, &[]), ask(&input, &cuts(input.len(), &at)));
    }

    #[test]
    fn almost_a_page(input in mutated(PAGE), at in any::<[prop::sample::Index; 3]>()) {
        prop_assert_eq!(ask_any(&input, &[]), ask_any(&input, &cuts(input.len(), &at)));
    }

    #[test]
    fn almost_an_answer(input in mutated(ANSWER), at in any::<[prop::sample::Index; 3]>()) {
        prop_assert_eq!(answer(&input, &[]), answer(&input, &cuts(input.len(), &at)));
    }

    /// A value that is written is read back as it was, and can never become two lines.
    #[test]
    #[cfg_attr(miri, ignore = "patterns take too long to build")]
    fn what_is_written_is_read(
        name in "[!-~]{1,12}", value in "\\PC{0,20}|[ -~]{0,20}|.{0,8}", target in "/[!-~]{0,30}",
        nonce in any::<[u8; 16]>(),
        protocols in prop::collection::hash_set("[a-zA-Z0-9.+-]{1,8}", 0..5),
    ) {
        let protocols: Vec<&str> = protocols.iter().map(String::as_str).collect();
        let headers = [(name.as_str(), value.as_str())];
        let mut out = Vec::new();
        let request = client::Request::new("h:8080", &target, nonce).protocols(&protocols).headers(&headers);
        if let Ok(expected) = request.write(&mut out) {
            let received = server::parse(&out, HeadLimits::default()).unwrap();
            prop_assert_eq!(received.head_len(), out.len());
            prop_assert_eq!(received.target(), target.as_str());
            prop_assert_eq!(received.header(&name), Some(value.trim_matches([' ', '\t']).as_bytes()));
            prop_assert!(received.protocols().eq(protocols.iter().copied()));
            let mut answered = Vec::new();
            let protocol = protocols.last().copied();
            Accept::new(&received).protocol(protocol).headers(&headers).write(&mut answered).unwrap();
            let response = ResponseParser::new(HeadLimits::default()).parse(&answered).unwrap().unwrap();
            prop_assert_eq!(response.head_len(), answered.len());
            prop_assert_eq!(response.verify(&expected).unwrap().protocol(), protocol);
        } else {
            prop_assert!(out.is_empty());
        }
    }
}

#[test]
fn the_unchanged_ones_are_good() {
    assert!(ask(GOOD, &[]).starts_with("Request"));
    assert_eq!(ask_any(GOOD, &[]), ask(GOOD, &[]));
    assert!(ask_any(PAGE, &[]).starts_with("PageRequest"));
    assert!(answer(ANSWER, &[]).contains("Ok(Agreed"));
}

/// A byte of a field is looked at once: spoiling those before it changes nothing.
#[test]
fn dribbled_fields_are_looked_at_once() {
    let line = b"GET / HTTP/1.1\r\n";
    let fields = [
        b"X: ".as_slice(),
        &[b'a'; if cfg!(miri) { 100 } else { 4000 }],
        b"\r\nY: b",
    ]
    .concat();
    let mut parser = RequestParser::new(HeadLimits::default());
    let mut received = line.to_vec();
    for byte in fields {
        received[line.len()..].fill(0);
        received.push(byte);
        assert!(parser.parse(&received).unwrap().is_none());
    }
}
