//! One session's turn, taken apart into what each step may touch.
//!
//! Not here: the steps; those are `greet` and `frames`.

use super::Handler;
use super::drive::Turn;
use super::greet::Opening;
use super::peer::Peer;
use super::session::{Flags, Phase, Times};
use super::timer::Tick;
use crate::kernel::Kernel;
use crate::proto::Receiver;
use alloc::boxed::Box;
use core::ops::Range;

/// One session's turn, taken apart into what each step may touch.
pub(super) struct Call<'c, H: Handler<K>, K: Kernel> {
    pub(super) peer: Peer<'c, K>,
    /// What is worked through.
    pub(super) data: &'c mut [u8],
    /// Bytes of it that are done with.
    pub(super) at: &'c mut usize,
    pub(super) rx: &'c mut Receiver,
    pub(super) handler: &'c mut H,
    pub(super) state: &'c mut Option<H::State>,
    pub(super) phase: &'c mut Phase,
    pub(super) times: &'c mut Times,
    pub(super) flags: &'c mut Flags,
    pub(super) opening: &'c mut Option<Box<Opening>>,
    pub(super) now: Tick,
    pub(super) refusing: bool,
}

impl<H: Handler<K>, K: Kernel> Turn<'_, H, K> {
    /// The parts.
    pub(super) fn call(&mut self, in_own: bool) -> Call<'_, H, K> {
        let Self {
            session,
            slot,
            handler,
            tools,
            intake,
        } = self;
        let id = session.id(*slot);
        let data = match &mut session.rest {
            Some(rest) if in_own => rest.own.as_mut_slice(),
            _ => intake.read.as_mut_slice(),
        };
        Call {
            refusing: tools.refusing,
            now: tools.now,
            peer: Peer {
                id,
                tx: &mut session.conn.tx,
                exit: &mut session.exit,
                held: &mut session.held,
                buffer: addresses(data),
                easy: false,
                max_queued: tools.settings.limits.max_queued,
                tools,
            },
            data,
            at: &mut intake.at,
            rx: &mut session.conn.rx,
            handler,
            state: &mut session.state,
            phase: &mut session.phase,
            times: &mut session.times,
            flags: &mut session.flags,
            opening: &mut intake.opening,
        }
    }
}

impl<H: Handler<K>, K: Kernel> Call<'_, H, K> {
    /// All is said. What still arrives is not looked at.
    #[inline(never)]
    pub(super) fn discard(mut self) {
        *self.at = self.data.len();
        self.peer.wire().flush();
    }

    /// Enters a phase.
    pub(super) const fn enter(&mut self, phase: Phase) {
        *self.phase = phase;
        self.times.restart(self.now);
    }
}

/// Where a buffer lies: address arithmetic only, nothing is read through it.
pub(super) fn addresses(buffer: &[u8]) -> Range<usize> {
    let start = buffer.as_ptr().addr();
    start..start + buffer.len()
}
