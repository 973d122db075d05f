//! Single letters that make a head malformed, and repeated words that do not.
//!
//! Not here: everything else that a head can have wrong (`rows`).

use sockeye::proto::handshake::server::parse;
use sockeye::proto::handshake::{HandshakeError, HeadError, HeadLimits, OriginPolicy};

/// A handshake with this version, this host and one more field; whether it is good, and lets this origin in.
fn judged(version: &str, host: &str, more: &str) -> Result<(), HandshakeError> {
    let head = format!(
        "GET / {version}\r\nHost: {host}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
         Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n{more}\r\n"
    );
    let list = ["1app://h", "ap/p://h", "app://h"].map(str::to_owned);
    let request = parse(head.as_bytes(), HeadLimits::default())?;
    OriginPolicy::List(list.to_vec()).check(&request)
}

#[test]
fn a_version_is_two_digits() {
    let malformed = Err(HandshakeError::Head(HeadError::StartLine));
    let other = Err(HandshakeError::HttpVersion);
    for (version, want) in [
        ("HTTP/1.1", Ok(())),
        ("HTTP/1.0", other),
        ("HTTP/2.0", other),
        ("HTTP/2.1", other),
        ("HTTP/1.x", malformed),
        ("HTTP/x.1", malformed),
        ("HTTP/x.y", malformed),
    ] {
        assert_eq!(judged(version, "h", ""), want, "{version}");
    }
}

#[test]
fn what_is_escaped_in_a_host_is_two_digits() {
    for (host, good) in [
        ("a%20", true),
        ("a%fF", true),
        ("a%2g", false),
        ("a%g2", false),
        ("a%2", false),
    ] {
        let want = if good {
            Ok(())
        } else {
            Err(HandshakeError::HostInvalid)
        };
        assert_eq!(judged("HTTP/1.1", host, ""), want, "{host}");
    }
}

/// What is no origin is not let in, though the list has the very same.
#[test]
fn a_scheme_begins_with_a_letter() {
    for (origin, want) in [
        ("app://h", Ok(())),
        ("1app://h", Err(HandshakeError::Origin)),
        ("ap/p://h", Err(HandshakeError::Origin)),
    ] {
        let line = format!("Origin: {origin}\r\n");
        assert_eq!(judged("HTTP/1.1", "h", &line), want, "{origin}");
    }
}

/// A list may stand in several lines and name the same more than once (RFC 9110 section 5.3).
#[test]
fn asked_for_twice_is_asked_for() {
    for more in [
        "Connection: Upgrade\r\n",
        "Connection: keep-alive, upgrade, UPGRADE\r\n",
    ] {
        assert_eq!(judged("HTTP/1.1", "h", more), Ok(()), "{more}");
    }
}
