//! What the loop says by itself, outside of a handler: pings, closes, refusals.
//!
//! Not here: when; that is `event_loop`. What handlers say to others is `deliver`.

use super::event_loop::EventLoop;
use super::facts::Fact;
use super::greet::{Opening, written};
use super::outbox::Piece;
use super::session::Phase;
use super::timer::Stamp;
use super::{Cause, Handler, Rejection};
use crate::kernel::Kernel;
#[cfg(feature = "client")]
use crate::proto::Role;
use crate::proto::handshake::HandshakeError;
use crate::proto::{CloseCode, NoRandomness, Outbound};
use alloc::vec::Vec;
use std::io;

impl<H: Handler<K>, K: Kernel> EventLoop<H, K> {
    /// Starts the closing handshake, unless it has started.
    pub(super) fn close_session(
        &mut self,
        slot: usize,
        cause: Cause,
        code: CloseCode,
        reason: &str,
    ) {
        let session = &mut self.sessions[slot];
        let mut frame = Vec::new();
        let out = &mut Outbound::client(&mut frame, &mut self.tools.random);
        if session.conn.tx.close(code, reason, out).is_ok() {
            session.times.since = Stamp::of(self.tools.now);
            session.flags.cause = cause;
            let id = session.id(slot);
            if session.release(self.tools.now) {
                self.put_on_ready_list(slot);
            }
            self.tools.rooms.depart(id);
            self.put(slot, &frame);
        } else if self.tools.random.take_failure() {
            // A client that has no key for its Close can only hang up.
            session.flags.cause = cause;
            self.remove(slot, Some(&io::Error::other(NoRandomness)));
        }
    }

    pub(super) fn ping(&mut self, slot: usize) {
        let session = &mut self.sessions[slot];
        let now = self.tools.now;
        // Who has been silent for so long is most often told nothing either, and a compressor is large. Where that is
        // wrong, one message in a while is not as small as it could be.
        session.conn.tx.forget_context();
        let mut frame = Vec::new();
        let sent = self.tools.random.take().is_ok_and(|nonce| {
            session.times.nonce = nonce;
            let out = &mut Outbound::client(&mut frame, &mut self.tools.random);
            session.conn.tx.ping(&nonce, out).is_ok()
        });
        // Nobody waits for this ping.
        let _ = self.tools.random.take_failure();
        if sent {
            session.flags.facts.add(Fact::Pinged);
            session.times.pinged = Stamp::of(now);
        } else {
            // Without randomness a pong would prove nothing; ask again later.
            session.times.heard = Stamp::of(now);
        }
        self.put(slot, &frame);
    }

    pub(super) fn refuse(&mut self, slot: usize, error: HandshakeError) {
        #[cfg(feature = "client")]
        if self.sessions[slot].conn.tx.role() == Role::Client {
            return self.not_open(slot, error);
        }
        // In HTTP nobody can be told anything before there is TLS, or before it is known who speaks; and there is nothing
        // else to wait for.
        if self.sessions[slot].exit.transport.is_mute() {
            return self.abort(slot);
        }
        let session = &mut self.sessions[slot];
        let is_head = match session.opening() {
            Some(Opening::Request(parser)) => self.tools.settings.pages && parser.is_head(),
            _ => false,
        };
        let rejection = Rejection::from(error).head_alone(is_head);
        let id = session.id(slot);
        session.enter(Phase::Ending, self.tools.now);
        drop((session.take_opening(), session.take_own()));
        if session.release(self.tools.now) {
            // What it has sent meanwhile is discarded.
            self.put_on_ready_list(slot);
        }
        self.put(slot, &written(&rejection));
        self.handler.on_refused(id, rejection.status());
    }

    /// Sends bytes behind everything that waits.
    pub(super) fn put(&mut self, slot: usize, bytes: &[u8]) {
        let tools = &mut self.tools;
        let session = &mut self.sessions[slot];
        let pieces = [Piece::Bytes(bytes)];
        if let Err(error) = session.exit.send(&mut tools.kernel, pieces, tools.now) {
            return self.remove(slot, Some(&error));
        }
        session.finish_if_done(&mut tools.kernel, tools.now);
        self.arm(slot);
    }
}
