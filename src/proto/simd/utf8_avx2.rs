//! Judging UTF-8 in vectors of 32 bytes; see `faults` for how.
//!
//! Not here: texts of a few bytes, for which this takes too long to get going.

use super::faults::{FIRST_HIGH, FIRST_LOW, FOURTH, SECOND_HIGH, THIRD};
use super::vectors::ymm;
use core::arch::x86_64::*;

/// Whether `bytes` are whole characters. They are seen in blocks, with zeroes behind the last, so that a character that is
/// not whole is a fault there.
#[target_feature(enable = "avx2")]
pub(in crate::proto) fn is_utf8_avx2(bytes: &[u8]) -> bool {
    const BLOCK: usize = 128;
    let first_high = ymm::table(&FIRST_HIGH);
    let first_low = ymm::table(&FIRST_LOW);
    let second_high = ymm::table(&SECOND_HIGH);
    let low = _mm256_set1_epi8(15);
    let high = |vector| _mm256_and_si256(_mm256_srli_epi16::<4>(vector), low);
    // What is wrong up to each byte of `now`, which stands behind `before`.
    let faults = |before, now| {
        let joined = ymm::joined(before, now);
        let first = _mm256_alignr_epi8::<15>(now, joined);
        let by_high = _mm256_shuffle_epi8(first_high, high(first));
        let by_low = _mm256_shuffle_epi8(first_low, _mm256_and_si256(first, low));
        let by_second = _mm256_shuffle_epi8(second_high, high(now));
        let pairs = _mm256_and_si256(_mm256_and_si256(by_high, by_low), by_second);
        let second = _mm256_alignr_epi8::<14>(now, joined);
        let third = _mm256_alignr_epi8::<13>(now, joined);
        let due = _mm256_or_si256(
            _mm256_subs_epu8(second, _mm256_set1_epi8(THIRD)),
            _mm256_subs_epu8(third, _mm256_set1_epi8(FOURTH)),
        );
        _mm256_xor_si256(_mm256_and_si256(due, _mm256_set1_epi8(i8::MIN)), pairs)
    };
    let (blocks, rest) = bytes.as_chunks::<BLOCK>();
    let mut last = [0; BLOCK];
    if let Some(place) = last.get_mut(..rest.len()) {
        place.copy_from_slice(rest);
    }
    let (mut before, mut wrong) = (_mm256_setzero_si256(), _mm256_setzero_si256());
    for block in blocks.iter().chain([&last]) {
        let vectors = block.as_chunks::<32>().0;
        let (mut all, mut end) = (before, before);
        for vector in vectors {
            end = ymm::load(vector);
            all = _mm256_or_si256(all, end);
        }
        // ASCII behind ASCII is right.
        if ymm::has_high_bits(all) {
            for vector in vectors {
                let now = ymm::load(vector);
                wrong = _mm256_or_si256(wrong, faults(before, now));
                before = now;
            }
        }
        before = end;
    }
    ymm::is_zero(wrong)
}
