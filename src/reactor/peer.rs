//! What a handler sees of a connection: [`Peer`].
//!
//! A peer cannot reach other sessions: what is meant for others goes into the loop's lists and is delivered at the end
//! of the turn, so no handler is ever called from within a handler.
//!
//! Not here: who the others are; that is `deliver`.

use super::message::Message;
use super::mio::Mio;
use super::outbox::Exit;
use super::rooms::{Gathered, JoinError, Receipt, Rooms, To};
use super::tools::Tools;
use super::wire::{BIG, Fate, Wire, gathered};
use super::{ConnectionId, Hub};
#[cfg(feature = "client")]
use crate::client::Connector;
use crate::kernel::{Kernel, PeerAddr};
use crate::proto::deflate::Compressor;
use crate::proto::frame::Header;
use crate::proto::{CloseCode, Outbound, Prepared, Role, SendError, Sender, State};
use alloc::sync::Arc;
use core::any::Any;
use core::fmt;
use core::mem::replace;
use core::ops::Range;

/// A connection, lent to a handler for one call.
///
/// ```
/// # #[cfg(all(feature = "server", feature = "client"))]
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// use sockeye::proto::CloseCode;
/// use sockeye::server::{Builder, Handler, Message, Peer};
/// # use sockeye::client::{self, Received};
///
/// struct News;
///
/// impl Handler for News {
///     type State = ();
///
///     fn on_message(&mut self, peer: &mut Peer<'_>, _: &mut (), message: Message<'_>) {
///         // What goes wrong here has ended the connection, and `on_close` says so.
///         let _ = match message {
///             Message::Text("subscribe") => match peer.join("news") {
///                 Ok(_) => peer.send("subscribed"),
///                 Err(error) => peer.send(&error.to_string()),
///             },
///             Message::Text("bye") => peer.close(CloseCode::NORMAL, "bye"),
///             Message::Text(text) => {
///                 peer.publish("news", text);
///                 Ok(())
///             }
///             Message::Binary(_) => peer.close(CloseCode::UNSUPPORTED_DATA, "text only"),
///         };
///     }
/// }
/// # let mut server = Builder::new().bind("127.0.0.1:0".parse()?, News)?;
/// # let (url, stopper) = (format!("ws://{}/", server.local_addr()), server.stopper());
/// # let thread = std::thread::spawn(move || server.run());
/// # let mut socket = client::connect(&url)?;
/// # for (said, heard) in [("subscribe", "subscribed"), ("rain", "rain")] {
/// #     socket.send(said)?;
/// #     assert_eq!(socket.receive()?, Received::Text(heard.into()));
/// # }
/// # socket.send(b"?")?;
/// # let Received::Closed(end) = socket.receive()? else { panic!() };
/// # assert_eq!((end.code, &*end.reason), (1003, "text only"));
/// # drop(socket);
/// # stopper.stop()?;
/// # thread.join().unwrap()?;
/// # Ok(())
/// # }
/// # #[cfg(not(all(feature = "server", feature = "client")))]
/// # fn main() {}
/// ```
pub struct Peer<'p, K: Kernel = Mio> {
    pub(super) id: ConnectionId,
    pub(super) tx: &'p mut Sender,
    pub(super) exit: &'p mut Exit<K::Stream>,
    pub(super) held: &'p mut bool,
    pub(super) tools: &'p mut Tools<K>,
    /// The addresses of the buffer that is being worked through.
    pub(super) buffer: Range<usize>,
    /// Waiting bytes beyond which the peer is too slow.
    pub(super) max_queued: usize,
    /// Nothing is known that a small message has to wait for or would have to be asked about: it goes into the cork as it is.
    pub(super) easy: bool,
}

impl<K: Kernel> Peer<'_, K> {
    /// Its id.
    #[must_use]
    pub const fn id(&self) -> ConnectionId {
        self.id
    }

    /// The other connections of its loop, and their rooms.
    pub const fn hub(&mut self) -> Hub<'_> {
        self.easy = false;
        self.tools.hub()
    }

    /// What [`Admission::note`](super::Admission::note) has left, once, while the connection opens.
    pub fn take_note(&mut self) -> Option<Arc<dyn Any + Send + Sync>> {
        self.tools.orders.note.take()
    }

    /// Sends a message. It is on the wire when the turn ends, behind everything sent before.
    ///
    /// # Errors
    ///
    /// [`SendError::Closed`] when the connection is closing, or has just been given up for reading too slowly.
    #[inline(always)]
    pub fn send<'m>(&mut self, message: impl Into<Message<'m>>) -> Result<(), SendError> {
        let message = message.into();
        if self.gathered(&message) {
            return Ok(());
        }
        self.catch_up();
        if self.plain(&message).is_none() {
            self.send_otherwise(message)?;
        }
        self.alive()
    }

    /// As [`send`](Self::send), and never compressed: for a message with a secret in it beside text that a stranger
    /// chose, whose size would tell of the secret (RFC 7692 section 8). With context takeover, a secret in any earlier
    /// compressed message is beside it.
    ///
    /// # Errors
    ///
    /// As for [`send`](Self::send).
    pub fn send_uncompressed<'m>(
        &mut self,
        message: impl Into<Message<'m>>,
    ) -> Result<(), SendError> {
        self.catch_up();
        let (tx, mut out) = self.way_out();
        say(tx, message.into(), &mut out)?;
        self.alive()
    }

    /// Sends a message that was encoded before, compressed where [`send`](Self::send) would compress it.
    ///
    /// # Errors
    ///
    /// As for [`send`](Self::send).
    pub fn send_prepared(&mut self, message: &Prepared) -> Result<(), SendError> {
        self.catch_up();
        let (tx, mut out) = self.deflating();
        tx.prepared(message, &mut out)?;
        self.alive()
    }

    /// Sends a message to every open connection that was accepted, this one too if it was:
    /// [`publish`](Self::publish) to [`To::all`]. A connection that does not read within the limits is closed with 1013.
    pub fn broadcast<'m>(&mut self, message: impl Into<Message<'m>>) {
        self.publish(To::all(), message);
    }

    /// As [`broadcast`](Self::broadcast), and never compressed; see [`send_uncompressed`](Self::send_uncompressed).
    pub fn broadcast_uncompressed<'m>(&mut self, message: impl Into<Message<'m>>) {
        self.hub().publish_uncompressed(To::all(), message);
    }

    /// Joins a room; see [`Hub::join`].
    ///
    /// # Errors
    ///
    /// As for [`Hub::join`].
    pub fn join(&mut self, room: &str) -> Result<bool, JoinError> {
        // Whoever is closing is told nothing, and leaves.
        if self.tx.state() != State::Open {
            return Err(JoinError::Gone);
        }
        let id = self.id;
        self.hub().join(id, room)
    }

    /// Leaves a room; see [`Hub::leave`].
    pub fn leave(&mut self, room: &str) -> bool {
        let id = self.id;
        self.hub().leave(id, room)
    }

    /// Says something to many; see [`Hub::publish`].
    pub fn publish<'a, 'm>(
        &mut self,
        to: impl Into<To<'a>>,
        message: impl Into<Message<'m>>,
    ) -> Receipt {
        self.hub().publish(to, message)
    }

    /// Opens a connection, on the same loop and with the same handler, once this turn is over; see
    /// [`EventLoop::connect`](super::EventLoop::connect). A connector with a setting that is wrong fails as others do,
    /// by [`Handler::on_failed`](super::Handler::on_failed).
    #[cfg(feature = "client")]
    pub fn connect(&mut self, connector: &Connector, tag: u64) {
        self.tools.stirred = true;
        self.tools.calls.push((connector.clone(), tag));
    }

    /// Sends a ping. The peer's pong is told to [`Handler::on_pong`](super::Handler::on_pong), but counts as a sign of
    /// life only where it answers one of the loop's own pings.
    ///
    /// # Errors
    ///
    /// As for [`send`](Self::send); [`Misuse`](crate::proto::Misuse) for a payload over 125 bytes.
    pub fn ping(&mut self, payload: &[u8]) -> Result<(), SendError> {
        self.catch_up();
        let (tx, mut out) = self.way_out();
        tx.ping(payload, &mut out)?;
        self.alive()
    }

    /// Sends a pong that answers nothing: a sign of life (RFC 6455 section 5.5.3). Pings are answered without it.
    ///
    /// # Errors
    ///
    /// As for [`ping`](Self::ping).
    pub fn pong(&mut self, payload: &[u8]) -> Result<(), SendError> {
        self.catch_up();
        let (tx, mut out) = self.way_out();
        tx.pong(payload, &mut out)?;
        self.alive()
    }

    /// Starts the closing handshake. What the peer still sends is discarded.
    ///
    /// # Errors
    ///
    /// [`SendError::Closed`] when it has started already; [`Misuse`](crate::proto::Misuse) for a reason over 123
    /// bytes.
    pub fn close(&mut self, code: CloseCode, reason: &str) -> Result<(), SendError> {
        self.catch_up();
        self.alive()?;
        // A Close has a reserved place: it may be the last thing, behind as much as there is.
        let max_queued = replace(&mut self.max_queued, usize::MAX);
        let (tx, mut out) = self.way_out();
        let closed = tx.close(code, reason, &mut out);
        self.max_queued = max_queued;
        if closed.is_ok() {
            let tools = &mut *self.tools;
            tools.rooms.tell_no_more(self.id, &mut tools.compressor);
        }
        closed
    }

    /// Where it comes from: what a trusted proxy said (see [`Builder::trusted_proxies`]), or else what the kernel knows,
    /// which is asked now.
    ///
    /// [`Builder::trusted_proxies`]: crate::server::Builder::trusted_proxies
    #[must_use]
    pub fn remote_addr(&mut self) -> PeerAddr {
        self.exit.transport.peer_addr(&mut self.tools.kernel)
    }

    /// Stops reading from this peer, from the next message on, until [`resume`](Self::resume): what it sends then stays
    /// with it, as TCP has it. Sending goes on.
    ///
    /// Meanwhile nothing is expected of the peer: no deadline strikes but that of sending. Its pings are not answered,
    /// and its Close and the end of its stream are found when it is read again; whoever pauses sees to that. Closing
    /// reads on: what the peer says behind that is discarded.
    pub const fn pause(&mut self) {
        self.easy = false;
        *self.held = true;
    }

    /// Reads from this peer again, first what has come meanwhile. The time that it was not read does not count.
    pub const fn resume(&mut self) {
        *self.held = false;
    }

    /// Whether this peer is not read because of [`pause`](Self::pause).
    #[must_use]
    pub fn is_paused(&self) -> bool {
        *self.held && self.tx.state() == State::Open
    }

    /// Bytes that wait for this peer to read.
    #[must_use]
    pub fn queued_bytes(&self) -> usize {
        self.tools.cork.len() + self.exit.waiting()
    }

    /// Whether something waits for this peer to read, be it in a record layer.
    #[cfg(feature = "client")]
    pub(crate) const fn is_blocked(&self) -> bool {
        self.exit.is_blocked()
    }

    /// What was said to this peer's rooms goes first: it is told things in the order of the calls.
    #[inline]
    fn catch_up(&mut self) {
        if !self.tools.rooms.is_quiet() {
            self.tell_now();
        }
    }

    #[inline(never)]
    fn tell_now(&mut self) {
        // Nothing may follow a Close frame (RFC 6455 section 5.5.1), and what a server publishes is not for servers.
        if self.tx.role() != Role::Server || self.tx.state() != State::Open {
            return;
        }
        let id = self.id;
        let Parts {
            out,
            rooms,
            gathered,
            compressor,
            ..
        } = self.parts();
        let (mut wire, mut told) = (out.sink, false);
        rooms.tell_now(id, gathered, compressor, |bytes| {
            wire.raw(bytes);
            told = true;
        });
        if told {
            self.tx.note_foreign();
        }
    }

    const fn alive(&self) -> Result<(), SendError> {
        if self.is_fine() {
            Ok(())
        } else {
            Err(SendError::Closed)
        }
    }

    /// Whether what is sent gets anywhere.
    pub(super) const fn is_fine(&self) -> bool {
        matches!(self.tools.fate, Fate::Fine)
    }

    /// Makes the reserved place available: that of the Close frame which tells a slow peer why. What is broken stays so.
    pub(super) fn reserve(&mut self) {
        if let Fate::Slow = self.tools.fate {
            self.tools.fate = Fate::Fine;
        }
        self.max_queued = usize::MAX;
    }

    /// By a client, or compressed, or not at all.
    #[inline(never)]
    fn send_otherwise(&mut self, message: Message<'_>) -> Result<(), SendError> {
        let (tx, mut out) = self.deflating();
        say(tx, message, &mut out)
    }

    /// Whether nothing stood in the way of a small message, and it was sent.
    #[inline(always)]
    fn gathered(&mut self, message: &Message<'_>) -> bool {
        if !self.easy {
            return false;
        }
        let (opcode, bytes) = (message.kind().opcode(), message.bytes());
        let cork = &mut self.tools.cork;
        match Header::shortest(opcode, bytes.len()) {
            Some(head) => gathered(cork, &head, bytes),
            None if bytes.len() < BIG => Header::shorter(opcode, bytes.len())
                .is_some_and(|head| gathered(cork, &head, bytes)),
            None => false,
        }
    }

    /// Sends a message as most are: by a server, and as it is.
    #[inline(always)]
    fn plain(&mut self, message: &Message<'_>) -> Option<()> {
        let (tx, mut out) = self.way_out();
        tx.plain(message.kind(), message.bytes(), &mut out.sink)
    }

    /// Where its frames go. Made for each call anew: then it is in registers, and a message costs no look at memory for it.
    #[inline(always)]
    pub(super) fn wire(&mut self) -> Wire<'_, K> {
        self.way_out().1.sink
    }

    /// What sending takes.
    #[inline(always)]
    pub(super) fn way_out(&mut self) -> (&mut Sender, Outbound<'_, Wire<'_, K>>) {
        let parts = self.parts();
        (parts.tx, parts.out)
    }

    /// The same, with which messages are compressed where that was agreed on.
    #[inline(always)]
    fn deflating(&mut self) -> (&mut Sender, Outbound<'_, Wire<'_, K>>) {
        let parts = self.parts();
        (parts.tx, parts.out.deflate(parts.compressor))
    }

    #[inline(always)]
    fn parts(&mut self) -> Parts<'_, K> {
        // Whatever is done with them may be what others have to wait for.
        self.easy = false;
        let tools = &mut *self.tools;
        let wire = Wire {
            kernel: &mut tools.kernel,
            exit: self.exit,
            cork: &mut tools.cork,
            buffer: self.buffer.clone(),
            max_queued: self.max_queued,
            now: tools.now,
            fate: &mut tools.fate,
        };
        Parts {
            tx: self.tx,
            out: Outbound::client(wire, &mut tools.random),
            compressor: &mut tools.compressor,
            rooms: &mut tools.rooms,
            gathered: &mut tools.gathered,
        }
    }
}

/// What a peer is made of, taken apart for one call.
struct Parts<'p, K: Kernel> {
    tx: &'p mut Sender,
    out: Outbound<'p, Wire<'p, K>>,
    compressor: &'p mut Compressor,
    rooms: &'p mut Rooms,
    gathered: &'p mut Gathered,
}

impl<K: Kernel> fmt::Debug for Peer<'_, K> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Peer")
            .field("id", &self.id)
            .finish_non_exhaustive()
    }
}

#[inline(never)]
fn say<K: Kernel>(
    tx: &mut Sender,
    message: Message<'_>,
    out: &mut Outbound<'_, Wire<'_, K>>,
) -> Result<(), SendError> {
    match message {
        Message::Text(text) => tx.text(text, out),
        Message::Binary(data) => tx.binary(data, out),
    }
}
