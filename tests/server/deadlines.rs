//! Each deadline at its time: nothing one millisecond before its limit, all of it three milliseconds after.

use crate::frames::{
    CLOSE, CONTINUATION, Frame, PING, REQUEST, TEXT, binary, frame, ping, pong, text,
};
use crate::harness::{Client, Sim, ms, secs};
use sockeye::server::{Limits, Timeouts};
use std::time::Duration;

/// Runs to just before a deadline, where nothing has happened to this peer, and then to just after it.
#[track_caller]
pub fn pass(sim: &mut Sim, client: &mut Client, deadline: Duration) {
    sim.run_until(deadline - ms(1));
    client.assert_quiet();
    sim.run_until(deadline + ms(3));
}

/// An open connection at a time that is not a whole tick.
pub fn opened() -> (Sim, Client) {
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

/// Shows 6455-7.2.2-01.
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
fn a_pong_that_may_take_long_does_not_put_off_the_next_ping() {
    let timeouts = Timeouts {
        ping: secs(5),
        pong: secs(30),
        ..Timeouts::default()
    };
    let mut sim = Sim::with(Limits::default(), timeouts);
    let mut client = sim.open();
    for _ in 0..3 {
        let quiet_since = sim.net.now();
        pass(&mut sim, &mut client, quiet_since + secs(5));
        let ping = client.frame();
        client.push(&pong(&ping.payload));
        sim.settle();
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
pub fn assert_too_slow(sim: &mut Sim, client: &mut Client, rest: &[u8]) {
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

#[test]
fn a_message_behind_output_that_waits_has_its_time_from_then_on() {
    let (mut sim, mut client) = opened();
    client.conn.set_window(0);
    // The second message begins in the read whose answer has to wait.
    let second = binary(&[2; 50_000]);
    client.push(&[&binary(&[1; 40_000]), &second[..30_000]].concat());
    sim.settle();
    for _ in 0..35 {
        client.bytes.append(&mut client.conn.take_sent());
        client.conn.set_window(1000);
        sim.run_for(secs(1));
    }
    client.bytes.append(&mut client.conn.take_sent());
    client.conn.set_window(usize::MAX);
    sim.settle();
    assert!(client.frame() == Frame::binary(&[1; 40_000]));
    let since = sim.net.now();
    pass(&mut sim, &mut client, since + secs(30));
    assert_too_slow(&mut sim, &mut client, &second[30_000..]);
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

/// So many bytes of answers wait from now on.
pub fn block(sim: &mut Sim, client: &mut Client) {
    client.conn.set_window(0);
    client.push(&binary(&[1; 1000]));
    sim.settle();
    client.assert_quiet();
}

/// They are read, and nothing else comes.
#[track_caller]
pub fn unblock(sim: &mut Sim, client: &mut Client) {
    client.conn.set_window(usize::MAX);
    sim.settle();
    assert_eq!(client.frame(), Frame::binary(&[1; 1000]));
}

#[test]
fn time_in_which_output_waits_is_not_idle() {
    let timeouts = Timeouts {
        idle: Some(secs(10)),
        write_stall: secs(100),
        ..Timeouts::default()
    };
    let mut sim = Sim::with(Limits::default(), timeouts);
    let mut client = sim.open();
    sim.run_for(secs(8));
    block(&mut sim, &mut client);
    sim.run_for(secs(60));
    unblock(&mut sim, &mut client);
    let since = sim.net.now();
    pass(&mut sim, &mut client, since + secs(10));
    assert_eq!(client.frame(), Frame::close(1001, "idle"));
}

#[test]
fn time_in_which_output_waits_is_not_the_pongs() {
    let timeouts = Timeouts {
        write_stall: secs(100),
        ..Timeouts::default()
    };
    for answers in [true, false] {
        let mut sim = Sim::with(Limits::default(), timeouts);
        let mut client = sim.open();
        let nonce = pinged(&mut sim, &mut client);
        sim.run_for(secs(8));
        block(&mut sim, &mut client);
        sim.run_for(secs(30));
        if answers {
            // As good as at once: nobody could hear it before.
            client.push(&pong(&nonce));
        }
        sim.run_for(secs(30));
        unblock(&mut sim, &mut client);
        let since = sim.net.now();
        if answers {
            pass(&mut sim, &mut client, since + secs(20));
            assert_eq!(client.frame().opcode, PING);
        } else {
            pass(&mut sim, &mut client, since + secs(10));
            assert_timed_out(&mut sim, &mut client);
        }
    }
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
