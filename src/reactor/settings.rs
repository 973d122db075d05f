//! Everything a loop can be told, of servers and of clients: [`Limits`] and [`Timeouts`], with their defaults.
//!
//! Not here: addresses and the handler; those are the builder's.

use super::rooms::RoomSettings;
use super::session::Deadlines;
use super::timer::{Tick, whole_ticks};
use crate::kernel::Kernel;
use crate::proto;
use crate::proto::deflate::Policy;
use crate::proto::handshake::server::Request;
use crate::proto::handshake::{HeadLimits, OriginPolicy};
use crate::proxy_protocol::{Proxied, TrustedProxy};
#[cfg(feature = "tls")]
use crate::tls::{self, TlsStream};
use crate::transport::Transport;
use alloc::boxed::Box;
use alloc::string::String;
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::time::Duration;

/// Sessions beyond the limit that are kept to answer their requests with 503.
const REFUSALS: usize = 64;

/// What peers may take. All are finite.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// What one connection may make us hold: frame, message, fragments.
    pub connection: proto::Limits,
    /// The request's head. Default: 8 KiB and 64 header lines.
    pub head: HeadLimits,
    /// Bytes queued for a peer beyond which it is too slow and is closed with 1013. Default: 1 MiB.
    ///
    /// One message may exceed it, or none that is larger could ever be sent. The kernel's own buffers, up to some
    /// 4 MB, come on top.
    pub max_queued: usize,
    /// Bytes that a loop may hold for all its peers together: incomplete messages, output that waits, what compression
    /// remembers. Beyond that those that hold most are ended, with 1009 where they read. Default: 1 GiB.
    ///
    /// What was said to many counts once. Sessions themselves, TLS and the kernel's buffers come on top.
    pub max_memory: usize,
    /// Connections; the next ones are answered with 503. Default: 100 000. The process's descriptors usually end
    /// first, and then accepting pauses.
    pub max_connections: usize,
}

impl Limits {
    /// How many more sessions there may be.
    pub(super) const fn room_for(&self, sessions: usize) -> usize {
        self.max_connections
            .saturating_add(REFUSALS)
            .saturating_sub(sessions)
    }
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            connection: proto::Limits::default(),
            head: HeadLimits::default(),
            max_queued: 1 << 20,
            max_memory: 1 << 30,
            max_connections: 100_000,
        }
    }
}

/// How long peers may take. Deadlines never fire early, and at most 2 ms late, or as late as a turn of the loop takes
/// where that is longer; a span of more than 12 days, as `Duration::MAX`, means 12 days. Of a time in which the loop did
/// not run, as when its process was stopped, one second counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Timeouts {
    /// From accepting to a complete request; then 408. Default: 5 s.
    pub handshake: Duration,
    /// From a message's first byte to its last; then 1008. Default: 30 s.
    pub assembly: Duration,
    /// Silence, in completed frames, after which a ping is sent. Default: 20 s.
    pub ping: Duration,
    /// From that ping to its pong; then 1001. Data shows life as well; a pong that does not repeat the ping's payload
    /// does not. What waits in the kernel's own buffers goes before the ping, and its time counts: for peers that read
    /// very slowly, allow more. Default: 10 s.
    pub pong: Duration,
    /// From one message to the next; then 1001. Default: none, as pings find dead peers.
    pub idle: Option<Duration>,
    /// From our Close to the peer's, and from our last byte to the end of its stream; then the connection is dropped.
    /// It begins when everything is sent, but for a peer that is closed for reading too slowly. Default: 3 s.
    pub close: Duration,
    /// Without progress in sending; then the connection is reset. Default: 10 s.
    ///
    /// Every byte that the peer takes is progress: one that reads a little now and then keeps its connection, and what
    /// waits for it is bounded by [`Limits::max_queued`] and one message.
    pub write_stall: Duration,
    /// Over which goodbyes are spread when the loop is asked to stop, or half of [`drain`](Self::drain) where that is
    /// less: so many connections as come back in a millisecond is a share of them, and not all. Up to 64 are told at
    /// once. Default: 500 ms.
    pub goodbye: Duration,
    /// From being asked to stop to dropping the connections that are left. Default: 10 s.
    pub drain: Duration,
}

impl Default for Timeouts {
    fn default() -> Self {
        Self {
            handshake: Duration::from_secs(5),
            assembly: Duration::from_secs(30),
            ping: Duration::from_secs(20),
            pong: Duration::from_secs(10),
            idle: None,
            close: Duration::from_secs(3),
            write_stall: Duration::from_secs(10),
            goodbye: Duration::from_millis(500),
            drain: Duration::from_secs(10),
        }
    }
}

/// Everything a loop is told.
#[derive(Clone, Debug, Default)]
pub struct Settings {
    pub(super) limits: Limits,
    pub(super) deadlines: Deadlines,
    pub(super) connection: Arc<proto::Config>,
    /// What holds for some connections and not for others.
    profiles: Vec<Terms>,
    pub(super) origins: OriginPolicy,
    pub(super) protocols: Subprotocols,
    pub(super) rooms: RoomSettings,
    /// Those that begin each connection with a PROXY header.
    proxies: Vec<TrustedProxy>,
    /// Plain requests are the handler's too.
    pub(super) pages: bool,
    pub(super) tick: Option<Tick>,
    pub(super) watchdog: Option<Tick>,
    #[cfg(feature = "tls")]
    pub(super) tls: Option<tls::Server>,
}

/// What a [`Profile`] stands for.
#[derive(Clone, Debug)]
struct Terms {
    connection: Arc<proto::Config>,
    deadlines: Deadlines,
}

/// What holds for connections of one kind, where the request says of which kind a connection is. Made by
/// [`Settings::profile`]; the default is what holds for all.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Profile(u16);

/// Which of the subprotocols that a client offers it gets.
#[derive(Clone, Debug)]
pub(super) enum Subprotocols {
    /// The first of these that is offered.
    Listed(Vec<String>),
    /// The client's favourite, whatever it is.
    FirstOffered,
}

impl Default for Subprotocols {
    fn default() -> Self {
        Self::Listed(Vec::new())
    }
}

impl Subprotocols {
    /// The one for this request, or none.
    pub(super) fn choose<'s>(&'s self, request: &'s Request<'_>) -> Option<&'s str> {
        match self {
            Self::Listed(names) => request.choose_protocol(names.iter().map(|name| name.as_str())),
            Self::FirstOffered => request.protocols().next(),
        }
    }
}

impl Settings {
    /// These limits and timeouts, and the defaults for the rest.
    #[must_use]
    pub fn new(limits: Limits, timeouts: Timeouts) -> Self {
        Self::default().limits(limits).timeouts(timeouts)
    }

    /// What peers may take.
    #[must_use]
    pub fn limits(mut self, limits: Limits) -> Self {
        Arc::make_mut(&mut self.connection).limits = limits.connection;
        self.limits = limits;
        self
    }

    /// Limits, compression and timeouts for connections of one kind; [`Admission::profile`](super::Admission::profile) says
    /// which they are. Of the timeouts, those of the handshake and of the loop's end stay what they are for all.
    ///
    /// # Panics
    ///
    /// With more than 65 535 of them.
    pub fn profile(
        &mut self,
        limits: proto::Limits,
        deflate: impl Into<Option<Policy>>,
        timeouts: &Timeouts,
    ) -> Profile {
        let number = u16::try_from(self.profiles.len() + 1).expect("too many profiles");
        let mut connection = proto::Config::clone(&self.connection);
        connection.limits = limits;
        connection.deflate = deflate.into();
        connection.number = number;
        self.profiles.push(Terms {
            connection: Arc::new(connection),
            deadlines: Deadlines::from(timeouts),
        });
        Profile(number)
    }

    /// What a connection of this kind is told; `None` for the kind that all are of.
    pub(super) fn connection_of(&self, profile: Profile) -> Option<&Arc<proto::Config>> {
        let terms = self.profiles.get(usize::from(profile.0).checked_sub(1)?)?;
        Some(&terms.connection)
    }

    /// The deadlines of a connection with this configuration.
    #[inline]
    pub(super) fn deadlines_of(&self, number: u16) -> &Deadlines {
        let other = usize::from(number).checked_sub(1);
        match other.and_then(|at| self.profiles.get(at)) {
            Some(terms) => &terms.deadlines,
            None => &self.deadlines,
        }
    }

    /// What rooms may take, and what becomes of members that read too slowly.
    #[must_use]
    pub fn rooms(mut self, rooms: RoomSettings) -> Self {
        self.rooms = rooms;
        self
    }

    /// How messages are compressed for clients that offer it, or that they are not. Default: the policy's defaults.
    #[must_use]
    pub fn deflate(mut self, policy: impl Into<Option<Policy>>) -> Self {
        Arc::make_mut(&mut self.connection).deflate = policy.into();
        self
    }

    /// Speaks TLS with those who connect. Default: plain.
    #[cfg(feature = "tls")]
    #[must_use]
    pub fn tls(mut self, tls: tls::Server) -> Self {
        self.tls = Some(tls);
        self
    }

    /// Whether anything was read from files, and can be read again.
    pub(crate) const fn has_files(&self) -> bool {
        #[cfg(feature = "tls")]
        return self.tls.is_some();
        #[cfg(not(feature = "tls"))]
        false
    }

    /// Reads certificates again. What cannot be read leaves the old ones in use.
    pub(super) fn reload(&self) {
        #[cfg(feature = "tls")]
        if let Some(tls) = &self.tls {
            match tls.reload() {
                Ok(()) => tracing::info!("certificates read again"),
                Err(error) => tracing::error!(%error, "the old certificates stay in use"),
            }
        }
    }

    /// Has these proxies say where their connections come from, by the PROXY protocol. Default: nobody.
    #[must_use]
    pub fn trusted_proxies(mut self, proxies: impl IntoIterator<Item = TrustedProxy>) -> Self {
        self.proxies = proxies.into_iter().collect();
        self
    }

    /// What carries an accepted connection.
    pub(super) fn transport<K: Kernel>(
        &self,
        stream: K::Stream,
        kernel: &mut K,
    ) -> Transport<K::Stream> {
        // Without proxies nobody is asked where it comes from.
        let proxied = !self.proxies.is_empty() && {
            let peer = kernel.peer_addr(&stream);
            self.proxies.iter().any(|proxy| proxy.is(peer))
        };
        let transport = self.unproxied(stream);
        if proxied {
            Transport::Proxied(Box::new(Proxied::new(transport)))
        } else {
            transport
        }
    }

    fn unproxied<S>(&self, stream: S) -> Transport<S> {
        #[cfg(feature = "tls")]
        if let Some(tls) = &self.tls {
            return Transport::Tls(Box::new(TlsStream::server(stream, tls.clone())));
        }
        Transport::Plain(stream)
    }

    /// Whether [`Handler::on_page`](super::Handler::on_page) answers plain GET and HEAD requests. Default: no, they are
    /// refused with 426 and 405.
    #[must_use]
    pub const fn pages(mut self, pages: bool) -> Self {
        self.pages = pages;
        self
    }

    /// How long they may take.
    #[must_use]
    pub fn timeouts(mut self, timeouts: Timeouts) -> Self {
        self.deadlines = Deadlines::from(&timeouts);
        self
    }

    /// Calls [`Handler::on_tick`](super::Handler::on_tick) at this interval, in whole milliseconds, rounded up; a second
    /// in which the loop did not run is the longest that counts. Default: `None`, never.
    #[must_use]
    pub fn tick(mut self, interval: impl Into<Option<Duration>>) -> Self {
        self.tick = interval.into().map(whole_ticks);
        self
    }

    /// How long a turn of the loop may take, all handlers that it calls together, without being counted
    /// ([`EventLoop::slow_turns`](super::EventLoop::slow_turns)) and complained about in the log, once a second at most;
    /// `None` is for ever. Up to 10 ms more may pass unnoticed, as the clock for it is a cheap one; a turn with one small
    /// message takes about a tenth longer with it. Default: `None`; an `App` has 50 ms.
    #[must_use]
    pub fn watchdog(mut self, limit: impl Into<Option<Duration>>) -> Self {
        self.watchdog = limit.into().map(whole_ticks);
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
        self.protocols = Subprotocols::Listed(protocols.into_iter().map(Into::into).collect());
        self
    }

    /// The first subprotocol that a client offers, whatever it is: for a server to which messages mean nothing, as
    /// one that echoes or relays them. Many clients, browsers among them, give up where they offered some and none was
    /// chosen.
    #[must_use]
    pub fn any_protocol(mut self) -> Self {
        self.protocols = Subprotocols::FirstOffered;
        self
    }
}
