//! Many at once: handshakes that cost much and those who wait for them, and certificates that change under them.

use crate::certs::Authority;
use crate::frames::{self, Frame};
use crate::harness::{Sim, Tls, Told, identity, read_again};
use rustls::pki_types::CertificateDer;

/// Handshakes that one turn of the loop serves.
const PER_TURN: usize = 8;

fn hello(sim: &Sim) -> Tls {
    let mut peer = sim.peer();
    peer.speak();
    peer
}

fn answered(peers: &[Tls]) -> usize {
    peers.iter().filter(|peer| peer.conn.untaken() > 0).count()
}

#[test]
fn l11_a_flood_of_handshakes_leaves_room_for_others() {
    let mut sim = Sim::new();
    let mut first = sim.open();
    let mut flood: Vec<_> = (0..50).map(|_| sim.peer()).collect();
    sim.settle();
    // Its reports come behind those of the flood.
    let mut last = sim.open();
    for peer in &mut flood {
        peer.speak();
    }
    for turn in 1..=7 {
        for peer in [&mut first, &mut last] {
            let message = peer.encrypt(&frames::text("hello"));
            peer.conn.push(&message);
        }
        sim.turn();
        for peer in [&mut first, &mut last] {
            peer.hear();
            assert_eq!(peer.frames(), [Frame::text("hello")], "in turn {turn}");
        }
        assert_eq!(answered(&flood), flood.len().min(turn * PER_TURN));
    }
}

#[test]
fn l11_who_waits_for_its_handshake_is_not_overtaken() {
    let mut sim = Sim::new();
    let connect = |sim: &mut Sim, count: usize| -> Vec<_> {
        let peers: Vec<_> = (0..count).map(|_| sim.peer()).collect();
        sim.turn();
        sim.turn();
        peers
    };
    let mut peers = connect(&mut sim, 10 * PER_TURN);
    // More in every turn than are served in it.
    let mut spoken = 0;
    for turn in 0..5 {
        for peer in &mut peers[spoken..][..2 * PER_TURN] {
            peer.speak();
        }
        spoken += 2 * PER_TURN;
        sim.turn();
        let served = (turn + 1) * PER_TURN;
        assert_eq!(answered(&peers[..served]), served, "the first come first");
        assert_eq!(answered(&peers), served);
    }
}

fn certificate(peer: &Tls) -> CertificateDer<'static> {
    let chain = peer.layer.peer_certificates().expect("it showed one");
    chain[0].clone().into_owned()
}

#[test]
fn l15_new_certificates_are_for_new_connections() {
    let mut sim = Sim::new();
    let mut old: Vec<_> = (0..30).map(|_| sim.open()).collect();
    let mut waiting = hello(&sim);
    sim.settle();
    let before = certificate(&old[0]);

    let next = identity(&sim.authority);
    next.write(&sim.dir);
    // Written, and not yet read.
    assert_eq!(certificate(&sim.open()), before);
    read_again(&mut sim);
    let mut new = sim.open();
    assert_eq!(certificate(&new), next.der());
    new.assert_echoes(&mut sim);

    // Another's key, no certificate, no file: the last good one stays.
    let broken = |sim: &mut Sim, chain: &str| {
        sim.dir.file("chain.pem", chain);
        read_again(sim);
        let mut peer = sim.open();
        assert_eq!(certificate(&peer), next.der());
        peer.assert_echoes(sim);
    };
    let another = identity(&Authority::new("another"));
    broken(&mut sim, &another.chain);
    broken(&mut sim, "");
    broken(&mut sim, "-----BEGIN CERTIFICATE-----\nhalf");
    let _ = std::fs::remove_file(sim.dir.path("chain.pem"));
    read_again(&mut sim);
    assert_eq!(certificate(&sim.open()), next.der());

    sim.forget_told();
    for peer in &mut old {
        peer.assert_echoes(&mut sim);
    }
    // It began with the old one, and ends with it.
    waiting.hear();
    waiting.write(frames::REQUEST);
    sim.converse(&mut waiting);
    waiting.assert_accepted();
    assert_eq!(certificate(&waiting), before);
    let ended = |told: &&Told| matches!(told, Told::Ended { .. });
    assert_eq!(sim.told().iter().filter(ended).count(), 0);
}
