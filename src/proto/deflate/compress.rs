//! Compressing messages: a compressor for each of a few windows, shared by all connections of a driver, or one that a
//! connection keeps.
//!
//! Not here: DEFLATE itself, which is `codec`; frames.
#![deny(clippy::arithmetic_side_effects)]

use super::codec::{Deflater, TAIL};
use super::short::Short;
use super::{Direction, Policy, WindowBits};
use alloc::boxed::Box;
use alloc::vec::Vec;

/// How many windows there are.
const SIZES: usize = 7;
/// The windows that messages for many are compressed with. What was compressed with one of these can be read with any
/// larger one, so that clients cannot have a message compressed for each window there is.
const WINDOWS: [u8; CLASSES] = [9, 12, 15];
/// How many these are.
pub(crate) const CLASSES: usize = 3;
/// The highest level that asks for speed rather than for the last percents.
const QUICK: u8 = 5;
/// The output buffer's first size.
const FIRST: usize = 16 << 10;
/// The largest output buffer that is kept.
const KEPT: usize = 256 << 10;

/// Compresses what is sent. A driver has one for all its connections, and lends it with
/// [`Outbound::deflate`](crate::proto::Outbound::deflate).
///
/// It holds nothing until the first message is compressed; then 30 KB for messages of up to 4 KiB, 251 to 380 KB for each
/// window that is in use for longer ones, and an output buffer of the largest message's size, but of 256 KiB at most
/// after [`release`](Self::release).
#[derive(Debug)]
pub struct Compressor {
    level: u8,
    threshold: usize,
    shared: [Option<Deflater>; SIZES],
    /// For what is short, in any window.
    short: Option<Short>,
    /// All of it is initialised.
    output: Vec<u8>,
}

/// A compressor that a connection keeps, to refer to earlier messages.
#[derive(Debug)]
pub(crate) struct Own {
    deflater: Deflater,
    window: WindowBits,
}

impl Compressor {
    /// One that compresses as the policy says.
    #[must_use]
    pub fn new(policy: &Policy) -> Self {
        Self {
            level: policy.level.clamp(1, 9),
            threshold: policy.threshold.max(1),
            shared: [const { None }; SIZES],
            short: None,
            output: Vec::new(),
        }
    }

    /// Heap bytes held, as far as the library's needs are known.
    #[must_use]
    pub fn heap_bytes(&self) -> usize {
        let sizes = WindowBits::MIN.get()..=WindowBits::MAX.get();
        let held = self.shared.iter().zip(sizes.filter_map(WindowBits::new));
        held.filter(|(deflater, _)| deflater.is_some())
            .map(|(_, window)| Deflater::heap(window))
            .chain(self.short.as_ref().map(|_| Short::HEAP))
            .fold(self.output.capacity(), usize::saturating_add)
    }

    /// Frees what one large message needed.
    pub fn release(&mut self) {
        if self.output.len() > KEPT {
            self.output = Vec::new();
        }
    }

    /// Whether compressing so many bytes may pay.
    pub(crate) const fn is_worth(&self, direction: Direction, len: usize) -> bool {
        // What was promised a window of 8 bits is sent as it is.
        direction.window_bits() >= WindowBits::MIN.get() && len >= self.threshold
    }

    /// A whole message's payload, compressed; nothing where it would not get smaller.
    pub(crate) fn message(
        &mut self,
        direction: Direction,
        own: &mut Option<Box<Own>>,
        data: &[u8],
    ) -> Option<&[u8]> {
        let window = WindowBits::new(direction.window_bits())?;
        if !self.is_worth(direction, data.len()) {
            return None;
        }
        if self.is_short(direction, data.len()) {
            return self.short(window, data);
        }
        let (deflater, output) = self.deflater(window, direction, own)?;
        // With the tail it may be three bytes longer, and one has to be left.
        let room = data.len().saturating_add(TAIL.len());
        let room = fill(output, room.max(Deflater::LEAST));
        let len = deflater.compress(data, room);
        let len = len.filter(|len| len.saturating_sub(TAIL.len()) < data.len());
        if len.is_none() || !direction.context_takeover() {
            // The peer never sees what did not pay, nor may it need what it does not keep.
            deflater.forget();
        }
        self.payload(len?)
    }

    /// Whether so many bytes are compressed by ourselves: what is to get as small as it can is the library's.
    const fn is_short(&self, direction: Direction, len: usize) -> bool {
        !direction.context_takeover() && len <= Short::MAX && self.level <= QUICK
    }

    fn short(&mut self, window: WindowBits, data: &[u8]) -> Option<&[u8]> {
        let short = self.short.get_or_insert_with(Short::new);
        let room = fill(&mut self.output, data.len().saturating_add(Short::SPARE));
        let len = short.compress(data, window, room)?;
        self.output.get(..len)
    }

    /// A fragment's payload, compressed even where it gets larger: the message was begun so.
    pub(crate) fn fragment(
        &mut self,
        direction: Direction,
        own: &mut Option<Box<Own>>,
        data: &[u8],
        last: bool,
    ) -> Option<&[u8]> {
        let window = WindowBits::new(direction.window_bits())?;
        if last && data.is_empty() {
            // RFC 7692 section 7.2.3.6: an empty stored block but for its tail.
            return Some(&[0]);
        }
        let (deflater, output) = self.deflater(window, direction, own)?;
        // Literals of nine bits, and what a block needs.
        let room = data.len().saturating_add(data.len() / 8).saturating_add(64);
        let len = deflater.compress(data, fill(output, room));
        if len.is_none() || !direction.context_takeover() {
            deflater.forget();
        }
        let len = len?;
        if last {
            self.payload(len)
        } else {
            self.output.get(..len)
        }
    }

    /// What was compressed last, without its tail.
    fn payload(&self, len: usize) -> Option<&[u8]> {
        self.output.get(..len.checked_sub(TAIL.len())?)
    }

    fn deflater<'d>(
        &'d mut self,
        window: WindowBits,
        direction: Direction,
        own: &'d mut Option<Box<Own>>,
    ) -> Option<(&'d mut Deflater, &'d mut Vec<u8>)> {
        let level = self.level;
        let deflater = if direction.context_takeover() {
            let own = own.get_or_insert_with(|| {
                let deflater = Deflater::new(level, window);
                Box::new(Own { deflater, window })
            });
            &mut own.deflater
        } else {
            let shared = self.shared.get_mut(index_of(window))?;
            shared.get_or_insert_with(|| Deflater::new(level, window))
        };
        Some((deflater, &mut self.output))
    }
}

impl Own {
    /// Heap bytes held, its own included, as far as the library's needs are known.
    pub(crate) const fn heap_bytes(&self) -> usize {
        Deflater::heap(self.window).saturating_add(size_of::<Self>())
    }

    /// What comes next must not refer to anything before: the peer has seen something else in between.
    pub(crate) const fn forget(&mut self) {
        self.deflater.forget();
    }
}

/// The place of a window's compressor.
fn index_of(window: WindowBits) -> usize {
    usize::from(window.get().saturating_sub(WindowBits::MIN.get()))
}

/// The place of the largest of those for many that is not larger than this.
pub(crate) fn class_of(window: WindowBits) -> usize {
    let smaller = WINDOWS.iter().filter(|bits| **bits <= window.get());
    smaller.count().saturating_sub(1)
}

/// The window at a place.
pub(crate) fn window_of(class: usize) -> Option<WindowBits> {
    WindowBits::new(*WINDOWS.get(class)?)
}

/// Room for `len` bytes.
fn fill(output: &mut Vec<u8>, len: usize) -> &mut [u8] {
    if output.len() < len {
        let size = len.max(FIRST);
        output.reserve_exact(size.saturating_sub(output.len()));
        output.resize(size, 0);
    }
    output.get_mut(..len).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::{Compressor, KEPT};
    use crate::proto::deflate::{Direction, Policy};
    use alloc::vec;

    #[test]
    fn a_buffer_is_kept_up_to_its_size() {
        let direction = Direction::new(15, false);
        let mut compressor = Compressor::new(&Policy::default());
        for (len, kept) in [(KEPT - 4, true), (KEPT - 3, false)] {
            assert!(
                compressor
                    .message(direction, &mut None, &vec![b'a'; len])
                    .is_some()
            );
            let before = compressor.heap_bytes();
            compressor.release();
            assert_eq!(compressor.heap_bytes() == before, kept, "{len}");
        }
    }

    /// Bytes without any order, and more and more that are the same behind them, so that it comes to each size once.
    #[test]
    fn what_gets_no_smaller_goes_as_it_is() {
        let direction = Direction::new(15, false);
        for level in [1, 6, 9] {
            let policy = Policy {
                level,
                ..Policy::default()
            };
            let mut compressor = Compressor::new(&policy);
            let mut dice = 1_u32;
            let mut data = vec![0; 5000];
            for byte in &mut data {
                dice = dice.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                *byte = dice.to_be_bytes()[0];
            }
            let mut paid = 0;
            for _ in 0..300 {
                if let Some(payload) = compressor.message(direction, &mut None, &data) {
                    assert!(payload.len() < data.len(), "{level}: {}", data.len());
                    paid += 1;
                }
                data.push(b'a');
            }
            assert!(paid > 0 && paid < 300, "{level}: {paid}");
        }
    }

    /// A fragment is compressed even where it gets larger, in little more room than it takes itself.
    #[test]
    fn a_fragment_takes_an_eighth_more_room() {
        let mut compressor = Compressor::new(&Policy::default());
        let data = vec![b'a'; 80_000];
        let fragment = compressor.fragment(Direction::new(15, false), &mut None, &data, false);
        assert!(fragment.is_some());
        assert_eq!(compressor.output.capacity(), 90_064);
    }
}
