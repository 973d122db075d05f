//! The loop: wait, serve what is ready, let time do its work, deliver what was said to others.
//!
//! One turn:
//!
//! 1. `poll`, at most until the next deadline, not at all while the ready list has entries;
//! 2. each report: a [swift](super::swift) turn of a session, as a rule; or flush and [`drive`](super::drive) it, or note
//!    that connections wait;
//! 3. the ready list: sessions that spent their budget with data left. Readiness is edge-triggered, so nobody else
//!    would remember them;
//! 4. broadcasts (`deliver`), as a rule in one write per connection; earlier when much has gathered;
//! 5. deadlines, whose goodbyes come behind what was said before;
//! 6. accepting, last, so that a storm of newcomers does not delay those who are there.
//!
//! Words: a *session* is one peer; its *exit* is its stream and what waits for it; its *phase* is handshake, open
//! (closing included) or ending (all is said, and what still arrives is discarded). The *tools* are what a loop has one
//! of: kernel, cork, pool; it receives into its *intake*. It is *stirred* where the end of a turn may have something to
//! do. What was said in *rooms* in this turn is *fresh*. A session is *at ease* when nothing is going on but that messages
//! come. It is *paused* when it stopped reading before the kernel had no more: it is owed a read that no report will
//! announce. It is *held* where the application does not want it to be read.
//!
//! Not here: what happens inside a session; that is `drive`. Who comes and goes, and what time brings: `arrivals`,
//! `deadlines`. Threads: one loop is one thread.

use super::ConnectionId;
use super::accept::Acceptor;
use super::clock::Clock;
use super::deadlines::TICK;
#[cfg(feature = "client")]
use super::dial::Dial;
use super::drive::{Begun, DEAR, Next, Turn};
#[cfg(feature = "server")]
use super::exchange::Alarm;
use super::exchange::{Exchange, Membership};
use super::facts::Fact;
use super::farewell::Farewell;
use super::id::Numbers;
#[cfg(feature = "client")]
use super::link::Links;
use super::mailbox::Wake;
use super::session::{Phase, Session};
use super::settings::Settings;
use super::stopping::Goodbyes;
use super::timer::{Entry, NEVER, Tick, Wheel, span_of};
use super::tools::{Intake, Tools};
use super::{Handler, Hub};
use crate::kernel::{Kernel, Ready};
use crate::proto::{Role, State};
use alloc::boxed::Box;
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::fmt;
use core::mem::{replace, take};
use core::time::Duration;
use slab::Slab;
use std::io;

/// A loop of a server, of clients or of both, on any kernel. [`Server`](crate::server::Server) and
/// [`Client`](crate::client::Client) are this on the real one.
pub struct EventLoop<H: Handler<K>, K: Kernel> {
    pub(super) handler: H,
    pub(super) sessions: Slab<Session<K::Stream, H::State>>,
    pub(super) tools: Tools<K>,
    pub(super) intake: Intake,
    pub(super) acceptor: Acceptor,
    pub(super) wheel: Wheel,
    pub(super) clock: Clock,
    /// How long it was to wait, and for which next deadline at which time.
    wait: ((Tick, Tick), Duration),
    /// Sessions with something left that nobody will report.
    ready_list: Vec<usize>,
    /// The list's other half: it is filled while it is worked off.
    ready_spare: Vec<usize>,
    pub(super) reports: Vec<Ready>,
    pub(super) fired: Vec<Entry>,
    /// Where the other loops are, if there are any.
    pub(super) membership: Option<Membership>,
    pub(super) numbers: Numbers,
    /// Which of the loops of an exchange this is.
    pub(super) worker: u32,
    /// Of attempts.
    #[cfg(feature = "client")]
    pub(super) serial: u32,
    /// Accepted sessions in [`Phase::Open`].
    pub(super) open: usize,
    /// Sessions that we opened, or are about to. They take nobody's place.
    pub(super) ours: usize,
    /// That it is to end, and why.
    pub(super) farewell: Option<Farewell>,
    /// Who is still to be told of it.
    pub(super) goodbyes: Option<Box<Goodbyes>>,
    /// Connections on their way out.
    #[cfg(feature = "client")]
    pub(super) dials: Slab<Dial<K::Stream>>,
    #[cfg(feature = "client")]
    pub(super) links: Links,
}

impl<H: Handler<K>, K: Kernel> EventLoop<H, K> {
    /// A loop that accepts from `kernel`.
    pub fn new(mut kernel: K, handler: H, settings: Settings) -> Self {
        let mut wheel = Wheel::new();
        if let Some(at) = settings.tick {
            wheel.insert(Entry { at, key: TICK }, 0);
        }
        Self {
            handler,
            sessions: Slab::new(),
            clock: Clock::new(kernel.now(), settings.watchdog),
            tools: Tools::new(kernel, settings),
            intake: Intake::new(),
            acceptor: Acceptor::default(),
            wheel,
            wait: ((0, 0), Duration::ZERO),
            ready_list: Vec::new(),
            ready_spare: Vec::new(),
            reports: Vec::new(),
            fired: Vec::new(),
            membership: None,
            numbers: Numbers::new(),
            worker: 0,
            #[cfg(feature = "client")]
            serial: 0,
            open: 0,
            ours: 0,
            farewell: None,
            goodbyes: None,
            #[cfg(feature = "client")]
            dials: Slab::new(),
            #[cfg(feature = "client")]
            links: Links::default(),
        }
    }

    /// Shares what is published with the other loops of an exchange, and hears its handles. Servers on the real kernel do this
    /// by themselves. `wake` is called by other threads: it is to make the kernel report [`Ready::Wake`], now or as soon as
    /// it is waited for, and must not panic.
    #[cfg(feature = "server")]
    pub fn join(&mut self, exchange: &Exchange, wake: impl Fn() + Send + Sync + 'static) {
        self.join_woken_by(exchange, Arc::new(Alarm(wake)));
    }

    pub(crate) fn join_woken_by(&mut self, exchange: &Exchange, wake: Arc<dyn Wake>) {
        let max_message = self.tools.settings.limits.connection.max_message;
        let membership = exchange.join(max_message, wake);
        self.worker = membership.worker();
        self.tools.rooms.join_others(&membership);
        self.membership = Some(membership);
    }

    /// Runs until it was asked to stop and every connection has ended, or the drain's time is up.
    ///
    /// # Errors
    ///
    /// Those of [`Kernel::poll`].
    pub fn run(&mut self) -> io::Result<()> {
        self.read_clock();
        while self.once_round(None)? {}
        Ok(())
    }

    /// One turn, waiting at most `max_wait`. Says whether to go on. More than a second between two turns counts as one:
    /// deadlines are for peers, and it was not they who were late.
    ///
    /// # Errors
    ///
    /// Those of [`Kernel::poll`].
    pub fn turn(&mut self, max_wait: Option<Duration>) -> io::Result<bool> {
        self.read_clock();
        self.once_round(max_wait)
    }

    /// One turn. The clock is read once, after the wait; a deadline may so be late by as long as the turn before took.
    fn once_round(&mut self, max_wait: Option<Duration>) -> io::Result<bool> {
        let timeout = self.timeout(max_wait);
        self.reports.clear();
        self.tools.kernel.poll(&mut self.reports, timeout)?;
        self.read_clock_after(timeout);
        for at in 0..self.reports.len() {
            self.on_report(self.reports[at]);
        }
        if self.tools.stirred {
            self.settle();
        }
        if self.wheel.next() <= self.tools.now {
            self.tools.stirred = true;
            self.on_time();
            // It may have found room for a peer that was not heard for want of it, and that spoke to all.
            self.deliver();
        }
        if self.acceptor.due_at() <= self.tools.now {
            self.tools.stirred = true;
            self.accept();
        }
        if self.tools.stirred {
            self.end_turn();
        }
        self.watch_turn();
        Ok(!(self.farewell.is_some() && self.sessions.is_empty()))
    }

    /// Serves those that nobody reports, and tells what was said to others.
    #[inline(never)]
    fn settle(&mut self) {
        if !self.ready_list.is_empty() {
            // Only here, so that those who are connected come first, and of the others who waits longest.
            self.tools.dear = DEAR;
            self.serve_ready_list();
            self.tools.dear = 0;
        }
        self.deliver();
    }

    #[inline(never)]
    fn end_turn(&mut self) {
        #[cfg(feature = "client")]
        if !self.tools.calls.is_empty() {
            self.place_calls();
        }
        if !self.tools.orders.is_empty() {
            self.carry_out_orders();
            // Whoever was let in was greeted, and the others may have been told of it.
            self.deliver();
        }
        self.keep_within_budget();
        self.await_sweep();
        self.tools.stirred = self.has_work();
    }

    /// Whether something is left for the next turn, which need not wait.
    fn has_work(&self) -> bool {
        !self.ready_list.is_empty() || self.tools.rooms.has_work() || !self.tools.orders.is_empty()
    }

    /// Connections, those in their opening handshake included.
    #[must_use]
    pub fn connections(&self) -> usize {
        self.sessions.len()
    }

    /// Its connections and their rooms.
    pub const fn hub(&mut self) -> Hub<'_> {
        self.tools.hub()
    }

    /// The kernel.
    pub const fn kernel(&mut self) -> &mut K {
        &mut self.tools.kernel
    }

    /// The handler.
    pub const fn handler(&mut self) -> &mut H {
        &mut self.handler
    }

    #[inline(always)]
    fn timeout(&mut self, max_wait: Option<Duration>) -> Option<Duration> {
        if self.tools.stirred && self.has_work() {
            return Some(Duration::ZERO);
        }
        let next = self.wheel.next().min(self.acceptor.due_at());
        if next == NEVER {
            return max_wait;
        }
        // Turns are many in a tick, and to divide is dear.
        let asked = (next, self.tools.now);
        if self.wait.0 != asked {
            self.wait = (asked, span_of(next.saturating_sub(self.tools.now)));
        }
        let wait = self.wait.1;
        Some(max_wait.map_or(wait, |max_wait| max_wait.min(wait)))
    }

    pub(super) fn serve(&mut self, slot: usize) {
        self.serve_on(slot, Begun::Nothing);
    }

    /// The same, where something was done already.
    pub(super) fn serve_on(&mut self, slot: usize, begun: Begun) {
        self.tools.stirred = true;
        let session = &mut self.sessions[slot];
        let before = session.phase;
        if before == Phase::Handshake {
            if session.exit.transport.is_handshaking() {
                let Some(left) = self.tools.dear.checked_sub(1) else {
                    // Those who are connected have their turn first.
                    return self.put_on_ready_list(slot);
                };
                self.tools.dear = left;
            }
            self.tools.refusing = self.farewell == Some(Farewell::Stop)
                || self.open >= self.tools.settings.limits.max_connections;
        }
        let mut turn = Turn {
            session,
            slot,
            handler: &mut self.handler,
            tools: &mut self.tools,
            intake: &mut self.intake,
        };
        let next = turn.drive(begun);
        if session.conn.state() != State::Open {
            self.tools.rooms.depart(session.id(slot));
        }
        if before != session.phase && session.conn.tx.role() == Role::Server {
            self.open -= usize::from(before == Phase::Open);
            self.open += usize::from(session.phase == Phase::Open);
        }
        if let Next::Gone(error) = next {
            #[cfg(feature = "client")]
            self.take_news(slot);
            self.remove(slot, error.as_ref());
        } else {
            let tools = &self.tools;
            session.arm(slot, &mut self.wheel, &tools.settings, tools.now);
            if let Next::Again = next {
                self.put_on_ready_list(slot);
            }
            #[cfg(feature = "client")]
            if self.tools.has_news() {
                self.on_news(slot);
            }
            self.account(slot);
        }
        if self.tools.rooms.is_full() {
            self.deliver();
        }
        if before == Phase::Handshake && self.farewell.is_some() {
            self.say_late_goodbye(slot);
        }
    }

    /// It was let in after the others were told to come back.
    #[cold]
    #[inline(never)]
    fn say_late_goodbye(&mut self, slot: usize) {
        let opened = |session: &Session<_, _>| session.phase == Phase::Open;
        if let Some(farewell) = self.farewell
            && self.sessions.get(slot).is_some_and(opened)
        {
            self.say_goodbye(slot, farewell);
        }
    }

    /// A session's turn brought something that its link has to know.
    #[cfg(feature = "client")]
    #[cold]
    fn on_news(&mut self, slot: usize) {
        let opened = self.take_news(slot);
        // Last: should it break, there is no session any more.
        if let Some((tag, id)) = opened {
            self.send_waiting(tag, id);
        }
    }

    /// Tells links what a session's turn brought, and which of them is open now.
    #[cfg(feature = "client")]
    fn take_news(&mut self, slot: usize) -> Option<(u64, ConnectionId)> {
        let id = self.sessions[slot].id(slot);
        let opened = self.tools.opened.take().map(|tag| (tag, id));
        if let Some((tag, id)) = opened {
            self.on_link_open(tag, id);
        }
        if let Some(code) = self.tools.close_code.take() {
            self.links.note_code(id, code);
        }
        if !self.tools.heard.is_empty() {
            self.links.note_place(id, &self.tools.heard);
            self.tools.heard.clear();
        }
        opened
    }

    pub(super) fn put_on_ready_list(&mut self, slot: usize) {
        let flags = &mut self.sessions[slot].flags;
        if !flags.facts.has(Fact::OnReadyList) {
            flags.facts.add(Fact::OnReadyList);
            self.tools.stirred = true;
            self.ready_list.push(slot);
        }
    }

    fn serve_ready_list(&mut self) {
        let mut list = replace(&mut self.ready_list, take(&mut self.ready_spare));
        for slot in list.drain(..) {
            if let Some(session) = self.sessions.get_mut(slot)
                && session.flags.facts.has(Fact::OnReadyList)
            {
                session.flags.facts.remove(Fact::OnReadyList);
                self.serve(slot);
            }
        }
        self.ready_spare = list;
    }

    /// Calls for each session; the call may remove it.
    pub(super) fn for_each_slot(&mut self, mut call: impl FnMut(&mut Self, usize)) {
        for slot in 0..self.sessions.capacity() {
            if self.sessions.contains(slot) {
                call(self, slot);
            }
        }
    }
}

impl<H: Handler<K>, K: Kernel> fmt::Debug for EventLoop<H, K> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("EventLoop")
            .field("connections", &self.sessions.len())
            .field("farewell", &self.farewell)
            .finish_non_exhaustive()
    }
}
