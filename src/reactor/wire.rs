//! The sink of one session while its input is worked through: small frames gather in the loop's cork, a big payload
//! leaves from where it lies in one vectored write with the cork and its header.
//!
//! Not here: encoding, which is the core's; what waits, which is `outbox`.

use super::outbox::{Exit, Piece};
use super::timer::Tick;
use crate::kernel::Kernel;
use crate::proto::frame::mask;
use crate::proto::{SharedFrame, Sink};
use alloc::vec::Vec;
use core::ops::Range;
use std::io;

/// From here on a payload is not copied into the cork.
const BIG: usize = 16 << 10;
/// The cork leaves at the latest when it is this full.
pub(super) const CORK: usize = 64 << 10;

#[derive(Debug)]
pub(super) struct Wire<'w, K: Kernel> {
    pub(super) kernel: &'w mut K,
    pub(super) exit: &'w mut Exit<K::Stream>,
    pub(super) cork: &'w mut Vec<u8>,
    /// The addresses of the buffer that is being worked through.
    pub(super) buffer: Range<usize>,
    /// Waiting bytes beyond which the peer is too slow.
    pub(super) max_queued: usize,
    pub(super) now: Tick,
    pub(super) fate: &'w mut Fate,
}

/// What has become of the way out.
#[derive(Debug, Default)]
pub(super) enum Fate {
    /// It works.
    #[default]
    Fine,
    /// The peer reads too slowly: a frame was dropped, and all after it are.
    Slow,
    /// The kernel says so.
    Broken(io::Error),
}

impl<K: Kernel> Wire<'_, K> {
    /// Whether what is sent gets anywhere.
    pub(super) const fn is_fine(&self) -> bool {
        matches!(self.fate, Fate::Fine)
    }

    /// Bytes that wait to be sent.
    pub(super) fn queued(&self) -> usize {
        self.cork.len() + self.exit.waiting()
    }

    /// Sends the cork.
    #[inline(always)]
    pub(super) fn flush(&mut self) {
        if !self.cork.is_empty() {
            send(
                self.exit,
                self.kernel,
                [Piece::Bytes(self.cork)],
                self.now,
                self.fate,
            );
            self.cork.clear();
        }
    }

    /// Puts bytes that are encoded already behind everything sent before.
    pub(super) fn raw(&mut self, bytes: &[u8]) {
        self.frame(&[], bytes);
    }

    /// Makes the reserved place available: that of the Close frame which tells a slow peer why. What is broken stays so.
    pub(super) fn reserve(&mut self) {
        if let Fate::Slow = self.fate {
            *self.fate = Fate::Fine;
        }
        self.max_queued = usize::MAX;
    }

    /// Whether one more frame may go. One message may exceed the limit, or none that is larger could ever be sent.
    fn admits(&mut self) -> bool {
        if self.is_fine() && self.exit.waiting() > self.max_queued {
            *self.fate = Fate::Slow;
        }
        self.is_fine()
    }

    /// Copies a small frame into the cork.
    #[inline(always)]
    fn gather(&mut self, head: &[u8], payload: &[u8]) {
        if self.cork.len() + head.len() + payload.len() > CORK {
            self.flush();
        }
        // The shortest head is the most frequent, and too short for a call that copies.
        if let &[first, second] = head {
            self.cork.push(first);
            self.cork.push(second);
        } else {
            self.cork.extend_from_slice(head);
        }
        self.cork.extend_from_slice(payload);
    }

    /// Sends a big frame from where it lies.
    #[inline(never)]
    fn big(&mut self, head: &[u8], payload: &[u8]) {
        // Address arithmetic only; nothing is read through it.
        let at = payload.as_ptr().addr();
        let payload = if self.buffer.contains(&at) {
            Piece::Lent(payload, at - self.buffer.start)
        } else {
            Piece::Bytes(payload)
        };
        self.write(head, payload);
    }

    /// Sends the cork, and a big frame behind it from where it lies.
    fn write(&mut self, head: &[u8], payload: Piece<'_>) {
        let pieces = [Piece::Bytes(self.cork), Piece::Bytes(head), payload];
        send(self.exit, self.kernel, pieces, self.now, self.fate);
        self.cork.clear();
    }
}

/// Sends, unless that has failed before.
#[inline(always)]
fn send<K: Kernel, const N: usize>(
    exit: &mut Exit<K::Stream>,
    kernel: &mut K,
    pieces: [Piece<'_>; N],
    now: Tick,
    fate: &mut Fate,
) {
    if let Fate::Broken(_) = fate {
        return;
    }
    if let Err(error) = exit.send(kernel, pieces, now) {
        *fate = Fate::Broken(error);
    }
}

impl<K: Kernel> Sink for Wire<'_, K> {
    #[inline(always)]
    fn frame(&mut self, head: &[u8], payload: &[u8]) {
        if !self.admits() {
            return;
        }
        if payload.len() < BIG {
            return self.gather(head, payload);
        }
        self.big(head, payload);
    }

    /// What is masked is copied in any case, so that also a big payload passes through the cork.
    fn masked(&mut self, head: &[u8], payload: &[u8], key: [u8; 4]) {
        if !self.admits() {
            return;
        }
        if self.cork.len() + head.len() + payload.len() <= CORK {
            self.cork.extend_from_slice(head);
            return mask::append(key, payload, self.cork);
        }
        self.gather(&[], head);
        // Pieces of whole keys, so that each begins with the key's first byte.
        for piece in payload.chunks(CORK / 2) {
            if self.cork.len() + piece.len() > CORK {
                self.flush();
            }
            mask::append(key, piece, self.cork);
        }
    }

    fn shared(&mut self, frame: &SharedFrame) {
        let shared = frame.bytes();
        if !self.admits() {
            return;
        }
        if shared.len() < BIG {
            return self.gather(&[], shared);
        }
        self.write(&[], Piece::Shared(shared, 0..shared.len()));
    }
}
