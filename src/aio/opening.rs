//! What a request is judged by beyond its own rules, and what becomes of a good one: whoever has read it, and however it
//! is answered. [`Opening`].
//!
//! Not here: reading, and writing to a stream.

use super::incoming::Incoming;
use super::io::Io;
use super::line::Line;
use super::server::Server;
use super::socket::{Agreement, WebSocket};
use super::terms::Terms;
use crate::proto::Receiver;
use crate::proto::deflate::Params;
use crate::proto::handshake::server::Request;
use crate::proto::handshake::{Accept, HandshakeError, Misuse};
use alloc::string::{String, ToString};
use alloc::vec::Vec;

impl Server {
    /// Whether this page may connect, and the subprotocol to agree on.
    pub(super) fn judge(&self, request: &Request<'_>) -> Result<Option<String>, HandshakeError> {
        self.origins.check(request)?;
        let ours = self.protocols.iter().map(String::as_str);
        Ok(request.choose_protocol(ours).map(ToString::to_string))
    }
}

/// What was answered to a good request.
pub(super) struct Opening {
    pub(super) protocol: Option<String>,
    pub(super) deflate: Option<Params>,
}

impl Opening {
    /// Appends the 101 to `out`.
    pub(super) fn answer(
        terms: &Terms,
        request: &Request<'_>,
        protocol: Option<String>,
        headers: &[(&str, &str)],
        out: &mut Vec<u8>,
    ) -> Result<Self, Misuse> {
        let policy = terms.config.deflate.as_ref();
        let deflate = policy.and_then(|policy| policy.answer(request.extensions()));
        let extensions = deflate.map(|params| params.to_string());
        Accept::new(request)
            .protocol(protocol.as_deref())
            .extensions(extensions.as_deref())
            .headers(headers)
            .write(out)?;
        Ok(Self { protocol, deflate })
    }

    /// The connection, whose peer has that answer. `received` followed the request.
    pub(super) fn open<T: Io>(
        self,
        terms: &Terms,
        mut line: Line<T>,
        mut rx: Receiver,
        received: Vec<u8>,
    ) -> WebSocket<T> {
        if let (Some(params), Some(policy)) = (self.deflate, &terms.config.deflate) {
            let agreed = params.agreed();
            rx.set_deflate(agreed.client);
            line.set_deflate(agreed.server, policy.clone());
        }
        let agreed = Agreement {
            protocol: self.protocol,
            is_compressed: self.deflate.is_some(),
        };
        WebSocket::new(Incoming::new(rx, received), line, agreed)
    }
}
