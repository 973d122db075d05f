//! Where a server listens: [`Listen`] is a place, [`Listener`] a socket there.
//!
//! A Unix socket is a file too, which outlives a process that was killed. Such a file, at which nobody answers, is
//! replaced; one at which somebody answers is an error. When its socket stops listening, the file is removed, unless
//! somebody has put another one there meanwhile. Nobody locks anything: of two that replace a dead file at the very same
//! moment, the later one may win.
//!
//! Not here: accepting, which is `accept`; passing sockets on to another process, which is `server::handover`.

use alloc::sync::Arc;
use alloc::vec;
use alloc::vec::Vec;
use core::fmt;
use core::net::SocketAddr;
use core::str::FromStr;
use core::sync::atomic::{AtomicBool, Ordering};
use mio::net::{TcpListener, UnixListener};
use mio::{Interest, Registry, Token, event};
use socket2::{Domain, SockAddr, Socket, Type};
use std::fs::{self, Permissions};
use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::unix::fs::{FileTypeExt as _, MetadataExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};

/// Connections that may wait to be accepted; the system may allow fewer.
const BACKLOG: i32 = 4096;

/// A place to listen at: written `127.0.0.1:9001`, `[::1]:9001` or `unix:/run/chat.sock`.
///
/// ```
/// # #[cfg(feature = "server")] {
/// use sockeye::server::Listen;
///
/// let place: Listen = "unix:/run/chat.sock".parse().expect("a place");
/// assert_eq!(place, Listen::Unix("/run/chat.sock".into()));
/// assert_eq!(place.to_string(), "unix:/run/chat.sock");
/// # }
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Listen {
    /// An address and a port; port 0 is a free one.
    Ip(SocketAddr),
    /// A path, of some 100 bytes at most. Who may connect is up to the directory's permissions and the umask.
    Unix(PathBuf),
}

/// This names no place to listen at.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct NoPlace;

impl fmt::Display for NoPlace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("write an address and a port as 127.0.0.1:9001, or a Unix socket as unix:/path")
    }
}

/// The sentence: it is what a program says that returns it from `main`.
impl fmt::Debug for NoPlace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl core::error::Error for NoPlace {}

impl FromStr for Listen {
    type Err = NoPlace;

    fn from_str(text: &str) -> Result<Self, NoPlace> {
        match text.strip_prefix("unix:") {
            Some("") => Err(NoPlace),
            Some(path) => Ok(Self::Unix(path.into())),
            None => text.parse().map(Self::Ip).map_err(|_| NoPlace),
        }
    }
}

impl From<SocketAddr> for Listen {
    fn from(addr: SocketAddr) -> Self {
        Self::Ip(addr)
    }
}

impl fmt::Display for Listen {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Ip(addr) => addr.fmt(f),
            Self::Unix(path) => write!(f, "unix:{}", path.display()),
        }
    }
}

/// A socket that listens. Clones are the same one, which listens until the last of them, and the last loop that accepts
/// from it, is done with it.
///
/// ```
/// # #[cfg(feature = "server")]
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// use sockeye::server::{Builder, Listener};
/// # use sockeye::server::{Handler, Message, Peer};
/// # struct Echo;
/// # impl Handler for Echo {
/// #     type State = ();
/// #     fn on_message(&mut self, _: &mut Peer<'_>, (): &mut (), _: Message<'_>) {}
/// # }
///
/// // One server at two places.
/// # let dir = std::env::temp_dir().join(format!("sockeye-listener-{}", std::process::id()));
/// # std::fs::create_dir(&dir)?;
/// # let file = format!("unix:{}/chat.sock", dir.display());
/// let tcp = Listener::bind(&"127.0.0.1:0".parse()?)?;
/// let unix = Listener::bind(&file.parse()?)?; // unix:/run/chat.sock
/// let server = Builder::new().serve([tcp, unix], Echo)?;
/// for place in server.places() {
///     println!("listening at {place}");
/// }
/// # drop(server);
/// # std::fs::remove_dir(&dir)?; // empty: the socket's file went with it
/// # Ok(())
/// # }
/// # #[cfg(not(feature = "server"))]
/// # fn main() {}
/// ```
#[derive(Clone, Debug)]
pub struct Listener {
    place: Listen,
    held: Arc<Held>,
}

/// A socket, and its file if that is ours.
#[derive(Debug)]
pub(crate) struct Held {
    // Before the socket: as long as that is open, no other file has this one's number.
    file: Option<SocketFile>,
    socket: Socket,
}

impl Listener {
    /// Listens at a place that is free.
    ///
    /// # Errors
    ///
    /// As `bind(2)` and `listen(2)`: the place is taken, not ours, or not allowed. For a Unix socket also when the path
    /// is too long, or belongs to something that is no socket.
    pub fn bind(place: &Listen) -> io::Result<Self> {
        match place {
            Listen::Ip(addr) => Self::bind_ip(*addr, false),
            Listen::Unix(path) => Self::bind_unix(path, None),
        }
    }

    /// As [`bind`](Self::bind), on an address that other sockets of the same user share (`SO_REUSEPORT`): the system
    /// deals connections out to them. A path cannot be shared.
    ///
    /// # Errors
    ///
    /// As for [`bind`](Self::bind).
    pub fn bind_shared(place: &Listen) -> io::Result<Self> {
        match place {
            Listen::Ip(addr) => Self::bind_ip(*addr, true),
            Listen::Unix(path) => Self::bind_unix(path, None),
        }
    }

    /// Sockets for several loops at one place, which must be free: for an address as many as there are loops, which share
    /// it; for a path one.
    ///
    /// # Errors
    ///
    /// As for [`bind`](Self::bind).
    pub fn bind_for(place: &Listen, loops: usize) -> io::Result<Vec<Self>> {
        if loops == 1 || matches!(place, Listen::Unix(_)) {
            return Ok([Self::bind(place)?].into());
        }
        // Sockets that share a port share a stranger's too: so it is taken alone first. Where any will do, the system
        // gives one that nobody has; and would give it to somebody else when it is let go.
        if matches!(place, Listen::Ip(addr) if addr.port() != 0) {
            drop(Self::bind(place)?);
        }
        let first = Self::bind_shared(place)?;
        let others: io::Result<Vec<_>> = (1..loops)
            .map(|_| Self::bind_shared(&first.place))
            .collect();
        Ok([vec![first], others?].concat())
    }

    /// Takes a socket that listens already, as one from the process that started this one. Its file, if it has one, is
    /// somebody else's, and stays.
    ///
    /// # Errors
    ///
    /// When it is no stream socket that listens.
    pub fn adopt(socket: impl Into<OwnedFd>) -> io::Result<Self> {
        let socket = Socket::from(socket.into());
        // Apple's systems do not tell, and fail to accept then.
        #[cfg(not(target_vendor = "apple"))]
        let listens = rustix::net::sockopt::socket_acceptconn(&socket)?;
        #[cfg(target_vendor = "apple")]
        let listens = true;
        if socket.r#type()? != Type::STREAM || !listens {
            let what = "not a socket that listens for connections";
            return Err(io::Error::new(io::ErrorKind::InvalidInput, what));
        }
        socket.set_nonblocking(true)?;
        let place = place_of(&socket)?;
        if let Listen::Ip(_) = place {
            socket.set_tcp_nodelay(true)?;
        }
        Ok(Self::hold(place, socket, None))
    }

    fn hold(place: Listen, socket: Socket, file: Option<SocketFile>) -> Self {
        Self {
            place,
            held: Arc::new(Held { file, socket }),
        }
    }

    /// Where it listens.
    #[must_use]
    pub const fn place(&self) -> &Listen {
        &self.place
    }

    /// Deals sockets out to so many loops, at least one: each socket has a loop that accepts from it, or its queue would
    /// fill; and each place has all loops, as far as its sockets go round, where they share those.
    #[must_use]
    pub fn deal(listeners: &[Self], loops: usize) -> Vec<Vec<Self>> {
        let loops = loops.max(1);
        let mut dealt = vec![Vec::new(); loops];
        for (at, first) in listeners.iter().enumerate() {
            let place = |other: &&Self| other.place == first.place;
            if listeners[..at].iter().any(|other| place(&other)) {
                continue;
            }
            let group: Vec<_> = listeners.iter().filter(place).collect();
            for turn in 0..group.len().max(loops) {
                dealt[turn % loops].push(group[turn % group.len()].clone());
            }
        }
        dealt
    }

    /// What is accepted inherits it, so that it costs no call of its own.
    pub(crate) fn set_send_buffer(&self, bytes: usize) -> io::Result<()> {
        self.held.socket.set_send_buffer_size(bytes)
    }

    fn bind_ip(addr: SocketAddr, shared: bool) -> io::Result<Self> {
        let socket = Socket::new(Domain::for_address(addr), Type::STREAM, None)?;
        socket.set_nonblocking(true)?;
        socket.set_reuse_address(true)?;
        socket.set_reuse_port(shared)?;
        // Accepted sockets inherit it, so that it costs no call of their own.
        socket.set_tcp_nodelay(true)?;
        socket.bind(&addr.into())?;
        socket.listen(BACKLOG)?;
        Ok(Self::hold(place_of(&socket)?, socket, None))
    }

    /// `mode`, where the file is to have other permissions than the umask gives it.
    pub(crate) fn bind_unix(path: &Path, mode: Option<u32>) -> io::Result<Self> {
        // Whoever removes the file may work elsewhere by then.
        let path = std::path::absolute(path)?;
        let addr = SockAddr::unix(&path)?;
        let socket = Socket::new(Domain::UNIX, Type::STREAM, None)?;
        socket.set_nonblocking(true)?;
        match socket.bind(&addr) {
            Err(error) if error.kind() == io::ErrorKind::AddrInUse => {
                remove_dead(&path, &addr)?;
                socket.bind(&addr)?;
            }
            result => result?,
        }
        let file = SocketFile::of(path.clone())?;
        if let Some(mode) = mode {
            // Nobody can connect before it listens.
            fs::set_permissions(&path, Permissions::from_mode(mode))?;
        }
        socket.listen(BACKLOG)?;
        Ok(Self::hold(Listen::Unix(path), socket, Some(file)))
    }

    /// As [`adopt`](Self::adopt), with its file: whoever had it leaves it to us, once it has been
    /// [given](Held::give) back.
    pub(crate) fn adopt_with_file(socket: OwnedFd) -> io::Result<Self> {
        let mut listener = Self::adopt(socket)?;
        if let (Listen::Unix(path), Some(held)) =
            (&listener.place, Arc::get_mut(&mut listener.held))
            && path.is_absolute()
        {
            // Where somebody else's file is by now, there is none that is ours.
            held.file = SocketFile::of(path.clone()).ok();
            held.give(true);
        }
        Ok(listener)
    }

    pub(crate) const fn held(&self) -> &Arc<Held> {
        &self.held
    }

    /// What a loop accepts from.
    pub(super) fn accepting(self) -> io::Result<Accepting> {
        // mio wants to own what it is given.
        let socket = self.held.socket.try_clone()?;
        Ok(Accepting {
            source: match self.place {
                Listen::Ip(_) => Source::Ip(TcpListener::from_std(socket.into())),
                Listen::Unix(_) => Source::Unix(UnixListener::from_std(socket.into())),
            },
            _held: self.held,
        })
    }
}

impl Held {
    /// Leaves the file, if there is one, to another process; or not after all.
    pub(crate) fn give(&self, given: bool) {
        if let Some(file) = &self.file {
            file.given.store(given, Ordering::Release);
        }
    }

    /// Whether it has a file that is ours.
    pub(crate) const fn has_file(&self) -> bool {
        self.file.is_some()
    }
}

impl AsFd for Held {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.socket.as_fd()
    }
}

impl AsFd for Listener {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.held.as_fd()
    }
}

/// Where a socket is bound. One without a name, or with one that is no path, has the empty path.
fn place_of(socket: &Socket) -> io::Result<Listen> {
    let addr = socket.local_addr()?;
    match addr.as_socket() {
        Some(addr) => Ok(Listen::Ip(addr)),
        None if addr.is_unix() => Ok(Listen::Unix(
            addr.as_pathname().map(PathBuf::from).unwrap_or_default(),
        )),
        None => Err(io::Error::new(
            io::ErrorKind::InvalidInput,
            "neither TCP nor a Unix socket",
        )),
    }
}

/// Removes a socket at which nobody answers any more; whatever else is there stays, and is an error.
fn remove_dead(path: &Path, addr: &SockAddr) -> io::Result<()> {
    let taken = |what| Err(io::Error::new(io::ErrorKind::AddrInUse, what));
    match fs::symlink_metadata(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        Err(error) => return Err(error),
        // Connecting to such a file is refused as well.
        Ok(file) if !file.file_type().is_socket() => {
            return taken("a file is there that is no socket");
        }
        Ok(_) => {}
    }
    let probe = Socket::new(Domain::UNIX, Type::STREAM, None)?;
    // A queue that is full is somebody's.
    probe.set_nonblocking(true)?;
    match probe.connect(addr) {
        Err(error) if error.kind() == io::ErrorKind::ConnectionRefused => fs::remove_file(path),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        Err(error) if error.kind() == io::ErrorKind::PermissionDenied => Err(error),
        _ => taken("another program answers there"),
    }
}

/// The file of a Unix socket that is ours: removed when the last hold on it is let go.
#[derive(Debug)]
struct SocketFile {
    path: PathBuf,
    /// Device and number, by which we know it again.
    identity: (u64, u64),
    /// It is somebody else's now.
    given: AtomicBool,
}

impl SocketFile {
    fn of(path: PathBuf) -> io::Result<Self> {
        let found = fs::symlink_metadata(&path)?;
        Ok(Self {
            path,
            identity: (found.dev(), found.ino()),
            given: AtomicBool::new(false),
        })
    }
}

impl Drop for SocketFile {
    fn drop(&mut self) {
        let is_ours = fs::symlink_metadata(&self.path)
            .is_ok_and(|found| (found.dev(), found.ino()) == self.identity);
        if is_ours && !self.given.load(Ordering::Acquire) {
            // Removed meanwhile is as good.
            let _ = fs::remove_file(&self.path);
        }
    }
}

/// A socket that a loop accepts from.
pub(super) struct Accepting {
    source: Source,
    _held: Arc<Held>,
}

enum Source {
    Ip(TcpListener),
    Unix(UnixListener),
}

impl Accepting {
    pub(super) fn accept(&self) -> io::Result<OwnedFd> {
        match &self.source {
            Source::Ip(listener) => listener.accept().map(|(stream, _)| stream.into()),
            Source::Unix(listener) => listener.accept().map(|(stream, _)| stream.into()),
        }
    }

    pub(super) fn register(&mut self, registry: &Registry, token: Token) -> io::Result<()> {
        registry.register(self.source(), token, Interest::READABLE)
    }

    /// To be called before it is closed: where another process has the same socket, closing alone would leave this loop
    /// waiting on it.
    pub(super) fn deregister(&mut self, registry: &Registry) -> io::Result<()> {
        registry.deregister(self.source())
    }

    const fn source(&mut self) -> &mut dyn event::Source {
        match &mut self.source {
            Source::Ip(listener) => listener,
            Source::Unix(listener) => listener,
        }
    }
}

#[cfg(test)]
mod tests;
