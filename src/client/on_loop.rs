//! Connections of a client on the event loop: [`Client`].
//!
//! Not here: the loop, which is `reactor`; one connection at a time, which is `blocking`.

use super::{ConfigError, Connector};
use crate::proto::{CloseCode, SendError};
use crate::reactor::{
    ConnectionId, Delivery, EventLoop, Handler, LinkStatus, Message, Mio, Peer, Settings, Stopper,
};
use core::time::Duration;
use std::io;

/// Any number of connections to servers, on one loop in one thread.
///
/// ```no_run
/// use sockeye::client::{Answer, Client, Connector, Handler, Message, Peer};
///
/// struct Greeter;
///
/// impl Handler for Greeter {
///     type State = ();
///
///     fn on_connect(&mut self, peer: &mut Peer<'_>, _tag: u64, _answer: &Answer<'_>) {
///         let _ = peer.send("hello");
///     }
///
///     fn on_message(&mut self, _peer: &mut Peer<'_>, _state: &mut (), message: Message<'_>) {
///         println!("{message:?}");
///     }
/// }
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let mut client = Client::new(Greeter)?;
/// let connector = Connector::new("wss://example.com/chat")?;
/// for tag in 0..1000 {
///     client.connect(&connector, tag)?;
/// }
/// client.run()?; // until all have ended
/// # Ok(())
/// # }
/// ```
#[derive(Debug)]
pub struct Client<H: Handler> {
    event_loop: EventLoop<H, Mio>,
    stopper: Stopper,
}

impl<H: Handler> Client<H> {
    /// One without connections.
    ///
    /// # Errors
    ///
    /// As `epoll_create(2)` and its like.
    pub fn new(handler: H) -> io::Result<Self> {
        Self::with_settings(handler, Settings::default())
    }

    /// The same, with timeouts and limits of the loop. What is set per connection, by its [`Connector`], is not taken
    /// from here.
    ///
    /// # Errors
    ///
    /// As for [`new`](Self::new).
    pub fn with_settings(handler: H, settings: Settings) -> io::Result<Self> {
        let kernel = Mio::for_clients(false)?;
        let stopper = kernel.stopper();
        Ok(Self {
            event_loop: EventLoop::new(kernel, handler, settings),
            stopper,
        })
    }

    /// Opens a connection; the handler is told what came of it, with the tag. See [`EventLoop::connect`].
    ///
    /// # Errors
    ///
    /// When a setting is wrong. Then nothing is sent, and nothing told.
    pub fn connect(&mut self, connector: &Connector, tag: u64) -> Result<(), ConfigError> {
        self.event_loop.connect(connector, tag)
    }

    /// Runs until there is nothing left: no connection, none on its way, none that is to be opened again.
    ///
    /// # Errors
    ///
    /// When the operating system makes waiting impossible.
    pub fn run(&mut self) -> io::Result<()> {
        while !self.event_loop.is_idle() && self.turn(None)? {}
        Ok(())
    }

    /// One turn of the loop, waiting at most `max_wait`. Says whether to go on: not, once it was stopped and everything
    /// has ended.
    ///
    /// # Errors
    ///
    /// As for [`run`](Self::run).
    pub fn turn(&mut self, max_wait: Option<Duration>) -> io::Result<bool> {
        self.event_loop.turn(max_wait)
    }

    /// Calls with an open connection, between turns, and sends what was said; `None` when there is no such connection
    /// any more.
    pub fn with_peer<R>(
        &mut self,
        id: ConnectionId,
        call: impl FnOnce(&mut Peer<'_>, &mut H::State) -> R,
    ) -> Option<R> {
        self.event_loop.with_peer(id, call)
    }

    /// Sends through a connection that is opened again and again: now, or when it is open. `None` where there is no such
    /// connection, or it has ended.
    pub fn send<'m>(&mut self, tag: u64, message: impl Into<Message<'m>>) -> Option<Delivery> {
        self.event_loop.send(tag, message)
    }

    /// Where a connection that is opened again and again stands.
    #[must_use]
    pub fn status(&mut self, tag: u64) -> Option<LinkStatus> {
        self.event_loop.status(tag)
    }

    /// Where a connection that [resumes](Connector::resume) is in what its server keeps; see
    /// [`EventLoop::resume_token`].
    #[must_use]
    pub fn resume_token(&self, tag: u64) -> Option<&str> {
        self.event_loop.resume_token(tag)
    }

    /// Ends a connection that is opened again and again.
    ///
    /// # Errors
    ///
    /// [`SendError::Misuse`] for a reason over 123 bytes; then nothing has changed.
    pub fn unlink(&mut self, tag: u64, code: CloseCode, reason: &str) -> Result<(), SendError> {
        self.event_loop.unlink(tag, code, reason)
    }

    /// Gives up what is on its way and says goodbye to the others with 1001; turns go on until all have ended.
    pub fn stop(&mut self) {
        self.event_loop.stop();
    }

    /// What stops it, or ends a wait, from another thread.
    #[must_use]
    pub fn stopper(&self) -> Stopper {
        self.stopper.clone()
    }

    /// The handler.
    pub const fn handler(&mut self) -> &mut H {
        self.event_loop.handler()
    }

    /// Connections, those on their way included.
    #[must_use]
    pub fn connections(&self) -> usize {
        self.event_loop.connections() + self.event_loop.dialing()
    }
}
