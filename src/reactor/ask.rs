//! The opening handshake of a connection that the loop opens: the server's answer, judged.
//!
//! Not here: what makes an answer right; that is [`handshake`](crate::proto::handshake) and
//! [`Connector`](crate::client::Connector).

use super::Handler;
use super::call::Call;
use super::dial::Order;
use super::facts::Fact;
use super::greet::Opening;
use super::session::Phase;
use super::wire::Fate;
use crate::client::body::Body;
use crate::client::redirect::follow;
use crate::client::resume::Resume;
use crate::client::{Agreement, ConnectError, Refused, Stage};
use crate::kernel::Kernel;
use crate::proto::handshake::client::{Response, ResponseParser};
use crate::proto::handshake::{HeadLimits, Headers};
#[cfg(feature = "tls")]
use crate::tls::TlsError;
use alloc::boxed::Box;
use core::mem::take;
use std::io;

/// A request that was sent.
#[derive(Debug)]
pub(super) struct Ask {
    pub(super) order: Order,
    nonce: [u8; 16],
    parser: ResponseParser,
    /// An answer other than 101, whose body is on its way.
    refused: Option<Box<Pending>>,
    /// Why there is no connection, where that is known.
    pub(super) error: Option<ConnectError>,
    /// Where to go instead.
    redirected: Option<Order>,
}

/// A refusal that is not whole.
#[derive(Debug)]
struct Pending {
    refused: Box<Refused>,
    body: Body,
    /// Where that begins.
    at: usize,
}

impl Pending {
    /// Reads on in its body, and says whether it is whole.
    fn read(&mut self, received: &[u8]) -> bool {
        self.body.read(received.get(self.at..).unwrap_or_default())
    }

    fn into_error(mut self) -> ConnectError {
        self.refused.body = self.body.into_kept();
        ConnectError::Refused(self.refused)
    }
}

/// A server's answer, lent to a handler.
#[derive(Clone, Copy, Debug)]
pub struct Answer<'a> {
    pub(super) response: &'a Response<'a>,
    pub(super) protocol: Option<&'a str>,
    pub(super) compressed: bool,
}

impl<'a> Answer<'a> {
    /// The subprotocol in use.
    #[must_use]
    pub const fn protocol(&self) -> Option<&'a str> {
        self.protocol
    }

    /// Whether permessage-deflate is in use.
    #[must_use]
    pub const fn is_compressed(&self) -> bool {
        self.compressed
    }

    /// All fields of the answer, `Set-Cookie` among them.
    #[must_use]
    pub const fn headers(&self) -> &'a Headers<'a> {
        self.response.headers()
    }
}

impl Ask {
    pub(super) const fn new(order: Order, nonce: [u8; 16]) -> Self {
        Self {
            order,
            nonce,
            parser: ResponseParser::new(HeadLimits::DEFAULT),
            refused: None,
            error: None,
            redirected: None,
        }
    }

    /// Whether the answer is there, and is no 101.
    pub(super) const fn is_refused(&self) -> bool {
        self.refused.is_some()
    }

    /// TLS has failed, if it has. An answer that was there already says more.
    #[cfg(feature = "tls")]
    pub(super) fn broken(&mut self, error: Option<TlsError>) {
        if let (None, None, Some(error)) = (&self.error, &self.refused, error) {
            self.error = Some(ConnectError::Tls(error));
        }
    }

    /// The session is gone before it was open: where to go instead, or why there is no connection.
    pub(super) fn outcome(
        mut self,
        received: &[u8],
        in_tls: bool,
    ) -> Result<Order, (Order, ConnectError)> {
        if let Some(order) = self.redirected {
            return Ok(order);
        }
        if let (None, Some(mut pending)) = (&self.error, self.refused.take()) {
            pending.read(received);
            self.error = Some(pending.into_error());
        }
        let stage = if in_tls { Stage::Tls } else { Stage::Handshake };
        let error = self.error.unwrap_or(ConnectError::Ended(stage));
        Err((self.order, error))
    }

    /// Reads on in the answer. What was agreed on, once it is whole and right.
    fn read<'a>(
        &mut self,
        received: &'a [u8],
    ) -> Result<Option<(Response<'a>, Agreement)>, ConnectError> {
        if let Some(mut pending) = self.refused.take() {
            if pending.read(received) {
                return Err(pending.into_error());
            }
            self.refused = Some(pending);
            return Ok(None);
        }
        let Some(response) = self.parser.parse(received)? else {
            return Ok(None);
        };
        match self.order.connector.verify(self.nonce, &response) {
            Ok(agreement) => Ok(Some((response, agreement))),
            Err(ConnectError::Refused(refused)) => {
                let Order {
                    connector,
                    followed,
                    ..
                } = &self.order;
                if let Some(connector) = follow(connector, *followed, &response)? {
                    self.redirected = Some(Order {
                        connector,
                        followed: followed + 1,
                        ..self.order.clone()
                    });
                    return Err(ConnectError::Refused(refused));
                }
                self.refused = Some(Box::new(Pending {
                    body: Body::new(&refused),
                    refused,
                    at: response.head_len(),
                }));
                self.read(received)
            }
            Err(error) => Err(error),
        }
    }
}

impl<H: Handler<K>, K: Kernel> Call<'_, H, K> {
    /// Reads on in the answer to our request, and opens the connection once it is whole and right. What follows its head
    /// are the first frames.
    #[inline(never)]
    pub(super) fn ask(mut self) {
        let data = take(&mut self.data);
        let Some(mut opening) = self.opening.take() else {
            return;
        };
        let Opening::Ask(ask) = &mut *opening else {
            return;
        };
        match ask.read(data) {
            Ok(None) => *self.opening = Some(opening),
            Ok(Some((response, agreement))) => {
                *self.at = response.head_len();
                let tag = ask.order.tag;
                if ask.order.connector.reconnect_policy().is_some() {
                    self.peer.tools.opened = Some(tag);
                    if *ask.order.connector.own_resume() != Resume::Never {
                        self.flags.facts.add(Fact::Resumes);
                    }
                }
                self.open(tag, &response, &agreement);
            }
            Err(error) => {
                ask.error = Some(error);
                *self.opening = Some(opening);
                self.peer.tools.fate = Fate::Broken(io::ErrorKind::ConnectionRefused.into());
            }
        }
    }

    fn open(&mut self, tag: u64, response: &Response<'_>, agreement: &Agreement) {
        self.enter(Phase::Open);
        if let Some(agreed) = agreement.deflate {
            self.rx.set_deflate(agreed.server);
            self.peer.tx.set_deflate(agreed.client);
        }
        let answer = Answer {
            response,
            protocol: agreement.protocol.as_deref(),
            compressed: agreement.deflate.is_some(),
        };
        *self.state = Some(self.handler.on_connect(&mut self.peer, tag, &answer));
    }
}
