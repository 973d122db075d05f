//! Speaking to loops from any thread: [`Handle`].
//!
//! Not here: the way there, which is `exchange`; stopping by a signal, which is the kernel's.

use super::exchange::Exchange;
use super::mailbox::PutError;
use super::rooms::{Letter, Segment, To, Whom};
use super::{ConnectionId, Hub, Message};
use crate::proto::{CloseCode, MAX_CONTROL_LEN};
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::fmt;
use core::mem::take;
use core::time::Duration;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

/// Speaks to a server, or to all of an [`Exchange`], from any thread: an HTTP handler, a listener on a database. Clones
/// speak to the same. Nothing here waits, but for [`ask`](Self::ask); what is said is told in order, and a burst of it
/// wakes each loop once.
///
/// ```
/// # #[cfg(all(feature = "server", feature = "client"))]
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// use core::time::Duration;
/// use sockeye::server::{Builder, Handler, Message, Peer, To};
/// # use sockeye::client::{self, Received};
///
/// struct News;
///
/// impl Handler for News {
///     type State = ();
///
///     fn on_message(&mut self, peer: &mut Peer<'_>, _: &mut (), message: Message<'_>) {
///         if let Message::Text(room) = message {
///             let joined = peer.join(room).is_ok();
///             let _ = peer.send(if joined { "joined" } else { "not joined" });
///         }
///     }
/// }
///
/// let mut server = Builder::new().bind("127.0.0.1:0".parse()?, News)?;
/// let handle = server.handle();
/// # let url = format!("ws://{}/", server.local_addr());
/// let thread = std::thread::spawn(move || server.run());
/// # let mut socket = client::connect(&url)?;
/// # socket.send("sport")?;
/// # assert_eq!(socket.receive()?, Received::Text("joined".into()));
///
/// handle.publish("sport", "goal")?; // to a room
/// handle.publish(To::all(), "good night")?;
/// let there = handle.count("sport", Duration::from_secs(30))?; // asks the loop, and waits
/// println!("{there} of them like sport");
/// # assert_eq!(there, 1);
/// # for text in ["goal", "good night"] {
/// #     assert_eq!(socket.receive()?, Received::Text(text.into()));
/// # }
/// # drop(socket);
///
/// // Whatever else a loop can do is done there:
/// handle.run(|hub| hub.after(Duration::from_secs(60), 7))?;
/// handle.shutdown()?;
/// thread.join().unwrap()?;
/// # Ok(())
/// # }
/// # #[cfg(not(all(feature = "server", feature = "client")))]
/// # fn main() {}
/// ```
#[derive(Clone, Debug)]
pub struct Handle {
    exchange: Exchange,
}

/// Why nobody was told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum HandleError {
    /// A loop does not keep up with what other threads and loops tell it. Later there may be room.
    Busy,
    /// The loops have ended.
    Stopped,
    /// They have not answered in time.
    TimedOut,
}

impl fmt::Display for HandleError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Busy => "the server does not keep up",
            Self::Stopped => "the server has stopped",
            Self::TimedOut => "the server has not answered in time",
        })
    }
}

impl core::error::Error for HandleError {}

impl From<PutError<()>> for HandleError {
    fn from(error: PutError<()>) -> Self {
        match error {
            PutError::Full(()) => Self::Busy,
            PutError::Closed(()) => Self::Stopped,
        }
    }
}

impl Handle {
    pub(crate) const fn new(exchange: Exchange) -> Self {
        Self { exchange }
    }

    /// As [`Hub::publish`], on all loops.
    ///
    /// # Errors
    ///
    /// [`HandleError`], and nobody is told.
    pub fn publish<'a, 'm>(
        &self,
        to: impl Into<To<'a>>,
        message: impl Into<Message<'m>>,
    ) -> Result<(), HandleError> {
        let (to, message) = (to.into(), message.into());
        if let Some((name, history)) = to.keeper()
            && self
                .exchange
                .keep(name, history, message, to.manner(true))?
        {
            return Ok(());
        }
        let segment = Arc::new(Segment::of(message, to.manner(true)));
        let To { whom, except, .. } = to;
        let letter = match whom {
            Whom::All => Letter::All(segment),
            Whom::Room(name) => Letter::Room(name.into(), segment),
            Whom::Rooms(names) => {
                let names = names.iter().map(|name| Arc::from(*name));
                Letter::Rooms(names.collect(), segment)
            }
            Whom::One(id) if except == Some(id) => return Ok(()),
            Whom::One(id) => Letter::One(id, segment),
            Whom::Those(pick) => {
                Letter::Those(Arc::new(move |id| except != Some(id) && pick(id)), segment)
            }
        };
        self.put(&letter)?;
        Ok(())
    }

    /// Says something to one connection. Where it is gone by then, nobody is told.
    ///
    /// # Errors
    ///
    /// [`HandleError`].
    pub fn send<'m>(
        &self,
        id: ConnectionId,
        message: impl Into<Message<'m>>,
    ) -> Result<(), HandleError> {
        self.publish(To::one(id), message)
    }

    /// Starts a connection's closing handshake. A reason over 123 bytes is cut.
    ///
    /// # Errors
    ///
    /// [`HandleError`].
    pub fn close(
        &self,
        id: ConnectionId,
        code: CloseCode,
        reason: &str,
    ) -> Result<(), HandleError> {
        let mut end = reason.len().min(MAX_CONTROL_LEN - 2);
        while !reason.is_char_boundary(end) {
            end -= 1;
        }
        let letter = Letter::Close(id, code, reason[..end].into());
        self.put(&letter)?;
        Ok(())
    }

    /// Says goodbye to all connections with 1001, and ends the loops.
    ///
    /// # Errors
    ///
    /// [`HandleError`].
    pub fn shutdown(&self) -> Result<(), HandleError> {
        self.put(&Letter::Stop)?;
        Ok(())
    }

    /// Has something done on each loop, between two turns: whatever a [`Hub`] can do. It must not wait for anything.
    ///
    /// # Errors
    ///
    /// [`HandleError`].
    pub fn run(
        &self,
        call: impl Fn(&mut Hub<'_>) + Send + Sync + 'static,
    ) -> Result<(), HandleError> {
        self.put(&Letter::Call(Arc::new(call)))?;
        Ok(())
    }

    fn put(&self, letter: &Letter) -> Result<usize, HandleError> {
        Ok(self.exchange.put(letter)?)
    }

    /// Asks each loop something, and waits for the answers, at most for so long. Not for the thread of a loop, which
    /// would wait for itself. A loop that ends meanwhile does not answer.
    ///
    /// # Errors
    ///
    /// [`HandleError`].
    pub fn ask<R: Send + 'static>(
        &self,
        question: impl Fn(&mut Hub<'_>) -> R + Send + Sync + 'static,
        patience: Duration,
    ) -> Result<Vec<R>, HandleError> {
        let begin = Instant::now();
        let answers = Arc::new(Answers::default());
        let to = Arc::clone(&answers);
        let call = move |hub: &mut Hub<'_>| to.give(question(hub));
        let expected = self.put(&Letter::Call(Arc::new(call)))?;
        let mut come = answers.lock();
        while come.len() < expected {
            let Some(left) = patience.checked_sub(begin.elapsed()) else {
                return Err(HandleError::TimedOut);
            };
            let waited = answers.more.wait_timeout(come, left);
            come = waited.unwrap_or_else(PoisonError::into_inner).0;
        }
        Ok(take(&mut *come))
    }

    /// How many members a room has, on all loops.
    ///
    /// # Errors
    ///
    /// As for [`ask`](Self::ask).
    pub fn count(&self, room: &str, patience: Duration) -> Result<usize, HandleError> {
        let room: Arc<str> = room.into();
        let counts = self.ask(move |hub| hub.count(&room), patience)?;
        Ok(counts.into_iter().sum())
    }

    /// How many accepted connections are open, on all loops.
    ///
    /// # Errors
    ///
    /// As for [`ask`](Self::ask).
    pub fn online(&self, patience: Duration) -> Result<usize, HandleError> {
        let counts = self.ask(|hub| hub.online(), patience)?;
        Ok(counts.into_iter().sum())
    }
}

/// What loops have answered.
struct Answers<R> {
    come: Mutex<Vec<R>>,
    more: Condvar,
}

impl<R> Default for Answers<R> {
    fn default() -> Self {
        Self {
            come: Mutex::default(),
            more: Condvar::new(),
        }
    }
}

impl<R> Answers<R> {
    fn give(&self, answer: R) {
        self.lock().push(answer);
        self.more.notify_one();
    }

    fn lock(&self) -> MutexGuard<'_, Vec<R>> {
        self.come.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
