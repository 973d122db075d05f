//! What a gate says of a request: [`Decision`], at once or by a [`Ticket`].
//!
//! Not here: what the route itself asks for; that is `site`.

use super::site::{Admitted, Definition};
use crate::server::{ConnectionId, Handle, HandleError, Rejection, Verdict};
use alloc::boxed::Box;
use alloc::string::String;
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::fmt;
use core::marker::PhantomData;
use std::sync::Mutex;

/// What becomes of a request. `None` of a user is one too: 401.
///
/// ```
/// use sockeye::app::{Decision, Upgrade, same};
///
/// struct User {
///     name: &'static str,
/// }
///
/// fn decide(upgrade: &Upgrade<'_>) -> Decision<User> {
///     match upgrade.token() {
///         None => Decision::guest(User { name: "guest" }),
///         Some(token) if same(&token, "ada-secret") => Decision::user(User { name: "Ada" }),
///         Some(_) => Decision::unauthorised(),
///     }
/// }
/// # let _ = sockeye::app::Route::new("/").admit(decide);
/// ```
#[derive(Clone, Debug)]
pub enum Decision<U> {
    /// It becomes a connection of this user's.
    Accept(Accepted<U>),
    /// It is answered with something else than 101.
    Refuse(Rejection),
    /// [`Upgrade::ticket`](super::Upgrade::ticket) answers it. Until then nothing more is read from whoever asks, and when
    /// the time for the handshake is over, the answer is 503.
    Later,
}

/// How a request becomes a connection.
#[derive(Clone, Debug)]
pub struct Accepted<U> {
    pub(super) user: U,
    pub(super) known: bool,
    pub(super) name: Option<String>,
    pub(super) protocol: Option<Option<String>>,
    pub(super) headers: Vec<(String, String)>,
}

impl<U> Decision<U> {
    /// Somebody who has shown who they are: whom a route for the authorised is for. Whose connection it is,
    /// [`named`](Self::named) says.
    #[must_use]
    pub const fn user(user: U) -> Self {
        Self::Accept(Accepted::new(user, true))
    }

    /// Somebody who has not.
    #[must_use]
    pub const fn guest(user: U) -> Self {
        Self::Accept(Accepted::new(user, false))
    }

    /// Whose connection it will be, where it becomes one; see [`Accepted::named`].
    #[must_use]
    pub fn named(self, name: impl Into<String>) -> Self {
        match self {
            Self::Accept(accepted) => Self::Accept(accepted.named(name)),
            other => other,
        }
    }

    /// Not like this: a status, 300 to 599, and a sentence that says why.
    #[must_use]
    pub fn refuse(status: u16, sentence: &'static str) -> Self {
        Self::Refuse(Rejection::new(status, sentence))
    }

    /// Somebody who would have to say who they are: 401, asking for a bearer token.
    #[must_use]
    pub fn unauthorised() -> Self {
        Self::Refuse(unauthorised())
    }
}

pub(super) fn unauthorised() -> Rejection {
    Rejection::new(401, "say who you are").header("WWW-Authenticate", "Bearer")
}

impl<U> Accepted<U> {
    const fn new(user: U, known: bool) -> Self {
        Self {
            user,
            known,
            name: None,
            protocol: None,
            headers: Vec::new(),
        }
    }

    /// Whose connection it will be; see [`Conn::identify`](super::Conn::identify), which needs not be called then.
    #[must_use]
    pub fn named(mut self, name: impl Into<String>) -> Self {
        self.name = Some(name.into());
        self
    }

    /// The subprotocol, one of those that were offered, or none. Default: the first of the route's that was offered.
    #[must_use]
    pub fn protocol(mut self, protocol: impl Into<Option<String>>) -> Self {
        self.protocol = Some(protocol.into());
        self
    }

    /// One more header of the answer, such as `Set-Cookie`.
    #[must_use]
    pub fn header(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.headers.push((name.into(), value.into()));
        self
    }

    fn map<V>(self, to: impl FnOnce(U) -> V) -> Accepted<V> {
        Accepted {
            user: to(self.user),
            known: self.known,
            name: self.name,
            protocol: self.protocol,
            headers: self.headers,
        }
    }
}

impl<U> Decision<U> {
    pub(super) fn map<V>(self, to: impl FnOnce(U) -> V) -> Decision<V> {
        match self {
            Self::Accept(accepted) => Decision::Accept(accepted.map(to)),
            Self::Refuse(rejection) => Decision::Refuse(rejection),
            Self::Later => Decision::Later,
        }
    }
}

impl<U> From<Accepted<U>> for Decision<U> {
    fn from(accepted: Accepted<U>) -> Self {
        Self::Accept(accepted)
    }
}

impl<U> From<Rejection> for Decision<U> {
    fn from(rejection: Rejection) -> Self {
        Self::Refuse(rejection)
    }
}

/// A known user, or 401.
impl<U> From<Option<U>> for Decision<U> {
    fn from(user: Option<U>) -> Self {
        user.map_or_else(Self::unauthorised, Self::user)
    }
}

/// A known user, or what the client is told in the place of 101.
impl<U> From<Result<U, Rejection>> for Decision<U> {
    fn from(user: Result<U, Rejection>) -> Self {
        user.map_or_else(Self::Refuse, Self::user)
    }
}

/// A user on the way from another thread to its connection.
pub(super) type Parcel = Mutex<Option<Admitted>>;

/// Answers a request that was put off, from any thread. Dropped, it answers nothing: then the answer is 503, when the time
/// for the handshake is over.
///
/// ```
/// use sockeye::app::{Decision, Gate, Route, Ticket};
/// use std::sync::mpsc::sync_channel;
///
/// let (put, checks) = sync_channel::<(String, Ticket<String>)>(64);
/// std::thread::spawn(move || {
///     for (token, ticket) in checks {
///         let name = None; // what a database says of the token
///         let _ = ticket.answer(name);
///     }
/// });
/// let gate: Gate<String> = Route::new("/chat").admit(move |upgrade| {
///     let Some(token) = upgrade.token() else {
///         return Decision::unauthorised();
///     };
///     match put.try_send((token.into_owned(), upgrade.ticket())) {
///         Ok(()) => Decision::Later,
///         Err(_) => Decision::refuse(503, "come again later"),
///     }
/// });
/// # let _ = gate;
/// ```
pub struct Ticket<U> {
    id: ConnectionId,
    handle: Handle,
    definition: Arc<Definition>,
    chosen: Option<String>,
    user: PhantomData<fn(U)>,
}

impl<U: Send + 'static> Ticket<U> {
    pub(super) const fn new(
        id: ConnectionId,
        handle: Handle,
        definition: Arc<Definition>,
        chosen: Option<String>,
    ) -> Self {
        Self {
            id,
            handle,
            definition,
            chosen,
            user: PhantomData,
        }
    }

    /// The id that the connection will have.
    #[must_use]
    pub const fn id(&self) -> ConnectionId {
        self.id
    }

    /// Answers. Where whoever asked has gone meanwhile, nothing happens; [`Decision::Later`] answers nothing.
    ///
    /// # Errors
    ///
    /// [`HandleError`], and nothing was answered.
    pub fn answer(self, decision: impl Into<Decision<U>>) -> Result<(), HandleError> {
        let verdict = match self
            .definition
            .judge(decision.into(), self.chosen.as_deref())
        {
            Some(Ok((admission, admitted))) => {
                let parcel: Parcel = Mutex::new(Some(Admitted {
                    user: Box::new(admitted.user),
                    name: admitted.name,
                    on_route: admitted.on_route,
                }));
                Verdict::Accept(admission.note(Arc::new(parcel)))
            }
            Some(Err(rejection)) => Verdict::Refuse(rejection),
            None => return Ok(()),
        };
        let id = self.id;
        self.handle.run(move |hub| hub.answer(id, verdict.clone()))
    }
}

impl<U> fmt::Debug for Ticket<U> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Ticket").field(&self.id).finish()
    }
}
