//! One thread of the load: its connections on a loop, from the first to the last.
//!
//! Not here: what is sent when, and whether the replies are right; that is `load`.

use super::busy::{Busy, Watch};
use super::load::Load;
use super::payload::Payloads;
use super::report::Tally;
use super::schedule::{Nanos, SECOND, Schedule, Window};
use crate::connect::cause;
use core::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use core::time::Duration;
use sockeye::client::{
    Answer, Client, Closed, ConnectError, ConnectionId, Connector, Handler, Hub, Limits, Message,
    Peer, Settings, Timeouts,
};
use sockeye::proto::CloseCode;
use std::io;
use std::sync::{Arc, OnceLock};
use std::time::Instant;

/// Connections that a thread opens at the same time. A server's queue of those that it has not accepted is short, and
/// whoever finds it full waits for a second.
const OPENING: usize = 64;
/// What was sent may take that long to come back after the end.
const DRAIN: Nanos = 5 * SECOND;
/// How often progress is told, and others are looked at, where nothing happens.
const LOOK: Duration = Duration::from_millis(50);
/// The loop waits in whole milliseconds. Up to this long before a message is due, it does not wait but looks.
const CLOSE_TO_DUE: Nanos = SECOND / 1000;

/// What a thread is to do.
pub(crate) struct Plan {
    pub(crate) connector: Connector,
    pub(crate) payloads: Arc<Payloads>,
    /// The numbers of its connections.
    pub(crate) connections: Vec<usize>,
    pub(crate) pipeline: usize,
    /// Messages per second of all threads together, or flat out.
    pub(crate) rate: Option<u64>,
    pub(crate) thread: usize,
    pub(crate) threads: usize,
    pub(crate) warmup: Nanos,
    pub(crate) seconds: Nanos,
}

/// What threads know of each other.
pub(crate) struct Shared {
    start: Instant,
    ready: AtomicUsize,
    go: OnceLock<Nanos>,
    pub(crate) opened: AtomicUsize,
    pub(crate) replies: AtomicU64,
}

impl Shared {
    pub(crate) fn new() -> Self {
        Self {
            start: Instant::now(),
            ready: AtomicUsize::new(0),
            go: OnceLock::new(),
            opened: AtomicUsize::new(0),
            replies: AtomicU64::new(0),
        }
    }

    /// One clock for all.
    pub(crate) fn now(&self) -> Nanos {
        u64::try_from(self.start.elapsed().as_nanos()).unwrap_or(Nanos::MAX)
    }

    /// When everybody began to send, if they have.
    pub(crate) fn go(&self) -> Option<Nanos> {
        self.go.get().copied()
    }

    /// A thread has nothing to wait for any more. The last one to say so has all begin.
    fn ready(&self, threads: usize) {
        if self.ready.fetch_add(1, Ordering::AcqRel) + 1 == threads {
            let _ = self.go.set(self.now());
        }
    }
}

/// Does it. Gives what was counted, and how busy the thread was.
///
/// # Errors
///
/// When the operating system makes it impossible.
pub(crate) fn run(plan: Plan, shared: &Arc<Shared>) -> io::Result<(Tally, Busy)> {
    let begun = begin(&plan, shared);
    // Nobody may wait for one that failed.
    let opened = begun.and_then(|mut worker| worker.open_all().map(|()| worker));
    shared.ready(plan.threads);
    let mut worker = opened?;
    let go = worker.wait_for_all()?;
    let busy = worker.load(go)?;
    worker.close()?;
    Ok((worker.finish(), busy))
}

fn begin<'p>(plan: &'p Plan, shared: &Arc<Shared>) -> io::Result<Worker<'p>> {
    let lanes = plan.connections.iter().copied();
    let load = Load::new(Arc::clone(&plan.payloads), lanes, plan.pipeline);
    let handler = Lanes {
        load,
        payloads: Arc::clone(&plan.payloads),
        shared: Arc::clone(shared),
        connections: vec![None; plan.connections.len()],
        opening: 0,
        now: 0,
        last: usize::MAX,
    };
    // All that may be in flight may wait here: it is bench who sent it.
    let in_flight = plan.pipeline.saturating_mul(plan.payloads.size() + 64);
    let limits = Limits {
        max_queued: in_flight.saturating_add(1 << 20),
        ..Limits::default()
    };
    let settings = Settings::new(limits, Timeouts::default());
    Ok(Worker {
        client: Client::with_settings(handler, settings)?,
        shared: Arc::clone(shared),
        plan,
        told: 0,
    })
}

struct Worker<'p> {
    client: Client<Lanes>,
    shared: Arc<Shared>,
    plan: &'p Plan,
    /// Replies that the others know of.
    told: u64,
}

impl Worker<'_> {
    /// Opens all connections, as far as that is possible.
    fn open_all(&mut self) -> io::Result<()> {
        let mut begun = 0;
        while begun < self.plan.connections.len() || self.client.handler().opening > 0 {
            while begun < self.plan.connections.len() && self.client.handler().opening < OPENING {
                self.client.handler().opening += 1;
                self.client
                    .connect(&self.plan.connector, begun as u64)
                    .map_err(io::Error::other)?;
                begun += 1;
            }
            self.turn(Some(LOOK))?;
        }
        Ok(())
    }

    fn wait_for_all(&mut self) -> io::Result<Nanos> {
        loop {
            if let Some(go) = self.shared.go() {
                return Ok(go);
            }
            self.turn(Some(Duration::from_millis(1)))?;
        }
    }

    /// Sends until the window's end, and waits for what is in flight. Gives how busy it was.
    fn load(&mut self, go: Nanos) -> io::Result<Busy> {
        let window = Window::new(go, self.plan.warmup, self.plan.seconds);
        let (thread, threads) = (self.plan.thread as u64, self.plan.threads as u64);
        let schedule = self
            .plan
            .rate
            .map(|rate| Schedule::new(go, rate, thread, threads));
        self.client
            .handler()
            .load
            .start(window, schedule, self.shared.now());
        self.fill_all();
        let mut watch = Watch::default();
        loop {
            let now = self.shared.now();
            watch.look(window, now);
            let lanes = self.client.handler();
            let over = now >= window.end;
            let answered = over && lanes.load.is_answered();
            if answered
                || now >= window.end.saturating_add(DRAIN)
                || lanes.load.open().next().is_none()
            {
                return Ok(watch.busy());
            }
            let wait = match over {
                true => LOOK,
                false => self.send_due(window.end - now),
            };
            self.turn(Some(wait))?;
        }
    }

    /// Sends what is due. Gives how long the loop may wait, at most the given span.
    fn send_due(&mut self, most: Nanos) -> Duration {
        while let Some((lane, place)) = {
            let now = self.shared.now();
            self.client.handler().load.due(now)
        } {
            let connection = self.client.handler().connections[lane];
            let message = self.plan.payloads.message(place);
            // Of one that has ended, the handler is told in the next turn.
            let _ = connection.map(|id| self.client.with_peer(id, |peer, _| peer.send(message)));
        }
        let now = self.shared.now();
        match self.client.handler().load.next_due() {
            Some(due) => {
                let millis = due.saturating_sub(now).saturating_sub(CLOSE_TO_DUE) / 1_000_000;
                LOOK.min(Duration::from_millis(millis))
            }
            None => LOOK.min(Duration::from_nanos(most)),
        }
    }

    /// Flat out, everybody begins with as many messages as there may be.
    fn fill_all(&mut self) {
        for lane in 0..self.plan.connections.len() {
            if let Some(id) = self.client.handler().connections[lane] {
                let now = self.shared.now();
                let places: Vec<_> =
                    core::iter::from_fn(|| self.client.handler().load.fill(lane, now)).collect();
                self.client.with_peer(id, |peer, _| {
                    for place in places {
                        let _ = peer.send(self.plan.payloads.message(place));
                    }
                });
            }
        }
    }

    fn turn(&mut self, wait: Option<Duration>) -> io::Result<()> {
        // Time passes while the loop waits.
        self.client.handler().last = usize::MAX;
        self.client.turn(wait)?;
        let replies = self.client.handler().load.tally.replies();
        let new = replies - self.told;
        if new > 0 {
            self.shared.replies.fetch_add(new, Ordering::Relaxed);
            self.told = replies;
        }
        Ok(())
    }

    /// Closes what is open, and waits for the goodbyes; the loop sees to it that none is waited for too long.
    fn close(&mut self) -> io::Result<()> {
        let open: Vec<_> = self
            .client
            .handler()
            .connections
            .iter()
            .flatten()
            .copied()
            .collect();
        for id in open {
            self.client
                .with_peer(id, |peer, _| peer.close(CloseCode::NORMAL, ""));
        }
        while self.client.connections() > 0 {
            self.turn(Some(LOOK))?;
        }
        Ok(())
    }

    fn finish(mut self) -> Tally {
        let lanes = self.client.handler();
        let spent = Load::new(Arc::clone(&lanes.payloads), [], 0);
        core::mem::replace(&mut lanes.load, spent).finish()
    }
}

/// The connections, as the loop sees them.
struct Lanes {
    load: Load,
    payloads: Arc<Payloads>,
    shared: Arc<Shared>,
    connections: Vec<Option<ConnectionId>>,
    /// Those on their way.
    opening: usize,
    /// When the replies came that are being read, and of which lane: one look at the clock does for all that came
    /// together.
    now: Nanos,
    last: usize,
}

impl Lanes {
    fn now(&mut self, lane: usize) -> Nanos {
        if self.last != lane {
            self.last = lane;
            self.now = self.shared.now();
        }
        self.now
    }
}

impl Handler for Lanes {
    /// The lane.
    type State = usize;

    fn on_connect(&mut self, peer: &mut Peer<'_>, tag: u64, _: &Answer<'_>) -> usize {
        let lane = usize::try_from(tag).unwrap_or(usize::MAX);
        self.opening -= 1;
        self.shared.opened.fetch_add(1, Ordering::Relaxed);
        self.connections[lane] = Some(peer.id());
        self.load.opened(lane);
        lane
    }

    fn on_failed(&mut self, _: u64, error: ConnectError) {
        self.opening -= 1;
        self.load.failed(&error.to_string());
    }

    fn on_message(&mut self, peer: &mut Peer<'_>, lane: &mut usize, message: Message<'_>) {
        let now = self.now(*lane);
        self.load.reply(*lane, now, message);
        while let Some(place) = self.load.fill(*lane, now) {
            // Of one that is closing, `on_close` tells.
            let _ = peer.send(self.payloads.message(place));
        }
    }

    fn on_close(&mut self, _: &mut Hub<'_>, _: ConnectionId, lane: usize, closed: &Closed<'_>) {
        self.connections[lane] = None;
        let now = self.shared.now();
        let why = cause(closed).unwrap_or_else(|| match closed.reason {
            "" => format!("the server closed with {}", closed.code),
            reason => format!("the server closed with {} {reason:?}", closed.code),
        });
        self.load.closed(lane, now, &why);
    }
}
