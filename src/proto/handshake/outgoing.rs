//! What both roles check and write when they add a caller's header to their own, and the line that answers begin with.
//!
//! Not here: the headers of the handshake itself.

use alloc::string::ToString as _;
use alloc::vec::Vec;

use super::Misuse;
use super::grammar::{is_control, is_token};

/// Checks headers that a caller adds: nothing may end a line early (response splitting), and nothing may stand beside
/// a header that the handshake writes. `reserved` are the names of this message beyond those of every handshake.
pub(super) fn check_headers(headers: &[(&str, &str)], reserved: &[&str]) -> Result<(), Misuse> {
    headers
        .iter()
        .try_for_each(|(name, value)| check_header(name, value, reserved))
}

pub(super) fn check_header(name: &str, value: &str, reserved: &[&str]) -> Result<(), Misuse> {
    if !is_token(name.as_bytes()) {
        return Err(Misuse::HeaderName);
    }
    if is_reserved(name)
        || reserved
            .iter()
            .any(|other| other.eq_ignore_ascii_case(name))
    {
        return Err(Misuse::HeaderReserved);
    }
    check_value(value)
}

pub(super) fn check_value(value: &str) -> Result<(), Misuse> {
    if value.bytes().any(is_control) {
        Err(Misuse::HeaderValue)
    } else {
        Ok(())
    }
}

fn is_reserved(name: &str) -> bool {
    const PREFIX: &str = "sec-websocket-";
    const NAMES: [&str; 4] = [
        "connection",
        "upgrade",
        "content-length",
        "transfer-encoding",
    ];
    let ours = name
        .get(..PREFIX.len())
        .is_some_and(|start| start.eq_ignore_ascii_case(PREFIX));
    ours || NAMES.iter().any(|other| other.eq_ignore_ascii_case(name))
}

/// Writes headers that have been checked.
pub(super) fn write_headers(headers: &[(&str, &str)], out: &mut Vec<u8>) {
    for (name, value) in headers {
        write_header(name, value.as_bytes(), out);
    }
}

pub(super) fn write_header(name: &str, value: &[u8], out: &mut Vec<u8>) {
    out.extend_from_slice(name.as_bytes());
    out.extend_from_slice(b": ");
    out.extend_from_slice(value);
    out.extend_from_slice(b"\r\n");
}

/// Writes `HTTP/1.1`, the status and its reason phrase.
pub(super) fn write_status_line(status: u16, out: &mut Vec<u8>) {
    out.extend_from_slice(b"HTTP/1.1 ");
    out.extend_from_slice(status.to_string().as_bytes());
    out.push(b' ');
    out.extend_from_slice(reason(status).as_bytes());
    out.extend_from_slice(b"\r\n");
}

/// The reason phrase. It is optional (RFC 9112 §4), so a status without one here goes out without.
const fn reason(status: u16) -> &'static str {
    match status {
        200 => "OK",
        204 => "No Content",
        301 => "Moved Permanently",
        302 => "Found",
        303 => "See Other",
        304 => "Not Modified",
        307 => "Temporary Redirect",
        308 => "Permanent Redirect",
        400 => "Bad Request",
        401 => "Unauthorized",
        403 => "Forbidden",
        404 => "Not Found",
        405 => "Method Not Allowed",
        408 => "Request Timeout",
        410 => "Gone",
        412 => "Precondition Failed",
        413 => "Content Too Large",
        414 => "URI Too Long",
        417 => "Expectation Failed",
        426 => "Upgrade Required",
        429 => "Too Many Requests",
        431 => "Request Header Fields Too Large",
        500 => "Internal Server Error",
        502 => "Bad Gateway",
        503 => "Service Unavailable",
        504 => "Gateway Timeout",
        505 => "HTTP Version Not Supported",
        _ => "",
    }
}
