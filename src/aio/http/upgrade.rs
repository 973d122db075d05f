//! A request of hyper's, accepted: [`Server::upgrade`], and [`Upgrade`].
//!
//! Not here: how it is judged and answered.

use super::super::error::Error;
use super::super::line::Line;
use super::super::opening::Opening;
use super::super::server::Server;
use super::super::terms::Terms;
use super::super::{Tokio, WebSocket};
use super::Socket;
use super::answer::{self, Refused};
use super::head::{Asked, Head};
use crate::proto::Connection;
use alloc::string::String;
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::fmt;
use core::future::Future;
use core::pin::Pin;
use core::task::{Context, Poll, ready};
use http::{Request, Response};
use hyper::upgrade::{OnUpgrade, Upgraded};
use hyper_util::rt::TokioIo;
use std::io;

impl Server {
    /// Judges a request that hyper has read, as [`accept`](Self::accept) does one that it reads itself. Answer with that
    /// response, to which headers may be added; then the [`Upgrade`] becomes a connection, in a task of its own.
    ///
    /// The response has no body, and a refusal a short one: `String` is a body as hyper wants it, and `map` makes any
    /// other of it.
    ///
    /// # Errors
    ///
    /// [`Refused`], which is a response too.
    ///
    /// ```
    /// use hyper::Request;
    /// use sockeye::aio::Server;
    /// # use hyper::body::Incoming;
    ///
    /// # async fn serve(mut request: Request<Incoming>) -> Result<hyper::Response<String>, sockeye::aio::http::Refused> {
    /// let server = Server::new().protocols(["chat"]);
    /// let (mut response, upgrade) = server.upgrade(&mut request)?;
    /// response.headers_mut().insert("x-room", "lobby".parse().unwrap());
    /// tokio::spawn(async move { upgrade.await?.send("welcome").await });
    /// # Ok(response)
    /// # }
    /// ```
    pub fn upgrade<B>(
        &self,
        request: &mut Request<B>,
    ) -> Result<(Response<String>, Upgrade), Refused> {
        let head = Head::of(&Asked {
            method: request.method(),
            uri: request.uri(),
            version: request.version(),
            headers: request.headers(),
            extensions: request.extensions(),
        })?;
        let on_upgrade = request.extensions_mut().remove();
        self.answer(&head, on_upgrade)
    }

    /// The same in one: the response to a request, and this is run for the connection, in a task of its own. It is not
    /// called where the request is refused, or where the client goes away before.
    ///
    /// ```
    /// # use hyper::{Request, Response, body::Incoming};
    /// # use sockeye::aio::Server;
    /// fn serve(mut request: Request<Incoming>) -> Response<String> {
    ///     Server::new().on_upgrade(&mut request, async |mut socket| {
    ///         let _ = socket.send("welcome").await;
    ///     })
    /// }
    /// ```
    ///
    /// # Panics
    ///
    /// Outside of a runtime of tokio's.
    pub fn on_upgrade<B, F, Ended>(&self, request: &mut Request<B>, run: F) -> Response<String>
    where
        F: FnOnce(Socket) -> Ended + Send + 'static,
        Ended: Future<Output = ()> + Send + 'static,
    {
        match self.upgrade(request) {
            Ok((response, upgrade)) => {
                upgrade.spawn(run);
                response
            }
            Err(refused) => refused.into(),
        }
    }

    pub(super) fn answer(
        &self,
        head: &Head,
        on_upgrade: Option<OnUpgrade>,
    ) -> Result<(Response<String>, Upgrade), Refused> {
        let because = |error| Refused::because(error, head.over);
        let request = head.request(self.terms.head).map_err(because)?;
        let protocol = self.judge(&request).map_err(because)?;
        let on_upgrade = on_upgrade.ok_or_else(|| Refused::not_upgradable(head.over))?;
        let mut bytes = Vec::new();
        // What is answered was offered, so it can be written.
        let opening = Opening::answer(&self.terms, &request, protocol, &[], &mut bytes)
            .map_err(|_| Refused::not_upgradable(head.over))?;
        let upgrade = Upgrade {
            on_upgrade,
            terms: Arc::clone(&self.terms),
            opening: Some(opening),
        };
        Ok((answer::response(&bytes, head.over), upgrade))
    }
}

/// A connection, as soon as hyper has written the response. From [`Server::upgrade`].
///
/// Where another response is given after all, drop this.
///
/// # Errors
///
/// [`Error::Io`] where it does not come to that: the client has gone, or the connection was not served with upgrades.
#[must_use = "the connection ends when this is dropped"]
pub struct Upgrade {
    on_upgrade: OnUpgrade,
    terms: Arc<Terms>,
    opening: Option<Opening>,
}

impl Upgrade {
    /// The subprotocol that was agreed on.
    #[must_use]
    pub fn protocol(&self) -> Option<&str> {
        self.opening.as_ref()?.protocol.as_deref()
    }

    /// In a task of its own, as nothing is received before the response is written.
    pub(super) fn spawn<F: Future<Output = ()> + Send + 'static>(
        self,
        run: impl FnOnce(Socket) -> F + Send + 'static,
    ) {
        tokio::spawn(async move {
            // Why it did not come to it, hyper tells whoever serves the connection.
            if let Ok(socket) = self.await {
                run(socket).await;
            }
        });
    }

    fn open(&mut self, upgraded: Upgraded) -> Result<Socket, Error> {
        let opening = self.opening.take().ok_or(Error::Lost)?;
        let conn = Connection::server(Arc::clone(&self.terms.config));
        let io = Tokio::new(TokioIo::new(upgraded));
        let line = Line::new(io, conn.tx, Arc::clone(&self.terms));
        // What followed the request, hyper gives back before anything else.
        let socket: WebSocket<_> = opening.open(&self.terms, line, conn.rx, Vec::new());
        Ok(socket)
    }
}

impl Future for Upgrade {
    type Output = Result<Socket, Error>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let upgraded = ready!(Pin::new(&mut self.on_upgrade).poll(cx));
        Poll::Ready(match upgraded {
            Ok(upgraded) => self.open(upgraded),
            Err(error) => Err(Error::Io(io::Error::other(error))),
        })
    }
}

impl fmt::Debug for Upgrade {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Upgrade")
            .field("protocol", &self.protocol())
            .finish_non_exhaustive()
    }
}
