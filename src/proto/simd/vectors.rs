//! Vectors from bytes and back, in safe code: the compiler sees one load and one store in each.
//!
//! Not here: what is done to them.

use core::arch::x86_64::*;

/// Vectors of 32 bytes.
pub(super) mod ymm {
    use super::*;

    #[inline]
    #[target_feature(enable = "avx2")]
    pub(in crate::proto::simd) fn load(bytes: &[u8; 32]) -> __m256i {
        let [a, b, c, d] = words(bytes);
        _mm256_setr_epi64x(a, b, c, d)
    }

    #[inline]
    #[target_feature(enable = "avx2")]
    pub(in crate::proto::simd) fn store(vector: __m256i, bytes: &mut [u8; 32]) {
        let words = [
            _mm256_extract_epi64::<0>(vector),
            _mm256_extract_epi64::<1>(vector),
            _mm256_extract_epi64::<2>(vector),
            _mm256_extract_epi64::<3>(vector),
        ];
        for (place, word) in bytes.as_chunks_mut::<8>().0.iter_mut().zip(words) {
            *place = word.to_le_bytes();
        }
    }

    /// The same sixteen bytes in each part that is looked up by itself.
    #[inline]
    #[target_feature(enable = "avx2")]
    pub(in crate::proto::simd) fn table(bytes: &[u8; 16]) -> __m256i {
        let [a, b] = words(bytes);
        _mm256_setr_epi64x(a, b, a, b)
    }

    /// In front of each part of `now` the part that stands before it.
    #[inline]
    #[target_feature(enable = "avx2")]
    pub(in crate::proto::simd) fn joined(before: __m256i, now: __m256i) -> __m256i {
        _mm256_permute2x128_si256::<0x21>(before, now)
    }

    #[inline]
    #[target_feature(enable = "avx2")]
    pub(in crate::proto::simd) fn has_high_bits(vector: __m256i) -> bool {
        _mm256_movemask_epi8(vector) != 0
    }

    #[inline]
    #[target_feature(enable = "avx2")]
    pub(in crate::proto::simd) fn is_zero(vector: __m256i) -> bool {
        _mm256_testz_si256(vector, vector) == 1
    }
}

/// Vectors of 64 bytes.
pub(super) mod zmm {
    use super::*;

    #[inline]
    #[target_feature(enable = "avx512f,avx512bw,avx2")]
    pub(in crate::proto::simd) fn load(bytes: &[u8; 64]) -> __m512i {
        let [a, b, c, d, e, f, g, h] = words(bytes);
        _mm512_setr_epi64(a, b, c, d, e, f, g, h)
    }

    #[inline]
    #[target_feature(enable = "avx512f,avx512bw,avx2")]
    pub(in crate::proto::simd) fn store(vector: __m512i, bytes: &mut [u8; 64]) {
        if let [low, high] = bytes.as_chunks_mut::<32>().0 {
            let halves = halves(vector);
            ymm::store(halves.0, low);
            ymm::store(halves.1, high);
        }
    }

    /// The same sixteen bytes in each part that is looked up by itself.
    #[inline]
    #[target_feature(enable = "avx512f,avx512bw,avx2")]
    pub(in crate::proto::simd) fn table(bytes: &[u8; 16]) -> __m512i {
        let [a, b] = words(bytes);
        _mm512_setr_epi64(a, b, a, b, a, b, a, b)
    }

    /// Two halves.
    #[inline]
    #[target_feature(enable = "avx512f,avx512bw,avx2")]
    pub(in crate::proto::simd) fn load_halves(low: &[u8; 32], high: &[u8; 32]) -> __m512i {
        _mm512_inserti64x4::<1>(_mm512_castsi256_si512(ymm::load(low)), ymm::load(high))
    }

    /// Two quarters, and zeroes.
    #[inline]
    #[target_feature(enable = "avx512f,avx512bw,avx2")]
    pub(in crate::proto::simd) fn quarters(low: u128, high: u128) -> __m512i {
        let ([a, b], [c, d]) = (words(&low.to_le_bytes()), words(&high.to_le_bytes()));
        _mm512_zextsi256_si512(_mm256_setr_epi64x(a, b, c, d))
    }

    /// Both halves.
    #[inline]
    #[target_feature(enable = "avx512f,avx512bw,avx2")]
    pub(in crate::proto::simd) fn halves(vector: __m512i) -> (__m256i, __m256i) {
        (
            _mm512_castsi512_si256(vector),
            _mm512_extracti64x4_epi64::<1>(vector),
        )
    }

    #[inline]
    #[target_feature(enable = "avx512f,avx512bw,avx2")]
    pub(in crate::proto::simd) fn has_high_bits(vector: __m512i) -> bool {
        _mm512_movepi8_mask(vector) != 0
    }

    #[inline]
    #[target_feature(enable = "avx512f,avx512bw,avx2")]
    pub(in crate::proto::simd) fn is_zero(vector: __m512i) -> bool {
        _mm512_test_epi8_mask(vector, vector) == 0
    }
}

/// Bytes as the numbers that vectors are made of; the compiler sees one load.
#[inline(always)]
fn words<const BYTES: usize, const WORDS: usize>(bytes: &[u8; BYTES]) -> [i64; WORDS] {
    let mut words = [0; WORDS];
    for (word, bytes) in words.iter_mut().zip(bytes.as_chunks::<8>().0) {
        *word = i64::from_le_bytes(*bytes);
    }
    words
}
