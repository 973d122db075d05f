//! Scripted proxies, whose answers arrive whole, in two pieces at every place, and byte by byte.
#![allow(
    clippy::unwrap_used,
    reason = "a test that unwraps a fault fails, as it should"
)]

use super::*;
use crate::client::Proxy;
use crate::client::Url;
use alloc::string::String;
use alloc::vec;

/// What the tunnel is to say, and what the proxy answers.
type Round<'a> = (&'a [u8], &'a [u8]);

fn tunnel(proxy: &str, url: &str) -> Result<Tunnel, ProxyError> {
    let url = Url::parse(url).unwrap();
    let server = Proxy::parse(proxy).unwrap().for_url(&url).unwrap().unwrap();
    Tunnel::new(&server, url.host(), url.port())
}

/// Every way to split: whole, at each place, and into bytes; empty pieces among them.
fn splits(bytes: &[u8]) -> Vec<Vec<&[u8]>> {
    let mut all = vec![vec![bytes], bytes.chunks(1).collect()];
    all.extend((0..=bytes.len()).map(|at| {
        let (one, two) = bytes.split_at(at);
        vec![one, two]
    }));
    all
}

/// Plays the script with the answer of one round in these pieces, and says how it ends. All pieces are given, even
/// when the tunnel is already open.
fn play(
    mut tunnel: Tunnel,
    script: &[Round<'_>],
    split: usize,
    pieces: &[&[u8]],
) -> Result<Progress, ProxyError> {
    let mut progress = Progress::More;
    for (number, (said, answer)) in script.iter().enumerate() {
        assert_eq!(tunnel.output(), *said, "round {number}");
        assert_eq!(tunnel.output(), b"", "it is said once");
        let whole = [*answer];
        let pieces = if number == split { pieces } else { &whole };
        for piece in pieces {
            let before = progress;
            progress = tunnel.receive(piece)?;
            if let (Progress::Open { consumed }, Progress::More) = (progress, before) {
                assert_eq!(consumed, piece.len());
            }
        }
    }
    Ok(match progress {
        Progress::Open { .. } => Progress::Open { consumed: 0 },
        Progress::More => Progress::More,
    })
}

const OPEN: Result<Progress, ProxyError> = Ok(Progress::Open { consumed: 0 });

#[track_caller]
fn ends(proxy: &str, url: &str, script: &[Round<'_>], end: Result<Progress, ProxyError>) {
    for (number, (_, answer)) in script.iter().enumerate() {
        for pieces in splits(answer) {
            let tunnel = tunnel(proxy, url).unwrap();
            assert_eq!(play(tunnel, script, number, &pieces), end, "{pieces:x?}");
        }
    }
}

const CONNECT: &[u8] = b"CONNECT h:80 HTTP/1.1\r\nHost: h:80\r\n\r\n";

/// Shows 6455-4.1-12.
#[test]
fn connect_is_asked_for_with_host_port_and_credentials() {
    let rows = [
        (
            "http://p",
            "ws://h/",
            "CONNECT h:80 HTTP/1.1\r\nHost: h:80\r\n\r\n",
        ),
        (
            "http://p",
            "wss://h/",
            "CONNECT h:443 HTTP/1.1\r\nHost: h:443\r\n\r\n",
        ),
        (
            "http://p",
            "ws://1.2.3.4:9/",
            "CONNECT 1.2.3.4:9 HTTP/1.1\r\nHost: 1.2.3.4:9\r\n\r\n",
        ),
        (
            "http://p",
            "wss://[::1]/",
            "CONNECT [::1]:443 HTTP/1.1\r\nHost: [::1]:443\r\n\r\n",
        ),
        (
            "http://Aladdin:open%20sesame@p",
            "ws://user:pw@h/",
            "CONNECT h:80 HTTP/1.1\r\nHost: h:80\r\n\
             Proxy-Authorization: Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ==\r\n\r\n",
        ),
    ];
    for (proxy, url, want) in rows {
        let said = tunnel(proxy, url).unwrap().output();
        assert_eq!(String::from_utf8(said).unwrap(), want);
    }
}

/// Shows 6455-4.1-15.
#[test]
fn any_2xx_opens_and_nothing_else_does() {
    let rows: [(&str, Result<Progress, ProxyError>); 19] = [
        ("HTTP/1.1 200 Connection established\r\n\r\n", OPEN),
        ("HTTP/1.0 200 Connection established\r\nX: y\r\n\r\n", OPEN),
        ("HTTP/1.1 200\r\n\r\n", OPEN),
        ("HTTP/1.1 204 No Content\r\n\r\n", OPEN),
        ("HTTP/1.1 299 \r\n\r\n", OPEN),
        ("HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\n\r\n", OPEN),
        ("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n", OPEN),
        (
            "HTTP/1.1 101 Switching Protocols\r\n\r\n",
            Err(ProxyError::Status(101)),
        ),
        (
            "HTTP/1.1 302 Found\r\nLocation: /\r\n\r\n",
            Err(ProxyError::Status(302)),
        ),
        (
            "HTTP/1.1 403 No\r\nContent-Length: 2\r\n\r\nno",
            Err(ProxyError::Status(403)),
        ),
        (
            "HTTP/1.1 502 Bad Gateway\r\n\r\n",
            Err(ProxyError::Status(502)),
        ),
        (
            "HTTP/1.1 407 Log in\r\n\r\n",
            Err(ProxyError::CredentialsMissing),
        ),
        ("HTTP/1.1 200 OK\r\n\r\nH", Err(ProxyError::OutOfTurn)),
        (
            "HTTP/1.1 200 OK\r\n\r\nHTTP/1.1 101 S\r\n\r\n",
            Err(ProxyError::OutOfTurn),
        ),
        (
            "HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\nx",
            Err(ProxyError::OutOfTurn),
        ),
        (
            "HTTP/2.0 200 OK\r\n\r\n",
            Err(ProxyError::Head(HeadError::NotHttp)),
        ),
        ("SSH-2.0-x\r\n", Err(ProxyError::Head(HeadError::NotHttp))),
        (
            "HTTP/1.1 200 OK\n\n",
            Err(ProxyError::Head(HeadError::BareLf)),
        ),
        ("HTTP/1.1 200 OK\r\nX: y\r\n", Ok(Progress::More)),
    ];
    for (answer, end) in rows {
        ends("http://p", "ws://h/", &[(CONNECT, answer.as_bytes())], end);
    }
}

#[test]
fn credentials_that_were_sent_are_refused_and_not_missing() {
    let said = tunnel("http://a:b@p", "ws://h/").unwrap().output();
    let answer = b"HTTP/1.1 407 No\r\n\r\n";
    ends(
        "http://a:b@p",
        "ws://h/",
        &[(&said, answer)],
        Err(ProxyError::CredentialsRefused),
    );
}

#[test]
fn the_head_of_a_proxy_is_bounded() {
    let limit = HeadLimits::default().max_head;
    let head = |len: usize| {
        let mut head = Vec::from(&b"HTTP/1.1 200 OK\r\nX: "[..]);
        head.resize(len - 4, b'x');
        head.extend_from_slice(b"\r\n\r\n");
        head
    };
    for (len, end) in [
        (limit, OPEN),
        (limit + 1, Err(ProxyError::Head(HeadError::TooLarge))),
        (limit * 100, Err(ProxyError::Head(HeadError::TooLarge))),
    ] {
        let head = head(len);
        for size in [1, 7, limit, head.len()] {
            let pieces: Vec<_> = head.chunks(size).collect();
            let tunnel = tunnel("http://p", "ws://h/").unwrap();
            assert_eq!(
                play(tunnel, &[(CONNECT, &[])], 0, &pieces),
                end,
                "{len} {size}"
            );
        }
    }
    // Where a good head is followed by much, it is not too large but out of turn.
    let mut flood = head(limit);
    flood.resize(limit * 100, 0);
    let tunnel = tunnel("http://p", "ws://h/").unwrap();
    assert_eq!(
        play(tunnel, &[(CONNECT, &flood)], 9, &[]),
        Err(ProxyError::OutOfTurn)
    );
}

#[test]
fn a_proxy_that_speaks_before_it_is_asked_is_refused() {
    for proxy in ["http://p", "socks5://p"] {
        let mut tunnel = tunnel(proxy, "ws://h/").unwrap();
        assert_eq!(tunnel.receive(b""), Ok(Progress::More));
        assert_eq!(tunnel.receive(b"\x05"), Err(ProxyError::OutOfTurn));
    }
}

const HELLO: &[u8] = &[5, 1, 0];
const HELLO_OR_LOGIN: &[u8] = &[5, 2, 0, 2];
const LOGIN: &[u8] = b"\x01\x01u\x02pw";
const REQUEST: &[u8] = b"\x05\x01\x00\x03\x01h\x00\x50";
const OPENED: &[u8] = &[5, 0, 0, 1, 10, 0, 0, 1, 0x1f, 0x90];

#[test]
fn socks_opens_with_and_without_a_login() {
    ends(
        "socks5://p",
        "ws://h/",
        &[(HELLO, &[5, 0]), (REQUEST, OPENED)],
        OPEN,
    );
    ends(
        "socks5h://p",
        "ws://h/",
        &[(HELLO, &[5, 0]), (REQUEST, OPENED)],
        OPEN,
    );
    let user = "socks5://u:pw@p";
    ends(
        user,
        "ws://h/",
        &[(HELLO_OR_LOGIN, &[5, 0]), (REQUEST, OPENED)],
        OPEN,
    );
    let script = [
        (HELLO_OR_LOGIN, &[5, 2][..]),
        (LOGIN, &[1, 0]),
        (REQUEST, OPENED),
    ];
    ends(user, "ws://h/", &script, OPEN);
}

#[test]
fn socks_names_every_kind_of_host() {
    let longest = "a.".repeat(126) + "a";
    let mut long = vec![5, 1, 0, 3, 253];
    long.extend_from_slice(longest.as_bytes());
    long.extend_from_slice(&[1, 187]);
    let v6 = "2001:db8::1".parse::<core::net::Ipv6Addr>().unwrap();
    let mut six = vec![5, 1, 0, 4];
    six.extend_from_slice(&v6.octets());
    six.extend_from_slice(&[0x1f, 0x90]);
    let rows = [
        (String::from("ws://h/"), REQUEST),
        (
            String::from("ws://1.2.3.4:9/"),
            &[5, 1, 0, 1, 1, 2, 3, 4, 0, 9],
        ),
        (String::from("ws://[2001:db8::1]:8080/"), &six),
        (String::from("wss://") + &longest, &long),
    ];
    for (url, request) in rows {
        ends(
            "socks5://p",
            &url,
            &[(HELLO, &[5, 0]), (request, OPENED)],
            OPEN,
        );
    }
    let server = Proxy::parse("socks5://p")
        .unwrap()
        .for_url(&Url::parse("ws://h").unwrap());
    let name = "n".repeat(256);
    let error = Tunnel::new(&server.unwrap().unwrap(), Host::Name(&name), 80).unwrap_err();
    assert_eq!(error, ProxyError::NameTooLong);
}

#[test]
fn the_answer_of_socks_may_name_any_address() {
    let mut name = vec![5, 0, 0, 3, 200];
    name.resize(5 + 200 + 2, b'x');
    let mut v6 = vec![5, 0, 0, 4];
    v6.resize(4 + 16 + 2, 0);
    for answer in [OPENED, &[5, 0, 0, 3, 0, 0, 0], &name, &v6] {
        let script = [(HELLO, &[5, 0][..]), (REQUEST, answer)];
        ends("socks5://p", "ws://h/", &script, OPEN);
        let short = [(HELLO, &[5, 0][..]), (REQUEST, &answer[..answer.len() - 1])];
        ends("socks5://p", "ws://h/", &short, Ok(Progress::More));
        let more = [answer, &[0]].concat();
        let script = [(HELLO, &[5, 0][..]), (REQUEST, &more)];
        ends("socks5://p", "ws://h/", &script, Err(ProxyError::OutOfTurn));
    }
}

#[test]
fn every_wrong_answer_of_socks_has_its_error() {
    use ProxyError as E;
    let rows: [(&[u8], E); 9] = [
        (&[4, 0], E::NotSocks5),
        (b"HTTP/1.1 400 Bad Request\r\n", E::NotSocks5),
        (&[5, 0xff], E::CredentialsMissing),
        (&[5, 2], E::MethodNotOffered),
        (&[5, 1], E::MethodNotOffered),
        (&[5, 0, 5], E::OutOfTurn),
        (&[5, 0, 5, 0, 0, 1, 0, 0, 0, 0, 0, 0], E::OutOfTurn),
        (&[0], E::NotSocks5),
        (&[0xff], E::NotSocks5),
    ];
    for (answer, error) in rows {
        ends("socks5://p", "ws://h/", &[(HELLO, answer)], Err(error));
    }
    let user = "socks5://u:pw@p";
    ends(
        user,
        "ws://h/",
        &[(HELLO_OR_LOGIN, &[5, 0xff])],
        Err(E::MethodsRefused),
    );
    ends(
        user,
        "ws://h/",
        &[(HELLO_OR_LOGIN, &[5, 1])],
        Err(E::MethodNotOffered),
    );
    let rows: [(&[u8], E); 4] = [
        (&[1, 1], E::CredentialsRefused),
        (&[1, 0xff], E::CredentialsRefused),
        (&[5, 0], E::NotSocks5),
        (&[1, 0, 5], E::OutOfTurn),
    ];
    for (answer, error) in rows {
        ends(
            user,
            "ws://h/",
            &[(HELLO_OR_LOGIN, &[5, 2]), (LOGIN, answer)],
            Err(error),
        );
    }
    let rows: [(&[u8], E); 4] = [
        (&[4], E::NotSocks5),
        (&[5, 0, 1], E::NotSocks5),
        (&[5, 0, 0, 2], E::NotSocks5),
        (&[5, 5], E::Reply(5)),
    ];
    for (answer, error) in rows {
        ends(
            "socks5://p",
            "ws://h/",
            &[(HELLO, &[5, 0]), (REQUEST, answer)],
            Err(error),
        );
    }
}

#[test]
fn every_reply_code_has_its_sentence() {
    let mut texts: Vec<_> = (1..=9)
        .map(|code| alloc::format!("{}", ProxyError::Reply(code)))
        .collect();
    assert!(texts[8].ends_with(" 9"), "{}", texts[8]);
    for code in 1..=u8::MAX {
        let answer = [5, code, 0, 1, 0, 0, 0, 0, 0, 0];
        let script = [(HELLO, &[5, 0][..]), (REQUEST, &answer)];
        ends(
            "socks5://p",
            "ws://h/",
            &script,
            Err(ProxyError::Reply(code)),
        );
    }
    texts.sort();
    texts.dedup();
    assert_eq!(texts.len(), 9, "{texts:?}");
}
