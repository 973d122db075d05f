//! The opening handshake of one session: the request's head to its answer.
//!
//! Not here: what makes a request right; that is [`handshake`](crate::proto::handshake).

#[cfg(feature = "client")]
use super::ask::Ask;
use super::call::Call;
use super::rooms::Class;
use super::session::Phase;
use super::verdict::pairs;
use super::{Admission, Arrival, Handler, Rejection, Verdict};
use crate::kernel::Kernel;
#[cfg(feature = "client")]
use crate::proto::Role;
use crate::proto::handshake::server::{Asked, PageRequest, Request, RequestParser};
use crate::proto::handshake::{Accept, HandshakeError};
use alloc::boxed::Box;
use alloc::string::ToString as _;
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::mem::take;

/// Where an opening handshake stands.
#[derive(Debug)]
pub(super) enum Opening {
    /// A request came in pieces.
    Request(RequestParser),
    /// What becomes of a request that was not answered at once.
    Judged(Verdict),
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
        let (mut parser, judged) = match self.opening.take().map(|opening| *opening) {
            Some(Opening::Request(parser)) => (parser, None),
            Some(Opening::Judged(verdict)) => (self.parser(), Some(verdict)),
            _ => (self.parser(), None),
        };
        let asked = if self.peer.tools.settings.pages {
            parser.parse_any(data)
        } else {
            let request = parser.parse(data);
            request.map(|request| request.map(Asked::Upgrade))
        };
        match asked {
            Ok(None) => *self.opening = Some(Box::new(Opening::Request(parser))),
            Ok(Some(Asked::Upgrade(request))) => self.judge(&request, judged),
            Ok(Some(Asked::Page(request))) => self.show(&request),
            Err(error) => {
                let is_head = self.peer.tools.settings.pages && parser.is_head();
                self.refuse(&Rejection::from(error).head_alone(is_head));
            }
        }
    }

    fn parser(&self) -> RequestParser {
        RequestParser::new(self.peer.tools.settings.limits.head)
    }

    /// Carries out what has been decided about a request, or has it decided.
    fn judge(&mut self, request: &Request<'_>, judged: Option<Verdict>) {
        let verdict = match judged {
            _ if self.refusing => HandshakeError::Unavailable.into(),
            Some(verdict) => verdict,
            None => self.ask_handler(request),
        };
        match verdict {
            // The head stays where it is, to be read again with the verdict.
            Verdict::Later => *self.peer.held = true,
            Verdict::Refuse(rejection) => {
                *self.at = request.head_len();
                self.refuse(&rejection);
            }
            Verdict::Accept(admission) => {
                *self.at = request.head_len();
                self.accept(request, &admission);
            }
        }
    }

    /// Answers a request for a page, which ends the connection as a refusal does.
    fn show(&mut self, request: &PageRequest<'_>) {
        *self.at = request.head_len();
        let is_head = request.is_head();
        if self.refusing {
            let rejection = Rejection::from(HandshakeError::Unavailable);
            return self.refuse(&rejection.head_alone(is_head));
        }
        let peer = &mut self.peer;
        let Some(response) = self.handler.on_page(&mut Arrival { peer }, request) else {
            let error = if is_head {
                HandshakeError::Method
            } else {
                HandshakeError::Upgrade
            };
            return self.refuse(&Rejection::from(error).head_alone(is_head));
        };
        let mut answer = Vec::new();
        if let Err(misuse) = response.write(request, &mut answer) {
            tracing::error!(%misuse, "a page cannot be written");
            return self.refuse(&mistake().head_alone(is_head));
        }
        self.peer.wire().raw(&answer);
        self.enter(Phase::Ending);
    }

    fn ask_handler(&mut self, request: &Request<'_>) -> Verdict {
        if let Err(error) = self.peer.tools.settings.origins.check(request) {
            return error.into();
        }
        let peer = &mut self.peer;
        self.handler.on_request(&mut Arrival { peer }, request)
    }

    fn accept(&mut self, request: &Request<'_>, admission: &Admission) {
        let connection = self.peer.tools.settings.connection_of(admission.profile);
        if let Some(config) = connection {
            self.rx.set_config(Arc::clone(config));
        }
        let policy = connection.unwrap_or(&self.peer.tools.settings.connection);
        let policy = policy.deflate.as_ref();
        let deflate = policy.and_then(|policy| policy.answer(request.extensions()));
        let extensions = deflate.map(|params| params.to_string());
        let protocol = match &admission.protocol {
            Some(protocol) => protocol.as_deref(),
            None => self.peer.tools.settings.protocols.choose(request),
        };
        let headers = pairs(&admission.headers);
        let accept = Accept::new(request)
            .protocol(protocol)
            .extensions(extensions.as_deref())
            .headers(&headers);
        // As much as most take, so that it need not grow.
        let mut head = Vec::with_capacity(256);
        if let Err(misuse) = accept.write(&mut head) {
            tracing::error!(%misuse, "a request cannot be accepted as it was decided");
            return self.refuse(&mistake());
        }
        self.peer.wire().raw(&head);
        self.enter(Phase::Open);
        if let Some(agreed) = deflate.map(|params| params.agreed()) {
            self.rx.set_deflate(agreed.client);
            self.peer.tx.set_deflate(agreed.server);
        }
        self.peer
            .tools
            .rooms
            .enter(self.peer.id, Class::of(self.peer.tx));
        self.peer.tools.orders.note = admission.note.clone();
        *self.state = Some(self.handler.on_open(&mut self.peer, request));
        self.peer.tools.orders.note = None;
    }

    pub(super) fn refuse(&mut self, rejection: &Rejection) {
        let status = rejection.status();
        tracing::debug!(peer = %self.peer.id, status, "request refused");
        self.peer.wire().raw(&written(rejection));
        self.enter(Phase::Ending);
        self.handler.on_refused(self.peer.id, status);
    }
}

/// A refusal's bytes; one that its author made invalid is replaced.
pub(super) fn written(rejection: &Rejection) -> Vec<u8> {
    let mut answer = Vec::new();
    if let Err(misuse) = rejection.with(|refusal| refusal.write(&mut answer)) {
        tracing::error!(%misuse, "a refusal cannot be written");
        let _ = mistake().with(|refusal| refusal.write(&mut answer));
    }
    answer
}

/// What is answered where it is we who are wrong.
pub(super) fn mistake() -> Rejection {
    Rejection::new(500, "the server made a mistake")
}
