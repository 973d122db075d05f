//! Requests over HTTP/2 (RFC 8441): an extended CONNECT, as the GET of HTTP/1.1 that asks for the same.
//!
//! The fields of a connection have no place there, and keys are not used: `:protocol` is asked for what a key was, which
//! is whether the server knows what is wanted.
//!
//! Not here: what the rest of the request must be, which is the same.

use super::answer::Refused;
use super::head::{Asked, Head, Over};
use crate::proto::handshake::Refusal;
use alloc::vec::Vec;
use http::header;
use http::{Method, Version};
use hyper::ext::Protocol;

/// What is about one connection, and so makes a request over HTTP/2 malformed (RFC 9113 section 8.2.2).
const OF_CONNECTIONS: [&str; 5] = [
    "connection",
    "keep-alive",
    "proxy-connection",
    "transfer-encoding",
    "upgrade",
];

/// Any key: none is asked for, and none is answered.
const KEY: &[u8] = b"AAAAAAAAAAAAAAAAAAAAAA==";

pub(super) fn head(asked: &Asked<'_>) -> Result<Head, Refused> {
    judge(asked)?;
    let mut head = Head::begin(&Method::GET, asked.uri, Version::HTTP_11, Over::Http2);
    // `:authority` is in the target. A `Host` that says something else is refused with it.
    if let (Some(authority), false) = (
        asked.uri.authority(),
        asked.headers.contains_key(header::HOST),
    ) {
        head.header("host", authority.as_str().as_bytes());
    }
    head.header("upgrade", b"websocket");
    head.header("connection", b"upgrade");
    head.header("sec-websocket-key", KEY);
    for (name, value) in asked.headers {
        if name != header::COOKIE && name != header::SEC_WEBSOCKET_KEY {
            head.header(name.as_str(), value.as_bytes());
        }
    }
    // In as many lines as there are cookies; they are one in HTTP/1.1 (RFC 9113 section 8.2.3), and counted as one.
    let cookies: Vec<_> = asked
        .headers
        .get_all(header::COOKIE)
        .iter()
        .map(AsRef::<[u8]>::as_ref)
        .collect();
    if !cookies.is_empty() {
        head.header("cookie", &cookies.join(&b"; "[..]));
    }
    Ok(head.end())
}

fn judge(asked: &Asked<'_>) -> Result<(), Refused> {
    if asked.method != Method::CONNECT {
        let allow = [("Allow", "CONNECT")];
        return Err(refused(
            405,
            "over HTTP/2 the method must be CONNECT",
            &allow,
        ));
    }
    let protocol = asked.extensions.get::<Protocol>();
    if !protocol.is_some_and(|protocol| protocol.as_str().eq_ignore_ascii_case("websocket")) {
        return Err(refused(501, "the protocol must be websocket", &[]));
    }
    if OF_CONNECTIONS
        .iter()
        .any(|name| asked.headers.contains_key(*name))
    {
        return Err(refused(400, "a header that has no place in HTTP/2", &[]));
    }
    Ok(())
}

fn refused(status: u16, sentence: &str, headers: &[(&str, &str)]) -> Refused {
    Refused::new(
        &Refusal::new(status, sentence).headers(headers),
        Over::Http2,
    )
}
