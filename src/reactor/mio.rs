//! The kernel seam on mio: the real one.
//!
//! Not here: anything that decides.

use crate::kernel::{Kernel, Ready, Token};
use alloc::boxed::Box;
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::fmt;
use core::net::SocketAddr;
use core::sync::atomic::{AtomicBool, Ordering};
use core::time::Duration;
use mio::net::{TcpListener, TcpStream};
use mio::{Events, Interest, Poll, Waker};
use rustix::buffer::spare_capacity;
use rustix::net::{
    RecvFlags, SendAncillaryBuffer, SendFlags, Shutdown, recv, send, sendmsg, shutdown,
};
use rustix::time::{ClockId, clock_gettime};
use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
use signal_hook_mio::v1_0::Signals;
use socket2::{Domain, SockRef, Socket, Type};
use std::io::{self, IoSlice};

/// Reports taken per wait.
const EVENTS: usize = 1024;
const BACKLOG: i32 = 4096;

/// A peer that has gone is an error, not a signal to the process. Apple's systems have a socket option for that, which
/// mio sets.
#[cfg(not(target_vendor = "apple"))]
const SEND: SendFlags = SendFlags::NOSIGNAL;
#[cfg(target_vendor = "apple")]
const SEND: SendFlags = SendFlags::empty();

const LISTENER: mio::Token = mio::Token(usize::MAX);
const WAKER: mio::Token = mio::Token(usize::MAX - 1);
const SIGNALS: mio::Token = mio::Token(usize::MAX - 2);

/// epoll, kqueue and sockets, through mio.
pub struct Mio {
    poll: Poll,
    events: Events,
    listener: Option<TcpListener>,
    signals: Option<Signals>,
    stop: Stopper,
    /// The second it was made in.
    start: u64,
}

/// Stops a server from any thread. Clones stop the same one.
#[derive(Clone, Debug)]
pub struct Stopper {
    waker: Arc<Waker>,
    asked: Arc<AtomicBool>,
}

impl Stopper {
    /// Asks the server to say goodbye to its connections and end.
    ///
    /// # Errors
    ///
    /// When the loop cannot be woken.
    pub fn stop(&self) -> io::Result<()> {
        self.asked.store(true, Ordering::Release);
        self.waker.wake()
    }
}

impl Mio {
    /// A kernel that listens on `listener`, and on SIGTERM and SIGINT if it is told to.
    ///
    /// # Errors
    ///
    /// As `epoll_create(2)` and its like.
    pub fn new(mut listener: TcpListener, signals: bool) -> io::Result<Self> {
        let poll = Poll::new()?;
        poll.registry()
            .register(&mut listener, LISTENER, Interest::READABLE)?;
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
            listener: Some(listener),
            signals,
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
    pub(crate) fn wake(&self) -> Box<dyn Fn() + Send + Sync> {
        let waker = Arc::clone(&self.stop.waker);
        Box::new(move || {
            if let Err(error) = waker.wake() {
                tracing::error!(%error, "cannot wake a loop");
            }
        })
    }

    /// What stops the loop from elsewhere.
    #[must_use]
    pub fn stopper(&self) -> Stopper {
        self.stop.clone()
    }
}

impl fmt::Debug for Mio {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Mio").finish_non_exhaustive()
    }
}

/// Binds a listening socket. `shared` lets several loops bind the same address, which the first of them must find
/// free.
///
/// # Errors
///
/// As `bind(2)` and `listen(2)`.
pub fn listen(addr: SocketAddr, shared: bool) -> io::Result<TcpListener> {
    let socket = Socket::new(Domain::for_address(addr), Type::STREAM, None)?;
    socket.set_nonblocking(true)?;
    socket.set_reuse_address(true)?;
    socket.set_reuse_port(shared)?;
    // Accepted sockets inherit it, so that it costs no call of their own.
    socket.set_tcp_nodelay(true)?;
    socket.bind(&addr.into())?;
    socket.listen(BACKLOG)?;
    Ok(TcpListener::from_std(socket.into()))
}

impl Kernel for Mio {
    type Stream = TcpStream;

    #[inline(always)]
    fn poll(&mut self, ready: &mut Vec<Ready>, timeout: Option<Duration>) -> io::Result<()> {
        match self.poll.poll(&mut self.events, timeout) {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => return Ok(()),
            result => result?,
        }
        for event in &self.events {
            match event.token() {
                LISTENER => ready.push(Ready::Accept),
                WAKER => {
                    if self.stop.asked.load(Ordering::Acquire) {
                        ready.push(Ready::Stop);
                    }
                    ready.push(Ready::Wake);
                }
                SIGNALS => {
                    let pending = self.signals.as_mut().map(Signals::pending);
                    ready.extend(pending.into_iter().flatten().map(|signal| match signal {
                        SIGHUP => Ready::Reload,
                        _ => Ready::Stop,
                    }));
                }
                mio::Token(token) => {
                    let hangup = event.is_read_closed() || event.is_error();
                    ready.push(Ready::Stream {
                        token: Token(token),
                        readable: event.is_readable() || hangup,
                        writable: event.is_writable(),
                        hangup,
                    });
                }
            }
        }
        Ok(())
    }

    #[inline(always)]
    fn now(&mut self) -> Duration {
        // The clock behind `Instant`, without that one's checked subtraction: this is asked in every turn.
        let now = clock_gettime(ClockId::Monotonic);
        let whole = u64::try_from(now.tv_sec).unwrap_or_default();
        let nanos = u32::try_from(now.tv_nsec).unwrap_or_default();
        Duration::new(whole - self.start, nanos)
    }

    fn accept(&mut self) -> io::Result<TcpStream> {
        match &self.listener {
            Some(listener) => listener.accept().map(|(stream, _)| stream),
            None => Err(io::ErrorKind::WouldBlock.into()),
        }
    }

    fn stop_listening(&mut self) {
        self.listener = None;
    }

    fn register(&mut self, stream: &mut TcpStream, token: Token) -> io::Result<()> {
        // Both, once: with edges, a writable event comes only after a short write.
        self.poll.registry().register(
            stream,
            mio::Token(token.0),
            Interest::READABLE | Interest::WRITABLE,
        )
    }

    #[inline]
    fn receive(&mut self, stream: &mut TcpStream, buffer: &mut Vec<u8>) -> io::Result<usize> {
        let (_, bytes) = recv(&*stream, spare_capacity(buffer), RecvFlags::empty())?;
        Ok(bytes)
    }

    #[inline]
    fn send(&mut self, stream: &mut TcpStream, parts: &[IoSlice<'_>]) -> io::Result<usize> {
        let sent = match parts {
            [only] => send(&*stream, only, SEND)?,
            _ => sendmsg(&*stream, parts, &mut SendAncillaryBuffer::default(), SEND)?,
        };
        Ok(sent)
    }

    fn finish(&mut self, stream: &mut TcpStream) {
        // The peer may have reset the connection; then there is nothing to finish.
        let _ = shutdown(&*stream, Shutdown::Write);
    }

    fn abort(&mut self, stream: &mut TcpStream) {
        let _ = SockRef::from(&*stream).set_linger(Some(Duration::ZERO));
    }
}
