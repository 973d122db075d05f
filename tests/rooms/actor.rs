//! A handler that does something random whenever it is called, to the engine and to the model, and compares what they say.
//!
//! Not here: what peers do, which is `episode`; what they are told, which is `judge`.

use super::dice::Dice;
use super::judge::Serial;
use super::model::{MAX_NAME, Model, Said, Whom};
use super::sim::{Net, SimKernel};
use sockeye::proto::CloseCode;
use sockeye::proto::handshake::server::Request;
use sockeye::server::{
    Cause, Closed, ConnectionId, Handler, Hub, JoinError, Message, Peer, Receipt, To,
};
use std::cell::RefCell;
use std::collections::BTreeSet;
use std::panic::resume_unwind;
use std::rc::Rc;
use std::time::Duration;

/// What we close with, where a handler wanted it.
pub const OURS: u16 = 4000;

/// What the loop's thread knows.
pub struct World {
    pub model: Model,
    pub dice: Dice,
    pub net: Net,
    pub linger: Duration,
    /// When the model was last in step with the engine.
    pub looked: Duration,
    /// The first thing that was not so. A panic in a handler would be its connection's alone.
    pub failure: Option<String>,
    /// The handler is at work, or has panicked.
    pub busy: bool,
    /// The message without a byte, which cannot say its number.
    pub empty: Option<Serial>,
    /// Only rooms that drop are spoken in, so that whoever is slow stays.
    pub patient: bool,
    /// Nothing is said any more.
    pub silent: bool,
    pub tally: Tally,
}

/// What was done so far.
#[derive(Clone, Copy, Debug, Default)]
pub struct Tally {
    pub operations: u64,
    pub published: u64,
    pub sent: u64,
    pub joined: u64,
    pub left: u64,
    pub stale: u64,
    pub closed: u64,
    pub dropped: u64,
    /// Rooms that had dropped something, and all of whose members could say what.
    pub balanced: u64,
    pub too_slow: u64,
    pub told: u64,
    pub compressed: u64,
    pub drained: u64,
    pub panicked: u64,
    pub rooms: u64,
    pub connections: u64,
}

pub struct Actor(pub Rc<RefCell<World>>);

/// What a callback was given.
enum Who<'w, 'p> {
    Peer(&'w mut Peer<'p, SimKernel>),
    Hub(&'w mut Hub<'p>),
}

impl Who<'_, '_> {
    fn hub<R>(&mut self, call: impl FnOnce(&mut Hub<'_>) -> R) -> R {
        match self {
            Self::Peer(peer) => call(&mut peer.hub()),
            Self::Hub(hub) => call(hub),
        }
    }

    fn own(&self) -> Option<ConnectionId> {
        match self {
            Self::Peer(peer) => Some(peer.id()),
            Self::Hub(_) => None,
        }
    }
}

impl Handler<SimKernel> for Actor {
    type State = ();

    fn on_open(&mut self, peer: &mut Peer<'_, SimKernel>, request: &Request<'_>) {
        let mut world = self.0.borrow_mut();
        let number = request.header("X-Number").expect("every peer has one");
        let number: usize = str::from_utf8(number)
            .expect("text")
            .parse()
            .expect("a number");
        world.model.enter(peer.id(), number);
        world.tally.connections += 1;
        world.act(&mut Who::Peer(peer), 4);
    }

    fn on_message(&mut self, peer: &mut Peer<'_, SimKernel>, (): &mut (), _: Message<'_>) {
        let mut world = self.0.borrow_mut();
        world.act(&mut Who::Peer(peer), 6);
        if world.failure.is_none() && world.dice.one_in(500) {
            world.may_end(peer.id());
            world.tally.panicked += 1;
            // A panic, but nothing is printed.
            resume_unwind(Box::new("asked to"));
        }
    }

    fn on_drain(&mut self, peer: &mut Peer<'_, SimKernel>, (): &mut ()) {
        let mut world = self.0.borrow_mut();
        world.tally.drained += 1;
        world.act(&mut Who::Peer(peer), 4);
    }

    fn on_close(&mut self, hub: &mut Hub<'_>, id: ConnectionId, (): (), closed: &Closed<'_>) {
        let mut world = self.0.borrow_mut();
        world.tally.too_slow += u64::from(closed.cause == Cause::TooSlow);
        world.act(&mut Who::Hub(hub), 4);
        if world.model.here.contains_key(&id) {
            world.fail(format!("{id} is told to have ended, and is still there"));
        }
    }
}

/// What is compared.
macro_rules! same {
    ($engine:expr, $model:expr, $($what:tt)+) => {
        let (engine, model) = ($engine, $model);
        if engine != model {
            return Err(format!("{}: engine {engine:?}, model {model:?}", format_args!($($what)+)));
        }
    };
}

impl World {
    pub fn fail(&mut self, what: String) {
        self.failure.get_or_insert(what);
    }

    pub fn now(&self) -> Duration {
        self.net.now()
    }

    /// A few operations from outside of any callback.
    pub fn act_between(&mut self, hub: &mut Hub<'_>, most: usize) {
        self.act(&mut Who::Hub(hub), most);
    }

    fn act(&mut self, who: &mut Who<'_, '_>, most: usize) {
        if self.failure.is_some() {
            return;
        }
        self.busy = true;
        let steps = if self.silent {
            0
        } else {
            self.dice.below(most)
        };
        let mut done = who.hub(|hub| self.catch_up(hub));
        for _ in 0..steps {
            done = done.and_then(|()| self.step(who));
        }
        done = done.and_then(|()| who.hub(|hub| self.compare(hub)));
        if let Err(what) = done {
            self.fail(what);
        }
        self.busy = false;
    }

    /// Connections may have ended, and empty rooms vanished, since the last time; nothing else changes by itself.
    fn catch_up(&mut self, hub: &Hub<'_>) -> Result<(), String> {
        let now = self.now();
        let open: BTreeSet<_> = hub.connections().collect();
        let ended = |id: &&ConnectionId| !open.contains(id);
        let ended: Vec<_> = self.model.here.keys().filter(ended).copied().collect();
        for id in ended {
            let told = &self.model.told[self.model.here[&id].number];
            if !(told.slow || told.may_end) {
                return Err(format!("{id} ended for no reason"));
            }
            self.model.depart(id, (self.looked, now));
        }
        self.looked = now;
        let rooms: BTreeSet<_> = hub.rooms().collect();
        let linger = self.linger;
        let may_go =
            |emptied: Option<(Duration, _)>| emptied.is_some_and(|(then, _)| then + linger <= now);
        let mut early = None;
        self.model.rooms.retain(|name, room| {
            let is_there = rooms.contains(name.as_str());
            if !is_there && !may_go(room.emptied) {
                early = Some(format!("{name} vanished early: {room:?} at {now:?}"));
            }
            is_there
        });
        early.map_or(Ok(()), Err)
    }

    /// Who is where.
    fn compare(&self, hub: &Hub<'_>) -> Result<(), String> {
        let model = &self.model;
        let open: BTreeSet<_> = hub.connections().collect();
        same!(open, model.here.keys().copied().collect(), "connections");
        same!(hub.online(), model.here.len(), "online");
        let rooms: BTreeSet<_> = hub.rooms().collect();
        let expected = model.rooms.keys().map(String::as_str);
        same!(rooms, expected.collect(), "rooms");
        for (name, room) in &model.rooms {
            let members: BTreeSet<_> = hub.members(name).collect();
            let expected = room.members.iter().copied().collect();
            same!(members, expected, "members of {name}");
            same!(hub.count(name), room.members.len(), "count of {name}");
        }
        for (id, present) in &model.here {
            let rooms: Vec<_> = hub.rooms_of(*id).collect();
            same!(&rooms, &present.rooms, "rooms of {id}");
            same!(hub.is_open(*id), !present.closing, "{id} is open");
        }
        Ok(())
    }

    fn step(&mut self, who: &mut Who<'_, '_>) -> Result<(), String> {
        self.tally.operations += 1;
        match (self.dice.below(100), &mut *who) {
            (0..20, Who::Peer(peer)) => self.send(peer),
            (20, Who::Peer(peer)) if self.dice.one_in(3) => self.close_own(peer),
            (21, _) if self.dice.one_in(2) => self.close(who),
            (0..24, _) if !self.patient => self.publish(who, Whom::All),
            (0..50, _) => {
                let rooms = 1 + self.dice.below(3) * self.dice.below(2);
                let names: Vec<_> = (0..rooms).map(|_| self.name()).collect();
                // At times several at once, which are then told as one.
                for _ in 0..1 + self.dice.below(4) * self.dice.below(2) {
                    self.publish(who, Whom::Rooms(names.clone()))?;
                }
                Ok(())
            }
            (50..58, _) => {
                let to = self.somebody(who.own());
                self.publish(who, Whom::One(to))
            }
            (58..62, _) => {
                let here: Vec<_> = self.model.here.keys().copied().collect();
                let those = here.into_iter().filter(|_| self.dice.one_in(3)).collect();
                self.publish(who, Whom::Those(those))
            }
            (62..82, _) => self.join(who),
            _ => self.leave(who),
        }
    }

    /// Names are few, so that they come again, and some are none.
    fn name(&mut self) -> String {
        let names = ["n0", "n1", "o0", "o1", "k0", "k1", "c0", "c1"];
        let names = &names[..if self.patient { 6 } else { 8 }];
        match self.dice.below(40) {
            0 => String::new(),
            1 => "n".repeat(MAX_NAME + self.dice.below(2)),
            2 => "c\n".to_owned(),
            _ => self.dice.pick(names).unwrap_or_default().to_owned(),
        }
    }

    /// As a rule somebody who is there, often the one who is asked for, at times one who is gone.
    fn somebody(&mut self, own: Option<ConnectionId>) -> ConnectionId {
        let here: Vec<_> = self.model.here.keys().copied().collect();
        let gone = self.model.gone.as_slice();
        let stale = self.dice.one_in(8) || here.is_empty();
        if stale && let Some(id) = self.dice.pick(gone) {
            self.tally.stale += 1;
            return id;
        }
        match own {
            Some(own) if self.dice.one_in(2) => own,
            _ => self.dice.pick(&here).or(own).expect("somebody was there"),
        }
    }

    fn new_message(&mut self) -> Serial {
        let len = match self.dice.below(100) {
            0..60 => 8 + self.dice.below(50),
            60..85 => 200 + self.dice.below(200),
            85..98 => 400 + self.dice.below(1200),
            98 => 3000 + self.dice.below(6000),
            _ => 15_000 + self.dice.below(4000),
        };
        let is_empty = self.empty.is_none() && self.dice.one_in(200);
        let said = Said {
            len: if is_empty { 0 } else { len },
            key: self.dice.below(4) as u8,
            is_text: self.dice.one_in(2),
        };
        let serial = self.model.say(said);
        if is_empty {
            self.empty = Some(serial);
        }
        serial
    }

    fn publish(&mut self, who: &mut Who<'_, '_>, whom: Whom) -> Result<(), String> {
        self.tally.published += 1;
        let except = match self.dice.one_in(3) {
            true => Some(self.somebody(who.own())),
            false => None,
        };
        let serial = self.new_message();
        let payload = self.model.payload(serial);
        let message = match self.model.said[serial as usize].is_text {
            true => Message::Text(&payload),
            false => Message::Binary(payload.as_bytes()),
        };
        let expected = self.model.publish(serial, &whom, except);
        let names: Vec<&str> = match &whom {
            Whom::Rooms(names) => names.iter().map(String::as_str).collect(),
            _ => Vec::new(),
        };
        let to = match &whom {
            Whom::All => To::all(),
            Whom::Rooms(_) if names.len() == 1 && self.dice.one_in(2) => To::room(names[0]),
            Whom::Rooms(_) => To::rooms(&names),
            Whom::One(id) => To::one(*id),
            Whom::Those(those) => {
                let those = those.clone();
                To::those(move |id| those.contains(&id))
            }
        };
        let to = except.iter().fold(to, |to, id| to.except(*id));
        // There is no other loop, and no other node.
        let to = match self.dice.below(8) {
            0 => to.on_loop(),
            1 => to.here(),
            _ => to,
        };
        let plain = self.dice.one_in(4);
        let receipt = who.hub(|hub| match plain {
            true => hub.publish_uncompressed(to, message),
            false => hub.publish(to, message),
        });
        let Receipt {
            queued,
            dropped,
            closed,
        } = receipt;
        let what = || format!("#{serial} for {whom:?} but {except:?}");
        same!(queued + dropped, expected.open, "told of {}", what());
        same!(closed, expected.closed, "closed of {}", what());
        if dropped > expected.droppable {
            return Err(format!("{dropped} dropped of {}, {expected:?}", what()));
        }
        Ok(())
    }

    fn send(&mut self, peer: &mut Peer<'_, SimKernel>) -> Result<(), String> {
        self.tally.sent += 1;
        let serial = self.new_message();
        let payload = self.model.payload(serial);
        let sent = match self.model.said[serial as usize].is_text {
            true => peer.send(payload.as_str()),
            false => peer.send(payload.as_bytes()),
        };
        let number = self.model.here[&peer.id()].number;
        let told = &self.model.told[number];
        match sent {
            Ok(()) => self.model.expect(number, serial, Vec::new()),
            Err(_) if told.slow || told.may_end => {}
            Err(error) => return Err(format!("{} cannot be sent to: {error}", peer.id())),
        }
        Ok(())
    }

    fn join(&mut self, who: &mut Who<'_, '_>) -> Result<(), String> {
        let (id, name) = (self.somebody(who.own()), self.name());
        let expected = self.model.join(id, &name);
        let joined = match who {
            Who::Peer(peer) if peer.id() == id => peer.join(&name),
            _ => who.hub(|hub| hub.join(id, &name)),
        };
        same!(joined, expected, "{id} joins {name:?}");
        self.tally.joined += u64::from(joined == Ok(true));
        // Whoever is closing may still be a member.
        if joined != Err(JoinError::Gone) {
            let there = who.hub(|hub| hub.is_member(id, &name));
            same!(there, joined.is_ok(), "{id} is in {name:?}");
        }
        Ok(())
    }

    fn leave(&mut self, who: &mut Who<'_, '_>) -> Result<(), String> {
        let id = self.somebody(who.own());
        let rooms = self.model.here.get(&id).map(|present| &present.rooms);
        let names: Vec<_> = rooms.into_iter().flatten().cloned().collect();
        let name = match self.dice.below(names.len() + 1) {
            0 => self.name(),
            at => names[at - 1].clone(),
        };
        let expected = self.model.leave(id, &name, self.now());
        let left = match who {
            Who::Peer(peer) if peer.id() == id => peer.leave(&name),
            _ => who.hub(|hub| hub.leave(id, &name)),
        };
        same!(left, expected, "{id} leaves {name:?}");
        self.tally.left += u64::from(left);
        Ok(())
    }

    fn close(&mut self, who: &mut Who<'_, '_>) -> Result<(), String> {
        let id = self.somebody(who.own());
        let expected = self.model.close(id);
        let code = CloseCode::new(OURS).expect("for applications");
        let closed = who.hub(|hub| hub.close(id, code, "by the hub")).is_ok();
        same!(closed, expected, "{id} is closed");
        self.tally.closed += u64::from(closed);
        Ok(())
    }

    fn close_own(&mut self, peer: &mut Peer<'_, SimKernel>) -> Result<(), String> {
        let code = CloseCode::new(OURS).expect("for applications");
        // One that is to be closed when the turn is over may be closed before.
        if peer.close(code, "by itself").is_ok() {
            self.model.close(peer.id());
            self.tally.closed += 1;
        }
        Ok(())
    }

    fn may_end(&mut self, id: ConnectionId) {
        self.busy = false;
        if let Some(present) = self.model.here.get(&id) {
            self.model.told[present.number].may_end = true;
        }
    }
}
