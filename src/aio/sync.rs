//! What halves share and take turns with, under a name of its own: the models of `tests/loom` put loom's in its place.
//!
//! Not here: what is shared.

pub(super) use atomic_waker::AtomicWaker;
pub(super) use core::sync::atomic::AtomicBool;
pub(super) use crossbeam_utils::atomic::AtomicCell;
