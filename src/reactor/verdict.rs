//! What becomes of a request: [`Verdict`], and the connection that asks, [`Arrival`].
//!
//! Not here: how it is carried out, which is `greet`; what makes a request right, which the core knows.

use super::mio::Mio;
use super::settings::Profile;
use super::{ConnectionId, Hub, Peer};
use crate::kernel::{Kernel, PeerAddr};
use crate::proto::handshake::{HandshakeError, Refusal};
use alloc::borrow::Cow;
use alloc::string::String;
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::any::Any;
use core::fmt;

/// A connection whose request is being answered, lent to a handler for one call.
pub struct Arrival<'p, 'k, K: Kernel = Mio> {
    pub(super) peer: &'p mut Peer<'k, K>,
}

impl<K: Kernel> Arrival<'_, '_, K> {
    /// The id that it will have, and the one to answer it by where that is done [later](Verdict::Later).
    #[must_use]
    pub const fn id(&self) -> ConnectionId {
        self.peer.id
    }

    /// Where it comes from; see [`Peer::remote_addr`].
    #[must_use]
    pub fn remote_addr(&mut self) -> PeerAddr {
        self.peer.remote_addr()
    }

    /// The connections that are open.
    pub const fn hub(&mut self) -> Hub<'_> {
        self.peer.hub()
    }
}

impl<K: Kernel> fmt::Debug for Arrival<'_, '_, K> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Arrival").field(&self.peer.id).finish()
    }
}

/// What becomes of a request.
///
/// ```
/// # #[cfg(all(feature = "server", feature = "client"))]
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// use sockeye::proto::handshake::server::Request;
/// use sockeye::server::{Admission, Arrival, Builder, Handler, Message, Peer, Rejection, Verdict};
/// use std::sync::Arc;
/// # use sockeye::client::{self, ConnectError, Connector, Received};
///
/// struct Members;
///
/// impl Handler for Members {
///     type State = Option<Arc<String>>;
///
///     fn on_request(&mut self, _: &mut Arrival<'_, '_>, request: &Request<'_>) -> Verdict {
///         match request.header("authorization") {
///             Some(b"Bearer open sesame") => {
///                 let user = Arc::new("Ali Baba".to_owned());
///                 Admission::new().note(user).header("X-Greeting", "welcome").into()
///             }
///             Some(_) => Rejection::new(403, "not with this token").into(),
///             None => Rejection::new(401, "a token is needed").header("WWW-Authenticate", "Bearer").into(),
///         }
///     }
///
///     fn on_open(&mut self, peer: &mut Peer<'_>, _: &Request<'_>) -> Self::State {
///         peer.take_note()?.downcast().ok() // what was found out above
///     }
///
///     fn on_message(&mut self, peer: &mut Peer<'_>, user: &mut Self::State, _: Message<'_>) {
///         let name = user.as_ref().map_or("nobody", |name| name);
///         let _ = peer.send(&format!("you are {name}"));
///     }
/// }
/// # let mut server = Builder::new().bind("127.0.0.1:0".parse()?, Members)?;
/// # let (url, stopper) = (format!("ws://{}/", server.local_addr()), server.stopper());
/// # let thread = std::thread::spawn(move || server.run());
/// # let Err(ConnectError::Refused(refused)) = client::connect(&url) else { panic!() };
/// # assert_eq!((refused.status, refused.header("www-authenticate")), (401, Some(&b"Bearer"[..])));
/// # let mut socket = Connector::new(&url)?.header("Authorization", "Bearer open sesame").open()?;
/// # socket.send("?")?;
/// # assert_eq!(socket.receive()?, Received::Text("you are Ali Baba".into()));
/// # drop(socket);
/// # stopper.stop()?;
/// # thread.join().unwrap()?;
/// # Ok(())
/// # }
/// # #[cfg(not(all(feature = "server", feature = "client")))]
/// # fn main() {}
/// ```
#[derive(Clone, Debug)]
pub enum Verdict {
    /// It is answered with 101.
    Accept(Admission),
    /// It is answered with something else.
    Refuse(Rejection),
    /// It is not answered yet, and nothing more is read from whoever asks. [`Hub::answer`] does that; without it the
    /// answer is 503 when the time for the handshake is over.
    Later,
}

impl Default for Verdict {
    fn default() -> Self {
        Self::Accept(Admission::default())
    }
}

impl From<Admission> for Verdict {
    fn from(admission: Admission) -> Self {
        Self::Accept(admission)
    }
}

impl From<Rejection> for Verdict {
    fn from(rejection: Rejection) -> Self {
        Self::Refuse(rejection)
    }
}

impl From<HandshakeError> for Verdict {
    fn from(error: HandshakeError) -> Self {
        Self::Refuse(error.into())
    }
}

/// How a request is accepted; by default as the settings say.
#[derive(Clone, Debug, Default)]
pub struct Admission {
    pub(super) profile: Profile,
    pub(super) protocol: Option<Option<String>>,
    pub(super) headers: Vec<(String, String)>,
    pub(super) note: Option<Note>,
}

/// Something of the application's own.
pub(super) type Note = Arc<dyn Any + Send + Sync>;

impl Admission {
    /// As the settings say.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// The limits, compression and timeouts of the connection.
    #[must_use]
    pub const fn profile(mut self, profile: Profile) -> Self {
        self.profile = profile;
        self
    }

    /// The subprotocol, one of those that were offered, or none. One that was not is a mistake of ours, and answered with
    /// 500.
    #[must_use]
    pub fn protocol(mut self, protocol: impl Into<Option<String>>) -> Self {
        self.protocol = Some(protocol.into());
        self
    }

    /// Something of the application's own, which [`Handler::on_open`](super::Handler::on_open) finds with
    /// [`Peer::take_note`].
    #[must_use]
    pub fn note(mut self, note: Arc<dyn Any + Send + Sync>) -> Self {
        self.note = Some(note);
        self
    }

    /// One more header, such as `Set-Cookie`; see
    /// [`Accept::headers`](crate::proto::handshake::Accept::headers). One that cannot be written is answered with 500.
    #[must_use]
    pub fn header(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.headers.push((name.into(), value.into()));
        self
    }
}

/// A [`Refusal`] that owns what it says.
///
/// ```
/// # #[cfg(feature = "server")] {
/// use sockeye::server::Rejection;
///
/// let rejection = Rejection::new(401, "a token is needed").header("WWW-Authenticate", "Bearer");
/// assert_eq!(rejection.status(), 401);
/// # }
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rejection {
    status: u16,
    sentence: Cow<'static, str>,
    headers: Vec<(String, String)>,
    head_alone: bool,
}

impl Rejection {
    /// A status, 300 to 599 but for 304, and a body of one line. What cannot be written is answered with 500.
    #[must_use]
    pub fn new(status: u16, sentence: impl Into<Cow<'static, str>>) -> Self {
        Self {
            status,
            sentence: sentence.into(),
            headers: Vec::new(),
            head_alone: false,
        }
    }

    /// One more header, such as `WWW-Authenticate`; see [`Refusal::headers`].
    #[must_use]
    pub fn header(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.headers.push((name.into(), value.into()));
        self
    }

    /// Its status.
    #[must_use]
    pub const fn status(&self) -> u16 {
        self.status
    }

    /// Calls with what the core writes.
    pub(super) fn with<R>(&self, call: impl FnOnce(Refusal<'_>) -> R) -> R {
        let headers = pairs(&self.headers);
        let refusal = Refusal::new(self.status, &self.sentence).headers(&headers);
        call(refusal.head_alone(self.head_alone))
    }

    /// Whether it answers a HEAD; see [`Refusal::head_alone`].
    pub(super) const fn head_alone(mut self, alone: bool) -> Self {
        self.head_alone = alone;
        self
    }
}

impl From<Refusal<'static>> for Rejection {
    fn from(refusal: Refusal<'static>) -> Self {
        let owned = |(name, value): &(&str, &str)| ((*name).into(), (*value).into());
        Self {
            status: refusal.status(),
            sentence: Cow::Borrowed(refusal.sentence()),
            headers: refusal.own_headers().iter().map(owned).collect(),
            head_alone: false,
        }
    }
}

impl From<HandshakeError> for Rejection {
    fn from(error: HandshakeError) -> Self {
        let rejection: Self = Refusal::from(error).into();
        match error {
            HandshakeError::PageMethod => rejection.header("Allow", "GET, HEAD"),
            _ => rejection,
        }
    }
}

/// Headers as the core wants them.
pub(super) fn pairs(headers: &[(String, String)]) -> Vec<(&str, &str)> {
    headers
        .iter()
        .map(|(name, value)| (name.as_str(), value.as_str()))
        .collect()
}
