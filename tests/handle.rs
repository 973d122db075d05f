//! Speaking to loops from a thread that is none of theirs: two of them, on real sockets.
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
use sockeye::proto::CloseCode;
use sockeye::proto::handshake::server::Request;
use sockeye::server::{
    Builder, ConnectionId, Exchange, Handle, HandleError, Handler, Message, Peer, To,
};
use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread::{self, JoinHandle};
use std::time::Duration;

/// However slow the machine: a test that waits longer has failed.
const PATIENCE: Duration = Duration::from_secs(30);

/// Whoever comes is in "a". At a message it says so, and waits to be told to go on.
struct Members {
    came: Sender<ConnectionId>,
    waits: Sender<()>,
    go_on: Receiver<()>,
}

impl Handler for Members {
    type State = ();

    fn on_open(&mut self, peer: &mut Peer<'_>, _: &Request<'_>) {
        assert_eq!(peer.join("a"), Ok(true));
        self.came.send(peer.id()).expect("the test is there");
    }

    fn on_message(&mut self, _: &mut Peer<'_>, (): &mut (), _: Message<'_>) {
        self.waits.send(()).expect("the test is there");
        self.go_on.recv_timeout(PATIENCE).expect("to be told so");
    }
}

/// A loop in a thread of its own, and one connection to it.
struct Loop {
    handle: Handle,
    id: ConnectionId,
    peer: TcpStream,
    waits: Receiver<()>,
    go_on: Sender<()>,
    thread: JoinHandle<()>,
}

impl Loop {
    fn start(exchange: &Exchange) -> Self {
        let (came, comes) = channel();
        let (says, waits) = channel();
        let (go_on, is_told) = channel();
        let (tell, told) = channel::<(SocketAddr, Handle)>();
        let exchange = exchange.clone();
        let thread = thread::spawn(move || {
            let any = "127.0.0.1:0".parse().expect("an address");
            let handler = Members {
                came,
                waits: says,
                go_on: is_told,
            };
            let builder = Builder::new().exchange(&exchange).deflate(None);
            let mut server = builder.bind(any, handler).expect("a free port");
            tell.send((server.local_addr(), server.handle()))
                .expect("the test is there");
            server.run().expect("polling works");
        });
        let (addr, handle) = told.recv_timeout(PATIENCE).expect("it started");
        let mut peer = TcpStream::connect(addr).expect("it listens");
        peer.set_read_timeout(Some(PATIENCE)).expect("not zero");
        peer.write_all(REQUEST).expect("it is small");
        let mut head = Vec::new();
        while !head.ends_with(b"\r\n\r\n") {
            let mut byte = [0];
            peer.read_exact(&mut byte).expect("an answer");
            head.extend(byte);
        }
        let id = comes.recv_timeout(PATIENCE).expect("it is open");
        Self {
            handle,
            id,
            peer,
            waits,
            go_on,
            thread,
        }
    }

    /// The next frame; all are short.
    fn frame(&mut self) -> Frame {
        let mut head = [0; 2];
        self.peer.read_exact(&mut head).expect("a frame");
        let mut frame = Vec::from(head);
        frame.resize(2 + usize::from(head[1]), 0);
        self.peer.read_exact(&mut frame[2..]).expect("its payload");
        frames::take_frames(&mut frame).pop().expect("a whole one")
    }
}

fn two() -> [Loop; 2] {
    let exchange = Exchange::new();
    [Loop::start(&exchange), Loop::start(&exchange)]
}

fn end(loops: [Loop; 2]) {
    for one in loops {
        drop(one.peer);
        one.thread.join().expect("it ended well");
    }
}

#[test]
fn it_speaks_to_all_loops_or_to_the_one_with_the_connection() {
    let [mut one, mut other] = two();
    let handle = one.handle.clone();
    assert_eq!(handle.count("a", PATIENCE), Ok(2));
    assert_eq!(handle.count("b", PATIENCE), Ok(0));
    assert_eq!(handle.online(PATIENCE), Ok(2));
    handle.publish("a", "to both").expect("there is room");
    handle.publish("b", "to nobody").expect("there is room");
    handle
        .send(other.id, "to the other")
        .expect("there is room");
    let but_one = To::all().except(one.id);
    handle.publish(but_one, "but for the first").expect("room");
    let first = one.id;
    handle
        .publish(To::those(move |id| id == first), "to the first")
        .expect("there is room");
    handle
        .publish(To::rooms(&["a", "b", "a"]), "once")
        .expect("there is room");
    for said in ["to both", "to the first", "once"] {
        assert_eq!(one.frame(), Frame::text(said));
    }
    for said in ["to both", "to the other", "but for the first", "once"] {
        assert_eq!(other.frame(), Frame::text(said));
    }
    let code = CloseCode::new(4001).expect("it may be sent");
    let long = "\u{e9}".repeat(100);
    handle.close(other.id, code, &long).expect("there is room");
    assert_eq!(other.frame(), Frame::close(4001, &"\u{e9}".repeat(61)));
    other.peer.write_all(&close(4001)).expect("it reads");
    assert_eq!(handle.count("a", PATIENCE), Ok(1));
    handle.send(other.id, "too late").expect("there is room");
    handle.shutdown().expect("there is room");
    assert_eq!(one.frame(), Frame::close(1001, "server is stopping"));
    end([one, other]);
    assert_eq!(handle.publish("a", "x"), Err(HandleError::Stopped));
    assert_eq!(handle.online(PATIENCE), Err(HandleError::Stopped));
}

#[test]
fn it_waits_for_no_answer_longer_than_it_is_told() {
    let [mut one, mut other] = two();
    let handle = one.handle.clone();
    one.peer.write_all(&text("wait")).expect("it reads");
    one.waits.recv_timeout(PATIENCE).expect("it waits");
    assert_eq!(
        handle.online(Duration::from_millis(1)),
        Err(HandleError::TimedOut)
    );
    // It speaks to the other meanwhile, and is heard later by the one that waits.
    handle.publish("a", "to both").expect("there is room");
    assert_eq!(other.frame(), Frame::text("to both"));
    one.go_on.send(()).expect("it waits");
    assert_eq!(one.frame(), Frame::text("to both"));
    assert_eq!(handle.online(PATIENCE), Ok(2));
    handle.shutdown().expect("there is room");
    assert_eq!(other.frame().close_code(), Some(1001));
    end([one, other]);
}

#[test]
fn what_panics_on_a_loop_does_not_end_it() {
    let [mut one, other] = two();
    let handle = one.handle.clone();
    handle.run(|_| panic!("asked to")).expect("there is room");
    let first = one.id;
    handle
        .run(move |hub| hub.send(first, "still here").expect("it is open"))
        .expect("there is room");
    assert_eq!(one.frame(), Frame::text("still here"));
    handle.shutdown().expect("there is room");
    end([one, other]);
}
