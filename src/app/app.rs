//! Writing a server down, and starting it: [`App`].
//!
//! Not here: what becomes of it; each worker has a `router`.

use super::gate::{IntoGate, IntoRoute};
use super::home::Shared;
use super::limits::{AddressLimits, Addresses};
use super::metrics::Registry;
use super::page::{Folder, Page};
use super::place::Hosted;
use super::request::Params;
use super::serving::{Serving, Workers};
use super::site::{AnyAdmit, Definition, Make, Show, Site};
use super::terms::{history_of, keyed, limits_of, timeouts_of};
use super::watch::Monitor;
use super::{Access, Decision, Gate, Route, RouteTable, Service, Upgrade};
use crate::proto::deflate::Policy;
use crate::proto::handshake::server::PageRequest;
use crate::proto::handshake::{OriginPolicy, Response};
use crate::server::{
    Builder, Exchange, Limits, Listen, Listener, RoomSettings, Timeouts, TrustedProxy,
};
use alloc::boxed::Box;
use alloc::format;
use alloc::string::String;
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::any::Any;
use core::fmt;
use core::mem::take;
use core::sync::atomic::AtomicUsize;
use core::time::Duration;
use std::collections::HashMap;
use std::io;

/// The longest path at which there is a service, in bytes: it is a part of its rooms' names. A longer one is 404.
pub const MAX_PATH: usize = 1024;

/// A turn that takes longer keeps others waiting for longer than anybody would think is the network.
const SLOW: Duration = Duration::from_millis(50);

/// A server to be: routes with their services, pages, limits.
///
/// ```no_run
/// use sockeye::app::{App, Conn, Page, Service};
/// use sockeye::server::Message;
///
/// struct Chat;
///
/// impl Service for Chat {
///     type User = ();
///
///     fn message(&mut self, conn: &mut Conn<'_, ()>, _: &mut (), message: Message<'_>) {
///         conn.publish(conn.others(), message);
///     }
/// }
///
/// # fn main() -> std::io::Result<()> {
/// App::new()
///     .route("SOCKET /chat/{room} @text <64kB", |_| Chat)
///     .page("/", Page::html("<!doctype html><title>Chat</title>"))
///     .bind("127.0.0.1:8000")?
///     .run()
/// # }
/// ```
pub struct App {
    builder: Builder,
    limits: Limits,
    timeouts: Timeouts,
    deflate: Option<Policy>,
    rooms: RoomSettings,
    routes: Vec<(Route, AnyAdmit, Make)>,
    pages: HashMap<String, Show>,
    folder: Option<Show>,
    origins: OriginPolicy,
    addresses: AddressLimits,
    forwarders: Vec<TrustedProxy>,
    registry: Registry,
    monitor: Option<Monitor>,
    workers: usize,
    signals: bool,
    #[cfg(feature = "backplane")]
    nodes: super::nodes::Nodes,
    /// The first thing that is wrong.
    mistake: Option<String>,
}

impl Default for App {
    fn default() -> Self {
        Self::new()
    }
}

impl App {
    /// Everything has a default, and nothing is at any path.
    #[must_use]
    pub fn new() -> Self {
        Self {
            builder: Builder::new().watchdog(SLOW),
            limits: Limits::default(),
            timeouts: Timeouts::default(),
            deflate: Some(Policy::default()),
            rooms: RoomSettings::default(),
            routes: Vec::new(),
            pages: HashMap::new(),
            folder: None,
            origins: OriginPolicy::default(),
            addresses: AddressLimits::default(),
            forwarders: Vec::new(),
            registry: Registry::new(),
            monitor: None,
            workers: 1,
            signals: true,
            #[cfg(feature = "backplane")]
            nodes: super::nodes::Nodes::default(),
            mistake: None,
        }
    }

    /// Serves a route: as text, as a [`Route`], or as a [`Gate`] that says who may come. The service is made when the first
    /// connection of a concrete path opens, on the worker that it is on.
    ///
    /// What is wrong with it is said when the server starts, as is a second route for the same paths.
    #[must_use]
    pub fn route<S: Service>(
        mut self,
        route: impl IntoGate<S::User>,
        make: impl Fn(&Params) -> S + Send + Sync + 'static,
    ) -> Self {
        match route.into_gate() {
            Ok(gate) => {
                if let Some(mistake) = mistake_in(&gate) {
                    self.note(|| format!("route {:?}: {mistake}", gate.route.pattern()));
                }
                let make: Make = Box::new(move |params| Box::new(Hosted::new(make(params))));
                let (route, admit) = any_gate(gate);
                self.routes.push((route, admit, make));
            }
            Err(error) => self.note(|| format!("{error}")),
        }
        self
    }

    /// Serves a route for which this decides who may come, and as whom; see [`Route::admit`].
    #[must_use]
    pub fn gated<S: Service, D: Into<Decision<S::User>>>(
        mut self,
        route: impl IntoRoute,
        decide: impl Fn(&Upgrade<'_>) -> D + Send + Sync + 'static,
        make: impl Fn(&Params) -> S + Send + Sync + 'static,
    ) -> Self {
        match route.into_route() {
            Ok(route) => self.route(route.admit(decide), make),
            Err(error) => {
                self.note(|| format!("{error}"));
                self
            }
        }
    }

    /// Serves every path that has no route of its own: text and binary messages, up to the server's limit.
    #[must_use]
    pub fn everywhere<S: Service<User: Default>>(
        self,
        make: impl Fn(&Params) -> S + Send + Sync + 'static,
    ) -> Self {
        self.route(Route::new("/*"), make)
    }

    /// Shows a page at a path, to whoever asks with GET or HEAD.
    #[must_use]
    pub fn page(self, path: &str, page: Page) -> Self {
        self.get(path, move |request| page.answer(request))
    }

    /// Answers GET and HEAD at a path. It runs on a server's loop and must not wait for anything.
    #[must_use]
    pub fn get(
        mut self,
        path: &str,
        show: impl Fn(&PageRequest<'_>) -> Response + Send + Sync + 'static,
    ) -> Self {
        if !path.starts_with('/') {
            self.note(|| format!("page {path:?}: a path begins with /"));
        } else if self.pages.insert(path.into(), Box::new(show)).is_some() {
            self.note(|| format!("page {path:?}: there is another one at this path"));
        }
        self
    }

    /// Shows the files of a folder, at all paths that have no page of their own; see [`Folder`].
    #[must_use]
    pub fn folder(self, folder: Folder) -> Self {
        self.get_rest(move |request| folder.answer(request))
    }

    /// Answers GET and HEAD at all paths that have no page of their own; what it answers with 404 may still be a route's.
    #[must_use]
    pub fn get_rest(
        mut self,
        show: impl Fn(&PageRequest<'_>) -> Response + Send + Sync + 'static,
    ) -> Self {
        self.folder = Some(Box::new(show));
        self
    }

    /// What peers may take.
    #[must_use]
    pub const fn limits(mut self, limits: Limits) -> Self {
        self.limits = limits;
        self
    }

    /// How long they may take.
    #[must_use]
    pub const fn timeouts(mut self, timeouts: Timeouts) -> Self {
        self.timeouts = timeouts;
        self
    }

    /// How messages are compressed where clients offer it, or that they are not.
    #[must_use]
    pub fn deflate(mut self, policy: impl Into<Option<Policy>>) -> Self {
        self.deflate = policy.into();
        self
    }

    /// What rooms may take. A policy is asked with the room's name, and with the empty name for everybody at a path
    /// and for all that a user has open.
    #[must_use]
    pub fn rooms(mut self, rooms: RoomSettings) -> Self {
        self.rooms = rooms;
        self
    }

    /// Which pages may ask for paths that have no route. Default: those of the request's own host; others learn from a 403
    /// that they may not, and not from a 404 what there is.
    #[must_use]
    pub fn origins(mut self, origins: OriginPolicy) -> Self {
        self.origins = origins;
        self
    }

    /// What those of one address may take: connections, and how often they connect. Default: no limit.
    #[must_use]
    pub const fn per_address(mut self, limits: AddressLimits) -> Self {
        self.addresses = limits;
        self
    }

    /// Believes the `X-Forwarded-For` of these proxies; see [`client_address`](super::client_address). Default: nobody's.
    #[must_use]
    pub fn trust_forwarded(mut self, proxies: impl IntoIterator<Item = TrustedProxy>) -> Self {
        self.forwarders = proxies.into_iter().collect();
        self
    }

    /// Counts in a registry that others look at.
    #[must_use]
    pub fn metrics(mut self, registry: &Registry) -> Self {
        self.registry = registry.clone();
        self
    }

    /// Lets this look into the application while it runs. One that looked into another one looks here from then on.
    #[must_use]
    pub fn watched_by(mut self, monitor: &Monitor) -> Self {
        self.monitor = Some(monitor.clone());
        self
    }

    /// Threads, each with a loop of its own. Default: 1.
    #[must_use]
    pub const fn workers(mut self, workers: usize) -> Self {
        self.workers = workers;
        self
    }

    /// Shares all rooms with the nodes that use the same broker: whoever is at a path, in a room or a user hears what is said
    /// to them there on any node. The node starts with the server, and leaves when that has ended.
    ///
    /// ```no_run
    /// # #[cfg(feature = "redis")]
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// use sockeye::app::{App, Echo};
    /// use sockeye::backplane::{Node, Redis};
    ///
    /// let node = Node::builder().name("berlin-1");
    /// App::new()
    ///     .route("SOCKET /echo", |_| Echo)
    ///     .backplane(node, Redis::new("redis://10.0.0.5")?)
    ///     .bind("127.0.0.1:8000")?
    ///     .run()?;
    /// # Ok(())
    /// # }
    /// # #[cfg(not(feature = "redis"))]
    /// # fn main() {}
    /// ```
    #[cfg(feature = "backplane")]
    #[must_use]
    pub fn backplane(
        mut self,
        node: crate::backplane::NodeBuilder,
        backplane: impl crate::backplane::Backplane,
    ) -> Self {
        self.nodes = super::nodes::Nodes::new(node, backplane);
        self
    }

    /// Whether SIGTERM and SIGINT stop the server in order. Default: yes.
    #[must_use]
    pub const fn stop_on_signals(mut self, yes: bool) -> Self {
        self.signals = yes;
        self
    }

    /// Whatever else a [`Builder`] can be told: TLS, proxies, the watchdog. Limits, timeouts, compression and rooms are set
    /// here, not there.
    #[must_use]
    pub fn server(mut self, tell: impl FnOnce(Builder) -> Builder) -> Self {
        self.builder = tell(self.builder);
        self
    }

    /// Binds and listens: an IP address with a port, where 0 is a free one, or `unix:` and a path. Names such as `localhost` are
    /// not resolved.
    ///
    /// # Errors
    ///
    /// What is wrong with the routes and pages, as [`io::ErrorKind::InvalidInput`]; else as
    /// [`Builder::bind`](crate::server::Builder::bind).
    pub fn bind(self, place: &str) -> io::Result<Serving> {
        let place: Listen = place.parse().map_err(invalid)?;
        let listeners = Listener::bind_for(&place, self.workers.max(1))?;
        self.serve(&listeners)
    }

    /// Serves on sockets that listen already, dealt out to the workers.
    ///
    /// # Errors
    ///
    /// As for [`bind`](Self::bind).
    pub fn serve(self, listeners: &[Listener]) -> io::Result<Serving> {
        let workers = self.workers;
        let ready = self.build()?;
        let servers = Listener::deal(listeners, workers)
            .into_iter()
            .map(|share| ready.serve(share))
            .collect::<io::Result<_>>()?;
        Ok(Serving::new(servers, ready.into_site()))
    }

    /// Looks whether all this can be served, without binding anything.
    ///
    /// # Errors
    ///
    /// What is wrong with the routes and pages, as [`io::ErrorKind::InvalidInput`].
    pub fn build(mut self) -> io::Result<Workers> {
        if let Some(mistake) = self.mistake {
            return Err(invalid(mistake));
        }
        let mut builder = self.tell_builder();
        let (mut table, mut definitions) = (RouteTable::default(), Vec::new());
        for (mut route, admit, make) in self.routes.drain(..) {
            route.history = history_of(&route);
            table.insert(&route).map_err(invalid)?;
            let deflate = route.deflate.clone();
            let profile = builder.profile(
                limits_of(&route, self.limits.connection),
                deflate.unwrap_or_else(|| self.deflate.clone()),
                &timeouts_of(&route, self.timeouts),
            );
            definitions.push(Arc::new(Definition {
                route,
                admit,
                make,
                profile,
                online: AtomicUsize::new(0),
            }));
        }
        if let Some(monitor) = &self.monitor {
            monitor.count_in(&self.registry);
        }
        let shared = Arc::new(Shared::new(
            Addresses::new(self.addresses),
            self.registry,
            self.monitor,
            self.forwarders,
            self.rooms.max_name,
            #[cfg(feature = "backplane")]
            self.nodes,
        ));
        let site = Arc::new(Site {
            table,
            definitions,
            origins: self.origins,
            pages: self.pages,
            folder: self.folder,
            shared,
        });
        Ok(Workers::new(builder, site))
    }

    /// What all routes have in common.
    fn tell_builder(&mut self) -> Builder {
        let mut limits = self.limits;
        // How much workers may have to tell each other goes by the largest message that there can be.
        for (route, ..) in &self.routes {
            let own = limits_of(route, self.limits.connection).max_message;
            limits.connection.max_message = limits.connection.max_message.max(own);
        }
        let builder = take(&mut self.builder)
            .limits(limits)
            .timeouts(self.timeouts)
            .deflate(self.deflate.clone())
            // Each route has its own.
            .origins(OriginPolicy::Any)
            .rooms(keyed(self.rooms.clone()))
            .exchange(&Exchange::new())
            .pages(true);
        if self.signals {
            builder.stop_on_signals()
        } else {
            builder
        }
    }

    fn note(&mut self, mistake: impl FnOnce() -> String) {
        self.mistake.get_or_insert_with(mistake);
    }
}

impl fmt::Debug for App {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let routes = self.routes.iter().map(|(route, ..)| route.pattern());
        f.debug_struct("App")
            .field("routes", &routes.collect::<Vec<_>>())
            .finish_non_exhaustive()
    }
}

/// A gate, whatever its users' type.
fn any_gate<U: Send + 'static>(gate: Gate<U>) -> (Route, AnyAdmit) {
    let Gate {
        route,
        admit,
        guest,
    } = gate;
    let boxed = |user: U| -> Box<dyn Any + Send> { Box::new(user) };
    let admit: AnyAdmit = match (admit, guest) {
        (Some(admit), _) => Box::new(move |upgrade| admit(upgrade).map(boxed)),
        (None, Some(guest)) => Box::new(move |_| Decision::guest(guest()).map(boxed)),
        (None, None) => Box::new(|_| Decision::refuse(500, "nobody can come here")),
    };
    (route, admit)
}

/// What is wrong with a gate, whatever its path.
fn mistake_in<U>(gate: &Gate<U>) -> Option<&'static str> {
    if gate.route.access == Access::Authorised && gate.admit.is_none() {
        return Some("it is for the authorised, and nobody says who they are: use Route::admit");
    }
    None
}

fn invalid(error: impl Into<Box<dyn core::error::Error + Send + Sync>>) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidInput, error)
}
