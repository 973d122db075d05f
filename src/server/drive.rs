//! Driving one session: receive, let the core find events, call the handler, send.
//!
//! ```text
//! recv ─► the loop's buffer ──► Receiver::next ──► handler ──► cork ──► one send
//!            │ a message spans reads: moved once into          │ a big payload: written from where it lies
//!            ▼ the session's own buffer, which then grows      ▼ what is not taken: the outbox
//! ```
//!
//! Not here: which session is driven when, and deadlines; that is `event_loop` and `session`.

use super::mail::Mail;
use super::message::Message;
use super::peer::Peer;
use super::pool::Pool;
use super::random::Random;
use super::session::{Flags, Phase, Session, Times};
use super::settings::Settings;
use super::timer::{Stamp, Tick};
use super::wire::{CORK, Fate, Wire};
use super::{Closed, ConnectionId, Handler};
use crate::kernel::Kernel;
use crate::proto::handshake::Refusal;
use crate::proto::handshake::server::RequestParser;
use crate::proto::{CloseCode, Event, Inbound, Outbound, Receiver};
use alloc::boxed::Box;
use alloc::vec::Vec;
use core::mem::take;
use core::panic::AssertUnwindSafe;
use std::io;
use std::panic::catch_unwind;

/// Bytes that one read brings at most.
pub(super) const READ: usize = 64 << 10;
/// Bytes after which the next session has its turn.
const BUDGET: usize = 256 << 10;

/// What a loop has one of, for all its sessions.
#[derive(Debug)]
pub(super) struct Tools<K> {
    pub(super) kernel: K,
    /// The one read buffer.
    pub(super) read: Vec<u8>,
    /// The one cork.
    pub(super) cork: Vec<u8>,
    pub(super) pool: Pool,
    pub(super) inbound: Inbound,
    pub(super) mail: Mail,
    pub(super) settings: Settings,
    pub(super) random: Random,
    pub(super) now: Tick,
    /// New requests are answered with 503.
    pub(super) refusing: bool,
}

impl<K: Kernel> Tools<K> {
    pub(super) fn new(kernel: K, settings: Settings) -> Self {
        Self {
            kernel,
            read: Vec::with_capacity(READ),
            cork: Vec::with_capacity(CORK),
            pool: Pool::default(),
            inbound: Inbound::new(),
            mail: Mail::default(),
            settings,
            random: Random::default(),
            now: 0,
            refusing: false,
        }
    }
}

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

/// Drives a session as far as input, output and budget allow.
pub(super) fn drive<H: Handler<K>, K: Kernel>(
    session: &mut Session<K::Stream, H::State>,
    slot: usize,
    handler: &mut H,
    tools: &mut Tools<K>,
) -> Next {
    session.flags.paused = false;
    let next = read_on(session, slot, handler, tools);
    // The read buffer is everybody's.
    if !tools.read.is_empty() {
        session.own = tools.pool.take(tools.read.len());
        session.own.append(&mut tools.read);
    }
    next
}

fn read_on<H: Handler<K>, K: Kernel>(
    session: &mut Session<K::Stream, H::State>,
    slot: usize,
    handler: &mut H,
    tools: &mut Tools<K>,
) -> Next {
    let mut budget = BUDGET;
    loop {
        // A session with unsent output is not heard further: what it provokes cannot pile up.
        if session.phase == Phase::Open && session.exit.is_blocked() {
            session.flags.paused = true;
            return Next::Wait;
        }
        if take(&mut session.flags.unread) {
            match process(session, slot, handler, tools, true, true) {
                Ok(()) => continue,
                Err(error) => return Next::Gone(Some(error)),
            }
        }
        let in_own = !session.own.is_empty();
        let buffer = if in_own {
            tools.pool.grow(&mut session.own, session.need as usize);
            &mut session.own
        } else {
            &mut tools.read
        };
        let received = match session.exit.receive(&mut tools.kernel, buffer) {
            // Who has ended may still read: what waits goes out first, while there is time.
            Ok(received) if received.bytes == 0 && session.exit.is_blocked() => {
                session.flags.paused = true;
                return Next::Wait;
            }
            Ok(received) if received.bytes == 0 => return Next::Gone(None),
            Ok(received) => received,
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Next::Wait,
            Err(error) => return Next::Gone(Some(error)),
        };
        // A short read means drained, but not where the end may already stand behind it.
        let drained = received.drained && !session.flags.hangup;
        if let Err(error) = process(session, slot, handler, tools, in_own, drained) {
            return Next::Gone(Some(error));
        }
        budget = budget.saturating_sub(received.bytes);
        if session.flags.unread {
            continue;
        }
        if drained {
            return Next::Wait;
        }
        if budget == 0 {
            session.flags.paused = true;
            return Next::Again;
        }
    }
}

/// Works through what lies in the session's own buffer or in the loop's. `drained` says that nothing more is waiting to
/// be received.
fn process<H: Handler<K>, K: Kernel>(
    session: &mut Session<K::Stream, H::State>,
    slot: usize,
    handler: &mut H,
    tools: &mut Tools<K>,
    in_own: bool,
    drained: bool,
) -> io::Result<()> {
    let mut data = take(if in_own {
        &mut session.own
    } else {
        &mut tools.read
    });
    let (at, fate) = work_through(session, slot, handler, tools, &mut data);
    // Lent to the handler, and not to be held while output waits.
    session.conn.rx.release();
    put_back(session, tools, data, at, in_own, drained);
    if session.phase == Phase::Open && session.conn.is_over() {
        session.enter(Phase::Ending, tools.now);
    }
    session.finish_if_done(&mut tools.kernel);
    match fate {
        Fate::Broken(error) => Err(error),
        Fate::Fine | Fate::Slow => Ok(()),
    }
}

/// Calls what has to be called for the bytes in `data`; says how many are done with.
fn work_through<H: Handler<K>, K: Kernel>(
    session: &mut Session<K::Stream, H::State>,
    slot: usize,
    handler: &mut H,
    tools: &mut Tools<K>,
    data: &mut [u8],
) -> (usize, Fate) {
    let start = data.as_ptr().addr();
    let before = session.conn.state();
    let mut call = Call {
        peer: Peer {
            id: session.id(slot),
            tx: &mut session.conn.tx,
            wire: Wire {
                kernel: &mut tools.kernel,
                exit: &mut session.exit,
                cork: &mut tools.cork,
                buffer: start..start + data.len(),
                max_queued: tools.settings.limits.max_queued,
                now: tools.now,
                fate: Fate::Fine,
            },
            mail: &mut tools.mail,
            told: &mut session.told,
        },
        rx: &mut session.conn.rx,
        handler,
        state: &mut session.state,
        inbound: &mut tools.inbound,
        settings: &tools.settings,
        phase: &mut session.phase,
        times: &mut session.times,
        flags: &mut session.flags,
        need: &mut session.need,
        parser: &mut session.parser,
        now: tools.now,
        refusing: tools.refusing,
        at: 0,
    };
    // A handler that panics costs its own connection and no other.
    let sane = catch_unwind(AssertUnwindSafe(|| call.run(data))).is_ok();
    if !sane {
        call.after_panic(data.len());
    }
    if let Fate::Slow = call.peer.wire.fate {
        call.peer.wire.reserve();
        call.flags.slow = true;
        call.give_up(CloseCode::TRY_AGAIN_LATER, "reads too slowly");
    }
    call.peer.wire.flush();
    let (at, fate) = (call.at, take(&mut call.peer.wire.fate));
    if before != session.conn.state() && session.conn.close_expected() {
        session.times.since = Stamp::of(tools.now);
    }
    (at, fate)
}

/// Puts a buffer back where it belongs, and keeps what is not done with in it: the beginning of the next message, in
/// front of what the next read will bring if that follows at once and it is small, or else in a buffer of its own size.
/// The former keeps reads large where small messages stand close.
fn put_back<S, D, K: Kernel>(
    session: &mut Session<S, D>,
    tools: &mut Tools<K>,
    mut data: Vec<u8>,
    at: usize,
    in_own: bool,
    drained: bool,
) {
    let rest = data.len() - at;
    if rest == 0 && !in_own && !session.exit.is_blocked() {
        data.clear();
        tools.read = data;
        return;
    }
    if session.exit.settle(&mut data, in_own && rest == 0) {
        return;
    }
    if in_own && at == 0 {
        session.own = data;
        return;
    }
    let goes_on = !drained && !session.flags.unread && !session.exit.is_blocked();
    let in_front = goes_on && rest <= READ / 2;
    if rest > 0 && !in_front {
        session.own = tools.pool.take(rest);
        session.own.extend_from_slice(&data[at..]);
    }
    match (in_own, in_front) {
        (true, true) => {
            tools.read.extend_from_slice(&data[at..]);
            tools.pool.put(data);
        }
        (true, false) => tools.pool.put(data),
        (false, true) => {
            data.drain(..at);
            tools.read = data;
        }
        (false, false) => {
            data.clear();
            tools.read = data;
        }
    }
}

/// One session's turn, taken apart into what each step may touch.
pub(super) struct Call<'c, H: Handler<K>, K: Kernel> {
    pub(super) peer: Peer<'c, K>,
    rx: &'c mut Receiver,
    pub(super) handler: &'c mut H,
    pub(super) state: &'c mut Option<H::State>,
    inbound: &'c mut Inbound,
    pub(super) settings: &'c Settings,
    phase: &'c mut Phase,
    times: &'c mut Times,
    flags: &'c mut Flags,
    need: &'c mut u32,
    pub(super) parser: &'c mut Option<Box<RequestParser>>,
    now: Tick,
    pub(super) refusing: bool,
    /// Bytes done with.
    pub(super) at: usize,
}

impl<H: Handler<K>, K: Kernel> Call<'_, H, K> {
    fn run(&mut self, data: &mut [u8]) {
        if *self.phase == Phase::Handshake {
            self.greet(data);
        }
        if *self.phase == Phase::Open {
            self.frames(data);
        }
        if *self.phase == Phase::Ending {
            self.at = data.len();
        }
    }

    /// Enters a phase.
    pub(super) const fn enter(&mut self, phase: Phase) {
        *self.phase = phase;
        self.times.restart(self.now);
    }

    fn frames(&mut self, data: &mut [u8]) {
        let (mut completed, mut control) = (false, false);
        while self.at < data.len() {
            let out = &mut Outbound::server(&mut self.peer.wire);
            let rest = &mut data[self.at..];
            let step = match self.rx.next(rest, self.inbound, self.peer.tx, out) {
                Ok(step) => step,
                Err(violation) => {
                    tracing::debug!(peer = %self.peer.id, %violation, "protocol violation");
                    // What follows a violation is not looked at.
                    self.at = data.len();
                    let closed = Closed {
                        violation: Some(violation),
                        ..Closed::ABNORMAL
                    };
                    end(self.handler, self.state, self.peer.id, &closed);
                    break;
                }
            };
            self.at += step.consumed;
            let Some(event) = step.event else {
                *self.need = u32::try_from(step.need).unwrap_or(u32::MAX);
                break;
            };
            match event {
                Event::Text(text) => {
                    completed = true;
                    if let Some(state) = self.state {
                        self.handler
                            .on_message(&mut self.peer, state, Message::Text(text));
                    }
                }
                Event::Binary(bytes) => {
                    completed = true;
                    if let Some(state) = self.state {
                        self.handler
                            .on_message(&mut self.peer, state, Message::Binary(bytes));
                    }
                }
                // The server asks for whole messages.
                Event::Part(_) => {}
                Event::Ping(_) => {
                    control = true;
                    self.times.heard = Stamp::of(self.now);
                }
                Event::Pong(payload) => {
                    control = true;
                    // Only the answer to our question shows that somebody is there.
                    if self.flags.pinged && payload == self.times.nonce {
                        self.flags.pinged = false;
                        self.times.heard = Stamp::of(self.now);
                    }
                }
                Event::Close(close) => {
                    let closed = Closed {
                        code: close.number(),
                        reason: close.reason,
                        clean: true,
                        violation: None,
                    };
                    end(self.handler, self.state, self.peer.id, &closed);
                }
            }
            // The peer has to read before it is answered further.
            if self.peer.wire.exit.is_blocked() || !self.peer.wire.is_fine() {
                self.flags.unread = self.at < data.len();
                break;
            }
        }
        if completed {
            self.times.heard = Stamp::of(self.now);
            self.times.message = Stamp::of(self.now);
        }
        // Between fragments a control frame ends nothing.
        let ended = completed || control && !self.rx.is_mid_message();
        self.note_assembly(ended, self.at < data.len());
    }

    /// Keeps the time since the incomplete message, or control frame between messages, began. `ended` says that one
    /// before it has ended.
    fn note_assembly(&mut self, ended: bool, rest: bool) {
        // Bytes that were not looked at may be whole messages; the peer is not to blame for them.
        let assembling = self.rx.is_mid_message() || rest && !self.flags.unread;
        if assembling && (ended || !self.flags.assembling) {
            self.times.assembling = Stamp::of(self.now);
        }
        self.flags.assembling = assembling;
    }

    /// The handler panicked: its connection ends, with what HTTP or WebSocket has for that.
    fn after_panic(&mut self, len: usize) {
        if *self.phase == Phase::Handshake {
            self.refuse(Refusal::new(500, "the server made a mistake"));
        } else {
            self.give_up(CloseCode::INTERNAL_ERROR, "");
            // The peer's Close frame may be in it.
            self.flags.unread = self.at < len;
        }
    }

    /// Closes for a reason of ours.
    fn give_up(&mut self, code: CloseCode, reason: &str) {
        let out = &mut Outbound::server(&mut self.peer.wire);
        // Closed already is as good.
        let _ = self.peer.tx.close(code, reason, out);
    }
}

/// Tells the handler that it is over: once, for whoever was told that it began.
pub(super) fn end<H: Handler<K>, K: Kernel>(
    handler: &mut H,
    state: &mut Option<H::State>,
    id: ConnectionId,
    closed: &Closed<'_>,
) {
    if let Some(state) = state.take() {
        // Should it panic, there is no connection left that could pay for it.
        let _ = catch_unwind(AssertUnwindSafe(|| handler.on_close(id, state, closed)));
    }
}
