//! Rooms that a broker keeps something of: what is said there goes to the broker first, and is told as it comes back, so
//! that it is told in one order everywhere.
//!
//! What a node has said itself is *pending* until it comes back. While the broker cannot be reached, it is told here at
//! once, and *settled* later: then it is known where in the history it is. Each message of the history says behind which one
//! it comes, so whatever is missing is seen, and fetched.
//!
//! Not here: what the broker keeps; what somebody who comes back is told, which is the ledger's.

use super::super::wire::{Stamp, What};
use super::super::{Arrived, KeptAt, Stored};
use super::saying::subject;
use super::{Engine, Interest, Link, Told};
use crate::reactor::{Author, History, Offset, Origin, Said};
use alloc::collections::{BTreeSet, VecDeque};
use alloc::string::String;
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::mem::take;
use std::collections::HashMap;

/// Rooms whose history is fetched at a time.
const MAX_FETCHES: usize = 32;
/// Messages that may wait for what comes before them; it is fetched with them, else.
const MAX_EARLY: usize = 4096;

#[derive(Debug, Default)]
pub(super) struct Keeping {
    rooms: HashMap<Arc<str>, Kept>,
    /// Of which rooms the history is to be fetched.
    pub(super) to_fetch: BTreeSet<Arc<str>>,
    /// How many messages this node has said to be kept.
    number: u64,
}

#[derive(Debug)]
struct Kept {
    history: History,
    /// Where the last message is that was told; `None`: nothing is known yet.
    last: Option<Offset>,
    /// Where it was when the rest was asked for.
    asked_at: Option<Offset>,
    /// Loops wait for what there is.
    is_wanted: bool,
    /// They are answered by what was asked for.
    is_asked: bool,
    /// Somebody was told that there is nothing, as the broker was not there.
    was_blank: bool,
    /// What came and does not follow what was told.
    early: Vec<(KeptAt, Said)>,
    pending: VecDeque<Pending>,
}

/// Something this node has said, and that has not come back.
#[derive(Debug)]
struct Pending {
    said: Said,
    is_told: bool,
}

impl Kept {
    const fn new(history: History) -> Self {
        Self {
            history,
            last: None,
            asked_at: None,
            is_wanted: false,
            is_asked: false,
            was_blank: false,
            early: Vec::new(),
            pending: VecDeque::new(),
        }
    }

    /// Whether nothing can be missing between. A store gives up what it keeps when nothing was said for long, and then
    /// begins anew.
    fn follows(&self, last: Offset, after: Offset, at: Offset) -> bool {
        let silence = u128::from(at.major.saturating_sub(last.major));
        after == last || silence >= self.history.span().as_millis()
    }

    fn pending(&self, origin: Origin) -> Option<&Pending> {
        self.pending
            .iter()
            .find(|pending| pending.said.origin == origin)
    }
}

impl Engine {
    /// Loops want to know what there is in a room.
    pub(super) fn want(&mut self, name: &Arc<str>, history: History) {
        let kept = self.keeping.rooms.entry(Arc::clone(name));
        let kept = kept.or_insert_with(|| Kept::new(history));
        kept.is_wanted = true;
        match self.link {
            Link::Down {
                announced: true, ..
            } => self.answer_blank(name),
            Link::Down { .. } => {}
            Link::Up { .. } => self.fetch_if_live(name),
        }
    }

    /// Whoever waits for a broker that is not there waits no more.
    fn answer_blank(&mut self, name: &Arc<str>) {
        if let Some(kept) = self.keeping.rooms.get_mut(name)
            && (take(&mut kept.is_wanted) | take(&mut kept.is_asked))
        {
            kept.was_blank = kept.last.is_none();
            self.told.push(Told::Warm(Arc::clone(name)));
        }
    }

    /// Loops have said more than could wait for this node: nobody has heard what of it was to be kept.
    pub(super) fn tell_of_kept_that_were_lost(&mut self) {
        let rooms: Vec<_> = self.keeping.rooms.keys().cloned().collect();
        for name in rooms {
            self.tell_kept_gap(&name);
        }
    }

    /// What is kept of a room is to be fetched, if what is said there is heard.
    pub(super) fn fetch_if_live(&mut self, name: &Arc<str>) {
        let room = self.rooms.get(name);
        if room.is_some_and(|room| room.interest == Interest::Live)
            && self.keeping.rooms.contains_key(name)
        {
            self.keeping.to_fetch.insert(Arc::clone(name));
        }
    }

    /// Which of these are to be fetched now, and how much.
    pub(super) fn fetches(&mut self) -> Vec<(Arc<str>, History)> {
        // Not more than takes a moment: there is other business.
        let names = (0..MAX_FETCHES).map_while(|_| self.keeping.to_fetch.pop_first());
        let names: Vec<_> = names.collect();
        let names = names.into_iter();
        let rooms = &mut self.keeping.rooms;
        let fetches = names.filter_map(|name| {
            let kept = rooms.get_mut(&name)?;
            kept.asked_at = kept.last;
            // Who wants it from here on may know more than comes of this.
            kept.is_asked |= take(&mut kept.is_wanted);
            Some((name, kept.history))
        });
        fetches.collect()
    }

    /// A message that is to be kept.
    pub(super) fn say_kept(&mut self, name: &Arc<str>, history: History, said: &Said) {
        self.keeping.number += 1;
        let mut said = said.clone();
        said.origin = Origin {
            node: self.terms.id.0,
            number: self.keeping.number,
        };
        let what = What::Keep {
            room: String::from(&**name),
            number: said.origin.number,
            author: said.author.map(|author| author.connection),
            is_text: said.is_text,
            is_secret: said.is_secret,
        };
        let bytes = self.stamp(what).put_behind(said.payload.clone());
        let has_members = self.rooms.get(name).is_some_and(|room| room.here() > 0);
        if has_members {
            let is_told = self.is_cut_off();
            if is_told {
                self.tell_kept(name, history, None, said.clone());
            }
            let kept = self.keeping.rooms.entry(Arc::clone(name));
            let kept = kept.or_insert_with(|| Kept::new(history));
            kept.pending.push_back(Pending { said, is_told });
        }
        self.push_kept(subject(name), history, bytes, self.keeping.number);
    }

    /// What is said now reaches no broker for a while.
    fn is_cut_off(&self) -> bool {
        matches!(self.link, Link::Down { .. }) || self.is_waiting()
    }

    fn tell_kept(&mut self, name: &Arc<str>, history: History, at: Option<Offset>, said: Said) {
        self.told
            .push(Told::Kept(Arc::clone(name), history, at, said));
    }

    /// The broker cannot be reached any more: what has not come back is told here now.
    pub(super) fn tell_pending(&mut self) {
        self.keeping.to_fetch.clear();
        let mut told = Vec::new();
        for (name, kept) in &mut self.keeping.rooms {
            kept.early.clear();
            for pending in kept.pending.iter_mut().filter(|pending| !pending.is_told) {
                pending.is_told = true;
                let said = pending.said.clone();
                told.push(Told::Kept(Arc::clone(name), kept.history, None, said));
            }
        }
        self.told.append(&mut told);
        let rooms: Vec<_> = self.keeping.rooms.keys().cloned().collect();
        for name in rooms {
            self.answer_blank(&name);
        }
    }

    /// A message of this node's will never be kept.
    pub(super) fn give_up_kept(&mut self, name: &Arc<str>, number: u64) {
        let origin = Origin {
            node: self.terms.id.0,
            number,
        };
        let mut untold = None;
        if let Some(kept) = self.keeping.rooms.get_mut(name) {
            let at = kept
                .pending
                .iter()
                .position(|pending| pending.said.origin == origin);
            let pending = at.and_then(|at| kept.pending.remove(at));
            let pending = pending.filter(|pending| !pending.is_told);
            untold = pending.map(|pending| (kept.history, pending.said));
        }
        if let Some((history, said)) = untold {
            self.tell_kept(name, history, None, said);
        }
        // The others are missing one, and learn of it as of any other.
        let _ = self.count(name, 1, Vec::new());
    }

    /// A message that is kept has come.
    pub(super) fn hear_kept(&mut self, name: &str, place: KeptAt, said: Said) {
        let Some((name, room)) = self.rooms.get_key_value(name) else {
            return;
        };
        let (name, is_heard) = (Arc::clone(name), room.interest != Interest::None);
        let Some(kept) = self.keeping.rooms.get_mut(&name).filter(|_| is_heard) else {
            return;
        };
        let KeptAt { at, after } = place;
        match kept.last {
            Some(last) if at <= last => {}
            Some(last) if kept.follows(last, after, at) && kept.early.is_empty() => {
                self.accept(&name, at, said);
            }
            _ => {
                if kept.early.len() < MAX_EARLY {
                    kept.early.push((place, said));
                }
                self.fetch_if_live(&name);
            }
        }
    }

    /// The next one of a history.
    fn accept(&mut self, name: &Arc<str>, at: Offset, said: Said) {
        let Some(kept) = self.keeping.rooms.get_mut(name) else {
            return;
        };
        kept.last = Some(at);
        let history = kept.history;
        if said.origin.node != self.terms.id.0 {
            self.shared.lock().figures.heard += 1;
            return self.tell_kept(name, history, Some(at), said);
        }
        // What was said before it and has not come back never got there.
        let mut gone = Vec::new();
        let mut own = None;
        while let Some(first) = kept.pending.front()
            && first.said.origin.number <= said.origin.number
            && let Some(pending) = kept.pending.pop_front()
        {
            if pending.said.origin == said.origin {
                own = Some(pending);
            } else {
                gone.push(pending.said.origin.number);
            }
        }
        for _ in gone {
            let _ = self.count(name, 1, Vec::new());
        }
        match own {
            Some(own) if own.is_told => {
                let settled = Told::Settled(Arc::clone(name), own.said.origin, at);
                self.told.push(settled);
            }
            Some(own) => self.tell_kept(name, history, Some(at), own.said),
            None => self.tell_kept(name, history, Some(at), said),
        }
    }

    /// What is kept of a room was fetched.
    pub(in crate::backplane) fn on_fetched(&mut self, name: &Arc<str>, stored: Stored) {
        let all: Vec<_> = stored.messages.into_iter().filter_map(read_kept).collect();
        let Some(kept) = self.keeping.rooms.get_mut(name) else {
            return;
        };
        // Loops have not been told of what is there of a room that nothing was known of.
        let is_asked = take(&mut kept.is_asked) | kept.last.is_none();
        if let Some(last) = kept.last {
            let new: Vec<_> = all.into_iter().filter(|(link, _)| link.at > last).collect();
            let is_behind = match new.first() {
                Some((link, _)) => !kept.follows(last, link.after, link.at),
                // What was fetched may be older than what has come meanwhile. A store that knows less than it did has lost
                // what it had.
                None => !kept.follows(last, stored.tip, stored.tip) && kept.asked_at == Some(last),
            };
            if is_behind {
                let from = new.first().map_or(stored.tip, |(link, _)| link.after);
                kept.last = Some(from);
                let history = kept.history;
                self.tell_kept_gap(name);
                let begin = Told::Load(Arc::clone(name), history, from, Vec::new());
                self.told.push(begin);
            }
            for (link, said) in new {
                self.accept(name, link.at, said);
            }
        } else {
            self.load(name, all, stored.tip);
        }
        self.give_up_lost(name);
        self.take_early(name);
        if is_asked {
            self.told.push(Told::Warm(Arc::clone(name)));
        }
    }

    /// All there is of a room of which nothing was told yet.
    fn load(&mut self, name: &Arc<str>, mut all: Vec<(KeptAt, Said)>, tip: Offset) {
        let Some(kept) = self.keeping.rooms.get_mut(name) else {
            return;
        };
        let from = all.first().map_or(tip, |(link, _)| link.after);
        // What this node has said, and nobody was told, is told as if it came now.
        let is_untold = |said: &Said| {
            let pending = kept.pending(said.origin);
            pending.is_some_and(|pending| !pending.is_told)
        };
        let untold = all.iter().position(|(_, said)| is_untold(said));
        let new = all.split_off(untold.unwrap_or(all.len()));
        let last = all.last().map_or(from, |(link, _)| link.at);
        kept.last = Some(if new.is_empty() { tip } else { last });
        let (history, was_blank) = (kept.history, take(&mut kept.was_blank));
        let (settled, old): (Vec<_>, Vec<_>) = all
            .into_iter()
            .partition(|(_, said)| kept.pending(said.origin).is_some());
        let settled: Vec<_> = settled
            .into_iter()
            .map(|(link, said)| (said.origin, link.at))
            .collect();
        kept.pending.retain(|pending| {
            !settled
                .iter()
                .any(|(origin, _)| *origin == pending.said.origin)
        });
        let old = old.into_iter().map(|(link, said)| (link.at, said));
        let load = Told::Load(Arc::clone(name), history, from, old.collect());
        self.told.push(load);
        for (origin, at) in settled {
            self.told.push(Told::Settled(Arc::clone(name), origin, at));
        }
        if was_blank {
            self.tell_kept_gap(name);
        }
        for (link, said) in new {
            self.accept(name, link.at, said);
        }
    }

    /// What was said before a connection was lost, and is not in what was fetched, never got there: nothing is on its way
    /// while something is fetched.
    fn give_up_lost(&mut self, name: &Arc<str>) {
        let waits_from = self.queue.first_kept().unwrap_or(u64::MAX);
        let Some(kept) = self.keeping.rooms.get(name) else {
            return;
        };
        let numbers = kept
            .pending
            .iter()
            .map(|pending| pending.said.origin.number);
        let lost: Vec<_> = numbers.filter(|number| *number < waits_from).collect();
        for number in lost {
            self.give_up_kept(name, number);
        }
    }

    fn take_early(&mut self, name: &Arc<str>) {
        let Some(kept) = self.keeping.rooms.get_mut(name) else {
            return;
        };
        for (link, said) in take(&mut kept.early) {
            self.hear_kept(name, link, said);
        }
    }

    /// What is said in a room is not heard any more.
    pub(super) fn leave_kept(&mut self, name: &Arc<str>) {
        if self.keeping.rooms.contains_key(name) {
            self.told.push(Told::Cool(Arc::clone(name)));
        }
    }

    /// Whether what was known of a room is forgotten, or somebody has come meanwhile.
    pub(in crate::backplane) fn on_cooled(&mut self, name: &Arc<str>, is_unused: bool) {
        if is_unused {
            self.keeping.rooms.remove(name);
        } else {
            self.fetch_if_live(name);
        }
    }
}

fn read_kept(arrived: Arrived) -> Option<(KeptAt, Said)> {
    let mut payload = arrived.bytes;
    let stamp = Stamp::take_from(&mut payload)?;
    Some((arrived.kept?, said(&stamp, payload)?))
}

/// What a stamp says of a message that is kept.
pub(super) fn said(stamp: &Stamp, payload: Vec<u8>) -> Option<Said> {
    let What::Keep {
        number,
        author,
        is_text,
        is_secret,
        ..
    } = &stamp.what
    else {
        return None;
    };
    // It would be sent as it is.
    if *is_text && core::str::from_utf8(&payload).is_err() {
        return None;
    }
    let node = stamp.node;
    Some(Said {
        origin: Origin {
            node,
            number: *number,
        },
        author: author.map(|connection| Author { node, connection }),
        except: None,
        is_text: *is_text,
        is_secret: *is_secret,
        payload,
    })
}
