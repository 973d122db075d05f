//! B4, WebSocket++ and its like: clients, what they are told, and the program that holds several connections.
//!
//! Not here: how they are opened, proxied and brought back; that is `tests/client`.

use crate::PATIENCE;
use crate::held::Held;
use crate::running::{Serving, run};
use crate::served::{Hearing, Running, text};
use crate::world::start;
use sockeye::app::{App, Conn};
use sockeye::client::{
    Answer, Client, Closed, ConnectError, ConnectionId, Connector, Handler, Host, Hub, Peer, Proxy,
    Received, Url,
};
use sockeye::proto::CloseCode;
use sockeye::proto::handshake::accept_of;
use sockeye::server::Message;
use std::collections::BTreeSet;
use std::io::{BufRead as _, BufReader, Write as _};
use std::net::{TcpListener, TcpStream};
use std::thread;
use std::time::Duration;

/// A server that closes as it is asked: `4001 a reason`.
fn closing() -> Running {
    Running::start(App::new().route("SOCKET /* @text", |_| {
        Hearing(
            |conn: &mut Conn<'_, String>, _: &mut String, message: Message<'_>| {
                let (code, reason) = text(message).split_once(' ').expect("two words");
                let code = code.parse().ok().and_then(CloseCode::new);
                let _ = conn.close(code.expect("a code"), reason);
            },
        )
    }))
}

#[test]
fn b4_1_a_client_is_told_the_code_the_reason_and_whether_it_was_clean() {
    let server = closing();
    for (code, reason) in [(1000, ""), (1011, "it broke"), (4321, "as you wish")] {
        let mut socket = server.open("/");
        socket
            .send(&format!("{code} {reason}"))
            .expect("it is open");
        let Ok(Received::Closed(end)) = socket.receive() else {
            panic!("it is not closed");
        };
        assert_eq!((end.code, &*end.reason, end.clean), (code, reason, true));
    }
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let url = format!("ws://{}", listener.local_addr().expect("an address"));
    let server = thread::spawn(move || {
        let (mut stream, request) = accept(&listener);
        let key = header(&request, "Sec-WebSocket-Key").expect("a key");
        let accept = accept_of(key.as_bytes());
        let accept = str::from_utf8(&accept).expect("ASCII");
        write!(stream, "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: {accept}\r\n\r\n").expect("it reads");
    });
    let connector = Connector::new(&url).expect("a URL").proxy(Proxy::none());
    let mut socket = connector.open().expect("it is let in");
    socket.set_timeout(Some(PATIENCE));
    server.join().expect("no panic");
    let Ok(Received::Closed(end)) = socket.receive() else {
        panic!("it is not closed");
    };
    assert_eq!((end.code, end.clean), (1006, false));
}

/// The next connection, and the lines of its request.
fn accept(listener: &TcpListener) -> (TcpStream, Vec<String>) {
    let (stream, _) = listener.accept().expect("somebody connects");
    stream.set_read_timeout(Some(PATIENCE)).expect("not zero");
    let lines = BufReader::new(stream.try_clone().expect("another handle")).lines();
    let lines = lines.map(|line| line.expect("a line"));
    (stream, lines.take_while(|line| !line.is_empty()).collect())
}

fn header<'h>(lines: &'h [String], name: &str) -> Option<&'h str> {
    lines
        .iter()
        .filter_map(|line| line.split_once(": "))
        .find(|(field, _)| field.eq_ignore_ascii_case(name))
        .map(|(_, value)| value)
}

#[test]
fn b4_2_a_url_says_where_to() {
    for (text, secure, host, port, target) in [
        ("ws://a", false, Host::Name("a"), 80, "/"),
        ("wss://a", true, Host::Name("a"), 443, "/"),
        ("WS://a:9000/b?c=d", false, Host::Name("a"), 9000, "/b?c=d"),
        (
            "ws://[::1]:81/",
            false,
            Host::V6("::1".parse().unwrap()),
            81,
            "/",
        ),
        (
            "ws://127.0.0.1",
            false,
            Host::V4("127.0.0.1".parse().unwrap()),
            80,
            "/",
        ),
    ] {
        let url = Url::parse(text).expect(text);
        assert_eq!(
            (url.secure(), url.host(), url.port(), url.target()),
            (secure, host, port, target),
            "{text}"
        );
    }
    let url = Url::parse("wss://user:pa%20ss@a/").expect("a URL");
    assert_eq!(url.credentials(), Some(("user", "pa ss")));
    assert!(!format!("{url}").contains("pa"), "a password is not shown");
    // RFC 6455 §3 has no fragments.
    for wrong in ["ws://a/#b", "http://a", "ws:a", "ws://", "a"] {
        assert!(Url::parse(wrong).is_err(), "{wrong}");
    }
}

#[test]
fn b4_15_each_attempt_has_a_new_key_of_sixteen_bytes() {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let url = format!("ws://{}", listener.local_addr().expect("an address"));
    let client = thread::spawn(move || {
        let connector = Connector::new(&url).expect("a URL").proxy(Proxy::none());
        (0..8).filter(|_| connector.open().is_err()).count()
    });
    let keys: BTreeSet<String> = (0..8)
        .map(|_| {
            header(&accept(&listener).1, "Sec-WebSocket-Key")
                .expect("a key")
                .to_owned()
        })
        .collect();
    assert_eq!(client.join().expect("no panic"), 8);
    assert_eq!(keys.len(), 8, "{keys:?}");
    // 16 bytes are 24 characters, of which the last two fill up.
    assert!(
        keys.iter()
            .all(|key| key.len() == 24 && key.ends_with("==")),
        "{keys:?}"
    );
}

/// Notes what became of each connection.
#[derive(Default)]
struct Fates(Vec<(u64, &'static str)>);

impl Handler for Fates {
    type State = u64;

    fn on_connect(&mut self, peer: &mut Peer<'_>, tag: u64, _: &Answer<'_>) -> u64 {
        self.0.push((tag, "open"));
        let _ = peer.send("1000 enough");
        tag
    }

    fn on_failed(&mut self, tag: u64, _: ConnectError) {
        self.0.push((tag, "failed"));
    }

    fn on_message(&mut self, _: &mut Peer<'_>, _: &mut u64, _: Message<'_>) {}

    fn on_close(&mut self, _: &mut Hub<'_>, _: ConnectionId, tag: u64, _: &Closed<'_>) {
        self.0.push((tag, "closed"));
    }
}

#[test]
fn b4_16_a_server_goes_on_without_connections_and_a_client_ends() {
    let mut sim = start(App::new().everywhere(|_| crate::served::Echo));
    sim.run_for(Duration::from_secs(3600));
    assert!(sim.goes_on);
    let mut client = Client::new(Fates::default()).expect("a loop");
    client.run().expect("there is nothing to do");
    // Its turns, though, can be had for as long as somebody wants them.
    assert!(client.turn(Some(Duration::ZERO)).expect("it goes on"));
}

#[test]
fn b4_17_a_loop_runs_on_a_thread_of_its_own_and_is_stopped_from_another() {
    let server = Running::start(App::new().everywhere(|_| crate::served::Echo));
    let url = format!("ws://{}", server.addr);
    let (stopper, stoppers) = std::sync::mpsc::channel();
    let client = thread::spawn(move || {
        let mut client = Client::new(Fates::default()).expect("a loop");
        let connector = Connector::new(&url).expect("a URL").proxy(Proxy::none());
        client.connect(&connector, 7).expect("nothing is wrong");
        while client.handler().0.is_empty() {
            client.turn(None).expect("it goes on");
        }
        stopper.send(client.stopper()).expect("somebody waits");
        client.run().expect("an orderly end");
        std::mem::take(&mut client.handler().0)
    });
    let stopper = stoppers.recv_timeout(PATIENCE).expect("it is open");
    stopper.stop().expect("it runs");
    assert_eq!(
        client.join().expect("no panic"),
        [(7, "open"), (7, "closed")]
    );
}

#[test]
fn b4_21_a_client_says_who_it_is_as_it_is_told_to() {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let proxy = Proxy::parse(&format!("http://{}", listener.local_addr().unwrap())).expect("a URL");
    let client = thread::spawn(move || {
        let connector = Connector::new("ws://chat.example:9000/x").expect("a URL");
        let connector = connector
            .proxy(proxy)
            .user_agent("Kitchen/1")
            .origin("https://chat.example")
            .header("X-Client", "7")
            .protocols(["v2", "v1"]);
        drop(connector.open());
    });
    let (mut stream, request) = accept(&listener);
    assert_eq!(request[0], "CONNECT chat.example:9000 HTTP/1.1");
    stream
        .write_all(b"HTTP/1.1 200 OK\r\n\r\n")
        .expect("it reads");
    let lines = BufReader::new(&stream)
        .lines()
        .map(|line| line.expect("a line"));
    let request: Vec<_> = lines.take_while(|line| !line.is_empty()).collect();
    assert_eq!(request[0], "GET /x HTTP/1.1");
    for (name, value) in [
        ("User-Agent", "Kitchen/1"),
        ("Origin", "https://chat.example"),
        ("X-Client", "7"),
        ("Sec-WebSocket-Protocol", "v2, v1"),
        ("Host", "chat.example:9000"),
    ] {
        assert_eq!(header(&request, name), Some(value), "{request:?}");
    }
    drop(stream);
    client.join().expect("no panic");
}

#[test]
fn b4_22_an_attempt_is_open_or_failed_and_never_both() {
    let server = closing();
    let held = Held::new();
    let nobody = held.addr;
    let mut client = Client::new(Fates::default()).expect("a loop");
    for tag in 0..10 {
        let addr = if tag % 2 == 0 { server.addr } else { nobody };
        let connector = Connector::new(&format!("ws://{addr}/")).expect("a URL");
        client
            .connect(&connector.proxy(Proxy::none()), tag)
            .expect("nothing is wrong");
    }
    client.run().expect("an orderly end");
    for tag in 0..10 {
        let fate: Vec<_> = client
            .handler()
            .0
            .iter()
            .filter(|(of, _)| *of == tag)
            .map(|(_, what)| *what)
            .collect();
        let expected = if tag % 2 == 0 {
            &["open", "closed"][..]
        } else {
            &["failed"]
        };
        assert_eq!(fate, expected, "{tag}");
    }
}

/// What the program says to a script, with a server that greets and sends back.
fn scripted(script: impl FnOnce(&str) -> String) -> String {
    let serving = Serving::start(&["serve", "--log", "off"]);
    let said = run(
        &["connect", "--wait", "3"],
        script(&serving.url.replace("http://", "ws://")),
    );
    assert_eq!((said.code, &*said.stderr), (Some(0), ""), "{}", said.stdout);
    said.stdout
}

#[track_caller]
fn assert_says(stdout: &str, words: &[&str]) {
    for words in words {
        assert!(stdout.contains(words), "{words:?} in {stdout}");
    }
}

#[test]
fn b4_27_several_connections_are_held_by_commands_with_their_words() {
    let stdout = scripted(|url| {
        format!(
            "connect {url}\nconnect {url}\nsend 0 hello\nsend 1 hello\nclose 1 4002 enough\n\
            send 7 x\nclose 7\nshow 7\nfrob\nhelp\n"
        )
    });
    assert_says(
        &stdout,
        &[
            "> Created connection with id 0\n",
            "> Created connection with id 1\n",
            " #0 << text 5 B  hello\n",
            " #0 << text 11 B  Hello world\n",
            " #1 closed: 4002 private use",
            "> No connection found with id 7\n",
            "> Unknown connection id 7\n",
            "> Unrecognized Command\n",
            "close <id> [code:1000] [reason]",
        ],
    );
}

#[test]
fn b4_28_show_has_its_six_fields() {
    let mut url = String::new();
    let stdout = scripted(|to| {
        url = to.to_owned();
        format!("connect {to}\nsend 0 hello\nsend 0 again\n\nshow 0\nquit\n")
    });
    assert_says(
        &stdout,
        &[
            &format!("> URI: {url}\n"),
            "> Status: Open\n",
            "> Remote Server: ",
            "> Error/close reason: N/A\n",
            "> Messages: (",
            "\n>> hello\n",
        ],
    );
}

#[test]
fn b4_29_quit_says_goodbye_to_all() {
    let stdout =
        scripted(|url| format!("connect {url}\nconnect {url}\nclose 1\nconnect {url}\nquit\n"));
    assert_says(
        &stdout,
        &[
            " #0 closed: 1001 going away",
            " #1 closed: 1000 normal",
            " #2 closed: 1001 going away",
        ],
    );
}
