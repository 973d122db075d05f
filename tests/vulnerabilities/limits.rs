//! What the system has only so much of, who may come, and libraries underneath (V103 to V108).

use sockeye::proto::handshake::accept_of;

/// A report of Bun (its number 32705) and others: without a descriptor left, a server asked for the next connection again
/// and again; or, where it is told once, never again. Here it asks twenty times a second, and goes on when there is one.
#[cfg(feature = "server")]
#[test]
fn v103_without_descriptors_the_loop_spins_or_is_silent_for_ever() {
    use crate::harness::{Sim, ms, secs};
    use rustix::io::Errno;
    for error in [Errno::MFILE, Errno::NFILE] {
        let mut sim = Sim::new();
        let mut other = sim.open();
        sim.net.set_accept_error(Some(error));
        let waiting: Vec<_> = (0..5).map(|_| sim.connect()).collect();
        sim.settle();
        let before = sim.net.calls();
        sim.run_for(secs(10));
        let calls = sim.net.calls();
        let accepts = calls.accepts - before.accepts;
        assert!((150..=210).contains(&accepts), "{accepts} in ten seconds");
        assert!(calls.polls - before.polls <= 3 * accepts + 10);
        other.assert_echoes(&mut sim);
        sim.net.set_accept_error(None);
        sim.run_for(ms(60));
        assert!(waiting.iter().all(|client| client.conn.token().is_some()));
    }
}

/// A peer's loop went on reading from one socket as long as there was something. Here a peer that sends as fast as it can
/// is heard within a budget, and another has its answer in each turn.
#[cfg(feature = "server")]
#[test]
fn v104_one_peer_that_sends_fast_holds_the_loop() {
    use crate::frames::{Frame, binary, text};
    use crate::harness::Sim;
    for flood in [binary(b""), binary(&[7; 1000]), binary(&[7; 60_000])] {
        let mut sim = Sim::new();
        let (loud, mut quiet) = (sim.open(), sim.open());
        loud.conn.only_count();
        let flood = flood.repeat((8 << 20) / flood.len());
        for _ in 0..5 {
            loud.push(&flood);
            quiet.push(&text("me too"));
            let before = loud.conn.unreceived();
            sim.turn();
            assert_eq!(quiet.frame(), Frame::text("me too"));
            let received = before - loud.conn.unreceived();
            assert!(received <= 1 << 20, "{received} B in a turn");
        }
    }
}

/// CVE-2021-33880: a password was compared letter by letter, up to the first that was wrong. Here all letters count; that
/// no time tells of them is a library's, and that nothing else compares is looked for in the source.
#[cfg(feature = "app")]
#[test]
fn v105_a_secret_is_compared_up_to_the_first_wrong_letter() {
    use sockeye::app::same;
    let secret = "correct horse battery staple";
    assert!(same(secret, secret) && same("", ""));
    for at in 0..secret.len() {
        let mut other = secret.as_bytes().to_vec();
        other[at] ^= 1;
        assert!(!same(secret, std::str::from_utf8(&other).unwrap()));
        assert!(!same(secret, &secret[..at]) && !same(&secret[..at], secret));
    }
    let source = include_str!("../../src/app/token.rs");
    let body = source.split("pub fn same(").nth(1).unwrap();
    assert!(body.contains(".ct_eq("), "{body}");
    #[cfg(feature = "admin")]
    {
        let gate = include_str!("../../src/app/admin/gate.rs");
        assert!(gate.contains("same(&token, &self.token)"));
        assert!(!gate.contains("token == ") && !gate.contains("token != "));
    }
}

/// CVE-2025-52882, GHSA-p773-8mf4-rjm5 and others: whatever page somebody had open could connect to what
/// ran on their machine. Here a page of another origin is refused, unless the server says otherwise.
#[cfg(feature = "server")]
#[test]
fn v106_a_page_from_elsewhere_connects() {
    use crate::frames::REQUEST;
    use crate::harness::Sim;
    let request = REQUEST.strip_suffix(b"\r\n").unwrap();
    for (origin, status) in [
        ("http://x", 101),
        ("https://x", 101),
        ("http://X", 101),
        ("http://x:80", 101),
        ("null", 403),
        ("http://evil.example", 403),
        ("http://x.evil.example", 403),
        ("http://evilx", 403),
        ("http://x:8080", 403),
        ("http://x@evil.example", 403),
        ("file://", 403),
        ("http://localhost", 403),
        ("http://127.0.0.1", 403),
        ("", 403),
        ("x", 403),
        ("http://x/", 403),
        ("http://x http://x", 403),
        ("chrome-extension://x", 403),
    ] {
        let mut sim = Sim::new();
        // Being of this machine is no credential.
        let from = std::net::SocketAddr::from(([127, 0, 0, 1], 50_000));
        let conn = sim.net.connect_from(sockeye::kernel::PeerAddr::Ip(from));
        let mut client = crate::harness::Client {
            conn,
            bytes: Vec::new(),
        };
        let line = format!("Origin: {origin}\r\n\r\n");
        client.push(&[request, line.as_bytes()].concat());
        sim.settle();
        let head = client.head();
        assert!(
            head.starts_with(&format!("HTTP/1.1 {status} ")),
            "{origin}: {head}"
        );
        assert_eq!(sim.probe().opened.len(), usize::from(status == 101));
    }
}

/// RUSTSEC-2021-0100: a hash was wrong on some processors. Here answers are those that others have computed, for keys
/// whose lengths go across the blocks of the hash.
#[test]
fn v107_the_hash_is_wrong_on_some_machines() {
    let known = [
        (
            &b"dGhlIHNhbXBsZSBub25jZQ=="[..],
            "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=",
        ),
        (b"x3JJHMbDL1EzLkh9GBhXDw==", "HSmrc0sMlYUkAGmm5OPpG2HaGWk="),
    ];
    for (key, accept) in known {
        assert_eq!(accept_of(key), accept.as_bytes());
    }
    for (len, accept) in LENGTHS {
        let key: Vec<u8> = (0..len).map(|at| ((at * 7 + 65) % 26 + 65) as u8).collect();
        assert_eq!(accept_of(&key), accept.as_bytes(), "{len}");
    }
}

/// As Python's `hashlib` and `base64` have them.
const LENGTHS: [(usize, &str); 13] = [
    (0, "Kfh9QIsMVZcl6xEPYxPHzW8SZ8w="),
    (1, "I450xKUV5CNZ9QNG4kA4FZIMtOY="),
    (18, "r55xchMrWTKFTzjBY5zL7nmZGOA="),
    (19, "6HXZHiBXo+Tcg+i/pUAgkuERjyg="),
    (20, "SERPV+Y8y9QaYtaNQRSFhk89WGA="),
    (24, "QYiG1WZCl8hFqw30hmF7DoIyz/Y="),
    (27, "2OSP3Z5C6eztGsMyEFDzkl3FzuA="),
    (28, "w48f0TrKYRqp34M3y8YlRbOzZrY="),
    (29, "lJcX6MLJBhTk3cJKDdNBT8NRG2M="),
    (91, "WFweIzWMlXxMO8dQPTAZikbx5UQ="),
    (92, "XMA0rdvw/ZxPyfssZRTnYN8twsU="),
    (93, "qVcSybtaCjiQ1NFeX2uDqH3esNY="),
    (200, "gr70310i0UL/WdmuJKhwD1DdzWs="),
];

/// RUSTSEC-2020-0123 and others: buffers that nobody had written, or that another had, were read. Here all connections
/// share what they are read into and inflated in, and none finds anything of the others in it.
#[cfg(feature = "server")]
#[test]
fn v108_a_buffer_has_something_of_another_in_it() {
    use crate::deflate_attacks::{filler, reaching_across};
    use crate::frames::{Frame, REQUEST, binary, frame, ping, text};
    use crate::harness::Sim;
    let mut sim = Sim::new();
    let secret = vec![0xE5; 60_000];
    let request = REQUEST.strip_suffix(b"\r\n").unwrap();
    let offer = b"Sec-WebSocket-Extensions: permessage-deflate\r\n\r\n";
    let open = |sim: &mut Sim| {
        let mut client = sim.connect();
        client.push(&[request, offer].concat());
        sim.settle();
        assert!(client.head().contains("permessage-deflate"));
        client
    };
    let [first, second] = reaching_across(30_000);
    let (victim, mut spy) = (open(&mut sim), open(&mut sim));
    for _ in 0..3 {
        victim.push(&[binary(&secret), frame(0xC2, &first)].concat());
        sim.settle();
        for small in [&b""[..], b"x", &[7; 125]] {
            spy.push(&[ping(small), binary(small)].concat());
            sim.settle();
            let answers: Vec<_> = spy
                .frames()
                .into_iter()
                .map(|frame| frame.payload)
                .collect();
            assert_eq!(answers, [small, small]);
        }
        // The first bytes of a message, and those of another behind it.
        spy.push(&text("half")[..7]);
        victim.push(&binary(&filler(1000)));
        sim.settle();
        spy.push(&text("half")[7..]);
        sim.settle();
        assert_eq!(spy.frame(), Frame::text("half"));
    }
    // What the other's message left in the inflater.
    spy.push(&frame(0xC2, &second));
    sim.settle();
    assert_eq!(spy.frame().close_code(), Some(1007));
}
