//! The service behind the socket: [`Desk`]. It shows what there is each second and what is said ten times a second, and
//! has orders done.
//!
//! Who reads slowly is shown less: no snapshot as long as something waits for it, and lines of a tap only where little
//! does. Those wait in the tap, where they are bounded and what is too much is lost and counted.
//!
//! Not here: what orders do; where snapshots and lines come from, which is [`Monitor`].

use super::orders::{Order, Undone};
use crate::app::json::{BadParam, Commands, Failure, Letter, error, reply};
use crate::app::watch::{Query, Tap};
use crate::app::{Conn, Monitor, Scope, Service, Upgrade};
use crate::server::{Closed, ConnectionId, Message};
use alloc::string::{String, ToString as _};
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::mem::take;
use core::time::Duration;
use serde::Deserialize;
use std::sync::{Mutex, MutexGuard, PoisonError};

/// How often is looked after what is to be shown.
const TURN: Duration = Duration::from_millis(100);
/// From one snapshot to the next.
const PERIOD: Duration = Duration::from_secs(1);
/// How long the workers may take for a report before what there is has to do.
const PATIENCE: Duration = Duration::from_secs(2);
/// Lines that are shown in a turn: with ten turns in a second, more than a worker writes.
const LINES: usize = 500;
/// Bytes that may wait for somebody who is shown more lines.
const MUCH: usize = 256 << 10;
/// Orders of a connection that may wait for a report.
const ORDERS: usize = 32;

/// Who looks, and at what; for all workers.
pub(super) struct Company {
    pub(super) monitor: Monitor,
    members: Mutex<Vec<ConnectionId>>,
}

impl Company {
    pub(super) const fn new(monitor: Monitor) -> Self {
        Self {
            monitor,
            members: Mutex::new(Vec::new()),
        }
    }

    /// The connections of these desks: nothing that is said to all is for them.
    pub(super) fn members(&self) -> Vec<ConnectionId> {
        self.lock().clone()
    }

    /// Whether a connection is one of those that are reported.
    pub(super) fn is_reported(&self, id: ConnectionId) -> bool {
        let found = self.monitor.connection(id.get());
        found.is_some_and(|found| found.id == id)
    }

    fn lock(&self) -> MutexGuard<'_, Vec<ConnectionId>> {
        // A list is whole whoever panicked beside it.
        self.members.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What is kept for each who looks.
#[derive(Default)]
pub(super) struct Seat {
    watch: Option<Watch>,
    tap: Option<Tap>,
    /// In the order in which they came: none is done before those before it.
    orders: Vec<Waiting>,
}

/// What somebody wants to see, and when.
struct Watch {
    query: Query,
    next: Duration,
    /// From here on also a snapshot that is not complete will do.
    at_any_rate: Duration,
}

/// An order that is not done yet, as a connection that it names may not have been reported.
struct Waiting {
    order: Order,
    /// The request to be answered.
    id: Option<u64>,
    /// How often workers had reported when it came.
    reported: Vec<u64>,
    until: Duration,
}

pub(super) struct Desk {
    company: Arc<Company>,
    commands: Commands<Seat>,
    /// Whether the next turn is ordered.
    is_running: bool,
}

#[derive(Deserialize)]
struct WatchParam {
    filter: Option<String>,
    offset: Option<usize>,
    limit: Option<usize>,
}

#[derive(Deserialize)]
struct TapParam {
    on: bool,
}

impl Desk {
    pub(super) fn new(company: &Arc<Company>) -> Self {
        Self {
            commands: commands(company),
            company: Arc::clone(company),
            is_running: false,
        }
    }

    /// Sees to it that there is a next turn.
    fn run_soon(&mut self, scope: &mut Scope<'_, Seat>) {
        if !self.is_running {
            self.is_running = true;
            scope.after(TURN, 0);
        }
    }

    /// Shows and does what is due for one of those who look.
    fn serve(&self, scope: &mut Scope<'_, Seat>, id: ConnectionId) {
        let (now, waiting) = (scope.now(), scope.queued_bytes_of(id));
        let mut letters = Vec::new();
        let mut orders = Vec::new();
        if let Some(seat) = seat(scope, id) {
            if waiting == 0 {
                letters.extend(seat.snapshot(&self.company.monitor, now));
            }
            if waiting < MUCH {
                seat.lines(&mut letters);
            }
            orders = take(&mut seat.orders);
        }
        for letter in letters {
            let _ = scope.send_to(id, &letter);
        }
        carry_out(&self.company, scope, id, &mut orders);
        if let Some(seat) = seat(scope, id) {
            seat.orders = orders;
        }
    }
}

fn seat<'s>(scope: &'s mut Scope<'_, Seat>, id: ConnectionId) -> Option<&'s mut Seat> {
    let mut seats = scope.users_mut();
    seats.find(|(other, _)| *other == id).map(|(_, seat)| seat)
}

/// Has orders done, up to the first that has to wait.
fn carry_out(
    company: &Company,
    scope: &mut Scope<'_, Seat>,
    id: ConnectionId,
    orders: &mut Vec<Waiting>,
) {
    while let Some(first) = orders.first() {
        match first.carry_out(company, scope) {
            Outcome::Wait => break,
            Outcome::Done(answer) => {
                if let Some(answer) = answer {
                    let _ = scope.send_to(id, &answer);
                }
                orders.remove(0);
            }
        }
    }
}

impl Service for Desk {
    type User = Seat;

    fn open(&mut self, conn: &mut Conn<'_, Seat>, _: &mut Seat, upgrade: &Upgrade<'_>) {
        tracing::info!(id = %conn.id(), addr = %upgrade.addr(), "somebody looks into the server");
        self.company.lock().push(conn.id());
        // So that the workers have begun when the first command comes.
        self.company.monitor.ask_from(conn);
        self.run_soon(conn);
    }

    fn message(&mut self, conn: &mut Conn<'_, Seat>, seat: &mut Seat, message: Message<'_>) {
        self.company.monitor.ask_from(conn);
        self.commands.message(conn, seat, message);
        let id = conn.id();
        carry_out(&self.company, conn, id, &mut seat.orders);
    }

    fn close(&mut self, _: &mut Scope<'_, Seat>, id: ConnectionId, _: Seat, _: &Closed<'_>) {
        self.company.lock().retain(|other| *other != id);
    }

    fn timer(&mut self, scope: &mut Scope<'_, Seat>, _: u64) {
        let ids: Vec<_> = scope.users().map(|(id, _)| id).collect();
        for id in &ids {
            self.serve(scope, *id);
        }
        self.is_running = false;
        if !ids.is_empty() {
            self.run_soon(scope);
        }
    }
}

impl Seat {
    /// The snapshot that is due, if one is.
    fn snapshot(&mut self, monitor: &Monitor, now: Duration) -> Option<String> {
        let watch = self.watch.as_mut().filter(|watch| watch.next <= now)?;
        let snapshot = monitor.snapshot(&watch.query);
        if !snapshot.complete && now < watch.at_any_rate {
            return None;
        }
        watch.next = now + PERIOD;
        Letter::new("snapshot").param(&snapshot).ok()
    }

    /// What the tap has heard.
    fn lines(&mut self, letters: &mut Vec<String>) {
        let Some(tap) = &mut self.tap else {
            return;
        };
        let tapped = tap.take(LINES);
        let lines = tapped.lines.iter();
        letters.extend(lines.filter_map(|line| Letter::new("tap").param(&**line).ok()));
        if tapped.lost > 0 {
            #[derive(serde::Serialize)]
            struct Lost {
                count: u64,
            }
            let count = tapped.lost;
            letters.extend(Letter::new("tap-lost").param(&Lost { count }).ok());
        }
    }
}

/// What has come of an order.
enum Outcome {
    /// Nothing yet.
    Wait,
    /// All that will; what is to be answered.
    Done(Option<String>),
}

impl Waiting {
    /// Does it, if that can be done now.
    fn carry_out(&self, company: &Company, scope: &mut Scope<'_, Seat>) -> Outcome {
        let is_late = scope.now() >= self.until;
        if !company.monitor.is_current() && !is_late {
            return Outcome::Wait;
        }
        match self.order.run(company, scope) {
            Ok(done) => Outcome::Done(self.id.and_then(|id| reply(id, &done).ok())),
            Err(Undone::Nobody) if !is_late && !self.is_reported_since(company) => Outcome::Wait,
            Err(Undone::Nobody) => {
                Outcome::Done(Some(error(self.id, "there is no such connection")))
            }
            Err(Undone::Because(failure)) => {
                Outcome::Done(Some(error(self.id, &failure.to_string())))
            }
        }
    }

    /// Whether all workers have reported since it came.
    fn is_reported_since(&self, company: &Company) -> bool {
        let reported = company.monitor.reported();
        let mut both = self.reported.iter().zip(&reported);
        both.all(|(before, now)| now > before)
    }
}

impl WatchParam {
    fn query(self) -> Query {
        let query = Query::new()
            .filter(self.filter.unwrap_or_default())
            .offset(self.offset.unwrap_or(0));
        match self.limit {
            Some(limit) => query.limit(limit),
            None => query,
        }
    }
}

/// What can be said to the desk.
fn commands(company: &Arc<Company>) -> Commands<Seat> {
    let monitor = company.monitor.clone();
    let to_send = company.monitor.clone();
    let to_close = company.monitor.clone();
    Commands::new()
        .on(
            "watch",
            |conn, seat: &mut Seat, param: Option<WatchParam>| {
                let now = conn.now();
                seat.watch = Some(Watch {
                    query: param.map_or_else(Query::new, WatchParam::query),
                    next: now,
                    at_any_rate: now + PATIENCE,
                });
            },
        )
        .on("tap", move |_, seat, TapParam { on }| {
            if !on {
                seat.tap = None;
            } else if seat.tap.is_none() {
                let tap = monitor.tap();
                seat.tap = Some(tap.ok_or("there are too many taps already")?);
            }
            Ok::<(), Failure>(())
        })
        .on_envelope("send", move |conn, seat, envelope| {
            let order = envelope.param().map(Order::Send);
            enqueue(conn, seat, &to_send, envelope.id, order);
        })
        .on_envelope("close", move |conn, seat, envelope| {
            let order = envelope.param().map(Order::Close);
            enqueue(conn, seat, &to_close, envelope.id, order);
        })
}

/// Takes an order that is one; whoever gives too many at once is told.
fn enqueue(
    conn: &mut Conn<'_, Seat>,
    seat: &mut Seat,
    monitor: &Monitor,
    id: Option<u64>,
    order: Result<Order, BadParam>,
) {
    let refusal = match order {
        Ok(order) if seat.orders.len() < ORDERS => {
            let until = conn.now() + PATIENCE;
            let reported = monitor.reported();
            return seat.orders.push(Waiting {
                order,
                id,
                reported,
                until,
            });
        }
        Ok(_) => "too many commands wait already".to_string(),
        Err(bad) => bad.to_string(),
    };
    let _ = conn.send(&error(id, &refusal));
}
