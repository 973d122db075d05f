//! What waits for a link to be open: in which order it is sent, and what becomes of it when that fails.

use crate::frames::Frame;
use crate::harness::{Sim, Told, close, ms, text};
use crate::links::{accept_last, link, link_by, next_attempt, states, status};
use rustix::io::Errno;
use sockeye::client::{Delivery, Limits, LinkState, Reconnect, Settings, Timeouts};

/// What is said in `on_connect` goes first, then what waited, in order; what was too much is counted.
#[test]
fn what_waits_is_sent_in_order_behind_the_preamble() {
    let mut sim = Sim::new();
    let policy = Reconnect {
        queue_messages: 3,
        ..Reconnect::default()
    };
    sim.probe().preamble = vec!["login", "join"];
    sim.dial(&link_by(policy));
    for (text, dropped) in [("1", 0), ("2", 0), ("3", 0), ("4", 1), ("5", 1)] {
        assert_eq!(sim.client.send(7, text), Some(Delivery::Queued { dropped }));
    }
    let found = status(&mut sim);
    assert_eq!((found.queued, found.dropped), (3, 2));
    sim.settle();
    let mut server = accept_last(&mut sim);
    let texts = ["login", "join", "3", "4", "5"].map(Frame::text);
    assert_eq!(server.frames(), texts);
    assert_eq!(status(&mut sim).queued, 0);
    assert_eq!(sim.client.send(7, &b"now"[..]), Some(Delivery::Sent));
    assert_eq!(server.frame(), Frame::binary(b"now"));
    // While it closes, nothing can be sent: it waits for the next one.
    server.push(&text("!close"));
    sim.settle();
    assert_eq!(server.frame(), Frame::close(1000, "enough"));
    assert_eq!(
        sim.client.send(7, "later"),
        Some(Delivery::Queued { dropped: 0 })
    );
    server.push(&close(1000, ""));
    server.conn.end();
    sim.settle();
    next_attempt(&mut sim);
    sim.settle();
    let texts = ["login", "join", "later"].map(Frame::text);
    assert_eq!(accept_last(&mut sim).frames(), texts);
}

/// A connection that breaks while what waited is sent: what was not given to it waits on.
#[test]
fn what_could_not_be_sent_is_put_back() {
    // The preamble is the first to be sent, where there is one; then each that waits by itself.
    for (preamble, sends) in [
        (false, 0),
        (false, 1),
        (false, 2),
        (true, 0),
        (true, 1),
        (true, 2),
    ] {
        let mut sim = Sim::new();
        if preamble {
            sim.probe().preamble = vec!["hello"];
        }
        sim.dial(&link());
        for text in ["a", "b", "c", "d"] {
            sim.client.send(7, text).unwrap();
        }
        sim.settle();
        let mut server = sim.server();
        let request = server.request();
        sim.net.strike_sends_after(sends, Errno::PIPE);
        server.push(&crate::harness::answer(&request));
        sim.settle();
        assert!(server.conn.is_closed());
        sim.net.mend_sends();
        let lost = server.frames();
        let queued = status(&mut sim).queued;
        // The one that struck was given to the connection, and nobody knows what became of it.
        let given = 4 - queued;
        assert!(given <= sends + 1, "{preamble} {sends}: {given}");
        assert_eq!(lost.len(), sends);
        next_attempt(&mut sim);
        sim.settle();
        let heard = accept_last(&mut sim).frames();
        let all = ["hello", "a", "b", "c", "d"].map(Frame::text);
        let mut want = all[1 + given..].to_vec();
        if preamble {
            want.insert(0, all[0].clone());
        }
        assert_eq!(heard, want, "{preamble} {sends}");
    }
}

/// A server that answers and is gone at once, while much waits to be sent.
#[test]
fn a_server_that_is_gone_behind_its_answer_costs_nothing_but_its_connection() {
    for (end, preamble) in [
        (0, false),
        (0, true),
        (1, false),
        (1, true),
        (2, false),
        (2, true),
    ] {
        let mut sim = Sim::new();
        if preamble {
            sim.probe().preamble = vec!["hello"];
        }
        sim.dial(&link());
        sim.client.send(7, "waiting").unwrap();
        sim.settle();
        let mut server = sim.server();
        server.accept();
        match end {
            0 => server.conn.end(),
            1 => server.conn.reset(Errno::CONNRESET),
            _ => {
                server.push(&close(1001, ""));
                server.conn.reset(Errno::CONNRESET);
            }
        }
        sim.settle();
        assert!(server.conn.is_closed());
        let told = sim.take_told();
        let last = states(&told).pop().unwrap();
        assert!(
            matches!(last, LinkState::Waiting { attempt: 1, .. }),
            "{told:?}"
        );
        assert_eq!(
            told.iter()
                .filter(|told| matches!(told, Told::Close(..)))
                .count(),
            1,
            "{told:?}"
        );
        next_attempt(&mut sim);
        sim.settle();
        accept_last(&mut sim);
        assert_eq!(status(&mut sim).state, LinkState::Open);
    }
}

/// More may wait for a link than for a peer: it is sent as fast as the server reads, and none of it is lost.
#[test]
fn what_waits_is_sent_as_fast_as_the_server_reads() {
    let limits = Limits {
        max_queued: 1000,
        ..Limits::default()
    };
    let mut sim = Sim::with(Settings::new(limits, Timeouts::default()));
    sim.dial(&link());
    let texts: Vec<_> = (0..90).map(|n| format!("{n:0100}")).collect();
    for text in &texts {
        let waits = sim.client.send(7, text.as_str());
        assert_eq!(waits, Some(Delivery::Queued { dropped: 0 }));
    }
    sim.settle();
    let mut server = sim.server();
    let request = server.request();
    server.conn.set_window(250);
    server.push(&crate::harness::answer(&request));
    sim.settle();
    // What is said now comes behind it.
    assert_eq!(
        sim.client.send(7, "last"),
        Some(Delivery::Queued { dropped: 0 })
    );
    let mut heard = Vec::new();
    for _ in 0..100 {
        heard.extend(server.frames());
        server.conn.set_window(250);
        sim.run_for(ms(5));
    }
    assert_eq!(status(&mut sim).queued, 0);
    heard.extend(server.frames());
    let all = texts.iter().map(String::as_str).chain(["last"]);
    assert!(heard == all.map(Frame::text).collect::<Vec<_>>());
    assert_eq!(status(&mut sim).state, LinkState::Open);
    assert_eq!(sim.client.send(7, "now"), Some(Delivery::Sent));
}
