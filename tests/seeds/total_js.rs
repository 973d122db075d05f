//! B0, Total.js: a route in one line, what may be said there, and how one is refused.
//!
//! Not here: clients, which are `total_js_controller`; the echo and the chat, which are `total_js_chat`.

use crate::frames::{self, Frame};
use crate::harness::{Sim, secs};
use crate::running::run;
use crate::serve;
use crate::served::{Echo, Hearing, hearing, text};
use crate::world::{ask, heard, open, say, start, status};
use flate2::{Compress, Compression, FlushCompress};
use sockeye::app::{App, BadJson, Conn, Decision, Gate, Route, Router};
use sockeye::client::{Connector, Reconnect};
use sockeye::proto::CloseCode;
use sockeye::server::Message;

fn echo_at(route: &str) -> Sim<Router> {
    start(App::new().route(route, |_| Echo))
}

fn route(line: &str) -> Route {
    Route::parse(line).expect("a route")
}

#[test]
fn b0_1_either_side_speaks_at_any_time_and_neither_waits_for_the_other() {
    let mut sim = serve::start();
    let mut client = open(&mut sim, "/");
    assert_eq!(heard(&mut client), ["Hello world"]);
    // It speaks on and on, and takes a little of the answers now and then.
    let mut client = open(&mut sim, "/echo");
    client.conn.set_window(0);
    let message = "x".repeat(8000);
    for _ in 0..64 {
        client.push(&frames::text(&message));
        client.conn.set_window(100);
        sim.settle();
    }
    client.conn.set_window(usize::MAX);
    sim.settle();
    let echoes = heard(&mut client);
    assert!(echoes.len() == 64 && echoes.iter().all(|echo| *echo == message));
}

/// Whoever has a token is known.
fn by_token(line: &str) -> Gate<()> {
    route(line).admit(|upgrade| match upgrade.token() {
        Some(_) => Decision::user(()),
        None => Decision::guest(()),
    })
}

#[test]
fn b0_2_a_route_is_a_line_of_text() {
    let app = App::new()
        .route("SOCKET / @text <1MB", |_| Echo)
        .route("SOCKET /room/{id:number} @text", |_| Echo)
        .route("SOCKET /user/{name}", |_| Echo)
        .route("SOCKET /files/* @binary", |_| Echo)
        .route(by_token("+SOCKET /in @text"), |_| Echo)
        .route(by_token("-SOCKET /out @text"), |_| Echo);
    let mut sim = start(app);
    for (target, expected) in [
        ("/", 101),
        ("/room/7", 101),
        ("/room/x", 404),
        ("/user/ada", 101),
        ("/files/a/b", 101),
        ("/files", 404),
        ("/in", 401),
        ("/in?token=t", 101),
        ("/out", 101),
        ("/out?token=t", 403),
        ("/none", 404),
    ] {
        assert_eq!(status(&mut sim, target, ""), expected, "{target}");
    }
    // A word that nobody knows is found before anybody is served, with its place; so is middleware by name.
    for (line, at) in [
        ("SOCKET / @jsno", 9),
        ("SOCKET / #auth", 9),
        ("SOCKET /{a", 8),
    ] {
        let error = App::new().route(line, |_| Echo).build();
        let error = error.expect_err(line).to_string();
        assert!(error.contains(&format!("byte {at}")), "{error}");
    }
}

/// The same text on the command line.
#[test]
fn b0_2_the_program_takes_the_same_line() {
    let line = "SOCKET /x/{id} @binary <10kB";
    let said = run(&["serve", "--check-config", "--route", line], "");
    assert_eq!(said.code, Some(0), "{}", said.stderr);
    assert!(said.lines().contains(&line), "{}", said.stdout);
    let said = run(
        &["serve", "--check-config", "--route", "SOCKET /x @jsno"],
        "",
    );
    assert_eq!(said.code, Some(2));
    assert!(said.stderr.contains("byte 10"), "{}", said.stderr);
}

/// What a route makes of a frame, in words.
fn answer(line: &str, frame: &[u8]) -> Vec<String> {
    let mut sim = echo_at(line);
    let mut client = open(&mut sim, "/x");
    client.push(frame);
    sim.settle();
    heard(&mut client)
}

#[test]
fn b0_3_json_is_what_a_route_takes_that_says_nothing_else() {
    // As it came, blanks and all, and not written anew.
    let json = r#"{"b": 1,  "a":[1.0, null]}"#;
    assert_eq!(answer("SOCKET /x", &frames::text(json)), [json]);
    for wrong in ["hello", "{", "[1,]", "{'a':1}", ""] {
        let answer = answer("SOCKET /x", &frames::text(wrong));
        assert!(answer[0].starts_with("<close 1007 "), "{wrong}: {answer:?}");
    }
    let answer = answer("SOCKET /x", &frames::binary(b"{}"));
    assert!(answer[0].starts_with("<close 1003 "), "{answer:?}");
}

#[test]
fn b0_4_a_text_route_takes_and_gives_text() {
    let line = "SOCKET /x @text";
    assert_eq!(answer(line, &frames::text("no { JSON")), ["no { JSON"]);
    let answer = answer(line, &frames::binary(b"bytes"));
    assert_eq!(answer, ["<close 1003 text is expected here>"]);
}

#[test]
fn b0_5_a_binary_route_takes_and_gives_bytes() {
    let line = "SOCKET /x @binary";
    let mut sim = echo_at(line);
    let mut client = open(&mut sim, "/x");
    client.push(&frames::binary(b"\x89PNG\0\xFF"));
    sim.settle();
    assert_eq!(client.frame(), Frame::binary(b"\x89PNG\0\xFF"));
    let answer = answer(line, &frames::text("text"));
    assert_eq!(answer, ["<close 1003 binary data is expected here>"]);
}

/// Puts a message into frames.
type Write = fn(&[u8]) -> Vec<u8>;

/// Raw deflate of one message, as RFC 7692 has it.
fn deflated(data: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(data.len() + 100);
    let mut compress = Compress::new(Compression::fast(), false);
    let done = compress.compress_vec(data, &mut out, FlushCompress::Sync);
    done.expect("there is room");
    assert!(out.ends_with(&[0, 0, 0xFF, 0xFF]));
    out.truncate(out.len() - 4);
    frames::frame(frames::FIN | 0x40 | frames::TEXT, &out)
}

#[test]
fn b0_6_a_size_is_that_of_the_whole_message_to_the_byte() {
    for (line, most) in [
        ("SOCKET /x @text <1MB", 1 << 20),
        ("SOCKET /x @text <1", 1 << 20),
        ("SOCKET /x @text <64kb", 64 << 10),
        ("SOCKET /x @text <100b", 100),
        // Where nothing is said.
        ("SOCKET /x @text", 256 << 10),
    ] {
        let said: [(&str, Write); 3] = [
            ("whole", |data| {
                frames::frame(frames::FIN | frames::TEXT, data)
            }),
            ("in pieces", in_pieces),
            ("compressed", deflated),
        ];
        for (how, write) in said {
            let app = hearing(line, |conn, _, message| {
                let _ = conn.send(&message.bytes().len().to_string());
            });
            let mut sim = start(app);
            let offer = "Sec-WebSocket-Extensions: permessage-deflate\r\n";
            let (_, mut client) = ask(&mut sim, "/x", offer);
            client.push(&write(&vec![b'x'; most]));
            sim.settle();
            assert_eq!(heard(&mut client), [most.to_string()], "{line} {how}");
            client.push(&write(&vec![b'x'; most + 1]));
            sim.settle();
            let end = heard(&mut client);
            assert!(end[0].starts_with("<close 1009 "), "{line} {how}: {end:?}");
        }
        // The length alone is enough, before a byte of it has come.
        let mut sim = echo_at(line);
        let mut client = open(&mut sim, "/x");
        client.push(&frames::head(frames::FIN | frames::TEXT, most + 1));
        sim.settle();
        assert!(heard(&mut client)[0].starts_with("<close 1009 "), "{line}");
    }
}

fn in_pieces(data: &[u8]) -> Vec<u8> {
    let (one, two) = data.split_at(data.len() / 2);
    let mut bytes = frames::frame(frames::TEXT, one);
    bytes.extend(frames::frame(frames::FIN | frames::CONTINUATION, two));
    bytes
}

#[test]
fn b0_18_whoever_may_not_come_is_told_so() {
    let app = App::new()
        .route(by_token("+SOCKET /in @text"), |_| Echo)
        .route(
            route("SOCKET /never").admit(|_| Decision::<()>::refuse(403, "not you")),
            |_| Echo,
        )
        .route("SOCKET /late @text", |_| {
            Hearing(
                |conn: &mut Conn<'_, String>, _: &mut String, message: Message<'_>| {
                    let code = text(message).parse().ok().and_then(CloseCode::new);
                    let _ = conn.close(code.expect("a code"), "who are you?");
                },
            )
        });
    let mut sim = start(app);
    for (target, expected) in [("/in", 401), ("/never", 403), ("/none", 404)] {
        assert_eq!(status(&mut sim, target, ""), expected, "{target}");
    }
    // Nothing ends without a word.
    for wrong in [
        "GET /late HTTP/1.1\r\n\r\n",
        "PUT /late HTTP/1.1\r\nHost: x\r\n\r\n",
        "\0\r\n\r\n",
    ] {
        let mut client = sim.connect();
        client.push(wrong.as_bytes());
        sim.settle();
        assert!(client.head().starts_with("HTTP/1.1 4"), "{wrong:?}");
    }
    // Where it turns out later, by these codes, after which our own clients do not come back.
    for code in [4001, 4004] {
        let mut client = open(&mut sim, "/late");
        say(&mut sim, &client, &code.to_string());
        assert_eq!(heard(&mut client), [format!("<close {code} who are you?>")]);
        assert!(Reconnect::default().stop_codes.contains(&code));
    }
}

#[test]
fn b0_20_a_pong_has_what_its_ping_had() {
    let mut sim = serve::start();
    let mut client = open(&mut sim, "/echo");
    for payload in [&b""[..], b"PING", &[0xFF; 125]] {
        client.push(&frames::ping(payload));
        sim.settle();
        let pong = client.frame();
        assert_eq!((pong.opcode, &*pong.payload), (frames::PONG, payload));
    }
}

#[test]
fn b0_21_wrong_json_is_no_silence_unless_the_route_says_so() {
    for (policy, first) in [
        (None, "<close 1007 invalid JSON at byte 6"),
        (Some(BadJson::Close), "<close 1007 invalid JSON at byte 6"),
        (
            Some(BadJson::Reply),
            r#"{"cmd":"error","param":{"message":"#,
        ),
        (Some(BadJson::Drop), r#"{"good":1}"#),
    ] {
        let mut route = route("SOCKET /x");
        if let Some(policy) = policy {
            route = route.on_bad_json(policy);
        }
        let mut sim = start(App::new().route(route, |_| Echo));
        let mut client = open(&mut sim, "/x");
        say(&mut sim, &client, r#"{"a":nope}"#);
        say(&mut sim, &client, r#"{"good":1}"#);
        let words = heard(&mut client);
        assert!(words[0].starts_with(first), "{policy:?}: {words:?}");
        assert_eq!(words.len(), 1 + usize::from(policy == Some(BadJson::Reply)));
    }
}

#[test]
fn b0_31_a_client_comes_back_within_three_seconds_follows_redirects_and_has_cookies() {
    let policy = Reconnect::default();
    assert!(policy.initial <= secs(3) && policy.max_attempts.is_none());
    let connector = Connector::new("ws://example.com/").expect("a URL");
    let connector = connector.redirects(3).cookie("session", "abc");
    connector
        .reconnect(policy)
        .check()
        .expect("nothing is wrong");
    // From a pipe, through a server that goes and comes back: `tests/program`.
    let said = run(&["connect", "--help"], "");
    assert!(said.stdout.contains("--reconnect"), "{}", said.stdout);
}
