//! Addresses of servers: any text, beside a parser that does as browsers do.

use sockeye::client::{Host, Url};

/// What is taken is the same place to a browser's parser; what is asked for has nothing in it that ends a request's
/// line; and what is displayed is read back as the same, but for user and password, which are not displayed.
pub fn url(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else {
        return;
    };
    let Ok(url) = Url::parse(text) else {
        return;
    };
    for word in [url.target(), url.authority()] {
        assert!(
            word.bytes()
                .all(|byte| byte.is_ascii_graphic() && byte != b'#'),
            "{text:?}: {word:?}"
        );
    }
    assert!(url.target().starts_with('/'), "{text:?}");
    assert!(
        !url.authority().is_empty() && !url.authority().contains(['/', '?', '@']),
        "{text:?}"
    );
    is_displayed(&url);
    if url.unix_path().is_none() {
        is_the_same_to_browsers(text, &url);
    }
}

fn is_displayed(url: &Url) {
    let shown = url.to_string();
    let again = Url::parse(&shown).unwrap_or_else(|error| panic!("{shown:?}: {error}"));
    let facts = |url: &Url| {
        let unix = url.unix_path().map(ToOwned::to_owned);
        (
            url.secure(),
            url.authority().to_owned(),
            url.port(),
            url.target().to_owned(),
            unix,
        )
    };
    assert_eq!(facts(url), facts(&again), "{shown:?}");
    assert_eq!(url.host(), again.host());
    assert_eq!(again.credentials(), None, "{shown:?}");
}

fn is_the_same_to_browsers(text: &str, url: &Url) {
    let other = ::url::Url::parse(text).unwrap_or_else(|error| panic!("{text:?}: {error}"));
    // As addresses: browsers do not write the end of a mapped one with dots.
    let host = match other.host() {
        Some(::url::Host::Domain(name)) => Some(Host::Name(name)),
        Some(::url::Host::Ipv4(ip)) => Some(Host::V4(ip)),
        Some(::url::Host::Ipv6(ip)) => Some(Host::V6(ip)),
        None => None,
    };
    assert_eq!(host, Some(url.host()), "{text:?}");
    assert_eq!(other.port_or_known_default(), Some(url.port()), "{text:?}");
    assert_eq!(other.scheme() == "wss", url.secure(), "{text:?}");
}
