//! What `talk` and `several` have in common: what they are told, what they can do, and where they say it.
//!
//! Neither knows a socket, a terminal or a clock; `session` has those.

use super::event::Event;
use super::input::Typed;
use super::options::Wait;
use super::output::Output;
use core::time::Duration;
use sockeye::proto::CloseCode;
use sockeye::server::Message;
use std::io;

/// Bytes that wait for the server, beyond which no more lines are taken from a pipe.
pub(crate) const MAX_WAITING: usize = 256 << 10;

/// Where a conversation is held.
pub(crate) trait Desk {
    /// Opens the connection that the command line names.
    ///
    /// # Errors
    ///
    /// Why that is impossible.
    fn begin(&mut self, url: &str, calls: &mut dyn Calls) -> Result<(), String>;

    /// Something happened to a connection.
    ///
    /// # Errors
    ///
    /// Nobody reads what is shown.
    fn event(&mut self, now: Duration, id: u64, event: &Event<'_>) -> io::Result<()>;

    /// The next line may come.
    fn takes_lines(&self, calls: &mut dyn Calls) -> bool;

    /// Something was typed.
    ///
    /// # Errors
    ///
    /// As for [`event`](Self::event).
    fn typed(&mut self, now: Duration, typed: Typed, calls: &mut dyn Calls) -> io::Result<()>;

    /// When `tick` has to be called, if nothing happens before.
    fn deadline(&self) -> Option<Duration>;

    /// Time has passed.
    fn tick(&mut self, now: Duration, calls: &mut dyn Calls);

    /// Ends everything, as nobody reads what is shown.
    fn hang_up(&mut self, calls: &mut dyn Calls);

    /// What the program ends with, once it may.
    fn done(&self) -> Option<Outcome>;
}

/// How a conversation ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Outcome {
    Well,
    /// There was no connection, or it was lost.
    Badly,
}

/// What can be done with connections. They are named by numbers from 0 on, in the order of their opening.
pub(crate) trait Calls {
    /// Starts to open the connection with the next number. An error says what is wrong with the URL.
    fn connect(&mut self, url: &str) -> Result<(), String>;
    // The others give why they could not be done.
    fn send(&mut self, id: u64, message: Message<'_>) -> Result<(), String>;
    fn ping(&mut self, id: u64, data: &[u8]) -> Result<(), String>;
    fn pong(&mut self, id: u64, data: &[u8]) -> Result<(), String>;
    fn close(&mut self, id: u64, code: CloseCode, reason: &str) -> Result<(), String>;
    /// Bytes that wait for the server to read them.
    fn waiting(&mut self, id: u64) -> usize;
}

/// Where it is said.
pub(crate) trait Show {
    /// An event, of the connection with this id where there are several.
    fn event(&mut self, id: Option<u64>, event: &Event<'_>) -> io::Result<()>;
    /// An answer to a command.
    fn answer(&mut self, words: &str) -> io::Result<()>;
    /// What is wrong with a command.
    fn wrong(&mut self, words: &str) -> io::Result<()>;
}

impl Show for Output {
    fn event(&mut self, id: Option<u64>, event: &Event<'_>) -> io::Result<()> {
        self.event(id, event)
    }

    fn answer(&mut self, words: &str) -> io::Result<()> {
        self.answer(words)
    }

    fn wrong(&mut self, words: &str) -> io::Result<()> {
        self.wrong(words)
    }
}

/// The silence that ends a conversation after the end of a pipe.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Silence {
    wait: Wait,
    /// When nothing more was to be said; unknown as long as there is.
    since: Option<Duration>,
}

impl Silence {
    pub(crate) const fn new(wait: Wait) -> Self {
        Self { wait, since: None }
    }

    /// The last line was said now.
    pub(crate) const fn begin(&mut self, now: Duration) {
        self.since = Some(now);
    }

    /// The last line was said.
    pub(crate) const fn is_on(&self) -> bool {
        self.since.is_some()
    }

    /// Something came.
    pub(crate) const fn break_at(&mut self, now: Duration) {
        if self.since.is_some() {
            self.since = Some(now);
        }
    }

    /// When it has lasted long enough.
    pub(crate) fn end(&self) -> Option<Duration> {
        match self.wait {
            Wait::Forever => None,
            Wait::Silence(span) => self.since.map(|since| since.saturating_add(span)),
        }
    }
}
