//! Inflating messages into a buffer that all connections of a driver share.
//!
//! A message is inflated at once when its last byte is there: an inflater of 48 KiB is then needed by one connection at a
//! time. Only where parts of messages are delivered before the message ends, it has one of its own until then, and those
//! are counted.
//!
//! Not here: DEFLATE itself, which is `codec`; frames.
#![deny(clippy::arithmetic_side_effects)]

use super::Direction;
use super::codec::{Inflater, MAX_WINDOW, Step};
use super::history::{History, last};
use super::run::{Output, PART, Pace, Run};
use crate::proto::Violation;
use crate::proto::frame::MessageKind;
use crate::proto::utf8::Validator;
use alloc::boxed::Box;
use alloc::sync::Arc;
use alloc::vec::Vec;

/// The largest buffer that is kept.
const KEPT: usize = 256 << 10;
/// Inflaters kept for the next message that needs one of its own.
const SPARE: usize = 4;

/// What all connections of a driver share.
#[derive(Debug)]
pub(crate) struct Shared {
    inflater: Option<Inflater>,
    output: Output,
    /// Whoever has an inflater of its own holds one of these.
    permits: Option<Arc<()>>,
    max_streams: usize,
    spare: Vec<Inflater>,
}

/// What a connection keeps of what it received, where it has to.
#[derive(Debug, Default)]
pub(crate) struct Kept {
    history: History,
    stream: Option<Box<Stream>>,
}

/// A message that is delivered in parts.
#[derive(Debug)]
struct Stream {
    inflater: Inflater,
    pace: Pace,
    /// Bytes inflated so far.
    produced: u64,
    /// Payload bytes of the frame whose first part is still to come.
    frame_len: Option<u64>,
    /// What is wrong behind the part that was delivered last.
    fault: Option<Violation>,
    _permit: Arc<()>,
}

/// One part of a message.
#[derive(Debug)]
pub(crate) struct Piece {
    /// Bytes of the input that are done with.
    pub(crate) consumed: usize,
    /// Whether there may be more without further input.
    pub(crate) more: bool,
}

impl Default for Shared {
    fn default() -> Self {
        Self {
            inflater: None,
            output: Output::default(),
            permits: None,
            max_streams: 64,
            spare: Vec::new(),
        }
    }
}

impl Shared {
    /// Sets how many messages may be inflated in parts at a time.
    pub(crate) const fn set_max_streams(&mut self, streams: usize) {
        self.max_streams = streams;
    }

    /// What was inflated last.
    pub(crate) fn bytes(&self) -> &[u8] {
        self.output.bytes()
    }

    /// Heap bytes held.
    pub(crate) fn heap_bytes(&self) -> usize {
        let own = usize::from(self.inflater.is_some());
        let inflaters = own.saturating_add(self.spare.len());
        let buffer = self.output.buffer.capacity();
        buffer.saturating_add(inflaters.saturating_mul(Inflater::HEAP))
    }

    /// Frees what one large message needed.
    #[inline]
    pub(crate) fn release(&mut self) {
        if self.output.buffer.len() > KEPT {
            self.output = Output::default();
        }
    }

    /// Inflates a whole message of at most `max` bytes, whose payload is these pieces.
    pub(crate) fn message(
        &mut self,
        payload: [&[u8]; 2],
        kept: &mut Option<Box<Kept>>,
        direction: Direction,
        kind: MessageKind,
        max: u64,
    ) -> Result<(), Violation> {
        self.output.len = 0;
        if payload.iter().all(|piece| piece.is_empty()) {
            // Not what RFC 7692 section 7.2.3.6 has for an empty message; but nothing else can be meant.
            return Ok(());
        }
        let inflater = self.inflater.get_or_insert_with(Inflater::new);
        let history = kept.as_ref().map_or(&[][..], |kept| kept.history.bytes());
        inflater.begin([history, &[]]);
        let mut run = Run {
            inflater,
            output: &mut self.output,
            pace: &mut Pace::default(),
            history,
            max: usize::try_from(max).unwrap_or(usize::MAX),
            text: (kind == MessageKind::Text).then(Validator::default),
            checked: 0,
        };
        for piece in payload {
            run.feed(piece)?;
        }
        if !run.inflater.may_end() {
            // Text is at fault first, whatever fits into the buffer.
            run.judge(true)?;
            return Err(Violation::InvalidDeflate);
        }
        if direction.context_takeover() {
            let kept = kept.get_or_insert_default();
            let window = window(direction);
            kept.history.push(self.output.bytes(), window, window);
        }
        Ok(())
    }

    /// Inflates a whole frame, to at most `max_frame` bytes, of a message that is delivered frame by frame.
    pub(crate) fn frame(
        &mut self,
        payload: &[u8],
        kept: &mut Option<Box<Kept>>,
        max: u64,
        max_frame: u64,
    ) -> Result<(), Violation> {
        self.output.len = 0;
        let kept = self.open(kept)?;
        let Some(stream) = &mut kept.stream else {
            return Ok(());
        };
        let left = max.saturating_sub(stream.produced);
        let most = usize::try_from(left.min(max_frame)).unwrap_or(usize::MAX);
        let all = Run {
            inflater: &mut stream.inflater,
            output: &mut self.output,
            pace: &mut stream.pace,
            history: kept.history.bytes(),
            max: most,
            // The message's own validator looks at each part.
            text: None,
            checked: 0,
        }
        .feed(payload);
        self.output.len = self.output.len.min(most);
        match all {
            Err(Violation::MessageTooBig) if max_frame < left => {
                return Err(Violation::FrameTooBig);
            }
            all => all?,
        }
        stream.produced = stream.produced.saturating_add(self.output.len as u64);
        kept.push(self.output.bytes());
        Ok(())
    }

    /// Inflates some of a message that is delivered as it arrives.
    ///
    /// A fault behind good bytes is kept for the next call, so that what is delivered does not depend on how the bytes
    /// arrived.
    pub(crate) fn part(
        &mut self,
        input: &[u8],
        kept: &mut Option<Box<Kept>>,
        max: u64,
    ) -> Result<Piece, Violation> {
        self.output.len = 0;
        let kept = self.open(kept)?;
        let Some(stream) = &mut kept.stream else {
            return Err(Violation::InvalidDeflate);
        };
        if let Some(fault) = stream.fault {
            return Err(fault);
        }
        let left = usize::try_from(max.saturating_sub(stream.produced)).unwrap_or(usize::MAX);
        let room = self.output.up_to(left.saturating_add(1).min(PART));
        let size = room.len();
        let history = last(kept.history.bytes(), MAX_WINDOW);
        let step = stream.read(input, room, history)?;
        self.output.len = step.produced.min(left);
        if step.produced > left {
            stream.fault = Some(Violation::MessageTooBig);
        } else if step.corrupt {
            stream.fault = Some(Violation::InvalidDeflate);
        }
        stream.produced = stream.produced.saturating_add(self.output.len as u64);
        let fault = stream.fault;
        kept.push(self.output.bytes());
        match fault {
            Some(fault) if self.output.len == 0 => Err(fault),
            fault => Ok(Piece {
                consumed: step.consumed,
                more: fault.is_some() || step.produced == size,
            }),
        }
    }

    /// The state of a message that is delivered in parts, begun if this is its first.
    fn open<'k>(&mut self, kept: &'k mut Option<Box<Kept>>) -> Result<&'k mut Kept, Violation> {
        let kept = kept.get_or_insert_default();
        if kept.stream.is_none() {
            let permits = self.permits.get_or_insert_default();
            // One is ours.
            if Arc::strong_count(permits) > self.max_streams {
                return Err(Violation::NoInflater);
            }
            let mut inflater = self.spare.pop().unwrap_or_else(Inflater::new);
            inflater.begin([kept.history.bytes(), &[]]);
            kept.stream = Some(Box::new(Stream {
                inflater,
                pace: Pace::default(),
                produced: 0,
                frame_len: None,
                fault: None,
                _permit: Arc::clone(permits),
            }));
        }
        Ok(kept)
    }

    /// Whether a message that is delivered in parts may end here.
    pub(crate) fn may_end(kept: &mut Option<Box<Kept>>) -> Result<(), Violation> {
        let Some(stream) = kept.as_mut().and_then(|kept| kept.stream.as_mut()) else {
            return Ok(());
        };
        // Nothing at all is an empty message.
        if stream.pace.bytes == 0 || stream.inflater.may_end() {
            return Ok(());
        }
        stream.fault = Some(Violation::InvalidDeflate);
        Err(Violation::InvalidDeflate)
    }

    /// Ends it: takes back what it needs no longer.
    pub(crate) fn end(&mut self, kept: &mut Option<Box<Kept>>, direction: Direction) {
        let Some(state) = kept else { return };
        if let Some(stream) = state.stream.take()
            && self.spare.len() < SPARE
        {
            self.spare.push(stream.inflater);
        }
        if direction.context_takeover() {
            state.history.shrink(window(direction));
        } else {
            *kept = None;
        }
    }
}

impl Stream {
    /// Reads on, also over ends behind which nothing has come out.
    fn read(&mut self, input: &[u8], room: &mut [u8], history: &[u8]) -> Result<Step, Violation> {
        let mut consumed: usize = 0;
        loop {
            let rest = input.get(consumed..).unwrap_or_default();
            if self.inflater.is_ended() && !rest.is_empty() {
                self.pace.admit(history.len())?;
                self.inflater.begin([history, &[]]);
            }
            let step = self.inflater.step(rest, room);
            self.pace.count(&step);
            consumed = consumed.saturating_add(step.consumed);
            let at_an_end = self.inflater.is_ended() && step.produced == 0;
            if !at_an_end || consumed >= input.len() {
                return Ok(Step { consumed, ..step });
            }
        }
    }
}

impl Kept {
    /// The length of the frame whose first part is about to be delivered, noted when its first byte was read.
    pub(crate) fn frame_len(&mut self, left: u64) -> Option<u64> {
        let stream = self.stream.as_mut()?;
        Some(*stream.frame_len.get_or_insert(left))
    }

    /// Its first part is delivered.
    pub(crate) fn forget_frame_len(&mut self) {
        if let Some(stream) = &mut self.stream {
            stream.frame_len = None;
        }
    }

    /// Heap bytes held, its own included.
    pub(crate) fn heap_bytes(&self) -> usize {
        let stream = self.stream.as_ref().map_or(0, |_| Inflater::HEAP);
        size_of::<Self>()
            .saturating_add(self.history.heap_bytes())
            .saturating_add(stream)
    }

    /// Remembers what a part of a message was. It ends up with room for two windows.
    fn push(&mut self, data: &[u8]) {
        self.history.push(data, MAX_WINDOW, 2 * MAX_WINDOW);
    }

    /// Notes what is wrong behind the part that is delivered now.
    pub(crate) const fn fault(&mut self, fault: Violation) {
        if let Some(stream) = &mut self.stream {
            stream.fault = Some(fault);
        }
    }
}

/// How much of the past a direction may refer to. A window of 8 bits is kept as one of 9: many senders cannot do the
/// smaller one, and use the larger.
fn window(direction: Direction) -> usize {
    1 << direction.window_bits().clamp(9, 15)
}

#[cfg(test)]
mod tests {
    use super::{KEPT, Kept, MAX_WINDOW, Shared};

    /// With room for one, each small part would move the whole window.
    #[test]
    fn a_message_in_parts_has_room_for_two_windows() {
        let mut kept = Kept::default();
        for held in [MAX_WINDOW, 2 * MAX_WINDOW, MAX_WINDOW + 1] {
            let len = if held % MAX_WINDOW == 0 {
                MAX_WINDOW
            } else {
                1
            };
            kept.push(&[1; MAX_WINDOW][..len]);
            let least = if len == 1 { MAX_WINDOW } else { held };
            assert_eq!(kept.history.bytes().len(), least);
        }
    }

    #[test]
    fn a_buffer_is_kept_up_to_its_size() {
        let mut shared = Shared::default();
        for (len, held) in [(KEPT, KEPT), (KEPT + 1, 0)] {
            shared.output.buffer.resize(len, 0);
            shared.release();
            assert_eq!(shared.output.buffer.len(), held);
        }
    }
}
