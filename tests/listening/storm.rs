//! Clients that come at a steady rate, and what becomes of them.

use crate::client::Client;
use std::fmt;
use std::io::ErrorKind;
use std::net::SocketAddr;
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

/// Clients at the same time. Each asks, hears the answer, and goes.
const HANDS: u32 = 8;

/// What became of connections.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    pub opened: usize,
    /// Nobody listened, or the answer was not 101.
    pub refused: usize,
    /// It ended before there was an answer.
    pub reset: usize,
    /// Something else.
    pub failed: usize,
}

impl Counts {
    fn add(self, other: Self) -> Self {
        Self {
            opened: self.opened + other.opened,
            refused: self.refused + other.refused,
            reset: self.reset + other.reset,
            failed: self.failed + other.failed,
        }
    }
}

impl fmt::Display for Counts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            opened,
            refused,
            reset,
            failed,
        } = self;
        write!(
            f,
            "{opened} opened, {refused} refused, {reset} reset, {failed} failed otherwise"
        )
    }
}

pub struct Storm {
    stop: Vec<Sender<()>>,
    hands: Vec<JoinHandle<Counts>>,
    begin: Instant,
}

impl Storm {
    pub fn start(addr: SocketAddr, per_second: u32) -> Self {
        let begin = Instant::now();
        let apart = Duration::from_secs(1) / per_second;
        let (stop, hands) = (0..HANDS)
            .map(|hand| {
                let (stop, stopped) = channel();
                let first = begin + apart * hand;
                (
                    stop,
                    thread::spawn(move || knock(addr, first, apart * HANDS, &stopped)),
                )
            })
            .unzip();
        Self { stop, hands, begin }
    }

    /// Ends it; gives what became of all, and how many that were in a second.
    pub fn end(self) -> (Counts, f64) {
        drop(self.stop);
        let counts = self
            .hands
            .into_iter()
            .map(|hand| hand.join().expect("no panic"));
        let counts = counts.fold(Counts::default(), Counts::add);
        (
            counts,
            counts.opened as f64 / self.begin.elapsed().as_secs_f64(),
        )
    }
}

/// Connects again and again, each at its time; who is late does not wait.
fn knock(addr: SocketAddr, first: Instant, apart: Duration, stopped: &Receiver<()>) -> Counts {
    let mut counts = Counts::default();
    let mut next = first;
    while stopped.recv_timeout(next.saturating_duration_since(Instant::now()))
        == Err(RecvTimeoutError::Timeout)
    {
        next += apart;
        match Client::tcp(addr).and_then(|mut client| client.ask()) {
            Ok(answer) if answer.starts_with("HTTP/1.1 101 ") => counts.opened += 1,
            Ok(_) => counts.refused += 1,
            Err(error) => match error.kind() {
                ErrorKind::ConnectionRefused => counts.refused += 1,
                ErrorKind::ConnectionReset | ErrorKind::UnexpectedEof | ErrorKind::BrokenPipe => {
                    counts.reset += 1;
                }
                _ => counts.failed += 1,
            },
        }
    }
    counts
}
