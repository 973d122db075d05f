//! Driving one session: receive, let the core find events, call the handler, send.
//!
//! ```text
//! recv ─► the loop's buffer ──► Receiver::next ──► handler ──► cork ──► one send
//!            │ a message spans reads: moved once into          │ a big payload: written from where it lies
//!            ▼ the session's own buffer, which then grows      ▼ what is not taken: the outbox
//! ```
//!
//! Not here: which session is driven when, and deadlines; that is `event_loop` and `session`.

use super::budget::Budget;
use super::call::{Call, Progress};
use super::frames::{end, finish, frames, give_up};
use super::greet::mistake;
use super::orders::Orders;
use super::pool::Pool;
use super::random::Random;
use super::rooms::{Gathered, Rooms};
use super::session::{Phase, Session};
use super::settings::Settings;
use super::timer::Tick;
use super::wire::{CORK, Fate};
use super::{Cause, Closed, Handler, Hub};
#[cfg(feature = "client")]
use crate::client::Connector;
use crate::kernel::Kernel;
use crate::proto::deflate::Compressor;
use crate::proto::{CloseCode, Inbound, Role, State};
use alloc::vec::Vec;
use core::mem::take;
use core::panic::AssertUnwindSafe;
use std::io;
use std::panic::catch_unwind;

/// Bytes that one read brings at most.
pub(super) const READ: usize = 64 << 10;
/// Bytes received, or given to its handler, after which the next session has its turn.
pub(super) const BUDGET: usize = 256 << 10;

/// Steps of TLS handshakes in one turn: each takes as long as hundreds of messages.
pub(super) const DEAR: u32 = 8;

/// What a loop has one of, for all its sessions.
#[derive(Debug)]
pub(super) struct Tools<K> {
    pub(super) kernel: K,
    /// The one read buffer.
    pub(super) read: Vec<u8>,
    /// What TLS streams receive into.
    pub(super) records: Vec<u8>,
    /// The one cork.
    pub(super) cork: Vec<u8>,
    pub(super) pool: Pool,
    pub(super) inbound: Inbound,
    pub(super) compressor: Compressor,
    pub(super) rooms: Rooms,
    pub(super) orders: Orders,
    pub(super) budget: Budget,
    /// What a connection is to be told.
    pub(super) gathered: Gathered,
    pub(super) settings: Settings,
    pub(super) random: Random,
    pub(super) now: Tick,
    /// Handshakes of TLS that may still be served in this turn.
    pub(super) dear: u32,
    /// The code of the Close frame that came just now.
    pub(super) close_code: Option<u16>,
    /// New requests are answered with 503.
    pub(super) refusing: bool,
    /// Connections that handlers asked for in this turn.
    #[cfg(feature = "client")]
    pub(super) calls: Vec<(Connector, u64)>,
    /// The tag of a link that is open now.
    #[cfg(feature = "client")]
    pub(super) opened: Option<u64>,
}

impl<K: Kernel> Tools<K> {
    pub(super) fn new(kernel: K, settings: Settings) -> Self {
        Self {
            kernel,
            read: Vec::with_capacity(READ),
            records: Vec::new(),
            cork: Vec::with_capacity(CORK),
            pool: Pool::default(),
            inbound: Inbound::new(),
            // Where nobody may agree to compression, it may still be asked to by those of another loop.
            compressor: Compressor::new(&settings.connection.deflate.clone().unwrap_or_default()),
            rooms: Rooms::new(settings.rooms.clone(), settings.limits.max_queued),
            orders: Orders::default(),
            budget: Budget::default(),
            gathered: Gathered::default(),
            settings,
            random: Random::new(K::random),
            now: 0,
            dear: 0,
            close_code: None,
            refusing: false,
            #[cfg(feature = "client")]
            calls: Vec::new(),
            #[cfg(feature = "client")]
            opened: None,
        }
    }

    /// Whether a session's turn brought something that its link has to know.
    #[cfg(feature = "client")]
    pub(super) const fn has_news(&self) -> bool {
        self.opened.is_some() || self.close_code.is_some()
    }

    /// What a handler reaches of the others.
    pub(super) const fn hub(&mut self) -> Hub<'_> {
        Hub {
            rooms: &mut self.rooms,
            compressor: &mut self.compressor,
            orders: &mut self.orders,
            now: self.now,
        }
    }

    /// Frees what one large compressed message needed.
    #[inline(never)]
    fn release(&mut self) {
        self.inbound.release();
        self.compressor.release();
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
        // Who does not read is not heard further.
        let (role, most) = (session.conn.tx.role(), tools.settings.limits.max_queued);
        let stuck = session.phase == Phase::Open && session.exit.is_stuck(role, most);
        if stuck || session.is_held() {
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
            let exit = &mut session.exit;
            let received =
                match exit.receive(&mut tools.kernel, buffer, &mut tools.records, tools.now) {
                    // Who has ended may still read: what waits goes out first, while there is time. Where that is our
                    // request, nobody is left to answer it.
                    Ok(received)
                        if received.ended
                            && exit.is_blocked()
                            && (session.phase != Phase::Handshake
                                || session.conn.tx.role() == Role::Server) =>
                    {
                        session.flags.paused = true;
                        return Next::Wait;
                    }
                    Ok(received) if received.ended => return Next::Gone(None),
                    Ok(received) => received,
                    Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Next::Wait,
                    Err(error) => return broken(session, slot, handler, tools, error),
                };
            // A short read means drained, but not where the end may already stand behind it.
            drained = received.drained && !session.flags.hangup;
            bytes = received.taken.max(received.bytes);
            // Records without anything in them for us: a handshake's, say.
            if received.bytes == 0 {
                if drained {
                    return Next::Wait;
                }
                budget = budget.saturating_sub(bytes.max(1));
                if budget == 0 {
                    session.flags.paused = true;
                    return Next::Again;
                }
                continue;
            }
        }
        let spent = match process(session, slot, handler, tools, in_own, drained) {
            Ok(spent) => spent,
            Err(error) => return Next::Gone(Some(error)),
        };
        if drained && !unread && !session.flags.unread {
            return Next::Wait;
        }
        budget = budget.saturating_sub(bytes.max(spent));
        if budget == 0 {
            session.flags.paused = true;
            return Next::Again;
        }
    }
}

/// The stream is broken. Where its records were, the peer was told so, and is to hear it: the end of our side comes behind
/// that, and what still arrives is discarded, so that no reset overtakes it.
#[cold]
#[inline(never)]
fn broken<H: Handler<K>, K: Kernel>(
    session: &mut Session<K::Stream, H::State>,
    slot: usize,
    handler: &mut H,
    tools: &mut Tools<K>,
    error: io::Error,
) -> Next {
    let asked = session.conn.tx.role() == Role::Client && session.phase == Phase::Handshake;
    if error.kind() != io::ErrorKind::InvalidData || session.phase == Phase::Ending || asked {
        return Next::Gone(Some(error));
    }
    tracing::debug!(peer = %session.id(slot), %error, "TLS failed");
    let id = session.id(slot);
    end(
        handler,
        &mut tools.hub(),
        &mut session.state,
        id,
        &Closed::abnormal(Cause::Tls),
    );
    if session.phase == Phase::Handshake {
        session.opening = None;
        session.enter(Phase::Ending, tools.now);
    }
    wind_up(session, slot, tools);
    // What was read may not have been all, and the end may stand behind it: neither is reported again.
    Next::Again
}

/// Works through what lies in the session's own buffer or in the loop's. `drained` says that nothing more is waiting to
/// be received. Gives how many bytes the handler was given.
#[inline(always)]
fn process<H: Handler<K>, K: Kernel>(
    session: &mut Session<K::Stream, H::State>,
    slot: usize,
    handler: &mut H,
    tools: &mut Tools<K>,
    in_own: bool,
    drained: bool,
) -> io::Result<usize> {
    let mut progress = Progress::default();
    // A handler that panics costs its own connection and no other.
    let work = AssertUnwindSafe(|| work(session, slot, handler, tools, in_own, &mut progress));
    if catch_unwind(work).is_err() {
        after_panic(session, slot, handler, tools, in_own, &mut progress);
    }
    // Lent to the handler, and not to be held while output waits.
    session.conn.rx.release();
    if session.conn.tx.deflate().is_some() {
        tools.release();
    }
    put_back(session, tools, progress.at, in_own, drained);
    if session.phase != Phase::Open || session.conn.is_over() {
        wind_up(session, slot, tools);
    }
    match progress.fate {
        Fate::Broken(error) => Err(error),
        Fate::Fine | Fate::Slow => Ok(progress.spent),
    }
}

/// All is said on both sides, or not yet anything; our side of the stream may end here.
#[inline(never)]
fn wind_up<K: Kernel, D>(session: &mut Session<K::Stream, D>, slot: usize, tools: &mut Tools<K>) {
    if session.phase == Phase::Open {
        tools.rooms.depart(session.id(slot));
        session.enter(Phase::Ending, tools.now);
    }
    session.finish_if_done(&mut tools.kernel, tools.now);
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
    if let Fate::Slow = call.peer.wire.fate {
        call.flags.cause = Cause::TooSlow;
    }
    call.peer.wire.reserve();
    if *call.phase == Phase::Handshake {
        let is_head = call.settings.pages && call.data.starts_with(b"HEAD ");
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
    finish(&mut call.peer, call.flags, call.times, before, call.now);
}
