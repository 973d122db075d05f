//! What a node knows of its rooms and of other nodes, and what it has to say: without a broker, a clock or a thread.
//!
//! Every message has a number: how many this node has said in this room before. Whoever hears it expects the next one, so
//! nothing is missed without being noticed. What is missed at the end is noticed by a *presence*, which says how many are
//! in a room of a node, and which number comes next; it is said when somebody comes or goes, when somebody who has
//! reached the broker anew asks, and when a room has been quiet for a moment.
//!
//! | file | holds |
//! |---|---|
//! | `mod` | what happens: loops speak, the broker comes and goes, time passes |
//! | `saying` | what is said to other nodes |
//! | `hearing` | what is heard of them |
//! | `link` | the broker can be reached, or not |
//! | `keeping` | rooms that the broker keeps something of |
//! | `room` | one room: who is here and there, and how messages are counted |
//! | `others` | the other nodes |
//!
//! Not here: carrying any of it; that is `run`.

mod hearing;
mod keeping;
mod link;
mod others;
mod room;
mod saying;
#[cfg(test)]
mod tests;

use super::queue::Queue;
use super::{BackplaneEvent, NodeId, Subject};
use crate::reactor::{Bundle, Crossing, History, Offset, Origin, Said};
use alloc::collections::{BTreeSet, VecDeque};
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::mem::take;
use core::time::Duration;
use keeping::Keeping;
use link::Link;
use others::Others;
use room::{Interest, Room};
use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

pub(super) use hearing::Read;
pub(super) use others::Known;

/// What is said to everybody is said in the room without a name.
const EVERYBODY: &str = "";
/// How often a node says that it is there.
const HEARTBEAT: Duration = Duration::from_secs(1);
/// How often, at most, it says who is in its rooms.
const PRESENCE: Duration = Duration::from_millis(100);
/// A room that has been quiet for so long may have lost what was said last.
const QUIET: Duration = Duration::from_secs(1);
/// Who has lost the broker, the others have lost too, as a rule. What waits is said when they are all back, or after so
/// long: nobody who is not there yet hears it.
const REGROUP: Duration = Duration::from_secs(3);
/// Of a room in which nothing was said for so long, the count is forgotten.
const FORGOTTEN: Duration = Duration::from_secs(60);

/// What a node is told about itself.
#[derive(Clone, Debug)]
pub(super) struct Terms {
    pub(super) id: NodeId,
    pub(super) name: Arc<str>,
    pub(super) max_queued: usize,
    /// A node that has not been heard for so long is gone.
    pub(super) gone_after: Duration,
}

#[derive(Debug)]
pub(super) struct Engine {
    terms: Terms,
    now: Duration,
    rooms: HashMap<Arc<str>, Room>,
    /// Rooms whose subscription may have to change.
    changed: BTreeSet<Arc<str>>,
    /// Rooms of which a presence is to be said.
    stale: VecDeque<Arc<str>>,
    /// Not before.
    presence_at: Duration,
    /// Rooms to be looked at, and when.
    looks: BTreeSet<(Duration, Arc<str>)>,
    others: Others,
    queue: Queue,
    keeping: Keeping,
    /// How much it has said.
    order: u64,
    /// Of what is said in several rooms at once.
    serial: u64,
    link: Link,
    /// Who is to be heard before what waits is said, and when it is said in any case.
    awaited: (BTreeSet<NodeId>, Duration),
    alive_at: Duration,
    /// A node that begins to count does so here, above all counts that it has forgotten.
    count_from: u64,
    /// What the others say is not heard, as loops have no room for it.
    is_held_up: bool,
    /// The others are to be told that something was lost.
    has_lost: bool,
    told: Vec<Told>,
    shared: Arc<Shared>,
}

/// For the loops, in order.
#[derive(Clone, Debug)]
pub(super) enum Told {
    Say(Option<Arc<str>>, Bundle),
    SayOnce(Arc<[Arc<str>]>, Bundle),
    /// A message that is kept, and where; `None`: not yet.
    Kept(Arc<str>, History, Option<Offset>, Said),
    /// The broker keeps what was told already.
    Settled(Arc<str>, Origin, Offset),
    /// All that the broker keeps of a room, behind an offset.
    Load(Arc<str>, History, Offset, Vec<(Offset, Said)>),
    /// There is no more of a room than what was told.
    Warm(Arc<str>),
    /// Nothing more comes of a room; to be answered with [`Engine::on_cooled`].
    Cool(Arc<str>),
    /// For one of them, or each.
    Event(Option<u32>, BackplaneEvent),
}

/// What is to be done with the broker, in this order.
#[derive(Debug, Default)]
pub(super) struct Orders {
    pub(super) unsubscribe: Vec<Subject>,
    pub(super) subscribe: Vec<Subject>,
    pub(super) publish: Vec<(Subject, Vec<u8>)>,
    /// Of which rooms to fetch what the broker keeps, and how much.
    pub(super) fetch: Vec<(Arc<str>, History)>,
    pub(super) append: Vec<(Subject, History, Vec<u8>)>,
}

/// What other threads may know.
#[derive(Debug, Default)]
pub(super) struct Shared(Mutex<View>);

#[derive(Debug, Default)]
pub(super) struct View {
    /// Members on other nodes, of rooms that have some here.
    pub(super) elsewhere: HashMap<Arc<str>, usize>,
    /// Members here.
    pub(super) here: HashMap<Arc<str>, usize>,
    pub(super) others: Vec<Known>,
    pub(super) figures: super::Figures,
}

impl Shared {
    /// Nothing panics while it holds this lock.
    pub(super) fn lock(&self) -> MutexGuard<'_, View> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Engine {
    pub(super) fn new(terms: Terms, shared: Arc<Shared>) -> Self {
        Self {
            queue: Queue::new(terms.max_queued),
            terms,
            now: Duration::ZERO,
            rooms: HashMap::new(),
            changed: BTreeSet::new(),
            stale: VecDeque::new(),
            presence_at: Duration::ZERO,
            looks: BTreeSet::new(),
            others: Others::default(),
            keeping: Keeping::default(),
            order: 0,
            serial: 0,
            link: Link::Down {
                since: Duration::ZERO,
                announced: false,
                alone: true,
            },
            awaited: (BTreeSet::new(), Duration::ZERO),
            alive_at: Duration::ZERO,
            count_from: 0,
            is_held_up: false,
            has_lost: false,
            told: Vec::new(),
            shared,
        }
    }

    /// A loop has said something.
    pub(super) fn on_crossing(&mut self, crossing: Crossing) {
        match crossing {
            Crossing::Members(worker, room, members) => {
                let room = room.unwrap_or_else(|| EVERYBODY.into());
                self.set_members(worker, &room, members);
            }
            Crossing::Gone(worker) => {
                let rooms = self.rooms.iter();
                let rooms: Vec<_> = rooms
                    .filter(|(_, room)| room.has(worker))
                    .map(|(name, _)| Arc::clone(name))
                    .collect();
                for room in rooms {
                    self.set_members(worker, &room, 0);
                }
            }
            Crossing::Say(room, bundle) => {
                self.say(&room.unwrap_or_else(|| EVERYBODY.into()), bundle);
            }
            Crossing::SayOnce(rooms, bundle) => self.say_once(&rooms, &bundle),
            Crossing::Keep(room, history, said) => self.say_kept(&room, history, &said),
            Crossing::Want(room, history) => self.want(&room, history),
        }
    }

    fn set_members(&mut self, worker: u32, name: &Arc<str>, members: usize) {
        if members == 0 && !self.rooms.contains_key(name) {
            return self.leave_kept(name);
        }
        let room = self.rooms.entry(Arc::clone(name)).or_default();
        room.set_here(worker, members);
        let (here, is_wanted) = (room.here(), room.interest != Interest::None);
        let mut view = self.shared.lock();
        if here == 0 {
            view.here.remove(name);
        } else {
            view.here.insert(Arc::clone(name), here);
        }
        drop(view);
        if let Link::Down { .. } = self.link {
            // What is to be done about it then, is seen when it is up.
            if here == 0 {
                self.leave_alone(name);
            }
        } else if (here > 0) != is_wanted {
            self.changed.insert(Arc::clone(name));
        } else if here == 0 {
            self.changed.remove(name);
            self.leave_alone(name);
        } else if is_wanted && here != room.announced {
            self.note_stale(name, false);
        }
    }

    /// Nobody is in a room here any more, and what others say there is not heard.
    fn leave_alone(&mut self, name: &Arc<str>) {
        let Some(room) = self.rooms.get_mut(name) else {
            return;
        };
        room.forget_all();
        let was_announced = room.announced > 0;
        self.shared.lock().elsewhere.remove(name);
        if was_announced {
            self.note_stale(name, false);
        }
        self.drop_if_idle(name);
        self.leave_kept(name);
    }

    /// Loops have no room for what others say, or have it again.
    pub(super) fn set_held_up(&mut self, yes: bool) {
        if self.is_held_up && !yes {
            // Nobody was heard meanwhile, and that is nobody's fault.
            self.others.hear_all(self.now);
        }
        self.is_held_up = yes;
    }

    /// A presence is to be said of this room, by which the others are asked for theirs or not.
    fn note_stale(&mut self, name: &Arc<str>, asks: bool) {
        let Some(room) = self.rooms.get_mut(name) else {
            return;
        };
        room.asks |= asks;
        if !room.is_stale {
            room.is_stale = true;
            self.stale.push_back(Arc::clone(name));
        }
    }

    /// Some of what loops had to say did not come here.
    pub(super) fn on_lost(&mut self) {
        self.has_lost = true;
        self.shared.lock().figures.overflows += 1;
        self.tell_of_kept_that_were_lost();
    }

    /// Time has passed, since the node began.
    pub(super) fn on_time(&mut self, now: Duration) {
        self.now = self.now.max(now);
        match self.link {
            Link::Up { .. } => self.expire(),
            Link::Down { since, alone, .. } if !alone && self.now >= self.alone_at(since) => {
                self.be_alone();
            }
            Link::Down { .. } => {}
        }
        while let Some((at, _)) = self.looks.first()
            && *at <= self.now
            && let Some((_, name)) = self.looks.pop_first()
        {
            self.look_at(&name);
        }
    }

    /// A room is looked at then, or earlier if that was asked for.
    fn look_by(&mut self, name: &Arc<str>, at: Duration) {
        let room = self.rooms.get_mut(name);
        let Some(saying) = room.and_then(|room| room.saying.as_mut()) else {
            return;
        };
        if let Some(before) = saying.look_at.replace(at) {
            let place = (before, Arc::clone(name));
            self.looks.remove(&place);
            saying.look_at = Some(before.min(at));
        }
        if let Some(at) = saying.look_at {
            self.looks.insert((at, Arc::clone(name)));
        }
    }

    /// A room in which something was said is quiet, or was for long.
    fn look_at(&mut self, name: &Arc<str>) {
        let Some(room) = self.rooms.get_mut(name) else {
            return;
        };
        let is_used = room.here() > 0;
        let Some(saying) = &mut room.saying else {
            return;
        };
        saying.look_at = None;
        let (last, next) = (saying.last, saying.next);
        let quiet_for = self.now.saturating_sub(last);
        if quiet_for < QUIET {
            self.look_by(name, last + QUIET);
        } else if !saying.is_confirmed {
            // The presence that this makes confirms it.
            self.look_by(name, self.now + QUIET);
            self.note_stale(name, false);
        } else if quiet_for < FORGOTTEN {
            self.look_by(name, last + FORGOTTEN);
        } else if is_used {
            self.look_by(name, self.now + FORGOTTEN);
        } else {
            self.count_from = self.count_from.max(next);
            room.saying = None;
            self.drop_if_idle(name);
        }
    }

    /// A room of which nothing has to be known any more is forgotten.
    fn drop_if_idle(&mut self, name: &Arc<str>) {
        if self.rooms.get(name).is_some_and(Room::is_idle) {
            self.rooms.remove(name);
        }
    }

    /// When [`on_time`](Self::on_time) is to be called, if nothing happens before.
    pub(super) fn deadline(&self) -> Option<Duration> {
        let look = self.looks.first().map(|(at, _)| *at);
        if let Link::Down { since, alone, .. } = self.link {
            let alone_at = (!alone).then(|| self.alone_at(since));
            return [look, alone_at].into_iter().flatten().min();
        }
        if self.has_orders() {
            // Time brings nothing more to say before that is said.
            let expiry = self.others.next_expiry(self.terms.gone_after);
            return [look, expiry.filter(|_| !self.is_held_up)]
                .into_iter()
                .flatten()
                .min();
        }
        let presence = (!self.stale.is_empty()).then_some(self.presence_at);
        let regroup = (self.is_waiting() && !self.queue.is_empty()).then_some(self.awaited.1);
        let expiry = self.others.next_expiry(self.terms.gone_after);
        let expiry = expiry.filter(|_| !self.is_held_up);
        [look, presence, expiry, regroup, Some(self.alive_at)]
            .into_iter()
            .flatten()
            .min()
    }

    /// What is to be told here since this was last asked.
    pub(super) fn take_told(&mut self) -> Vec<Told> {
        take(&mut self.told)
    }
}
