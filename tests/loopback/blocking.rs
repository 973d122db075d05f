//! The client that blocks, against a server by hand.

use crate::frames;
use sockeye::client::{Connector, Error, Proxy};
use sockeye::proto::handshake::{Accept, HeadLimits, server};
use std::io::{Read, Write};
use std::net::TcpListener;
use std::thread;

/// More than the system takes for a peer that does not read.
const MUCH: usize = 64 << 20;

/// Who is told that a message was sent need not send it again.
#[test]
fn a_message_that_the_system_did_not_take_is_not_called_sent() {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let url = format!("ws://{}/", listener.local_addr().expect("an address"));
    let gone = thread::spawn(move || {
        let (mut stream, _) = listener.accept().expect("a client");
        let (mut bytes, mut buffer) = (Vec::new(), [0; 4096]);
        let request = loop {
            let read = stream.read(&mut buffer).expect("a request");
            bytes.extend_from_slice(&buffer[..read]);
            if let Some(head) = frames::take_head(&mut bytes) {
                break head;
            }
        };
        let request = server::parse(request.as_bytes(), HeadLimits::default()).expect("a request");
        let mut answer = Vec::new();
        Accept::new(&request).write(&mut answer).expect("an answer");
        stream.write_all(&answer).expect("it reads");
        // Some of the message, and no more.
        stream.read_exact(&mut buffer).expect("a message");
    });
    let connector = Connector::new(&url).expect("a URL").proxy(Proxy::none());
    let mut socket = connector.deflate(None).open().expect("it answers");
    let sent = socket.send(vec![0; MUCH].as_slice());
    assert!(matches!(sent, Err(Error::Closed)), "{sent:?}");
    gone.join().expect("no panic");
}
