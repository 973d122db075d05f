//! An extractor for axum: [`WebSocketUpgrade`].
//!
//! Not here: routes.

use super::super::server::Server;
use super::super::terms::Terms;
use super::Socket;
use super::answer::Refused;
use super::head::{Asked, Head};
use crate::proto::handshake::OriginPolicy;
use alloc::string::String;
use alloc::sync::Arc;
use axum_core::extract::FromRequestParts;
use axum_core::response::{IntoResponse, Response};
use core::fmt;
use core::future::Future;
use http::request::Parts;
use hyper::upgrade::OnUpgrade;

/// A request that asks for a WebSocket, as the argument of a handler. All others are refused before that is called.
///
/// ```
/// use axum::{Router, response::Response, routing::any};
/// use sockeye::aio::http::WebSocketUpgrade;
///
/// async fn chat(upgrade: WebSocketUpgrade) -> Response {
///     upgrade.protocols(["chat"]).on_upgrade(async |mut socket| {
///         let _ = socket.send("welcome").await;
///     })
/// }
///
/// let router: Router = Router::new().route("/ws", any(chat));
/// # let _ = router;
/// ```
///
/// Requests over HTTP/2 have another method: use [`any`], not `get`.
///
/// A [`Server`] among the request's extensions, where axum's `Extension` layer puts it, says what holds where the handler
/// does not.
///
/// [`any`]: https://docs.rs/axum/0.8/axum/routing/fn.any.html
#[must_use = "nothing is answered without `on_upgrade`"]
pub struct WebSocketUpgrade {
    head: Head,
    on_upgrade: OnUpgrade,
    server: Server,
}

impl WebSocketUpgrade {
    /// Limits, deadlines, compression.
    pub fn terms(mut self, terms: impl Into<Arc<Terms>>) -> Self {
        self.server = self.server.terms(terms);
        self
    }

    /// Which pages may connect. Default: those of the request's own host.
    pub fn origins(mut self, origins: OriginPolicy) -> Self {
        self.server = self.server.origins(origins);
        self
    }

    /// Subprotocols, the preferred one first. Default: none.
    pub fn protocols<P: Into<String>>(mut self, protocols: impl IntoIterator<Item = P>) -> Self {
        self.server = self.server.protocols(protocols);
        self
    }

    /// Answers, and runs this for the connection, in a task of its own. A page that may not connect is refused: then it is
    /// never called, and neither is it where the client goes away before.
    pub fn on_upgrade<F, Ended>(self, run: F) -> Response
    where
        F: FnOnce(Socket) -> Ended + Send + 'static,
        Ended: Future<Output = ()> + Send + 'static,
    {
        match self.server.answer(&self.head, Some(self.on_upgrade)) {
            Ok((response, upgrade)) => {
                upgrade.spawn(run);
                response.into_response()
            }
            Err(refused) => refused.into_response(),
        }
    }
}

impl<S: Sync> FromRequestParts<S> for WebSocketUpgrade {
    type Rejection = Refused;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Refused> {
        let head = Head::of(&Asked {
            method: &parts.method,
            uri: &parts.uri,
            version: parts.version,
            headers: &parts.headers,
            extensions: &parts.extensions,
        })?;
        let server = parts.extensions.get::<Server>().cloned();
        let server = server.unwrap_or_default();
        // Which pages may come, the handler has still to say.
        let judged = head.request(server.terms.head).map(drop);
        judged.map_err(|error| Refused::because(error, head.over))?;
        let on_upgrade = parts.extensions.remove();
        let on_upgrade = on_upgrade.ok_or_else(|| Refused::not_upgradable(head.over))?;
        Ok(Self {
            head,
            on_upgrade,
            server,
        })
    }
}

impl IntoResponse for Refused {
    fn into_response(self) -> Response {
        http::Response::<String>::from(self).into_response()
    }
}

impl fmt::Debug for WebSocketUpgrade {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("WebSocketUpgrade")
            .field("server", &self.server)
            .finish_non_exhaustive()
    }
}
