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
use crate::proto::{CloseCode, Event, Inbound, Outbound, Receiver, State};
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
        let unread = take(&mut session.flags.unread);
        let in_own = !session.own.is_empty();
        let (mut drained, mut bytes) = (true, 0);
        if !unread {
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
            drained = received.drained && !session.flags.hangup;
            bytes = received.bytes;
        }
        if let Err(error) = process(session, slot, handler, tools, in_own, drained) {
            return Next::Gone(Some(error));
        }
        if drained && !unread && !session.flags.unread {
            return Next::Wait;
        }
        budget = budget.saturating_sub(bytes);
        if budget == 0 && !unread && !session.flags.unread {
            session.flags.paused = true;
            return Next::Again;
        }
    }
}

/// Works through what lies in the session's own buffer or in the loop's. `drained` says that nothing more is waiting to
/// be received.
#[inline(always)]
fn process<H: Handler<K>, K: Kernel>(
    session: &mut Session<K::Stream, H::State>,
    slot: usize,
    handler: &mut H,
    tools: &mut Tools<K>,
    in_own: bool,
    drained: bool,
) -> io::Result<()> {
    let mut progress = Progress::default();
    // A handler that panics costs its own connection and no other.
    let work = AssertUnwindSafe(|| work(session, slot, handler, tools, in_own, &mut progress));
    if catch_unwind(work).is_err() {
        after_panic(session, slot, handler, tools, in_own, &mut progress);
    }
    // Lent to the handler, and not to be held while output waits.
    session.conn.rx.release();
    put_back(session, tools, progress.at, in_own, drained);
    if session.phase != Phase::Open || session.conn.is_over() {
        if session.phase == Phase::Open {
            session.enter(Phase::Ending, tools.now);
        }
        session.finish_if_done(&mut tools.kernel);
    }
    match progress.fate {
        Fate::Broken(error) => Err(error),
        Fate::Fine | Fate::Slow => Ok(()),
    }
}

/// How far the work has come; known also after a panic.
#[derive(Default)]
pub(super) struct Progress {
    /// Bytes done with.
    pub(super) at: usize,
    fate: Fate,
}

/// Calls what has to be called for the bytes received, and sends what was said.
#[inline]
fn work<H: Handler<K>, K: Kernel>(
    session: &mut Session<K::Stream, H::State>,
    slot: usize,
    handler: &mut H,
    tools: &mut Tools<K>,
    in_own: bool,
    progress: &mut Progress,
) {
    if session.phase == Phase::Handshake {
        Call::new(session, slot, handler, tools, in_own, progress).greet();
    }
    match session.phase {
        Phase::Handshake => {}
        Phase::Open => frames(Call::new(session, slot, handler, tools, in_own, progress)),
        Phase::Ending => Call::new(session, slot, handler, tools, in_own, progress).discard(),
    }
}

/// Keeps what is not done with: the beginning of the next message, in front of what the next read will bring if that
/// follows at once and it is small, or else in a buffer of its own size. The former keeps reads large where small
/// messages stand close.
#[inline]
fn put_back<S, D, K: Kernel>(
    session: &mut Session<S, D>,
    tools: &mut Tools<K>,
    at: usize,
    in_own: bool,
    drained: bool,
) {
    if !in_own && at == tools.read.len() && !session.exit.is_blocked() {
        tools.read.clear();
    } else {
        keep_rest(session, tools, at, in_own, drained);
    }
}

#[inline(never)]
fn keep_rest<S, D, K: Kernel>(
    session: &mut Session<S, D>,
    tools: &mut Tools<K>,
    at: usize,
    in_own: bool,
    drained: bool,
) {
    let mut data = take(if in_own {
        &mut session.own
    } else {
        &mut tools.read
    });
    let rest = data.len() - at;
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
    /// What is worked through.
    pub(super) data: &'c mut [u8],
    /// Bytes of it that are done with.
    pub(super) at: &'c mut usize,
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
}

impl<'c, H: Handler<K>, K: Kernel> Call<'c, H, K> {
    #[inline]
    fn new(
        session: &'c mut Session<K::Stream, H::State>,
        slot: usize,
        handler: &'c mut H,
        tools: &'c mut Tools<K>,
        in_own: bool,
        progress: &'c mut Progress,
    ) -> Self {
        let id = session.id(slot);
        let data = if in_own {
            session.own.as_mut_slice()
        } else {
            tools.read.as_mut_slice()
        };
        let start = data.as_ptr().addr();
        Self {
            peer: Peer {
                id,
                tx: &mut session.conn.tx,
                wire: Wire {
                    kernel: &mut tools.kernel,
                    exit: &mut session.exit,
                    cork: &mut tools.cork,
                    buffer: start..start + data.len(),
                    max_queued: tools.settings.limits.max_queued,
                    now: tools.now,
                    fate: &mut progress.fate,
                },
                mail: &mut tools.mail,
                told: &mut session.told,
            },
            data,
            at: &mut progress.at,
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
        }
    }

    /// All is said. What still arrives is not looked at.
    #[inline(never)]
    fn discard(mut self) {
        *self.at = self.data.len();
        self.peer.wire.flush();
    }

    /// Enters a phase.
    pub(super) const fn enter(&mut self, phase: Phase) {
        *self.phase = phase;
        self.times.restart(self.now);
    }
}

#[inline]
fn frames<H: Handler<K>, K: Kernel>(call: Call<'_, H, K>) {
    let Call {
        mut peer,
        data,
        at,
        rx,
        handler,
        state,
        inbound,
        times,
        flags,
        need,
        now,
        ..
    } = call;
    let before = peer.tx.state();
    let (mut completed, mut control) = (false, false);
    while *at < data.len() {
        let out = &mut Outbound::server(&mut peer.wire);
        let step = match rx.next(&mut data[*at..], inbound, peer.tx, out) {
            Ok(step) => step,
            Err(violation) => {
                tracing::debug!(peer = %peer.id, %violation, "protocol violation");
                // What follows a violation is not looked at.
                *at = data.len();
                let closed = Closed {
                    violation: Some(violation),
                    ..Closed::ABNORMAL
                };
                end(handler, state, peer.id, &closed);
                break;
            }
        };
        *at += step.consumed;
        let Some(event) = step.event else {
            *need = u32::try_from(step.need).unwrap_or(u32::MAX);
            break;
        };
        let message = match event {
            Event::Text(text) => Some(Message::Text(text)),
            Event::Binary(bytes) => Some(Message::Binary(bytes)),
            Event::Ping(_) => {
                control = true;
                times.heard = Stamp::of(now);
                None
            }
            Event::Pong(payload) => {
                control = true;
                // Only the answer to our question shows that somebody is there.
                if flags.pinged && payload == times.nonce {
                    flags.pinged = false;
                    times.heard = Stamp::of(now);
                }
                None
            }
            Event::Close(close) => {
                let closed = Closed {
                    code: close.number(),
                    reason: close.reason,
                    clean: true,
                    violation: None,
                };
                end(handler, state, peer.id, &closed);
                None
            }
            // The server asks for whole messages.
            Event::Part(_) => None,
        };
        if let Some(message) = message {
            completed = true;
            if let Some(state) = state {
                handler.on_message(&mut peer, state, message);
            }
        }
        // The peer has to read before it is answered further.
        if peer.wire.exit.is_blocked() || !peer.wire.is_fine() {
            flags.unread = *at < data.len();
            break;
        }
    }
    if completed {
        times.heard = Stamp::of(now);
        times.message = Stamp::of(now);
    }
    let in_message = rx.is_mid_message();
    // Bytes that were not looked at may be whole messages; the peer is not to blame for them.
    let assembling = in_message || *at < data.len() && !flags.unread;
    if assembling {
        // Between fragments a control frame ends nothing.
        let ended = completed || control && !in_message;
        if ended || !flags.assembling {
            times.assembling = Stamp::of(now);
        }
    }
    flags.assembling = assembling;
    finish(&mut peer, flags, times, before, now);
}

/// The handler panicked: its connection ends, with what HTTP or WebSocket has for that.
#[cold]
#[inline(never)]
fn after_panic<H: Handler<K>, K: Kernel>(
    session: &mut Session<K::Stream, H::State>,
    slot: usize,
    handler: &mut H,
    tools: &mut Tools<K>,
    in_own: bool,
    progress: &mut Progress,
) {
    let mut call = Call::new(session, slot, handler, tools, in_own, progress);
    call.flags.slow |= matches!(call.peer.wire.fate, Fate::Slow);
    call.peer.wire.reserve();
    if *call.phase == Phase::Handshake {
        call.refuse(Refusal::new(500, "the server made a mistake"));
        *call.at = call.data.len();
    } else {
        give_up(&mut call.peer, CloseCode::INTERNAL_ERROR, "");
        // The peer's Close frame may be in it.
        call.flags.unread = *call.at < call.data.len();
    }
    // Only an open connection's handler is called; it may have closed it before it panicked.
    let before = State::Open;
    finish(&mut call.peer, call.flags, call.times, before, call.now);
}

/// Tells a slow peer that it is, and sends what was said.
#[inline(always)]
fn finish<K: Kernel>(
    peer: &mut Peer<'_, K>,
    flags: &mut Flags,
    times: &mut Times,
    before: State,
    now: Tick,
) {
    if let Fate::Slow = peer.wire.fate {
        peer.wire.reserve();
        flags.slow = true;
        give_up(peer, CloseCode::TRY_AGAIN_LATER, "reads too slowly");
    }
    peer.wire.flush();
    let state = peer.tx.state();
    if state != before && state == State::Closing {
        times.since = Stamp::of(now);
    }
}

/// Closes for a reason of ours.
#[inline(never)]
fn give_up<K: Kernel>(peer: &mut Peer<'_, K>, code: CloseCode, reason: &str) {
    // Closed already is as good.
    let _ = peer
        .tx
        .close(code, reason, &mut Outbound::server(&mut peer.wire));
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
