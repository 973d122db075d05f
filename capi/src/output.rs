//! What is to be written: bytes, and how far they have been.
//!
//! Not here: writing.

/// Room that is kept for the next message once everything is written.
const KEPT: usize = 16 << 10;

#[derive(Debug, Default)]
pub(crate) struct Output {
    bytes: Vec<u8>,
    /// How many at the front are written. At the end there is always one that is not, unless all are.
    written: usize,
}

impl Output {
    /// What is to be written next.
    pub(crate) fn waiting(&self) -> &[u8] {
        self.bytes.get(self.written..).unwrap_or_default()
    }

    /// Where more is appended. What is written is dropped once it is half of all, so that each byte is moved once at most
    /// for each that was written.
    pub(crate) fn room(&mut self) -> &mut Vec<u8> {
        if self.written >= self.waiting().len() {
            self.bytes.drain(..self.written);
            self.written = 0;
        }
        &mut self.bytes
    }

    /// So many more are written; says whether there were so many.
    pub(crate) fn wrote(&mut self, count: usize) -> bool {
        if count > self.waiting().len() {
            return false;
        }
        self.written += count;
        if self.written == self.bytes.len() {
            self.bytes.clear();
            self.written = 0;
            if self.bytes.capacity() > KEPT {
                self.release();
            }
        }
        true
    }

    /// Frees what is not in use.
    pub(crate) fn release(&mut self) {
        if self.bytes.is_empty() {
            self.bytes = Vec::new();
        }
    }

    #[cfg(test)]
    fn capacity(&self) -> usize {
        self.bytes.capacity()
    }
}

#[cfg(test)]
mod tests {
    use super::{KEPT, Output};

    #[test]
    fn what_is_written_goes_and_the_rest_stays_in_order() {
        let mut output = Output::default();
        output.room().extend_from_slice(b"one two ");
        for (count, waiting) in [(0, "one two "), (3, " two "), (4, " ")] {
            assert!(output.wrote(count));
            assert_eq!(output.waiting(), waiting.as_bytes());
        }
        assert!(!output.wrote(2));
        output.room().extend_from_slice(b"three");
        assert_eq!(output.waiting(), b" three");
        // The seven bytes before it are gone.
        assert_eq!(output.bytes.len(), 6);
        assert!(output.wrote(6));
        assert_eq!(output.waiting(), b"");
    }

    #[test]
    fn a_little_room_is_kept_and_a_lot_is_not() {
        for (len, kept) in [(KEPT, KEPT), (KEPT + 1, 0)] {
            let mut output = Output::default();
            output.room().reserve_exact(len);
            output.room().resize(len, 0);
            assert!(output.wrote(len));
            assert_eq!(output.capacity(), kept, "{len}");
        }
        let mut output = Output::default();
        output.room().push(1);
        output.release();
        assert_eq!(output.waiting(), [1]);
        assert!(output.wrote(1));
        output.release();
        assert_eq!(output.capacity(), 0);
    }
}
