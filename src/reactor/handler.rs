//! What an application does with its connections: [`Handler`], and what it is told at their end.
//!
//! Not here: what it does them with; that is `peer`.

use super::mio::Mio;
use super::{ConnectionId, Message, Peer};
use crate::kernel::Kernel;
use crate::proto::handshake::Refusal;
use crate::proto::handshake::server::Request;
use crate::proto::{Violation, local};

/// What an application does with its connections.
///
/// Nothing is called while another call runs, and a panic costs only the connection that it happened on (1011).
pub trait Handler<K: Kernel = Mio> {
    /// What is kept for each connection.
    type State: Default;

    /// A request has come that is right by RFC 6455, from an origin that is allowed. Refuse it, with the status that
    /// says why, or let it become a connection.
    ///
    /// # Errors
    ///
    /// What the client is answered instead of 101.
    fn on_request(&mut self, request: &Request<'_>) -> Result<(), Refusal<'static>> {
        let _ = request;
        Ok(())
    }

    /// A connection is open: its request was answered with 101.
    fn on_open(&mut self, peer: &mut Peer<'_, K>, request: &Request<'_>) -> Self::State {
        let _ = (peer, request);
        Self::State::default()
    }

    /// A whole message. It is lent; unless it spans reads, it lies where the kernel wrote it.
    fn on_message(&mut self, peer: &mut Peer<'_, K>, state: &mut Self::State, message: Message<'_>);

    /// A connection that was opened has ended; called exactly once for it.
    fn on_close(&mut self, id: ConnectionId, state: Self::State, closed: &Closed<'_>) {
        let _ = (id, state, closed);
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
}

impl Closed<'_> {
    pub(super) const ABNORMAL: Self = Self {
        code: local::ABNORMAL,
        reason: "",
        clean: false,
        violation: None,
    };
}
