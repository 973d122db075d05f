//! Kernels for wide vectors, as safe functions: unmasking, and judging UTF-8 thirty-two or sixty-four bytes at a time.
//!
//! Which of them a processor has is asked once, at run time: builds for all of x86-64 have vectors of sixteen bytes.
//!
//! Not here: the calls of these functions from code that was compiled without their instructions, which are `unsafe`:
//! those are in `text`, with what serves every other machine.

#[cfg(target_arch = "x86_64")]
cpufeatures::new!(has_avx2, "avx2");
// The last is what none of those processors has that run slower for a while after a wide instruction.
#[cfg(target_arch = "x86_64")]
cpufeatures::new!(has_avx512, "avx2", "avx512f", "avx512bw", "avx512vbmi");

/// What a processor has. A value says that it has it, so each comes from [`Level::best`] or [`Level::all`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Level {
    /// What the build may count on.
    Portable,
    #[cfg(target_arch = "x86_64")]
    Avx2,
    #[cfg(target_arch = "x86_64")]
    Avx512,
}

impl Level {
    /// The widest that there is.
    #[inline(always)]
    pub(super) fn best() -> Self {
        #[cfg(target_arch = "x86_64")]
        {
            if has_avx512::get() {
                return Self::Avx512;
            }
            if has_avx2::get() {
                return Self::Avx2;
            }
        }
        Self::Portable
    }

    /// All that there are.
    #[cfg(test)]
    pub(super) fn all() -> alloc::vec::Vec<Self> {
        let mut all = alloc::vec![Self::Portable];
        #[cfg(target_arch = "x86_64")]
        {
            if has_avx2::get() {
                all.push(Self::Avx2);
            }
            if has_avx512::get() {
                all.push(Self::Avx512);
            }
        }
        all
    }
}

#[cfg(target_arch = "x86_64")]
pub(super) mod x86 {
    use crate::proto::frame::mask::{self, rotate};
    use core::arch::x86_64::*;

    /// One for each width, as [`mask::apply_wide`] is for any machine, which says why. That one compiled for these would do
    /// on paper; what the compiler makes of it differs by a factor of four from one version of it to the next.
    macro_rules! unmasker {
        ($name:ident, $features:literal, $width:literal, $own:ident, $splat:ident, $or:ident, $xor:ident) => {
            /// Unmasks bytes that stand at the beginning of a payload; says whether they are ASCII then.
            #[target_feature(enable = $features)]
            pub(in super::super) fn $name(key: [u8; 4], bytes: &mut [u8]) -> bool {
                const BLOCK: usize = 256;
                let behind = |len: usize| $splat(i32::from_le_bytes(rotate(key, len as u64)));
                let head = bytes.first_chunk::<$width>();
                let tail = bytes.split_last_chunk::<$width>();
                let (Some(head), Some((before, tail))) = (head, tail) else {
                    return mask::apply_wide::<16, 64>(key, bytes);
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

    /// What can be wrong with two bytes that follow one another: the first's upper and lower half and the second's upper
    /// half, each one of a set of nibbles. The method is that of Keiser and Lemire, "Validating UTF-8 in less than one
    /// instruction per byte" (2021): three tables say of each half which faults it may be part of, and where all three
    /// agree there is one. Each fault is a bit, in this order.
    const FAULTS: [(u16, u16, u16); 8] = [
        // A character begins, and does not go on.
        (LEAD, ANY, ASCII | LEAD),
        // What has not begun goes on.
        (ASCII, ANY, MORE),
        // Longer than it need be: C0, C1; E0 before 80 to 9F.
        (nibbles(0xC, 0xC), nibbles(0, 1), MORE),
        (nibbles(0xE, 0xE), nibbles(0, 0), nibbles(8, 9)),
        // A surrogate: ED before A0 to BF.
        (nibbles(0xE, 0xE), nibbles(0xD, 0xD), nibbles(0xA, 0xB)),
        // Longer than it need be or beyond U+10FFFF: F0, and F5 to FF, before 80 to 8F.
        (
            nibbles(0xF, 0xF),
            nibbles(0, 0) | nibbles(5, 0xF),
            nibbles(8, 8),
        ),
        // Beyond U+10FFFF: F4 to FF before 90 to BF.
        (nibbles(0xF, 0xF), nibbles(4, 0xF), nibbles(9, 0xB)),
        // A third or fourth byte, which is a fault unless a character of so many began before. The highest bit.
        (MORE, ANY, MORE),
    ];
    const ANY: u16 = nibbles(0, 0xF);
    const ASCII: u16 = nibbles(0, 7);
    const MORE: u16 = nibbles(8, 0xB);
    const LEAD: u16 = nibbles(0xC, 0xF);

    const fn nibbles(first: u32, last: u32) -> u16 {
        let (from_first, to_last) = (u16::MAX << first, u16::MAX >> (15 - last));
        from_first & to_last
    }

    const FIRST_HIGH: [u8; 16] = tables().0;
    const FIRST_LOW: [u8; 16] = tables().1;
    const SECOND_HIGH: [u8; 16] = tables().2;

    /// For each nibble the faults that it may be part of.
    #[expect(clippy::indexing_slicing, reason = "while compiling")]
    const fn tables() -> ([u8; 16], [u8; 16], [u8; 16]) {
        let mut tables = ([0; 16], [0; 16], [0; 16]);
        let mut nibble = 0;
        while nibble < 16 {
            let mut fault = 0;
            while fault < 8 {
                let (a, b, c) = FAULTS[fault];
                tables.0[nibble] |= (((a >> nibble) & 1) as u8) << fault;
                tables.1[nibble] |= (((b >> nibble) & 1) as u8) << fault;
                tables.2[nibble] |= (((c >> nibble) & 1) as u8) << fault;
                fault += 1;
            }
            nibble += 1;
        }
        tables
    }

    /// A third byte is due two behind E0 and above, a fourth three behind F0: what is left of them then is 80 or more.
    const THIRD: i8 = 0x60;
    const FOURTH: i8 = 0x70;

    /// One validator for each width, from what the width has of its own and the names of what both have.
    macro_rules! validator {
        (
            $name:ident, $features:literal, $width:literal, $own:ident, $zero:ident, $splat:ident, $or:ident, $and:ident,
            $xor:ident, $minus:ident, $look_up:ident, $shift:ident, $behind:ident
        ) => {
            /// Whether `bytes` are whole characters. They are seen in blocks, with zeroes behind the last, so that a
            /// character that is not whole is a fault there.
            #[target_feature(enable = $features)]
            pub(in super::super) fn $name(bytes: &[u8]) -> bool {
                const BLOCK: usize = 128;
                let first_high = $own::table(&FIRST_HIGH);
                let first_low = $own::table(&FIRST_LOW);
                let second_high = $own::table(&SECOND_HIGH);
                let low = $splat(15);
                let high = |vector| $and($shift::<4>(vector), low);
                // What is wrong up to each byte of `now`, which stands behind `before`.
                let faults = |before, now| {
                    let joined = $own::joined(before, now);
                    let first = $behind::<15>(now, joined);
                    let by_high = $look_up(first_high, high(first));
                    let by_low = $look_up(first_low, $and(first, low));
                    let by_second = $look_up(second_high, high(now));
                    let pairs = $and($and(by_high, by_low), by_second);
                    let third = $minus($behind::<14>(now, joined), $splat(THIRD));
                    let fourth = $minus($behind::<13>(now, joined), $splat(FOURTH));
                    $xor($and($or(third, fourth), $splat(i8::MIN)), pairs)
                };
                let (blocks, rest) = bytes.as_chunks::<BLOCK>();
                let mut last = [0; BLOCK];
                if let Some(place) = last.get_mut(..rest.len()) {
                    place.copy_from_slice(rest);
                }
                let (mut before, mut wrong) = ($zero(), $zero());
                for block in blocks.iter().chain([&last]) {
                    let vectors = block.as_chunks::<$width>().0;
                    let (mut all, mut end) = (before, before);
                    for vector in vectors {
                        end = $own::load(vector);
                        all = $or(all, end);
                    }
                    // ASCII behind ASCII is right.
                    if $own::has_high_bits(all) {
                        for vector in vectors {
                            let now = $own::load(vector);
                            wrong = $or(wrong, faults(before, now));
                            before = now;
                        }
                    }
                    before = end;
                }
                $own::is_zero(wrong)
            }
        };
    }

    validator!(
        is_utf8_avx2,
        "avx2",
        32,
        ymm,
        _mm256_setzero_si256,
        _mm256_set1_epi8,
        _mm256_or_si256,
        _mm256_and_si256,
        _mm256_xor_si256,
        _mm256_subs_epu8,
        _mm256_shuffle_epi8,
        _mm256_srli_epi16,
        _mm256_alignr_epi8
    );
    validator!(
        is_utf8_avx512,
        "avx512f,avx512bw,avx2",
        64,
        zmm,
        _mm512_setzero_si512,
        _mm512_set1_epi8,
        _mm512_or_si512,
        _mm512_and_si512,
        _mm512_xor_si512,
        _mm512_subs_epu8,
        _mm512_shuffle_epi8,
        _mm512_srli_epi16,
        _mm512_alignr_epi8
    );

    /// Vectors of 32 bytes.
    mod ymm {
        use super::*;

        #[inline]
        #[target_feature(enable = "avx2")]
        pub(super) fn load(bytes: &[u8; 32]) -> __m256i {
            let [a, b, c, d] = words(bytes);
            _mm256_setr_epi64x(a, b, c, d)
        }

        #[inline]
        #[target_feature(enable = "avx2")]
        pub(super) fn store(vector: __m256i, bytes: &mut [u8; 32]) {
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
        pub(super) fn table(bytes: &[u8; 16]) -> __m256i {
            let [a, b] = words(bytes);
            _mm256_setr_epi64x(a, b, a, b)
        }

        /// In front of each part of `now` the part that stands before it.
        #[inline]
        #[target_feature(enable = "avx2")]
        pub(super) fn joined(before: __m256i, now: __m256i) -> __m256i {
            _mm256_permute2x128_si256::<0x21>(before, now)
        }

        #[inline]
        #[target_feature(enable = "avx2")]
        pub(super) fn has_high_bits(vector: __m256i) -> bool {
            _mm256_movemask_epi8(vector) != 0
        }

        #[inline]
        #[target_feature(enable = "avx2")]
        pub(super) fn is_zero(vector: __m256i) -> bool {
            _mm256_testz_si256(vector, vector) == 1
        }
    }

    /// Vectors of 64 bytes.
    mod zmm {
        use super::*;

        #[inline]
        #[target_feature(enable = "avx512f,avx512bw,avx2")]
        pub(super) fn load(bytes: &[u8; 64]) -> __m512i {
            let [a, b, c, d, e, f, g, h] = words(bytes);
            _mm512_setr_epi64(a, b, c, d, e, f, g, h)
        }

        #[inline]
        #[target_feature(enable = "avx512f,avx512bw,avx2")]
        pub(super) fn store(vector: __m512i, bytes: &mut [u8; 64]) {
            if let [low, high] = bytes.as_chunks_mut::<32>().0 {
                ymm::store(_mm512_castsi512_si256(vector), low);
                ymm::store(_mm512_extracti64x4_epi64::<1>(vector), high);
            }
        }

        /// The same sixteen bytes in each part that is looked up by itself.
        #[inline]
        #[target_feature(enable = "avx512f,avx512bw,avx2")]
        pub(super) fn table(bytes: &[u8; 16]) -> __m512i {
            let [a, b] = words(bytes);
            _mm512_setr_epi64(a, b, a, b, a, b, a, b)
        }

        /// In front of each part of `now` the part that stands before it.
        #[inline]
        #[target_feature(enable = "avx512f,avx512bw,avx2")]
        pub(super) fn joined(before: __m512i, now: __m512i) -> __m512i {
            _mm512_alignr_epi32::<12>(now, before)
        }

        #[inline]
        #[target_feature(enable = "avx512f,avx512bw,avx2")]
        pub(super) fn has_high_bits(vector: __m512i) -> bool {
            _mm512_movepi8_mask(vector) != 0
        }

        #[inline]
        #[target_feature(enable = "avx512f,avx512bw,avx2")]
        pub(super) fn is_zero(vector: __m512i) -> bool {
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
}
