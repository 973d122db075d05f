//! What TLS makes a server hold: next to nothing before a peer has said something, and little for one that is quiet.
#![allow(
    unsafe_code,
    reason = "an allocator that counts is one, and cannot be written otherwise"
)]
#![allow(
    unreachable_pub,
    reason = "what is shared between modules is all `pub`"
)]
#![allow(
    clippy::std_instead_of_alloc,
    clippy::std_instead_of_core,
    clippy::cast_possible_truncation,
    reason = "tests have std, and make bytes of numbers on purpose"
)]

#[path = "tls/certs.rs"]
mod certs;
#[path = "support/counting.rs"]
mod counting;
#[path = "support/frames.rs"]
mod frames;
#[path = "tls/harness.rs"]
mod harness;
#[path = "support/sim/mod.rs"]
mod sim;

use harness::{HANDSHAKE, Sim, Tls, config_of, record, secs};
use rustix::io::Errno;
use rustls::version::{TLS12, TLS13};
use sockeye::proto::deflate::Policy;
use sockeye::server::{Limits, Settings, Timeouts};

/// Bytes allocated since `before` and not freed.
fn held_since(before: isize) -> usize {
    usize::try_from(counting::held() - before).unwrap_or(0)
}

/// Beyond the slot: the place of a stream that may come to speak TLS.
const SILENT: usize = 128;

#[test]
fn l03_who_connects_and_is_silent_costs_a_place() {
    const COUNT: usize = 5000;
    let mut sim = Sim::new();
    // The loop's own lists and buffers grow now.
    let warm: Vec<_> = (0..COUNT).map(|_| sim.net.connect()).collect();
    sim.settle();
    sim.run_for(secs(6));
    assert!(warm.iter().all(sim::Conn::is_closed));
    sim.open().assert_echoes(&mut sim);

    let silent: Vec<_> = (0..COUNT).map(|_| sim.net.connect()).collect();
    let before = counting::held();
    sim.settle();
    assert_eq!(sim.net.waiting(), 0, "all are accepted");
    let held = held_since(before);
    println!("{} bytes for who is silent", held / COUNT);
    assert!(held <= COUNT * SILENT);
    // Others are served as if there were none.
    for _ in 0..20 {
        let mut peer = sim.open();
        peer.assert_echoes(&mut sim);
    }
    sim.run_for(secs(6));
    assert!(silent.iter().all(sim::Conn::is_closed));
}

#[test]
fn an_end_before_the_first_byte_costs_no_more() {
    let mut sim = Sim::new();
    sim.open().assert_echoes(&mut sim);
    let conn = sim.net.connect();
    sim.settle();
    counting::most_held();
    let before = counting::held();
    conn.end();
    sim.settle();
    assert!(conn.is_closed());
    let most = counting::most_held() - before;
    assert!(most < 1000, "{most} bytes");
}

/// What a server holds for each of some peers that are quiet.
fn idle(
    versions: &[&'static rustls::SupportedProtocolVersion],
    prepare: impl Fn(&mut Sim, &mut Tls),
) -> usize {
    const COUNT: usize = 64;
    let mut sim = Sim::new();
    let config = config_of(&sim.authority, versions);
    let conns: Vec<_> = (0..COUNT)
        .map(|_| {
            let mut peer = sim.open_with(config.clone());
            prepare(&mut sim, &mut peer);
            peer.conn.clone()
        })
        .collect();
    sim.forget_told();
    sim.settle();
    let before = counting::held();
    for conn in &conns {
        conn.end();
    }
    sim.settle();
    assert!(conns.iter().all(sim::Conn::is_closed));
    drop(sim.forget_told());
    let freed = before - counting::held();
    usize::try_from(freed).unwrap_or(0) / COUNT
}

#[test]
fn a_quiet_session_holds_little() {
    for versions in [[&TLS13], [&TLS12]] {
        let fresh = idle(&versions, |_, _| {});
        let used = idle(&versions, |sim, peer| {
            let message = vec![7; 300_000];
            peer.write(&frames::binary(&message));
            sim.converse(peer);
            assert_eq!(peer.frames().len(), 1);
        });
        println!(
            "{:?}: {fresh} bytes, {used} after a large message",
            versions[0].version
        );
        assert!(fresh <= 8 << 10, "{fresh} bytes");
        // What a large message needed is not kept.
        assert!(
            used <= fresh + 512,
            "{used} bytes after a message, {fresh} before"
        );
    }
}

#[test]
fn l05_a_handshake_without_end_is_bounded() {
    let mut sim = Sim::new();
    sim.open().assert_echoes(&mut sim);
    let conn = sim.net.connect();
    let mut hello = vec![1, 0, 0xFF, 0xFF];
    hello.resize(16 << 10, 7);
    // Allowed in length, and never whole.
    let mut flood = record(HANDSHAKE, &hello);
    for _ in 0..100 {
        flood.extend(record(HANDSHAKE, &hello[..1000]));
    }
    conn.push(&flood);
    counting::most_held();
    let before = counting::held();
    sim.settle();
    let most = counting::most_held() - before;
    assert!(most < 160 << 10, "{most} bytes");
    assert!(conn.is_finished());
    assert!(held_since(before) < 8 << 10, "{}", held_since(before));
}

/// A server that remembers what it has compressed.
fn compressing() -> Sim {
    let takeover = Policy {
        server_context_takeover: true,
        client_context_takeover: true,
        ..Policy::default()
    };
    Sim::exactly(Settings::new(Limits::default(), Timeouts::default()).deflate(takeover))
}

/// Ten connections over TLS, that compress, talk, and end in five ways; then time passes until no deadline of theirs is
/// left.
fn live(sim: &mut Sim) {
    let peers: Vec<_> = (0..10).map(|number| talking(sim, number)).collect();
    for (number, mut peer) in peers.into_iter().enumerate() {
        match number % 5 {
            0 => {
                peer.write(&frames::close(1000));
                sim.converse(&mut peer);
                peer.layer.send_close_notify();
                peer.speak();
                peer.conn.end();
            }
            1 => {
                peer.layer.send_close_notify();
                peer.speak();
                peer.conn.end();
            }
            2 => peer.conn.reset(Errno::CONNRESET),
            // A record that is none, and an end without a word.
            3 => peer.conn.push(b"what is this?"),
            _ => peer.conn.end(),
        }
        sim.settle();
    }
    sim.run_for(secs(100));
    assert_eq!(sim.server.connections(), 0);
    drop(sim.forget_told());
    sim.net.forget_ended();
}

/// One that has been answered, compressed.
fn talking(sim: &mut Sim, number: usize) -> Tls {
    let version = if number.is_multiple_of(2) {
        &TLS13
    } else {
        &TLS12
    };
    let mut peer = sim.peer_with(config_of(&sim.authority, &[version]));
    let request = frames::REQUEST.strip_suffix(b"\r\n").expect("it ends so");
    let offer = b"Sec-WebSocket-Extensions: permessage-deflate\r\n\r\n";
    peer.write(&[request, offer].concat());
    sim.converse(&mut peer);
    peer.assert_accepted();
    peer.write(&frames::binary(&[7; 20_000]));
    sim.converse(&mut peer);
    assert_eq!(peer.plain[0], frames::FIN | 0x40 | frames::BINARY);
    peer
}

#[test]
fn tls_sessions_that_are_over_leave_the_heap_as_it_was() {
    let mut sim = compressing();
    // The server remembers the last 256 sessions, for those who come back.
    (0..30).for_each(|_| live(&mut sim));
    let heaps: Vec<_> = (0..20)
        .map(|_| {
            live(&mut sim);
            counting::held()
        })
        .collect();
    assert!(heaps.iter().all(|held| *held == heaps[0]), "{heaps:?}");
}
