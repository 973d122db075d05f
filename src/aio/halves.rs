//! Two tasks on one connection: [`Reader`] and [`Writer`].
//!
//! Not here: how they share it, which is `shared`.

use super::error::Error;
use super::incoming::Incoming;
use super::io::Io;
use super::message::{Message, Outgoing};
use super::shared::Half;
use super::socket::{Agreement, WebSocket};
use super::steps;
use crate::proto::{CloseCode, Event};
use core::fmt;
use core::future::poll_fn;
use core::pin::Pin;
use futures_core::Stream;

/// The half that receives. It answers pings and the peer's goodbye, and does so also while nobody uses the other half.
pub struct Reader<T> {
    pub(super) incoming: Incoming,
    pub(super) line: Half<T>,
    agreed: Agreement,
}

/// The half that sends.
pub struct Writer<T> {
    pub(super) line: Half<T>,
    pub(super) waiting: Option<Message>,
}

impl<T: Io> WebSocket<T> {
    /// Two halves, for two tasks. They share the connection without a lock; see [`Reader`] and [`Writer`].
    pub fn split(self) -> (Reader<T>, Writer<T>) {
        let (reader, writer) = Half::pair(self.line);
        let reader = Reader {
            incoming: self.incoming,
            line: reader,
            agreed: self.agreed,
        };
        let writer = Writer {
            line: writer,
            waiting: self.waiting,
        };
        (reader, writer)
    }
}

impl<T: Io> Reader<T> {
    /// As [`WebSocket::receive`].
    ///
    /// # Errors
    ///
    /// As there.
    pub async fn receive(&mut self) -> Result<Option<Event<'_>>, Error> {
        steps::receive(&mut self.incoming, &mut self.line).await
    }

    /// As [`WebSocket::next`].
    ///
    /// # Errors
    ///
    /// As there.
    pub async fn next(&mut self) -> Option<Result<Message, Error>> {
        poll_fn(|cx| Pin::new(&mut *self).poll_next(cx)).await
    }

    /// The whole again.
    ///
    /// # Errors
    ///
    /// Both, when they are not halves of the same.
    #[expect(
        clippy::result_large_err,
        reason = "whoever mixed them up wants them back"
    )]
    pub fn unsplit(self, writer: Writer<T>) -> Result<WebSocket<T>, (Self, Writer<T>)> {
        if !self.line.is_of(&writer.line) {
            return Err((self, writer));
        }
        let Self {
            incoming,
            line,
            agreed,
        } = self;
        let Some(line) = line.rejoin(writer.line) else {
            unreachable!("nobody else can have it");
        };
        Ok(WebSocket {
            incoming,
            line,
            waiting: writer.waiting,
            agreed,
        })
    }
}

impl<T: Io> Writer<T> {
    /// As [`WebSocket::send`].
    ///
    /// # Errors
    ///
    /// As there.
    pub async fn send<'m>(&mut self, message: impl Into<Outgoing<'m>>) -> Result<(), Error> {
        self.feed(message).await?;
        self.flush().await
    }

    /// As [`WebSocket::feed`]; the other half, too, writes before it waits, but somebody has to wait with it.
    ///
    /// # Errors
    ///
    /// As there.
    pub async fn feed<'m>(&mut self, message: impl Into<Outgoing<'m>>) -> Result<(), Error> {
        steps::feed(&mut self.line, &mut self.waiting, message.into()).await
    }

    /// As [`WebSocket::flush`].
    ///
    /// # Errors
    ///
    /// As there.
    pub async fn flush(&mut self) -> Result<(), Error> {
        poll_fn(|cx| steps::poll_flush(&mut self.line, &mut self.waiting, cx)).await
    }

    /// Says goodbye. The peer's comes to the other half.
    ///
    /// # Errors
    ///
    /// [`Error::Send`] where the code or the reason cannot be said; [`Error::Io`].
    pub async fn close(&mut self, code: CloseCode, reason: &str) -> Result<(), Error> {
        let goodbye = (code, reason);
        poll_fn(|cx| steps::poll_goodbye(&mut self.line, &mut self.waiting, goodbye, cx)).await?;
        self.flush().await
    }
}

impl<T> fmt::Debug for Reader<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Reader").finish_non_exhaustive()
    }
}

impl<T> fmt::Debug for Writer<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Writer").finish_non_exhaustive()
    }
}
