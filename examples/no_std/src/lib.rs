//! A server's side of one connection, for whoever moves the bytes: a driver of a modem, a TCP stack, a web page.
//!
//! What `examples/embed.rs` does on sockets is done here on slices, without the standard library.
#![no_std]

extern crate alloc;

use alloc::vec::Vec;
use sockeye::proto::handshake::{HeadLimits, OriginPolicy, server::RequestParser};
use sockeye::proto::{Config, Connection, Event, Inbound, Limits, Outbound};

/// A connection that echoes, from its first byte on.
#[derive(Debug)]
pub struct Session {
    parser: RequestParser,
    conn: Connection,
    inbound: Inbound,
    /// What could not be taken up yet.
    kept: Vec<u8>,
}

impl Session {
    /// The longest message, in bytes: the heap is small.
    const MOST: u64 = 1024;

    /// Before the request has come.
    #[must_use]
    pub fn new() -> Self {
        let mut config = Config::default();
        config.limits = Limits::with_max_message(Self::MOST);
        Self {
            parser: RequestParser::new(HeadLimits::default()),
            conn: Connection::server(config.into()),
            inbound: Inbound::new(),
            kept: Vec::new(),
        }
    }

    /// Takes what has arrived, and puts what is to be sent behind `answer`. Then says whether more is wanted: if not, send
    /// that, and end the connection.
    pub fn receive(&mut self, bytes: &[u8], answer: &mut Vec<u8>) -> bool {
        self.kept.extend_from_slice(bytes);
        let request = self
            .parser
            .answer(&self.kept, &OriginPolicy::SameHost, answer);
        let Ok(request) = request else { return false };
        let Some(mut at) = request else { return true };
        let mut out = Outbound::server(answer);
        let Connection { rx, tx } = &mut self.conn;
        // A violation ends it; its Close frame is in `out`.
        while let Ok(step) = rx.next(&mut self.kept[at..], &mut self.inbound, tx, &mut out) {
            at += step.consumed;
            // After a Close frame nothing can be sent any more, and nothing has to be.
            let _sent = match step.event {
                Some(Event::Text(text)) => tx.text(text, &mut out),
                Some(Event::Binary(data)) => tx.binary(data, &mut out),
                Some(_) => Ok(()),
                None => break,
            };
        }
        self.kept.drain(..at);
        !self.conn.is_over()
    }
}

impl Default for Session {
    fn default() -> Self {
        Self::new()
    }
}

/// What a browser sends first.
pub const REQUEST: &[u8] =
    b"GET / HTTP/1.1\r\nHost: device\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
    Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n";

/// "Hello" in a masked frame (RFC 6455 section 5.7).
pub const HELLO: &[u8] = b"\x81\x85\x37\xfa\x21\x3d\x7f\x9f\x4d\x51\x58";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_masked_frame_is_answered_however_it_arrives() {
        for piece in [1, 7, 1000] {
            let (mut session, mut answer) = (Session::new(), Vec::new());
            let received = [REQUEST, HELLO].concat();
            assert!(
                received
                    .chunks(piece)
                    .all(|bytes| session.receive(bytes, &mut answer))
            );
            assert!(answer.starts_with(b"HTTP/1.1 101 "));
            assert!(answer.ends_with(b"\r\n\r\n\x81\x05Hello"), "{answer:?}");
        }
    }

    #[test]
    fn what_is_not_masked_ends_it() {
        let (mut session, mut answer) = (Session::new(), Vec::new());
        assert!(session.receive(REQUEST, &mut answer));
        answer.clear();
        assert!(!session.receive(b"\x81\x05Hello", &mut answer));
        // A Close frame with 1002.
        assert_eq!(
            (answer[0], &answer[2..4]),
            (0x88, &1002_u16.to_be_bytes()[..])
        );
    }
}
