//! The body of an answer that is no 101, as far as it is worth having.
//!
//! Not here: what it means; it comes from a stranger.

use super::Refused;
use alloc::vec::Vec;

/// Bytes of a body, as they arrive, that are kept.
pub(crate) const MAX_BODY: usize = 64 << 10;

/// The body in what arrived behind the head; `None` while more of it is worth waiting for.
pub(crate) fn body(refused: &Refused, received: &[u8], ended: bool) -> Option<Vec<u8>> {
    // These never have one (RFC 9112 section 6.3).
    if matches!(refused.status, 204 | 304) {
        return Some(Vec::new());
    }
    let enough = ended || received.len() >= MAX_BODY;
    let received = received.get(..MAX_BODY).unwrap_or(received);
    if is_chunked(refused) {
        let (body, whole) = chunks(received);
        return (whole || enough).then_some(body);
    }
    let length = refused.header("content-length");
    let length = length.and_then(|text| core::str::from_utf8(text).ok()?.trim().parse().ok());
    match length {
        Some(length) if received.len() >= length => Some(received.get(..length)?.to_vec()),
        // Nothing says where it ends but its end, or that is too far away.
        _ => enough.then(|| received.to_vec()),
    }
}

fn is_chunked(refused: &Refused) -> bool {
    refused
        .header("transfer-encoding")
        .is_some_and(|value| value.to_ascii_lowercase().ends_with(b"chunked"))
}

/// What the chunks hold that are there (RFC 9112 section 7.1), and whether the last one is.
fn chunks(mut received: &[u8]) -> (Vec<u8>, bool) {
    let mut body = Vec::new();
    loop {
        let Some(end) = received.windows(2).position(|two| two == b"\r\n") else {
            return (body, false);
        };
        let (line, rest) = received.split_at(end);
        let size = line.split(|byte| *byte == b';').next().unwrap_or_default();
        let size = core::str::from_utf8(size).unwrap_or_default().trim();
        // What is no number ends it: the rest cannot be understood.
        let Ok(size @ 1..) = usize::from_str_radix(size, 16) else {
            return (body, true);
        };
        let rest = rest.get(2..).unwrap_or_default();
        let Some(chunk) = rest.get(..size) else {
            body.extend_from_slice(rest);
            return (body, false);
        };
        body.extend_from_slice(chunk);
        received = rest.get(size.saturating_add(2)..).unwrap_or_default();
    }
}

#[cfg(test)]
mod tests {
    use super::{MAX_BODY, body};
    use crate::client::Refused;
    use alloc::borrow::ToOwned as _;
    use alloc::vec;
    use alloc::vec::Vec;

    #[test]
    fn a_body_is_whole_where_its_end_is_known_or_enough_has_come() {
        const CHUNKED: (&str, &str) = ("Transfer-Encoding", "gzip, Chunked");
        type Row<'r> = (&'r [(&'r str, &'r str)], &'r [u8], bool, Option<&'r [u8]>);
        let rows: &[Row<'_>] = &[
            (&[("Content-Length", "3")], b"ab", false, None),
            (&[("Content-Length", "3")], b"ab", true, Some(b"ab")),
            (&[("content-length", " 3")], b"abcd", false, Some(b"abc")),
            (&[("Content-Length", "0")], b"", false, Some(b"")),
            (&[("Content-Length", "x")], b"abc", false, None),
            (
                &[("Content-Length", "99999999999999999999999")],
                b"abc",
                false,
                None,
            ),
            (&[], b"abc", false, None),
            (&[], b"abc", true, Some(b"abc")),
            (
                &[CHUNKED],
                b"3\r\nabc\r\n2;x=y\r\nde\r\n0\r\n\r\n",
                false,
                Some(b"abcde"),
            ),
            (&[CHUNKED], b"3\r\nabc\r\n2\r\nd", false, None),
            (&[CHUNKED], b"3\r\nabc\r\n2\r\nd", true, Some(b"abcd")),
            (&[CHUNKED], b"zz\r\nabc", false, Some(b"")),
            (&[CHUNKED], b"ffffffffffffffff\r\nabc", true, Some(b"abc")),
        ];
        for (headers, received, ended, expected) in rows {
            let refused = Refused {
                status: 404,
                headers: headers
                    .iter()
                    .map(|(name, value)| ((*name).to_owned(), value.as_bytes().to_vec()))
                    .collect(),
                body: Vec::new(),
            };
            let found = body(&refused, received, *ended);
            assert_eq!(
                found.as_deref(),
                *expected,
                "{headers:?} {received:?} {ended}"
            );
            let long = body(&refused, &vec![b'x'; MAX_BODY + 1], false);
            assert!(
                long.is_some_and(|long| long.len() <= MAX_BODY),
                "{headers:?}"
            );
        }
    }
}
