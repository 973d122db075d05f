//! Connections that come and go in crowds.

use crate::counting;
use crate::frames::{Frame, REQUEST, text};
use crate::harness::{LOBBY, Sim, secs, take_all};
use crate::sim::Conn;
use rustix::io::Errno;
use sockeye::server::RoomSettings;

/// So many break off in one turn, while something is said to them; others come at once in their place. Says what that cost
/// in allocations and calls.
fn exchange(members: usize) -> (usize, usize) {
    let mut sim = Sim::new();
    let talker = sim.open();
    let crowd = sim.open_many(members);
    crowd.iter().for_each(Conn::only_count);
    let (calls, work) = (counting::calls(), sim.net.calls().work());
    talker.push(&text("=before"));
    crowd.iter().for_each(|conn| conn.reset(Errno::CONNRESET));
    let next: Vec<_> = (0..members).map(|_| sim.net.connect()).collect();
    next.iter().for_each(|conn| conn.push(REQUEST));
    sim.settle();
    let cost = (counting::calls() - calls, sim.net.calls().work() - work);
    assert_eq!(sim.server.handler().ends.len(), members);
    assert!(crowd.iter().all(Conn::is_closed));
    assert_eq!(sim.server.hub().count(LOBBY), members + 1);
    assert_eq!(sim.server.connections(), members + 1);
    // Those who came have missed what was said before, and nothing else.
    assert!(
        next.iter()
            .all(|conn| conn.take_sent().ends_with(b"\r\n\r\n"))
    );
    sim.receive(&talker, &text("=after"));
    assert!(
        next.iter()
            .all(|conn| take_all(conn) == [Frame::text("after")])
    );
    assert_eq!(take_all(&talker).len(), 2);
    cost
}

/// B09: the work is as much for each of ten thousand as for each of a thousand.
#[test]
fn ten_thousand_who_break_off_in_one_turn_and_come_back_cost_ten_times_a_thousand() {
    let (calls, work) = exchange(1000);
    let (many_calls, many_work) = exchange(10_000);
    assert!(many_calls <= 11 * calls, "{many_calls} for {calls}");
    assert!(many_work <= 11 * work, "{many_work} for {work}");
    assert!(work <= 1000 * 10, "{work} calls for a thousand");
}

/// B09, R20: the same while each of them was told something that had to wait.
#[test]
fn a_crowd_that_breaks_off_with_something_waiting_leaves_nothing() {
    let before = counting::held();
    let mut sim = Sim::new();
    let talker = sim.open();
    for wave in 0..3 {
        let crowd = sim.open_many(1000);
        crowd.iter().for_each(|conn| conn.set_window(3));
        sim.receive(&talker, &text("=wait"));
        crowd.iter().for_each(|conn| conn.reset(Errno::PIPE));
        sim.settle();
        assert_eq!(sim.server.connections(), 1);
        assert_eq!(sim.server.handler().ends.len(), 1000 * (wave + 1));
        assert_eq!(sim.lobby().members, 1);
    }
    drop((talker, sim));
    assert_eq!(counting::held(), before);
}

/// N06: the server is dropped in the middle of everything: with members who read and who do not, with something said and
/// not told, with rooms that linger, and with somebody who is about to be closed.
#[test]
fn a_server_that_is_dropped_lets_go_of_everything() {
    let before = counting::held();
    let rooms = RoomSettings {
        linger: secs(60),
        ..RoomSettings::default()
    };
    let mut sim = Sim::of(rooms);
    let conns = sim.open_many(100);
    for conn in &conns[..50] {
        conn.set_window(10);
    }
    sim.receive(&conns[99], &text("=waits for half of them"));
    sim.receive(&conns[98], &text("~a room that lingers"));
    conns[97].push(&text("x goodbye")[..4]);
    conns[96].push(&text("x goodbye"));
    let greeted = sim.net.connect();
    greeted.push(&REQUEST[..20]);
    sim.turn();
    let ids = sim.ids();
    let mut hub = sim.server.hub();
    hub.publish(LOBBY, "never told");
    for id in ids {
        let _ = hub.send(id, "nor this");
    }
    let held = sim.net.open_streams();
    assert!(held > 50, "{held}");
    let net = sim.net.clone();
    drop(sim);
    assert_eq!(net.open_streams(), 0);
    drop((net, greeted, conns));
    assert_eq!(counting::held(), before);
}
