//! What connections are called, beside what else is known of them: [`Names`].
//!
//! Most names are short, and an allocator gives out no less than 32 bytes for one, with its length and where it is beside
//! that: so short ones stand in lists, in 16 or 32 bytes each.
//!
//! Not here: who may be called what; that is `conn`.

use alloc::boxed::Box;
use core::num::{NonZeroU8, NonZeroU32};
use slab::Slab;

/// The names of a worker's connections.
#[derive(Default)]
pub(super) struct Names {
    short: Slab<Cell<15>>,
    middling: Slab<Cell<31>>,
    long: Slab<Box<str>>,
}

/// Where a name is, and what it is good for: one more than its number in a list, which list, and whether it is a user's.
// In four bytes, as each connection has a place for one.
#[derive(Debug)]
pub(super) struct Name(NonZeroU32);

/// A text of so many bytes at most, and of one at least.
struct Cell<const MAX: usize> {
    len: NonZeroU8,
    bytes: [u8; MAX],
}

/// Bits of a number in a list.
const NUMBER: u32 = 29;

#[derive(Clone, Copy)]
enum List {
    Short,
    Middling,
    Long,
}

impl Name {
    fn new(number: usize, list: List, is_users: bool) -> Self {
        let number = u32::try_from(number + 1).ok();
        let number = number.filter(|number| number >> NUMBER == 0);
        let number = number.and_then(NonZeroU32::new);
        let number =
            number.expect("a worker's connections are fewer than 2^29: descriptors end first");
        Self(number | (list as u32) << NUMBER | u32::from(is_users) << 31)
    }

    /// Whether it is that of a user, to whom may be spoken by it.
    pub(super) const fn is_users(&self) -> bool {
        self.0.get() >> 31 == 1
    }

    const fn list(&self) -> List {
        match self.0.get() >> NUMBER & 3 {
            0 => List::Short,
            1 => List::Middling,
            _ => List::Long,
        }
    }

    const fn number(&self) -> usize {
        (self.0.get() & ((1 << NUMBER) - 1)) as usize - 1
    }
}

impl<const MAX: usize> Cell<MAX> {
    fn of(text: &str) -> Option<Self> {
        let mut bytes = [0; MAX];
        bytes
            .get_mut(..text.len())?
            .copy_from_slice(text.as_bytes());
        let len = u8::try_from(text.len()).ok().and_then(NonZeroU8::new)?;
        Some(Self { len, bytes })
    }

    fn text(&self) -> &str {
        let bytes = self.bytes.get(..self.len.get().into());
        let text = bytes.and_then(|bytes| core::str::from_utf8(bytes).ok());
        text.unwrap_or_default()
    }
}

impl Names {
    /// Keeps a name.
    pub(super) fn add(&mut self, text: &str, is_users: bool) -> Name {
        if let Some(cell) = Cell::of(text) {
            Name::new(self.short.insert(cell), List::Short, is_users)
        } else if let Some(cell) = Cell::of(text) {
            Name::new(self.middling.insert(cell), List::Middling, is_users)
        } else {
            Name::new(self.long.insert(text.into()), List::Long, is_users)
        }
    }

    pub(super) fn get(&self, name: &Name) -> &str {
        let number = name.number();
        match name.list() {
            List::Short => self.short[number].text(),
            List::Middling => self.middling[number].text(),
            List::Long => &self.long[number],
        }
    }

    /// Keeps it no longer.
    pub(super) fn remove(&mut self, name: Name) {
        let number = name.number();
        match name.list() {
            List::Short => drop(self.short.remove(number)),
            List::Middling => drop(self.middling.remove(number)),
            List::Long => drop(self.long.remove(number)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Cell, Names};
    use alloc::vec::Vec;

    #[test]
    fn a_name_of_any_length_is_given_back_while_others_come_and_go() {
        let mut names = Names::default();
        for letter in ["a", "ë", "李"] {
            let texts: Vec<_> = [0, 1, 5, 7, 8, 10, 15, 16, 31, 32, 100]
                .into_iter()
                .map(|count| letter.repeat(count))
                .collect();
            let mut kept: Vec<_> = texts
                .iter()
                .map(|text| (text, names.add(text, text.len() % 3 == 0)))
                .collect();
            while !kept.is_empty() {
                for (text, name) in &kept {
                    assert_eq!(names.get(name), *text);
                    assert_eq!(name.is_users(), text.len() % 3 == 0);
                }
                let (_, name) = kept.swap_remove(kept.len() / 2);
                names.remove(name);
            }
            let left = names.short.len() + names.middling.len() + names.long.len();
            assert_eq!(left, 0);
        }
    }

    /// With a place in a list, where there may be none.
    #[test]
    fn a_short_name_is_small() {
        assert_eq!(size_of::<Option<Cell<15>>>(), 16);
        assert_eq!(size_of::<Option<Cell<31>>>(), 32);
        assert_eq!(size_of::<Option<super::Name>>(), 4);
    }
}
