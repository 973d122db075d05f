//! Receiving compressed messages: from a frame's payload, unmasked, to what was said.
//!
//! | delivery | inflated |
//! |---|---|
//! | messages | at once, when the last frame is there; until then the fragments are kept as they were sent |
//! | frames | frame by frame, by an inflater of the message's own |
//! | chunks | as it arrives, by the same |
//!
//! Not here: DEFLATE, and what is kept of it between messages; that is `deflate`. What passes through uncompressed is `streaming`.

use super::config::Delivery;
use super::event::Part;
use super::found::{Found, slice};
use super::receive::{Progress, Receiver};
use super::sink::Inbound;
use super::streaming::Stream;
use crate::proto::Violation;
#[cfg(feature = "deflate")]
use crate::proto::deflate::Direction;
use crate::proto::deflate::Shared;
use crate::proto::frame::{Header, MessageKind, mask};
use core::ops::Range;

/// Bytes of a chunk that are looked at at a time. What the inflater leaves, as it has filled its buffer, is masked again
/// and looked at once more; few bytes can be, however many there are.
const WINDOW: usize = 4 << 10;

impl Receiver {
    /// What was agreed on for what arrives.
    #[cfg(feature = "deflate")]
    pub(crate) fn set_deflate(&mut self, direction: Direction) {
        self.deflate = Some(direction);
        self.kept = None;
    }

    /// A whole frame of a compressed message.
    pub(super) fn inflate_frame(
        &mut self,
        header: &Header,
        input: &[u8],
        at: Range<usize>,
        inbound: &mut Inbound,
    ) -> Result<Progress, Violation> {
        let kind = self.message.kind_of(header);
        let payload = slice(input, at.clone());
        let first = !self.message.in_progress();
        if self.config.delivery == Delivery::Frames {
            return self.inflate_part(header, payload, first, at.end, inbound);
        }
        if !header.fin {
            self.message.begin_frame(header);
            self.message.keep(payload);
            return Ok(Progress::Passed(at.end));
        }
        let max = self.config.limits.max_message;
        self.inflate_message(kind, payload, max, inbound)?;
        self.message.finish()?;
        self.message.release();
        Ok(Progress::Found(at.end, Found::Inflated(kind)))
    }

    /// The last frame of a message that is inflated as a whole.
    fn inflate_message(
        &mut self,
        kind: MessageKind,
        payload: &[u8],
        max: u64,
        inbound: &mut Inbound,
    ) -> Result<(), Violation> {
        let Some(direction) = self.deflate else {
            return Err(Violation::ReservedBits);
        };
        let payload = [self.message.bytes(), payload];
        inbound
            .deflate
            .message(payload, &mut self.kept, direction, kind, max)
    }

    /// A frame of a message that is delivered frame by frame.
    fn inflate_part(
        &mut self,
        header: &Header,
        payload: &[u8],
        first: bool,
        end: usize,
        inbound: &mut Inbound,
    ) -> Result<Progress, Violation> {
        let Some(direction) = self.deflate else {
            return Err(Violation::ReservedBits);
        };
        let kind = self.message.kind_of(header);
        let limits = &self.config.limits;
        let (max, max_frame) = (limits.max_message, limits.max_frame);
        if first && header.fin {
            // A message in one frame needs no inflater of its own.
            let whole = self.inflate_message(kind, payload, max.min(max_frame), inbound);
            whole.map_err(|violation| {
                let of_the_frame = violation == Violation::MessageTooBig && max_frame < max;
                if of_the_frame {
                    Violation::FrameTooBig
                } else {
                    violation
                }
            })?;
            self.message.check_text(kind, inbound.deflate.bytes())?;
            self.message.finish()?;
        } else {
            self.message.begin_frame(header);
            let shared = &mut inbound.deflate;
            let whole = shared.frame(payload, &mut self.kept, max, max_frame);
            // What is wrong with the text comes before what is wrong behind it.
            self.message.check_text(kind, shared.bytes())?;
            whole?;
            if header.fin {
                Shared::may_end(&mut self.kept)?;
                self.message.finish()?;
                shared.end(&mut self.kept, direction);
            }
        }
        let part = Part {
            kind,
            data: &[],
            frame_len: Some(header.len),
            starts_message: first,
            ends_frame: true,
            ends_message: header.fin,
        };
        let all = inbound.deflate.bytes().len();
        Ok(Progress::Found(end, Found::InflatedPart(part, all)))
    }

    /// What has arrived of a frame, or some of it, of a message that is delivered as it arrives.
    pub(super) fn inflate_chunk(
        &mut self,
        input: &mut [u8],
        inbound: &mut Inbound,
    ) -> Result<Progress, Violation> {
        let left = self.progress;
        let have = usize::try_from(left).unwrap_or(usize::MAX).min(input.len());
        let first = self.stream == Stream::First;
        if first && have == 0 && left > 0 {
            return Ok(Progress::Need(usize::try_from(left).unwrap_or(usize::MAX)));
        }
        let data = input.get_mut(..have.min(WINDOW)).unwrap_or_default();
        mask::apply(self.key, 0, data);
        let max = self.config.limits.max_message;
        let piece = inbound.deflate.part(data, &mut self.kept, max)?;
        self.key = mask::rotate(self.key, piece.consumed as u64);
        // What the inflater left goes back as it came.
        let rest = data.get_mut(piece.consumed..).unwrap_or_default();
        mask::apply(self.key, 0, rest);
        self.progress = left.saturating_sub(piece.consumed as u64);
        let frame_len = match &mut self.kept {
            Some(kept) if first => kept.frame_len(left),
            Some(_) | None => None,
        };
        let inflated = inbound.deflate.bytes().len();
        let goes_on = self.progress > 0 || piece.more;
        // A part is heard of when there is something in it, or its frame ends: not before what is wrong with it.
        if inflated == 0 && goes_on {
            return Ok(match piece.consumed {
                0 => Progress::Need(usize::try_from(left).unwrap_or(usize::MAX)),
                consumed => Progress::Passed(consumed),
            });
        }
        if let Some(kept) = &mut self.kept {
            kept.forget_frame_len();
        }
        self.stream = Stream::More;
        let (part, len) = self.chunk_part(!goes_on, inbound)?;
        let part = Part {
            frame_len,
            starts_message: first && self.message.is_first_frame(),
            ..part
        };
        if part.ends_message {
            self.message.finish()?;
        }
        let found = Found::InflatedPart(part, len);
        Ok(Progress::Found(piece.consumed, found))
    }

    /// What was inflated as a part, and how much of it is good. What is wrong behind that is left for the next call.
    fn chunk_part(
        &mut self,
        ends_frame: bool,
        inbound: &mut Inbound,
    ) -> Result<(Part<'static>, usize), Violation> {
        let kind = self.message.kind_in_progress();
        let ends_message = ends_frame && self.stream_fin;
        let data = inbound.deflate.bytes();
        let whole = if ends_message {
            Shared::may_end(&mut self.kept)
        } else {
            Ok(())
        };
        let good = self.message.check_piece(kind, data, false)?;
        let mut fault = whole.err();
        if good < data.len() {
            fault = Some(Violation::InvalidUtf8);
        } else if fault.is_none() && ends_message {
            // The last bytes of a message may come out before the frame has ended, so what is missing behind them must
            // not hold them back.
            fault = self.message.check_end(kind).err();
        }
        match (fault, &mut self.kept) {
            (Some(fault), Some(kept)) if good > 0 => kept.fault(fault),
            (Some(fault), _) => return Err(fault),
            (None, _) => {}
        }
        let ends_frame = ends_frame && fault.is_none();
        let ends_message = ends_message && fault.is_none();
        if ends_frame {
            self.stream = Stream::No;
        }
        if let (true, Some(direction)) = (ends_message, self.deflate) {
            inbound.deflate.end(&mut self.kept, direction);
        }
        let part = Part {
            kind,
            data: &[],
            frame_len: None,
            starts_message: false,
            ends_frame,
            ends_message,
        };
        Ok((part, good))
    }
}
