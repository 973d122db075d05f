//! The server as a library, in a thread beside its peers.

use crate::PATIENCE;
use crate::client::Client;
use crate::frames::{self, CONTINUATION, FIN, Frame, REQUEST, TEXT, binary, close, frame, text};
use sockeye::proto;
use sockeye::server::{Builder, Handler, Limits, Message, Peer, Server};
use std::io::{self, Read, Write};
use std::net::SocketAddr;
use std::thread;

struct Echo;

impl Handler for Echo {
    type State = ();

    fn on_message(&mut self, peer: &mut Peer<'_>, (): &mut (), message: Message<'_>) {
        let _ = peer.send(message);
    }
}

fn bind() -> Server<Echo> {
    let limits = Limits {
        connection: proto::Limits::with_max_message(16 << 20),
        ..Limits::default()
    };
    let any = "127.0.0.1:0".parse().expect("an address");
    let builder = Builder::new().limits(limits);
    builder.bind(any, Echo).expect("a free port")
}

/// Runs a server beside `test`, stops it, and waits for its end.
fn serving(test: impl FnOnce(SocketAddr)) {
    // A server stays on the thread that it was made on.
    let (tell, told) = std::sync::mpsc::channel();
    let (end, ended) = std::sync::mpsc::channel();
    thread::spawn(move || {
        let mut server = bind();
        tell.send((server.local_addr(), server.stopper()))
            .expect("the test waits");
        end.send(server.run())
    });
    let (addr, stopper) = told.recv().expect("it starts");
    test(addr);
    stopper.stop().expect("it can be woken");
    let result = ended.recv_timeout(PATIENCE).expect("it ends");
    result.expect("no error");
}

#[test]
fn turns_by_hand_serve_one_thread() {
    let mut server = bind();
    let mut client = Client::connect(server.local_addr());
    let turn = |server: &mut Server<Echo>| server.turn(Some(PATIENCE)).expect("polling works");
    client.send(&[REQUEST, &text("hello")].concat());
    client.stream.set_nonblocking(true).expect("a socket");
    while !client.bytes.ends_with(b"\x81\x05hello") {
        let mut buffer = [0; 4096];
        match client.stream.read(&mut buffer) {
            Ok(read) => client.bytes.extend_from_slice(&buffer[..read]),
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => assert!(turn(&mut server)),
            Err(error) => panic!("{error}"),
        }
    }
    drop(client);
    server.stopper().stop().expect("it can be woken");
    while turn(&mut server) {}
}

#[test]
fn small_and_large_messages_come_back() {
    serving(|addr| {
        let mut client = Client::open(addr);
        for len in [
            0,
            1,
            125,
            126,
            1000,
            16_384,
            65_535,
            65_536,
            1 << 20,
            8 << 20,
        ] {
            let payload: Vec<u8> = (0..len).map(|i| (i * 7 + (i >> 9)) as u8).collect();
            client.echoes(binary(&payload), &Frame::binary(&payload));
        }
        let words = "žluťoučký kůň 𝄞 ".repeat(50_000);
        client.echoes(text(&words), &Frame::text(&words));
    });
}

#[test]
fn many_messages_in_flight_keep_their_order() {
    serving(|addr| {
        let mut client = Client::open(addr);
        let mut writer = client.stream.try_clone().expect("a second handle");
        let sender = thread::spawn(move || {
            let all: Vec<u8> = (0..100_000).flat_map(|i| text(&i.to_string())).collect();
            writer.write_all(&all)
        });
        for i in 0..100_000 {
            assert_eq!(client.frame(), Frame::text(&i.to_string()));
        }
        sender.join().expect("no panic").expect("it reads");
    });
}

#[test]
fn a_fragmented_message_comes_back_whole() {
    serving(|addr| {
        let mut client = Client::open(addr);
        client.send(&frame(TEXT, b"in "));
        client.send(&frames::ping(b"between"));
        assert_eq!(client.frame().payload, b"between");
        client.send(&frame(CONTINUATION, b"three "));
        client.send(&frame(FIN | CONTINUATION, b"parts"));
        assert_eq!(client.frame(), Frame::text("in three parts"));
    });
}

#[test]
fn the_closing_handshake() {
    serving(|addr| {
        let mut client = Client::open(addr);
        client.send(&close(3000));
        assert_eq!(client.frame(), Frame::close(3000, ""));
        client.assert_ended();
    });
}

/// Shows 6455-7.1.1-01.
#[test]
fn a_close_frame_arrives_although_the_peer_goes_on_sending() {
    // Unread bytes at close would make the kernel send a reset, which overtakes the Close frame.
    serving(|addr| {
        let mut client = Client::open(addr);
        client.send(&[frame(FIN | 0x3, b"reserved"), vec![0; 200_000]].concat());
        let told = client.frame();
        assert_eq!(told.close_code(), Some(1002));
        client.assert_ended();
    });
}

#[test]
fn stopping_says_goodbye() {
    let mut clients = Vec::new();
    serving(|addr| clients.extend((0..20).map(|_| Client::open(addr))));
    // `serving` has returned, so the loop is over: without an answer, after its close deadline.
    for mut client in clients {
        assert_eq!(client.frame().close_code(), Some(1001));
    }
}

#[test]
fn a_taken_port_is_an_error() {
    let server = bind();
    let error = Builder::new().bind(server.local_addr(), Echo);
    assert_eq!(
        error.map(|_| ()).map_err(|error| error.kind()),
        Err(io::ErrorKind::AddrInUse)
    );
}
