//! Who is in one room, each of them a [`Member`]: [`Hall`].
//!
//! Not here: in which rooms somebody is; that is `memberships`.

use super::room::Talk;
use alloc::boxed::Box;
use alloc::vec;
use alloc::vec::Vec;

/// The members of a room, each where it stands, and what it has only where something is to be said of it. One alone, as in
/// the room of a user, takes nothing of the heap.
#[derive(Debug)]
pub(super) enum Hall {
    Empty,
    Alone([Member; 1]),
    Quiet(Box<Quiet>),
    Loud(Box<Loud>),
}

/// Several, to whom nothing was ever said.
#[derive(Debug)]
pub(super) struct Quiet {
    members: Vec<Member>,
}

/// Those to whom something was said. Both are in one place, as whoever is told something needs both.
#[derive(Debug)]
pub(super) struct Loud {
    pub(super) members: Vec<Member>,
    pub(super) talk: Talk,
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

impl Hall {
    #[inline]
    pub(super) fn members(&self) -> &[Member] {
        match self {
            Self::Loud(loud) => &loud.members,
            Self::Quiet(quiet) => &quiet.members,
            Self::Alone(one) => one,
            Self::Empty => &[],
        }
    }

    #[inline]
    pub(super) fn members_mut(&mut self) -> &mut [Member] {
        match self {
            Self::Loud(loud) => &mut loud.members,
            Self::Quiet(quiet) => &mut quiet.members,
            Self::Alone(one) => one,
            Self::Empty => &mut [],
        }
    }

    /// Adds one behind the others.
    pub(super) fn push(&mut self, member: Member) {
        match self {
            Self::Loud(loud) => loud.members.push(member),
            Self::Quiet(quiet) => quiet.members.push(member),
            Self::Alone([first]) => {
                let members = vec![*first, member];
                *self = Self::Quiet(Box::new(Quiet { members }));
            }
            Self::Empty => *self = Self::Alone([member]),
        }
    }

    /// Takes one out; the last one takes its place.
    pub(super) fn swap_remove(&mut self, at: usize) {
        match self {
            Self::Loud(loud) => drop(loud.members.swap_remove(at)),
            Self::Quiet(quiet) => drop(quiet.members.swap_remove(at)),
            Self::Alone(_) | Self::Empty => *self = Self::Empty,
        }
    }

    /// As it is where something was said, which may be now.
    #[inline]
    pub(super) fn loud(&mut self) -> &mut Loud {
        if !matches!(self, Self::Loud(_)) {
            self.begin();
        }
        match self {
            Self::Loud(loud) => loud,
            _ => unreachable!("it has begun"),
        }
    }

    #[cold]
    fn begin(&mut self) {
        let members = match core::mem::replace(self, Self::Empty) {
            Self::Loud(loud) => loud.members,
            Self::Quiet(quiet) => quiet.members,
            Self::Alone(one) => one.to_vec(),
            Self::Empty => Vec::new(),
        };
        let talk = Talk::begin(left_out(&members));
        *self = Self::Loud(Box::new(Loud { members, talk }));
    }

    /// Members that are told nothing more.
    pub(super) fn left_out(&self) -> usize {
        left_out(self.members())
    }
}

fn left_out(members: &[Member]) -> usize {
    let left_out = members.iter().filter(|member| member.is_left_out());
    left_out.count()
}
