//! How an open connection ends: by whom, with which code, and who ends the stream (RFC 6455 section 7.1.1).

use crate::frames::Frame;
use crate::harness::{End, Sim, Told, close, frame, ms, secs, text, to};
use rustix::io::Errno;
use sockeye::client::{Cause, Timeouts};
use sockeye::proto::deflate::Policy;
use sockeye::proto::{Limits, Violation};

fn end(code: u16, reason: &str, clean: bool, cause: Cause) -> End {
    End {
        code,
        reason: reason.to_owned(),
        clean,
        violation: None,
        cause,
    }
}

/// RFC 6455 section 7.1.1: it is the server that ends the stream first; a client waits for that, and not for ever.
/// Shows 6455-5.5.1-16 6455-5.5.1-18 6455-5.5.1-19 6455-7.1.1-04 6455-7.1.1-06 6455-7.1.2-02 6455-7.3-03.
#[test]
fn after_a_clean_close_the_client_waits_for_the_servers_end() {
    for (ours, ends) in [(false, true), (false, false), (true, true), (true, false)] {
        let mut sim = Sim::new();
        let mut server = sim.open();
        if ours {
            server.push(&text("!close"));
            sim.settle();
            sim.take_told();
            assert_eq!(server.frame(), Frame::close(1000, "enough"));
            assert!(!server.conn.is_finished());
        }
        server.push(&close(1000, "done"));
        sim.settle();
        let cause = if ours { Cause::Here } else { Cause::Peer };
        assert_eq!(sim.only_end(), end(1000, "done", true, cause));
        if !ours {
            assert_eq!(server.frame().close_code(), Some(1000));
        }
        sim.run_for(ms(2990));
        assert!(!server.conn.is_finished() && !server.conn.is_closed());
        assert_eq!(sim.client.connections(), 1);
        if ends {
            server.conn.end();
            sim.settle();
        } else {
            sim.run_for(ms(20));
        }
        assert!(server.conn.is_closed());
        assert!(sim.told().is_empty(), "told again");
        sim.assert_idle();
    }
}

/// Shows 6455-7.1.4-01.
#[test]
fn a_close_that_is_not_answered_has_3_s() {
    let mut sim = Sim::new();
    let server = sim.open();
    server.push(&text("!close"));
    sim.settle();
    sim.take_told();
    sim.run_for(ms(2990));
    assert!(sim.told().is_empty());
    // Data does not put it off, and is not told.
    server.push(&text("more"));
    sim.run_for(ms(20));
    assert_eq!(sim.only_end(), end(1006, "", false, Cause::Here));
    assert!(server.conn.is_closed());
    sim.assert_idle();
}

/// K09, K10, K11: one answer per fault, as servers give it; then the client ends its own side at once.
/// Shows 6455-7.1.7-01 6455-7.1.7-02 6455-10.7-03.
#[test]
fn whatever_a_server_breaks_is_answered_with_its_code() {
    let rows: [(&[u8], u16, Violation); 24] = [
        (b"\x91\x00", 1002, Violation::ReservedBits),
        (b"\xc1\x00", 1002, Violation::ReservedBits),
        (b"\x83\x00", 1002, Violation::ReservedOpcode),
        (b"\x8b\x00", 1002, Violation::ReservedOpcode),
        (b"\x09\x00", 1002, Violation::FragmentedControl),
        (b"\x89\x7e\x00\x7e", 1002, Violation::ControlTooLong),
        (
            b"\x81\x81\x00\x00\x00\x00a",
            1002,
            Violation::MaskUnexpected,
        ),
        (b"\x82\x7e\x00\x7d", 1002, Violation::LengthNotMinimal),
        (
            b"\x82\x7f\x00\x00\x00\x00\x00\x00\xff\xff",
            1002,
            Violation::LengthNotMinimal,
        ),
        (
            b"\x82\x7f\x80\x00\x00\x00\x00\x00\x00\x00",
            1002,
            Violation::LengthTooLong,
        ),
        (b"\x80\x00", 1002, Violation::UnexpectedContinuation),
        (b"\x01\x01a\x81\x01b", 1002, Violation::ExpectedContinuation),
        (b"\x88\x01\x03", 1002, Violation::CloseTooShort),
        (b"\x88\x02\x03\xec", 1002, Violation::CloseCodeForbidden),
        (b"\x88\x02\x03\xed", 1002, Violation::CloseCodeForbidden),
        (b"\x88\x02\x03\xf7", 1002, Violation::CloseCodeForbidden),
        (b"\x88\x03\x03\xe8\xff", 1007, Violation::InvalidReason),
        (b"\x81\x02\xc3\x28", 1007, Violation::InvalidUtf8),
        (b"\x81\x7e\x03\x00\xed\xa0", 1007, Violation::InvalidUtf8),
        (b"\x01\x01\xe2\x80\x01\x28", 1007, Violation::InvalidUtf8),
        (b"\x82\x7e\x04\x01", 1009, Violation::FrameTooBig),
        (
            b"\x82\x7f\x7f\xff\xff\xff\xff\xff\xff\xff",
            1009,
            Violation::FrameTooBig,
        ),
        (
            b"\x02\x7e\x03\x20{800}\x80\x7e\x03\x20",
            1009,
            Violation::MessageTooBig,
        ),
        (b"\x01\x00{many}", 1008, Violation::TooManyFragments),
    ];
    let limits = Limits {
        max_frame: 1024,
        max_message: 1500,
        max_fragments: 16,
    };
    for (bytes, code, violation) in rows {
        let mut bytes = bytes.to_vec();
        if let Some(at) = bytes.windows(5).position(|five| five == b"{800}") {
            bytes.splice(at..at + 5, [b'x'; 800]);
        }
        if bytes.ends_with(b"{many}") {
            bytes.truncate(2);
            bytes.extend([0x00, 0x00].repeat(16));
        }
        // A message before it is told, and what stands behind it is not.
        let whole = [&text("before")[..], &bytes, &text("behind")].concat();
        for split in 0..=bytes.len() + 8 {
            let mut sim = Sim::new();
            let mut server = sim.open_by(&to("ws://10.0.0.1/").limits(limits));
            for part in [&whole[..split], &whole[split..]] {
                server.push(part);
                sim.settle();
            }
            let told = sim.take_told();
            let [Told::Text(7, before), Told::Close(7, end)] = &told[..] else {
                panic!("{violation:?} {split}: {told:?}");
            };
            assert_eq!(before, "before");
            assert_eq!(
                (end.code, end.clean, end.cause),
                (1006, false, Cause::Violation)
            );
            assert_eq!(end.violation, Some(violation), "{split}");
            assert_eq!(server.frame(), Frame::close(code, violation.text()));
            assert!(server.conn.is_finished() && !server.conn.is_closed());
            server.conn.end();
            sim.settle();
            sim.assert_idle();
        }
    }
}

/// After a violation the stream is not held for ever either.
#[test]
fn who_broke_the_rules_has_3_s_to_end() {
    let mut sim = Sim::new();
    let server = sim.open();
    server.push(b"\x83\x00");
    sim.settle();
    sim.take_told();
    assert!(server.conn.is_finished());
    sim.run_for(ms(2990));
    assert!(!server.conn.is_closed());
    sim.run_for(ms(20));
    assert!(server.conn.is_closed() && sim.told().is_empty());
    sim.assert_idle();
}

/// K11, CVE-2026-1526: what is small on the wire is refused for what it becomes.
#[test]
fn a_deflate_bomb_is_1009() {
    let zeros = vec![0; (1 << 20) + 1];
    let connector = to("ws://10.0.0.1/").deflate(Policy::default());
    let mut sim = Sim::new();
    sim.dial(&connector);
    sim.settle();
    let mut server = sim.server();
    let request = server.request();
    let answer = String::from_utf8(crate::harness::answer(&request)).unwrap();
    let extension =
        "Sec-WebSocket-Extensions: permessage-deflate; server_no_context_takeover\r\n\r\n";
    server.push(
        answer
            .replace("\r\n\r\n", &format!("\r\n{extension}"))
            .as_bytes(),
    );
    sim.settle();
    assert!(matches!(
        sim.take_told()[..],
        [Told::Open {
            compressed: true,
            ..
        }]
    ));
    let bomb = miniz_oxide::deflate::compress_to_vec(&zeros, 6);
    assert!(bomb.len() < 2000);
    server.push(&frame(0xC2, &bomb));
    sim.settle();
    let end = sim.only_end();
    assert_eq!(end.violation, Some(Violation::MessageTooBig));
    assert_eq!(server.frame().close_code(), Some(1009));
}

/// Shows 6455-7.1.4-01 6455-7.1.5-03 6455-7.2.1-02.
#[test]
fn an_end_without_a_close_is_1006_with_its_cause() {
    for (broken, cause) in [(false, Cause::Ended), (true, Cause::Lost)] {
        for part in [&b""[..], b"\x81", b"\x81\x05He", b"\x01\x05Hello"] {
            let mut sim = Sim::new();
            let server = sim.open();
            server.push(part);
            if broken {
                server.conn.reset(Errno::CONNRESET);
            } else {
                server.conn.end();
            }
            sim.settle();
            assert_eq!(sim.only_end(), end(1006, "", false, cause));
            assert!(server.conn.is_closed());
            sim.assert_idle();
        }
    }
}

/// Shows 6455-7.1.7-08 6455-7.2.1-03 6455-7.3-02.
#[test]
fn each_deadline_of_an_open_connection_has_its_cause() {
    let timeouts = Timeouts {
        idle: Some(secs(100)),
        ..Timeouts::default()
    };
    // A server that says nothing.
    let mut sim = Sim::with_timeouts(timeouts);
    let mut server = sim.open();
    sim.run_for(secs(20) + ms(5));
    assert_eq!(server.frame().opcode, crate::frames::PING);
    sim.run_for(secs(10) + ms(5));
    assert_eq!(server.frame(), Frame::close(1001, "ping timeout"));
    sim.run_for(secs(3) + ms(5));
    assert_eq!(sim.only_end(), end(1006, "", false, Cause::PingTimeout));
    // One that answers pings, and says nothing else.
    let mut sim = Sim::with_timeouts(timeouts);
    let mut server = sim.open();
    for _ in 0..99 {
        sim.run_for(secs(1));
        for ping in server.frames() {
            server.push(&frame(0x8A, &ping.payload));
        }
    }
    sim.take_told();
    sim.run_for(ms(1005));
    assert_eq!(server.frames().last(), Some(&Frame::close(1001, "idle")));
    server.push(&close(1001, ""));
    sim.settle();
    assert_eq!(sim.only_end(), end(1001, "", true, Cause::Idle));
    // One that begins a message.
    let mut sim = Sim::with_timeouts(timeouts);
    let mut server = sim.open();
    server.push(b"\x81\x05He");
    sim.run_for(secs(30) + ms(5));
    assert_eq!(server.frames().last().unwrap().close_code(), Some(1008));
    sim.run_for(secs(4));
    assert_eq!(sim.only_end(), end(1006, "", false, Cause::Unfinished));
    // One that takes nothing.
    let mut sim = Sim::with_timeouts(timeouts);
    let server = sim.open();
    server.conn.set_window(0);
    server.push(&text("!echo x"));
    sim.settle();
    sim.take_told();
    sim.run_for(secs(10) + ms(5));
    assert_eq!(sim.only_end(), end(1006, "", false, Cause::WriteStall));
    assert!(server.conn.is_aborted());
}

/// What came first is the cause, also where both Close frames meet, and however they come.
#[test]
fn who_closes_first_is_the_cause() {
    let bytes = [text("!close"), close(1000, "done")].concat();
    for split in 0..=bytes.len() {
        let mut sim = Sim::new();
        let server = sim.open();
        for part in [&bytes[..split], &bytes[split..]] {
            server.push(part);
            sim.settle();
        }
        let told = sim.take_told();
        let Some(Told::Close(_, ended)) = told.last() else {
            panic!("{told:?}");
        };
        assert_eq!(*ended, end(1000, "done", true, Cause::Here), "{split}");
    }
}

/// Each ping is answered, and told; what the server says last is heard before its end.
/// Shows 6455-2.1-01.
#[test]
fn pings_are_answered_and_told() {
    let mut sim = Sim::new();
    let mut server = sim.open();
    server.push(&frame(0x89, b"a"));
    server.push(&frame(0x8A, b"unasked"));
    server.push(&text("last"));
    server.push(&close(1001, ""));
    server.conn.end();
    sim.settle();
    let frames = server.frames();
    assert_eq!(
        frames[0],
        Frame {
            opcode: crate::frames::PONG,
            payload: b"a".to_vec()
        }
    );
    assert_eq!(frames[1].close_code(), Some(1001));
    let told = sim.take_told();
    assert_eq!(
        told,
        [
            Told::Ping(7, b"a".to_vec()),
            Told::Pong(7, b"unasked".to_vec()),
            Told::Text(7, "last".into()),
            Told::Close(7, end(1001, "", true, Cause::Peer)),
        ]
    );
    sim.assert_idle();
}

/// There is no state yet that could be given back, so there is no end to be told either.
#[test]
fn a_handler_that_panics_on_opening_costs_its_connection() {
    let mut sim = Sim::new();
    let mut other = sim.open();
    sim.probe().panic_on_connect = true;
    sim.dial(&to("ws://10.0.0.2/"));
    sim.settle();
    let mut server = sim.server();
    server.accept();
    server.push(&text("hello"));
    sim.settle();
    assert_eq!(server.frame(), Frame::close(1011, ""));
    assert!(matches!(sim.take_told()[..], [Told::Open { tag: 7, .. }]));
    sim.run_for(secs(4));
    assert!(server.conn.is_closed() && sim.told().is_empty());
    other.push(&text("!echo still here"));
    sim.settle();
    assert_eq!(other.frame(), Frame::text("!echo still here"));
}
