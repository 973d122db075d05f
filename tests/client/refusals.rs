//! Servers that answer something else, too much, too slowly or not at all: attacks K01, K02 and K06.

use crate::harness::{Server, Sim, ms, secs, to};
use crate::sim::Net;
use sockeye::client::Reconnect;
use std::time::Instant;

const ACCEPTED: usize = 64 << 10;

/// A refusal without an end to its body, whatever it says of its length.
#[test]
fn a_body_is_kept_up_to_64_kib_and_then_nobody_listens() {
    for (status, lines) in [
        ("200 OK", "Content-Length: 1073741824\r\n"),
        ("301 Moved", "Transfer-Encoding: chunked\r\n"),
        ("401 Unauthorized", ""),
        ("407 Proxy", "Content-Length: 18446744073709551615\r\n"),
        ("500 Oops", "Content-Length: 99999999999999999999\r\n"),
    ] {
        let mut sim = Sim::new();
        sim.dial(&to("ws://10.0.0.1/"));
        sim.settle();
        let server = sim.server();
        server.push(format!("HTTP/1.1 {status}\r\n{lines}\r\n").as_bytes());
        if lines.starts_with("Transfer") {
            server.push(b"40000000\r\n");
        }
        let mut sent = 0;
        while !server.conn.is_closed() {
            server.push(&[b'x'; 1000]);
            sent += 1000;
            sim.settle();
            assert!(sent < 200_000, "{status}");
        }
        let kept = sim.probe().refused.take().unwrap().body.len();
        assert!(
            (ACCEPTED - 100..=ACCEPTED).contains(&kept),
            "{status}: {kept}"
        );
        assert!(sent < ACCEPTED + 2000, "{status}: {sent}");
        assert_eq!(
            server
                .conn
                .take_sent()
                .windows(4)
                .filter(|four| four == b"\r\n\r\n")
                .count(),
            1
        );
        assert_eq!(sim.only_failure(), format!("Refused({})", &status[..3]));
        sim.assert_idle();
    }
}

/// All of it at once is no more than one read.
#[test]
fn a_flood_behind_a_refusal_is_read_once() {
    let mut sim = Sim::new();
    sim.dial(&to("ws://10.0.0.1/"));
    sim.settle();
    let server = sim.server();
    server.push(b"HTTP/1.1 500 Oops\r\n\r\n");
    server.push(&vec![b'x'; 16 << 20]);
    sim.settle();
    assert!(server.conn.unreceived() > 15 << 20);
    assert_eq!(sim.only_failure(), "Refused(500)");
    assert_eq!(sim.probe().refused.take().unwrap().body.len(), ACCEPTED);
    sim.assert_idle();
}

/// Bytes that come one by one, from now on.
fn drip(net: &Net, server: &Server, every: u64, bytes: impl Iterator<Item = u8>) {
    for (count, byte) in (1..).zip(bytes) {
        let time = net.now() + ms(every * count);
        server.conn.at(time, move |conn| conn.push(&[byte]));
    }
}

/// Whatever comes, and however slowly: the answer is there in time, or there is none.
#[test]
fn the_answer_has_the_time_for_connecting_and_no_more() {
    let slow_heads: [&[u8]; 5] = [
        b"",
        b"HTTP/1.1 101 Switching Protocols\r\nX: ",
        b"HTTP/1.1 101 Switching Protocols\r\n",
        b"HTTP/1.1 103 Early\r\n\r\n",
        b"H",
    ];
    for (head, timeout) in slow_heads.iter().flat_map(|head| [(head, 10), (head, 3)]) {
        let mut sim = Sim::new();
        sim.dial(&to("ws://10.0.0.1/").connect_timeout(secs(timeout)));
        sim.settle();
        let server = sim.server();
        server.push(head);
        if head.len() > 1 {
            drip(
                &sim.net,
                &server,
                10,
                head.iter().cycle().copied().take(2000),
            );
        }
        if head.ends_with(b"X: ") || head.ends_with(b"Protocols\r\n") {
            // As header lines they go on and on.
            let lines = b"a: b\r\n".iter().cycle().copied().take(200);
            drip(&sim.net, &server, 100, lines);
        }
        sim.run_until(secs(timeout) - ms(1));
        let early = sim.take_told();
        let malformed = !early.is_empty();
        if malformed {
            // The second status line is no header: that may be said earlier.
            assert!(head.len() > 20, "{early:?}");
            continue;
        }
        sim.run_until(secs(timeout) + ms(2));
        assert_eq!(
            sim.only_failure(),
            "Timeout(Handshake)",
            "{}",
            head.escape_ascii()
        );
        assert!(server.conn.is_closed());
        sim.assert_idle();
    }
}

/// 100 lines in a second, each of them right.
#[test]
fn header_lines_without_end_are_ended_by_their_number() {
    let mut sim = Sim::new();
    sim.dial(&to("ws://10.0.0.1/"));
    sim.settle();
    let server = sim.server();
    server.push(b"HTTP/1.1 101 Switching Protocols\r\n");
    for count in 1..=2000 {
        let time = ms(10 * count);
        server.conn.at(time, |conn| conn.push(b"X: y\r\n"));
    }
    sim.run_until(secs(2));
    assert_eq!(sim.only_failure(), "Response(Head(TooManyHeaders))");
    sim.assert_idle();
}

/// A status that came says more than that its body did not.
#[test]
fn a_refusal_whose_body_does_not_end_is_told_in_time() {
    let mut sim = Sim::new();
    sim.dial(&to("ws://10.0.0.1/"));
    sim.settle();
    let server = sim.server();
    server.push(b"HTTP/1.1 401 Unauthorized\r\nWWW-Authenticate: Basic\r\n\r\nwho");
    drip(&sim.net, &server, 100, std::iter::repeat_n(b'?', 300));
    sim.run_until(secs(10) - ms(1));
    assert!(sim.told().is_empty());
    sim.run_until(secs(10) + ms(2));
    assert_eq!(sim.only_failure(), "Refused(401)");
    let refused = sim.probe().refused.take().unwrap();
    assert!(refused.body.starts_with(b"who?????") && refused.body.len() > 90);
    assert_eq!(refused.header("www-authenticate"), Some(&b"Basic"[..]));
    sim.assert_idle();
}

/// RFC 9112 section 6.3: these have no body, so nobody waits for one.
#[test]
fn what_has_no_body_is_told_at_once() {
    for status in ["204 No Content", "304 Not Modified"] {
        let mut sim = Sim::new();
        sim.dial(&to("ws://10.0.0.1/"));
        sim.settle();
        sim.server()
            .push(format!("HTTP/1.1 {status}\r\n\r\n").as_bytes());
        sim.settle();
        assert_eq!(sim.only_failure(), format!("Refused({})", &status[..3]));
        sim.assert_idle();
    }
}

/// What the application says meanwhile waits, or is lost with the attempt.
/// Shows 6455-4.1-44 9110-7.8-09 6455-6.1-02.
#[test]
fn nothing_but_the_request_is_sent_before_the_answer() {
    for answer in [
        &b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"[..],
        b"HTTP/1.1 101 x\r\n\r\n",
    ] {
        let mut sim = Sim::new();
        let link = to("ws://10.0.0.1/").reconnect(Reconnect::default());
        sim.dial(&link);
        sim.client.send(7, "too early").unwrap();
        sim.settle();
        let mut server = sim.server();
        server.request();
        sim.client.send(7, "as well").unwrap();
        sim.run_for(secs(1));
        assert!(server.bytes.is_empty() && server.frames().is_empty());
        server.push(answer);
        sim.settle();
        assert!(server.conn.is_closed());
        assert!(server.conn.take_sent().is_empty());
        assert!(
            !server.conn.is_finished(),
            "nothing is said by an end either"
        );
    }
}

/// K06, CVE-2026-42498.
#[test]
fn redirects_are_followed_where_that_is_wanted_and_secrets_stay_behind() {
    let secretive = to("ws://user:pw@10.0.0.1/a?b")
        .cookie("session", "1")
        .header("X-Kept", "yes")
        .protocols(["chat"]);
    let locations = [
        ("/elsewhere", "10.0.0.1:80", true),
        ("ws://10.0.0.1/elsewhere", "10.0.0.1:80", true),
        ("ws://10.0.0.1:81/elsewhere", "10.0.0.1:81", false),
        ("http://10.0.0.2/elsewhere", "10.0.0.2:80", false),
        ("//10.0.0.3/elsewhere", "10.0.0.3:80", false),
    ];
    for (location, at, keeps) in locations {
        for status in [301, 302, 303, 307, 308] {
            let mut sim = Sim::new();
            sim.dial(&secretive.clone().redirects(1));
            sim.settle();
            let mut first = sim.server();
            assert!(first.request().contains("Authorization: Basic"));
            let answer = format!("HTTP/1.1 {status} x\r\nLocation: {location}\r\n\r\n");
            first.push(answer.as_bytes());
            sim.settle();
            assert!(first.conn.is_closed() && first.conn.take_sent().is_empty());
            assert_eq!(sim.net.dialed()[1].to, at, "{location}");
            let request = sim.server().request();
            assert!(
                request.starts_with("GET /elsewhere HTTP/1.1\r\n"),
                "{request}"
            );
            assert_eq!(request.contains("Authorization"), keeps, "{location}");
            assert_eq!(request.contains("session=1"), keeps, "{location}");
            assert!(request.contains("X-Kept: yes") && request.contains("chat"));
            // No more than that.
            sim.server().push(answer.as_bytes());
            sim.settle();
            assert_eq!(sim.only_failure(), "Redirect(TooMany)");
            sim.assert_idle();
        }
    }
}

/// The whole way has one deadline.
#[test]
fn redirects_do_not_buy_time() {
    let mut sim = Sim::new();
    sim.dial(&to("ws://10.0.0.1/").redirects(255));
    let answer = b"HTTP/1.1 302 x\r\nLocation: /again\r\n\r\n";
    while sim.told().is_empty() {
        sim.run_for(ms(900));
        if sim.told().is_empty() {
            sim.server().push(answer);
            sim.settle();
        }
        assert!(sim.net.now() < secs(11));
    }
    assert_eq!(sim.only_failure(), "Timeout(Handshake)");
    assert_eq!(sim.net.dialed().len(), 12);
    sim.assert_idle();
}

/// Work grows with the bytes, however they come. The dearest body is one of small chunks, byte by byte.
#[test]
fn a_body_that_drips_is_not_read_again_and_again() {
    let drip = |bytes: usize| {
        let mut sim = Sim::new();
        sim.dial(&to("ws://10.0.0.1/"));
        sim.settle();
        let server = sim.server();
        server.push(b"HTTP/1.1 500 Oops\r\nTransfer-Encoding: chunked\r\n\r\n");
        let begin = Instant::now();
        for byte in b"1\r\nx\r\n".iter().cycle().take(bytes) {
            server.push(&[*byte]);
            sim.turn();
        }
        let taken = begin.elapsed();
        server.conn.end();
        sim.settle();
        assert_eq!(sim.probe().refused.take().unwrap().body.len(), bytes / 6);
        taken
    };
    // A machine that does something else now and then is asked again.
    let factor = || drip(60_000).as_secs_f64() / drip(15_000).as_secs_f64();
    assert!((0..5).any(|_| factor() < 8.0), "not linear");
}
