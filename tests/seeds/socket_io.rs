//! Rows B2.1 to B2.14: what an article on socket.io shows, with its statistics. Events are commands here.
//!
//! Not here: namespaces and rooms, which are `socket_io_rooms`.

use crate::frames;
use crate::hall::{self, told};
use crate::harness::{Sim, ms, secs};
use crate::serve;
use crate::world::{heard, kill, open, say, start, status};
use sockeye::app::json::Commands;
use sockeye::app::{App, Route, Router};
use sockeye::proto::handshake::OriginPolicy;

/// What is answered to a request for a page: the head, and the body.
fn page(sim: &mut Sim<Router>, target: &str, headers: &str) -> (String, Vec<u8>) {
    let mut client = sim.connect();
    client.push(format!("GET {target} HTTP/1.1\r\nHost: x\r\n{headers}\r\n").as_bytes());
    sim.settle();
    (client.head(), client.bytes)
}

/// The value of a header.
fn header<'h>(head: &'h str, name: &str) -> Option<&'h str> {
    let mut lines = head.lines().filter_map(|line| line.split_once(": "));
    lines
        .find(|(found, _)| *found == name)
        .map(|(_, value)| value)
}

/// Says something each second, whatever is said to it.
fn clock() -> Commands<()> {
    Commands::new()
        .open(|conn, (), _| conn.after(secs(1), 0))
        .timer(|scope, _| {
            let _ = scope.emit(scope.all(), "tick", &());
            scope.after(secs(1), 0);
        })
        .on("hi", |_, (), (): ()| Ok("hi"))
}

#[test]
fn b2_1_the_server_speaks_unasked_and_both_at_once() {
    let mut sim = start(App::new().everywhere(|_| clock()));
    let mut client = open(&mut sim, "/");
    sim.run_for(ms(3500));
    assert_eq!(heard(&mut client), [r#"{"cmd":"tick"}"#; 3]);
    // In the middle of a message of the client's, the server goes on.
    let message = frames::text(r#"{"cmd":"hi","id":7}"#);
    client.push(&message[..9]);
    sim.run_for(secs(2));
    assert_eq!(heard(&mut client), [r#"{"cmd":"tick"}"#; 2]);
    client.push(&message[9..]);
    sim.settle();
    assert_eq!(
        heard(&mut client),
        [r#"{"cmd":"reply","re":7,"param":"hi"}"#]
    );
}

/// The article's handshake, with another version.
fn handshake(version: &str, protocols: &str) -> String {
    format!(
        "GET /ws/chat HTTP/1.1\r\nHost: chat.example.com\r\nUpgrade: websocket\r\n\
        Connection: Upgrade\r\nSec-WebSocket-Key: q1PZLMeDL4EwLkw4GGhADm==\r\n\
        Sec-WebSocket-Protocol: {protocols}\r\nSec-WebSocket-Version: {version}\r\n\
        Origin: http://example.com\r\n\r\n"
    )
}

fn answer(request: &str) -> String {
    let origins = OriginPolicy::List(vec!["http://example.com".to_owned()]);
    let route = Route::new("/ws/chat")
        .origins(origins)
        .protocols(["chat", "superchat"]);
    let mut sim = start(App::new().route(route, |_| hall::Hall));
    let mut client = sim.connect();
    client.push(request.as_bytes());
    sim.settle();
    client.head()
}

#[test]
fn b2_2_version_15_is_told_which_one_there_is() {
    let head = answer(&handshake("15", "chat, superchat"));
    assert!(
        head.starts_with("HTTP/1.1 426 Upgrade Required\r\n"),
        "{head}"
    );
    assert_eq!(header(&head, "Sec-WebSocket-Version"), Some("13"));
    assert_eq!(header(&head, "Connection"), Some("Upgrade, close"));
}

#[test]
fn b2_3_version_13_is_let_in_with_one_protocol() {
    // The key's last character has bits that no byte owns; the answer is made of its text.
    let wanted = "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n\
        Connection: Upgrade\r\nSec-WebSocket-Accept: XaXJHennVwCxXFzujm65rt7nvxQ=\r\n\
        Sec-WebSocket-Protocol: chat\r\n\r\n";
    assert_eq!(answer(&handshake("13", "chat, superchat")), wanted);
    // The server's order counts.
    assert_eq!(answer(&handshake("13", "superchat, chat")), wanted);
    let head = answer(&handshake("13", "superchat"));
    assert_eq!(header(&head, "Sec-WebSocket-Protocol"), Some("superchat"));
    let head = answer(&handshake("13", "other"));
    assert_eq!(header(&head, "Sec-WebSocket-Protocol"), None);
}

#[test]
fn b2_4_pings_are_sent_and_answered() {
    let mut sim = hall::open();
    let mut client = open(&mut sim, "/");
    sim.run_for(secs(21));
    let [ping] = client.frames().try_into().expect("one");
    assert_eq!(ping.opcode, frames::PING);
    client.push(&frames::pong(&ping.payload));
    client.push(&frames::ping(b"there?"));
    sim.settle();
    let pong = client.frame();
    assert_eq!(
        (pong.opcode, &*pong.payload),
        (frames::PONG, &b"there?"[..])
    );
    sim.run_for(secs(15));
    assert!(!client.conn.is_closed());
}

#[test]
fn b2_5_a_close_packet_ends_it() {
    let mut sim = hall::open();
    let mut client = open(&mut sim, "/");
    client.push(&frames::close(1000));
    sim.settle();
    assert_eq!(heard(&mut client), ["<close 1000 >"]);
    client.conn.end();
    sim.settle();
    assert!(client.conn.is_closed());
}

#[test]
fn b2_6_pages_and_sockets_come_from_one_port() {
    let mut sim = serve::start();
    let (head, body) = page(&mut sim, "/", "");
    assert!(head.starts_with("HTTP/1.1 200 OK\r\n"), "{head}");
    assert!(body.starts_with(b"<!doctype html>"));
    let mut client = open(&mut sim, "/");
    assert_eq!(heard(&mut client), ["Hello world"]);
}

#[test]
fn b2_7_the_client_script_is_served_and_not_twice() {
    let mut sim = serve::start();
    let (head, body) = page(&mut sim, "/sockeye.js", "");
    assert!(head.starts_with("HTTP/1.1 200 OK\r\n"), "{head}");
    assert_eq!(
        header(&head, "Content-Type"),
        Some("text/javascript; charset=utf-8")
    );
    assert_eq!(header(&head, "Cache-Control"), Some("no-cache"));
    assert!(!body.is_empty());
    let etag = header(&head, "ETag").expect("it has one");
    let (head, body) = page(
        &mut sim,
        "/sockeye.js",
        &format!("If-None-Match: {etag}\r\n"),
    );
    assert!(head.starts_with("HTTP/1.1 304 Not Modified\r\n"), "{head}");
    assert_eq!((header(&head, "ETag"), body), (Some(etag), Vec::new()));
    let (head, _) = page(&mut sim, "/sockeye.js", "If-None-Match: \"other\"\r\n");
    assert!(head.starts_with("HTTP/1.1 200 OK\r\n"), "{head}");
    // An application serves it where it says so, and only there.
    let (head, _) = page(&mut hall::open(), "/sockeye.js", "");
    assert!(!head.starts_with("HTTP/1.1 200 "), "{head}");
}

#[test]
fn b2_8_the_path_of_the_root_is_a_page() {
    let (head, body) = page(&mut serve::start(), "/", "");
    assert_eq!(
        header(&head, "Content-Type"),
        Some("text/html; charset=utf-8")
    );
    assert_eq!(
        header(&head, "Content-Length"),
        Some(&*body.len().to_string())
    );
    assert!(
        String::from_utf8(body)
            .expect("text")
            .contains("id=\"chat-form\"")
    );
}

#[test]
fn b2_10_the_first_request_is_the_upgrade() {
    let mut sim = serve::start();
    for path in ["/", "/echo", "/chat", "/chat/", "/chat/tea", "/stackabuse"] {
        assert_eq!(status(&mut sim, path, ""), 101, "{path}");
    }
}

const GREETING: &str = r#"{"cmd":"announcements","param":{"message":"A new user has joined!"}}"#;

fn stats(online: usize) -> String {
    format!(r#"{{"cmd":"stats","param":{{"numClients":{online}}}}}"#)
}

#[test]
fn b2_11_a_newcomer_is_greeted_first_and_alone() {
    let mut sim = serve::start();
    let mut first = open(&mut sim, "/stackabuse");
    assert_eq!(heard(&mut first), [GREETING, &stats(1)]);
    let mut second = open(&mut sim, "/stackabuse");
    assert_eq!(heard(&mut second), [GREETING, &stats(2)]);
    assert_eq!(heard(&mut first), [stats(2)]);
}

#[test]
fn b2_12_emitting_to_one_is_not_emitting_to_all() {
    let mut sim = start(App::new().everywhere(|_| {
        Commands::<()>::new()
            .on("one", |conn, (), (): ()| {
                drop(conn.emit(conn.id(), "news", &1))
            })
            .on("all", |conn, (), (): ()| {
                drop(conn.emit(conn.all(), "news", &2))
            })
            .on("others", |conn, (), (): ()| {
                drop(conn.emit(conn.others(), "news", &3))
            })
    }));
    let [mut one, mut other] = ["/", "/"].map(|path| open(&mut sim, path));
    for (cmd, speaker, listener) in [("one", 1, 0), ("all", 1, 1), ("others", 0, 1)] {
        say(&mut sim, &one, &format!(r#"{{"cmd":"{cmd}"}}"#));
        let counts = [&mut one, &mut other].map(|client| heard(client).len());
        assert_eq!(counts, [speaker, listener], "{cmd}");
    }
}

#[test]
fn b2_13_commands_are_told_apart_by_name_and_the_unknown_end_nothing() {
    let mut sim = start(App::new().everywhere(|_| {
        Commands::<()>::new()
            .on("event", |_, (), message: String| Ok(message + "!"))
            .on("other", |_, (), (): ()| Ok("other"))
    }));
    let mut client = open(&mut sim, "/");
    for (said, answer) in [
        (
            r#"{"cmd":"event","param":"hi","id":1}"#,
            &[r#"{"cmd":"reply","re":1,"param":"hi!"}"#][..],
        ),
        (
            r#"{"cmd":"other","id":2}"#,
            &[r#"{"cmd":"reply","re":2,"param":"other"}"#],
        ),
        (r#"{"cmd":"nobody's"}"#, &[]),
        (
            r#"{"cmd":"nobody's","id":3}"#,
            &[r#"{"cmd":"error","re":3,"param":{"message":"unknown command"}}"#],
        ),
        (
            r#"{"cmd":"other","id":4}"#,
            &[r#"{"cmd":"reply","re":4,"param":"other"}"#],
        ),
    ] {
        assert_eq!(told(&mut sim, &mut client, said), answer, "{said}");
    }
}

#[test]
fn b2_14_the_last_stats_say_how_many_are_left() {
    let mut sim = serve::start();
    let mut clients: Vec<_> = (1..=100)
        .map(|online| {
            let mut client = open(&mut sim, "/stackabuse");
            assert_eq!(heard(&mut client), [GREETING.to_owned(), stats(online)]);
            client
        })
        .collect();
    // Every other one, in the ways in which connections end without a word.
    for number in 0..50 {
        let gone = clients.remove(number);
        if number % 2 == 0 {
            kill(&mut sim, &gone);
        } else {
            gone.conn.end();
            sim.settle();
        }
    }
    assert_eq!(clients.len(), 50);
    let left: Vec<_> = (50..100).rev().map(stats).collect();
    for (number, client) in clients.iter_mut().enumerate() {
        // Behind those of whoever came later.
        let came = 98 - 2 * number;
        assert_eq!(heard(client)[came..], left);
    }
}
