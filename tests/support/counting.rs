//! An allocator that counts, per thread: the test harness has others, and this crate's loops have one each.

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;

struct Counter;

thread_local! {
    static CALLS: Cell<usize> = const { Cell::new(0) };
    static HELD: Cell<isize> = const { Cell::new(0) };
    static MOST: Cell<isize> = const { Cell::new(0) };
}

#[global_allocator]
static COUNTER: Counter = Counter;

#[allow(dead_code, reason = "each test target uses what it needs")]
/// Allocations made by this thread so far.
pub(crate) fn calls() -> usize {
    CALLS.get()
}

/// Bytes that this thread has allocated and not freed.
pub(crate) fn held() -> isize {
    HELD.get()
}

/// The most bytes that this thread held at any moment since the last call.
#[allow(dead_code, reason = "each test target uses what it needs")]
pub(crate) fn most_held() -> isize {
    MOST.replace(HELD.get())
}

fn count(calls: usize, held: isize) {
    CALLS.set(CALLS.get() + calls);
    HELD.set(HELD.get() + held);
    MOST.set(MOST.get().max(HELD.get()));
}

/// A size as `held` counts it.
pub(crate) fn signed(size: usize) -> isize {
    isize::try_from(size).unwrap_or(isize::MAX)
}

// SAFETY: every call goes to the system's allocator unchanged; counting neither allocates nor unwinds.
unsafe impl GlobalAlloc for Counter {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        count(1, signed(layout.size()));
        // SAFETY: the caller's promises are passed on.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, ptr: *mut u8, layout: Layout) {
        count(0, -signed(layout.size()));
        // SAFETY: the caller's promises are passed on.
        unsafe { System.dealloc(ptr, layout) }
    }

    unsafe fn realloc(&self, ptr: *mut u8, layout: Layout, new_size: usize) -> *mut u8 {
        count(1, signed(new_size) - signed(layout.size()));
        // SAFETY: the caller's promises are passed on.
        unsafe { System.realloc(ptr, layout, new_size) }
    }
}
