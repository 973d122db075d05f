//! Members that do not read: what is dropped for them, and what a publisher is told of it.

use crate::frames::Frame;
use crate::harness::{Client, Probe, Sim};
use sockeye::proto::CloseCode;
use sockeye::server::{
    ConnectionId, Limits, Receipt, RoomSettings, Settings, SlowPolicy, Timeouts, To,
};

/// A room that all are in.
fn room(policy: SlowPolicy, max_queued: usize, members: usize) -> (Sim, Vec<Client>) {
    let mut rooms = RoomSettings::default().policy(move |_| policy);
    rooms.max_queued = max_queued;
    let settings = Settings::new(Limits::default(), Timeouts::default()).rooms(rooms);
    let mut sim = Sim::of(Probe::default(), settings);
    let clients = (0..members).map(|_| sim.open()).collect();
    for id in ids(&mut sim) {
        assert_eq!(sim.server.hub().join(id, "room"), Ok(true));
    }
    (sim, clients)
}

fn ids(sim: &mut Sim) -> Vec<ConnectionId> {
    sim.probe().opened.clone()
}

#[test]
fn each_member_is_counted_once() {
    let (mut sim, clients) = room(SlowPolicy::DropNewest, 1000, 3);
    let slow = ids(&mut sim)[0];
    clients[0].conn.set_window(0);
    for _ in 0..3 {
        sim.server.hub().publish("room", [b'x'; 900].as_slice());
        sim.settle();
    }
    let receipt = |queued, dropped, closed| Receipt {
        queued,
        dropped,
        closed,
    };
    let mut hub = sim.server.hub();
    assert_eq!(hub.publish("room", "a"), receipt(2, 1, 0));
    let spared = To::room("room").except(slow);
    assert_eq!(hub.publish(spared.clone(), "b"), receipt(2, 0, 0));
    assert_eq!(hub.close(slow, CloseCode::NORMAL, ""), Ok(()));
    assert_eq!(hub.publish("room", "c"), receipt(2, 0, 1));
    assert_eq!(hub.publish(spared, "d"), receipt(2, 0, 0));
}

#[test]
fn what_is_dropped_is_older_than_what_is_kept() {
    let (mut sim, mut clients) = room(SlowPolicy::DropOldest, 1200, 1);
    // The second is begun, and cannot be dropped.
    clients[0].conn.set_window(150);
    for message in 0..10 {
        sim.server.hub().publish("room", [message; 100].as_slice());
    }
    sim.settle();
    clients[0].conn.set_window(0);
    sim.server.hub().publish("room", [10; 100].as_slice());
    sim.settle();
    let dropped = sim.server.hub().stats("room").expect("it is").dropped;
    assert_eq!(dropped, 4);
    clients[0].conn.set_window(usize::MAX);
    sim.settle();
    let expected = [0, 1, 6, 7, 8, 9, 10].map(|message| Frame::binary(&[message; 100]));
    assert_eq!(clients[0].frames(), expected);
}

#[test]
fn a_key_that_cannot_be_found_harms_nobody() {
    let (mut sim, mut clients) = room(SlowPolicy::Conflate(|payload| &payload[..8]), 10_000, 2);
    clients[0].conn.set_window(0);
    for _ in 0..5 {
        sim.server.hub().publish("room", "short");
        sim.settle();
    }
    clients[0].conn.set_window(usize::MAX);
    sim.settle();
    for client in &mut clients {
        assert_eq!(client.frames(), [(); 5].map(|()| Frame::text("short")));
    }
}
