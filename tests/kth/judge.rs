//! What has to hold of every run, whatever failed.
//!
//! - one opening and one end for each connection, and nothing told behind the end (`book`);
//! - what was delivered is a prefix of what was sent, on both ways, in order and unchanged; of rooms with slow members,
//!   what is left of it is in order;
//! - what a peer reads is whole frames, but for the last one of a connection that broke; nothing comes behind a Close;
//! - whose stream nothing was done to sees and is told exactly what it is without any fault;
//! - when all have gone nothing is left, and nothing happens any more (`stage`).
//!
//! Not here: panics, and how long it may take; that is `sweep`.

use crate::book::{Book, DIRECT, End, Life, Said};
use crate::peer::Peer;
use crate::sim::SimKernel;
use crate::sim::faults::{self, Call};
use crate::stage::Stage;
use crate::wire::Wire;
use sockeye::server::{Cause, Handler};
use std::collections::{BTreeMap, BTreeSet};

/// What one run was.
#[derive(Default)]
pub struct Played {
    /// Of each peer by hand, by its serial.
    pub outcomes: BTreeMap<u16, Outcome>,
    /// Those whose stream something was done to.
    pub touched: BTreeSet<u16>,
    /// Nobody could say where a connection comes from.
    pub is_anonymous: bool,
    pub breaks: Vec<String>,
    pub polls: usize,
}

/// What a peer sees and what is known of it, rooms apart: they depend on others.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Outcome {
    status: String,
    body: Vec<u8>,
    read: Vec<Said>,
    late: Option<Vec<Said>>,
    pongs: Vec<Said>,
    closed: Option<u16>,
    /// How many messages were heard of it, and its end. Nobody knows whose they are where no address is known.
    life: Option<(usize, Option<End>)>,
}

/// Everybody leaves, and then all is judged.
pub fn judge<H: Handler<SimKernel>>(mut stage: Stage<H>) -> Played {
    stage.finish();
    let mut played = Played {
        polls: stage.polls(),
        is_anonymous: faults::has_struck(Call::PeerAddr),
        ..Played::default()
    };
    let mut book = stage.book.open();
    played.breaks.append(&mut book.breaks);
    played.breaks.append(&mut stage.left);
    for life in &book.lives {
        played.breaks.extend(break_of(life, stage.expects_violations));
    }
    for peer in &stage.peers {
        let life = life_of(&book, peer, &mut played.breaks);
        if peer.conn.is_touched() || peer.is_broken {
            played.touched.insert(peer.serial);
        }
        let breaks = breaks_of_peer(peer, life, stage.drops);
        let serial = peer.serial;
        let named = breaks.into_iter().map(|what| format!("peer {serial}: {what}"));
        played.breaks.extend(named);
        played.outcomes.insert(serial, outcome(peer, life));
    }
    for wire in &stage.wires {
        played.breaks.extend(breaks_of_wire(wire, &book));
    }
    drop(book);
    played
}

fn break_of(life: &Life, expects_violations: bool) -> Option<String> {
    let id = life.id;
    match life.end {
        None => Some(format!("{id} never ended")),
        Some(end) if end.cause == Cause::Violation && !expects_violations => {
            Some(format!("{id}: {end:?}, and nobody did anything wrong"))
        }
        Some(end) if end.cause == Cause::Panic => Some(format!("{id}: a panic")),
        Some(_) => None,
    }
}

fn life_of<'b>(book: &'b Book, peer: &Peer, breaks: &mut Vec<String>) -> Option<&'b Life> {
    let mut lives = book.find(peer.serial, false);
    let life = lives.next();
    if lives.next().is_some() {
        breaks.push(format!("peer {} was opened twice", peer.serial));
    }
    life
}

fn outcome(peer: &Peer, life: Option<&Life>) -> Outcome {
    Outcome {
        status: peer.status.clone(),
        body: peer.body().to_vec(),
        read: peer.read.get(DIRECT).cloned().unwrap_or_default(),
        late: peer.read.get("@").cloned(),
        pongs: peer.pongs.clone(),
        closed: peer.closed,
        life: life.map(|life| (life.heard.len(), life.end)),
    }
}

fn breaks_of_peer(peer: &Peer, life: Option<&Life>, drops: bool) -> Vec<String> {
    let mut breaks = Vec::new();
    if !peer.conn.is_closed() {
        breaks.push("its stream is still there".to_owned());
    }
    if peer.unfinished() > 0 && !peer.conn.is_touched() && !peer.conn.is_aborted() && !drops {
        breaks.push("half a frame on a stream that is sound".to_owned());
    }
    if !is_subsequence(&peer.pongs, &peer.pings) {
        breaks.push("pongs that nobody asked for".to_owned());
    }
    let Some(life) = life else {
        // Nobody could say who it is, or it was never let in.
        return breaks;
    };
    if !peer.said.starts_with(&life.heard) {
        breaks.push(format!("{} messages heard are not those said", life.heard.len()));
    }
    let is_clean = life.end.is_some_and(|end| end.clean) && !peer.conn.is_touched();
    for (stream, read) in &peer.read {
        let none = Vec::new();
        let told = life.told.get(stream).unwrap_or(&none);
        let is_right = if drops { is_subsequence(read, told) } else { told.starts_with(read) };
        if !is_right {
            breaks.push(format!("read {read:?} of {told:?} in {stream:?}"));
        }
    }
    for (stream, told) in &life.told {
        let count = peer.read.get(stream).map_or(0, Vec::len);
        if is_clean && !drops && count < told.len() {
            breaks.push(format!("read {count} of {} in {stream:?}", told.len()));
        }
    }
    breaks
}

/// Both ends are ours, and each heard what the other was to be told.
fn breaks_of_wire(wire: &Wire, book: &Book) -> Vec<String> {
    let mut breaks = Vec::new();
    let serial = wire.serial;
    if !wire.is_over() {
        breaks.push(format!("wire {serial}: an end is still there"));
    }
    let (near, far) = (book.find(serial, true).next(), book.find(serial, false).next());
    for (from, to) in [(near, far), (far, near)] {
        let none = Vec::new();
        let told = from.and_then(|from| from.told.get(DIRECT)).unwrap_or(&none);
        let heard = to.map_or(&none, |to| &to.heard);
        if from.is_some() && !told.starts_with(heard) {
            breaks.push(format!("wire {serial}: heard {heard:?} of {told:?}"));
        }
    }
    breaks
}

fn is_subsequence(of: &[Said], all: &[Said]) -> bool {
    let mut rest = all.iter();
    of.iter().all(|one| rest.any(|other| other == one))
}

/// What of a run breaks a law, also beside the one without faults.
pub fn breaks(calm: &Played, played: &Played) -> Vec<String> {
    let mut breaks = played.breaks.clone();
    for (serial, outcome) in &played.outcomes {
        let mut expected = calm.outcomes.get(serial).cloned();
        if played.is_anonymous
            && outcome.life.is_none()
            && let Some(expected) = &mut expected
        {
            expected.life = None;
        }
        if !played.touched.contains(serial) && expected.as_ref() != Some(outcome) {
            breaks.push(format!("peer {serial} untouched: {outcome:?}, not {expected:?}"));
        }
    }
    if played.polls > 2 * calm.polls + 400 {
        breaks.push(format!("{} polls, not about {}", played.polls, calm.polls));
    }
    breaks
}
