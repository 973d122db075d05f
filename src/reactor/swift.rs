//! The turn that nearly all turns are: whole messages come in one read on a connection with which nothing else is going on,
//! and what their handler answers is taken by the kernel at once.
//!
//! It does nothing that [`drive`](super::drive) does not do too, in fewer steps, for it is known beforehand what need not
//! be asked. As soon as something is not as usual, `drive` goes on from there.
//!
//! Not here: anything rare.

use super::Handler;
use super::Message;
use super::call::addresses;
use super::drive::{Begun, Turn};
use super::event_loop::EventLoop;
use super::peer::Peer;
use super::session::{Armed, Phase, Session};
use super::timer::Stamp;
use super::tools::{Intake, Tools};
use crate::kernel::Kernel;
use crate::proto::frame::Whole;
use crate::proto::{Connection, Event, Role, State};
use crate::transport::{Received, Transport, uninterrupted};
use core::mem::take;
use core::panic::AssertUnwindSafe;
use std::panic::catch_unwind;

impl<S, D> Session<S, D> {
    /// Whether nothing is going on but that messages may come, and nothing has to be done after one.
    #[inline(always)]
    pub(super) fn is_at_ease(&self) -> bool {
        let (flags, tx) = (&self.flags, &self.conn.tx);
        let nothing_pending =
            !(flags.paused | flags.unread | flags.assembling | flags.facts.any() | self.held);
        nothing_pending
            && flags.armed == Armed::Calm
            && self.phase == Phase::Open
            && tx.state() == State::Open
            && self.conn.rx.is_at_ease()
            && tx.role() == Role::Server
            && tx.deflate().is_none()
            && self.rest.is_none()
            && !self.exit.is_blocked()
    }
}

impl<H: Handler<K>, K: Kernel> EventLoop<H, K> {
    /// What a swift turn has left.
    #[inline(never)]
    pub(super) fn after_swift(&mut self, slot: usize) {
        match take(&mut self.intake.begun) {
            Begun::All => self.deliver(),
            begun => self.serve_on(slot, begun),
        }
    }
}

impl<H: Handler<K>, K: Kernel> Turn<'_, H, K> {
    /// The turn of a session that [is at ease](Session::is_at_ease), and has something to read. Says whether that was all;
    /// [`Intake::begun`] says what was done otherwise.
    #[inline(always)]
    pub(super) fn swiftly(self) -> bool {
        let Self {
            session,
            slot,
            handler,
            tools,
            intake,
        } = self;
        // A handler that panics costs its own connection and no other.
        let all = AssertUnwindSafe(|| be_swift(session, slot, handler, tools, intake));
        match catch_unwind(all) {
            Ok(all) => all,
            Err(_) => {
                intake.at = intake.read.len() - intake.behind;
                intake.begun = Begun::Panicked;
                false
            }
        }
    }
}

/// Receives, and hands each message to the handler as long as all is as usual.
// Parts, which go in registers, rather than one thing made of them, which would have to lie in memory.
#[inline(never)]
fn be_swift<H: Handler<K>, K: Kernel>(
    session: &mut Session<K::Stream, H::State>,
    slot: usize,
    handler: &mut H,
    tools: &mut Tools<K>,
    intake: &mut Intake,
) -> bool {
    let id = session.id(slot);
    let Session {
        conn: Connection { rx, tx },
        exit,
        times,
        held,
        state,
        ..
    } = session;
    let (Transport::Plain(stream), Some(state)) = (&mut exit.transport, state) else {
        // A TLS stream, or nobody to tell: nothing is done yet.
        intake.begun = Begun::Nothing;
        return false;
    };
    let Intake {
        read,
        at,
        spent,
        behind,
        begun,
        ..
    } = intake;
    let room = read.capacity();
    let bytes = match uninterrupted(|| tools.kernel.receive(stream, read)) {
        Ok(bytes) if bytes > 0 => bytes,
        received => {
            let received = received.map(|bytes| Received::of_plain(bytes, room));
            *begun = Begun::Received(received);
            return false;
        }
    };
    let data = read.as_mut_slice();
    let easy = tx.is_plain() && tools.rooms.is_quiet();
    let mut peer = Peer {
        id,
        tx,
        exit,
        held,
        buffer: addresses(data),
        max_queued: tools.settings.limits.max_queued,
        easy,
        tools,
    };
    let (mut as_usual, mut again, mut rest, most) = (true, 0, data, rx.most());
    // It is at ease, and so a server's.
    while let Some(whole) = Whole::at_first_sight(rest, Role::Server, most) {
        let (frame, others) = rest.split_at_mut(whole.end().min(rest.len()));
        rest = others;
        let message = match whole.open(frame) {
            Some(Event::Text(text)) => Message::Text(text),
            Some(Event::Binary(bytes)) => Message::Binary(bytes),
            _ => {
                rx.look_again(&whole);
                again = whole.end();
                break;
            }
        };
        // The call may panic.
        *behind = rest.len();
        handler.on_message(&mut peer, state, message);
        as_usual = peer.easy || peer.is_as_usual();
        if !as_usual {
            break;
        }
    }
    let left = rest.len() + again;
    if left < bytes {
        times.heard = Stamp::of(peer.tools.now);
        times.message = times.heard;
    }
    if left > 0 || bytes >= room || !as_usual {
        (*at, *spent) = (bytes - left, bytes);
        *begun = Begun::Sighted {
            drained: bytes < room,
        };
        return false;
    }
    peer.wire().flush();
    if peer.exit.is_blocked() || !peer.is_fine() {
        (*at, *spent) = (bytes, bytes);
        *begun = Begun::Sighted { drained: true };
        return false;
    }
    read.clear();
    true
}

impl<K: Kernel> Peer<'_, K> {
    /// Whether nothing has come of a message that asks for more than the next one.
    #[inline(always)]
    fn is_as_usual(&self) -> bool {
        self.tx.state() == State::Open && !*self.held && !self.exit.is_blocked() && self.is_fine()
    }
}
