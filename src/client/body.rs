//! The body of an answer that is no 101, as far as it is worth having.
//!
//! Not here: what it means; it comes from a stranger.

use super::Refused;
use alloc::vec::Vec;

/// Bytes of a body, as they arrive, that are kept.
pub(crate) const MAX_BODY: usize = 64 << 10;

/// A body as it arrives. What has been looked at is not looked at again: a server may send it byte by byte.
#[derive(Debug)]
pub(crate) struct Body {
    kept: Vec<u8>,
    /// Bytes that were looked at.
    seen: usize,
    end: End,
}

/// What says where it ends.
#[derive(Debug)]
enum End {
    Length(usize),
    Chunks(Chunks),
    /// The end of the stream.
    Stream,
}

/// What comes next of a body in chunks (RFC 9112 section 7.1).
#[derive(Debug)]
enum Chunks {
    /// More of the line with the size.
    Size(Vec<u8>),
    /// So many bytes.
    Data(usize),
    /// So many bytes of the line's end behind them.
    Behind(u8),
    /// Nothing.
    Done,
}

impl Body {
    pub(crate) fn new(refused: &Refused) -> Self {
        let length = || {
            let text = core::str::from_utf8(refused.header("content-length")?).ok()?;
            text.trim().parse().ok()
        };
        let end = match refused.status {
            // These never have one (RFC 9112 section 6.3).
            204 | 304 => End::Length(0),
            _ if is_chunked(refused) => End::Chunks(Chunks::Size(Vec::new())),
            // Nothing else says where it ends.
            _ => length().map_or(End::Stream, End::Length),
        };
        Self {
            kept: Vec::new(),
            seen: 0,
            end,
        }
    }

    /// Reads on in all that arrived behind the head. Says whether no more of it is worth waiting for.
    pub(crate) fn read(&mut self, received: &[u8]) -> bool {
        let received = received.get(..MAX_BODY).unwrap_or(received);
        let fresh = received.get(self.seen..).unwrap_or_default();
        self.seen = received.len();
        let whole = match &mut self.end {
            End::Stream => {
                self.kept.extend_from_slice(fresh);
                false
            }
            End::Length(length) => {
                let missing = length.saturating_sub(self.kept.len());
                let fresh = fresh.get(..missing).unwrap_or(fresh);
                self.kept.extend_from_slice(fresh);
                self.kept.len() == *length
            }
            End::Chunks(chunks) => chunks.read(fresh, &mut self.kept),
        };
        whole || self.seen == MAX_BODY
    }

    /// What has come of it.
    pub(crate) fn into_kept(self) -> Vec<u8> {
        self.kept
    }
}

impl Chunks {
    /// Keeps what is in them, and says whether the last one has come.
    fn read(&mut self, mut fresh: &[u8], kept: &mut Vec<u8>) -> bool {
        while let Some((byte, rest)) = fresh.split_first() {
            match self {
                Self::Size(line) if *byte == b'\n' => *self = Self::after(line),
                Self::Size(line) => line.push(*byte),
                Self::Data(left) => {
                    let (data, behind) = fresh.split_at(fresh.len().min(*left));
                    kept.extend_from_slice(data);
                    *left = left.saturating_sub(data.len());
                    if *left == 0 {
                        *self = Self::Behind(2);
                    }
                    fresh = behind;
                    continue;
                }
                Self::Behind(2..) => *self = Self::Behind(1),
                Self::Behind(_) => *self = Self::Size(Vec::new()),
                Self::Done => return true,
            }
            fresh = rest;
        }
        matches!(self, Self::Done)
    }

    /// What follows on the line with a size. What is no number ends it: the rest cannot be understood.
    fn after(line: &[u8]) -> Self {
        let size = line.split(|byte| *byte == b';').next().unwrap_or_default();
        let size = core::str::from_utf8(size).unwrap_or_default().trim();
        match usize::from_str_radix(size, 16) {
            Ok(size @ 1..) => Self::Data(size),
            _ => Self::Done,
        }
    }
}

fn is_chunked(refused: &Refused) -> bool {
    refused
        .header("transfer-encoding")
        .is_some_and(|value| value.to_ascii_lowercase().ends_with(b"chunked"))
}

#[cfg(test)]
mod tests {
    use super::{Body, MAX_BODY};
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
            for step in 1..=received.len().max(1) {
                let mut body = Body::new(&refused);
                let ends = (step..received.len()).step_by(step);
                let whole = ends.fold(false, |_, end| body.read(&received[..end]));
                let whole = body.read(received) || whole || *ended;
                let found = whole.then(|| body.into_kept());
                assert_eq!(
                    found.as_deref(),
                    *expected,
                    "{headers:?} {received:?} {ended} {step}"
                );
            }
            let mut long = Body::new(&refused);
            assert!(long.read(&vec![b'x'; MAX_BODY + 1]), "{headers:?}");
            assert!(long.into_kept().len() <= MAX_BODY, "{headers:?}");
        }
    }
}
