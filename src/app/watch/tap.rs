//! What is said in an application, as it is said: [`Tap`].
//!
//! A worker that says or hears something puts a line into a queue of each tap. The queues are bounded, and so is how many
//! lines a worker writes in a second: who does not read, or too much being said, costs lines, which are counted, and never
//! time of those who speak.
//!
//! Not here: what the lines are shown by, which is `admin`.

use super::lock;
use crate::app::wall::millis_since_1970;
use crate::app::{Bucket, Rate};
use crate::server::{ConnectionId, Message};
use alloc::collections::VecDeque;
use alloc::string::String;
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::fmt;
use core::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use core::time::Duration;
use std::sync::Mutex;

/// Taps that there may be at once: a line goes to each of them.
pub const MAX_TAPS: usize = 16;
/// Characters of a text that a line shows.
pub const MAX_TEXT: usize = 256;
/// Lines that a worker writes.
const RATE: Rate = Rate::new(500, 500);
/// Lines that wait for a tap to be read; 1 MiB, should they all be long.
const WAITING: usize = 1000;

/// One thing that was said, or that happened to a connection.
#[derive(Clone, Debug)]
#[cfg_attr(feature = "json", derive(serde::Serialize))]
pub struct Line {
    /// In milliseconds since 1970.
    pub time: u64,
    /// Which connection it is about; `None` is for what was said to several. In JSON a string, and `*`.
    #[cfg_attr(feature = "json", serde(serialize_with = "json::id"))]
    pub id: Option<ConnectionId>,
    /// To whom it was said, where that is not one connection: `all`, `room "tea"`.
    #[cfg_attr(feature = "json", serde(skip_serializing_if = "Option::is_none"))]
    pub to: Option<String>,
    /// The path of the service.
    pub path: String,
    /// Whether the connection said it, or was told.
    #[cfg_attr(feature = "json", serde(rename = "dir"))]
    pub direction: Direction,
    /// What it is.
    pub kind: Kind,
    /// Bytes of the message.
    pub bytes: usize,
    /// The first [`MAX_TEXT`] characters of a text; of a connection that opens its address, of one that has ended the code
    /// and the reason. What is sent uncompressed, as secrets are, is not shown.
    pub text: String,
}

/// Which way something went.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "json", derive(serde::Serialize))]
#[cfg_attr(feature = "json", serde(rename_all = "lowercase"))]
pub enum Direction {
    /// From the client.
    In,
    /// To clients.
    Out,
}

/// What a [`Line`] is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "json", derive(serde::Serialize))]
#[cfg_attr(feature = "json", serde(rename_all = "lowercase"))]
pub enum Kind {
    /// A text message.
    Text,
    /// A binary message.
    Binary,
    /// A connection has opened.
    Open,
    /// A connection has ended.
    Close,
}

/// What a tap was shown since it was read last.
#[derive(Clone, Debug, Default)]
pub struct Tapped {
    /// In the order in which they came.
    pub lines: Vec<Arc<Line>>,
    /// Lines that are missing behind these, or among them.
    pub lost: u64,
}

/// Listens to what is said; made by [`Monitor::tap`](super::Monitor::tap).
pub struct Tap {
    taps: Arc<Taps>,
    queue: Arc<Queue>,
    /// What was too much for all taps, as of the last read.
    excess: u64,
}

/// All taps of an application.
#[derive(Default)]
pub(super) struct Taps {
    open: AtomicUsize,
    queues: Mutex<Vec<Arc<Queue>>>,
    /// Lines that no worker had time to write.
    excess: AtomicU64,
}

#[derive(Default)]
struct Queue {
    lines: Mutex<VecDeque<Arc<Line>>>,
    lost: AtomicU64,
}

impl Taps {
    pub(super) fn open(taps: &Arc<Self>) -> Option<Tap> {
        let mut queues = lock(&taps.queues);
        if queues.len() >= MAX_TAPS {
            return None;
        }
        let queue = Arc::<Queue>::default();
        queues.push(Arc::clone(&queue));
        taps.open.store(queues.len(), Ordering::Relaxed);
        drop(queues);
        Some(Tap {
            queue,
            excess: taps.excess.load(Ordering::Relaxed),
            taps: Arc::clone(taps),
        })
    }
}

impl Tap {
    /// Takes at most so many lines. What was lost is told when none is left behind them.
    #[must_use]
    pub fn take(&mut self, most: usize) -> Tapped {
        let mut lines = lock(&self.queue.lines);
        let count = most.min(lines.len());
        let taken = lines.drain(..count).collect();
        let is_all = lines.is_empty();
        drop(lines);
        let lost = if is_all { self.take_lost() } else { 0 };
        Tapped { lines: taken, lost }
    }

    fn take_lost(&mut self) -> u64 {
        let excess = self.taps.excess.load(Ordering::Relaxed);
        let new = excess.wrapping_sub(self.excess);
        self.excess = excess;
        new + self.queue.lost.swap(0, Ordering::Relaxed)
    }
}

impl Drop for Tap {
    fn drop(&mut self) {
        let mut queues = lock(&self.taps.queues);
        queues.retain(|queue| !Arc::ptr_eq(queue, &self.queue));
        self.taps.open.store(queues.len(), Ordering::Relaxed);
    }
}

impl fmt::Debug for Tap {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Tap")
            .field("waiting", &lock(&self.queue.lines).len())
            .finish_non_exhaustive()
    }
}

/// Where a worker says what happens.
pub(in crate::app) struct Desk {
    taps: Arc<Taps>,
    /// Of its own thread, so nobody ever waits for it.
    bucket: Mutex<Bucket>,
}

/// What a line is made of, where one is written.
pub(in crate::app) struct Said<'s> {
    pub(in crate::app) id: Option<ConnectionId>,
    pub(in crate::app) to: Option<&'s dyn fmt::Debug>,
    pub(in crate::app) path: &'s str,
    pub(in crate::app) direction: Direction,
    pub(in crate::app) what: What<'s>,
}

pub(in crate::app) enum What<'s> {
    Message(Message<'s>),
    /// A message that is not to be shown.
    Secret(Message<'s>),
    Open(&'s dyn fmt::Display),
    Close(&'s dyn fmt::Display),
}

impl Desk {
    pub(super) fn new(taps: &Arc<Taps>) -> Self {
        Self {
            taps: Arc::clone(taps),
            bucket: Mutex::default(),
        }
    }

    /// Whether anybody listens.
    #[inline]
    pub(in crate::app) fn is_open(&self) -> bool {
        self.taps.open.load(Ordering::Relaxed) > 0
    }

    /// Shows something to all who listen, at a time of the loop.
    #[cold]
    pub(in crate::app) fn show(&self, now: Duration, said: &Said<'_>) {
        if lock(&self.bucket).take(RATE, now).is_err() {
            self.taps.excess.fetch_add(1, Ordering::Relaxed);
            return;
        }
        let line = Arc::new(said.line());
        for queue in lock(&self.taps.queues).iter() {
            let mut lines = lock(&queue.lines);
            if lines.len() < WAITING {
                lines.push_back(Arc::clone(&line));
            } else {
                queue.lost.fetch_add(1, Ordering::Relaxed);
            }
        }
    }
}

impl Said<'_> {
    fn line(&self) -> Line {
        use alloc::format;
        let (kind, bytes, text) = match &self.what {
            What::Message(Message::Text(text)) => (Kind::Text, text.len(), cut(text)),
            What::Secret(Message::Text(text)) => (Kind::Text, text.len(), String::new()),
            What::Message(Message::Binary(data)) | What::Secret(Message::Binary(data)) => {
                (Kind::Binary, data.len(), String::new())
            }
            What::Open(text) => (Kind::Open, 0, cut(&format!("{text}"))),
            What::Close(text) => (Kind::Close, 0, cut(&format!("{text}"))),
        };
        Line {
            time: millis_since_1970(),
            id: self.id,
            to: self.to.map(|to| cut(&format!("{to:?}"))),
            path: self.path.into(),
            direction: self.direction,
            kind,
            bytes,
            text,
        }
    }
}

fn cut(text: &str) -> String {
    text.chars().take(MAX_TEXT).collect()
}

#[cfg(feature = "json")]
mod json {
    use crate::server::ConnectionId;
    use serde::Serializer;

    pub(super) fn id<S: Serializer>(id: &Option<ConnectionId>, to: S) -> Result<S::Ok, S::Error> {
        match id {
            Some(id) => super::super::reports::json::number(id, to),
            None => to.serialize_str("*"),
        }
    }
}
