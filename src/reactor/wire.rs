//! The sink of one session while its input is worked through: small frames gather in the loop's cork, a big payload
//! leaves from where it lies in one vectored write with the cork and its header.
//!
//! Not here: encoding, which is the core's; what waits, which is `outbox`.

use super::cork::{CORK, Cork};
use super::outbox::{Exit, Piece};
use super::timer::Tick;
use crate::kernel::Kernel;
use crate::proto::frame::mask;
use crate::proto::{SharedFrame, Sink};
use core::ops::Range;
use std::io;

/// From here on a payload is not copied into the cork.
pub(super) const BIG: usize = 16 << 10;

#[derive(Debug)]
pub(super) struct Wire<'w, K: Kernel> {
    pub(super) kernel: &'w mut K,
    pub(super) exit: &'w mut Exit<K::Stream>,
    pub(super) cork: &'w mut Cork,
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

    /// Sends the cork.
    #[inline(always)]
    pub(super) fn flush(&mut self) {
        if self.cork.is_empty() {
            return;
        }
        if !matches!(self.fate, Fate::Broken(_)) {
            let sent = self
                .exit
                .send_bytes(self.kernel, self.cork.bytes(), self.now);
            if let Err(error) = sent {
                *self.fate = Fate::Broken(error);
            }
        }
        self.cork.clear();
    }

    /// Puts bytes that are encoded already behind everything sent before.
    pub(super) fn raw(&mut self, bytes: &[u8]) {
        self.frame(&[], bytes);
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
        if !gathered(self.cork, head, payload) {
            let way = (&mut *self.exit, &mut *self.kernel, &mut *self.cork);
            gather_anew(way, self.now, self.fate, head, payload);
        }
    }
}

/// Copies a small frame into the cork. Says whether there was room.
#[inline(always)]
pub(super) fn gathered(cork: &mut Cork, head: &[u8], payload: &[u8]) -> bool {
    let Some(place) = cork.place(head.len() + payload.len()) else {
        return false;
    };
    let (first, rest) = place.split_at_mut(head.len());
    first.copy_from_slice(head);
    copy(payload, rest);
    true
}

/// Sends a cork that is full, and copies a small frame into it.
// It is given parts, so that a wire that is made for one small frame needs no place in memory.
#[cold]
#[inline(never)]
fn gather_anew<K: Kernel>(
    (exit, kernel, cork): (&mut Exit<K::Stream>, &mut K, &mut Cork),
    now: Tick,
    fate: &mut Fate,
    head: &[u8],
    payload: &[u8],
) {
    send(exit, kernel, [Piece::Bytes(cork.bytes())], now, fate);
    cork.clear();
    // What is gathered is smaller than the cork.
    let _ = gathered(cork, head, payload);
}

/// Sends a big frame from where it lies, behind the cork.
// Given parts, as above.
#[inline(never)]
fn big<K: Kernel>(
    (exit, kernel, cork): (&mut Exit<K::Stream>, &mut K, &mut Cork),
    buffer: Range<usize>,
    now: Tick,
    fate: &mut Fate,
    head: &[u8],
    payload: &[u8],
) {
    // Address arithmetic only; nothing is read through it.
    let at = payload.as_ptr().addr();
    let payload = if buffer.contains(&at) {
        Piece::Lent(payload, at - buffer.start)
    } else {
        Piece::Bytes(payload)
    };
    let pieces = [Piece::Bytes(cork.bytes()), Piece::Bytes(head), payload];
    send(exit, kernel, pieces, now, fate);
    cork.clear();
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

/// As the method of slices. What is short was as a rule unmasked just now, which wrote its first bytes and then its last ones
/// over them; a load of bytes that two stores have written waits until both have reached the cache. So each here is of
/// bytes that one has written.
#[inline(always)]
fn copy(from: &[u8], to: &mut [u8]) {
    // Few questions for each length: a `match` would ask in order.
    let len = from.len();
    if !(8..64).contains(&len) {
        to.copy_from_slice(from);
    } else if len < 16 {
        copy_ends::<8>(from, to);
    } else if len < 32 {
        copy_ends::<16>(from, to);
    } else {
        copy_ends::<32>(from, to);
    }
}

/// Of `N` to `2 * N` bytes the last `N`, and those before.
#[inline(always)]
fn copy_ends<const N: usize>(from: &[u8], to: &mut [u8]) {
    let (Some((first, last)), Some((place, last_place))) =
        (from.split_last_chunk::<N>(), to.split_last_chunk_mut::<N>())
    else {
        return;
    };
    *last_place = *last;
    match first.len() {
        16.. => copy_twice::<16>(first, place),
        8..16 => copy_twice::<8>(first, place),
        4..8 => copy_twice::<4>(first, place),
        _ => {
            for (place, byte) in place.iter_mut().zip(first) {
                *place = *byte;
            }
        }
    }
}

/// Of `N` to `2 * N` bytes the first `N` and the last, which may overlap.
#[inline(always)]
fn copy_twice<const N: usize>(from: &[u8], to: &mut [u8]) {
    if let (Some(first), Some(place)) = (from.first_chunk::<N>(), to.first_chunk_mut::<N>()) {
        *place = *first;
    }
    if let (Some(last), Some(place)) = (from.last_chunk::<N>(), to.last_chunk_mut::<N>()) {
        *place = *last;
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
        big(
            (self.exit, self.kernel, self.cork),
            self.buffer.clone(),
            self.now,
            self.fate,
            head,
            payload,
        );
    }

    /// What is masked is copied in any case, so that also a big payload passes through the cork.
    fn masked(&mut self, head: &[u8], payload: &[u8], key: [u8; 4]) {
        if !self.admits() {
            return;
        }
        self.gather(head, &[]);
        // Pieces of whole keys, so that each begins with the key's first byte.
        for piece in payload.chunks(CORK / 2) {
            self.gather(&[], piece);
            mask::apply(key, 0, self.cork.last_mut(piece.len()));
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
        let pieces = [
            Piece::Bytes(self.cork.bytes()),
            Piece::Shared(shared, 0..shared.len()),
        ];
        send(self.exit, self.kernel, pieces, self.now, self.fate);
        self.cork.clear();
    }
}

#[cfg(test)]
mod tests {
    use super::copy;
    use alloc::vec::Vec;

    #[test]
    fn every_length_is_copied_whole_and_nothing_beyond() {
        for len in 0..200 {
            let from: Vec<u8> = (1..=len).collect();
            let mut to = [0; 200];
            copy(&from, &mut to[..len.into()]);
            assert_eq!(to[..len.into()], from);
            assert!(to[len.into()..].iter().all(|byte| *byte == 0), "{len}");
        }
    }
}
