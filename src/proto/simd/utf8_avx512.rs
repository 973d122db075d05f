//! Judging UTF-8 in vectors of 64 bytes; see `faults` for how.
//!
//! Short text is judged in registers, as it comes out of being unmasked: a vector that is read right after parts of it were
//! written waits for them. In long text nothing is gained by that, and ASCII, which is most of it, has to be seen only.
//!
//! Not here: text of less than sixteen bytes.

use super::faults::{FIRST_HIGH, FIRST_LOW, FOURTH, SECOND_HIGH, THIRD};
use super::vectors::{ymm, zmm};
use crate::proto::frame::mask::rotate;
use core::arch::x86_64::*;

const WIDE: usize = 64;
const BLOCK: usize = 2 * WIDE;

/// Whether `bytes` are whole characters.
#[target_feature(enable = "avx512f,avx512bw,avx512vbmi,avx2")]
pub(in crate::proto) fn is_utf8_avx512(bytes: &[u8]) -> bool {
    let (Some(head), Some(last)) = (bytes.first_chunk::<WIDE>(), bytes.last_chunk::<BLOCK>())
    else {
        return of_few(bytes);
    };
    let mut judge = Judge::new();
    let head = zmm::load(head);
    judge.take_behind(_mm512_setzero_si512(), head);
    let mut behind_ascii = !zmm::has_high_bits(head);
    let (blocks, rest) = in_blocks::<0>(bytes);
    let (before_blocks, before_rest) = in_blocks::<1>(bytes);
    for (first, block) in before_blocks.iter().zip(blocks) {
        let [a, b] = pair(block);
        let ascii = !zmm::has_high_bits(_mm512_or_si512(a, b));
        // ASCII behind ASCII is right.
        if !(ascii && behind_ascii) {
            let [first_a, first_b] = pair(first);
            judge.take(first_a, a);
            judge.take(first_b, b);
        }
        behind_ascii = ascii;
    }
    if let (Some(first), Some(vector)) = (before_rest.first_chunk(), rest.first_chunk()) {
        judge.take(zmm::load(first), zmm::load(vector));
    }
    let [before, last] = pair(last);
    judge.take_again(before, last);
    judge.found_nothing() && ends_whole(bytes)
}

/// What follows the first vector, or begins so many bytes before that.
#[inline(always)]
fn in_blocks<const BEFORE: usize>(bytes: &[u8]) -> (&[[u8; BLOCK]], &[u8]) {
    let at = (WIDE - BEFORE)..(bytes.len() - BEFORE);
    bytes.get(at).unwrap_or_default().as_chunks()
}

#[inline]
#[target_feature(enable = "avx512f,avx512bw,avx512vbmi,avx2")]
fn pair(block: &[u8; BLOCK]) -> [__m512i; 2] {
    match block.as_chunks().0 {
        [a, b] => [zmm::load(a), zmm::load(b)],
        _ => [_mm512_setzero_si512(); 2],
    }
}

/// Whether no character begins at the end that would have to go on.
#[inline(always)]
fn ends_whole(bytes: &[u8]) -> bool {
    let last = bytes.last_chunk::<3>();
    last.is_none_or(|[a, b, c]| *a < 0xF0 && *b < 0xE0 && *c < 0xC0)
}

#[target_feature(enable = "avx512f,avx512bw,avx512vbmi,avx2")]
fn of_few(bytes: &[u8]) -> bool {
    let len = bytes.len();
    if let (Some(head), Some(tail)) = (bytes.first_chunk::<WIDE>(), bytes.last_chunk::<WIDE>()) {
        Judge::new().of_two(zmm::load(head), zmm::load(tail), len)
    } else if let (Some(head), Some(tail)) = (bytes.first_chunk::<32>(), bytes.last_chunk::<32>()) {
        Judge::new().of_one::<32>(zmm::load_halves(head, tail), len)
    } else if let (Some(head), Some(tail)) = (bytes.first_chunk::<16>(), bytes.last_chunk::<16>()) {
        are_ends_utf8_avx512(u128::from_le_bytes(*head), u128::from_le_bytes(*tail), len)
    } else {
        core::str::from_utf8(bytes).is_ok()
    }
}

/// Whether so many bytes, 16 to 31, are whole characters: the first sixteen, and the last.
#[target_feature(enable = "avx512f,avx512bw,avx512vbmi,avx2")]
pub(in crate::proto) fn are_ends_utf8_avx512(head: u128, tail: u128, len: usize) -> bool {
    Judge::new().of_one::<16>(zmm::quarters(head, tail), len)
}

/// Unmasks 32 bytes to 127; says whether they are whole characters.
#[target_feature(enable = "avx512f,avx512bw,avx512vbmi,avx2")]
pub(in crate::proto) fn unmask_few_avx512(key: [u8; 4], bytes: &mut [u8]) -> bool {
    let len = bytes.len();
    let keys = |offset: usize| i32::from_le_bytes(rotate(key, offset as u64));
    if let (Some(head), Some(tail)) = (bytes.first_chunk::<WIDE>(), bytes.last_chunk::<WIDE>()) {
        let head = _mm512_xor_si512(zmm::load(head), _mm512_set1_epi32(keys(0)));
        let tail = _mm512_xor_si512(zmm::load(tail), _mm512_set1_epi32(keys(len - WIDE)));
        if let Some(place) = bytes.first_chunk_mut() {
            zmm::store(head, place);
        }
        if let Some(place) = bytes.last_chunk_mut() {
            zmm::store(tail, place);
        }
        let ascii = !zmm::has_high_bits(_mm512_or_si512(head, tail));
        ascii || Judge::new().of_two(head, tail, len)
    } else if let (Some(head), Some(tail)) = (bytes.first_chunk::<32>(), bytes.last_chunk::<32>()) {
        let both = zmm::load_halves(head, tail);
        let keys = _mm512_mask_set1_epi32(_mm512_set1_epi32(keys(0)), 0xFF00, keys(len - 32));
        let both = _mm512_xor_si512(both, keys);
        let (head, tail) = zmm::halves(both);
        if let Some(place) = bytes.first_chunk_mut() {
            ymm::store(head, place);
        }
        if let Some(place) = bytes.last_chunk_mut() {
            ymm::store(tail, place);
        }
        !zmm::has_high_bits(both) || Judge::new().of_one::<32>(both, len)
    } else {
        false
    }
}

/// How far text was judged, with the tables at hand.
struct Judge {
    first_high: __m512i,
    first_low: __m512i,
    second_high: __m512i,
    /// Of each byte of the last vector in the highest bit: two bytes further on a character goes on.
    due_before: __m512i,
    wrong: __m512i,
}

impl Judge {
    #[inline]
    #[target_feature(enable = "avx512f,avx512bw,avx512vbmi,avx2")]
    fn new() -> Self {
        Self {
            first_high: zmm::table(&FIRST_HIGH),
            first_low: zmm::table(&FIRST_LOW),
            second_high: zmm::table(&SECOND_HIGH),
            due_before: _mm512_setzero_si512(),
            wrong: _mm512_setzero_si512(),
        }
    }

    /// Judges the next vector. `first` begins one byte before it: in long text it is loaded, for what moves bytes from one
    /// place to another goes the same way through the processor as what looks them up.
    #[inline]
    #[target_feature(enable = "avx512f,avx512bw,avx512vbmi,avx2")]
    fn take(&mut self, first: __m512i, now: __m512i) {
        // Of an index six bits count, and the tables are there four times: what is above the four that matter does not.
        let by_high = _mm512_permutexvar_epi8(_mm512_srli_epi16::<4>(first), self.first_high);
        let by_low = _mm512_permutexvar_epi8(first, self.first_low);
        let by_second = _mm512_permutexvar_epi8(_mm512_srli_epi16::<4>(now), self.second_high);
        let pairs = _mm512_and_si512(_mm512_and_si512(by_high, by_low), by_second);
        let due = due(first, now);
        let due_now = _mm512_alignr_epi8::<14>(due, joined(self.due_before, due));
        let due_now = _mm512_and_si512(due_now, _mm512_set1_epi8(i8::MIN));
        self.wrong = _mm512_or_si512(self.wrong, _mm512_xor_si512(due_now, pairs));
        self.due_before = due;
    }

    /// Judges the next vector, which stands behind `before`.
    #[inline]
    #[target_feature(enable = "avx512f,avx512bw,avx512vbmi,avx2")]
    fn take_behind(&mut self, before: __m512i, now: __m512i) {
        self.take(shifted(before, now), now);
    }

    /// Judges a vector of which some was judged already.
    #[inline]
    #[target_feature(enable = "avx512f,avx512bw,avx512vbmi,avx2")]
    fn take_again(&mut self, before: __m512i, now: __m512i) {
        self.due_before = due(shifted(_mm512_setzero_si512(), before), before);
        self.take_behind(before, now);
    }

    #[inline]
    #[target_feature(enable = "avx512f,avx512bw,avx512vbmi,avx2")]
    fn found_nothing(&self) -> bool {
        zmm::is_zero(self.wrong)
    }

    /// Of less than [`WIDE`] bytes the first `N` and the last, in the lower and the upper half of `2 * N`.
    #[inline]
    #[target_feature(enable = "avx512f,avx512bw,avx512vbmi,avx2")]
    fn of_one<const N: usize>(mut self, both: __m512i, len: usize) -> bool {
        let behind_head = u64::MAX << N;
        let all = (1 << len) - 1;
        let places = _mm512_mask_add_epi8(iota(), behind_head, iota(), splat(2 * N - len));
        // Zeroes behind the last, so that a character that is not whole is a fault there.
        let text = _mm512_maskz_permutexvar_epi8(all, places, both);
        self.take_behind(_mm512_setzero_si512(), text);
        self.found_nothing()
    }

    /// Of [`WIDE`] bytes and more, and less than twice as many, the first [`WIDE`] and the last.
    #[inline]
    #[target_feature(enable = "avx512f,avx512bw,avx512vbmi,avx2")]
    fn of_two(mut self, head: __m512i, tail: __m512i, len: usize) -> bool {
        let rest = len - WIDE;
        let all = (1 << rest) - 1;
        let places = _mm512_add_epi8(iota(), splat(WIDE - rest));
        let text = _mm512_maskz_permutexvar_epi8(all, places, tail);
        self.take_behind(_mm512_setzero_si512(), head);
        self.take_behind(head, text);
        self.found_nothing()
    }
}

/// What begins one byte before `now`.
#[inline]
#[target_feature(enable = "avx512f,avx512bw,avx512vbmi,avx2")]
fn shifted(before: __m512i, now: __m512i) -> __m512i {
    _mm512_alignr_epi8::<15>(now, joined(before, now))
}

/// In front of each part of sixteen bytes the part that stands before it.
#[inline]
#[target_feature(enable = "avx512f,avx512bw,avx512vbmi,avx2")]
fn joined(before: __m512i, now: __m512i) -> __m512i {
    _mm512_alignr_epi32::<12>(now, before)
}

/// Of each byte of `now`, with the one before it: whether two bytes further on a character goes on.
#[inline]
#[target_feature(enable = "avx512f,avx512bw,avx512vbmi,avx2")]
fn due(first: __m512i, now: __m512i) -> __m512i {
    let third = _mm512_subs_epu8(now, _mm512_set1_epi8(THIRD));
    let fourth = _mm512_subs_epu8(first, _mm512_set1_epi8(FOURTH));
    _mm512_or_si512(third, fourth)
}

#[inline]
#[target_feature(enable = "avx512f,avx512bw,avx512vbmi,avx2")]
fn splat(number: usize) -> __m512i {
    #[expect(clippy::cast_possible_truncation, reason = "at most 64")]
    _mm512_set1_epi8(number as i8)
}

/// To each byte its place.
#[inline]
#[target_feature(enable = "avx512f,avx512bw,avx512vbmi,avx2")]
fn iota() -> __m512i {
    #[expect(
        clippy::indexing_slicing,
        clippy::cast_possible_truncation,
        reason = "while compiling"
    )]
    const PLACES: [u8; WIDE] = {
        let mut places = [0; WIDE];
        let mut place = 0;
        while place < WIDE {
            places[place] = place as u8;
            place += 1;
        }
        places
    };
    zmm::load(&PLACES)
}
