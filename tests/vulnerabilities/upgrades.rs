//! What is an upgrade and what is none (V55 to V58 and V61).

use crate::routing::{CONNECTION, GET, HOST, KEY, UPGRADE, VERSION, judged};
use sockeye::proto::handshake::server::{Request, parse};
use sockeye::proto::handshake::{Accept, HandshakeError, HeadLimits};

/// CVE-2026-59898: an upgrade was made of what a proxy took for plain HTTP, for its method, version, `Upgrade` or
/// `Connection`. Here each of these must hold.
#[test]
fn v55_what_is_no_upgrade_to_a_proxy_is_one_to_us() {
    use HandshakeError as E;
    let all = [HOST, UPGRADE, CONNECTION, KEY, VERSION];
    assert_eq!(judged(GET, &all), Ok(()));
    for (line, error) in [
        ("POST / HTTP/1.1", E::Method),
        ("CONNECT / HTTP/1.1", E::Method),
        ("get / HTTP/1.1", E::Method),
        ("GET / HTTP/1.0", E::HttpVersion),
        ("GET / HTTP/1.2", E::HttpVersion),
        ("GET / HTTP/2.0", E::HttpVersion),
    ] {
        assert_eq!(judged(line, &all), Err(error), "{line}");
    }
    let missing = [
        E::HostMissing,
        E::Upgrade,
        E::Connection,
        E::KeyMissing,
        E::Version,
    ];
    for (at, error) in missing.into_iter().enumerate() {
        let left = [&all[..at], &all[at + 1..]].concat();
        assert_eq!(judged(GET, &left), Err(error));
    }
}

/// A peer's server looked at nothing but the length of the key. Here 24 letters alone are no upgrade, and of a good
/// request they must be 16 bytes.
#[test]
fn v56_a_key_of_24_letters_is_an_upgrade() {
    use HandshakeError as E;
    assert_eq!(judged(GET, &[HOST, KEY]), Err(E::Upgrade));
    assert_eq!(judged(GET, &[HOST, UPGRADE, KEY]), Err(E::Connection));
    assert_eq!(
        judged(GET, &[HOST, CONNECTION, KEY, VERSION]),
        Err(E::Upgrade)
    );
    for key in [
        "aaaaaaaaaaaaaaaaaaaaaaaa",
        "dGhlIHNhbXBsZSBub25jZQ=A",
        "dGhlIHNhbXBsZSBub25jZ===",
        "dGhlIHNhbXBsZSBub25j Q==",
        "dGhlIHNhbXBsZSBub25-ZQ==",
        "\"GhlIHNhbXBsZSBub25jZQ=\"",
    ] {
        assert_eq!(key.len(), 24);
        let line = format!("Sec-WebSocket-Key: {key}\r\n");
        let found = judged(GET, &[HOST, UPGRADE, CONNECTION, &line, VERSION]);
        assert_eq!(found, Err(E::KeyInvalid), "{key}");
    }
}

/// A peer's server looked for a word anywhere in the header. Here it is one of a list, whole.
#[test]
fn v57_a_word_is_found_in_another() {
    use HandshakeError as E;
    for value in [
        "notwebsocket",
        "websocketx",
        "web socket",
        "websocket/",
        "h2c;websocket",
        "\"websocket\"",
        "x-websocket",
        "websocket;q=1",
    ] {
        let line = format!("Upgrade: {value}\r\n");
        let found = judged(GET, &[HOST, &line, CONNECTION, KEY, VERSION]);
        assert_eq!(found, Err(E::Upgrade), "{value}");
    }
    for value in [
        "xupgrade",
        "upgraded",
        "close",
        "no-upgrade",
        "upgrade;x",
        "\"upgrade\"",
        "up grade",
    ] {
        let line = format!("Connection: {value}\r\n");
        let found = judged(GET, &[HOST, UPGRADE, &line, KEY, VERSION]);
        assert_eq!(found, Err(E::Connection), "{value}");
    }
    for (upgrade, connection) in [
        ("WebSocket", "keep-alive, UPGRADE"),
        ("h2c ,\twebsocket", ",upgrade ,"),
    ] {
        let lines = [
            format!("Upgrade: {upgrade}\r\n"),
            format!("Connection: {connection}\r\n"),
        ];
        assert_eq!(
            judged(GET, &[HOST, &lines[0], &lines[1], KEY, VERSION]),
            Ok(())
        );
    }
}

/// Three peers' servers asked for key and version alone. Here that is no upgrade, and answered as such.
#[test]
fn v58_key_and_version_are_an_upgrade() {
    use HandshakeError as E;
    assert_eq!(judged(GET, &[HOST, KEY, VERSION]), Err(E::Upgrade));
    assert_eq!(E::Upgrade.status(), 426);
    for (lines, error) in [
        ([HOST, KEY, VERSION, "Connection: close\r\n"], E::Upgrade),
        (
            [HOST, KEY, VERSION, "Connection: keep-alive\r\n"],
            E::Upgrade,
        ),
        ([HOST, KEY, VERSION, UPGRADE], E::Connection),
    ] {
        assert_eq!(judged(GET, &lines), Err(error), "{lines:?}");
    }
}

/// CVE-2026-88008 and others, of proxies: another protocol was upgraded to, and headers that `Connection` names went on.
/// Here there is one protocol, and the answer has its own headers and no others.
#[test]
fn v61_another_protocol_is_upgraded_to() {
    for other in ["h2c", "HTTP/2.0", "TLS/1.0", "websocket2", "h2c, HTTP/2.0"] {
        let line = format!("Upgrade: {other}\r\n");
        let found = judged(GET, &[HOST, &line, CONNECTION, KEY, VERSION]);
        assert_eq!(found, Err(HandshakeError::Upgrade), "{other}");
    }
    let head = [
        GET,
        "\r\n",
        HOST,
        "Upgrade: h2c, websocket\r\n",
        "Connection: Upgrade, HTTP2-Settings, x-internal-auth\r\n",
        "HTTP2-Settings: AAMAAABk\r\nx-internal-auth: root\r\n",
        KEY,
        VERSION,
        "\r\n",
    ]
    .concat();
    let request: Request<'_> = parse(head.as_bytes(), HeadLimits::default()).unwrap();
    let mut out = Vec::new();
    Accept::new(&request).write(&mut out).unwrap();
    assert_eq!(
        String::from_utf8(out).unwrap(),
        "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
        Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n"
    );
}
