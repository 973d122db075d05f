//! The TLS handshake with peers that are slow, old, confused or gone.

use crate::frames::{Frame, REQUEST};
use crate::harness::{
    ALERT, BROKEN, HANDSHAKE, HOST, Sim, Tls, Told, config_of, record, secs, take_records,
};
use crate::sim::Conn;
use rustls::version::{TLS12, TLS13};
use rustls::{AlertDescription, ClientConfig};

const FATAL: u8 = 2;

/// The description in the one fatal alert that the server has sent.
#[track_caller]
fn alert(conn: &Conn) -> u8 {
    let records = take_records(&conn.take_sent());
    let [(ALERT, alert)] = records.as_slice() else {
        panic!("not one alert: {records:?}");
    };
    assert_eq!((alert.len(), alert[0]), (2, FATAL));
    alert[1]
}

/// The server has said its last word, and lets go when the peer does.
#[track_caller]
fn assert_over(sim: &mut Sim, conn: &Conn) {
    assert!(conn.is_finished() && !conn.is_aborted());
    assert!(!conn.is_closed(), "a reset could overtake the alert");
    conn.end();
    sim.settle();
    assert!(conn.is_closed());
    assert_eq!(sim.told(), [], "nobody was there");
}

/// A ClientHello with these versions, suites and extensions, in one record.
fn client_hello(version: u16, suites: &[u16], extensions: &[u8]) -> Vec<u8> {
    let mut hello = Vec::from(version.to_be_bytes());
    hello.extend([7; 32]);
    hello.push(0);
    hello.extend((suites.len() as u16 * 2).to_be_bytes());
    hello.extend(suites.iter().flat_map(|suite| suite.to_be_bytes()));
    hello.extend([1, 0]);
    hello.extend((extensions.len() as u16).to_be_bytes());
    hello.extend(extensions);
    let mut message = vec![1, 0];
    message.extend((hello.len() as u16).to_be_bytes());
    message.extend(hello);
    record(HANDSHAKE, &message)
}

#[test]
fn l01_one_byte_per_record_and_per_write() {
    for versions in [[&TLS13], [&TLS12]] {
        let mut sim = Sim::new();
        let mut peer = sim.peer_with(config_of(&sim.authority, &versions));
        let hello = peer.records();
        let [(HANDSHAKE, message)] = &take_records(&hello)[..] else {
            panic!("not one record");
        };
        let pieces: Vec<u8> = message
            .iter()
            .flat_map(|&byte| record(HANDSHAKE, &[byte]))
            .collect();
        peer.conn.push_in_pieces(&pieces, 1);
        sim.settle();
        assert_eq!(peer.conn.unreceived(), 0);
        peer.write(REQUEST);
        sim.converse(&mut peer);
        // A library may refuse such a thing, but in order.
        if let Some(error) = &peer.error {
            panic!("{error}");
        }
        peer.assert_accepted();
        peer.assert_echoes(&mut sim);
    }
}

#[test]
fn l02_a_hello_and_then_silence_has_the_same_five_seconds() {
    for bytes in [0, 1, 100, usize::MAX] {
        let mut sim = Sim::new();
        let mut peer = sim.peer();
        sim.run_for(secs(1));
        let hello = peer.records();
        peer.conn.push(&hello[..bytes.min(hello.len())]);
        sim.settle();
        sim.run_until(secs(5) - secs(5) / 500);
        assert!(!peer.conn.is_finished() && !peer.conn.is_closed());
        // It counts from accepting, whatever came since.
        sim.run_until(secs(5) + secs(5) / 500);
        assert!(peer.conn.is_closed(), "{bytes}");
        peer.hear();
        assert!(peer.plain.is_empty(), "no HTTP before there is TLS");
        assert_eq!(sim.told(), []);
    }
}

#[test]
fn l04_close_notify_in_the_handshake_costs_one_look() {
    // Nobody has signed it, so that it ends nothing by itself; a few are borne.
    let close_notify = record(ALERT, &[1, 0]);
    for (hello_first, count, ended) in [
        (false, 1, false),
        (false, 4, false),
        (false, 5, true),
        (true, 1, true),
    ] {
        let mut sim = Sim::new();
        let mut peer = sim.peer();
        if hello_first {
            peer.speak();
        }
        peer.conn.push(&close_notify.repeat(count));
        let before = sim.net.calls().work();
        sim.settle();
        let work = sim.net.calls().work() - before;
        assert!(work <= 8, "{work} calls");
        assert_eq!(peer.conn.is_finished(), ended, "{hello_first} {count}");
        peer.conn.end();
        sim.settle();
        assert!(peer.conn.is_closed());
        assert_eq!(sim.told(), []);
    }
}

#[test]
fn l06_old_versions_are_told_so() {
    const PROTOCOL_VERSION: u8 = 70;
    const HANDSHAKE_FAILURE: u8 = 40;
    // TLS_RSA_WITH_AES_128_CBC_SHA and TLS_ECDHE_ECDSA_WITH_AES_128_CBC_SHA, as they had them.
    let suites = [0x002F, 0xC009];
    for version in [0x0300, 0x0301, 0x0302] {
        let mut sim = Sim::new();
        let conn = sim.net.connect();
        conn.push(&client_hello(version, &suites, &[]));
        sim.settle();
        let alert = alert(&conn);
        assert!(
            [PROTOCOL_VERSION, HANDSHAKE_FAILURE].contains(&alert),
            "{version:#x}: {alert}"
        );
        assert_over(&mut sim, &conn);
    }
}

#[test]
fn l06_no_common_suite_is_told_so() {
    const HANDSHAKE_FAILURE: u8 = 40;
    let mut sim = Sim::new();
    let conn = sim.net.connect();
    // supported_groups x25519; signature_algorithms ecdsa_secp256r1_sha256; ec_point_formats uncompressed.
    let extensions = [
        0, 10, 0, 4, 0, 2, 0, 29, 0, 13, 0, 4, 0, 2, 4, 3, 0, 11, 0, 2, 1, 0,
    ];
    conn.push(&client_hello(0x0303, &[0x002F, 0xC009], &extensions));
    sim.settle();
    assert_eq!(alert(&conn), HANDSHAKE_FAILURE);
    assert_over(&mut sim, &conn);
}

#[test]
fn l06_another_protocol_inside_is_refused() {
    let with = |protocols: &[&[u8]]| {
        let sim = Sim::new();
        let mut config = sim.config();
        config.alpn_protocols = protocols.iter().map(|&name| name.to_vec()).collect();
        let peer = sim.peer_with(config);
        (sim, peer)
    };
    let (mut sim, mut peer) = with(&[b"h2"]);
    peer.speak();
    sim.settle();
    // In TLS 1.3 it comes behind the ServerHello, and encrypted.
    peer.hear();
    let told = AlertDescription::NoApplicationProtocol;
    assert_eq!(peer.error, Some(rustls::Error::AlertReceived(told)));
    assert_over(&mut sim, &peer.conn);

    let lists: [&[&[u8]]; 3] = [&[], &[b"http/1.1"], &[b"h2", b"http/1.1"]];
    for protocols in lists {
        let (mut sim, mut peer) = with(protocols);
        peer.write(REQUEST);
        sim.converse(&mut peer);
        peer.assert_accepted();
        let chosen = peer.layer.alpn_protocol();
        assert_eq!(chosen.is_some(), !protocols.is_empty());
        assert!(chosen.is_none_or(|name| name == b"http/1.1"));
    }
}

/// Shows 6455-4.2.2-02.
#[test]
fn l08_plain_http_is_told_by_one_alert() {
    for input in [REQUEST, b"SSH-2.0-OpenSSH_9.9\r\n", &[0; 700], &[0xFF; 700]] {
        let mut sim = Sim::new();
        let conn = sim.net.connect();
        conn.push(input);
        sim.settle();
        let alert = alert(&conn);
        assert!([10, 22, 50, 70].contains(&alert), "{alert}");
        // What comes behind it is not looked at, and not answered.
        conn.push(input);
        sim.settle();
        assert_eq!(conn.untaken(), 0);
        assert_over(&mut sim, &conn);
    }
}

#[test]
fn an_end_right_behind_garbage_is_seen() {
    // One report brings both; there is no other.
    for len in [700, 64 << 10, 70_000, 200_000] {
        let mut sim = Sim::new();
        let conn = sim.net.connect();
        conn.push(&vec![0; len]);
        conn.end();
        sim.settle();
        assert!(conn.is_closed(), "{len}");
    }
}

#[test]
fn l09_any_name_gets_the_certificate() {
    let long = format!("{0}.{0}.{0}.{0}", "x".repeat(62));
    for name in ["other.test", "127.0.0.1", long.as_str(), HOST] {
        let mut sim = Sim::new();
        let mut peer = Tls::new(sim.net.connect(), sim.config(), name);
        peer.write(REQUEST);
        sim.converse(&mut peer);
        match &peer.error {
            None => peer.assert_accepted(),
            // It is the client that minds.
            Some(rustls::Error::InvalidCertificate(_)) => assert_ne!(name, HOST),
            Some(error) => panic!("{name}: {error}"),
        }
        assert_eq!(peer.error.is_none(), name == HOST, "{name}");
    }
}

#[test]
fn l09_names_that_are_none_are_harmless() {
    let names: [&[u8]; 5] = [&[b'x'; 300], b"a\0b", b"", b"\xFF\xFE", b"-.-"];
    for name in names {
        let mut entry = vec![0];
        entry.extend((name.len() as u16).to_be_bytes());
        entry.extend(name);
        let mut extensions = vec![0, 0];
        extensions.extend((entry.len() as u16 + 2).to_be_bytes());
        extensions.extend((entry.len() as u16).to_be_bytes());
        extensions.extend(entry);
        // TLS 1.2 with what it takes, so that only the name can be wrong.
        extensions.extend([
            0, 10, 0, 4, 0, 2, 0, 29, 0, 13, 0, 4, 0, 2, 4, 3, 0, 23, 0, 0,
        ]);
        let mut sim = Sim::new();
        let conn = sim.net.connect();
        conn.push(&client_hello(0x0303, &[0xC02B], &extensions));
        sim.settle();
        let (kind, _) = take_records(&conn.take_sent())[0].clone();
        assert!([HANDSHAKE, ALERT].contains(&kind), "{name:?}");
        sim.open().assert_echoes(&mut sim);
    }
}

#[test]
fn l12_early_data_is_not_taken() {
    let mut sim = Sim::new();
    let mut config = sim.config();
    config.enable_early_data = true;
    let mut first = sim.open_with(config.clone());
    first.assert_echoes(&mut sim);
    sim.forget_told();
    // The ticket offers none, so a client that keeps to it sends none.
    let mut second = sim.peer_with(config);
    assert!(second.layer.early_data().is_none());
    // One that sends some in spite of it: a record that looks like it, behind its hello.
    let mut hello = second.records();
    hello.extend(record(23, &[9; 100]));
    second.conn.push(&hello);
    second.write(REQUEST);
    sim.converse(&mut second);
    assert!(!second.layer.is_early_data_accepted());
    assert!(!sim.told().contains(&Told::Opened) && second.plain.is_empty());
}

#[test]
fn l13_a_broken_ticket_is_no_ticket() {
    let kind = |peer: &Tls| peer.layer.handshake_kind();
    for versions in [[&TLS13], [&TLS12]] {
        let mut sim = Sim::new();
        let config: ClientConfig = config_of(&sim.authority, &versions);
        let first = sim.open_with(config.clone());
        assert_eq!(kind(&first), Some(rustls::HandshakeKind::Full));
        // The same configuration resumes, where the server allows it.
        let mut again = sim.open_with(config.clone());
        assert_eq!(kind(&again), Some(rustls::HandshakeKind::Resumed));
        again.assert_echoes(&mut sim);
        // Files that were read again have other secrets: the ticket is nobody's now.
        crate::harness::read_again(&mut sim);
        sim.forget_told();
        let mut last = sim.open_with(config);
        assert_eq!(kind(&last), Some(rustls::HandshakeKind::Full));
        last.assert_echoes(&mut sim);
    }
}

#[test]
fn l14_who_stops_reading_in_the_handshake_has_five_seconds() {
    for window in [0, 1, 100] {
        let mut sim = Sim::new();
        let mut peer = sim.peer();
        peer.conn.set_window(window);
        peer.speak();
        sim.settle();
        assert_eq!(peer.conn.untaken(), window);
        sim.run_until(secs(5) - secs(5) / 500);
        assert!(!peer.conn.is_closed() && !peer.conn.is_finished());
        sim.run_until(secs(5) + secs(5) / 500);
        assert!(peer.conn.is_closed() && peer.conn.is_aborted(), "{window}");
        assert_eq!(sim.told(), []);
    }
}

#[test]
fn the_request_may_come_with_the_end_of_the_handshake() {
    for versions in [[&TLS13], [&TLS12]] {
        let mut sim = Sim::new();
        let mut peer = sim.peer_with(config_of(&sim.authority, &versions));
        let mut early = REQUEST.to_vec();
        early.extend(crate::frames::text("and a message"));
        peer.write(&early);
        sim.converse(&mut peer);
        peer.assert_accepted();
        assert_eq!(peer.frames(), [Frame::text("and a message")]);
        let told = [Told::Opened, Told::Text("and a message".into())];
        assert_eq!(sim.told(), told);
    }
}

#[test]
fn an_end_in_the_handshake_is_nobodys_business() {
    let mut sim = Sim::new();
    let mut peer = sim.peer();
    peer.speak();
    sim.settle();
    peer.conn.end();
    sim.settle();
    assert!(peer.conn.is_closed());
    assert!(!sim.told().contains(&BROKEN));
}
