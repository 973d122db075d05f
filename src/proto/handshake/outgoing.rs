//! What both roles check and write when they add a caller's header to their own.
//!
//! Not here: the headers of the handshake itself.

use alloc::vec::Vec;

use super::Misuse;
use super::grammar::{is_control, is_token};

/// Checks headers that a caller adds: nothing may end a line early (response splitting), and nothing may stand beside
/// a header that the handshake writes. `reserved` are the names of this message beyond those of every handshake.
pub(super) fn check_headers(headers: &[(&str, &str)], reserved: &[&str]) -> Result<(), Misuse> {
    for (name, value) in headers {
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
        if value.bytes().any(is_control) {
            return Err(Misuse::HeaderValue);
        }
    }
    Ok(())
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
