//! Both sides of this crate, over real sockets.

use crate::certs::{Authority, Dir, trusting};
use proptest::prelude::{ProptestConfig, any, prop, prop_assert, proptest};
use sockeye::client::{Connector, Received, WebSocket};
use sockeye::proto::CloseCode;
use sockeye::proto::deflate::Policy;
use sockeye::server::{Builder, Cause, Handler, Message, Peer, Stopper};
use sockeye::tls;
use std::net::SocketAddr;
use std::thread::{self, JoinHandle};
use std::time::Duration;

const PATIENCE: Duration = Duration::from_secs(20);

struct Echo;

impl Handler for Echo {
    type State = ();

    fn on_message(&mut self, peer: &mut Peer<'_>, (): &mut (), message: Message<'_>) {
        let _ = peer.send(message);
    }
}

struct Server {
    addr: SocketAddr,
    stopper: Stopper,
    thread: Option<JoinHandle<()>>,
    trust: tls::Client,
    _dir: Dir,
}

impl Server {
    fn start() -> Self {
        let authority = Authority::new("loopback");
        let dir = Dir::new();
        let tls = authority.sign(&["localhost", "127.0.0.1"]).server(&dir);
        let trust = trusting(dir.file("ca.pem", &authority.pem));
        let addr = "127.0.0.1:0".parse().expect("an address");
        let mut server = Builder::new()
            .tls(tls)
            .deflate(Policy::default())
            .bind(addr, Echo)
            .expect("a port");
        let (addr, stopper) = (server.local_addr(), server.stopper());
        let thread = Some(thread::spawn(move || server.run().expect("it polls")));
        Self {
            addr,
            stopper,
            thread,
            trust,
            _dir: dir,
        }
    }

    fn connect(&self) -> WebSocket {
        let url = format!("wss://{}/", self.addr);
        let connector = Connector::new(&url).expect("a URL");
        let connector = connector.tls(self.trust.clone()).deflate(Policy::default());
        let mut socket = connector.open().expect("it is there");
        socket.set_timeout(Some(PATIENCE));
        socket
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.stopper.stop().expect("it can be woken");
        let ended = self.thread.take().map(JoinHandle::join);
        assert!(thread::panicking() || matches!(ended, Some(Ok(()))));
    }
}

/// Shows 6455-4.2.2-03 6455-5.1-02 6455-10.6-01.
#[test]
fn messages_of_every_size_come_back() {
    let server = Server::start();
    let mut socket = server.connect();
    for size in [
        0,
        1,
        125,
        126,
        16_383,
        16_384,
        16_385,
        65_535,
        65_536,
        65_537,
        1 << 20,
    ] {
        let message: Vec<u8> = (0..size).map(|at| (at ^ at >> 8) as u8).collect();
        socket.send(message.as_slice()).expect("open");
        let received = socket.receive().expect("open");
        assert!(received == Received::Binary(message), "{size}");
    }
    let end = socket.close(CloseCode::NORMAL, "done").expect("open");
    assert_eq!((end.code, end.clean), (1000, true));
    assert_eq!(end.cause, Cause::Here);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(6))]

    #[test]
    fn a_mebibyte_of_anything_comes_back(
        seed in prop::collection::vec(any::<u8>(), 1..5000),
        repeat in 1_usize..4,
        burst in 1_usize..4,
    ) {
        let server = Server::start();
        let mut socket = server.connect();
        // Some of it compresses, and some does not.
        let mut message = Vec::with_capacity(1 << 20);
        let mut state = 1_u32;
        while message.len() < 1 << 20 {
            for _ in 0..repeat {
                message.extend(&seed);
            }
            for _ in 0..3000 {
                state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                message.push((state >> 24) as u8);
            }
        }
        message.truncate(1 << 20);
        for _ in 0..burst {
            socket.send(message.as_slice()).expect("open");
        }
        for _ in 0..burst {
            let received = socket.receive().expect("open");
            prop_assert!(received == Received::Binary(message.clone()));
        }
        let end = socket.close(CloseCode::NORMAL, "").expect("open");
        prop_assert!(end.clean);
    }
}
