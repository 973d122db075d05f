//! One peer: its stream, its connection, its buffers, and what time means to it.
//!
//! Not here: receiving and dispatch, which are `drive`; the list of sessions, which is `event_loop`.

use super::facts::{Fact, Facts};
use super::greet::Opening;
use super::outbox::Exit;
use super::pool::Pool;
use super::settings::Settings;
use super::timer::{Entry, Stamp, Tick, Wheel, ticks_in};
use super::{Cause, ConnectionId};
use crate::kernel::Kernel;
use crate::proto::{Connection, Role, State};
use crate::transport::Transport;
use alloc::boxed::Box;
use alloc::vec::Vec;
use core::mem::take;
use core::num::NonZeroU64;
use std::io;

/// A session. Idle, it holds no heap. There may be a million, so it is as small as it can be: what few have at a time is
/// [`Rest`], and what none needs that is idle is a box.
#[derive(Debug)]
pub(super) struct Session<S, D> {
    pub(super) conn: Connection,
    /// The stream, and what it has not taken yet.
    pub(super) exit: Exit<S>,
    /// With the slot it makes the connection's id.
    pub(super) number: NonZeroU64,
    /// There only while something is in it.
    pub(super) rest: Option<Box<Rest>>,
    pub(super) times: Times,
    pub(super) phase: Phase,
    pub(super) flags: Flags,
    /// The application does not want it to be read.
    pub(super) held: bool,
    /// The application's; there from `on_open` to `on_close`.
    pub(super) state: Option<D>,
}

/// What few sessions have at a time.
#[derive(Debug, Default)]
pub(super) struct Rest {
    /// Bytes received and not consumed: the beginning of a message that spans reads. Empty otherwise.
    pub(super) own: Vec<u8>,
    /// Where the opening handshake stands, unless it is over or nothing has come of it.
    pub(super) opening: Option<Box<Opening>>,
    /// How many more bytes `own` is known to want.
    pub(super) need: u32,
    /// The session's share of what the loop holds, as it was counted last.
    pub(super) charged: u32,
    /// It has had a message for which the [spares](super::spares) may have a buffer.
    pub(super) large: bool,
}

impl Rest {
    const fn is_empty(&self) -> bool {
        self.own.is_empty() && self.opening.is_none() && self.charged == 0 && !self.large
    }
}

/// Where in its life a session is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Phase {
    /// The request has not been answered.
    Handshake,
    /// Frames are exchanged; the closing handshake belongs here.
    Open,
    /// The last byte is written or queued. What still arrives is discarded until the peer ends or time is up, so
    /// that no reset overtakes that last byte.
    Ending,
}

/// Facts of one bit.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Flags {
    /// Reading stopped, because of output that waits or a spent budget; nobody will report what was left.
    pub(super) paused: bool,
    /// `own` holds bytes that have not been looked at.
    pub(super) unread: bool,
    /// A message or frame is incomplete.
    pub(super) assembling: bool,
    pub(super) armed: Armed,
    pub(super) facts: Facts,
    /// Why we closed, if we did.
    pub(super) cause: Cause,
}

/// What the wheel knows of a session.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Armed {
    /// Nothing.
    #[default]
    No,
    /// It has an entry that counts.
    Yes,
    /// And that is early enough for as long as the session is calm.
    Calm,
}

/// When what began.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Times {
    /// The phase, our close, or the pause that the application wanted.
    pub(super) since: Stamp,
    /// The last completed frame. Bytes do not count: a peer could drip them for ever.
    pub(super) heard: Stamp,
    /// The last whole message.
    pub(super) message: Stamp,
    /// The incomplete message.
    pub(super) assembling: Stamp,
    /// Our ping.
    pub(super) pinged: Stamp,
    /// What its payload was.
    pub(super) nonce: [u8; 4],
    /// The tick of the one entry in the wheel that counts, if [`Flags::armed`] says that there is one.
    pub(super) armed: Stamp,
}

impl Times {
    /// A phase begins.
    pub(super) const fn restart(&mut self, now: Tick) {
        self.since = Stamp::of(now);
        self.heard = Stamp::of(now);
        self.message = Stamp::of(now);
    }

    /// It was not read since `then`, and is again. That time does not count.
    fn resume(&mut self, then: Stamp, now: Tick) {
        let waited = then.age(now);
        // What began meanwhile, as a client hears its server, begins now.
        let later = |began: Stamp| began.later(waited.min(began.age(now)));
        self.since = Stamp::of(now);
        self.heard = Stamp::of(now);
        self.message = later(self.message);
        self.assembling = later(self.assembling);
    }
}

/// What a deadline brings.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Due {
    /// The request took too long.
    Handshake,
    /// A message took too long.
    Assembly,
    /// Nothing heard: ask.
    Ping,
    /// No answer to that.
    Pong,
    /// No message for too long.
    Idle,
    /// The peer does not finish the closing handshake, or does not end the stream.
    Close,
    /// The peer does not read.
    WriteStall,
}

/// The timeouts in ticks.
#[derive(Clone, Copy, Debug)]
pub(super) struct Deadlines {
    handshake: Tick,
    assembly: Tick,
    ping: Tick,
    pong: Tick,
    idle: Option<Tick>,
    close: Tick,
    write_stall: Tick,
    pub(super) goodbye: Tick,
    pub(super) drain: Tick,
}

impl Default for Deadlines {
    fn default() -> Self {
        Self::from(&super::Timeouts::default())
    }
}

impl From<&super::Timeouts> for Deadlines {
    fn from(timeouts: &super::Timeouts) -> Self {
        Self {
            handshake: ticks_in(timeouts.handshake),
            assembly: ticks_in(timeouts.assembly),
            ping: ticks_in(timeouts.ping),
            pong: ticks_in(timeouts.pong),
            idle: timeouts.idle.map(ticks_in),
            close: ticks_in(timeouts.close),
            write_stall: ticks_in(timeouts.write_stall),
            goodbye: ticks_in(timeouts.goodbye),
            drain: ticks_in(timeouts.drain),
        }
    }
}

impl<S, D> Session<S, D> {
    pub(super) fn new(
        transport: Transport<S>,
        conn: Connection,
        number: NonZeroU64,
        now: Tick,
    ) -> Self {
        Self {
            conn,
            exit: Exit::new(transport),
            number,
            rest: None,
            times: Times {
                since: Stamp::of(now),
                ..Times::default()
            },
            phase: Phase::Handshake,
            flags: Flags::default(),
            held: false,
            state: None,
        }
    }

    pub(super) const fn id(&self, slot: usize) -> ConnectionId {
        ConnectionId::new(self.number, slot)
    }

    /// Where the opening handshake stands.
    pub(super) fn opening(&self) -> Option<&Opening> {
        self.rest.as_deref()?.opening.as_deref()
    }

    pub(super) fn take_opening(&mut self) -> Option<Box<Opening>> {
        self.rest.as_deref_mut()?.opening.take()
    }

    pub(super) fn set_opening(&mut self, opening: Option<Box<Opening>>, pool: &mut Pool) {
        if opening.is_some() {
            self.rest_mut(pool).opening = opening;
        }
    }

    /// Whether bytes that were received are kept.
    pub(super) fn has_own(&self) -> bool {
        self.rest.as_ref().is_some_and(|rest| !rest.own.is_empty())
    }

    pub(super) fn take_own(&mut self) -> Vec<u8> {
        let own = self.rest.as_deref_mut().map(|rest| &mut rest.own);
        own.map(take).unwrap_or_default()
    }

    /// Keeps bytes, to which so many more are known to be wanted.
    pub(super) fn keep(&mut self, bytes: Vec<u8>, need: u32, pool: &mut Pool) {
        let rest = self.rest_mut(pool);
        (rest.own, rest.need) = (bytes, need);
    }

    /// To put something in. What is empty again is to be [given back](Self::tidy).
    pub(super) fn rest_mut(&mut self, pool: &mut Pool) -> &mut Rest {
        self.rest.get_or_insert_with(|| pool.take_rest())
    }

    /// Gives back what is empty.
    #[inline]
    pub(super) fn tidy(&mut self, pool: &mut Pool) {
        if let Some(rest) = self.rest.take_if(|rest| rest.is_empty()) {
            pool.put_rest(rest);
        }
    }

    /// Enters a phase.
    pub(super) const fn enter(&mut self, phase: Phase, now: Tick) {
        self.phase = phase;
        self.times.restart(now);
    }

    /// Whether nothing is expected of the peer but to be heard at times. Then frames only put its deadlines off.
    #[inline]
    pub(super) fn is_calm(&self) -> bool {
        self.phase == Phase::Open
            && self.conn.state() == State::Open
            && !self.flags.assembling
            && !self.flags.facts.has(Fact::Pinged)
            && !self.exit.is_blocked()
            && !self.held
    }

    /// Whether it is not read because the application does not want it to be. Whoever closes wants to know how it ends.
    #[inline]
    pub(super) fn is_held(&self) -> bool {
        self.held
            && match self.phase {
                Phase::Handshake => true,
                Phase::Open => self.conn.state() == State::Open,
                Phase::Ending => false,
            }
    }

    /// Whether its request is answered later.
    pub(super) fn awaits_verdict(&self) -> bool {
        self.held && self.phase == Phase::Handshake
    }

    /// Reads again. Says whether there is something to read that nobody will report.
    pub(super) fn release(&mut self, now: Tick) -> bool {
        let was_held = take(&mut self.held);
        if was_held {
            self.times.resume(self.times.since, now);
        }
        was_held && self.flags.paused
    }

    /// The next thing that time will bring, and when. Every session has one, so none outlives its peer.
    #[inline(always)]
    pub(super) fn deadline(&self, now: Tick, settings: &Settings) -> (Tick, Due) {
        let after = settings.deadlines_of(self.conn.rx.config_number());
        let at = |since: Stamp, limit: Tick| now.saturating_sub(since.age(now)) + limit;
        let times = &self.times;
        let closing = self.phase == Phase::Ending || self.conn.close_expected();
        if self.phase == Phase::Handshake {
            #[cfg(feature = "client")]
            if let Some(Opening::Ask(ask)) = self.opening() {
                return (ask.order.deadline, Due::Handshake);
            }
            return (at(times.since, after.handshake), Due::Handshake);
        }
        if self.exit.is_blocked() {
            // We do not read it either, so nothing else can be expected of it.
            let written = self.exit.written();
            let stall = at(written, after.write_stall);
            // Whoever reads too slowly has no more time for our Close than others, and no more than without it.
            return match (closing, self.flags.cause == Cause::TooSlow) {
                (false, _) => (stall, Due::WriteStall),
                (true, true) => (at(times.since, after.close).min(stall), Due::Close),
                // As long as it takes something, it will come to our Close.
                (true, false) => (
                    at(times.since, after.close).max(at(written, after.close)),
                    Due::Close,
                ),
            };
        }
        if self.is_held() {
            // Nothing can be expected of whoever is not heard. Looked at again all the same: stamps have to be.
            return (now + after.ping, Due::Ping);
        }
        let first = match self.phase {
            _ if closing => (at(times.since, after.close), Due::Close),
            // No pong can come out of the middle of a frame; the assembly has its own deadline.
            Phase::Open if self.flags.assembling => {
                (at(times.assembling, after.assembly), Due::Assembly)
            }
            Phase::Open if self.flags.facts.has(Fact::Pinged) => (
                at(times.pinged, after.pong).max(at(times.heard, after.pong)),
                Due::Pong,
            ),
            _ => (at(times.heard, after.ping), Due::Ping),
        };
        let expects_messages = self.phase == Phase::Open && !closing;
        match after.idle.map(|idle| (at(times.message, idle), Due::Idle)) {
            Some(idle) if expects_messages && idle.0 < first.0 => idle,
            _ => first,
        }
    }

    /// Makes sure that the wheel knows the next deadline. One that moved later needs nothing: the old entry fires, and
    /// looks again.
    // Asked after every read, and as a rule answered by its first line.
    #[inline(always)]
    pub(super) fn arm(&mut self, slot: usize, wheel: &mut Wheel, settings: &Settings, now: Tick) {
        let calm = self.is_calm();
        if calm && self.flags.armed == Armed::Calm {
            return;
        }
        let (at, _) = self.deadline(now, settings);
        let at = at.max(now + 1);
        // An entry that is overdue fires in this very turn. Were it put off, a peer that is heard in every turn of a
        // loaded loop would never reach its deadline.
        let armed = self.times.armed;
        let earlier = !armed.is_past(now) && at < now + armed.until(now);
        if self.flags.armed == Armed::No || earlier {
            self.times.armed = Stamp::of(at);
            wheel.insert(Entry { at, key: slot }, now);
        }
        if calm {
            self.flags.armed = Armed::Calm;
        } else if self.flags.armed == Armed::No {
            self.flags.armed = Armed::Yes;
        }
    }

    /// Sends what waits, as far as the peer takes it. Once all is sent, the peer's time begins anew.
    pub(super) fn flush<K: Kernel<Stream = S>>(
        &mut self,
        kernel: &mut K,
        pool: &mut Pool,
        now: Tick,
    ) -> io::Result<()> {
        let blocked = self.exit.blocked();
        pool.owner = self.number.get();
        self.exit.flush(kernel, pool, now)?;
        if let (Some(since), None) = (blocked, self.exit.blocked()) {
            let pause = self.times.since;
            self.times.resume(since, now);
            if self.is_held() {
                self.times.since = pause;
            }
            self.finish_if_done(kernel, now);
        }
        Ok(())
    }

    /// Ends our side of the stream once everything is written. The server does so first (RFC 6455 section 7.1.1); a client
    /// whose connection is closed in order waits for that.
    pub(super) fn finish_if_done<K: Kernel<Stream = S>>(&mut self, kernel: &mut K, now: Tick) {
        let peers_turn = self.conn.tx.role() == Role::Client && self.conn.state() == State::Closed;
        if self.phase == Phase::Ending
            && !self.exit.is_blocked()
            && !self.flags.facts.has(Fact::Finished)
            && !peers_turn
            && self.exit.finish(kernel, now)
        {
            self.flags.facts.add(Fact::Finished);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Session;

    #[test]
    fn a_session_is_small() {
        // mio's stream is this one, but for what debug builds add to it.
        let session = size_of::<Session<std::net::TcpStream, ()>>();
        assert!(session <= 152, "{session} bytes");
        // With a place of four bytes for an application's, which has more of its own elsewhere.
        let seated = size_of::<Session<std::net::TcpStream, core::num::NonZeroU32>>();
        assert_eq!(seated, session);
    }
}
