//! A server that says nothing but its answer to the opening handshake, and keeps what it was sent.
#![allow(dead_code, reason = "each test target uses what it needs")]

use sockeye::client::Connector;
use sockeye::proto::handshake::accept_of;
use std::io::{Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::thread::JoinHandle;

/// Ends the recording: a connection that begins with it is none of the recorded.
const END: &[u8] = b"END";

pub(crate) struct Recorder {
    addr: SocketAddr,
    thread: JoinHandle<Vec<Vec<u8>>>,
}

impl Recorder {
    /// One that answers with 101, and keeps what comes behind the request.
    pub(crate) fn start() -> Self {
        Self::with(true)
    }

    /// One that hangs up on every request, and keeps those.
    pub(crate) fn refusing() -> Self {
        Self::with(false)
    }

    fn with(answers: bool) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let addr = listener.local_addr().expect("it is bound");
        let thread = std::thread::spawn(move || record(&listener, answers));
        Self { addr, thread }
    }

    pub(crate) fn connector(&self) -> Connector {
        Connector::new(&format!("ws://{}/", self.addr))
            .expect("a good URL")
            .proxy(sockeye::client::Proxy::none())
    }

    /// What each connection sent, in the order of their coming.
    pub(crate) fn end(self) -> Vec<Vec<u8>> {
        let mut end = TcpStream::connect(self.addr).expect("it listens");
        end.write_all(END).expect("it reads");
        end.shutdown(Shutdown::Write).expect("it is connected");
        self.thread.join().expect("it did not panic")
    }
}

fn record(listener: &TcpListener, answers: bool) -> Vec<Vec<u8>> {
    let mut threads = Vec::new();
    loop {
        let (mut stream, _) = listener.accept().expect("somebody connects");
        let head = read_head(&mut stream);
        if head == END {
            break;
        }
        if !answers {
            threads.push(Ok(head));
            continue;
        }
        threads.push(Err(std::thread::spawn(move || {
            answer(&mut stream, &head);
            let mut rest = Vec::new();
            // A client that is dropped may reset the connection; what came is kept.
            let _ = stream.read_to_end(&mut rest);
            rest
        })));
    }
    threads
        .into_iter()
        .map(|recorded| recorded.unwrap_or_else(|thread| thread.join().expect("no panic")))
        .collect()
}

/// A client sends nothing behind its request before it is answered.
fn read_head(stream: &mut TcpStream) -> Vec<u8> {
    let mut head = Vec::new();
    let mut buffer = [0; 4096];
    while !head.ends_with(b"\r\n\r\n") {
        match stream.read(&mut buffer) {
            Ok(0) | Err(_) => break,
            Ok(bytes) => head.extend_from_slice(&buffer[..bytes]),
        }
    }
    head
}

fn answer(stream: &mut TcpStream, head: &[u8]) {
    let head = std::str::from_utf8(head).expect("ASCII");
    let mut lines = head.lines();
    let key = lines.find_map(|line| line.strip_prefix("Sec-WebSocket-Key: "));
    let key: [u8; 24] = key
        .expect("a key")
        .as_bytes()
        .try_into()
        .expect("24 letters");
    let accept = accept_of(&key);
    let accept = std::str::from_utf8(&accept).expect("base64");
    let answer = format!(
        "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
         Sec-WebSocket-Accept: {accept}\r\n\r\n"
    );
    stream.write_all(answer.as_bytes()).expect("it reads");
}

/// The keys of masked frames of at most 125 bytes.
pub(crate) fn keys_of(mut frames: &[u8]) -> Vec<[u8; 4]> {
    let mut keys = Vec::new();
    while let [_, second, a, b, c, d, ..] = *frames {
        assert!(second & 0x80 != 0, "an unmasked frame");
        keys.push([a, b, c, d]);
        let Some(rest) = frames.get(6 + usize::from(second & 0x7F)..) else {
            break;
        };
        frames = rest;
    }
    keys
}
