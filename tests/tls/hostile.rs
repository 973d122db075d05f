//! Peers that break TLS, flood with it, or are cut off: what was whole before is delivered, and nothing else.

use crate::forger::Forger;
use crate::frames;
use crate::harness::{
    APPLICATION, BROKEN, CHANGE_CIPHER_SPEC, HANDSHAKE, Sim, Told, record, take_records,
};
use crate::sim::Conn;
use rustls::{AlertDescription, ContentType, Error};

fn text(text: &str) -> Told {
    Told::Text(text.into())
}

/// The server has ended it: after few calls, with at most one alert.
#[track_caller]
fn assert_refused(sim: &mut Sim, conn: &Conn, calls: usize) {
    assert!(calls <= 16, "{calls} calls");
    assert_eq!(sim.forget_told(), [BROKEN]);
    assert!(conn.is_finished());
    // Some of it the library refuses without a word.
    let records = take_records(&conn.take_sent());
    assert!(records.iter().all(|(kind, _)| *kind == APPLICATION));
    assert!(records.len() <= 1);
    conn.end();
    sim.settle();
    assert!(conn.is_closed());
    assert_eq!(sim.told(), [], "one end");
}

#[test]
fn l05_a_handshake_message_without_end_is_refused() {
    for len in [0x01_0000_u32, 0xFF_FFFF] {
        for kind in [1, 11, 20] {
            let mut sim = Sim::new();
            let conn = sim.net.connect();
            let mut message = vec![kind];
            message.extend(&len.to_be_bytes()[1..]);
            message.resize(16 << 10, 7);
            conn.push(&record(HANDSHAKE, &message));
            for _ in 0..100 {
                conn.push(&record(HANDSHAKE, &message[4..]));
            }
            let before = sim.net.calls().work();
            sim.settle();
            let calls = sim.net.calls().work() - before;
            // 27 of them bring what came, of which nothing is looked at but the first.
            assert!(calls <= 40, "{calls} calls");
            // The library refuses this without an alert.
            assert_eq!(conn.untaken(), 0);
            assert!(conn.is_finished());
            conn.end();
            sim.settle();
            assert!(conn.is_closed());
            assert_eq!(sim.told(), []);
        }
    }
}

#[test]
fn l07_floods_of_what_carries_nothing_are_refused() {
    let user_canceled = [1, 90];
    let floods: [(ContentType, &[u8]); 3] = [
        (ContentType::ApplicationData, b""),
        (ContentType::Alert, &user_canceled),
        (ContentType::ChangeCipherSpec, &[1]),
    ];
    for (kind, payload) in floods {
        let mut sim = Sim::new();
        let (mut forger, peer) = Forger::instead_of(&mut sim);
        let mut flood = Vec::new();
        for _ in 0..10_000 {
            flood.extend(forger.record(kind, payload));
        }
        peer.conn.push(&flood);
        let before = sim.net.calls().work();
        sim.settle();
        let calls = sim.net.calls().work() - before;
        assert_refused(&mut sim, &peer.conn, calls);
    }
}

#[test]
fn l07_a_flood_of_change_cipher_specs_is_refused() {
    let mut sim = Sim::new();
    let peer = sim.open();
    let flood = record(CHANGE_CIPHER_SPEC, &[1]).repeat(100_000);
    peer.conn.push(&flood);
    let before = sim.net.calls().work();
    sim.settle();
    let calls = sim.net.calls().work() - before;
    assert_refused(&mut sim, &peer.conn, calls);
}

#[test]
fn l07_a_flood_of_new_keys_is_refused() {
    let mut sim = Sim::new();
    let mut peer = sim.open();
    let mut flood = Vec::new();
    for _ in 0..10_000 {
        peer.layer.refresh_traffic_keys().expect("TLS 1.3");
        flood.extend(peer.records());
    }
    peer.conn.push(&flood);
    let before = sim.net.calls().work();
    sim.settle();
    let calls = sim.net.calls().work() - before;
    assert!(calls <= 64, "{calls} calls");
    assert_eq!(sim.told(), [BROKEN]);
}

#[test]
fn new_keys_now_and_then_are_nobodys_harm() {
    let mut sim = Sim::new();
    let mut peer = sim.open();
    for _ in 0..200 {
        peer.layer.refresh_traffic_keys().expect("TLS 1.3");
        peer.assert_echoes(&mut sim);
    }
}

#[test]
fn l10_what_is_cut_off_is_not_delivered() {
    let mut sim = Sim::new();
    let mut peer = sim.open();
    let whole = peer.encrypt(&frames::text("whole"));
    let message = frames::text("a message that is cut off");
    // In the middle of a message, of a record, and between messages.
    let half = {
        let mut bytes = whole.clone();
        bytes.extend(peer.encrypt(&message[..12]));
        bytes
    };
    let in_record = {
        let mut bytes = half.clone();
        let rest = peer.encrypt(&message[12..]);
        bytes.extend(&rest[..rest.len() - 1]);
        bytes
    };
    for cut in [half.len(), in_record.len(), in_record.len() - 20] {
        for at_once in [false, true] {
            let mut sim = Sim::new();
            let mut peer = sim.open();
            let mut bytes = peer.encrypt(&frames::text("whole"));
            bytes.extend(peer.encrypt(&message[..12]));
            bytes.extend(peer.encrypt(&message[12..]));
            peer.conn.push(&bytes[..cut]);
            if !at_once {
                sim.settle();
            }
            peer.conn.end();
            sim.settle();
            assert_eq!(sim.told(), [text("whole"), BROKEN], "{cut} {at_once}");
            assert!(peer.conn.is_closed());
        }
    }
}

#[test]
fn l10_an_end_without_notice_is_broken_even_between_messages() {
    let mut sim = Sim::new();
    let peer = sim.open();
    peer.conn.end();
    sim.settle();
    assert_eq!(sim.told(), [BROKEN]);
    assert!(peer.conn.is_closed());
}

#[test]
fn a_reset_behind_messages_leaves_them_whole() {
    let mut sim = Sim::new();
    let mut peer = sim.open();
    let bytes = peer.encrypt(&frames::text("whole"));
    peer.conn.push(&bytes);
    peer.conn.reset(rustix::io::Errno::CONNRESET);
    sim.settle();
    assert_eq!(sim.told()[0], text("whole"));
    assert_eq!(sim.told().len(), 2);
    assert!(peer.conn.is_closed());
}

/// Flips one bit of a session's last records, and gives what was told.
fn with_flip(at: usize, bit: u8) -> (Vec<Told>, Option<Error>, usize) {
    let mut sim = Sim::new();
    let mut peer = sim.open();
    let mut bytes = Vec::new();
    let mut ends = Vec::new();
    for message in ["one", "two", "three"] {
        bytes.extend(peer.encrypt(&frames::text(message)));
        ends.push(bytes.len());
    }
    assert!(at < bytes.len());
    bytes[at] ^= 1 << bit;
    peer.conn.push(&bytes);
    sim.settle();
    peer.hear();
    peer.conn.end();
    sim.settle();
    assert!(peer.conn.is_closed());
    (sim.forget_told(), peer.error, ends[0])
}

#[test]
fn l16_a_flipped_bit_ends_it_where_it_stands() {
    let one_len = with_flip(0, 0).2;
    let len = one_len * 3 + 2;
    for at in 0..len {
        let (told, error, _) = with_flip(at, (at % 8) as u8);
        let in_record = at % one_len;
        let before = (at / one_len).min(2);
        let head = at < 3 * one_len && in_record < 3;
        if head && told.starts_with(&[text("one"), text("two"), text("three")]) {
            // Type and version in the head of a record that is encrypted mean nothing (RFC 8446 section 5.2).
            continue;
        }
        let mut expected: Vec<_> = ["one", "two"][..before].iter().map(|&m| text(m)).collect();
        expected.push(BROKEN);
        assert_eq!(told, expected, "at {at}");
        match error {
            Some(Error::AlertReceived(alert)) => {
                let in_payload = at < 3 * one_len && in_record >= 5;
                assert!(
                    !in_payload || alert == AlertDescription::BadRecordMac,
                    "{at}"
                );
            }
            None if matches!(in_record, 3 | 4) => {} // It waits for a longer record.
            other => panic!("at {at}: {other:?}"),
        }
    }
}

#[test]
fn l16_a_flipped_bit_in_the_handshake_opens_nothing() {
    let flights = |first: Option<usize>, second: Option<usize>| {
        let mut sim = Sim::new();
        let mut peer = sim.peer();
        let mut flight = peer.records();
        let len = flight.len();
        if let Some(byte) = first.and_then(|at| flight.get_mut(at)) {
            *byte ^= 0x10;
        }
        peer.conn.push(&flight);
        sim.settle();
        peer.hear();
        let mut flight = if peer.layer.is_handshaking() {
            peer.records()
        } else {
            peer.encrypt(frames::REQUEST)
        };
        let lens = (len, flight.len());
        if let Some(byte) = second.and_then(|at| flight.get_mut(at)) {
            *byte ^= 0x10;
        }
        peer.conn.push(&flight);
        sim.settle();
        peer.conn.end();
        sim.settle();
        assert!(peer.conn.is_closed());
        (sim.forget_told().contains(&Told::Opened), lens)
    };
    let (opened, lens) = flights(None, None);
    assert!(opened);
    // The versions in heads of records mean nothing; the second flight begins with a ChangeCipherSpec.
    let heads = |at: usize| matches!(at, 1 | 2);
    for at in (0..lens.0).filter(|&at| !heads(at)) {
        assert!(!flights(Some(at), None).0, "at {at} of the first flight");
    }
    for at in 0..lens.1 {
        let version = [0, 6]
            .iter()
            .any(|head| matches!(at - head.min(&at), 1 | 2));
        let opened = flights(None, Some(at)).0;
        assert!(
            !opened || version || at > 80,
            "at {at} of the second flight"
        );
    }
}
