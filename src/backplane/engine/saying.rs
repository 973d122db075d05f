//! What is said to other nodes, and which rooms are to be heard.
//!
//! Not here: what they say.

use super::super::queue::Waiting;
use super::super::wire::{Said, Stamp, What};
use super::room::{Interest, Saying};
use super::{EVERYBODY, Engine, HEARTBEAT, Link, Orders, PRESENCE, QUIET, Subject};
use crate::reactor::{Bundle, History};
use alloc::string::String;
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::mem::take;

/// What is published at a time, in bytes and in presences.
const BATCH: usize = 256 << 10;
const PRESENCES: usize = 1024;

impl Engine {
    /// Messages for a room.
    pub(super) fn say(&mut self, name: &Arc<str>, bundle: Bundle) {
        let messages = bundle.messages;
        let said = self.count(name, messages, bundle.secret);
        let what = What::Say {
            room: String::from(&**name),
            said,
        };
        let bytes = self.stamp(what).put_behind(bundle.frames);
        self.push(subject(name), bytes, messages);
    }

    /// A message for whoever is in any of these rooms.
    pub(super) fn say_once(&mut self, names: &[Arc<str>], bundle: &Bundle) {
        self.serial += 1;
        let rooms: Vec<String> = names.iter().map(|name| String::from(&**name)).collect();
        for (name, at) in names.iter().zip(0..) {
            let said = self.count(name, bundle.messages, bundle.secret.clone());
            let what = What::SayOnce {
                rooms: rooms.clone(),
                at,
                serial: self.serial,
                said,
            };
            let bytes = self.stamp(what).put_behind(bundle.frames.clone());
            self.push(subject(name), bytes, bundle.messages);
        }
    }

    /// Gives messages their numbers.
    pub(super) fn count(&mut self, name: &Arc<str>, messages: u32, secret: Vec<u32>) -> Said {
        let (now, count_from) = (self.now, self.count_from);
        let room = self.rooms.entry(Arc::clone(name)).or_default();
        let saying = room
            .saying
            .get_or_insert_with(|| Saying::new(count_from, now));
        let said = Said {
            first: saying.next,
            begin: saying.begin,
            messages,
            secret,
        };
        saying.next += u64::from(messages);
        saying.last = now;
        saying.is_confirmed = false;
        if saying.look_at.is_none_or(|at| at > now + QUIET) {
            self.look_by(name, now + QUIET);
        }
        said
    }

    pub(super) fn stamp(&mut self, what: What) -> Stamp {
        let order = self.order;
        self.order += 1;
        Stamp {
            node: self.terms.id.0,
            order,
            what,
        }
    }

    pub(super) fn push(&mut self, subject: Subject, bytes: Vec<u8>, messages: u32) {
        self.enqueue(Waiting::new(subject, bytes, messages));
    }

    /// The same for a message that the broker is to keep, of this number.
    pub(super) fn push_kept(
        &mut self,
        subject: Subject,
        history: History,
        bytes: Vec<u8>,
        number: u64,
    ) {
        self.enqueue(Waiting::new(subject, bytes, 1).kept(history, number));
    }

    fn enqueue(&mut self, waiting: Waiting) {
        let messages = waiting.messages;
        let lost = self.queue.push(waiting);
        let dropped: u64 = lost.iter().map(|lost| u64::from(lost.messages)).sum();
        for lost in lost {
            if let (Some((_, number)), Subject::Room(name)) = (lost.kept, &lost.subject) {
                self.give_up_kept(name, number);
            }
        }
        let mut view = self.shared.lock();
        view.figures.published += u64::from(messages);
        view.figures.dropped += dropped;
        view.figures.queued_bytes = self.queue.bytes();
    }

    /// Whether [`orders`](Self::orders) has any.
    pub(in crate::backplane) fn has_orders(&self) -> bool {
        let Link::Up { greeted } = self.link else {
            return false;
        };
        let presence = !self.stale.is_empty() && self.presence_at <= self.now;
        let alive = self.alive_at <= self.now || self.has_lost;
        let waits = !self.queue.is_empty() && !self.is_waiting();
        let fetches = !self.keeping.to_fetch.is_empty();
        !greeted || alive || presence || waits || fetches || !self.changed.is_empty()
    }

    /// What is to be done with the broker now. To be asked again when that is done, and not before.
    pub(in crate::backplane) fn orders(&mut self) -> Orders {
        let mut orders = Orders::default();
        let Link::Up { greeted } = &mut self.link else {
            return orders;
        };
        if !*greeted {
            *greeted = true;
            orders.subscribe.push(Subject::Nodes);
        }
        self.change_subscriptions(&mut orders);
        if self.alive_at <= self.now {
            self.alive_at = self.now + HEARTBEAT;
            let alive = self.alive();
            orders.publish.push((Subject::Nodes, alive));
        }
        if take(&mut self.has_lost) {
            let lost = self.stamp(What::Lost).put_behind(Vec::new());
            orders.publish.push((Subject::Nodes, lost));
        }
        orders.fetch = self.fetches();
        if !self.is_waiting() {
            for waiting in self.queue.take(BATCH) {
                let (subject, bytes) = (waiting.subject, waiting.bytes);
                match waiting.kept {
                    Some((history, _)) => orders.append.push((subject, history, bytes)),
                    None => orders.publish.push((subject, bytes)),
                }
            }
        }
        self.shared.lock().figures.queued_bytes = self.queue.bytes();
        if self.presence_at <= self.now && !self.stale.is_empty() {
            self.presence_at = self.now + PRESENCE;
            self.say_presences(&mut orders);
        }
        orders
    }

    fn change_subscriptions(&mut self, orders: &mut Orders) {
        for name in take(&mut self.changed) {
            let Some(room) = self.rooms.get_mut(&name) else {
                continue;
            };
            match (room.here() > 0, room.interest) {
                (true, Interest::None) => {
                    room.interest = Interest::Asked;
                    orders.subscribe.push(subject(&name));
                }
                (false, Interest::Asked | Interest::Live) => {
                    room.interest = Interest::None;
                    orders.unsubscribe.push(subject(&name));
                    self.leave_alone(&name);
                }
                (false, Interest::None) => self.leave_alone(&name),
                _ => {}
            }
        }
    }

    /// What these were to say is heard from now on.
    pub(in crate::backplane) fn on_subscribed(&mut self, subjects: &[Subject]) {
        for subject in subjects {
            let name = match subject {
                Subject::Nodes => continue,
                Subject::Everybody => EVERYBODY.into(),
                Subject::Room(name) => Arc::clone(name),
            };
            let Some(room) = self.rooms.get_mut(&name) else {
                continue;
            };
            if room.interest == Interest::Asked {
                room.interest = Interest::Live;
                // Whoever was waiting for it is to be counted soon.
                self.presence_at = self.presence_at.min(self.now);
                self.fetch_if_live(&name);
                self.note_stale(&name, true);
            }
        }
    }

    fn say_presences(&mut self, orders: &mut Orders) {
        // Behind what waits, it would say too much.
        let all_said = self.queue.is_empty();
        for _ in 0..self.stale.len().min(PRESENCES) {
            let Some(name) = self.stale.pop_front() else {
                break;
            };
            let Some(room) = self.rooms.get_mut(&name) else {
                continue;
            };
            room.is_stale = false;
            let members = match room.interest {
                Interest::Live => room.here(),
                _ => 0,
            };
            let asks = take(&mut room.asks) && room.interest == Interest::Live;
            room.announced = members;
            if members > 0 && room.saying.is_none() {
                // Should what it says first be lost, the others are to know where it began.
                room.saying = Some(Saying::new(self.count_from, self.now));
            }
            let saying = room.saying.as_mut().filter(|_| all_said);
            let next = saying.map(|saying| {
                saying.is_confirmed = true;
                (saying.begin, saying.next)
            });
            let what = What::Presence {
                room: String::from(&*name),
                members: u32::try_from(members).unwrap_or(u32::MAX),
                next,
                ask: asks,
            };
            let bytes = self.stamp(what).put_behind(Vec::new());
            orders.publish.push((subject(&name), bytes));
            self.look_by(&name, self.now + QUIET);
            self.drop_if_idle(&name);
        }
    }

    fn alive(&mut self) -> Vec<u8> {
        let everybody = self.rooms.get(EVERYBODY);
        let online = everybody.map_or(0, super::Room::here);
        let what = What::Alive {
            name: String::from(&*self.terms.name),
            online: u32::try_from(online).unwrap_or(u32::MAX),
            session: self.shared.lock().figures.sessions,
        };
        self.stamp(what).put_behind(Vec::new())
    }

    /// The last that is said: all that waits, and goodbye.
    pub(in crate::backplane) fn last_words(&mut self) -> Orders {
        let mut words = Orders::default();
        for waiting in self.queue.take(usize::MAX) {
            let (subject, bytes) = (waiting.subject, waiting.bytes);
            match waiting.kept {
                Some((history, _)) => words.append.push((subject, history, bytes)),
                None => words.publish.push((subject, bytes)),
            }
        }
        let bye = self.stamp(What::Bye).put_behind(Vec::new());
        words.publish.push((Subject::Nodes, bye));
        words
    }
}

/// Where it is said.
pub(super) fn subject(name: &Arc<str>) -> Subject {
    if name.is_empty() {
        Subject::Everybody
    } else {
        Subject::Room(Arc::clone(name))
    }
}
