//! Random bytes from the operating system, fetched in batches.
//!
//! Not here: any generator of our own.

use crate::proto::{Keys, NoRandomness};
use core::fmt;

const BATCH: usize = 1024;

/// A batch of random bytes; each is used once.
pub(crate) struct Random {
    bytes: [u8; BATCH],
    used: usize,
    source: Source,
    /// Whose bytes they are. A process that was forked has the bytes of the other.
    process: u32,
    new_turn: bool,
    /// There was no key for a frame: somebody who should have been answered was not.
    failed: bool,
}

/// Fills a slice with what nobody can guess.
pub(crate) type Source = fn(&mut [u8]) -> Result<(), NoRandomness>;

impl Random {
    pub(crate) const fn new(source: Source) -> Self {
        Self {
            bytes: [0; BATCH],
            used: BATCH,
            source,
            process: 0,
            new_turn: true,
            failed: false,
        }
    }

    /// A turn begins, and it may be that of a process that was forked since the last one.
    pub(crate) const fn begin_turn(&mut self) {
        self.new_turn = true;
    }

    /// Bytes that nobody can guess, four or a few more.
    ///
    /// # Errors
    ///
    /// When the source fails.
    pub(crate) fn take<const N: usize>(&mut self) -> Result<[u8; N], NoRandomness> {
        if self.new_turn {
            self.look_for_forks();
        }
        loop {
            let left = self.bytes.get(self.used..).unwrap_or_default();
            if let Some(bytes) = left.first_chunk() {
                self.used += N;
                return Ok(*bytes);
            }
            self.fill()?;
        }
    }

    #[cold]
    fn fill(&mut self) -> Result<(), NoRandomness> {
        (self.source)(&mut self.bytes)?;
        self.used = 0;
        Ok(())
    }

    /// Forgets what the process that this one was forked from has too. Asked once in each turn that needs a number: who
    /// forks within one has two processes speak on the same connections, and their keys are the least of that.
    #[inline(never)]
    fn look_for_forks(&mut self) {
        self.new_turn = false;
        let process = std::process::id();
        if self.process != process {
            self.process = process;
            self.used = BATCH;
        }
    }

    /// Whether a frame had no key since this was asked. Other bytes are asked for by whoever can do without them.
    pub(crate) fn take_failure(&mut self) -> bool {
        core::mem::take(&mut self.failed)
    }
}

impl Keys for Random {
    fn key(&mut self) -> Result<[u8; 4], NoRandomness> {
        self.take().inspect_err(|_| self.failed = true)
    }
}

impl fmt::Debug for Random {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Random").finish_non_exhaustive()
    }
}
