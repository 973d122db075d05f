//! The opening handshake: what it costs to read, and what must not end it badly (V45 to V54).

use crate::judge::assert_linear;
use sockeye::proto::handshake::client::ResponseParser;
use sockeye::proto::handshake::server::{RequestParser, parse};
use sockeye::proto::handshake::{HandshakeError, HeadError, HeadLimits};

const TOO_LARGE: HandshakeError = HandshakeError::Head(HeadError::TooLarge);
const TOO_MANY: HandshakeError = HandshakeError::Head(HeadError::TooManyHeaders);

/// Limits beyond which nobody goes by default: what is linear within them is so within less.
const GENEROUS: HeadLimits = HeadLimits {
    max_head: 16 << 20,
    max_headers: 64,
};

const NEEDED: [&str; 5] = [
    "Host: h",
    "Upgrade: websocket",
    "Connection: Upgrade",
    "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==",
    "Sec-WebSocket-Version: 13",
];

/// A request with these lines, and nothing else but the end.
fn head<'l>(lines: impl IntoIterator<Item = &'l str>) -> Vec<u8> {
    let mut head = String::from("GET / HTTP/1.1\r\n");
    for line in lines {
        head += line;
        head += "\r\n";
    }
    (head + "\r\n").into_bytes()
}

/// A good request with one more line.
fn good_with(line: &str) -> Vec<u8> {
    head(NEEDED.into_iter().chain([line]))
}

fn judged(head: &[u8], limits: HeadLimits) -> Result<(), HandshakeError> {
    parse(head, limits).map(|_| ())
}

/// RUSTSEC-2023-0065 (CVE-2023-43669): each piece of a head of 20 MB had all of it read again, for minutes. Here a head
/// is refused where it is more than 8 KiB, and each byte is looked at once however it comes.
#[test]
fn v45_a_large_head_is_read_again_with_each_piece() {
    let head = good_with(&format!("X: {}", "a".repeat(20_000_000)));
    let mut parser = RequestParser::new(HeadLimits::default());
    let refused = (1..4000).map(|piece| piece * 5000).find_map(|end| {
        let error = parser.parse(&head[..end]).err()?;
        Some((end, error))
    });
    assert_eq!(refused, Some((10_000, TOO_LARGE)));
    assert_linear(100_000, |bytes| {
        let head = good_with(&format!("X: {}", "a".repeat(bytes)));
        let mut parser = RequestParser::new(GENEROUS);
        let ends = (8..head.len()).step_by(8);
        ends.for_each(|end| assert!(parser.parse(&head[..end]).unwrap().is_none()));
        assert!(parser.parse(&head).unwrap().is_some());
    });
    #[cfg(feature = "server")]
    {
        let mut sim = crate::harness::Sim::new();
        let mut client = sim.connect();
        client.conn.push_in_pieces(&head, 5000);
        sim.settle();
        assert!(client.head().starts_with("HTTP/1.1 431 "));
        sim.run_for(crate::harness::secs(4));
        assert!(client.conn.is_closed());
    }
}

/// CVE-2021-32640: spaces around the comma of a list of subprotocols took the square of their number. Here it is once
/// through, and such a list is none.
#[test]
fn v46_spaces_in_a_list_of_subprotocols_take_their_square() {
    let hostile = [
        |count| format!("b{}x", " ".repeat(count)),
        |count| format!("b{},", " ".repeat(count)),
        |count| format!("b{}", ",".repeat(count)),
        |count| format!("b{}", " ,\t".repeat(count / 3)),
    ];
    for list in hostile {
        let line = |count| good_with(&format!("Sec-WebSocket-Protocol: {}", list(count)));
        let small = line(7000);
        match parse(&small, HeadLimits::default()) {
            Ok(request) => assert_eq!(request.choose_protocol(["chat"]), None),
            Err(error) => assert_eq!(error, HandshakeError::Protocols),
        }
        assert_linear(100_000, |count| {
            let line = line(count);
            if let Ok(request) = parse(&line, GENEROUS) {
                assert_eq!(request.choose_protocol(["chat"]), None);
            }
        });
    }
}

/// CVE-2020-7662 and CVE-2020-7663: a quoted string of an extension that never ends took the square of its length, or
/// twice as long for each letter. Here it is once through, and malformed.
#[test]
fn v47_a_quoted_string_that_never_ends_takes_its_square() {
    for piece in [r"\c", r"\a", r"\\", "a", "; b=c", "\\\""] {
        let line = |count| {
            let text = piece.repeat(count / piece.len());
            good_with(&format!("Sec-WebSocket-Extensions: a; b=\"{text}"))
        };
        let small = judged(&line(7000), HeadLimits::default());
        assert_eq!(small, Err(HandshakeError::Extensions), "{piece}");
        assert_linear(100_000, |count| {
            let found = judged(&line(count), GENEROUS);
            assert_eq!(found, Err(HandshakeError::Extensions), "{piece}");
        });
    }
}

/// A report of ws (NSP 550): an extension had the name of what every object has, and was found in a map. Here such names
/// are names that nobody knows, of extensions and of parameters.
#[test]
fn v48_an_extension_has_the_name_of_something_built_in() {
    for name in [
        "constructor",
        "__proto__",
        "prototype",
        "hasOwnProperty",
        "toString",
        "valueOf",
        "length",
    ] {
        let offers = format!("Sec-WebSocket-Extensions: {name}, {name}; {name}, x; {name}={name}");
        let head = good_with(&offers);
        let request = parse(&head, HeadLimits::default()).unwrap();
        assert_eq!(request.extensions().count(), 3);
        #[cfg(feature = "deflate")]
        {
            use sockeye::proto::deflate::Policy;
            let policy = Policy::default();
            assert_eq!(policy.answer(request.extensions()), None);
            let head = good_with(&format!(
                "Sec-WebSocket-Extensions: permessage-deflate; {name}"
            ));
            let request = parse(&head, HeadLimits::default()).unwrap();
            assert_eq!(policy.answer(request.extensions()), None, "{name}");
        }
        let head = good_with(&format!("Sec-WebSocket-Protocol: {name}"));
        let request = parse(&head, HeadLimits::default()).unwrap();
        assert_eq!(request.choose_protocol(["chat"]), None);
    }
}

/// CVE-2024-37890: with more headers than were kept, `Upgrade` was not among them, and not there was not thought of.
/// Here so many are refused, and whichever header is missing has its answer.
#[test]
fn v49_a_header_that_must_be_there_is_not() {
    let names: Vec<String> = (0..2000).map(|number| format!("{number:x}:")).collect();
    let many = head(names.iter().map(String::as_str).chain(NEEDED));
    let found = judged(&many, HeadLimits::default());
    assert!(matches!(found, Err(TOO_LARGE | TOO_MANY)), "{found:?}");
    for fillers in 0..=70 {
        for max_headers in [0, 1, 4, 5, 64, 2000] {
            let head = head(names[..fillers].iter().map(String::as_str).chain(NEEDED));
            let limits = HeadLimits {
                max_headers,
                ..HeadLimits::default()
            };
            let room = fillers + NEEDED.len() <= max_headers.min(64);
            let expected = if room { Ok(()) } else { Err(TOO_MANY) };
            assert_eq!(
                judged(&head, limits),
                expected,
                "{fillers} of {max_headers}"
            );
        }
    }
    let missing = [
        HandshakeError::HostMissing,
        HandshakeError::Upgrade,
        HandshakeError::Connection,
        HandshakeError::KeyMissing,
        HandshakeError::Version,
    ];
    for (at, error) in missing.into_iter().enumerate() {
        let left = NEEDED
            .into_iter()
            .enumerate()
            .filter(|(other, _)| *other != at);
        let head = head(left.map(|(_, line)| line));
        assert_eq!(judged(&head, HeadLimits::default()), Err(error));
    }
}

/// CVE-2026-65624: headers of one name were one header to who counted them. Here it is lines that count.
#[test]
fn v50_headers_of_one_name_are_counted_once() {
    for name in ["X-Same", "Cookie", "Sec-WebSocket-Protocol"] {
        for (count, expected) in [(59, Ok(())), (60, Err(TOO_MANY)), (2000, Err(TOO_MANY))] {
            let lines: Vec<_> = (0..count)
                .map(|number| format!("{name}: {number}"))
                .collect();
            let head = head(NEEDED.into_iter().chain(lines.iter().map(String::as_str)));
            let limits = HeadLimits {
                max_head: 1 << 20,
                ..HeadLimits::default()
            };
            assert_eq!(judged(&head, limits), expected, "{count} of {name}");
        }
    }
}

/// CVE-2026-7790: the size of a chunk had any number of digits, and took their square. Here a request has no body, and a
/// client that reads one of a refusal knows how many digits a size has.
#[test]
fn v51_the_size_of_a_chunk_has_any_number_of_digits() {
    let chunked = good_with("Transfer-Encoding: chunked");
    let body = "f".repeat(1000);
    let found = judged(&[&chunked, body.as_bytes()].concat(), HeadLimits::default());
    assert_eq!(found, Err(HandshakeError::Body));
    #[cfg(feature = "client")]
    for digit in ["f", "0", "0f"] {
        use crate::asking::{Sim, to};
        assert_linear(50_000, |count| {
            let mut sim = Sim::new();
            sim.dial(&to("ws://10.0.0.1/"));
            sim.settle();
            let server = sim.server();
            server.push(b"HTTP/1.1 500 Oops\r\nTransfer-Encoding: chunked\r\n\r\n");
            let digits = digit.repeat(count / digit.len());
            server.conn.push_in_pieces(digits.as_bytes(), 8);
            sim.settle();
            server.conn.end();
            sim.settle();
            assert_eq!(sim.only_failure(), "Refused(500)");
            assert!(sim.probe().refused.take().unwrap().body.is_empty());
            sim.assert_idle();
        });
    }
}

/// CVE-2021-45945 and three of OSS-Fuzz: the parser wrote and read behind a head, where it had put something of its own.
/// Here a head ends where its memory ends, at each of its bytes, and what lies behind it changes nothing.
#[test]
fn v52_a_head_is_read_beyond_its_end() {
    let heads = [
        good_with("X: y"),
        good_with("X:"),
        good_with("Cookie: a=b\r\nX-Long: 0123456789abcdef0123456789abcdef0123456789"),
    ];
    for head in heads {
        for end in 0..head.len() {
            let exact: Box<[u8]> = head[..end].into();
            let mut parser = RequestParser::new(HeadLimits::default());
            assert!(parser.parse(&exact).unwrap().is_none(), "{end}");
            let incomplete = HandshakeError::Head(HeadError::Incomplete);
            assert_eq!(judged(&exact, HeadLimits::default()), Err(incomplete));
        }
        let request = parse(&head, HeadLimits::default()).unwrap();
        let fields: Vec<_> = request.headers().iter().collect();
        for tail in [
            &b"\r\n\r\n"[..],
            b"\0\0\0\0",
            b"X: evil\r\n\r\n",
            &[0xFF; 64],
            b"\x81\x80",
        ] {
            let longer = [&head, tail].concat();
            let other = parse(&longer, HeadLimits::default()).unwrap();
            assert_eq!(other.head_len(), head.len());
            assert!(other.headers().iter().eq(fields.iter().copied()));
        }
    }
    for byte in 0..=255 {
        for len in [1, 15, 16, 17, 31, 32, 33, 4096] {
            let exact = vec![byte; len].into_boxed_slice();
            let _ = RequestParser::new(HeadLimits::default())
                .parse(&exact)
                .is_ok();
            let _ = ResponseParser::new(HeadLimits::default())
                .parse(&exact)
                .is_ok();
        }
    }
}

/// CVE-2022-21676, CVE-2022-41940, CVE-2023-31125: something about an upgrade was thrown and caught by nobody, and the
/// server was gone. Here it has its answer, and so has the next request; a handler that panics over one, too.
#[cfg(feature = "server")]
#[test]
fn v53_a_request_ends_the_server() {
    use crate::frames::REQUEST;
    use crate::harness::Sim;
    let mut sim = Sim::new();
    let mut other = sim.open();
    let long = good_with(&format!("Cookie: {}", "a=b;".repeat(1500)));
    let requests: [&[u8]; 12] = [
        b"\0",
        b"\r\n\r\n\r\n\r\n",
        b"GET\r\n\r\n",
        b"GET / HTTP/1.1\r\n\r\n",
        b"GET * HTTP/1.1\r\nHost: h\r\n\r\n",
        b"GET /?EIO=9999&transport=__proto__&sid=a HTTP/1.1\r\nHost: h\r\n\r\n",
        b"GET /%ff%fe%00 HTTP/1.1\r\nHost: h\r\nUpgrade: \xFF\xFE\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: \xFF\r\n\r\n",
        b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
        b"\x16\x03\x01\x02\0\x01\0\x01\xFC\x03\x03",
        &[0xFF; 9000],
        &long,
    ];
    for request in requests {
        for end in [false, true] {
            let client = sim.connect();
            client.push(request);
            if end {
                client.conn.end();
            }
            sim.settle();
            other.assert_echoes(&mut sim);
        }
    }
    sim.probe().panic_on_request = true;
    let mut client = sim.connect();
    client.push(REQUEST);
    sim.settle();
    assert!(client.head().starts_with("HTTP/1.1 500 "));
    sim.probe().panic_on_request = false;
    other.assert_echoes(&mut sim);
    sim.open().assert_echoes(&mut sim);
}

/// CVE-2020-27223: a list with weights was put in order, which took minutes where there were many. Here lists are read
/// once, and those that nobody needs not at all.
#[test]
fn v54_a_long_list_is_put_in_order() {
    for name in [
        "Accept",
        "Accept-Language",
        "Sec-WebSocket-Extensions",
        "Connection",
    ] {
        assert_linear(30_000, |count| {
            let items: Vec<_> = (0..count / 10)
                .map(|at| format!("a{at};q=0.{at}"))
                .collect();
            let value = match name {
                "Connection" => "a, ".repeat(count / 3),
                _ => items.join(","),
            };
            let head = good_with(&format!("{name}: {value}"));
            let request = parse(&head, GENEROUS).unwrap();
            let offers = request.extensions().map(|offer| offer.params().count());
            let expected = if name.contains("Ext") { items.len() } else { 0 };
            assert_eq!(offers.sum::<usize>(), expected);
        });
    }
}
