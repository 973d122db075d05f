//! What waited for a peer has gone: its handler is told so once, wherever it was noticed, and not for one that closes.

use crate::frames::{Frame, binary, close, text};
use crate::harness::{Client, Sim, ms, secs};
use crate::sim::SimKernel;
use sockeye::proto::CloseCode;
use sockeye::server::{ConnectionId, Handler, Message, Peer, Settings};

/// Echoes, sends as many bytes as a text asks for, and does on draining what it was set to.
#[derive(Default)]
struct Filler {
    drains: Vec<ConnectionId>,
    /// What is sent on draining, the last one first.
    refills: Vec<Vec<u8>>,
    close_on_drain: bool,
    panic_on_drain: bool,
    broadcast_on_drain: bool,
}

impl Handler<SimKernel> for Filler {
    type State = ();

    fn on_message(&mut self, peer: &mut Peer<'_, SimKernel>, (): &mut (), message: Message<'_>) {
        let sent = match message {
            Message::Text(text) => match text.strip_prefix("!close-behind ") {
                Some(count) => {
                    let bytes = vec![b'x'; count.parse().expect("a count")];
                    let sent = peer.send(bytes.as_slice());
                    sent.and_then(|()| peer.close(CloseCode::NORMAL, ""))
                }
                None => peer.send(message),
            },
            Message::Binary(_) => peer.send(message),
        };
        sent.expect("an open connection");
    }

    fn on_drain(&mut self, peer: &mut Peer<'_, SimKernel>, (): &mut ()) {
        assert_eq!(peer.queued_bytes(), 0);
        self.drains.push(peer.id());
        if let Some(bytes) = self.refills.pop() {
            peer.send(bytes.as_slice()).expect("an open connection");
        }
        if self.broadcast_on_drain {
            peer.broadcast("room again");
        }
        if self.close_on_drain {
            peer.close(CloseCode::NORMAL, "done")
                .expect("open until now");
        }
        assert!(!self.panic_on_drain, "asked to");
    }
}

fn sim(filler: Filler) -> Sim<Filler> {
    Sim::of(filler, Settings::default().deflate(None))
}

/// A peer for which `bytes` of an echo wait.
fn blocked(sim: &mut Sim<Filler>, bytes: usize) -> Client {
    let client = sim.open();
    client.conn.set_window(0);
    client.push(&binary(&vec![7; bytes]));
    sim.settle();
    assert_eq!(drains(sim), 0);
    client
}

fn drains(sim: &mut Sim<Filler>) -> usize {
    sim.server.handler().drains.len()
}

#[test]
fn whoever_never_waited_is_not_told() {
    let mut sim = sim(Filler::default());
    let mut client = sim.open();
    client.assert_echoes(&mut sim);
    sim.run_for(secs(60));
    assert_eq!(drains(&mut sim), 0);
}

#[test]
fn it_is_told_once_and_only_when_all_has_gone() {
    let mut sim = sim(Filler::default());
    let client = blocked(&mut sim, 1000);
    for _ in 0..10 {
        client.conn.set_window(100);
        sim.settle();
        assert_eq!(drains(&mut sim), 0);
    }
    client.conn.set_window(usize::MAX);
    sim.settle();
    sim.run_for(secs(15));
    assert_eq!(drains(&mut sim), 1);
}

/// The kernel tells of room only where there is much; a deadline finds it sooner.
#[test]
fn it_is_told_when_a_deadline_notices() {
    let mut sim = sim(Filler::default());
    let client = blocked(&mut sim, 1000);
    client.conn.tell_room_from(1 << 20);
    client.conn.set_window(2000);
    sim.settle();
    assert_eq!(drains(&mut sim), 0);
    sim.run_for(secs(11));
    assert_eq!(drains(&mut sim), 1);
    assert!(!client.conn.is_closed());
}

/// What it has said meanwhile is heard first, and may block it again.
#[test]
fn what_was_said_meanwhile_is_answered_before() {
    let mut sim = sim(Filler {
        refills: vec![b"drained".to_vec()],
        ..Filler::default()
    });
    let mut client = blocked(&mut sim, 1000);
    client.push(&[text("a"), binary(&[8; 1000])].concat());
    client.conn.set_window(1100);
    sim.settle();
    assert_eq!(drains(&mut sim), 0, "it waits again");
    client.conn.set_window(usize::MAX);
    sim.settle();
    let expected = [
        Frame::binary(&[7; 1000]),
        Frame::text("a"),
        Frame::binary(&[8; 1000]),
        Frame::binary(b"drained"),
    ];
    assert!(client.frames() == expected);
    assert_eq!(drains(&mut sim), 1);
}

#[test]
fn one_that_fills_up_again_is_told_again_when_that_has_gone() {
    let refills = vec![vec![3; 3000], vec![2; 2000], vec![1; 1000]];
    let mut sim = sim(Filler {
        refills,
        ..Filler::default()
    });
    let mut client = blocked(&mut sim, 500);
    for (told, window) in [504, 1004, 2004].into_iter().enumerate() {
        assert_eq!(drains(&mut sim), told);
        client.conn.set_window(window);
        sim.settle();
    }
    assert_eq!(drains(&mut sim), 3);
    client.conn.set_window(usize::MAX);
    sim.settle();
    assert_eq!(drains(&mut sim), 4);
    let lens: Vec<_> = client
        .frames()
        .iter()
        .map(|frame| frame.payload.len())
        .collect();
    assert_eq!(lens, [500, 1000, 2000, 3000]);
}

/// Each window takes all that waits, so that each turn ends with a call that fills it again. What the peer says is heard
/// nevertheless.
#[test]
fn one_that_is_always_filled_again_is_still_heard() {
    let mut sim = sim(Filler {
        refills: vec![vec![1; 1000]; 50],
        ..Filler::default()
    });
    let mut client = blocked(&mut sim, 1000);
    client.push(&text("are you there?"));
    for _ in 0..4 {
        client.conn.set_window(1004);
        sim.settle();
    }
    assert!(client.frames().contains(&Frame::text("are you there?")));
}

#[test]
fn one_that_closes_is_not_told() {
    // Closed by us behind what waits; by the peer, in what is read when there is room.
    for (message, ours) in [
        (text("!close-behind 1000"), true),
        (binary(&[7; 1000]), false),
    ] {
        let mut sim = sim(Filler::default());
        let mut client = sim.open();
        client.conn.set_window(0);
        client.push(&message);
        if !ours {
            client.push(&close(1000));
        }
        sim.settle();
        client.conn.set_window(usize::MAX);
        sim.settle();
        assert_eq!(
            client.frames().last().and_then(Frame::close_code),
            Some(1000)
        );
        assert_eq!(drains(&mut sim), 0, "{ours}");
    }
}

#[test]
fn one_that_is_lost_is_not_told() {
    let mut sim = sim(Filler::default());
    let client = blocked(&mut sim, 1000);
    client.conn.queue_send_fault(rustix::io::Errno::PIPE);
    client.conn.set_window(usize::MAX);
    sim.settle();
    assert!(client.conn.is_closed());
    assert_eq!(drains(&mut sim), 0);
}

#[test]
fn it_may_close() {
    let mut sim = sim(Filler {
        close_on_drain: true,
        ..Filler::default()
    });
    let mut client = blocked(&mut sim, 10);
    client.conn.set_window(usize::MAX);
    sim.settle();
    assert_eq!(client.frames()[1], Frame::close(1000, "done"));
    client.close_in_order(&mut sim, 1000);
    assert_eq!(drains(&mut sim), 1);
}

#[test]
fn it_may_speak_to_all() {
    let mut sim = sim(Filler {
        broadcast_on_drain: true,
        ..Filler::default()
    });
    let mut other = sim.open();
    for late in [false, true] {
        let client = sim.open();
        client.conn.set_window(0);
        client.push(&binary(&[7; 10]));
        sim.settle();
        if late {
            client.conn.tell_room_from(1 << 20);
        }
        client.conn.set_window(1000);
        sim.run_for(secs(11));
        let told = Frame::text("room again");
        assert_eq!(
            other
                .frames()
                .iter()
                .filter(|frame| **frame == told)
                .count(),
            1
        );
    }
}

#[test]
fn a_panic_in_it_costs_its_connection_alone() {
    let mut sim = sim(Filler {
        panic_on_drain: true,
        ..Filler::default()
    });
    let mut other = sim.open();
    let mut client = blocked(&mut sim, 10);
    client.conn.set_window(usize::MAX);
    sim.settle();
    assert_eq!(client.frames()[1], Frame::close(1011, ""));
    client.close_in_order(&mut sim, 1011);
    other.assert_echoes(&mut sim);
    sim.run_for(ms(10));
    assert_eq!(drains(&mut sim), 1);
}
