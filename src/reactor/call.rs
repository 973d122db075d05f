//! One session's turn, taken apart into what each step may touch.
//!
//! Not here: the steps; those are `greet` and `frames`.

use super::Handler;
use super::drive::Tools;
use super::greet::Opening;
use super::peer::Peer;
use super::session::{Flags, Phase, Session, Times};
use super::settings::Settings;
use super::timer::Tick;
use super::wire::{Fate, Wire};
use crate::kernel::Kernel;
use crate::proto::{Inbound, Receiver};
use alloc::boxed::Box;

/// How far the work has come; known also after a panic.
#[derive(Default)]
pub(super) struct Progress {
    /// Bytes done with.
    pub(super) at: usize,
    /// Bytes that handlers were given. Compressed, they may have been few.
    pub(super) spent: usize,
    pub(super) fate: Fate,
}

/// One session's turn, taken apart into what each step may touch.
pub(super) struct Call<'c, H: Handler<K>, K: Kernel> {
    pub(super) peer: Peer<'c, K>,
    /// What is worked through.
    pub(super) data: &'c mut [u8],
    /// Bytes of it that are done with.
    pub(super) at: &'c mut usize,
    /// Bytes that handlers were given.
    pub(super) spent: &'c mut usize,
    pub(super) rx: &'c mut Receiver,
    pub(super) handler: &'c mut H,
    pub(super) state: &'c mut Option<H::State>,
    pub(super) inbound: &'c mut Inbound,
    pub(super) settings: &'c Settings,
    pub(super) phase: &'c mut Phase,
    pub(super) times: &'c mut Times,
    pub(super) flags: &'c mut Flags,
    pub(super) need: &'c mut u32,
    pub(super) opening: &'c mut Option<Box<Opening>>,
    pub(super) now: Tick,
    pub(super) refusing: bool,
    /// The code of the peer's Close frame, once it has come.
    pub(super) close_code: &'c mut Option<u16>,
    /// The tag of what is opened again and again, and is open now.
    #[cfg(feature = "client")]
    pub(super) opened: &'c mut Option<u64>,
}

impl<'c, H: Handler<K>, K: Kernel> Call<'c, H, K> {
    #[inline]
    pub(super) fn new(
        session: &'c mut Session<K::Stream, H::State>,
        slot: usize,
        handler: &'c mut H,
        tools: &'c mut Tools<K>,
        in_own: bool,
        progress: &'c mut Progress,
    ) -> Self {
        let id = session.id(slot);
        let data = if in_own {
            session.own.as_mut_slice()
        } else {
            tools.read.as_mut_slice()
        };
        let start = data.as_ptr().addr();
        Self {
            peer: Peer {
                id,
                tx: &mut session.conn.tx,
                wire: Wire {
                    kernel: &mut tools.kernel,
                    exit: &mut session.exit,
                    cork: &mut tools.cork,
                    buffer: start..start + data.len(),
                    max_queued: tools.settings.limits.max_queued,
                    now: tools.now,
                    fate: &mut progress.fate,
                },
                keys: &mut tools.random,
                compressor: &mut tools.compressor,
                rooms: &mut tools.rooms,
                orders: &mut tools.orders,
                gathered: &mut tools.gathered,
                held: &mut session.held,
                #[cfg(feature = "client")]
                calls: &mut tools.calls,
            },
            data,
            at: &mut progress.at,
            spent: &mut progress.spent,
            rx: &mut session.conn.rx,
            handler,
            state: &mut session.state,
            inbound: &mut tools.inbound,
            settings: &tools.settings,
            phase: &mut session.phase,
            times: &mut session.times,
            flags: &mut session.flags,
            need: &mut session.need,
            opening: &mut session.opening,
            now: tools.now,
            refusing: tools.refusing,
            close_code: &mut tools.close_code,
            #[cfg(feature = "client")]
            opened: &mut tools.opened,
        }
    }

    /// All is said. What still arrives is not looked at.
    #[inline(never)]
    pub(super) fn discard(mut self) {
        *self.at = self.data.len();
        self.peer.wire.flush();
    }

    /// Enters a phase.
    pub(super) const fn enter(&mut self, phase: Phase) {
        *self.phase = phase;
        self.times.restart(self.now);
    }
}
