//! The connection that a call is for: [`Conn`].
//!
//! Not here: the others, which are its [`Scope`].

use super::audience::user;
use super::info::Info;
use super::scope::{Desk, Scope};
use super::watch::What;
use super::{Audience, Params};
use crate::kernel::PeerAddr;
use crate::proto::{CloseCode, SendError};
use crate::server::{ConnectionId, JoinError, Message, Receipt};
use core::fmt;
use core::ops::{Deref, DerefMut};
use core::time::Duration;

/// A connection, lent to a service for one call; and by [`Scope`], which it derefs to, all the others at its path.
///
/// ```
/// use sockeye::app::{Conn, Service, Upgrade};
/// use sockeye::server::Message;
///
/// /// Who says `/join tea` is in that room, and what they say then is for it.
/// struct Rooms;
///
/// impl Service for Rooms {
///     type User = Option<String>;
///
///     fn open(&mut self, conn: &mut Conn<'_, Self::User>, _: &mut Self::User, _: &Upgrade<'_>) {
///         let _ = conn.send(&format!("you are one of {}", conn.online()));
///     }
///
///     fn message(&mut self, conn: &mut Conn<'_, Self::User>, user: &mut Self::User, message: Message<'_>) {
///         let Message::Text(text) = message else { return };
///         if let Some(room) = text.strip_prefix("/join ") {
///             match conn.join(room) {
///                 Ok(_) => *user = Some(room.to_owned()),
///                 Err(why) => drop(conn.send(&why.to_string())),
///             }
///         } else if let Some(room) = user {
///             conn.publish(room.as_str(), text);
///         }
///     }
/// }
/// # let app = sockeye::app::App::new().route("SOCKET /rooms @text", |_| Rooms);
/// # app.build()?;
/// # Ok::<(), std::io::Error>(())
/// ```
pub struct Conn<'c, U> {
    pub(super) scope: Scope<'c, U>,
    pub(super) id: ConnectionId,
    pub(super) info: &'c mut Info,
}

impl<'c, U> Conn<'c, U> {
    /// Its id: of no other connection, for the life of the process.
    #[must_use]
    pub const fn id(&self) -> ConnectionId {
        self.id
    }

    /// Sends a message, which is borrowed: `conn.send(&format!(…))`. It is on the wire when the turn ends, behind everything sent before.
    ///
    /// # Errors
    ///
    /// [`SendError::Closed`] when the connection is closing, or has just been given up for reading too slowly.
    pub fn send<'m>(&mut self, message: impl Into<Message<'m>>) -> Result<(), SendError> {
        self.say(message.into(), true)
    }

    /// As [`send`](Self::send), and never compressed: for what has a secret in it.
    ///
    /// # Errors
    ///
    /// As for [`send`](Self::send).
    pub fn send_uncompressed<'m>(
        &mut self,
        message: impl Into<Message<'m>>,
    ) -> Result<(), SendError> {
        self.say(message.into(), false)
    }

    fn say(&mut self, message: Message<'_>, compressible: bool) -> Result<(), SendError> {
        self.scope.desk.line.send(message, compressible)?;
        let what = if compressible {
            What::Message(message)
        } else {
            What::Secret(message)
        };
        self.scope.desk.show(Some(self.id), None, what);
        self.info.note_sent(1, message.bytes().len());
        self.scope
            .desk
            .home
            .counters
            .sent(1, message.bytes().len() as u64);
        Ok(())
    }

    /// Everybody else at this path.
    #[must_use]
    pub const fn others(&self) -> Audience<'static> {
        Audience::all().except(self.id())
    }

    /// Says something to many; see [`Scope::publish`].
    // Here too, so that what is said may be made of the connection: a call through `DerefMut` would hold it already.
    pub fn publish<'a, 'm>(
        &mut self,
        to: impl Into<Audience<'a>>,
        message: impl Into<Message<'m>>,
    ) -> Receipt {
        self.scope.publish(to, message)
    }

    /// Calls the service's `timer` once; see [`Scope::after`]. Here too, so that the key may be made of the connection.
    pub fn after(&mut self, span: Duration, key: u64) {
        self.scope.after(span, key);
    }

    /// Starts the closing handshake. What the peer still sends is discarded.
    ///
    /// # Errors
    ///
    /// [`SendError::Closed`] when it has started already; [`Misuse`](crate::proto::Misuse) for a reason over 123 bytes.
    pub fn close(&mut self, code: CloseCode, reason: &str) -> Result<(), SendError> {
        self.scope.desk.line.close(code, reason)
    }

    /// Joins a room of this path; see [`Scope::join_other`]. Nothing that a client sends does so by itself.
    ///
    /// # Errors
    ///
    /// As there.
    pub fn join(&mut self, room: &str) -> Result<bool, JoinError> {
        let id = self.id();
        self.scope.join_other(id, room)
    }

    /// Leaves a room of this path. Says whether it was in it.
    pub fn leave(&mut self, room: &str) -> bool {
        let id = self.id();
        self.scope.leave_other(id, room)
    }

    /// The rooms that it is in, in the order in which it joined them.
    #[must_use]
    pub fn rooms(&mut self) -> alloc::vec::Vec<alloc::string::String> {
        let id = self.id();
        self.scope.rooms_of(id)
    }

    /// Says whose connection it is: for [`Audience::user`], for the log, and for whoever looks at the server. Once said, it
    /// stays so. Each user costs a room of the server's, some 100 bytes; where nobody speaks to users,
    /// [`introduce`](Self::introduce) will do.
    ///
    /// # Errors
    ///
    /// As for [`join`](Self::join).
    pub fn identify(&mut self, name: &str) -> Result<(), JoinError> {
        let id = self.id();
        let Desk {
            line, home, key, ..
        } = &mut self.scope.desk;
        home.shared.check_name(name)?;
        if !self.info.is_identified() {
            line.hub().join(id, user(&home.path, name, key))?;
            self.call(name, true);
        }
        Ok(())
    }

    /// It is called so from here on.
    fn call(&mut self, name: &str, is_users: bool) {
        let names = &mut self.scope.desk.names;
        if let Some(before) = self.info.name.take() {
            names.remove(before);
        }
        self.info.name = Some(names.add(name, is_users));
    }

    /// Says what it is called, for whoever looks at the server. Unlike who was [identified](Self::identify), nobody can be
    /// spoken to by this name; and so it may be another one later, and several may have it without being the same.
    ///
    /// # Errors
    ///
    /// [`JoinError::Name`] where it could not be the name of a room, and nothing has changed. Nothing changes either for who
    /// was identified.
    pub fn introduce(&mut self, name: &str) -> Result<(), JoinError> {
        self.scope.desk.home.shared.check_name(name)?;
        if name.chars().any(char::is_control) {
            return Err(JoinError::Name);
        }
        if !self.info.is_identified() {
            self.call(name, false);
        }
        Ok(())
    }

    /// Whose connection it is, or what it is called, if that was said.
    #[must_use]
    pub fn user_name(&self) -> Option<&str> {
        let name = self.info.name.as_ref()?;
        Some(self.scope.desk.names.get(name))
    }

    /// Where it comes from: what a trusted proxy says, or else the other end of the connection.
    #[must_use]
    pub fn addr(&self) -> PeerAddr {
        self.info.addr()
    }

    /// How long the last ping took to be answered, in whole milliseconds, once one was.
    #[must_use]
    pub fn latency(&self) -> Option<Duration> {
        self.info.latency()
    }

    /// Sends a ping of the application's own.
    ///
    /// # Errors
    ///
    /// As for [`send`](Self::send); [`Misuse`](crate::proto::Misuse) for a payload over 125 bytes.
    pub fn ping(&mut self, payload: &[u8]) -> Result<(), SendError> {
        self.scope.desk.line.ping(payload)
    }

    /// Stops reading from it, until [`resume`](Self::resume); see [`Peer::pause`](crate::server::Peer::pause).
    pub fn pause(&mut self) {
        self.scope.desk.line.pause(true);
    }

    /// Reads from it again.
    pub fn resume(&mut self) {
        self.scope.desk.line.pause(false);
    }

    /// Bytes that wait for it to read.
    #[must_use]
    pub fn queued_bytes(&self) -> usize {
        self.scope.desk.line.queued_bytes()
    }

    /// What the route's `{name}`s stand for in its path.
    #[must_use]
    pub const fn params(&self) -> &Params {
        self.scope.params()
    }
}

impl<'c, U> Deref for Conn<'c, U> {
    type Target = Scope<'c, U>;

    fn deref(&self) -> &Scope<'c, U> {
        &self.scope
    }
}

impl<'c, U> DerefMut for Conn<'c, U> {
    fn deref_mut(&mut self) -> &mut Scope<'c, U> {
        &mut self.scope
    }
}

impl<U> fmt::Debug for Conn<'_, U> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Conn")
            .field("id", &self.id())
            .field("path", &self.path())
            .finish_non_exhaustive()
    }
}
