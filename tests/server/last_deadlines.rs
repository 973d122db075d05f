//! The deadlines of an end: the closing handshake's, those of peers that do not read, and the drain's.

use crate::deadlines::{opened, pass};
use crate::frames::{CLOSE, FIN, Frame, PONG, binary, close, frame, ping, text};
use crate::harness::{Sim, ms, secs};
use sockeye::server::{Limits, Timeouts};

// --- closing ---

#[test]
fn our_close_waits_3_s_for_the_answer() {
    let (mut sim, mut client) = opened();
    client.push(&text("!close bye"));
    sim.settle();
    assert_eq!(client.frame(), Frame::close(1000, "bye"));
    let since = sim.net.now();
    sim.run_until(since + ms(2999));
    client.assert_quiet();
    assert!(sim.probe().ends.is_empty());
    sim.run_until(since + ms(3003));
    assert!(client.conn.is_closed() && !client.conn.is_aborted());
    let end = sim.only_end();
    assert_eq!((end.code, end.clean), (1006, false));
}

#[test]
fn neither_data_nor_drops_move_that() {
    let (mut sim, mut client) = opened();
    client.push(&text("!close bye"));
    sim.settle();
    let since = sim.net.now();
    client.frame();
    while sim.net.now() < since + ms(2990) {
        client.push(&text("still talking"));
        client.push(&ping(b"still there"));
        sim.run_for(ms(9));
        client.assert_quiet();
    }
    sim.run_until(since + ms(3003));
    assert!(client.conn.is_closed());
    assert_eq!(sim.probe().messages.len(), 1);
}

#[test]
fn a_peer_that_keeps_the_stream_open_after_its_close_has_3_s() {
    for last in [close(1000), frame(FIN | 0x3, b"reserved")] {
        let (mut sim, mut client) = opened();
        client.push(&last);
        sim.settle();
        assert!(client.frame().close_code().is_some());
        assert!(client.conn.is_finished(), "the server ends first");
        let since = sim.net.now();
        // A byte now and then changes nothing.
        for _ in 0..29 {
            client.push(b"x");
            sim.run_for(ms(100));
        }
        sim.run_until(since + ms(2999));
        assert!(!client.conn.is_closed());
        sim.run_until(since + ms(3003));
        assert!(client.conn.is_closed() && !client.conn.is_aborted());
        assert_eq!(sim.probe().ends.len(), 1);
    }
}

// --- peers that do not read ---

/// Shows 6455-7.1.1-02.
#[test]
fn a_write_stall_ends_in_a_reset_after_10_s() {
    let (mut sim, mut client) = opened();
    client.conn.set_window(100);
    client.push(&binary(&[1; 1000]));
    sim.settle();
    assert_eq!(client.conn.take_sent().len(), 100);
    let since = sim.net.now();
    pass(&mut sim, &mut client, since + secs(10));
    assert!(client.conn.is_closed() && client.conn.is_aborted());
    assert_eq!(sim.only_end().code, 1006);
}

#[test]
fn progress_moves_the_write_stall() {
    let (mut sim, client) = opened();
    client.conn.set_window(0);
    client.push(&binary(&[1; 1000]));
    sim.settle();
    for _ in 0..20 {
        sim.run_for(secs(9));
        client.conn.set_window(1);
        sim.settle();
        assert_eq!(client.conn.take_sent().len(), 1);
    }
    let since = sim.net.now();
    sim.run_until(since + ms(9999));
    assert!(!client.conn.is_closed());
    sim.run_until(since + ms(10_003));
    assert!(client.conn.is_closed() && client.conn.is_aborted());
}

#[test]
fn a_peer_that_takes_less_than_the_kernel_tells_is_not_stalled() {
    let (mut sim, client) = opened();
    client.conn.tell_room_from(1 << 20);
    client.conn.set_window(0);
    let message = binary(&[1; 20_000]);
    client.push(&message);
    sim.settle();
    for _ in 0..10 {
        sim.run_for(secs(8));
        client.conn.set_window(1000);
    }
    assert!(!client.conn.is_closed());
    client.conn.set_window(usize::MAX);
    sim.settle();
    // Header and payload, without the mask.
    assert_eq!(client.conn.take_sent().len(), message.len() - 4);
}

#[test]
fn bytes_from_a_peer_that_does_not_read_do_not_move_it() {
    let (mut sim, client) = opened();
    client.conn.set_window(0);
    client.push(&binary(&[1; 1000]));
    sim.settle();
    let since = sim.net.now();
    while sim.net.now() < since + ms(9990) {
        client.push(&text("x"));
        sim.run_for(ms(9));
    }
    assert!(!client.conn.is_closed());
    sim.run_until(since + ms(10_003));
    assert!(client.conn.is_closed() && client.conn.is_aborted());
}

#[test]
fn a_close_frame_that_cannot_leave_ends_in_a_reset_after_3_s() {
    let (mut sim, client) = opened();
    client.conn.set_window(0);
    client.push(&close(1000));
    sim.settle();
    assert!(
        !client.conn.is_finished(),
        "there is still something to write"
    );
    let since = sim.net.now();
    sim.run_until(since + ms(2999));
    assert!(!client.conn.is_closed());
    sim.run_until(since + ms(3003));
    assert!(client.conn.is_closed() && client.conn.is_aborted());
    assert_eq!(sim.only_end().code, 1000);
}

#[test]
fn a_peer_that_reads_steadily_gets_all_that_was_sent_before_our_close() {
    let (mut sim, mut client) = opened();
    client.conn.set_window(0);
    client.push(&text("!last-bytes 1000000"));
    sim.settle();
    let since = sim.net.now();
    while !client.conn.is_closed() && client.bytes.len() < 1_000_000 {
        sim.run_for(ms(2990));
        client.conn.set_window(60_000);
        sim.settle();
        client.bytes.append(&mut client.conn.take_sent());
    }
    assert!(sim.net.now() > since + secs(45), "far beyond 3 s");
    let expected = [Frame::binary(&[b'x'; 1_000_000]), Frame::close(1000, "bye")];
    assert!(client.frames() == expected);
    client.close_in_order(&mut sim, 1000);
    assert!(!client.conn.is_aborted());
    assert!(sim.only_end().clean);
}

#[test]
fn a_peer_that_reads_nothing_is_reset_3_s_after_our_close() {
    let (mut sim, client) = opened();
    client.conn.set_window(0);
    client.push(&text("!last-bytes 1000000"));
    sim.settle();
    let since = sim.net.now();
    sim.run_until(since + ms(2999));
    assert!(!client.conn.is_closed());
    sim.run_until(since + ms(3003));
    assert!(client.conn.is_closed() && client.conn.is_aborted());
    assert_eq!(sim.only_end().code, 1006);
}

// --- stopping ---

#[test]
fn the_drain_is_over_after_10_s() {
    // With a close deadline of its own, each peer would be gone before.
    let timeouts = Timeouts {
        close: secs(60),
        write_stall: secs(60),
        ..Timeouts::default()
    };
    let mut sim = Sim::with(Limits::default(), timeouts);
    let mut reads = sim.open();
    let blocked = sim.open();
    blocked.conn.set_window(0);
    sim.run_until(secs(2));
    sim.server.stop();
    sim.settle();
    assert_eq!(reads.frame().close_code(), Some(1001));
    sim.run_until(ms(11_999));
    assert!(sim.goes_on && !reads.conn.is_closed() && !blocked.conn.is_closed());
    sim.run_until(ms(12_003));
    assert!(!sim.goes_on && reads.conn.is_closed() && blocked.conn.is_closed());
    assert!(blocked.conn.is_aborted() && !reads.conn.is_aborted());
    assert_eq!(sim.probe().ends.len(), 2);
}

// --- what does not end a connection ---

#[test]
fn control_frames_whose_ends_are_never_a_reads_end_are_in_time() {
    let (mut sim, mut client) = opened();
    let ping = ping(b"0123456789");
    let (head, tail) = ping.split_at(7);
    client.push(head);
    for _ in 0..60 {
        sim.run_for(secs(1));
        client.push(&[tail, head].concat());
        sim.settle();
        assert_eq!(client.frame().opcode, PONG);
    }
}

#[test]
fn output_that_waits_now_and_then_does_not_hide_an_idle_peer() {
    let timeouts = Timeouts {
        idle: Some(secs(60)),
        ping: secs(10_000),
        ..Timeouts::default()
    };
    let mut sim = Sim::with(Limits::default(), timeouts);
    let mut silent = sim.open();
    let speaker = sim.open();
    for _ in 0..6 {
        sim.run_for(secs(9));
        silent.conn.set_window(0);
        speaker.push(&text("!all hello"));
        sim.run_for(secs(1));
        silent.conn.set_window(usize::MAX);
        sim.settle();
    }
    // Six seconds in which output waited are not counted, the other 54 are.
    assert!(silent.frames().iter().all(|frame| frame.opcode != CLOSE));
    sim.run_for(secs(10));
    assert_eq!(silent.frame(), Frame::close(1001, "idle"));
}

#[test]
fn whoever_stops_reading_is_gone_by_the_write_stall_also_where_it_is_closed_before() {
    let limits = Limits {
        max_queued: 10_000,
        ..Limits::default()
    };
    let mut sim = Sim::with(limits, Timeouts::default());
    let talker = sim.open();
    let stopped = sim.open();
    stopped.conn.set_window(0);
    talker.push(&text("!all-bytes 9000"));
    sim.run_for(ms(9000));
    // Too much: it is closed, and would have three seconds to read that.
    talker.push(&text("!all-bytes 9000"));
    sim.run_for(ms(900));
    assert!(!stopped.conn.is_aborted());
    sim.run_for(ms(150));
    assert!(stopped.conn.is_aborted());
    assert!(!talker.conn.is_closed());
}
