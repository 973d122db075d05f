//! The loop's part in connections that it opens: from [`connect`](EventLoop::connect) to a session, or to a failure.
//!
//! Not here: what an attempt does by itself, which is `dial`; the opening handshake, which is `ask`; attempts that
//! follow attempts, which is `link`.

use super::Handler;
use super::ask::Ask;
use super::dial::{Asking, Dial, Order, Race, Target, Way};
use super::event_loop::EventLoop;
use super::greet::Opening;
use super::outbox::Piece;
use super::session::Session;
use super::timer::{Entry, Tick, ticks_in};
use crate::client::addresses::interleave;
use crate::client::{ConfigError, ConnectError, Connector, Stage};
use crate::kernel::{Kernel, Remote, Token};
use crate::proto::Connection;
use crate::proto::handshake::HandshakeError;
#[cfg(feature = "tls")]
use crate::tls::{TlsError, TlsStream};
use crate::transport::Transport;
use alloc::boxed::Box;
#[cfg(feature = "tls")]
use alloc::string::ToString as _;
use alloc::vec::Vec;
use core::mem::take;

/// In the slot's half of a token: it is an attempt's, not a session's.
const DIAL: usize = 1 << 31;
/// Where in that half the number of the address stands.
const NUMBER: u32 = 24;
const SLOT: usize = (1 << NUMBER) - 1;
/// In the wheel's key: it is an attempt's.
pub(super) const DIAL_KEY: usize = 1 << 28;

const fn token_of(slot: usize, serial: u32, number: usize) -> Token {
    Token((serial as usize) << 32 | DIAL | number << NUMBER | slot)
}

/// What the resolver is asked under.
const fn key_of(slot: usize, serial: u32) -> u64 {
    token_of(slot, serial, 0).0 as u64
}

/// An attempt's slot, serial number and number of the address, if the token is one's.
pub(super) const fn dial_of(token: Token) -> Option<(usize, u32, usize)> {
    if token.0 & DIAL == 0 {
        return None;
    }
    #[expect(clippy::cast_possible_truncation, reason = "the upper half of 64 bits")]
    let serial = (token.0 >> 32) as u32;
    Some((token.0 & SLOT, serial, (token.0 & (DIAL - 1)) >> NUMBER))
}

impl<H: Handler<K>, K: Kernel> EventLoop<H, K> {
    /// Opens a connection. What comes of it is told to the handler, with the tag: [`Handler::on_connect`] or
    /// [`Handler::on_failed`]. Where the connector is to connect again and again, the tag names it, and must be its own.
    ///
    /// # Errors
    ///
    /// When a setting is wrong. Then nothing is sent, and nothing told.
    pub fn connect(&mut self, connector: &Connector, tag: u64) -> Result<(), ConfigError> {
        connector.check()?;
        self.read_clock();
        if connector.reconnect_policy().is_some() {
            return self.link(connector, tag);
        }
        self.dial_for(connector.clone(), tag);
        Ok(())
    }

    /// Whether there is nothing left that could bring something: no session, no attempt, no link.
    #[must_use]
    pub fn is_idle(&self) -> bool {
        self.sessions.is_empty() && self.dials.is_empty() && self.links.is_empty()
    }

    /// Connections on their way, up to where there is a stream.
    #[must_use]
    pub fn dialing(&self) -> usize {
        self.dials.len()
    }

    /// Opens what handlers asked for in this turn.
    pub(super) fn place_calls(&mut self) {
        for (connector, tag) in take(&mut self.tools.calls) {
            if let Err(error) = self.connect(&connector, tag) {
                self.give_up_on(tag, error.into());
            }
        }
    }

    /// Begins an attempt.
    pub(super) fn dial_for(&mut self, connector: Connector, tag: u64) {
        let deadline = self.tools.now + ticks_in(connector.own_connect_timeout());
        self.dial(Order {
            connector,
            tag,
            followed: 0,
            deadline,
        });
    }

    pub(super) fn dial(&mut self, order: Order) {
        if self.farewell.is_some() {
            return self.fail(&order, ConnectError::Stopped);
        }
        if self.dials.len() > SLOT {
            let error = std::io::Error::other("too many connections are on their way");
            return self.fail(&order, ConnectError::Loop(error));
        }
        self.serial = self.serial.wrapping_add(1);
        let (serial, at) = (self.serial, order.deadline);
        let target = order.target();
        let way = Way::Resolving;
        let slot = self.dials.insert(Dial { order, serial, way });
        self.dial_timer(slot, at);
        let begun = match target {
            Err(error) => Err(error),
            Ok(Target::Remote(remote)) => return self.race(slot, [remote]),
            Ok(Target::Name(host, port)) => {
                let asked = self.tools.kernel.resolve(key_of(slot, serial), &host, port);
                asked.map_err(|error| ConnectError::Resolve { host, error })
            }
        };
        if let Err(error) = begun {
            self.fail_dial(slot, error);
        }
    }

    /// The resolver has answered.
    pub(super) fn on_resolved(&mut self, key: u64) {
        let answer = self.tools.kernel.resolved(key);
        #[expect(clippy::cast_possible_truncation, reason = "it was made of a usize")]
        let Some((slot, _, _)) = self.current_dial(Token(key as usize)) else {
            return;
        };
        // Asked once, it has nothing to say to a race that goes on.
        if !matches!(self.dials[slot].way, Way::Resolving) {
            return;
        }
        match answer {
            Ok(addresses) => self.race(slot, interleave(addresses).into_iter().map(Remote::Ip)),
            Err(error) => {
                let host = match self.dials[slot].order.target() {
                    Ok(Target::Name(host, _)) => host,
                    _ => Default::default(),
                };
                self.fail_dial(slot, ConnectError::Resolve { host, error });
            }
        }
    }

    fn race(&mut self, slot: usize, addresses: impl IntoIterator<Item = Remote>) {
        self.dials[slot].way = Way::Racing(Race::new(addresses));
        self.start_next(slot);
    }

    /// Has the next address take part.
    fn start_next(&mut self, slot: usize) {
        let dial = &mut self.dials[slot];
        let Way::Racing(race) = &mut dial.way else {
            return;
        };
        let token = |number| token_of(slot, dial.serial, number);
        let started = race.start(&mut self.tools.kernel, token, self.tools.now);
        let next = race.next;
        match started {
            Ok(()) if next < Tick::MAX => self.dial_timer(slot, next),
            Ok(()) => {}
            Err(error) => self.fail_dial(slot, error),
        }
    }

    fn dial_timer(&mut self, slot: usize, at: Tick) {
        let key = DIAL_KEY | slot;
        self.wheel.insert(Entry { at, key }, self.tools.now);
    }

    /// The attempt that a report is about, if it is still there.
    fn current_dial(&self, token: Token) -> Option<(usize, u32, usize)> {
        dial_of(token).filter(|(slot, serial, _)| {
            self.dials
                .get(*slot)
                .is_some_and(|dial| dial.serial == *serial)
        })
    }

    pub(super) fn on_dial(&mut self, token: Token) {
        let Some((slot, _, number)) = self.current_dial(token) else {
            return;
        };
        let tools = &mut self.tools;
        match &mut self.dials[slot].way {
            Way::Resolving => {}
            Way::Racing(race) => match race.look(&mut tools.kernel, number) {
                Ok(Some(stream)) => self.on_stream_there(slot, stream),
                Ok(None) => {}
                Err(_) => self.start_next(slot),
            },
            Way::Asking(asking) => match asking.go_on(&mut tools.kernel, &mut self.intake.read) {
                Ok(true) => self.on_way_open(slot),
                Ok(false) => {}
                Err(error) => self.fail_dial(slot, error),
            },
        }
    }

    /// Connected, to the server or to a proxy.
    fn on_stream_there(&mut self, slot: usize, mut stream: K::Stream) {
        let dial = &mut self.dials[slot];
        // The others of the race end here. Reports about them find no race.
        let token = token_of(slot, dial.serial, 0);
        match dial.order.tunnel() {
            Err(error) => self.fail_dial(slot, error),
            Ok(None) => {
                let order = self.dials.remove(slot).order;
                self.open_session(order, stream);
            }
            Ok(Some(tunnel)) => {
                let registered = self.tools.kernel.register_anew(&mut stream, token);
                dial.way = Way::Asking(Asking::new(stream, tunnel));
                if let Err(error) = registered {
                    return self.fail_dial(slot, lost(error));
                }
                self.on_dial(token);
            }
        }
    }

    /// The proxy has opened the way.
    fn on_way_open(&mut self, slot: usize) {
        let dial = self.dials.remove(slot);
        if let Way::Asking(asking) = dial.way {
            self.open_session(dial.order, asking.into_stream());
        }
    }

    /// There is a stream to the server: the rest is a session's.
    fn open_session(&mut self, order: Order, stream: K::Stream) {
        if let Err((order, error)) = self.try_open(order, stream) {
            self.fail(&order, error);
        }
    }

    fn try_open(&mut self, order: Order, stream: K::Stream) -> Result<(), (Order, ConnectError)> {
        let mut request = Vec::new();
        let asked = self.tools.random.take().map_err(|_| ConnectError::Random);
        let asked = asked.and_then(|nonce| {
            order.connector.request(nonce, &mut request)?;
            Ok((nonce, transport(&order.connector, stream)?))
        });
        let (nonce, transport) = match asked {
            Ok(asked) => asked,
            Err(error) => return Err((order, error)),
        };
        let conn = Connection::client(order.connector.config());
        let ask = Ask::new(order, nonce);
        let opening = Some(Box::new(Opening::Ask(ask)));
        let slot = match self.admit(transport, conn, opening) {
            Ok(slot) => slot,
            Err((opening, error)) => {
                return match opening.map(|opening| *opening) {
                    Some(Opening::Ask(ask)) => Err((ask.order, lost(error))),
                    _ => Ok(()),
                };
            }
        };
        let (tools, session) = (&mut self.tools, &mut self.sessions[slot]);
        let pieces = [Piece::Bytes(&request)];
        if let Err(error) = session.exit.send(&mut tools.kernel, pieces, tools.now) {
            self.remove(slot, Some(&error));
        }
        Ok(())
    }

    pub(super) fn on_dial_time(&mut self, slot: usize) {
        let now = self.tools.now;
        let Some(dial) = self.dials.get(slot) else {
            return;
        };
        if dial.order.deadline <= now {
            let stage = dial.stage();
            return self.fail_dial(slot, ConnectError::Timeout(stage));
        }
        if matches!(&dial.way, Way::Racing(race) if race.next <= now) {
            self.start_next(slot);
        }
    }

    fn fail_dial(&mut self, slot: usize, error: ConnectError) {
        let dial = self.dials.remove(slot);
        if matches!(dial.way, Way::Resolving) {
            self.tools.kernel.forget(key_of(slot, dial.serial));
        }
        self.fail(&dial.order, error);
    }

    /// Gives up a link's attempt.
    pub(super) fn stop_attempt(&mut self, tag: u64) {
        let is_its =
            |order: &Order| order.tag == tag && order.connector.reconnect_policy().is_some();
        let mut dials = self.dials.iter();
        if let Some((slot, _)) = dials.find(|(_, dial)| is_its(&dial.order)) {
            return self.fail_dial(slot, ConnectError::Stopped);
        }
        let asks = |opening: &Opening| matches!(opening, Opening::Ask(ask) if is_its(&ask.order));
        let mut sessions = self.sessions.iter();
        let found = sessions.find(|(_, session)| session.opening().is_some_and(asks));
        if let Some((slot, _)) = found {
            self.not_open(slot, HandshakeError::Unavailable);
        }
    }

    /// Gives up all attempts.
    pub(super) fn stop_dialing(&mut self) {
        for slot in 0..self.dials.capacity() {
            if self.dials.contains(slot) {
                self.fail_dial(slot, ConnectError::Stopped);
            }
        }
    }

    /// There is no time for an answer any more.
    pub(super) fn not_open(&mut self, slot: usize, error: HandshakeError) {
        let session = &mut self.sessions[slot];
        let in_tls = session.exit.transport.is_handshaking();
        let opening = session
            .rest
            .as_deref_mut()
            .and_then(|rest| rest.opening.as_deref_mut());
        if let Some(Opening::Ask(ask)) = opening {
            let stage = if in_tls { Stage::Tls } else { Stage::Handshake };
            ask.error = match error {
                // The answer is there, and says more than that its body is not whole.
                HandshakeError::Timeout if ask.is_refused() => None,
                HandshakeError::Timeout => Some(ConnectError::Timeout(stage)),
                _ => Some(ConnectError::Stopped),
            };
        }
        self.remove(slot, None);
    }

    /// The opening handshake of a session of ours has failed, in the session's words.
    pub(super) fn on_not_open(
        &mut self,
        session: &mut Session<K::Stream, H::State>,
        mut ask: Ask,
        error: Option<&std::io::Error>,
    ) {
        let received = session.take_own();
        #[cfg(feature = "tls")]
        ask.broken(error.and_then(TlsError::of));
        #[cfg(not(feature = "tls"))]
        let _ = (&mut ask, error);
        match ask.outcome(&received, session.exit.transport.is_handshaking()) {
            Ok(order) => self.dial(order),
            Err((order, error)) => self.fail(&order, error),
        }
    }

    fn fail(&mut self, order: &Order, error: ConnectError) {
        // Without the target: queries hold tokens.
        tracing::debug!(host = order.connector.url().authority(), %error, "not connected");
        self.give_up_on(order.tag, error);
        if order.connector.reconnect_policy().is_some() {
            self.relink(order.tag);
        }
    }

    fn give_up_on(&mut self, tag: u64, error: ConnectError) {
        // Should it panic, there is no connection that could pay for it.
        let handler = &mut self.handler;
        let told = core::panic::AssertUnwindSafe(|| handler.on_failed(tag, error));
        let _ = std::panic::catch_unwind(told);
    }
}

fn lost(error: std::io::Error) -> ConnectError {
    tracing::debug!(%error, "cannot register a connection");
    ConnectError::Ended(Stage::Connect)
}

/// What carries the connection.
fn transport<S>(connector: &Connector, stream: S) -> Result<Transport<S>, ConnectError> {
    #[cfg(feature = "tls")]
    if connector.url().secure() {
        let config = connector.own_tls()?;
        let host = connector.url().host().to_string();
        let host = host.trim_start_matches('[').trim_end_matches([']', '.']);
        let name = rustls::pki_types::ServerName::try_from(host)
            .map_err(|_| ConfigError::Url(crate::client::UrlError::Host))?;
        let tls = TlsStream::client(stream, config.config().clone(), name.to_owned())
            .map_err(|error| TlsError::Protocol(error.to_string()))
            .map_err(ConnectError::Tls)?;
        return Ok(Transport::Tls(Box::new(tls)));
    }
    let _ = connector;
    Ok(Transport::Plain(stream))
}
