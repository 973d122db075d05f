//! The real kernel's side of listening: several sockets in one loop, and letting go of one that others have too.

use crate::PATIENCE;
use crate::program::Place;
use sockeye::kernel::{Kernel, PeerAddr, Ready};
use sockeye::server::{Listen, Listener, Mio};
use std::io::ErrorKind;
use std::net::{SocketAddr, TcpStream};
use std::os::unix::net::UnixStream;
use std::time::Duration;

/// A socket on this address, and a free port.
fn listen(on: &str) -> (Listener, SocketAddr) {
    let listener = Listener::bind(&on.parse().expect("a place")).expect("a free port");
    let Listen::Ip(addr) = *listener.place() else {
        unreachable!("an address was asked for");
    };
    (listener, addr)
}

fn mio(listeners: impl IntoIterator<Item = Listener>) -> Mio {
    Mio::new(listeners, false).expect("descriptors are free")
}

fn polled(mio: &mut Mio, at_most: Duration) -> Vec<Ready> {
    let mut ready = Vec::new();
    mio.poll(&mut ready, Some(at_most)).expect("polling works");
    ready
}

#[test]
fn a_loop_that_let_go_of_a_socket_hears_no_more_of_it() {
    let (listener, addr) = listen("127.0.0.1:0");
    // Two loops on the same socket, as a process and its successor.
    let (mut old, mut new) = (mio([listener.clone()]), mio([listener]));
    let _first = TcpStream::connect(addr).expect("they listen");
    assert_eq!(polled(&mut old, PATIENCE), [Ready::Accept]);
    assert_eq!(polled(&mut new, PATIENCE), [Ready::Accept]);
    new.accept().expect("one is waiting");
    old.stop_listening();
    let _second = TcpStream::connect(addr).expect("the new one listens");
    assert_eq!(polled(&mut new, PATIENCE), [Ready::Accept]);
    assert_eq!(polled(&mut old, Duration::ZERO), []);
    let none = old.accept().expect_err("it does not listen");
    assert_eq!(none.kind(), ErrorKind::WouldBlock);
    new.accept().expect("one is waiting");
}

#[test]
fn several_sockets_have_their_turns_and_none_is_left() {
    let place = Place::new();
    let path = place.path("a.sock");
    let (busy, addr) = listen("127.0.0.1:0");
    let (other, elsewhere) = listen("127.0.0.1:0");
    let unix = Listener::bind(&Listen::Unix(path.clone())).expect("free");
    let mut mio = mio([busy, other, unix]);
    let many: Vec<_> = (0..100)
        .map(|_| TcpStream::connect(addr).expect("it listens"))
        .collect();
    let _one = TcpStream::connect(elsewhere).expect("it listens");
    let _two = UnixStream::connect(&path).expect("it listens");
    let mut accepted = Vec::new();
    let end = loop {
        match mio.accept() {
            Ok(stream) => accepted.push(mio.peer_addr(&stream)),
            // Who has connected may be on its way to the queue.
            Err(_) if accepted.len() < many.len() + 2 => drop(polled(&mut mio, PATIENCE)),
            Err(error) => break error,
        }
    };
    assert_eq!(end.kind(), ErrorKind::WouldBlock);
    assert_eq!(accepted.len(), many.len() + 2);
    let unix = accepted.iter().position(|from| *from == PeerAddr::Unix);
    assert!(unix.is_some_and(|at| at < 50), "{unix:?}");
}

#[test]
fn the_kernel_knows_where_they_come_from() {
    for (on, to) in [
        ("127.0.0.1:0", "127.0.0.1"),
        ("[::]:0", "127.0.0.1"),
        ("[::1]:0", "::1"),
    ] {
        let (listener, addr) = listen(on);
        let mut mio = mio([listener]);
        let to = SocketAddr::new(to.parse().expect("an address"), addr.port());
        let client = TcpStream::connect(to).expect("it listens");
        assert_eq!(polled(&mut mio, PATIENCE), [Ready::Accept]);
        let stream = mio.accept().expect("one is waiting");
        let from = client.local_addr().expect("it is connected");
        assert_eq!(mio.peer_addr(&stream), PeerAddr::Ip(from), "{on}");
    }
}
