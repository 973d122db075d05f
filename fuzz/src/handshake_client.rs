//! Answers to our request: any bytes, in any pieces.

use super::choices::{Choices, Pieces};
use super::handshake_server::limits;
use super::http::Head;
use sockeye::proto::handshake::HeadLimits;
use sockeye::proto::handshake::client::{self, Expected, Response, ResponseParser};

/// The sample of RFC 6455 section 1.3.
const ACCEPT: &[u8] = b"s3pPLMBiTxaQ9kYGzzhZRbK+xOo=";

/// What we may have offered.
const PROTOCOLS: [&[&str]; 4] = [&["chat", "superchat"], &[], &["chat"], &["b", "Chat", "a"]];
const EXTENSIONS: [Option<&str>; 4] = [
    None,
    Some("permessage-deflate; client_max_window_bits"),
    Some("x, permessage-deflate, x; a=1"),
    Some("x"),
];

/// The verdict depends on the bytes alone and comes with the byte that decides it; what is accepted is an answer to our
/// key by a literal reading too, with nothing in it that was not offered.
pub fn handshake_client(data: &[u8]) {
    let mut choices = Choices::new(data);
    let limits = limits(&mut choices);
    let pieces = Pieces::read(&mut choices);
    let (protocols, extensions) = (choices.pick(&PROTOCOLS), choices.pick(&EXTENSIONS));
    let received = choices.all();
    let mut request = Vec::new();
    let asked = client::Request::new("example.com", "/chat", *b"the sample nonce")
        .protocols(protocols)
        .extensions(extensions);
    let expected = asked.write(&mut request).expect("nothing is wrong with it");

    let (decided, verdict) = ask(received, Pieces::Every(1), limits, &expected);
    for pieces in [Pieces::Whole, pieces, Pieces::Every(7)] {
        let (in_piece, other) = ask(received, pieces, limits, &expected);
        assert_eq!(other, verdict, "{pieces:?}");
        let due = pieces
            .ends(received.len())
            .find(|end| Some(*end) >= decided);
        assert_eq!(in_piece, due.filter(|_| decided.is_some()), "{pieces:?}");
    }
    match ResponseParser::new(limits).parse(received) {
        Ok(None) => assert!(received.len() < limits.max_head),
        Ok(Some(response)) => {
            assert!(response.head_len() <= limits.max_head);
            is_read_right(&response, received);
            if let Ok(agreed) = response.verify(&expected) {
                let names = agreed
                    .extensions()
                    .map(|extension| extension.name().to_owned());
                is_right(
                    received,
                    protocols,
                    agreed.protocol(),
                    extensions,
                    names.collect(),
                );
            }
        }
        Err(_) => {}
    }
}

fn ask(
    received: &[u8],
    pieces: Pieces,
    limits: HeadLimits,
    expected: &Expected<'_>,
) -> (Option<usize>, String) {
    let mut parser = ResponseParser::new(limits);
    for end in pieces.ends(received.len()) {
        match parser.parse(&received[..end]) {
            Ok(None) => {}
            Ok(Some(response)) => {
                return (
                    Some(end),
                    format!("{response:?} {:?}", response.verify(expected)),
                );
            }
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

/// The last head, and all of it.
fn is_read_right(response: &Response<'_>, received: &[u8]) {
    let head = final_head(received);
    let status = response.status().to_string();
    assert!(head.start.starts_with(&format!("HTTP/1.1 {status}")) || head.start == "not UTF-8");
    assert!(response.status() == 101 || (200..600).contains(&response.status()));
    assert!(received[..response.head_len()].ends_with(b"\r\n\r\n"));
    for (name, value) in response.headers().iter() {
        let values = head.all(&name.to_ascii_lowercase());
        assert!(values.contains(&value), "{name}");
    }
}

/// What stands behind the interim answers.
fn final_head(received: &[u8]) -> Head<'_> {
    let mut rest = received;
    loop {
        let interim = rest.starts_with(b"HTTP/1.1 1") && !rest.starts_with(b"HTTP/1.1 101");
        let (head, behind) = Head::read(rest);
        if !interim {
            return head;
        }
        rest = behind;
    }
}

/// RFC 6455 section 4.1, what a client checks, point by point.
fn is_right(
    received: &[u8],
    protocols: &[&str],
    agreed: Option<&str>,
    extensions: Option<&str>,
    used: Vec<String>,
) {
    let head = final_head(received);
    assert!(head.start == "not UTF-8" || head.start.starts_with("HTTP/1.1 101"));
    assert!(head.only("upgrade").eq_ignore_ascii_case(b"websocket"));
    assert!(head.lists("connection", "upgrade"));
    assert_eq!(head.only("sec-websocket-accept"), ACCEPT);
    match head.all("sec-websocket-protocol").as_slice() {
        [] => assert_eq!(agreed, None),
        [one] => {
            assert_eq!(agreed.map(str::as_bytes), Some(*one));
            assert!(protocols.iter().any(|offered| offered.as_bytes() == *one));
        }
        _ => panic!("several subprotocols"),
    }
    let lines = head.all("sec-websocket-extensions");
    assert_eq!(used.is_empty(), lines.is_empty());
    let ours: Vec<&str> = extensions
        .unwrap_or_default()
        .split([',', ';'])
        .map(str::trim)
        .collect();
    for (index, name) in used.iter().enumerate() {
        assert!(ours.contains(&name.as_str()), "{name} was not offered");
        assert!(!used[..index].contains(name), "{name} twice");
    }
}
