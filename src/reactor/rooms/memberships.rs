//! Which rooms each connection is in: short lists, all of them in one place, so that who is in none has nothing for it.
//!
//! Not here: the rooms, and where a connection stands among everybody.

use alloc::vec::Vec;

/// Where a list ends.
const END: u32 = u32::MAX;

/// The memberships of all connections, in twelve bytes each.
#[derive(Debug, Default)]
pub(super) struct Memberships {
    /// Those of connections, and those that are over: of each a list leads to the next.
    all: Vec<Membership>,
    free: List,
}

/// Those of one connection, in the order in which it joined: where the first one is. It is not freed by itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct List(u32);

#[derive(Clone, Copy, Debug)]
pub(super) struct Membership {
    pub(super) room: u32,
    /// Where it stands among the room's members.
    pub(super) at: u32,
    next: List,
}

impl Default for List {
    fn default() -> Self {
        Self(END)
    }
}

impl Memberships {
    /// The first of a list, and what follows it.
    pub(super) fn first(&self, list: List) -> Option<(Membership, List)> {
        let first = self.all.get(list.0 as usize)?;
        Some((*first, first.next))
    }

    pub(super) fn of(&self, mut list: List) -> impl Iterator<Item = Membership> {
        core::iter::from_fn(move || {
            let (first, rest) = self.first(list)?;
            list = rest;
            Some(first)
        })
    }

    /// Where it stands in a room, if it is in there.
    pub(super) fn find(&self, list: List, room: u32) -> Option<u32> {
        let mut all = self.of(list);
        all.find(|one| one.room == room).map(|one| one.at)
    }

    /// It stands elsewhere in a room now.
    pub(super) fn moved(&mut self, mut list: List, room: u32, at: u32) {
        while let Some(one) = self.all.get_mut(list.0 as usize) {
            if one.room == room {
                one.at = at;
                return;
            }
            list = one.next;
        }
    }

    /// Adds a membership behind the others.
    pub(super) fn push(&mut self, list: &mut List, room: u32, at: u32) {
        let next = List::default();
        let new = self.place(Membership { room, at, next });
        let mut last = *list;
        if last == next {
            *list = new;
        }
        while let Some(one) = self.all.get_mut(last.0 as usize) {
            last = one.next;
            if last == next {
                one.next = new;
            }
        }
    }

    /// Takes out that in a room.
    pub(super) fn remove(&mut self, list: &mut List, room: u32) {
        let mut at = *list;
        let mut before = None;
        while let Some((one, rest)) = self.first(at) {
            if one.room == room {
                self.forget(at);
                match before.and_then(|before: List| self.all.get_mut(before.0 as usize)) {
                    Some(before) => before.next = rest,
                    None => *list = rest,
                }
                return;
            }
            (before, at) = (Some(at), rest);
        }
    }

    /// Takes out the first one.
    pub(super) fn pop(&mut self, list: &mut List) -> Option<Membership> {
        let (first, rest) = self.first(*list)?;
        self.forget(*list);
        *list = rest;
        Some(first)
    }

    /// Finds a place for a membership.
    fn place(&mut self, new: Membership) -> List {
        let place = self.free;
        match self.all.get_mut(place.0 as usize) {
            Some(over) => {
                self.free = over.next;
                *over = new;
                place
            }
            None => {
                self.all.push(new);
                List((self.all.len() - 1) as u32)
            }
        }
    }

    /// It is over, and its place is for another.
    fn forget(&mut self, over: List) {
        if let Some(place) = self.all.get_mut(over.0 as usize) {
            place.next = self.free;
            self.free = over;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{List, Memberships};
    use alloc::vec::Vec;

    #[test]
    fn a_list_is_in_the_order_of_joining_whatever_leaves() {
        for gone in 1..=4 {
            let mut all = Memberships::default();
            let (mut one, mut other) = (List::default(), List::default());
            for room in 1..=4 {
                all.push(&mut one, room, 10 * room);
                all.push(&mut other, room, 0);
            }
            all.moved(one, 3, 7);
            all.remove(&mut one, gone);
            all.remove(&mut one, 9);
            all.push(&mut one, 5, 50);
            let mut want = [(1, 10), (2, 20), (3, 7), (4, 40), (5, 50)].to_vec();
            want.retain(|(room, _)| *room != gone);
            let got: Vec<_> = all.of(one).map(|one| (one.room, one.at)).collect();
            assert_eq!(got, want);
            assert_eq!(all.find(one, gone), None);
            let mut popped = 0;
            while all.pop(&mut one).is_some() {
                popped += 1;
            }
            assert_eq!((popped, all.of(other).count()), (4, 4));
            // What is over is used again.
            let places = all.all.len();
            (0..4).for_each(|room| all.push(&mut one, room, 0));
            assert_eq!(all.all.len(), places);
        }
    }
}
