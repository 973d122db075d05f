//! A server that speaks while it does not read.

use crate::frames::Frame;
use crate::harness::{Server, Sim, Told, frame, secs, text};
use sockeye::client::{Limits, Settings, Timeouts};

/// Sends more than the server takes.
fn block(sim: &mut Sim, server: &Server) -> Vec<u8> {
    let much = vec![7; 2000];
    server.conn.set_window(1000);
    let id = sim.probe().opened[0].1;
    let sent = sim
        .client
        .with_peer(id, |peer, _| peer.send(much.as_slice()));
    assert_eq!(sent, Some(Ok(())));
    much
}

/// Else two that both send much would wait for each other.
#[test]
fn it_is_heard() {
    let mut sim = Sim::new();
    let mut server = sim.open();
    let much = block(&mut sim, &server);
    server.push(&text("!echo 1"));
    sim.settle();
    assert_eq!(sim.take_told(), [Told::Text(7, "!echo 1".to_owned())]);
    server.conn.set_window(usize::MAX);
    sim.settle();
    assert_eq!(
        server.frames(),
        [Frame::binary(&much), Frame::text("!echo 1")]
    );
}

/// What it provokes waits up to the limit; then it has to read first, and is not closed for that.
#[test]
fn it_cannot_have_answers_pile_up() {
    let limits = Limits {
        max_queued: 3000,
        ..Limits::default()
    };
    let mut sim = Sim::with(Settings::new(limits, Timeouts::default()));
    let mut server = sim.open();
    let much = block(&mut sim, &server);
    let echo = format!("!echo {:094}", 0);
    for _ in 0..5000 {
        server.push(&text(&echo));
    }
    sim.settle();
    let id = sim.probe().opened[0].1;
    let waiting = sim
        .client
        .with_peer(id, |peer, _| peer.queued_bytes())
        .unwrap();
    // One more read's worth at most.
    assert!((3000..3000 + (80 << 10)).contains(&waiting), "{waiting}");
    assert!(sim.take_told().len() < 1000);
    server.conn.set_window(usize::MAX);
    sim.settle();
    let frames = server.frames();
    assert_eq!(frames.len(), 5001);
    assert_eq!(frames[0], Frame::binary(&much));
    assert!(frames[1..].iter().all(|found| *found == Frame::text(&echo)));
}

/// A message that began meanwhile has as long as any other, from then on.
#[test]
fn its_deadlines_are_not_mixed_up() {
    let mut sim = Sim::new();
    let mut server = sim.open();
    let much = block(&mut sim, &server);
    sim.run_for(secs(5));
    let whole = frame(0x81, b"in two pieces");
    server.push(&whole[..6]);
    sim.run_for(secs(3));
    server.conn.set_window(usize::MAX);
    sim.run_for(secs(29));
    assert_eq!(server.frames(), [Frame::binary(&much)]);
    sim.run_for(secs(2));
    let reason = "message was not completed in time";
    assert_eq!(server.frame(), Frame::close(1008, reason));
}
