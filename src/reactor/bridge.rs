//! The place in an exchange of whoever carries to other nodes what is said in rooms: [`Bridge`]. And what loops are told of
//! those nodes.
//!
//! Not here: other nodes, and the way to them; that is `backplane`.

use super::exchange::{Exchange, MAX_WAITING, Members, lock};
use super::history::{History, Offset, Origin, Said, Store};
use super::mailbox::{Address, Mailbox, Wake};
pub(crate) use super::rooms::{Bundle, NotFrames};
use super::rooms::{Letter, Segment};
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::fmt;
use core::mem::take;
use core::time::Duration;
use std::sync::MutexGuard;

/// A node among those that share rooms: a number that nobody else has, drawn when it began.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct NodeId(pub(crate) u64);

impl fmt::Display for NodeId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:016x}", self.0)
    }
}

/// What a node hears of others, and of the way to them.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum BackplaneEvent {
    /// Members of a room on this node have missed what was said on another one. Each loop that has members of it is told,
    /// before what comes next in that room; where it was said to everybody, all are. To say something about it to those of
    /// the loop that is told, and once: [`To::on_loop`](crate::server::To::on_loop).
    Gap {
        /// The room; `None`: what was said to everybody.
        room: Option<Arc<str>>,
        /// Where it was said.
        node: NodeId,
        /// How many messages; `None` where nobody can tell, or whether there were any.
        missed: Option<u64>,
        /// They were kept, and are not any more; `node` is this one. What is kept is else missed by nobody for long.
        kept: bool,
    },
    /// The broker cannot be reached, or does not answer. What is said is told on this node, and waits to be told on
    /// others, as much of it as may.
    Down {
        /// What is in the way.
        why: Arc<str>,
    },
    /// The broker can be reached again.
    Up {
        /// For how long it could not.
        after: Duration,
    },
    /// Another node is there.
    Joined {
        /// Which one.
        node: NodeId,
        /// What it calls itself.
        name: Arc<str>,
    },
    /// Another node has gone.
    Left {
        /// Which one.
        node: NodeId,
        /// What it called itself.
        name: Arc<str>,
        /// It did not say so: it is not heard any more.
        lost: bool,
    },
}

/// What loops say to elsewhere.
#[derive(Clone, Debug)]
pub(crate) enum Crossing {
    /// So many are in a room of a loop, or open there.
    Members(u32, Option<Arc<str>>, usize),
    /// A loop is gone, and with it who was in its rooms.
    Gone(u32),
    /// Messages in a room, or for everybody.
    Say(Option<Arc<str>>, Bundle),
    /// One message, for whoever is in any of these rooms.
    SayOnce(Arc<[Arc<str>]>, Bundle),
    /// A message that the broker is to keep.
    Keep(Arc<str>, History, Arc<Said>),
    /// What the broker has of a room is wanted.
    Want(Arc<str>, History),
}

/// A place in an exchange. It is given up when this is dropped.
#[derive(Debug)]
pub(crate) struct Bridge {
    exchange: Exchange,
    mailbox: Mailbox<Letter>,
    spare: Vec<Letter>,
}

impl Bridge {
    /// Takes the place, if nobody has it. `wake` wakes who is to [`take`](Self::take).
    /// Where `keeps`, what is to be kept is kept elsewhere.
    pub(crate) fn new(
        exchange: &Exchange,
        wake: Arc<dyn Wake>,
        node: NodeId,
        keeps: bool,
    ) -> Option<Self> {
        let mailbox = Mailbox::new(MAX_WAITING, wake);
        let mut members = lock(&exchange.members);
        if members.bridge.is_some() {
            return None;
        }
        members.bridge = Some(mailbox.address());
        exchange.counts.note(&members);
        drop(members);
        let store = if keeps { Store::Broker } else { Store::Nowhere };
        exchange.ledger.move_to(store, node.0);
        let bridge = Self {
            exchange: exchange.clone(),
            mailbox,
            spare: Vec::new(),
        };
        // Whoever is in a room already has not been told of.
        bridge.call_roll();
        Some(bridge)
    }

    /// Has every loop say again who is where.
    pub(crate) fn call_roll(&self) {
        self.post(Letter::CallRoll);
    }

    /// Takes what was said, in order. Says whether some of it was lost, because too much waited.
    pub(crate) fn take(&mut self, mut each: impl FnMut(Crossing)) -> bool {
        let mut letters = take(&mut self.spare);
        let lost = self.mailbox.take(&mut letters);
        for letter in letters.drain(..) {
            crossings(letter, &mut each);
        }
        self.spare = letters;
        lost > 0
    }

    /// Whether all loops have room for so many bytes.
    pub(crate) fn has_room(&self, bytes: usize) -> bool {
        let members = lock(&self.exchange.members);
        let mut addresses = members.addresses.iter();
        addresses.all(|(_, address)| address.has_room(bytes))
    }

    /// Tells what was said elsewhere.
    ///
    /// # Errors
    ///
    /// [`NotFrames`], and nobody is told.
    pub(crate) fn tell(&self, room: Option<Arc<str>>, bundle: Bundle) -> Result<(), NotFrames> {
        let segment = Arc::new(Segment::unbundle(bundle)?);
        self.post(match room {
            Some(room) => Letter::Room(room, segment),
            None => Letter::All(segment),
        });
        Ok(())
    }

    /// The same, once for whoever is in any of these rooms.
    ///
    /// # Errors
    ///
    /// As there.
    pub(crate) fn tell_once(
        &self,
        rooms: Arc<[Arc<str>]>,
        bundle: Bundle,
    ) -> Result<(), NotFrames> {
        let segment = Arc::new(Segment::unbundle(bundle)?);
        self.post(Letter::Rooms(rooms, segment));
        Ok(())
    }

    /// All that the broker has of a room.
    pub(crate) fn load(
        &self,
        room: Arc<str>,
        history: History,
        from: Offset,
        all: Vec<(Offset, Said)>,
    ) {
        self.exchange.ledger.load(&room, history, from, all);
    }

    /// There is nothing more than what was told; whoever waits for that is told what it has missed.
    pub(crate) fn warm(&self, room: Arc<str>) {
        let serial = self.exchange.ledger.warm(&room);
        self.post(Letter::Warm(room, serial));
    }

    /// A message that the broker keeps, or that is told before it does.
    pub(crate) fn tell_kept(
        &self,
        room: Arc<str>,
        history: History,
        at: Option<Offset>,
        said: Said,
    ) {
        let (serial, segment) = self.exchange.ledger.add(&room, history, at, said);
        self.post(Letter::Kept(room, serial, segment));
    }

    /// The broker has what was told before it had it.
    pub(crate) fn settle(&self, room: &str, origin: Origin, at: Offset) {
        self.exchange.ledger.settle(room, origin, at);
    }

    /// What is said in a room is not heard any more. Says whether nobody needs what is known of it.
    pub(crate) fn cool(&self, room: &str) -> bool {
        self.exchange.ledger.cool(room)
    }

    /// Tells the handler of a loop, or of each.
    pub(crate) fn announce(&self, worker: Option<u32>, event: BackplaneEvent) {
        self.post(Letter::News(worker, Arc::new(event)));
    }

    /// To every loop that it is for.
    fn post(&self, letter: Letter) {
        let (to, weight) = (letter.worker(), letter.bytes());
        let mut given_up = Vec::new();
        let members = lock(&self.exchange.members);
        let addresses = members.addresses.iter();
        for (_, address) in addresses.filter(|(worker, _)| to.is_none_or(|to| to == *worker)) {
            given_up.extend(address.put_or_give_up(letter.clone(), weight));
        }
        drop(members);
        drop(given_up);
    }
}

impl Drop for Bridge {
    fn drop(&mut self) {
        let mut members = lock(&self.exchange.members);
        members.bridge = None;
        self.exchange.counts.note(&members);
        drop(members);
        self.exchange.ledger.move_to(Store::Here, 0);
    }
}

/// Names of rooms that are longer go nowhere: nobody can be in one.
const MAX_NAME: usize = 8 << 10;

/// Whether anybody can be in a room of this name. What is said to one in which nobody can be goes nowhere.
fn is_name(name: &str) -> bool {
    !name.is_empty() && name.len() <= MAX_NAME && !name.contains(char::is_control)
}

fn crossings(letter: Letter, mut each: impl FnMut(Crossing)) {
    match letter {
        Letter::Members(worker, room, Some(members)) => {
            each(Crossing::Members(worker, room, members));
        }
        Letter::Members(worker, _, None) => each(Crossing::Gone(worker)),
        Letter::All(segment) => {
            segment.bundles(|bundle| each(Crossing::Say(None, bundle)));
        }
        Letter::Room(room, segment) if is_name(&room) => {
            segment.bundles(|bundle| each(Crossing::Say(Some(Arc::clone(&room)), bundle)));
        }
        Letter::Rooms(rooms, segment) => {
            let rooms: Arc<[_]> = rooms.iter().filter(|room| is_name(room)).cloned().collect();
            segment.bundles(|bundle| each(Crossing::SayOnce(Arc::clone(&rooms), bundle)));
        }
        Letter::Keep(room, history, said) if is_name(&room) => {
            each(Crossing::Keep(room, history, said));
        }
        Letter::Want(room, history) => each(Crossing::Want(room, history)),
        _ => {}
    }
}

/// A loop is gone: whoever carries to elsewhere is told, where there is one.
pub(super) fn tell_departure(members: MutexGuard<'_, Members>, worker: u32) {
    let bridge: Option<Address<Letter>> = members.bridge.clone();
    drop(members);
    if let Some(bridge) = bridge {
        let gone = Letter::Members(worker, None, None);
        drop(bridge.put_or_give_up(gone, 0));
    }
}
