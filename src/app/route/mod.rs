//! What is said of one path: who may come, what may be said there, and how much of it.
//!
//! | file | holds |
//! |---|---|
//! | `text` | a route in one line, read and written |
//! | `size` | sizes in it, as `64kB` |
//! | `pattern` | the paths that a route is for |
//! | `table` | which route a path has |
//! | `error` | what a route can have wrong |
//!
//! Not here: doing any of it. A route is data, and what is written here alone keeps nobody out.

mod error;
mod pattern;
mod size;
mod table;
mod text;

pub use error::{RouteError, RouteFault};
pub use table::RouteTable;

use super::limits::Rate;
use super::token::is_token;
use crate::proto::deflate::Policy;
use crate::proto::handshake::OriginPolicy;
use crate::proto::handshake::server::Request;
use crate::server::History;
use alloc::string::String;
use alloc::vec::Vec;
use core::time::Duration;

/// How long a service outlives its last connection, so that a page that is loaded again finds it.
const LINGER: Duration = Duration::from_secs(5);

/// A path, and what holds there.
///
/// Written in code, it is for everybody, takes text and binary messages, and has the server's limits:
///
/// ```
/// use core::time::Duration;
/// use sockeye::app::{Format, Route};
///
/// let route = Route::new("/chat/{room}")
///     .format(Format::Json)
///     .max_message(64 << 10)
///     .idle(Duration::from_secs(600));
/// assert_eq!(route.to_string(), "SOCKET /chat/{room} @json <64kB");
/// ```
///
/// Written as text, its format is JSON and its messages have at most 256 KiB, unless it says otherwise:
///
/// ```text
/// [+|-]SOCKET /path [@json|@text|@binary|@any] [<SIZE|<max]
/// ```
///
/// `+` is for the authorised only, `-` for the others only. The size has a unit, `b`, `kB`, `MB` or `GB`, in any case and
/// in steps of 1 024, and `16KiB` is `16kB`. A number up to 1024 without a unit is in MB. It takes the place of the server's
/// limit, also upwards; `<max` is the server's own.
///
/// # Paths
///
/// A path is compared with what the client sent, byte for byte: nothing is decoded or normalised, and case counts.
/// `/ws` is not reached by `/ws/`, `/WS`, `//ws`, `/./ws`, `/%77s` or `/ws;x=1`. The query is no part of it.
///
/// - `{name}` stands for one segment that is not empty. `{name:number}` takes ASCII digits alone, `{name:string}` is
///   `{name}`. A type does not choose between routes: where it does not fit, there is no route.
/// - `*` at the end, as in `/files/*`, stands for everything below: `/files/`, `/files/a/b`, and not `/files`. It is the
///   parameter `*`. A route without it goes before one with it.
/// - A path that ends in `/`, as `/chat/`, is for `/chat` and `/chat/` alike.
/// - Whatever the pattern, a path with a `.` or `..` segment has no route, also where the dots or the slashes around
///   them are encoded: a proxy that resolves them has checked another path than ours.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Route {
    pub(crate) pattern: String,
    pub(crate) access: Access,
    pub(crate) format: Format,
    /// In bytes; `None` is the server's limit.
    pub(crate) max_message: Option<u64>,
    pub(crate) origins: OriginPolicy,
    pub(crate) protocols: Subprotocols,
    /// `None` is the server's policy; `Some(None)` does not compress.
    pub(crate) deflate: Option<Option<Policy>>,
    pub(crate) ping: Option<Duration>,
    pub(crate) pong: Option<Duration>,
    pub(crate) idle: Option<Duration>,
    pub(crate) max_latency: Option<Duration>,
    pub(crate) rate: Option<Rate>,
    pub(crate) linger: Duration,
    pub(crate) bad_json: BadJson,
    pub(crate) max_connections: Option<usize>,
    pub(crate) private: bool,
    pub(crate) history: Option<History>,
}

/// What messages are on a route.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Format {
    /// Text that is JSON. See [`BadJson`] for text that is not; binary messages end the connection with 1003.
    Json,
    /// Text; binary messages end the connection with 1003.
    Text,
    /// Binary; text messages end the connection with 1003.
    Binary,
    /// Both.
    Any,
}

/// Who may use a route.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Access {
    /// Everybody.
    #[default]
    Anyone,
    /// Who was admitted as somebody: `+SOCKET`.
    Authorised,
    /// Who was not: `-SOCKET`.
    Unauthorised,
}

/// What becomes of a text message that is not JSON, on a route of [`Format::Json`]; and of JSON that is no command, where the
/// service is [`Commands`](super::json::Commands).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum BadJson {
    /// The connection ends with 1007, and the reason names the byte.
    #[default]
    Close,
    /// An error message is the answer, and the connection goes on.
    Reply,
    /// It is as if it had not been sent, but for the counters.
    Drop,
}

/// Which of the subprotocols that a client offers it gets.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Subprotocols {
    /// The first of these that the client offers; none, if it offers none of them.
    Listed(Vec<String>),
    /// The client's favourite, whatever it is.
    Any,
}

impl Default for Subprotocols {
    fn default() -> Self {
        Self::Listed(Vec::new())
    }
}

impl Route {
    /// A route for these paths. A pattern that is none is an error when the route is put to use.
    #[must_use]
    pub fn new(pattern: impl Into<String>) -> Self {
        Self {
            pattern: pattern.into(),
            access: Access::default(),
            format: Format::Any,
            max_message: None,
            origins: OriginPolicy::default(),
            protocols: Subprotocols::default(),
            deflate: None,
            ping: None,
            pong: None,
            idle: None,
            max_latency: None,
            rate: None,
            linger: LINGER,
            bad_json: BadJson::default(),
            max_connections: None,
            private: false,
            history: None,
        }
    }

    /// Reads a route from a line of text.
    ///
    /// ```
    /// use sockeye::app::Route;
    ///
    /// let route = Route::parse("+SOCKET /files/* @binary <10MB")?;
    /// assert_eq!(route.pattern(), "/files/*");
    ///
    /// let error = Route::parse("SOCKET /chat @jsno").unwrap_err();
    /// assert_eq!(error.position(), 13);
    /// # Ok::<(), sockeye::app::RouteError>(())
    /// ```
    ///
    /// # Errors
    ///
    /// For everything that is not understood, with its place.
    pub fn parse(text: &str) -> Result<Self, RouteError> {
        text::parse(text)
    }

    /// The paths that it is for.
    #[must_use]
    pub fn pattern(&self) -> &str {
        &self.pattern
    }

    /// Who may use it. Default: everybody.
    #[must_use]
    pub const fn access(mut self, access: Access) -> Self {
        self.access = access;
        self
    }

    /// What messages are. Default: both kinds, and JSON in a textual route.
    #[must_use]
    pub const fn format(mut self, format: Format) -> Self {
        self.format = format;
        self
    }

    /// Bytes of the largest message that is accepted, its fragments together and inflated; beyond that the connection
    /// ends with 1009. `None` is the server's limit. Default: that, and 256 KiB in a textual route.
    #[must_use]
    pub fn max_message(mut self, bytes: impl Into<Option<u64>>) -> Self {
        self.max_message = bytes.into();
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

    /// The first subprotocol that a client offers, whatever it is.
    #[must_use]
    pub fn any_protocol(mut self) -> Self {
        self.protocols = Subprotocols::Any;
        self
    }

    /// The subprotocol for a request. What carries a token is not one.
    pub(crate) fn choose_protocol<'r>(&'r self, request: &'r Request<'_>) -> Option<&'r str> {
        match &self.protocols {
            Subprotocols::Listed(names) => {
                request.choose_protocol(names.iter().map(String::as_str))
            }
            Subprotocols::Any => request.protocols().find(|name| !is_token(name)),
        }
    }

    /// How messages are compressed, or `None`: not at all. Default: as the server does it.
    #[must_use]
    pub fn deflate(mut self, policy: impl Into<Option<Policy>>) -> Self {
        self.deflate = Some(policy.into());
        self
    }

    /// Silence after which a ping is sent. Default: the server's.
    #[must_use]
    pub const fn ping(mut self, after: Duration) -> Self {
        self.ping = Some(after);
        self
    }

    /// From that ping to its pong; then the connection ends with 1001. Default: the server's.
    #[must_use]
    pub const fn pong(mut self, within: Duration) -> Self {
        self.pong = Some(within);
        self
    }

    /// From one message to the next; then the connection ends with 1001. Default: the server's.
    #[must_use]
    pub const fn idle(mut self, after: Duration) -> Self {
        self.idle = Some(after);
        self
    }

    /// A pong that takes longer ends the connection. Default: none does that comes in time.
    #[must_use]
    pub const fn max_latency(mut self, most: Duration) -> Self {
        self.max_latency = Some(most);
        self
    }

    /// How often each connection may send a message; then it ends with 1008. Default: as often as it likes.
    #[must_use]
    pub const fn rate(mut self, rate: Rate) -> Self {
        self.rate = Some(rate);
        self
    }

    /// How long the service of a path is kept after its last connection has left. Default: 5 s.
    #[must_use]
    pub const fn linger(mut self, linger: Duration) -> Self {
        self.linger = linger;
        self
    }

    /// What becomes of text that is not JSON where it should be. Default: the connection ends with 1007.
    #[must_use]
    pub const fn on_bad_json(mut self, bad_json: BadJson) -> Self {
        self.bad_json = bad_json;
        self
    }

    /// Keeps what is said here from those who listen ([`Monitor::tap`](super::Monitor::tap)).
    #[must_use]
    pub const fn private(mut self) -> Self {
        self.private = true;
        self
    }

    /// Keeps what is said to everybody at a path with [`Audience::kept`](super::Audience::kept), for those who come back: who
    /// asks for it gets what it has missed, or is told that it is too late. Only where messages are JSON (feature `json`);
    /// see [`json`](super::json). Default: nothing is kept.
    ///
    /// A path keeps it for as long as the history says, whether anybody is there or not.
    ///
    /// ```
    /// use core::time::Duration;
    /// use sockeye::app::{Format, Route};
    /// use sockeye::server::History;
    ///
    /// let hour = History::last(100).within(Duration::from_secs(60 * 60));
    /// let route = Route::new("/news").format(Format::Json).history(hour);
    /// ```
    #[must_use]
    pub const fn history(mut self, history: History) -> Self {
        self.history = Some(history);
        self
    }

    /// Connections on all its paths together. Default: as many as the server takes.
    #[must_use]
    pub const fn max_connections(mut self, most: usize) -> Self {
        self.max_connections = Some(most);
        self
    }
}
