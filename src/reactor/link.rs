//! Connections that are opened again and again: what is wanted, where it stands, and what waits to be sent.
//!
//! A link has one connection at a time or none. Each attempt is told as any other: [`Handler::on_connect`] or
//! [`Handler::on_failed`], then [`Handler::on_close`]. What a handler sends in `on_connect` comes first, then what
//! waited, in order. Each attempt of a link that resumes asks for what comes behind the last message it was told.
//!
//! Not here: when to try again, which is [`Reconnect`](crate::client::Reconnect)'s; messages that were given to a
//! connection which was then lost: nobody knows whether they arrived.

use super::event_loop::EventLoop;
use super::timer::{Entry, NEVER, Tick, ticks_in};
use super::{ConnectionId, Handler, Message};
use crate::client::backoff::Backoff;
use crate::client::queue::Queue;
use crate::client::resume::{Heard, Place};
use crate::client::{ConfigError, Connector};
use crate::kernel::Kernel;
use crate::proto::{CloseCode, SendError, local};
use alloc::sync::Arc;
use core::mem::replace;
use core::panic::AssertUnwindSafe;
use core::time::Duration;
use slab::Slab;
use std::collections::HashMap;
use std::panic::catch_unwind;

/// In the wheel's key: it is a link's.
pub(super) const LINK_KEY: usize = 1 << 29;

/// Where a link stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LinkState {
    /// On its way, for the first time or again.
    Connecting,
    /// Open.
    Open,
    /// There will be another attempt.
    Waiting {
        /// Attempts since the last connection that was stable, the coming one included.
        attempt: u32,
        /// How long it waits for that.
        wait: Duration,
    },
    /// There will be no further attempt: the peer's close code says so, or there were enough, or it was asked for.
    Ended,
}

/// What came of sending to a link.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Delivery {
    /// It was given to the connection.
    Sent,
    /// It waits: for a connection, or for the peer to read what waited before.
    Queued {
        /// So many were dropped for it: older ones, or this one where it is larger than all that may wait.
        dropped: usize,
    },
}

/// What is known of a link.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct LinkStatus {
    /// Where it stands.
    pub state: LinkState,
    /// Messages that wait for a connection, or for its peer to read those before them.
    pub queued: usize,
    /// Messages that were dropped, as too many waited.
    pub dropped: u64,
    /// Its connection, while it is open.
    pub connection: Option<ConnectionId>,
}

/// All links of a loop.
#[derive(Debug, Default)]
pub(super) struct Links {
    links: Slab<Link>,
    by_tag: HashMap<u64, usize>,
    by_connection: HashMap<ConnectionId, u64>,
}

#[derive(Debug)]
struct Link {
    connector: Connector,
    tag: u64,
    backoff: Backoff,
    queue: Queue,
    /// Where it is in what its server keeps, if it resumes.
    place: Option<Place>,
    state: LinkState,
    connection: Option<ConnectionId>,
    /// When it is to try again, if it waits for that.
    due: Tick,
    /// That of the peer's Close frame.
    code: u16,
}

impl Links {
    /// The peer of a link's connection has closed it, with this code.
    pub(super) fn note_code(&mut self, id: ConnectionId, code: u16) {
        let tag = self.by_connection.get(&id).copied();
        if let Some(link) = tag.and_then(|tag| self.get(tag)) {
            link.code = code;
        }
    }

    /// A turn of a link's connection has brought this.
    pub(super) fn note_place(&mut self, id: ConnectionId, heard: &Heard) {
        let tag = self.by_connection.get(&id).copied();
        let link = tag.and_then(|tag| self.get(tag));
        if let Some(place) = link.and_then(|link| link.place.as_mut()) {
            place.go_on(heard);
        }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.links.is_empty()
    }

    fn get(&mut self, tag: u64) -> Option<&mut Link> {
        self.links.get_mut(*self.by_tag.get(&tag)?)
    }
}

impl Link {
    /// What the next connection is to be like.
    fn connector_now(&self) -> Connector {
        let connector = self.connector.clone();
        match self.place.as_ref().and_then(Place::token) {
            Some(token) => connector.resume_from(token),
            None => connector,
        }
    }
}

impl<H: Handler<K>, K: Kernel> EventLoop<H, K> {
    /// Begins a link.
    pub(super) fn link(&mut self, connector: &Connector, tag: u64) -> Result<(), ConfigError> {
        let Some(policy) = connector.reconnect_policy() else {
            return Ok(());
        };
        if self.links.by_tag.contains_key(&tag) {
            return Err(ConfigError::TagInUse(tag));
        }
        let slot = self.links.links.insert(Link {
            connector: connector.clone(),
            tag,
            backoff: Backoff::new(Arc::new(policy.clone())),
            queue: Queue::new(policy),
            place: Place::of(connector.own_resume()),
            state: LinkState::Connecting,
            connection: None,
            due: NEVER,
            code: local::ABNORMAL,
        });
        self.links.by_tag.insert(tag, slot);
        self.show(tag, LinkState::Connecting);
        self.dial_for(connector.clone(), tag);
        Ok(())
    }

    /// Sends to a link: at once where it is open, or else when it will be. `None` where there is no such link, or it has
    /// ended.
    pub fn send<'m>(&mut self, tag: u64, message: impl Into<Message<'m>>) -> Option<Delivery> {
        let message = message.into();
        let link = self.links.get(tag)?;
        // What waits goes first.
        if link.queue.len() == 0
            && let Some(id) = link.connection
            && let Some(Ok(())) = self.with_peer(id, |peer, _| peer.send(message))
        {
            return Some(Delivery::Sent);
        }
        let link = self.links.get(tag)?;
        Some(Delivery::Queued {
            dropped: link.queue.push(message),
        })
    }

    /// What is known of a link.
    #[must_use]
    pub fn status(&mut self, tag: u64) -> Option<LinkStatus> {
        self.links.get(tag).map(|link| LinkStatus {
            state: link.state,
            queued: link.queue.len(),
            dropped: link.queue.dropped(),
            connection: link.connection,
        })
    }

    /// Where a link is in what its server keeps, if it [resumes](Connector::resume): with the last message that was told, that
    /// one included. Another connection that is to [go on there](Connector::resume_from) is given it. `None` where there is
    /// no such link, it has ended, or the server has not said that it keeps anything.
    #[must_use]
    pub fn resume_token(&self, tag: u64) -> Option<&str> {
        let link = self.links.links.get(*self.links.by_tag.get(&tag)?)?;
        link.place.as_ref()?.token()
    }

    /// Ends a link: closes its connection, if it has one, and opens no other. What waits is dropped. An attempt that is
    /// on its way is given up, and told as [`ConnectError::Stopped`](crate::client::ConnectError::Stopped).
    ///
    /// # Errors
    ///
    /// [`SendError::Misuse`] for a reason over 123 bytes; then nothing has changed.
    pub fn unlink(&mut self, tag: u64, code: CloseCode, reason: &str) -> Result<(), SendError> {
        let connection = self.links.get(tag).and_then(|link| link.connection);
        if let Some(id) = connection
            && let Some(Err(error @ SendError::Misuse(_))) =
                self.with_peer(id, |peer, _| peer.close(code, reason))
        {
            return Err(error);
        }
        let link = self.links.get(tag);
        let on_its_way = link.is_some_and(|link| link.state == LinkState::Connecting);
        self.end_link(tag);
        if on_its_way {
            self.stop_attempt(tag);
        }
        Ok(())
    }

    /// A session of a link is open.
    pub(super) fn on_link_open(&mut self, tag: u64, id: ConnectionId) {
        let now = self.elapsed();
        let Some(link) = self.links.get(tag) else {
            return;
        };
        link.backoff.opened(now);
        if let Some(place) = &mut link.place {
            place.begin();
        }
        link.connection = Some(id);
        self.links.by_connection.insert(id, tag);
        self.show(tag, LinkState::Open);
    }

    /// Gives a link's connection what waited for it.
    pub(super) fn send_waiting(&mut self, tag: u64, id: ConnectionId) {
        while let Some(waiting) = self.links.get(tag).and_then(|link| link.queue.pop()) {
            // As fast as the peer reads: more may wait here than may wait for one peer.
            let sent = self.with_peer(id, |peer, _| {
                (!peer.is_blocked()).then(|| peer.send(waiting.message()))
            });
            if sent != Some(Some(Ok(()))) {
                // It was not sent, and is not lost.
                if let Some(link) = self.links.get(tag) {
                    link.queue.put_back(waiting);
                }
                return;
            }
        }
    }

    /// A connection has taken all that it was given: what still waits for it follows.
    #[cold]
    pub(super) fn on_room(&mut self, id: ConnectionId) {
        if let Some(tag) = self.links.by_connection.get(&id).copied() {
            self.send_waiting(tag, id);
        }
    }

    /// A session is gone that was open.
    pub(super) fn on_link_closed(&mut self, id: ConnectionId) {
        let Some(tag) = self.links.by_connection.remove(&id) else {
            return;
        };
        let now = self.elapsed();
        let Some(link) = self.links.get(tag) else {
            return;
        };
        link.connection = None;
        let code = replace(&mut link.code, local::ABNORMAL);
        if link.backoff.closed(now, code) {
            self.relink(tag);
        } else {
            self.end_link(tag);
        }
    }

    /// There is to be another attempt, after a while.
    pub(super) fn relink(&mut self, tag: u64) {
        let Some(slot) = self.links.by_tag.get(&tag).copied() else {
            return;
        };
        // Without randomness nothing could be sent either; the longest wait is as good as any.
        let random = self
            .tools
            .random
            .take()
            .map_or(u64::MAX, u64::from_ne_bytes);
        let link = &mut self.links.links[slot];
        match link.backoff.next(random) {
            Some(wait) if self.farewell.is_none() => {
                let attempt = link.backoff.attempts();
                let (at, key) = (self.tools.now + ticks_in(wait), LINK_KEY | slot);
                link.due = at;
                self.wheel.insert(Entry { at, key }, self.tools.now);
                self.show(tag, LinkState::Waiting { attempt, wait });
            }
            _ => self.end_link(tag),
        }
    }

    pub(super) fn on_link_time(&mut self, slot: usize) {
        // The entry may be that of a link which had this place before.
        let now = self.tools.now;
        let due = |link: &&mut Link| link.due <= now;
        let Some(link) = self.links.links.get_mut(slot).filter(due) else {
            return;
        };
        link.due = NEVER;
        let (connector, tag) = (link.connector_now(), link.tag);
        self.show(tag, LinkState::Connecting);
        self.dial_for(connector, tag);
    }

    /// Ends all links.
    pub(super) fn end_links(&mut self) {
        for link in 0..self.links.links.capacity() {
            if let Some(tag) = self.links.links.get(link).map(|link| link.tag) {
                self.end_link(tag);
            }
        }
    }

    fn end_link(&mut self, tag: u64) {
        self.show(tag, LinkState::Ended);
        if let Some(slot) = self.links.by_tag.remove(&tag) {
            let link = self.links.links.remove(slot);
            if let Some(id) = link.connection {
                self.links.by_connection.remove(&id);
            }
        }
    }

    /// Tells the application where a link stands.
    fn show(&mut self, tag: u64, state: LinkState) {
        if let Some(link) = self.links.get(tag) {
            link.state = state;
            let handler = &mut self.handler;
            let _ = catch_unwind(AssertUnwindSafe(|| handler.on_link(tag, state)));
        }
    }

    fn elapsed(&self) -> Duration {
        Duration::from_millis(self.tools.now)
    }
}
