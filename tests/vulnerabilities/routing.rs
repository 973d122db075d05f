//! What follows a refusal, and which route a request is for (V59, V60 and V62 to V66).

#[cfg(feature = "server")]
use sockeye::proto::handshake::server::Request;
use sockeye::proto::handshake::server::parse;
use sockeye::proto::handshake::{HandshakeError, HeadLimits};

pub const KEY: &str = "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n";
pub const VERSION: &str = "Sec-WebSocket-Version: 13\r\n";
pub const UPGRADE: &str = "Upgrade: websocket\r\n";
pub const CONNECTION: &str = "Connection: Upgrade\r\n";

pub fn judged(line: &str, lines: &[&str]) -> Result<(), HandshakeError> {
    let head = format!("{line}\r\n{}\r\n", lines.concat());
    parse(head.as_bytes(), HeadLimits::default()).map(|_| ())
}

pub const GET: &str = "GET / HTTP/1.1";
pub const HOST: &str = "Host: h\r\n";

/// What a refused client sends behind its request, all at once or when it has its answer: it is told one thing, the end.
#[cfg(feature = "server")]
#[track_caller]
fn assert_deaf(request: &str, status: u16, behind: &[u8]) {
    use crate::harness::Sim;
    for later in [false, true] {
        let mut sim = Sim::new();
        let mut client = sim.connect();
        client.push(request.as_bytes());
        if !later {
            client.push(behind);
        }
        sim.settle();
        let head = client.head();
        assert!(head.starts_with(&format!("HTTP/1.1 {status} ")), "{head}");
        assert!(head.contains("close\r\n"), "{head}");
        let length = head
            .lines()
            .find_map(|line| line.strip_prefix("Content-Length: "));
        let length: usize = length.unwrap().parse().unwrap();
        assert_eq!(client.bytes.len(), length);
        assert!(client.conn.is_finished());
        client.push(behind);
        sim.settle();
        assert_eq!(client.conn.untaken(), 0, "it was answered");
        client.conn.end();
        sim.settle();
        assert!(client.conn.is_closed());
        assert_eq!(sim.probe().opened, []);
        assert_eq!(sim.probe().messages, []);
    }
}

/// CVE-2018-1002105: a proxy let everything through behind an upgrade that had been refused. Here nothing behind a
/// refusal is read as a request.
#[cfg(feature = "server")]
#[test]
fn v59_a_refused_upgrade_is_a_way_through_the_proxy() {
    let smuggled = b"GET /admin HTTP/1.1\r\nHost: h\r\n\r\n".repeat(10);
    let good = crate::frames::REQUEST;
    for behind in [&smuggled[..], good] {
        let plain = format!("{GET}\r\n{HOST}\r\n");
        assert_deaf(&plain, 426, behind);
        let foreign = [GET, "\r\n", HOST, UPGRADE, CONNECTION, KEY, VERSION].concat();
        let foreign = foreign + "Origin: https://evil.example\r\n\r\n";
        assert_deaf(&foreign, 403, behind);
        assert_deaf("POST / HTTP/1.1\r\nHost: h\r\n\r\n", 405, behind);
        assert_deaf("GET / HTTP/1.1\r\n\r\n", 400, behind);
    }
}

/// The same with a version that nobody has, which proxies were shown to take for a tunnel (0ang3el, websocket-smuggle).
#[cfg(feature = "server")]
#[test]
fn v60_a_version_that_nobody_has_is_a_way_through_the_proxy() {
    for version in ["1337", "0", "013", "13, 8", "-13"] {
        let line = format!("Sec-WebSocket-Version: {version}\r\n\r\n");
        let request = [GET, "\r\n", HOST, UPGRADE, CONNECTION, KEY, &line].concat();
        assert_deaf(&request, 426, b"GET /internal HTTP/1.1\r\nHost: h\r\n\r\n");
        assert_deaf(&request, 426, crate::frames::REQUEST);
    }
}

/// RFC 9931: what is sent before the answer is frames where that is 101, and must be nothing where it is not. Here they
/// are heard once behind a 101 and never behind a refusal; and our client waits.
#[cfg(all(feature = "server", feature = "client"))]
#[test]
fn v62_what_is_sent_before_the_answer_is_a_request() {
    use crate::frames::{Frame, REQUEST, text};
    let mut sim = crate::harness::Sim::new();
    let mut client = sim.connect();
    client.push(&[REQUEST, &text("early"), REQUEST].concat());
    sim.settle();
    assert!(client.head().starts_with("HTTP/1.1 101 "));
    let frames = client.frames();
    assert_eq!(frames[0], Frame::text("early"));
    // `GE` is no frame that a client may send.
    assert_eq!(frames[1].close_code(), Some(1002));
    assert_eq!((frames.len(), sim.probe().messages.len()), (2, 1));
    let plain = format!("{GET}\r\n{HOST}\r\n");
    assert_deaf(&plain, 426, &text("early"));

    let mut sim = crate::asking::Sim::new();
    sim.probe().preamble = vec!["first"];
    sim.dial(&crate::asking::to("ws://10.0.0.1/"));
    sim.settle();
    let mut server = sim.server();
    let request = server.request();
    assert!(server.bytes.is_empty());
    for piece in crate::asking::answer(&request).chunks(70) {
        assert_eq!(server.conn.untaken(), 0, "it did not wait");
        server.push(piece);
        sim.settle();
    }
    assert_eq!(server.frame(), Frame::text("first"));
}

/// CVE-2021-38512, RUSTSEC-2021-0020, -0078, -0079, RUSTSEC-2020-0031, RUSTSEC-2026-0181: two ways to say how long a
/// body is, and numbers that are none. Here an upgrade has no body.
#[test]
fn v63_a_request_says_in_two_ways_how_long_it_is() {
    let all = [HOST, UPGRADE, CONNECTION, KEY, VERSION];
    for lines in [
        "Content-Length: 0\r\n",
        "Content-Length: 5\r\n",
        "Content-Length: +5\r\n",
        "Content-Length: -1\r\n",
        "Content-Length: 184467440737095516160000000\r\n",
        "Content-Length: 5\r\nContent-Length: 6\r\n",
        "content-length:\r\n",
        "Transfer-Encoding: chunked\r\n",
        "Transfer-Encoding: xchunked\r\n",
        "Transfer-Encoding: chunked, identity\r\n",
        "Transfer-Encoding:\x0bchunked\r\n",
        "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n",
    ] {
        let found = judged(GET, &[&all[..], &[lines]].concat());
        let status = found.map_err(HandshakeError::status);
        assert_eq!(status, Err(400), "{lines}");
    }
    #[cfg(feature = "server")]
    {
        let request = [
            GET,
            "\r\n",
            &all.concat(),
            "Transfer-Encoding: chunked\r\n\r\n",
        ]
        .concat();
        assert_deaf(
            &request,
            400,
            b"0\r\n\r\nGET /admin HTTP/1.1\r\nHost: h\r\n\r\n",
        );
    }
}

#[cfg(feature = "app")]
mod routes {
    use crate::harness::Sim;
    use crate::world::{Noting, start, status};
    use sockeye::app::{App, Decision, Page, Route, Router};
    use std::sync::Arc;
    use std::sync::atomic::{AtomicUsize, Ordering};

    /// One protected route, an open one and a page; and how often its gate was asked.
    fn site() -> (Sim<Router>, Arc<AtomicUsize>) {
        let asked = Arc::new(AtomicUsize::new(0));
        let counter = Arc::clone(&asked);
        let gate = Route::parse("+SOCKET /ws @text").expect("a route");
        let gate = gate.admit(move |upgrade| {
            counter.fetch_add(1, Ordering::Relaxed);
            match upgrade.token().as_deref() {
                Some("secret") => Decision::user(()),
                _ => Decision::unauthorised(),
            }
        });
        let app = App::new()
            .route(gate, |_| Noting::new("ws", &Arc::default()))
            .route("SOCKET /open @text", |_| {
                Noting::new("open", &Arc::default())
            })
            .page("/page", Page::text("a page"));
        (start(app), asked)
    }

    /// CVE-2026-76183: a protected endpoint had other names, which were not protected. Here a path has one name.
    #[test]
    fn v64_a_protected_route_has_another_name() {
        let (mut sim, _) = site();
        assert_eq!(status(&mut sim, "/ws?token=secret", ""), 101);
        for (target, expected) in [
            ("/ws", 401),
            ("/ws?x", 401),
            ("/ws/", 404),
            ("/WS", 404),
            ("/ws;x=1", 404),
            ("/./ws", 404),
            ("/open/../ws", 404),
            ("/%77s", 404),
            ("/ws%00", 404),
            ("//ws", 404),
            ("/ws%2f", 404),
            ("/open/..%2fws", 404),
            ("/ws%3Ftoken=secret", 404),
            ("/ws%20", 404),
        ] {
            assert_eq!(status(&mut sim, target, ""), expected, "{target}");
        }
    }

    /// GHSA-c4j6-fc7j-m34r: requests for an upgrade went past what all others had to pass, and further on. Here a gate
    /// is asked for each that asks for its route, however it asks, and no other host is meant.
    #[test]
    fn v65_an_upgrade_goes_past_the_checks() {
        let (mut sim, asked) = site();
        for (target, headers, expected) in [
            ("/ws", "", 401),
            ("http://x/ws", "", 401),
            ("/ws", "Upgrade: h2c\r\n", 401),
            ("/ws", "Origin: http://x\r\n", 401),
            ("http://169.254.169.254/ws", "", 400),
            ("http://internal/ws?token=secret", "", 400),
            ("/ws?token=secret", "Origin: http://evil.example\r\n", 403),
            ("/ws?token=secret", "Host: internal\r\n", 400),
        ] {
            let before = asked.load(Ordering::Relaxed);
            assert_eq!(
                status(&mut sim, target, headers),
                expected,
                "{target} {headers}"
            );
            let asked = asked.load(Ordering::Relaxed) - before;
            assert_eq!(asked, usize::from(expected == 401), "{target} {headers}");
        }
        // Half an upgrade is a page, and there is none.
        for lines in [
            "Upgrade: websocket\r\n",
            "Connection: Upgrade\r\n",
            "Upgrade: h2c\r\nConnection: Upgrade\r\n",
        ] {
            let mut client = sim.connect();
            let head = format!("GET /ws?token=secret HTTP/1.1\r\nHost: x\r\n{lines}\r\n");
            client.push(head.as_bytes());
            sim.settle();
            let head = client.head();
            assert!(head.starts_with("HTTP/1.1 4"), "{head}");
            assert!(client.conn.is_finished());
        }
    }
}

/// CVE-2025-11677 and CVE-2025-11234: a callback refused, or ended the connection, in the middle of the handshake, and
/// what it belonged to was used once more. Here that is one answer or one end, and the others do not notice.
#[cfg(feature = "server")]
#[test]
fn v66_a_callback_ends_the_handshake_that_it_is_called_in() {
    use crate::frames::{REQUEST, text};
    use crate::harness::Sim;
    use crate::sim::SimKernel;
    use sockeye::proto::CloseCode;
    use sockeye::server::{
        Arrival, Closed, ConnectionId, Handler, Hub, Message, Peer, Rejection, Settings, Verdict,
    };

    #[derive(Clone, Copy, Debug, PartialEq, Eq)]
    enum Deed {
        Refuse,
        PanicOver,
        Close,
        SayAndClose,
        PanicIn,
        Nothing,
    }

    struct Doer {
        deed: Deed,
        ends: usize,
    }

    impl Handler<SimKernel> for Doer {
        type State = ();

        fn on_request(&mut self, _: &mut Arrival<'_, '_, SimKernel>, _: &Request<'_>) -> Verdict {
            match self.deed {
                Deed::Refuse => Rejection::new(403, "no").into(),
                Deed::PanicOver => panic!("asked to"),
                _ => Verdict::default(),
            }
        }

        fn on_open(&mut self, peer: &mut Peer<'_, SimKernel>, _: &Request<'_>) {
            match self.deed {
                Deed::Close => peer.close(CloseCode::NORMAL, "").expect("open"),
                Deed::SayAndClose => {
                    peer.send("hello").expect("open");
                    peer.close(CloseCode::NORMAL, "").expect("open");
                    assert!(peer.send("more").is_err());
                    assert!(peer.close(CloseCode::NORMAL, "").is_err());
                }
                Deed::PanicIn => panic!("asked to"),
                _ => {}
            }
        }

        fn on_message(
            &mut self,
            peer: &mut Peer<'_, SimKernel>,
            (): &mut (),
            message: Message<'_>,
        ) {
            let _ = peer.send(message);
        }

        fn on_close(&mut self, _: &mut Hub<'_>, _: ConnectionId, (): (), _: &Closed<'_>) {
            self.ends += 1;
        }
    }

    for (deed, status, last) in [
        (Deed::Refuse, 403, None),
        (Deed::PanicOver, 500, None),
        (Deed::Close, 101, Some(1000)),
        (Deed::SayAndClose, 101, Some(1000)),
        (Deed::PanicIn, 101, Some(1011)),
    ] {
        for ends in [false, true] {
            let doer = Doer {
                deed: Deed::Nothing,
                ends: 0,
            };
            let mut sim = Sim::of(doer, Settings::default());
            let mut other = sim.open();
            sim.server.handler().deed = deed;
            let mut client = sim.connect();
            client.push(&[REQUEST, &text("early"), &text("earlier")].concat());
            if ends {
                client.conn.end();
            }
            sim.settle();
            assert!(
                client.head().starts_with(&format!("HTTP/1.1 {status} ")),
                "{deed:?}"
            );
            if status == 101 {
                let frames = client.frames();
                assert_eq!(
                    frames.last().and_then(|frame| frame.close_code()),
                    last,
                    "{deed:?}"
                );
            }
            client.conn.end();
            sim.run_for(crate::harness::secs(4));
            assert!(client.conn.is_closed(), "{deed:?}");
            let opened = status == 101 && deed != Deed::PanicIn;
            assert!(sim.server.handler().ends <= 1, "{deed:?}");
            assert!(!opened || sim.server.handler().ends == 1, "{deed:?}");
            other.assert_echoes(&mut sim);
        }
    }
}
