//! How other threads speak to a loop: many senders, one reader, one wake-up for all that is put in until it looks.
//!
//! The reader takes everything at once, by exchanging its empty buffer for the full one. Letters come out in the order
//! in which they were put in, and there is one such order: of each sender's letters, and of two senders' if one of them
//! acted on what the other had put in. What waits is bounded by bytes; whoever finds no room is told, or gives up what
//! waits and has the reader told. A letter is taken by the reader, given back to its sender, or counted.
//!
//! Law of the wake-up: letters wait only when the reader was woken after it last took, or is about to be.
//!
//! Not here: what letters say, and who reads them; what wakes, which is the kernel's. Waiting for room: a sender that has
//! to wait does so in its own way. The types of `sync` are replaced in `tests/loom`, which runs all interleavings.

use super::sync::{Arc, Mutex, MutexGuard, PoisonError};
use alloc::vec::Vec;
use core::fmt;
use core::mem::{swap, take};

/// Letters that a buffer has room for while it is empty. What a burst needed beyond that is freed.
const KEPT: usize = 1024;

/// Ends a reader's wait, from any thread: the present one, or else the next. Several before it looks are one.
pub(crate) trait Wake: Send + Sync {
    /// Wakes it. Must not panic, or the reader is not woken for this letter and those behind it.
    fn wake(&self);
}

/// The reader's end. Dropping it closes it.
pub(super) struct Mailbox<T> {
    shared: Arc<Shared<T>>,
}

/// A sender's end. Clones are the same address.
pub(super) struct Address<T> {
    shared: Arc<Shared<T>>,
}

/// Why a letter was not taken in. It is given back.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum PutError<T> {
    /// There is no room for it before the reader has looked; none ever, if it is heavier than the mailbox takes.
    Full(T),
    /// There is no reader any more, and will be none.
    Closed(T),
}

struct Shared<T> {
    state: Mutex<State<T>>,
    /// Bytes that may wait.
    limit: usize,
    wake: Arc<dyn Wake>,
}

struct State<T> {
    letters: Vec<T>,
    /// What they weigh.
    bytes: usize,
    /// Letters given up since the reader last looked, because it fell behind.
    lost: usize,
    closed: bool,
}

impl<T> Mailbox<T> {
    /// A mailbox in which letters of at most `limit` bytes wait. Whoever reads it is woken by `wake`.
    pub(super) fn new(limit: usize, wake: Arc<dyn Wake>) -> Self {
        let state = Mutex::new(State {
            letters: Vec::new(),
            bytes: 0,
            lost: 0,
            closed: false,
        });
        Self {
            shared: Arc::new(Shared { state, limit, wake }),
        }
    }

    /// Where to put letters.
    pub(super) fn address(&self) -> Address<T> {
        Address {
            shared: Arc::clone(&self.shared),
        }
    }

    /// Takes all letters, behind those that are in `letters` already. Says how many were given up before they came
    /// here, because the reader fell behind; then nothing is taken.
    ///
    /// An empty buffer is exchanged for the full one: it takes the same time for one letter and for many, and if the
    /// reader comes with that buffer again, nobody allocates.
    pub(super) fn take(&self, letters: &mut Vec<T>) -> usize {
        if letters.is_empty() {
            // Before the lock: senders do not wait for the allocator.
            letters.shrink_to(KEPT);
        }
        let mut state = self.shared.lock();
        if letters.is_empty() {
            swap(letters, &mut state.letters);
        } else {
            letters.append(&mut state.letters);
        }
        state.bytes = 0;
        take(&mut state.lost)
    }

    /// Takes no more letters, and drops those that wait. Says how many nobody has read, those given up included.
    pub(super) fn close(&self) -> usize {
        let mut state = self.shared.lock();
        state.closed = true;
        state.bytes = 0;
        let unread = take(&mut state.letters);
        let lost = take(&mut state.lost);
        // A letter may do anything when it is dropped, also put another.
        drop(state);
        lost + unread.len()
    }
}

impl<T> Drop for Mailbox<T> {
    fn drop(&mut self) {
        self.close();
    }
}

impl<T> Address<T> {
    /// Puts a letter in, and wakes the reader if this is the first since it last took. `weight` is what the letter holds
    /// elsewhere, in bytes; its own place counts too, so that letters without weight are bounded as well.
    ///
    /// # Errors
    ///
    /// When there is no room, or no reader. The letter is given back.
    #[allow(
        dead_code,
        reason = "an exchange asks all loops for room first; the models put"
    )]
    pub(super) fn put(&self, letter: T, weight: usize) -> Result<(), PutError<T>> {
        let mut state = self.shared.lock();
        let first = !state.has_news();
        state.accept(letter, weight, self.shared.limit)?;
        drop(state);
        if first {
            self.shared.wake.wake();
        }
        Ok(())
    }

    /// Puts a letter in where nobody can be told that there is no room: then this letter is given up, and all that wait,
    /// and all that come, until the reader looks and is told how many. Nothing is left to tell it what it missed in
    /// between. Where there is no reader any more the letter is given up alone. Gives what was given up: whoever holds a
    /// lock drops it later.
    pub(super) fn put_or_give_up(&self, letter: T, weight: usize) -> Vec<T> {
        let mut state = self.shared.lock();
        let quiet = !state.has_news();
        let refused = state.accept(letter, weight, self.shared.limit).err();
        let mut given_up = match refused {
            Some(PutError::Full(_)) => state.give_up(),
            _ => Vec::new(),
        };
        let first = quiet && state.has_news();
        drop(state);
        if first {
            self.shared.wake.wake();
        }
        if let Some(PutError::Full(letter) | PutError::Closed(letter)) = refused {
            given_up.push(letter);
        }
        given_up
    }

    /// Whether a letter would be taken in now.
    pub(super) fn has_room(&self, weight: usize) -> bool {
        let state = self.shared.lock();
        !state.closed && state.has_room(weight, self.shared.limit)
    }

    /// Whether letters go to this mailbox.
    pub(super) fn is_of(&self, mailbox: &Mailbox<T>) -> bool {
        Arc::ptr_eq(&self.shared, &mailbox.shared)
    }
}

impl<T> Clone for Address<T> {
    fn clone(&self) -> Self {
        Self {
            shared: Arc::clone(&self.shared),
        }
    }
}

impl<T> Shared<T> {
    /// Nothing panics while it holds the lock, and what it guards is whole at every moment.
    fn lock(&self) -> MutexGuard<'_, State<T>> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<T> State<T> {
    /// The reader has something to look at, and was told so by whoever brought the first of it.
    const fn has_news(&self) -> bool {
        !self.letters.is_empty() || self.lost > 0
    }

    fn accept(&mut self, letter: T, weight: usize, limit: usize) -> Result<(), PutError<T>> {
        if self.closed {
            return Err(PutError::Closed(letter));
        }
        if !self.has_room(weight, limit) {
            return Err(PutError::Full(letter));
        }
        self.letters.push(letter);
        self.bytes += weight.saturating_add(size_of::<T>());
        Ok(())
    }

    const fn has_room(&self, weight: usize, limit: usize) -> bool {
        // Behind letters that were given up there would be a gap.
        self.lost == 0 && weight.saturating_add(size_of::<T>()) <= limit - self.bytes
    }

    /// Gives up what waits, and one that found no room.
    fn give_up(&mut self) -> Vec<T> {
        self.lost += self.letters.len() + 1;
        self.bytes = 0;
        take(&mut self.letters)
    }
}

impl<T> fmt::Debug for Mailbox<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Mailbox").finish_non_exhaustive()
    }
}

impl<T> fmt::Debug for Address<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Address").finish_non_exhaustive()
    }
}
