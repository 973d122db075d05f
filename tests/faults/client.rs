//! A client that blocks, from an address of its choice.

use crate::PATIENCE;
use crate::frames::{self, Frame, REQUEST};
use socket2::{Domain, SockAddr, Socket, Type};
use std::io::{ErrorKind, Read, Write};
use std::net::{IpAddr, Ipv4Addr, SocketAddr, TcpStream};

/// An address of this machine that nobody else uses, so that its ports do not run out while the kernel remembers those
/// of ended connections.
pub const fn address(net: u8, host: u8) -> IpAddr {
    IpAddr::V4(Ipv4Addr::new(127, 1 + net, host, 1))
}

#[derive(Debug)]
pub struct Client {
    pub stream: TcpStream,
    /// Received and not looked at.
    bytes: Vec<u8>,
}

impl Client {
    /// Connects and sends its request, and waits for no answer.
    pub fn ask(from: IpAddr, to: SocketAddr) -> Self {
        let socket = socket();
        let from = SockAddr::from(SocketAddr::new(from, 0));
        socket.bind(&from).expect("all of 127.0.0.0/8 is ours");
        Self::ask_on(socket, to)
    }

    /// The same on a socket that is there already.
    pub fn ask_on(socket: Socket, to: SocketAddr) -> Self {
        socket.connect(&to.into()).expect("it listens");
        let mut client = Self {
            stream: socket.into(),
            bytes: Vec::new(),
        };
        client.send(REQUEST);
        client
    }

    /// Reads the answer to its request: it is accepted.
    pub fn enter(&mut self) {
        let head = self.until(frames::take_head);
        assert!(head.starts_with("HTTP/1.1 101 "), "{head}");
    }

    pub fn send(&mut self, bytes: &[u8]) {
        self.stream.write_all(bytes).expect("it reads");
    }

    pub fn frame(&mut self) -> Frame {
        self.until(|bytes| {
            let range = frames::payload_range(bytes)?;
            let frame = frames::take_frames(&mut bytes.drain(..range.end).collect()).pop();
            Some(frame.expect("a whole frame"))
        })
    }

    /// Nothing but the end follows.
    pub fn assert_ended(&mut self) {
        let mut rest = std::mem::take(&mut self.bytes);
        self.stream
            .read_to_end(&mut rest)
            .expect("an end, no reset");
        assert!(rest.is_empty());
    }

    /// Whether something comes before its stream's time to read is up.
    pub fn hears(&mut self) -> bool {
        let mut buffer = [0; 4096];
        match self.stream.read(&mut buffer) {
            Ok(read) => {
                assert!(read > 0, "the end instead of an answer");
                self.bytes.extend_from_slice(&buffer[..read]);
                true
            }
            Err(error) if error.kind() == ErrorKind::WouldBlock => false,
            Err(error) => panic!("{error}"),
        }
    }

    /// Reads until the bytes so far give an answer.
    fn until<R>(&mut self, mut look: impl FnMut(&mut Vec<u8>) -> Option<R>) -> R {
        loop {
            if let Some(found) = look(&mut self.bytes) {
                return found;
            }
            assert!(self.hears(), "no answer");
        }
    }
}

/// A socket to be connected later.
pub fn socket() -> Socket {
    let socket = Socket::new(Domain::IPV4, Type::STREAM, None).expect("a descriptor is free");
    socket.set_read_timeout(Some(PATIENCE)).expect("not zero");
    socket.set_write_timeout(Some(PATIENCE)).expect("not zero");
    socket.set_tcp_nodelay(true).expect("a TCP socket");
    socket
}
