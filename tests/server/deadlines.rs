//! Each deadline at its time: nothing one millisecond before its limit, all of it three milliseconds after.

use crate::frames::{
    CLOSE, CONTINUATION, FIN, Frame, PING, REQUEST, TEXT, binary, close, frame, ping, pong, text,
};
use crate::harness::{Client, Sim, ms, secs};
use sockeye::server::{Limits, Timeouts};
use std::time::Duration;

/// Runs to just before a deadline, where nothing has happened to this peer, and then to just after it.
#[track_caller]
fn pass(sim: &mut Sim, client: &mut Client, deadline: Duration) {
    sim.run_until(deadline - ms(1));
    client.assert_quiet();
    sim.run_until(deadline + ms(3));
}

/// An open connection at a time that is not a whole tick.
fn opened() -> (Sim, Client) {
    let mut sim = Sim::new();
    sim.run_until(Duration::from_micros(12_345_678));
    let client = sim.open();
    (sim, client)
}

/// Runs until the server's ping, which comes after 20 s of silence, and gives its payload.
fn pinged(sim: &mut Sim, client: &mut Client) -> Vec<u8> {
    let quiet_since = sim.net.now();
    pass(sim, client, quiet_since + secs(20));
    let ping = client.frame();
    assert_eq!(ping.opcode, PING);
    assert!(!ping.payload.is_empty());
    ping.payload
}

#[track_caller]
fn assert_timed_out(sim: &mut Sim, client: &mut Client) {
    assert_eq!(client.frame(), Frame::close(1001, "ping timeout"));
    assert!(!client.conn.is_closed(), "the peer may still answer");
    // Nobody does; our side waits 3 s for that.
    sim.run_for(secs(3));
    assert!(client.conn.is_closed());
    assert_eq!(sim.only_end().code, 1006);
}

// --- the opening handshake ---

#[test]
fn a_connection_that_says_nothing_is_refused_after_5_s() {
    let mut sim = Sim::new();
    sim.run_until(ms(3));
    let mut client = sim.connect();
    sim.settle();
    pass(&mut sim, &mut client, ms(5003));
    let answer = client.head();
    assert!(answer.starts_with("HTTP/1.1 408 "), "{answer}");
    assert!(answer.contains("\r\nConnection: close\r\n"), "{answer}");
    assert!(client.conn.is_finished());
    // It has 3 s to read that; then it is over, and no handler ever heard of it.
    sim.run_until(ms(8000));
    assert!(!client.conn.is_closed());
    sim.run_until(ms(8010));
    assert!(client.conn.is_closed() && !client.conn.is_aborted());
    assert_eq!((sim.server.connections(), sim.net.open_streams()), (0, 0));
    assert!(sim.probe().opened.is_empty() && sim.probe().ends.is_empty());
}

#[test]
fn a_request_that_drips_does_not_move_the_deadline() {
    let mut sim = Sim::new();
    let mut client = sim.connect();
    for (second, byte) in (0..5).zip(REQUEST) {
        sim.run_until(secs(second));
        client.push(&[*byte]);
        sim.settle();
    }
    pass(&mut sim, &mut client, secs(5));
    assert!(client.head().starts_with("HTTP/1.1 408 "));
}

#[test]
fn a_deadline_comes_on_a_loaded_machine_too_however_much_the_peer_sends() {
    // Every turn comes 5 ms late, and in every turn the peer has another byte for the server.
    let mut sim = Sim::new();
    sim.net.set_lag(ms(5));
    let mut client = sim.connect();
    client.push(b"GET /");
    while sim.net.now() < ms(5010) {
        assert!(!client.conn.is_finished());
        client.push(b"a");
        sim.turn();
    }
    assert!(client.head().starts_with("HTTP/1.1 408 "));
}

// --- pings ---

#[test]
fn the_right_pong_keeps_a_silent_peer() {
    let (mut sim, mut client) = opened();
    for _ in 0..5 {
        let nonce = pinged(&mut sim, &mut client);
        sim.run_for(secs(9));
        client.push(&pong(&nonce));
        sim.settle();
        client.assert_quiet();
    }
}

#[test]
fn nonces_differ() {
    let (mut sim, mut client) = opened();
    let first = pinged(&mut sim, &mut client);
    client.push(&pong(&first));
    sim.settle();
    assert_ne!(pinged(&mut sim, &mut client), first);
}

#[test]
fn without_a_pong_a_peer_is_gone_after_10_s() {
    let (mut sim, mut client) = opened();
    pinged(&mut sim, &mut client);
    // The ping went out within 2 ms of its deadline, so ten seconds from now are up to 3 ms more.
    let since = sim.net.now() - ms(3);
    pass(&mut sim, &mut client, since + secs(10));
    sim.run_for(ms(3));
    assert_timed_out(&mut sim, &mut client);
}

#[test]
fn a_storm_of_wrong_pongs_shows_no_life() {
    let (mut sim, mut client) = opened();
    let nonce = pinged(&mut sim, &mut client);
    let wrong = [nonce[0] ^ 1, nonce[1], nonce[2], nonce[3]];
    let until = sim.net.now() + secs(10);
    while sim.net.now() < until - ms(10) {
        for payload in [&wrong[..], &nonce[..3], &[], &[0; 125]] {
            client.push(&pong(payload));
        }
        sim.run_for(ms(9));
        client.assert_quiet();
    }
    sim.run_until(until + ms(3));
    assert_timed_out(&mut sim, &mut client);
}

#[test]
fn a_pong_that_nobody_asked_for_does_not_put_off_the_ping() {
    let (mut sim, mut client) = opened();
    let start = sim.net.now();
    sim.run_for(secs(15));
    client.push(&pong(b"unasked"));
    pass(&mut sim, &mut client, start + secs(20));
    assert_eq!(client.frame().opcode, PING);
}

#[test]
fn data_shows_life_before_and_after_the_ping() {
    let (mut sim, mut client) = opened();
    sim.run_for(secs(15));
    client.assert_echoes(&mut sim);
    pinged(&mut sim, &mut client);
    sim.run_for(secs(5));
    client.assert_echoes(&mut sim);
    // The pong is still owed, from the last sign of life on.
    let since = sim.net.now();
    pass(&mut sim, &mut client, since + secs(10));
    assert_timed_out(&mut sim, &mut client);
}

#[test]
fn a_peers_ping_shows_life() {
    let (mut sim, mut client) = opened();
    sim.run_for(secs(19));
    client.push(&ping(b"me"));
    sim.settle();
    assert_eq!(client.frame().payload, b"me");
    pinged(&mut sim, &mut client);
}

// --- assembly ---

/// Told so; and after whatever is left of the frame, the closing handshake still works.
#[track_caller]
fn assert_too_slow(sim: &mut Sim, client: &mut Client, rest: &[u8]) {
    let frames = client.frames();
    assert_eq!(frames.last().and_then(Frame::close_code), Some(1008));
    let others = frames.iter().rev().skip(1);
    assert!(others.into_iter().all(|frame| frame.opcode != CLOSE));
    client.push(rest);
    client.close_in_order(sim, 1008);
    let end = sim.only_end();
    assert_eq!((end.code, end.clean), (1008, true));
}

#[test]
fn a_frame_that_drips_has_30_s_from_its_first_byte() {
    let (mut sim, mut client) = opened();
    sim.run_for(secs(5));
    let start = sim.net.now();
    let bytes = binary(&[1; 1000]);
    for byte in &bytes[..23] {
        client.push(&[*byte]);
        sim.run_for(secs(1));
    }
    pass(&mut sim, &mut client, start + secs(30));
    assert_too_slow(&mut sim, &mut client, &bytes[23..]);
}

#[test]
fn pings_between_fragments_do_not_move_the_deadline() {
    let (mut sim, mut client) = opened();
    let start = sim.net.now();
    client.push(&frame(TEXT, b"begun"));
    sim.settle();
    for _ in 0..29 {
        sim.run_for(secs(1));
        client.push(&ping(b"x"));
        client.push(&frame(CONTINUATION, b"more"));
        sim.settle();
        assert_eq!(client.frame().payload, b"x");
    }
    pass(&mut sim, &mut client, start + secs(30));
    assert_too_slow(&mut sim, &mut client, &[]);
}

#[test]
fn an_unfinished_ping_has_a_deadline_too() {
    let (mut sim, mut client) = opened();
    let start = sim.net.now();
    let bytes = ping(b"not all of it");
    client.push(&bytes[..9]);
    sim.settle();
    pass(&mut sim, &mut client, start + secs(30));
    assert_too_slow(&mut sim, &mut client, &bytes[9..]);
}

#[test]
fn each_message_has_its_own_time() {
    let (mut sim, mut client) = opened();
    // The read that ends one message brings the beginning of the next, four times in 80 s.
    let bytes = text("0123456789");
    client.push(&bytes[..5]);
    for _ in 0..4 {
        sim.run_for(secs(20));
        client.push(&bytes[5..]);
        client.push(&bytes[..5]);
        sim.settle();
        assert_eq!(client.frame(), Frame::text("0123456789"));
    }
    let since = sim.net.now();
    pass(&mut sim, &mut client, since + secs(30));
    assert_too_slow(&mut sim, &mut client, &bytes[5..]);
}

#[test]
fn time_in_which_output_waits_is_not_the_messages() {
    let (mut sim, mut client) = opened();
    let start = sim.net.now();
    client.push(&frame(TEXT, b"begun"));
    sim.settle();
    for _ in 0..4 {
        sim.run_for(secs(5));
        // The pong has to wait for a moment, with more behind the ping.
        client.conn.set_window(0);
        client.push(&ping(b"x"));
        sim.settle();
        client.push(&ping(b"y"));
        sim.run_for(secs(1));
        client.conn.set_window(usize::MAX);
        sim.settle();
        assert_eq!(client.frames().len(), 2);
    }
    // Four times a second in which the peer was not heard.
    pass(&mut sim, &mut client, start + secs(34));
    assert_too_slow(&mut sim, &mut client, &[]);
}

// --- idle ---

#[test]
fn idle_counts_messages_and_nothing_else() {
    let timeouts = Timeouts {
        idle: Some(secs(60)),
        ..Timeouts::default()
    };
    let mut sim = Sim::with(Limits::default(), timeouts);
    let mut client = sim.open();
    sim.run_for(secs(10));
    client.assert_echoes(&mut sim);
    let since = sim.net.now();
    while sim.net.now() < since + secs(59) {
        client.push(&ping(b"x"));
        sim.run_for(secs(1));
        assert_eq!(client.frame().payload, b"x");
    }
    pass(&mut sim, &mut client, since + secs(60));
    assert_eq!(client.frame(), Frame::close(1001, "idle"));
    client.close_in_order(&mut sim, 1001);
    let end = sim.only_end();
    assert_eq!((end.code, end.clean), (1001, true));
}

#[test]
fn without_the_option_nobody_is_idle() {
    let (mut sim, mut client) = opened();
    for _ in 0..100 {
        let nonce = pinged(&mut sim, &mut client);
        client.push(&pong(&nonce));
        sim.settle();
    }
    client.assert_quiet();
}

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
