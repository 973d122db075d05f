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
    ///
    /// ```
    /// # #[cfg(feature = "tokio")]
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// use sockeye::aio::{self, Client, Error, Io, Tokio, WebSocket};
    /// use sockeye::proto::CloseCode;
    ///
    /// /// Counts down, and prints meanwhile what comes.
    /// async fn talk(socket: WebSocket<impl Io + Send + 'static>) -> Result<(), Error> {
    ///     let (mut reader, mut writer) = socket.split();
    ///     let counting = tokio::spawn(async move {
    ///         for number in (1..=3).rev() {
    ///             writer.send(&number.to_string()).await?;
    ///         }
    ///         writer.close(CloseCode::NORMAL, "lift-off").await
    ///     });
    ///     while let Some(message) = reader.next().await.transpose()? {
    ///         println!("{message:?}");
    ///     }
    ///     counting.await.expect("it does not panic")
    /// }
    /// # let (ours, theirs) = tokio::io::duplex(4096);
    /// # let server = tokio::spawn(async { talk(aio::accept(theirs).await?).await });
    /// # let mut socket = Client::new("localhost", "/").connect(Tokio::new(ours)).await?;
    /// # let mut said = Vec::new();
    /// # while let Some(message) = socket.next().await.transpose()? {
    /// #     said.extend_from_slice(message.bytes());
    /// # }
    /// # assert_eq!(said, b"321lift-off");
    /// # server.await??;
    /// # Ok(())
    /// # }
    /// # #[cfg(not(feature = "tokio"))]
    /// # fn main() {}
    /// ```
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
