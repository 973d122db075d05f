//! Frames of a client as their headers tell of them.
//!
//! Not here: whether they are right; most are not.

/// What may be added to a frame that a server wants to have whole before it judges it.
const MAX_FILL: usize = 1 << 17;

/// A frame among some bytes.
struct Walked<'b> {
    first: u8,
    /// The length it announces.
    len: u64,
    /// How many of its bytes are not there.
    lacking: u64,
    /// What stands behind it, where it is whole.
    behind: Option<&'b [u8]>,
}

/// The frames in some bytes, as far as their headers are there.
fn walk(bytes: &[u8]) -> impl Iterator<Item = Walked<'_>> {
    let mut rest = Some(bytes);
    core::iter::from_fn(move || {
        let now = rest.take()?;
        let (first, second) = (*now.first()?, *now.get(1)?);
        let (start, len) = match second & 0x7F {
            126 => (
                4,
                u64::from(u16::from_be_bytes(*now.get(2..)?.first_chunk()?)),
            ),
            127 => (10, u64::from_be_bytes(*now.get(2..)?.first_chunk()?)),
            short => (2, u64::from(short)),
        };
        let start = start + if second & 0x80 == 0 { 0 } else { 4 };
        let end = len.saturating_add(start);
        let behind = usize::try_from(end).ok().and_then(|end| now.get(end..));
        rest = behind;
        Some(Walked {
            first,
            len,
            lacking: end.saturating_sub(now.len() as u64),
            behind,
        })
    })
}

/// The longest length that is announced.
pub(crate) fn announced(bytes: &[u8]) -> Option<u64> {
    walk(bytes).map(|frame| frame.len).max()
}

/// Whether the last frame is not whole.
pub(crate) fn ends_inside(bytes: &[u8]) -> bool {
    let behind = walk(bytes).last().and_then(|frame| frame.behind);
    behind.is_none_or(|behind| !behind.is_empty())
}

/// Zeros that make the last frame whole, where that takes no more than `MAX_FILL`.
pub(crate) fn fill(bytes: &[u8]) -> Vec<u8> {
    let lacking = walk(bytes).last().map_or(0, |frame| frame.lacking);
    let lacking = usize::try_from(lacking).unwrap_or(usize::MAX);
    vec![0; if lacking <= MAX_FILL { lacking } else { 0 }]
}

/// How many messages are compressed.
pub(crate) fn compressed_messages(bytes: &[u8]) -> usize {
    let begins = |first: u8| first & 0x40 != 0 && matches!(first & 0x0F, 1 | 2);
    walk(bytes).filter(|frame| begins(frame.first)).count()
}

#[cfg(test)]
mod tests {
    use super::super::duel::frame;
    use super::{announced, ends_inside, fill};

    #[test]
    fn frames_are_walked() {
        let bytes = [frame(0x81, b"abc"), frame(0x89, b"")].concat();
        assert!(!ends_inside(&bytes) && announced(&bytes) == Some(3));
        for end in 1..9 {
            assert!(ends_inside(&bytes[..end]), "{end}");
        }
        let huge = [0x82, 0xFF, 0x7F, 0, 0, 0, 0, 0, 0, 0, 1, 2, 3, 4];
        assert!(ends_inside(&huge) && announced(&huge) == Some(0x7F << 56));
        assert_eq!((fill(&bytes).len(), fill(&bytes[..4]).len()), (0, 5));
        assert_eq!((fill(&bytes[..1]).len(), fill(&huge).len()), (0, 0));
    }
}
