//! The examples of applications, as they are, on real sockets: what their first lines promise.

use sockeye::app::{App, Serving, Voice};
use sockeye::client::{Connector, Proxy, Received, WebSocket};
use sockeye::server::Handle;
use std::io::{BufRead as _, BufReader, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::thread::{self, JoinHandle};
use std::time::Duration;

#[allow(dead_code, reason = "its `main` is not run")]
#[path = "../examples/auth_jwt/main.rs"]
mod auth_jwt;
#[allow(dead_code, reason = "its `main` is not run")]
#[path = "../examples/auth_token.rs"]
mod auth_token;
#[allow(dead_code, reason = "its `main` is not run")]
#[path = "../examples/notify.rs"]
mod notify;
#[allow(dead_code, reason = "its `main` is not run")]
#[path = "../examples/rooms_and_commands.rs"]
mod rooms_and_commands;
#[allow(dead_code, reason = "its `main` is not run")]
#[path = "../examples/shared_counter.rs"]
mod shared_counter;
#[allow(dead_code, reason = "its `main` is not run")]
#[path = "../examples/slow_login.rs"]
mod slow_login;

/// Longer than anything takes that works.
const PATIENCE: Duration = Duration::from_secs(30);

/// An example at work, until it is dropped.
struct Running {
    addr: SocketAddr,
    handle: Handle,
    thread: Option<JoinHandle<std::io::Result<()>>>,
}

fn start(app: App) -> Running {
    start_with(app, |_| ()).0
}

fn start_with<T>(app: App, take: impl FnOnce(&Serving) -> T) -> (Running, T) {
    let serving = app.stop_on_signals(false).bind("127.0.0.1:0");
    let serving = serving.expect("a free port");
    let (addr, handle, taken) = (serving.local_addr(), serving.handle(), take(&serving));
    let thread = Some(thread::spawn(move || serving.run()));
    let running = Running {
        addr,
        handle,
        thread,
    };
    (running, taken)
}

impl Running {
    fn open(&self, target: &str) -> WebSocket {
        let url = format!("ws://{}{target}", self.addr);
        let connector = Connector::new(&url).expect("a URL").proxy(Proxy::none());
        let mut socket = connector.open().expect("it is let in");
        socket.set_timeout(Some(PATIENCE));
        socket
    }

    /// The status of the answer to a request for a WebSocket.
    fn status(&self, target: &str) -> u16 {
        let mut stream = TcpStream::connect(self.addr).expect("it listens");
        stream.set_read_timeout(Some(PATIENCE)).expect("not zero");
        let request = format!(
            "GET {target} HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
            Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n"
        );
        stream.write_all(request.as_bytes()).expect("it reads");
        let mut line = String::new();
        let read = BufReader::new(stream).read_line(&mut line);
        read.expect("it answers");
        let status = line.split(' ').nth(1).and_then(|word| word.parse().ok());
        status.unwrap_or_else(|| panic!("no status: {line:?}"))
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.handle.shutdown();
        if let Some(thread) = self.thread.take() {
            let ended = thread.join();
            if !thread::panicking() {
                ended.expect("no panic").expect("no error");
            }
        }
    }
}

#[track_caller]
fn hears(socket: &mut WebSocket, text: &str) {
    let heard = socket.receive().expect("a message");
    assert_eq!(heard, Received::Text(text.to_owned()));
}

#[test]
fn tokens_are_believed_when_we_signed_them_and_while_they_hold() {
    let now = auth_token::now();
    let token = auth_token::issue("Ada", now + 600);
    assert_eq!(auth_token::verify(&token, now), Some("Ada"));
    assert_eq!(auth_token::verify(&token, now + 600), None);
    let (claim, signature) = token.rsplit_once('.').expect("three parts");
    for wrong in [
        "",
        ".",
        claim,
        &format!("{claim}."),
        &format!("{claim}.{}", &signature[1..]),
        &format!("{claim}.{signature}0"),
        &format!("{claim}.é{}", &signature[2..]),
        &token.replace("Ada", "Eve"),
    ] {
        assert_eq!(auth_token::verify(wrong, now), None, "{wrong}");
    }
    // A name may have dots.
    let dots = auth_token::issue("a.b.9", now + 600);
    assert_eq!(auth_token::verify(&dots, now), Some("a.b.9"));

    let server = start(auth_token::app());
    assert_eq!(server.status("/"), 401);
    assert_eq!(server.status(&format!("/?token={claim}.{signature}0")), 401);
    let mut ada = server.open(&format!("/?token={token}"));
    hears(&mut ada, "hello, Ada");
    ada.send("hi").expect("it is open");
    hears(&mut ada, "Ada: hi");
}

#[test]
fn json_web_tokens_are_checked_by_their_library() {
    let server = start(auth_jwt::app());
    let claims = |exp| auth_jwt::Claims {
        sub: "Ada".into(),
        exp,
    };
    let now = auth_token::now();
    let token = auth_jwt::issue(&claims(now + 600)).expect("it can be signed");
    // Made by hand: the algorithm `none`, whose signature is empty.
    let body = token.split('.').nth(1).expect("three parts");
    let none = format!("eyJhbGciOiJub25lIn0.{body}.");
    let expired = auth_jwt::issue(&claims(now - 600)).expect("it can be signed");
    for wrong in ["x", &none, &expired, &token[..token.len() - 1]] {
        assert_eq!(server.status(&format!("/?token={wrong}")), 401, "{wrong}");
    }
    let mut ada = server.open(&format!("/?token={token}"));
    hears(&mut ada, "hello, Ada");
}

#[test]
fn commands_rooms_and_requests() {
    let server = start(rooms_and_commands::app());
    let mut ada = server.open("/chat/tea?name=Ada");
    let mut bob = server.open("/chat/tea?name=Bob");
    let Received::Text(joined) = ada.receive().expect("a message") else {
        panic!("not a text");
    };
    assert!(joined.contains(r#""cmd":"user-joined""#) && joined.contains("Bob"));
    let say = |socket: &mut WebSocket, text: &str| socket.send(text).expect("it is open");
    say(&mut ada, r#"{"cmd":"say","param":{"text":"hello"}}"#);
    let said = r#"{"cmd":"said","param":{"user":"Ada","text":"hello"}}"#;
    hears(&mut ada, said);
    hears(&mut bob, said);
    say(&mut bob, r#"{"cmd":"roll","param":{"sides":1},"id":1}"#);
    hears(&mut bob, r#"{"cmd":"reply","re":1,"param":1}"#);
    say(&mut bob, r#"{"cmd":"roll","param":{"sides":0},"id":2}"#);
    let error = r#"{"cmd":"error","re":2,"param":{"message":"it needs sides"}}"#;
    hears(&mut bob, error);
    let green = r#"{"cmd":"say","param":{"text":"psst","room":"green"},"id":3}"#;
    say(&mut bob, green);
    let error = r#"{"cmd":"error","re":3,"param":{"message":"you are not in this room"}}"#;
    hears(&mut bob, error);
    say(
        &mut bob,
        r#"{"cmd":"join-room","param":{"room":"green"},"id":4}"#,
    );
    let reply = r#"{"cmd":"reply","re":4,"param":{"room":"green","created":true}}"#;
    hears(&mut bob, reply);
    say(
        &mut bob,
        r#"{"cmd":"join-room","param":{"room":"staff"},"id":5}"#,
    );
    let error = r#"{"cmd":"error","re":5,"param":{"message":"this room may not be joined"}}"#;
    hears(&mut bob, error);
    say(&mut bob, green);
    // In the order of the calls: the handler publishes, and then its reply is sent.
    hears(
        &mut bob,
        r#"{"cmd":"said","param":{"user":"Bob","text":"psst"}}"#,
    );
    hears(&mut bob, r#"{"cmd":"reply","re":3}"#);
}

#[test]
fn notifications_reach_a_user_wherever_they_are_and_all() {
    let (server, inbox): (_, Voice) = start_with(notify::app(), |s| s.voice(notify::PATH));
    assert_eq!(server.status("/inbox"), 403);
    let mut phone = server.open("/inbox?user=ada");
    hears(&mut phone, "hello, ada, on 1");
    let mut desk = server.open("/inbox?user=ada");
    hears(&mut desk, "hello, ada, on 2");
    let mut bob = server.open("/inbox?user=bob");
    hears(&mut bob, "hello, bob, on 1");
    notify::notify(&inbox, "ada: your order is ready").expect("it runs");
    notify::notify(&inbox, "we close at six").expect("it runs");
    for socket in [&mut phone, &mut desk] {
        hears(socket, "your order is ready");
    }
    for socket in [&mut phone, &mut desk, &mut bob] {
        hears(socket, "we close at six");
    }
}

#[test]
fn who_comes_late_sees_the_counter_first() {
    let server = start(shared_counter::app());
    let counter = |value, version| {
        format!(r#"{{"cmd":"counter","param":{{"value":{value},"version":{version}}}}}"#)
    };
    let mut ada = server.open("/counter/tea");
    hears(&mut ada, &counter(0, 0));
    ada.send(r#"{"cmd":"add","param":2}"#).expect("it is open");
    hears(&mut ada, &counter(2, 1));
    let mut bob = server.open("/counter/tea");
    hears(&mut bob, &counter(2, 1));
    bob.send(r#"{"cmd":"add","param":-5}"#).expect("it is open");
    hears(&mut ada, &counter(-3, 2));
    hears(&mut bob, &counter(-3, 2));
    let mut other = server.open("/counter/coffee");
    hears(&mut other, &counter(0, 0));
}

#[test]
fn a_ticket_lets_in_who_is_found_and_nobody_else() {
    let server = start(slow_login::app(Duration::ZERO));
    assert_eq!(server.status("/"), 401);
    assert_eq!(server.status("/?token=eve-secret"), 401);
    let mut ada = server.open("/?token=ada-secret");
    hears(&mut ada, "hello, Ada");
}
