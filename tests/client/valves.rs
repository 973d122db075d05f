//! A client's connections, held and drained: as a server's, but that a client hears its server while it is blocked.

use crate::frames::{Frame, PONG};
use crate::harness::{Server, Sim, Told, close, frame, ms, secs, text, to};
use sockeye::client::{Connector, Delivery, Reconnect};
use sockeye::proto::CloseCode;

fn open(connector: &Connector) -> (Sim, Server) {
    let mut sim = Sim::new();
    sim.dial(connector);
    sim.settle();
    let mut server = sim.server();
    server.accept();
    sim.settle();
    sim.take_told();
    (sim, server)
}

fn plain() -> (Sim, Server) {
    open(&to("ws://10.0.0.1/"))
}

/// Says so many bytes, which wait.
fn block(sim: &mut Sim, server: &Server, bytes: usize) {
    server.conn.set_window(0);
    let (_, id) = sim.probe().opened[0];
    let message = vec![7; bytes];
    let sent = sim
        .client
        .with_peer(id, |peer, _| peer.send(message.as_slice()));
    sent.expect("a connection").expect("an open one");
    sim.settle();
}

fn pause(sim: &mut Sim, pause: bool) {
    let (_, id) = sim.probe().opened[0];
    let done = sim.client.with_peer(id, |peer, _| match pause {
        true => peer.pause(),
        false => peer.resume(),
    });
    done.expect("a connection");
    sim.settle();
}

#[test]
fn a_client_is_told_when_all_that_waited_has_gone() {
    let (mut sim, mut server) = plain();
    block(&mut sim, &server, 1000);
    server.conn.set_window(500);
    sim.settle();
    assert_eq!(sim.probe().drains, [0; 0]);
    server.conn.set_window(usize::MAX);
    sim.settle();
    assert_eq!(sim.probe().drains, [7]);
    assert_eq!(server.frame(), Frame::binary(&[7; 1000]));
}

#[test]
fn what_waits_in_a_link_goes_before_it_is_told() {
    let (mut sim, mut server) = open(&to("ws://10.0.0.1/").reconnect(Reconnect::default()));
    block(&mut sim, &server, 10);
    let queued = sim.client.send(7, vec![8; 100].as_slice());
    assert!(matches!(
        queued,
        Some(Delivery::Sent | Delivery::Queued { dropped: 0 })
    ));
    sim.client.send(7, "last");
    server.conn.set_window(20);
    sim.settle();
    assert_eq!(sim.probe().drains, [0; 0], "there is more");
    server.conn.set_window(usize::MAX);
    sim.settle();
    assert_eq!(sim.probe().drains, [7]);
    assert_eq!(server.frames().last(), Some(&Frame::text("last")));
}

#[test]
fn a_server_that_is_not_read_is_not_judged_and_loses_nothing() {
    let (mut sim, mut server) = plain();
    pause(&mut sim, true);
    server.push(&[text("one"), frame(0x89, b"?"), text("two")].concat());
    sim.run_for(secs(100));
    assert_eq!(sim.take_told(), []);
    assert!(server.frames().is_empty(), "no pong, and no ping");
    pause(&mut sim, false);
    let told = ["one", "two"].map(|text| Told::Text(7, text.to_owned()));
    let heard = sim.take_told();
    assert_eq!(
        heard,
        [
            told[0].clone(),
            Told::Ping(7, b"?".to_vec()),
            told[1].clone()
        ]
    );
    assert_eq!(server.frame().opcode, PONG);
}

#[test]
fn a_client_that_closes_reads_on() {
    let (mut sim, server) = plain();
    pause(&mut sim, true);
    server.push(&close(1000, "bye"));
    server.conn.end();
    sim.run_for(ms(10));
    let (_, id) = sim.probe().opened[0];
    let closed = sim
        .client
        .with_peer(id, |peer, _| peer.close(CloseCode::NORMAL, ""));
    closed.expect("a connection").expect("an open one");
    sim.settle();
    let end = sim.only_end();
    assert!(end.clean && end.reason == "bye", "{end:?}");
    sim.assert_idle();
}
