//! A handler that panics behind something else: what it did before, and what became of that.

use crate::frames::{Frame, binary, text};
use crate::harness::{Sim, ms, secs};
use rustix::io::Errno;
use sockeye::server::{Limits, Timeouts};

#[test]
fn whoever_was_closed_before_the_panic_has_3_s_to_answer() {
    let mut sim = Sim::new();
    let mut client = sim.open();
    // Long enough that a deadline counted from the opening would be over.
    sim.run_for(secs(15));
    client.push(&text("!close-and-panic bye"));
    sim.settle();
    assert_eq!(client.frame(), Frame::close(1000, "bye"));
    sim.run_for(ms(2900));
    client.assert_quiet();
    client.close_in_order(&mut sim, 1000);
    let end = sim.only_end();
    assert_eq!((end.code, end.clean), (1000, true));
}

#[test]
fn a_panic_over_a_broken_stream_ends_it_at_once() {
    let mut sim = Sim::new();
    let client = sim.open();
    let mut other = sim.open();
    client.conn.queue_send_fault(Errno::PIPE);
    client.push(&text("!send-or-panic 20000"));
    sim.settle();
    // What could not be sent is missing, so nothing may follow it.
    assert!(client.conn.take_sent().is_empty());
    assert!(client.conn.is_closed());
    assert_eq!(sim.only_end().code, 1006);
    other.assert_echoes(&mut sim);
}

#[test]
fn a_slow_peer_over_which_the_handler_panics_does_not_live_on_by_dripping() {
    let limits = Limits {
        max_queued: 1000,
        ..Limits::default()
    };
    let mut sim = Sim::with(limits, Timeouts::default());
    let client = sim.open();
    client.conn.set_window(100);
    client.push(&text("!send-or-panic 20000"));
    sim.settle();
    for _ in 0..5 {
        client.conn.set_window(10);
        sim.run_for(secs(1));
    }
    assert!(client.conn.is_aborted() && client.conn.is_closed());
    assert_eq!(sim.only_end().code, 1006);
}

#[test]
fn a_slow_peer_over_which_the_handler_panics_is_told_1011_if_it_reads() {
    let limits = Limits {
        max_queued: 1000,
        ..Limits::default()
    };
    let mut sim = Sim::with(limits, Timeouts::default());
    let mut client = sim.open();
    client.conn.set_window(100);
    client.push(&[text("!send-or-panic 20000"), binary(b"unheard")].concat());
    sim.settle();
    client.conn.set_window(usize::MAX);
    sim.settle();
    let frames = client.frames();
    assert_eq!(frames.len(), 2);
    assert_eq!(frames[0].payload.len(), 20_000);
    assert_eq!(frames[1], Frame::close(1011, ""));
    client.close_in_order(&mut sim, 1011);
}
