//! Looking into a running application, from any thread: [`Monitor`].
//!
//! | file | holds |
//! |---|---|
//! | `mod` | who looks: asking the workers to report, and reading what they have |
//! | `reports` | what a report says, of connections and of rooms |
//! | `reporter` | a worker's side: writing one each second as long as somebody looks |
//! | `nodes` | what is shown of other servers, and of what there is between them |
//! | `snapshot` | what is read: all reports as one, a page of it at a time |
//! | `tap` | what is said, as it is said |
//!
//! ```
//! use sockeye::app::watch::{Direction, Query};
//! use sockeye::app::{App, Echo, Monitor};
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let monitor = Monitor::new();
//! let serving = App::new().watched_by(&monitor).route("SOCKET /echo", |_| Echo).bind("127.0.0.1:0")?;
//! # let (url, handle) = (format!("ws://{}/echo", serving.local_addr()), serving.handle());
//! std::thread::spawn(move || serving.run());
//!
//! // What is said, from here on:
//! let mut tap = monitor.tap().ok_or("others listen already")?;
//! # #[cfg(feature = "client")]
//! # {
//! #     let mut socket = sockeye::client::connect(&url)?;
//! #     socket.send("hello")?;
//! #     socket.receive()?;
//! # }
//! # let mut said = Vec::new();
//! for line in tap.take(100).lines {
//!     let arrow = if line.direction == Direction::In { "→" } else { "←" };
//!     println!("{} {arrow} {:?} {}", line.path, line.kind, line.text);
//! #   said.push((arrow, line.text.clone()));
//! }
//! # #[cfg(feature = "client")]
//! # assert!(said.contains(&("→", "hello".to_owned())), "{said:?}");
//!
//! // Who is there:
//! let snapshot = monitor.snapshot(&Query::new().path("/echo").limit(20));
//! println!("{} of {} are at /echo", snapshot.connections_total, snapshot.online);
//! for one in &snapshot.connections {
//!     println!("{} from {} has sent {} messages", one.id, one.addr, one.messages_in);
//! }
//! # handle.shutdown()?;
//! # Ok(())
//! # }
//! ```
//!
//! As long as nobody looks, no worker writes, wakes or counts anything for it; a message costs one look at a flag.
//!
//! Not here: a page that shows it, which is `admin`; figures for machines, which are `metrics`.

#[cfg(feature = "backplane")]
mod nodes;
mod reporter;
mod reports;
mod snapshot;
mod tap;

#[cfg(feature = "backplane")]
pub use nodes::{NodeReport, OtherNode};
pub(super) use reporter::{POKE, Reporter, TICK};
pub use reports::{ConnectionReport, RoomReport};
pub use snapshot::{MAX_ROWS, Query, Snapshot};
pub(super) use tap::{Desk as TapDesk, Said, What};
pub use tap::{Direction, Kind, Line, MAX_TAPS, MAX_TEXT, Tap, Tapped};

use super::metrics::Registry;
use super::{Audience, Scope};
use crate::server::{Handle, HandleError, Message};
use alloc::string::String;
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::fmt;
use core::time::Duration;
use reporter::Post;
use reports::Report;
use std::sync::{Mutex, MutexGuard, PoisonError};
use tap::Taps;

/// Looks into a running application, and speaks to it, from any thread. Clones look at the same one.
///
/// ```no_run
/// use sockeye::app::watch::Query;
/// use sockeye::app::{App, Monitor};
/// # use sockeye::app::{Conn, Service};
/// # struct Chat;
/// # impl Service for Chat {
/// #     type User = ();
/// #     fn message(&mut self, _: &mut Conn<'_, ()>, _: &mut (), _: sockeye::server::Message<'_>) {}
/// # }
///
/// # fn main() -> std::io::Result<()> {
/// let monitor = Monitor::new();
/// let app = App::new().watched_by(&monitor).route("SOCKET /chat/{room}", |_| Chat);
/// std::thread::spawn(move || loop {
///     let snapshot = monitor.snapshot(&Query::new());
///     println!("{} online", snapshot.online);
///     std::thread::sleep(core::time::Duration::from_secs(1));
/// });
/// app.bind("127.0.0.1:8000")?.run()
/// # }
/// ```
///
/// What it shows is at most a second old, where somebody has asked before: the first to ask finds nothing yet, and the
/// workers at work. They go on for 10 seconds after the last one has asked. A worker with more than 20 000 connections
/// takes a second more for each 20 000, as writing them down costs some milliseconds.
#[derive(Clone, Default)]
pub struct Monitor(Arc<Inner>);

#[derive(Default)]
struct Inner {
    posts: Mutex<Vec<Arc<Post>>>,
    handle: Mutex<Option<Handle>>,
    registry: Mutex<Registry>,
    taps: Arc<Taps>,
}

impl Monitor {
    /// One that is to be given to an application; until that runs, there is nothing to see.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// What there is now: of the connections that the query picks a page, sorted by their ids, and as many rooms, sorted
    /// by their paths and names. It does not wait; see [`Monitor`] for how old it may be.
    #[must_use]
    pub fn snapshot(&self, query: &Query) -> Snapshot {
        self.ask();
        let registry = lock(&self.0.registry).clone();
        snapshot::of(&self.reports(), &registry, query)
    }

    /// The connection whose id has this [number](crate::server::ConnectionId::get).
    #[must_use]
    pub fn connection(&self, number: u64) -> Option<ConnectionReport> {
        self.ask();
        let reports = self.reports();
        let found = reports.iter().find_map(|report| report.connection(number));
        found.cloned()
    }

    /// Asks the workers to report, and to go on for 10 seconds. [`snapshot`](Self::snapshot) does so by itself.
    pub fn ask(&self) {
        self.want();
    }

    /// As [`ask`](Self::ask), from a service of the same application: its own worker reports when its turn is over.
    pub fn ask_from<U>(&self, scope: &mut Scope<'_, U>) {
        if self.want() && self.is_of(scope) {
            scope.desk.line.hub().after(Duration::ZERO, POKE);
        }
    }

    /// Wants reports, and says whether a worker has to begin with them, which the others are told here.
    fn want(&self) -> bool {
        let mut is_idle = false;
        for post in lock(&self.0.posts).iter() {
            is_idle |= post.ask();
        }
        if is_idle && let Some(handle) = self.handle() {
            // A loop that does not keep up is asked again with the next look.
            let _ = handle.run(|hub| hub.after(Duration::ZERO, POKE));
        }
        is_idle
    }

    /// Whether all workers report now. Where not, [`ask`](Self::ask) has them begin.
    #[must_use]
    pub fn is_current(&self) -> bool {
        let reports = self.reports();
        reports.workers > 0 && reports.come.len() == reports.workers
    }

    /// How many reports each worker has written: when all numbers have grown, all workers have reported since.
    #[must_use]
    pub fn reported(&self) -> Vec<u64> {
        lock(&self.0.posts)
            .iter()
            .map(|post| post.written())
            .collect()
    }

    /// Whether a service is of the application that this looks at.
    #[must_use]
    pub fn is_of<U>(&self, scope: &Scope<'_, U>) -> bool {
        let shared = &scope.desk.home.shared;
        let monitor = shared.monitor.as_ref();
        monitor.is_some_and(|monitor| Arc::ptr_eq(&monitor.0, &self.0))
    }

    /// Listens to what is said, until the [`Tap`] is dropped; `None` where there are [`MAX_TAPS`] already.
    ///
    /// Shown are messages of all connections and what services send and publish, but on routes that are
    /// [private](super::Route::private). What is published counts as one line, however many hear it. What is said through
    /// a [`Handle`], and errors that a route answers by itself, are not shown.
    #[must_use]
    pub fn tap(&self) -> Option<Tap> {
        Taps::open(&self.0.taps)
    }

    /// Says something to those whom an [`Audience`] names, in an application that runs on other threads. *All* and rooms
    /// are those of a path: give it with [`Audience::path`] and [`Audience::room_at`].
    ///
    /// # Errors
    ///
    /// [`HandleError`], and nobody is told; also where the application does not run.
    pub fn publish<'a, 'm>(
        &self,
        to: impl Into<Audience<'a>>,
        message: impl Into<Message<'m>>,
    ) -> Result<(), HandleError> {
        let handle = self.handle().ok_or(HandleError::Stopped)?;
        let message = message.into();
        to.into().with(("/", None), &mut String::new(), |to| {
            handle.publish(to, message)
        })
    }

    /// What else can be done to the server from any thread, if it runs.
    #[must_use]
    pub fn handle(&self) -> Option<Handle> {
        lock(&self.0.handle).clone()
    }

    /// The application counts here.
    pub(super) fn count_in(&self, registry: &Registry) {
        *lock(&self.0.registry) = registry.clone();
    }

    /// The application runs, and can be spoken to by this.
    pub(super) fn set_handle(&self, handle: Handle) {
        *lock(&self.0.handle) = Some(handle);
    }

    /// What one more worker reports by.
    pub(super) fn reporter(&self) -> Reporter {
        let post = Arc::new(Post::default());
        lock(&self.0.posts).push(Arc::clone(&post));
        let desk = Arc::new(TapDesk::new(&self.0.taps));
        Reporter::new(self.clone(), post, desk)
    }

    /// A worker has ended.
    fn forget(&self, post: &Arc<Post>) {
        lock(&self.0.posts).retain(|other| !Arc::ptr_eq(other, post));
    }

    /// Of all workers, where there are any; `None` for those that have not reported yet.
    fn reports(&self) -> Reports {
        let posts = lock(&self.0.posts);
        let workers = posts.len();
        let come: Vec<_> = posts.iter().filter_map(|post| post.report()).collect();
        Reports { workers, come }
    }
}

/// What the workers have written last.
struct Reports {
    workers: usize,
    come: Vec<Arc<Report>>,
}

impl Reports {
    fn iter(&self) -> impl Iterator<Item = &Report> {
        self.come.iter().map(|report| &**report)
    }
}

/// What is behind these locks is whole whoever panicked.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl fmt::Debug for Monitor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Monitor")
            .field("workers", &lock(&self.0.posts).len())
            .finish_non_exhaustive()
    }
}
