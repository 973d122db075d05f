//! Through a proxy, by the loop: what it says at every split, what is said to it, and what it must not say (K17).

use crate::harness::{Server, Sim, Told, ms, secs, text, to};
use crate::sim::{Reached, Resolution};
use rustix::io::Errno;
use sockeye::client::{Connector, Proxy};

/// One conversation: what the client says, and what the proxy answers to it.
type Turns<'t> = &'t [(&'t [u8], &'t [u8])];

const CONNECT: &[u8] = b"CONNECT h:80 HTTP/1.1\r\nHost: h:80\r\n\r\n";
const WITH_USER: &[u8] =
    b"CONNECT h:80 HTTP/1.1\r\nHost: h:80\r\nProxy-Authorization: Basic dTpwdw==\r\n\r\n";
const GREETING: &[u8] = b"\x05\x01\x00";
const GREETING_WITH_USER: &[u8] = b"\x05\x02\x00\x02";
const TO_H: &[u8] = b"\x05\x01\x00\x03\x01h\x00\x50";
const GRANTED: &[u8] = b"\x05\x00\x00\x01\x00\x00\x00\x00\x00\x00";

fn through(proxy: &str) -> Connector {
    to("ws://h/").proxy(Proxy::parse(proxy).unwrap())
}

/// Has the conversation, with each answer cut at `split`. Says whether the proxy was spoken to until its end.
fn converse(sim: &mut Sim, turns: Turns<'_>, split: usize) -> Server {
    sim.settle();
    let mut proxy = sim.server();
    for (said, answer) in turns {
        proxy.bytes.append(&mut proxy.conn.take_sent());
        assert_eq!(
            proxy.bytes.escape_ascii().to_string(),
            said.escape_ascii().to_string()
        );
        proxy.bytes.clear();
        let at = split.min(answer.len());
        for part in [&answer[..at], &answer[at..]] {
            if !proxy.conn.is_closed() && !part.is_empty() {
                proxy.push(part);
                sim.settle();
            }
        }
    }
    proxy
}

const OPEN: [(&str, Turns<'_>); 6] = [
    (
        "http://10.0.0.8:3128",
        &[(CONNECT, b"HTTP/1.1 200 Connection established\r\n\r\n")],
    ),
    (
        "http://10.0.0.8:3128",
        &[(CONNECT, b"HTTP/1.0 200 OK\r\nContent-Length: 5\r\n\r\n")],
    ),
    (
        "http://10.0.0.8:3128",
        &[(
            CONNECT,
            b"HTTP/1.1 100 x\r\n\r\nHTTP/1.1 299 x\r\nA: b\r\n\r\n",
        )],
    ),
    (
        "http://u:pw@10.0.0.8:3128",
        &[(WITH_USER, b"HTTP/1.1 200 OK\r\n\r\n")],
    ),
    (
        "socks5://10.0.0.8:3128",
        &[(GREETING, b"\x05\x00"), (TO_H, GRANTED)],
    ),
    (
        "socks5h://u:pw@10.0.0.8:3128",
        &[
            (GREETING_WITH_USER, b"\x05\x02"),
            (b"\x01\x01u\x02pw", b"\x01\x00"),
            (TO_H, b"\x05\x00\x00\x03\x02ab\x00\x00"),
        ],
    ),
];

/// Then the handshake follows, on the same stream.
/// Shows 6455-4.1-12.
#[test]
fn a_way_that_is_open_leads_to_the_server() {
    for (proxy, turns) in OPEN {
        let longest = turns.iter().map(|(_, answer)| answer.len()).max().unwrap();
        for split in 0..=longest {
            let mut sim = Sim::new();
            sim.dial(&through(proxy));
            let mut server = converse(&mut sim, turns, split);
            assert_eq!((sim.net.dialed().len(), sim.net.asked().len()), (1, 0));
            assert_eq!(sim.net.dialed()[0].to, "10.0.0.8:3128");
            let request = server.request();
            assert!(
                request.starts_with("GET / HTTP/1.1\r\nHost: h\r\n"),
                "{request}"
            );
            assert!(!request.contains("Proxy-"), "{request}");
            server.push(&crate::harness::answer(&request));
            server.push(&text("hello"));
            sim.settle();
            let told = sim.take_told();
            assert!(
                matches!(told[..], [Told::Open { tag: 7, .. }, Told::Text(7, _)]),
                "{told:?}"
            );
        }
    }
}

/// K17: the server is told nothing then.
/// Shows 6455-4.1-15.
#[test]
fn a_proxy_that_refuses_or_breaks_its_rules_ends_it() {
    let http = "http://10.0.0.8:3128";
    let with_user = "http://u:pw@10.0.0.8:3128";
    let socks = "socks5://10.0.0.8:3128";
    let rows: [(&str, Turns<'_>, &str); 16] = [
        (http, &[(CONNECT, b"HTTP/1.1 502 x\r\n\r\n")], "Status(502)"),
        (
            http,
            &[(CONNECT, b"HTTP/1.1 407 x\r\n\r\nbody")],
            "CredentialsMissing",
        ),
        (
            with_user,
            &[(WITH_USER, b"HTTP/1.1 407 x\r\n\r\n")],
            "CredentialsRefused",
        ),
        // It injects an answer of the server's.
        (
            http,
            &[(CONNECT, b"HTTP/1.1 101 x\r\nUpgrade: websocket\r\n\r\n")],
            "Status(101)",
        ),
        (http, &[(CONNECT, b"SSH-2.0\r\n")], "Head(NotHttp)"),
        (http, &[(CONNECT, b"HTTP/1.1 200\nx")], "Head(BareLf)"),
        (socks, &[(GREETING, b"\x05\xff")], "CredentialsMissing"),
        (socks, &[(GREETING, b"\x05\x02")], "MethodNotOffered"),
        (socks, &[(GREETING, b"\x04\x00")], "NotSocks5"),
        (socks, &[(GREETING, b"HTTP/1.1 400 x\r\n\r\n")], "NotSocks5"),
        (
            socks,
            &[(GREETING, b"\x05\x00"), (TO_H, b"\x05\x02")],
            "Reply(2)",
        ),
        (
            socks,
            &[(GREETING, b"\x05\x00"), (TO_H, b"\x05\x05\x00\x01")],
            "Reply(5)",
        ),
        (
            socks,
            &[(GREETING, b"\x05\x00"), (TO_H, b"\x05\x00\x01")],
            "NotSocks5",
        ),
        (
            socks,
            &[(GREETING, b"\x05\x00"), (TO_H, b"\x05\x00\x00\x07")],
            "NotSocks5",
        ),
        (
            "socks5://u:pw@10.0.0.8:3128",
            &[(GREETING_WITH_USER, b"\x05\xff")],
            "MethodsRefused",
        ),
        (
            "socks5://u:pw@10.0.0.8:3128",
            &[
                (GREETING_WITH_USER, b"\x05\x02"),
                (b"\x01\x01u\x02pw", b"\x01\x01"),
            ],
            "CredentialsRefused",
        ),
    ];
    for (proxy, turns, error) in rows {
        let last = turns.last().unwrap().1.len();
        for split in 0..=last {
            let mut sim = Sim::new();
            sim.dial(&through(proxy));
            let mut proxy = converse(&mut sim, turns, split);
            assert_eq!(sim.only_failure(), format!("Proxy({error})"), "{split}");
            assert!(proxy.conn.is_closed() && proxy.frames().is_empty());
            sim.assert_idle();
        }
    }
}

/// K17: bytes behind the answer are refused; where they come later, they have to be the server's answer.
#[test]
fn what_a_proxy_says_behind_its_answer_opens_nothing() {
    let injected =
        b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
        Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n\x81\x05ghost";
    for (proxy, turns) in OPEN {
        for more in [&injected[..], b"x", b"\x81\x05ghost", b"\x05"] {
            let (before, last) = turns.split_at(turns.len() - 1);
            let (said, answer) = last[0];
            let whole = [answer, more].concat();
            for split in 0..=whole.len() {
                let mut sim = Sim::new();
                sim.dial(&through(proxy));
                converse(&mut sim, before, usize::MAX);
                let conn = sim.server().conn;
                assert_eq!(conn.take_sent(), said);
                conn.push(&whole[..split]);
                sim.settle();
                if !conn.is_closed() {
                    conn.push(&whole[split..]);
                    sim.settle();
                }
                conn.end();
                sim.settle();
                let told = sim.only_failure();
                let want = match split.cmp(&answer.len()) {
                    std::cmp::Ordering::Equal => ["Response(", "Ended(Handshake)"],
                    _ => ["Proxy(OutOfTurn)"; 2],
                };
                assert!(
                    want.iter().any(|want| told.starts_with(want)),
                    "{split}: {told}"
                );
                sim.assert_idle();
            }
        }
    }
}

/// A proxy that speaks before it is spoken to, while the client's own bytes wait for room.
#[test]
fn a_proxy_that_speaks_first_is_refused() {
    for (proxy, answer) in [
        ("http://10.0.0.8:3128", &b"HTTP/1.1 200 OK\r\n\r\n"[..]),
        (
            "socks5://10.0.0.8:3128",
            b"\x05\x00\x05\x00\x00\x01\x00\x00\x00\x00\x00\x00",
        ),
    ] {
        let mut sim = Sim::new();
        sim.dial(&through(proxy));
        let conn = sim.last_conn();
        conn.set_window(0);
        conn.push(answer);
        sim.settle();
        assert!(conn.take_sent().is_empty());
        conn.set_window(usize::MAX);
        sim.settle();
        // What came before our question is no answer to it, but who cannot tell the times apart takes it for one.
        assert!(sim.told().len() <= 1);
        if proxy.starts_with("socks") {
            assert_eq!(sim.only_failure(), "Proxy(OutOfTurn)");
        }
    }
}

/// Its own name is resolved, its own addresses race, and the server's are not asked for.
#[test]
fn a_proxy_is_found_as_a_server_is() {
    let mut sim = Sim::new();
    sim.net
        .name("proxy", [Resolution::After(ms(0), vec!["::1", "10.0.0.9"])]);
    sim.net.reach("[::1]:3128", [Reached::Never]);
    sim.dial(&through("http://proxy:3128"));
    sim.run_for(ms(300));
    assert_eq!(sim.net.asked()[0].1, "proxy:3128");
    let winner = sim.server();
    assert_eq!(winner.conn.take_sent(), CONNECT);
    assert!(sim.net.dialed()[0].conn.as_ref().unwrap().is_closed());
    winner.push(b"HTTP/1.1 200 x\r\n\r\n");
    sim.settle();
    assert!(sim.server().request().contains("Host: h\r\n"));
    for (resolution, want) in [
        (
            Resolution::Fails(ms(0), std::io::ErrorKind::NotFound),
            "Resolve { host: \"proxy\"",
        ),
        (Resolution::After(ms(0), vec![]), "Connect([])"),
    ] {
        let mut sim = Sim::new();
        sim.net.name("proxy", [resolution]);
        sim.dial(&through("http://proxy:3128"));
        sim.settle();
        assert!(sim.only_failure().starts_with(want));
    }
}

#[test]
fn a_proxy_that_goes_away_is_told_as_that() {
    for (proxy, turns) in OPEN {
        for broken in [false, true] {
            let mut sim = Sim::new();
            sim.dial(&through(proxy));
            let proxy = converse(&mut sim, &turns[..turns.len() - 1], usize::MAX);
            if broken {
                proxy.conn.reset(Errno::CONNRESET);
            } else {
                proxy.push(&turns[turns.len() - 1].1[..1]);
                proxy.conn.end();
            }
            sim.settle();
            assert_eq!(sim.only_failure(), "Ended(Proxy)");
            sim.assert_idle();
        }
    }
    // It takes nothing, or says nothing.
    for window in [0, 1, usize::MAX] {
        let mut sim = Sim::new();
        sim.dial(&through("http://10.0.0.8:3128"));
        sim.last_conn().set_window(window);
        sim.run_until(secs(11));
        assert_eq!(sim.only_failure(), "Timeout(Proxy)");
        sim.assert_idle();
    }
}

/// Byte by byte in both directions.
#[test]
fn a_proxy_may_read_and_speak_byte_by_byte() {
    for (proxy, turns) in OPEN {
        let mut sim = Sim::new();
        sim.dial(&through(proxy));
        let conn = sim.last_conn();
        conn.set_max_send(1);
        for (said, answer) in turns {
            settle_slowly(&mut sim);
            assert_eq!(conn.take_sent(), *said);
            conn.push_in_pieces(answer, 1);
            settle_slowly(&mut sim);
        }
        assert!(conn.take_sent().starts_with(b"GET / HTTP/1.1\r\n"));
    }
}

/// As long as a byte goes in a turn.
fn settle_slowly(sim: &mut Sim) {
    for _ in 0..400 {
        sim.turn();
    }
}

/// A Unix socket is near, whatever the environment says.
#[test]
fn a_unix_socket_has_no_proxy() {
    let mut sim = Sim::new();
    let everything = Proxy::from_variables(|_| Some("http://10.0.0.8:3128".into()));
    sim.dial(&to("ws+unix:/run/s.sock:/t").proxy(everything));
    sim.settle();
    assert_eq!(sim.net.dialed()[0].to, "/run/s.sock");
    assert!(
        sim.server()
            .request()
            .starts_with("GET /t HTTP/1.1\r\nHost: localhost\r\n")
    );
}
