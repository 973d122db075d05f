//! A connection on its way out, until there is a stream to the server: resolve, race for an address, ask the proxy.
//!
//! ```text
//! name ─► resolver ─► addresses, families in turn ─► race: one more every 250 ms, or as soon as one fails
//!                                                      │ the first that is connected
//!                                                      ▼
//!                                        proxy? ─► tunnel ─► a session, which does TLS and the opening handshake
//! ```
//!
//! Not here: the loop's part in it, which is `outbound`; what is said to a proxy, which is
//! [`client`](crate::client).

use super::timer::{NEVER, Tick, ticks_in};
use crate::client::tunnel::{Progress, Tunnel};
use crate::client::{Attempt, ConnectError, Connector, Host, ProxyError, Stage};
use crate::kernel::{Kernel, Remote, Token};
use crate::transport::{send, uninterrupted};
use alloc::collections::VecDeque;
use alloc::string::ToString as _;
use alloc::vec::Vec;
use core::fmt;
use core::time::Duration;
use std::io::{self, IoSlice};

/// How long one address has before the next is tried beside it (RFC 8305 section 5).
const STAGGER: Duration = Duration::from_millis(250);
/// Addresses of one host that are tried. The number of one has seven bits in a token.
const MAX_ADDRESSES: usize = 100;

/// A connection on its way out.
#[derive(Debug)]
pub(super) struct Dial<S> {
    pub(super) order: Order,
    pub(super) serial: u32,
    pub(super) way: Way<S>,
}

/// What is wanted.
#[derive(Clone, Debug)]
pub(super) struct Order {
    pub(super) connector: Connector,
    pub(super) tag: u64,
    /// Redirects that led here.
    pub(super) followed: u8,
    /// When it must be open.
    pub(super) deadline: Tick,
}

/// How far it has come.
#[derive(Debug)]
pub(super) enum Way<S> {
    /// The resolver was asked.
    Resolving,
    Racing(Race<S>),
    /// Connected to a proxy.
    Asking(Asking<S>),
}

/// Several addresses, of which one is enough.
#[derive(Debug)]
pub(super) struct Race<S> {
    waiting: VecDeque<Remote>,
    /// By number; those that failed are gone.
    running: Vec<Option<(Remote, S)>>,
    failed: Vec<Attempt>,
    /// When the next one is to start, or [`NEVER`].
    pub(super) next: Tick,
}

/// A proxy that was asked for a way to the server.
pub(super) struct Asking<S> {
    stream: S,
    tunnel: Tunnel,
    output: Vec<u8>,
}

/// Without what is said to the proxy: it may be a password.
impl<S: fmt::Debug> fmt::Debug for Asking<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Asking")
            .field("stream", &self.stream)
            .finish_non_exhaustive()
    }
}

impl<S> Dial<S> {
    pub(super) const fn stage(&self) -> Stage {
        match self.way {
            Way::Resolving => Stage::Resolve,
            Way::Racing(_) => Stage::Connect,
            Way::Asking(_) => Stage::Proxy,
        }
    }
}

impl<S> Race<S> {
    pub(super) fn new(addresses: impl IntoIterator<Item = Remote>) -> Self {
        Self {
            waiting: addresses.into_iter().take(MAX_ADDRESSES).collect(),
            running: Vec::new(),
            failed: Vec::new(),
            next: 0,
        }
    }

    /// Starts the next address, and those after it as long as they fail at once.
    ///
    /// # Errors
    ///
    /// When there is nothing left to wait for.
    pub(super) fn start<K: Kernel<Stream = S>>(
        &mut self,
        kernel: &mut K,
        token: impl Fn(usize) -> Token,
        now: Tick,
    ) -> Result<(), ConnectError> {
        self.next = NEVER;
        while let Some(to) = self.waiting.pop_front() {
            let number = self.running.len();
            let connecting = kernel.connect(&to).and_then(|mut stream| {
                kernel.register(&mut stream, token(number))?;
                Ok(stream)
            });
            match connecting {
                Ok(stream) => {
                    self.running.push(Some((to, stream)));
                    if !self.waiting.is_empty() {
                        self.next = now + ticks_in(STAGGER);
                    }
                    return Ok(());
                }
                Err(error) => self.fail(&to, error),
            }
        }
        if self.running.iter().all(Option::is_none) {
            return Err(ConnectError::Connect(core::mem::take(&mut self.failed)));
        }
        Ok(())
    }

    /// Something is known of one of them: the stream, if it is connected. Says whether the next one is to start.
    pub(super) fn look<K: Kernel<Stream = S>>(
        &mut self,
        kernel: &mut K,
        number: usize,
    ) -> Result<Option<S>, NextOne> {
        let Some(place @ Some(_)) = self.running.get_mut(number) else {
            return Ok(None);
        };
        let Some((_, stream)) = place else {
            return Ok(None);
        };
        match kernel.connected(stream) {
            Ok(true) => Ok(place.take().map(|(_, stream)| stream)),
            Ok(false) => Ok(None),
            Err(error) => {
                if let Some((to, _)) = place.take() {
                    self.fail(&to, error);
                }
                Err(NextOne)
            }
        }
    }

    fn fail(&mut self, to: &Remote, error: io::Error) {
        let to = to.to_string();
        self.failed.push(Attempt { to, error });
    }
}

/// One has failed, and the next need not wait for its turn.
#[derive(Debug)]
pub(super) struct NextOne;

impl<S> Asking<S> {
    pub(super) fn new(stream: S, mut tunnel: Tunnel) -> Self {
        let output = tunnel.output();
        Self {
            stream,
            tunnel,
            output,
        }
    }

    /// Asks and hears as far as that goes at the moment. Says whether the way is open.
    ///
    /// # Errors
    ///
    /// When the proxy refuses, breaks its protocol, or is gone.
    pub(super) fn go_on<K: Kernel<Stream = S>>(
        &mut self,
        kernel: &mut K,
        buffer: &mut Vec<u8>,
    ) -> Result<bool, ConnectError> {
        let gone = |_| ConnectError::Ended(Stage::Proxy);
        loop {
            while !self.output.is_empty() {
                let parts = [IoSlice::new(&self.output)];
                let sent = send(kernel, &mut self.stream, &parts).map_err(gone)?;
                if sent == 0 {
                    return Ok(false);
                }
                self.output.drain(..sent);
            }
            buffer.clear();
            match uninterrupted(|| kernel.receive(&mut self.stream, buffer)) {
                Ok(0) => return Err(ConnectError::Ended(Stage::Proxy)),
                Ok(_) => {}
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(false),
                Err(error) => return Err(gone(error)),
            }
            let progress = self.tunnel.receive(buffer);
            buffer.clear();
            if let Progress::Open { .. } = progress? {
                return Ok(true);
            }
            self.output = self.tunnel.output();
        }
    }

    pub(super) fn into_stream(self) -> S {
        self.stream
    }
}

/// Where to connect to first: the proxy, a Unix socket, or the server.
#[derive(Debug)]
pub(super) enum Target {
    Remote(Remote),
    Name(alloc::string::String, u16),
}

impl Order {
    /// Where to connect to first.
    pub(super) fn target(&self) -> Result<Target, ConnectError> {
        let url = self.connector.url();
        if let Some(path) = url.unix_path() {
            return Ok(Target::Remote(Remote::Unix(path.into())));
        }
        let proxy = self.connector.proxy_server()?;
        let (host, port) = match &proxy {
            Some(proxy) => (proxy.host(), proxy.port()),
            None => (url.host(), url.port()),
        };
        Ok(match host {
            Host::Name(name) => Target::Name(name.into(), port),
            Host::V4(ip) => Target::Remote(Remote::Ip((ip, port).into())),
            Host::V6(ip) => Target::Remote(Remote::Ip((ip, port).into())),
        })
    }

    /// What is to be asked of whoever is connected, if that is a proxy.
    pub(super) fn tunnel(&self) -> Result<Option<Tunnel>, ConnectError> {
        let url = self.connector.url();
        let Some(proxy) = self.connector.proxy_server()? else {
            return Ok(None);
        };
        let tunnel: Result<Tunnel, ProxyError> = Tunnel::new(&proxy, url.host(), url.port());
        Ok(Some(tunnel?))
    }
}
