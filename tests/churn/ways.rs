//! The ways in which a connection ends, as its peer takes them, and what the handler is told of each.
//!
//! Not here: what the peer said before.

use crate::frames::{self, FIN, Frame, TEXT, binary, close, frame, take_frames};
use crate::hall::Hall;
use crate::sim::Conn;
use rustix::io::Errno;
use sockeye::server::Closed;
use std::time::Duration;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Way {
    /// A Close frame each.
    Handshake,
    /// The peer closes its socket and says nothing.
    Fin,
    /// Everything is thrown away, a message that has begun included.
    Reset,
    /// The peer breaks the protocol.
    Violation,
    /// The peer ends its side in the middle of a message, and reads to the end.
    HalfClose,
    /// The peer's process is killed while answers wait that it has not read.
    Kill,
    /// The peer says no more. Those with an even number answer the server's Close frame when it comes, the others not
    /// even that.
    Timeout,
}

impl Way {
    /// Whoever waits for a timeout is last, as time is put forward.
    pub const ALL: [Self; 7] = [
        Self::Handshake,
        Self::Fin,
        Self::Reset,
        Self::Violation,
        Self::HalfClose,
        Self::Kill,
        Self::Timeout,
    ];

    /// Adds what the handler should be told.
    pub const fn count(self, number: usize, ends: &mut Ends) {
        let told = match self {
            Self::Handshake => &mut ends.normal,
            Self::Violation => &mut ends.violation,
            Self::Timeout if number.is_multiple_of(2) => &mut ends.going_away,
            _ => &mut ends.abnormal,
        };
        *told += 1;
    }

    /// What the peer does, as far as no time has to pass.
    pub fn take(self, peer: &Conn) {
        match self {
            Self::Handshake => peer.push(&close(1000)),
            Self::Fin => peer.end(),
            Self::Reset => {
                peer.push(&half());
                peer.reset(Errno::CONNRESET);
            }
            Self::Violation => peer.push(&frame(FIN | 0x3, b"reserved")),
            Self::HalfClose => {
                peer.push(&[binary(b"one"), half()].concat());
                peer.end();
            }
            Self::Kill => {
                peer.set_window(10);
                peer.push(&binary(&[7; 3000]).repeat(20));
            }
            Self::Timeout => {}
        }
    }

    /// What the peer sees then, and what else it does.
    pub fn check(self, number: usize, peer: &Conn, hall: &mut Hall) {
        match self {
            Self::Handshake => {
                assert_eq!(heard(peer), [Frame::close(1000, "")]);
                peer.end();
            }
            Self::Violation => {
                assert_eq!(heard(peer)[0].close_code(), Some(1002));
                peer.end();
            }
            Self::HalfClose => {
                assert_eq!(heard(peer), [Frame::binary(b"one")]);
                assert!(peer.is_closed());
            }
            Self::Kill => {
                assert_eq!(peer.untaken(), 10, "the rest waits");
                peer.reset(Errno::PIPE);
            }
            Self::Fin | Self::Reset => assert!(peer.is_closed()),
            Self::Timeout => fall_silent(number, peer, hall),
        }
    }
}

/// The first of them lets the time pass for all.
fn fall_silent(number: usize, peer: &Conn, hall: &mut Hall) {
    if peer.untaken() == 0 {
        // The server asks, waits for an answer, and says goodbye: the default timeouts, and a second.
        hall.run_for(Duration::from_secs(21 + 10));
    }
    let heard = heard(peer);
    assert_eq!(heard[0].opcode, frames::PING);
    assert_eq!(heard[1], Frame::close(1001, "ping timeout"));
    if number.is_multiple_of(2) {
        peer.push(&close(1001));
        peer.end();
        hall.settle();
    }
}

/// A message that does not end.
fn half() -> Vec<u8> {
    frame(TEXT, &[b'x'; 300])[..200].to_vec()
}

fn heard(peer: &Conn) -> Vec<Frame> {
    take_frames(&mut peer.take_sent())
}

/// How connections ended, as the handler was told.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Ends {
    /// In order, with 1000.
    pub normal: usize,
    /// In order, with 1001.
    pub going_away: usize,
    /// Without a Close frame.
    pub abnormal: usize,
    /// By the peer's fault.
    pub violation: usize,
    /// In no way that there should be.
    pub other: usize,
}

impl Ends {
    pub const fn sum(&self) -> usize {
        self.normal + self.going_away + self.abnormal + self.violation + self.other
    }

    pub const fn note(&mut self, closed: &Closed<'_>) {
        let told = match (closed.code, closed.clean, closed.violation) {
            (1000, true, None) => &mut self.normal,
            (1001, true, None) => &mut self.going_away,
            (1006, false, None) => &mut self.abnormal,
            (1006, false, Some(_)) => &mut self.violation,
            _ => &mut self.other,
        };
        *told += 1;
    }
}
