//! Budgets and edges: one peer with much to say does not keep the others waiting, and what was put off is not lost.

use crate::frames::{Frame, binary, close, payload_range, ping, text};
use crate::harness::{Client, Sim, ms};

/// So many small messages, as bytes.
fn many(count: usize) -> Vec<u8> {
    binary(&[7; 50]).repeat(count)
}

#[test]
fn megabytes_that_are_ready_are_answered_after_one_report() {
    let mut sim = Sim::new();
    let client = sim.open();
    let count = 60_000;
    // One push is one edge; nothing is reported after it.
    client.push(&many(count));
    let polls = sim.net.calls().polls;
    sim.settle();
    assert_eq!(client.conn.unreceived(), 0);
    assert_eq!(client.conn.take_sent().len(), count * 52);
    assert!(sim.net.calls().polls - polls > 5, "not all in one turn");
}

#[test]
fn others_are_served_between() {
    let mut sim = Sim::new();
    let loud = sim.open();
    let mut quiet = sim.open();
    loud.push(&many(200_000));
    sim.turn();
    let turns = 20;
    for _ in 0..turns {
        quiet.push(&text("me too"));
        sim.turn();
        assert_eq!(quiet.frame(), Frame::text("me too"));
        assert!(loud.conn.unreceived() > 0, "the loud one is not done yet");
    }
}

#[test]
fn deadlines_are_kept_between() {
    let mut sim = Sim::new();
    sim.net.set_lag(ms(100));
    let mut silent = sim.connect();
    let loud = sim.open();
    loud.push(&many(300_000));
    while silent.head().is_empty() {
        assert!(loud.conn.unreceived() > 0, "the silent one was forgotten");
        sim.turn();
    }
}

#[test]
fn two_loud_peers_share() {
    let mut sim = Sim::new();
    let loud = [sim.open(), sim.open()];
    loud.iter().for_each(|client| client.push(&many(60_000)));
    for _ in 0..6 {
        sim.turn();
    }
    let [first, second] = loud.each_ref().map(|client| client.conn.unreceived());
    assert!(first > 0 && first == second);
    sim.settle();
    assert!(loud.iter().all(|client| client.conn.unreceived() == 0));
}

/// What an ended connection still sends is discarded, which is no reason to serve nobody else.
#[test]
fn a_peer_that_floods_after_its_end_does_not_keep_the_others_waiting() {
    for end in [close(1000), ping(&[0; 126])] {
        let mut sim = Sim::new();
        let loud = sim.open();
        let mut quiet = sim.open();
        // The end stands behind an answer that has to wait, and the flood behind the end.
        loud.conn.set_window(1000);
        loud.push(&[binary(&[1; 20_000]), end, vec![0; 8 << 20]].concat());
        sim.turn();
        sim.turn();
        loud.conn.set_window(20_000);
        assert_in_turns(&mut sim, &loud, &mut quiet);
    }
}

/// Its answer to the Close frame waits for ever, so nothing but the budget stops the reading.
#[test]
fn a_flood_behind_a_close_frame_whose_answer_cannot_leave_keeps_the_budget() {
    for behind in [0, 10] {
        let mut sim = Sim::new();
        let loud = sim.open();
        let mut quiet = sim.open();
        loud.conn.set_window(0);
        loud.push(&[close(1000), vec![0; behind]].concat());
        sim.settle();
        assert_eq!(loud.conn.unreceived(), 0);
        loud.push(&vec![0; 8 << 20]);
        assert_in_turns(&mut sim, &loud, &mut quiet);
    }
}

#[test]
fn a_blocked_session_goes_on_where_it_was() {
    let mut sim = Sim::new();
    let client = sim.open();
    let count = 20_000;
    client.conn.set_window(0);
    client.push(&many(count));
    sim.settle();
    // It is not read while it does not read …
    assert!(client.conn.unreceived() > 500_000);
    let receives = client.conn.receives();
    client.push(&many(1));
    sim.settle();
    assert_eq!(client.conn.receives(), receives);
    // … and then everything is answered, without any new report of something to read.
    client.conn.set_window(usize::MAX);
    sim.settle();
    assert_eq!(client.conn.take_sent().len(), (count + 1) * 52);
}

#[test]
fn a_blocked_session_is_not_heard_until_everything_is_written() {
    let mut sim = Sim::new();
    let mut client = sim.open();
    client.conn.set_window(0);
    // The first answer blocks; the two behind it lie in the server's buffer already.
    client.push(&[binary(&[1; 20_000]), text("second"), text("third")].concat());
    sim.settle();
    assert_eq!(sim.probe().messages.len(), 1);
    for _ in 0..10 {
        client.conn.set_window(1000);
        client.push(&text("another edge"));
        sim.settle();
        assert_eq!(sim.probe().messages.len(), 1);
    }
    client.conn.set_window(usize::MAX);
    sim.settle();
    assert_eq!(sim.probe().messages.len(), 13);
    assert_eq!(client.frames().len(), 13);
}

#[test]
fn one_read_and_one_send_carry_many_small_messages() {
    let mut sim = Sim::new();
    let client = sim.open();
    let (sends, receives) = (client.conn.sends(), client.conn.receives());
    client.push(&many(16));
    sim.settle();
    assert_eq!(client.conn.sends() - sends, 1);
    assert_eq!(client.conn.receives() - receives, 1);
    let sent = client.conn.take_sent();
    assert_eq!(payload_range(&sent), Some(2..52));
    assert_eq!(sent.len(), 16 * 52);
}

#[test]
fn an_idle_server_sleeps() {
    let mut sim = Sim::new();
    let _clients: Vec<_> = (0..100).map(|_| sim.open()).collect();
    let before = sim.net.calls();
    // The first pings are due after 20 s.
    sim.run_for(ms(19_000));
    let after = sim.net.calls();
    assert_eq!(after.work(), before.work());
    assert!(
        after.polls - before.polls < 500,
        "{} polls",
        after.polls - before.polls
    );
}

/// A flood is received within its budgets, and another peer is heard in every turn meanwhile.
#[track_caller]
fn assert_in_turns(sim: &mut Sim, loud: &Client, quiet: &mut Client) {
    let mut turns = 0;
    while loud.conn.unreceived() > 0 {
        let receives = loud.conn.receives();
        quiet.push(&text("me too"));
        sim.turn();
        assert_eq!(quiet.frame(), Frame::text("me too"));
        // A budget for the report and one for what it left.
        let receives = loud.conn.receives() - receives;
        assert!(receives <= 10, "{receives} receives in one turn");
        turns += 1;
        assert!(turns < 100, "forgotten");
    }
}
