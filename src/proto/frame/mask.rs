//! Masking (RFC 6455 section 5.3): XOR with a four-byte key, from any offset, at any alignment.
//!
//! In safe code: blocks of fixed size, which the compiler turns into vector instructions, and overlapping ends rather
//! than loops over what does not fill a block. From 64 bytes on it runs as wide as the processor is; see `simd`.
//!
//! Not here: where keys come from; see [`Keys`](crate::proto::Keys).

use crate::proto::text::{self, LONG};
use crate::proto::work;
use alloc::vec::Vec;

/// Masks or unmasks `bytes` in place. They stand `offset` bytes into their frame's payload.
///
/// ```
/// use sockeye::proto::frame::mask;
///
/// let mut bytes = *b"\x7f\x9f\x4d\x51\x58";
/// let (head, tail) = bytes.split_at_mut(3);
/// mask::apply([0x37, 0xfa, 0x21, 0x3d], 0, head);
/// mask::apply([0x37, 0xfa, 0x21, 0x3d], 3, tail);
/// assert_eq!(&bytes, b"Hello");
/// ```
#[inline(always)]
pub fn apply(key: [u8; 4], offset: u64, bytes: &mut [u8]) {
    apply_seeing(rotate(key, offset), bytes);
}

/// The same from the payload's beginning, and says whether the bytes are ASCII then: to look at what was just written would
/// mean to wait for it.
#[inline(always)]
pub(crate) fn apply_seeing(key: [u8; 4], bytes: &mut [u8]) -> bool {
    work::visit(bytes.len());
    // In this order three questions at most are asked of each length; a `match` would ask them from the shortest on.
    let len = bytes.len();
    if len >= 16 {
        if len < 32 {
            apply_ends_seeing::<16>(key, bytes)
        } else if len < 64 {
            apply_ends_seeing::<32>(key, bytes)
        } else if len <= LONG {
            apply_ends_seeing::<64>(key, bytes)
        } else {
            text::unmask(key, bytes)
        }
    } else if len >= 8 {
        apply_ends_seeing::<8>(key, bytes)
    } else if len >= 4 {
        apply_ends_seeing::<4>(key, bytes)
    } else {
        let masked = bytes.iter_mut().zip(key).map(|(byte, key)| {
            *byte ^= key;
            *byte
        });
        masked.fold(0, |all, byte| all | byte) < 0x80
    }
}

#[inline(always)]
fn apply_ends_seeing<const N: usize>(key: [u8; 4], bytes: &mut [u8]) -> bool {
    apply_ends::<N>(key, bytes).is_none_or(|(head, tail)| {
        let mut seen = head;
        gather(&mut seen, &tail);
        is_ascii(&seen)
    })
}

/// Of `N` to `2 * N` bytes the first `N` and the last, which overlap: both are read before either is written. Gives what was
/// written.
#[inline(always)]
pub(crate) fn apply_ends<const N: usize>(
    key: [u8; 4],
    bytes: &mut [u8],
) -> Option<([u8; N], [u8; N])> {
    let key = widen(key);
    let tail = masked_tail::<N>(key, bytes)?;
    let place = bytes.first_chunk_mut::<N>()?;
    let head = masked(key, place);
    *place = head;
    if let Some(place) = bytes.last_chunk_mut() {
        *place = tail;
    }
    Some((head, tail))
}

/// Of `WIDE` bytes and more, and says whether they come out as ASCII: that is nearly free here, and half of the work on
/// most text. `WIDE` is a vector's width, `BLOCK` that of a few; each of
/// several callers is compiled for another.
///
/// The first and last `WIDE` bytes are read before any is written; between them stores are aligned, as each that crosses
/// a line of the cache costs two.
#[inline(always)]
pub(crate) fn apply_wide<const WIDE: usize, const BLOCK: usize>(
    key: [u8; 4],
    bytes: &mut [u8],
) -> bool {
    let wide = widen(key);
    let (Some(head), Some(tail)) = (
        bytes.first_chunk::<WIDE>(),
        masked_tail::<WIDE>(wide, bytes),
    ) else {
        return apply_seeing(key, bytes);
    };
    let head = masked(wide, head);
    let mut seen = head;
    gather(&mut seen, &tail);
    let aligned = bytes.as_ptr().align_offset(WIDE) % WIDE;
    let key = turned(wide, aligned);
    let body = bytes.get_mut(aligned..).unwrap_or_default();
    let (blocks, rest) = body.as_chunks_mut::<BLOCK>();
    for block in blocks {
        apply_vectors::<WIDE>(key, block, &mut seen);
    }
    apply_vectors::<WIDE>(key, rest, &mut seen);
    if let Some(place) = bytes.first_chunk_mut() {
        *place = head;
    }
    if let Some(place) = bytes.last_chunk_mut() {
        *place = tail;
    }
    is_ascii(&seen)
}

#[inline(always)]
fn apply_vectors<const WIDE: usize>(key: u64, bytes: &mut [u8], seen: &mut [u8; WIDE]) {
    for vector in bytes.as_chunks_mut::<WIDE>().0 {
        *vector = masked(key, vector);
        gather(seen, vector);
    }
}

#[inline(always)]
fn is_ascii<const N: usize>(bytes: &[u8; N]) -> bool {
    let (words, rest) = bytes.as_chunks::<8>();
    let words = words
        .iter()
        .fold(0, |all, word| all | u64::from_ne_bytes(*word));
    let rest = rest.iter().fold(0, |all, byte| all | byte);
    words & 0x8080_8080_8080_8080 == 0 && rest < 0x80
}

#[inline(always)]
fn gather<const N: usize>(seen: &mut [u8; N], more: &[u8; N]) {
    let ((seen, last_seen), (more, last)) = (seen.as_chunks_mut::<8>(), more.as_chunks::<8>());
    for (seen, more) in seen.iter_mut().zip(more) {
        *seen = (u64::from_ne_bytes(*seen) | u64::from_ne_bytes(*more)).to_ne_bytes();
    }
    for (seen, more) in last_seen.iter_mut().zip(last) {
        *seen |= more;
    }
}

/// What the last `N` bytes are to become, if there are so many.
#[inline(always)]
fn masked_tail<const N: usize>(key: u64, bytes: &[u8]) -> Option<[u8; N]> {
    let (before, tail) = bytes.split_last_chunk::<N>()?;
    Some(masked(turned(key, before.len()), tail))
}

/// The key twice, the first byte lowest. Everything here is done in words of one size, which the compiler joins to
/// vectors; mixed ones it takes apart.
#[inline(always)]
fn widen(key: [u8; 4]) -> u64 {
    let key = u64::from(u32::from_le_bytes(key));
    key << 32 | key
}

/// Such a key so many bytes later.
#[inline(always)]
fn turned(key: u64, bytes: usize) -> u64 {
    #[expect(clippy::cast_possible_truncation, reason = "at most 7")]
    let steps = (bytes % 8) as u32;
    key.rotate_right(steps.wrapping_mul(8))
}

#[inline(always)]
fn masked<const N: usize>(key: u64, block: &[u8; N]) -> [u8; N] {
    let mut masked = *block;
    let (words, rest) = masked.as_chunks_mut::<8>();
    for word in words {
        *word = (u64::from_le_bytes(*word) ^ key).to_le_bytes();
    }
    for (byte, key) in rest.iter_mut().zip(key.to_le_bytes()) {
        *byte ^= key;
    }
    masked
}

/// Appends `payload` to `out`, masked: the bytes are read once and written once.
pub fn append(key: [u8; 4], payload: &[u8], out: &mut Vec<u8>) {
    out.reserve(payload.len());
    // A block small enough for registers and the first-level cache, so that the masked copy costs one pass.
    let (blocks, tail) = payload.as_chunks::<64>();
    work::visit(payload.len().saturating_sub(tail.len()));
    for block in blocks {
        out.extend_from_slice(&masked(widen(key), block));
    }
    let masked = out.len();
    work::visit(tail.len());
    out.extend_from_slice(tail);
    apply(key, 0, out.get_mut(masked..).unwrap_or_default());
}

/// The key as it stands `offset` bytes later.
#[must_use]
pub fn rotate(key: [u8; 4], offset: u64) -> [u8; 4] {
    // Little-endian order makes "the next key byte" the next higher byte, so rotating right moves it to the front.
    let steps = match offset % 4 {
        0 => 0,
        1 => 8,
        2 => 16,
        _ => 24,
    };
    u32::from_le_bytes(key).rotate_right(steps).to_le_bytes()
}
