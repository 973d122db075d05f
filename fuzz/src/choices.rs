//! Decisions read from the front of the input, in the order they are taken, so that a mutation of the input is a
//! mutation of one decision and what follows it.
//!
//! Not here: what is decided.

/// The bytes that have not been read. When they run out, every decision is the first one.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Choices<'a> {
    rest: &'a [u8],
}

impl<'a> Choices<'a> {
    pub(crate) fn new(bytes: &'a [u8]) -> Self {
        Self { rest: bytes }
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.rest.is_empty()
    }

    pub(crate) fn byte(&mut self) -> u8 {
        let [first, rest @ ..] = self.rest else {
            return 0;
        };
        self.rest = rest;
        *first
    }

    pub(crate) fn flag(&mut self) -> bool {
        self.byte() % 2 == 1
    }

    /// One of several.
    pub(crate) fn pick<T: Copy>(&mut self, from: &[T]) -> T {
        from[usize::from(self.byte()) % from.len()]
    }

    pub(crate) fn number(&mut self) -> u16 {
        u16::from_be_bytes([self.byte(), self.byte()])
    }

    /// So many bytes, or those that are left.
    pub(crate) fn take(&mut self, len: usize) -> &'a [u8] {
        let (taken, rest) = self.rest.split_at(len.min(self.rest.len()));
        self.rest = rest;
        taken
    }

    /// All that are left.
    pub(crate) fn all(&mut self) -> &'a [u8] {
        self.take(usize::MAX)
    }
}

/// How bytes are cut into pieces.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Pieces {
    Whole,
    Every(usize),
    /// Small and larger ones, from this seed.
    Mixed(u8),
}

impl Pieces {
    pub(crate) fn read(choices: &mut Choices<'_>) -> Self {
        match choices.byte() {
            0 => Self::Whole,
            size @ 1..=100 => Self::Every(size.into()),
            seed => Self::Mixed(seed),
        }
    }

    /// Larger ones where these would be more than so many.
    pub(crate) fn at_most(self, count: usize, len: usize) -> Self {
        match self {
            Self::Every(size) => Self::Every(size.max(len / count)),
            other => other,
        }
    }

    /// Where the pieces of so many bytes end; the last one ends at `len`.
    pub(crate) fn ends(self, len: usize) -> impl Iterator<Item = usize> {
        let (mut at, mut state) = (0, 0_u32);
        std::iter::from_fn(move || {
            if at >= len {
                return None;
            }
            at += match self {
                Self::Whole => len,
                Self::Every(size) => size,
                Self::Mixed(seed) => {
                    state = state
                        .wrapping_mul(1_103_515_245)
                        .wrapping_add(u32::from(seed));
                    let size = state >> 16 & 63;
                    if size < 48 {
                        size as usize % 12 + 1
                    } else {
                        7 * size as usize
                    }
                }
            };
            Some(at.min(len))
        })
    }
}
