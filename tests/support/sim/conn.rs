//! The end that a test holds.

use super::Net;
use super::link::Link;
use rustix::io::Errno;
use sockeye::kernel::Token;
use std::time::Duration;

/// A peer's end of a connection.
#[derive(Clone)]
pub struct Conn {
    pub(super) net: Net,
    pub(super) id: usize,
}

impl Conn {
    pub(super) fn link<R>(&self, with: impl FnOnce(&mut Link) -> R) -> R {
        with(&mut self.net.0.borrow_mut().links[self.id])
    }

    /// Has `action` happen to it at a time of the virtual clock. What is still to happen holds no `Conn`: each holds the
    /// world that holds it.
    pub fn at(&self, time: Duration, action: impl FnOnce(&Self) + 'static) {
        let id = self.id;
        self.net.at(time, move |net| action(&net.conn(id)));
    }

    /// Bytes arrive at the server.
    pub fn push(&self, bytes: &[u8]) {
        self.link(|link| {
            link.inbound.extend(bytes);
            link.readable = true;
        });
    }

    /// Bytes arrive in pieces, one per poll.
    pub fn push_in_pieces(&self, bytes: &[u8], size: usize) {
        self.link(|link| link.flight.extend(bytes.chunks(size).map(Vec::from)));
    }

    /// Ends the peer's side; it still reads.
    pub fn end(&self) {
        self.link(|link| (link.eof, link.readable) = (true, true));
    }

    /// Breaks the connection.
    pub fn reset(&self, error: Errno) {
        self.link(|link| {
            link.broken = Some(error);
            (link.readable, link.writable) = (true, true);
        });
    }

    /// As [`end`](Self::end), and told once, however often this is called.
    pub fn end_once(&self) {
        self.link(|link| {
            link.readable |= !link.eof && link.broken.is_none();
            link.eof = true;
        });
    }

    /// As [`reset`](Self::reset), and told once.
    pub fn break_once(&self, error: Errno) {
        if self.link(|link| link.broken.is_none()) {
            self.reset(error);
        }
    }

    /// How many more bytes the peer takes.
    pub fn set_window(&self, bytes: usize) {
        self.link(|link| link.window = bytes);
    }

    /// How many more bytes it takes.
    pub fn window(&self) -> usize {
        self.link(|link| link.window)
    }

    /// How many bytes the peer must take before the server is told that there is room.
    pub fn tell_room_from(&self, bytes: usize) {
        self.link(|link| link.worth_telling = bytes);
    }

    /// How many bytes one send takes at most.
    pub fn set_max_send(&self, bytes: usize) {
        self.link(|link| link.max_send = bytes);
    }

    /// Faults that have not struck yet.
    #[allow(dead_code, reason = "not every user of the simulation counts them")]
    pub fn queued_faults(&self) -> usize {
        self.link(|link| link.receive_faults.len() + link.send_faults.len())
    }

    /// One receive fails with this.
    pub fn queue_receive_fault(&self, error: Errno) {
        self.link(|link| {
            link.receive_faults.push_back(error);
            link.readable = true;
        });
    }

    /// One send fails with this.
    pub fn queue_send_fault(&self, error: Errno) {
        self.link(|link| link.send_faults.push_back(error));
    }

    /// Makes room, so that pushing and sending this much later allocates nothing.
    pub fn reserve(&self, bytes: usize) {
        self.link(|link| {
            link.inbound.reserve(bytes);
            link.sent.reserve(bytes);
        });
    }

    /// From now on what the server sends is counted and not kept.
    pub fn only_count(&self) {
        self.link(|link| link.only_counts = true);
    }

    /// How many bytes the server has sent so far.
    pub fn taken(&self) -> usize {
        self.link(|link| link.taken)
    }

    /// What the server has sent since this was asked last.
    pub fn take_sent(&self) -> Vec<u8> {
        self.link(|link| std::mem::take(&mut link.sent))
    }

    /// How many bytes the server has sent that were not asked for.
    pub fn untaken(&self) -> usize {
        self.link(|link| link.sent.len())
    }

    /// Looks at what the server has sent, then forgets it, without allocating.
    pub fn read_sent<R>(&self, look: impl FnOnce(&[u8]) -> R) -> R {
        self.link(|link| {
            let seen = look(&link.sent);
            link.sent.clear();
            seen
        })
    }

    /// Bytes that the server has not received yet.
    pub fn unreceived(&self) -> usize {
        self.link(|link| link.inbound.len() + link.flight.iter().map(Vec::len).sum::<usize>())
    }

    /// Those of them that have arrived.
    pub fn arrived(&self) -> usize {
        self.link(|link| link.inbound.len())
    }

    /// Pieces that have not arrived.
    pub fn under_way(&self) -> usize {
        self.link(|link| link.flight.len())
    }

    pub fn sends(&self) -> usize {
        self.link(|link| link.sends)
    }

    pub fn receives(&self) -> usize {
        self.link(|link| link.receives)
    }

    /// The name under which the server registered it.
    pub fn token(&self) -> Option<Token> {
        self.link(|link| link.token)
    }

    /// Something was done to it that it may die of.
    pub fn is_touched(&self) -> bool {
        self.link(|link| link.touched)
    }

    /// The server has ended its side.
    pub fn is_finished(&self) -> bool {
        self.link(|link| link.finished)
    }

    /// The server asked for a reset.
    pub fn is_aborted(&self) -> bool {
        self.link(|link| link.aborted)
    }

    /// The server has let go of it.
    pub fn is_closed(&self) -> bool {
        self.link(|link| link.dropped)
    }
}
