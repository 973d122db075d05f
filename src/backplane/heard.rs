//! What has come from a broker and is still to be looked at.
//!
//! Not here: how it comes.

use super::{Arrived, Trouble};
use alloc::borrow::Cow;
use alloc::collections::VecDeque;
use alloc::vec::Vec;
use std::sync::{Mutex, MutexGuard, PoisonError};
use tokio::sync::Notify;

/// Bytes that may wait. Brokers drop whoever takes so long, too.
const MAX_WAITING: usize = 64 << 20;

/// Bytes that are taken at a time.
const BATCH: usize = 1 << 20;

#[derive(Debug, Default)]
pub(super) struct Heard {
    waiting: Mutex<Waiting>,
    bell: Notify,
}

#[derive(Debug, Default)]
struct Waiting {
    bundles: VecDeque<Arrived>,
    bytes: usize,
    ended: Option<Cow<'static, str>>,
}

impl Heard {
    fn lock(&self) -> MutexGuard<'_, Waiting> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Something has come. Does not wait.
    pub(super) fn push(&self, arrived: Arrived) {
        let mut waiting = self.lock();
        waiting.bytes += arrived.bytes.len();
        if waiting.bytes > MAX_WAITING {
            let why = "this node does not keep up with the others";
            waiting.ended.get_or_insert(Cow::Borrowed(why));
        } else {
            waiting.bundles.push_back(arrived);
        }
        drop(waiting);
        self.bell.notify_one();
    }

    /// Nothing more comes.
    pub(super) fn end(&self, why: impl Into<Cow<'static, str>>) {
        self.lock().ended.get_or_insert_with(|| why.into());
        self.bell.notify_one();
    }

    #[cfg(test)]
    pub(super) fn has_ended(&self) -> bool {
        self.lock().ended.is_some()
    }

    /// What has come, for the one that asks: something, and not much more than [`BATCH`].
    pub(super) async fn next(&self) -> Result<Vec<Arrived>, Trouble> {
        loop {
            if let Some(next) = self.try_next() {
                return next;
            }
            self.bell.notified().await;
        }
    }

    fn try_next(&self) -> Option<Result<Vec<Arrived>, Trouble>> {
        let mut waiting = self.lock();
        let (mut batch, mut taken) = (Vec::new(), 0);
        while taken < BATCH
            && let Some(arrived) = waiting.bundles.pop_front()
        {
            taken += arrived.bytes.len();
            batch.push(arrived);
        }
        waiting.bytes = waiting.bytes.saturating_sub(taken);
        if !batch.is_empty() {
            return Some(Ok(batch));
        }
        let why = waiting.ended.clone()?;
        Some(Err(Trouble::new(why)))
    }
}
