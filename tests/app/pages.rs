//! Pages and sockets on one port: who asks for what, and what nobody gets.
//!
//! Not here: which bytes are a right request, which is `tests/handshake`; conditions and folders, which are
//! `src/app/page`.

use crate::frames;
use crate::harness::{Client, Sim, secs};
use crate::world::{ask, heard, open, request, say, start, status};
use sockeye::app::{App, Conn, Decision, Page, Route, Router, Service};
use sockeye::proto::handshake::Response;
use sockeye::server::Message;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

struct Echo;

impl Service for Echo {
    type User = ();

    fn message(&mut self, conn: &mut Conn<'_, ()>, (): &mut (), message: Message<'_>) {
        let _ = conn.send(message);
    }
}

const HOME: &str = "<!doctype html><title>home</title>";

fn site() -> App {
    App::new()
        .route(Route::new("/"), |_| Echo)
        .route(Route::new("/socket"), |_| Echo)
        .page("/", Page::html(HOME))
        .get("/boom", |_| panic!("asked to"))
        .get("/evil", |_| {
            Response::text(200, "x").header("X-Evil", "a\r\nSet-Cookie: b")
        })
        .get("/name", |_| Response::text(200, "x").header("a b", "c"))
}

/// What somebody is answered, head and body. The answer ends the connection.
#[track_caller]
fn fetch(sim: &mut Sim<Router>, method: &str, target: &str, headers: &str) -> (String, String) {
    let client = sim.connect();
    client.push(format!("{method} {target} HTTP/1.1\r\nHost: x\r\n{headers}\r\n").as_bytes());
    sim.settle();
    answer(client)
}

#[track_caller]
fn answer(mut client: Client) -> (String, String) {
    let head = client.head();
    assert!(client.conn.is_finished(), "it ends: {head}");
    assert!(head.contains("close\r\n"), "and says so: {head}");
    (
        head,
        String::from_utf8(client.bytes).expect("pages are text"),
    )
}

fn code(head: &str) -> u16 {
    let code = head.split(' ').nth(1).expect("a status");
    code.parse().expect("a number")
}

fn header<'h>(head: &'h str, name: &str) -> Option<&'h str> {
    head.lines()
        .find_map(|line| line.strip_prefix(name)?.strip_prefix(": "))
}

#[test]
fn each_gets_what_it_asks_for() {
    let mut sim = start(site());
    for (method, target, expected) in [
        ("GET", "/", 200),
        ("GET", "/?q=1", 200),
        ("GET", "/socket", 426),
        ("GET", "/none", 404),
        ("GET", "//", 404),
        ("GET", "/socket/", 404),
        ("GET", "/boom", 500),
        ("HEAD", "/", 200),
        ("HEAD", "/socket", 405),
        ("HEAD", "/none", 404),
        ("POST", "/", 405),
        ("PUT", "/socket", 405),
        ("DELETE", "/none", 405),
        ("OPTIONS", "/", 405),
    ] {
        let (head, body) = fetch(&mut sim, method, target, "");
        assert_eq!(code(&head), expected, "{method} {target}: {head}");
        let length: usize = header(&head, "Content-Length").unwrap().parse().unwrap();
        // What would be there is told, and is not there (RFC 9110 section 9.3.2).
        let sent = if method == "HEAD" { 0 } else { length };
        assert!(length > 0);
        assert_eq!(body.len(), sent, "{method} {target}: {body}");
    }
    assert_eq!(fetch(&mut sim, "GET", "/", "").1, HOME);
    assert_eq!(status(&mut sim, "/socket", ""), 101);
    assert_eq!(status(&mut sim, "/none", ""), 404);
}

#[test]
fn a_405_says_what_would_have_been_taken() {
    let mut sim = start(site());
    let (head, _) = fetch(&mut sim, "POST", "/", "");
    assert_eq!(header(&head, "Allow"), Some("GET, HEAD"), "{head}");
    assert_eq!(head.matches("Allow:").count(), 1, "{head}");
    // A WebSocket is asked for with GET alone.
    let (head, _) = fetch(&mut sim, "HEAD", "/socket", "");
    assert_eq!(header(&head, "Allow"), Some("GET"), "{head}");
    let (head, _) = fetch(&mut sim, "GET", "/socket", "");
    assert_eq!(header(&head, "Upgrade"), Some("websocket"), "{head}");
}

#[test]
fn who_asks_with_head_is_told_no_body_however_it_ends() {
    let mut sim = start(site());
    for (target, headers, expected) in [
        ("/", "Upgrade: websocket\r\nConnection: Upgrade\r\n", 405),
        ("/boom", "", 500),
        ("/evil", "", 500),
        ("/", "Host: y\r\n", 400),
        ("/", "Content-Length: 1\r\n", 400),
        ("/", " folded\r\n", 400),
    ] {
        let (head, body) = fetch(&mut sim, "HEAD", target, headers);
        assert_eq!(code(&head), expected, "{target} {headers}: {head}");
        assert_eq!(body, "", "{target} {headers}");
    }
    let client = sim.connect();
    client.push(b"HEAD / HTTP/1.1\r\nHost: ");
    sim.run_for(secs(6));
    let (head, body) = answer(client);
    assert_eq!((code(&head), body.as_str()), (408, ""));
    // And with GET there is one.
    let client = sim.connect();
    client.push(b"GET / HTTP/1.1\r\nHost: ");
    sim.run_for(secs(6));
    let (head, body) = answer(client);
    assert_eq!(code(&head), 408);
    assert!(!body.is_empty());
}

#[test]
fn who_has_the_page_is_not_sent_it_again() {
    let mut sim = start(site());
    let (head, _) = fetch(&mut sim, "GET", "/", "");
    let etag = header(&head, "ETag").expect("it has one").to_owned();
    for method in ["GET", "HEAD"] {
        for (tag, expected) in [
            (etag.as_str(), 304),
            ("*", 304),
            ("\"other\"", 200),
            ("nonsense", 200),
        ] {
            let condition = format!("If-None-Match: {tag}\r\n");
            let (head, body) = fetch(&mut sim, method, "/", &condition);
            assert_eq!(code(&head), expected, "{method} {tag}: {head}");
            let sent = if (method, expected) == ("GET", 200) {
                HOME
            } else {
                ""
            };
            assert_eq!(body, sent, "{method} {tag}");
            assert_eq!(header(&head, "ETag"), Some(etag.as_str()));
        }
    }
}

/// One answer, and then the end: what follows is nobody's request (H32).
#[test]
fn what_follows_a_request_is_not_one() {
    let asked = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&asked);
    let app = site().get("/admin", move |_| {
        count.fetch_add(1, Ordering::Relaxed);
        Response::text(200, "secret")
    });
    let mut sim = start(app);
    let next = "GET /admin HTTP/1.1\r\nHost: x\r\n\r\n".repeat(10);
    for (first, expected) in [
        ("GET / HTTP/1.1\r\nHost: x\r\n\r\n", 200),
        ("HEAD / HTTP/1.1\r\nHost: x\r\n\r\n", 200),
        ("GET /none HTTP/1.1\r\nHost: x\r\n\r\n", 404),
        ("GET /socket HTTP/1.1\r\nHost: x\r\n\r\n", 426),
        ("POST / HTTP/1.1\r\nHost: x\r\n\r\n", 405),
        (
            "GET /socket HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
            Sec-WebSocket-Version: 12\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n",
            426,
        ),
    ] {
        for cut in [0, first.len(), first.len() + 5] {
            let bytes = format!("{first}{next}");
            let (left, right) = bytes.split_at(cut);
            let client = sim.connect();
            client.push(left.as_bytes());
            sim.settle();
            client.push(right.as_bytes());
            sim.settle();
            let (head, body) = answer(client);
            assert_eq!(code(&head), expected, "{first}");
            assert!(!body.contains("HTTP/1.1"), "{first}: {body}");
        }
    }
    let mut refused = request("/none", "");
    refused.extend(next.as_bytes());
    let client = sim.connect();
    client.push(&refused);
    sim.settle();
    let (head, body) = answer(client);
    assert_eq!(code(&head), 404);
    assert!(!body.contains("HTTP"));
    assert_eq!(asked.load(Ordering::Relaxed), 0);
    assert_eq!(fetch(&mut sim, "GET", "/admin", "").1, "secret\n");
}

#[test]
fn a_page_and_a_route_may_have_one_path() {
    let mut sim = start(site());
    let mut client = open(&mut sim, "/");
    assert_eq!(fetch(&mut sim, "GET", "/", "").1, HOME);
    say(&mut sim, &client, "still here?");
    assert_eq!(heard(&mut client), ["still here?"]);
    // Asking for another protocol is asking for the page.
    let headers = "Upgrade: h2c\r\nConnection: Upgrade\r\n";
    assert_eq!(fetch(&mut sim, "GET", "/", headers).1, HOME);
}

#[test]
fn who_reads_a_large_page_slowly_gets_all_of_it() {
    let large: String = (0..300_000)
        .map(|n| char::from(b'a' + n as u8 % 26))
        .collect();
    let mut sim = start(App::new().page("/", Page::text(large.clone())));
    let client = sim.connect();
    client.conn.set_window(1000);
    client.push(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n");
    sim.settle();
    let mut got = client.conn.take_sent();
    for _ in 0..400 {
        assert!(!client.conn.is_finished() || got.len() > large.len());
        client.conn.set_window(1000);
        sim.run_for(secs(1));
        got.append(&mut client.conn.take_sent());
    }
    assert!(client.conn.is_finished());
    let head = frames::take_head(&mut got).expect("a head");
    assert_eq!(code(&head), 200);
    assert!(got == large.as_bytes(), "{} bytes", got.len());
    client.conn.end();
    sim.settle();
    // Whoever reads nothing is not waited for without end.
    let client = sim.connect();
    client.conn.set_window(1000);
    client.push(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n");
    sim.run_for(secs(120));
    assert!(client.conn.is_closed());
}

#[test]
fn while_a_server_stops_it_shows_nothing() {
    let mut sim = start(site());
    let late = [(); 3].map(|()| sim.connect());
    let client = open(&mut sim, "/socket");
    late[0].push(b"GET / HTTP/1.1\r\nHo");
    late[1].push(b"HEAD / HTTP/1.1\r\nHo");
    sim.settle();
    sim.server.stop();
    late[2].push(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n");
    sim.settle();
    for (client, has_body) in late.into_iter().zip([true, false, true]) {
        let (head, body) = answer(client);
        assert_eq!(code(&head), 503);
        assert_eq!(!body.is_empty(), has_body, "{body}");
    }
    client.close_in_order(&mut sim, 1001);
}

/// What is protected has one name (H41). Beside it are routes and a page that anybody may have.
#[test]
fn a_protected_route_is_reached_by_no_other_name() {
    let gate = Route::parse("+SOCKET /ws @text").expect("a route");
    let gate = gate.admit(|upgrade| {
        if upgrade.token().as_deref() == Some("secret") {
            Decision::user(())
        } else {
            Decision::unauthorised()
        }
    });
    let app = App::new()
        .route(gate, |_| Echo)
        .route("SOCKET /open @text", |_| Echo)
        .page("/page", Page::text("a page"));
    let mut sim = start(app);
    for (target, expected) in [
        ("/ws", 401),
        ("/ws?x", 401),
        ("/ws?/open", 401),
        ("/ws?token=wrong", 401),
        ("/ws?token=secret", 101),
        ("/open", 101),
        ("/open?token=x", 101),
        ("/ws/", 404),
        ("/WS", 404),
        ("/Ws", 404),
        ("/ws;x=1", 404),
        ("/ws;", 404),
        ("/./ws", 404),
        ("/../ws", 404),
        ("/open/../ws", 404),
        ("/open/..%2fws", 404),
        ("/open%2f..%2fws", 404),
        ("/%77s", 404),
        ("/w%73", 404),
        ("/ws%20", 404),
        ("/ws%00", 404),
        ("//ws", 404),
        ("/ws//", 404),
        ("/ws%3Fx", 404),
        ("/open/", 404),
        ("/page", 404),
    ] {
        assert_eq!(status(&mut sim, target, ""), expected, "{target}");
        // And as a page it is none, under whatever name.
        let page = match (target, expected) {
            ("/page", _) => 200,
            (_, 404) => 404,
            _ => 426,
        };
        let (head, _) = fetch(&mut sim, "GET", target, "");
        assert_eq!(code(&head), page, "{target}");
    }
    // With the whole address, as for a proxy, it is the same path.
    assert_eq!(status(&mut sim, "http://x/ws", ""), 401);
}

/// A header that would be two is none, and nothing of the page is sent (H37).
#[test]
fn a_page_whose_header_cannot_be_written_is_not_sent() {
    for value in ["a\r\nb", "a\nb", "a\rb", "a\0b"] {
        assert!(
            Page::text("x").header("X-Evil", value).is_err(),
            "{value:?}"
        );
    }
    for name in [
        "a b",
        "",
        "a:",
        "a\r\nb",
        "ETag",
        "Content-Length",
        "Connection",
    ] {
        assert!(Page::text("x").header(name, "y").is_err(), "{name:?}");
    }
    let mut sim = start(site());
    for target in ["/evil", "/name"] {
        let (head, body) = fetch(&mut sim, "GET", target, "");
        assert_eq!(code(&head), 500, "{target}");
        assert!(!head.contains("Evil") && !head.contains("Cookie"), "{head}");
        assert_eq!(body, "the server made a mistake\n");
    }
    let (head, _) = ask(&mut sim, "/socket", "");
    assert!(head.starts_with("HTTP/1.1 101 "), "{head}");
}
