//! Several loops that share broadcasts, on real sockets and one thread: their turns are taken by hand, so that what
//! happens between them happens in one order.
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

use frames::{CLOSE, Frame, REQUEST, close, text};
use sockeye::server::{Builder, Exchange, Handler, Message, Peer, Server};
use std::io::{ErrorKind, Read, Write};
use std::net::TcpStream;
use std::time::{Duration, Instant};

/// However slow the machine: a test that waits longer has failed.
const PATIENCE: Duration = Duration::from_secs(30);

struct Broadcast;

impl Handler for Broadcast {
    type State = ();

    fn on_message(&mut self, peer: &mut Peer<'_>, (): &mut (), message: Message<'_>) {
        peer.broadcast(message);
    }
}

/// One loop, and a peer of it.
struct Worker {
    server: Server<Broadcast>,
    peer: TcpStream,
    bytes: Vec<u8>,
}

impl Worker {
    fn start(exchange: &Exchange) -> Self {
        let any = "127.0.0.1:0".parse().expect("an address");
        let builder = Builder::new().exchange(exchange);
        let server = builder.bind(any, Broadcast).expect("a free port");
        let peer = TcpStream::connect(server.local_addr()).expect("it listens");
        peer.set_nonblocking(true).expect("a socket");
        let bytes = Vec::new();
        let mut worker = Self {
            server,
            peer,
            bytes,
        };
        worker.peer.write_all(REQUEST).expect("it is small");
        worker.turn_until(frames::take_head);
        worker
    }

    /// Takes turns until what the peer has received gives an answer.
    fn turn_until<R>(&mut self, look: impl Fn(&mut Vec<u8>) -> Option<R>) -> R {
        let begin = Instant::now();
        loop {
            self.receive();
            if let Some(found) = look(&mut self.bytes) {
                return found;
            }
            assert!(begin.elapsed() < PATIENCE, "no answer");
            let at_most = Duration::from_millis(10);
            self.server.turn(Some(at_most)).expect("polling works");
        }
    }

    /// The frames that have come when the last of them is like this.
    fn frames_until(&mut self, is_last: impl Fn(&Frame) -> bool) -> Vec<Frame> {
        self.turn_until(|bytes| {
            let frames = frames::take_frames(&mut bytes.clone());
            frames.last().is_some_and(&is_last).then_some(frames)
        })
    }

    fn receive(&mut self) {
        let mut buffer = [0; 4096];
        match self.peer.read(&mut buffer) {
            Ok(read) => self.bytes.extend_from_slice(&buffer[..read]),
            Err(error) => assert_eq!(error.kind(), ErrorKind::WouldBlock),
        }
    }
}

#[test]
fn what_another_worker_said_before_a_stop_is_told_before_the_goodbye() {
    let exchange = Exchange::new();
    let mut talking = Worker::start(&exchange);
    let mut stopping = Worker::start(&exchange);
    talking
        .peer
        .write_all(&text("last orders"))
        .expect("it is small");
    talking.frames_until(|last| *last == Frame::text("last orders"));
    // It was said, and the other has not looked yet: its next turn finds both, and the stop first.
    let stopper = stopping.server.stopper();
    stopper.stop().expect("it can be woken");
    let told = stopping.frames_until(|last| last.opcode == CLOSE);
    let expected = [
        Frame::text("last orders"),
        Frame::close(1001, "server is stopping"),
    ];
    assert_eq!(told, expected);
    stopping.peer.write_all(&close(1001)).expect("it is small");
    drop(stopping.peer);
    while stopping.server.turn(Some(PATIENCE)).expect("polling works") {}
}
