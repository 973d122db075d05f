//! A request that wants to become a connection, as an application sees it: [`Upgrade`].
//!
//! Not here: whether it may; that is [`Gate`](super::Gate)'s to say.

use super::request::{Params, Query, cookie};
use super::site::Definition;
use super::{Ticket, token};
use crate::kernel::PeerAddr;
use crate::proto::handshake::server::Request;
use crate::server::{ConnectionId, Handle};
use alloc::borrow::Cow;
use alloc::string::String;
use alloc::sync::Arc;
use core::fmt;
use core::time::Duration;

/// A request that wants to become a connection. All that it says is lent for one call.
///
/// ```
/// use sockeye::app::{Conn, Service, Upgrade};
/// use sockeye::server::Message;
///
/// struct Chat;
///
/// impl Service for Chat {
///     type User = String;
///
///     /// A request for `/chat/tea?name=Ada`, at the route `/chat/{room}`.
///     fn open(&mut self, conn: &mut Conn<'_, String>, user: &mut String, upgrade: &Upgrade<'_>) {
///         let name = upgrade.query().get("name").map(|name| name.into_owned());
///         *user = name.unwrap_or_else(|| "somebody".into());
///         let room = upgrade.params().decoded("room").unwrap_or_default();
///         let language = upgrade.header("accept-language").unwrap_or("en");
///         let _ = conn.send(&format!("{user} from {} is in {room}, in {language}", upgrade.addr()));
///     }
///
///     fn message(&mut self, conn: &mut Conn<'_, String>, _: &mut String, message: Message<'_>) {
///         conn.publish(conn.others(), message);
///     }
/// }
/// # let app = sockeye::app::App::new().route("SOCKET /chat/{room}", |_| Chat);
/// # #[cfg(feature = "client")]
/// # {
/// #     use sockeye::client::{self, Received};
/// #     let serving = app.bind("127.0.0.1:0")?;
/// #     let (addr, handle) = (serving.local_addr(), serving.handle());
/// #     let thread = std::thread::spawn(move || serving.run());
/// #     let mut socket = client::connect(&format!("ws://{addr}/chat/green%20tea?name=Ada"))?;
/// #     let Received::Text(text) = socket.receive()? else { panic!() };
/// #     assert!(text.starts_with("Ada from 127.0.0.1:") && text.ends_with(" is in green tea, in en"));
/// #     drop(socket);
/// #     handle.shutdown()?;
/// #     thread.join().unwrap()?;
/// # }
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct Upgrade<'u> {
    pub(super) request: &'u Request<'u>,
    pub(super) params: &'u Params,
    pub(super) addr: PeerAddr,
    pub(super) id: ConnectionId,
    pub(super) definition: &'u Arc<Definition>,
    pub(super) handle: Option<&'u Handle>,
    pub(super) now: Duration,
}

impl<'u> Upgrade<'u> {
    /// The id that the connection has, or will have.
    #[must_use]
    pub const fn id(&self) -> ConnectionId {
        self.id
    }

    /// The path, not decoded.
    #[must_use]
    pub const fn path(&self) -> &'u str {
        self.request.path()
    }

    /// What the route's `{name}`s stand for in it.
    #[must_use]
    pub const fn params(&self) -> &'u Params {
        self.params
    }

    /// What follows the `?`.
    #[must_use]
    pub fn query(&self) -> Query<'u> {
        Query::new(self.request.query().unwrap_or_default())
    }

    /// The value of the first header of this name, where it is UTF-8.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&'u str> {
        core::str::from_utf8(self.request.header(name)?).ok()
    }

    /// The value of a cookie, as it was sent.
    #[must_use]
    pub fn cookie(&self, name: &str) -> Option<&'u str> {
        cookie(self.request.headers().all("cookie"), name)
    }

    /// Where it comes from: what a trusted proxy says
    /// ([`App::trust_forwarded`](super::App::trust_forwarded)), or else the other end of the connection.
    #[must_use]
    pub const fn addr(&self) -> PeerAddr {
        self.addr
    }

    /// The loop's time since it began, in whole milliseconds. It does not go back.
    #[must_use]
    pub const fn now(&self) -> Duration {
        self.now
    }

    /// The secret by which somebody shows who they are, wherever the client could put it. Looked for in this order:
    ///
    /// 1. the header `Authorization: Bearer …`;
    /// 2. a subprotocol `token.…`, which is where a browser's script can put one that stays out of logs. It is never the
    ///    subprotocol that is chosen, and browsers give up where none is: offer another one beside it, that the route
    ///    has;
    /// 3. the cookie `token`. A browser sends it for any page: it counts on the route's origins being checked, as they are
    ///    by default;
    /// 4. the query, `?token=…`. Proxies write it into their logs; and in a query `+` is a space, so one in base64 is
    ///    better in base64url.
    ///
    /// The first place that has one decides; where it is wrong, no other makes that good. An empty one, and a scheme other than
    /// `Bearer`, are none.
    #[must_use]
    pub fn token(&self) -> Option<Cow<'u, str>> {
        token::of(self)
    }

    /// The request itself, as the core has read it.
    #[must_use]
    pub const fn request(&self) -> &'u Request<'u> {
        self.request
    }

    /// What answers this request later, and from another thread: for a [`Gate`](super::Gate) that returns
    /// [`Decision::Later`](super::Decision::Later).
    ///
    /// # Panics
    ///
    /// Outside of a gate.
    #[must_use]
    pub fn ticket<U: Send + 'static>(&self) -> Ticket<U> {
        let handle = self.handle.expect("a ticket is for a gate").clone();
        let chosen = self.chosen_protocol().map(String::from);
        Ticket::new(self.id, handle, Arc::clone(self.definition), chosen)
    }

    /// The route's subprotocol for it.
    pub(super) fn chosen_protocol(&self) -> Option<&str> {
        self.definition.route.choose_protocol(self.request)
    }
}

impl fmt::Debug for Upgrade<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Upgrade")
            .field("id", &self.id)
            .field("path", &self.path())
            .field("addr", &self.addr)
            .finish_non_exhaustive()
    }
}
