//! URLs: what they mean, byte for byte, and what is no URL.

use sockeye::client::{Host, Url, UrlError};

/// One URL, and all that it means: secure, host, port, `Host`, target.
type Row<'a> = (&'a str, bool, &'a str, u16, &'a str, &'a str);

/// Shows 6455-3-01 6455-3-02 6455-3-03 6455-3-04 6455-3-05 6455-3-07 6455-4.1-25 6455-4.1-26 6455-11.1.1-01.
/// Shows 6455-11.1.1-02 6455-11.1.2-01 6455-11.1.2-02.
#[test]
fn urls_mean_what_the_rfc_says() {
    let rows: [Row<'_>; 38] = [
        ("ws://h", false, "h", 80, "h", "/"),
        ("ws://h/", false, "h", 80, "h", "/"),
        ("ws://h:/", false, "h", 80, "h", "/"),
        ("ws://h:80/", false, "h", 80, "h", "/"),
        ("ws://h:080/", false, "h", 80, "h", "/"),
        ("ws://h:443/", false, "h", 443, "h:443", "/"),
        ("ws://h:8080/", false, "h", 8080, "h:8080", "/"),
        ("ws://h:65535/", false, "h", 65535, "h:65535", "/"),
        ("wss://h/", true, "h", 443, "h", "/"),
        ("wss://h:443/", true, "h", 443, "h", "/"),
        ("wss://h:80/", true, "h", 80, "h:80", "/"),
        ("WSS://h/", true, "h", 443, "h", "/"),
        ("Ws://h/", false, "h", 80, "h", "/"),
        (
            "ws://EXAMPLE.com/",
            false,
            "example.com",
            80,
            "example.com",
            "/",
        ),
        (
            "ws://a_b.example.com./",
            false,
            "a_b.example.com.",
            80,
            "a_b.example.com.",
            "/",
        ),
        (
            "ws://bücher.example/",
            false,
            "xn--bcher-kva.example",
            80,
            "xn--bcher-kva.example",
            "/",
        ),
        (
            "ws://127.0.0.1:9/",
            false,
            "127.0.0.1",
            9,
            "127.0.0.1:9",
            "/",
        ),
        ("ws://[::1]:9/", false, "[::1]", 9, "[::1]:9", "/"),
        (
            "ws://[2001:DB8:0::1]/x",
            false,
            "[2001:db8::1]",
            80,
            "[2001:db8::1]",
            "/x",
        ),
        ("wss://[::1]:", true, "[::1]", 443, "[::1]", "/"),
        // RFC 6455 §3: an empty path is a slash, and an empty query is none.
        ("ws://h?a=1", false, "h", 80, "h", "/?a=1"),
        ("ws://h/p?q", false, "h", 80, "h", "/p?q"),
        ("ws://h/p?", false, "h", 80, "h", "/p"),
        ("ws://h/p?q?r", false, "h", 80, "h", "/p?q?r"),
        (
            "ws://h/?u=http://x:1/",
            false,
            "h",
            80,
            "h",
            "/?u=http://x:1/",
        ),
        // Byte for byte.
        ("ws://h/a/../b/./c", false, "h", 80, "h", "/a/../b/./c"),
        ("ws://h//a//", false, "h", 80, "h", "//a//"),
        (
            "ws://h/%2e%2E/%41%zz%",
            false,
            "h",
            80,
            "h",
            "/%2e%2E/%41%zz%",
        ),
        ("ws://h/a;b=c,d@e:f", false, "h", 80, "h", "/a;b=c,d@e:f"),
        (
            "ws://h/{|}^`'?[x]{|}^`'",
            false,
            "h",
            80,
            "h",
            "/{|}^`'?[x]{|}^`'",
        ),
        // But for what a request line cannot hold.
        ("ws://h/é?ü", false, "h", 80, "h", "/%C3%A9?%C3%BC"),
        (
            "wss://bücher.example/é?ü",
            true,
            "xn--bcher-kva.example",
            443,
            "xn--bcher-kva.example",
            "/%C3%A9?%C3%BC",
        ),
        ("ws://h/a%23b?c%23", false, "h", 80, "h", "/a%23b?c%23"),
        ("ws://h/\"<>", false, "h", 80, "h", "/%22%3C%3E"),
        ("ws://user:pw@h:1/", false, "h", 1, "h:1", "/"),
        (
            "ws+unix:/run/s.sock",
            false,
            "localhost",
            80,
            "localhost",
            "/",
        ),
        (
            "ws+unix:/run/s.sock:/",
            false,
            "localhost",
            80,
            "localhost",
            "/",
        ),
        (
            "WS+UNIX:/run/s.sock:/t:u?q",
            false,
            "localhost",
            80,
            "localhost",
            "/t:u?q",
        ),
    ];
    for (text, secure, host, port, authority, target) in rows {
        let url = Url::parse(text).unwrap_or_else(|error| panic!("{text}: {error}"));
        assert_eq!(url.secure(), secure, "{text}");
        assert_eq!(url.host().to_string(), host, "{text}");
        assert_eq!(url.port(), port, "{text}");
        assert_eq!(url.authority(), authority, "{text}");
        assert_eq!(url.target(), target, "{text}");
        // Displayed, it is the same URL.
        let again = Url::parse(&url.to_string()).unwrap();
        assert_eq!(again.to_string(), url.to_string(), "{text}");
        assert_eq!((again.authority(), again.target()), (authority, target));
    }
}

#[test]
fn hosts_are_names_or_addresses() {
    let host = |text: &str| match Url::parse(text).unwrap().host() {
        Host::Name(_) => "name",
        Host::V4(_) => "4",
        Host::V6(_) => "6",
    };
    assert_eq!(host("ws://localhost/"), "name");
    assert_eq!(host("ws://1.2.3.4/"), "4");
    assert_eq!(host("ws://1.2.3.4.example/"), "name");
    assert_eq!(host("ws://[::ffff:1.2.3.4]/"), "6");
}

/// Shows 6455-3-01 6455-3-06 6455-4.1-04 6455-4.1-05.
#[test]
fn what_is_no_url_is_refused_with_its_reason() {
    use UrlError as E;
    let long_label = format!("ws://{}.example/", "a".repeat(64));
    let long_name = format!("ws://{}example/", "a.".repeat(124));
    let rows = [
        ("", E::Scheme),
        ("h", E::Scheme),
        ("//h/", E::Scheme),
        ("http://host/", E::Scheme),
        ("https://host/", E::Scheme),
        ("wss+unix:/s", E::Scheme),
        ("w\u{17f}://h/", E::Scheme),
        ("ws:host", E::Slashes),
        ("ws:/host/", E::Slashes),
        ("ws:", E::Slashes),
        ("ws://", E::HostMissing),
        ("ws:///x", E::HostMissing),
        ("ws:////x", E::HostMissing),
        ("ws://?q", E::HostMissing),
        ("ws://:80/", E::HostMissing),
        ("ws://user@/", E::HostMissing),
        ("ws://h/p#frag", E::Fragment),
        ("ws://h/p#", E::Fragment),
        ("ws://h#@evil/", E::Fragment),
        ("ws+unix:/s:/p#f", E::Fragment),
        ("ws://h\\p", E::Backslash),
        ("ws://good\\@evil/", E::Backslash),
        ("ws:\\\\h/", E::Backslash),
        ("ws://h/a\\b", E::Backslash),
        ("ws://h:99999/", E::Port),
        ("ws://h:65536/", E::Port),
        ("ws://h:abc/", E::Port),
        ("ws://h:+80/", E::Port),
        ("ws://h:-1/", E::Port),
        ("ws://h:0/", E::Port),
        ("ws://h:80:80/", E::Port),
        ("ws://[::1]:x/", E::Port),
        ("ws://[::1/", E::Ipv6),
        ("ws://[::1]x/", E::Ipv6),
        ("ws://[]/", E::Ipv6),
        ("ws://[1.2.3.4]/", E::Ipv6),
        ("ws://[fe80::1%25eth0]/", E::Ipv6),
        ("ws://::1/", E::Ipv6),
        ("ws://127.1/", E::Ipv4),
        ("ws://0x7f.0.0.1/", E::Ipv4),
        ("ws://0177.0.0.1/", E::Ipv4),
        ("ws://2130706433/", E::Ipv4),
        ("ws://127.0.0.1./", E::Ipv4),
        ("ws://１27.0.0.1/", E::Ipv4),
        ("ws://127%2e0.0.1/", E::Ipv4),
        ("ws://1.2.3.256/", E::Host),
        ("ws://a..b/", E::Host),
        ("ws://./", E::Host),
        ("ws://a,b/", E::Host),
        ("ws://a*b/", E::Host),
        ("ws://a\"b/", E::Host),
        ("ws://a%00b/", E::Host),
        ("ws://a%0d%0ab/", E::Host),
        ("ws://a%2fb/", E::Host),
        ("ws://a%40b/", E::Host),
        (&long_label, E::Host),
        (&long_name, E::Host),
        ("ws://a@b@h/", E::UserInfo),
        ("ws://%zz@h/", E::UserInfo),
        ("ws://%4@h/", E::UserInfo),
        ("ws://%ff@h/", E::UserInfo),
        ("ws://u:%0d%0aX@h/", E::UserInfo),
        ("ws://u%00@h/", E::UserInfo),
        ("ws+unix:", E::UnixPath),
        ("ws+unix:s.sock", E::UnixPath),
        ("ws+unix://run/s.sock", E::UnixPath),
        ("ws+unix:/s.sock:", E::UnixPath),
        ("ws+unix:/s.sock:chat", E::UnixPath),
        ("ws+unix:/s.sock?q", E::UnixPath),
        ("ws+unix:/s%00k", E::UnixPath),
        ("ws+unix:/s%zz", E::UnixPath),
    ];
    for (text, error) in rows {
        assert_eq!(Url::parse(text), Err(error), "{text:?}");
    }
    for error in UrlError::ALL {
        let shown = rows.iter().any(|(_, other)| other == error);
        assert!(shown || *error == E::Whitespace, "{error:?}");
    }
}

#[test]
fn no_control_byte_and_no_whitespace_passes_anywhere() {
    let whole = "wss://user:pw@example.com:8443/path?query";
    let bad = (0..=0x20_u8)
        .chain([0x7f])
        .map(char::from)
        .chain(['\u{85}', '\u{a0}', '\u{2028}', '\u{3000}']);
    for c in bad {
        for at in 0..=whole.len() {
            let mut text = String::from(whole);
            text.insert(at, c);
            assert_eq!(Url::parse(&text), Err(UrlError::Whitespace), "{text:?}");
        }
    }
}

#[test]
fn user_and_password_are_decoded_and_not_shown() {
    let rows = [
        ("ws://u:p@h/", Some(("u", "p"))),
        ("ws://u@h/", Some(("u", ""))),
        ("ws://u:@h/", Some(("u", ""))),
        ("ws://:p@h/", Some(("", "p"))),
        ("ws://u:p:q@h/", Some(("u", "p:q"))),
        ("ws://a%40b%3A:%c3%a9@h/", Some(("a@b:", "é"))),
        ("ws://é@h/", Some(("é", ""))),
        ("ws://@h/", None),
        ("ws://h/u:p@x", None),
        ("ws://h?u:p@x", None),
    ];
    for (text, credentials) in rows {
        assert_eq!(
            Url::parse(text).unwrap().credentials(),
            credentials,
            "{text}"
        );
    }
    let url = Url::parse("ws://alice:secret@h/").unwrap();
    let shown = format!("{url} {url:?}");
    assert!(
        !shown.contains("alice") && !shown.contains("secret"),
        "{shown}"
    );
}

#[test]
fn sockets_have_a_path_of_their_own() {
    let path = |text: &str| Some(Url::parse(text).unwrap().unix_path()?.to_str()?.to_owned());
    assert_eq!(path("ws://h/"), None);
    let strange = "ws+unix:/a%20%3A%3f%0a%25%23\u{e9}:/t";
    assert_eq!(path(strange).as_deref(), Some("/a :?\n%#\u{e9}"));
    let shown = Url::parse(strange).unwrap().to_string();
    assert_eq!(shown, "ws+unix:/a%20%3A%3F%0A%25%23%C3%A9:/t");
    // Shown with two slashes, it would be read as a host.
    let doubled = Url::parse("ws+unix:/%2Frun//s").unwrap().to_string();
    assert_eq!(doubled, "ws+unix:/%2Frun//s:/");
    assert_eq!(path(&doubled).as_deref(), Some("//run//s"));
    assert_eq!(path("ws+unix:/run/s.sock").as_deref(), Some("/run/s.sock"));
    assert_eq!(path("ws+unix:/a%20b%3Ac%3f:/t").as_deref(), Some("/a b:c?"));
}

#[test]
fn sentences_are_ascii_and_one_line() {
    for error in UrlError::ALL {
        let text = error.to_string();
        assert!(
            text.is_ascii() && !text.contains('\n') && !text.ends_with('.'),
            "{text}"
        );
    }
}
