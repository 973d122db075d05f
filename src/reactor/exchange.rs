//! Broadcast across loops: what one publishes in a turn reaches the others as one shared buffer and one wake-up.
//!
//! Not here: who gets it; each loop delivers to its own connections.

use super::mail::{Counts, Published};
use alloc::boxed::Box;
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::fmt;
use core::mem::take;
use std::sync::{Mutex, MutexGuard, PoisonError};

/// Bytes that may wait for one loop, or four of its largest messages; beyond that it has fallen behind.
const MAX_WAITING: usize = 64 << 20;

/// Joins servers: a broadcast on one reaches the connections of all. Clones are the same exchange.
#[derive(Clone, Debug, Default)]
pub struct Exchange {
    inboxes: Arc<Mutex<Vec<Arc<Inbox>>>>,
    /// What to encode for.
    counts: Counts,
}

/// One loop's place in an exchange.
#[derive(Debug)]
pub(super) struct Membership {
    exchange: Exchange,
    inbox: Arc<Inbox>,
}

struct Inbox {
    waiting: Mutex<Waiting>,
    max_waiting: usize,
    wake: Box<dyn Fn() + Send + Sync>,
}

#[derive(Debug, Default)]
struct Waiting {
    published: Vec<Published>,
    bytes: usize,
    fell_behind: bool,
}

/// What came from the others since the last look.
#[derive(Debug)]
pub(super) struct Arrived {
    pub(super) published: Vec<Published>,
    /// Too much waited and was given up.
    pub(super) fell_behind: bool,
}

impl Exchange {
    /// An exchange without members.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Who is there to be told, in all loops.
    pub(super) const fn counts(&self) -> &Counts {
        &self.counts
    }

    /// Adds a loop that `wake` wakes, and whose messages have at most `max_message` bytes.
    pub(super) fn join(&self, max_message: u64, wake: Box<dyn Fn() + Send + Sync>) -> Membership {
        let four = usize::try_from(max_message.saturating_mul(4)).unwrap_or(usize::MAX);
        let inbox = Arc::new(Inbox {
            waiting: Mutex::default(),
            max_waiting: four.max(MAX_WAITING),
            wake,
        });
        lock(&self.inboxes).push(Arc::clone(&inbox));
        Membership {
            exchange: self.clone(),
            inbox,
        }
    }
}

impl Membership {
    /// Gives the others what was published here.
    pub(super) fn post(&self, published: &Published) {
        for inbox in lock(&self.exchange.inboxes).iter() {
            if !Arc::ptr_eq(inbox, &self.inbox) {
                inbox.put(published);
            }
        }
    }

    /// Takes what the others published.
    pub(super) fn take(&self) -> Arrived {
        let Waiting {
            published,
            fell_behind,
            ..
        } = take(&mut *lock(&self.inbox.waiting));
        Arrived {
            published,
            fell_behind,
        }
    }
}

impl Drop for Membership {
    fn drop(&mut self) {
        lock(&self.exchange.inboxes).retain(|inbox| !Arc::ptr_eq(inbox, &self.inbox));
    }
}

impl Inbox {
    fn put(&self, published: &Published) {
        let mut waiting = lock(&self.waiting);
        // The first one wakes; the others find the loop awake or about to be.
        let first = waiting.published.is_empty() && !waiting.fell_behind;
        if waiting.bytes > self.max_waiting {
            waiting.published.clear();
            waiting.fell_behind = true;
        } else if !waiting.fell_behind {
            waiting.published.push(published.clone());
            waiting.bytes += published.len();
        }
        drop(waiting);
        if first {
            (self.wake)();
        }
    }
}

impl fmt::Debug for Inbox {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Inbox").finish_non_exhaustive()
    }
}

/// Nothing panics while it holds one of these locks, and what they guard is whole at every moment.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::Exchange;
    use crate::reactor::mail::Published;
    use alloc::boxed::Box;
    use alloc::sync::Arc;
    use alloc::vec;
    use alloc::vec::Vec;
    use core::sync::atomic::{AtomicUsize, Ordering};

    #[test]
    fn a_burst_wakes_once_and_its_author_never() {
        let wakes = Arc::new(AtomicUsize::new(0));
        let exchange = Exchange::new();
        let author = exchange.join(0, Box::new(|| unreachable!()));
        let reader = exchange.join(0, {
            let wakes = Arc::clone(&wakes);
            Box::new(move || {
                wakes.fetch_add(1, Ordering::Relaxed);
            })
        });
        author.post(&Published::plain(vec![1]));
        author.post(&Published::plain(vec![2]));
        assert_eq!(wakes.load(Ordering::Relaxed), 1);
        let arrived = reader.take();
        let said: Vec<_> = arrived
            .published
            .iter()
            .map(Published::everything)
            .collect();
        assert_eq!(said, [[1], [2]]);
        assert!(!arrived.fell_behind);
        author.post(&Published::plain(vec![3]));
        assert_eq!(wakes.load(Ordering::Relaxed), 2);
    }

    #[test]
    fn a_loop_that_does_not_look_holds_a_bounded_amount_and_is_told() {
        let exchange = Exchange::new();
        let author = exchange.join(0, Box::new(|| {}));
        let reader = exchange.join(0, Box::new(|| {}));
        let log = Published::plain(vec![0; 48 << 20]);
        for _ in 0..9 {
            author.post(&log);
        }
        let arrived = reader.take();
        assert!(arrived.fell_behind && arrived.published.is_empty());
        assert_eq!(log.holders(), 1);
        author.post(&log);
        assert_eq!(reader.take().published.len(), 1);
    }
}
