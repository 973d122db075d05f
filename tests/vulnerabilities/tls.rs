//! TLS, and whom a client trusts (V90 and V96 to V101).

/// CVE-2026-42498: a client followed a redirect and took its password along, to whoever it led to. Here nobody is
/// followed unless that is asked for, and secrets stay with the host they are for.
#[cfg(feature = "client")]
#[test]
fn v97_a_redirect_takes_the_password_along() {
    use crate::asking::{Sim, to};
    use crate::sim::Resolution;
    use std::time::Duration;
    let url = "ws://user:pw@10.0.0.1/a";
    let answer = |location: &str| format!("HTTP/1.1 302 x\r\nLocation: {location}\r\n\r\n");
    let mut sim = Sim::new();
    sim.dial(&to(url));
    sim.settle();
    sim.server().push(answer("ws://10.0.0.2/").as_bytes());
    sim.settle();
    sim.server().conn.end();
    sim.settle();
    assert_eq!(sim.net.dialed().len(), 1);
    assert_eq!(sim.only_failure(), "Refused(302)");
    for connector in [
        to(url),
        to("ws://10.0.0.1/").bearer_auth("pw"),
        to("ws://10.0.0.1/").cookie("pw", "pw"),
    ] {
        for (location, keeps) in [
            ("/b", true),
            ("ws://10.0.0.1:80/b", true),
            ("ws://10.0.0.1:81/b", false),
            ("ws://10.0.0.2/b", false),
            ("//10.0.0.2/b", false),
            ("http://10.0.0.1.evil.example/b", false),
            ("ws://10.0.0.1@10.0.0.3/b", false),
        ] {
            let mut sim = Sim::new();
            let resolved = Resolution::After(Duration::ZERO, vec!["10.0.0.9"]);
            sim.net.name("10.0.0.1.evil.example", [resolved]);
            sim.dial(&connector.clone().redirects(1));
            sim.settle();
            let mut first = sim.server();
            let request = first.request();
            assert!(request.contains("Authorization: ") || request.contains("Cookie: "));
            first.push(answer(location).as_bytes());
            sim.settle();
            if sim.net.dialed().len() == 2 {
                let request = sim.server().request();
                let kept = request.contains("Authorization: ") || request.contains("Cookie: ");
                assert_eq!(kept, keeps, "{location}: {request}");
            } else {
                assert!(!keeps, "{location}");
            }
        }
    }
}

#[cfg(all(feature = "tls", feature = "client"))]
mod clients {
    use crate::certs::{Authority, Dir, self_signed, trusting};
    use crate::recorder::{attempt, showing};
    use rcgen::date_time_ymd;
    use sockeye::client::ConnectError;

    /// CVE-2020-11050, CVE-2018-8034, CVE-2020-15133, CVE-2020-15134, RUSTSEC-2016-0002, CVE-2026-50010: a client looked
    /// at no name, or at no certificate. Here it says nothing to one who is not who he should be.
    #[test]
    fn v96_a_client_believes_any_certificate() {
        let authority = Authority::new("the trusted one");
        let dir = Dir::new();
        let trust = trusting(dir.file("ca.pem", &authority.pem));
        let host = "example.test";
        let good = authority.sign(&[host]);
        let (error, heard) = attempt("wss://example.test/", showing(&good), &trust);
        assert!(matches!(error, ConnectError::Refused(_)), "{error}");
        assert!(heard.plain.starts_with(b"GET / "));
        for identity in [
            authority.sign(&["other.test"]),
            authority.sign(&["example.test.evil.test"]),
            authority.sign(&["*.test.example.test"]),
            self_signed(&[host], |_| {}),
            Authority::new("another").sign(&[host]),
            authority.sign_with(&[host], |params| {
                params.not_after = date_time_ymd(2020, 1, 1)
            }),
        ] {
            let (error, heard) = attempt("wss://example.test/", showing(&identity), &trust);
            assert!(matches!(error, ConnectError::Tls(_)), "{error}");
            assert_eq!(heard.plain, b"", "not a byte of HTTP");
        }
    }
}

#[cfg(all(feature = "tls", feature = "server"))]
mod servers {
    use crate::counting;
    use crate::frames::{self, REQUEST};
    use crate::secured::{ALERT, HANDSHAKE, Sim, config_of, record, secs, take_records};
    use crate::sim::Conn;
    use rustls::version::{TLS12, TLS13};

    /// CVE-2026-77358: TLS was gone before the Close frame was written. Here the peer reads that frame, then that TLS ends,
    /// then the end, also where it takes a few bytes at a time.
    #[test]
    fn v90_tls_is_gone_before_the_close_frame() {
        for (last, code) in [
            (frames::close(1000), 1000),
            (b"\x81\x05Hello".to_vec(), 1002),
        ] {
            for step in [usize::MAX, 7] {
                let mut sim = Sim::new();
                let mut peer = sim.open();
                peer.conn.set_window(0);
                peer.write(&last);
                peer.speak();
                sim.settle();
                for _ in 0..100 {
                    peer.conn.set_window(step);
                    sim.settle();
                    peer.hear();
                }
                assert_eq!(peer.error, None);
                let frames = peer.frames();
                assert_eq!(
                    frames.last().and_then(frames::Frame::close_code),
                    Some(code)
                );
                assert!(peer.notified && peer.conn.is_finished());
                peer.conn.end();
                sim.settle();
                assert!(peer.conn.is_closed());
            }
        }
    }

    /// CVE-2024-32650: the end of TLS in the middle of its handshake had a loop wait for what would
    /// never come. Here it costs a look.
    #[test]
    fn v98_an_end_in_the_handshake_is_waited_on_for_ever() {
        let close_notify = record(ALERT, &[1, 0]);
        for hello in [false, true] {
            for count in [1, 5, 100] {
                let mut sim = Sim::new();
                let mut peer = sim.peer();
                if hello {
                    peer.speak();
                }
                peer.conn.push(&close_notify.repeat(count));
                let before = sim.net.calls().work();
                sim.settle();
                let work = sim.net.calls().work() - before;
                assert!(work <= 8, "{work} calls");
                assert!(peer.conn.is_finished() || !hello && count == 1);
                peer.conn.end();
                sim.settle();
                assert!(peer.conn.is_closed());
                sim.open().assert_echoes(&mut sim);
            }
        }
    }

    /// CVE-2024-11738: a greeting in many records ended the process. Here it is put together, or refused.
    #[test]
    fn v99_a_greeting_in_many_records_ends_the_process() {
        for versions in [[&TLS13], [&TLS12]] {
            for size in [1, 2, 50] {
                let mut sim = Sim::new();
                let mut peer = sim.peer_with(config_of(&sim.authority, &versions));
                let hello = peer.records();
                let [(HANDSHAKE, message)] = &take_records(&hello)[..] else {
                    panic!("not one record");
                };
                for piece in message.chunks(size) {
                    peer.conn.push_in_pieces(&record(HANDSHAKE, piece), 3);
                }
                sim.settle();
                peer.write(REQUEST);
                sim.converse(&mut peer);
                peer.assert_accepted();
                peer.assert_echoes(&mut sim);
            }
        }
    }

    /// CVE-2024-28854: a few connections a second that said nothing were all that a listener could wait for. Here a thousand
    /// of them keep nobody waiting, and are gone after five seconds.
    #[test]
    fn v100_those_who_say_nothing_keep_all_others_waiting() {
        let mut sim = Sim::new();
        let silent: Vec<_> = (0..1000).map(|_| sim.net.connect()).collect();
        sim.settle();
        assert_eq!(sim.net.waiting(), 0, "all are accepted");
        let begin = sim.net.now();
        for _ in 0..5 {
            sim.open().assert_echoes(&mut sim);
        }
        assert_eq!(sim.net.now(), begin, "nobody waited");
        sim.run_until(begin + secs(5) + secs(5) / 500);
        assert!(silent.iter().all(Conn::is_closed));
    }

    /// CVE-2026-45416: buffers for TLS were there before anybody had said anything. Here who is silent costs a place, and
    /// who has said five bytes little more.
    #[test]
    fn v101_there_are_buffers_before_anybody_has_spoken() {
        const COUNT: usize = 500;
        for (said, each) in [(&b""[..], 128), (b"\x16\x03\x01\x02\0", 16 << 10)] {
            let mut sim = Sim::new();
            let connect = |sim: &mut Sim| -> Vec<Conn> {
                let conns: Vec<_> = (0..COUNT).map(|_| sim.net.connect()).collect();
                for conn in &conns {
                    conn.reserve(64);
                    conn.push(said);
                }
                conns
            };
            // The loop's own lists grow first.
            let warm = connect(&mut sim);
            sim.settle();
            sim.run_for(secs(6));
            assert!(warm.iter().all(Conn::is_closed));
            let conns = connect(&mut sim);
            let before = counting::held();
            sim.settle();
            let held = usize::try_from(counting::held() - before).unwrap_or(0);
            assert!(held <= COUNT * each, "{} B for each", held / COUNT);
            drop(conns);
        }
    }
}
