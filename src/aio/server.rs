//! The opening handshake as a server: [`Server`], and the request of one client, [`Arrival`].
//!
//! Not here: requests that an HTTP library has read, which are `http`'s.

use super::error::Error;
use super::io::Io;
use super::line::{Alarm, Line};
use super::opening::Opening;
use super::socket::WebSocket;
use super::terms::Terms;
use super::tools::READ;
use crate::proto::Connection;
use crate::proto::handshake::server::{self, Request, RequestParser};
use crate::proto::handshake::{HandshakeError, OriginPolicy, Refusal};
use alloc::string::String;
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::fmt;
use core::future::poll_fn;
use core::task::{Context, Poll, ready};

/// Accepts connections on streams of any kind. One serves all, and cloning it is cheap.
///
/// ```
/// use sockeye::aio::{Server, Tokio};
/// use sockeye::proto::handshake::{OriginPolicy, Refusal};
/// # use tokio::io::{AsyncRead, AsyncWrite};
///
/// # async fn serve(stream: impl AsyncRead + AsyncWrite + Unpin) -> Result<(), sockeye::aio::Error> {
/// let server = Server::new().protocols(["chat"]).origins(OriginPolicy::Any);
/// let arrival = server.greet(Tokio::new(stream)).await?;
/// if arrival.request().header("authorization").is_none() {
///     return Err(arrival.refuse(&Refusal::new(401, "log in first")).await);
/// }
/// let mut socket = arrival.accept().await?;
/// socket.send("welcome").await?;
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug, Default)]
pub struct Server {
    pub(super) terms: Arc<Terms>,
    pub(super) origins: OriginPolicy,
    pub(super) protocols: Vec<String>,
}

impl Server {
    /// With the default terms, for pages of the request's own host, without subprotocols.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Limits, deadlines, compression.
    #[must_use]
    pub fn terms(mut self, terms: impl Into<Arc<Terms>>) -> Self {
        self.terms = terms.into();
        self
    }

    /// Which pages may connect. Default: those of the request's own host.
    #[must_use]
    pub fn origins(mut self, origins: OriginPolicy) -> Self {
        self.origins = origins;
        self
    }

    /// Subprotocols, the preferred one first. Default: none.
    #[must_use]
    pub fn protocols<P: Into<String>>(mut self, protocols: impl IntoIterator<Item = P>) -> Self {
        self.protocols = protocols.into_iter().map(Into::into).collect();
        self
    }

    /// Waits for a good request, and accepts it.
    ///
    /// # Errors
    ///
    /// [`Error::Handshake`] where the request is refused, which its client is told; [`Error::Lost`], [`Error::Io`].
    pub async fn accept<T: Io>(&self, io: T) -> Result<WebSocket<T>, Error> {
        self.greet(io).await?.accept().await
    }

    /// Waits for a good request, for the caller to decide about.
    ///
    /// # Errors
    ///
    /// As for [`accept`](Self::accept).
    pub async fn greet<T: Io>(&self, io: T) -> Result<Arrival<T>, Error> {
        let conn = Connection::server(Arc::clone(&self.terms.config));
        let mut arrival = Arrival {
            line: Line::new(io, conn.tx, Arc::clone(&self.terms)),
            rx: conn.rx,
            terms: Arc::clone(&self.terms),
            received: Vec::new(),
            protocol: None,
        };
        let mut parser = RequestParser::new(self.terms.head);
        arrival
            .line
            .set(Alarm::Handshake, self.terms.handshake_timeout);
        let read = poll_fn(|cx| arrival.poll_head(&mut parser, cx)).await?;
        let read = read.and_then(|()| self.judge(&arrival.request()));
        match read {
            Ok(protocol) => Ok(arrival.with_protocol(protocol)),
            Err(error) => {
                let refusal = Refusal::from(error).head_alone(parser.is_head());
                arrival.refuse(&refusal).await;
                Err(Error::Handshake(error))
            }
        }
    }
}

/// A good request, which waits for an answer. Dropping it cuts the connection off.
pub struct Arrival<T> {
    line: Line<T>,
    rx: crate::proto::Receiver,
    terms: Arc<Terms>,
    received: Vec<u8>,
    protocol: Option<String>,
}

impl<T: Io> Arrival<T> {
    /// The request.
    #[must_use]
    pub fn request(&self) -> Request<'_> {
        match server::parse(&self.received, self.terms.head) {
            Ok(request) => request,
            Err(_) => unreachable!("it was read before"),
        }
    }

    /// The subprotocol that is going to be agreed on.
    #[must_use]
    pub fn protocol(&self) -> Option<&str> {
        self.protocol.as_deref()
    }

    /// Another subprotocol, which has to be one of those that the client has named.
    #[must_use]
    pub fn with_protocol(mut self, protocol: impl Into<Option<String>>) -> Self {
        self.protocol = protocol.into();
        self
    }

    /// Accepts it.
    ///
    /// # Errors
    ///
    /// [`Error::Io`]; [`Error::Misuse`] where the client did not name that subprotocol.
    pub async fn accept(self) -> Result<WebSocket<T>, Error> {
        self.accept_with(&[]).await
    }

    /// Accepts it, with further headers in the answer, such as `Set-Cookie`.
    ///
    /// # Errors
    ///
    /// As for [`accept`](Self::accept), and [`Error::Misuse`] for a header that cannot be written.
    pub async fn accept_with(mut self, headers: &[(&str, &str)]) -> Result<WebSocket<T>, Error> {
        let mut answer = Vec::new();
        let protocol = self.protocol.take();
        let request = self.request();
        let opening = Opening::answer(&self.terms, &request, protocol, headers, &mut answer)
            .map_err(Error::Misuse)?;
        let head_len = request.head_len();
        self.received.drain(..head_len);
        self.line.raw(&answer);
        poll_fn(|cx| self.line.poll_flush_head(cx)).await?;
        self.line.set(Alarm::None, None);
        Ok(opening.open(&self.terms, self.line, self.rx, self.received))
    }

    /// Refuses it, and returns that as an error, once the client has heard.
    pub async fn refuse(mut self, refusal: &Refusal<'_>) -> Error {
        let mut answer = Vec::new();
        if let Err(misuse) = refusal.write(&mut answer) {
            return Error::Misuse(misuse);
        }
        self.line.raw(&answer);
        poll_fn(|cx| self.line.poll_end(cx)).await;
        Error::Refused(refusal.status())
    }

    fn poll_head(
        &mut self,
        parser: &mut RequestParser,
        cx: &mut Context<'_>,
    ) -> Poll<Result<Result<(), HandshakeError>, Error>> {
        loop {
            match parser.parse(&self.received) {
                Ok(Some(_)) => return Poll::Ready(Ok(Ok(()))),
                Ok(None) => {}
                Err(error) => return Poll::Ready(Ok(Err(error))),
            }
            match ready!(poll_more(&mut self.line, &mut self.received, cx)) {
                Ok(()) => {}
                Err(Error::Timeout) => return Poll::Ready(Ok(Err(HandshakeError::Timeout))),
                Err(error) => return Poll::Ready(Err(error)),
            }
        }
    }
}

/// Waits for more of a head.
pub(super) fn poll_more<T: Io>(
    line: &mut Line<T>,
    received: &mut Vec<u8>,
    cx: &mut Context<'_>,
) -> Poll<Result<(), Error>> {
    if received.capacity() == received.len() {
        received.reserve(READ / 4);
    }
    match line.io.poll_read(cx, received) {
        Poll::Ready(Ok(0)) => Poll::Ready(Err(Error::Lost)),
        Poll::Ready(Ok(_)) => Poll::Ready(Ok(())),
        Poll::Ready(Err(error)) => Poll::Ready(Err(Error::Io(error))),
        Poll::Pending => line.poll_handshake(cx),
    }
}

impl<T: fmt::Debug> fmt::Debug for Arrival<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Arrival")
            .field("io", &self.line.io)
            .finish_non_exhaustive()
    }
}
