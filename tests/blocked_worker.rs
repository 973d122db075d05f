//! A loop whose handler waits for something does not keep other loops waiting: nothing is shared but what they say to each
//! other, and that waits with whoever does not listen.
#![forbid(unsafe_code)]
#![allow(unreachable_pub, reason = "what is shared between tests is all `pub`")]
#![allow(
    clippy::std_instead_of_alloc,
    clippy::std_instead_of_core,
    clippy::cast_possible_truncation,
    reason = "tests have std, and make bytes of numbers on purpose"
)]

#[path = "support/frames.rs"]
mod frames;

use frames::{Frame, REQUEST, close, text};
use sockeye::server::{Builder, Exchange, Handler, Message, Peer, Stopper};
use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread::{self, JoinHandle};
use std::time::Duration;

/// However slow the machine: a test that waits longer has failed.
const PATIENCE: Duration = Duration::from_secs(30);

/// Echoes; "!all" goes to all, and at "!block" it says that it waits, and waits to be told to go on.
struct Blocking {
    waits: Sender<()>,
    go_on: Receiver<()>,
}

impl Handler for Blocking {
    type State = ();

    fn on_message(&mut self, peer: &mut Peer<'_>, (): &mut (), message: Message<'_>) {
        match message {
            Message::Text("!block") => {
                self.waits.send(()).expect("the test is there");
                self.go_on.recv_timeout(PATIENCE).expect("to be told so");
            }
            Message::Text(text) if text.starts_with("!all") => peer.broadcast(message),
            _ => peer.send(message).expect("it is open"),
        }
    }
}

/// A loop in a thread of its own.
struct Worker {
    addr: SocketAddr,
    stopper: Stopper,
    waits: Receiver<()>,
    go_on: Sender<()>,
    thread: Option<JoinHandle<()>>,
}

impl Worker {
    fn start(exchange: &Exchange) -> Self {
        let (says, waits) = channel();
        let (go_on, is_told) = channel();
        let (tell, told) = channel();
        let exchange = exchange.clone();
        let thread = thread::spawn(move || {
            let any = "127.0.0.1:0".parse().expect("an address");
            let handler = Blocking {
                waits: says,
                go_on: is_told,
            };
            let builder = Builder::new().exchange(&exchange).deflate(None);
            let mut server = builder.bind(any, handler).expect("a free port");
            let where_and_how = (server.local_addr(), server.stopper());
            tell.send(where_and_how).expect("the test is there");
            server.run().expect("polling works");
        });
        let (addr, stopper) = told.recv_timeout(PATIENCE).expect("it started");
        Self {
            addr,
            stopper,
            waits,
            go_on,
            thread: Some(thread),
        }
    }
}

impl Drop for Worker {
    fn drop(&mut self) {
        let _ = self.go_on.send(());
        let _ = self.stopper.stop();
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

/// A peer that waits for what it is told.
struct Client {
    stream: TcpStream,
    bytes: Vec<u8>,
}

impl Client {
    fn connect(worker: &Worker) -> Self {
        let stream = TcpStream::connect(worker.addr).expect("it listens");
        stream.set_read_timeout(Some(PATIENCE)).expect("a socket");
        stream.set_nodelay(true).expect("a socket");
        let bytes = Vec::new();
        let mut client = Self { stream, bytes };
        client.send(REQUEST);
        while frames::take_head(&mut client.bytes).is_none() {
            client.receive();
        }
        client
    }

    fn send(&mut self, bytes: &[u8]) {
        self.stream.write_all(bytes).expect("it is small");
    }

    fn receive(&mut self) {
        let mut buffer = [0; 4096];
        let read = self.stream.read(&mut buffer).expect("something, in time");
        assert!(read > 0, "it ended");
        self.bytes.extend_from_slice(&buffer[..read]);
    }

    /// The next so many frames, and no more.
    fn frames(&mut self, count: usize) -> Vec<Frame> {
        let mut come = Vec::new();
        loop {
            come.append(&mut frames::take_frames(&mut self.bytes));
            if come.len() >= count {
                return come;
            }
            self.receive();
        }
    }
}

#[test]
fn a_blocked_worker_does_not_keep_another_waiting() {
    let exchange = Exchange::new();
    let blocked = Worker::start(&exchange);
    let free = Worker::start(&exchange);
    let mut captive = Client::connect(&blocked);
    let mut client = Client::connect(&free);
    captive.send(&text("!block"));
    blocked.waits.recv_timeout(PATIENCE).expect("it blocks");
    // All of this happens while the other one is in its handler: nobody has told it to go on.
    let mut expected = Vec::new();
    for number in 0..100 {
        let echo = format!("{number}");
        client.send(&text(&echo));
        assert_eq!(client.frames(1), [Frame::text(&echo)]);
        let news = format!("!all {number}");
        client.send(&text(&news));
        assert_eq!(client.frames(1), [Frame::text(&news)]);
        expected.push(Frame::text(&news));
    }
    // One who comes now is served, too.
    let mut late = Client::connect(&free);
    late.send(&text("late"));
    assert_eq!(late.frames(1), [Frame::text("late")]);
    // And what was said meanwhile is told in its order.
    blocked.go_on.send(()).expect("it waits");
    assert_eq!(captive.frames(expected.len()), expected);
    for peer in [&mut captive, &mut client, &mut late] {
        peer.send(&close(1000));
    }
}
