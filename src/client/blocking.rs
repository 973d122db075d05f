//! One connection at a time, each call waiting for what it wants: [`WebSocket`].
//!
//! It is a loop with one connection, which turns while a call waits. While none does, nothing happens: pings of the
//! server are answered by the next call.
//!
//! Not here: connecting again, which is for a [`Client`]; other threads.

use super::{
    Answer, Cause, Client, Closed, ConnectError, ConnectionId, Connector, Handler, Hub, Message,
    Peer, Settings,
};
use crate::proto::{CloseCode, Misuse, SendError};
use alloc::borrow::ToOwned;
use alloc::collections::VecDeque;
use alloc::string::String;
use alloc::vec::Vec;
use core::fmt;
use core::time::Duration;
use std::io;
use std::time::Instant;

/// Opens a connection and waits until it is open.
///
/// ```no_run
/// use sockeye::client::{self, Received};
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let mut socket = client::connect("wss://echo.example.com/")?;
/// socket.send("hello")?;
/// if let Received::Text(text) = socket.receive()? {
///     println!("{text}");
/// }
/// # Ok(())
/// # }
/// ```
///
/// # Errors
///
/// [`ConnectError`] says what failed.
pub fn connect(url: &str) -> Result<WebSocket, ConnectError> {
    Connector::new(url)?.open()
}

/// One open connection. Dropping it cuts it off; [`close`](WebSocket::close) says goodbye.
///
/// ```
/// # #[cfg(feature = "server")]
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// use core::time::Duration;
/// use sockeye::client::{self, Error, Received};
/// use sockeye::proto::CloseCode;
/// # use sockeye::server::{Builder, Handler, Message, Peer};
/// # struct Echo;
/// # impl Handler for Echo {
/// #     type State = ();
/// #     fn on_message(&mut self, peer: &mut Peer<'_>, (): &mut (), message: Message<'_>) {
/// #         let _ = peer.send(message);
/// #     }
/// # }
/// # let mut server = Builder::new().bind("127.0.0.1:0".parse()?, Echo)?;
/// # let (url, stopper) = (format!("ws://{}/", server.local_addr()), server.stopper());
/// # let thread = std::thread::spawn(move || server.run());
///
/// let mut socket = client::connect(&url)?; // wss://example.com/chat
/// socket.set_timeout(Some(Duration::from_millis(500)));
/// # socket.set_timeout(Some(Duration::from_secs(60))); // for the first, however slow the machine
/// socket.send("hello")?;
/// # let mut heard = 0;
/// loop {
///     match socket.receive() {
///         Ok(Received::Text(text)) => println!("{text}"),
///         Ok(Received::Binary(data)) => println!("{} bytes", data.len()),
///         Ok(Received::Closed(end)) => println!("closed with {} {}", end.code, end.reason),
///         Err(Error::Timeout) => break, // there may be more later
///         Err(error) => return Err(error.into()),
///     }
/// #   heard += 1;
/// #   socket.set_timeout(Some(Duration::from_millis(100)));
/// }
/// # assert_eq!(heard, 1);
/// # socket.set_timeout(Some(Duration::from_secs(60)));
/// let end = socket.close(CloseCode::NORMAL, "bye")?;
/// assert!(end.clean);
/// # stopper.stop()?;
/// # thread.join().unwrap()?;
/// # Ok(())
/// # }
/// # #[cfg(not(feature = "server"))]
/// # fn main() {}
/// ```
pub struct WebSocket {
    client: Client<Inbox>,
    id: ConnectionId,
    timeout: Option<Duration>,
}

/// What has come.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Received {
    /// A text message.
    Text(String),
    /// A binary message.
    Binary(Vec<u8>),
    /// The connection has ended; nothing follows.
    Closed(End),
}

/// How a connection ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct End {
    /// The code of the server's Close frame; 1005 when it had none, 1006 when there was no such frame.
    pub code: u16,
    /// The reason of the server's Close frame.
    pub reason: String,
    /// Both sides sent a Close frame.
    pub clean: bool,
    /// What ended it.
    pub cause: Cause,
}

/// Why a call came to nothing.
#[derive(Debug)]
#[non_exhaustive]
pub enum Error {
    /// The connection has ended, or is about to.
    Closed,
    /// The time set by [`WebSocket::set_timeout`] is over. The connection is as it was.
    Timeout,
    /// The call was wrong.
    Misuse(Misuse),
    /// The operating system makes waiting impossible.
    Io(io::Error),
}

impl Connector {
    /// Opens a connection and waits until it is open. It is opened once: [`reconnect`](Self::reconnect) is for a
    /// [`Client`].
    ///
    /// # Errors
    ///
    /// [`ConnectError`] says what failed.
    pub fn open(&self) -> Result<WebSocket, ConnectError> {
        self.open_with(Settings::default())
    }

    /// The same, with timeouts and limits of the loop below.
    ///
    /// # Errors
    ///
    /// As for [`open`](Self::open).
    pub fn open_with(&self, settings: Settings) -> Result<WebSocket, ConnectError> {
        let client = Client::with_settings(Inbox::default(), settings);
        let mut client = client.map_err(ConnectError::Loop)?;
        client.connect(&self.once(), 0)?;
        loop {
            client.turn(None).map_err(ConnectError::Loop)?;
            match client.handler().opened.take() {
                Some(Ok(id)) => {
                    return Ok(WebSocket {
                        client,
                        id,
                        timeout: None,
                    });
                }
                Some(Err(error)) => return Err(error),
                None => {}
            }
        }
    }
}

impl WebSocket {
    /// How long each call may wait. Default: without end, but for the deadlines of the connection itself: a server that
    /// is silent is asked every 20 s whether it is there.
    pub const fn set_timeout(&mut self, timeout: Option<Duration>) {
        self.timeout = timeout;
    }

    /// The subprotocol in use.
    #[must_use]
    pub fn protocol(&mut self) -> Option<&str> {
        self.client.handler().protocol.as_deref()
    }

    /// Sends a message and waits until the system has taken it.
    ///
    /// # Errors
    ///
    /// [`Error::Closed`] when the connection is closing, or ends before the system has taken all of the message;
    /// [`Error::Timeout`] when the server does not read: the message is then on its way, and is not to be sent again.
    pub fn send<'m>(&mut self, message: impl Into<Message<'m>>) -> Result<(), Error> {
        let message = message.into();
        self.say(|peer| peer.send(message))
    }

    /// Sends a ping with at most 125 bytes.
    ///
    /// # Errors
    ///
    /// As for [`send`](Self::send).
    pub fn ping(&mut self, payload: &[u8]) -> Result<(), Error> {
        self.say(|peer| peer.ping(payload))
    }

    fn say(
        &mut self,
        call: impl FnOnce(&mut Peer<'_>) -> Result<(), SendError>,
    ) -> Result<(), Error> {
        let deadline = self.deadline();
        match self.client.with_peer(self.id, |peer, ()| call(peer)) {
            Some(Ok(())) => {}
            Some(Err(SendError::Misuse(misuse))) => return Err(Error::Misuse(misuse)),
            Some(Err(_)) | None => return Err(Error::Closed),
        }
        while self.is_blocked()? {
            self.turn(deadline)?;
        }
        Ok(())
    }

    /// Waits for the next message, or the end.
    ///
    /// # Errors
    ///
    /// [`Error::Timeout`]; [`Error::Closed`] once the end was told.
    pub fn receive(&mut self) -> Result<Received, Error> {
        let deadline = self.deadline();
        loop {
            let inbox = self.client.handler();
            if let Some(received) = inbox.received.pop_front() {
                inbox.bytes -= match &received {
                    Received::Text(text) => text.len(),
                    Received::Binary(data) => data.len(),
                    Received::Closed(_) => 0,
                };
                return Ok(received);
            }
            if self.client.connections() == 0 {
                return Err(Error::Closed);
            }
            self.turn(deadline)?;
        }
    }

    /// Starts the closing handshake and waits for its end. Messages that still come are dropped.
    ///
    /// # Errors
    ///
    /// [`Error::Closed`] once the end was told; [`Error::Misuse`] for a reason over 123 bytes.
    pub fn close(mut self, code: CloseCode, reason: &str) -> Result<End, Error> {
        let id = self.id;
        let closed = self
            .client
            .with_peer(id, |peer, ()| peer.close(code, reason));
        if let Some(Err(SendError::Misuse(misuse))) = closed {
            return Err(Error::Misuse(misuse));
        }
        loop {
            if let Received::Closed(end) = self.receive()? {
                return Ok(end);
            }
        }
    }

    /// Whether the system has yet to take something. Where the connection is gone with that, it never will.
    fn is_blocked(&mut self) -> Result<bool, Error> {
        self.client
            .with_peer(self.id, |peer, ()| peer.is_blocked())
            .ok_or(Error::Closed)
    }

    fn deadline(&self) -> Option<Instant> {
        Instant::now().checked_add(self.timeout?)
    }

    fn turn(&mut self, deadline: Option<Instant>) -> Result<(), Error> {
        let left = deadline.map(|deadline| deadline.saturating_duration_since(Instant::now()));
        if left == Some(Duration::ZERO) {
            return Err(Error::Timeout);
        }
        self.client.turn(left).map_err(Error::Io)?;
        Ok(())
    }
}

impl fmt::Debug for WebSocket {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("WebSocket")
            .field("id", &self.id)
            .field("timeout", &self.timeout)
            .finish_non_exhaustive()
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Closed => f.write_str("the connection is closing or closed"),
            Self::Timeout => f.write_str("the time for this call is over"),
            Self::Misuse(misuse) => misuse.fmt(f),
            Self::Io(error) => write!(f, "cannot wait: {error}"),
        }
    }
}

impl core::error::Error for Error {
    fn source(&self) -> Option<&(dyn core::error::Error + 'static)> {
        match self {
            Self::Io(error) => Some(error),
            _ => None,
        }
    }
}

/// What has come and was not taken. Turns are taken only where there is nothing, or where a message waits to be sent.
#[derive(Default)]
struct Inbox {
    opened: Option<Result<ConnectionId, ConnectError>>,
    protocol: Option<String>,
    received: VecDeque<Received>,
    /// Bytes of messages that were not taken.
    bytes: usize,
}

/// Bytes of messages that may wait here while [`WebSocket::send`] waits for a server that sends and does not read.
const MAX_WAITING: usize = 64 << 20;

impl Handler for Inbox {
    type State = ();

    fn on_connect(&mut self, peer: &mut Peer<'_>, _tag: u64, answer: &Answer<'_>) {
        self.opened = Some(Ok(peer.id()));
        self.protocol = answer.protocol().map(ToOwned::to_owned);
    }

    fn on_failed(&mut self, _tag: u64, error: ConnectError) {
        self.opened = Some(Err(error));
    }

    fn on_message(&mut self, peer: &mut Peer<'_>, (): &mut (), message: Message<'_>) {
        if self.bytes > MAX_WAITING {
            // Closed already is as good.
            let _ = peer.close(CloseCode::TRY_AGAIN_LATER, "sends more than it reads");
            return;
        }
        self.bytes += message.bytes().len();
        self.received.push_back(match message {
            Message::Text(text) => Received::Text(text.to_owned()),
            Message::Binary(data) => Received::Binary(data.to_owned()),
        });
    }

    fn on_close(&mut self, _: &mut Hub<'_>, _id: ConnectionId, (): (), closed: &Closed<'_>) {
        self.received.push_back(Received::Closed(End {
            code: closed.code,
            reason: closed.reason.to_owned(),
            clean: closed.clean,
            cause: closed.cause,
        }));
    }
}
