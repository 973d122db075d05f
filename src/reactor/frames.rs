//! The frames of an open connection: the core finds events, the handler is called, answers gather and leave.
//!
//! Not here: where bytes come from and what becomes of those that are left; that is `drive`.

use super::call::addresses;
use super::drive::{BUDGET, Turn};
use super::facts::Fact;
use super::message::Message;
use super::peer::Peer;
use super::session::{Flags, Session, Times};
use super::timer::{Stamp, span_of};
use super::tools::Intake;
use super::wire::Fate;
use super::{Cause, Closed, ConnectionId, Handler, Hub};
use crate::kernel::Kernel;
use crate::proto::{CloseCode, Connection, Event, NoRandomness, State, Violation};
use core::panic::AssertUnwindSafe;
use std::io;
use std::panic::catch_unwind;

impl<H: Handler<K>, K: Kernel> Turn<'_, H, K> {
    /// Hands each message to the handler, until nothing whole is left or the peer has to read first. `before` is what the
    /// connection's state was when all this began.
    pub(super) fn frames(&mut self, in_own: bool, before: State) {
        let Self {
            session,
            slot,
            handler,
            tools,
            intake,
        } = self;
        let id = session.id(*slot);
        let Session {
            conn: Connection { rx, tx },
            rest,
            exit,
            times,
            flags,
            held,
            state,
            ..
        } = &mut **session;
        let Intake {
            read,
            inbound,
            at,
            spent,
            need,
            ..
        } = &mut **intake;
        let data = match rest {
            Some(rest) if in_own => rest.own.as_mut_slice(),
            _ => read.as_mut_slice(),
        };
        let mut peer = Peer {
            id,
            tx,
            exit,
            held,
            buffer: addresses(data),
            easy: false,
            max_queued: tools.settings.limits.max_queued,
            tools,
        };
        let (mut completed, mut control) = (false, false);
        #[cfg(feature = "client")]
        let resumes = flags.facts.has(Fact::Resumes);
        while *at < data.len() {
            if peer.is_paused() || peer.must_stop(*spent) {
                flags.unread = true;
                break;
            }
            let closing = peer.tx.state() == State::Closing;
            let (tx, mut out) = peer.way_out();
            let step = match rx.next(&mut data[*at..], inbound, tx, &mut out) {
                Ok(step) => step,
                Err(violation) => {
                    // What follows a violation is not looked at.
                    *at = data.len();
                    violated(violation, &mut peer, *handler, state, flags);
                    break;
                }
            };
            *at += step.consumed;
            let Some(event) = step.event else {
                *need = u32::try_from(step.need).unwrap_or(u32::MAX);
                break;
            };
            let message = match event {
                Event::Text(text) => Message::Text(text),
                Event::Binary(bytes) => Message::Binary(bytes),
                // The server asks for whole messages; all else is control frames.
                event => {
                    if closing && flags.cause == Cause::Ended {
                        flags.cause = Cause::Here;
                    }
                    control |= on_control(&event, &mut peer, *handler, state, times, flags);
                    continue;
                }
            };
            completed = true;
            *spent += message.bytes().len();
            if let Some(state) = state {
                // First: the handler may panic, and was told all the same.
                #[cfg(feature = "client")]
                if resumes {
                    peer.tools.heard.hear(message);
                }
                handler.on_message(&mut peer, state, message);
            }
        }
        let now = peer.tools.now;
        if completed {
            times.heard = Stamp::of(now);
            times.message = Stamp::of(now);
        }
        let in_message = rx.is_mid_message();
        // Bytes that were not looked at may be whole messages; the peer is not to blame for them.
        let assembling = in_message || *at < data.len() && !flags.unread;
        if assembling {
            // Between fragments a control frame ends nothing.
            let ended = completed || control && !in_message;
            if ended || !flags.assembling {
                times.assembling = Stamp::of(now);
            }
        }
        flags.assembling = assembling;
        if peer.is_paused() {
            times.since = Stamp::of(now);
        }
        finish(&mut peer, flags, times, before);
    }
}

impl<K: Kernel> Peer<'_, K> {
    /// Whether the peer has to read before it is answered further, or others have their turn.
    #[inline(always)]
    fn must_stop(&self, spent: usize) -> bool {
        self.exit.is_stuck(self.tx.role(), self.max_queued) || !self.is_fine() || spent >= BUDGET
    }
}

#[cold]
#[inline(never)]
fn violated<H: Handler<K>, K: Kernel>(
    violation: Violation,
    peer: &mut Peer<'_, K>,
    handler: &mut H,
    state: &mut Option<H::State>,
    flags: &Flags,
) {
    tracing::debug!(peer = %peer.id, %violation, "protocol violation");
    let closed = Closed {
        violation: Some(violation),
        cause: match flags.cause {
            Cause::Ended => Cause::Violation,
            earlier => earlier,
        },
        ..Closed::ABNORMAL
    };
    let id = peer.id;
    end(handler, &mut peer.hub(), state, id, &closed);
}

/// A control frame, which the receiver has answered. Says whether the connection goes on.
#[inline(never)]
fn on_control<H: Handler<K>, K: Kernel>(
    event: &Event<'_>,
    peer: &mut Peer<'_, K>,
    handler: &mut H,
    state: &mut Option<H::State>,
    times: &mut Times,
    flags: &mut Flags,
) -> bool {
    let now = peer.tools.now;
    match event {
        Event::Ping(payload) => {
            times.heard = Stamp::of(now);
            if let Some(state) = state {
                handler.on_ping(peer, state, payload);
            }
        }
        Event::Pong(payload) => {
            // Only the answer to our question shows that somebody is there.
            if flags.facts.has(Fact::Pinged) && *payload == times.nonce {
                flags.facts.remove(Fact::Pinged);
                times.heard = Stamp::of(now);
                if let Some(state) = state {
                    handler.on_heartbeat(peer, state, span_of(times.pinged.age(now)));
                }
            }
            if let Some(state) = state {
                handler.on_pong(peer, state, payload);
            }
        }
        Event::Close(close) => {
            peer.tools.close_code = Some(close.number());
            let closed = Closed {
                code: close.number(),
                reason: close.reason,
                clean: true,
                violation: None,
                cause: match flags.cause {
                    Cause::Ended => Cause::Peer,
                    ours => ours,
                },
            };
            let id = peer.id;
            end(handler, &mut peer.hub(), state, id, &closed);
        }
        Event::Text(_) | Event::Binary(_) | Event::Part(_) => {}
    }
    matches!(event, Event::Ping(_) | Event::Pong(_))
}

/// Tells a slow peer that it is, and sends what was said.
#[inline(always)]
pub(super) fn finish<K: Kernel>(
    peer: &mut Peer<'_, K>,
    flags: &mut Flags,
    times: &mut Times,
    before: State,
) {
    if let Fate::Slow = peer.tools.fate {
        peer.reserve();
        flags.cause = Cause::TooSlow;
        give_up(peer, CloseCode::TRY_AGAIN_LATER, "reads too slowly");
    }
    if peer.tools.random.take_failure() {
        // Somebody was not answered who should have been.
        peer.tools.fate = Fate::Broken(io::Error::other(NoRandomness));
    }
    peer.wire().flush();
    let state = peer.tx.state();
    if state != before && state == State::Closing {
        if flags.cause == Cause::default() {
            flags.cause = Cause::Here;
        }
        times.since = Stamp::of(peer.tools.now);
    }
}

/// Closes for a reason of ours.
#[inline(never)]
pub(super) fn give_up<K: Kernel>(peer: &mut Peer<'_, K>, code: CloseCode, reason: &str) {
    // Closed already is as good.
    let (tx, mut out) = peer.way_out();
    let _ = tx.close(code, reason, &mut out);
}

/// Tells the handler that it is over: once, for whoever was told that it began.
pub(super) fn end<H: Handler<K>, K: Kernel>(
    handler: &mut H,
    hub: &mut Hub<'_>,
    state: &mut Option<H::State>,
    id: ConnectionId,
    closed: &Closed<'_>,
) {
    // Whoever is gone is no longer counted; what it was in, its state may say.
    hub.rooms.depart(id);
    if let Some(state) = state.take() {
        // Should it panic, there is no connection left that could pay for it.
        let _ = catch_unwind(AssertUnwindSafe(|| {
            handler.on_close(hub, id, state, closed)
        }));
    }
}
