//! What is shown of a node among those that share rooms: [`NodeReport`].
//!
//! Not here: what it does, which is `backplane`'s; the others' connections and rooms, which each shows itself.

use crate::backplane::{Neighbour, Node, NodeId};
use alloc::string::String;
use alloc::sync::Arc;
use alloc::vec::Vec;

/// The node of this application, and those that it shares rooms with.
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "json", derive(serde::Serialize))]
#[non_exhaustive]
pub struct NodeReport {
    /// Its id, in JSON as it is displayed.
    #[cfg_attr(
        feature = "json",
        serde(serialize_with = "super::reports::json::displayed")
    )]
    pub id: NodeId,
    /// What it calls itself.
    pub name: String,
    /// The broker, without what is secret.
    pub broker: String,
    /// Whether that can be reached.
    pub up: bool,
    /// Messages of this node for others.
    pub published: u64,
    /// Messages of others that were told here.
    pub heard: u64,
    /// Bytes that wait for the broker.
    pub queued: usize,
    /// Messages that waited for the broker, and were dropped as too much did.
    pub dropped: u64,
    /// Gaps in what others said in rooms.
    pub gaps: u64,
    /// Messages that are missing there, as far as that is known.
    pub missed: u64,
    /// The other nodes that are heard, by their names.
    pub others: Vec<OtherNode>,
}

/// A node that this one shares rooms with.
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "json", derive(serde::Serialize))]
#[non_exhaustive]
pub struct OtherNode {
    /// Its id, in JSON as it is displayed.
    #[cfg_attr(
        feature = "json",
        serde(serialize_with = "super::reports::json::displayed")
    )]
    pub id: NodeId,
    /// What it calls itself.
    #[cfg_attr(
        feature = "json",
        serde(serialize_with = "super::reports::json::displayed")
    )]
    pub name: Arc<str>,
    /// Connections that are open there, as of a second ago.
    pub online: usize,
}

pub(super) fn of(node: &Node) -> NodeReport {
    let figures = node.figures();
    let mut others: Vec<_> = node.others().into_iter().map(other).collect();
    others.sort_unstable_by(|a, b| (&a.name, a.id).cmp(&(&b.name, b.id)));
    NodeReport {
        id: node.id(),
        name: node.name().into(),
        broker: node.broker().into(),
        up: figures.is_up,
        published: figures.published,
        heard: figures.heard,
        queued: figures.queued_bytes,
        dropped: figures.dropped,
        gaps: figures.gaps,
        missed: figures.missed,
        others,
    }
}

fn other(Neighbour { id, name, online }: Neighbour) -> OtherNode {
    OtherNode { id, name, online }
}
