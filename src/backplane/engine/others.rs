//! The other nodes, as far as they are heard.
//!
//! Not here: their shares of rooms, which are `room`'s.

use super::NodeId;
use alloc::collections::{BTreeMap, VecDeque};
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::time::Duration;

/// Beyond so many, whoever says to be a node is not believed.
const MAX_NODES: usize = 1024;
/// Of what was said in several rooms at once, the last so many are known again.
const MAX_SERIALS: usize = 1024;

#[derive(Debug, Default)]
pub(super) struct Others {
    nodes: BTreeMap<NodeId, Other>,
}

#[derive(Debug, Default)]
struct Other {
    /// `None`: it has not said that it is there.
    name: Option<Arc<str>>,
    online: usize,
    /// Whether that still says something.
    is_counted: bool,
    session: u32,
    heard: Duration,
    /// What of it was said in several rooms at once, and has been told.
    serials: VecDeque<u64>,
}

/// What is known of a node.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::backplane) struct Known {
    pub(in crate::backplane) node: NodeId,
    pub(in crate::backplane) name: Arc<str>,
    pub(in crate::backplane) online: usize,
}

/// What it means that a node is there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Sign {
    /// It was not known.
    New,
    /// It has reached the broker anew, and may have missed something.
    Back,
    /// Nothing new.
    Same,
}

impl Others {
    fn at(&mut self, node: NodeId) -> Option<&mut Other> {
        if !self.nodes.contains_key(&node) && self.nodes.len() >= MAX_NODES {
            return None;
        }
        Some(self.nodes.entry(node).or_default())
    }

    /// A node was heard. Says whether it is to be heard.
    pub(super) fn hear(&mut self, node: NodeId, now: Duration) -> bool {
        let Some(other) = self.at(node) else {
            return false;
        };
        other.heard = now;
        true
    }

    /// All of them were.
    pub(super) fn hear_all(&mut self, now: Duration) {
        for other in self.nodes.values_mut() {
            other.heard = now;
        }
    }

    /// A node says that it is there.
    pub(super) fn sign(
        &mut self,
        node: NodeId,
        name: &str,
        online: usize,
        session: u32,
    ) -> Option<Sign> {
        let other = self.at(node)?;
        let before = (other.name.is_some(), other.session);
        if other.name.as_deref() != Some(name) {
            other.name = Some(name.into());
        }
        other.online = online;
        other.is_counted = true;
        other.session = session;
        Some(match before {
            (false, _) => Sign::New,
            (true, before) if before != session => Sign::Back,
            _ => Sign::Same,
        })
    }

    /// Whether what was said in several rooms at once is heard for the first time.
    pub(super) fn is_first(&mut self, node: NodeId, serial: u64) -> bool {
        let Some(other) = self.at(node) else {
            return false;
        };
        if other.serials.contains(&serial) {
            return false;
        }
        if other.serials.len() == MAX_SERIALS {
            other.serials.pop_front();
        }
        other.serials.push_back(serial);
        true
    }

    /// It is gone. Gives its name, if it had said that it was there.
    pub(super) fn remove(&mut self, node: NodeId) -> Option<Arc<str>> {
        self.nodes.remove(&node)?.name
    }

    /// Those that have not been heard since then.
    pub(super) fn silent_since(&self, then: Duration) -> Vec<NodeId> {
        let silent = self.nodes.iter().filter(|(_, other)| other.heard <= then);
        silent.map(|(node, _)| *node).collect()
    }

    pub(super) fn next_expiry(&self, after: Duration) -> Option<Duration> {
        let heard = self.nodes.values().map(|other| other.heard).min()?;
        heard.checked_add(after)
    }

    /// Nothing has been heard for so long that nobody knows who is still there.
    pub(super) fn count_none(&mut self) {
        for other in self.nodes.values_mut() {
            other.is_counted = false;
        }
    }

    /// Those that have said that they are there, whether that still says something or not.
    pub(super) fn named(&self) -> impl Iterator<Item = NodeId> {
        let named = self.nodes.iter().filter(|(_, other)| other.name.is_some());
        named.map(|(node, _)| *node)
    }

    pub(super) fn known(&self) -> Vec<Known> {
        let counted = self.nodes.iter().filter(|(_, other)| other.is_counted);
        let known = counted.filter_map(|(node, other)| {
            Some(Known {
                node: *node,
                name: Arc::clone(other.name.as_ref()?),
                online: other.online,
            })
        });
        known.collect()
    }
}
