//! Kernels for wide vectors, as safe functions: unmasking, and judging UTF-8 thirty-two or sixty-four bytes at a time.
//!
//! | file | holds |
//! |---|---|
//! | `unmask` | unmasking, in either width |
//! | `faults` | what can be wrong with UTF-8, as tables |
//! | `utf8_avx2`, `utf8_avx512` | the judges that look things up there |
//! | `vectors` | vectors from bytes, and back |
//!
//! Which of them a processor has is asked once, at run time: builds for all of x86-64 have vectors of sixteen bytes.
//!
//! Not here: the calls of these functions from code that was compiled without their instructions, which are `unsafe`:
//! those are in `text`, with what serves every other machine.

#[cfg(target_arch = "x86_64")]
mod faults;
#[cfg(target_arch = "x86_64")]
mod unmask;
#[cfg(target_arch = "x86_64")]
mod utf8_avx2;
#[cfg(target_arch = "x86_64")]
mod utf8_avx512;
#[cfg(target_arch = "x86_64")]
mod vectors;

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
    pub(in crate::proto) use super::unmask::{unmask_avx2, unmask_avx512};
    pub(in crate::proto) use super::utf8_avx2::is_utf8_avx2;
    pub(in crate::proto) use super::utf8_avx512::{
        are_ends_utf8_avx512, is_utf8_avx512, unmask_few_avx512,
    };
}
