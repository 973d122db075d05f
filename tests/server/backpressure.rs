//! Peers that do not read: what they cost, and how they are told.

use crate::frames::{Frame, PONG, binary, close, ping, text};
use crate::harness::{Client, Sim, ms};
use sockeye::server::{Limits, Timeouts};

fn queued(max_queued: usize) -> Sim {
    let limits = Limits {
        max_queued,
        ..Limits::default()
    };
    Sim::with(limits, Timeouts::default())
}

#[test]
fn pings_of_a_peer_that_does_not_read_are_not_even_received() {
    let mut sim = Sim::new();
    let client = sim.open();
    client.conn.set_window(0);
    let pings = ping(&[0; 125]).repeat(8000);
    for _ in 0..20 {
        client.push(&pings);
        sim.run_for(ms(100));
    }
    // One buffer of pings was taken in before the first pong found no room.
    let received = 20 * pings.len() - client.conn.unreceived();
    assert!(received <= 64 << 10, "{received} bytes");
    assert!(client.conn.receives() <= 3);
    // Nothing was lost: all pongs come when the peer reads.
    client.conn.set_window(usize::MAX);
    sim.settle();
    assert_eq!(client.conn.take_sent().len(), 20 * 8000 * 127);
}

#[test]
fn echoes_of_a_peer_that_does_not_read_stop_at_the_first_that_waits() {
    let mut sim = Sim::new();
    let client = sim.open();
    client.conn.set_window(0);
    client.push(&binary(&[0; 100_000]).repeat(50));
    sim.settle();
    assert_eq!(sim.probe().messages.len(), 1);
    let received = 50 * 100_014 - client.conn.unreceived();
    assert!(received <= 300 << 10, "{received} bytes");
}

#[test]
fn one_message_beyond_the_limit_is_sent() {
    let mut sim = queued(1000);
    let mut client = sim.open();
    client.conn.set_window(10);
    client.push(&text("!bytes 500000"));
    sim.settle();
    client.conn.set_window(usize::MAX);
    sim.settle();
    assert_eq!(client.frame(), Frame::binary(&[b'x'; 500_000]));
    client.assert_echoes(&mut sim);
    // Broadcast as well.
    client.conn.set_window(10);
    client.push(&text("!all-bytes 500000"));
    sim.settle();
    client.conn.set_window(usize::MAX);
    sim.settle();
    assert_eq!(client.frame(), Frame::binary(&[b'x'; 500_000]));
    assert_eq!(sim.probe().refused_sends, 0);
}

/// A member who stops reading in the middle of what everybody is told.
fn slow_member() -> (Sim, Client, Client, Client) {
    let mut sim = queued(10_000);
    let talker = sim.open();
    let fast = sim.open();
    let slow = sim.open();
    slow.conn.set_window(1500);
    for _ in 0..40 {
        talker.push(&text("!all-bytes 1000"));
        sim.settle();
    }
    (sim, talker, fast, slow)
}

const TOLD: usize = 1004;

#[test]
fn a_slow_member_is_told_1013_and_the_others_get_everything() {
    let (mut sim, mut talker, mut fast, mut slow) = slow_member();
    assert_eq!(talker.frames().len(), 40);
    assert_eq!(fast.frames().len(), 40);
    let queued: usize = 1500;
    assert_eq!(slow.conn.take_sent().len(), queued);
    // What it has not read is bounded by the limit and one message; behind that it is told why.
    slow.conn.set_window(usize::MAX);
    sim.settle();
    slow.bytes = vec![0; 0];
    let rest = slow.conn.take_sent();
    let bound = 10_000 + 2 * TOLD + 100;
    assert!(rest.len() <= bound, "{} bytes", rest.len());
    let told = Frame::close(1013, "reads too slowly");
    assert!(rest.ends_with(&told.payload));
    assert_eq!(rest[rest.len() - told.payload.len() - 2], 0x88);
    // It reads again, so it may end in order.
    slow.close_in_order(&mut sim, 1013);
    let end = sim.only_end();
    assert_eq!((end.code, end.clean), (1013, true));
    talker.assert_echoes(&mut sim);
}

#[test]
fn a_slow_member_that_stays_slow_is_reset_at_the_close_deadline() {
    let (mut sim, mut talker, _fast, slow) = slow_member();
    let since = sim.net.now();
    sim.run_until(since + ms(2990));
    assert!(!slow.conn.is_closed());
    sim.run_until(since + ms(3003));
    assert!(slow.conn.is_closed() && slow.conn.is_aborted());
    assert_eq!(sim.only_end().code, 1006);
    talker.frames();
    talker.assert_echoes(&mut sim);
}

#[test]
fn direct_messages_beyond_the_limit_close_with_1013_as_well() {
    let mut sim = queued(10_000);
    let mut client = sim.open();
    client.conn.set_window(0);
    // All in one read and one cork, so nothing stops the handler in between but the limit.
    let requests = text("!bytes 30000").repeat(5);
    client.push(&requests);
    sim.settle();
    client.conn.set_window(usize::MAX);
    sim.settle();
    // Each was asked for only when the one before was written, so no limit was passed.
    assert_eq!(client.frames().len(), 5);
    client.push(&text("!many 30000"));
    client.conn.set_window(0);
    sim.settle();
    assert!(sim.probe().refused_sends > 0);
    client.conn.set_window(usize::MAX);
    sim.settle();
    let frames = client.frames();
    let (last, sent) = frames.split_last().expect("some were sent");
    assert_eq!(last, &Frame::close(1013, "reads too slowly"));
    assert_eq!(sent, [Frame::binary(&[b'x'; 30_000])]);
    client.close_in_order(&mut sim, 1013);
}

#[test]
fn a_close_behind_a_send_that_failed_fails_too_and_1013_says_why() {
    let mut sim = queued(100_000);
    let mut client = sim.open();
    client.conn.set_window(0);
    client.push(&text("!send-or-close 50000"));
    sim.settle();
    assert_eq!(sim.probe().refused_closes, 1, "it is given up already");
    client.conn.set_window(usize::MAX);
    sim.settle();
    let frames = client.frames();
    let (last, sent) = frames.split_last().expect("some were sent");
    assert_eq!(last, &Frame::close(1013, "reads too slowly"));
    // Up to the limit, and one more.
    assert!(sent == vec![Frame::binary(&[b'x'; 50_000]); 2]);
    client.close_in_order(&mut sim, 1013);
}

#[test]
fn a_close_has_its_place_behind_a_queue_that_is_full() {
    let mut sim = queued(10_000);
    let mut client = sim.open();
    client.conn.set_window(0);
    client.push(&text("!last-bytes 500000"));
    sim.settle();
    client.conn.set_window(usize::MAX);
    sim.settle();
    let expected = [Frame::binary(&[b'x'; 500_000]), Frame::close(1000, "bye")];
    assert!(client.frames() == expected);
    let probe = sim.probe();
    assert_eq!((probe.refused_sends, probe.refused_closes), (0, 0));
    client.close_in_order(&mut sim, 1000);
}

#[test]
fn what_waits_goes_out_before_the_close_frame_and_the_end() {
    let mut sim = Sim::new();
    let mut client = sim.open();
    client.conn.set_window(100);
    client.push(&[binary(&[5; 200_000]), text("!close bye")].concat());
    sim.settle();
    for _ in 0..100 {
        assert!(!client.conn.is_finished());
        client.bytes.append(&mut client.conn.take_sent());
        client.conn.set_window(2500);
        sim.settle();
    }
    let expected = [Frame::binary(&[5; 200_000]), Frame::close(1000, "bye")];
    assert!(client.frames() == expected);
    client.push(&close(1000));
    sim.settle();
    assert!(client.conn.is_finished());
}

/// The peer has ended its side, but reads: it gets the answers, the Close frame, and the end.
#[test]
fn a_peer_that_has_ended_gets_what_waits_for_it() {
    for end in [close(1000), ping(&[0; 126])] {
        let mut sim = Sim::new();
        let mut client = sim.open();
        client.conn.set_window(100);
        client.push(&[binary(&[5; 10_000]), ping(b"p"), end].concat());
        client.conn.end();
        sim.settle();
        assert!(!client.conn.is_closed(), "something waits");
        client.bytes.append(&mut client.conn.take_sent());
        client.conn.set_window(usize::MAX);
        sim.settle();
        let frames = client.frames();
        assert_eq!(frames.len(), 3);
        assert_eq!(frames[0], Frame::binary(&[5; 10_000]));
        assert_eq!(frames[1].opcode, PONG);
        assert!(frames[2].close_code().is_some());
        assert!(client.conn.is_finished() && client.conn.is_closed());
        assert_eq!(sim.probe().ends.len(), 1);
    }
}

#[test]
fn a_peer_that_has_ended_and_does_not_read_has_the_close_deadline() {
    let mut sim = Sim::new();
    let client = sim.open();
    client.conn.set_window(0);
    client.push(&close(1000));
    client.conn.end();
    sim.settle();
    let before = sim.net.calls();
    sim.run_for(ms(2990));
    assert!(!client.conn.is_closed());
    assert_eq!(sim.net.calls().work(), before.work(), "nothing to try");
    sim.run_for(ms(20));
    assert!(client.conn.is_closed() && client.conn.is_aborted());
}
