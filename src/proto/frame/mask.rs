//! Masking (RFC 6455 section 5.3): XOR with a four-byte key, from any offset, at any alignment.
//!
//! Eight bytes at a time in safe code, which the compiler turns into vector instructions.
//!
//! Not here: where keys come from; see [`Keys`](crate::proto::Keys).

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
#[inline]
pub fn apply(key: [u8; 4], offset: u64, bytes: &mut [u8]) {
    let key = rotate(key, offset);
    let wide = widen(key);
    let (blocks, tail) = bytes.as_chunks_mut::<8>();
    for block in blocks {
        *block = (u64::from_ne_bytes(*block) ^ wide).to_ne_bytes();
    }
    for (byte, key) in tail.iter_mut().zip(wide.to_ne_bytes()) {
        *byte ^= key;
    }
}

/// Appends `payload` to `out`, masked: the bytes are read once and written once.
pub fn append(key: [u8; 4], payload: &[u8], out: &mut Vec<u8>) {
    let wide = widen(key);
    out.reserve(payload.len());
    // A block small enough for registers and the first-level cache, so that the masked copy costs one pass.
    let (blocks, tail) = payload.as_chunks::<64>();
    for block in blocks {
        let mut masked = *block;
        for word in masked.as_chunks_mut::<8>().0 {
            *word = (u64::from_ne_bytes(*word) ^ wide).to_ne_bytes();
        }
        out.extend_from_slice(&masked);
    }
    let key = wide.to_ne_bytes();
    out.extend(
        tail.iter()
            .zip(key.iter().cycle())
            .map(|(byte, key)| byte ^ key),
    );
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

fn widen(key: [u8; 4]) -> u64 {
    let [a, b, c, d] = key;
    u64::from_ne_bytes([a, b, c, d, a, b, c, d])
}
