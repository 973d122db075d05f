//! What carries a session's bytes: a plain stream or, with the feature `tls`, a TLS stream, by the same contract.
//!
//! The contract:
//!
//! - nothing blocks;
//! - [`receive`](Transport::receive) says whether more may be waiting, because a record layer can hold plaintext that
//!   the kernel will never report again;
//! - [`send`](Transport::send) may take less than it is given, and whoever gets a short count waits for the stream to be
//!   writable. What it took may still be held, encrypted, when the kernel is full: then
//!   [`holds`](Transport::holds) says so, after sending and after receiving, and [`push`](Transport::push) goes on.
//!
//! Not here: buffers and queues of ours; TLS itself, which is [`tls`](crate::tls); what a proxy says before the first
//! byte, which is [`proxy_protocol`](crate::proxy_protocol).

use crate::kernel::{Kernel, PeerAddr, Token};
use crate::proxy_protocol::Proxied;
#[cfg(feature = "tls")]
use crate::tls::TlsStream;
use alloc::boxed::Box;
use alloc::vec::Vec;
use std::io::{self, IoSlice};

/// What came of receiving.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Received {
    /// Bytes appended.
    pub(crate) bytes: usize,
    /// Bytes that the kernel gave for it.
    pub(crate) taken: usize,
    /// Nothing comes behind these bytes.
    pub(crate) ended: bool,
    /// Nothing more is waiting: readiness will be reported when something is.
    pub(crate) drained: bool,
}

impl Received {
    /// So many bytes of a plain stream, and none where there was room for more.
    pub(crate) const fn of_plain(bytes: usize, room: usize) -> Self {
        Self {
            bytes,
            taken: bytes,
            ended: bytes == 0,
            drained: bytes < room,
        }
    }
}

/// A session's stream.
#[derive(Debug)]
pub(crate) enum Transport<S> {
    /// Bytes as they are.
    Plain(S),
    /// Bytes in TLS records.
    #[cfg(feature = "tls")]
    Tls(Box<TlsStream<S>>),
    /// Either, behind a header in which a proxy says where it comes from.
    Proxied(Box<Proxied<S>>),
}

#[cfg_attr(
    not(feature = "tls"),
    expect(clippy::needless_pass_by_ref_mut, reason = "TLS needs them so")
)]
impl<S> Transport<S> {
    /// Has readiness reported. `anew` where it is registered already.
    pub(crate) fn register<K: Kernel<Stream = S>>(
        &mut self,
        kernel: &mut K,
        token: Token,
        anew: bool,
    ) -> io::Result<()> {
        if anew {
            kernel.register_anew(self.stream(), token)
        } else {
            kernel.register(self.stream(), token)
        }
    }

    /// Receives into the spare capacity of `buffer`. Interruptions are retried. `records` is the loop's, and empty
    /// between calls.
    #[inline(always)]
    pub(crate) fn receive<K: Kernel<Stream = S>>(
        &mut self,
        kernel: &mut K,
        buffer: &mut Vec<u8>,
        records: &mut Vec<u8>,
    ) -> io::Result<Received> {
        match self {
            Self::Plain(stream) => {
                let room = buffer.capacity().saturating_sub(buffer.len());
                let bytes = uninterrupted(|| kernel.receive(stream, buffer))?;
                Ok(Received::of_plain(bytes, room))
            }
            #[cfg(feature = "tls")]
            Self::Tls(tls) => tls.receive(kernel, buffer, records),
            Self::Proxied(proxied) => proxied.receive(kernel, buffer, records),
        }
    }

    /// Receives these bytes, which came already, in front of all others. Once, before the first of those.
    pub(crate) fn receive_first(&mut self, bytes: &[u8], buffer: &mut Vec<u8>) {
        match self {
            Self::Plain(_) => buffer.extend_from_slice(bytes),
            #[cfg(feature = "tls")]
            Self::Tls(tls) => tls.receive_first(bytes),
            Self::Proxied(_) => {}
        }
    }

    /// Sends from `parts`. Interruptions are retried, and a full kernel is 0 bytes sent.
    #[inline(always)]
    pub(crate) fn send<K: Kernel<Stream = S>>(
        &mut self,
        kernel: &mut K,
        parts: &[IoSlice<'_>],
    ) -> io::Result<usize> {
        match self {
            Self::Plain(stream) => send(kernel, stream, parts),
            #[cfg(feature = "tls")]
            Self::Tls(tls) => tls.send(kernel, parts),
            Self::Proxied(proxied) => proxied.send(kernel, parts),
        }
    }

    /// Whether something that was taken has not gone to the kernel.
    #[inline(always)]
    pub(crate) fn holds(&self) -> bool {
        match self {
            Self::Plain(_) => false,
            #[cfg(feature = "tls")]
            Self::Tls(tls) => tls.holds(),
            Self::Proxied(proxied) => proxied.holds(),
        }
    }

    /// Sends what is held, as far as the kernel takes it.
    pub(crate) fn push<K: Kernel<Stream = S>>(&mut self, kernel: &mut K) -> io::Result<()> {
        match self {
            Self::Plain(_) => {
                let _ = kernel;
                Ok(())
            }
            #[cfg(feature = "tls")]
            Self::Tls(tls) => tls.push(kernel),
            Self::Proxied(proxied) => proxied.inner().push(kernel),
        }
    }

    /// Whether the kernel has taken something since that was asked last, if it was given so much.
    #[inline]
    pub(crate) fn progress(&mut self, sent: usize) -> bool {
        match self {
            Self::Plain(_) => sent > 0,
            #[cfg(feature = "tls")]
            Self::Tls(tls) => tls.progress(),
            Self::Proxied(proxied) => proxied.progress(sent),
        }
    }

    /// Whether it is still being agreed on how to encrypt: the dear part of a connection.
    pub(crate) fn is_handshaking(&self) -> bool {
        match self {
            Self::Plain(_) => false,
            #[cfg(feature = "tls")]
            Self::Tls(tls) => tls.is_handshaking(),
            Self::Proxied(proxied) => proxied.is_handshaking(),
        }
    }

    /// Whether nobody can be told anything yet: there is no TLS, or it is not known who speaks.
    pub(crate) fn is_mute(&self) -> bool {
        match self {
            Self::Proxied(proxied) => proxied.is_mute(),
            other => other.is_handshaking(),
        }
    }

    /// Where it comes from: what a trusted proxy said, or else what the kernel knows.
    pub(crate) fn peer_addr<K: Kernel<Stream = S>>(&self, kernel: &mut K) -> PeerAddr {
        match self {
            Self::Plain(stream) => kernel.peer_addr(stream),
            #[cfg(feature = "tls")]
            Self::Tls(tls) => kernel.peer_addr(tls.peek()),
            Self::Proxied(proxied) => proxied.peer_addr(kernel),
        }
    }

    /// Ends our side in order: the peer receives everything, then an end. Where something is [held](Self::holds) then,
    /// it has not ended, and this is to be called again when that has gone.
    pub(crate) fn finish<K: Kernel<Stream = S>>(&mut self, kernel: &mut K) {
        match self {
            Self::Plain(stream) => kernel.finish(stream),
            #[cfg(feature = "tls")]
            Self::Tls(tls) => tls.finish(kernel),
            Self::Proxied(proxied) => proxied.inner().finish(kernel),
        }
    }

    /// Ends both sides at once: what the peer has not received is lost.
    pub(crate) fn abort<K: Kernel<Stream = S>>(&mut self, kernel: &mut K) {
        kernel.abort(self.stream());
    }

    pub(crate) fn stream(&mut self) -> &mut S {
        match self {
            Self::Plain(stream) => stream,
            #[cfg(feature = "tls")]
            Self::Tls(tls) => tls.stream(),
            Self::Proxied(proxied) => proxied.inner().stream(),
        }
    }
}

/// Sends from `parts`. Interruptions are retried, and a full kernel is 0 bytes sent.
#[inline(always)]
pub(crate) fn send<K: Kernel>(
    kernel: &mut K,
    stream: &mut K::Stream,
    parts: &[IoSlice<'_>],
) -> io::Result<usize> {
    loop {
        match kernel.send(stream, parts) {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(0),
            result => return result,
        }
    }
}

#[inline(always)]
pub(crate) fn uninterrupted<T>(mut call: impl FnMut() -> io::Result<T>) -> io::Result<T> {
    loop {
        match call() {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            result => return result,
        }
    }
}
