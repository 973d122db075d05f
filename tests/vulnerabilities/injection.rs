//! What is written into a head: nothing that was not checked, whoever it is from (V67 to V70).

use sockeye::proto::handshake::client;
use sockeye::proto::handshake::server::{Asked, RequestParser, parse};
use sockeye::proto::handshake::{Accept, HeadLimits, Misuse, Refusal, Response};

/// What ends a line, or a string, or is none.
const EVIL: [&str; 6] = [
    "a\r\nX-Evil: y",
    "a\nX-Evil: y",
    "a\rX-Evil: y",
    "a\0",
    "a\x7f",
    "\r\n\r\nGET /admin HTTP/1.1",
];

/// CVE-2026-1527: one option of a client was written into the request as it was. Here each that a caller gives is
/// checked, and a request that has something wrong in it is not written at all.
#[test]
fn v67_an_option_of_the_client_is_written_as_it_is() {
    for evil in EVIL {
        let request = || client::Request::new("h", "/", [7; 16]);
        let mut out = b"before".to_vec();
        let extension = format!("x; p=\"{evil}\"");
        for request in [
            client::Request::new(evil, "/", [7; 16]),
            client::Request::new("h", evil, [7; 16]),
            client::Request::new("h", &format!("/{evil}"), [7; 16]),
            request().protocols(&[evil]),
            request().protocols(&["chat", evil]),
            request().extensions(Some(evil)),
            request().extensions(Some(&extension)),
            request().origin(Some(evil)),
            request().headers(&[("X", evil)]),
            request().headers(&[(evil, "x")]),
        ] {
            assert!(request.write(&mut out).is_err(), "{request:?}");
        }
        assert_eq!(out, b"before");
    }
    // Nor may it be said twice.
    for name in [
        "Upgrade",
        "connection",
        "HOST",
        "Sec-WebSocket-Key",
        "sec-websocket-protocol",
    ] {
        let headers = [(name, "h2c")];
        let request = client::Request::new("h", "/", [7; 16]).headers(&headers);
        let found = request.write(&mut Vec::new()).unwrap_err();
        assert_eq!(found, Misuse::HeaderReserved, "{name}");
    }
}

const GOOD: &[u8] = b"GET / HTTP/1.1\r\nHost: h\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
    Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\
    Sec-WebSocket-Protocol: evil, chat\r\nSec-WebSocket-Extensions: x\r\n\r\n";

/// RUSTSEC-2017-0002, CVE-2024-23644, CVE-2023-49081, CVE-2023-49082, CVE-2026-34519, GHSA-x3gh-xhj4-3vq8, CVE-2026-1536:
/// line ends in headers, methods, versions and reasons that the application gives. Here they are errors, in each answer
/// that there is, and nothing of it is sent.
#[test]
fn v68_the_application_ends_a_line_in_a_header() {
    let mut parser = RequestParser::new(HeadLimits::default());
    let plain = parser.parse_any(b"GET / HTTP/1.1\r\nHost: h\r\n\r\n");
    let Ok(Some(Asked::Page(page))) = plain else {
        panic!("{plain:?}");
    };
    let request = parse(GOOD, HeadLimits::default()).unwrap();
    for evil in EVIL {
        let mut out = b"before".to_vec();
        for headers in [[("X", evil)], [(evil, "x")]] {
            assert!(
                Accept::new(&request)
                    .headers(&headers)
                    .write(&mut out)
                    .is_err()
            );
            assert!(
                Refusal::new(403, "no")
                    .headers(&headers)
                    .write(&mut out)
                    .is_err()
            );
        }
        assert!(
            Accept::new(&request)
                .extensions(Some(evil))
                .write(&mut out)
                .is_err()
        );
        assert_eq!(
            Refusal::new(403, evil).write(&mut out),
            Err(Misuse::Sentence)
        );
        let location = Response::text(302, "x").header("Location", evil);
        let typed = Response::new(200, evil, "x");
        for response in [location, typed] {
            assert_eq!(response.write(&page, &mut out), Err(Misuse::HeaderValue));
        }
        assert_eq!(out, b"before");
    }
    #[cfg(feature = "server")]
    a_server_says_500();
}

/// A handler's admission that cannot be written is nobody's.
#[cfg(feature = "server")]
fn a_server_says_500() {
    use crate::harness::Sim;
    use crate::sim::SimKernel;
    use sockeye::proto::handshake::server::Request;
    use sockeye::server::{
        Admission, Arrival, Handler, Message, Peer, Rejection, Settings, Verdict,
    };
    struct Teller(&'static str, bool);
    impl Handler<SimKernel> for Teller {
        type State = ();
        fn on_request(&mut self, _: &mut Arrival<'_, '_, SimKernel>, _: &Request<'_>) -> Verdict {
            if self.1 {
                Admission::new().header("Set-Cookie", self.0).into()
            } else {
                Rejection::new(403, "no").header("Location", self.0).into()
            }
        }
        fn on_message(&mut self, _: &mut Peer<'_, SimKernel>, (): &mut (), _: Message<'_>) {}
    }
    for evil in EVIL {
        for admits in [false, true] {
            let mut sim = Sim::of(Teller(evil, admits), Settings::default());
            let mut client = sim.connect();
            client.push(GOOD);
            sim.settle();
            let head = client.head();
            assert!(head.starts_with("HTTP/1.1 500 "), "{head}");
            assert!(
                !head.contains("X-Evil") && !head.contains("/admin"),
                "{head}"
            );
            assert!(client.conn.is_finished());
        }
    }
}

/// Two peers' servers put a subprotocol into their answer as it was: the client's first, or whatever the application
/// said. Here it is one that is offered and one that we have, whole.
#[test]
fn v69_a_subprotocol_is_said_back_as_it_came() {
    let request = parse(GOOD, HeadLimits::default()).unwrap();
    assert_eq!(request.choose_protocol(["chat", "other"]), Some("chat"));
    assert_eq!(
        request.choose_protocol(["cha", "evi", "Chat", "evil, chat"]),
        None
    );
    for protocol in ["other", "evil, chat", "", "chat\r\nX: y", "Chat", "cha"] {
        let mut out = Vec::new();
        let found = Accept::new(&request)
            .protocol(Some(protocol))
            .write(&mut out);
        assert_eq!(found, Err(Misuse::ProtocolNotOffered), "{protocol:?}");
        assert!(out.is_empty());
    }
    #[cfg(feature = "server")]
    for (protocols, expected) in [
        (vec!["chat"], Some("chat")),
        (vec!["other"], None),
        (vec![], None),
    ] {
        use crate::harness::{Probe, Sim};
        let settings = sockeye::server::Settings::default().protocols(protocols);
        let mut sim = Sim::of(Probe::default(), settings);
        let mut client = sim.connect();
        client.push(GOOD);
        sim.settle();
        let head = client.head();
        assert!(head.starts_with("HTTP/1.1 101 "), "{head}");
        let said = head
            .lines()
            .find_map(|line| line.strip_prefix("Sec-WebSocket-Protocol: "));
        assert_eq!(said, expected);
    }
}

/// A peer's client was led by a redirect to send lines that the redirecting server had written. Here where a redirect
/// leads is a URL like any other: what is escaped in it stays so, and what ends a line ends the attempt.
#[cfg(feature = "client")]
#[test]
fn v70_where_a_redirect_leads_has_lines_of_its_own() {
    use crate::asking::{Sim, to};
    for location in [
        "/a%0d%0aX-Evil:%20y",
        "/a\rX-Evil: y",
        "/a\tX-Evil: y",
        "/a\0X-Evil: y",
        "/a HTTP/1.1 X-Evil: y",
        "ws://10.0.0.1/%0aX-Evil:y#%0d%0aX-Evil: y",
        "ws://10.0.0.1%0d%0aX-Evil:y/",
        "ws://a:b%0d%0aX-Evil@10.0.0.1/",
    ] {
        let mut sim = Sim::new();
        sim.dial(&to("ws://10.0.0.1/").redirects(1));
        sim.settle();
        let first = sim.server();
        assert!(!first.conn.take_sent().is_empty());
        first.push(format!("HTTP/1.1 302 x\r\nLocation: {location}\r\n\r\n").as_bytes());
        sim.settle();
        let followed = sim.net.dialed().len() == 2;
        assert!(followed || !sim.told().is_empty(), "{location:?}");
        if followed {
            let request = sim.server().request();
            let (line, lines) = request.split_once("\r\n").unwrap();
            assert!(!lines.contains("X-Evil"), "{request}");
            assert_eq!(line.split(' ').count(), 3, "{line}");
            assert!(!line.contains(['\r', '\n', '\0', '\t']), "{line:?}");
        }
    }
}
