//! Requests as they go out, settings that are refused, and answers.
#![allow(
    clippy::unwrap_used,
    reason = "a test that unwraps a fault fails, as it should"
)]

mod answers;

use super::*;
use crate::client::UrlError;
use alloc::borrow::ToOwned as _;
use alloc::{format, vec};

const NONCE: [u8; 16] = *b"the sample nonce";
/// Without a proxy, whatever the environment of the tests, and without compression.
fn to(url: &str) -> Connector {
    Connector::new(url)
        .unwrap()
        .proxy(Proxy::none())
        .deflate(None)
}

fn request(connector: &Connector) -> Result<String, ConfigError> {
    let mut out = b"before".to_vec();
    let result = connector.request(NONCE, &mut out);
    assert_eq!(connector.check(), result, "to check is to try");
    let text = String::from_utf8(out).unwrap();
    let written = text.strip_prefix("before").unwrap();
    assert!(result.is_ok() || written.is_empty(), "{written}");
    result.map(|()| written.to_owned())
}

/// Shows 6455-4.1-21 6455-4.1-23 6455-4.1-24 6455-4.1-25 6455-4.1-26 6455-4.1-27 6455-4.1-28 6455-4.1-29 6455-4.1-30.
/// Shows 6455-4.1-31 6455-4.1-35 6455-4.1-37 6455-4.1-38 6455-4.1-39 6455-4.1-42 6455-4.1-43 6455-12-01 7692-5-01.
#[test]
fn the_whole_request_goes_out_as_it_was_told() {
    let connector = to("wss://example.com:8443/chat?x=%20")
        .protocols(["v2", "v1"])
        .deflate(Policy::default())
        .origin("https://example.com")
        .bearer_auth("a.b-c_d~e+f/g==")
        .cookie("id", "1")
        .cookie("theme", "\"dark\"")
        .header("X-One", "1")
        .header("x-one", "2\tand caf\u{e9}");
    assert_eq!(
        request(&connector).unwrap(),
        format!(
            "GET /chat?x=%20 HTTP/1.1\r\nHost: example.com:8443\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
             Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\
             Sec-WebSocket-Protocol: v2, v1\r\n\
             Sec-WebSocket-Extensions: permessage-deflate; server_no_context_takeover; \
             client_no_context_takeover; client_max_window_bits\r\n\
             Origin: https://example.com\r\nUser-Agent: sockeye/{}\r\nAuthorization: Bearer a.b-c_d~e+f/g==\r\n\
             Cookie: id=1; theme=\"dark\"\r\nX-One: 1\r\nx-one: 2\tand caf\u{e9}\r\n\r\n",
            env!("CARGO_PKG_VERSION")
        )
    );
}

#[test]
fn where_it_goes_is_in_the_first_two_lines() {
    let rows = [
        ("ws://h", "GET / HTTP/1.1\r\nHost: h\r\n"),
        ("ws://h:80/", "GET / HTTP/1.1\r\nHost: h\r\n"),
        ("wss://h:443/", "GET / HTTP/1.1\r\nHost: h\r\n"),
        ("ws://h:8080/a?b", "GET /a?b HTTP/1.1\r\nHost: h:8080\r\n"),
        ("ws://[::1]:9/", "GET / HTTP/1.1\r\nHost: [::1]:9\r\n"),
        (
            "ws+unix:/run/s:/t",
            "GET /t HTTP/1.1\r\nHost: localhost\r\n",
        ),
        ("ws://h/a b", ""),
    ];
    for (url, lines) in rows {
        match Connector::new(url) {
            Ok(connector) => {
                let text = request(&connector.proxy(Proxy::none())).unwrap();
                assert!(text.starts_with(lines) && !lines.is_empty(), "{text}");
            }
            Err(error) => {
                assert_eq!(error, ConfigError::Url(UrlError::Whitespace));
                assert_eq!(lines, "");
            }
        }
    }
}

/// The lines with which it says who it is.
fn identity(connector: Connector) -> Vec<String> {
    let text = request(&connector).unwrap();
    let names = ["User-Agent: ", "Authorization: ", "Cookie: "];
    text.lines()
        .filter(|line| {
            names
                .iter()
                .any(|name| line.to_lowercase().starts_with(&name.to_lowercase()))
        })
        .map(str::to_owned)
        .collect()
}

#[test]
fn who_asks_is_said_once() {
    let ours = concat!("User-Agent: sockeye/", env!("CARGO_PKG_VERSION"));
    let aladdin = "Authorization: Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ==";
    let rows = [
        (to("ws://h"), vec![ours]),
        (to("ws://h").user_agent("x/1"), vec!["User-Agent: x/1"]),
        (to("ws://h").user_agent(""), vec![]),
        (
            to("ws://h").header("user-agent", "y"),
            vec!["user-agent: y"],
        ),
        (to("ws://Aladdin:open%20sesame@h"), vec![ours, aladdin]),
        (
            to("ws://h").basic_auth("Aladdin", "open sesame"),
            vec![ours, aladdin],
        ),
        (
            to("ws://no:no@h").basic_auth("Aladdin", "open sesame"),
            vec![ours, aladdin],
        ),
        (
            to("ws://no:no@h").bearer_auth("t"),
            vec![ours, "Authorization: Bearer t"],
        ),
        (
            to("ws://h").bearer_auth("t").basic_auth("é", ":"),
            vec![ours, "Authorization: Basic w6k6Og=="],
        ),
        (
            to("ws://h").header("authorization", "Digest x"),
            vec![ours, "authorization: Digest x"],
        ),
        (
            to("ws://h").header("Cookie", "a=b"),
            vec![ours, "Cookie: a=b"],
        ),
        (to("ws://h").cookie("a", ""), vec![ours, "Cookie: a="]),
    ];
    for (connector, lines) in rows {
        assert_eq!(identity(connector), lines);
    }
}

fn header(name: &str, misuse: Misuse) -> ConfigError {
    let name = name.to_owned();
    ConfigError::Header { name, misuse }
}

fn protocol(name: &str, misuse: Misuse) -> ConfigError {
    let name = name.to_owned();
    ConfigError::Protocol { name, misuse }
}

/// Shows 6455-4.1-40 6455-4.1-41 6455-4.1-43.
#[test]
fn every_wrong_setting_is_named() {
    use ConfigError as E;
    let h = || to("ws://h");
    let many = || (0..65).map(|number| format!("p{number}"));
    let rows = [
        (h().header("", "x"), header("", Misuse::HeaderName)),
        (
            h().header("Good", "x").header("B d", "x"),
            header("B d", Misuse::HeaderName),
        ),
        (
            h().header("Host", "x"),
            header("Host", Misuse::HeaderReserved),
        ),
        (
            h().header("origin", "x"),
            header("origin", Misuse::HeaderReserved),
        ),
        (
            h().header("Upgrade", "x"),
            header("Upgrade", Misuse::HeaderReserved),
        ),
        (
            h().header("Connection", "x"),
            header("Connection", Misuse::HeaderReserved),
        ),
        (
            h().header("Expect", "x"),
            header("Expect", Misuse::HeaderReserved),
        ),
        (
            h().header("Content-Length", "0"),
            header("Content-Length", Misuse::HeaderReserved),
        ),
        (
            h().header("Sec-WebSocket-Key", "x"),
            header("Sec-WebSocket-Key", Misuse::HeaderReserved),
        ),
        (
            h().header("A", "1").header("B", "\x07"),
            header("B", Misuse::HeaderValue),
        ),
        (
            h().header("Cookie", "a").header("cookie", "b"),
            E::HeaderRepeated("Cookie"),
        ),
        (
            h().header("Cookie", "a").cookie("b", "c"),
            E::HeaderRepeated("Cookie"),
        ),
        (
            h().header("AUTHORIZATION", "a").bearer_auth("b"),
            E::HeaderRepeated("Authorization"),
        ),
        (
            to("ws://u@h").header("Authorization", "a"),
            E::HeaderRepeated("Authorization"),
        ),
        (
            h().header("User-Agent", "a").user_agent("b"),
            E::HeaderRepeated("User-Agent"),
        ),
        (h().protocols(["a", ""]), protocol("", Misuse::Protocol)),
        (
            h().protocols(["a", "b c"]),
            protocol("b c", Misuse::Protocol),
        ),
        (h().protocols(["a,b"]), protocol("a,b", Misuse::Protocol)),
        (h().protocols(["a/b"]), protocol("a/b", Misuse::Protocol)),
        (
            h().protocols(["caf\u{e9}"]),
            protocol("caf\u{e9}", Misuse::Protocol),
        ),
        (
            h().protocols(["a", "b", "a"]),
            protocol("a", Misuse::ProtocolRepeated),
        ),
        (
            h().protocols(many()),
            protocol("p64", Misuse::ProtocolRepeated),
        ),
        (h().require_protocol(), E::ProtocolsMissing),
        (h().origin("example.com"), E::Origin),
        (h().origin(""), E::Origin),
        (h().basic_auth("a:b", "c"), E::UserColon),
        (to("ws://a%3Ab:c@h"), E::UserColon),
        (h().basic_auth("a", "\u{85}"), E::UserControl),
        (h().bearer_auth(""), E::BearerToken),
        (h().bearer_auth("="), E::BearerToken),
        (h().bearer_auth("a=b"), E::BearerToken),
        (h().bearer_auth("a,b"), E::BearerToken),
        (h().cookie("", "x"), E::CookieName("".into())),
        (h().cookie("a=b", "x"), E::CookieName("a=b".into())),
        (h().cookie("a", "b c"), E::CookieValue("a".into())),
        (h().cookie("a", "b; c=d"), E::CookieValue("a".into())),
        (h().cookie("a", "\"b"), E::CookieValue("a".into())),
        (h().cookie("a", "\""), E::CookieValue("a".into())),
        (h().cookie("a", "caf\u{e9}"), E::CookieValue("a".into())),
    ];
    for (connector, error) in rows {
        assert_eq!(request(&connector), Err(error));
    }
    assert!(request(&h().protocols(["a", "A"])).is_ok());
    assert!(request(&h().protocols(many().take(64))).is_ok());
}

/// CVE-2026-1527 and its kin: nothing of the caller's begins a line of its own.
/// Shows 6455-4.1-22 9112-2.2-03.
#[test]
fn no_setting_smuggles_a_line() {
    for bad in ["\r", "\n", "\r\n", "\0", "\r\nX-Evil: 1", "\x0b", "\x7f"] {
        let text = format!("a{bad}");
        let h = || to("ws://h");
        let refused = [
            h().header(&text, "x"),
            h().header("X", &text),
            h().header("Authorization", &text),
            h().header("Cookie", &text),
            h().header("User-Agent", &text),
            h().origin(format!("https://{text}")),
            h().user_agent(&text),
            h().basic_auth(&text, "x"),
            h().basic_auth("x", &text),
            h().bearer_auth(&text),
            h().cookie(&text, "x"),
            h().cookie("x", &text),
            h().protocols([&text]),
        ];
        for (number, connector) in refused.iter().enumerate() {
            let error = request(connector).unwrap_err();
            // An error is one line as well, whatever was in the names.
            assert!(
                !error.to_string().contains(char::is_control),
                "{number} {error}"
            );
        }
        for url in [
            format!("ws://{text}/"),
            format!("ws://h/{text}"),
            format!("ws://h/?{text}"),
        ] {
            assert_eq!(
                Connector::new(&url).unwrap_err(),
                ConfigError::Url(UrlError::Whitespace)
            );
        }
    }
    for (name, value) in [("a b", "x"), ("a\t", "x"), ("caf\u{e9}", "x")] {
        assert!(request(&to("ws://h").header(name, value)).is_err());
    }
}

#[test]
fn a_proxy_of_the_environment_that_is_wrong_is_found_by_the_check() {
    let wrong = Proxy::from_variables(|name| (name == "all_proxy").then(|| "ftp://p".into()));
    let error = to("ws://h").proxy(wrong).check().unwrap_err();
    assert_eq!(
        error.to_string(),
        "the proxy in all_proxy cannot be used: its scheme must be http, socks5 or socks5h"
    );
}

#[test]
fn secrets_are_not_shown() {
    let connector = to("ws://alice:s3cret@h")
        .bearer_auth("s3cret")
        .cookie("a", "s3cret")
        .header("X", "s3cret")
        .proxy(Proxy::parse("http://alice:s3cret@p").unwrap());
    assert!(!format!("{connector:?}").contains("s3cret"));
    for bad in [
        connector.clone().header("Y\n", "s3cret"),
        connector.clone().cookie("a", "s3cret;"),
    ] {
        let error = bad.check().unwrap_err();
        assert!(
            !format!("{error} {error:?}").contains("s3cret"),
            "{error:?}"
        );
    }
}

#[test]
fn a_clone_is_another_one() {
    let one = to("ws://h");
    let other = one.clone().header("X", "1");
    assert!(!request(&one).unwrap().contains("X: 1"));
    assert!(request(&other).unwrap().contains("X: 1"));
}
