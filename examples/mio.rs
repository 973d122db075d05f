//! The core in a loop of your own on mio: a connection is a socket, two buffers and what the core keeps.
//!
//! `cargo run --example mio --features server`, then connect to `ws://127.0.0.1:9001`; everything is echoed. Another address
//! may be given as an argument. There are no deadlines here: a timer wheel would have one for the handshake, one for
//! [`Connection::close_expected`], and one for silence.

use mio::net::{TcpListener, TcpStream};
use mio::{Events, Interest, Poll, Token};
use sockeye::proto::handshake::{HeadLimits, OriginPolicy, server::RequestParser};
use sockeye::proto::{Connection, Event, Inbound, Outbound};
use std::collections::HashMap;
use std::io::{self, ErrorKind, Read, Write};
use std::net::Shutdown;

const LISTENER: Token = Token(0);
/// Bytes that may wait for a peer; it is not read while there are more.
const ROOM: usize = 64 << 10;

fn main() -> io::Result<()> {
    let address = std::env::args().nth(1);
    let address = address.as_deref().unwrap_or("127.0.0.1:9001").parse();
    let mut listener = TcpListener::bind(address.map_err(io::Error::other)?)?;
    println!("listening on ws://{}", listener.local_addr()?);
    let mut poll = Poll::new()?;
    poll.registry()
        .register(&mut listener, LISTENER, Interest::READABLE)?;
    let (mut events, mut peers, mut next) = (Events::with_capacity(256), HashMap::new(), 1);
    let mut inbound = Inbound::new();
    loop {
        if let Err(error) = poll.poll(&mut events, None) {
            // A debugger, or a stopped terminal.
            if error.kind() != ErrorKind::Interrupted {
                return Err(error);
            }
        }
        for event in &events {
            if event.token() == LISTENER {
                while let Ok((mut stream, _)) = listener.accept() {
                    let token = Token(next);
                    next += 1;
                    let both = Interest::READABLE | Interest::WRITABLE;
                    poll.registry().register(&mut stream, token, both)?;
                    peers.insert(token, Peer::new(stream));
                }
            } else if let Some(peer) = peers.get_mut(&event.token()) {
                // mio tells an edge once: a turn goes on until the socket has nothing, or takes nothing.
                if !peer.turn(&mut inbound).unwrap_or(false) {
                    peers.remove(&event.token());
                }
            }
        }
    }
}

struct Peer {
    stream: TcpStream,
    parser: RequestParser,
    conn: Connection,
    input: Vec<u8>,
    out: Vec<u8>,
    is_refused: bool,
    has_ended: bool,
}

impl Peer {
    fn new(stream: TcpStream) -> Self {
        Self {
            stream,
            parser: RequestParser::new(HeadLimits::default()),
            conn: Connection::server(Default::default()),
            input: Vec::new(),
            out: Vec::new(),
            is_refused: false,
            has_ended: false,
        }
    }

    /// Reads and answers until there is nothing to do. Whether there will be more.
    fn turn(&mut self, inbound: &mut Inbound) -> io::Result<bool> {
        let mut chunk = [0; 16 << 10];
        loop {
            self.write()?;
            let is_over = self.is_refused || self.conn.is_over();
            if is_over && self.out.is_empty() && !self.has_ended {
                // Half-closed and read to the peer's end: no reset overtakes our last bytes.
                self.stream.shutdown(Shutdown::Write)?;
                self.has_ended = true;
            }
            if self.out.len() > ROOM {
                return Ok(true);
            }
            match self.stream.read(&mut chunk) {
                Ok(0) => return Ok(false),
                Ok(_) if is_over => {}
                Ok(count) => {
                    self.input.extend_from_slice(&chunk[..count]);
                    self.receive(inbound);
                }
                Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(true),
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
    }

    /// Takes all frames that have come; the handshake first.
    fn receive(&mut self, inbound: &mut Inbound) {
        let answer = self
            .parser
            .answer(&self.input, &OriginPolicy::SameHost, &mut self.out);
        let mut at = match answer {
            Ok(Some(at)) => at,
            Ok(None) => return,
            Err(_) => {
                self.is_refused = true;
                return;
            }
        };
        let (rx, tx) = (&mut self.conn.rx, &mut self.conn.tx);
        let mut out = Outbound::server(&mut self.out);
        // A violation ends the connection; its Close frame is then in `out`.
        while let Ok(step) = rx.next(&mut self.input[at..], inbound, tx, &mut out) {
            at += step.consumed;
            // Once the peer has closed there is nobody to answer.
            let _ = match step.event {
                Some(Event::Text(text)) => tx.text(text, &mut out),
                Some(Event::Binary(data)) => tx.binary(data, &mut out),
                Some(_) => Ok(()),
                None => break,
            };
        }
        self.input.drain(..at.min(self.input.len()));
    }

    fn write(&mut self) -> io::Result<()> {
        while !self.out.is_empty() {
            match self.stream.write(&self.out) {
                Ok(count) => drop(self.out.drain(..count)),
                Err(error) if error.kind() == ErrorKind::WouldBlock => break,
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }
}
