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
use crate::peer::{Peer, stream_of};
use crate::sim::SimKernel;
use crate::sim::faults::{self, Call};
use crate::stage::Stage;
use crate::wire::Wire;
use sockeye::server::{Cause, Handler};
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

/// What one run was.
#[derive(Default)]
pub struct Played {
    /// Of each peer by hand, by its serial.
    pub outcomes: BTreeMap<u16, Outcome>,
    /// Those whose stream something was done to.
    pub touched: BTreeSet<u16>,
    /// Nobody could say where a connection comes from.
    pub is_anonymous: bool,
    /// Who comes first decides what the others see.
    pub is_mixed: bool,
    pub breaks: Vec<String>,
    pub polls: usize,
}

/// What a peer sees and what is known of it, rooms apart: they depend on others.
#[derive(Clone, PartialEq, Eq)]
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

impl fmt::Debug for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            status,
            body,
            read,
            late,
            pongs,
            closed,
            life,
        } = self;
        let (read, pongs, body) = (show(read), show(pongs), body.len());
        let late = late.as_deref().map(show);
        write!(
            f,
            "{status:?} {body} read {read} late {late:?} pongs {pongs} closed {closed:?} life {life:?}"
        )
    }
}

/// Messages in few words.
fn show(all: &[Said]) -> String {
    let short = |said: &Said| {
        let begin = String::from_utf8_lossy(&said[..said.len().min(12)]).into_owned();
        let last = said.last().copied().map(char::from).unwrap_or_default();
        format!("{begin}..{last} ({})", said.len())
    };
    format!("{:?}", all.iter().map(short).collect::<Vec<_>>())
}

/// Everybody leaves, and then all is judged.
pub fn judge<H: Handler<SimKernel>>(mut stage: Stage<H>) -> Played {
    stage.finish();
    let mut played = Played {
        polls: stage.polls(),
        is_mixed: stage.is_mixed,
        is_anonymous: faults::has_struck(Call::PeerAddr),
        ..Played::default()
    };
    let mut book = stage.book.open();
    played.breaks.append(&mut book.breaks);
    played.breaks.append(&mut stage.left);
    for life in &book.lives {
        played
            .breaks
            .extend(break_of(life, stage.expects_violations));
    }
    for peer in &stage.peers {
        let life = life_of(&book, peer, &mut played.breaks);
        if peer.conn.is_touched() || peer.is_broken {
            played.touched.insert(peer.serial);
        }
        let breaks = match life {
            Some(life) => [
                breaks_of_peer(peer),
                breaks_between(peer, life, &book, stage.is_shared),
            ]
            .concat(),
            // Nobody could say who it is, or it was never let in.
            None => breaks_of_peer(peer),
        };
        let serial = peer.serial;
        let named = breaks
            .into_iter()
            .map(|what| format!("peer {serial}: {what}"));
        played.breaks.extend(named);
        played.outcomes.insert(serial, outcome(peer, life));
    }
    let came = book.failed.len() + book.lives.iter().filter(|life| life.is_ours).count();
    if stage.dials > 0 && came != stage.dials {
        let what = format!("{came} answers to {} calls", stage.dials);
        played.breaks.push(what);
    }
    played.breaks.extend(miscount(&stage, &book));
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

/// What of that which a peer saw cannot be, whatever it was told.
fn breaks_of_peer(peer: &Peer) -> Vec<String> {
    let mut breaks = Vec::new();
    if !peer.conn.is_closed() {
        breaks.push("its stream is still there".to_owned());
    }
    let is_sound = !peer.conn.is_touched() && !peer.conn.is_aborted() && !peer.is_broken;
    if peer.unfinished() > 0 && is_sound {
        breaks.push("half a frame on a stream that is sound".to_owned());
    }
    if !is_subsequence(&peer.pongs, &peer.pings) {
        breaks.push("pongs that nobody asked for".to_owned());
    }
    breaks
}

/// Where both sides do not agree.
fn breaks_between(peer: &Peer, life: &Life, book: &Book, is_shared: bool) -> Vec<String> {
    let mut breaks = Vec::new();
    if !peer.said.starts_with(&life.heard) {
        breaks.push(format!(
            "heard {} of {}",
            show(&life.heard),
            show(&peer.said)
        ));
    }
    let is_clean = is_whole(peer, life);
    let streams: BTreeSet<_> = peer.read.keys().chain(life.told.keys()).collect();
    for stream in streams {
        let none = Vec::new();
        let told = life.told.get(stream).unwrap_or(&none);
        let read = peer.read.get(stream).unwrap_or(&none);
        let is_room = !matches!(stream.as_str(), DIRECT | "@");
        let is_right = if is_room && peer.misses {
            is_subsequence(read, told)
        } else if is_room && is_shared {
            // What another loop had said already may come to one who joins meanwhile.
            is_run(read, book.said_in(stream)) && (!is_clean || read.ends_with(told))
        } else {
            told.starts_with(read) && (!is_clean || read.len() == told.len())
        };
        if !is_right {
            breaks.push(format!(
                "read {} of {} in {stream:?}",
                show(read),
                show(told)
            ));
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
    let (near, far) = (
        book.find(serial, true).next(),
        book.find(serial, false).next(),
    );
    for (from, to) in [(near, far), (far, near)] {
        let none = Vec::new();
        let told = from.and_then(|from| from.told.get(DIRECT)).unwrap_or(&none);
        let heard = to.map_or(&none, |to| &to.heard).clone();
        let heard: Vec<_> = heard.into_iter().filter(is_direct).collect();
        if from.is_some() && !told.starts_with(&heard) {
            breaks.push(format!(
                "wire {serial}: heard {} of {}",
                show(&heard),
                show(told)
            ));
        }
    }
    breaks
}

/// It was there to the end, and left in order: it has missed nothing but what was dropped for it.
fn is_whole(peer: &Peer, life: &Life) -> bool {
    let is_fast = |end: End| end.clean && end.cause != Cause::TooSlow;
    life.end.is_some_and(is_fast) && peer.has_stayed && !peer.conn.is_touched()
}

/// What those did not read who left in order was dropped for them, and counted; and where nobody else missed anything, all
/// that was counted.
fn miscount<H: Handler<SimKernel>>(stage: &Stage<H>, book: &Book) -> Option<String> {
    let (mut missed, mut is_exact) = (0, true);
    for peer in &stage.peers {
        let life = book.find(peer.serial, false).next();
        let whole = life.filter(|life| is_whole(peer, life));
        is_exact &= whole.is_some();
        if let Some(life) = whole {
            let told: usize = life.told.values().map(Vec::len).sum();
            let read: usize = peer.read.values().map(Vec::len).sum();
            missed += told.saturating_sub(read) as u64;
        }
    }
    let dropped = stage.dropped;
    let is_right = missed == dropped || missed < dropped && !is_exact;
    (!is_right).then(|| format!("{missed} missed, {dropped} dropped"))
}

/// Neither of a room, nor late, nor of a link: those have orders of their own.
fn is_direct(said: &Said) -> bool {
    stream_of(said) == DIRECT && said != b"waiting"
}

/// Whether it stands in a row.
fn is_run(of: &[Said], all: &[Said]) -> bool {
    of.is_empty() || all.windows(of.len()).any(|run| run == of)
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
        let is_alone = !played.is_mixed && !played.touched.contains(serial);
        if is_alone && expected.as_ref() != Some(outcome) {
            breaks.push(format!(
                "peer {serial} untouched: {outcome:?}, not {expected:?}"
            ));
        }
    }
    if played.polls > 2 * calm.polls + 400 {
        breaks.push(format!("{} polls, not about {}", played.polls, calm.polls));
    }
    breaks
}
