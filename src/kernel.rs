//! The seam between the loop and the operating system: everything the loop asks of the kernel.
//!
//! Production is [`Mio`](crate::server::Mio), chosen by type, so the seam costs nothing. Tests put a simulated kernel
//! here and decide readiness, partial writes, errors and time.
//!
//! Not here: what the answers mean; that is the loop's.

use crate::proto::NoRandomness;
use alloc::vec::Vec;
use core::fmt;
use core::net::{IpAddr, SocketAddr};
use core::time::Duration;
use std::io::{self, IoSlice};
use std::path::PathBuf;

/// Names a registered stream in the kernel's reports.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Token(pub usize);

/// What the kernel reports.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ready {
    /// Connections may be waiting to be accepted.
    Accept,
    /// The process was asked to stop.
    Stop,
    /// Another process has taken over: stop, and tell everybody to come back.
    Restart,
    /// What was asked of the resolver has come.
    Resolved {
        /// As in [`Kernel::resolve`].
        key: u64,
    },
    /// Files may have changed: SIGHUP.
    Reload,
    /// Another thread has something for this loop.
    Wake,
    /// A stream may be read, written, or both.
    Stream {
        /// Which one.
        token: Token,
        /// There may be bytes, an end or an error to receive.
        readable: bool,
        /// There may be room to send.
        writable: bool,
        /// The peer has closed its side or the stream is broken: a short read does not mean there is no more.
        hangup: bool,
    },
}

/// Where to connect to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Remote {
    /// An address and a port.
    Ip(SocketAddr),
    /// The path of a Unix socket.
    Unix(PathBuf),
}

impl fmt::Display for Remote {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Ip(addr) => addr.fmt(f),
            Self::Unix(path) => path.display().fmt(f),
        }
    }
}

/// Where a connection comes from.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum PeerAddr {
    /// An address and a port. An IPv4 address is one, also where it came to an IPv6 socket.
    Ip(SocketAddr),
    /// The same machine, through a Unix socket.
    Unix,
    /// Nobody can tell: it has gone, or it is of no kind that is known here.
    #[default]
    Unknown,
}

impl PeerAddr {
    /// An address in its canonical form: `::ffff:192.0.2.1` is `192.0.2.1`.
    pub(crate) fn of(addr: SocketAddr) -> Self {
        Self::Ip(SocketAddr::new(addr.ip().to_canonical(), addr.port()))
    }

    /// The address alone, if there is one.
    #[must_use]
    pub const fn ip(&self) -> Option<IpAddr> {
        match self {
            Self::Ip(addr) => Some(addr.ip()),
            Self::Unix | Self::Unknown => None,
        }
    }
}

impl fmt::Display for PeerAddr {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Ip(addr) => addr.fmt(f),
            Self::Unix => f.write_str("a Unix socket"),
            Self::Unknown => f.write_str("nobody knows where"),
        }
    }
}

/// The kernel. Readiness is edge-triggered: it is reported once, and again only after a call came back with
/// `WouldBlock` or short.
pub trait Kernel {
    /// A non-blocking connection. Dropping it closes it.
    type Stream: fmt::Debug;

    /// Waits at most `timeout`, or without end, and appends what is ready. A signal may cut the wait short.
    ///
    /// # Errors
    ///
    /// Those that make the loop impossible.
    fn poll(&mut self, ready: &mut Vec<Ready>, timeout: Option<Duration>) -> io::Result<()>;

    /// The time since some fixed moment; it never goes back.
    fn now(&mut self) -> Duration;

    /// As [`now`](Self::now), and cheaper where that can be: asked in every turn, and allowed to be 10 ms behind.
    fn now_roughly(&mut self) -> Duration {
        self.now()
    }

    /// Accepts one connection.
    ///
    /// # Errors
    ///
    /// `WouldBlock` when none is waiting; others as `accept(2)`.
    fn accept(&mut self) -> io::Result<Self::Stream>;

    /// Stops listening. Where another process listens on the same sockets, it goes on undisturbed.
    fn stop_listening(&mut self);

    /// Where a stream comes from. Asked when somebody wants to know, so that others pay nothing for it.
    fn peer_addr(&mut self, stream: &Self::Stream) -> PeerAddr {
        let _ = stream;
        PeerAddr::Unknown
    }

    /// Begins to connect. The stream is reported writable when that is done or has failed.
    ///
    /// # Errors
    ///
    /// As `connect(2)`, but for those that mean that it goes on. A kernel for servers alone need not be able to.
    fn connect(&mut self, to: &Remote) -> io::Result<Self::Stream> {
        let _ = to;
        Err(io::ErrorKind::Unsupported.into())
    }

    /// Whether a stream from [`connect`](Self::connect) is connected, or not yet.
    ///
    /// # Errors
    ///
    /// When it will never be.
    fn connected(&mut self, stream: &mut Self::Stream) -> io::Result<bool> {
        let _ = stream;
        Err(io::ErrorKind::Unsupported.into())
    }

    /// Asks for the addresses of a host. [`Ready::Resolved`] with this key says that they are there.
    ///
    /// # Errors
    ///
    /// When it cannot be asked.
    fn resolve(&mut self, key: u64, host: &str, port: u16) -> io::Result<()> {
        let _ = (key, host, port);
        Err(io::ErrorKind::Unsupported.into())
    }

    /// What came of [`resolve`](Self::resolve) with this key: at least one address. It is given once.
    ///
    /// # Errors
    ///
    /// When there is no such host, or nobody who knows it can be asked.
    fn resolved(&mut self, key: u64) -> io::Result<Vec<SocketAddr>> {
        let _ = key;
        Err(io::ErrorKind::Unsupported.into())
    }

    /// Nobody wants the answer to [`resolve`](Self::resolve) with this key any more. It may come nevertheless.
    fn forget(&mut self, key: u64) {
        let _ = key;
    }

    /// Has readiness of `stream`, which is registered, reported under another token, with what is ready now.
    ///
    /// # Errors
    ///
    /// As `epoll_ctl(2)`.
    fn register_anew(&mut self, stream: &mut Self::Stream, token: Token) -> io::Result<()> {
        self.register(stream, token)
    }

    /// Has readiness of `stream` reported under `token`, for reading and writing, once and for all.
    ///
    /// # Errors
    ///
    /// As `epoll_ctl(2)`.
    fn register(&mut self, stream: &mut Self::Stream, token: Token) -> io::Result<()>;

    /// Receives into the spare capacity of `buffer`, which is not empty, and appends. 0 is the end.
    ///
    /// # Errors
    ///
    /// As `recv(2)`.
    fn receive(&mut self, stream: &mut Self::Stream, buffer: &mut Vec<u8>) -> io::Result<usize>;

    /// Sends from `parts`, which are not all empty; says how many bytes went.
    ///
    /// # Errors
    ///
    /// As `sendmsg(2)`.
    fn send(&mut self, stream: &mut Self::Stream, parts: &[IoSlice<'_>]) -> io::Result<usize>;

    /// Closes the sending side: the peer reads an end behind everything sent.
    fn finish(&mut self, stream: &mut Self::Stream);

    /// Fills `bytes` from the operating system's generator.
    ///
    /// # Errors
    ///
    /// When it fails. There is no other source.
    fn random(bytes: &mut [u8]) -> Result<(), NoRandomness> {
        getrandom::fill(bytes).map_err(|_| NoRandomness)
    }

    /// Makes dropping `stream` discard what the peer has not received, and tell it so (RST).
    fn abort(&mut self, stream: &mut Self::Stream);
}
