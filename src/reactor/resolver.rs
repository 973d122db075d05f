//! Host names to addresses, off the loop: the system's resolver blocks for as long as it likes.
//!
//! Not here: caches, which are the system's.

use super::mailbox::Wake;
use alloc::borrow::ToOwned as _;
use alloc::collections::VecDeque;
use alloc::string::{String, ToString as _};
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::fmt;
use core::net::SocketAddr;
use std::collections::HashMap;
use std::io;
use std::net::ToSocketAddrs as _;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::thread;

/// Threads that ask at the same time. One name that nobody answers for holds up one of them.
const THREADS: usize = 4;

/// What was asked, and what came of it.
pub(super) struct Resolver {
    shared: Arc<Shared>,
}

struct Shared {
    state: Mutex<State>,
    wake: Arc<dyn Wake>,
}

#[derive(Default)]
struct State {
    questions: VecDeque<(u64, String, u16)>,
    /// Keys whose answers nobody has been told of.
    fresh: Vec<u64>,
    answers: HashMap<u64, io::Result<Vec<SocketAddr>>>,
    threads: usize,
}

impl Resolver {
    /// One whose answers are announced by `wake`.
    pub(super) fn new(wake: Arc<dyn Wake>) -> Self {
        Self {
            shared: Arc::new(Shared {
                state: Mutex::default(),
                wake,
            }),
        }
    }

    pub(super) fn ask(&self, key: u64, host: &str, port: u16) -> io::Result<()> {
        let mut state = self.shared.lock();
        state.questions.push_back((key, host.to_owned(), port));
        // Those that run take all questions there are before they end.
        if state.threads < THREADS.min(state.questions.len() + state.threads) {
            let shared = Arc::clone(&self.shared);
            let builder = thread::Builder::new().name("sockeye resolver".to_string());
            if let Err(error) = builder.spawn(move || shared.work()) {
                if state.threads == 0 {
                    state.questions.pop_back();
                    return Err(error);
                }
            } else {
                state.threads += 1;
            }
        }
        Ok(())
    }

    /// Does not ask any more, if it has not begun to: while nobody answers, questions that nobody has any more would
    /// pile up, and stand before those of the present once somebody does.
    pub(super) fn forget(&self, key: u64) {
        self.shared.lock().questions.retain(|asked| asked.0 != key);
    }

    /// Keys that were answered since the last call.
    pub(super) fn fresh(&self) -> Vec<u64> {
        core::mem::take(&mut self.shared.lock().fresh)
    }

    pub(super) fn take(&self, key: u64) -> io::Result<Vec<SocketAddr>> {
        let answer = self.shared.lock().answers.remove(&key);
        answer.unwrap_or_else(|| Err(io::ErrorKind::NotFound.into()))
    }
}

impl Shared {
    /// Nothing panics while it holds the lock.
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Answers questions until there are none.
    fn work(&self) {
        loop {
            let mut state = self.lock();
            let Some((key, host, port)) = state.questions.pop_front() else {
                state.threads -= 1;
                return;
            };
            drop(state);
            let answer = (host.as_str(), port).to_socket_addrs();
            let answer = answer.map(Iterator::collect).and_then(|found: Vec<_>| {
                if found.is_empty() {
                    return Err(io::ErrorKind::NotFound.into());
                }
                Ok(found)
            });
            let mut state = self.lock();
            state.answers.insert(key, answer);
            state.fresh.push(key);
            drop(state);
            self.wake.wake();
        }
    }
}

impl Drop for Resolver {
    fn drop(&mut self) {
        self.shared.lock().questions.clear();
    }
}

impl fmt::Debug for Resolver {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Resolver").finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::{Resolver, THREADS};
    use crate::reactor::mailbox::Wake;
    use alloc::sync::Arc;
    use alloc::vec::Vec;

    struct Nobody;

    impl Wake for Nobody {
        fn wake(&self) {}
    }

    #[test]
    fn what_is_forgotten_is_not_asked() {
        let resolver = Resolver::new(Arc::new(Nobody));
        // All of them wait for somebody who does not answer.
        resolver.shared.lock().threads = THREADS;
        for key in 0..5 {
            resolver.ask(key, "h", 80).expect("no thread is started");
        }
        resolver.forget(3);
        resolver.forget(0);
        resolver.forget(9);
        let shared = resolver.shared.lock();
        let left: Vec<_> = shared.questions.iter().map(|asked| asked.0).collect();
        assert_eq!(left, [1, 2, 4]);
    }
}
