//! A page and a socket for who runs a server: what is connected, what is said, and speaking to it. [`Admin`].
//!
//! | file | holds |
//! |---|---|
//! | `mod` | what is at which path, on the application's own port or on one for it alone |
//! | `gate` | who may come: the name of the host, the token, and how often one may be wrong |
//! | `hosts`, `failures` | those two |
//! | `desk` | the service behind the socket: what is shown, and when |
//! | `orders` | what it can be told to do |
//!
//! It is an application on a [`Monitor`], and needs nothing that others could not use.
//!
//! Not here: the page's document and scripts, which are given to it.

mod desk;
mod failures;
mod gate;
mod hosts;
mod orders;

use super::{App, Format, Monitor, Page, Params, Rate, Route};
use crate::proto::handshake::server::PageRequest;
use crate::proto::handshake::{Response, is_token_byte};
use crate::server::{Limits, Timeouts};
use alloc::borrow::ToOwned;
use alloc::format;
use alloc::string::String;
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::fmt;
use core::time::Duration;
use desk::{Company, Desk};
use gate::Keys;

/// The fewest characters of a token.
pub const MIN_TOKEN: usize = 16;

/// The subprotocol of the socket.
pub const PROTOCOL: &str = "sockeye.admin";

/// Connections that the socket takes.
const CONNECTIONS: usize = 16;
/// Connections of a port for it alone: some that ask for pages come on top.
const CONNECTIONS_OF_PORT: usize = 64;
/// Bytes that those may make it hold.
const MEMORY_OF_PORT: usize = 64 << 20;
/// Bytes of a command.
const COMMAND: u64 = 64 << 10;

/// A page at `/admin`, without any data, and the socket `/admin/socket` that has them.
///
/// On a port of its own, which is the better way, for whoever reaches the application need not reach this:
///
/// ```no_run
/// use sockeye::app::{Admin, App, Monitor};
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let monitor = Monitor::new();
/// let admin = Admin::new("correct-horse-battery", &monitor)?.app();
/// let admin = admin.bind("127.0.0.1:8001")?;
/// std::thread::spawn(|| admin.run());
/// App::new().watched_by(&monitor).bind("0.0.0.0:8000")?.run()?;
/// # Ok(())
/// # }
/// ```
///
/// Or on the application's own: `App::new().admin(admin)`.
///
/// # Who may come
///
/// A browser's user may be led to a page that talks to this one, so a token is not all that is asked for:
///
/// - The request's `Host` is one that was [listed](Self::hosts), or a name of this machine from this machine. Else a page
///   whose name is made to lead here, by DNS, would be of the same origin. 403.
/// - The page's origin is this host. 403.
/// - The token is right, wherever [`Upgrade::token`](super::Upgrade::token) finds it. 401; after five wrong ones in a
///   minute an address is told 429.
///
/// # What can be said there
///
/// Commands in JSON, as [`Commands`](super::json::Commands) has them:
///
/// | command | with | leads to |
/// |---|---|---|
/// | `watch` | `{"filter"?,"offset"?,"limit"?}` | `snapshot` at once, and each second: a [`Snapshot`](super::watch::Snapshot) |
/// | `send` | `{"to":{"id"}\|{"room","path"}\|{"path"}\|{"all":true},"cmd"?,"param"?,"text"?}` | the reply `{"message":"sent message","queued":n}` |
/// | `close` | `{"id","code"?,"reason"?}` | the reply `{"message":"closing"}` |
/// | `tap` | `{"on":bool}` | `tap`, each a [`Line`](super::watch::Line), and `tap-lost {"count"}` |
///
/// With `cmd` what is sent is a command, with `text` a text; `channel` and `from` may be added to a command. `queued` is how
/// many connections are to hear it, as of the last second. *All* are those of the application, without these.
pub struct Admin {
    monitor: Monitor,
    keys: Keys,
    prefix: String,
    page: Page,
    files: Vec<(String, Page)>,
}

impl Admin {
    /// With this token, and looking through this monitor. The token goes into headers: letters, digits and `!#$%&'*+-.^_|~`
    /// and the backtick are what it may have.
    ///
    /// # Errors
    ///
    /// [`BadToken`]: anybody could guess it, or nobody could send it.
    pub fn new(token: impl Into<String>, monitor: &Monitor) -> Result<Self, BadToken> {
        let token = token.into();
        if !token.bytes().all(is_token_byte) {
            return Err(BadToken::Characters);
        }
        if token.len() < MIN_TOKEN {
            return Err(BadToken::Short);
        }
        Ok(Self {
            monitor: monitor.clone(),
            keys: Keys::new(token),
            prefix: "/admin".to_owned(),
            page: Page::text("There is no page here, only a socket.\n"),
            files: Vec::new(),
        })
    }

    /// Names by which it is reached from elsewhere, such as `admin.example.com`, or `192.0.2.1:8001`. Without a port, any
    /// will do.
    #[must_use]
    pub fn hosts<H: Into<String>>(mut self, names: impl IntoIterator<Item = H>) -> Self {
        self.keys.allow_hosts(names.into_iter().map(Into::into));
        self
    }

    /// Where it is. Default: `/admin`.
    #[must_use]
    pub fn at(mut self, prefix: &str) -> Self {
        prefix.trim_end_matches('/').clone_into(&mut self.prefix);
        self
    }

    /// The document that is shown there. It is shown without a token, and must have no data.
    #[must_use]
    pub fn page(mut self, page: Page) -> Self {
        self.page = page;
        self
    }

    /// Something that the document needs, at a path of its own: a script, a style sheet.
    #[must_use]
    pub fn file(mut self, path: impl Into<String>, page: Page) -> Self {
        self.files.push((path.into(), page));
        self
    }

    /// An application that is nothing but this, for a port of its own: few connections, 5 s for a handshake, little memory.
    /// What happens to it does not touch the one that it looks at.
    #[must_use]
    pub fn app(self) -> App {
        let limits = Limits {
            max_connections: CONNECTIONS_OF_PORT,
            max_memory: MEMORY_OF_PORT,
            ..Limits::default()
        };
        let timeouts = Timeouts {
            handshake: Duration::from_secs(5),
            ..Timeouts::default()
        };
        let app = App::new().limits(limits).timeouts(timeouts);
        self.mount(app.stop_on_signals(false))
    }

    fn mount(self, app: App) -> App {
        let Self {
            monitor,
            keys,
            prefix,
            page,
            files,
        } = self;
        let keys = Arc::new(keys);
        let company = Arc::new(Company::new(monitor));
        let path = if prefix.is_empty() { "/" } else { &prefix };
        let pages = [(path.to_owned(), page)].into_iter().chain(files);
        let app = pages.fold(app, |app, (path, page)| {
            app.get(&path, guarded(Arc::clone(&keys), page))
        });
        let route = Route::new(format!("{prefix}/socket"))
            .format(Format::Json)
            .max_message(COMMAND)
            .protocols([PROTOCOL])
            .rate(Rate::new(50, 100))
            .max_connections(CONNECTIONS)
            .private();
        let gate = route.admit(move |upgrade| keys.admit(upgrade));
        app.route(gate, move |_: &Params| Desk::new(&company))
    }
}

impl App {
    /// Serves this beside everything else, and lets it look into this application.
    #[must_use]
    pub fn admin(self, admin: Admin) -> Self {
        let app = self.watched_by(&admin.monitor);
        admin.mount(app)
    }
}

/// A page for those who have the right name for this server. Whether they come from this machine is not looked at, for
/// there is nothing in it to be seen.
fn guarded(
    keys: Arc<Keys>,
    page: Page,
) -> impl Fn(&PageRequest<'_>) -> Response + Send + Sync + 'static {
    move |request| {
        if keys.hosts().know(request.host()) {
            page.answer(request)
        } else {
            Response::text(403, gate::STRANGE_HOST)
        }
    }
}

/// A token that is none.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum BadToken {
    /// It has fewer than [`MIN_TOKEN`] characters.
    Short,
    /// It has characters that cannot stand in a header as they are.
    Characters,
}

impl fmt::Display for BadToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Short => write!(
                f,
                "a token for the admin page has at least {MIN_TOKEN} characters"
            ),
            Self::Characters => {
                f.write_str("a token has letters, digits and !#$%&'*+-.^_`|~ alone")
            }
        }
    }
}

impl core::error::Error for BadToken {}

impl fmt::Debug for Admin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Not the token.
        f.debug_struct("Admin")
            .field("prefix", &self.prefix)
            .finish_non_exhaustive()
    }
}
