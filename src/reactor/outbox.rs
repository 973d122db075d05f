//! A session's way out: its stream, and what the stream has not taken yet.
//!
//! What waits is owned, shared with other sessions, or still lies in the buffer that is being worked through; when that
//! is done, [`Exit::settle`] lets the session keep the buffer rather than copy from it.
//!
//! Not here: the decision that a peer is too slow; that is `wire` and `session`.

use super::pool::Pool;
use super::rooms::Run;
use super::timer::{Stamp, Tick};
use crate::kernel::Kernel;
use crate::proto::Role;
use crate::transport::{Received, Transport};
use alloc::boxed::Box;
use alloc::collections::VecDeque;
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::ops::Range;
use std::io::{self, IoSlice};

/// How many pieces one call sends: beyond 8 the kernel allocates.
pub(super) const PIECES: usize = 8;
/// What is smaller is copied rather than shared: the bookkeeping would be larger than the bytes.
pub(super) const WORTH_SHARING: usize = 256;

/// The stream, and what waits for it.
#[derive(Debug)]
pub(super) struct Exit<S> {
    pub(super) transport: Transport<S>,
    /// There only while something waits; empty, where all of it has gone as far as the record layer.
    pub(super) outbox: Option<Box<Outbox>>,
}

/// Bytes on their way out, and what to do with those that have to wait.
#[derive(Clone, Debug)]
pub(super) enum Piece<'p> {
    /// Copied.
    Bytes(&'p [u8]),
    /// They lie in the buffer that is being worked through, from this position on.
    Lent(&'p [u8], usize),
    /// They are this part of a buffer that others hold too.
    Shared(&'p Arc<Vec<u8>>, Range<usize>),
}

#[derive(Debug)]
pub(super) struct Outbox {
    pub(super) entries: VecDeque<Entry>,
    pub(super) bytes: usize,
    /// Those among them that were said to many.
    pub(super) in_runs: usize,
    /// Bytes of rooms among them, and what their pieces cost.
    pub(super) of_rooms: usize,
    /// With so much of rooms, messages that others have replaced are looked for.
    pub(super) next_look: usize,
    /// When the stream last took something of what waits, or began to be too slow for all of it.
    written: Stamp,
    /// When it began to be.
    blocked: Stamp,
}

#[derive(Debug)]
pub(super) enum Entry {
    /// Ours; sent up to the number.
    Owned(Vec<u8>, usize),
    Shared(Arc<Vec<u8>>, Range<usize>),
    Lent(Range<usize>),
    /// Of a room, or of what else was said to several.
    Run(Run),
    /// The same, where it is smaller than its bookkeeping; sent up to the number.
    Copied(Vec<u8>, usize),
}

impl<S> Exit<S> {
    pub(super) const fn new(transport: Transport<S>) -> Self {
        Self {
            transport,
            outbox: None,
        }
    }

    /// Whether something waits for the peer to read.
    pub(super) const fn is_blocked(&self) -> bool {
        self.outbox.is_some()
    }

    /// Whether the peer has to read before it is heard further: what it provokes must not pile up. A client hears its
    /// server as long as less waits than may: two of which each waits for the other to read would wait for ever.
    pub(super) fn is_stuck(&self, role: Role, max_queued: usize) -> bool {
        self.is_blocked() && (role == Role::Server || self.waiting() > max_queued)
    }

    /// Since when something waits for the peer to read.
    pub(super) fn blocked(&self) -> Option<Stamp> {
        self.outbox.as_ref().map(|outbox| outbox.blocked)
    }

    /// Bytes that wait.
    pub(super) fn waiting(&self) -> usize {
        self.outbox.as_ref().map_or(0, |outbox| outbox.bytes)
    }

    /// Bytes of rooms among those that wait, and what their pieces cost.
    pub(super) fn of_rooms(&self) -> usize {
        self.outbox.as_ref().map_or(0, |outbox| outbox.of_rooms)
    }

    /// Bytes that wait and are not shared.
    pub(super) fn owned(&self) -> usize {
        let outbox = self.outbox.as_ref();
        outbox.map_or(0, |outbox| {
            let entries = outbox.entries.capacity() * size_of::<Entry>();
            size_of::<Outbox>() + entries + outbox.bytes - outbox.in_runs + outbox.unused()
        })
    }

    /// When the wait began, or was last shortened, if there is one.
    pub(super) fn written(&self) -> Stamp {
        let waits = self.outbox.as_ref();
        waits.map_or(Stamp::of(0), |outbox| outbox.written)
    }

    #[inline(always)]
    pub(super) fn receive<K: Kernel<Stream = S>>(
        &mut self,
        kernel: &mut K,
        buffer: &mut Vec<u8>,
        records: &mut Vec<u8>,
        now: Tick,
    ) -> io::Result<Received> {
        let received = self.transport.receive(kernel, buffer, records);
        // A record layer answers by itself, and the kernel may not take it.
        if self.transport.holds() {
            self.queue([], 0, now);
        }
        received
    }

    /// Sends bytes behind everything that waits. What the kernel does not take is copied, and waits too.
    #[inline(always)]
    pub(super) fn send_bytes<K: Kernel<Stream = S>>(
        &mut self,
        kernel: &mut K,
        bytes: &[u8],
        now: Tick,
    ) -> io::Result<()> {
        let mut sent = 0;
        if self.outbox.is_none() && !bytes.is_empty() {
            sent = self.transport.send(kernel, &[IoSlice::new(bytes)])?;
        }
        if sent < bytes.len() || self.transport.holds() {
            self.queue([Piece::Bytes(bytes)], sent, now);
        }
        Ok(())
    }

    /// Sends pieces behind everything that waits. What the kernel does not take waits too.
    #[inline(always)]
    pub(super) fn send<K: Kernel<Stream = S>, const N: usize>(
        &mut self,
        kernel: &mut K,
        pieces: [Piece<'_>; N],
        now: Tick,
    ) -> io::Result<()> {
        let parts = pieces.each_ref().map(Piece::bytes);
        let total: usize = parts.iter().map(|part| part.len()).sum();
        let mut sent = 0;
        if self.outbox.is_none() && total > 0 {
            sent = self.transport.send(kernel, &parts.map(IoSlice::new))?;
        }
        if sent < total || self.transport.holds() {
            self.queue(pieces, sent, now);
        }
        Ok(())
    }

    #[cold]
    #[inline(never)]
    pub(super) fn queue<const N: usize>(
        &mut self,
        pieces: [Piece<'_>; N],
        mut sent: usize,
        now: Tick,
    ) {
        if self.outbox.is_none() {
            // What went before was not in its way.
            self.transport.progress(0);
        }
        let outbox = self.outbox.get_or_insert_with(|| Outbox::new(now));
        for piece in pieces {
            let skip = sent.min(piece.bytes().len());
            sent -= skip;
            outbox.push(piece.skip(skip));
        }
    }

    pub(super) fn outbox(&self) -> Option<&Outbox> {
        self.outbox.as_deref()
    }

    pub(super) fn outbox_mut(&mut self) -> Option<&mut Outbox> {
        self.outbox.as_deref_mut()
    }

    /// Sends what waits, as far as the kernel takes it.
    pub(super) fn flush<K: Kernel<Stream = S>>(
        &mut self,
        kernel: &mut K,
        pool: &mut Pool,
        now: Tick,
    ) -> io::Result<()> {
        while let Some(outbox) = &mut self.outbox {
            if outbox.entries.is_empty() {
                self.transport.push(kernel)?;
                if self.transport.progress(0) {
                    outbox.written = Stamp::of(now);
                }
                if self.transport.holds() {
                    break;
                }
                self.outbox = None;
                break;
            }
            let (sent, offered) = outbox.send_some(&mut self.transport, kernel)?;
            outbox.sent(sent, pool);
            if self.transport.progress(sent) {
                outbox.written = Stamp::of(now);
            }
            if sent < offered {
                break;
            }
        }
        Ok(())
    }

    /// Ends our side of the stream, or at least says so to a record layer. Says whether it has ended; else the rest waits.
    pub(super) fn finish<K: Kernel<Stream = S>>(&mut self, kernel: &mut K, now: Tick) -> bool {
        self.transport.finish(kernel);
        let ended = !self.transport.holds();
        if !ended {
            self.queue([], 0, now);
        }
        ended
    }

    /// The buffer has been worked through: what lies in it becomes ours, by taking the whole buffer where nothing else
    /// is left in it. Says whether the buffer was taken.
    pub(super) fn settle(&mut self, buffer: &mut Vec<u8>, may_take: bool) -> bool {
        match &mut self.outbox {
            Some(outbox) => outbox.settle(buffer, may_take),
            None => false,
        }
    }
}

impl Piece<'_> {
    #[inline(always)]
    pub(super) fn bytes(&self) -> &[u8] {
        match self {
            Self::Bytes(bytes) | Self::Lent(bytes, _) => bytes,
            Self::Shared(buffer, range) => &buffer[range.clone()],
        }
    }

    fn skip(self, count: usize) -> Self {
        match self {
            Self::Bytes(bytes) => Self::Bytes(&bytes[count..]),
            Self::Lent(bytes, at) => Self::Lent(&bytes[count..], at + count),
            Self::Shared(buffer, range) => Self::Shared(buffer, range.start + count..range.end),
        }
    }
}

impl Outbox {
    fn new(now: Tick) -> Box<Self> {
        Box::new(Self {
            entries: VecDeque::new(),
            bytes: 0,
            in_runs: 0,
            of_rooms: 0,
            next_look: 0,
            written: Stamp::of(now),
            blocked: Stamp::of(now),
        })
    }

    pub(super) fn push(&mut self, piece: Piece<'_>) {
        let len = piece.bytes().len();
        self.bytes += len;
        match piece {
            _ if len == 0 => {}
            Piece::Lent(_, at) => self.entries.push_back(Entry::Lent(at..at + len)),
            Piece::Shared(buffer, range) if len >= WORTH_SHARING => self
                .entries
                .push_back(Entry::Shared(Arc::clone(buffer), range)),
            Piece::Bytes(_) | Piece::Shared(..) => {
                if let Some(Entry::Owned(last, sent)) = self.entries.back_mut() {
                    append(last, sent, piece.bytes());
                } else {
                    self.entries
                        .push_back(Entry::Owned(piece.bytes().to_vec(), 0));
                }
            }
        }
    }

    /// Bytes that its buffers hold beyond those that wait: a peer that takes all but the last byte of a buffer leaves us
    /// all of it. Looked for in the first few pieces, as no others were sent in part, or came in a buffer of their own.
    fn unused(&self) -> usize {
        let entries = self.entries.iter().take(PIECES);
        entries.map(Entry::unused).sum()
    }

    /// One call; how many bytes went, of how many.
    fn send_some<K: Kernel>(
        &self,
        transport: &mut Transport<K::Stream>,
        kernel: &mut K,
    ) -> io::Result<(usize, usize)> {
        let mut parts = [IoSlice::new(&[]); PIECES];
        let mut offered = 0;
        for (part, entry) in parts.iter_mut().zip(&self.entries) {
            let bytes = entry.bytes();
            offered += bytes.len();
            *part = IoSlice::new(bytes);
        }
        let used = self.entries.len().min(PIECES);
        let sent = transport.send(kernel, &parts[..used])?;
        Ok((sent, offered))
    }

    fn sent(&mut self, mut sent: usize, pool: &mut Pool) {
        while let Some(mut entry) = self.entries.pop_front() {
            self.count_out(&entry);
            let len = entry.bytes().len();
            if sent < len {
                entry.skip(sent);
                self.count_in(&entry);
                self.entries.push_front(entry);
                break;
            }
            sent -= len;
            if let Entry::Owned(buffer, _) | Entry::Copied(buffer, _) = entry {
                pool.put(buffer);
            }
        }
    }

    fn settle(&mut self, buffer: &mut Vec<u8>, may_take: bool) -> bool {
        let is_lent = |entry: &&mut Entry| matches!(entry, Entry::Lent(_));
        let take = may_take && self.entries.iter_mut().filter(is_lent).count() == 1;
        for entry in self.entries.iter_mut().filter(is_lent) {
            let Entry::Lent(range) = entry else { continue };
            let range = range.clone();
            *entry = if take {
                let mut taken = core::mem::take(buffer);
                taken.truncate(range.end);
                Entry::Owned(taken, range.start)
            } else {
                Entry::Owned(buffer[range].to_vec(), 0)
            };
        }
        take
    }
}

/// Appends to a buffer of which the beginning was sent. In front of a peer that is always a little behind, all that it took
/// would pile up; fewer bytes move than went.
pub(super) fn append(last: &mut Vec<u8>, sent: &mut usize, bytes: &[u8]) {
    if *sent > last.len() / 2 {
        last.drain(..*sent);
        *sent = 0;
        last.shrink_to(2 * (last.len() + bytes.len()));
    }
    last.extend_from_slice(bytes);
}

impl Entry {
    pub(super) fn bytes(&self) -> &[u8] {
        match self {
            Self::Owned(bytes, sent) | Self::Copied(bytes, sent) => &bytes[*sent..],
            Self::Shared(bytes, range) => &bytes[range.clone()],
            // Settled before anything is sent from the queue.
            Self::Lent(_) => &[],
            Self::Run(run) => run.bytes(),
        }
    }

    /// What its buffer holds beyond the bytes that wait.
    fn unused(&self) -> usize {
        match self {
            Self::Owned(bytes, sent) | Self::Copied(bytes, sent) => {
                bytes.capacity() - (bytes.len() - sent)
            }
            Self::Shared(..) | Self::Lent(_) | Self::Run(_) => 0,
        }
    }

    fn skip(&mut self, bytes: usize) {
        match self {
            Self::Owned(_, sent) | Self::Copied(_, sent) => *sent += bytes,
            Self::Shared(_, range) | Self::Lent(range) => range.start += bytes,
            Self::Run(run) => run.skip(bytes),
        }
    }
}
