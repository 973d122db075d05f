//! Whether the broker can be reached, and what follows from that.
//!
//! Not here: reaching it, which is `run`'s.

use super::room::Interest;
use super::{BackplaneEvent, Engine, QUIET, REGROUP, Told};
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::time::Duration;

#[derive(Clone, Copy, Debug)]
pub(super) enum Link {
    /// Not, since then.
    Down {
        since: Duration,
        announced: bool,
        /// For so long that the others do not count any more.
        alone: bool,
    },
    /// Yes; whether what nodes say of themselves is subscribed to.
    Up { greeted: bool },
}

impl Engine {
    /// The broker was reached: nothing is subscribed to yet.
    pub(in crate::backplane) fn on_up(&mut self) {
        let Link::Down {
            since, announced, ..
        } = self.link
        else {
            return;
        };
        let after = self.now.saturating_sub(since);
        self.link = Link::Up { greeted: false };
        // What others said meanwhile of being there was not heard.
        self.others.hear_all(self.now);
        self.awaited = (self.others.named().collect(), self.now + REGROUP);
        self.alive_at = self.now;
        self.presence_at = self.now;
        let rooms = self.rooms.iter().filter(|(_, room)| room.here() > 0);
        self.changed = rooms.map(|(name, _)| Arc::clone(name)).collect();
        let mut view = self.shared.lock();
        view.figures.sessions += 1;
        view.figures.is_up = true;
        drop(view);
        if announced {
            let up = BackplaneEvent::Up { after };
            self.told.push(Told::Event(None, up));
        }
    }

    /// The broker cannot be reached, or not any more.
    pub(in crate::backplane) fn on_down(&mut self, why: &str) {
        let (since, alone) = match self.link {
            Link::Down {
                announced: true, ..
            } => return,
            Link::Down { since, alone, .. } => (since, alone),
            Link::Up { .. } => (self.now, false),
        };
        self.link = Link::Down {
            since,
            announced: true,
            alone,
        };
        self.changed.clear();
        let mut said = Vec::new();
        for (name, room) in &mut self.rooms {
            room.interest = Interest::None;
            if let Some(saying) = &mut room.saying {
                // What told the others may not have reached them, either.
                saying.is_confirmed = false;
                said.push(Arc::clone(name));
            }
        }
        for name in said {
            self.look_by(&name, self.now + QUIET);
        }
        self.shared.lock().figures.is_up = false;
        let why = why.into();
        let down = BackplaneEvent::Down { why };
        self.told.push(Told::Event(None, down));
        self.tell_pending();
    }

    /// Whether others are still to be heard before it speaks.
    pub(super) fn is_waiting(&self) -> bool {
        !self.awaited.0.is_empty() && self.now < self.awaited.1
    }

    /// When the others do not count any more, if the broker is away since then.
    pub(super) const fn alone_at(&self, since: Duration) -> Duration {
        since.saturating_add(self.terms.gone_after)
    }

    /// Nobody knows who is still there. They are not gone either: their numbers go on when they are heard.
    pub(super) fn be_alone(&mut self) {
        if let Link::Down { alone, .. } = &mut self.link {
            *alone = true;
        }
        self.others.count_none();
        for room in self.rooms.values_mut() {
            room.count_none();
        }
        let mut view = self.shared.lock();
        view.others.clear();
        view.elsewhere.clear();
    }
}
