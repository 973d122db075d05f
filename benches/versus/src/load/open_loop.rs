//! Messages at times that were drawn before, whether or not the server keeps up: what a user waits.
//!
//! A message is late from the moment it was due, not from when this thread came to send it: a server that stands still is
//! not spared what would have come meanwhile. The times are those of a Poisson process, as many clients that know nothing
//! of one another make them. This thread never sleeps, or its waking up would be in every number.

use super::{STUCK, Shape, exchange, handshake};
use crate::contestants::Reply;
use hdrhistogram::Histogram;
use rustix::buffer::spare_capacity;
use rustix::event::{Timespec, epoll};
use rustix::io::Errno;
use rustix::net::{RecvFlags, SendFlags, recv, send};
use std::collections::VecDeque;
use std::io;
use std::net::{SocketAddr, TcpStream};
use std::time::{Duration, Instant};

/// So many are sent before what came back is looked at.
const IN_A_ROW: usize = 16;
const NO_TIME: Timespec = Timespec {
    tv_sec: 0,
    tv_nsec: 0,
};

/// How late the answers were, in nanoseconds.
pub(crate) struct Late {
    pub(crate) histogram: Histogram<u64>,
    pub(crate) messages: u64,
    pub(crate) elapsed: Duration,
}

pub(crate) struct OpenLoop {
    connections: Vec<Connection>,
    epoll: rustix::fd::OwnedFd,
    frame: Vec<u8>,
    reply: usize,
    buffer: Vec<u8>,
    events: Vec<epoll::Event>,
    arrivals: Arrivals,
    waited_for: usize,
}

struct Connection {
    stream: TcpStream,
    unsent: Vec<u8>,
    /// When the messages that are not answered were due.
    due: VecDeque<Instant>,
    received: usize,
}

/// When messages are due.
struct Arrivals {
    random: u64,
    /// Mean distance, in nanoseconds.
    distance: f64,
}

impl OpenLoop {
    /// Opens the connections. `rate` is messages per second on all of them together.
    pub(crate) fn open(
        addr: SocketAddr,
        shape: Shape,
        reply: Reply,
        rate: f64,
    ) -> io::Result<Self> {
        let epoll = epoll::create(epoll::CreateFlags::CLOEXEC)?;
        let mut connections = Vec::with_capacity(shape.connections);
        for index in 0..shape.connections {
            let stream = handshake::connect(addr, index)?;
            stream.set_nonblocking(true)?;
            let flags = epoll::EventFlags::IN | epoll::EventFlags::OUT | epoll::EventFlags::ET;
            let data = epoll::EventData::new_u64(index as u64);
            epoll::add(&epoll, &stream, data, flags)?;
            connections.push(Connection {
                stream,
                unsent: Vec::new(),
                due: VecDeque::new(),
                received: 0,
            });
        }
        let (frame, reply) = exchange(
            Shape {
                pipeline: 1,
                ..shape
            },
            reply,
        );
        Ok(Self {
            connections,
            epoll,
            frame,
            reply: reply.len(),
            buffer: vec![0; super::RECEIVE_BUFFER],
            events: Vec::with_capacity(super::EVENTS),
            arrivals: Arrivals {
                random: 6455,
                distance: 1e9 / rate,
            },
            waited_for: 0,
        })
    }

    /// Sends for so long, and waits for what was sent.
    pub(crate) fn run(&mut self, duration: Duration) -> io::Result<Late> {
        let mut histogram = histogram()?;
        let start = Instant::now();
        let (mut due, mut sent) = (0.0, 0);
        loop {
            for _ in 0..IN_A_ROW {
                let at = start + Duration::from_nanos(due as u64);
                if due >= duration.as_nanos() as f64 || Instant::now() < at {
                    break;
                }
                let index = sent % self.connections.len();
                self.connections[index].send(&self.frame, at)?;
                self.waited_for += 1;
                sent += 1;
                due += self.arrivals.next();
            }
            self.receive(&mut histogram)?;
            let over = due >= duration.as_nanos() as f64;
            if over && self.waited_for == 0 {
                return Ok(Late {
                    histogram,
                    messages: sent as u64,
                    elapsed: start.elapsed(),
                });
            }
            if over && start.elapsed() > duration + Duration::from_secs(STUCK.tv_sec.unsigned_abs())
            {
                return Err(io::Error::other("the server has not replied for a minute"));
            }
        }
    }

    fn receive(&mut self, histogram: &mut Histogram<u64>) -> io::Result<()> {
        match epoll::wait(
            &self.epoll,
            spare_capacity(&mut self.events),
            Some(&NO_TIME),
        ) {
            Ok(_) | Err(Errno::INTR) => {}
            Err(error) => return Err(error.into()),
        }
        let mut events = core::mem::take(&mut self.events);
        for event in events.drain(..) {
            let connection = &mut self.connections[event.data.u64() as usize];
            connection.send_rest()?;
            let answered = connection.receive(&mut self.buffer, self.reply)?;
            let now = Instant::now();
            for due in connection.due.drain(..answered) {
                let late = u64::try_from((now - due).as_nanos()).unwrap_or(u64::MAX);
                histogram.saturating_record(late);
            }
            self.waited_for -= answered;
        }
        self.events = events;
        Ok(())
    }
}

/// Up to the minute after which a server is stuck, with three digits.
fn histogram() -> io::Result<Histogram<u64>> {
    Histogram::new_with_bounds(1, 60_000_000_000, 3).map_err(io::Error::other)
}

impl Connection {
    fn send(&mut self, frame: &[u8], due: Instant) -> io::Result<()> {
        self.due.push_back(due);
        self.unsent.extend(frame);
        self.send_rest()
    }

    fn send_rest(&mut self) -> io::Result<()> {
        if self.unsent.is_empty() {
            return Ok(());
        }
        match send(&self.stream, &self.unsent, SendFlags::NOSIGNAL) {
            Ok(sent) => drop(self.unsent.drain(..sent)),
            Err(Errno::AGAIN | Errno::INTR) => {}
            Err(error) => return Err(error.into()),
        }
        Ok(())
    }

    /// Reads all there is; says how many answers that completes.
    fn receive(&mut self, buffer: &mut [u8], reply: usize) -> io::Result<usize> {
        loop {
            match recv(&self.stream, &mut *buffer, RecvFlags::empty()) {
                Ok((_, 0)) => return Err(io::Error::other("the server closed a connection")),
                Ok((_, received)) => {
                    self.received += received;
                    if received < buffer.len() {
                        break;
                    }
                }
                Err(Errno::AGAIN) => break,
                Err(Errno::INTR) => {}
                Err(error) => return Err(error.into()),
            }
        }
        let answered = self.received / reply;
        self.received %= reply;
        if answered > self.due.len() {
            return Err(io::Error::other("the server sent more than was asked for"));
        }
        Ok(answered)
    }
}

impl Arrivals {
    /// The time to the next, in nanoseconds: exponentially distributed.
    fn next(&mut self) -> f64 {
        self.random ^= self.random << 13;
        self.random ^= self.random >> 7;
        self.random ^= self.random << 17;
        let uniform = (self.random >> 11) as f64 / (1_u64 << 53) as f64;
        -(1.0 - uniform).ln() * self.distance
    }
}

#[cfg(test)]
mod tests {
    use super::{Arrivals, histogram};

    #[test]
    fn arrivals_have_the_mean_and_the_spread_of_a_poisson_process() {
        let mut arrivals = Arrivals {
            random: 1,
            distance: 1000.0,
        };
        let gaps: Vec<_> = (0..100_000).map(|_| arrivals.next()).collect();
        let mean = gaps.iter().sum::<f64>() / 1e5;
        let short = gaps.iter().filter(|gap| **gap < 1000.0).count() as f64 / 1e5;
        assert!((mean - 1000.0).abs() < 10.0, "{mean}");
        // 1 - 1/e of them are shorter than the mean.
        assert!((short - 0.632).abs() < 0.005, "{short}");
    }

    #[test]
    fn the_histogram_knows_microseconds_from_seconds() {
        let mut histogram = histogram().unwrap();
        for late in [20_000, 30_000, 5_000_000_000, 600_000_000_000] {
            histogram.saturating_record(late);
        }
        let at = |part| histogram.value_at_quantile(part) as f64;
        for (part, late) in [(0.25, 20e3), (0.5, 30e3), (0.75, 5e9), (1.0, 60e9)] {
            assert!((at(part) / late - 1.0).abs() < 0.2, "{part}: {}", at(part));
        }
    }
}
