//! Random bytes from the operating system, fetched in batches.
//!
//! Not here: any generator of our own.

use core::fmt;

const BATCH: usize = 256;

/// A batch of random bytes; each is used once.
pub(super) struct Random {
    bytes: [u8; BATCH],
    used: usize,
}

impl Random {
    /// Four bytes that nobody can guess.
    pub(super) fn nonce(&mut self) -> Result<[u8; 4], getrandom::Error> {
        if self.used + 4 > BATCH {
            getrandom::fill(&mut self.bytes)?;
            self.used = 0;
        }
        let mut nonce = [0; 4];
        nonce.copy_from_slice(&self.bytes[self.used..self.used + 4]);
        self.used += 4;
        Ok(nonce)
    }
}

impl Default for Random {
    fn default() -> Self {
        Self {
            bytes: [0; BATCH],
            used: BATCH,
        }
    }
}

impl fmt::Debug for Random {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Random").finish_non_exhaustive()
    }
}
