//! Where redirects lead, and what is sent there.
#![allow(
    clippy::unwrap_used,
    reason = "a test that unwraps a fault fails, as it should"
)]

use super::*;
use crate::client::Proxy;
use crate::proto::handshake::HeadLimits;
use crate::proto::handshake::client::ResponseParser;
use alloc::string::{String, ToString as _};
use alloc::vec::Vec;

fn connector(url: &str) -> Connector {
    let connector = Connector::new(url).unwrap();
    connector.proxy(Proxy::none()).deflate(None).redirects(5)
}

fn answered(
    connector: &Connector,
    followed: u8,
    head: &[u8],
) -> Result<Option<Connector>, RedirectError> {
    let mut parser = ResponseParser::new(HeadLimits::default());
    let response = parser.parse(head).unwrap().unwrap();
    follow(connector, followed, &response)
}

fn located(connector: &Connector, location: &str) -> Result<Connector, RedirectError> {
    let head = format!("HTTP/1.1 302 Found\r\nLocation: {location}\r\n\r\n");
    answered(connector, 0, head.as_bytes()).map(Option::unwrap)
}

#[test]
fn locations_are_resolved() {
    let rows = [
        ("ws://h/a/b?q", "ws://x/y?z", "ws://x/y?z"),
        ("ws://h/a/b?q", "http://x/y?z", "ws://x/y?z"),
        ("ws://h/a/b?q", "https://x:1/", "wss://x:1/"),
        ("ws://h/a/b?q", "HTTPS://x", "wss://x/"),
        ("wss://h/a/b?q", "https://x:443/", "wss://x/"),
        ("wss://h/a/b?q", "//x/y", "wss://x/y"),
        ("ws://h/a/b?q", "//x/y", "ws://x/y"),
        ("ws://h:1/a/b?q", "/c", "ws://h:1/c"),
        ("ws://h:1/a/b?q", "/c/../d?e=f:g", "ws://h:1/c/../d?e=f:g"),
        ("ws://h:1/a/b?q", "c", "ws://h:1/a/c"),
        ("ws://h:1/a/b?q", "c?d:e", "ws://h:1/a/c?d:e"),
        ("ws://h:1/a/b?q", "../c", "ws://h:1/c"),
        ("ws://h:1/a/b?q", "../../../c", "ws://h:1/c"),
        ("ws://h:1/a/b?q", "./c:d", "ws://h:1/a/c:d"),
        ("ws://h:1/a/b?q", "?r", "ws://h:1/a/b?r"),
        ("wss://[::1]/", "c", "wss://[::1]/c"),
        ("ws://h/", "/caf\u{e9}", "ws://h/caf%C3%A9"),
        ("ws+unix:/s:/a/b", "/c", "ws+unix:/s:/c"),
        ("ws+unix:/s:/a/b", "c", "ws+unix:/s:/a/c"),
    ];
    for (from, location, to) in rows {
        let next = located(&connector(from), location)
            .unwrap_or_else(|error| panic!("{location}: {error}"));
        assert_eq!(next.url().to_string(), to, "{from} {location}");
    }
}

#[test]
fn what_leads_nowhere_is_refused() {
    use RedirectError as E;
    let rows = [
        ("wss://h/", "ws://h/", E::Downgrade),
        ("wss://h/", "http://h/", E::Downgrade),
        ("wss://h/", "http://x/", E::Downgrade),
        ("ws://h/", "ftp://h/", E::Location(UrlError::Scheme)),
        ("ws://h/", "javascript:x", E::Location(UrlError::Scheme)),
        ("ws://h/", "ws+unix:/s", E::Location(UrlError::Scheme)),
        ("ws://h/", "h:80/x", E::Location(UrlError::Scheme)),
        ("ws://h/", "http:/x", E::Location(UrlError::Slashes)),
        ("ws://h/", "http:x", E::Location(UrlError::Slashes)),
        ("ws://h/", "http:///x", E::Location(UrlError::HostMissing)),
        ("ws://h/", "///x", E::Location(UrlError::HostMissing)),
        ("ws://h/", "http://x:0/", E::Location(UrlError::Port)),
        ("ws://h/", "/a b", E::Location(UrlError::Whitespace)),
        ("ws://h/", "a\tb", E::Location(UrlError::Whitespace)),
        ("ws://h/", "/a#b", E::Location(UrlError::Fragment)),
        ("ws://h/", "/\\x", E::Location(UrlError::Backslash)),
        ("ws://h/", "\\\\x", E::Location(UrlError::Backslash)),
        ("ws://h/", "http://u:p@h/", E::Credentials),
        ("ws://h/", "//u@x/", E::Credentials),
        ("ws+unix:/s", "http://x/", E::UnixSocket),
        ("ws+unix:/s", "//x/", E::UnixSocket),
        ("ws://h/", "", E::LocationMissing),
    ];
    for (from, location, error) in rows {
        assert_eq!(
            located(&connector(from), location).unwrap_err(),
            error,
            "{location}"
        );
    }
    let rows: [(&[u8], E); 3] = [
        (b"HTTP/1.1 301 M\r\n\r\n", E::LocationMissing),
        (
            b"HTTP/1.1 301 M\r\nLocation: /a\r\nlocation: /a\r\n\r\n",
            E::LocationRepeated,
        ),
        (
            b"HTTP/1.1 301 M\r\nLocation: /\xff\r\n\r\n",
            E::LocationText,
        ),
    ];
    for (head, error) in rows {
        assert_eq!(answered(&connector("ws://h/"), 0, head).unwrap_err(), error);
    }
}

#[test]
fn only_redirects_are_followed_and_only_so_many() {
    for status in 200..600_u16 {
        let head = format!("HTTP/1.1 {status} X\r\nLocation: /x\r\n\r\n");
        let is_one = [301, 302, 303, 307, 308].contains(&status);
        let followed = |most: u8, followed: u8| {
            let connector = connector("ws://h/").redirects(most);
            answered(&connector, followed, head.as_bytes()).map(|next| next.is_some())
        };
        assert_eq!(followed(5, 0), Ok(is_one), "{status}");
        assert_eq!(followed(5, 4), Ok(is_one), "{status}");
        assert_eq!(followed(0, 0), Ok(false), "{status}");
        if is_one {
            assert_eq!(followed(5, 5), Err(RedirectError::TooMany));
            assert_eq!(followed(1, 1), Err(RedirectError::TooMany));
            assert_eq!(followed(255, 255), Err(RedirectError::TooMany));
        }
    }
}

/// The lines that may be secret, in a request.
fn secrets(connector: &Connector) -> Vec<String> {
    let mut out = Vec::new();
    connector.request([0; 16], &mut out).unwrap();
    let text = String::from_utf8(out).unwrap();
    text.lines()
        .filter(|line| line.contains("s3cret") || line.contains("czNjcmV0"))
        .map(String::from)
        .collect()
}

/// CVE-2026-42498: what is meant for one origin reaches no other.
#[test]
fn secrets_stay_with_their_origin() {
    // "s3cret" is czNjcmV0 in base64, where it stands behind a multiple of three bytes.
    let with_userinfo = connector("ws://me:s3cret@h/");
    let with_user = connector("ws://h/").basic_auth("me", "s3cret");
    let with_token = connector("ws://h/").bearer_auth("s3cret");
    let with_cookie = connector("ws://h/").cookie("a", "s3cret");
    let with_headers = connector("ws://h/")
        .header("AUTHORIZATION", "s3cret")
        .header("cookie", "s3cret")
        .header("Proxy-Authorization", "s3cret");
    let rows = [
        (with_userinfo, 1),
        (with_user, 1),
        (with_token, 1),
        (with_cookie, 1),
        (with_headers, 3),
    ];
    let same = ["/x", "x", "//h/x", "http://h/x", "ws://H:80/x"];
    let other = [
        "//x/",
        "http://h:81/",
        "https://h/",
        "wss://h:80/",
        "ws://h.evil/",
        "ws://127.0.0.1/",
    ];
    for (connector, count) in rows {
        let connector = connector.header("X-Kept", "s3cret");
        assert_eq!(secrets(&connector).len(), count + 1);
        for location in same {
            let next = located(&connector, location).unwrap();
            assert_eq!(secrets(&next), secrets(&connector), "{location}");
        }
        for location in other {
            let next = located(&connector, location).unwrap();
            assert_eq!(secrets(&next), ["X-Kept: s3cret"], "{location}");
            assert_eq!(next.url().credentials(), None);
            // They do not come back either.
            if !next.url().secure() {
                let back = located(&next, "http://h/").unwrap();
                assert_eq!(secrets(&back), ["X-Kept: s3cret"], "{location}");
            }
        }
    }
}
