//! A node's thread: it carries between loops and broker what the engine makes of it.
//!
//! Nothing waits for the broker but this thread, and nothing that it holds meanwhile is without bound: what is to be said
//! waits in the engine's queue, and while loops have no room for what was heard, nothing more is heard.
//!
//! Not here: what is said and heard; that is `engine`.

use super::engine::{Engine, Orders, Read, Told};
use super::{Backplane, BackplaneEvent, Inlet, Outlet, Subject, Trouble};
use crate::reactor::{Bridge, Wake};
use alloc::collections::VecDeque;
use alloc::string::ToString;
use alloc::sync::Arc;
use core::cell::{Cell, RefCell};
use core::future::Future;
use core::mem::replace;
use core::pin::pin;
use core::sync::atomic::{AtomicBool, Ordering};
use core::time::Duration;
use tokio::sync::Notify;
use tokio::time::{Instant, sleep, sleep_until, timeout};

/// A broker that cannot be connected to for so long is tried again.
const CONNECT: Duration = Duration::from_secs(3);
/// How long to wait before that, at first and at most; a part of it that is drawn.
const FIRST_WAIT: Duration = Duration::from_millis(100);
const LONGEST_WAIT: Duration = Duration::from_secs(2);
/// How long goodbye may take.
const GOODBYE: Duration = Duration::from_secs(1);
/// Loops are to have room for so much before they are told more, and are looked at again after so much.
const ROOM: usize = 8 << 20;
const SLICE: usize = 1 << 20;
/// What may wait for them, in bytes. Brokers drop whoever takes so long, too.
const MAX_WAITING: usize = 64 << 20;
/// How many rooms are subscribed to at a time.
const SUBSCRIPTIONS: usize = 1000;
/// A connection that has held for so long was no mere attempt.
const STABLE: Duration = Duration::from_secs(5);
/// When to look again, where they have not.
const LOOK_AGAIN: Duration = Duration::from_millis(5);

/// Where others put what they want of the thread.
#[derive(Default)]
pub(super) struct Desk {
    /// Loops have said something, or it is to leave.
    bell: Notify,
    leaving: AtomicBool,
}

impl Desk {
    /// It is to say goodbye.
    pub(super) fn leave(&self) {
        self.leaving.store(true, Ordering::Relaxed);
        self.bell.notify_one();
    }

    fn is_leaving(&self) -> bool {
        self.leaving.load(Ordering::Relaxed)
    }
}

impl Wake for Desk {
    fn wake(&self) {
        self.bell.notify_one();
    }
}

/// What the thread's tasks share.
struct Work<'w> {
    engine: RefCell<Engine>,
    bridge: RefCell<Bridge>,
    desk: &'w Desk,
    /// The engine has orders.
    orders: Notify,
    /// The time that is waited for, and that there is an earlier one.
    waits_until: Cell<Option<Duration>>,
    earlier: Notify,
    begun: Instant,
}

/// Who looks at a log wants to know whom else there is; what is missed, services say.
fn log(event: &BackplaneEvent) {
    match event {
        BackplaneEvent::Joined { name, .. } => tracing::info!(%name, "another node is there"),
        BackplaneEvent::Left { name, lost, .. } => {
            tracing::warn!(%name, lost, "another node is gone");
        }
        event => tracing::debug!(?event, "backplane"),
    }
}

/// Runs until it is to leave.
pub(super) fn run(backplane: impl Backplane, bridge: Bridge, engine: Engine, desk: &Desk) {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build();
    let runtime = match runtime {
        Ok(runtime) => runtime,
        Err(error) => {
            tracing::error!(%error, "no backplane: rooms stay on this node");
            return;
        }
    };
    let work = Work {
        engine: RefCell::new(engine),
        bridge: RefCell::new(bridge),
        desk,
        orders: Notify::new(),
        waits_until: Cell::new(None),
        earlier: Notify::new(),
        begun: Instant::now(),
    };
    runtime.block_on(work.go(backplane));
    drop(work);
    // What still resolves a name is not waited for.
    runtime.shutdown_background();
}

impl Work<'_> {
    async fn go<B: Backplane>(&self, mut backplane: B) {
        let label = backplane.label();
        let mut wait = FIRST_WAIT;
        // Whoever reads the log is told once, and not at each attempt.
        let mut is_logged = false;
        while !self.desk.is_leaving() {
            let connecting = async {
                let connected = timeout(CONNECT, backplane.connect()).await;
                connected.unwrap_or_else(|_| Err(Trouble::new("it does not answer")))
            };
            let Some(connected) = self.unless_leaving(connecting).await else {
                return;
            };
            let trouble = match connected {
                Ok((outlet, inlet)) => {
                    tracing::info!(broker = label, "connected");
                    is_logged = false;
                    self.with_engine(Engine::on_up);
                    let begun = Instant::now();
                    let carried = self.carry(outlet, inlet).await;
                    if begun.elapsed() > STABLE {
                        wait = FIRST_WAIT;
                    }
                    match carried {
                        Some(trouble) => trouble,
                        None => return,
                    }
                }
                Err(trouble) => trouble,
            };
            if replace(&mut is_logged, true) {
                tracing::debug!(broker = label, %trouble, "still no connection to the broker");
            } else {
                tracing::warn!(broker = label, %trouble, "no connection to the broker");
            }
            let why = trouble.to_string();
            self.with_engine(|engine| engine.on_down(&why));
            if self.unless_leaving(sleep(part_of(wait))).await.is_none() {
                return;
            }
            wait = (wait * 2).min(LONGEST_WAIT);
        }
    }

    /// Carries both ways until something is in the way, or it has left.
    async fn carry<O: Outlet, I: Inlet>(&self, mut outlet: O, mut inlet: I) -> Option<Trouble> {
        let both = async {
            tokio::select! {
                trouble = self.speak(&mut outlet) => trouble,
                trouble = self.listen(&mut inlet) => Some(trouble),
            }
        };
        let mut both = pin!(both);
        match self.unless_leaving(both.as_mut()).await {
            Some(trouble) => trouble,
            None => {
                self.orders.notify_one();
                // What is on its way gets there, and then all that waits.
                let _ = timeout(GOODBYE, both).await;
                None
            }
        }
    }

    /// Says what is to be said. `None`: and goodbye.
    async fn speak(&self, outlet: &mut impl Outlet) -> Option<Trouble> {
        loop {
            if !self.engine.borrow().has_orders() {
                if self.desk.is_leaving() {
                    let words = self.engine.borrow_mut().last_words();
                    return self.carry_out(words, outlet).await.err();
                }
                self.orders.notified().await;
                continue;
            }
            let orders = self.engine.borrow_mut().orders();
            if let Err(trouble) = self.carry_out(orders, outlet).await {
                return Some(trouble);
            }
        }
    }

    async fn carry_out(&self, orders: Orders, outlet: &mut impl Outlet) -> Result<(), Trouble> {
        if !orders.unsubscribe.is_empty() {
            outlet.unsubscribe(&orders.unsubscribe).await?;
        }
        // So many that they are answered in time, however many there are.
        for some in orders.subscribe.chunks(SUBSCRIPTIONS) {
            outlet.subscribe(some).await?;
            self.with_engine(|engine| engine.on_subscribed(some));
        }
        // Before anything is fetched: the engine takes for lost what is neither there nor still to be said.
        if !orders.append.is_empty() {
            outlet.append(orders.append).await?;
        }
        if !orders.publish.is_empty() {
            outlet.publish(orders.publish).await?;
        }
        for (room, history) in orders.fetch {
            let stored = outlet
                .fetch(&Subject::Room(Arc::clone(&room)), history)
                .await?;
            self.with_engine(|engine| engine.on_fetched(&room, stored));
        }
        Ok(())
    }

    /// Hears the others at any time, and tells the loops when they have room for it.
    async fn listen(&self, inlet: &mut impl Inlet) -> Trouble {
        let (mut waiting, mut bytes) = (VecDeque::<Read>::new(), 0);
        loop {
            let mut told = 0;
            while let Some(read) = waiting.front()
                && (told > 0 || self.bridge.borrow().has_room(ROOM.max(2 * read.bytes())))
                && let Some(read) = waiting.pop_front()
            {
                let size = read.bytes();
                bytes -= size;
                // Loops are looked at again now and then.
                told = (told + size) % SLICE;
                self.with_engine(|engine| engine.on_read(read));
            }
            let is_held_up = !waiting.is_empty();
            self.engine.borrow_mut().set_held_up(is_held_up);
            let look_again = async {
                if !is_held_up {
                    core::future::pending::<()>().await;
                }
                sleep(LOOK_AGAIN).await;
            };
            let batch = tokio::select! {
                batch = inlet.next() => batch,
                () = look_again => continue,
            };
            let batch = match batch {
                Ok(batch) => batch,
                Err(trouble) => return trouble,
            };
            let batch = self.engine.borrow().read(batch);
            bytes += batch.iter().map(Read::bytes).sum::<usize>();
            waiting.extend(batch);
            if bytes > MAX_WAITING {
                return Trouble::new("this node does not keep up with the others");
            }
            // Whatever else there is to do has its turn.
            tokio::task::yield_now().await;
        }
    }

    /// Does this, and beside it hears the loops and lets time pass. `None`: it is to leave first.
    async fn unless_leaving<R>(&self, other: impl Future<Output = R>) -> Option<R> {
        let mut other = pin!(other);
        loop {
            let deadline = self.engine.borrow().deadline();
            self.waits_until.set(deadline);
            let time = async {
                match deadline {
                    Some(at) => sleep_until(self.begun + at).await,
                    None => core::future::pending().await,
                }
            };
            tokio::select! {
                result = &mut other => return Some(result),
                () = self.desk.bell.notified() => self.hear_loops(),
                () = time => self.with_engine(|_| {}),
                () = self.earlier.notified() => {}
            }
            if self.desk.is_leaving() {
                // What they said before that is said, too.
                self.hear_loops();
                return None;
            }
        }
    }

    fn hear_loops(&self) {
        let lost = {
            let (mut engine, mut bridge) = (self.engine.borrow_mut(), self.bridge.borrow_mut());
            engine.on_time(self.begun.elapsed());
            let lost = bridge.take(|crossing| engine.on_crossing(crossing));
            if lost {
                engine.on_lost();
            }
            lost
        };
        if lost {
            tracing::warn!("fell behind the loops; other nodes miss what was said");
            self.bridge.borrow().call_roll();
        }
        self.with_engine(|_| {});
    }

    /// Has the engine do something now, and carries out what comes of it.
    fn with_engine(&self, call: impl FnOnce(&mut Engine)) {
        let mut engine = self.engine.borrow_mut();
        engine.on_time(self.begun.elapsed());
        call(&mut engine);
        let told = engine.take_told();
        let has_orders = engine.has_orders();
        let deadline = engine.deadline();
        drop(engine);
        let waits_until = self.waits_until.get();
        if deadline.is_some_and(|at| waits_until.is_none_or(|until| at < until)) {
            self.waits_until.set(deadline);
            self.earlier.notify_one();
        }
        let bridge = self.bridge.borrow();
        for told in told {
            let done = match told {
                Told::Say(room, bundle) => bridge.tell(room, bundle),
                Told::SayOnce(rooms, bundle) => bridge.tell_once(rooms, bundle),
                Told::Event(worker, event) => {
                    log(&event);
                    bridge.announce(worker, event);
                    Ok(())
                }
                told => {
                    self.tell_kept(&bridge, told);
                    Ok(())
                }
            };
            if let Err(error) = done {
                tracing::warn!(%error, "another node says what cannot be told");
            }
        }
        if has_orders {
            self.orders.notify_one();
        }
    }
}

impl Work<'_> {
    /// What concerns rooms that keep something.
    fn tell_kept(&self, bridge: &Bridge, told: Told) {
        match told {
            Told::Kept(room, history, at, said) => bridge.tell_kept(room, history, at, said),
            Told::Settled(room, origin, at) => bridge.settle(&room, origin, at),
            Told::Load(room, history, from, all) => bridge.load(room, history, from, all),
            Told::Warm(room) => bridge.warm(room),
            Told::Cool(room) => {
                let is_unused = bridge.cool(&room);
                self.engine.borrow_mut().on_cooled(&room, is_unused);
                // It may be that it is to be fetched.
                self.orders.notify_one();
            }
            Told::Say(..) | Told::SayOnce(..) | Told::Event(..) => {}
        }
    }
}

/// A part of a span, so that nodes that lost a broker together do not come back together.
fn part_of(span: Duration) -> Duration {
    let mut byte = [0];
    // Without randomness it is the whole span.
    let part = getrandom::fill(&mut byte).map_or(u8::MAX, |()| byte[0]);
    span.mul_f32(0.25 + 0.75 * f32::from(part) / 255.0)
}
