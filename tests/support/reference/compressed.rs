//! Compressed messages: what arrives of them is inflated when it can be delivered, and judged then.
//!
//! What is wrong with a text comes before what is wrong behind it: a byte that no text has, then the limit and the
//! blocks, and at the end a character that is not whole.
//!
//! Not here: DEFLATE (`inflate`), frames (`receiver`).

use super::frame::Head;
use super::inflate::{self, Stream};
use super::receiver::{Message, Receiver};
use super::{Said, text};
use sockeye::proto::{Delivery, MessageKind, Violation};

impl Message {
    /// The first of these that no text can have there.
    fn bad_text(&mut self, said: &[u8]) -> Option<usize> {
        if self.kind == MessageKind::Binary {
            return None;
        }
        said.iter().position(|byte| !self.text.goes_on(*byte))
    }
}

impl Receiver {
    pub(super) fn compressed_byte(&mut self, head: &Head, byte: u8) -> Result<(), Violation> {
        if self.setup.delivery == Delivery::Chunks {
            return self.inflate_as_it_arrives(head, byte);
        }
        self.payload.push(byte);
        Ok(())
    }

    pub(super) fn compressed_frame_ends(&mut self, head: &Head) -> Result<(), Violation> {
        match self.setup.delivery {
            Delivery::Messages => self.inflate_at_the_end(head),
            Delivery::Frames => self.inflate_frame(head),
            Delivery::Chunks => {
                self.stream_may_end(head)?;
                self.hear_part(head, &[]);
                self.part_ends(head);
                Ok(())
            }
        }
    }

    /// A message that is delivered whole.
    fn inflate_at_the_end(&mut self, head: &Head) -> Result<(), Violation> {
        let payload = std::mem::take(&mut self.payload);
        let max = most(self.setup.limits.max_message);
        let Some(message) = &mut self.message else {
            return Ok(());
        };
        message.bytes.extend(payload);
        if !head.fin {
            return Ok(());
        }
        let mut stream = Stream::new(&self.history, max);
        let fault = stream.feed(&message.bytes).err();
        let said = stream.out()[..stream.out().len().min(max)].to_vec();
        if message.bad_text(&said).is_some() {
            return Err(Violation::InvalidUtf8);
        }
        if let Some(fault) = fault {
            return Err(fault);
        }
        if !message.bytes.is_empty() && !stream.may_end() {
            return Err(Violation::InvalidDeflate);
        }
        if message.kind == MessageKind::Text && !text::is_text(&said) {
            return Err(Violation::InvalidUtf8);
        }
        let kind = message.kind;
        self.remember(&said);
        self.hear(Said::message(kind, said));
        Ok(())
    }

    /// A frame of a message that is delivered frame by frame.
    fn inflate_frame(&mut self, head: &Head) -> Result<(), Violation> {
        let payload = std::mem::take(&mut self.payload);
        let limits = self.setup.limits;
        let stream = self.stream();
        let before = stream.out().len();
        let left = most(limits.max_message) - before;
        let fault = stream.feed(&payload).err();
        let mut said = stream.out()[before..].to_vec();
        let is_too_big = said.len() as u64 > limits.max_frame;
        let fault = match fault {
            // What comes first: the frame's limit, the message's, or what is wrong behind as much as they allow.
            _ if is_too_big && limits.max_frame < left as u64 => Some(Violation::FrameTooBig),
            fault => fault,
        };
        said.truncate(left.min(most(limits.max_frame)));
        let Some(message) = &mut self.message else {
            return Ok(());
        };
        if message.bad_text(&said).is_some() {
            return Err(Violation::InvalidUtf8);
        }
        if let Some(fault) = fault {
            return Err(fault);
        }
        self.stream_may_end(head)?;
        self.hear_part(head, &said);
        self.part_ends(head);
        Ok(())
    }

    /// A byte of a message that is delivered as it arrives.
    fn inflate_as_it_arrives(&mut self, head: &Head, byte: u8) -> Result<(), Violation> {
        let max = most(self.setup.limits.max_message);
        let stream = self.stream();
        let before = stream.out().len();
        let fault = stream.feed(&[byte]).err();
        let to = stream.out().len().min(max);
        let said = stream.out()[before.min(to)..to].to_vec();
        let Some(message) = &mut self.message else {
            return Ok(());
        };
        let bad = message.bad_text(&said);
        let good = &said[..bad.unwrap_or(said.len())];
        if !good.is_empty() {
            self.hear_part(head, good);
        }
        match (bad, fault) {
            (Some(_), _) => Err(Violation::InvalidUtf8),
            (None, Some(fault)) => Err(fault),
            (None, None) => Ok(()),
        }
    }

    /// The inflater of the message in progress.
    fn stream(&mut self) -> &mut Stream {
        let history = &self.history;
        let max = most(self.setup.limits.max_message);
        let message = self.message.as_mut().expect("a message is in progress");
        message
            .stream
            .get_or_insert_with(|| Stream::new(history, max))
    }

    /// At the end of a message, that it may end there.
    fn stream_may_end(&mut self, head: &Head) -> Result<(), Violation> {
        if !head.fin {
            return Ok(());
        }
        let received = self.message.as_ref().map_or(0, |message| message.received);
        let stream = self.stream();
        // Nothing at all is an empty message.
        if received + head.len > 0 && !stream.may_end() {
            return Err(Violation::InvalidDeflate);
        }
        let said = stream.out().to_vec();
        if self
            .message
            .as_ref()
            .is_some_and(|open| !open.text.may_end())
        {
            return Err(Violation::InvalidUtf8);
        }
        self.remember(&said);
        Ok(())
    }

    /// What later messages may refer to. Who was promised 8 bits keeps 9: many senders cannot do less.
    fn remember(&mut self, said: &[u8]) {
        if let Some(compression) = self.setup.compression.filter(|agreed| agreed.takeover) {
            inflate::keep(&mut self.history, said, compression.window_bits.max(9));
        }
    }
}

fn most(limit: u64) -> usize {
    usize::try_from(limit).unwrap_or(usize::MAX)
}
