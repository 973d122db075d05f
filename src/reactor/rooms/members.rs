//! Who is in one room: [`Members`], each of them a [`Member`].
//!
//! Not here: in which rooms somebody is; that is `memberships`.

use alloc::vec;
use alloc::vec::Vec;
use core::ops::{Deref, DerefMut};

/// The members of a room, each where it stands. One alone, as in the room of a user, takes nothing of the heap.
#[derive(Debug)]
pub(super) enum Members {
    One([Member; 1]),
    Any(Vec<Member>),
}

/// A member, in eight bytes: everybody is one of the room of all.
#[derive(Clone, Copy, Debug)]
pub(super) struct Member {
    /// Its slot, and the two bits below.
    slot: u32,
    /// The lower half of the number of the first message that it has not been told. Those that are kept for members are
    /// fewer than there could be in memory, so this says which.
    told: u32,
}

impl Member {
    pub(super) const fn new(slot: u32, told: u32) -> Self {
        Self { slot, told }
    }

    /// Everything is dropped for it.
    const FULL: u32 = 1 << 31;
    /// It is told nothing more.
    const LEFT_OUT: u32 = 1 << 30;

    pub(super) const fn slot(self) -> u32 {
        self.slot & !(Self::FULL | Self::LEFT_OUT)
    }

    pub(super) const fn is_full(self) -> bool {
        self.slot & Self::FULL != 0
    }

    pub(super) const fn set_full(&mut self, full: bool) {
        self.slot &= !Self::FULL;
        if full {
            self.slot |= Self::FULL;
        }
    }

    /// It has been told what is before this number.
    pub(super) const fn set_told(&mut self, number: u64) {
        self.told = number as u32;
    }

    pub(super) const fn told(self) -> u32 {
        self.told
    }

    pub(super) const fn leave_out(&mut self) {
        self.slot |= Self::LEFT_OUT;
    }

    pub(super) const fn is_left_out(self) -> bool {
        self.slot & Self::LEFT_OUT != 0
    }
}

impl Default for Members {
    fn default() -> Self {
        Self::Any(Vec::new())
    }
}

impl Members {
    /// Adds one behind the others.
    pub(super) fn push(&mut self, member: Member) {
        match self {
            Self::Any(all) if all.capacity() == 0 => *self = Self::One([member]),
            Self::Any(all) => all.push(member),
            Self::One([first]) => *self = Self::Any(vec![*first, member]),
        }
    }

    /// Takes one out; the last one takes its place.
    pub(super) fn swap_remove(&mut self, at: usize) {
        match self {
            Self::Any(all) => drop(all.swap_remove(at)),
            Self::One(_) => *self = Self::default(),
        }
    }
}

impl Deref for Members {
    type Target = [Member];

    #[inline]
    fn deref(&self) -> &[Member] {
        match self {
            Self::One(one) => one,
            Self::Any(all) => all,
        }
    }
}

impl DerefMut for Members {
    #[inline]
    fn deref_mut(&mut self) -> &mut [Member] {
        match self {
            Self::One(one) => one,
            Self::Any(all) => all,
        }
    }
}
