//! What an application does with its connections: [`Handler`], and what it is told at their end.
//!
//! Not here: what it does them with; that is `peer`.

use super::mio::Mio;
#[cfg(feature = "client")]
use super::{Answer, LinkState};
use super::{Arrival, ConnectionId, Hub, Message, Peer, Verdict};
#[cfg(feature = "client")]
use crate::client::ConnectError;
use crate::kernel::Kernel;
use crate::proto::handshake::Response;
use crate::proto::handshake::server::{PageRequest, Request};
use crate::proto::{Violation, local};
use core::time::Duration;

/// What an application does with its connections.
///
/// Nothing is called while another call runs, and a panic costs only the connection that it happened on (1011). Of a
/// connection on which opening panicked nothing more is told.
///
/// ```
/// # #[cfg(all(feature = "server", feature = "client"))]
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// use sockeye::proto::handshake::server::Request;
/// use sockeye::server::{Builder, Closed, ConnectionId, Handler, Hub, Message, Peer, To};
/// # use sockeye::client::{self, Received};
///
/// /// All connections are in one room, and each has a name: that of its path.
/// struct Chat;
///
/// impl Handler for Chat {
///     type State = String;
///
///     fn on_open(&mut self, peer: &mut Peer<'_>, request: &Request<'_>) -> String {
///         let name = request.path().trim_start_matches('/').to_owned();
///         peer.broadcast(&format!("{name} has come"));
///         name
///     }
///
///     fn on_message(&mut self, peer: &mut Peer<'_>, name: &mut String, message: Message<'_>) {
///         if let Message::Text(text) = message {
///             let (others, line) = (To::all().except(peer.id()), format!("{name}: {text}"));
///             peer.publish(others, &line);
///         }
///     }
///
///     fn on_close(&mut self, hub: &mut Hub<'_>, _: ConnectionId, name: String, _: &Closed<'_>) {
///         hub.publish(To::all(), &format!("{name} has gone"));
///     }
/// }
/// # let mut server = Builder::new().bind("127.0.0.1:0".parse()?, Chat)?;
/// # let (addr, stopper) = (server.local_addr(), server.stopper());
/// # let thread = std::thread::spawn(move || server.run());
/// # let mut ada = client::connect(&format!("ws://{addr}/Ada"))?;
/// # assert_eq!(ada.receive()?, Received::Text("Ada has come".into()));
/// # let mut bob = client::connect(&format!("ws://{addr}/Bob"))?;
/// # bob.send("hello")?;
/// # for line in ["Bob has come", "Bob: hello"] {
/// #     assert_eq!(ada.receive()?, Received::Text(line.into()));
/// # }
/// # bob.close(sockeye::proto::CloseCode::NORMAL, "")?;
/// # assert_eq!(ada.receive()?, Received::Text("Bob has gone".into()));
/// # drop(ada);
/// # stopper.stop()?;
/// # thread.join().unwrap()?;
/// # Ok(())
/// # }
/// # #[cfg(not(all(feature = "server", feature = "client")))]
/// # fn main() {}
/// ```
pub trait Handler<K: Kernel = Mio> {
    /// What is kept for each connection.
    type State: Default;

    /// A request has come that is right by RFC 6455, from an origin that is allowed. Let it become a connection, refuse it
    /// with the status that says why, or see to it that it is answered later.
    fn on_request(&mut self, arrival: &mut Arrival<'_, '_, K>, request: &Request<'_>) -> Verdict {
        let _ = (arrival, request);
        Verdict::default()
    }

    /// A request was refused with this status: by [`on_request`](Self::on_request), later, or because it was wrong.
    fn on_refused(&mut self, id: ConnectionId, status: u16) {
        let _ = (id, status);
    }

    /// Whoever made a request that is to be answered later has gone.
    fn on_abandoned(&mut self, id: ConnectionId) {
        let _ = id;
    }

    /// A GET or HEAD has come that does not ask for a WebSocket. Called where
    /// [`Settings::pages`](super::Settings::pages) says so. `None` says that a WebSocket would have to be asked for: it is
    /// refused as it is where there are no pages.
    fn on_page(
        &mut self,
        arrival: &mut Arrival<'_, '_, K>,
        request: &PageRequest<'_>,
    ) -> Option<Response> {
        let _ = (arrival, request);
        None
    }

    /// A connection is open: its request was answered with 101.
    fn on_open(&mut self, peer: &mut Peer<'_, K>, request: &Request<'_>) -> Self::State {
        let _ = (peer, request);
        Self::State::default()
    }

    /// A connection that we opened is open: the server has answered our request with 101. The tag is that of
    /// [`connect`](super::EventLoop::connect).
    #[cfg(feature = "client")]
    fn on_connect(&mut self, peer: &mut Peer<'_, K>, tag: u64, answer: &Answer<'_>) -> Self::State {
        let _ = (peer, tag, answer);
        Self::State::default()
    }

    /// A connection that we wanted could not be opened: told in place of [`on_connect`](Self::on_connect), and nothing
    /// follows.
    #[cfg(feature = "client")]
    fn on_failed(&mut self, tag: u64, error: ConnectError) {
        let _ = (tag, error);
    }

    /// A connection that is opened again and again stands somewhere else.
    #[cfg(feature = "client")]
    fn on_link(&mut self, tag: u64, state: LinkState) {
        let _ = (tag, state);
    }

    /// A whole message. It is lent; unless it spans reads, it lies where the kernel wrote it.
    fn on_message(&mut self, peer: &mut Peer<'_, K>, state: &mut Self::State, message: Message<'_>);

    /// A ping, which was answered already.
    fn on_ping(&mut self, peer: &mut Peer<'_, K>, state: &mut Self::State, payload: &[u8]) {
        let _ = (peer, state, payload);
    }

    /// A pong, also one that answers the loop's own ping.
    fn on_pong(&mut self, peer: &mut Peer<'_, K>, state: &mut Self::State, payload: &[u8]) {
        let _ = (peer, state, payload);
    }

    /// The loop's ping was answered, so long after it was sent, in whole milliseconds. Its pong is told next.
    fn on_heartbeat(
        &mut self,
        peer: &mut Peer<'_, K>,
        state: &mut Self::State,
        round_trip: Duration,
    ) {
        let _ = (peer, state, round_trip);
    }

    /// A connection was told so many messages that were said to several, or to it from elsewhere: so many bytes, with their
    /// heads and as they were compressed. What [`Peer::send`] sends is not among them.
    #[inline]
    fn on_told(&mut self, state: &mut Self::State, messages: u64, bytes: usize) {
        let _ = (state, messages, bytes);
    }

    /// All that waited for this peer to read has gone: what was kept back for it may be sent now. Called once for each
    /// time that something had to wait, whoever sent it, and not when the connection is closing. What the peer said
    /// meanwhile is heard before. If this call sends so much that some of it waits again, the next comes when that has
    /// gone.
    fn on_drain(&mut self, peer: &mut Peer<'_, K>, state: &mut Self::State) {
        let _ = (peer, state);
    }

    /// Time has passed: called at the interval of [`Settings::tick`](super::Settings::tick), at most a turn late and so
    /// that lateness does not add up. Ticks that were missed are not made up for. A panic in it ends nothing.
    fn on_tick(&mut self, hub: &mut Hub<'_>) {
        let _ = hub;
    }

    /// A span that was asked for with [`Hub::after`] is over. A panic in it ends nothing.
    fn on_timer(&mut self, hub: &mut Hub<'_>, key: u64) {
        let _ = (hub, key);
    }

    /// Something has happened to the other nodes, or between them and this one; see [`backplane`](crate::backplane). Every
    /// loop of a node is told, but of a gap in a room only those that have members of it: each tells its own, by
    /// [`To::on_loop`](super::To::on_loop). A panic in it ends nothing.
    #[cfg(feature = "backplane")]
    fn on_backplane(&mut self, hub: &mut Hub<'_>, event: &super::BackplaneEvent) {
        let _ = (hub, event);
    }

    /// A turn of the loop is over, in which everybody else waited for so long; short turns are not told apart, as the
    /// clock for it is a cheap one. Not told without a [watchdog](super::Settings::watchdog).
    #[inline]
    fn on_turn(&mut self, hub: &mut Hub<'_>, took: Duration) {
        let _ = (hub, took);
    }

    /// A connection that was opened has ended; called exactly once for it. It is in no room any more, and told nothing: if
    /// the others are to hear of it, the state has to say in which it was.
    fn on_close(
        &mut self,
        hub: &mut Hub<'_>,
        id: ConnectionId,
        state: Self::State,
        closed: &Closed<'_>,
    ) {
        let _ = (hub, id, state, closed);
    }
}

/// How a connection ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Closed<'a> {
    /// The code of the peer's Close frame; 1005 when it had none, 1006 when there was no such frame.
    pub code: u16,
    /// The reason of the peer's Close frame.
    pub reason: &'a str,
    /// Both sides sent a Close frame.
    pub clean: bool,
    /// What the peer did wrong, where that was the cause.
    pub violation: Option<Violation>,
    /// What ended it.
    pub cause: Cause,
}

/// What ended a connection: the first thing that made its end certain.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Cause {
    /// The stream ended without a Close frame.
    #[default]
    Ended,
    /// The stream broke: reset, or unreachable.
    Lost,
    /// TLS failed, or was cut off. By RFC 6455 section 7.4.1 this is 1015, which is never sent.
    Tls,
    /// The peer closed.
    Peer,
    /// We closed: [`Peer::close`].
    Here,
    /// The peer broke the protocol; [`Closed::violation`] says how.
    Violation,
    /// No answer to our ping.
    PingTimeout,
    /// No message for too long.
    Idle,
    /// A message was begun and not completed in time.
    Unfinished,
    /// The peer read too slowly.
    TooSlow,
    /// The peer took nothing for too long.
    WriteStall,
    /// The loop held too much altogether, and this connection most of it.
    Memory,
    /// The loop was stopped.
    Stopped,
    /// Another process has taken over from this one.
    Restarted,
    /// The handler panicked.
    Panic,
}

impl Closed<'_> {
    pub(super) const ABNORMAL: Self = Self {
        code: local::ABNORMAL,
        reason: "",
        clean: false,
        violation: None,
        cause: Cause::Ended,
    };

    /// An end without a Close frame, for this cause.
    pub(crate) const fn abnormal(cause: Cause) -> Self {
        Self {
            cause,
            ..Self::ABNORMAL
        }
    }
}
