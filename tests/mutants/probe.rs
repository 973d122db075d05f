//! Which mutant is on: `SOCKEYE_MUTANT` has its number. Copied into the tree that holds all of them.
//!
//! With `SOCKEYE_MUTANT_REACHED`, the name of a file, none is on, and the file gets the numbers of those whose place in
//! the code was come to.
//!
//! Not here: what the mutants are.
#![allow(unsafe_code, missing_docs)]

extern crate std;

use core::ffi::{CStr, c_char, c_int};
use core::sync::atomic::{AtomicBool, AtomicU32, Ordering::Relaxed};
use std::fmt::Write as _;
pub(crate) use std::sync::LazyLock;

/// From here on, numbers are none of mutants.
const RECORD: u32 = 1 << 30;
const UNKNOWN: u32 = RECORD + 1;

static ON: AtomicU32 = AtomicU32::new(UNKNOWN);
static REACHED: [AtomicBool; 1 << 14] = [const { AtomicBool::new(false) }; 1 << 14];

// Not through `std`: tests count what is allocated.
unsafe extern "C" {
    fn getenv(name: *const c_char) -> *const c_char;
    fn atexit(then: extern "C" fn()) -> c_int;
    fn signal(number: c_int, then: extern "C" fn(c_int)) -> usize;
    fn _exit(code: c_int) -> !;
}

/// The limit on processor time: a test that takes long tells what it has come to so far.
const SIGXCPU: c_int = 24;

/// Whether mutant `id` is on. What the compiler itself evaluates is never mutated.
#[inline(always)]
pub(crate) const fn on(id: u32) -> bool {
    core::intrinsics::const_eval_select((id,), while_compiling, while_running)
}

const fn while_compiling(_: u32) -> bool {
    false
}

#[inline(always)]
fn while_running(id: u32) -> bool {
    let on = ON.load(Relaxed);
    on == id || (on >= RECORD && look_closer(id))
}

#[cold]
#[inline(never)]
fn look_closer(id: u32) -> bool {
    if ON.load(Relaxed) == UNKNOWN {
        ON.store(read_environment(), Relaxed);
    }
    let on = ON.load(Relaxed);
    if on == RECORD {
        REACHED[id as usize].store(true, Relaxed);
    }
    on == id
}

fn read_environment() -> u32 {
    if environment(c"SOCKEYE_MUTANT_REACHED").is_some() {
        // SAFETY: the function that is registered lives as long as the program.
        unsafe { atexit(write_reached) };
        // SAFETY: the same. The handler may wait for ever for a lock of the allocator; then the hard limit kills it, and
        // what it came to is not known.
        unsafe { signal(SIGXCPU, stopped) };
        return RECORD;
    }
    let id = environment(c"SOCKEYE_MUTANT").and_then(|text| text.parse().ok());
    id.unwrap_or(0)
}

fn environment(name: &CStr) -> Option<&'static str> {
    // SAFETY: `name` ends in a zero byte; nothing here changes the environment while its value is read.
    let value = unsafe { getenv(name.as_ptr()) };
    if value.is_null() {
        return None;
    }
    // SAFETY: what is not null ends in a zero byte, and stays until the environment is changed.
    unsafe { CStr::from_ptr(value) }.to_str().ok()
}

extern "C" fn write_reached() {
    let mut text = std::string::String::new();
    for (id, reached) in REACHED.iter().enumerate() {
        if reached.load(Relaxed) {
            let _ = writeln!(text, "{id}");
        }
    }
    let Some(path) = environment(c"SOCKEYE_MUTANT_REACHED") else {
        return;
    };
    let _ = std::fs::write(path, text);
}

extern "C" fn stopped(_: c_int) {
    write_reached();
    // SAFETY: it takes any number.
    unsafe { _exit(STOPPED) }
}

/// How a process ends that is stopped so.
const STOPPED: c_int = 99;
