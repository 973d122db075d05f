//! Whom something is said to, [`To`], and what becomes of it, [`Receipt`].
//!
//! Not here: saying it; that is `publish`.

use super::segment::Manner;
use crate::reactor::ConnectionId;
use crate::reactor::history::History;
use alloc::sync::Arc;
use core::fmt;

/// Says whether a connection is one of those.
pub(in crate::reactor) type Pick = Arc<dyn Fn(ConnectionId) -> bool + Send + Sync>;

/// Whom a message is for. A `&str` is a room.
///
/// ```
/// # #[cfg(feature = "server")] {
/// use sockeye::server::{Hub, To};
///
/// fn tell(hub: &mut Hub<'_>) {
///     hub.publish("lobby", "to one room");
///     hub.publish(To::rooms(&["lobby", "kitchen"]), "once to whoever is in any of them");
///     hub.publish(To::all(), "to everybody");
/// }
/// # }
/// ```
#[derive(Clone)]
pub struct To<'a> {
    pub(in crate::reactor) whom: Whom<'a>,
    pub(in crate::reactor) except: Option<ConnectionId>,
    pub(in crate::reactor) reach: Reach,
    /// And for those who come back.
    pub(in crate::reactor) kept: Option<History>,
}

/// How far something is said.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::reactor) enum Reach {
    /// On all nodes.
    All,
    /// On all loops of this one.
    Node,
    /// On the one that says it.
    Loop,
}

#[derive(Clone)]
pub(in crate::reactor) enum Whom<'a> {
    All,
    Room(&'a str),
    Rooms(&'a [&'a str]),
    One(ConnectionId),
    Those(Pick),
}

impl<'a> To<'a> {
    const fn whom(whom: Whom<'a>) -> Self {
        Self {
            whom,
            except: None,
            reach: Reach::All,
            kept: None,
        }
    }

    /// Every open connection that was accepted.
    #[must_use]
    pub const fn all() -> Self {
        Self::whom(Whom::All)
    }

    /// Every member of a room.
    #[must_use]
    pub const fn room(name: &'a str) -> Self {
        Self::whom(Whom::Room(name))
    }

    /// Every member of any of these rooms, once. It costs a look at each member.
    #[must_use]
    pub const fn rooms(names: &'a [&'a str]) -> Self {
        Self::whom(Whom::Rooms(names))
    }

    /// One connection.
    #[must_use]
    pub const fn one(id: ConnectionId) -> Self {
        Self::whom(Whom::One(id))
    }

    /// Every connection for which this is true. It is asked for each of them.
    #[must_use]
    pub fn those(pick: impl Fn(ConnectionId) -> bool + Send + Sync + 'static) -> Self {
        Self::whom(Whom::Those(Arc::new(pick)))
    }

    /// But not this one: as a rule, the one whose message it was.
    #[must_use]
    pub const fn except(mut self, id: ConnectionId) -> Self {
        self.except = Some(id);
        self
    }

    /// But only on this node, where rooms are shared with others (feature `backplane`): for what every node says by itself,
    /// as the time of day.
    #[must_use]
    pub const fn here(mut self) -> Self {
        self.reach = Reach::Node;
        self
    }

    /// But only on the loop that says it: for what every loop says by itself, as [`Handler::on_backplane`] may.
    ///
    /// A [`Handle`] has no loop: what it says with this is said on all of this node.
    ///
    /// [`Handler::on_backplane`]: crate::server::Handler::on_backplane
    /// [`Handle`]: crate::server::Handle
    #[must_use]
    pub const fn on_loop(mut self) -> Self {
        self.reach = Reach::Loop;
        self
    }

    /// And for those who come back to it with [`Hub::resume`](crate::server::Hub::resume): where this is a room, it keeps the
    /// message. All that is kept is told in one order, the same to everybody; as it takes its place in that first,
    /// what is said behind it and not kept may be told before it, and what was said before it on the same turn behind it. To
    /// several rooms at once, to all, or not on all nodes, nothing is kept.
    #[must_use]
    pub const fn kept(mut self, history: History) -> Self {
        self.kept = Some(history);
        self
    }

    /// The room that is to keep the message, and how much.
    pub(in crate::reactor) const fn keeper(&self) -> Option<(&'a str, History)> {
        match (&self.whom, self.reach, self.kept) {
            (Whom::Room(name), Reach::All, Some(history)) => Some((name, history)),
            _ => None,
        }
    }

    /// How a message to those is told.
    pub(in crate::reactor) const fn manner(&self, compressible: bool) -> Manner {
        Manner {
            secret: !compressible,
            here: !matches!(self.reach, Reach::All),
            except: self.except,
        }
    }
}

impl<'a> From<&'a str> for To<'a> {
    fn from(room: &'a str) -> Self {
        Self::room(room)
    }
}

impl fmt::Debug for To<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.whom {
            Whom::All => f.write_str("all"),
            Whom::Room(name) => fmt::Debug::fmt(name, f),
            Whom::Rooms(names) => fmt::Debug::fmt(names, f),
            Whom::One(id) => fmt::Debug::fmt(id, f),
            Whom::Those(_) => f.write_str("those"),
        }
    }
}

/// What becomes of a message, among the connections of this loop: each of those it is for is counted once. Whoever falls
/// behind only with what is said in this turn is counted as queued, and by [`RoomStats`](super::RoomStats) as what comes of
/// it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Receipt {
    /// They will be told.
    pub queued: usize,
    /// They read too slowly, and are not told.
    pub dropped: usize,
    /// They are gone, or closing, and are not told.
    pub closed: usize,
}
