//! A connection: [`WebSocket`], and its halves, [`Reader`] and [`Writer`].
//!
//! Not here: how it was opened, which is `server` and `client`.

use super::error::Error;
use super::incoming::Incoming;
use super::io::Io;
use super::line::Line;
use super::message::{Goodbye, Message, Outgoing};
use super::steps;
use crate::proto::{CloseCode, Event, Role, State};
use alloc::string::String;
use core::fmt;
use core::future::poll_fn;
use core::pin::Pin;
use futures_core::Stream;

/// An open connection.
///
/// It is a [`Stream`] of messages and a [`Sink`](futures_sink::Sink) for them, and has the same as methods, which cost no copies:
/// [`receive`](Self::receive) lends what has come, and what is sent may be lent. [`split`](Self::split) lets two tasks
/// share it.
///
/// Every method may be given up at any time, as `select!` does, and nothing is lost by that or said twice: what was
/// received and not returned comes next time; what was to be sent is queued as a whole or not at all.
///
/// Dropping it cuts the connection off; [`close`](Self::close) says goodbye.
///
/// ```
/// # #[cfg(feature = "tokio")]
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// use sockeye::aio::{self, Client, Error, Io, Message, Tokio, WebSocket};
/// use sockeye::proto::CloseCode;
///
/// async fn greet(mut socket: WebSocket<impl Io>) -> Result<(), Error> {
///     while let Some(message) = socket.next().await.transpose()? {
///         match message {
///             Message::Text(name) if name.is_empty() => {
///                 socket.close(CloseCode::new(4000).unwrap(), "no name").await?;
///             }
///             Message::Text(name) => socket.send(&format!("hello, {name}")).await?,
///             Message::Binary(data) => println!("{} bytes", data.len()),
///             Message::Close(goodbye) => println!("it went with {goodbye:?}"),
///             _ => {} // pings were answered
///         }
///     }
///     Ok(())
/// }
/// # let (ours, theirs) = tokio::io::duplex(4096);
/// # let server = tokio::spawn(async { greet(aio::accept(theirs).await?).await });
/// # let mut socket = Client::new("localhost", "/").connect(Tokio::new(ours)).await?;
/// # socket.send("Ada").await?;
/// # assert_eq!(socket.next().await.transpose()?, Some("hello, Ada".into()));
/// # socket.send("").await?;
/// # let Some(Message::Close(Some(goodbye))) = socket.next().await.transpose()? else { panic!() };
/// # assert_eq!(goodbye.reason, "no name");
/// # server.await??;
/// # Ok(())
/// # }
/// # #[cfg(not(feature = "tokio"))]
/// # fn main() {}
/// ```
pub struct WebSocket<T> {
    pub(super) incoming: Incoming,
    pub(super) line: Line<T>,
    /// From the sink, for which there was no room yet.
    pub(super) waiting: Option<Message>,
    pub(super) agreed: Agreement,
}

/// What the handshake has come to.
#[derive(Clone, Debug, Default)]
pub(super) struct Agreement {
    pub(super) protocol: Option<String>,
    pub(super) is_compressed: bool,
}

impl<T: Io> WebSocket<T> {
    pub(super) const fn new(incoming: Incoming, line: Line<T>, agreed: Agreement) -> Self {
        Self {
            incoming,
            line,
            waiting: None,
            agreed,
        }
    }

    /// The subprotocol in use.
    #[must_use]
    pub fn protocol(&self) -> Option<&str> {
        self.agreed.protocol.as_deref()
    }

    /// Whether permessage-deflate is in use.
    #[must_use]
    pub const fn is_compressed(&self) -> bool {
        self.agreed.is_compressed
    }

    /// Which side we are.
    #[must_use]
    pub const fn role(&self) -> Role {
        self.line.tx.role()
    }

    /// How far the closing handshake has come.
    #[must_use]
    pub const fn state(&self) -> State {
        self.line.tx.state()
    }

    /// What carries the bytes.
    pub const fn get_ref(&self) -> &T {
        &self.line.io
    }

    /// The same, to set something of it. To read from it or to write to it breaks the connection.
    pub const fn get_mut(&mut self) -> &mut T {
        &mut self.line.io
    }

    /// What carries the bytes, alone. What was received and not taken, or queued and not written, is lost.
    #[must_use]
    pub fn into_inner(self) -> T {
        self.line.io
    }

    /// Bytes that wait to be written.
    #[must_use]
    pub const fn queued_bytes(&self) -> usize {
        self.line.queued()
    }

    /// Waits for the next event, and lends it: no copy is made. Everything that was queued is written before it waits.
    ///
    /// The peer's goodbye, [`Event::Close`], is the last one; by then it is answered, and both sides have ended. `None`
    /// follows.
    ///
    /// # Errors
    ///
    /// [`Error::Violation`], once the peer was told; [`Error::Lost`], [`Error::Timeout`] and [`Error::Io`]; for a client
    /// [`Error::Send`], where something could not be said, an own message or an answer, because the system had no randomness.
    /// Nothing follows an error.
    pub async fn receive(&mut self) -> Result<Option<Event<'_>>, Error> {
        steps::receive(&mut self.incoming, &mut self.line).await
    }

    /// The next message, which owns what it says. `None` is the end.
    ///
    /// # Errors
    ///
    /// As for [`receive`](Self::receive).
    pub async fn next(&mut self) -> Option<Result<Message, Error>> {
        poll_fn(|cx| Pin::new(&mut *self).poll_next(cx)).await
    }

    /// Sends a message and waits until the system has taken all there is.
    ///
    /// # Errors
    ///
    /// [`Error::Send`] when it was not queued; [`Error::Io`].
    pub async fn send<'m>(&mut self, message: impl Into<Outgoing<'m>>) -> Result<(), Error> {
        self.feed(message).await?;
        self.flush().await
    }

    /// Queues a message, and waits only where 64 KiB wait before it. It is written by the next [`flush`](Self::flush) or
    /// [`send`](Self::send), and before [`receive`](Self::receive) and [`next`](Self::next) wait: answers to what came
    /// together go together.
    ///
    /// # Errors
    ///
    /// As for [`send`](Self::send).
    pub async fn feed<'m>(&mut self, message: impl Into<Outgoing<'m>>) -> Result<(), Error> {
        steps::feed(&mut self.line, &mut self.waiting, message.into()).await
    }

    /// Waits until the system has taken everything.
    ///
    /// # Errors
    ///
    /// [`Error::Io`].
    pub async fn flush(&mut self) -> Result<(), Error> {
        poll_fn(|cx| steps::poll_flush(&mut self.line, &mut self.waiting, cx)).await
    }

    /// Says goodbye, and waits for the peer's, which it returns. What still comes before that is dropped.
    ///
    /// # Errors
    ///
    /// As for [`receive`](Self::receive), and [`Error::Send`] where the code or the reason cannot be said. A connection
    /// that is closing already is waited for.
    pub async fn close(&mut self, code: CloseCode, reason: &str) -> Result<Option<Goodbye>, Error> {
        let goodbye = (code, reason);
        poll_fn(|cx| steps::poll_goodbye(&mut self.line, &mut self.waiting, goodbye, cx)).await?;
        loop {
            match self.receive().await? {
                Some(Event::Close(reason)) => {
                    return Ok(match Message::from(Event::Close(reason)) {
                        Message::Close(goodbye) => goodbye,
                        _ => None,
                    });
                }
                Some(_) => {}
                None => return Ok(None),
            }
        }
    }
}

impl<T: fmt::Debug> fmt::Debug for WebSocket<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("WebSocket")
            .field("io", &self.line.io)
            .field("state", &self.line.tx.state())
            .finish_non_exhaustive()
    }
}
