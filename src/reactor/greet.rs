//! The opening handshake of one session: the request's head to its answer.
//!
//! Not here: what makes a request right; that is [`handshake`](crate::proto::handshake).

use super::Handler;
#[cfg(feature = "client")]
use super::ask::Ask;
use super::call::Call;
use super::rooms::Class;
use super::session::Phase;
use crate::kernel::Kernel;
#[cfg(feature = "client")]
use crate::proto::Role;
use crate::proto::handshake::server::{Request, RequestParser};
use crate::proto::handshake::{Accept, HandshakeError, Refusal};
use alloc::boxed::Box;
use alloc::string::ToString as _;
use alloc::vec::Vec;
use core::mem::take;

/// Where an opening handshake stands.
#[derive(Debug)]
pub(super) enum Opening {
    /// A request came in pieces.
    Request(RequestParser),
    /// Our own request was sent.
    #[cfg(feature = "client")]
    Ask(Ask),
}

impl<H: Handler<K>, K: Kernel> Call<'_, H, K> {
    /// Reads on in the request, and answers it once its head is whole. What follows the head are the first frames
    /// (RFC 6455 section 4.2.2), or after a refusal nothing.
    #[inline(never)]
    pub(super) fn greet(mut self) {
        #[cfg(feature = "client")]
        if self.peer.tx.role() == Role::Client {
            return self.ask();
        }
        let data = take(&mut self.data);
        // Most requests come in one piece, and then nothing is kept of the parser.
        let mut parser = match self.opening.take().map(|opening| *opening) {
            Some(Opening::Request(parser)) => parser,
            _ => RequestParser::new(self.settings.limits.head),
        };
        match parser.parse(data) {
            Ok(None) => *self.opening = Some(Box::new(Opening::Request(parser))),
            Ok(Some(request)) => {
                *self.at = request.head_len();
                self.answer(&request);
            }
            Err(error) => self.refuse(Refusal::from(error)),
        }
    }

    fn answer(&mut self, request: &Request<'_>) {
        let allowed = match self.settings.origins.check(request) {
            _ if self.refusing => Err(HandshakeError::Unavailable.into()),
            Err(error) => Err(error.into()),
            Ok(()) => self.handler.on_request(request),
        };
        if let Err(refusal) = allowed {
            return self.refuse(refusal);
        }
        let policy = self.settings.connection.deflate.as_ref();
        let deflate = policy.and_then(|policy| policy.answer(request.extensions()));
        let extensions = deflate.map(|params| params.to_string());
        let accept = Accept::new(request)
            .protocol(self.settings.protocols.choose(request))
            .extensions(extensions.as_deref());
        let mut head = Vec::new();
        // Nothing was added that could be wrong: the subprotocol and the extension are among those offered.
        if accept.write(&mut head).is_err() {
            return self.refuse(Refusal::from(HandshakeError::Unavailable));
        }
        self.peer.wire.raw(&head);
        self.enter(Phase::Open);
        if let Some(agreed) = deflate.map(|params| params.agreed()) {
            self.rx.set_deflate(agreed.client);
            self.peer.tx.set_deflate(agreed.server);
        }
        self.peer.rooms.enter(self.peer.id, Class::of(self.peer.tx));
        *self.state = Some(self.handler.on_open(&mut self.peer, request));
    }

    pub(super) fn refuse(&mut self, refusal: Refusal<'_>) {
        tracing::debug!(peer = %self.peer.id, ?refusal, "request refused");
        self.peer.wire.raw(&written(refusal));
        self.enter(Phase::Ending);
    }
}

/// A refusal's bytes; one that its author made invalid is replaced.
pub(super) fn written(refusal: Refusal<'_>) -> Vec<u8> {
    let mut answer = Vec::new();
    if let Err(misuse) = refusal.write(&mut answer) {
        tracing::error!(%misuse, "a refusal cannot be written");
        let _ = Refusal::new(500, "the server made a mistake").write(&mut answer);
    }
    answer
}
