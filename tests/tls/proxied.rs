//! A proxy that passes TLS through says first where it comes from.

use crate::frames::REQUEST;
use crate::harness::{Sim, Tls, secs, take_records};
use sockeye::server::{Limits, Settings, Timeouts};

const HEADER: &[u8] = b"PROXY TCP4 203.0.113.7 192.0.2.1 51000 443\r\n";

/// A server that trusts whoever connects to it here.
fn sim() -> Sim {
    let proxy = "192.0.2.1".parse().expect("a proxy");
    let settings = Settings::new(Limits::default(), Timeouts::default());
    Sim::of(settings.trusted_proxies([proxy]))
}

/// The header, and the peer's first record behind it.
fn opening(peer: &mut Tls) -> Vec<u8> {
    [HEADER, &peer.records()].concat()
}

#[test]
fn the_header_stands_before_tls() {
    let len = opening(&mut sim().peer()).len();
    // One byte at a time, in two pieces at each split, and in one.
    for split in [0].into_iter().chain((1..len).step_by(3)).chain([len]) {
        let mut sim = sim();
        let mut peer = sim.peer();
        let opening = opening(&mut peer);
        if split == 0 {
            peer.conn.push_in_pieces(&opening, 1);
        } else {
            peer.conn.push(&opening[..split]);
            sim.settle();
            peer.conn.push(&opening[split..]);
        }
        sim.settle();
        assert_eq!(peer.conn.unreceived(), 0);
        peer.write(REQUEST);
        sim.converse(&mut peer);
        peer.assert_accepted();
        peer.assert_echoes(&mut sim);
    }
}

#[test]
fn tls_without_a_header_is_dropped_without_an_alert() {
    let mut sim = sim();
    let mut peer = sim.peer();
    peer.speak();
    sim.settle();
    assert!(peer.conn.is_closed());
    assert_eq!(peer.conn.untaken(), 0);
}

#[test]
fn a_wrong_record_behind_the_header_is_told() {
    let mut sim = sim();
    let peer = sim.peer();
    peer.conn.push(&[HEADER, REQUEST].concat());
    sim.settle();
    let [(crate::harness::ALERT, _)] = take_records(&peer.conn.take_sent())[..] else {
        panic!("not one alert");
    };
}

#[test]
fn silence_before_and_behind_the_header_has_the_same_five_seconds() {
    for sent in [0, 20, HEADER.len(), HEADER.len() + 50] {
        let mut sim = sim();
        let mut peer = sim.peer();
        let opening = opening(&mut peer);
        peer.conn.push(&opening[..sent]);
        sim.settle();
        sim.run_for(secs(4));
        assert!(!peer.conn.is_closed());
        sim.run_for(secs(2));
        assert!(peer.conn.is_closed(), "{sent}");
        assert_eq!(peer.conn.untaken(), 0);
    }
}
