//! What answers while something is lent: [`Answer`].
//!
//! Not here: two tasks on one connection, which are `halves`.

use super::error::Error;
use super::io::Io;
use super::line::Line;
use super::message::{Message, Outgoing};
use super::socket::WebSocket;
use super::steps;
use crate::proto::{CloseCode, Event};
use core::fmt;
use core::future::poll_fn;

/// The side of a connection that sends, while what was received is lent:
/// [`receive_to_answer`](WebSocket::receive_to_answer) returns it.
pub struct Answer<'a, T> {
    line: &'a mut Line<T>,
    waiting: &'a mut Option<Message>,
}

impl<T: Io> WebSocket<T> {
    /// As [`receive`](Self::receive), with what sends beside the event: that is lent from a buffer which sending has
    /// nothing to do with.
    ///
    /// ```
    /// # use sockeye::aio::{Error, Io, WebSocket};
    /// # async fn echo(mut socket: WebSocket<impl Io>) -> Result<(), Error> {
    /// while let Some((event, mut answer)) = socket.receive_to_answer().await? {
    ///     if event.is_data() {
    ///         answer.feed(event).await?; // no copy but the one that goes out
    ///     }
    /// }
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// As there.
    pub async fn receive_to_answer(&mut self) -> Result<Option<(Event<'_>, Answer<'_, T>)>, Error> {
        let event = steps::receive(&mut self.incoming, &mut self.line).await?;
        let answer = Answer {
            line: &mut self.line,
            waiting: &mut self.waiting,
        };
        Ok(event.map(|event| (event, answer)))
    }
}

impl<T: Io> Answer<'_, T> {
    /// As [`WebSocket::send`].
    ///
    /// # Errors
    ///
    /// As there.
    pub async fn send<'m>(&mut self, message: impl Into<Outgoing<'m>>) -> Result<(), Error> {
        self.feed(message).await?;
        self.flush().await
    }

    /// As [`WebSocket::feed`].
    ///
    /// # Errors
    ///
    /// As there.
    pub async fn feed<'m>(&mut self, message: impl Into<Outgoing<'m>>) -> Result<(), Error> {
        steps::feed(self.line, self.waiting, message.into()).await
    }

    /// As [`WebSocket::flush`].
    ///
    /// # Errors
    ///
    /// As there.
    pub async fn flush(&mut self) -> Result<(), Error> {
        poll_fn(|cx| steps::poll_flush(self.line, self.waiting, cx)).await
    }

    /// Says goodbye. The peer's is the last event that is received.
    ///
    /// # Errors
    ///
    /// [`Error::Send`] where the code or the reason cannot be said; [`Error::Io`].
    pub async fn close(&mut self, code: CloseCode, reason: &str) -> Result<(), Error> {
        let goodbye = (code, reason);
        poll_fn(|cx| steps::poll_goodbye(self.line, self.waiting, goodbye, cx)).await?;
        self.flush().await
    }
}

impl<T> fmt::Debug for Answer<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Answer").finish_non_exhaustive()
    }
}
