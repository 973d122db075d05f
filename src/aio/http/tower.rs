//! A service for tower: [`UpgradeService`].
//!
//! Not here: layers, and requests that ask for anything else.

use super::super::server::Server;
use super::Socket;
use alloc::string::String;
use core::convert::Infallible;
use core::fmt;
use core::future::{Future, Ready, ready};
use core::task::{Context, Poll};
use http::{Request, Response};
use tower_service::Service;

/// A service that upgrades every good request, refuses all others, and runs an async function for each connection, in a
/// task of its own. That is given the request too.
///
/// ```
/// use sockeye::aio::Server;
/// use sockeye::aio::http::UpgradeService;
///
/// let service = UpgradeService::new(Server::new(), async |mut socket, request| {
///     let _ = socket.send(request.uri().path()).await;
/// });
/// let router: axum::Router = axum::Router::new().route_service("/ws", service);
/// # let _ = router;
/// ```
#[derive(Clone)]
pub struct UpgradeService<F> {
    server: Server,
    run: F,
}

impl<F> UpgradeService<F> {
    /// By this server's terms.
    pub const fn new<Ended>(server: Server, run: F) -> Self
    where
        F: Fn(Socket, Request<()>) -> Ended,
        Ended: Future<Output = ()> + Send + 'static,
    {
        Self { server, run }
    }
}

impl<B, F, Ended> Service<Request<B>> for UpgradeService<F>
where
    F: Fn(Socket, Request<()>) -> Ended + Clone + Send + 'static,
    Ended: Future<Output = ()> + Send + 'static,
{
    type Response = Response<String>;
    type Error = Infallible;
    type Future = Ready<Result<Self::Response, Infallible>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, mut request: Request<B>) -> Self::Future {
        ready(Ok(match self.server.upgrade(&mut request) {
            Ok((response, upgrade)) => {
                let (run, request) = (self.run.clone(), request.map(drop));
                upgrade.spawn(move |socket| run(socket, request));
                response
            }
            Err(refused) => refused.into(),
        }))
    }
}

impl<F> fmt::Debug for UpgradeService<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("UpgradeService")
            .field("server", &self.server)
            .finish_non_exhaustive()
    }
}
