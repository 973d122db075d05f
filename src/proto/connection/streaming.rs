//! Receiving frames whose payload passes through piece by piece: as chunks, or to be thrown away.
//!
//! Not here: what comes compressed, which is `inflating`; frames that are collected whole, which is `receive`.

use super::closing::{Action, Input, State};
use super::event::Part;
use super::found::Found;
use super::receive::{Progress, Receiver};
use super::sink::Inbound;
use crate::proto::Violation;
use crate::proto::frame::{Header, mask};
use crate::proto::message::Assembly;

/// Whether a frame's payload passes through piece by piece.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Stream {
    /// No: the next byte is a header's, or the frame is collected whole.
    No,
    /// Its first piece has not been delivered.
    First,
    /// Its first piece has been delivered.
    More,
    /// Nobody wants it.
    Discard,
}

impl Receiver {
    /// From here the frame's payload passes through piece by piece.
    pub(super) fn begin_stream(
        &mut self,
        header: &Header,
        head_len: usize,
        stream: Stream,
    ) -> Progress {
        self.progress = header.len;
        self.key = header.mask.unwrap_or_default();
        self.stream = stream;
        self.stream_fin = header.fin;
        Progress::Passed(head_len)
    }

    pub(super) fn stream_on(
        &mut self,
        input: &mut [u8],
        inbound: &mut Inbound,
        state: State,
    ) -> Result<Progress, Violation> {
        let left = self.progress;
        let have = usize::try_from(left).map_or(input.len(), |left| left.min(input.len()));
        let discards =
            self.stream == Stream::Discard || state.on(Input::Frame).0 == Action::Discard;
        if !discards && self.message.is_compressed_in_progress() {
            return self.inflate_chunk(input, inbound);
        }
        if have == 0 && left > 0 {
            return Ok(Progress::Need(usize::try_from(left).unwrap_or(usize::MAX)));
        }
        // Our own close may have come between two pieces.
        if discards {
            self.kept = None;
            if self.pass(have, Stream::Discard) && self.stream_fin {
                // Begun before our close, so the message's end has to be noted here.
                self.message = Assembly::default();
            }
            return Ok(Progress::Passed(have));
        }
        let data = input.get_mut(..have).unwrap_or_default();
        mask::apply(self.key, 0, data);
        let kind = self.message.kind_in_progress();
        let last = self.stream_fin && left == have as u64;
        let good = self.message.check_piece(kind, data, last)?;
        self.key = mask::rotate(self.key, good as u64);
        // Bad text goes back as it came, to be refused by the next call.
        mask::apply(self.key, 0, data.get_mut(good..).unwrap_or_default());
        let first = self.stream == Stream::First;
        let ends_frame = self.pass(good, Stream::More);
        let ends_message = ends_frame && self.stream_fin;
        let part = Part {
            kind,
            data: &[],
            frame_len: first.then_some(left),
            starts_message: first && self.message.is_first_frame(),
            ends_frame,
            ends_message,
        };
        if ends_message {
            self.message.finish()?;
        }
        Ok(Progress::Found(good, Found::Part(part, 0..good)))
    }

    /// Counts streamed bytes off; says whether they were the frame's last, and if not, what it goes on as.
    fn pass(&mut self, bytes: usize, onward: Stream) -> bool {
        self.progress -= bytes as u64;
        let ends_frame = self.progress == 0;
        self.stream = if ends_frame { Stream::No } else { onward };
        ends_frame
    }
}
