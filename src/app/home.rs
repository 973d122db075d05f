//! What is the same for all who are at a path: [`Home`], and for the whole server: [`Shared`].
//!
//! Not here: those who are there; that is `place`.

use super::limits::Addresses;
use super::metrics::{Counters, Registry};
use super::request::Params;
use super::site::Definition;
use super::watch::{Monitor, TapDesk};
use crate::server::{Handle, JoinError, TrustedProxy};
use alloc::boxed::Box;
use alloc::sync::{Arc, Weak};
use alloc::vec::Vec;
use core::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use core::time::Duration;
use std::collections::HashMap;
use std::sync::{Mutex, OnceLock, PoisonError};

/// So far workers' times may differ.
const APART: Duration = Duration::from_secs(1);

/// A path at which there is a service, on one worker.
pub(super) struct Home {
    pub(super) path: Box<str>,
    pub(super) params: Params,
    pub(super) definition: Arc<Definition>,
    /// Connections at this path, on all workers.
    pub(super) online: Arc<AtomicUsize>,
    pub(super) shared: Arc<Shared>,
    pub(super) counters: Arc<Counters>,
    /// Where what is said here is shown, if it may be.
    pub(super) taps: Option<Arc<TapDesk>>,
}

impl Home {
    /// Where what happens here is to be shown, where anybody listens.
    #[inline]
    pub(super) fn listened(&self) -> Option<&TapDesk> {
        self.taps.as_deref().filter(|taps| taps.is_open())
    }
}

impl Home {
    /// Where a connection that is here is counted, beside its route.
    pub(super) fn counts(&self) -> [&AtomicUsize; 2] {
        [&self.online, &self.shared.online]
    }
}

/// What all workers of a server share. None of it is touched for a message.
pub(super) struct Shared {
    /// Open connections.
    pub(super) online: AtomicUsize,
    /// Those at each path. Who is there holds the count; here it is only found.
    paths: Mutex<HashMap<Box<str>, Weak<AtomicUsize>>>,
    pub(super) addresses: Addresses,
    /// The latest time that a worker came to the addresses with, in milliseconds.
    latest: AtomicU64,
    pub(super) registry: Registry,
    pub(super) handle: OnceLock<Handle>,
    pub(super) monitor: Option<Monitor>,
    /// Whose `X-Forwarded-For` is believed.
    pub(super) forwarders: Vec<TrustedProxy>,
    pub(super) max_room_name: usize,
    #[cfg(feature = "backplane")]
    pub(super) nodes: super::nodes::Nodes,
}

impl Shared {
    pub(super) fn new(
        addresses: Addresses,
        registry: Registry,
        monitor: Option<Monitor>,
        forwarders: Vec<TrustedProxy>,
        max_room_name: usize,
        #[cfg(feature = "backplane")] nodes: super::nodes::Nodes,
    ) -> Self {
        Self {
            online: AtomicUsize::new(0),
            paths: Mutex::default(),
            addresses,
            latest: AtomicU64::new(0),
            registry,
            handle: OnceLock::new(),
            monitor,
            forwarders,
            max_room_name,
            #[cfg(feature = "backplane")]
            nodes,
        }
    }

    /// The time at which all workers look at addresses. Each loop counts its own, and one that has stood still is behind
    /// the others for ever: at its time nobody would have a token again for as long. So who is far behind catches up,
    /// and stays `ahead` of its own time. A little behind is only a turn that takes long, and is over by itself.
    pub(super) fn common_time(&self, ahead: &mut Duration, now: Duration) -> Duration {
        let own = now + *ahead;
        let millis = u64::try_from(own.as_millis()).unwrap_or(u64::MAX);
        let latest = self.latest.fetch_max(millis, Ordering::Relaxed);
        let behind = Duration::from_millis(latest).saturating_sub(own);
        if behind > APART {
            *ahead += behind;
        }
        own + behind
    }

    /// A room's name is not empty, and not too long; what else it must not be, the server's rooms know.
    pub(super) fn check_name(&self, name: &str) -> Result<(), JoinError> {
        if name.is_empty() || name.len() > self.max_room_name {
            return Err(JoinError::Name);
        }
        Ok(())
    }

    /// The count of connections at a path, which all workers have one of.
    pub(super) fn online_at(&self, path: &str) -> Arc<AtomicUsize> {
        let mut paths = self.paths.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(count) = paths.get(path).and_then(Weak::upgrade) {
            return count;
        }
        let count = Arc::<AtomicUsize>::default();
        paths.insert(path.into(), Arc::downgrade(&count));
        count
    }

    /// A worker has nobody at this path any more.
    pub(super) fn forget(&self, path: &str) {
        let mut paths = self.paths.lock().unwrap_or_else(PoisonError::into_inner);
        if paths
            .get(path)
            .is_some_and(|count| count.strong_count() == 0)
        {
            paths.remove(path);
        }
    }
}
