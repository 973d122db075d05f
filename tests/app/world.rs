//! An application, its world, and its clients.

use crate::frames::{self, Frame};
use crate::harness::{Client, Sim};
use sockeye::app::{App, Conn, Router, Scope, Service, Upgrade};
use sockeye::server::{Closed, ConnectionId, Message};
use std::sync::{Arc, Mutex};

/// An application on the simulated kernel, with one worker.
pub fn start(app: App) -> Sim<Router> {
    let workers = app.build().expect("nothing is wrong with it");
    Sim::of(workers.router(), workers.builder().settings().clone())
}

/// A request for a WebSocket at a target, with more headers.
pub fn request(target: &str, headers: &str) -> Vec<u8> {
    format!(
        "GET {target} HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
        Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n{headers}\r\n"
    )
    .into_bytes()
}

/// What a request is answered: the head, and what follows it stays with the client.
pub fn ask(sim: &mut Sim<Router>, target: &str, headers: &str) -> (String, Client) {
    let mut client = sim.connect();
    client.push(&request(target, headers));
    sim.settle();
    let head = client.head();
    (head, client)
}

/// The status of that.
#[track_caller]
pub fn status(sim: &mut Sim<Router>, target: &str, headers: &str) -> u16 {
    let (head, _) = ask(sim, target, headers);
    let status = head.split(' ').nth(1).unwrap_or_default();
    status
        .parse()
        .unwrap_or_else(|_| panic!("no status: {head:?}"))
}

/// A client whose connection is open.
#[track_caller]
pub fn open(sim: &mut Sim<Router>, target: &str) -> Client {
    let (head, client) = ask(sim, target, "");
    assert!(head.starts_with("HTTP/1.1 101 "), "{head}");
    client
}

/// What it was told since this was asked last, in words: texts as they are, `<binary n>`, `<close code reason>`.
pub fn heard(client: &mut Client) -> Vec<String> {
    client.frames().iter().map(words).collect()
}

fn words(frame: &Frame) -> String {
    let text = || String::from_utf8_lossy(&frame.payload).into_owned();
    match (frame.opcode, frame.close_code()) {
        (frames::TEXT, _) => text(),
        (frames::BINARY, _) => format!("<binary {}>", frame.payload.len()),
        (frames::CLOSE, Some(code)) => {
            format!(
                "<close {code} {}>",
                String::from_utf8_lossy(&frame.payload[2..])
            )
        }
        (frames::PING, _) => "<ping>".to_owned(),
        (opcode, _) => format!("<{opcode} {}>", text()),
    }
}

/// Says something, and lets the server work.
pub fn say(sim: &mut Sim<Router>, client: &Client, text: &str) {
    client.push(&frames::text(text));
    sim.settle();
}

/// The connection breaks.
pub fn kill(sim: &mut Sim<Router>, client: &Client) {
    client.conn.reset(rustix::io::Errno::CONNRESET);
    sim.settle();
}

/// What services have been told, in order.
pub type Log = Arc<Mutex<Vec<String>>>;

pub fn read(log: &Log) -> Vec<String> {
    std::mem::take(&mut *log.lock().expect("no panic"))
}

/// Writes down what it is told, and relays messages to the others.
pub struct Noting {
    pub name: String,
    pub log: Log,
}

impl Noting {
    pub fn new(name: &str, log: &Log) -> Self {
        let noting = Self {
            name: name.to_owned(),
            log: Arc::clone(log),
        };
        noting.note("made");
        noting
    }

    fn note(&self, what: &str) {
        let mut log = self.log.lock().expect("no panic");
        log.push(format!("{} {what}", self.name));
    }
}

impl Drop for Noting {
    fn drop(&mut self) {
        self.note("dropped");
    }
}

impl Service for Noting {
    type User = ();

    fn open(&mut self, conn: &mut Conn<'_, ()>, (): &mut (), upgrade: &Upgrade<'_>) {
        assert!(upgrade.query().get("panic").is_none(), "asked to");
        self.note(&format!("open, {} online", conn.online()));
    }

    fn message(&mut self, conn: &mut Conn<'_, ()>, (): &mut (), message: Message<'_>) {
        if let Message::Text(text) = message {
            assert!(text != "panic", "asked to");
        }
        conn.publish(conn.others(), message);
    }

    fn close(&mut self, scope: &mut Scope<'_, ()>, _: ConnectionId, (): (), closed: &Closed<'_>) {
        self.note(&format!("close {}, {} online", closed.code, scope.online()));
    }
}
