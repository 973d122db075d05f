//! Firmware for a Cortex-M4F that has 256 KiB of flash and 64 KiB of memory: it receives a request and a masked frame,
//! and echoes. Bytes come from constants and go nowhere; a real one would have a driver on either side.
//!
//! `cargo build --release --target thumbv7em-none-eabihf`
#![no_std]
#![no_main]

extern crate alloc;

use alloc::vec::Vec;
use core::hint::black_box;
use cortex_m::asm;
use cortex_m_rt::entry;
use embedded_alloc::LlffHeap;
// Not named, but linked: what stops the processor after a panic.
use panic_halt as _;
use sockeye_no_std::{HELLO, REQUEST, Session};

#[global_allocator]
static HEAP: LlffHeap = LlffHeap::empty();

#[entry]
fn main() -> ! {
    // SAFETY: called once, before anything is allocated; nothing else knows the memory that it declares.
    unsafe {
        embedded_alloc::init!(HEAP, 32 * 1024);
    }
    let (mut session, mut answer) = (Session::new(), Vec::new());
    let mut more = true;
    for bytes in [REQUEST, HELLO] {
        // Hidden from the compiler, which would work the answer out by itself.
        more = more && session.receive(black_box(bytes), &mut answer);
        black_box(&answer);
        answer.clear();
    }
    loop {
        asm::wfi();
    }
}
