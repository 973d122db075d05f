//! Inflating into one buffer, which grows with what comes out: within a limit, and with work that grows with the bytes.
//!
//! Not here: whose buffer it is, and what is remembered of what came out; that is `inflate`.
#![deny(clippy::arithmetic_side_effects)]

use super::codec::{Inflater, MAX_WINDOW, Step};
use super::history::last;
use crate::proto::Violation;
use crate::proto::utf8::Validator;
use crate::proto::work;
use alloc::vec::Vec;

/// The buffer's first size; also the most bytes of a part that is delivered before its frame ends.
pub(super) const PART: usize = 64 << 10;
/// How many bytes of history may be given to an inflater for each byte that was read or written, see [`Pace`].
const HISTORY_PER_BYTE: u64 = 32;

/// Inflating into the shared buffer until the input is used up.
pub(super) struct Run<'r> {
    pub(super) inflater: &'r mut Inflater,
    pub(super) output: &'r mut Output,
    pub(super) pace: &'r mut Pace,
    /// What was inflated before this.
    pub(super) history: &'r [u8],
    /// The most bytes that may come out.
    pub(super) max: usize,
    /// Judges text as it comes, where it is not looked at as a whole at once.
    pub(super) text: Option<Validator>,
    pub(super) checked: usize,
}

impl Run<'_> {
    pub(super) fn feed(&mut self, mut input: &[u8]) -> Result<(), Violation> {
        loop {
            if self.inflater.is_ended() {
                if input.is_empty() {
                    return Ok(());
                }
                self.begin_anew()?;
            }
            let room = self.output.up_to(self.max.saturating_add(1));
            let size = room.len();
            let step = self.inflater.step(input, room);
            self.pace.count(&step);
            input = input.get(step.consumed..).unwrap_or_default();
            self.output.len = self.output.len.saturating_add(step.produced);
            let full = step.produced == size;
            self.judge(full || step.corrupt)?;
            if step.corrupt {
                return Err(Violation::InvalidDeflate);
            }
            if input.is_empty() && !full {
                return Ok(());
            }
        }
    }

    /// A last block has ended, and more follows: it may refer to all that was there before.
    fn begin_anew(&mut self) -> Result<(), Violation> {
        let new = last(self.output.bytes(), MAX_WINDOW);
        let old = last(self.history, MAX_WINDOW.saturating_sub(new.len()));
        let admitted = self.pace.admit(old.len().saturating_add(new.len()));
        if admitted.is_ok() {
            self.inflater.begin([old, new]);
            return Ok(());
        }
        self.judge(true)?;
        admitted
    }

    /// The limit, and text before more is inflated behind it.
    pub(super) fn judge(&mut self, more: bool) -> Result<(), Violation> {
        let end = self.output.len.min(self.max);
        if let Some(text) = self.text.as_mut().filter(|_| more) {
            let new = self.output.bytes().get(self.checked..end);
            text.check(new.unwrap_or_default())
                .map_err(|_| Violation::InvalidUtf8)?;
            self.checked = end;
        }
        if self.output.len > self.max {
            return Err(Violation::MessageTooBig);
        }
        Ok(())
    }
}

/// Where inflated bytes go.
#[derive(Debug, Default)]
pub(super) struct Output {
    /// All of it is initialised: growing costs a fill, using it again costs nothing.
    pub(super) buffer: Vec<u8>,
    pub(super) len: usize,
}

/// Keeps the work linear where a peer ends a stream again and again (RFC 7692 section 7.2.3.4 allows it): each new one
/// needs the history, which takes time but no bytes.
#[derive(Debug, Default)]
pub(super) struct Pace {
    /// Bytes read and written.
    pub(super) bytes: u64,
    /// Bytes of history given.
    pub(super) history: u64,
}

impl Output {
    pub(super) fn bytes(&self) -> &[u8] {
        self.buffer.get(..self.len).unwrap_or_default()
    }

    /// Room for at least one more byte, and for at most `max` in all.
    pub(super) fn up_to(&mut self, max: usize) -> &mut [u8] {
        if self.len >= self.buffer.len() {
            let size = self.buffer.len().saturating_mul(2).max(PART);
            let size = size.min(max.max(PART));
            self.buffer
                .reserve_exact(size.saturating_sub(self.buffer.len()));
            // What there was moves, and what is new is filled.
            work::visit(size);
            self.buffer.resize(size, 0);
        }
        let end = self.buffer.len().min(max);
        self.buffer.get_mut(self.len..end).unwrap_or_default()
    }
}

impl Pace {
    pub(super) fn count(&mut self, step: &Step) {
        let bytes = step.consumed.saturating_add(step.produced);
        self.bytes = self.bytes.saturating_add(bytes as u64);
    }

    /// Whether an inflater may be given so much history once more.
    pub(super) fn admit(&mut self, history: usize) -> Result<(), Violation> {
        self.history = self.history.saturating_add(history as u64);
        let free = 8_u64.saturating_mul(MAX_WINDOW as u64);
        if self.history > free.saturating_add(self.bytes.saturating_mul(HISTORY_PER_BYTE)) {
            return Err(Violation::TooManyLastBlocks);
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::{HISTORY_PER_BYTE, MAX_WINDOW, Pace};
    use crate::proto::Violation;

    #[test]
    fn eight_windows_are_free_and_each_byte_pays_for_more() {
        for bytes in [0, 1, 1_000] {
            let mut pace = Pace {
                bytes,
                ..Pace::default()
            };
            for _ in 0..8 {
                assert_eq!(pace.admit(MAX_WINDOW), Ok(()));
            }
            let paid = usize::try_from(bytes * HISTORY_PER_BYTE).unwrap_or_default();
            assert_eq!(pace.admit(paid), Ok(()));
            assert_eq!(pace.admit(1), Err(Violation::TooManyLastBlocks));
        }
    }
}
