//! The ways in which a connection ends, as its peer takes them, and what the server's handler is told of each.

use crate::client::Client;
use crate::endings::Herd;
use crate::frames::{self, FIN, Frame, TEXT, close, text};
use crate::serve::{Ends, Served};
use socket2::SockRef;
use std::net::Shutdown;
use std::time::Duration;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Way {
    /// A Close frame each, and the server ends its side first.
    Handshake,
    /// The peer closes its socket and says nothing.
    Fin,
    /// The peer's kernel throws everything away, what is under way included.
    Reset,
    /// The peer breaks the protocol.
    Violation,
    /// The peer ends its side and reads to the end.
    HalfClose,
    /// The peer's process is killed while it talks.
    Kill,
    /// The peer says no more. Those with an even number answer the server's Close frame when it comes, the others not
    /// even that.
    Timeout,
}

impl Way {
    /// In the order in which they are taken: whoever waits for a timeout has to be alone, as time is put forward.
    pub const ALL: [Self; 7] = [
        Self::Handshake,
        Self::Fin,
        Self::Reset,
        Self::Violation,
        Self::HalfClose,
        Self::Kill,
        Self::Timeout,
    ];

    /// Adds what the handler should be told when so many take it.
    pub const fn count(self, peers: usize, ends: &mut Ends) {
        match self {
            Self::Handshake => ends.normal += peers,
            Self::Fin | Self::Reset | Self::HalfClose | Self::Kill => ends.abnormal += peers,
            Self::Violation => ends.violation += peers,
            Self::Timeout => {
                ends.going_away += peers.div_ceil(2);
                ends.abnormal += peers / 2;
            }
        }
    }

    /// Has them all take it, and each see what it should.
    pub fn take(self, peers: Peers, served: &Served) {
        match (self, peers) {
            (_, Peers::Elsewhere(herd)) => herd.kill(served),
            (Self::Handshake, Peers::Here(clients)) => shake(clients),
            (Self::Fin | Self::Kill, Peers::Here(clients)) => drop(clients),
            (Self::Reset, Peers::Here(clients)) => reset(clients),
            (Self::Violation, Peers::Here(clients)) => violate(clients),
            (Self::HalfClose, Peers::Here(clients)) => half_close(clients),
            (Self::Timeout, Peers::Here(clients)) => fall_silent(clients, served),
        }
    }
}

/// Those who take one way.
pub enum Peers {
    Here(Vec<Client>),
    /// In a process of their own.
    Elsewhere(Herd),
}

fn shake(mut clients: Vec<Client>) {
    for client in &mut clients {
        client.send(&close(1000));
    }
    for client in &mut clients {
        assert_eq!(client.frame(), Frame::close(1000, ""));
        client.assert_ended();
    }
}

fn reset(mut clients: Vec<Client>) {
    for (number, client) in clients.iter_mut().enumerate() {
        if number % 2 == 0 {
            client.send(&text("never mind"));
        }
        let socket = SockRef::from(&client.stream);
        socket.set_linger(Some(Duration::ZERO)).expect("a socket");
    }
}

fn violate(mut clients: Vec<Client>) {
    for client in &mut clients {
        client.send(&frames::frame(FIN | 0x3, b"reserved"));
    }
    for client in &mut clients {
        assert_eq!(client.frame().close_code(), Some(1002));
        client.assert_ended();
    }
}

fn half_close(mut clients: Vec<Client>) {
    let words = ["one", "two", "three"];
    for client in &mut clients {
        // The last of it is half a message, which the server holds until the end comes.
        client.send(&words.map(text).concat());
        client.send(&frames::frame(TEXT, &[b'x'; 300])[..200]);
        let stream = &client.stream;
        stream.shutdown(Shutdown::Write).expect("it is connected");
    }
    for client in &mut clients {
        for word in words {
            assert_eq!(client.frame(), Frame::text(word));
        }
        client.assert_ended();
    }
}

fn fall_silent(mut clients: Vec<Client>, served: &Served) {
    // The server asks, waits for an answer, says goodbye, and waits for an answer to that. Each is a default of
    // `Timeouts` and a second.
    served.skip(Duration::from_secs(21));
    served.skip(Duration::from_secs(11));
    for client in &mut clients {
        assert_eq!(client.frame().opcode, frames::PING);
        assert_eq!(client.frame(), Frame::close(1001, "ping timeout"));
    }
    let answering = || (0..clients.len()).step_by(2);
    let silent = clients.len() - answering().count();
    for number in answering() {
        let client = &mut clients[number];
        client.send(&close(1001));
        client.assert_ended();
    }
    for number in (0..clients.len()).step_by(2).rev() {
        drop(clients.swap_remove(number));
    }
    served.until(|report| report.connections == silent);
    served.skip(Duration::from_secs(4));
    for client in &mut clients {
        client.assert_ended();
    }
}
