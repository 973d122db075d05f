//! B1, the first steps with `ws`: a server without routes, a page that connects, and the four events.
//!
//! Not here: what the browser's side does with them, which is `web/tests`.

use crate::frames;
use crate::harness::{ms, secs};
use crate::held::Held;
use crate::logged::Lines;
use crate::running::Serving;
use crate::served::{Echo, Hearing, Running, hearing, hears, text};
use crate::world::{ask, heard, kill, open, request, say, start, status};
use crate::{PATIENCE, serve};
use sockeye::app::{App, Conn, Route};
use sockeye::client::{Cause, ConnectError, Connector, Proxy, Received};
use sockeye::server::Message;

#[test]
fn b1_1_a_request_becomes_a_connection_that_stays_for_hours_with_pings_alone() {
    let mut sim = serve::start();
    let (head, mut client) = ask(&mut sim, "/echo", "");
    for line in [
        "HTTP/1.1 101 Switching Protocols\r\n",
        "\r\nSec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n",
    ] {
        assert!(head.contains(line), "{head}");
    }
    let until = sim.net.now() + secs(3 * 3600);
    while sim.net.now() < until {
        sim.run_for(secs(5));
        for frame in client.frames() {
            assert_eq!(frame.opcode, frames::PING);
            client.push(&frames::pong(&frame.payload));
        }
    }
    client.assert_echoes(&mut sim);
}

#[test]
fn b1_2_without_routes_everything_is_served() {
    let mut sim = start(App::new().everywhere(|_| Echo));
    for target in ["/", "/socket", "/a/b/c?d=e", "/chat/"] {
        let mut client = open(&mut sim, target);
        say(&mut sim, &client, "hello");
        assert_eq!(heard(&mut client), ["hello"], "{target}");
    }
}

#[test]
fn b1_3_localhost_is_reached_and_the_program_says_where_it_listens() {
    let serving = Serving::start(&["serve", "--log", "off"]);
    let port = serving.addr().rsplit(':').next().expect("a port");
    assert!(serving.addr().starts_with("127.0.0.1:"), "{}", serving.url);
    // A name that stands for ::1 too on most machines, where nobody listens; `/`, no subprotocol, nothing that is compressed.
    let connector = Connector::new(&format!("ws://localhost:{port}")).expect("a URL");
    let connector = connector.proxy(Proxy::none()).deflate(None);
    let mut socket = connector.open().expect("it is let in");
    socket.set_timeout(Some(PATIENCE));
    assert_eq!(socket.protocol(), None);
    hears(&mut socket, "Hello world");
    socket.send("hello").expect("it is open");
    hears(&mut socket, "hello");
}

#[test]
fn b1_4_the_answer_goes_out_in_the_turn_in_which_the_request_came() {
    let mut sim = serve::start();
    let mut client = sim.connect();
    sim.settle();
    client.push(&request("/", ""));
    sim.turn();
    assert!(client.head().starts_with("HTTP/1.1 101 "));
    assert_eq!(heard(&mut client), ["Hello world"]);
}

#[test]
fn b1_5_what_is_sent_needs_no_answer() {
    let mut sim = serve::start();
    let [mut one, mut other] = ["/chat/"; 2].map(|path| open(&mut sim, path));
    heard(&mut one);
    for number in 0..3 {
        say(&mut sim, &one, &number.to_string());
    }
    assert_eq!(heard(&mut other), ["0", "1", "2"]);
    // Nobody has answered anything, now or later.
    sim.run_for(secs(10));
    one.assert_quiet();
}

#[test]
fn b1_7_what_fails_has_a_cause() {
    // Nobody listens there, and nobody else can: it is taken.
    let taken = Held::new();
    let url = format!("ws://{}", taken.addr);
    let connector = Connector::new(&url).expect("a URL").proxy(Proxy::none());
    let error = connector.open().expect_err("nobody is there");
    assert!(matches!(error, ConnectError::Connect(_)), "{error:?}");
    assert!(error.to_string().contains("refused"), "{error}");
    // What was open and broke has one too, and then it is closed.
    let server = Running::start(hearing("SOCKET / @text", |_, _, _| panic!("asked to")));
    let mut socket = server.open("/");
    socket.send("panic").expect("it is open");
    let Ok(Received::Closed(end)) = socket.receive() else {
        panic!("it is not closed");
    };
    assert_eq!((end.code, end.cause), (1011, Cause::Peer));
}

#[test]
fn b1_8_each_end_has_its_code() {
    let app = |route: Route| App::new().route(route, |_| Echo);
    let route = || Route::new("/x");
    let mut sim = start(app(route()));
    let mut client = open(&mut sim, "/x");
    sim.server.stop();
    sim.run_for(secs(1));
    assert!(
        heard(&mut client)[0].starts_with("<close 1001 "),
        "shut down"
    );

    let mut sim = start(app(route().idle(secs(60)).ping(secs(10))));
    let mut client = open(&mut sim, "/x");
    for _ in 0..7 {
        sim.run_for(secs(10));
        if let [ping] = &*client.frames() {
            client.push(&frames::pong(&ping.payload));
        }
    }
    let closed = client.conn.is_finished() || client.conn.is_closed();
    assert!(closed, "pongs are no messages");

    let mut sim = start(app(route().idle(secs(5)).ping(secs(10))));
    let mut client = open(&mut sim, "/x");
    sim.run_for(secs(6));
    assert!(heard(&mut client)[0].starts_with("<close 1001 "), "idle");

    let mut sim = start(app(route().ping(secs(5)).pong(secs(2))));
    let mut client = open(&mut sim, "/x");
    sim.run_for(secs(8));
    let words = heard(&mut client);
    assert_eq!(words[0], "<ping>");
    assert!(words[1].starts_with("<close 1001 "), "no pong: {words:?}");
}

#[test]
fn b1_9_a_server_is_one_line_and_says_which_port_it_got() {
    let serving = App::new()
        .everywhere(|_| Echo)
        .bind("127.0.0.1:0")
        .expect("a port");
    assert_ne!(serving.local_addr().port(), 0);
    drop(serving);
    let server = Running::start(App::new().everywhere(|_| Echo));
    let mut socket = server.open("/");
    socket.send("hello").expect("it is open");
    hears(&mut socket, "hello");
}

#[test]
fn b1_10_whoever_connects_is_logged_with_an_id_and_an_address() {
    let (lines, _guard) = Lines::collect();
    let mut sim = serve::start();
    let _client = open(&mut sim, "/echo");
    let logged = lines.read();
    let [line] = &*logged else {
        panic!("one line: {logged:?}");
    };
    for part in ["INFO opened", " id=", " addr=", " path=/echo"] {
        assert!(line.contains(part), "{part}: {line}");
    }
}

#[test]
fn b1_11_a_handler_gets_bytes_and_where_they_are_text_a_string() {
    let app = hearing("SOCKET /x @any", |conn, _, message| {
        let bytes: &[u8] = message.bytes();
        let answer = match message {
            // Nothing is checked again, and nothing copied.
            Message::Text(text) => format!("text {} {}", text.chars().count(), bytes.len()),
            Message::Binary(data) => format!("binary {} {}", data.len(), bytes.len()),
        };
        let _ = conn.send(&answer);
    });
    let mut sim = start(app);
    let mut client = open(&mut sim, "/x");
    client.push(&frames::text("grüß"));
    client.push(&frames::binary(b"\xFF\0"));
    sim.settle();
    assert_eq!(heard(&mut client), ["text 4 6", "binary 2 2"]);
}

#[test]
fn b1_12_what_a_handler_sends_goes_out_in_the_same_turn_and_together() {
    let app = hearing("SOCKET /x @text", |conn, _, _| {
        for words in ["Received,", "initiating", "..."] {
            let _ = conn.send(words);
        }
    });
    let mut sim = start(app);
    let mut client = open(&mut sim, "/x");
    let before = client.conn.sends();
    client.push(&frames::text("go"));
    sim.turn();
    assert_eq!(heard(&mut client), ["Received,", "initiating", "..."]);
    assert_eq!(client.conn.sends() - before, 1);
}

#[test]
fn b1_13_nobody_waits_for_a_slow_client_and_a_panic_ends_one_connection() {
    let app = App::new().route("SOCKET /x @text", |_| {
        Hearing(
            |conn: &mut Conn<'_, String>, _: &mut String, message: Message<'_>| {
                assert!(text(message) != "panic", "asked to");
                conn.publish(conn.all(), message);
            },
        )
    });
    let mut sim = start(app);
    let [slow, mut calm, mut other] = ["/x"; 3].map(|path| open(&mut sim, path));
    slow.conn.set_window(0);
    let large = "x".repeat(10_000);
    for _ in 0..100 {
        calm.push(&frames::text(&large));
        sim.turn();
        // In the same turn, whatever the third one does.
        assert_eq!((heard(&mut calm).len(), heard(&mut other).len()), (1, 1));
    }
    say(&mut sim, &other, "panic");
    assert_eq!(heard(&mut other), ["<close 1011 >"]);
    kill(&mut sim, &slow);
    say(&mut sim, &calm, "well?");
    assert_eq!(heard(&mut calm), ["well?"]);
    sim.run_for(ms(10));
    assert_eq!(status(&mut sim, "/x", ""), 101);
    // A process that serves others goes on in the same way.
    let server = Running::start(hearing("SOCKET / @text", |_, _, message| {
        assert!(text(message) != "panic", "asked to");
    }));
    let mut one = server.open("/");
    one.send("panic").expect("it is open");
    assert!(matches!(one.receive(), Ok(Received::Closed(end)) if end.code == 1011));
    drop(server.open("/"));
}
