//! One TCP connection: what is under way, what may be sent, what goes wrong, and which edges are to be reported.

use rustix::io::Errno;
use sockeye::kernel::{PeerAddr, Ready, Token};
use std::collections::VecDeque;
use std::io::{self, IoSlice};

/// Where connecting stands.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Connecting {
    /// Connected, or accepted.
    #[default]
    Done,
    /// Nobody has answered.
    Pending,
    /// It will never be.
    Failed(Errno),
}

/// One TCP connection, as both ends see it.
#[derive(Default)]
pub(super) struct Link {
    pub(super) token: Option<Token>,
    /// What the server can receive now.
    pub(super) inbound: VecDeque<u8>,
    /// What comes later, one piece per poll.
    pub(super) flight: VecDeque<Vec<u8>>,
    /// The peer has ended its side, behind everything it sent.
    pub(super) eof: bool,
    /// The connection is broken, behind everything in `inbound`.
    pub(super) broken: Option<Errno>,
    pub(super) receive_faults: VecDeque<Errno>,
    pub(super) send_faults: VecDeque<Errno>,
    /// Bytes that the peer still takes.
    pub(super) window: usize,
    /// Bytes that the peer must take before room is told: a kernel waits until there is much of it.
    pub(super) worth_telling: usize,
    /// Bytes that one send takes at most, so that it comes back short.
    pub(super) max_send: usize,
    pub(super) sent: Vec<u8>,
    /// Bytes that the peer has taken.
    pub(super) taken: usize,
    /// They are counted and not kept.
    pub(super) only_counts: bool,
    pub(super) sends: usize,
    pub(super) receives: usize,
    pub(super) readable: bool,
    pub(super) writable: bool,
    /// A send came back short; tell when there is room again.
    pub(super) wants_room: bool,
    /// Where connecting stands, if the server under test is a client.
    pub(super) connecting: Connecting,
    /// A test has it, as its peer.
    pub(super) is_taken: bool,
    /// Where the peer is.
    pub(super) peer_addr: PeerAddr,
    /// Something was done to it that it may die of.
    pub(super) touched: bool,
    /// Whatever is done with it fails so.
    pub(super) doomed: Option<Errno>,
    /// How often in a row it has.
    pub(super) failures: usize,
    pub(super) finished: bool,
    pub(super) aborted: bool,
    pub(super) dropped: bool,
}

impl Link {
    pub(super) fn new() -> Self {
        Self {
            window: usize::MAX,
            max_send: usize::MAX,
            worth_telling: 1,
            ..Self::default()
        }
    }

    pub(super) fn next_piece_arrives(&mut self) {
        if let Some(piece) = self.flight.pop_front() {
            self.inbound.extend(piece);
            self.readable = true;
        }
    }

    pub(super) fn report(&mut self) -> Option<Ready> {
        let token = self.token.filter(|_| !self.dropped)?;
        if self.connecting == Connecting::Pending {
            return None;
        }
        if self.wants_room && (self.window >= self.worth_telling || self.broken.is_some()) {
            self.wants_room = false;
            self.writable = true;
        }
        let ended = (self.eof || self.broken.is_some()) && self.flight.is_empty();
        let report = Ready::Stream {
            token,
            readable: self.readable,
            writable: self.writable,
            hangup: ended,
        };
        let (readable, writable) = (self.readable, self.writable);
        (self.readable, self.writable) = (false, false);
        (readable || writable).then_some(report)
    }

    /// Whether it is connected, or why it will never be.
    pub(super) fn connected(&self) -> io::Result<bool> {
        match self.connecting {
            Connecting::Done => Ok(true),
            Connecting::Pending => Ok(false),
            Connecting::Failed(error) => Err(error.into()),
        }
    }

    /// As epoll: what is there already is reported by the next poll.
    pub(super) fn register(&mut self, token: Token) {
        self.token = Some(token);
        self.writable = true;
        self.readable = !self.inbound.is_empty() || self.eof || self.broken.is_some();
    }

    /// Bytes that wait to be received, an end or an error are reported again, as after a call that failed for no reason.
    pub(super) fn report_again(&mut self) {
        self.readable = true;
        self.wants_room = true;
    }

    pub(super) fn receive(&mut self, buffer: &mut Vec<u8>) -> io::Result<usize> {
        self.receives += 1;
        assert_eq!(self.connecting, Connecting::Done, "a receive too early");
        let room = buffer.capacity() - buffer.len();
        assert!(room > 0, "a receive without room looks like the end");
        if let Some(fault) = self.receive_faults.pop_front() {
            self.readable = true;
            return Err(fault.into());
        }
        let bytes = room.min(self.inbound.len());
        if bytes > 0 {
            let (front, back) = self.inbound.as_slices();
            let front = &front[..bytes.min(front.len())];
            buffer.extend_from_slice(front);
            buffer.extend_from_slice(&back[..bytes - front.len()]);
            self.inbound.drain(..bytes);
            return Ok(bytes);
        }
        match self.broken {
            Some(error) => Err(error.into()),
            None if self.eof && self.flight.is_empty() => Ok(0),
            None => Err(Errno::AGAIN.into()),
        }
    }

    pub(super) fn send(&mut self, parts: &[IoSlice<'_>]) -> io::Result<usize> {
        self.sends += 1;
        let offered: usize = parts.iter().map(|part| part.len()).sum();
        assert!(offered > 0, "an empty send");
        assert_eq!(self.connecting, Connecting::Done, "a send too early");
        assert!(!self.finished, "a send behind the end of our side");
        if let Some(fault) = self.send_faults.pop_front() {
            self.wants_room = fault == Errno::AGAIN;
            return Err(fault.into());
        }
        if self.broken.is_some() {
            return Err(Errno::PIPE.into());
        }
        let taken = offered.min(self.window).min(self.max_send);
        self.wants_room = taken < offered;
        if taken == 0 {
            return Err(Errno::AGAIN.into());
        }
        self.taken += taken;
        let mut left = if self.only_counts { 0 } else { taken };
        for part in parts {
            let bytes = left.min(part.len());
            self.sent.extend_from_slice(&part[..bytes]);
            left -= bytes;
        }
        if self.window != usize::MAX {
            self.window -= taken;
        }
        Ok(taken)
    }
}
