//! A simulated kernel: the loop's seam to the operating system with a clock, a network and faults that a test owns.
//!
//! Nothing here sleeps, and the same calls always give the same answers. Readiness is edge-triggered as epoll's is:
//! bytes, an end or an error are reported once when they come; room to send is reported once after a send that came
//! back short. A server that forgets a session it was told about therefore never hears of it again.
//!
//! ```text
//! test ── Conn (a peer's end) ──┐
//!                               ├─ World ── SimKernel ── EventLoop
//! test ── Net (clock, script) ──┘
//! ```

#![allow(dead_code, reason = "each test target uses what it needs")]

mod conn;
pub mod faults;
mod kernel;
mod link;
mod outbound;
pub mod random;
mod spoil;

pub use conn::Conn;
pub use kernel::SimKernel;
#[allow(unused_imports, reason = "only clients connect")]
pub use outbound::{Dialed, Reached, Resolution};

use link::Link;
use outbound::Outbound;
use rustix::io::Errno;
use sockeye::kernel::{PeerAddr, Ready};
use std::cell::RefCell;
use std::collections::VecDeque;
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

/// How often the server asked for what.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Calls {
    pub polls: usize,
    pub accepts: usize,
    pub receives: usize,
    pub sends: usize,
    /// Where somebody comes from.
    pub peer_addrs: usize,
    /// Connecting, resolving, and what came of them.
    pub dials: usize,
}

impl Calls {
    /// Everything but waiting.
    pub const fn work(&self) -> usize {
        self.accepts + self.receives + self.sends + self.dials
    }
}

/// What happens at a time.
type Action = Box<dyn FnOnce(&Net)>;

#[derive(Default)]
struct World {
    now: Duration,
    /// How late every poll comes back, as on a loaded machine.
    lag: Duration,
    script: Vec<(Duration, Action)>,
    links: Vec<Link>,
    /// Those that wait to be accepted, and errors between them.
    backlog: VecDeque<Result<usize, Errno>>,
    /// What accepting fails with, as long as it lasts.
    accept_error: Option<Errno>,
    register_faults: VecDeque<Errno>,
    register_anew_faults: VecDeque<Errno>,
    outbound: Outbound,
    /// Reports that no link would make.
    forged: Vec<Ready>,
    forged_last: Vec<Ready>,
    /// Reports that one poll had left for the next.
    held_back: Vec<Ready>,
    accept_edge: bool,
    listening: bool,
    /// Another thread has something for the loop.
    woken: Arc<AtomicBool>,
    calls: Calls,
}

/// A test's hold on the simulated world. Clones are the same world.
#[derive(Clone)]
pub struct Net(Rc<RefCell<World>>);

impl Net {
    pub fn new() -> Self {
        random::reset();
        Self(Rc::new(RefCell::new(World {
            listening: true,
            ..World::default()
        })))
    }

    /// The kernel to give to an event loop.
    pub fn kernel(&self) -> SimKernel {
        SimKernel(self.clone())
    }

    pub fn now(&self) -> Duration {
        self.0.borrow().now
    }

    pub fn calls(&self) -> Calls {
        self.0.borrow().calls
    }

    pub fn is_listening(&self) -> bool {
        self.0.borrow().listening
    }

    /// Time passes in which nobody asks the server to do anything.
    pub fn pass(&self, span: Duration) {
        self.0.borrow_mut().now += span;
    }

    /// From now on every poll comes back so much late.
    pub fn set_lag(&self, lag: Duration) {
        self.0.borrow_mut().lag = lag;
    }

    /// Has `action` happen at a time of the virtual clock, while the server waits. For what happens to a connection there
    /// is [`Conn::at`].
    pub fn at(&self, time: Duration, action: impl FnOnce(&Self) + 'static) {
        self.0.borrow_mut().script.push((time, Box::new(action)));
    }

    /// A peer connects, from an address that is nobody's.
    pub fn connect(&self) -> Conn {
        self.connect_from(PeerAddr::Ip(([192, 0, 2, 1], 50_000).into()))
    }

    /// A peer connects.
    pub fn connect_from(&self, peer_addr: PeerAddr) -> Conn {
        let mut world = self.0.borrow_mut();
        let id = world.links.len();
        world.links.push(Link {
            peer_addr,
            ..Link::new()
        });
        world.backlog.push_back(Ok(id));
        world.accept_edge = true;
        drop(world);
        self.conn(id)
    }

    fn conn(&self, id: usize) -> Conn {
        let net = self.clone();
        Conn { net, id }
    }

    /// The next accept that gets to it fails once.
    pub fn queue_accept_error(&self, error: Errno) {
        let mut world = self.0.borrow_mut();
        world.backlog.push_back(Err(error));
        world.accept_edge = true;
    }

    /// Accepting fails until this is called with `None`. No readiness is reported when it works again, just as a
    /// kernel does not tell that descriptors are free.
    pub fn set_accept_error(&self, error: Option<Errno>) {
        self.0.borrow_mut().accept_error = error;
    }

    /// The next registration fails.
    pub fn queue_register_error(&self, error: Errno) {
        self.0.borrow_mut().register_faults.push_back(error);
    }

    /// Has the loop woken, from whichever thread.
    pub fn waker(&self) -> impl Fn() + Send + Sync + 'static {
        let woken = Arc::clone(&self.0.borrow().woken);
        move || woken.store(true, Ordering::Relaxed)
    }

    /// The next poll reports this as well.
    pub fn forge(&self, report: Ready) {
        self.0.borrow_mut().forged.push(report);
    }

    /// The next poll reports this as well, behind everything else.
    pub fn forge_last(&self, report: Ready) {
        self.0.borrow_mut().forged_last.push(report);
    }

    /// Connections that wait to be accepted.
    pub fn waiting(&self) -> usize {
        self.0.borrow().backlog.len()
    }

    /// Streams that the server holds open.
    pub fn open_streams(&self) -> usize {
        let world = self.0.borrow();
        let held = |link: &&Link| link.token.is_some() && !link.dropped;
        world.links.iter().filter(held).count()
    }

    /// Forgets all connections, so that millions of them take no more room than those of a moment. The server must have
    /// let go of each; a `Conn` from before is nobody's then.
    pub fn forget_ended(&self) {
        let mut world = self.0.borrow_mut();
        assert!(world.links.iter().all(|link| link.dropped), "one is open");
        assert!(world.backlog.is_empty(), "one waits to be accepted");
        world.links.clear();
    }

    /// What is due happens now. Says when the next thing is.
    fn run_script(&self) -> Option<Duration> {
        loop {
            let mut world = self.0.borrow_mut();
            let now = world.now;
            let next = (0..world.script.len()).min_by_key(|&index| world.script[index].0)?;
            if world.script[next].0 > now {
                return Some(world.script[next].0);
            }
            let (_, action) = world.script.remove(next);
            drop(world);
            action(self);
        }
    }

    fn collect(&self, ready: &mut Vec<Ready>) {
        let mut world = self.0.borrow_mut();
        ready.append(&mut world.forged);
        ready.append(&mut world.held_back);
        if world.woken.swap(false, Ordering::Relaxed) {
            ready.push(Ready::Wake);
        }
        if std::mem::take(&mut world.accept_edge) && world.listening {
            ready.push(Ready::Accept);
        }
        let resolved = std::mem::take(&mut world.outbound.fresh);
        ready.extend(resolved.into_iter().map(|key| Ready::Resolved { key }));
        ready.extend(world.links.iter_mut().filter_map(Link::report));
        ready.append(&mut world.forged_last);
    }
}

impl Default for Net {
    fn default() -> Self {
        Self::new()
    }
}
