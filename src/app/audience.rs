//! Whom something is said to: [`Audience`]. And what that is called in the server, where all paths share one space of
//! names.
//!
//! Not here: who that is; that is the server's rooms.

use crate::server::{ConnectionId, History, To};
use alloc::boxed::Box;
use alloc::string::String;
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::fmt;

/// Whom something is said to. Unless it says otherwise, they are connections of the path that speaks, on all workers, and
/// on all nodes where rooms are shared.
///
/// A room's name is an audience, and so is a connection's id. Nobody is left out who is not named: whoever speaks to a room
/// that they are in hears it, too.
///
/// ```
/// use sockeye::app::{Audience, Conn};
///
/// fn say(conn: &mut Conn<'_, ()>) {
///     conn.publish(conn.all(), "to everybody here");
///     conn.publish(conn.others(), "to everybody else here");
///     conn.publish("green", "to a room");
///     conn.publish(Audience::room("green").except(conn.id()), "to the others in it");
///     conn.publish(Audience::rooms(&["green", "red"]), "to those in either, once");
///     conn.publish(Audience::user("ada"), "to all that Ada has open here");
///     conn.publish(Audience::path("/chat/coffee"), "to those at another path");
///     conn.publish(Audience::server(), "to everybody, everywhere");
/// }
/// ```
#[derive(Clone)]
pub struct Audience<'a> {
    whom: Whom<'a>,
    except: Option<ConnectionId>,
    reach: Reach,
    kept: bool,
}

#[derive(Clone, Copy)]
enum Reach {
    All,
    Node,
    Worker,
}

#[derive(Clone)]
enum Whom<'a> {
    All,
    Room(&'a str),
    RoomAt(&'a str, &'a str),
    Rooms(&'a [&'a str]),
    User(&'a str),
    Path(&'a str),
    Server,
    One(ConnectionId),
    Those(Arc<dyn Fn(ConnectionId) -> bool + Send + Sync>),
}

impl<'a> Audience<'a> {
    const fn new(whom: Whom<'a>) -> Self {
        Self {
            whom,
            except: None,
            reach: Reach::All,
            kept: false,
        }
    }

    /// Everybody at this path.
    #[must_use]
    pub const fn all() -> Self {
        Self::new(Whom::All)
    }

    /// The members of a room.
    #[must_use]
    pub const fn room(name: &'a str) -> Self {
        Self::new(Whom::Room(name))
    }

    /// The members of a room of another path, as it was requested: `/chat/tea`.
    #[must_use]
    pub const fn room_at(path: &'a str, name: &'a str) -> Self {
        Self::new(Whom::RoomAt(path, name))
    }

    /// The members of any of these rooms, each once.
    #[must_use]
    pub const fn rooms(names: &'a [&'a str]) -> Self {
        Self::new(Whom::Rooms(names))
    }

    /// All connections at this path of one user; see [`Conn::identify`](super::Conn::identify).
    #[must_use]
    pub const fn user(name: &'a str) -> Self {
        Self::new(Whom::User(name))
    }

    /// Everybody at another path, by the name that [`Scope::path`](super::Scope::path) has there: `/chat/tea`. Where a
    /// route's path ends in `/`, so does that.
    #[must_use]
    pub const fn path(path: &'a str) -> Self {
        Self::new(Whom::Path(path))
    }

    /// Everybody, wherever they are.
    #[must_use]
    pub const fn server() -> Self {
        Self::new(Whom::Server)
    }

    /// One connection, wherever it is.
    #[must_use]
    pub const fn one(id: ConnectionId) -> Self {
        Self::new(Whom::One(id))
    }

    /// Everybody, wherever they are, whom this picks. It is asked for every connection of the server.
    #[must_use]
    pub fn those(pick: impl Fn(ConnectionId) -> bool + Send + Sync + 'static) -> Self {
        Self::new(Whom::Those(Arc::new(pick)))
    }

    /// But not this one.
    #[must_use]
    pub const fn except(mut self, id: ConnectionId) -> Self {
        self.except = Some(id);
        self
    }

    /// But only on this node, where rooms are shared with others: for what every node says by itself.
    #[must_use]
    pub const fn here(mut self) -> Self {
        self.reach = Reach::Node;
        self
    }

    /// But only on the worker that says it: for what every worker says by itself. A
    /// [`Monitor`](super::Monitor) is on none: what it says with this is said on all of the node.
    #[must_use]
    pub const fn on_worker(mut self) -> Self {
        self.reach = Reach::Worker;
        self
    }

    /// And for those who come back: where this is everybody at the path, and its route has a
    /// [`history`](super::Route::history), that keeps it. Else nothing does.
    #[must_use]
    pub const fn kept(mut self) -> Self {
        self.kept = true;
        self
    }

    /// Calls with what the server knows it as.
    pub(super) fn with<R>(
        self,
        (path, history): (&str, Option<History>),
        key: &mut String,
        call: impl FnOnce(To<'_>) -> R,
    ) -> R {
        let (except, reach) = (self.except, self.reach);
        let is_all = matches!(self.whom, Whom::All);
        let history = history.filter(|_| self.kept && is_all);
        let call = |to: To<'_>| {
            let to = match reach {
                Reach::All => to,
                Reach::Node => to.here(),
                Reach::Worker => to.on_loop(),
            };
            let to = match history {
                Some(history) => to.kept(history),
                None => to,
            };
            call(match except {
                Some(id) => to.except(id),
                None => to,
            })
        };
        key.clear();
        match self.whom {
            Whom::All => call(To::room(everybody(path, key))),
            Whom::Path(other) => call(To::room(everybody(other, key))),
            Whom::Room(name) => call(To::room(room(path, name, key))),
            Whom::RoomAt(other, name) => call(To::room(room(other, name, key))),
            Whom::User(name) => call(To::room(user(path, name, key))),
            Whom::Rooms(names) => {
                let keys: Vec<Box<str>> = names
                    .iter()
                    .map(|name| room(path, name, key).into())
                    .collect();
                let keys: Vec<_> = keys.iter().map(|key| &**key).collect();
                call(To::rooms(&keys))
            }
            Whom::Server => call(To::all()),
            Whom::One(id) => call(To::one(id)),
            Whom::Those(pick) => call(To::those(move |id| pick(id))),
        }
    }
}

impl<'a> From<&'a str> for Audience<'a> {
    fn from(room: &'a str) -> Self {
        Self::room(room)
    }
}

impl<'a> From<&'a String> for Audience<'a> {
    fn from(room: &'a String) -> Self {
        Self::room(room)
    }
}

impl From<ConnectionId> for Audience<'_> {
    fn from(id: ConnectionId) -> Self {
        Self::one(id)
    }
}

impl fmt::Debug for Audience<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.whom {
            Whom::All => f.write_str("all"),
            Whom::Room(name) => write!(f, "room {name:?}"),
            Whom::RoomAt(path, name) => write!(f, "room {name:?} of {path}"),
            Whom::Rooms(names) => write!(f, "rooms {names:?}"),
            Whom::User(name) => write!(f, "user {name:?}"),
            Whom::Path(path) => write!(f, "path {path:?}"),
            Whom::Server => f.write_str("server"),
            Whom::One(id) => write!(f, "{id}"),
            Whom::Those(_) => f.write_str("those"),
        }?;
        f.write_str(match self.reach {
            Reach::All => "",
            Reach::Node => " here",
            Reach::Worker => " on this worker",
        })?;
        if self.kept {
            f.write_str(" kept")?;
        }
        match self.except {
            Some(id) => write!(f, " except {id}"),
            None => Ok(()),
        }
    }
}

/// Behind the path in a key. No path has one: it would have ended there.
const END: char = ' ';
/// Behind that, what kind of name follows.
const ROOM: char = 'r';
const USER: char = 'u';

/// How much longer than a room's name its key is, beside the path.
pub(super) const KEY_OVERHEAD: usize = 2;

/// What everybody at a path is in.
pub(super) fn everybody<'k>(path: &str, key: &'k mut String) -> &'k str {
    key.clear();
    key.push_str(path);
    key.push(END);
    key
}

/// A room of a path.
pub(super) fn room<'k>(path: &str, name: &str, key: &'k mut String) -> &'k str {
    everybody(path, key);
    key.push(ROOM);
    key.push_str(name);
    key
}

/// The connections of a user at a path.
pub(super) fn user<'k>(path: &str, name: &str, key: &'k mut String) -> &'k str {
    everybody(path, key);
    key.push(USER);
    key.push_str(name);
    key
}

/// The path and the name in a room's key; `None` where it is not a room that somebody named.
pub(super) fn room_in(key: &str) -> Option<(&str, &str)> {
    let (path, rest) = key.split_once(END)?;
    Some((path, rest.strip_prefix(ROOM)?))
}

/// The name in the key of a user's connections; `None` where it is the key of something else.
#[cfg(feature = "backplane")]
pub(super) fn user_in(key: &str) -> Option<&str> {
    let (_, rest) = key.split_once(END)?;
    rest.strip_prefix(USER)
}

#[cfg(test)]
mod tests {
    use super::{everybody, room, room_in, user};
    use alloc::string::String;

    #[test]
    fn no_two_names_have_the_same_key() {
        let mut keys = alloc::collections::BTreeSet::new();
        let (paths, names) = (
            ["/", "/a", "/a/", "/ar", "/au"],
            ["", "r", "u", "a", "ra", " ", " r"],
        );
        let mut count = 0;
        for path in paths {
            let mut key = String::new();
            keys.insert(String::from(everybody(path, &mut key)));
            for name in names {
                keys.insert(String::from(room(path, name, &mut key)));
                assert_eq!(room_in(&key), Some((path, name)));
                keys.insert(String::from(user(path, name, &mut key)));
                assert_eq!(room_in(&key), None);
                count += 2;
            }
            count += 1;
        }
        assert_eq!(keys.len(), count);
    }
}
