//! A server among those that share rooms: [`Node`].
//!
//! Not here: what it knows, which is `engine`; its thread, which is `run`.

use super::engine::{Engine, Known, Shared, Terms};
use super::run::{self, Desk};
use super::{Backplane, NodeId};
use crate::reactor::{Bridge, Exchange};
use alloc::format;
use alloc::string::String;
use alloc::sync::Arc;
#[cfg(feature = "app")]
use alloc::sync::Weak;
use alloc::vec::Vec;
use core::fmt;
use core::time::Duration;
use std::io;
use std::sync::Mutex;
use std::thread::{self, JoinHandle};

/// A server among those that share rooms over a broker. Clones are the same node. When the last of them is dropped, it
/// says what is left to say, and goodbye, and goes.
#[derive(Clone)]
pub struct Node {
    inner: Arc<Inner>,
}

/// A node, as long as somebody else has it.
#[cfg(feature = "app")]
#[derive(Clone, Debug)]
pub(crate) struct WeakNode(Weak<Inner>);

#[cfg(feature = "app")]
impl WeakNode {
    pub(crate) fn get(&self) -> Option<Node> {
        let inner = self.0.upgrade()?;
        Some(Node { inner })
    }
}

struct Inner {
    id: NodeId,
    name: Arc<str>,
    label: String,
    keeps: bool,
    shared: Arc<Shared>,
    desk: Arc<Desk>,
    thread: Mutex<Option<JoinHandle<()>>>,
}

/// What a node is told before it starts.
#[derive(Clone, Debug)]
pub struct NodeBuilder {
    name: Option<String>,
    max_queued: usize,
    gone_after: Duration,
}

/// Another node.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Neighbour {
    /// Which one.
    pub id: NodeId,
    /// What it calls itself.
    pub name: Arc<str>,
    /// Connections that are open there.
    pub online: usize,
}

/// What a node has done since it started.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Figures {
    /// Whether the broker can be reached now.
    pub is_up: bool,
    /// How often it was reached.
    pub sessions: u32,
    /// Messages of this node for others.
    pub published: u64,
    /// Messages of others that were told here.
    pub heard: u64,
    /// Messages that waited for the broker, and were dropped as too much did.
    pub dropped: u64,
    /// Bytes that wait for the broker now.
    pub queued_bytes: usize,
    /// Gaps in what others said in rooms.
    pub gaps: u64,
    /// Messages that are missing there, as far as that is known.
    pub missed: u64,
    /// Messages that came again, and were not told again.
    pub repeated: u64,
    /// What came over the broker and is nothing that a node says.
    pub refused: u64,
    /// How often loops had more to say than could wait for this node's thread.
    pub overflows: u64,
}

impl Default for NodeBuilder {
    fn default() -> Self {
        Self {
            name: None,
            max_queued: 16 << 20,
            gone_after: Duration::from_millis(3500),
        }
    }
}

impl NodeBuilder {
    /// What the node calls itself where people look. Default: its id.
    #[must_use]
    pub fn name(mut self, name: impl Into<String>) -> Self {
        self.name = Some(name.into());
        self
    }

    /// Bytes that may wait for a broker that cannot be reached, or is slow. Default: 16 MiB.
    #[must_use]
    pub const fn max_queued(mut self, bytes: usize) -> Self {
        self.max_queued = bytes;
        self
    }

    /// A node that has not been heard for so long is gone. They say every second that they are there. Default: 3.5 s.
    #[must_use]
    pub const fn gone_after(mut self, span: Duration) -> Self {
        self.gone_after = span;
        self
    }

    /// Starts a node, which carries what is published on this exchange to other nodes, and what is published on them to
    /// this exchange. It starts whether the broker can be reached or not.
    ///
    /// # Errors
    ///
    /// [`io::ErrorKind::AlreadyExists`] when the exchange has a node; what the system says when it has no thread or no
    /// randomness for it.
    pub fn start(self, exchange: &Exchange, backplane: impl Backplane) -> io::Result<Node> {
        let mut id = [0; 8];
        getrandom::fill(&mut id).map_err(|error| io::Error::other(format!("{error}")))?;
        let id = NodeId(u64::from_le_bytes(id));
        let name: Arc<str> = self.name.unwrap_or_else(|| format!("{id}")).into();
        let (shared, desk) = (Arc::<Shared>::default(), Arc::<Desk>::default());
        let wake = Arc::clone(&desk);
        let bridge = Bridge::new(exchange, wake, id, backplane.keeps())
            .ok_or_else(|| io::Error::new(io::ErrorKind::AlreadyExists, "it has a node already"))?;
        let terms = Terms {
            id,
            name: Arc::clone(&name),
            max_queued: self.max_queued,
            gone_after: self.gone_after,
        };
        let engine = Engine::new(terms, Arc::clone(&shared));
        let (label, keeps) = (backplane.label(), backplane.keeps());
        let own = Arc::clone(&desk);
        let view = Arc::clone(&shared);
        let thread = thread::Builder::new()
            .name("backplane".into())
            .spawn(move || {
                // However it ends.
                let _down = SetDown(view);
                run::run(backplane, bridge, engine, &own);
            })?;
        Ok(Node {
            inner: Arc::new(Inner {
                id,
                name,
                label,
                keeps,
                shared,
                desk,
                thread: Mutex::new(Some(thread)),
            }),
        })
    }
}

impl Node {
    /// One that is to be started.
    #[must_use]
    pub fn builder() -> NodeBuilder {
        NodeBuilder::default()
    }

    /// It, for who does not keep it.
    #[cfg(feature = "app")]
    pub(crate) fn weak(&self) -> WeakNode {
        WeakNode(Arc::downgrade(&self.inner))
    }

    /// Which one this is.
    #[must_use]
    pub fn id(&self) -> NodeId {
        self.inner.id
    }

    /// What it calls itself.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.inner.name
    }

    /// The broker, without what is secret.
    #[must_use]
    pub fn broker(&self) -> &str {
        &self.inner.label
    }

    /// Whether that keeps what is said to be kept.
    #[must_use]
    pub fn keeps(&self) -> bool {
        self.inner.keeps
    }

    /// The other nodes that are heard.
    #[must_use]
    pub fn others(&self) -> Vec<Neighbour> {
        let view = self.inner.shared.lock();
        let others = view.others.iter().map(|known| {
            let Known { node, name, online } = known.clone();
            Neighbour {
                id: node,
                name,
                online,
            }
        });
        others.collect()
    }

    /// How many members a room has on all nodes. Nothing is known of a room that has none here: then it is 0.
    #[must_use]
    pub fn count(&self, room: &str) -> usize {
        let view = self.inner.shared.lock();
        let count = |rooms: &std::collections::HashMap<Arc<str>, usize>| {
            rooms.get(room).copied().unwrap_or_default()
        };
        count(&view.here).saturating_add(count(&view.elsewhere))
    }

    /// How many members a room has on the other nodes. Nothing is known of a room that has none here: then it is 0.
    #[must_use]
    pub fn count_elsewhere(&self, room: &str) -> usize {
        let view = self.inner.shared.lock();
        view.elsewhere.get(room).copied().unwrap_or_default()
    }

    /// How many connections are open on the other nodes.
    #[must_use]
    pub fn online_elsewhere(&self) -> usize {
        let view = self.inner.shared.lock();
        let online = view.others.iter().map(|known| known.online);
        online.fold(0, usize::saturating_add)
    }

    /// What it has done so far.
    #[must_use]
    pub fn figures(&self) -> Figures {
        self.inner.shared.lock().figures
    }
}

impl fmt::Debug for Inner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Inner")
            .field("id", &self.id)
            .finish_non_exhaustive()
    }
}

impl fmt::Debug for Node {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Node")
            .field("id", &self.inner.id)
            .field("name", &self.inner.name)
            .field("broker", &self.inner.label)
            .finish_non_exhaustive()
    }
}

/// Without its thread, a node reaches nobody.
struct SetDown(Arc<Shared>);

impl Drop for SetDown {
    fn drop(&mut self) {
        self.0.lock().figures.is_up = false;
    }
}

impl Drop for Inner {
    /// Waits for the thread, which says goodbye, for a second at most.
    fn drop(&mut self) {
        self.desk.leave();
        let thread = self.thread.get_mut();
        let thread = thread.unwrap_or_else(std::sync::PoisonError::into_inner);
        if let Some(thread) = thread.take() {
            let _ = thread.join();
        }
    }
}
