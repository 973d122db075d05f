//! The PROXY protocol of HAProxy, versions 1 and 2: a connection from a trusted proxy begins with a header that says where
//! it came from.
//!
//! | file | holds |
//! |---|---|
//! | `header` | bytes to an address |
//! | `trusted` | who is believed |
//!
//! The header stands before everything else, TLS too. From those who are trusted it is required: a connection without
//! one, or with a wrong one, is dropped without a word, since whatever were said could be said to the wrong one. From
//! others it is not read: to HTTP and to TLS it is a mistake like any. The deadline of the opening handshake covers it. A
//! connection from a proxy costs some 80 bytes more than others.
//!
//! Not here: the fields that HTTP proxies add, `X-Forwarded-For` and `Forwarded`. Handlers find those in the request.

mod header;
mod trusted;

pub use trusted::{TrustedProxy, TrustedProxyError};

use crate::kernel::{Kernel, PeerAddr};
use crate::transport::{Received, Transport, uninterrupted};
use alloc::vec::Vec;
use header::{MAX_HEADER, parse};
use std::io::{self, IoSlice};

/// How much is received of what may be a header: most have fewer than 60 bytes, and what follows comes along.
const FIRST: usize = 1024;

/// A stream from a trusted proxy.
#[derive(Debug)]
pub(crate) struct Proxied<S> {
    inner: Transport<S>,
    said: Said,
}

/// What the proxy has said.
#[derive(Debug)]
enum Said {
    /// Not all of it, but this.
    Part(Vec<u8>),
    /// Where the connection comes from; nothing, where that is the proxy itself.
    Source(Option<PeerAddr>),
}

impl<S> Proxied<S> {
    pub(crate) const fn new(inner: Transport<S>) -> Self {
        Self {
            inner,
            said: Said::Part(Vec::new()),
        }
    }

    pub(crate) const fn inner(&mut self) -> &mut Transport<S> {
        &mut self.inner
    }

    /// Receives the header, and then what follows it.
    #[inline(never)]
    pub(crate) fn receive<K: Kernel<Stream = S>>(
        &mut self,
        kernel: &mut K,
        buffer: &mut Vec<u8>,
        records: &mut Vec<u8>,
    ) -> io::Result<Received> {
        let Said::Part(part) = &mut self.said else {
            return self.inner.receive(kernel, buffer, records);
        };
        // Together with what came before. Of a header that comes in pieces only those are kept.
        records.clear();
        records.append(part);
        records.reserve(if records.len() < FIRST {
            FIRST
        } else {
            MAX_HEADER
        });
        let room = records.capacity() - records.len();
        let result = uninterrupted(|| kernel.receive(self.inner.stream(), records));
        let bytes = *result.as_ref().unwrap_or(&0);
        let mut received = Received {
            bytes: 0,
            taken: bytes,
            ended: result.is_ok() && bytes == 0,
            drained: bytes < room,
        };
        if let Some(header) = parse(records).map_err(io::Error::other)? {
            let before = buffer.len();
            let rest = records.get(header.len..).unwrap_or_default();
            self.inner.receive_first(rest, buffer);
            received.bytes = buffer.len() - before;
            // In a record layer something may lie now that the kernel will never report.
            received.drained &= received.bytes == rest.len();
            self.said = Said::Source(header.source);
        } else {
            part.extend_from_slice(records);
        }
        records.clear();
        result?;
        Ok(received)
    }

    #[inline(never)]
    pub(crate) fn send<K: Kernel<Stream = S>>(
        &mut self,
        kernel: &mut K,
        parts: &[IoSlice<'_>],
    ) -> io::Result<usize> {
        self.inner.send(kernel, parts)
    }

    #[inline(never)]
    pub(crate) fn holds(&self) -> bool {
        self.inner.holds()
    }

    #[inline(never)]
    pub(crate) fn progress(&mut self, sent: usize) -> bool {
        self.inner.progress(sent)
    }

    /// Whether TLS is being agreed on. A header costs nothing beside that.
    pub(crate) fn is_handshaking(&self) -> bool {
        matches!(self.said, Said::Source(_)) && self.inner.is_handshaking()
    }

    /// Whether nobody can be told anything yet.
    pub(crate) fn is_mute(&self) -> bool {
        matches!(self.said, Said::Part(_)) || self.inner.is_mute()
    }

    /// Where it comes from, by the header; by the kernel, where that does not say.
    pub(crate) fn peer_addr<K: Kernel<Stream = S>>(&self, kernel: &mut K) -> PeerAddr {
        match self.said {
            Said::Source(Some(source)) => source,
            Said::Part(_) | Said::Source(None) => self.inner.peer_addr(kernel),
        }
    }
}
