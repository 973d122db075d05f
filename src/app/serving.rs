//! An application at work: [`Workers`], and those that run, [`Serving`].
//!
//! Not here: what it is made of, which is `app`; what each worker does, which is `router`.

use super::Voice;
use super::router::Router;
use super::site::Site;
use crate::server::{Builder, Handle, Listener, Server, Stopper};
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::fmt;
use core::net::SocketAddr;
use std::{io, thread};

/// A server that can be started, on any number of threads.
///
/// ```
/// use sockeye::app::{App, Echo};
/// use sockeye::server::Listener;
///
/// # fn main() -> std::io::Result<()> {
/// let workers = App::new().route("SOCKET /echo", |_| Echo).build()?;
///
/// // Two of them, on threads that are ours.
/// let place = "127.0.0.1:0".parse().expect("a place");
/// let servers = Listener::bind_for(&place, 2)?
///     .into_iter()
///     .map(|listener| workers.serve(vec![listener]))
///     .collect::<Result<Vec<_>, _>>()?;
/// let handle = servers[0].handle(); // speaks to all of them
/// let threads: Vec<_> = servers
///     .into_iter()
///     .map(|mut server| std::thread::spawn(move || server.run()))
///     .collect();
/// handle.shutdown().expect("they run");
/// for thread in threads {
///     thread.join().unwrap()?;
/// }
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct Workers {
    builder: Builder,
    site: Arc<Site>,
}

impl Workers {
    pub(super) const fn new(builder: Builder, site: Arc<Site>) -> Self {
        Self { builder, site }
    }

    /// A worker, on these sockets.
    ///
    /// # Errors
    ///
    /// As for [`Builder::serve`](crate::server::Builder::serve).
    pub fn serve(&self, listeners: Vec<Listener>) -> io::Result<Server<Router>> {
        let server = self.builder.clone().serve(listeners, self.router())?;
        // They all have the same.
        let _ = self.site.shared.handle.set(server.handle());
        if let Some(monitor) = &self.site.shared.monitor {
            monitor.set_handle(server.handle());
        }
        #[cfg(feature = "backplane")]
        {
            self.site.shared.nodes.start(server.exchange())?;
            if let Some(node) = self.site.shared.nodes.node() {
                self.site.shared.registry.node(node);
            }
        }
        Ok(server)
    }

    /// The node that this is, once the first worker serves, if it is one.
    #[cfg(feature = "backplane")]
    #[must_use]
    pub fn node(&self) -> Option<&crate::backplane::Node> {
        self.site.shared.nodes.node()
    }

    /// The handler of one more worker, for whoever drives a loop by hand. Tickets need a server's handle, and are not for
    /// such a loop.
    #[must_use]
    pub fn router(&self) -> Router {
        Router::new(Arc::clone(&self.site))
    }

    /// What servers are told.
    #[must_use]
    pub const fn builder(&self) -> &Builder {
        &self.builder
    }

    /// What is served.
    pub(super) fn into_site(self) -> Arc<Site> {
        self.site
    }
}

impl fmt::Debug for Workers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Workers").finish_non_exhaustive()
    }
}

/// A server that listens.
///
/// ```
/// use sockeye::app::{App, Audience, Echo};
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let serving = App::new().route("SOCKET /echo", |_| Echo).workers(2).bind("127.0.0.1:0")?;
/// println!("listening on ws://{}/echo", serving.local_addr());
/// let (voice, handle) = (serving.voice("/echo"), serving.handle());
/// std::thread::spawn(move || {
///     let _ = voice.publish(Audience::all(), "good night");
///     handle.shutdown()
/// });
/// serving.run()?;
/// # Ok(())
/// # }
/// ```
pub struct Serving {
    servers: Vec<Server<Router>>,
    site: Arc<Site>,
}

impl fmt::Debug for Serving {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Serving")
            .field("servers", &self.servers)
            .finish_non_exhaustive()
    }
}

impl Serving {
    pub(super) const fn new(servers: Vec<Server<Router>>, site: Arc<Site>) -> Self {
        Self { servers, site }
    }

    /// The address where it listens; see [`Server::local_addr`].
    ///
    /// # Panics
    ///
    /// As there.
    #[must_use]
    pub fn local_addr(&self) -> SocketAddr {
        self.first().local_addr()
    }

    /// What speaks to it from any thread. It knows no paths, and names rooms as the server does: to speak to those at a path
    /// there is [`voice`](Self::voice).
    #[must_use]
    pub fn handle(&self) -> Handle {
        self.first().handle()
    }

    /// What speaks to those at a path from any thread. The path is that of [`Scope::path`](super::Scope::path): a route
    /// whose path ends in `/` has that one name for both forms.
    #[must_use]
    pub fn voice(&self, path: &str) -> Voice {
        let route = self.site.find(path);
        let route = route.map(|(route, _)| &self.site.definitions[route].route);
        Voice::new(self.handle(), path, route.and_then(|route| route.history))
    }

    /// The node that this is, if it is one.
    #[cfg(feature = "backplane")]
    #[must_use]
    pub fn node(&self) -> Option<&crate::backplane::Node> {
        self.site.shared.nodes.node()
    }

    /// What stops each of its workers.
    #[must_use]
    pub fn stoppers(&self) -> Vec<Stopper> {
        self.servers.iter().map(Server::stopper).collect()
    }

    fn first(&self) -> &Server<Router> {
        self.servers.first().expect("there is at least one worker")
    }

    /// Serves until it is asked to stop and its connections have ended. The first worker runs on this thread.
    ///
    /// # Errors
    ///
    /// When the operating system makes waiting impossible, or a thread.
    pub fn run(self) -> io::Result<()> {
        let stoppers = self.stoppers();
        let stop_all = || stoppers.iter().for_each(|one| drop(one.stop()));
        let mut servers = self.servers.into_iter();
        let first = servers.next();
        thread::scope(|scope| {
            let threads: Vec<_> = servers
                .map(|mut server| thread::Builder::new().spawn_scoped(scope, move || server.run()))
                .collect::<io::Result<_>>()
                .inspect_err(|_| stop_all())?;
            let result = first.map_or(Ok(()), |mut server| server.run());
            if result.is_err() {
                // Half a server is worse than none.
                stop_all();
            }
            threads.into_iter().fold(result, |result, thread| {
                let ended = thread.join();
                let ended = ended.unwrap_or_else(|_| Err(io::Error::other("a worker panicked")));
                result.and(ended)
            })
        })
    }
}
