//! A server on mio: one loop, one thread, any number of connections.
//!
//! ```no_run
//! use sockeye::server::{Builder, Handler, Message, Peer};
//!
//! struct Echo;
//!
//! impl Handler for Echo {
//!     type State = ();
//!
//!     fn on_message(&mut self, peer: &mut Peer<'_>, _state: &mut (), message: Message<'_>) {
//!         let _ = peer.send(message);
//!     }
//! }
//!
//! # fn main() -> std::io::Result<()> {
//! Builder::new().bind("127.0.0.1:9001".parse().unwrap(), Echo)?.run()
//! # }
//! ```
//!
//! Not here: the loop itself, which is `reactor`; threads, which are the caller's.

pub use crate::reactor::{
    Admission, Arrival, Cause, Closed, ConnectionId, EventLoop, Exchange, Gone, Handle,
    HandleError, Handler, History, Hub, JoinError, Limits, Listen, Listener, Message, Mio, NoPlace,
    NotAToken, Offset, Peer, Profile, Receipt, Rejection, RoomSettings, RoomStats, Settings,
    SlowPolicy, Stopper, Timeouts, To, Token, Verdict,
};

pub mod handover;

pub use crate::kernel::PeerAddr;
pub use crate::proxy_protocol::{TrustedProxy, TrustedProxyError};

use crate::proto::deflate::Policy;
use crate::proto::handshake::OriginPolicy;
use alloc::string::String;
use alloc::vec::Vec;
use core::net::SocketAddr;
use core::time::Duration;
use std::io;

/// A server, bound to its address.
///
/// ```
/// use sockeye::server::{Builder, Handler, Message, Peer};
///
/// struct Echo;
///
/// impl Handler for Echo {
///     type State = ();
///
///     fn on_message(&mut self, peer: &mut Peer<'_>, _state: &mut (), message: Message<'_>) {
///         let _ = peer.send(message);
///     }
/// }
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let mut server = Builder::new().bind("127.0.0.1:0".parse()?, Echo)?;
/// let url = format!("ws://{}/", server.local_addr()); // port 0 is a free one
/// let stopper = server.stopper();
/// let thread = std::thread::spawn(move || server.run());
/// # #[cfg(feature = "client")] {
/// # let mut socket = sockeye::client::connect(&url)?;
/// # socket.send("hello")?;
/// # assert_eq!(socket.receive()?, sockeye::client::Received::Text("hello".into()));
/// # }
/// stopper.stop()?; // from anywhere, such as here
/// thread.join().unwrap()?;
/// # Ok(())
/// # }
/// ```
#[derive(Debug)]
pub struct Server<H: Handler> {
    event_loop: EventLoop<H, Mio>,
    places: Vec<Listen>,
    stopper: Stopper,
    handle: Handle,
    #[cfg(all(feature = "app", feature = "backplane"))]
    exchange: Exchange,
}

impl<H: Handler> Server<H> {
    /// The address where it listens; the first one, if there are several.
    ///
    /// # Panics
    ///
    /// Where it listens on Unix sockets alone. [`places`](Self::places) knows those too.
    #[must_use]
    pub fn local_addr(&self) -> SocketAddr {
        let addr = self.places.iter().find_map(|place| match place {
            Listen::Ip(addr) => Some(*addr),
            Listen::Unix(_) => None,
        });
        addr.expect("a server on Unix sockets has no address")
    }

    /// Where it listens.
    #[must_use]
    pub fn places(&self) -> &[Listen] {
        &self.places
    }

    /// What stops it from elsewhere.
    #[must_use]
    pub fn stopper(&self) -> Stopper {
        self.stopper.clone()
    }

    /// What speaks to it, and to those that share its [`Exchange`], from any thread.
    #[must_use]
    pub fn handle(&self) -> Handle {
        self.handle.clone()
    }

    /// Where what is published here goes, too.
    #[cfg(all(feature = "app", feature = "backplane"))]
    pub(crate) const fn exchange(&self) -> &Exchange {
        &self.exchange
    }

    /// Its loop: for connections that it opens itself, and to speak to any between turns.
    ///
    /// ```
    /// # #[cfg(feature = "client")]
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// use sockeye::client::{Answer, Connector, Reconnect};
    /// use sockeye::server::{Builder, Handler, Message, Peer, To};
    /// # use sockeye::server::Hub;
    /// # struct News;
    /// # impl Handler for News {
    /// #     type State = ();
    /// #     fn on_message(&mut self, _: &mut Peer<'_>, (): &mut (), _: Message<'_>) {}
    /// #     fn on_tick(&mut self, hub: &mut Hub<'_>) {
    /// #         hub.publish(To::all(), "news");
    /// #     }
    /// # }
    /// # let often = core::time::Duration::from_millis(10);
    /// # let mut above = Builder::new().tick(often).bind("127.0.0.1:0".parse()?, News)?;
    /// # let (url, stop_above) = (format!("ws://{}/", above.local_addr()), above.stopper());
    /// # let thread_above = std::thread::spawn(move || above.run());
    ///
    /// /// Passes on to all what one other server says.
    /// struct Relay;
    ///
    /// impl Handler for Relay {
    ///     type State = bool; // whether it is that one
    ///
    ///     fn on_connect(&mut self, _: &mut Peer<'_>, _tag: u64, _: &Answer<'_>) -> bool {
    ///         true
    ///     }
    ///
    ///     fn on_message(&mut self, peer: &mut Peer<'_>, is_above: &mut bool, message: Message<'_>) {
    ///         if *is_above {
    ///             peer.publish(To::all(), message);
    ///         }
    ///     }
    /// }
    ///
    /// let mut server = Builder::new().bind("127.0.0.1:0".parse()?, Relay)?;
    /// let above = Connector::new(&url)?.reconnect(Reconnect::default());
    /// server.event_loop().connect(&above, 0)?;
    /// # let (url, stopper) = (format!("ws://{}/", server.local_addr()), server.stopper());
    /// # let thread = std::thread::spawn(move || server.run());
    /// # let mut socket = sockeye::client::connect(&url)?;
    /// # assert_eq!(socket.receive()?, sockeye::client::Received::Text("news".into()));
    /// # drop(socket);
    /// # for (stopper, thread) in [(stopper, thread), (stop_above, thread_above)] {
    /// #     stopper.stop()?;
    /// #     thread.join().unwrap()?;
    /// # }
    /// # Ok(())
    /// # }
    /// # #[cfg(not(feature = "client"))]
    /// # fn main() {}
    /// ```
    pub const fn event_loop(&mut self) -> &mut EventLoop<H, Mio> {
        &mut self.event_loop
    }

    /// Serves until it is asked to stop and its connections have ended.
    ///
    /// # Errors
    ///
    /// When the operating system makes waiting impossible.
    pub fn run(&mut self) -> io::Result<()> {
        self.event_loop.run()
    }

    /// One turn of the loop, waiting at most `max_wait`. Says whether to go on.
    ///
    /// # Errors
    ///
    /// As for [`run`](Self::run).
    pub fn turn(&mut self, max_wait: Option<Duration>) -> io::Result<bool> {
        self.event_loop.turn(max_wait)
    }
}

/// A server to be.
///
/// ```
/// use core::time::Duration;
/// use sockeye::server::{Builder, Limits, Timeouts};
///
/// let builder = Builder::new()
///     .limits(Limits { max_connections: 10_000, ..Limits::default() })
///     .timeouts(Timeouts { handshake: Duration::from_secs(2), ..Timeouts::default() })
///     .tick(Duration::from_secs(1));
/// ```
#[derive(Clone, Debug, Default)]
pub struct Builder {
    settings: Settings,
    signals: bool,
    shared_port: bool,
    exchange: Option<Exchange>,
    send_buffer: Option<usize>,
}

impl Builder {
    /// Everything has a default.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// What peers may take.
    #[must_use]
    pub fn limits(mut self, limits: Limits) -> Self {
        self.settings = self.settings.limits(limits);
        self
    }

    /// How long they may take.
    #[must_use]
    pub fn timeouts(mut self, timeouts: Timeouts) -> Self {
        self.settings = self.settings.timeouts(timeouts);
        self
    }

    /// Calls [`Handler::on_tick`] at this interval; see [`Settings::tick`]. Default: never.
    #[must_use]
    pub fn tick(mut self, interval: impl Into<Option<Duration>>) -> Self {
        self.settings = self.settings.tick(interval);
        self
    }

    /// How long a turn of the loop may take without being complained about; see [`Settings::watchdog`]. Default: `None`, for
    /// ever.
    #[must_use]
    pub fn watchdog(mut self, limit: impl Into<Option<Duration>>) -> Self {
        self.settings = self.settings.watchdog(limit);
        self
    }

    /// Which pages may connect. Default: those of the request's own host.
    #[must_use]
    pub fn origins(mut self, origins: OriginPolicy) -> Self {
        self.settings = self.settings.origins(origins);
        self
    }

    /// Subprotocols, the preferred one first. Default: none.
    #[must_use]
    pub fn protocols<P: Into<String>>(mut self, protocols: impl IntoIterator<Item = P>) -> Self {
        self.settings = self.settings.protocols(protocols);
        self
    }

    /// The first subprotocol that a client offers, whatever it is: for a server to which messages mean nothing. See
    /// [`Settings::any_protocol`].
    #[must_use]
    pub fn any_protocol(mut self) -> Self {
        self.settings = self.settings.any_protocol();
        self
    }

    /// How messages are compressed for clients that offer permessage-deflate (RFC 7692), or `None`: not at all.
    /// Default: the [policy](Policy)'s defaults, which keep nothing between messages.
    #[must_use]
    pub fn deflate(mut self, policy: impl Into<Option<Policy>>) -> Self {
        self.settings = self.settings.deflate(policy);
        self
    }

    /// Plain GET and HEAD requests are the handler's; see [`Settings::pages`].
    #[must_use]
    pub fn pages(mut self, pages: bool) -> Self {
        self.settings = self.settings.pages(pages);
        self
    }

    /// What holds for connections of one kind; see [`Settings::profile`].
    ///
    /// # Panics
    ///
    /// As there.
    pub fn profile(
        &mut self,
        limits: crate::proto::Limits,
        deflate: impl Into<Option<Policy>>,
        timeouts: &Timeouts,
    ) -> Profile {
        self.settings.profile(limits, deflate, timeouts)
    }

    /// What rooms may take, and what becomes of members that read too slowly.
    #[must_use]
    pub fn rooms(mut self, rooms: RoomSettings) -> Self {
        self.settings = self.settings.rooms(rooms);
        self
    }

    /// Speaks TLS. Default: plain.
    #[cfg(feature = "tls")]
    #[must_use]
    pub fn tls(mut self, tls: crate::tls::Server) -> Self {
        self.settings = self.settings.tls(tls);
        self
    }

    /// Has these proxies say where their connections come from, by the PROXY protocol, version 1 or 2. From them it is
    /// required, from others it is not read. It stands before TLS. Default: nobody.
    ///
    /// Trust what can be reached through the proxy alone: whoever else connects from such an address can claim to come
    /// from anywhere.
    #[must_use]
    pub fn trusted_proxies(mut self, proxies: impl IntoIterator<Item = TrustedProxy>) -> Self {
        self.settings = self.settings.trusted_proxies(proxies);
        self
    }

    /// SIGTERM and SIGINT stop the server in order, SIGHUP has it read its certificates again. Default: no, as signals
    /// belong to the process.
    #[must_use]
    pub const fn stop_on_signals(mut self) -> Self {
        self.signals = true;
        self
    }

    /// Several servers may bind the same address (`SO_REUSEPORT`), one per thread. Default: no, so that a taken port
    /// is an error.
    #[must_use]
    pub const fn share_port(mut self) -> Self {
        self.shared_port = true;
        self
    }

    /// What is published reaches the connections of all servers of the exchange. Default: only its own.
    #[must_use]
    pub fn exchange(mut self, exchange: &Exchange) -> Self {
        self.exchange = Some(exchange.clone());
        self
    }

    /// Bytes that the kernel may hold for each connection that does not read (`SO_SNDBUF`). Default: what the kernel likes,
    /// up to some 4 MB.
    ///
    /// Less shows sooner who is slow, and bounds what they cost beside [`Limits::max_queued`]; but what is large then goes
    /// in several writes, and a path with much latency is slower. Linux doubles it, for its own use.
    #[must_use]
    pub const fn send_buffer(mut self, bytes: usize) -> Self {
        self.send_buffer = Some(bytes);
        self
    }

    /// What a loop of it is told.
    #[must_use]
    pub const fn settings(&self) -> &Settings {
        &self.settings
    }

    /// Binds and listens on an address.
    ///
    /// # Errors
    ///
    /// As `bind(2)`: the address is taken, not ours, or not allowed.
    pub fn bind<H: Handler>(self, addr: SocketAddr, handler: H) -> io::Result<Server<H>> {
        self.bind_to(&addr.into(), handler)
    }

    /// Binds and listens at a place, which may be a Unix socket.
    ///
    /// ```no_run
    /// # use sockeye::server::{Builder, Handler, Message, Peer};
    /// # struct Echo;
    /// # impl Handler for Echo {
    /// #     type State = ();
    /// #     fn on_message(&mut self, _: &mut Peer<'_>, (): &mut (), _: Message<'_>) {}
    /// # }
    /// # fn main() -> std::io::Result<()> {
    /// let place = "unix:/run/chat.sock".parse().expect("a place");
    /// Builder::new().bind_to(&place, Echo)?.run()
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// As for [`Listener::bind`].
    pub fn bind_to<H: Handler>(self, place: &Listen, handler: H) -> io::Result<Server<H>> {
        let listener = if self.shared_port {
            Listener::bind_shared(place)?
        } else {
            Listener::bind(place)?
        };
        self.serve([listener], handler)
    }

    /// Serves on sockets that listen already: on several at once, on one that came from elsewhere, or on one's own share
    /// of those that several loops have ([`Listener::deal`]).
    ///
    /// # Errors
    ///
    /// As `epoll_create(2)` and its like.
    pub fn serve<H: Handler>(
        self,
        listeners: impl IntoIterator<Item = Listener>,
        handler: H,
    ) -> io::Result<Server<H>> {
        let listeners: Vec<_> = listeners.into_iter().collect();
        if let Some(bytes) = self.send_buffer {
            for listener in &listeners {
                listener.set_send_buffer(bytes)?;
            }
        }
        let places = listeners.iter().map(|one| one.place().clone()).collect();
        let kernel = Mio::new(listeners, self.signals)?;
        if self.settings.has_files() {
            kernel.reload_on_hangup()?;
        }
        let (stopper, wake) = (kernel.stopper(), kernel.wake());
        let mut event_loop = EventLoop::new(kernel, handler, self.settings);
        // Alone, it is one for its handle's sake.
        let exchange = self.exchange.unwrap_or_default();
        event_loop.join_woken_by(&exchange, wake);
        Ok(Server {
            event_loop,
            places,
            stopper,
            #[cfg(all(feature = "app", feature = "backplane"))]
            exchange: exchange.clone(),
            handle: Handle::new(exchange),
        })
    }
}
