//! The kernel seam on mio: the real one.
//!
//! Not here: anything that decides.

use super::listener::{Accepting, Listener};
use super::mailbox::Wake;
use super::resolver::Resolver;
use crate::kernel::{Kernel, PeerAddr, Ready, Remote, Token};
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::fmt;
use core::net::SocketAddr;
use core::sync::atomic::{AtomicU8, Ordering};
use core::time::Duration;
use mio::unix::SourceFd;
use mio::{Events, Interest, Poll, Waker};
use rustix::buffer::spare_capacity;
use rustix::net::{
    RecvFlags, SendAncillaryBuffer, SendFlags, Shutdown, recv, send, sendmsg, shutdown,
};
use rustix::time::{ClockId, clock_gettime};
use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
use signal_hook_mio::v1_0::Signals;
use socket2::{Domain, SockAddr, SockRef, Socket, Type};
use std::io::{self, IoSlice};
use std::os::fd::{AsRawFd as _, OwnedFd};

/// Reports taken per wait.
const EVENTS: usize = 1024;
/// Connections that one listener gives before the next one has its turn.
const IN_A_ROW: usize = 16;

/// A peer that has gone is an error, not a signal to the process. Apple's systems have a socket option for that, which
/// mio sets.
#[cfg(not(target_vendor = "apple"))]
const SEND: SendFlags = SendFlags::NOSIGNAL;
#[cfg(target_vendor = "apple")]
const SEND: SendFlags = SendFlags::empty();

/// Both, once: with edges, a writable event comes only after a short write.
const BOTH: Interest = Interest::READABLE.add(Interest::WRITABLE);

/// A connection that is being made (`EINPROGRESS`).
const IN_PROGRESS: i32 = rustix::io::Errno::INPROGRESS.raw_os_error();

const LISTENERS: mio::Token = mio::Token(usize::MAX);
/// What a loop may be asked for.
const STOP: u8 = 1;
const RESTART: u8 = 2;

const WAKER: mio::Token = mio::Token(usize::MAX - 1);
const SIGNALS: mio::Token = mio::Token(usize::MAX - 2);
/// From here on, tokens are not those of streams.
const OTHERS: mio::Token = SIGNALS;

/// epoll, kqueue and sockets, through mio.
pub struct Mio {
    poll: Poll,
    events: Events,
    /// Each has a queue of its own, or one that it shares with other loops.
    listeners: Vec<Accepting>,
    /// Whose turn it is, and how many connections it gave in a row.
    turn: (usize, usize),
    signals: Option<Signals>,
    resolver: Option<Resolver>,
    stop: Stopper,
    /// The second it was made in.
    start: u64,
}

/// Stops a loop from any thread, or ends its wait. Clones stop the same one.
///
/// ```
/// # #[cfg(feature = "server")]
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # use sockeye::server::{Builder, Handler, Message, Peer};
/// # struct Echo;
/// # impl Handler for Echo {
/// #     type State = ();
/// #     fn on_message(&mut self, _: &mut Peer<'_>, (): &mut (), _: Message<'_>) {}
/// # }
/// let mut server = Builder::new().bind("127.0.0.1:0".parse()?, Echo)?;
/// let stopper = server.stopper();
/// std::thread::spawn(move || {
///     // … once there is a reason to:
///     stopper.stop()
/// });
/// server.run()?; // returns when all connections have ended
/// # Ok(())
/// # }
/// # #[cfg(not(feature = "server"))]
/// # fn main() {}
/// ```
#[derive(Clone, Debug)]
pub struct Stopper {
    waker: Arc<Waker>,
    /// For what: [`STOP`], [`RESTART`], or nothing. The first counts.
    asked: Arc<AtomicU8>,
}

impl Stopper {
    /// Asks the server to say goodbye to its connections and end.
    ///
    /// # Errors
    ///
    /// When the loop cannot be woken.
    pub fn stop(&self) -> io::Result<()> {
        self.ask(STOP)
    }

    /// Asks the server to tell its connections to come back, and to end: another process serves now where it did. See
    /// [`EventLoop::stop_for_restart`](super::EventLoop::stop_for_restart).
    ///
    /// # Errors
    ///
    /// As for [`stop`](Self::stop).
    pub fn restart(&self) -> io::Result<()> {
        self.ask(RESTART)
    }

    fn ask(&self, what: u8) -> io::Result<()> {
        // Who is ending already is not asked again.
        let _ = self
            .asked
            .compare_exchange(0, what, Ordering::AcqRel, Ordering::Acquire);
        self.waker.wake()
    }

    /// Has the loop's turn end that waits now, or the next one.
    ///
    /// # Errors
    ///
    /// As for [`stop`](Self::stop).
    pub fn wake(&self) -> io::Result<()> {
        self.waker.wake()
    }
}

impl Mio {
    /// A kernel that listens on `listeners`, and for SIGTERM and SIGINT if it is told to.
    ///
    /// # Errors
    ///
    /// As `epoll_create(2)` and its like.
    pub fn new(listeners: impl IntoIterator<Item = Listener>, signals: bool) -> io::Result<Self> {
        let mut kernel = Self::for_clients(signals)?;
        for listener in listeners {
            let mut listener = listener.accepting()?;
            listener.register(kernel.poll.registry(), LISTENERS)?;
            kernel.listeners.push(listener);
        }
        Ok(kernel)
    }

    /// A kernel that does not listen, but for signals if it is told to.
    ///
    /// # Errors
    ///
    /// As `epoll_create(2)` and its like.
    pub fn for_clients(signals: bool) -> io::Result<Self> {
        let poll = Poll::new()?;
        let waker = Waker::new(poll.registry(), WAKER)?;
        let signals = if signals {
            let mut signals = Signals::new([SIGTERM, SIGINT])?;
            poll.registry()
                .register(&mut signals, SIGNALS, Interest::READABLE)?;
            Some(signals)
        } else {
            None
        };
        Ok(Self {
            poll,
            events: Events::with_capacity(EVENTS),
            start: u64::try_from(clock_gettime(ClockId::Monotonic).tv_sec).unwrap_or_default(),
            listeners: Vec::new(),
            turn: (0, 0),
            signals,
            resolver: None,
            stop: Stopper {
                waker: Arc::new(waker),
                asked: Arc::default(),
            },
        })
    }

    /// If it listens for signals, reports SIGHUP too.
    ///
    /// # Errors
    ///
    /// As `sigaction(2)`.
    pub fn reload_on_hangup(&self) -> io::Result<()> {
        self.signals
            .as_ref()
            .map_or(Ok(()), |signals| signals.add_signal(SIGHUP))
    }

    /// What wakes the loop from elsewhere.
    pub(crate) fn wake(&self) -> Arc<dyn Wake> {
        Arc::<Waker>::clone(&self.stop.waker)
    }

    /// What stops the loop from elsewhere.
    #[must_use]
    pub fn stopper(&self) -> Stopper {
        self.stop.clone()
    }
}

impl Wake for Waker {
    fn wake(&self) {
        if let Err(error) = Self::wake(self) {
            tracing::error!(%error, "cannot wake a loop");
        }
    }
}

impl Mio {
    /// Reports whatever is not a stream's.
    #[inline(never)]
    fn report_others(&mut self, ready: &mut Vec<Ready>) {
        for event in &self.events {
            match event.token() {
                LISTENERS => ready.push(Ready::Accept),
                WAKER => {
                    match self.stop.asked.load(Ordering::Acquire) {
                        STOP => ready.push(Ready::Stop),
                        RESTART => ready.push(Ready::Restart),
                        _ => {}
                    }
                    ready.push(Ready::Wake);
                    if let Some(resolver) = &self.resolver {
                        let keys = resolver.fresh().into_iter();
                        ready.extend(keys.map(|key| Ready::Resolved { key }));
                    }
                }
                SIGNALS => {
                    let pending = self.signals.as_mut().map(Signals::pending);
                    ready.extend(pending.into_iter().flatten().map(|signal| match signal {
                        SIGHUP => Ready::Reload,
                        _ => Ready::Stop,
                    }));
                }
                _ => {}
            }
        }
    }

    #[inline(always)]
    fn since_start(&self, clock: ClockId) -> Duration {
        let now = clock_gettime(clock);
        #[expect(
            clippy::cast_sign_loss,
            clippy::cast_possible_truncation,
            reason = "no time lies before the machine's start, and no second has more nanoseconds"
        )]
        let (whole, nanos) = (now.tv_sec as u64, now.tv_nsec as u32);
        // The coarse clock may be in the second before.
        Duration::new(whole.saturating_sub(self.start), nanos)
    }
}

impl fmt::Debug for Mio {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Mio").finish_non_exhaustive()
    }
}

impl Kernel for Mio {
    type Stream = OwnedFd;

    #[inline(always)]
    fn poll(&mut self, ready: &mut Vec<Ready>, timeout: Option<Duration>) -> io::Result<()> {
        match self.poll.poll(&mut self.events, timeout) {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => return Ok(()),
            result => result?,
        }
        let mut others = false;
        for event in &self.events {
            let token = event.token();
            // Nearly all are of streams; the rest wait, as nobody cares about their order.
            if token.0 >= OTHERS.0 {
                others = true;
                continue;
            }
            let hangup = event.is_read_closed() || event.is_error();
            ready.push(Ready::Stream {
                token: Token(token.0),
                readable: event.is_readable() || hangup,
                writable: event.is_writable(),
                hangup,
            });
        }
        if others {
            self.report_others(ready);
        }
        Ok(())
    }

    #[inline(always)]
    fn now(&mut self) -> Duration {
        // The clock behind `Instant`, without that one's checked subtraction: this is asked in every turn.
        self.since_start(ClockId::Monotonic)
    }

    #[cfg(any(target_os = "linux", target_os = "android"))]
    #[inline(always)]
    fn now_roughly(&mut self) -> Duration {
        self.since_start(ClockId::MonotonicCoarse)
    }

    fn accept(&mut self) -> io::Result<OwnedFd> {
        // Only when none of them has a connection, the loop may wait to be told of one.
        for _ in 0..self.listeners.len() {
            let (mut at, mut given) = self.turn;
            if given == IN_A_ROW {
                (at, given) = ((at + 1) % self.listeners.len(), 0);
            }
            match self.listeners[at].accept() {
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                    self.turn = ((at + 1) % self.listeners.len(), 0);
                }
                result => {
                    self.turn = (at, given + 1);
                    return result;
                }
            }
        }
        Err(io::ErrorKind::WouldBlock.into())
    }

    fn stop_listening(&mut self) {
        for mut listener in self.listeners.drain(..) {
            // It is closed next.
            let _ = listener.deregister(self.poll.registry());
        }
    }

    fn peer_addr(&mut self, stream: &OwnedFd) -> PeerAddr {
        // One that has been reset has no peer any more.
        let Ok(addr) = SockRef::from(stream).peer_addr() else {
            return PeerAddr::Unknown;
        };
        match addr.as_socket() {
            Some(addr) => PeerAddr::of(addr),
            None if addr.is_unix() => PeerAddr::Unix,
            None => PeerAddr::Unknown,
        }
    }

    fn connect(&mut self, to: &Remote) -> io::Result<OwnedFd> {
        let (domain, address) = match to {
            Remote::Ip(addr) => (Domain::for_address(*addr), (*addr).into()),
            Remote::Unix(path) => (Domain::UNIX, SockAddr::unix(path)?),
        };
        let socket = Socket::new(domain, Type::STREAM, None)?;
        socket.set_nonblocking(true)?;
        if let Remote::Ip(_) = to {
            socket.set_tcp_nodelay(true)?;
        }
        match socket.connect(&address) {
            Err(error) if error.raw_os_error() == Some(IN_PROGRESS) => {}
            result => result?,
        }
        Ok(socket.into())
    }

    fn connected(&mut self, stream: &mut OwnedFd) -> io::Result<bool> {
        let socket = SockRef::from(&*stream);
        if let Some(error) = socket.take_error()? {
            return Err(error);
        }
        match socket.peer_addr() {
            Ok(_) => Ok(true),
            Err(error) if error.kind() == io::ErrorKind::NotConnected => Ok(false),
            Err(error) => Err(error),
        }
    }

    fn resolve(&mut self, key: u64, host: &str, port: u16) -> io::Result<()> {
        if self.resolver.is_none() {
            self.resolver = Some(Resolver::new(self.wake()));
        }
        let resolver = self.resolver.as_ref();
        resolver.map_or(Ok(()), |resolver| resolver.ask(key, host, port))
    }

    fn resolved(&mut self, key: u64) -> io::Result<Vec<SocketAddr>> {
        let resolver = self.resolver.as_ref();
        resolver.map_or_else(
            || Err(io::ErrorKind::NotFound.into()),
            |resolver| resolver.take(key),
        )
    }

    fn forget(&mut self, key: u64) {
        if let Some(resolver) = &self.resolver {
            resolver.forget(key);
        }
    }

    fn register(&mut self, stream: &mut OwnedFd, token: Token) -> io::Result<()> {
        let registry = self.poll.registry();
        registry.register(
            &mut SourceFd(&stream.as_raw_fd()),
            mio::Token(token.0),
            BOTH,
        )
    }

    fn register_anew(&mut self, stream: &mut OwnedFd, token: Token) -> io::Result<()> {
        let registry = self.poll.registry();
        registry.reregister(
            &mut SourceFd(&stream.as_raw_fd()),
            mio::Token(token.0),
            BOTH,
        )
    }

    #[inline(always)]
    fn receive(&mut self, stream: &mut OwnedFd, buffer: &mut Vec<u8>) -> io::Result<usize> {
        let (_, bytes) = recv(&*stream, spare_capacity(buffer), RecvFlags::empty())?;
        Ok(bytes)
    }

    #[inline(always)]
    fn send(&mut self, stream: &mut OwnedFd, parts: &[IoSlice<'_>]) -> io::Result<usize> {
        let sent = match parts {
            [only] => send(&*stream, only, SEND)?,
            _ => sendmsg(&*stream, parts, &mut SendAncillaryBuffer::default(), SEND)?,
        };
        Ok(sent)
    }

    fn finish(&mut self, stream: &mut OwnedFd) {
        // The peer may have reset the connection; then there is nothing to finish.
        let _ = shutdown(&*stream, Shutdown::Write);
    }

    fn abort(&mut self, stream: &mut OwnedFd) {
        let _ = SockRef::from(&*stream).set_linger(Some(Duration::ZERO));
    }
}
