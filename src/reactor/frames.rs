//! The frames of an open connection: the core finds events, the handler is called, answers gather and leave.
//!
//! Not here: where bytes come from and what becomes of those that are left; that is `drive`.

use super::call::Call;
use super::drive::BUDGET;
use super::message::Message;
use super::peer::Peer;
use super::session::{Flags, Times};
use super::timer::{Stamp, Tick, span_of};
use super::wire::Fate;
use super::{Cause, Closed, ConnectionId, Handler, Hub};
use crate::kernel::Kernel;
use crate::proto::{CloseCode, Event, NoRandomness, Outbound, State};
use core::panic::AssertUnwindSafe;
use std::io;
use std::panic::catch_unwind;

/// Hands each message to the handler, until nothing whole is left or the peer has to read first.
#[inline]
pub(super) fn frames<H: Handler<K>, K: Kernel>(call: Call<'_, H, K>) {
    let Call {
        mut peer,
        data,
        at,
        spent,
        rx,
        handler,
        state,
        inbound,
        times,
        flags,
        need,
        now,
        close_code,
        ..
    } = call;
    let before = peer.tx.state();
    let (mut completed, mut control) = (false, false);
    while *at < data.len() {
        if peer.is_paused() {
            flags.unread = true;
            break;
        }
        let closing = peer.tx.state() == State::Closing;
        let out = &mut Outbound::client(&mut peer.wire, peer.keys);
        let step = match rx.next(&mut data[*at..], inbound, peer.tx, out) {
            Ok(step) => step,
            Err(violation) => {
                tracing::debug!(peer = %peer.id, %violation, "protocol violation");
                // What follows a violation is not looked at.
                *at = data.len();
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
                break;
            }
        };
        *at += step.consumed;
        let Some(event) = step.event else {
            *need = u32::try_from(step.need).unwrap_or(u32::MAX);
            break;
        };
        let message = match event {
            Event::Text(text) => Some(Message::Text(text)),
            Event::Binary(bytes) => Some(Message::Binary(bytes)),
            // The server asks for whole messages; all else is control frames.
            event => {
                if closing && flags.cause == Cause::Ended {
                    flags.cause = Cause::Here;
                }
                control |= on_control(
                    &event, &mut peer, handler, state, times, flags, now, close_code,
                );
                None
            }
        };
        if let Some(message) = message {
            completed = true;
            *spent += message.bytes().len();
            if let Some(state) = state {
                handler.on_message(&mut peer, state, message);
            }
        }
        // The peer has to read before it is answered further, and others have their turn.
        let stuck = peer
            .wire
            .exit
            .is_stuck(peer.tx.role(), peer.wire.max_queued);
        if stuck || !peer.wire.is_fine() || *spent >= BUDGET {
            flags.unread = *at < data.len();
            break;
        }
    }
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
    finish(&mut peer, flags, times, before, now);
}

/// A control frame, which the receiver has answered. Says whether the connection goes on.
#[expect(
    clippy::too_many_arguments,
    reason = "the parts of a call that a control frame may touch"
)]
fn on_control<H: Handler<K>, K: Kernel>(
    event: &Event<'_>,
    peer: &mut Peer<'_, K>,
    handler: &mut H,
    state: &mut Option<H::State>,
    times: &mut Times,
    flags: &mut Flags,
    now: Tick,
    close_code: &mut Option<u16>,
) -> bool {
    match event {
        Event::Ping(payload) => {
            times.heard = Stamp::of(now);
            if let Some(state) = state {
                handler.on_ping(peer, state, payload);
            }
        }
        Event::Pong(payload) => {
            // Only the answer to our question shows that somebody is there.
            if flags.pinged && *payload == times.nonce {
                flags.pinged = false;
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
            *close_code = Some(close.number());
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
    now: Tick,
) {
    if let Fate::Slow = peer.wire.fate {
        peer.wire.reserve();
        flags.cause = Cause::TooSlow;
        give_up(peer, CloseCode::TRY_AGAIN_LATER, "reads too slowly");
    }
    if peer.keys.take_failure() {
        // Somebody was not answered who should have been.
        *peer.wire.fate = Fate::Broken(io::Error::other(NoRandomness));
    }
    peer.wire.flush();
    let state = peer.tx.state();
    if state != before && state == State::Closing {
        if flags.cause == Cause::default() {
            flags.cause = Cause::Here;
        }
        times.since = Stamp::of(now);
    }
}

/// Closes for a reason of ours.
#[inline(never)]
pub(super) fn give_up<K: Kernel>(peer: &mut Peer<'_, K>, code: CloseCode, reason: &str) {
    // Closed already is as good.
    let _ = peer.tx.close(
        code,
        reason,
        &mut Outbound::client(&mut peer.wire, peer.keys),
    );
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
