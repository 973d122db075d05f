//! A count of the bytes that the core looks at or writes, so that tests can show that work grows with the bytes and not
//! with their square. With the feature `work-count`, which is for tests alone; without it, nothing of this is left.
//!
//! A byte counts each time that a step takes it up: a header that is read, a mask, a look for UTF-8, a copy, a move as a
//! buffer grows, what an inflater reads, writes and is given as its past, a line of a head.
//!
//! Not here: what other libraries do inside, and what a caller does with its own buffers.

#[cfg(feature = "work-count")]
mod counting {
    use alloc::vec::Vec;
    use core::sync::atomic::{AtomicU64, Ordering};

    static VISITED: AtomicU64 = AtomicU64::new(0);

    /// Notes that so many bytes were taken up.
    #[inline]
    pub(crate) fn visit(bytes: usize) {
        VISITED.fetch_add(bytes as u64, Ordering::Relaxed);
    }

    /// Notes that so many bytes are appended, and that all is moved where there is no room for them.
    #[inline]
    pub(crate) fn append(to: &Vec<u8>, more: usize) {
        let moves = more > to.capacity().saturating_sub(to.len());
        visit(more.saturating_add(if moves { to.len() } else { 0 }));
    }

    /// How many bytes were taken up since the program began, by all threads.
    #[must_use]
    pub fn visited() -> u64 {
        VISITED.load(Ordering::Relaxed)
    }
}

#[cfg(feature = "work-count")]
pub use counting::visited;
#[cfg(feature = "work-count")]
pub(crate) use counting::{append, visit};

/// Nothing is counted.
#[cfg(not(feature = "work-count"))]
#[inline(always)]
pub(crate) const fn visit(_bytes: usize) {}

/// Nothing is counted.
#[cfg(not(feature = "work-count"))]
#[inline(always)]
pub(crate) const fn append(_to: &alloc::vec::Vec<u8>, _more: usize) {}
