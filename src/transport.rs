//! What carries a session's bytes: a plain stream now, a TLS stream by the same contract.
//!
//! The contract: nothing blocks; [`receive`](Transport::receive) says whether more may be waiting, because a record
//! layer can hold plaintext that the kernel will never report again; [`send`](Transport::send) may take less than it
//! is given, and whoever gets `WouldBlock` or a short count waits for the stream to be writable.
//!
//! Not here: buffers and queues of ours.

use crate::kernel::{Kernel, Token};
use alloc::vec::Vec;
use std::io::{self, IoSlice};

/// What came of receiving.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Received {
    /// Bytes appended; 0 is the end.
    pub(crate) bytes: usize,
    /// Nothing more is waiting: readiness will be reported when something is.
    pub(crate) drained: bool,
}

/// A session's stream.
#[derive(Debug)]
pub(crate) enum Transport<S> {
    /// Bytes as they are.
    Plain(S),
}

impl<S> Transport<S> {
    pub(crate) fn register<K: Kernel<Stream = S>>(
        &mut self,
        kernel: &mut K,
        token: Token,
    ) -> io::Result<()> {
        match self {
            Self::Plain(stream) => kernel.register(stream, token),
        }
    }

    /// Receives into the spare capacity of `buffer`. Interruptions are retried.
    #[inline]
    pub(crate) fn receive<K: Kernel<Stream = S>>(
        &mut self,
        kernel: &mut K,
        buffer: &mut Vec<u8>,
    ) -> io::Result<Received> {
        let room = buffer.capacity().saturating_sub(buffer.len());
        match self {
            Self::Plain(stream) => {
                let bytes = uninterrupted(|| kernel.receive(stream, buffer))?;
                Ok(Received {
                    bytes,
                    drained: bytes < room,
                })
            }
        }
    }

    /// Sends from `parts`. Interruptions are retried, and a full kernel is 0 bytes sent.
    #[inline]
    pub(crate) fn send<K: Kernel<Stream = S>>(
        &mut self,
        kernel: &mut K,
        parts: &[IoSlice<'_>],
    ) -> io::Result<usize> {
        match self {
            Self::Plain(stream) => match uninterrupted(|| kernel.send(stream, parts)) {
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => Ok(0),
                result => result,
            },
        }
    }

    /// Ends our side in order: the peer receives everything, then an end.
    pub(crate) fn finish<K: Kernel<Stream = S>>(&mut self, kernel: &mut K) {
        match self {
            Self::Plain(stream) => kernel.finish(stream),
        }
    }

    /// Ends both sides at once: what the peer has not received is lost.
    pub(crate) fn abort<K: Kernel<Stream = S>>(&mut self, kernel: &mut K) {
        match self {
            Self::Plain(stream) => kernel.abort(stream),
        }
    }
}

fn uninterrupted<T>(mut call: impl FnMut() -> io::Result<T>) -> io::Result<T> {
    loop {
        match call() {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            result => return result,
        }
    }
}
