//! What a client asks, byte for byte, and what it never asks: settings that are wrong are refused before there is a stream.

use crate::harness::{Sim, Told, to};
use crate::sim::random;
use sockeye::client::{ConfigError, Connector, Proxy, Reconnect};
use sockeye::proto::deflate::Policy;
use std::collections::HashSet;

/// What a server reads of a request: the start line, and the fields in order.
fn asked(connector: &Connector) -> (String, Vec<(String, String)>) {
    let mut sim = Sim::new();
    for name in ["h", "example.com", "xn--bcher-kva.example"] {
        let there = crate::sim::Resolution::After(crate::harness::ms(0), vec!["10.0.0.1"]);
        sim.net.name(name, [there]);
    }
    sim.dial(connector);
    sim.settle();
    let bytes = sim.server().conn.take_sent();
    // 6455-4.1-21: a head and nothing else, in lines that all end by CR LF and begin with no whitespace.
    let text = String::from_utf8(bytes).unwrap();
    let head = text
        .strip_suffix("\r\n\r\n")
        .expect("an end and nothing behind it");
    let mut lines = head.split("\r\n");
    let start = lines.next().unwrap().to_owned();
    let fields = lines.map(|line| {
        assert!(!line.is_empty() && !line.starts_with([' ', '\t']), "{text}");
        assert!(!line.contains(['\r', '\n', '\0']), "{text}");
        let (name, value) = line.split_once(": ").expect("a field");
        (name.to_owned(), value.to_owned())
    });
    (start, fields.collect())
}

/// The values of a field.
fn values<'f>(fields: &'f [(String, String)], name: &str) -> Vec<&'f str> {
    let with_name = fields
        .iter()
        .filter(|(other, _)| other.eq_ignore_ascii_case(name));
    with_name.map(|(_, value)| value.as_str()).collect()
}

/// What every request has, once.
/// Shows 6455-4.1-20 6455-4.1-21 6455-4.1-23 6455-4.1-24 6455-4.1-27 6455-4.1-28 6455-4.1-29 6455-4.1-30 6455-4.1-31.
/// Shows 6455-4.1-32 6455-4.1-37 6455-4.1-38 9110-5.3-02 9110-7.2-01 9110-7.8-07 9112-2.2-03 9112-5.2-01.
/// Shows 6455-11.3.1-01 6455-11.3.5-02.
#[test]
fn a_request_is_what_the_rfc_wants() {
    let (start, fields) = asked(&to("ws://10.0.0.1/chat?room=1"));
    assert_eq!(start, "GET /chat?room=1 HTTP/1.1");
    for (name, value) in [
        ("Host", "10.0.0.1"),
        ("Upgrade", "websocket"),
        ("Connection", "Upgrade"),
        ("Sec-WebSocket-Version", "13"),
    ] {
        assert_eq!(values(&fields, name), [value]);
    }
    let [key] = values(&fields, "Sec-WebSocket-Key")[..] else {
        panic!("one key: {fields:?}");
    };
    assert_eq!(decoded(key).len(), 16);
    // 6455-4.1-35, -39, -42: what may be there is not, unless it is asked for.
    for name in [
        "Origin",
        "Sec-WebSocket-Protocol",
        "Sec-WebSocket-Extensions",
        "Cookie",
    ] {
        assert_eq!(values(&fields, name), [""; 0], "{name}");
    }
}

/// Shows 6455-3-05 6455-4.1-25 6455-4.1-26 6455-11.1.1-01 9112-3.2-01.
#[test]
fn hosts_ports_and_targets_are_those_of_the_url() {
    let rows = [
        ("ws://h/", "h", "/"),
        ("ws://h:80/", "h", "/"),
        ("ws://h:8080/", "h:8080", "/"),
        ("ws://h:443/x", "h:443", "/x"),
        ("ws://EXAMPLE.com", "example.com", "/"),
        ("ws://bücher.example/", "xn--bcher-kva.example", "/"),
        (
            "ws://[::1]:9/a/../b%2e?q?=%zz",
            "[::1]:9",
            "/a/../b%2e?q?=%zz",
        ),
        ("ws://[::1]/", "[::1]", "/"),
        ("ws+unix:/run/s.sock:/t?q", "localhost", "/t?q"),
        ("ws://h?only=query", "h", "/?only=query"),
        ("ws://user:pw@h/", "h", "/"),
    ];
    for (url, host, target) in rows {
        let (start, fields) = asked(&to(url));
        assert_eq!(start, format!("GET {target} HTTP/1.1"), "{url}");
        assert_eq!(values(&fields, "Host"), [host], "{url}");
    }
}

/// Shows 6455-4.1-35 6455-4.1-39 6455-4.1-42 6455-4.1-43 6455-9-01 9110-5.6.1.1-01.
#[test]
fn what_may_be_added_is_sent_as_it_was_given() {
    let connector = to("ws://h/")
        .protocols(["chat", "Chat", "superchat"])
        .origin("https://example.com")
        .header("X-One", "1")
        .header("X-One", "2")
        .cookie("a", "b")
        .cookie("c", "d")
        .basic_auth("Aladdin", "open sesame")
        .user_agent("me/1")
        .deflate(Policy::default());
    let (_, fields) = asked(&connector);
    for (name, want) in [
        ("Sec-WebSocket-Protocol", &["chat, Chat, superchat"][..]),
        ("Origin", &["https://example.com"]),
        ("X-One", &["1", "2"]),
        ("Cookie", &["a=b; c=d"]),
        ("Authorization", &["Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ=="]),
        ("User-Agent", &["me/1"]),
    ] {
        assert_eq!(values(&fields, name), want, "{name}");
    }
    let extensions = values(&fields, "Sec-WebSocket-Extensions");
    assert!(
        extensions[0].starts_with("permessage-deflate"),
        "{extensions:?}"
    );
}

/// K15: keys are fresh bytes of the system's, and masks are others.
/// Shows 6455-4.1-32 6455-4.1-33 6455-5.3-04 6455-5.3-05.
#[test]
fn keys_and_masks_are_fresh_random_bytes() {
    let mut sim = Sim::new();
    random::record();
    let mut keys = HashSet::new();
    let mut used: Vec<Vec<u8>> = Vec::new();
    for _ in 0..300 {
        sim.dial(&to("ws://10.0.0.1/"));
        sim.settle();
        let mut server = sim.server();
        let request = server.request();
        let (_, rest) = request.split_once("Sec-WebSocket-Key: ").unwrap();
        let key = rest.split("\r\n").next().unwrap();
        assert!(
            "AQgw".contains(&key[21..22]) && key.ends_with("=="),
            "{key}"
        );
        assert!(keys.insert(key.to_owned()), "a key twice");
        used.push(decoded(key));
        server.push(&crate::harness::answer(&request));
        server.push(&crate::harness::text("!echo x"));
        sim.settle();
        let sent = server.conn.take_sent();
        used.push(sent[2..6].to_vec());
    }
    // Nothing is used twice: each stands behind the one before in what the system gave.
    let given = random::given();
    let mut at = 0;
    for bytes in used {
        let found = given[at..]
            .windows(bytes.len())
            .position(|window| window == bytes);
        at += found.expect("it came from the system") + bytes.len();
    }
}

/// K05: what cannot be sent is an error, and nobody is asked or connected to.
/// Shows 6455-4.1-05 6455-4.1-22 6455-4.1-40 6455-4.1-41 6455-4.1-43.
#[test]
fn what_is_wrong_is_refused_before_anything_happens() {
    let h = || to("ws://h/");
    let evil = ["a\r\nX: y", "a\nb", "a\rb", "a\0b", "caf\u{e9}\u{7f}"];
    let mut wrong = Vec::new();
    for text in evil {
        wrong.push(h().header("X", text));
        wrong.push(h().header(text, "x"));
        wrong.push(h().protocols([text]));
        wrong.push(h().origin(text));
        wrong.push(h().user_agent(text));
        wrong.push(h().cookie("a", text));
        wrong.push(h().cookie(text, "a"));
        wrong.push(h().bearer_auth(text));
        wrong.push(h().basic_auth("user", text));
        for url in [
            format!("ws://h/{text}"),
            format!("ws://h{text}/"),
            format!("ws://{text}@h/"),
        ] {
            // What is no ASCII may be escaped; what is a control byte may not.
            let parsed = Connector::new(&url);
            assert!(parsed.is_err() || text.starts_with("caf"), "{url:?}");
        }
    }
    for protocol in ["", "a b", "a,b", "a/b", "caf\u{e9}"] {
        wrong.push(h().protocols([protocol]));
    }
    wrong.push(h().protocols(["chat", "chat"]));
    wrong.push(h().require_protocol());
    for name in [
        "Host",
        "upgrade",
        "Connection",
        "Sec-WebSocket-Key",
        "sec-websocket-version",
        "Origin",
        "Sec-WebSocket-Protocol",
        "Sec-WebSocket-Extensions",
        "Content-Length",
        "Transfer-Encoding",
        "X ",
        "X:",
        "",
        "Expect",
    ] {
        wrong.push(h().header(name, "x"));
    }
    wrong.push(h().header("Cookie", "x").cookie("a", "b"));
    wrong.push(h().header("authorization", "x").bearer_auth("x"));
    wrong.push(h().proxy(Proxy::from_variables(|_| Some("https://p".into()))));
    let mut sim = Sim::new();
    for connector in wrong {
        for connector in [connector.clone(), connector.reconnect(Reconnect::default())] {
            let refused = sim.client.connect(&connector, 7);
            assert!(refused.is_err(), "{connector:?}");
            sim.settle();
        }
    }
    assert!(sim.net.dialed().is_empty() && sim.net.asked().is_empty());
    assert!(sim.told().is_empty());
    sim.assert_idle();
}

/// A handler has nowhere to be given an error, so it is told.
#[test]
fn a_handler_that_dials_with_a_wrong_setting_is_told() {
    let mut sim = Sim::new();
    let server = sim.open();
    sim.probe().dials = Some((to("ws://h/").header("X", "a\nb"), 8));
    server.push(&crate::harness::text("!dial"));
    sim.settle();
    let told = sim.take_told();
    assert!(
        matches!(&told[..], [Told::Text(7, _), Told::Failed(8, error)] if error.starts_with("Config(Header")),
        "{told:?}"
    );
    assert_eq!(sim.net.dialed().len(), 1);
    assert!(matches!(
        sim.client.connect(&to("ws://h/").origin("x y"), 1),
        Err(ConfigError::Origin)
    ));
}

/// Base64 without care for what is no base64.
fn decoded(text: &str) -> Vec<u8> {
    const DIGITS: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let (mut bits, mut count, mut out) = (0_u32, 0, Vec::new());
    for byte in text.bytes().filter(|byte| *byte != b'=') {
        let digit = DIGITS
            .iter()
            .position(|digit| *digit == byte)
            .expect("a digit");
        (bits, count) = (bits << 6 | digit as u32, count + 6);
        if count >= 8 {
            count -= 8;
            out.push((bits >> count) as u8);
        }
    }
    out
}
