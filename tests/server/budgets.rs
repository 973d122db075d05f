//! Budgets at their edges: a turn hears so much of a peer and no more, and what it leaves is heard in later turns although
//! nobody reports it.

use crate::frames::{Frame, binary, close, ping, text};
use crate::harness::{Sim, ms};

/// Bytes that a session is served with until others have their turn, and how often in a turn at most: for the report, and
/// for what that left.
const BUDGET: usize = 256 << 10;
const SHARES: usize = 2;
/// What one read brings.
const READ: usize = 64 << 10;

/// The smallest frames are the most calls for a byte.
#[test]
fn a_turn_hears_the_bytes_of_a_peer_and_not_more_however_small_its_frames() {
    for flood in [
        binary(b""),
        binary(b"x"),
        binary(&[7; 60]),
        ping(b""),
        ping(b"?"),
    ] {
        let mut sim = Sim::new();
        let mut loud = sim.open();
        let mut quiet = sim.open();
        let count = (2 << 20) / flood.len();
        loud.push(&flood.repeat(count));
        let (mut heard, mut turns) = (0, 0);
        while heard < count {
            quiet.push(&text("me too"));
            sim.turn();
            assert_eq!(quiet.frame(), Frame::text("me too"));
            let answers = loud.frames().len();
            let most = SHARES * (BUDGET + READ) / flood.len();
            assert!((1..=most).contains(&answers), "{answers} in a turn");
            (heard, turns) = (heard + answers, turns + 1);
        }
        assert!((6..=9).contains(&turns), "{turns} turns");
    }
}

/// As loopback does: whatever is read is there again before the next turn.
#[test]
fn a_peer_at_line_rate_is_received_from_within_its_budget_while_others_are_answered_at_once() {
    for message in [50, 1000, 60_000, 900_000] {
        let mut sim = Sim::new();
        let loud = sim.open();
        let mut others: Vec<_> = (0..10).map(|_| sim.open()).collect();
        let flood = binary(&vec![7; message]).repeat((8 << 20) / message);
        for turn in 0..50 {
            if loud.conn.unreceived() < flood.len() {
                loud.push(&flood);
            }
            let before = loud.conn.unreceived();
            for other in &others {
                other.push(&text("me too"));
            }
            sim.turn();
            for other in &mut others {
                assert_eq!(other.frame(), Frame::text("me too"), "{message}: {turn}");
            }
            let received = before - loud.conn.unreceived();
            // The last read of a share may bring more than is left of it; what is to be one message is read whole.
            let most = SHARES * (BUDGET + READ.max(message));
            assert!(received <= most, "{message}: {received} in turn {turn}");
            assert!(
                received >= BUDGET / 2,
                "{message}: {received} in turn {turn}"
            );
            loud.conn.take_sent();
        }
    }
}

#[test]
fn many_at_line_rate_have_equal_shares_and_nobody_waits() {
    let mut sim = Sim::new();
    let loud: Vec<_> = (0..8).map(|_| sim.open()).collect();
    let mut quiet = sim.open();
    let flood = binary(&[7; 500]).repeat(40_000);
    loud.iter().for_each(|client| client.push(&flood));
    for _ in 0..20 {
        quiet.push(&text("me too"));
        sim.turn();
        assert_eq!(quiet.frame(), Frame::text("me too"));
        let left: Vec<_> = loud.iter().map(|client| client.conn.unreceived()).collect();
        let (least, most) = (left.iter().min(), left.iter().max());
        let apart = most.zip(least).map(|(most, least)| most - least);
        assert!(apart <= Some(BUDGET + READ), "{left:?}");
        loud.iter().for_each(|client| drop(client.conn.take_sent()));
    }
}

/// With edges, a count that is wrong by one at such a place is a connection that hangs.
#[test]
fn nothing_is_forgotten_where_the_budget_or_a_read_ends_with_the_bytes() {
    for edge in [
        READ,
        2 * READ,
        BUDGET,
        BUDGET + READ,
        2 * BUDGET,
        BUDGET - READ,
        4 * BUDGET,
    ] {
        for off in [0, 1, 2, 61, 62, 63] {
            for ends in [false, true] {
                let mut sim = Sim::new();
                let mut client = sim.open();
                // 56 bytes of payload and 6 of header, until the last one fills up to the edge.
                let bytes = edge - 31 + off;
                let mut flood = binary(&[7; 56]).repeat(bytes / 62 - 1);
                let rest = bytes - flood.len() - 6;
                let rest = binary(&vec![7; rest.min(125)]);
                flood.extend(rest);
                flood.extend(close(1000));
                client.push(&flood);
                if ends {
                    client.conn.end();
                }
                sim.settle();
                assert_eq!(client.conn.unreceived(), 0, "{edge} {off}");
                let frames = client.frames();
                assert_eq!(frames.len(), bytes / 62 + 1, "{edge} {off}");
                assert_eq!(frames.last().and_then(Frame::close_code), Some(1000));
                assert_eq!(client.conn.is_closed(), ends, "{edge} {off}");
            }
        }
    }
}

/// Who has its budget's end behind it waits in a list. Its place there is not for whoever gets its slot.
#[test]
fn whoever_goes_with_something_left_leaves_nothing_to_its_successor() {
    let mut sim = Sim::new();
    let loud = sim.open();
    loud.push(&binary(&[7; 50]).repeat(200_000));
    sim.turn();
    loud.conn.reset(rustix::io::Errno::CONNRESET);
    loud.conn.queue_send_fault(rustix::io::Errno::PIPE);
    sim.turn();
    let mut next = sim.connect();
    sim.run_for(ms(10));
    assert!(loud.conn.is_closed());
    let receives = next.conn.receives();
    sim.settle();
    assert_eq!(next.conn.receives(), receives);
    next.push(crate::frames::REQUEST);
    sim.settle();
    assert!(next.head().starts_with("HTTP/1.1 101 "));
    next.assert_echoes(&mut sim);
}
