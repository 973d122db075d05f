//! Who may come, and as whom: [`Gate`].
//!
//! Not here: the answer's way to the client; that is `router`.

use super::{Decision, Route, RouteError, Upgrade};
use alloc::boxed::Box;
use alloc::string::String;
use core::fmt;

pub(super) type Admit<U> = Box<dyn Fn(&Upgrade<'_>) -> Decision<U> + Send + Sync>;

/// A route, and what lets somebody in there. Made by [`Route::admit`]; a route alone lets in everybody, as a guest.
///
/// ```
/// use sockeye::app::{App, Conn, Decision, Gate, Route, Service};
/// use sockeye::server::Message;
///
/// struct User(String);
///
/// /// What several routes have in common.
/// fn members(pattern: &str) -> Gate<User> {
///     Route::new(pattern).admit(|upgrade| match upgrade.token().as_deref() {
///         Some("open sesame") => Decision::guest(User("Ali Baba".into())),
///         _ => Decision::refuse(401, "a token is needed"),
///     })
/// }
///
/// struct Chat;
///
/// impl Service for Chat {
///     type User = User;
///
///     fn message(&mut self, conn: &mut Conn<'_, User>, user: &mut User, message: Message<'_>) {
///         if let Message::Text(text) = message {
///             conn.publish(conn.others(), &format!("{}: {text}", user.0));
///         }
///     }
/// }
///
/// let app = App::new().route(members("/chat"), |_| Chat).route(members("/games/{game}"), |_| Chat);
/// # app.build()?;
/// # Ok::<(), std::io::Error>(())
/// ```
pub struct Gate<U> {
    pub(super) route: Route,
    pub(super) admit: Option<Admit<U>>,
    pub(super) guest: Option<fn() -> U>,
}

impl Route {
    /// Has this decide who may come, and as whom. It runs on the server's loop and must not wait for anything: what takes
    /// time is done on another thread, and answered by a [`Ticket`](super::Ticket).
    ///
    /// It is asked after the page's origin was found to be allowed, and before anything else of the route comes into
    /// being. It comes last: what it returns is a [`Gate`], which has no more settings.
    ///
    /// ```
    /// use sockeye::app::{Decision, Route};
    ///
    /// struct User(String);
    ///
    /// let gate = Route::new("/chat").admit(|upgrade| match upgrade.query().get("name") {
    ///     Some(name) => Decision::guest(User(name.into())),
    ///     None => Decision::refuse(403, "say what you are called: ?name="),
    /// });
    /// # let _: sockeye::app::Gate<User> = gate;
    /// ```
    #[must_use]
    pub fn admit<U, D: Into<Decision<U>>>(
        self,
        decide: impl Fn(&Upgrade<'_>) -> D + Send + Sync + 'static,
    ) -> Gate<U> {
        Gate {
            route: self,
            admit: Some(Box::new(move |upgrade| decide(upgrade).into())),
            guest: None,
        }
    }
}

impl<U> fmt::Debug for Gate<U> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Gate").field(&self.route).finish()
    }
}

/// What [`App::route`](super::App::route) takes: a route as text, as a value, or with a gate.
pub trait IntoGate<U> {
    /// The gate.
    ///
    /// # Errors
    ///
    /// What is wrong with a route that was written as text.
    fn into_gate(self) -> Result<Gate<U>, RouteError>;
}

impl<U> IntoGate<U> for Gate<U> {
    fn into_gate(self) -> Result<Self, RouteError> {
        Ok(self)
    }
}

impl<U: Default> IntoGate<U> for Route {
    fn into_gate(self) -> Result<Gate<U>, RouteError> {
        Ok(Gate {
            route: self,
            admit: None,
            guest: Some(U::default),
        })
    }
}

impl<U: Default> IntoGate<U> for &str {
    fn into_gate(self) -> Result<Gate<U>, RouteError> {
        self.into_route()?.into_gate()
    }
}

impl<U: Default> IntoGate<U> for String {
    fn into_gate(self) -> Result<Gate<U>, RouteError> {
        self.into_route()?.into_gate()
    }
}

impl<U: Default> IntoGate<U> for Result<Route, RouteError> {
    fn into_gate(self) -> Result<Gate<U>, RouteError> {
        self?.into_gate()
    }
}

impl<U> IntoGate<U> for Result<Gate<U>, RouteError> {
    fn into_gate(self) -> Self {
        self
    }
}

/// What [`App::gated`](super::App::gated) takes: a route as text, or as a value.
pub trait IntoRoute {
    /// The route.
    ///
    /// # Errors
    ///
    /// What is wrong with one that was written as text.
    fn into_route(self) -> Result<Route, RouteError>;
}

impl IntoRoute for Route {
    fn into_route(self) -> Result<Route, RouteError> {
        Ok(self)
    }
}

impl IntoRoute for &str {
    fn into_route(self) -> Result<Route, RouteError> {
        Route::parse(self)
    }
}

impl IntoRoute for String {
    fn into_route(self) -> Result<Route, RouteError> {
        Route::parse(&self)
    }
}

impl IntoRoute for Result<Route, RouteError> {
    fn into_route(self) -> Result<Route, RouteError> {
        self
    }
}
