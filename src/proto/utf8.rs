//! Incremental UTF-8 validation: bytes arrive in any pieces, a fault is found in the piece that holds it.
//!
//! This carries the up to three bytes of a character that a piece leaves open; `text` judges what stands between.
//!
//! Not here: text itself. Whoever holds a whole message asks `text` for its `&str`.

use super::text::{STEP, is_utf8};
use crate::proto::frame::mask::{self, rotate};
use crate::proto::work;
use core::fmt;
use core::str::from_utf8;

/// The bytes were not UTF-8.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct InvalidUtf8;

impl fmt::Display for InvalidUtf8 {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("text is not UTF-8")
    }
}

impl core::error::Error for InvalidUtf8 {}

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
        let (whole, open) = rest.split_at(rest.len().saturating_sub(open_at_the_end(rest)));
        if !is_utf8(whole) {
            return self.reject();
        }
        if open.is_empty() {
            return Ok(());
        }
        // One byte or two may already be such that no third makes a character.
        match from_utf8(open) {
            Err(error) if error.error_len().is_some() => self.reject(),
            _ => {
                self.keep(open);
                Ok(())
            }
        }
    }

    /// Unmasks the next piece, which stands `offset` bytes into its frame's payload, and takes it.
    ///
    /// # Errors
    ///
    /// Those of [`check`](Self::check).
    pub(crate) fn unmask(
        &mut self,
        key: [u8; 4],
        offset: u64,
        piece: &mut [u8],
    ) -> Result<(), InvalidUtf8> {
        let key = rotate(key, offset);
        // Of whole keys, so that each begins with the same byte of it.
        for piece in piece.chunks_mut(STEP) {
            let ascii = mask::apply_seeing(key, piece);
            if !ascii || self.open != 0 {
                self.check(piece)?;
            }
        }
        Ok(())
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

/// How many bytes at the end belong to a character that may go on behind it.
fn open_at_the_end(bytes: &[u8]) -> usize {
    // So much from the end, a byte as high as this begins a character of more.
    let last = bytes.iter().rev().zip([0xC0, 0xE0, 0xF0]);
    let begins = last.map(|(byte, least)| *byte >= least);
    begins
        .zip(1..)
        .find_map(|(begins, so_many)| begins.then_some(so_many))
        .unwrap_or(0)
}
