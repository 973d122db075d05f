//! What threads share and take turns with, under a name of its own: the models of `tests/loom` put loom's in its place.
//!
//! Not here: what is shared.

pub(super) use alloc::sync::Arc;
pub(super) use std::sync::{Mutex, MutexGuard, PoisonError};
