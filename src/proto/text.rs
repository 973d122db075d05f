//! Bytes to text: the one place with `unsafe`.
//!
//! Most text is ASCII, which a few wide comparisons show; `core::str::from_utf8` goes byte by byte until it is aligned,
//! which payload behind a header seldom is. The benchmark group `text` of `benches/core` has them side by side.
//!
//! Not here: text in pieces, which is `utf8`.

use crate::proto::work;

/// `bytes` as text, if they are UTF-8.
#[inline(always)]
pub(crate) fn from_bytes(bytes: &[u8]) -> Option<&str> {
    if is_ascii(bytes) {
        #[expect(
            unsafe_code,
            reason = "the check above is all that `from_utf8` would do, and faster"
        )]
        // SAFETY: every byte is below 0x80, and so a whole character in UTF-8.
        Some(unsafe { core::str::from_utf8_unchecked(bytes) })
    } else {
        work::visit(bytes.len());
        core::str::from_utf8(bytes).ok()
    }
}

/// As the method of slices, in fewer steps for the short ones: what does not fill a block is looked at as the end of
/// the slice, where blocks may overlap.
#[inline(always)]
pub(crate) fn is_ascii(bytes: &[u8]) -> bool {
    work::visit(bytes.len());
    match bytes.len() {
        0..4 => bytes.iter().fold(0, |all, byte| all | byte) < 0x80,
        4..8 => ends_are_ascii::<4>(bytes),
        8..16 => ends_are_ascii::<8>(bytes),
        16..32 => ends_are_ascii::<16>(bytes),
        _ => bytes.is_ascii(),
    }
}

/// Of `N` to `2 * N` bytes the first `N` and the last.
#[inline]
fn ends_are_ascii<const N: usize>(bytes: &[u8]) -> bool {
    let ends = bytes.first_chunk::<N>().zip(bytes.last_chunk::<N>());
    ends.is_some_and(|(head, tail)| {
        let bits = head.iter().zip(tail).fold(0, |all, (a, b)| all | a | b);
        bits < 0x80
    })
}

#[cfg(test)]
mod tests {
    use super::{from_bytes, is_ascii};
    use alloc::vec;

    /// Its high bit alone, among zeroes.
    #[test]
    fn the_least_byte_that_is_no_ascii_is_seen() {
        for len in 1..70 {
            let mut bytes = vec![0; len];
            for at in 0..len {
                bytes[at] = 0x80;
                assert!(!is_ascii(&bytes), "at {at} of {len}");
                bytes[at] = 0x7F;
                assert!(is_ascii(&bytes), "at {at} of {len}");
                bytes[at] = 0;
            }
        }
    }

    #[test]
    fn every_byte_of_every_length_counts() {
        // Miri sees each way through `is_ascii`, and a block more; it would take minutes for the rest.
        let lens = if cfg!(miri) { 0..40 } else { 0..100 };
        for len in lens {
            let mut bytes = vec![b'a'; len];
            assert!(is_ascii(&bytes));
            assert_eq!(from_bytes(&bytes), core::str::from_utf8(&bytes).ok());
            for at in (0..len).step_by(if cfg!(miri) { 7 } else { 1 }) {
                for wrong in [0x80, 0xC3, 0xFF] {
                    bytes[at] = wrong;
                    assert!(!is_ascii(&bytes), "{wrong:x} at {at} of {len}");
                    assert_eq!(from_bytes(&bytes), None);
                    bytes[at] = b'a';
                }
                if let Some(place) = bytes.get_mut(at..at + 2) {
                    place.copy_from_slice("ä".as_bytes());
                    let oracle = core::str::from_utf8(&bytes);
                    assert!(oracle.is_ok() && from_bytes(&bytes) == oracle.ok());
                    bytes[at..at + 2].fill(b'a');
                }
            }
        }
    }
}
