//! A server on a thread of its own, that says after each turn what it holds.
//!
//! Its sockets and its waiting are the kernel's. Its clock stands still until a test puts it forward: a deadline is then
//! no wait for the test, and none is over before its time on a machine that is busy.

use crate::{PATIENCE, counting};
use sockeye::kernel::{Kernel, Ready, Token};
use sockeye::proto::handshake::server::Request;
use sockeye::server::{
    Closed, ConnectionId, EventLoop, Handler, Hub, Limits, Listen, Listener, Message, Mio, Peer,
    Settings, Stopper, Timeouts,
};
use std::io::{self, IoSlice};
use std::net::SocketAddr;
use std::sync::{Arc, Condvar, Mutex, mpsc};
use std::thread::{self, JoinHandle};
use std::time::Duration;

/// How often the server looks at the clock at least.
const LOOK: Duration = Duration::from_millis(10);
/// How much the clock is put forward at once: less than what counts of a time in which the server did not run.
const STEP: Duration = Duration::from_millis(900);

/// What the server holds, as it was after a turn.
#[derive(Clone, Copy, Debug, Default)]
pub struct Report {
    pub connections: usize,
    /// Live bytes of its thread.
    pub held: isize,
    /// Bytes received so far.
    pub received: usize,
    pub opened: usize,
    pub ends: Ends,
    clock: Duration,
}

/// How connections ended, as the handler was told.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Ends {
    /// In order, with 1000.
    pub normal: usize,
    /// In order, with 1001.
    pub going_away: usize,
    /// Without a Close frame.
    pub abnormal: usize,
    /// By the peer's fault.
    pub violation: usize,
    /// In no way that there should be.
    pub other: usize,
}

impl Ends {
    pub const fn sum(&self) -> usize {
        self.normal + self.going_away + self.abnormal + self.violation + self.other
    }
}

/// Echoes and counts.
#[derive(Debug, Default)]
struct Echo {
    opened: usize,
    ends: Ends,
}

impl Handler<Clocked> for Echo {
    /// On the heap, so that one that is forgotten shows there.
    type State = Box<[u8; 32]>;

    fn on_open(&mut self, _: &mut Peer<'_, Clocked>, _: &Request<'_>) -> Self::State {
        self.opened += 1;
        Box::new([0; 32])
    }

    fn on_message(
        &mut self,
        peer: &mut Peer<'_, Clocked>,
        _: &mut Self::State,
        message: Message<'_>,
    ) {
        let _ = peer.send(message);
    }

    fn on_close(&mut self, _: &mut Hub<'_>, _: ConnectionId, _: Self::State, closed: &Closed<'_>) {
        let ends = &mut self.ends;
        *match (closed.code, closed.clean, closed.violation) {
            (1000, true, None) => &mut ends.normal,
            (1001, true, None) => &mut ends.going_away,
            (1006, false, None) => &mut ends.abnormal,
            (1006, false, Some(_)) => &mut ends.violation,
            _ => &mut ends.other,
        } += 1;
    }
}

/// The real kernel, with a clock that is put forward.
struct Clocked {
    mio: Mio,
    shared: Arc<Shared>,
    received: usize,
    clock: Duration,
}

#[derive(Default)]
struct Shared {
    report: Mutex<Report>,
    reported: Condvar,
    clock: Mutex<Duration>,
}

impl Kernel for Clocked {
    type Stream = <Mio as Kernel>::Stream;

    fn poll(&mut self, ready: &mut Vec<Ready>, timeout: Option<Duration>) -> io::Result<()> {
        self.mio.poll(ready, timeout)
    }

    fn now(&mut self) -> Duration {
        self.clock = *self.shared.clock.lock().expect("no panic");
        self.clock
    }

    fn accept(&mut self) -> io::Result<Self::Stream> {
        self.mio.accept()
    }

    fn stop_listening(&mut self) {
        self.mio.stop_listening();
    }

    fn register(&mut self, stream: &mut Self::Stream, token: Token) -> io::Result<()> {
        self.mio.register(stream, token)
    }

    fn receive(&mut self, stream: &mut Self::Stream, buffer: &mut Vec<u8>) -> io::Result<usize> {
        let received = self.mio.receive(stream, buffer);
        self.received += received.as_ref().map_or(0, |bytes| *bytes);
        received
    }

    fn send(&mut self, stream: &mut Self::Stream, parts: &[IoSlice<'_>]) -> io::Result<usize> {
        self.mio.send(stream, parts)
    }

    fn finish(&mut self, stream: &mut Self::Stream) {
        self.mio.finish(stream);
    }

    fn abort(&mut self, stream: &mut Self::Stream) {
        self.mio.abort(stream);
    }
}

/// A test's hold on the server.
pub struct Served {
    pub addr: SocketAddr,
    shared: Arc<Shared>,
    stopper: Stopper,
    thread: JoinHandle<()>,
}

impl Served {
    pub fn start() -> Self {
        let shared = Arc::<Shared>::default();
        let (tell, told) = mpsc::channel();
        let its = Arc::clone(&shared);
        let thread = thread::spawn(move || {
            let any = "127.0.0.1:0".parse().expect("an address");
            let listener = Listener::bind(&any).expect("a free port");
            let Listen::Ip(addr) = *listener.place() else {
                unreachable!("an address was asked for");
            };
            let mio = Mio::new([listener], false).expect("descriptors are free");
            tell.send((addr, mio.stopper())).expect("the test waits");
            serve(mio, its);
        });
        let (addr, stopper) = told.recv().expect("it starts");
        Self {
            addr,
            shared,
            stopper,
            thread,
        }
    }

    /// Waits for a turn after which it is so.
    #[track_caller]
    pub fn until(&self, is_so: impl Fn(&Report) -> bool) -> Report {
        let report = self.shared.report.lock().expect("no panic");
        let not_yet = |report: &mut Report| !is_so(report);
        let (report, waited) = self
            .shared
            .reported
            .wait_timeout_while(report, PATIENCE, not_yet)
            .expect("no panic");
        assert!(!waited.timed_out(), "it never came to be: {:?}", *report);
        *report
    }

    /// Puts the clock forward, and waits until the server has seen it and done what was due. It is put forward a little at
    /// a time: of what passes at once the server would think that it did not run, and not count it.
    pub fn skip(&self, time: Duration) -> Report {
        let mut report = *self.shared.report.lock().expect("no panic");
        let end = report.clock + time;
        while report.clock < end {
            let before = self.shared.report.lock().expect("no panic").clock;
            *self.shared.clock.lock().expect("no panic") += STEP;
            report = self.until(|report| report.clock >= before + STEP);
        }
        report
    }

    /// Stops it, once it has no connections.
    pub fn stop(self) {
        self.stopper.stop().expect("it can be woken");
        self.thread.join().expect("no panic");
    }
}

fn serve(mio: Mio, shared: Arc<Shared>) {
    let kernel = Clocked {
        mio,
        shared: Arc::clone(&shared),
        received: 0,
        clock: Duration::ZERO,
    };
    let settings = Settings::new(Limits::default(), Timeouts::default());
    let mut server = EventLoop::new(kernel, Echo::default(), settings);
    loop {
        let goes_on = server.turn(Some(LOOK)).expect("polling works");
        let (opened, ends) = (server.handler().opened, server.handler().ends);
        let report = Report {
            connections: server.connections(),
            held: counting::held(),
            received: server.kernel().received,
            opened,
            ends,
            clock: server.kernel().clock,
        };
        *shared.report.lock().expect("no panic") = report;
        shared.reported.notify_all();
        if !goes_on {
            return;
        }
    }
}
