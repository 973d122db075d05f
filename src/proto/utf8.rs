//! Incremental UTF-8 validation: bytes arrive in any pieces, a fault is found in the piece that holds it.
//!
//! `core::str::from_utf8` does the work; this carries the up to three bytes of a character that a piece leaves open.
//!
//! Not here: text itself. Whoever holds a whole message asks `text` for its `&str`.

use super::text::is_ascii;
use crate::proto::work;
use core::str::from_utf8;

/// The bytes were not UTF-8.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct InvalidUtf8;

/// A validator in mid-text: four bytes of state.
///
/// ```
/// use sockeye::proto::utf8::{InvalidUtf8, Validator};
///
/// let mut text = Validator::default();
/// assert_eq!(text.check(b"gr\xc3"), Ok(()));
/// assert_eq!(text.check(b"\xbcn"), Ok(()));
/// assert_eq!(text.finish(), Ok(()));
/// assert_eq!(text.check(b"\xff"), Err(InvalidUtf8));
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Validator {
    /// The first `open` bytes of a character that has not ended.
    pending: [u8; 3],
    open: u8,
}

impl Validator {
    /// Takes the next piece.
    ///
    /// # Errors
    ///
    /// When no continuation could make what came so far valid. The validator is then reset.
    #[inline]
    pub fn check(&mut self, piece: &[u8]) -> Result<(), InvalidUtf8> {
        let rest = if self.open == 0 {
            piece
        } else {
            self.close_character(piece)?
        };
        // Most text is; it is seen in wide steps, and what is not is seen at its first character.
        if is_ascii(rest) {
            return Ok(());
        }
        work::visit(rest.len());
        match from_utf8(rest) {
            Ok(_) => Ok(()),
            Err(error) if error.error_len().is_none() => {
                self.keep(rest.get(error.valid_up_to()..).unwrap_or_default());
                Ok(())
            }
            Err(_) => self.reject(),
        }
    }

    /// Ends the text and makes the validator ready for the next one.
    ///
    /// # Errors
    ///
    /// When the text ended inside a character.
    pub fn finish(&mut self) -> Result<(), InvalidUtf8> {
        if self.open == 0 {
            Ok(())
        } else {
            self.reject()
        }
    }

    /// Feeds the open character byte by byte until it ends; gives back what follows it.
    fn close_character<'p>(&mut self, mut piece: &'p [u8]) -> Result<&'p [u8], InvalidUtf8> {
        while self.open != 0 {
            let Some((&byte, rest)) = piece.split_first() else {
                break;
            };
            piece = rest;
            let [a, b, c] = self.pending;
            let mut character = [a, b, c, 0];
            let len = usize::from(self.open) + 1;
            if let Some(slot) = character.get_mut(len - 1) {
                *slot = byte;
            }
            let character = character.get(..len).unwrap_or_default();
            work::visit(character.len());
            match from_utf8(character) {
                Ok(_) => self.open = 0,
                Err(error) if error.error_len().is_none() => self.keep(character),
                Err(_) => return self.reject(),
            }
        }
        Ok(piece)
    }

    fn keep(&mut self, open: &[u8]) {
        self.open = 0;
        for (slot, byte) in self.pending.iter_mut().zip(open) {
            *slot = *byte;
            self.open += 1;
        }
    }

    fn reject<T>(&mut self) -> Result<T, InvalidUtf8> {
        *self = Self::default();
        Err(InvalidUtf8)
    }
}
