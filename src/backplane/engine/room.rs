//! One room: who is in it here and on other nodes, and how messages are counted.
//!
//! Not here: what follows from it.

use super::NodeId;
use alloc::vec::Vec;
use core::time::Duration;

#[derive(Debug, Default)]
pub(super) struct Room {
    /// Members of each loop that has some.
    here: Vec<(u32, usize)>,
    pub(super) interest: Interest,
    /// What this node says in it.
    pub(super) saying: Option<Saying>,
    /// What others do.
    there: Vec<There>,
    /// How many the others were told are here.
    pub(super) announced: usize,
    /// A presence is to be said.
    pub(super) is_stale: bool,
    /// With it, the others are asked for theirs.
    pub(super) asks: bool,
}

/// Whether its subject is subscribed to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Interest {
    #[default]
    None,
    Asked,
    Live,
}

/// How this node counts what it says.
#[derive(Debug)]
pub(super) struct Saying {
    /// The number of its next message.
    pub(super) next: u64,
    /// With which number it began. Before that there is nothing to miss.
    pub(super) begin: u64,
    /// When it said the last one.
    pub(super) last: Duration,
    /// A presence has told the others how many there were.
    pub(super) is_confirmed: bool,
    /// When it is looked at whether the room is quiet.
    pub(super) look_at: Option<Duration>,
}

/// Of nodes that are not heard any more, so many are remembered, for they may come back.
const MAX_LOST: usize = 16;

impl Saying {
    /// Nothing was said yet.
    pub(super) const fn new(begin: u64, now: Duration) -> Self {
        Self {
            next: begin,
            begin,
            last: now,
            is_confirmed: false,
            look_at: None,
        }
    }
}

/// Another node's share.
#[derive(Debug)]
struct There {
    node: NodeId,
    members: usize,
    /// The number of the next message that is to come from there, once that is known.
    next: Option<u64>,
    is_lost: bool,
}

/// What is to be thought of messages with such numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Judged {
    /// They are the next ones.
    Next,
    /// So many are missing before them.
    Behind(u64),
    /// They were here before.
    Again,
}

impl Room {
    pub(super) fn here(&self) -> usize {
        self.here.iter().map(|(_, members)| members).sum()
    }

    pub(super) fn has(&self, worker: u32) -> bool {
        self.here.iter().any(|(other, _)| *other == worker)
    }

    /// The loops that have members.
    pub(super) fn workers(&self) -> impl Iterator<Item = u32> {
        self.here.iter().map(|(worker, _)| *worker)
    }

    pub(super) fn set_here(&mut self, worker: u32, members: usize) {
        self.here.retain(|(other, _)| *other != worker);
        if members > 0 {
            self.here.push((worker, members));
        }
    }

    pub(super) fn elsewhere(&self) -> usize {
        let members = self.there.iter().map(|there| there.members);
        members.fold(0, usize::saturating_add)
    }

    /// Nothing has to be known of it.
    pub(super) fn is_idle(&self) -> bool {
        self.here.is_empty()
            && self.saying.is_none()
            && self.interest == Interest::None
            && !self.is_stale
    }

    fn there(&mut self, node: NodeId) -> &mut There {
        let at = self.there.iter().position(|there| there.node == node);
        let at = at.unwrap_or_else(|| {
            self.there.push(There {
                node,
                members: 0,
                next: None,
                is_lost: false,
            });
            self.there.len() - 1
        });
        let there = &mut self.there[at];
        there.is_lost = false;
        there
    }

    /// A node has said these.
    pub(super) fn hear(&mut self, node: NodeId, first: u64, begin: u64, messages: u64) -> Judged {
        let there = self.there(node);
        let after = first.saturating_add(messages);
        let judged = match there.next {
            Some(next) if first < next => return Judged::Again,
            Some(next) => match first.saturating_sub(next.max(begin)) {
                0 => Judged::Next,
                missing => Judged::Behind(missing),
            },
            None => Judged::Next,
        };
        there.next = Some(after);
        judged
    }

    /// A node has said how many are in it there, with which number it began to count, and which comes next. Says how many
    /// messages are missing.
    pub(super) fn hear_presence(
        &mut self,
        node: NodeId,
        members: usize,
        next: Option<(u64, u64)>,
    ) -> u64 {
        let there = self.there(node);
        there.members = members;
        match (there.next, next) {
            (Some(expected), Some((begin, next))) => {
                there.next = Some(next.max(expected));
                next.saturating_sub(expected.max(begin))
            }
            (None, next) => {
                there.next = next.map(|(_, next)| next);
                0
            }
            (Some(_), None) => 0,
        }
    }

    /// A node is not heard any more. Says whether it had members here or has spoken. Should it come back, its numbers go
    /// on.
    pub(super) fn lose(&mut self, node: NodeId) -> bool {
        let Some(there) = self.there.iter_mut().find(|there| there.node == node) else {
            return false;
        };
        there.members = 0;
        there.is_lost = true;
        let mut lost = self.there.iter().filter(|there| there.is_lost);
        if lost.clone().count() > MAX_LOST
            && let Some(oldest) = lost.next().map(|there| there.node)
        {
            self.forget(oldest);
        }
        true
    }

    /// A node has gone for good.
    pub(super) fn forget(&mut self, node: NodeId) {
        self.there.retain(|there| there.node != node);
    }

    /// Nobody knows who is still in it elsewhere.
    pub(super) fn count_none(&mut self) {
        for there in &mut self.there {
            there.members = 0;
        }
    }

    /// What others say here is not heard any more.
    pub(super) fn forget_all(&mut self) {
        self.there = Vec::new();
    }
}
