//! Where the program's listening sockets come from: from the process that served before, from the one that started this
//! one, or from here.
//!
//! Not here: serving on them; that is `run`.

use crate::args::Options;
use listenfd::ListenFd;
use sockeye::server::handover::{self, Handover, Takeover};
use sockeye::server::{Listen, Listener};
use std::io;
use std::path::PathBuf;
use std::thread;

/// Sockets to serve on.
pub(crate) struct Sockets {
    pub(crate) listeners: Vec<Listener>,
    /// The one beside them; see [`Options::aside`].
    pub(crate) aside: Option<Listener>,
    /// Somebody serves on them until we do.
    takeover: Option<Takeover>,
    /// Where the next one may take them from us.
    door: Option<PathBuf>,
}

impl Sockets {
    /// Takes them over, if there is somebody to take them from; or those that were inherited; or binds them.
    ///
    /// To be called before there is any other thread: it changes the environment.
    pub(crate) fn open(options: &Options) -> io::Result<Self> {
        let door = options.handover.clone();
        // Also where they are not used, so that nobody who is started from here takes them for his.
        let inherited = inherited()?;
        let takeover = match &door {
            Some(door) => handover::take(door).map_err(|error| {
                let what = format!("cannot take over at {}: {error}", door.display());
                io::Error::new(error.kind(), what)
            })?,
            None => None,
        };
        let mut listeners = match &takeover {
            Some(takeover) => takeover.listeners().to_vec(),
            None if !inherited.is_empty() => inherited,
            None => Listener::bind_for(&options.listen, options.workers)
                .map_err(|error| cannot_listen(&options.listen, &error))?,
        };
        let aside = options
            .aside
            .as_ref()
            .map(|place| take_or_bind(place, &mut listeners))
            .transpose()?;
        Ok(Self {
            listeners,
            aside,
            takeover,
            door,
        })
    }

    /// Where they listen, each place once.
    pub(crate) fn places(&self) -> Vec<&Listen> {
        let mut places: Vec<&Listen> = Vec::new();
        for listener in &self.listeners {
            if !places.contains(&listener.place()) {
                places.push(listener.place());
            }
        }
        places
    }

    /// All of them are accepted from now: whoever did so before may go. `restart` is called when the next one has come,
    /// on a thread of its own. What is given is to be kept as long as they are served.
    pub(crate) fn serving(
        self,
        restart: impl FnOnce() + Send + 'static,
    ) -> io::Result<Option<Handover>> {
        let handover = match (self.takeover, &self.door) {
            (Some(takeover), _) => takeover.accepting()?,
            (None, Some(door)) => Handover::bind(door)
                .map_err(|error| cannot_listen(&Listen::Unix(door.clone()), &error))?,
            (None, None) => return Ok(None),
        };
        let all: Vec<_> = self.listeners.into_iter().chain(self.aside).collect();
        let offer = handover.offer(&all)?;
        thread::Builder::new().spawn(move || match offer.wait() {
            Ok(()) => restart(),
            Err(error) => eprintln!("sockeye: nobody can take over any more: {error}"),
        })?;
        Ok(Some(handover))
    }
}

/// The socket at a place, out of those that came from elsewhere, or a new one.
fn take_or_bind(place: &Listen, listeners: &mut Vec<Listener>) -> io::Result<Listener> {
    let mut found = listeners.extract_if(.., |listener| listener.place() == place);
    match found.next() {
        Some(listener) => Ok(listener),
        None => Listener::bind(place).map_err(|error| cannot_listen(place, &error)),
    }
}

/// The sockets that systemd and its like pass on (`LISTEN_FDS`).
fn inherited() -> io::Result<Vec<Listener>> {
    let mut sockets = ListenFd::from_env();
    (0..sockets.len())
        .filter_map(|at| {
            // It is one or the other, and says so only by an error.
            let socket = match sockets.take_tcp_listener(at) {
                Ok(socket) => socket.map(Listener::adopt),
                Err(_) => match sockets.take_unix_listener(at) {
                    Ok(socket) => socket.map(Listener::adopt),
                    Err(error) => Some(Err(error)),
                },
            };
            socket.map(|socket| {
                socket.map_err(|error| {
                    let what = format!("cannot use socket {at} of LISTEN_FDS: {error}");
                    io::Error::new(error.kind(), what)
                })
            })
        })
        .collect()
}

fn cannot_listen(place: &Listen, error: &io::Error) -> io::Error {
    let why = match (error.kind(), place) {
        (io::ErrorKind::AddrInUse, Listen::Ip(_)) => {
            "another program listens there; choose another --listen".to_owned()
        }
        (io::ErrorKind::PermissionDenied, Listen::Ip(_)) => {
            "this user may not; choose a port above 1023".to_owned()
        }
        (io::ErrorKind::AddrNotAvailable, _) => {
            "this machine does not have that address".to_owned()
        }
        _ => error.to_string(),
    };
    io::Error::new(error.kind(), format!("cannot listen on {place}: {why}"))
}
