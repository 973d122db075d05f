//! Messages in records: cut anywhere, taken a byte at a time, too big for every buffer, and ended in order.

use crate::frames::{self, Frame, REQUEST};
use crate::harness::{Sim, Tls, Told, config_of, secs};
use rustls::version::{TLS12, TLS13};
use sockeye::server::Cause;

const CLEAN: Told = Told::Ended {
    code: 1000,
    clean: true,
    cause: Cause::Peer,
};

/// A big message that no buffer on the way holds at once.
fn big(len: usize) -> Vec<u8> {
    (0..len).map(|at| (at * 7 + at / 251) as u8).collect()
}

/// One message has come, without showing it where it has not.
#[track_caller]
fn assert_whole(frames: &[Frame], message: &[u8]) {
    let lens: Vec<_> = frames.iter().map(|frame| frame.payload.len()).collect();
    assert_eq!(lens, [message.len()]);
    assert!(frames[0] == Frame::binary(message), "other bytes");
}

fn messages() -> Vec<u8> {
    let mut bytes = frames::text("first");
    bytes.extend(frames::ping(b"?"));
    bytes.extend(frames::binary(&big(3000)));
    bytes.extend(frames::text("last"));
    bytes.extend(frames::close(1000));
    bytes
}

/// What a peer hears whose two flights are cut in this way, and what the handler is told.
fn conversation(
    versions: &[&'static rustls::SupportedProtocolVersion],
    mut cut: impl FnMut(&Tls, &[u8]),
) -> (Vec<u8>, Vec<Told>) {
    let mut sim = Sim::new();
    let mut peer = sim.peer_with(config_of(&sim.authority, versions));
    for _ in 0..3 {
        let flight = peer.records();
        cut(&peer, &flight);
        sim.settle();
        peer.hear();
        if !peer.layer.is_handshaking() {
            break;
        }
    }
    let mut all = REQUEST.to_vec();
    all.extend(messages());
    // TLS 1.3 has its last flight in the same bytes.
    let flight = peer.encrypt(&all);
    cut(&peer, &flight);
    sim.settle();
    peer.hear();
    assert_eq!(peer.error, None);
    assert!(peer.notified && peer.conn.is_finished());
    peer.conn.end();
    sim.settle();
    assert!(peer.conn.is_closed());
    (peer.plain, sim.forget_told())
}

/// A generator for tests, xorshift.
fn random(seed: &mut u64) -> usize {
    *seed ^= *seed << 13;
    *seed ^= *seed >> 7;
    *seed ^= *seed << 17;
    *seed as usize
}

#[test]
fn any_cut_gives_the_same() {
    for versions in [[&TLS13], [&TLS12]] {
        let whole = conversation(&versions, |peer, flight| peer.conn.push(flight));
        assert_eq!(whole.1.len(), 5, "{:?}", whole.1);
        assert_eq!(whole.1[4], CLEAN);
        let byte_by_byte = conversation(&versions, |peer, flight| {
            peer.conn.push_in_pieces(flight, 1);
        });
        assert_eq!(byte_by_byte, whole);
        let mut seed = 0x5EED_0001;
        for round in 0..150 {
            let most = [3, 40, 700, 5000][round % 4];
            let cut = conversation(&versions, |peer, mut flight| {
                while !flight.is_empty() {
                    let size = 1 + random(&mut seed) % most;
                    let (piece, rest) = flight.split_at(size.min(flight.len()));
                    // Several pieces per poll, or one.
                    peer.conn.push_in_pieces(piece, most);
                    flight = rest;
                }
            });
            assert_eq!(cut, whole, "round {round}");
        }
    }
}

#[test]
fn every_cut_in_two_gives_the_same() {
    let whole = conversation(&[&TLS13], |peer, flight| peer.conn.push(flight));
    for at in (0..3600).step_by(29) {
        let cut = conversation(&[&TLS13], |peer, flight| {
            let (first, second) = flight.split_at(at.min(flight.len()));
            for piece in [first, second] {
                if !piece.is_empty() {
                    peer.conn.push_in_pieces(piece, piece.len());
                }
            }
        });
        assert_eq!(cut, whole, "at {at}");
    }
}

#[test]
fn a_kernel_that_takes_a_byte_at_a_time_gets_all() {
    let mut sim = Sim::new();
    let mut peer = sim.peer();
    // Each send is short, and the room for the next one comes later.
    peer.conn.set_window(1);
    peer.write(REQUEST);
    let mut all = messages();
    let mut sent = false;
    for _ in 0..20_000 {
        peer.speak();
        sim.turn();
        peer.hear();
        if !peer.layer.is_handshaking() && !sent {
            peer.write(&std::mem::take(&mut all));
            sent = true;
        }
        if peer.conn.is_finished() {
            break;
        }
        peer.conn.set_window(1);
    }
    assert!(peer.notified && peer.conn.is_finished());
    peer.assert_accepted();
    let expected = [
        Frame::text("first"),
        Frame {
            opcode: frames::PONG,
            payload: b"?".to_vec(),
        },
        Frame::binary(&big(3000)),
        Frame::text("last"),
        Frame {
            opcode: frames::CLOSE,
            payload: 1000_u16.to_be_bytes().to_vec(),
        },
    ];
    assert_eq!(peer.frames(), expected);
    assert_eq!(sim.told().last(), Some(&CLEAN));
}

#[test]
fn the_end_waits_for_the_last_record() {
    // The kernel is full at every place in the last records: nothing is cut off, and the stream ends behind them.
    for window in 0..120 {
        let mut sim = Sim::new();
        let mut peer = sim.open();
        peer.conn.set_window(window);
        peer.write(&frames::close(1000));
        sim.converse(&mut peer);
        peer.conn.set_window(1000);
        sim.converse(&mut peer);
        assert_eq!(peer.error, None, "{window}");
        assert!(peer.notified, "{window}");
        assert!(peer.conn.is_finished(), "{window}");
        assert_eq!(peer.frames().len(), 1);
    }
}

/// Shows 6455-7.1.1-01.
#[test]
fn an_end_in_order_is_close_then_close_notify_then_fin() {
    for versions in [[&TLS13], [&TLS12]] {
        let mut sim = Sim::new();
        let config = config_of(&sim.authority, &versions);
        let mut peer = sim.open_with(config);
        let close = peer.encrypt(&frames::close(1000));
        peer.conn.push(&close);
        sim.settle();
        peer.hear();
        assert_eq!(peer.frames()[0].close_code(), Some(1000));
        assert!(peer.notified && peer.conn.is_finished() && !peer.conn.is_closed());
        // What comes behind it is not looked at, be it what it may.
        peer.conn.push(&[0; 100]);
        sim.settle();
        assert_eq!(peer.conn.untaken(), 0);
        assert!(!peer.conn.is_closed());
        peer.conn.end();
        sim.settle();
        assert!(peer.conn.is_closed());
        assert_eq!(sim.told(), [CLEAN]);
    }
}

#[test]
fn a_mebibyte_goes_both_ways() {
    let message = big(1 << 20);
    let mut sim = Sim::new();
    let mut peer = sim.open();
    for _ in 0..3 {
        peer.write(&frames::binary(&message));
        sim.converse(&mut peer);
        assert_whole(&peer.frames(), &message);
        let told = sim.forget_told();
        assert!(told == [Told::Binary(message.clone())], "not the message");
    }
    assert!(peer.plain.is_empty());
}

#[test]
fn a_mebibyte_goes_through_a_narrow_way() {
    let message = big(1 << 20);
    for (room, worth) in [(1, 1), (1000, 1000), (70_000, 30_000)] {
        let mut sim = Sim::new();
        let mut peer = sim.open();
        peer.conn.tell_room_from(worth);
        peer.conn.set_window(room);
        peer.write(&frames::binary(&message));
        let step = room.max(4096);
        for _ in 0..(3 << 20) / step {
            sim.converse(&mut peer);
            peer.conn.set_window(step);
        }
        assert_whole(&peer.frames(), &message);
        peer.assert_echoes(&mut sim);
    }
}

#[test]
fn who_does_not_read_is_not_heard_and_has_ten_seconds() {
    let mut sim = Sim::new();
    let mut peer = sim.open();
    peer.conn.set_window(100_000);
    let message = peer.encrypt(&frames::binary(&big(200_000)));
    peer.conn.push(&message);
    sim.settle();
    assert_eq!(sim.forget_told().len(), 1);
    let unheard = peer.encrypt(&frames::text("unheard"));
    peer.conn.push(&unheard);
    let before = sim.net.calls().receives;
    sim.settle();
    assert_eq!(sim.net.calls().receives, before, "it is not heard further");
    assert_eq!(sim.told(), []);
    let start = sim.net.now();
    sim.run_until(start + secs(10) - secs(10) / 500);
    assert!(!peer.conn.is_closed());
    sim.run_until(start + secs(10) + secs(10) / 500);
    assert!(peer.conn.is_closed() && peer.conn.is_aborted());
    let stalled = Told::Ended {
        code: 1006,
        clean: false,
        cause: Cause::WriteStall,
    };
    assert_eq!(sim.told(), [stalled]);
}

#[test]
fn who_reads_a_little_keeps_its_connection() {
    let mut sim = Sim::new();
    let mut peer = sim.open();
    peer.conn.set_window(0);
    let message = big(40_000);
    peer.write(&frames::binary(&message));
    sim.converse(&mut peer);
    // Fewer bytes in 10 s than what lies encrypted already.
    for _ in 0..20 {
        sim.run_for(secs(6));
        assert!(!peer.conn.is_closed());
        peer.conn.set_window(100);
        sim.converse(&mut peer);
    }
    peer.conn.set_window(usize::MAX);
    sim.converse(&mut peer);
    assert_whole(&peer.frames(), &message);
}
