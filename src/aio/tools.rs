//! What connections share on a thread: [`Tools`]. A connection that waits holds no buffer; it borrows one for as long as
//! there is something in it.
//!
//! Not here: anything that belongs to one connection.

use crate::proto::deflate::{Compressor, Policy};
use crate::proto::{Inbound, NoRandomness};
use crate::random::Random;
use alloc::boxed::Box;
use alloc::vec::Vec;
use core::cell::RefCell;
use core::mem::take;

/// What is read at a time, unless a message is known to be longer.
pub(super) const READ: usize = 16 << 10;
/// The largest buffer that is kept for the next connection.
const KEPT: usize = 64 << 10;
/// Buffers that are kept. Between two messages one is enough; those who wait for the rest of theirs keep their own.
const SPARES: usize = 4;

std::thread_local! {
    static TOOLS: RefCell<Tools> = const { RefCell::new(Tools::new()) };
}

/// One set for all connections that a thread drives.
pub(super) struct Tools {
    /// The inflater. While something is lent from it, it is the connection's that lends.
    pub(super) inbound: Option<Box<Inbound>>,
    pub(super) sending: Sending,
}

/// What sending takes.
pub(super) struct Sending {
    compressor: Option<(Policy, Compressor)>,
    /// Masking keys, and nonces.
    pub(super) random: Random,
    spares: Vec<Vec<u8>>,
}

impl Tools {
    const fn new() -> Self {
        Self {
            inbound: None,
            sending: Sending {
                compressor: None,
                random: Random::new(|bytes| getrandom::fill(bytes).map_err(|_| NoRandomness)),
                spares: Vec::new(),
            },
        }
    }

    /// Those of this thread.
    pub(super) fn with<R>(run: impl FnOnce(&mut Self) -> R) -> R {
        TOOLS.with_borrow_mut(run)
    }

    /// An empty buffer with room for a read.
    pub(super) fn buffer(&mut self) -> Vec<u8> {
        self.sending.buffer()
    }

    /// Keeps a buffer for whoever is next, and leaves none.
    pub(super) fn keep(&mut self, buffer: &mut Vec<u8>) {
        let mut buffer = take(buffer);
        let capacity = buffer.capacity();
        let spares = &mut self.sending.spares;
        if (READ..=KEPT).contains(&capacity) && spares.len() < SPARES {
            buffer.clear();
            spares.push(buffer);
        }
    }
}

impl Sending {
    /// An empty buffer with room for a read.
    pub(super) fn buffer(&mut self) -> Vec<u8> {
        let spare = self.spares.pop();
        spare.unwrap_or_else(|| Vec::with_capacity(READ))
    }

    /// The keys, and what compresses by this policy. A thread keeps the one that was used last.
    #[inline]
    pub(super) fn parts(
        &mut self,
        policy: Option<&Policy>,
    ) -> (&mut Random, Option<&mut Compressor>) {
        let compressor = policy.map(|policy| {
            if self
                .compressor
                .as_ref()
                .is_none_or(|(known, _)| known != policy)
            {
                self.compressor = Some((policy.clone(), Compressor::new(policy)));
            }
            &mut self.compressor
        });
        let compressor = compressor.and_then(Option::as_mut);
        (
            &mut self.random,
            compressor.map(|(_, compressor)| compressor),
        )
    }
}
