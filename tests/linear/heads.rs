//! Requests and answers that take long to read.
//!
//! Not here: how long they may be; the limits here are such that nothing reaches them.

use crate::cost::{Cost, Law, is_linear};
use sockeye::proto::deflate::Policy;
use sockeye::proto::handshake::HeadLimits;
use sockeye::proto::handshake::client::ResponseParser;
use sockeye::proto::handshake::server::RequestParser;

/// Each byte of a head is scanned as it arrives, split into fields, and read by whoever its field is for: as a list, as
/// tokens, and once more each time that it is asked for, which happens twice here.
const HEADS: Law = Law {
    byte: 12,
    frame: 0,
    call: 0,
    once: 16 << 10,
};

/// Lines of so many bytes, about.
type Lines = fn(usize) -> String;

const LIMITS: HeadLimits = {
    let mut limits = HeadLimits::DEFAULT;
    limits.max_head = 4 << 20;
    limits
};

const HEAD: &str = "GET /ws HTTP/1.1\r\nHost: h\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
    Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n";

/// A request with these lines more, byte by byte or in one piece; all that can be asked of it is.
fn request(lines: &str, piece: usize) -> Cost {
    let head = format!("{HEAD}{lines}\r\n");
    let mut parser = RequestParser::new(LIMITS);
    let mut calls = 0;
    let mut end = 0;
    while end < head.len() {
        end = head.len().min(end.saturating_add(piece));
        calls += 1;
        match parser.parse(&head.as_bytes()[..end]) {
            Ok(None) => {}
            Ok(Some(request)) => {
                let _ = request.choose_protocol(["chat", "x"]);
                let _ = Policy::default().answer(request.extensions());
            }
            Err(_) => break,
        }
    }
    Cost {
        input: end as u64,
        calls,
        ..Cost::default()
    }
}

/// H23, H26, H27, H28, Z14: whatever stands in a field, right or wrong.
#[test]
fn long_fields() {
    let fields: [(&str, Lines); 16] = [
        ("a long value", |n| format!("X: {}\r\n", "a".repeat(n))),
        ("spaces behind a value", |n| {
            format!("X: a{}\r\n", " ".repeat(n))
        }),
        ("a long name", |n| format!("{}: a\r\n", "a".repeat(n))),
        ("64 lines", |n| {
            format!("X: {}\r\n", "a".repeat(n / 58)).repeat(58)
        }),
        ("spaces between protocols", |n| {
            format!("Sec-WebSocket-Protocol: b{}x\r\n", " ".repeat(n))
        }),
        ("commas in protocols", |n| {
            format!("Sec-WebSocket-Protocol: b{}x\r\n", ",".repeat(n))
        }),
        ("commas and spaces in protocols", |n| {
            format!("Sec-WebSocket-Protocol: b{}x\r\n", ", ".repeat(n / 2))
        }),
        ("a long protocol", |n| {
            format!("Sec-WebSocket-Protocol: {}\r\n", "a".repeat(n))
        }),
        ("commas in extensions", |n| {
            format!("Sec-WebSocket-Extensions: a{}b\r\n", ",".repeat(n))
        }),
        ("an open quote", |n| {
            format!(
                "Sec-WebSocket-Extensions: a; b=\"{}\r\n",
                "\\c".repeat(n / 2)
            )
        }),
        ("a long quote", |n| {
            format!(
                "Sec-WebSocket-Extensions: permessage-deflate; b=\"{}\"\r\n",
                "\\c".repeat(n / 2)
            )
        }),
        ("offers", |n| {
            let offers = "permessage-deflate; server_max_window_bits=8, ".repeat(n / 46);
            format!("Sec-WebSocket-Extensions: {offers}x\r\n")
        }),
        ("parameters", |n| {
            format!(
                "Sec-WebSocket-Extensions: permessage-deflate{}\r\n",
                "; a=b".repeat(n / 5)
            )
        }),
        ("spaces in parameters", |n| {
            format!("Sec-WebSocket-Extensions: a;{}b\r\n", " ".repeat(n))
        }),
        ("Connection as a list", |n| {
            format!("Connection: {}a\r\n", "a,".repeat(n / 2))
        }),
        ("Upgrade as a list", |n| {
            format!("Upgrade: {}a\r\n", "a/b , ".repeat(n / 6))
        }),
    ];
    for (name, lines) in fields {
        for piece in [1, usize::MAX] {
            let way = if piece == 1 {
                "byte by byte"
            } else {
                "at once"
            };
            is_linear(&format!("{name}, {way}"), HEADS, |n| {
                request(&lines(n), piece)
            });
        }
    }
}

/// No two of the at most 64 protocols may be the same: those of one length are compared with all before them, half of 64
/// times each byte, and more there cannot be.
#[test]
fn protocols_that_are_nearly_the_same() {
    let compared = Law { byte: 48, ..HEADS };
    is_linear("64 long protocols", compared, |n| {
        let long = "a".repeat(n / 64);
        let list: Vec<String> = (10..74).map(|number| format!("{long}{number}")).collect();
        request(
            &format!("Sec-WebSocket-Protocol: {}\r\n", list.join(",")),
            usize::MAX,
        )
    });
}

/// K02: an answer to a client.
#[test]
fn a_long_answer() {
    for piece in [1, usize::MAX] {
        is_linear(&format!("an answer by {piece}"), HEADS, |n| {
            let head = format!("HTTP/1.1 101 x\r\nX: {}\r\n\r\n", "a ".repeat(n / 2));
            let mut parser = ResponseParser::new(LIMITS);
            let mut end = 0;
            while end < head.len() {
                end = head.len().min(end.saturating_add(piece));
                let _ = parser.parse(&head.as_bytes()[..end]);
            }
            Cost {
                input: head.len() as u64,
                ..Cost::default()
            }
        });
    }
}
