//! A service that does what messages tell it: [`Commands`].
//!
//! | file | holds |
//! |---|---|
//! | `answer` | what handlers return |
//! | `asks` | requests to clients |
//! | `company` | who comes and goes: presence, and rooms that clients may join |
//! | `service` | what messages, ends and times lead to |
//! | `warnings` | how often the log is told |
//!
//! Not here: the messages themselves, which are [`Envelope`] and [`Letter`](super::Letter).

mod answer;
mod asks;
mod company;
mod service;
mod warnings;

pub use answer::{Answer, Failure};
pub use asks::{Asks, MAX_ASKED, NotAsked, Unanswered};

use super::{Envelope, error};
use crate::app::{Conn, Scope, Upgrade};
use crate::server::{Closed, ConnectionId};
use alloc::boxed::Box;
use alloc::string::{String, ToString};
use company::Company;
use core::fmt;
use serde::de::DeserializeOwned;
use std::collections::HashMap;
use warnings::Warnings;

/// A service that does what messages tell it, by their `cmd`. `U` is what is kept for each connection.
///
/// ```
/// use serde::Deserialize;
/// use sockeye::app::json::Commands;
///
/// #[derive(Default)]
/// struct User {
///     name: String,
/// }
///
/// #[derive(Deserialize)]
/// struct Say {
///     text: String,
/// }
///
/// let chat = || {
///     Commands::new()
///         .open(|_, user: &mut User, upgrade| {
///             user.name = upgrade.query().get("name").unwrap_or_default().into_owned();
///         })
///         .on("say", |conn, user, line: Say| {
///             let line = (&user.name, line.text);
///             let _ = conn.emit(conn.others(), "say", &line);
///         })
///         .on("sum", |_, _, (a, b): (i64, i64)| {
///             a.checked_add(b).ok_or_else(|| "too much".into())
///         })
/// };
/// # drop(chat());
/// ```
///
/// Messages look like `{"cmd":"sum","param":[1,2],"id":7}`. One with an `id` asks for a reply:
/// `{"cmd":"reply","re":7,"param":3}`, or `{"cmd":"error","re":7,"param":{"message":"too much"}}`. A `param` that the
/// handler cannot take is such an error, and so is an unknown command; neither ends the connection. What becomes of a
/// message that is no command at all, the route says: [`Route::on_bad_json`](crate::app::Route::on_bad_json).
pub struct Commands<U> {
    table: HashMap<Box<str>, Run<U>>,
    unknown: Option<Run<U>>,
    open: Option<Open<U>>,
    close: Option<Close<U>>,
    timer: Option<Timer<U>>,
    #[cfg(feature = "backplane")]
    gap: Option<OnGap<U>>,
    company: Company<U>,
    asks: Asks<U>,
    warnings: Warnings,
}

type Run<U> = Box<dyn FnMut(&mut Conn<'_, U>, &mut U, &Envelope<'_>) + Send>;
type Open<U> = Box<dyn FnMut(&mut Conn<'_, U>, &mut U, &Upgrade<'_>) + Send>;
type Close<U> = Box<dyn FnMut(&mut Scope<'_, U>, ConnectionId, &U, &Closed<'_>) + Send>;
#[cfg(feature = "backplane")]
type OnGap<U> = Box<dyn FnMut(&mut Scope<'_, U>, &crate::app::Gap<'_>) + Send>;
type Timer<U> = Box<dyn FnMut(&mut Scope<'_, U>, u64) + Send>;

impl<U: Send + 'static> Commands<U> {
    /// Without any command. The first closure says what `U` is, unless the function that returns it does:
    /// `|_, user: &mut User, _|`.
    #[must_use]
    pub fn new() -> Self {
        Self {
            table: HashMap::new(),
            unknown: None,
            open: None,
            close: None,
            timer: None,
            #[cfg(feature = "backplane")]
            gap: None,
            company: Company::new(),
            asks: Asks::new(),
            warnings: Warnings::default(),
        }
    }

    /// What a command does, with a `param` of a type. What the handler returns is the reply: see [`Answer`]. A second handler
    /// for the same command takes the place of the first.
    #[must_use]
    pub fn on<P, A>(
        self,
        cmd: &str,
        mut run: impl FnMut(&mut Conn<'_, U>, &mut U, P) -> A + Send + 'static,
    ) -> Self
    where
        P: DeserializeOwned,
        A: Answer,
    {
        self.on_envelope(cmd, move |conn, user, envelope| {
            let answer = match envelope.param() {
                Ok(param) => run(conn, user, param).message(envelope.id),
                Err(bad) => Some(error(envelope.id, &bad.to_string())),
            };
            if let Some(answer) = answer {
                // Where it is closed, there is nobody to be told.
                let _ = conn.send(&answer);
            }
        })
    }

    /// What a command does that wants more of its message than the `param`, or replies later. The handler itself replies:
    /// with [`Conn::reply`], or with [`Scope::reply_to`] when the call is over.
    #[must_use]
    pub fn on_envelope(
        mut self,
        cmd: &str,
        run: impl FnMut(&mut Conn<'_, U>, &mut U, &Envelope<'_>) + Send + 'static,
    ) -> Self {
        self.table.insert(cmd.into(), Box::new(run));
        self
    }

    /// What becomes of all other commands. Default: a line in the log, and an error where there is an `id`.
    #[must_use]
    pub fn unknown(
        mut self,
        run: impl FnMut(&mut Conn<'_, U>, &mut U, &Envelope<'_>) + Send + 'static,
    ) -> Self {
        self.unknown = Some(Box::new(run));
        self
    }

    /// Called when a connection is open.
    #[must_use]
    pub fn open(
        mut self,
        open: impl FnMut(&mut Conn<'_, U>, &mut U, &Upgrade<'_>) + Send + 'static,
    ) -> Self {
        self.open = Some(Box::new(open));
        self
    }

    /// Called when a connection has ended, after the others were told.
    #[must_use]
    pub fn close(
        mut self,
        close: impl FnMut(&mut Scope<'_, U>, ConnectionId, &U, &Closed<'_>) + Send + 'static,
    ) -> Self {
        self.close = Some(Box::new(close));
        self
    }

    /// Called when a span is over that was asked for with [`Scope::after`]. Keys from 2^63 on are not told: they are the
    /// timeouts of [`Asks`].
    #[must_use]
    pub fn timer(mut self, timer: impl FnMut(&mut Scope<'_, U>, u64) + Send + 'static) -> Self {
        self.timer = Some(Box::new(timer));
        self
    }

    /// Called when something that was said on another node was lost on the way here; see
    /// [`Service::gap`](crate::app::Service::gap). Default: whoever was to hear it is told, by
    /// `{"cmd":"gap","param":{"missed":3}}`, or `null` where nobody knows how much it was.
    #[cfg(feature = "backplane")]
    #[must_use]
    pub fn gap(
        mut self,
        gap: impl FnMut(&mut Scope<'_, U>, &crate::app::Gap<'_>) + Send + 'static,
    ) -> Self {
        self.gap = Some(Box::new(gap));
        self
    }

    /// Tells the others who comes and who goes, by the name that this says: `user-joined` before anything else that the
    /// newcomer says, and `user-left`, each with `{"id":"…","user":name}`. An id is what
    /// [`Scope::id_everywhere`] says.
    ///
    /// Where there are [`rooms`](Self::rooms), their members are told also who joins and leaves them:
    /// `{"channel":room,"cmd":"online-update","param":{"userID":"…","connected":true}}`.
    #[must_use]
    pub fn presence(mut self, name: impl Fn(&U) -> String + Send + 'static) -> Self {
        self.company.name = Some(Box::new(name));
        self
    }

    /// Lets clients join rooms where this allows it, with the commands `join-room {"room":name}` and `leave-room
    /// {"room":name}`. Replied are `{"room":name,"created":bool}`, whether nobody was there before, and
    /// `{"room":name,"removed":bool}`, whether nobody is there now; as this worker knows it. Without this, nothing that a
    /// client sends makes it a member of anything.
    #[must_use]
    pub fn rooms(
        mut self,
        permit: impl FnMut(&mut Conn<'_, U>, &mut U, &str) -> Permit + Send + 'static,
    ) -> Self {
        self.company.permit = Some(Box::new(permit));
        self
    }

    /// What sends requests to clients, for handlers to keep.
    #[must_use]
    pub fn asks(&self) -> Asks<U> {
        self.asks.clone()
    }
}

/// Whether a client may join a room.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Permit {
    /// It may.
    Allow,
    /// It may not, and is told so.
    Deny,
}

impl<U: Send + 'static> Default for Commands<U> {
    fn default() -> Self {
        Self::new()
    }
}

impl<U> fmt::Debug for Commands<U> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Commands")
            .field("commands", &self.table.keys())
            .finish_non_exhaustive()
    }
}
