//! Connections on the loop, and what is typed beside them: the only part of `connect` that knows a socket and a clock.
//!
//! What a handler hears is taken down and told when the turn is over: whoever hears it may want to speak.
//!
//! Not here: what is said to whom; that is `talk` and `multi`.

use super::desk::{Calls, Desk, Outcome};
use super::event::{Ended, Event, Kind, Opened, Way};
use super::input::Typed;
use super::options::Options;
use core::time::Duration;
use sockeye::client::{
    Answer, Cause, Client, Closed, ConnectError, ConnectionId, Connector, Handler, Hub, LinkState,
    Message, Peer, Reconnect, Settings, Stopper, Timeouts,
};
use sockeye::proto::deflate::Policy;
use sockeye::proto::{CloseCode, Limits, SendError};
use std::io;
use std::sync::mpsc::Receiver;
use std::time::Instant;

/// Pings of the user that wait for their pongs.
const MAX_PINGS: usize = 1000;

/// Connections, and where they are heard.
pub(crate) struct Session<'o> {
    client: Client<Ear>,
    options: &'o Options,
    urls: Vec<String>,
    start: Instant,
}

impl<'o> Session<'o> {
    pub(crate) fn new(options: &'o Options) -> io::Result<Self> {
        let timeouts = Timeouts {
            ping: options.ping_interval,
            ..Timeouts::default()
        };
        let settings = Settings::default().timeouts(timeouts);
        Ok(Self {
            client: Client::with_settings(Ear::default(), settings)?,
            options,
            urls: Vec::new(),
            start: Instant::now(),
        })
    }

    /// What ends a turn when something was typed.
    pub(crate) fn stopper(&self) -> Stopper {
        self.client.stopper()
    }

    /// Holds conversations until they have ended.
    ///
    /// # Errors
    ///
    /// When the operating system makes waiting impossible.
    pub(crate) fn hold(
        &mut self,
        desk: &mut dyn Desk,
        lines: &Receiver<Typed>,
    ) -> io::Result<Outcome> {
        loop {
            self.tell(desk);
            desk.tick(self.start.elapsed(), self);
            while desk.takes_lines(self)
                && let Ok(typed) = lines.try_recv()
            {
                if desk.typed(self.start.elapsed(), typed, self).is_err() {
                    desk.hang_up(self);
                }
                self.tell(desk);
            }
            if let Some(outcome) = desk.done() {
                return Ok(outcome);
            }
            let wait = desk
                .deadline()
                .map(|deadline| deadline.saturating_sub(self.start.elapsed()));
            self.client.turn(wait)?;
        }
    }

    /// Tells what was heard.
    fn tell(&mut self, desk: &mut dyn Desk) {
        for (id, heard) in self.client.handler().heard.drain(..).collect::<Vec<_>>() {
            let Some(url) = usize::try_from(id).ok().and_then(|id| self.urls.get(id)) else {
                continue;
            };
            let told = desk.event(self.start.elapsed(), id, &heard.event(url));
            if told.is_err() {
                desk.hang_up(self);
            }
        }
    }

    /// Calls with an open connection.
    fn with<R>(
        &mut self,
        id: u64,
        call: impl FnOnce(&mut Peer<'_>) -> Result<R, SendError>,
    ) -> Result<R, String> {
        let connection = self.client.handler().connection(id);
        connection
            .and_then(|connection| self.client.with_peer(connection, |peer, _| call(peer)))
            .unwrap_or(Err(SendError::Closed))
            .map_err(|error| match error {
                SendError::Closed => "the connection is not open".to_owned(),
                error => error.to_string(),
            })
    }
}

/// A connection as the flags want it.
pub(crate) fn connector(options: &Options, url: &str) -> Result<Connector, String> {
    let mut connector = options
        .target
        .connector(url)?
        .limits(Limits::with_max_message(options.max_message))
        .deflate((!options.no_deflate).then(|| Policy {
            server_context_takeover: options.context_takeover,
            client_context_takeover: options.context_takeover,
            ..Policy::default()
        }));
    if options.reconnect {
        connector = connector.reconnect(Reconnect::default());
    }
    Ok(connector)
}

impl Calls for Session<'_> {
    fn connect(&mut self, url: &str) -> Result<(), String> {
        let id = self.urls.len() as u64;
        let connector = connector(self.options, url)?;
        self.client
            .connect(&connector, id)
            .map_err(|error| error.to_string())?;
        self.urls.push(url.to_owned());
        Ok(())
    }

    fn send(&mut self, id: u64, message: Message<'_>) -> Result<(), String> {
        self.with(id, |peer| peer.send(message))
    }

    fn ping(&mut self, id: u64, data: &[u8]) -> Result<(), String> {
        self.with(id, |peer| peer.ping(data))?;
        let pings = &mut self.client.handler().pings;
        pings.truncate(MAX_PINGS);
        pings.push((id, data.to_vec()));
        Ok(())
    }

    fn pong(&mut self, id: u64, data: &[u8]) -> Result<(), String> {
        self.with(id, |peer| peer.pong(data))
    }

    fn close(&mut self, id: u64, code: CloseCode, reason: &str) -> Result<(), String> {
        if !self.options.reconnect {
            return self.with(id, |peer| peer.close(code, reason));
        }
        self.with(id, |_| Ok(()))?;
        self.client.handler().leaving = true;
        self.client
            .unlink(id, code, reason)
            .map_err(|error| error.to_string())
    }

    fn waiting(&mut self, id: u64) -> usize {
        self.with(id, |peer| Ok(peer.queued_bytes())).unwrap_or(0)
    }
}

/// Takes down what it hears.
#[derive(Default)]
struct Ear {
    heard: Vec<(u64, Heard)>,
    /// By the connections' numbers.
    open: Vec<Option<ConnectionId>>,
    /// Pings that the user sent, of which connection.
    pings: Vec<(u64, Vec<u8>)>,
    /// There will be no further attempt because we want none.
    leaving: bool,
}

/// What was heard.
enum Heard {
    Open {
        subprotocol: Option<String>,
        deflate: bool,
        headers: Vec<(String, String)>,
    },
    Failed(String),
    Frame(Kind, Vec<u8>),
    Close {
        code: u16,
        reason: String,
        clean: bool,
        cause: Option<String>,
    },
    Waiting(Duration),
    GivenUp,
}

impl Heard {
    fn event<'a>(&'a self, url: &'a str) -> Event<'a> {
        match self {
            Self::Open {
                subprotocol,
                deflate,
                headers,
            } => Event::Open(Opened {
                url,
                subprotocol: subprotocol.as_deref(),
                deflate: *deflate,
                headers,
            }),
            Self::Failed(error) => Event::Failed { error },
            Self::Frame(kind, data) => Event::Frame {
                way: Way::Received,
                kind: *kind,
                data,
            },
            Self::Close {
                code,
                reason,
                clean,
                cause,
            } => Event::Close(Ended {
                code: *code,
                reason,
                clean: *clean,
                cause: cause.as_deref(),
            }),
            Self::Waiting(delay) => Event::Waiting { delay: *delay },
            Self::GivenUp => Event::GivenUp,
        }
    }
}

impl Ear {
    fn connection(&self, id: u64) -> Option<ConnectionId> {
        *self.open.get(usize::try_from(id).ok()?)?
    }

    fn set(&mut self, id: u64, connection: Option<ConnectionId>) {
        let Ok(index) = usize::try_from(id) else {
            return;
        };
        if self.open.len() <= index {
            self.open.resize(index + 1, None);
        }
        self.open[index] = connection;
    }
}

impl Handler for Ear {
    /// The connection's number.
    type State = u64;

    fn on_connect(&mut self, peer: &mut Peer<'_>, tag: u64, answer: &Answer<'_>) -> u64 {
        self.set(tag, Some(peer.id()));
        let header = |(name, value): (&str, &[u8])| {
            (name.to_owned(), String::from_utf8_lossy(value).into_owned())
        };
        let opened = Heard::Open {
            subprotocol: answer.protocol().map(str::to_owned),
            deflate: answer.is_compressed(),
            headers: answer.headers().iter().map(header).collect(),
        };
        self.heard.push((tag, opened));
        tag
    }

    fn on_failed(&mut self, tag: u64, error: ConnectError) {
        self.heard.push((tag, Heard::Failed(error.to_string())));
    }

    fn on_link(&mut self, tag: u64, state: LinkState) {
        match state {
            LinkState::Waiting { wait, .. } => self.heard.push((tag, Heard::Waiting(wait))),
            LinkState::Ended if !self.leaving => self.heard.push((tag, Heard::GivenUp)),
            LinkState::Connecting | LinkState::Open | LinkState::Ended => {}
        }
    }

    fn on_message(&mut self, _: &mut Peer<'_>, id: &mut u64, message: Message<'_>) {
        let kind = match message {
            Message::Text(_) => Kind::Text,
            Message::Binary(_) => Kind::Binary,
        };
        let data = message.bytes().to_vec();
        self.heard.push((*id, Heard::Frame(kind, data)));
    }

    fn on_ping(&mut self, _: &mut Peer<'_>, id: &mut u64, payload: &[u8]) {
        self.heard
            .push((*id, Heard::Frame(Kind::Ping, payload.to_vec())));
    }

    /// The loop asks by itself whether the server is there; the answers to that are nobody's business.
    fn on_pong(&mut self, _: &mut Peer<'_>, id: &mut u64, payload: &[u8]) {
        let asked = |(other, data): &(u64, Vec<u8>)| other == id && data == payload;
        if let Some(ping) = self.pings.iter().position(asked) {
            self.pings.remove(ping);
            self.heard
                .push((*id, Heard::Frame(Kind::Pong, payload.to_vec())));
        }
    }

    fn on_close(&mut self, _: &mut Hub<'_>, _: ConnectionId, id: u64, closed: &Closed<'_>) {
        self.set(id, None);
        let closed = Heard::Close {
            code: closed.code,
            reason: closed.reason.to_owned(),
            clean: closed.clean,
            cause: cause(closed),
        };
        self.heard.push((id, closed));
    }
}

/// Why a connection ended, where its Close frame does not say it.
pub(crate) fn cause(closed: &Closed<'_>) -> Option<String> {
    let words = match closed.cause {
        Cause::Peer | Cause::Here if closed.clean => return None,
        Cause::Violation => match closed.violation {
            Some(violation) => return Some(format!("the server broke the protocol: {violation}")),
            None => "the server broke the protocol",
        },
        Cause::Ended => "the server ended the stream without a Close frame",
        Cause::Here => "the server did not answer our Close frame",
        Cause::Lost => "the connection broke",
        Cause::Tls => "TLS failed, or was cut off",
        Cause::PingTimeout => "the server did not answer a ping",
        Cause::Idle => "nothing came for too long",
        Cause::Unfinished => "a message was not completed in time",
        Cause::TooSlow => "the server reads too slowly",
        Cause::Memory => "too much waited here",
        Cause::WriteStall => "the server has stopped reading",
        _ => return None,
    };
    Some(words.to_owned())
}
