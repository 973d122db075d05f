//! What a loop holds for all its peers together, and who goes when that is too much.

use crate::deflating::{Member, OFFER, serving_within, takeover};
use crate::frames::{Frame, binary, text};
use crate::harness::{Client, Sim, ms};
use sockeye::server::{Limits, Timeouts, To};

const BUDGET: usize = 1 << 20;

fn with_budget() -> Sim {
    let limits = Limits {
        max_memory: BUDGET,
        max_queued: 4 * BUDGET,
        ..Limits::default()
    };
    Sim::with(limits, Timeouts::default())
}

/// The beginning of a message: so many bytes of a longer one.
fn begun(bytes: usize) -> Vec<u8> {
    let mut message = binary(&vec![7; 900_000]);
    message.truncate(bytes);
    message
}

fn alive(clients: &[Client]) -> usize {
    clients
        .iter()
        .filter(|client| !client.conn.is_finished() && !client.conn.is_closed())
        .count()
}

#[test]
fn whoever_holds_most_is_told_that_it_is_too_much_and_the_others_go_on() {
    let mut sim = with_budget();
    let mut small: Vec<_> = (0..10).map(|_| sim.open()).collect();
    for client in &small {
        client.push(&begun(10_000));
    }
    let mut large: Vec<_> = (0..4).map(|_| sim.open()).collect();
    for client in &large {
        client.push(&begun(400_000));
    }
    sim.settle();
    assert!(alive(&large) < 4, "nobody was ended");
    assert_eq!(alive(&small), 10);
    let ended = large.iter_mut().filter(|client| client.conn.is_finished());
    for client in ended {
        assert_eq!(
            client.frames(),
            [Frame::close(1009, "too much is being held")]
        );
    }
    assert_eq!(sim.probe().ends.len(), 4 - alive(&large));
    // They are whole soon, and answered.
    for client in &mut small {
        client.push(&binary(&vec![7; 900_000])[10_000..]);
        sim.settle();
        assert_eq!(client.frame(), Frame::binary(&vec![7; 900_000]));
    }
}

#[test]
fn fragments_count_too() {
    let mut sim = with_budget();
    let clients: Vec<_> = (0..20).map(|_| sim.open()).collect();
    for client in &clients {
        let mut fragment = binary(&vec![7; 100_000]);
        fragment[0] &= 0x7F;
        client.push(&fragment);
    }
    sim.settle();
    assert!((1..=10).contains(&alive(&clients)), "{}", alive(&clients));
}

#[test]
fn who_does_not_read_is_cut_off_and_not_waited_for() {
    let mut sim = with_budget();
    let clients: Vec<_> = (0..20).map(|_| sim.open()).collect();
    for client in &clients {
        client.conn.set_window(0);
        client.push(&text("!bytes 100000"));
    }
    sim.settle();
    let aborted = clients.iter().filter(|client| client.conn.is_aborted());
    let aborted = aborted.count();
    assert!((10..=13).contains(&aborted), "{aborted} of 20");
    assert_eq!(sim.probe().ends.len(), aborted);
}

#[test]
fn what_many_are_told_counts_once() {
    let mut sim = with_budget();
    let mut talker = sim.open();
    let clients: Vec<_> = (0..100).map(|_| sim.open()).collect();
    for client in &clients {
        client.conn.set_window(0);
    }
    for _ in 0..5 {
        talker.push(&text("!all-bytes 100000"));
        sim.settle();
    }
    assert_eq!(alive(&clients), 100);
    assert_eq!(talker.frames().len(), 5);
    // Twice that is too much, and with the last of those who have not read it, it is gone.
    for _ in 0..8 {
        talker.push(&text("!all-bytes 100000"));
        sim.settle();
    }
    assert_eq!(alive(&clients), 0);
    assert_eq!(talker.frames().len(), 8);
    talker.assert_echoes(&mut sim);
}

#[test]
fn what_is_given_back_is_free_again() {
    let mut sim = with_budget();
    for _ in 0..50 {
        let clients: Vec<_> = (0..9).map(|_| sim.open()).collect();
        for client in &clients {
            client.push(&begun(50_000));
            client.conn.set_window(0);
            client.push(&binary(&vec![7; 900_000])[50_000..]);
        }
        sim.run_for(ms(1));
        for client in &clients {
            client.conn.set_window(usize::MAX);
            sim.settle();
            client.conn.end();
        }
        sim.settle();
    }
    let mut clients: Vec<_> = (0..9).map(|_| sim.open()).collect();
    for client in &mut clients {
        client.push(&begun(50_000));
    }
    sim.settle();
    assert_eq!(alive(&clients), 9);
}

#[test]
fn what_is_sent_between_turns_counts() {
    let mut sim = with_budget();
    let clients: Vec<_> = (0..20).map(|_| sim.open()).collect();
    let ids = sim.probe().opened.clone();
    for (client, id) in clients.iter().zip(ids) {
        client.conn.set_window(0);
        let sent = sim
            .server
            .with_peer(id, |peer, ()| peer.send([b'x'; 100_000].as_slice()));
        assert_eq!(sent, Some(Ok(())));
    }
    sim.settle();
    assert!((1..=10).contains(&alive(&clients)), "{}", alive(&clients));
}

#[test]
fn what_small_messages_cost_beside_their_bytes_counts() {
    let mut sim = with_budget();
    let client = sim.open();
    client.conn.set_window(0);
    // 300 kB of frames, and 800 kB that say where each of them ends.
    for _ in 0..100_000 {
        sim.server.hub().publish(To::all(), "x");
    }
    sim.settle();
    assert!(client.conn.is_aborted());
}

#[test]
fn what_compression_remembers_counts() {
    let limits = Limits {
        max_memory: 4 * BUDGET,
        ..Limits::default()
    };
    let mut sim = serving_within(takeover(), limits, Timeouts::default());
    let members: Vec<_> = (0..20).map(|_| Member::open(&mut sim, OFFER)).collect();
    for member in &members {
        // Nothing of it waits: it is answered, and a compressor of 380 KB stays for the next answer.
        member.client.push(&binary(&[7; 1000]));
    }
    sim.settle();
    let alive = members
        .iter()
        .filter(|member| !member.client.conn.is_finished());
    let alive = alive.count();
    assert!((9..=11).contains(&alive), "{alive} of 20");
}

#[test]
fn a_buffer_counts_whole_until_the_last_of_it_has_gone() {
    let mut sim = with_budget();
    let clients: Vec<_> = (0..20).map(|_| sim.open()).collect();
    for client in &clients {
        // All but a little is taken, from the one buffer in which it waits.
        client.conn.set_window(0);
        client.push(&binary(&[7; 100_000]));
        sim.settle();
        client.conn.set_window(99_000);
        sim.settle();
    }
    assert!((5..=9).contains(&alive(&clients)), "{}", alive(&clients));
}
