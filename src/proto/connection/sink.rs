//! Where output goes, and what the driver lends to every call: [`Sink`], [`Keys`], [`Outbound`], [`Inbound`].
//!
//! Not here: any buffer of our own; the driver has those, one set per loop rather than per connection.

use super::SharedFrame;
use crate::proto::NoRandomness;
use crate::proto::deflate::{Compressor, Shared};
use crate::proto::frame::mask;
use crate::proto::work;
use alloc::vec::Vec;
use core::fmt;

/// Takes whole frames. `payload` is only lent: copy it, write it, or remember where it lies.
///
/// ```
/// use sockeye::proto::{Connection, Outbound, Sink};
///
/// /// Counts what would be sent.
/// #[derive(Default)]
/// struct Count(usize);
///
/// impl Sink for Count {
///     fn frame(&mut self, head: &[u8], payload: &[u8]) {
///         self.0 += head.len() + payload.len();
///     }
///
///     fn masked(&mut self, head: &[u8], payload: &[u8], _key: [u8; 4]) {
///         self.frame(head, payload);
///     }
/// }
///
/// let mut out = Outbound::server(Count::default());
/// Connection::server(Default::default()).tx.text("hi", &mut out)?;
/// assert_eq!(out.sink.0, 4);
/// # Ok::<(), sockeye::proto::SendError>(())
/// ```
pub trait Sink {
    /// A frame whose payload stands on the wire as it is.
    fn frame(&mut self, head: &[u8], payload: &[u8]);

    /// A frame whose payload is to be masked with `key` while it is copied. `head` already holds the key.
    fn masked(&mut self, head: &[u8], payload: &[u8], key: [u8; 4]);

    /// A frame that was encoded before. A sink that can share its bytes overrides this.
    fn shared(&mut self, frame: &SharedFrame) {
        self.frame(frame.head(), frame.payload());
    }
}

impl Sink for Vec<u8> {
    fn frame(&mut self, head: &[u8], payload: &[u8]) {
        work::append(self, head.len().saturating_add(payload.len()));
        self.extend_from_slice(head);
        self.extend_from_slice(payload);
    }

    fn masked(&mut self, head: &[u8], payload: &[u8], key: [u8; 4]) {
        self.extend_from_slice(head);
        mask::append(key, payload, self);
    }
}

impl<S: Sink + ?Sized> Sink for &mut S {
    #[inline(always)]
    fn frame(&mut self, head: &[u8], payload: &[u8]) {
        (**self).frame(head, payload);
    }

    fn masked(&mut self, head: &[u8], payload: &[u8], key: [u8; 4]) {
        (**self).masked(head, payload, key);
    }

    fn shared(&mut self, frame: &SharedFrame) {
        (**self).shared(frame);
    }
}

/// A source of masking keys for a client.
///
/// Keys must be unpredictable to whoever chooses the payload (RFC 6455 sections 5.3 and 10.3): take them from the
/// operating system's generator, never from a clock or a simple generator.
///
/// A source can move between threads, so that what lends it, an [`Outbound`], can be held across an `await`.
///
/// ```
/// use sockeye::proto::{Connection, Keys, NoRandomness, Outbound};
/// # #[cfg(unix)] {
/// use std::fs::File;
/// use std::io::Read as _;
///
/// /// The kernel's generator, as it is without any crate.
/// struct Random(File);
///
/// impl Keys for Random {
///     fn key(&mut self) -> Result<[u8; 4], NoRandomness> {
///         let mut key = [0; 4];
///         self.0.read_exact(&mut key).map_err(|_| NoRandomness)?;
///         Ok(key)
///     }
/// }
///
/// let mut keys = Random(File::open("/dev/urandom")?);
/// let mut out = Outbound::client(Vec::new(), &mut keys);
/// Connection::client(Default::default()).tx.text("Hello", &mut out)?;
/// assert_eq!(out.sink[..2], *b"\x81\x85"); // four bytes of key follow, and what it makes of the text
/// # }
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub trait Keys: Send {
    /// A fresh key, asked for once per frame.
    ///
    /// # Errors
    ///
    /// When there is none. Then nothing is sent; what a peer should have been answered is lost, and the driver ends the
    /// connection.
    fn key(&mut self) -> Result<[u8; 4], NoRandomness>;
}

/// A generator that cannot fail, or that panics where it does.
impl<F: FnMut() -> [u8; 4] + Send> Keys for F {
    fn key(&mut self) -> Result<[u8; 4], NoRandomness> {
        Ok(self())
    }
}

/// What sending needs and a connection does not keep: the sink, for a client the keys, and the compressor where there is
/// one. Without it, every message is sent as it is, also on a connection that has agreed to compression.
///
/// ```
/// use sockeye::proto::{Connection, Outbound};
///
/// let mut keys = || *b"\x37\xfa\x21\x3d"; // as in the RFC's example; see `Keys` for where to take them from
/// let mut out = Outbound::client(Vec::new(), &mut keys);
/// Connection::client(Default::default()).tx.text("Hello", &mut out)?;
/// assert_eq!(out.sink, b"\x81\x85\x37\xfa\x21\x3d\x7f\x9f\x4d\x51\x58");
/// # Ok::<(), sockeye::proto::SendError>(())
/// ```
pub struct Outbound<'k, S> {
    /// Where frames go.
    pub sink: S,
    pub(super) keys: Option<&'k mut dyn Keys>,
    pub(super) compressor: Option<&'k mut Compressor>,
}

impl<'k, S> Outbound<'k, S> {
    /// For a server, which never masks.
    pub const fn server(sink: S) -> Self {
        Self {
            sink,
            keys: None,
            compressor: None,
        }
    }

    /// For a client, which masks each frame with a key of its own.
    pub const fn client(sink: S, keys: &'k mut dyn Keys) -> Self {
        Self {
            sink,
            keys: Some(keys),
            compressor: None,
        }
    }

    /// Compresses messages where the connection has agreed to it and it pays.
    #[cfg(feature = "deflate")]
    #[inline]
    #[must_use]
    pub fn deflate(mut self, compressor: &'k mut Compressor) -> Self {
        self.compressor = Some(compressor);
        self
    }

    /// The same without its compressor, for a message that is to be sent as it is: one with a secret beside text that a
    /// stranger chose, say (RFC 7692 section 8). With context takeover, a secret in any earlier compressed message is
    /// beside it.
    pub fn uncompressed(&mut self) -> Outbound<'_, &mut S> {
        Outbound {
            sink: &mut self.sink,
            keys: match &mut self.keys {
                Some(keys) => Some(&mut **keys),
                None => None,
            },
            compressor: None,
        }
    }
}

impl<S: fmt::Debug> fmt::Debug for Outbound<'_, S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Outbound")
            .field("sink", &self.sink)
            .finish_non_exhaustive()
    }
}

/// What receiving needs and a connection does not keep: the inflater, and the buffer from which inflated messages are
/// lent.
///
/// It holds nothing until the first compressed message arrives. A driver has one for all its connections.
#[derive(Debug, Default)]
pub struct Inbound {
    pub(super) deflate: Shared,
}

impl Inbound {
    /// An empty one.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Frees what one large message needed, once nothing is lent from it. A call of
    /// [`Receiver::next`](super::Receiver::next) that finds no message does so too.
    #[inline]
    pub fn release(&mut self) {
        self.deflate.release();
    }
}

#[cfg(feature = "deflate")]
impl Inbound {
    /// How many connections at a time may be in the middle of a compressed message that is delivered in parts, as frames
    /// or chunks. Each needs an inflater of its own, some 48 KiB, and up to 64 KiB of what it said last. The next one is
    /// closed with 1013. Default: 64.
    pub const fn set_max_streams(&mut self, streams: usize) {
        self.deflate.set_max_streams(streams);
    }

    /// Heap bytes held, as far as the library's needs are known.
    #[must_use]
    pub fn heap_bytes(&self) -> usize {
        self.deflate.heap_bytes()
    }
}
