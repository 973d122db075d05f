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
    let text = match bytes.len() {
        0..16 | LONG..=STEP => mask::apply_seeing(key, bytes) || is_utf8(bytes),
        16..32 => unmask_quarter(key, bytes),
        32..LONG => {
            work::visit(bytes.len());
            unmask_few(Level::best(), key, bytes)
        }
        _ => unmask_in_steps(key, bytes),
    };
    text.then(|| judged(bytes))
}

/// Unmasks 16 bytes to 31, and says whether they are text. What was just written is not read again where that can be
/// helped: vectors that hold bytes of two stores have to wait for them.
#[inline(always)]
fn unmask_quarter(key: [u8; 4], bytes: &mut [u8]) -> bool {
    work::visit(bytes.len());
    let Some((head, tail)) = mask::apply_ends::<16>(key, bytes) else {
        return false;
    };
    let (low, high) = (u128::from_ne_bytes(head), u128::from_ne_bytes(tail));
    (low | high) & HIGH_BITS == 0 || are_ends_utf8(low, high, bytes)
}

const HIGH_BITS: u128 = u128::from_ne_bytes([0x80; 16]);

/// Whether 16 bytes to 31 are whole characters. The first sixteen and the last are here as they are in registers: in memory
/// they would have to be written, and waited for.
#[inline(never)]
fn are_ends_utf8(low: u128, high: u128, bytes: &[u8]) -> bool {
    are_ends_utf8_at(Level::best(), low, high, bytes)
}

#[inline(always)]
#[cfg_attr(
    not(target_arch = "x86_64"),
    expect(unused_variables, reason = "for wide vectors")
)]
fn are_ends_utf8_at(level: Level, low: u128, high: u128, bytes: &[u8]) -> bool {
    work::visit(bytes.len());
    match level {
        #[cfg(target_arch = "x86_64")]
        #[expect(
            unsafe_code,
            reason = "half as long as without; see 20 B of mixed text in benches/versus/codec"
        )]
        // SAFETY: the level says that the processor has what the function is compiled for.
        Level::Avx512 => unsafe { x86::are_ends_utf8_avx512(low, high, bytes.len()) },
        _ => is_utf8_portably(bytes),
    }
}

/// Unmasks 32 bytes to 127, and says whether they are text.
#[inline(always)]
fn unmask_few(level: Level, key: [u8; 4], bytes: &mut [u8]) -> bool {
    match level {
        #[cfg(target_arch = "x86_64")]
        #[expect(
            unsafe_code,
            reason = "half as long as without; see 125 B of mixed text in benches/versus/codec"
        )]
        // SAFETY: the level says that the processor has what the function is compiled for.
        Level::Avx512 => unsafe { x86::unmask_few_avx512(key, bytes) },
        _ => mask::apply_seeing(key, bytes) || is_utf8(bytes),
    }
}

/// The same of more than [`STEP`] bytes.
#[inline(never)]
fn unmask_in_steps(key: [u8; 4], bytes: &mut [u8]) -> bool {
    let mut text = Validator::default();
    text.unmask(key, 0, bytes).is_ok() && text.finish().is_ok()
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
mod tests;
