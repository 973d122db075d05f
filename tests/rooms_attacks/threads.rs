//! What another thread says to connections that are closing or gone, on real sockets; turns are taken by hand.

use crate::frames::{self, CLOSE, Frame, REQUEST, close, text};
use sockeye::proto::CloseCode;
use sockeye::proto::handshake::server::Request;
use sockeye::server::{Builder, Closed, ConnectionId, Handler, Hub, Message, Peer, Server};
use std::io::{ErrorKind, Read, Write};
use std::net::TcpStream;
use std::thread;
use std::time::{Duration, Instant};

/// However slow the machine: a test that waits longer has failed.
const PATIENCE: Duration = Duration::from_secs(30);

/// Who came and who went.
#[derive(Default)]
struct Doorkeeper {
    came: std::sync::Arc<std::sync::Mutex<Vec<ConnectionId>>>,
    went: std::sync::Arc<std::sync::Mutex<Vec<ConnectionId>>>,
}

impl Handler for Doorkeeper {
    type State = ();

    fn on_open(&mut self, peer: &mut Peer<'_>, _: &Request<'_>) {
        self.came.lock().unwrap().push(peer.id());
    }

    fn on_message(&mut self, peer: &mut Peer<'_>, (): &mut (), _: Message<'_>) {
        peer.close(CloseCode::NORMAL, "bye").unwrap();
    }

    fn on_close(&mut self, _: &mut Hub<'_>, id: ConnectionId, (): (), _: &Closed<'_>) {
        self.went.lock().unwrap().push(id);
    }
}

struct World {
    server: Server<Doorkeeper>,
    came: std::sync::Arc<std::sync::Mutex<Vec<ConnectionId>>>,
    went: std::sync::Arc<std::sync::Mutex<Vec<ConnectionId>>>,
}

impl World {
    fn new() -> Self {
        let handler = Doorkeeper::default();
        let (came, went) = (handler.came.clone(), handler.went.clone());
        let any = "127.0.0.1:0".parse().unwrap();
        let server = Builder::new().bind(any, handler).unwrap();
        Self { server, came, went }
    }

    /// Takes turns until this gives an answer.
    fn turn_until<R>(&mut self, mut look: impl FnMut(&Self) -> Option<R>) -> R {
        let begin = Instant::now();
        loop {
            if let Some(found) = look(self) {
                return found;
            }
            assert!(begin.elapsed() < PATIENCE, "no answer");
            let at_most = Duration::from_millis(10);
            self.server.turn(Some(at_most)).unwrap();
        }
    }

    fn open(&mut self) -> (TcpStream, ConnectionId) {
        let before = self.came.lock().unwrap().len();
        let mut peer = TcpStream::connect(self.server.local_addr()).unwrap();
        peer.set_nonblocking(true).unwrap();
        peer.write_all(REQUEST).unwrap();
        let id = self.turn_until(|this| this.came.lock().unwrap().get(before).copied());
        let mut bytes = Vec::new();
        self.turn_until(|_| {
            receive(&mut peer, &mut bytes);
            frames::take_head(&mut bytes)
        });
        assert!(bytes.is_empty());
        (peer, id)
    }
}

/// Says whether the stream has ended.
fn receive(peer: &mut TcpStream, bytes: &mut Vec<u8>) -> bool {
    let mut buffer = [0; 4096];
    match peer.read(&mut buffer) {
        Ok(read) => {
            bytes.extend_from_slice(&buffer[..read]);
            read == 0
        }
        Err(error) => {
            assert_eq!(error.kind(), ErrorKind::WouldBlock);
            false
        }
    }
}

/// N04: whoever is closing is told nothing behind its Close frame, and nobody else instead of it.
#[test]
fn what_another_thread_says_to_one_that_closes_is_not_told_to_it_nor_to_its_heir() {
    let mut world = World::new();
    let (mut closing, gone) = world.open();
    closing.write_all(&text("close me")).unwrap();
    let mut bytes = Vec::new();
    world.turn_until(|_| {
        receive(&mut closing, &mut bytes);
        (!bytes.is_empty()).then_some(())
    });
    let speak = |to: ConnectionId, handle: sockeye::server::Handle| {
        let burst = move || (0..500).for_each(|_| handle.send(to, "secret").unwrap());
        thread::spawn(burst).join().unwrap();
    };
    speak(gone, world.server.handle());
    closing.write_all(&close(1000)).unwrap();
    let mut ended = false;
    world.turn_until(|this| {
        ended |= receive(&mut closing, &mut bytes);
        if ended {
            let _ = closing.shutdown(std::net::Shutdown::Both);
        }
        (ended && *this.went.lock().unwrap() == [gone]).then_some(())
    });
    let frames = frames::take_frames(&mut bytes);
    assert_eq!(frames, [Frame::close(1000, "bye")]);
    assert_eq!(frames[0].opcode, CLOSE);

    let (mut heir, id) = world.open();
    let handle = world.server.handle();
    speak(gone, handle.clone());
    handle.close(gone, CloseCode::NORMAL, "secret").unwrap();
    handle.send(id, "for you").unwrap();
    let frame = world.turn_until(|_| {
        receive(&mut heir, &mut bytes);
        frames::take_frames(&mut bytes).first().cloned()
    });
    assert_eq!(frame, Frame::text("for you"));
}
