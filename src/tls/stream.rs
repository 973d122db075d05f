//! A TLS stream by the contract of [`transport`](crate::transport): records to bytes and back, without blocking.
//!
//! ```text
//! kernel ─► records, the loop's ─► rustls ─► the session's buffer       one copy more than a plain stream has
//! ```
//!
//! A peer that breaks TLS is told so by an alert; after that, what it sends is discarded. An end without `close_notify`
//! is an error: somebody may have cut the stream.
//!
//! Not here: TLS; that is rustls.

use super::Server;
use crate::kernel::Kernel;
use crate::transport::{Received, send, uninterrupted};
use alloc::boxed::Box;
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::mem::take;
use rustls::pki_types::ServerName;
use rustls::{ClientConfig, ClientConnection, Connection, Error, ServerConnection};
use std::io::{self, BufRead as _, IoSlice, Write as _};

/// Bytes of records received at once.
const RECORDS: usize = 64 << 10;
/// Bytes that are encrypted at once, and so held at most for a peer that does not read.
const HELD: usize = 64 << 10;

/// A stream and its record layer.
#[derive(Debug)]
pub(crate) struct TlsStream<S> {
    stream: S,
    layer: Layer,
    /// Records received that the layer had no place for yet.
    rest: Vec<u8>,
    /// The kernel had no more than it gave.
    all: bool,
    /// What broke it, until that is told.
    failure: Option<io::Error>,
    /// The kernel has taken something since that was asked last.
    progress: bool,
    /// Our last word is said: what comes is discarded.
    finished: bool,
}

#[derive(Debug)]
enum Layer {
    /// Nothing has come yet, and nothing is held for it.
    Waiting(Server),
    // Apart, as it is six times as large as all the rest, which those who are silent have as well.
    Running(Box<Connection>),
    /// Broken: what comes is discarded, and nothing can be said.
    Failed,
}

impl<S> TlsStream<S> {
    /// A server's side of a stream.
    pub(crate) const fn server(stream: S, config: Server) -> Self {
        Self {
            stream,
            layer: Layer::Waiting(config),
            rest: Vec::new(),
            all: true,
            failure: None,
            progress: false,
            finished: false,
        }
    }

    /// A client's side of a stream to a host.
    pub(crate) fn client(
        stream: S,
        config: Arc<ClientConfig>,
        host: ServerName<'static>,
    ) -> Result<Self, Error> {
        Ok(Self {
            stream,
            layer: Layer::Running(Box::new(ClientConnection::new(config, host)?.into())),
            rest: Vec::new(),
            all: true,
            failure: None,
            progress: false,
            finished: false,
        })
    }

    pub(crate) const fn stream(&mut self) -> &mut S {
        &mut self.stream
    }

    pub(crate) const fn peek(&self) -> &S {
        &self.stream
    }

    /// Takes records that came before it was there.
    pub(crate) fn receive_first(&mut self, records: &[u8]) {
        self.rest = records.to_vec();
    }

    pub(crate) fn is_handshaking(&self) -> bool {
        match &self.layer {
            Layer::Waiting(_) => true,
            Layer::Running(layer) => layer.is_handshaking(),
            Layer::Failed => false,
        }
    }

    pub(crate) fn holds(&self) -> bool {
        matches!(&self.layer, Layer::Running(layer) if layer.wants_write())
    }

    /// Whether the kernel has taken something since that was asked last. What the layer takes is no sign of the peer.
    pub(crate) const fn progress(&mut self) -> bool {
        core::mem::replace(&mut self.progress, false)
    }

    /// Receives and decrypts. One call asks the kernel once, so that a peer whose records are empty holds nobody up.
    #[inline(never)]
    pub(crate) fn receive<K: Kernel<Stream = S>>(
        &mut self,
        kernel: &mut K,
        buffer: &mut Vec<u8>,
        records: &mut Vec<u8>,
    ) -> io::Result<Received> {
        let before = buffer.len();
        let mut result = self.plaintext(buffer);
        let mut taken = 0;
        if let Ok(Plaintext::Drained) = result {
            match self.records(kernel, records) {
                Ok(bytes) => {
                    taken = bytes;
                    // What is not looked at still has an end.
                    result = if bytes == 0 && self.discards() {
                        Ok(Plaintext::Ended)
                    } else {
                        self.plaintext(buffer)
                    };
                }
                Err(error) if buffer.len() == before => return Err(error),
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                // What is whole was authentic, and comes first. The kernel does not say it twice.
                Err(error) => self.failure = Some(error),
            }
        }
        let bytes = buffer.len() - before;
        if let Err(error) = result {
            if bytes == 0 {
                return Err(error);
            }
            self.failure = Some(error);
            result = Ok(Plaintext::Full);
        }
        let result = result?;
        let drained = result == Plaintext::Drained && self.all && self.rest.is_empty();
        if drained {
            self.release();
        }
        Ok(Received {
            bytes,
            taken,
            drained,
            ended: result == Plaintext::Ended && bytes == 0,
        })
    }

    /// Frees what a large message needed, some 30 KiB: the layer does so only when it is asked for more.
    fn release(&mut self) {
        if let Layer::Running(layer) = &mut self.layer {
            let _ = layer.read_tls(&mut NothingYet);
        }
    }

    /// Whether what comes is not looked at. Behind our own end the layer could only answer, and there is no way for that.
    const fn discards(&self) -> bool {
        self.finished || !matches!(self.layer, Layer::Running(_))
    }

    /// Takes records from the kernel, or those that are left, to the layer, and sends what it answers. Gives how many
    /// bytes that were.
    fn records<K: Kernel<Stream = S>>(
        &mut self,
        kernel: &mut K,
        records: &mut Vec<u8>,
    ) -> io::Result<usize> {
        let left = take(&mut self.rest);
        self.all = false;
        if left.is_empty() {
            records.clear();
            records.reserve_exact(RECORDS);
            let room = records.capacity();
            self.all = match uninterrupted(|| kernel.receive(&mut self.stream, records)) {
                Ok(bytes) => bytes < room,
                Err(error) => {
                    self.all = error.kind() == io::ErrorKind::WouldBlock;
                    self.release();
                    return Err(error);
                }
            };
        } else {
            *records = left;
        }
        if let Layer::Waiting(config) = &self.layer
            && !records.is_empty()
        {
            let layer = ServerConnection::new(config.config()).map_err(io::Error::other)?;
            self.layer = Layer::Running(Box::new(layer.into()));
        }
        let fed = match &mut self.layer {
            Layer::Running(layer) if !self.finished => feed(layer, records),
            _ => return Ok(records.len()),
        };
        // Answers: to a handshake, to a question for new keys, or an alert.
        let pushed = self.push(kernel);
        // Told once everything before it has been taken.
        match fed {
            Ok(rest) => {
                self.rest = rest;
                self.failure = pushed.err();
            }
            Err(error) => self.failure = Some(error),
        }
        Ok(records.len())
    }

    /// Moves what was decrypted into the buffer, as far as there is room.
    fn plaintext(&mut self, buffer: &mut Vec<u8>) -> io::Result<Plaintext> {
        let error = loop {
            let Layer::Running(layer) = &mut self.layer else {
                break None;
            };
            let mut reader = layer.reader();
            let room = buffer.capacity() - buffer.len();
            let chunk = match reader.fill_buf() {
                Ok([]) => return Ok(Plaintext::Ended),
                Ok(_) if room == 0 => return Ok(Plaintext::Full),
                Ok(chunk) => &chunk[..chunk.len().min(room)],
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => break None,
                Err(error) => break Some(error),
            };
            buffer.extend_from_slice(chunk);
            let bytes = chunk.len();
            reader.consume(bytes);
        };
        match self.failure.take().or(error) {
            Some(error) => {
                self.layer = Layer::Failed;
                Err(error)
            }
            None => Ok(Plaintext::Drained),
        }
    }

    /// Encrypts and sends. What the kernel does not take is held, and then nothing more is taken.
    #[inline(never)]
    pub(crate) fn send<K: Kernel<Stream = S>>(
        &mut self,
        kernel: &mut K,
        parts: &[IoSlice<'_>],
    ) -> io::Result<usize> {
        let total = parts.iter().map(|part| part.len()).sum();
        let mut sent = 0;
        self.push(kernel)?;
        while sent < total {
            let Layer::Running(layer) = &mut self.layer else {
                // Nobody can be told anything.
                return Ok(total);
            };
            let early = layer.is_handshaking();
            if layer.wants_write() && !early {
                break;
            }
            // Before the handshake is over all is kept: it is our own request, and nobody would say when to go on.
            layer.set_buffer_limit((!early).then_some(HELD));
            let bytes = encrypt(layer, parts, sent)?;
            if bytes == 0 {
                break;
            }
            sent += bytes;
            // The layer may hold what it took of all parts together, and only a kernel that is full says when to go on.
            self.push(kernel)?;
        }
        Ok(sent)
    }

    /// Sends records that wait, as far as the kernel takes them.
    pub(crate) fn push<K: Kernel<Stream = S>>(&mut self, kernel: &mut K) -> io::Result<()> {
        let Layer::Running(layer) = &mut self.layer else {
            return Ok(());
        };
        while layer.wants_write() {
            let mut out = Out {
                kernel,
                stream: &mut self.stream,
            };
            if layer.write_tls(&mut out)? == 0 {
                break;
            }
            self.progress = true;
        }
        Ok(())
    }

    /// Says that nothing more comes, in TLS and, once the kernel has taken all of that, below it: before, the stream would
    /// be cut off in the middle of a record.
    pub(crate) fn finish<K: Kernel<Stream = S>>(&mut self, kernel: &mut K) {
        if let Layer::Running(layer) = &mut self.layer {
            layer.send_close_notify();
        }
        self.finished = true;
        // A stream that is broken is found out by who receives from it.
        if self.push(kernel).is_ok() && !self.holds() {
            kernel.finish(&mut self.stream);
        }
    }
}

/// What became of moving plaintext.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Plaintext {
    /// There is no more of it until more records come.
    Drained,
    /// There is no more room for it.
    Full,
    /// The peer has said that it is the end.
    Ended,
}

/// Gives the layer as much as it takes of what stands behind the first `skip` bytes. A frame's head goes into the same
/// record as what follows.
fn encrypt(layer: &mut Connection, parts: &[IoSlice<'_>], mut skip: usize) -> io::Result<usize> {
    for (at, part) in parts.iter().enumerate() {
        match part.get(skip..) {
            Some([]) => skip = 0,
            Some(_) if skip == 0 => return layer.writer().write_vectored(&parts[at..]),
            Some(rest) => return layer.writer().write(rest),
            None => skip -= part.len(),
        }
    }
    Ok(0)
}

/// Gives records to the layer; returns those for which it has no room before what it holds is taken.
fn feed(layer: &mut Connection, records: &[u8]) -> io::Result<Vec<u8>> {
    let mut left = records;
    loop {
        // Nothing at all is how the layer is told of the end.
        match layer.read_tls(&mut left) {
            // It may also have had its last record.
            Ok(0) => break,
            Ok(_) => {}
            Err(error) if error.kind() == io::ErrorKind::InvalidData => return Err(error),
            Err(_) => return Ok(left.to_vec()),
        }
        let processed = layer.process_new_packets();
        processed.map_err(|error| io::Error::new(io::ErrorKind::InvalidData, error))?;
        if left.is_empty() {
            break;
        }
    }
    Ok(Vec::new())
}

/// Where no records are at the moment.
struct NothingYet;

impl io::Read for NothingYet {
    fn read(&mut self, _: &mut [u8]) -> io::Result<usize> {
        Err(io::ErrorKind::WouldBlock.into())
    }
}

/// Where records go.
struct Out<'o, K: Kernel> {
    kernel: &'o mut K,
    stream: &'o mut K::Stream,
}

impl<K: Kernel> io::Write for Out<'_, K> {
    fn write(&mut self, record: &[u8]) -> io::Result<usize> {
        self.write_vectored(&[IoSlice::new(record)])
    }

    fn write_vectored(&mut self, records: &[IoSlice<'_>]) -> io::Result<usize> {
        send(self.kernel, self.stream, records)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
