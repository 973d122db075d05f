//! Requests: any bytes, in any pieces, and what we answer.

use super::choices::{Choices, Pieces};
use super::http::{self, Head};
use sockeye::proto::handshake::client::{self, ResponseParser};
use sockeye::proto::handshake::server::{Asked, PageRequest, Request, RequestParser};
use sockeye::proto::handshake::{
    Accept, Extension, HandshakeError, HeadLimits, Misuse, OriginPolicy, Refusal,
};

/// The verdict depends on the bytes alone and comes with the byte that decides it; what is accepted is a WebSocket
/// request by a literal reading too, and our client takes the answer; each refusal is a complete HTTP response.
pub fn handshake_server(data: &[u8]) {
    let mut choices = Choices::new(data);
    let limits = limits(&mut choices);
    let pieces = Pieces::read(&mut choices);
    let chosen = choices.byte();
    let received = choices.all();
    let (decided, verdict) = ask(received, Pieces::Every(1), limits);
    for pieces in [Pieces::Whole, pieces, Pieces::Every(7)] {
        let (in_piece, other) = ask(received, pieces, limits);
        assert_eq!(other, verdict, "{pieces:?}");
        let due = pieces
            .ends(received.len())
            .find(|end| Some(*end) >= decided);
        assert_eq!(in_piece, due.filter(|_| decided.is_some()), "{pieces:?}");
    }
    match RequestParser::new(limits).parse(received) {
        Ok(None) => assert!(received.len() < limits.max_head),
        Ok(Some(request)) => {
            is_right(&request, received, limits);
            is_answered(&request, chosen);
        }
        Err(error) => is_refused(error),
    }
    with_pages(received, limits);
}

/// A server with pages takes the same handshakes, and refuses what it refuses for the same reasons; only what asks for
/// no WebSocket may be a page, if it is right in all that is not about handshakes.
fn with_pages(received: &[u8], limits: HeadLimits) {
    let mut parser = RequestParser::new(limits);
    let half = parser.parse_any(&received[..received.len() / 2]).map(drop);
    let with = parser.parse_any(received);
    assert!(half.is_ok() || half.err() == with.as_ref().err().copied());
    let without = RequestParser::new(limits).parse(received);
    match (&with, &without) {
        (Ok(None), Ok(None)) => {}
        (Ok(Some(Asked::Upgrade(one))), Ok(Some(other))) => {
            assert_eq!(everything(one), everything(other));
        }
        (Ok(Some(Asked::Page(page))), Err(error)) => {
            let expected = if page.is_head() {
                HandshakeError::Method
            } else {
                HandshakeError::Upgrade
            };
            assert_eq!(*error, expected);
            is_right_page(page, received, limits);
        }
        // A HEAD is read on where a server without pages has stopped; two Origins are seen before the missing Upgrade.
        (_, Err(HandshakeError::Method)) => {
            let stays = matches!(with, Err(HandshakeError::PageMethod));
            assert_eq!(stays, !parser.is_head());
        }
        (Err(HandshakeError::OriginRepeated), Err(HandshakeError::Upgrade)) => {}
        (Err(one), Err(other)) => assert_eq!(one, other),
        _ => panic!("{with:?}, but without pages {without:?}"),
    }
    if let Err(error) = with {
        is_refused(error);
    }
}

/// RFC 9112 sections 3 and 6.3, point by point.
fn is_right_page(request: &PageRequest<'_>, received: &[u8], limits: HeadLimits) {
    let whole = &received[..request.head_len()];
    assert!(whole.len() <= limits.max_head);
    let (head, rest) = Head::read(whole.strip_prefix(b"\r\n").unwrap_or(whole));
    assert!(rest.is_empty());
    let method = if request.is_head() { "HEAD" } else { "GET" };
    let words: Vec<&str> = head.start.split(' ').collect();
    assert_eq!(words, [method, request.target(), "HTTP/1.1"]);
    assert!(request.path().starts_with('/'));
    assert_eq!(head.only("host"), request.host().as_bytes());
    for never in ["content-length", "transfer-encoding", "expect"] {
        assert!(head.all(never).is_empty(), "{never}");
    }
    assert_eq!(head.all("origin").first().copied(), request.origin());
    assert!(head.all("origin").len() < 2);
    assert!(request.headers().iter().count() <= limits.max_headers);
}

pub(crate) fn limits(choices: &mut Choices<'_>) -> HeadLimits {
    let defaults = HeadLimits::default();
    HeadLimits {
        max_head: choices.pick(&[defaults.max_head, 64, 200, 1024]),
        max_headers: choices.pick(&[defaults.max_headers, 0, 5, 6, 7, 100]),
    }
}

/// What the parser says, and at which piece's end.
fn ask(received: &[u8], pieces: Pieces, limits: HeadLimits) -> (Option<usize>, String) {
    let mut parser = RequestParser::new(limits);
    for end in pieces.ends(received.len()) {
        match parser.parse(&received[..end]) {
            Ok(None) => {}
            Ok(Some(request)) => return (Some(end), everything(&request)),
            Err(error) => {
                assert_eq!(
                    parser.parse(received).err(),
                    Some(error),
                    "it was another before"
                );
                return (Some(end), format!("{error:?}"));
            }
        }
    }
    (None, "more".to_owned())
}

/// All that a request can be asked.
fn everything(request: &Request<'_>) -> String {
    let offers: Vec<_> = request.extensions().map(|offer| written(&offer)).collect();
    let protocols: Vec<_> = request.protocols().collect();
    let origins = [
        OriginPolicy::SameHost.check(request),
        OriginPolicy::Any.check(request),
    ];
    format!("{request:?} {offers:?} {protocols:?} {origins:?}")
}

/// An extension as it may stand in a header.
pub(crate) fn written(extension: &Extension<'_>) -> String {
    let mut text = extension.name().to_owned();
    for param in extension.params() {
        text += "; ";
        text += param.name;
        if let Some(value) = param.value {
            text += "=";
            text += &value;
        }
    }
    text
}

/// RFC 6455 section 4.2.1, point by point.
fn is_right(request: &Request<'_>, received: &[u8], limits: HeadLimits) {
    let whole = &received[..request.head_len()];
    assert!(whole.len() <= limits.max_head);
    let (head, rest) = Head::read(whole.strip_prefix(b"\r\n").unwrap_or(whole));
    assert!(rest.is_empty());
    let words: Vec<&str> = head.start.split(' ').collect();
    assert_eq!(words, ["GET", request.target(), "HTTP/1.1"]);
    assert!(request.path().starts_with('/'));
    assert_eq!(head.only("host"), request.host().as_bytes());
    assert!(head.lists("upgrade", "websocket"));
    assert!(head.lists("connection", "upgrade"));
    assert_eq!(head.only("sec-websocket-version"), b"13");
    let key = head.only("sec-websocket-key");
    assert_eq!(key.len(), 24);
    assert_eq!(request.accept(), *http::accept_for(key).as_bytes());
    for never in ["content-length", "transfer-encoding", "expect"] {
        assert!(head.all(never).is_empty(), "{never}");
    }
    assert_eq!(head.all("origin").first().copied(), request.origin());
    assert!(head.all("origin").len() < 2);
    let mut offered = head.elements("sec-websocket-protocol");
    assert!(request.protocols().eq(offered.iter().map(String::as_str)));
    offered.sort_unstable();
    assert!(
        offered.windows(2).all(|pair| pair[0] != pair[1]),
        "offered twice"
    );
    assert!(request.headers().iter().count() <= limits.max_headers);
}

/// Takes some of what was offered, and has our client judge the 101.
fn is_answered(request: &Request<'_>, chosen: u8) {
    let protocols: Vec<&str> = request.protocols().collect();
    let protocol = protocols.get(usize::from(chosen % 4)).copied();
    let offers: Vec<Extension<'_>> = request.extensions().collect();
    let mut used: Vec<&Extension<'_>> = Vec::new();
    for (offer, bit) in offers.iter().zip(2..8) {
        let known = used.iter().any(|other| other.name() == offer.name());
        if chosen >> bit & 1 == 1 && !known {
            used.push(offer);
        }
    }
    let line = |offers: &[&Extension<'_>]| {
        let texts: Vec<String> = offers.iter().map(|offer| written(offer)).collect();
        (!texts.is_empty()).then(|| texts.join(", "))
    };
    let extensions = line(&used);
    let mut answer = Vec::new();
    let accept = Accept::new(request).extensions(extensions.as_deref());
    let foreign = accept.protocol(Some("never offered")).write(&mut answer);
    assert_eq!(
        (foreign, answer.len()),
        (Err(Misuse::ProtocolNotOffered), 0)
    );
    let accepted = accept.protocol(protocol).write(&mut answer);
    assert_eq!(accepted, Ok(()));

    let key = request
        .header("sec-websocket-key")
        .expect("it was accepted");
    let Some(nonce) = http::nonce_of(key) else {
        return;
    };
    let all = line(&offers.iter().collect::<Vec<_>>());
    let asked = client::Request::new("h", "/", nonce)
        .protocols(&protocols)
        .extensions(all.as_deref());
    let mut request = Vec::new();
    let expected = asked
        .write(&mut request)
        .expect("what was offered can be offered again");
    let mut parser = ResponseParser::new(HeadLimits {
        max_head: usize::MAX,
        ..HeadLimits::default()
    });
    let response = parser
        .parse(&answer)
        .expect("our answer is right")
        .expect("and whole");
    assert_eq!(response.head_len(), answer.len());
    let agreed = response.verify(&expected).expect("our client takes it");
    assert_eq!(agreed.protocol(), protocol);
    let names = used.iter().map(|used| written(used));
    assert!(agreed.extensions().map(|used| written(&used)).eq(names));
}

/// A refusal is a complete answer that ends the connection.
fn is_refused(error: HandshakeError) {
    let mut answer = Vec::new();
    Refusal::from(error)
        .write(&mut answer)
        .expect("always writable");
    let mut fields = [httparse::EMPTY_HEADER; 16];
    let mut response = httparse::Response::new(&mut fields);
    let Ok(httparse::Status::Complete(size)) = response.parse(&answer) else {
        panic!("not a response: {answer:?}");
    };
    let status = error.status();
    assert_eq!((response.version, response.code), (Some(1), Some(status)));
    assert!((400..600).contains(&status));
    let (head, body) = Head::read(&answer);
    assert_eq!(body.len(), answer.len() - size);
    assert!(head.lists("connection", "close"));
    assert_eq!(
        head.only("content-length"),
        body.len().to_string().as_bytes()
    );
    assert!(body.len() > 1 && body.ends_with(b"\n"));
    match status {
        405 if error == HandshakeError::PageMethod => {
            assert_eq!(head.only("allow"), b"GET, HEAD");
        }
        405 => assert_eq!(head.only("allow"), b"GET"),
        426 => {
            assert!(head.lists("connection", "upgrade"));
            assert_eq!(head.only("upgrade"), b"websocket");
            assert_eq!(head.only("sec-websocket-version"), b"13");
        }
        503 => assert_eq!(head.all("retry-after").len(), 1),
        _ => {}
    }
}
