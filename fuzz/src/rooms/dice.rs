//! The dice of `tests/rooms`, thrown by whoever chose the bytes.
//!
//! Not here: what they decide.

/// Bytes that have not been thrown. When they run out, every throw is the first one, and nothing rare happens.
#[derive(Debug)]
pub(super) struct Dice(std::vec::IntoIter<u8>);

impl Dice {
    pub(super) fn new(bytes: &[u8]) -> Self {
        Self(Vec::from(bytes).into_iter())
    }

    pub(super) fn is_over(&self) -> bool {
        self.0.len() == 0
    }

    /// Less than `end`, which is not 0.
    pub(super) fn below(&mut self, end: usize) -> usize {
        let mut number = 0;
        let mut reach = 1;
        while reach < end {
            number = number << 8 | usize::from(self.0.next().unwrap_or(0));
            reach <<= 8;
        }
        number % end
    }

    /// True once in so many times.
    pub(super) fn one_in(&mut self, times: usize) -> bool {
        self.below(times) + 1 == times
    }

    /// One of them, if there is any.
    pub(super) fn pick<T: Copy>(&mut self, from: &[T]) -> Option<T> {
        from.get(self.below(from.len().max(1))).copied()
    }
}
