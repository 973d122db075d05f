//! Where output goes, and what the driver lends to every call: [`Sink`], [`Keys`], [`Outbound`], [`Inbound`].
//!
//! Not here: any buffer of our own; the driver has those, one set per loop rather than per connection.

use super::Prepared;
use crate::proto::frame::mask;
use alloc::vec::Vec;
use core::fmt;

/// Takes whole frames. `payload` is only lent: copy it, write it, or remember where it lies.
pub trait Sink {
    /// A frame whose payload stands on the wire as it is.
    fn frame(&mut self, head: &[u8], payload: &[u8]);

    /// A frame whose payload is to be masked with `key` while it is copied. `head` already holds the key.
    fn masked(&mut self, head: &[u8], payload: &[u8], key: [u8; 4]);

    /// A frame that was encoded before. A sink that can share its bytes overrides this.
    fn prepared(&mut self, frame: &Prepared) {
        self.frame(frame.head(), frame.payload());
    }
}

impl Sink for Vec<u8> {
    fn frame(&mut self, head: &[u8], payload: &[u8]) {
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

    fn prepared(&mut self, frame: &Prepared) {
        (**self).prepared(frame);
    }
}

/// A source of masking keys for a client.
///
/// Keys must be unpredictable to whoever chooses the payload (RFC 6455 sections 5.3 and 10.3): take them from the
/// operating system's generator, never from a clock or a simple generator.
///
/// A source can move between threads, so that what lends it, an [`Outbound`], can be held across an `await`.
pub trait Keys: Send {
    /// A fresh key, asked for once per frame.
    fn key(&mut self) -> [u8; 4];
}

impl<F: FnMut() -> [u8; 4] + Send> Keys for F {
    fn key(&mut self) -> [u8; 4] {
        self()
    }
}

/// What sending needs and a connection does not keep: the sink and, for a client, the keys.
pub struct Outbound<'k, S> {
    /// Where frames go.
    pub sink: S,
    pub(super) keys: Option<&'k mut dyn Keys>,
}

impl<'k, S> Outbound<'k, S> {
    /// For a server, which never masks.
    pub const fn server(sink: S) -> Self {
        Self { sink, keys: None }
    }

    /// For a client, which masks each frame with a key of its own.
    pub const fn client(sink: S, keys: &'k mut dyn Keys) -> Self {
        Self {
            sink,
            keys: Some(keys),
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

/// What receiving needs and a connection does not keep: the place from which inflated messages are lent.
///
/// It is empty as long as no compression is negotiated. A driver has one for all its connections.
#[derive(Debug, Default)]
pub struct Inbound {
    _private: (),
}

impl Inbound {
    /// An empty one.
    #[must_use]
    pub const fn new() -> Self {
        Self { _private: () }
    }
}
