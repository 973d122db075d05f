//! Requests from the server to a client, and their answers: [`Asks`].
//!
//! Not here: the clock, which is the loop's; reading answers from the wire, which is `mod`'s.

use crate::app::Scope;
use crate::app::json::{BadParam, Envelope, Letter, Unwritable};
use crate::server::ConnectionId;
use alloc::boxed::Box;
use alloc::string::String;
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::fmt;
use core::time::Duration;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

/// The most requests that one connection can leave unanswered.
pub const MAX_ASKED: usize = 64;

/// What asks clients; of one [`Commands`](super::Commands), and made by [`Commands::asks`](super::Commands::asks). Clones
/// are the same.
pub struct Asks<U>(Arc<Mutex<Asked<U>>>);

struct Asked<U> {
    next: u64,
    open: HashMap<u64, Question<U>>,
    of: HashMap<ConnectionId, Vec<u64>>,
}

struct Question<U> {
    to: ConnectionId,
    done: Done<U>,
}

type Done<U> =
    Box<dyn FnOnce(&mut Scope<'_, U>, Result<(&mut U, &Envelope<'_>), Unanswered>) + Send>;

impl<U: Send + 'static> Asks<U> {
    pub(super) fn new() -> Self {
        Self(Arc::new(Mutex::new(Asked {
            next: 1,
            open: HashMap::new(),
            of: HashMap::new(),
        })))
    }

    /// Sends a client a command with an `id`, and calls `done` once: with the reply and the user of the connection that
    /// answered, or with the reason why there is none. That is within `timeout`, at most a turn of the loop late; a service
    /// that is gone by then is told nothing.
    ///
    /// ```
    /// # use core::time::Duration;
    /// # use sockeye::app::json::Commands;
    /// let commands = Commands::<bool>::new();
    /// let asks = commands.asks();
    /// let commands = commands.on("delete", move |conn, _, (): ()| {
    ///     let second = Duration::from_secs(1);
    ///     let _ = asks.ask(conn.id(), conn, "sure?", &(), second, |_, answer| {
    ///         if let Ok((user, sure)) = answer {
    ///             *user = sure;
    ///         }
    ///     });
    /// });
    /// ```
    ///
    /// # Errors
    ///
    /// [`NotAsked`], and `done` is not called.
    pub fn ask<P, R>(
        &self,
        to: ConnectionId,
        scope: &mut Scope<'_, U>,
        cmd: &str,
        param: &P,
        timeout: Duration,
        done: impl FnOnce(&mut Scope<'_, U>, Result<(&mut U, R), Unanswered>) + Send + 'static,
    ) -> Result<(), NotAsked>
    where
        P: serde::Serialize + ?Sized,
        R: DeserializeOwned,
    {
        let number = self.number(to)?;
        let message = Letter::new(cmd).id(number).param(param);
        let message = message.map_err(NotAsked::Unwritable)?;
        let told = scope.send_to(to, &message);
        told.map_err(|_| NotAsked::Gone)?;
        let done: Done<U> = Box::new(|scope, answer| {
            let answer = answer.and_then(|(user, envelope)| {
                let read = envelope.param().map_err(Unanswered::Wrong)?;
                Ok((user, read))
            });
            done(scope, answer);
        });
        let mut asked = self.lock();
        asked.open.insert(number, Question { to, done });
        asked.of.entry(to).or_default().push(number);
        drop(asked);
        scope.after(timeout, OURS | number);
        Ok(())
    }

    fn number(&self, to: ConnectionId) -> Result<u64, NotAsked> {
        let mut asked = self.lock();
        if asked
            .of
            .get(&to)
            .is_some_and(|open| open.len() >= MAX_ASKED)
        {
            return Err(NotAsked::TooMany);
        }
        let number = asked.next;
        asked.next += 1;
        Ok(number)
    }

    /// Never held while anything of the application's runs, which may ask again.
    fn lock(&self) -> MutexGuard<'_, Asked<U>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Somebody has answered. Says whether they were asked.
    pub(super) fn answered(
        &self,
        scope: &mut Scope<'_, U>,
        from: ConnectionId,
        user: &mut U,
        envelope: &Envelope<'_>,
    ) -> bool {
        let question = envelope.re.and_then(|re| self.take(re, Some(from)));
        let Some(question) = question else {
            return false;
        };
        let answer = match &*envelope.cmd {
            "error" => Err(Unanswered::Refused(said(envelope))),
            _ => Ok((user, envelope)),
        };
        (question.done)(scope, answer);
        true
    }

    /// A time is over. Says whether it was for an answer.
    pub(super) fn timer(&self, scope: &mut Scope<'_, U>, key: u64) -> bool {
        if key & OURS == 0 {
            return false;
        }
        if let Some(question) = self.take(key ^ OURS, None) {
            (question.done)(scope, Err(Unanswered::TimedOut));
        }
        true
    }

    /// A connection answers nothing any more.
    pub(super) fn gone(&self, scope: &mut Scope<'_, U>, id: ConnectionId) {
        let numbers = self.lock().of.remove(&id).unwrap_or_default();
        for number in numbers {
            let question = self.lock().open.remove(&number);
            if let Some(question) = question {
                (question.done)(scope, Err(Unanswered::Gone));
            }
        }
    }

    /// Takes out the question with this number, if it was put to `from`.
    fn take(&self, number: u64, from: Option<ConnectionId>) -> Option<Question<U>> {
        let mut asked = self.lock();
        let Asked { open, of, .. } = &mut *asked;
        let to = open.get(&number)?.to;
        // Numbers can be guessed: nobody answers for another.
        if from.is_some_and(|from| from != to) {
            return None;
        }
        if let Some(numbers) = of.get_mut(&to) {
            numbers.retain(|other| *other != number);
            if numbers.is_empty() {
                of.remove(&to);
            }
        }
        open.remove(&number)
    }
}

/// Marks the keys of our timers.
pub(super) const OURS: u64 = 1 << 63;

/// The words of an error.
fn said(envelope: &Envelope<'_>) -> String {
    #[derive(Deserialize)]
    struct Said {
        message: String,
    }
    envelope
        .param::<Said>()
        .map(|said| said.message)
        .unwrap_or_default()
}

/// Why a request has no reply.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Unanswered {
    /// None came in time.
    TimedOut,
    /// The connection has ended.
    Gone,
    /// The client answered with an error; its words, which may be anything.
    Refused(String),
    /// The reply is not of the type that was expected.
    Wrong(BadParam),
}

impl fmt::Display for Unanswered {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::TimedOut => f.write_str("no reply in time"),
            Self::Gone => f.write_str("the connection has ended"),
            Self::Refused(said) => write!(f, "the client says: {}", crate::app::log::escaped(said)),
            Self::Wrong(bad) => bad.fmt(f),
        }
    }
}

impl core::error::Error for Unanswered {}

/// Why a request was not sent.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum NotAsked {
    /// The connection has [`MAX_ASKED`] to answer already.
    TooMany,
    /// The connection is told nothing more.
    Gone,
    /// The parameter cannot be written.
    Unwritable(Unwritable),
}

impl fmt::Display for NotAsked {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::TooMany => write!(f, "{MAX_ASKED} requests are unanswered"),
            Self::Gone => f.write_str("the connection has ended"),
            Self::Unwritable(unwritable) => unwritable.fmt(f),
        }
    }
}

impl core::error::Error for NotAsked {}

impl<U> Clone for Asks<U> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

impl<U> fmt::Debug for Asks<U> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Asks").finish_non_exhaustive()
    }
}
