//! Bytes to text, and the calls of the wide kernels: the one place with `unsafe`.
//!
//! Most text is ASCII, which a few wide comparisons show; `core::str::from_utf8` goes byte by byte until it is aligned,
//! which payload behind a header seldom is, and wherever it is not ASCII. The benchmark groups `mask` and `text` of
//! `benches/core` have what is here beside what is safe.
//!
//! Not here: the kernels themselves, which are `simd` and `mask`; text in pieces, which is `utf8`.

use crate::proto::frame::mask;
use crate::proto::simd::Level;
#[cfg(target_arch = "x86_64")]
use crate::proto::simd::x86;
use crate::proto::utf8::Validator;
use crate::proto::work;

/// What is longer is unmasked by a kernel.
pub(crate) const LONG: usize = 128;
/// What is longer is unmasked and judged in steps that stay in the first-level cache between the two.
pub(crate) const STEP: usize = 16 << 10;
/// What is shorter is judged by the standard library: a kernel has to be got going.
const SHORT: usize = 32;

/// `bytes` as text, if they are UTF-8.
#[inline(always)]
pub(crate) fn from_bytes(bytes: &[u8]) -> Option<&str> {
    is_utf8(bytes).then(|| judged(bytes))
}

/// Unmasks a whole text, and gives it if it is one.
#[inline(always)]
pub(crate) fn unmasked(key: [u8; 4], bytes: &mut [u8]) -> Option<&str> {
    if bytes.len() <= STEP {
        let ascii = mask::apply_seeing(key, bytes);
        return (ascii || is_utf8(bytes)).then(|| judged(bytes));
    }
    unmasked_in_steps(key, bytes)
}

#[inline(never)]
fn unmasked_in_steps(key: [u8; 4], bytes: &mut [u8]) -> Option<&str> {
    let mut text = Validator::default();
    text.unmask(key, 0, bytes).ok()?;
    text.finish().ok()?;
    Some(judged(bytes))
}

#[inline(always)]
fn judged(bytes: &[u8]) -> &str {
    #[expect(unsafe_code, reason = "`from_utf8` would judge them once more")]
    // SAFETY: each caller, above, has just found that all of it is UTF-8.
    unsafe {
        core::str::from_utf8_unchecked(bytes)
    }
}

/// Unmasks bytes that stand at the beginning of a payload, more than [`LONG`]; says whether they are ASCII.
#[inline]
pub(crate) fn unmask(key: [u8; 4], bytes: &mut [u8]) -> bool {
    unmask_at(Level::best(), key, bytes)
}

#[inline(always)]
fn unmask_at(level: Level, key: [u8; 4], bytes: &mut [u8]) -> bool {
    match level {
        Level::Portable => unmask_portably(key, bytes),
        #[cfg(target_arch = "x86_64")]
        #[expect(
            unsafe_code,
            reason = "half as long as without; see `mask` in the benchmarks"
        )]
        // SAFETY: the level says that the processor has what the function is compiled for.
        Level::Avx2 => unsafe { x86::unmask_avx2(key, bytes) },
        #[cfg(target_arch = "x86_64")]
        #[expect(unsafe_code, reason = "a quarter; see `mask` in the benchmarks")]
        // SAFETY: as above.
        Level::Avx512 => unsafe { x86::unmask_avx512(key, bytes) },
    }
}

#[inline(never)]
fn unmask_portably(key: [u8; 4], bytes: &mut [u8]) -> bool {
    mask::apply_wide::<16, 64>(key, bytes)
}

/// Whether these are whole characters.
#[inline(always)]
pub(crate) fn is_utf8(bytes: &[u8]) -> bool {
    if bytes.len() < SHORT {
        is_ascii(bytes) || is_utf8_portably(bytes)
    } else {
        is_long_utf8(bytes)
    }
}

#[inline(never)]
fn is_long_utf8(bytes: &[u8]) -> bool {
    work::visit(bytes.len());
    is_utf8_at(Level::best(), bytes)
}

#[inline(never)]
fn is_utf8_portably(bytes: &[u8]) -> bool {
    work::visit(bytes.len());
    core::str::from_utf8(bytes).is_ok()
}

fn is_utf8_at(level: Level, bytes: &[u8]) -> bool {
    match level {
        Level::Portable => bytes.is_ascii() || is_utf8_portably(bytes),
        #[cfg(target_arch = "x86_64")]
        #[expect(
            unsafe_code,
            reason = "a tenth of what is safe; see `text` in the benchmarks"
        )]
        // SAFETY: the level says that the processor has what the function is compiled for.
        Level::Avx2 => unsafe { x86::is_utf8_avx2(bytes) },
        #[cfg(target_arch = "x86_64")]
        #[expect(
            unsafe_code,
            reason = "two thirds of that; see `text` in the benchmarks"
        )]
        // SAFETY: as above.
        Level::Avx512 => unsafe { x86::is_utf8_avx512(bytes) },
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
    use super::{from_bytes, is_ascii, is_utf8_at, unmask_at};
    use crate::proto::simd::Level;
    use alloc::vec;
    use alloc::vec::Vec;

    const KEY: [u8; 4] = [0x37, 0x7A, 0x21, 0x3D];

    /// Beside one byte after the other, as RFC 6455 section 5.3 has it, and with what stands around them.
    #[test]
    fn every_level_unmasks_every_length_at_every_alignment_with_every_key() {
        let (longest, strides) = if cfg!(miri) { (80, 21) } else { (300, 1) };
        let plain: Vec<u8> = (0..=250).cycle().take(longest).collect();
        let mut field = vec![0; longest + 192];
        let aligned = field.as_ptr().align_offset(64);
        for level in Level::all() {
            for turn in 0..4 {
                let mut key = KEY;
                key.rotate_left(turn);
                let by_hand = plain.iter().zip(key.iter().cycle());
                let masked: Vec<u8> = by_hand.map(|(byte, key)| byte ^ key).collect();
                for len in (0..=longest).step_by(strides) {
                    for alignment in (0..64).step_by(strides) {
                        let at = aligned + alignment..aligned + alignment + len;
                        field.fill(0xA5);
                        field[at.clone()].copy_from_slice(&masked[..len]);
                        let ascii = unmask_at(level, key, &mut field[at.clone()]);
                        let place = (level, turn, len, alignment);
                        assert_eq!(field[at.clone()], plain[..len], "{place:?}");
                        assert_eq!(ascii, len <= 0x80, "{place:?}");
                        let mut around = field[..at.start].iter().chain(&field[at.end..]);
                        assert!(around.all(|byte| *byte == 0xA5), "{place:?}");
                    }
                }
            }
        }
    }

    #[test]
    fn every_level_sees_the_one_byte_that_is_no_ascii() {
        let (longest, stride) = if cfg!(miri) { (70, 17) } else { (300, 1) };
        for level in Level::all() {
            for len in (1..=longest).step_by(stride) {
                for at in 0..len {
                    let mut bytes: Vec<u8> = KEY.iter().copied().cycle().take(len).collect();
                    bytes[at] ^= 0x80;
                    assert!(
                        !unmask_at(level, KEY, &mut bytes),
                        "{level:?}: {at} of {len}"
                    );
                    assert_eq!(bytes.iter().position(|byte| *byte == 0x80), Some(at));
                }
            }
        }
    }

    /// Text of characters of every length, shifted and cut everywhere, and with any one byte spoilt.
    #[test]
    fn every_level_judges_every_length_at_every_alignment() {
        let words = "Lachs \u{7f}\u{80}\u{7ff}\u{800}\u{d7ff}\u{e000}\u{ffff}\u{10000}\u{10ffff} λοσος 紅鮭 🐟🐟";
        let text = words.repeat(8);
        let (longest, stride) = if cfg!(miri) { (140, 41) } else { (300, 1) };
        let mut field = vec![0; longest + 128];
        let aligned = field.as_ptr().align_offset(64);
        for level in Level::all() {
            for len in (0..=longest).step_by(stride) {
                for alignment in (0..64).step_by(stride) {
                    let at = aligned + alignment..aligned + alignment + len;
                    let bytes = &mut field[at];
                    bytes.copy_from_slice(&text.as_bytes()[alignment..][..len]);
                    let place = (level, len, alignment);
                    assert_eq!(is_utf8_at(level, bytes), oracle(bytes), "{place:?}");
                    // Begin with a character, so that only the end may be wrong, and then also what is spoilt.
                    bytes.copy_from_slice(&text.as_bytes()[..len]);
                    assert_eq!(is_utf8_at(level, bytes), oracle(bytes), "{place:?}");
                    if let Some(byte) = bytes.get_mut(len / 64 * alignment) {
                        *byte ^= 0x90;
                        assert_eq!(is_utf8_at(level, bytes), oracle(bytes), "{place:?}, spoilt");
                    }
                }
            }
        }
    }

    /// Any four bytes of those between which the rules change, wherever they stand to the vectors and to the end.
    #[test]
    fn every_level_judges_every_four_bytes() {
        const EDGES: [u8; 24] = [
            0x00, 0x7F, 0x80, 0x8F, 0x90, 0x9F, 0xA0, 0xBF, 0xC0, 0xC1, 0xC2, 0xDF, 0xE0, 0xE1,
            0xEC, 0xED, 0xEE, 0xEF, 0xF0, 0xF1, 0xF3, 0xF4, 0xF5, 0xFF,
        ];
        const PLACES: [usize; 13] = [0, 28, 29, 30, 31, 32, 61, 62, 63, 125, 126, 127, 196];
        let stride = if cfg!(miri) { 3001 } else { 1 };
        let mut bytes = [b'a'; 200];
        for level in Level::all() {
            for number in (0..EDGES.len().pow(4)).step_by(stride) {
                let four = [1, 24, 576, 13_824].map(|unit| EDGES[number / unit % 24]);
                let at = PLACES[number % PLACES.len()];
                bytes[at..at + 4].copy_from_slice(&four);
                let found = is_utf8_at(level, &bytes);
                assert_eq!(found, oracle(&four), "{level:?}: {four:x?} at {at}");
                bytes[at..at + 4].fill(b'a');
            }
        }
    }

    fn oracle(bytes: &[u8]) -> bool {
        core::str::from_utf8(bytes).is_ok()
    }

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
