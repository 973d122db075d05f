//! Unmasking in vectors.
//!
//! Not here: payload of [`LONG`](crate::proto::text::LONG) bytes and less, which is unmasked where it is asked for.

use super::vectors::{ymm, zmm};
use crate::proto::frame::mask::{self, rotate};
use core::arch::x86_64::*;

/// One for each width, as [`mask::apply_wide`] is for any machine, which says why. That one compiled for these would do
/// on paper; what the compiler makes of it differs by a factor of four from one version of it to the next.
macro_rules! unmasker {
    ($name:ident, $features:literal, $width:literal, $own:ident, $splat:ident, $or:ident, $xor:ident) => {
        /// Unmasks bytes that stand at the beginning of a payload; says whether they are ASCII then.
        #[target_feature(enable = $features)]
        pub(in crate::proto) fn $name(key: [u8; 4], bytes: &mut [u8]) -> bool {
            const BLOCK: usize = 256;
            let behind = |len: usize| $splat(i32::from_le_bytes(rotate(key, len as u64)));
            let head = bytes.first_chunk::<$width>();
            let tail = bytes.split_last_chunk::<$width>();
            let (Some(head), Some((before, tail))) = (head, tail) else {
                return unmask_few(key, bytes);
            };
            let head = $xor($own::load(head), behind(0));
            let tail = $xor($own::load(tail), behind(before.len()));
            let aligned = bytes.as_ptr().align_offset($width) % $width;
            let key = behind(aligned);
            let mut seen = $or(head, tail);
            let mut unmask = |vectors: &mut [[u8; $width]]| {
                for place in vectors {
                    let vector = $xor($own::load(place), key);
                    $own::store(vector, place);
                    seen = $or(seen, vector);
                }
            };
            let body = bytes.get_mut(aligned..).unwrap_or_default();
            let (blocks, rest) = body.as_chunks_mut::<BLOCK>();
            for block in blocks {
                unmask(block.as_chunks_mut::<$width>().0);
            }
            unmask(rest.as_chunks_mut::<$width>().0);
            if let Some(place) = bytes.first_chunk_mut() {
                $own::store(head, place);
            }
            if let Some(place) = bytes.last_chunk_mut() {
                $own::store(tail, place);
            }
            !$own::has_high_bits(seen)
        }
    };
}

/// Less than a vector, which nobody asks for. Out of the way: registers that it needs are saved here alone.
#[cold]
#[inline(never)]
fn unmask_few(key: [u8; 4], bytes: &mut [u8]) -> bool {
    mask::apply_wide::<16, 64>(key, bytes)
}

unmasker!(
    unmask_avx2,
    "avx2",
    32,
    ymm,
    _mm256_set1_epi32,
    _mm256_or_si256,
    _mm256_xor_si256
);
unmasker!(
    unmask_avx512,
    "avx512f,avx512bw,avx2",
    64,
    zmm,
    _mm512_set1_epi32,
    _mm512_or_si512,
    _mm512_xor_si512
);
