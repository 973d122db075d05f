//! Rooms that several servers share, over a broker that they all reach: Redis or Valkey, or NATS.
//!
//! Each server is a *node*. What is published to a room on one node reaches the members of that room on all nodes; a node
//! hears only of rooms that have a member there. Without a node nothing here is reached, and rooms are those of one
//! server.
//!
//! ```no_run
//! # #[cfg(feature = "redis")]
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! use sockeye::backplane::{Node, Redis};
//! use sockeye::server::Exchange;
//!
//! // With an `Exchange` of one's own …
//! let exchange = Exchange::new();
//! let node = Node::builder().start(&exchange, Redis::new("redis://127.0.0.1/")?)?;
//! // … which the server's `Builder` is told of, too: `Builder::new().exchange(&exchange)`.
//! # drop(node);
//! # Ok(())
//! # }
//! # #[cfg(not(feature = "redis"))]
//! # fn main() {}
//! ```
//!
//! # What holds
//!
//! - **Order.** What one connection publishes to a room comes in that order, on every node. What two connections of
//!   different nodes publish at the same time may come in another order here than there.
//! - **At most once.** Nothing comes twice. What is lost on the way, or waited too long for a broker that was not there, is
//!   missed *visibly*: each node numbers what it says in each room, and
//!   [`BackplaneEvent::Gap`] says where something is missing, and how much, before what comes next is told.
//! - **Who hears it.** A member hears what is said on other nodes as soon as its room is subscribed to, which takes the
//!   first member of a room on a node one round trip to the broker; then it is counted on other nodes.
//! - **Whom it is not for.** [`To::except`](crate::server::To::except) names a connection, which is on one node; nobody else
//!   is left out elsewhere. [`To::one`](crate::server::To::one) and [`To::those`](crate::server::To::those) stay on their
//!   node, and so does what is said with [`To::here`](crate::server::To::here).
//! - **Counts.** [`Node::count`] is exact about this node, and about the others as of a tenth of a second ago, plus the way;
//!   [`Node::online_elsewhere`] is as of a second ago. A node that dies without a word is counted until it has not been heard for
//!   [`NodeBuilder::gone_after`]; where the broker has been away for so long, each node counts its own alone.
//! - **History.** What is said with [`To::kept`](crate::server::To::kept) goes into the broker first, where that keeps
//!   something (Redis does, NATS does not), and is told as it comes back: in one order, the same on every node. Whoever
//!   comes back with [`Hub::resume`](crate::server::Hub::resume), to whichever node, gets what it has missed, once and in
//!   order, or is told that it is too late. While the broker cannot be reached, such a message is told on its own node at
//!   once, and on the others when the broker is back. One that was on its way when a connection was lost may be missing
//!   elsewhere, and is a gap there; and whoever moves while the broker is away may hear again what only its own node has
//!   told.
//! - **Trouble.** While the broker cannot be reached, rooms go on here. What is said waits for it, as much as
//!   [`NodeBuilder::max_queued`] allows; then what is oldest is dropped, and counted. [`BackplaneEvent::Down`] and
//!   [`Up`](BackplaneEvent::Up) are told to every loop.
//!
//! | file | holds |
//! |---|---|
//! | `node` | starting and asking: [`Node`] |
//! | `engine` | what a node knows and says, without a broker, a clock or a thread |
//! | `wire`, `queue` | what it says in bytes; what waits to be said |
//! | `run` | the thread that carries it |
//! | `redis`, `nats` | brokers; `heard`: what has come from the first, `redis_history`: what it keeps |
//!
//! Not here: rooms, which are [`server`](crate::server)'s; a broker.

mod engine;
#[cfg(feature = "redis")]
mod heard;
#[cfg(feature = "nats")]
mod nats;
mod node;
mod queue;
#[cfg(feature = "redis")]
mod redis;
#[cfg(feature = "redis")]
mod redis_history;
mod run;
mod wire;

pub use crate::reactor::{BackplaneEvent, History, NodeId, Offset};
#[cfg(feature = "nats")]
pub use nats::{Nats, NatsInlet, NatsOutlet};
#[cfg(feature = "app")]
pub(crate) use node::WeakNode;
pub use node::{Figures, Neighbour, Node, NodeBuilder};
#[cfg(feature = "redis")]
pub use redis::{Redis, RedisInlet, RedisOutlet};

use alloc::boxed::Box;
use alloc::string::String;
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::error::Error;
use core::fmt;

/// A broker, as a node needs it: whoever has another one than those that are here writes this for it.
///
/// All of it is called on a thread of its own, in a `tokio` runtime of that thread. Numbers, gaps, counts and who is there
/// are the node's business: a broker carries bytes.
#[allow(
    async_fn_in_trait,
    reason = "nobody has to send these futures elsewhere"
)]
pub trait Backplane: Send + 'static {
    /// Its end for speaking.
    type Outlet: Outlet;
    /// Its end for hearing.
    type Inlet: Inlet;

    /// What it is called in logs, without what is secret.
    fn label(&self) -> String;

    /// Connects, with no subscriptions. Called again when a connection has failed; what it still held is then given up.
    ///
    /// # Errors
    ///
    /// Why that was not possible; it will be tried again.
    async fn connect(&mut self) -> Result<(Self::Outlet, Self::Inlet), Trouble>;

    /// Whether it keeps what is [appended](Outlet::append). Its inlet then gives everything in the order in which it came.
    /// Default: no, and nothing is kept in rooms.
    fn keeps(&self) -> bool {
        false
    }
}

/// What a node says to a broker.
#[allow(
    async_fn_in_trait,
    reason = "nobody has to send these futures elsewhere"
)]
pub trait Outlet: 'static {
    /// From when this has returned, everything that is published to these reaches the [`Inlet`].
    ///
    /// # Errors
    ///
    /// What has become of the connection.
    async fn subscribe(&mut self, subjects: &[Subject]) -> Result<(), Trouble>;

    /// Ends subscriptions; what is on its way may still arrive.
    ///
    /// # Errors
    ///
    /// What has become of the connection.
    async fn unsubscribe(&mut self, subjects: &[Subject]) -> Result<(), Trouble>;

    /// Publishes, to each subject in this order. It may return when the broker has it, or when there is room for more; a
    /// broker that does not answer for some seconds is an error.
    ///
    /// # Errors
    ///
    /// What has become of the connection. Whatever of this did not get through is not published again.
    async fn publish(&mut self, bundles: Vec<(Subject, Vec<u8>)>) -> Result<(), Trouble>;

    /// Publishes as [`publish`](Self::publish) does, and keeps of each subject as much as its history says: whoever has
    /// subscribed hears it with the place that it has there, and whoever [fetches](Self::fetch) later gets it.
    ///
    /// # Errors
    ///
    /// What has become of the connection.
    async fn append(&mut self, bundles: Vec<(Subject, History, Vec<u8>)>) -> Result<(), Trouble> {
        drop(bundles);
        Err(Trouble::new("it keeps nothing"))
    }

    /// All that is kept there.
    ///
    /// # Errors
    ///
    /// What has become of the connection.
    async fn fetch(&mut self, subject: &Subject, history: History) -> Result<Stored, Trouble> {
        let _ = (subject, history);
        Err(Trouble::new("it keeps nothing"))
    }
}

/// Something that was published.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Arrived {
    /// As it was published.
    pub bytes: Vec<u8>,
    /// Where it is kept, if it is.
    pub kept: Option<KeptAt>,
}

/// Where something is kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct KeptAt {
    /// There.
    pub at: Offset,
    /// Where the one before it was, whether that is still kept or not.
    pub after: Offset,
}

/// What is kept of a subject.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Stored {
    /// In order.
    pub messages: Vec<Arrived>,
    /// Where the last one was that was ever appended.
    pub tip: Offset,
}

/// What a node hears from a broker.
#[allow(
    async_fn_in_trait,
    reason = "nobody has to send these futures elsewhere"
)]
pub trait Inlet: 'static {
    /// Waits until something was published to what is subscribed to, and gives that, and what else has come. What one node
    /// has published comes in order, but for what is in one batch, which may be in any. What this node has published itself
    /// may come or not; what it has [appended](Outlet::append) comes, or its own members do not hear it. Dropped before it has returned, nothing is lost.
    ///
    /// # Errors
    ///
    /// What has become of the connection.
    async fn next(&mut self) -> Result<Vec<Arrived>, Trouble>;
}

/// What is published to, and subscribed to.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Subject {
    /// What nodes say about themselves.
    Nodes,
    /// What is said to everybody.
    Everybody,
    /// What is said in a room. Its name may have any characters but control characters.
    Room(Arc<str>),
}

/// Why a broker does not do what it is asked to.
#[derive(Debug)]
pub struct Trouble(Box<dyn Error + Send + Sync>);

impl Trouble {
    /// For this reason.
    pub fn new(why: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        Self(why.into())
    }
}

impl fmt::Display for Trouble {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl Error for Trouble {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        self.0.source()
    }
}
