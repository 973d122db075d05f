//! Which proxy is chosen, from URLs and from environments.

use sockeye::client::{ConfigError, Proxy, ProxyKind, ProxyUrlError, Url, UrlError};

/// What is chosen for a URL, in short.
fn chosen(proxy: &Proxy, url: &str) -> String {
    let url = Url::parse(url).unwrap();
    match proxy.for_url(&url) {
        Ok(None) => "direct".into(),
        Ok(Some(server)) => format!("{:?} {}:{}", server.kind(), server.host(), server.port()),
        Err(ConfigError::Proxy { variable, error }) => format!("{variable:?} {error:?}"),
        Err(error) => panic!("{error}"),
    }
}

/// The choice of an environment that is written `name=value name=value`.
fn environment(text: &str) -> Proxy {
    let pairs: Vec<_> = text
        .split(' ')
        .filter_map(|pair| pair.split_once('='))
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .collect();
    Proxy::from_variables(|name| {
        let found = pairs.iter().find(|(other, _)| other == name);
        found.map(|(_, value)| value.clone())
    })
}

#[test]
fn urls_of_proxies_are_read() {
    let rows = [
        ("http://h:3128", "Http h:3128"),
        ("http://h", "Http h:80"),
        ("http://h/", "Http h:80"),
        ("HTTP://H:1/", "Http h:1"),
        ("h:3128", "Http h:3128"),
        ("h", "Http h:80"),
        ("user:pw@h:1", "Http h:1"),
        ("http://user@h:1", "Http h:1"),
        ("socks5://h", "Socks5 h:1080"),
        ("socks5h://h:1", "Socks5 h:1"),
        ("socks5://u:p@[::1]:9", "Socks5 [::1]:9"),
        ("http://10.0.0.1:8", "Http 10.0.0.1:8"),
    ];
    for (text, want) in rows {
        let proxy = Proxy::parse(text).unwrap();
        assert_eq!(chosen(&proxy, "ws://example.com/"), want, "{text}");
        assert_eq!(chosen(&proxy, "wss://localhost/"), want, "{text}");
        assert_eq!(chosen(&proxy, "ws+unix:/s"), "direct", "{text}");
    }
}

#[test]
fn what_is_no_proxy_is_refused_with_its_reason() {
    use ProxyUrlError as E;
    let long = format!("socks5://u:{}@h", "p".repeat(256));
    let rows = [
        ("https://h", E::Scheme),
        ("socks4://h", E::Scheme),
        ("ws://h", E::Scheme),
        ("://h", E::Scheme),
        ("http://h/path", E::Path),
        ("http://h//", E::Path),
        ("http://h?q", E::Path),
        ("http://h#f", E::Path),
        ("http://h\\x", E::Path),
        ("http://h\r\n", E::Url(UrlError::Whitespace)),
        ("http://h :1", E::Url(UrlError::Whitespace)),
        ("http://h:0", E::Url(UrlError::Port)),
        ("", E::Url(UrlError::HostMissing)),
        ("http://", E::Url(UrlError::HostMissing)),
        ("http://a%3Ab:c@h", E::UserColon),
        ("http://a%0ab:c@h", E::Url(UrlError::UserInfo)),
        ("socks5://u@h", E::SocksCredentials),
        ("socks5://:p@h", E::SocksCredentials),
        (&long, E::SocksCredentials),
    ];
    for (text, error) in rows {
        let want = ConfigError::Proxy {
            variable: None,
            error,
        };
        assert_eq!(Proxy::parse(text).unwrap_err(), want, "{text:?}");
    }
}

#[test]
fn environments_are_read_as_curl_does() {
    const WS: &str = "ws://example.com/";
    const WSS: &str = "wss://example.com/";
    let rows = [
        ("", WS, "direct"),
        ("", WSS, "direct"),
        ("http_proxy=http://p:1", WS, "Http p:1"),
        ("http_proxy=http://p:1", WSS, "direct"),
        ("https_proxy=http://p:1", WSS, "Http p:1"),
        ("https_proxy=http://p:1", WS, "direct"),
        ("HTTPS_PROXY=http://p:1", WSS, "Http p:1"),
        (
            "https_proxy=http://a:1 HTTPS_PROXY=http://b:1",
            WSS,
            "Http a:1",
        ),
        ("https_proxy= HTTPS_PROXY=http://b:1", WSS, "Http b:1"),
        // httpoxy
        ("HTTP_PROXY=http://evil:1", WS, "direct"),
        (
            "HTTP_PROXY=http://evil:1 ALL_PROXY=http://p:1",
            WS,
            "Http p:1",
        ),
        ("all_proxy=socks5h://p:1", WS, "Socks5 p:1"),
        ("ALL_PROXY=socks5h://p:1", WSS, "Socks5 p:1"),
        ("all_proxy=a:1 ALL_PROXY=b:1", WSS, "Http a:1"),
        ("all_proxy=a:1 http_proxy=b:1", WS, "Http b:1"),
        ("http_proxy=p:1", WS, "Http p:1"),
        // What cannot be used is no reason to go past it.
        ("http_proxy=https://p", WS, "Some(\"http_proxy\") Scheme"),
        ("ALL_PROXY=p:0", WSS, "Some(\"ALL_PROXY\") Url(Port)"),
        ("http_proxy=https://p no_proxy=example.com", WS, "direct"),
        ("http_proxy=p:1", "ws+unix:/s", "direct"),
        ("http_proxy=https://p", "ws+unix:/s", "direct"),
    ];
    for (text, url, want) in rows {
        assert_eq!(chosen(&environment(text), url), want, "{text} {url}");
    }
    assert_eq!(chosen(&Proxy::none(), WS), "direct");
}

#[test]
fn exceptions_are_names_networks_and_everything() {
    let yes = [
        ("example.com", "example.com"),
        ("example.com", "www.example.com"),
        ("example.com", "a.b.example.com"),
        ("example.com", "example.com."),
        (".example.com", "example.com"),
        (".example.com", "www.example.com"),
        ("*.example.com", "www.example.com"),
        ("EXAMPLE.com.", "www.example.COM"),
        ("other,example.com", "example.com"),
        ("other,,example.com,", "example.com"),
        ("com", "example.com"),
        ("*", "example.com"),
        ("*", "10.0.0.1"),
        ("*", "[::1]"),
        ("example.com:80", "example.com"),
        ("example.com:8080", "example.com:8080"),
        ("10.0.0.1", "10.0.0.1"),
        ("10.0.0.1:80", "10.0.0.1"),
        ("10.0.0.0/8", "10.200.3.4"),
        ("10.0.0.0/32", "10.0.0.0"),
        ("0.0.0.0/0", "8.8.8.8"),
        ("192.168.5.0/22", "192.168.7.255"),
        ("::1", "[::1]"),
        ("[::1]", "[::1]"),
        ("[::1]:80", "[::1]"),
        ("fe80::/10", "[febf::1]"),
        ("::/0", "[1::]"),
        ("::1/128", "[::1]"),
    ];
    let no = [
        ("", "example.com"),
        (",", "example.com"),
        (".", "example.com"),
        ("example.com", "badexample.com"),
        ("example.com", "example.com.evil"),
        ("www.example.com", "example.com"),
        ("example.com:81", "example.com"),
        ("example.com:x", "example.com"),
        ("10.0.0.1", "10.0.0.11"),
        ("0.0.1", "10.0.0.1"),
        ("10.0.0.1:81", "10.0.0.1"),
        ("10.0.0.0/8", "11.0.0.0"),
        ("10.0.0.0/33", "10.0.0.0"),
        ("10.0.0.0/-1", "10.0.0.0"),
        ("10.0.0.0/8", "[::a00:1]"),
        ("192.168.4.0/22", "192.168.8.0"),
        ("::1", "[::2]"),
        ("::1:80", "[::1]"),
        ("::/0", "10.0.0.1"),
        ("fe80::/10", "[fec0::1]"),
        ("10.0.0.0/8", "example.com"),
        ("10.0.0.1", "x.10.0.0.1.example"),
    ];
    for (rows, want) in [(&yes[..], "direct"), (&no[..], "Http p:1")] {
        for (list, host) in rows {
            for name in ["no_proxy", "NO_PROXY"] {
                let proxy = environment(&format!("all_proxy=p:1 {name}={list}"));
                assert_eq!(
                    chosen(&proxy, &format!("ws://{host}/")),
                    want,
                    "{list} {host}"
                );
            }
        }
    }
    // Whitespace parts the entries, too.
    let proxy = Proxy::from_variables(|name| match name {
        "all_proxy" => Some("p:1".into()),
        "no_proxy" => Some(" a.example, b.example c.example ".into()),
        _ => None,
    });
    for host in ["a", "b", "c"] {
        assert_eq!(chosen(&proxy, &format!("ws://{host}.example/")), "direct");
    }
    assert_eq!(chosen(&proxy, "ws://d.example/"), "Http p:1");
    // An explicit proxy has no exceptions, and the default is the environment's, whatever it is.
    assert_eq!(
        Proxy::parse("p:1")
            .unwrap()
            .for_url(&Url::parse("ws://a/").unwrap())
            .unwrap()
            .unwrap()
            .kind(),
        ProxyKind::Http
    );
}

#[test]
fn passwords_are_not_shown() {
    let url = Url::parse("ws://h/").unwrap();
    let explicit = Proxy::parse("http://alice:secret@p:1").unwrap();
    let found = environment("http_proxy=http://alice:secret@p:1");
    let broken = environment("http_proxy=http://alice:secret@p:0");
    let shown = format!(
        "{explicit:?} {found:?} {:?} {:?}",
        explicit.for_url(&url),
        broken.for_url(&url)
    );
    assert!(
        !shown.contains("alice") && !shown.contains("secret"),
        "{shown}"
    );
}
