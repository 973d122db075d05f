//! One connection after its opening handshake: [`Connection`].
//!
//! | file | holds |
//! |---|---|
//! | `sight` | the first look at a frame, which is enough for most |
//! | `receive` | bytes to events |
//! | `streaming` | frames that pass through piece by piece |
//! | `inflating` | compressed frames to what was said |
//! | `send` | messages to bytes |
//! | `compressing` | messages to compressed bytes |
//! | `closing` | the closing handshake, as a table |
//! | `event` | what receiving gives |
//! | `found` | where all that lies |
//! | `place` | the same for a driver that takes its time |
//! | `sink` | where frames go, keys, and what a driver lends |
//! | `prepared` | a message encoded once for many |
//! | `config` | limits, and how data is delivered |
//!
//! Not here: sockets, deadlines, buffers for input and output. Fragments are kept by the receiver until their message
//! is whole.

mod closing;
mod compressing;
mod config;
mod event;
mod found;
mod inflating;
#[cfg(any(feature = "aio", test))]
mod place;
mod prepared;
mod receive;
mod send;
#[cfg(test)]
mod shortcuts;
mod sight;
mod sink;
mod streaming;

pub use closing::State;
pub use config::{Config, Delivery, Limits};
pub use event::{Event, Part, Step};
#[cfg(feature = "aio")]
pub(crate) use place::Place;
pub use prepared::{Prepared, SharedFrame};
pub use receive::Receiver;
pub use send::Sender;
pub use sink::{Inbound, Keys, Outbound, Sink};

#[cfg(feature = "deflate")]
use crate::proto::deflate::Agreed;
use crate::proto::frame::Role;
use alloc::sync::Arc;

/// A connection: two halves, so that a message lent by one can be answered through the other.
///
/// It does no I/O, reads no clock and draws no random numbers. Its driver
///
/// 1. feeds what it received to [`rx.next`](Receiver::next) until a step has no event, dropping what each step
///    consumed. `next` unmasks in place and remembers how far: the rest is kept as `next` left it, and fed again with
///    more behind it. Pings, Close frames and violations are answered by `next` itself, through the sink;
/// 2. sends through [`tx`](Sender), at any time;
/// 3. writes what the sink has got, in order;
/// 4. once [`is_over`](Self::is_over), which it is after an error too: writes what the sink has got, half-closes,
///    discards what arrives until the peer ends or a deadline of the driver's is up, and closes. A server does so at
///    once, a client when the server has (RFC 6455 section 7.1.1);
/// 5. has a deadline running while [`close_expected`](Self::close_expected).
///
/// A driver has one `Inbound` for all its connections. With the feature `deflate` it holds the inflater, and
/// [`set_deflate`](Self::set_deflate) makes a connection use it.
///
/// ```
/// use sockeye::proto::{Connection, Event, Inbound, Outbound};
///
/// # fn main() -> Result<(), Box<dyn core::error::Error>> {
/// let mut conn = Connection::server(Default::default());
/// let mut inbound = Inbound::new();
/// let mut out = Outbound::server(Vec::new());
///
/// // "Hello" in a masked frame, as a client sends it, and half a frame behind it.
/// let mut received = *b"\x81\x85\x37\xfa\x21\x3d\x7f\x9f\x4d\x51\x58\x81\x85\x37";
/// let mut at = 0;
/// loop {
///     let step = conn.rx.next(&mut received[at..], &mut inbound, &mut conn.tx, &mut out)?;
///     at += step.consumed;
///     match step.event {
///         Some(Event::Text(text)) => conn.tx.text(text, &mut out)?,
///         Some(Event::Binary(data)) => conn.tx.binary(data, &mut out)?,
///         Some(_) => {}
///         None => break,
///     }
/// }
/// assert_eq!(out.sink, b"\x81\x05Hello");
/// assert_eq!(at, 11); // keep the other three bytes for the next call
/// # Ok(())
/// # }
/// ```
#[derive(Debug)]
pub struct Connection {
    /// The receiving half.
    pub rx: Receiver,
    /// The sending half.
    pub tx: Sender,
}

impl Connection {
    /// A server's side.
    #[must_use]
    pub fn server(config: Arc<Config>) -> Self {
        Self::new(Role::Server, config)
    }

    /// A client's side.
    #[must_use]
    pub fn client(config: Arc<Config>) -> Self {
        Self::new(Role::Client, config)
    }

    /// Either side.
    #[must_use]
    pub fn new(role: Role, config: Arc<Config>) -> Self {
        Self {
            rx: Receiver::new(config),
            tx: Sender::new(role),
        }
    }

    /// Compresses from here on, as the opening handshake has agreed. See [`deflate`](crate::proto::deflate).
    #[cfg(feature = "deflate")]
    pub fn set_deflate(&mut self, agreed: Agreed) {
        let (ours, theirs) = match self.tx.role() {
            Role::Server => (agreed.server, agreed.client),
            Role::Client => (agreed.client, agreed.server),
        };
        self.rx.set_deflate(theirs);
        self.tx.set_deflate(ours);
    }

    /// Heap bytes held: for a message in progress, and for what later messages may refer to.
    #[must_use]
    pub fn heap_bytes(&self) -> usize {
        self.rx.heap_bytes().saturating_add(self.tx.heap_bytes())
    }

    /// Whether anything is held for later messages to refer to.
    #[cfg(any(feature = "reactor", all(test, feature = "deflate")))]
    #[inline]
    pub(crate) const fn has_context(&self) -> bool {
        self.rx.kept.is_some() || self.tx.own.is_some()
    }

    /// How far the closing handshake has come.
    #[must_use]
    pub const fn state(&self) -> State {
        self.tx.state()
    }

    /// Whether we have closed and the peer has not: it may never do so.
    #[must_use]
    pub const fn close_expected(&self) -> bool {
        matches!(self.tx.state(), State::Closing)
    }

    /// Whether nothing more will come out of this connection, after a clean end or a violation.
    #[must_use]
    pub const fn is_over(&self) -> bool {
        matches!(self.tx.state(), State::Closed | State::Failed)
    }
}

#[cfg(all(test, feature = "deflate"))]
mod tests {
    use super::{Connection, Role};
    use crate::proto::deflate::{Compressor, Params, Policy};
    use crate::proto::{Inbound, Outbound};
    use alloc::sync::Arc;
    use alloc::vec::Vec;

    #[test]
    fn who_says_and_who_hears_hold_what_later_messages_may_refer_to() {
        let [mut server, mut client] = [Role::Server, Role::Client].map(|role| {
            let mut conn = Connection::new(role, Arc::default());
            conn.set_deflate(Params::default().agreed());
            conn
        });
        let mut stranger = Connection::server(Arc::default());
        assert!(!server.has_context() && !client.has_context());

        let mut compressor = Compressor::new(&Policy::default());
        let mut bytes = Vec::new();
        let mut out = Outbound::server(&mut bytes).deflate(&mut compressor);
        server.tx.text(&"again and ".repeat(100), &mut out).unwrap();
        stranger.tx.text("again", &mut out).unwrap();
        assert!(server.has_context() && !client.has_context() && !stranger.has_context());

        let mut inbound = Inbound::new();
        let step = client.rx.next(
            &mut bytes,
            &mut inbound,
            &mut client.tx,
            &mut Outbound::server(Vec::new()),
        );
        assert!(step.unwrap().event.is_some());
        let idle = client.rx.next(
            &mut [],
            &mut inbound,
            &mut client.tx,
            &mut Outbound::server(Vec::new()),
        );
        assert!(idle.unwrap().event.is_none() && client.has_context());
    }
}
