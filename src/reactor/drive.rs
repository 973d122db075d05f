//! Driving one session: receive, let the core find events, call the handler, send.
//!
//! ```text
//! recv ─► the loop's buffer ──► Receiver::next ──► handler ──► cork ──► one send
//!            │ a message spans reads: moved once into          │ a big payload: written from where it lies
//!            ▼ the session's own buffer, which then grows      ▼ what is not taken: the outbox
//! ```
//!
//! Not here: which session is driven when, and deadlines; that is `event_loop` and `session`.

use super::facts::Fact;
use super::frames::{end, finish, give_up};
use super::greet::mistake;
use super::pool::Pool;
use super::session::{Phase, Session};
use super::tools::{Intake, READ, Tools};
use super::wire::Fate;
use super::{Cause, Closed, Handler};
use crate::kernel::Kernel;
use crate::proto::{CloseCode, Role, State};
use crate::transport::Received;
use core::mem::take;
use core::panic::AssertUnwindSafe;
use std::io;
use std::panic::catch_unwind;

/// Bytes received, or given to its handler, after which the next session has its turn.
pub(super) const BUDGET: usize = 256 << 10;

/// Steps of TLS handshakes in one turn: each takes as long as hundreds of messages.
pub(super) const DEAR: u32 = 8;

/// What is to be done with a session that was driven.
#[derive(Debug)]
pub(super) enum Next {
    /// Wait until the kernel reports it.
    Wait,
    /// Drive it again soon: there is more, and nobody will report it.
    Again,
    /// The stream has ended, or with an error.
    Gone(Option<io::Error>),
}

/// What has become of a session's turn before it is driven.
#[derive(Debug, Default)]
pub(super) enum Begun {
    /// All of it.
    #[default]
    All,
    /// Nothing.
    Nothing,
    /// It has received, with this result.
    Received(io::Result<Received>),
    /// It has received, and what could be worked off at first sight is; the rest is still to be looked at.
    Sighted {
        /// Nothing more is waiting to be received.
        drained: bool,
    },
    /// It has received, and the handler panicked over that.
    Panicked,
}

/// One session's turn: the session, and what it is given for that time.
pub(super) struct Turn<'t, H: Handler<K>, K: Kernel> {
    pub(super) session: &'t mut Session<K::Stream, H::State>,
    pub(super) slot: usize,
    pub(super) handler: &'t mut H,
    pub(super) tools: &'t mut Tools<K>,
    pub(super) intake: &'t mut Intake,
}

impl<H: Handler<K>, K: Kernel> Turn<'_, H, K> {
    /// Drives the session as far as input, output and budget allow.
    pub(super) fn drive(&mut self, begun: Begun) -> Next {
        self.session.flags.paused = false;
        self.tools.pool.owner = self.session.number.get();
        self.intake.need = 0;
        let next = self.read_on(begun);
        let pool = &mut self.tools.pool;
        // The read buffer is everybody's.
        if !self.intake.read.is_empty() {
            let (len, need) = (self.intake.read.len(), self.intake.need);
            let mut own = pool.take_for(len, need as usize);
            own.append(&mut self.intake.read);
            self.session.keep(own, need, pool);
        }
        self.return_spare();
        self.session.tidy(&mut self.tools.pool);
        next
    }

    fn read_on(&mut self, begun: Begun) -> Next {
        let mut budget = BUDGET;
        let mut next = match begun {
            Begun::All | Begun::Nothing => None,
            Begun::Received(received) => self.take_in(received, false, &mut budget),
            Begun::Sighted { drained } => {
                let bytes = self.intake.read.len();
                let worked = self.process(false, drained, State::Open);
                self.after_work(worked, bytes, drained, &mut budget)
            }
            Begun::Panicked => {
                self.after_panic(false);
                let worked = self.conclude(false, false);
                self.after_work(worked, 0, false, &mut budget)
            }
        };
        loop {
            if let Some(next) = next {
                return next;
            }
            // Who does not read is not heard further.
            let (role, most) = (
                self.session.conn.tx.role(),
                self.tools.settings.limits.max_queued,
            );
            let open = self.session.phase == Phase::Open;
            if open && self.session.exit.is_stuck(role, most) || self.session.is_held() {
                self.session.flags.paused = true;
                return Next::Wait;
            }
            let in_own = self.session.has_own() || self.borrow_spare();
            next = if take(&mut self.session.flags.unread) {
                let worked = self.work_off(in_own, true);
                self.after_work(worked, 0, false, &mut budget)
            } else {
                let received = self.receive(in_own);
                self.take_in(received, in_own, &mut budget)
            };
        }
    }

    /// Who has sent large messages receives at once where the last one lay, so that the beginning of the next need not be
    /// moved there. What is in it when the turn is over is theirs; [as much](Self::return_spare) as others may keep.
    fn borrow_spare(&mut self) -> bool {
        let session = &mut *self.session;
        let may = !session.flags.unread && session.phase == Phase::Open;
        match &mut session.rest {
            Some(rest) if rest.large && may && self.intake.read.is_empty() => {
                let spare = self.tools.pool.take_spare();
                // If there is none, it was wanted elsewhere, or not wanted for a while.
                rest.large = spare.is_some();
                (rest.own, rest.need) = (spare.unwrap_or_default(), 0);
                rest.large
            }
            _ => false,
        }
    }

    /// Who has not sent much of a message yet keeps no more room for it than others.
    fn return_spare(&mut self) {
        if let Some(rest) = &mut self.session.rest
            && rest.large
        {
            self.tools.pool.trim(&mut rest.own, rest.need as usize);
        }
    }

    fn receive(&mut self, in_own: bool) -> io::Result<Received> {
        let (session, tools) = (&mut *self.session, &mut *self.tools);
        let buffer = match &mut session.rest {
            Some(rest) if in_own => {
                tools.pool.grow(&mut rest.own, rest.need as usize);
                rest.large |= Pool::is_spare(&rest.own);
                &mut rest.own
            }
            _ => &mut self.intake.read,
        };
        let exit = &mut session.exit;
        exit.receive(&mut tools.kernel, buffer, &mut tools.records, tools.now)
    }

    /// Works off what was received. Says what is to be done next, if that is not to receive again.
    fn take_in(
        &mut self,
        received: io::Result<Received>,
        in_own: bool,
        budget: &mut usize,
    ) -> Option<Next> {
        let session = &mut *self.session;
        let received = match received {
            // Who has ended may still read: what waits goes out first, while there is time. Where that is our request,
            // nobody is left to answer it.
            Ok(received)
                if received.ended
                    && session.exit.is_blocked()
                    && (session.phase != Phase::Handshake
                        || session.conn.tx.role() == Role::Server) =>
            {
                session.flags.paused = true;
                return Some(Next::Wait);
            }
            Ok(received) if received.ended => return Some(Next::Gone(None)),
            Ok(received) => received,
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Some(Next::Wait),
            Err(error) => return Some(self.broken(error)),
        };
        // A short read means drained, but not where the end may already stand behind it.
        let drained = received.drained && !session.flags.facts.has(Fact::Hangup);
        let bytes = received.taken.max(received.bytes);
        if received.bytes > 0 {
            let worked = self.work_off(in_own, drained);
            return self.after_work(worked, bytes, drained, budget);
        }
        // Records without anything in them for us: a handshake's, say.
        if drained {
            return Some(Next::Wait);
        }
        self.spend(bytes.max(1), budget)
    }

    fn after_work(
        &mut self,
        worked: io::Result<usize>,
        bytes: usize,
        drained: bool,
        budget: &mut usize,
    ) -> Option<Next> {
        match worked {
            Err(error) => Some(Next::Gone(Some(error))),
            Ok(_) if drained && !self.session.flags.unread => Some(Next::Wait),
            Ok(spent) => self.spend(bytes.max(spent), budget),
        }
    }

    fn spend(&mut self, bytes: usize, budget: &mut usize) -> Option<Next> {
        *budget = budget.saturating_sub(bytes);
        if *budget > 0 {
            return None;
        }
        self.session.flags.paused = true;
        Some(Next::Again)
    }

    /// Works through what lies in the session's own buffer or in the loop's, from its beginning. `drained` says that
    /// nothing more is waiting to be received. Gives how many bytes the handler was given.
    fn work_off(&mut self, in_own: bool, drained: bool) -> io::Result<usize> {
        self.intake.begin();
        let before = self.session.conn.state();
        self.process(in_own, drained, before)
    }

    /// The stream is broken. Where its records were, the peer was told so, and is to hear it: the end of our side comes behind
    /// that, and what still arrives is discarded, so that no reset overtakes it.
    #[cold]
    #[inline(never)]
    fn broken(&mut self, error: io::Error) -> Next {
        let session = &mut *self.session;
        let asked = session.conn.tx.role() == Role::Client && session.phase == Phase::Handshake;
        if error.kind() != io::ErrorKind::InvalidData || session.phase == Phase::Ending || asked {
            return Next::Gone(Some(error));
        }
        let id = session.id(self.slot);
        tracing::debug!(peer = %id, %error, "TLS failed");
        end(
            self.handler,
            &mut self.tools.hub(),
            &mut session.state,
            id,
            &Closed::abnormal(Cause::Tls),
        );
        if session.phase == Phase::Handshake {
            drop(session.take_opening());
            session.enter(Phase::Ending, self.tools.now);
        }
        self.wind_up();
        // What was read may not have been all, and the end may stand behind it: neither is reported again.
        Next::Again
    }

    /// The same, from where it stands. `before` is what the connection's state was when all this began.
    fn process(&mut self, in_own: bool, drained: bool, before: State) -> io::Result<usize> {
        let greets = self.session.phase == Phase::Handshake;
        if greets {
            self.intake.opening = self.session.take_opening();
        }
        // A handler that panics costs its own connection and no other.
        if catch_unwind(AssertUnwindSafe(|| self.work(in_own, before))).is_err() {
            self.after_panic(in_own);
        }
        if greets {
            let opening = self.intake.opening.take();
            self.session.set_opening(opening, &mut self.tools.pool);
        }
        self.conclude(in_own, drained)
    }

    /// Lets go of what was worked through.
    fn conclude(&mut self, in_own: bool, drained: bool) -> io::Result<usize> {
        let session = &mut *self.session;
        // Lent to the handler, and not to be held while output waits.
        session.conn.rx.release();
        if session.conn.tx.deflate().is_some() {
            self.intake.inbound.release();
            self.tools.compressor.release();
        }
        self.put_back(in_own, drained);
        if self.session.phase != Phase::Open || self.session.conn.is_over() {
            self.wind_up();
        }
        match take(&mut self.tools.fate) {
            Fate::Broken(error) => Err(error),
            Fate::Fine | Fate::Slow => Ok(self.intake.spent),
        }
    }

    /// All is said on both sides, or not yet anything; our side of the stream may end here.
    #[inline(never)]
    fn wind_up(&mut self) {
        let (session, tools) = (&mut *self.session, &mut *self.tools);
        if session.phase == Phase::Open {
            tools.rooms.depart(session.id(self.slot));
            session.enter(Phase::Ending, tools.now);
        }
        session.finish_if_done(&mut tools.kernel, tools.now);
    }

    /// Calls what has to be called for the bytes received, and sends what was said.
    fn work(&mut self, in_own: bool, mut before: State) {
        if self.session.phase == Phase::Handshake {
            self.call(in_own).greet();
            before = self.session.conn.state();
        }
        match self.session.phase {
            Phase::Handshake => {}
            Phase::Open => self.frames(in_own, before),
            Phase::Ending => self.call(in_own).discard(),
        }
    }

    /// Keeps what is not done with: the beginning of the next message, in front of what the next read will bring if that
    /// follows at once and it is small, or else in a buffer of its own size. The former keeps reads large where small
    /// messages stand close.
    #[inline]
    fn put_back(&mut self, in_own: bool, drained: bool) {
        let done = self.intake.at == self.intake.read.len();
        if !in_own && done && !self.session.exit.is_blocked() {
            self.intake.read.clear();
        } else {
            self.keep_rest(in_own, drained);
        }
    }

    #[inline(never)]
    fn keep_rest(&mut self, in_own: bool, drained: bool) {
        let Self {
            session,
            tools,
            intake,
            ..
        } = self;
        let at = intake.at;
        let mut data = if in_own {
            session.take_own()
        } else {
            take(&mut intake.read)
        };
        let rest = data.len() - at;
        let may_take = in_own && rest == 0 && Pool::is_earned(&data, 0);
        if session.exit.settle(&mut data, may_take) {
            return;
        }
        if in_own && at == 0 {
            return session.keep(data, intake.need, &mut tools.pool);
        }
        let goes_on = !drained && !session.flags.unread && !session.exit.is_blocked();
        let in_front = goes_on && rest <= READ / 2;
        if rest > 0 && !in_front {
            let mut own = tools.pool.take_for(rest, intake.need as usize);
            own.extend_from_slice(&data[at..]);
            session.keep(own, intake.need, &mut tools.pool);
        }
        match (in_own, in_front) {
            (true, true) => {
                intake.read.extend_from_slice(&data[at..]);
                tools.pool.put(data);
            }
            (true, false) => tools.pool.put(data),
            (false, true) => {
                data.drain(..at);
                intake.read = data;
            }
            (false, false) => {
                data.clear();
                intake.read = data;
            }
        }
    }

    /// The handler panicked: its connection ends, with what HTTP or WebSocket has for that.
    #[cold]
    #[inline(never)]
    fn after_panic(&mut self, in_own: bool) {
        let mut call = self.call(in_own);
        if let Fate::Slow = call.peer.tools.fate {
            call.flags.cause = Cause::TooSlow;
        }
        call.peer.reserve();
        if *call.phase == Phase::Handshake {
            let is_head = call.peer.tools.settings.pages && call.data.starts_with(b"HEAD ");
            call.refuse(&mistake().head_alone(is_head));
            *call.at = call.data.len();
        } else {
            if call.flags.cause != Cause::TooSlow {
                call.flags.cause = Cause::Panic;
            }
            give_up(&mut call.peer, CloseCode::INTERNAL_ERROR, "");
            // The peer's Close frame may be in it.
            call.flags.unread = *call.at < call.data.len();
        }
        // Only an open connection's handler is called; it may have closed it before it panicked.
        let before = State::Open;
        finish(&mut call.peer, call.flags, call.times, before);
    }
}
