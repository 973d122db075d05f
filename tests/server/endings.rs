//! Every way a connection can end: what the peer is told, what the handler is told, and that it is told once.

use crate::frames::{FIN, Frame, REQUEST, TEXT, binary, close, frame, head, ping, text};
use crate::harness::{Client, End, Sim, secs};
use rustix::io::Errno;
use sockeye::proto::Violation;

/// The end that the handler was told of, after time enough for a second one.
#[track_caller]
fn end_of(sim: &mut Sim, client: &Client) -> End {
    assert!(client.conn.is_closed());
    sim.run_for(secs(60));
    assert_eq!((sim.server.connections(), sim.net.open_streams()), (0, 0));
    sim.only_end()
}

// --- endings by the peer ---

/// Shows 6455-5.5.1-16 6455-5.5.1-17 6455-7.1.1-03 6455-7.1.1-05 6455-7.1.2-02 6455-7.1.4-01 6455-7.1.1-01.
#[test]
fn a_clean_end() {
    let mut sim = Sim::new();
    let mut client = sim.open();
    client.push(&frame(FIN | 0x8, b"\x03\xE9bye"));
    sim.settle();
    assert_eq!(client.frame(), Frame::close(1001, ""));
    // The server ends its side first, and keeps the rest until the peer has read that.
    assert!(client.conn.is_finished() && !client.conn.is_closed());
    client.conn.end();
    sim.settle();
    assert!(!client.conn.is_aborted());
    let end = end_of(&mut sim, &client);
    assert_eq!(
        (end.code, end.reason.as_str(), end.clean),
        (1001, "bye", true)
    );
    assert_eq!(end.violation, None);
}

/// Shows 6455-7.1.5-02.
#[test]
fn a_close_frame_without_a_code() {
    let mut sim = Sim::new();
    let mut client = sim.open();
    client.push(&frame(FIN | 0x8, b""));
    sim.settle();
    assert_eq!(client.frame().payload, b"");
    client.conn.end();
    sim.settle();
    let end = end_of(&mut sim, &client);
    assert_eq!((end.code, end.clean), (1005, true));
}

#[test]
fn messages_around_a_close_frame_in_one_read() {
    let mut sim = Sim::new();
    let mut client = sim.open();
    let three = [text("1"), text("2"), text("3")].concat();
    client.push(&[&three[..], &close(1000), &three, &close(1001)].concat());
    sim.settle();
    let expected = ["1", "2", "3"].map(Frame::text);
    let frames = client.frames();
    assert_eq!(frames[..3], expected);
    assert_eq!(frames[3..], [Frame::close(1000, "")]);
    assert_eq!(sim.probe().messages.len(), 3);
    client.conn.end();
    sim.settle();
    assert_eq!(end_of(&mut sim, &client).code, 1000);
}

/// Shows 6455-7.1.4-01 6455-7.1.5-03.
#[test]
fn an_end_without_a_close_frame() {
    let mut sim = Sim::new();
    let client = sim.open();
    client.conn.end();
    sim.settle();
    let end = end_of(&mut sim, &client);
    assert_eq!((end.code, end.clean), (1006, false));
}

#[test]
fn an_end_behind_data_delivers_the_data_first() {
    let mut sim = Sim::new();
    let mut client = sim.open();
    client.push(&[text("1"), text("2"), text("3")].concat());
    client.conn.end();
    sim.settle();
    assert_eq!(client.frames(), ["1", "2", "3"].map(Frame::text));
    assert_eq!(end_of(&mut sim, &client).code, 1006);
}

#[test]
fn an_end_behind_megabytes_delivers_them_first() {
    let mut sim = Sim::new();
    let client = sim.open();
    client.push(&binary(&[1; 1000]).repeat(3000));
    client.conn.end();
    sim.settle();
    assert_eq!(sim.probe().messages.len(), 3000);
    assert_eq!(client.conn.take_sent().len(), 3000 * 1004);
    assert_eq!(end_of(&mut sim, &client).code, 1006);
}

#[test]
fn a_reset_behind_data_delivers_the_data_first() {
    for error in [Errno::CONNRESET, Errno::TIMEDOUT, Errno::HOSTUNREACH] {
        let mut sim = Sim::new();
        let client = sim.open();
        client.push(&text("!all last words"));
        client.conn.reset(error);
        sim.settle();
        assert_eq!(sim.probe().messages.len(), 1);
        assert_eq!(end_of(&mut sim, &client).code, 1006);
    }
}

#[test]
fn a_reset_while_output_waits() {
    let mut sim = Sim::new();
    let client = sim.open();
    client.conn.set_window(10);
    client.push(&binary(&[1; 50_000]));
    sim.settle();
    client.conn.reset(Errno::CONNRESET);
    sim.settle();
    assert_eq!(end_of(&mut sim, &client).code, 1006);
}

#[test]
fn sending_fails() {
    for error in [Errno::PIPE, Errno::CONNRESET] {
        let mut sim = Sim::new();
        let client = sim.open();
        let mut other = sim.open();
        client.conn.queue_send_fault(error);
        client.push(&text("hello"));
        sim.settle();
        assert!(client.conn.is_closed());
        other.assert_echoes(&mut sim);
        assert_eq!(sim.only_end().code, 1006);
    }
}

// --- violations ---

/// Shows 6455-7.1.7-03 6455-10.7-03 6455-7.1.1-01.
#[test]
fn a_violation_is_answered_and_what_follows_is_discarded() {
    let mut sim = Sim::new();
    let mut client = sim.open();
    client.push(&[text("before"), frame(FIN | 0x3, b"?"), text("after")].concat());
    sim.settle();
    let frames = client.frames();
    assert_eq!(frames[0], Frame::text("before"));
    assert_eq!(frames[1].close_code(), Some(1002));
    assert_eq!(frames.len(), 2);
    // Written, then half-closed; what still arrives is received and dropped, so that no reset overtakes the frame.
    assert!(client.conn.is_finished() && !client.conn.is_closed());
    for _ in 0..10 {
        client.push(&text("more").repeat(1000));
        sim.settle();
        assert_eq!(client.conn.unreceived(), 0);
    }
    client.conn.end();
    sim.settle();
    assert!(client.frames().is_empty());
    assert_eq!(sim.probe().messages.len(), 1);
    assert!(!client.conn.is_aborted());
    let end = end_of(&mut sim, &client);
    assert_eq!((end.code, end.clean), (1006, false));
    assert!(end.violation.is_some());
}

/// Shows 6455-7.1.7-03 6455-7.1.7-04 6455-10.7-03.
#[test]
fn each_violation_has_its_code() {
    let unmasked = vec![0x81, 0x01, b'x'];
    let oversized = head(FIN | TEXT, (1 << 20) + 1);
    let cases = [
        (unmasked, 1002),
        (ping(&[0; 126]), 1002),
        (frame(FIN | TEXT, b"\xFF"), 1007),
        (oversized, 1009),
        (frame(FIN | 0x8, b"\x03"), 1002),
        (frame(FIN | 0x8, b"\x03\xED"), 1002),
    ];
    for (bytes, code) in cases {
        let mut sim = Sim::new();
        let mut client = sim.open();
        let mut other = sim.open();
        client.push(&bytes);
        sim.settle();
        let frame = client.frame();
        assert_eq!(frame.close_code(), Some(code), "{bytes:x?}");
        let end = sim.only_end();
        let close_code = end.violation.map(Violation::close_code);
        assert_eq!(close_code.map(|code| code.get()), Some(code));
        other.assert_echoes(&mut sim);
    }
}

// --- endings by us ---

/// Shows 6455-7.3-01 6455-7.3-03.
#[test]
fn our_close_is_answered() {
    let mut sim = Sim::new();
    let mut client = sim.open();
    client.push(&[text("!close done"), text("unheard")].concat());
    sim.settle();
    assert_eq!(client.frame(), Frame::close(1000, "done"));
    assert_eq!(sim.probe().messages.len(), 1);
    assert!(sim.probe().ends.is_empty(), "the peer has not answered");
    client.push(&close(1000));
    sim.settle();
    assert!(client.conn.is_finished());
    client.conn.end();
    sim.settle();
    let end = end_of(&mut sim, &client);
    assert_eq!((end.code, end.clean), (1000, true));
    assert!(client.frames().is_empty());
}

/// Shows 6455-1.4-02 6455-5.5.1-20.
#[test]
fn both_close_at_once() {
    let mut sim = Sim::new();
    let mut client = sim.open();
    client.push(&[text("!close ours"), close(1001)].concat());
    sim.settle();
    assert_eq!(client.frame(), Frame::close(1000, "ours"));
    client.conn.end();
    sim.settle();
    let end = end_of(&mut sim, &client);
    assert_eq!((end.code, end.clean), (1001, true));
}

/// Shows 6455-5.5.1-07.
#[test]
fn nothing_follows_our_close_frame() {
    let mut sim = Sim::new();
    let mut client = sim.open();
    let mut other = sim.open();
    client.push(&text("!after-close"));
    sim.settle();
    // Neither what was sent after it, nor what it said to everybody.
    assert_eq!(client.frame(), Frame::close(1000, ""));
    assert_eq!(sim.probe().refused_sends, 1);
    assert_eq!(other.frame(), Frame::text("to the others"));
}

// --- panics ---

#[test]
fn a_handler_that_panics_costs_its_own_connection() {
    let mut sim = Sim::new();
    let mut client = sim.open();
    let mut other = sim.open();
    client.push(&[text("first"), text("!panic"), text("unheard")].concat());
    sim.settle();
    assert_eq!(
        client.frames(),
        [Frame::text("first"), Frame::close(1011, "")]
    );
    other.assert_echoes(&mut sim);
    client.close_in_order(&mut sim, 1011);
    let end = sim.only_end();
    assert_eq!((end.code, end.clean), (1011, true));
    sim.open().assert_echoes(&mut sim);
}

#[test]
fn what_was_read_together_with_a_panic_is_still_looked_at() {
    let mut sim = Sim::new();
    let mut client = sim.open();
    client.push(&[text("!panic"), text("unheard"), close(1000)].concat());
    sim.settle();
    assert_eq!(client.frame(), Frame::close(1011, ""));
    assert!(client.conn.is_finished(), "the peer's Close frame is there");
    let end = sim.only_end();
    assert_eq!((end.code, end.clean), (1000, true));
}

#[test]
fn a_panic_over_the_request() {
    let mut sim = Sim::new();
    let mut other = sim.open();
    sim.probe().panic_on_request = true;
    let mut client = sim.connect();
    client.push(&[REQUEST, &text("hello")].concat());
    sim.settle();
    let answer = client.head();
    assert!(answer.starts_with("HTTP/1.1 500 "), "{answer}");
    assert!(answer.contains("\r\nConnection: close\r\n"), "{answer}");
    // The body that was announced, and no frame behind it, now or when time is up.
    let body = String::from_utf8(client.bytes.clone()).expect("text");
    let announced = format!("\r\nContent-Length: {}\r\n", body.len());
    assert!(answer.contains(&announced), "{answer}{body}");
    assert!(client.conn.is_finished());
    sim.run_for(secs(10));
    assert!(client.conn.is_closed() && client.conn.take_sent().is_empty());
    assert_eq!(sim.probe().opened.len(), 1);
    assert!(sim.probe().ends.is_empty() && sim.probe().messages.is_empty());
    sim.probe().panic_on_request = false;
    other.assert_echoes(&mut sim);
    sim.open().assert_echoes(&mut sim);
}

#[test]
fn a_panic_at_the_beginning() {
    let mut sim = Sim::new();
    sim.probe().panic_on_open = true;
    let mut client = sim.connect();
    client.push(&[REQUEST, &text("hello")].concat());
    sim.settle();
    assert!(client.head().starts_with("HTTP/1.1 101 "));
    assert_eq!(client.frame(), Frame::close(1011, ""));
    client.close_in_order(&mut sim, 1011);
    // It never began for the handler, so it does not end either.
    assert!(sim.probe().ends.is_empty() && sim.probe().messages.is_empty());
    sim.probe().panic_on_open = false;
    sim.open().assert_echoes(&mut sim);
}

#[test]
fn a_panic_at_the_end() {
    // Told in the middle of frames, and told when the stream is gone.
    for bytes in [close(1000), Vec::new(), ping(&[0; 126]), text("!panic")] {
        let mut sim = Sim::new();
        let mut other = sim.open();
        let client = sim.open();
        sim.probe().panic_on_close = true;
        client.push(&bytes);
        client.conn.end();
        sim.settle();
        sim.probe().panic_on_close = false;
        assert!(client.conn.is_closed());
        other.assert_echoes(&mut sim);
        assert_eq!(sim.only_end().id, sim.probe().opened[1]);
    }
}

// --- requests ---

#[test]
fn a_refused_request_is_nobodys_connection() {
    let mut sim = Sim::new();
    let mut client = sim.connect();
    client.push(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n");
    client.push(&text("never a frame"));
    sim.settle();
    let answer = client.head();
    assert!(answer.starts_with("HTTP/1.1 4"), "{answer}");
    assert!(
        answer.contains("\r\nConnection: Upgrade, close\r\n"),
        "{answer}"
    );
    assert!(client.conn.is_finished() && !client.conn.is_closed());
    client.push(REQUEST);
    sim.settle();
    assert_eq!(client.conn.unreceived(), 0);
    client.conn.end();
    sim.settle();
    assert!(client.conn.is_closed() && !client.conn.is_aborted());
    assert!(sim.probe().opened.is_empty() && sim.probe().ends.is_empty());
}

#[test]
fn an_end_before_or_within_the_request() {
    for request in [&[], &REQUEST[..50]] {
        let mut sim = Sim::new();
        let client = sim.connect();
        client.push(request);
        client.conn.end();
        sim.settle();
        assert!(client.conn.is_closed());
        assert!(client.conn.take_sent().is_empty());
        assert!(sim.probe().opened.is_empty() && sim.probe().ends.is_empty());
    }
}

#[test]
fn an_end_right_behind_the_request() {
    let mut sim = Sim::new();
    let mut client = sim.connect();
    client.push(REQUEST);
    client.conn.end();
    sim.settle();
    assert!(client.head().starts_with("HTTP/1.1 101 "));
    assert_eq!(end_of(&mut sim, &client).code, 1006);
}

/// Shows 6455-4.2.2-27.
#[test]
fn bytes_behind_the_request_are_the_first_frames() {
    let bytes = [REQUEST, &text("early"), &text("bird")].concat();
    for piece in 1..=bytes.len() {
        let mut sim = Sim::new();
        let mut client = sim.connect();
        sim.settle();
        client.conn.push_in_pieces(&bytes, piece);
        sim.settle();
        assert!(client.head().starts_with("HTTP/1.1 101 "));
        let expected = ["early", "bird"].map(Frame::text);
        assert_eq!(client.frames(), expected, "pieces of {piece}");
    }
}
