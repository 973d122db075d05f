//! Telling what was said to many, when the turn is over, or earlier when much has gathered.
//!
//! A connection is told everything at once, as a rule in one write: of one room one range, shared by all. A large room is
//! told in several turns, so that others are served meanwhile.
//!
//! Not here: what is to be told, which is `rooms`; the way between loops, which is `exchange`.

use super::event_loop::EventLoop;
use super::exchange::Arrived;
use super::rooms::{Closing, Letter, SlowPolicy};
use super::session::Phase;
use super::timer::{Entry, ticks_in};
use super::{Cause, Handler};
use crate::kernel::Kernel;
use crate::proto::{CloseCode, Role, State};
use core::mem::take;
use core::panic::AssertUnwindSafe;
use std::panic::catch_unwind;

/// What is told in one turn, in writes of [`UNIT`] bytes: about as much as takes 4 ms.
const SLICE: usize = 2048;
/// How many bytes cost as much as a write without any.
const UNIT: usize = 8 << 10;
/// With so much still to be told, it is told in one turn, however long that takes: else those who publish could outrun it.
const TOO_FRESH: usize = 4 << 20;

/// In the wheel's key: it is a room's.
pub(super) const ROOM_KEY: usize = 1 << 30;

/// The wheel's key for an empty room. None goes while it has one, so it is no other room's.
const fn room_key(room: u32) -> usize {
    ROOM_KEY | room as usize
}

/// The room in a key.
#[expect(clippy::cast_possible_truncation, reason = "what it was made of")]
pub(super) const fn room_in(key: usize) -> u32 {
    (key & !ROOM_KEY) as u32
}

impl<H: Handler<K>, K: Kernel> EventLoop<H, K> {
    /// Tells what was said, here and to the other loops, and closes who is to be closed.
    #[inline(always)]
    pub(super) fn deliver(&mut self) {
        if self.tools.rooms.has_work() {
            self.deliver_all();
        }
    }

    #[inline(never)]
    fn deliver_all(&mut self) {
        if !self.tools.rooms.is_quiet() {
            self.tell_some();
        }
        if !self.tools.rooms.closings.is_empty() {
            self.close_some();
        }
        if !self.tools.rooms.emptied.is_empty() {
            self.empty_rooms();
        }
    }

    fn tell_some(&mut self) {
        let rooms = &mut self.tools.rooms;
        rooms.seal_all();
        #[cfg(feature = "backplane")]
        rooms.tell_members();
        if let Some(membership) = &self.membership {
            membership.post(&rooms.outgoing);
        }
        rooms.outgoing.clear();
        for slot in rooms.take_addressed() {
            self.tell(slot as usize);
        }
        let mut left = match self.tools.rooms.fresh_bytes() {
            TOO_FRESH.. => usize::MAX,
            _ => SLICE,
        };
        while let Some(slot) = self.tools.rooms.next_to_tell() {
            left = left.saturating_sub(1 + self.tell(slot) / UNIT);
            if left == 0 {
                self.tools.rooms.rotate();
                break;
            }
        }
    }

    /// Tells a connection everything that it is to be told. Says how many bytes that were.
    pub(super) fn tell(&mut self, slot: usize) -> usize {
        let tools = &mut self.tools;
        tools
            .rooms
            .gather(slot, &mut tools.gathered, &mut tools.compressor);
        let Some(session) = self.sessions.get_mut(slot) else {
            return 0;
        };
        let runs = &mut tools.gathered.runs;
        if runs.is_empty() || session.phase != Phase::Open || session.conn.state() != State::Open {
            runs.clear();
            return 0;
        }
        let bytes = runs.iter().map(|run| run.bytes().len()).sum();
        if let Some(state) = &mut session.state {
            let messages = runs.iter().map(|run| run.range().len() as u64).sum();
            self.handler.on_told(state, messages, bytes);
        }
        session.conn.tx.note_foreign();
        let sent = session.exit.send_runs(
            &mut tools.kernel,
            runs,
            &mut tools.cork,
            tools.budget.shared(),
            tools.now,
        );
        match sent {
            Ok(()) if session.exit.is_blocked() => self.hold_back(slot),
            Ok(()) => {}
            Err(error) => {
                runs.clear();
                self.remove(slot, Some(&error));
            }
        }
        bytes
    }

    /// Something waits for a connection: where it is too much, its rooms have a policy for that.
    #[cold]
    fn hold_back(&mut self, slot: usize) {
        let tools = &mut self.tools;
        let exit = &mut self.sessions[slot].exit;
        let mut too_slow = exit.waiting() > exit.of_rooms() + tools.settings.limits.max_queued;
        let mut crowded = None;
        for key in tools.gathered.rooms.drain(..) {
            let most = tools.rooms.max_queued(key);
            let room = tools.rooms.room(key);
            let talk = room.talk_mut();
            let id = talk.id;
            match talk.policy {
                SlowPolicy::Close => {
                    let excess = exit.has_excess(most);
                    talk.stats.closed += u64::from(excess);
                    too_slow |= excess;
                }
                SlowPolicy::DropNewest => {
                    let dropped = exit.drop_newest(id, most);
                    talk.stats.dropped += dropped;
                    if dropped > 0 || exit.has_excess(most) {
                        tools.rooms.set_full(slot, key);
                    }
                }
                SlowPolicy::DropOldest => talk.stats.dropped += exit.drop_oldest(id, most),
                SlowPolicy::Conflate(of) => {
                    let (conflated, fits) = exit.conflate(id, of, most);
                    talk.stats.conflated += conflated;
                    if !fits {
                        crowded = Some(key);
                    }
                }
            }
        }
        if let Some(key) = crowded {
            // What another room has replaced may be in the way.
            tools
                .rooms
                .conflate(slot, |room, of| exit.conflate_now(room, of));
            let fits = exit.fits_conflated(tools.rooms.max_queued(key));
            tools.rooms.room(key).talk_mut().stats.closed += u64::from(!fits);
            too_slow |= !fits;
        }
        if too_slow {
            self.close_session(
                slot,
                Cause::TooSlow,
                CloseCode::TRY_AGAIN_LATER,
                "reads too slowly",
            );
        } else {
            self.arm(slot);
        }
        self.account(slot);
    }

    /// Closes those of whom somebody has said so in this turn. What was said to them before comes before that.
    #[cold]
    fn close_some(&mut self) {
        for Closing { id, code, reason } in take(&mut self.tools.rooms.closings) {
            let slot = id.slot();
            let is_it = |session: &super::session::Session<_, _>| {
                session.id(slot) == id && session.phase == Phase::Open
            };
            if self.sessions.get(slot).is_some_and(is_it) {
                self.tell(slot);
            }
            if self.sessions.get(slot).is_some_and(is_it) {
                self.close_session(slot, Cause::Here, code, &reason);
            }
        }
    }

    /// Rooms that nobody is in go, at once or later.
    #[cold]
    fn empty_rooms(&mut self) {
        let linger = self.tools.rooms.linger();
        for room in take(&mut self.tools.rooms.emptied) {
            if linger.is_zero() {
                self.tools.rooms.vanish(room);
                continue;
            }
            let now = self.tools.now;
            let at = now + ticks_in(linger);
            if self.tools.rooms.stay(room, at) {
                let key = room_key(room);
                self.wheel.insert(Entry { at, key }, now);
            }
        }
    }

    /// An empty room is looked at.
    #[cold]
    pub(super) fn on_room_time(&mut self, room: u32) {
        let now = self.tools.now;
        if let Some(at) = self.tools.rooms.look_at(room, now) {
            let key = room_key(room);
            self.wheel.insert(Entry { at, key }, now);
        }
    }

    /// Hears what other loops, and other threads, have said.
    pub(super) fn hear_others(&mut self) {
        let Some(membership) = &mut self.membership else {
            return;
        };
        let Arrived {
            mut letters,
            fell_behind,
        } = membership.take();
        let tools = &mut self.tools;
        let mut stop = false;
        for letter in letters.drain(..) {
            match letter {
                Letter::Stop => stop = true,
                // Should it panic, there is no connection that could pay for it.
                Letter::Call(call) => {
                    let mut hub = tools.hub();
                    let _ = catch_unwind(AssertUnwindSafe(|| call(&mut hub)));
                }
                #[cfg(feature = "backplane")]
                Letter::News(_, event) => {
                    let (handler, mut hub) = (&mut self.handler, tools.hub());
                    let tell = AssertUnwindSafe(|| handler.on_backplane(&mut hub, &event));
                    let _ = catch_unwind(tell);
                }
                letter => tools.rooms.hear(letter, &mut tools.compressor),
            }
        }
        membership.reuse(letters);
        if stop {
            self.stop();
        }
        if fell_behind {
            tracing::warn!("fell behind the other loops' broadcasts; closing connections");
            self.tools.rooms.forget_told();
            self.for_each_slot(|this, slot| {
                let session = &this.sessions[slot];
                // A connection that we opened was not told, and has missed nothing.
                if session.phase == Phase::Open && session.conn.tx.role() == Role::Server {
                    this.close_session(
                        slot,
                        Cause::TooSlow,
                        CloseCode::TRY_AGAIN_LATER,
                        "the server is overloaded",
                    );
                }
            });
        }
    }
}
