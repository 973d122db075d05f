//! Who may come, and as whom: gates, tokens, tickets, origins, and in which order they are asked.

use crate::harness::{Client, Sim, secs};
use crate::world::{ask, heard, request, say, start, status};
use sockeye::app::{Accepted, App, Conn, Decision, Route, Router, Service, Upgrade};
use sockeye::proto::handshake::OriginPolicy;
use sockeye::server::{Admission, Handler, Message, Rejection, Settings, Verdict};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

/// Says who somebody is, when they come and whenever they speak.
struct Greeter;

impl Service for Greeter {
    type User = String;

    fn open(&mut self, conn: &mut Conn<'_, String>, user: &mut String, _: &Upgrade<'_>) {
        let _ = conn.send(format!("hello, {user}").as_str());
    }

    fn message(&mut self, conn: &mut Conn<'_, String>, user: &mut String, _: Message<'_>) {
        let _ = conn.send(user.as_str());
    }
}

fn by_token(upgrade: &Upgrade<'_>) -> Decision<String> {
    match upgrade.token().as_deref() {
        Some("ada-secret") => Decision::user("Ada".to_owned()),
        Some("banned") => Decision::refuse(403, "not you"),
        Some(_) => Decision::unauthorised(),
        None => Decision::guest("guest".to_owned()),
    }
}

fn site(route: &str) -> Sim<Router> {
    let route = Route::parse(route).expect("a route");
    start(App::new().route(route.admit(by_token), |_| Greeter))
}

fn header<'h>(head: &'h str, name: &str) -> Option<&'h str> {
    head.lines()
        .find_map(|line| line.strip_prefix(name)?.strip_prefix(": "))
}

/// Shows 6455-10.5-01.
#[test]
fn a_token_is_found_wherever_a_client_can_put_it() {
    let mut sim = site("SOCKET /chat @text");
    for (target, headers) in [
        ("/chat", "Authorization: Bearer ada-secret\r\n"),
        ("/chat", "authorization: bEARER  ada-secret\r\n"),
        (
            "/chat",
            "Sec-WebSocket-Protocol: chat, token.ada-secret\r\n",
        ),
        ("/chat", "Cookie: a=b; token=ada-secret; c=d\r\n"),
        ("/chat?token=ada-secret", ""),
        ("/chat?token=other", "Authorization: Bearer ada-secret\r\n"),
        ("/chat?token=other", "Cookie: token=ada-secret\r\n"),
    ] {
        let (head, mut client) = ask(&mut sim, target, headers);
        assert!(
            head.starts_with("HTTP/1.1 101 "),
            "{target} {headers}: {head}"
        );
        assert_eq!(heard(&mut client), ["hello, Ada"], "{target} {headers}");
        // What carries a token is never said back.
        assert_eq!(header(&head, "Sec-WebSocket-Protocol"), None, "{headers}");
    }
    for headers in [
        "Authorization: Basic ada-secret\r\n",
        "Cookie: tokens=ada-secret\r\n",
        "X-Token: ada-secret\r\n",
    ] {
        let (_, mut client) = ask(&mut sim, "/chat", headers);
        assert_eq!(heard(&mut client), ["hello, guest"], "{headers}");
    }
}

#[test]
fn routes_are_for_the_authorised_or_for_the_others() {
    for (route, guest, user) in [
        ("SOCKET /chat @text", 101, 101),
        ("+SOCKET /chat @text", 401, 101),
        ("-SOCKET /chat @text", 101, 403),
    ] {
        let mut sim = site(route);
        assert_eq!(status(&mut sim, "/chat", ""), guest, "{route}");
        assert_eq!(
            status(&mut sim, "/chat?token=ada-secret", ""),
            user,
            "{route}"
        );
        assert_eq!(status(&mut sim, "/chat?token=wrong", ""), 401, "{route}");
        assert_eq!(status(&mut sim, "/chat?token=banned", ""), 403, "{route}");
    }
    let mut sim = site("+SOCKET /chat @text");
    let (head, _) = ask(&mut sim, "/chat", "");
    assert_eq!(header(&head, "WWW-Authenticate"), Some("Bearer"));
}

#[test]
fn what_nobody_could_enter_is_a_mistake_at_the_start() {
    let error = App::new()
        .route("+SOCKET /chat @text", |_| Plain)
        .build()
        .expect_err("nobody could come");
    assert!(error.to_string().contains("Route::admit"), "{error}");
}

/// Does nothing.
struct Plain;

impl Service for Plain {
    type User = ();

    fn message(&mut self, _: &mut Conn<'_, ()>, (): &mut (), _: Message<'_>) {}
}

#[test]
fn an_answer_may_have_a_subprotocol_and_headers() {
    let route = Route::new("/chat")
        .protocols(["v2", "v1"])
        .admit(|upgrade| {
            let accepted = match Decision::user(()) {
                Decision::Accept(accepted) => accepted,
                other => return other,
            };
            match upgrade.query().get("say").as_deref() {
                Some("none") => accepted.protocol(None).into(),
                Some("v1") => accepted.protocol("v1".to_owned()).into(),
                Some("evil") => accepted.header("X-Evil", "a\r\nSet-Cookie: b").into(),
                Some("name") => accepted.header("a b", "c").into(),
                Some("cookie") => Accepted::header(accepted, "Set-Cookie", "a=b").into(),
                _ => accepted.into(),
            }
        });
    let mut sim = start(App::new().route(route, |_| Plain));
    let offers = "Sec-WebSocket-Protocol: v0, v1, v2\r\n";
    for (target, offers, protocol) in [
        ("/chat", offers, Some("v2")),
        ("/chat", "Sec-WebSocket-Protocol: v1\r\n", Some("v1")),
        ("/chat", "Sec-WebSocket-Protocol: v3\r\n", None),
        ("/chat", "", None),
        ("/chat?say=v1", offers, Some("v1")),
        ("/chat?say=none", offers, None),
    ] {
        let (head, _) = ask(&mut sim, target, offers);
        assert!(head.starts_with("HTTP/1.1 101 "), "{target}: {head}");
        assert_eq!(
            header(&head, "Sec-WebSocket-Protocol"),
            protocol,
            "{target} {offers}"
        );
    }
    let (head, _) = ask(&mut sim, "/chat?say=cookie", "");
    assert_eq!(header(&head, "Set-Cookie"), Some("a=b"));
    // What cannot be written is not written, in no part (H37).
    for target in ["/chat?say=evil", "/chat?say=name"] {
        let (head, _) = ask(&mut sim, target, "");
        assert!(head.starts_with("HTTP/1.1 500 "), "{head}");
        assert!(!head.contains("Evil") && !head.contains("Cookie"), "{head}");
    }
    // A subprotocol that was not offered neither.
    assert_eq!(
        status(&mut sim, "/chat?say=v1", "Sec-WebSocket-Protocol: v2\r\n"),
        500
    );
}

#[test]
fn a_refusal_has_a_status_headers_and_a_body() {
    let route = Route::new("/chat").admit(|upgrade| -> Decision<()> {
        let rejection = Rejection::new(302, "over there");
        match upgrade.query().get("to") {
            Some(to) => rejection.header("Location", to).into(),
            None => Decision::refuse(418, "this is a teapot"),
        }
    });
    let mut sim = start(App::new().route(route, |_| Plain));
    let (head, client) = ask(&mut sim, "/chat?to=/other", "");
    assert!(head.starts_with("HTTP/1.1 302 Found\r\n"), "{head}");
    assert_eq!(header(&head, "Location"), Some("/other"));
    assert_eq!(client.bytes, b"over there\n");
    // A line end in what the client has sent is none in what it is answered.
    assert_eq!(status(&mut sim, "/chat?to=/%0d%0aSet-Cookie:+a", ""), 500);
    assert_eq!(status(&mut sim, "/chat", ""), 418);
}

#[test]
fn a_gate_that_panics_lets_nobody_in_and_counts_nobody() {
    let route = Route::new("/chat").admit(|upgrade| -> Decision<()> {
        assert!(upgrade.query().get("panic").is_none(), "asked to");
        Decision::user(())
    });
    let mut sim = start(App::new().route(route, |_| Plain));
    assert_eq!(status(&mut sim, "/chat?panic", ""), 500);
    assert_eq!(status(&mut sim, "/chat", ""), 101);
}

/// Asked first whether the page may, then who it is, then what there is (H39).
#[test]
fn a_page_elsewhere_learns_nothing() {
    let asked = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&asked);
    let route = Route::parse("+SOCKET /chat @text")
        .expect("a route")
        .admit(move |upgrade| {
            count.fetch_add(1, Ordering::Relaxed);
            by_token(upgrade)
        });
    let mut sim = start(App::new().route(route, |_| Greeter));
    let evil = "Origin: http://evil.example\r\n";
    for target in ["/chat", "/chat?token=ada-secret", "/none", "/chat/.."] {
        assert_eq!(status(&mut sim, target, evil), 403, "{target}");
    }
    assert_eq!(asked.load(Ordering::Relaxed), 0);
    let own = "Origin: http://x\r\n";
    assert_eq!(status(&mut sim, "/chat", own), 401);
    assert_eq!(status(&mut sim, "/none", own), 404);
    assert_eq!(status(&mut sim, "/chat?token=ada-secret", own), 101);
}

#[test]
fn each_route_has_its_own_origins() {
    let list = OriginPolicy::List(vec!["https://friend.example".to_owned()]);
    let app = App::new()
        .route(Route::new("/own"), |_| Plain)
        .route(Route::new("/friends").origins(list), |_| Plain)
        .route(Route::new("/all").origins(OriginPolicy::Any), |_| Plain);
    let mut sim = start(app);
    for (origin, own, friends, all) in [
        ("", 101, 101, 101),
        ("http://x", 101, 403, 101),
        ("https://friend.example", 403, 101, 101),
        ("https://evil.example", 403, 403, 101),
        ("null", 403, 403, 101),
    ] {
        let header = match origin {
            "" => String::new(),
            origin => format!("Origin: {origin}\r\n"),
        };
        for (target, expected) in [("/own", own), ("/friends", friends), ("/all", all)] {
            assert_eq!(
                status(&mut sim, target, &header),
                expected,
                "{origin} {target}"
            );
        }
    }
}

/// The whole matrix of H30, at a route.
#[test]
fn only_the_own_host_is_the_own_host() {
    let mut sim = start(App::new().route(Route::new("/"), |_| Plain));
    for (host, origin, expected) in [
        ("good.com", "https://good.com", 101),
        ("good.com", "HTTPS://GOOD.COM", 101),
        ("GOOD.com", "http://good.com", 101),
        ("good.com", "https://good.com:443", 101),
        ("good.com:8080", "http://good.com:8080", 101),
        ("good.com", "null", 403),
        ("good.com", "", 403),
        ("good.com", "https://good.com.evil.com", 403),
        ("good.com", "https://evilgood.com", 403),
        ("good.com", "https://evil.com", 403),
        ("good.com", "https://good.com:8443", 403),
        ("good.com:8080", "http://good.com", 403),
        ("good.com", "https://good.com@evil.com", 403),
        ("good.com", "https://evil.com@good.com", 403),
        ("good.com", "https://g\u{43e}\u{43e}d.com", 403),
        ("good.com", "https://xn--gd-nmca.com", 403),
        ("good.com", "https://good.com/", 403),
        ("good.com", "good.com", 403),
        ("good.com", "file://", 403),
    ] {
        let client = sim.connect();
        let bytes = String::from_utf8(request("/", &format!("Origin: {origin}\r\n")))
            .expect("text")
            .replace("Host: x", &format!("Host: {host}"));
        client.push(bytes.as_bytes());
        sim.settle();
        let mut client = client;
        let head = client.head();
        assert!(
            head.starts_with(&format!("HTTP/1.1 {expected} ")),
            "{host} {origin}: {head}"
        );
    }
    let two = "Origin: http://x\r\nOrigin: http://x\r\n";
    assert_eq!(status(&mut sim, "/", two), 400);
}

/// Puts every request off.
#[derive(Default)]
struct Slow {
    arrived: Vec<sockeye::server::ConnectionId>,
    refused: Vec<u16>,
    abandoned: usize,
    heard: Vec<String>,
    note: Option<u32>,
}

impl Handler<crate::sim::SimKernel> for Slow {
    type State = ();

    fn on_request(
        &mut self,
        arrival: &mut sockeye::server::Arrival<'_, '_, crate::sim::SimKernel>,
        _: &sockeye::proto::handshake::server::Request<'_>,
    ) -> Verdict {
        self.arrived.push(arrival.id());
        Verdict::Later
    }

    fn on_refused(&mut self, _: sockeye::server::ConnectionId, status: u16) {
        self.refused.push(status);
    }

    fn on_abandoned(&mut self, _: sockeye::server::ConnectionId) {
        self.abandoned += 1;
    }

    fn on_open(
        &mut self,
        peer: &mut sockeye::server::Peer<'_, crate::sim::SimKernel>,
        request: &sockeye::proto::handshake::server::Request<'_>,
    ) {
        let note = peer.take_note();
        self.note = note.and_then(|note| note.downcast_ref::<u32>().copied());
        assert!(peer.take_note().is_none());
        let _ = peer.send(request.path());
    }

    fn on_message(
        &mut self,
        peer: &mut sockeye::server::Peer<'_, crate::sim::SimKernel>,
        (): &mut (),
        message: Message<'_>,
    ) {
        if let Message::Text(text) = message {
            self.heard.push(text.to_owned());
        }
        let _ = peer.send(message);
    }
}

fn put_off() -> (Sim<Slow>, Client) {
    let mut sim = Sim::of(Slow::default(), Settings::default());
    let client = sim.connect();
    client.push(&[request("/later", ""), crate::frames::text("early")].concat());
    sim.settle();
    assert_eq!(sim.server.handler().arrived.len(), 1);
    (sim, client)
}

#[test]
fn a_request_may_be_answered_later() {
    let (mut sim, mut client) = put_off();
    client.push(&crate::frames::text("and more"));
    sim.run_for(secs(4));
    client.assert_quiet();
    let id = sim.server.handler().arrived[0];
    let admission = Admission::new()
        .header("X-Late", "yes")
        .note(Arc::new(7_u32));
    sim.server.hub().answer(id, admission);
    sim.settle();
    let head = client.head();
    assert!(
        head.starts_with("HTTP/1.1 101 ") && head.contains("X-Late: yes"),
        "{head}"
    );
    // What was said meanwhile is heard, once, behind the 101.
    let said: Vec<_> = client
        .frames()
        .into_iter()
        .map(|frame| frame.payload)
        .collect();
    assert_eq!(
        said,
        [b"/later".to_vec(), b"early".to_vec(), b"and more".to_vec()]
    );
    assert_eq!(sim.server.handler().note, Some(7));
    // A second verdict is for nobody.
    sim.server.hub().answer(id, Rejection::new(403, "no"));
    sim.settle();
    client.assert_quiet();
    assert!(sim.server.handler().refused.is_empty());
}

#[test]
fn or_refused_later_or_not_at_all() {
    let (mut sim, mut client) = put_off();
    let id = sim.server.handler().arrived[0];
    sim.server.hub().answer(id, Verdict::Later);
    sim.settle();
    client.assert_quiet();
    sim.server.hub().answer(id, Rejection::new(403, "not you"));
    sim.settle();
    assert!(client.head().starts_with("HTTP/1.1 403 "));
    assert_eq!(sim.server.handler().refused, [403]);
    assert!(sim.server.handler().heard.is_empty() && client.conn.is_finished());

    // It is we who were slow: not 408.
    let (mut sim, mut client) = put_off();
    sim.run_for(secs(6));
    assert!(client.head().starts_with("HTTP/1.1 503 "));
    assert_eq!(sim.server.handler().refused, [503]);
    sim.run_for(secs(6));
    assert!(client.conn.is_closed());
    assert_eq!(sim.server.handler().abandoned, 0);
}

#[test]
fn whoever_goes_before_the_answer_is_not_answered() {
    let (mut sim, client) = put_off();
    let id = sim.server.handler().arrived[0];
    client.conn.reset(rustix::io::Errno::CONNRESET);
    sim.settle();
    sim.server.hub().answer(id, Admission::new());
    sim.run_for(secs(6));
    assert!(client.conn.is_closed());
    assert_eq!(sim.net.open_streams(), 0);
}

#[test]
fn a_ticket_answers_from_another_thread() {
    let ticket = Arc::new(Mutex::new(None));
    let keep = Arc::clone(&ticket);
    let gate = Route::new("/slow").admit(move |upgrade| {
        *keep.lock().expect("no panic") = Some(upgrade.ticket::<String>());
        Decision::Later
    });
    let app = App::new().route(gate, |_| Greeter).stop_on_signals(false);
    let serving = app.bind("127.0.0.1:0").expect("a port");
    let (addr, handle) = (serving.local_addr(), serving.handle());
    let server = std::thread::spawn(move || serving.run());
    let mut stream = std::net::TcpStream::connect(addr).expect("it listens");
    std::io::Write::write_all(&mut stream, &request("/slow", "")).expect("it reads");
    let ticket = loop {
        if let Some(ticket) = ticket.lock().expect("no panic").take() {
            break ticket;
        }
        std::thread::yield_now();
    };
    ticket
        .answer(Decision::user("Grace".to_owned()))
        .expect("it runs");
    let mut bytes = Vec::new();
    let expected = b"\x81\x0chello, Grace";
    while !bytes.ends_with(expected) {
        let mut some = [0; 256];
        let read = std::io::Read::read(&mut stream, &mut some).expect("it answers");
        assert!(read > 0, "{}", String::from_utf8_lossy(&bytes));
        bytes.extend_from_slice(&some[..read]);
    }
    assert!(bytes.starts_with(b"HTTP/1.1 101 "));
    handle.shutdown().expect("it runs");
    drop(stream);
    server.join().expect("no panic").expect("an orderly end");
}

#[test]
fn users_are_told_apart() {
    let mut sim = site("SOCKET /chat @text");
    let (_, mut ada) = ask(&mut sim, "/chat?token=ada-secret", "");
    let (_, mut guest) = ask(&mut sim, "/chat", "");
    say(&mut sim, &ada, "who am I?");
    say(&mut sim, &guest, "who am I?");
    assert_eq!(heard(&mut ada), ["hello, Ada", "Ada"]);
    assert_eq!(heard(&mut guest), ["hello, guest", "guest"]);
}
